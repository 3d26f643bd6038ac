package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// admin runs an administration command against the running server and returns what it printed.
func (p *program) admin(want bool, args ...string) string {
	p.t.Helper()
	command := programCommand(p.t.Context(), p.t, append([]string{"admin"}, append(args, "--data-dir", p.dataDir)...)...)
	out, err := command.CombinedOutput()
	if (err == nil) != want {
		p.t.Fatalf("admin %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// An employer's first log-in, by what an operator has in hand: the printed password, then a lost phone,
// then a forgotten password.
func TestOperatorHelpsPeopleIn(t *testing.T) {
	t.Parallel()
	p := startProgram(t, preparedFolder(t))
	const email = "person@example.org"
	printed := func(text, before string) string {
		t.Helper()
		found := regexp.MustCompile(before + ` ([a-z2-7]{26})`).FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("no password in %q", text)
		}
		return found[1]
	}
	account := demoAccount{Email: email}
	account.Password = printed(p.admin(true, "account", "--kind", "employer", "--organization", "Example Ltd", email), "password")

	employer := p.logIn(account)
	if refused := employer.get(t, "/api/v1/shared", http.StatusForbidden); !strings.Contains(refused, "urn:greenroom:second-factor") {
		t.Errorf("before the second factor: %s", refused)
	}
	account.SecondFactor = employer.setUpFactor(t, p.dataDir)
	employer.get(t, "/api/v1/shared", http.StatusOK)
	again := p.logIn(account)

	p.admin(true, "reset-second-factor", email)
	again.get(t, "/api/v1/me", http.StatusUnauthorized)
	account.SecondFactor = ""
	if me := p.logIn(account).get(t, "/api/v1/me", http.StatusOK); !strings.Contains(me, `"needed"`) {
		t.Errorf("after the reset: %s", me)
	}

	old := account
	account.Password = printed(p.admin(true, "reset-password", email), "the password")
	(&browser{address: p.address}).post(t, "/api/v1/log-in", proofOf(t, p.dataDir, old), http.StatusUnauthorized)
	p.logIn(account)

	for _, args := range [][]string{{"reset-password", "nobody@example.org"}, {"reset-second-factor", "nobody@example.org"}, {"code", email}} {
		if said := p.admin(false, args...); !strings.Contains(said, args[1]) {
			t.Errorf("admin %v says %q, want the address it does not know", args, said)
		}
	}
	if code := p.admin(true, "code", p.accounts().Ops.Email); !regexp.MustCompile(`^\d{6} \(for another \d+ s\)`).MatchString(code) {
		t.Errorf("the code of a demo account: %q", code)
	}
}
