package web

import (
	"net/http"
	"testing"
)

const otherPassword = "unhappy giraffes paint walls"

func TestChangePassword(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	s.knows(t, p.account, goodPassword)
	elsewhere, stranger := p.again(), s.candidate(t)
	change := func(now, next string) reply {
		return p.do(http.MethodPut, "/api/v1/me/password", map[string]any{"password": now, "new_password": next})
	}
	for name, c := range map[string][2]string{
		"the wrong present one": {"not my password at all", otherPassword},
		"a short one":           {goodPassword, "short"},
		"the same again":        {goodPassword, goodPassword},
		"a guessable one":       {goodPassword, p.account.Email},
	} {
		if got := change(c[0], c[1]); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d %s, want 422", name, got.status, got.body)
		}
	}
	elsewhere.get("/api/v1/me").want(http.StatusOK)
	change(goodPassword, otherPassword).want(http.StatusNoContent)
	p.get("/api/v1/me").want(http.StatusOK)
	elsewhere.get("/api/v1/me").want(http.StatusUnauthorized)
	stranger.get("/api/v1/me").want(http.StatusOK)
	logIn := func(password string) reply {
		return s.nobody(t).do(http.MethodPost, "/api/v1/log-in", map[string]any{"email": p.account.Email, "password": password})
	}
	logIn(goodPassword).want(http.StatusUnauthorized)
	logIn(otherPassword).want(http.StatusOK)
}

func TestRename(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	var renamed accountJSON
	p.do(http.MethodPut, "/api/v1/me/name", map[string]any{"display_name": "  Ada   Lovelace "}).want(http.StatusOK).into(&renamed)
	if renamed.DisplayName != "Ada Lovelace" {
		t.Errorf("renamed to %q", renamed.DisplayName)
	}
	var me accountJSON
	p.get("/api/v1/me").want(http.StatusOK).into(&me)
	if me != renamed {
		t.Errorf("me = %+v, want %+v", me, renamed)
	}
	p.do(http.MethodPut, "/api/v1/me/name", map[string]any{"display_name": " "}).want(http.StatusUnprocessableEntity)
}
