package main

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

// Yesterday's backup of the database comes back: what was withdrawn since is withdrawn again before the
// first page is served, although the server was killed and its journal has half a line too many.
func TestRestoredDatabaseIsToldWhatItForgot(t *testing.T) {
	t.Parallel()
	dataDir := preparedFolder(t)
	p := startProgram(t, dataDir)
	accounts := p.accounts()
	candidate, employer := p.logIn(accounts.Candidate), p.logIn(accounts.Employer)
	session := candidate.consented(t)
	record := candidate.share(t, session)
	id := strings.TrimPrefix(session, "/api/v1/sessions/")
	if list := employer.get(t, "/api/v1/shared", http.StatusOK); !strings.Contains(list, id) {
		t.Fatalf("the employer does not see what was shared: %s", list)
	}
	p.stop()
	cluster, backup := filepath.Join(dataDir, "postgres", "postgres", "cluster"), filepath.Join(t.TempDir(), "backup")
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	run("cp", "-a", cluster, backup)

	p = startProgram(t, dataDir)
	candidate.address = p.address
	candidate.post(t, session+"/authorizations/"+record+"/withdraw", "", http.StatusNoContent)
	p.kill() // right after the answer
	journal, err := os.OpenFile(filepath.Join(dataDir, "ledger", consent.JournalFile), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := journal.WriteString(`{"seq":99,"at":"20`); err != nil {
		t.Fatal(err)
	}
	_ = journal.Close()
	eventually(t, time.Minute, "the killed server's Postgres to end", func() bool {
		_, err := os.Stat(filepath.Join(cluster, "postmaster.pid"))
		return os.IsNotExist(err)
	})
	run("rm", "-rf", cluster)
	run("cp", "-a", backup, cluster)

	p = startProgram(t, dataDir)
	candidate, employer = p.logIn(accounts.Candidate), p.logIn(accounts.Employer)
	if list := employer.get(t, "/api/v1/shared", http.StatusOK); strings.Contains(list, id) {
		t.Errorf("the employer sees again what was withdrawn: %s", list)
	}
	if list := candidate.get(t, session+"/authorizations", http.StatusOK); !strings.Contains(list, `"state":"withdrawn"`) {
		t.Errorf("the candidate's withdrawal is gone: %s", list)
	}
	if said := p.output.String(); !strings.Contains(said, "restored from a backup") {
		t.Error("the server does not say that it found an old database")
	}
}

// share lets the first organization see the ratings for a day and returns the record's id.
func (b *browser) share(t *testing.T, session string) string {
	t.Helper()
	var list struct {
		Organizations []struct{ ID string } `json:"organizations"`
	}
	decode(t, b.get(t, "/api/v1/organizations", http.StatusOK), &list)
	until := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	var record struct{ ID string }
	decode(t, b.post(t, session+"/authorizations", `{"org_id":"`+list.Organizations[0].ID+`","purpose":"hiring","scopes":["ratings"],"valid_until":"`+until+`"}`,
		http.StatusCreated), &record)
	return record.ID
}

// Only a journal that was seen may be relied on.
func TestRestoringSaysWhetherThereIsAJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for path, text := range map[string]string{"journal/" + consent.JournalFile: "", "empty/x": "", "file": ""} {
		path = filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for folder, want := range map[string]string{"journal": "ends again", "empty": "has no journal", "none": "has no journal", "file": "not a directory"} {
		restore := adminRestore{LedgerDir: filepath.Join(dir, folder)}
		got := restore.journalAdvice()
		if !strings.Contains(got, want) || strings.HasPrefix(got, "WARNING") != (folder != "journal") {
			t.Errorf("%s: %q; want %q, and a warning unless it is there", folder, got, want)
		}
	}
}
