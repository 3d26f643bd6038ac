package main

import (
	"net/http"
	"strings"
	"testing"
)

// What an operator does to records is felt by the running server at once, and says what it did.
func TestOperatorEndsAndHolds(t *testing.T) {
	t.Parallel()
	p := startProgram(t, preparedFolder(t))
	candidate := p.logIn(p.accounts().Candidate)
	var made struct{ ID string }
	decode(t, candidate.post(t, "/api/v1/sessions", `{"role":"software-engineer","mode":"practice"}`, http.StatusCreated), &made)
	if said := p.admin(true, "hold", made.ID, "--reason", "a case", "--authority", "a court"); !strings.Contains(said, made.ID) {
		t.Errorf("hold says %q", said)
	}
	if report := candidate.get(t, "/api/v1/sessions/"+made.ID+"/report", http.StatusLocked); !strings.Contains(report, "legal hold") {
		t.Errorf("the candidate is told %s", report)
	}
	p.admin(true, "hold", made.ID, "--lift", "--reason", "closed")
	candidate.get(t, "/api/v1/sessions/"+made.ID+"/report", http.StatusOK)

	for want, args := range map[string][]string{
		"authority":       {"hold", made.ID, "--reason", "a case"},
		"no session":      {"hold", "somewhere", "--lift", "--reason", "closed"},
		"not under legal": {"hold", made.ID, "--lift", "--reason", "closed"},
		"no member":       {"member", "nobody@example.org", "--end"},
		"say what":        {"member", "employer@demo.test"},
		"no organization": {"organization", "Nobody", "--suspend"},
	} {
		if said := p.admin(false, args...); !strings.Contains(said, want) {
			t.Errorf("admin %v says %q, want %q", args, said, want)
		}
	}
	var organizations struct{ Organizations []struct{ Name string } }
	list := func() int {
		organizations.Organizations = nil
		decode(t, candidate.get(t, "/api/v1/organizations", http.StatusOK), &organizations)
		return len(organizations.Organizations)
	}
	before := list()
	p.admin(true, "organization", demoOrganization, "--suspend")
	if after := list(); after != before-1 {
		t.Errorf("%d organizations to share with, want %d", after, before-1)
	}
	p.admin(true, "organization", demoOrganization, "--restore")
	if after := list(); after != before {
		t.Errorf("%d organizations to share with, want %d", after, before)
	}
	p.admin(true, "member", "employer@demo.test", "--role", "billing")
	p.admin(true, "member", "employer@demo.test", "--end")
}
