package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// keepJournal opens a journal of the world's database and reconciles them.
func (w *world) keepJournal(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := OpenJournal(w.database, dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("open journal: %v", err)
	}
	t.Cleanup(func() { _ = j.Close() }) // some tests close it before
	return j
}

func (w *world) url() string { return testURL(w.database.Pool(RoleAudit).Config().ConnConfig.Database) }

func (w *world) reconcile(t *testing.T, j *Journal) int {
	t.Helper()
	restored, err := j.Reconcile(t.Context(), w.url())
	if err != nil {
		t.Fatalf("reconcile: %v", err)
	}
	return restored
}

// journalled reads a folder as anybody could who has a copy of it, with the keys beside it.
func journalled(t *testing.T, dir string) ([]consent.LedgerEntry, consent.LedgerReading) {
	t.Helper()
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	keys, err := consent.ParseKeySet(read(consent.LedgerKeysFile))
	if err != nil {
		t.Fatal(err)
	}
	var entries []consent.LedgerEntry
	r, err := consent.LedgerFiles{
		Journal: bytes.NewReader(read(consent.JournalFile)), Checkpoints: bytes.NewReader(read(consent.CheckpointsFile)),
	}.Read(
		func(l consent.CheckpointLine) error { _, err := l.Verify(keys); return err },
		func(e consent.LedgerEntry) error { entries = append(entries, e); return nil })
	if err != nil {
		t.Fatalf("read the ledger folder: %v", err)
	}
	return entries, r
}

func TestJournalHasWhatTheLedgerHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "ledger")
	id := w.consented(t, w.alice, allConsents) // before there was a journal
	j := w.keepJournal(t, dir)
	if restored := w.reconcile(t, j); restored != 0 {
		t.Errorf("%d entries were put back into a database that lacks none", restored)
	}
	granted := w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, granted.ID); err != nil {
		t.Fatal(err)
	}
	entries, r := journalled(t, dir)
	ledger := wholeLedger(t, w.database)
	if len(entries) != 4 || entries[3].Kind != consent.LedgerAuthorizationWithdrawn || entries[3].Authorization != granted.ID || len(ledger) != 4 {
		t.Errorf("the journal has %+v, the ledger %d entries", entries, len(ledger))
	}
	if last, ok := j.Checkpoint(); !ok || last != r.Last || last.Seq != 4 || last.Chain != ledger[3].Chain {
		t.Errorf("checkpoint %+v, the file ends with %+v", last, r.Last)
	}
	for _, name := range []string{consent.JournalFile, consent.CheckpointsFile, consent.LedgerKeysFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v; want 0600", name, info.Mode(), err)
		}
	}
	if _, err := OpenJournal(w.database, dir, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("two servers write one journal")
	}
	marks := r.Checkpoints
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, r := journalled(t, dir); r.Checkpoints != marks {
		t.Errorf("a flush without news signed a checkpoint: %d, then %d", marks, r.Checkpoints)
	}
}

// Whoever is told that something ended can rely on it being outside the database.
func TestEndingsAreInTheJournalBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	w.reconcile(t, w.keepJournal(t, dir))
	var all sync.WaitGroup
	for _, of := range []consent.Account{w.alice, w.bob, w.alice, w.bob} {
		id := w.consented(t, of, allConsents)
		all.Go(func() {
			granted := w.share(t, of, id, w.acme, consent.ScopeRatings)
			if err := w.sessions.WithdrawAuthorization(t.Context(), of.ID, id, granted.ID); err != nil {
				t.Error(err)
			}
			text, err := os.ReadFile(filepath.Join(dir, consent.JournalFile))
			if err != nil || !strings.Contains(string(text), fmt.Sprintf(`"kind":"authorization_withdrawn","session":%q`, id)) {
				t.Errorf("the withdrawal was answered, and is not in the journal (%v)", err)
			}
			if _, err := w.sessions.WithdrawConsent(t.Context(), of.ID, id, consent.ConsentRecording); err != nil {
				t.Error(err)
			}
			if text, err = os.ReadFile(filepath.Join(dir, consent.JournalFile)); err != nil ||
				!strings.Contains(string(text), fmt.Sprintf(`"kind":"consent_withdrawn","session":%q`, id)) {
				t.Errorf("the consent was withdrawn, and that is not in the journal (%v)", err)
			}
		})
	}
	all.Wait()
	journalled(t, dir)
}

// A new record ends the one whose place it takes: that end is in the journal before the answer as well.
func TestSupersedingIsInTheJournalBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	w.reconcile(t, w.keepJournal(t, dir))
	id := w.consented(t, w.alice, allConsents)
	supersedes := func(what string, old consent.AuthorizationID, move func() (consent.Authorization, error)) consent.Authorization {
		t.Helper()
		granted, err := move()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		text, err := os.ReadFile(filepath.Join(dir, consent.JournalFile))
		if err != nil || !strings.Contains(string(text), fmt.Sprintf(`"kind":"authorization_superseded","session":%q,"authorization":%q`, id, old)) {
			t.Errorf("%s was answered, and the end of the old record is not in the journal (%v)", what, err)
		}
		return granted
	}
	first := w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	_, secret := w.invite(t, w.alice, id, consent.ScopeRatings)
	request := w.redeem(t, w.acmes, secret)
	confirmed := supersedes("confirming a request", first.ID, func() (consent.Authorization, error) {
		return w.sessions.ConfirmRequest(t.Context(), w.alice.ID, id, request.ID)
	})
	newest := w.publish(t, consent.Notice{Version: 2, Materiality: consent.MaterialityReconsent, Text: "# What happens\n\nWe record, and sell."})
	supersedes("agreeing to a newer notice", confirmed.ID, func() (consent.Authorization, error) {
		return w.sessions.Renew(t.Context(), w.alice.ID, id, confirmed.ID, newest.SHA256())
	})
}

func TestJournalFollowsOtherNodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	j := w.keepJournal(t, dir)
	w.reconcile(t, j)
	w.database.journal.Store(nil) // what happens now is another node's
	changes, _ := listening(t, w)
	heard := changes.SubscribeLedger(t.Context())
	w.consented(t, w.alice, allConsents)
	await(t, heard, anything[struct{}])
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wake, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- j.Run(ctx, wake) }()
	for range 2 { // the second is taken when the flush for the first is over
		select {
		case wake <- struct{}{}:
		case <-deadline(t):
			t.Fatal("the journal does not listen")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if entries, _ := journalled(t, dir); len(entries) != 2 {
		t.Errorf("%d entries, want 2", len(entries))
	}
}

// A crash tears the end of a file; the server starts all the same and writes it again.
func TestTornJournalIsCutAndWrittenAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.consented(t, w.alice, consent.Consents{})
	}
	whole := t.TempDir()
	j := w.keepJournal(t, whole)
	w.reconcile(t, j)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	want, _ := journalled(t, whole)
	for name, tear := range map[string]func(dir string){
		"half a line more":       func(dir string) { addTo(t, dir, consent.JournalFile, `{"seq":5,"at"`) },
		"zeros":                  func(dir string) { addTo(t, dir, consent.JournalFile, string(make([]byte, 5000))) },
		"half a checkpoint more": func(dir string) { addTo(t, dir, consent.CheckpointsFile, `{"seq":4,`) },
		"no checkpoint yet":      func(dir string) { cutTo(t, dir, consent.CheckpointsFile, 0) },
		"cut in a line, no checkpoint yet": func(dir string) {
			cutTo(t, dir, consent.CheckpointsFile, 0)
			cutTo(t, dir, consent.JournalFile, 300)
		},
	} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		tear(dir)
		if restored := w.reconcile(t, w.keepJournal(t, dir)); restored != 0 {
			t.Errorf("%s: %d entries were put back", name, restored)
		}
		got, r := journalled(t, dir)
		if fmt.Sprint(got) != fmt.Sprint(want) || r.JournalTorn || r.CheckpointsTorn || r.Last.Seq != 4 {
			t.Errorf("%s: after cutting: %+v", name, r)
		}
	}
}

func addTo(t *testing.T, dir, name, text string) {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteString(text)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

func cutTo(t *testing.T, dir, name string, size int64) {
	t.Helper()
	if err := os.Truncate(filepath.Join(dir, name), size); err != nil {
		t.Fatal(err)
	}
}

// T58: what no crash does to a folder stops the start.
func TestChangedJournalStopsTheStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.consented(t, w.alice, consent.Consents{})
	}
	whole := t.TempDir()
	j := w.keepJournal(t, whole)
	w.reconcile(t, j)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	replace := func(dir, name, from, to string) {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), from) {
			t.Fatalf("%q is not in %s: %v", from, name, err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), from, to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(dir string){
		"truncated": func(dir string) { cutTo(t, dir, consent.JournalFile, 300) },
		"changed": func(dir string) {
			replace(dir, consent.JournalFile, "consents_answered", "consent_withdrawn")
		},
		"a line is missing": func(dir string) {
			text, _ := os.ReadFile(filepath.Join(dir, consent.JournalFile))
			_, rest, _ := strings.Cut(string(text), "\n")
			if err := os.WriteFile(filepath.Join(dir, consent.JournalFile), []byte(rest), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"a forged checkpoint": func(dir string) {
			forged, err := openTestNotary(t, t.TempDir()).sign(consent.DocumentCheckpoint, consent.Checkpoint{})
			if err != nil {
				t.Fatal(err)
			}
			var l consent.CheckpointLine
			text, _ := os.ReadFile(filepath.Join(dir, consent.CheckpointsFile))
			if err := json.Unmarshal(text, &l); err != nil {
				t.Fatal(err)
			}
			replace(dir, consent.CheckpointsFile, l.JWS, forged)
		},
	} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		change(dir)
		_, err := OpenJournal(w.database, dir, slog.New(slog.DiscardHandler))
		if !errors.Is(err, consent.ErrLedger) && !errors.Is(err, consent.ErrSignature) {
			t.Errorf("%s: opened with %v", name, err)
		}
	}
}

// A journal that cannot be written never undoes an ending: the server says that it is not ready.
func TestJournalThatCannotBeWrittenIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	j := w.keepJournal(t, dir)
	w.reconcile(t, j)
	id := w.consented(t, w.alice, allConsents)
	granted := w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	writable := j.journal.file
	readOnly, err := os.Open(filepath.Join(dir, consent.JournalFile))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = readOnly.Close() }()
	j.journal.file = readOnly
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, granted.ID); err != nil {
		t.Errorf("the withdrawal failed with the journal: %v", err)
	}
	if got := states(t, w, w.alice, id); got[consent.AuthorizationWithdrawn] != 1 {
		t.Errorf("states %v, want it withdrawn", got)
	}
	if err := j.Check(); err == nil {
		t.Error("the journal says that it is well")
	}
	j.journal.file = writable
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := j.Check(); err != nil {
		t.Errorf("after it could be written again: %v", err)
	}
	if entries, _ := journalled(t, dir); len(entries) != 4 {
		t.Errorf("%d entries, want 4", len(entries))
	}
}

// T49: grants and withdrawals at once, each asked for twice. What the ledger says happened, in its order,
// is what the rows say; whatever was withdrawn is not there any more, whoever came at the same moment.
func TestRacesOfGrantAndWithdrawHaveOneOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.consented(t, w.alice, allConsents)
	var all sync.WaitGroup
	var mu sync.Mutex
	withdrawn := map[consent.AuthorizationID]bool{}
	for range 4 {
		all.Go(func() {
			for range 3 {
				granted, err := w.sessions.Authorize(t.Context(), w.alice.ID, id, shareRequest(w.acme))
				if err != nil {
					t.Errorf("authorize: %v", err)
					return
				}
				var twice sync.WaitGroup
				for range 2 {
					twice.Go(func() {
						if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, granted.ID); err != nil {
							t.Errorf("withdraw: %v", err)
						}
					})
				}
				twice.Wait()
				mu.Lock()
				withdrawn[granted.ID] = true
				mu.Unlock()
			}
		})
		all.Go(func() {
			for range 3 {
				if _, err := w.sessions.Authorize(t.Context(), w.alice.ID, id, shareRequest(w.acme)); err != nil {
					t.Errorf("authorize: %v", err)
				}
			}
		})
	}
	all.Wait()
	live := map[consent.AuthorizationID]bool{}
	ended := map[consent.AuthorizationID]consent.LedgerKind{}
	for _, e := range wholeLedger(t, w.database) {
		switch e.Kind {
		case consent.LedgerAuthorizationGranted:
			live[e.Authorization] = true
		case consent.LedgerAuthorizationWithdrawn, consent.LedgerAuthorizationSuperseded:
			if !live[e.Authorization] {
				t.Errorf("entry %d ends what was not granted, or ended before", e.Seq)
			}
			delete(live, e.Authorization)
			ended[e.Authorization] = e.Kind
		default:
		}
		if len(live) > 2 { // the new one stands beside the one it supersedes for no longer than one transaction
			t.Errorf("at entry %d %d records are live", e.Seq, len(live))
		}
	}
	list, err := w.sessions.Authorizations(t.Context(), w.alice.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if (a.State == consent.AuthorizationGranted) != live[a.ID] {
			t.Errorf("record %s is %s; by the ledger live is %t", a.ID, a.State, live[a.ID])
		}
		if a.State != consent.AuthorizationGranted && "authorization_"+string(a.State) != string(ended[a.ID]) {
			t.Errorf("record %s is %s; the ledger says %s", a.ID, a.State, ended[a.ID])
		}
		if withdrawn[a.ID] && live[a.ID] {
			t.Errorf("record %s was withdrawn and is live", a.ID)
		}
	}
	if len(live) > 1 || len(list) != 24 {
		t.Errorf("%d of %d records are live, want at most one of 24", len(live), len(list))
	}
	receipts := w.ownerCount(t, `SELECT count(*) FROM receipts WHERE authorization_id <> ''`)
	if want := 2 * (len(list) + len(ended)); receipts != want {
		t.Errorf("%d receipts, want one for each side of each of %d grants and %d ends", receipts, len(list), len(ended))
	}
}

// tamper changes the ledger as somebody could who owns the database.
func (w *world) tamper(t *testing.T, statement string, args ...any) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), w.owner, func(tx pgx.Tx) error {
		for _, step := range []string{`ALTER TABLE ledger DISABLE TRIGGER append_only`, statement, `ALTER TABLE ledger ENABLE TRIGGER append_only`} {
			var err error
			if step == statement {
				_, err = tx.Exec(t.Context(), step, args...)
			} else {
				_, err = tx.Exec(t.Context(), step)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// T58: a ledger that was changed inside the database, behind the journal's end or before it.
func TestChangedDatabaseLedgerIsFound(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"another kind":    `UPDATE ledger SET kind = 'session_unrestricted' WHERE seq = 2`,
		"another time":    `UPDATE ledger SET at = at - interval '1 day' WHERE seq = 2`,
		"another account": `UPDATE ledger SET account = '' WHERE seq = 2`,
		"a gap":           `UPDATE ledger SET seq = 9 WHERE seq = 3`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			dir := t.TempDir()
			for range 2 {
				w.consented(t, w.alice, allConsents)
			}
			j := w.keepJournal(t, dir)
			w.reconcile(t, j)
			w.database.journal.Store(nil)
			w.consented(t, w.alice, allConsents)
			w.ownerExec(t, `DELETE FROM receipts`)
			w.ownerExec(t, `DELETE FROM ledger_openings`)
			w.tamper(t, statement)
			if strings.Contains(statement, "seq = 3") { // the journal has not seen it yet
				if err := j.Flush(t.Context()); !errors.Is(err, consent.ErrLedger) {
					t.Errorf("the journal takes it over: %v", err)
				}
				return
			}
			if _, err := j.Reconcile(t.Context(), w.url()); !errors.Is(err, ErrFork) || !strings.Contains(err.Error(), "entry 2") {
				t.Errorf("reconcile: %v, want ErrFork from entry 2 on", err)
			}
		})
	}
}
