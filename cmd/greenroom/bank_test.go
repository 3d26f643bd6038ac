package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ownBank copies the built-in bank as an operator would and changes two of its files.
func ownBank(t *testing.T, version, title string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bank")
	if err := (bankCopy{Dir: dir}).Run(); err != nil {
		t.Fatal(err)
	}
	change := func(name, field, value string) {
		t.Helper()
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file map[string]any
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		file[field] = value
		if text, err = json.Marshal(file); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	change("competencies.json", "version", version)
	change("role-software-engineer.json", "title", title)
	return dir
}

func brokenBank(t *testing.T) string {
	t.Helper()
	return ownBank(t, "", "")
}

func TestTheBuiltInBankIsCopiedIntoNewFoldersOnly(t *testing.T) {
	t.Parallel()
	dir := ownBank(t, "own-1", "Gopher")
	if err := (bankCopy{Dir: dir}).Run(); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("a second copy over the first: %v", err)
	}
	own, err := readBank(dir)
	if err != nil {
		t.Fatal(err)
	}
	built, err := readBank("")
	if err != nil {
		t.Fatal(err)
	}
	if own.Version != "own-1" || own.SHA256 == built.SHA256 || len(own.Roles) != len(built.Roles) {
		t.Errorf("the changed copy is %s %s with %d roles", own.Version, own.SHA256, len(own.Roles))
	}
	var said strings.Builder
	if err := printBank(&said, own); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"own-1", own.SHA256, "software-engineer", "12 questions", "behavioural"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("%q does not say %q", said.String(), want)
		}
	}
	if err := (bankCheck{Dir: brokenBank(t)}).Run(); err == nil || !strings.Contains(err.Error(), "version is missing") {
		t.Errorf("a bank without a version: %v", err)
	}
}

func TestAServerAsksFromTheOperatorsBank(t *testing.T) {
	t.Parallel()
	p := startProgram(t, preparedFolder(t), "GREENROOM_BANK_DIR="+ownBank(t, "own-1", "Gopher"))
	candidate := p.logIn(p.accounts().Candidate)
	var bank struct {
		Version string `json:"version"`
		Roles   []struct{ ID, Title string }
	}
	decode(t, candidate.get(t, "/api/v1/bank", 200), &bank)
	titles := map[string]string{}
	for _, role := range bank.Roles {
		titles[role.ID] = role.Title
	}
	if bank.Version != "own-1" || titles["software-engineer"] != "Gopher" {
		t.Errorf("the server's bank is %s with %v", bank.Version, titles)
	}
	var session struct {
		RoleTitle        string `json:"role_title"`
		Questions, Takes int
	}
	decode(t, candidate.post(t, "/api/v1/sessions", `{"role":"software-engineer","mode":"practice","questions":5}`, 201), &session)
	if session.RoleTitle != "Gopher" || session.Questions != 5 || session.Takes != 3 {
		t.Errorf("an interview of it is %+v", session)
	}
	if said := p.output.String(); !strings.Contains(said, "question bank own-1 in ") {
		t.Errorf("the first screen does not name the bank:\n%s", said)
	}
}
