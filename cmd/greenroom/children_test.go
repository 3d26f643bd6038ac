package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestChildLeavesNothing: who is too young is refused before anything is stored, counted or logged, and a
// child who lied is erased when somebody reports it.
func TestChildLeavesNothing(t *testing.T) {
	t.Parallel()
	p := startProgram(t, preparedFolder(t))
	born := time.Now().AddDate(-16, 0, 1).Format(time.DateOnly) // a birthday tomorrow
	stranger := &browser{address: p.address}
	stranger.post(t, "/api/v1/age-check", fmt.Sprintf(`{"birth_date":%q}`, born), http.StatusOK)
	stranger.post(t, "/api/v1/accounts", fmt.Sprintf(`{"birth_date":%q,"email":"refusedcanary@example.org","display_name":"refusedcanary",
		"password":"a long row of refusedcanary"}`, born), http.StatusForbidden)
	p.nowhere(t, "refusedcanary")
	p.nowhere(t, born)
	if stranger.cookie != "" {
		t.Errorf("a refused child gets a cookie: %s", stranger.cookie)
	}

	account, liar := p.signUpAs("liarcanary", "liarcanary@example.org")
	if len(p.places(t, "liarcanary")) == 0 {
		t.Fatal("the search does not find what is stored")
	}
	liar.get(t, "/api/v1/me", http.StatusOK)
	if said := p.admin(true, "child", account.Email); !strings.Contains(said, "closed and erased") {
		t.Errorf("admin child says %q", said)
	}
	liar.get(t, "/api/v1/me", http.StatusUnauthorized)
	liar.post(t, "/api/v1/log-in", fmt.Sprintf(`{"email":%q,"password":%q}`, account.Email, account.Password), http.StatusUnauthorized)
	p.admin(false, "child", "nobody@example.org")
}
