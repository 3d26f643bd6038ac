package web

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

// confirmedRoutes are the operations that a cookie alone is not enough for. Withdrawing is never one.
var confirmedRoutes = []string{
	"POST /api/v1/me/close",
	"POST /api/v1/sessions/{id}/erase",
	"POST /api/v1/sessions/{id}/authorizations", "POST /api/v1/sessions/{id}/invitations", "POST /api/v1/sessions/{id}/unrestrict",
	"POST /api/v1/sessions/{id}/authorizations/{aid}/confirm", "POST /api/v1/sessions/{id}/authorizations/{aid}/renew",
	"POST /api/v1/me/second-factor",
	"POST /api/v1/me/second-factor/confirm",
	"PUT /api/v1/me/email",
	"POST /api/v1/exports", "GET /api/v1/exports/{id}", "GET /api/v1/exports/{id}/download",
}

func TestRoutesThatNeedAFreshProof(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, r := range s.server.routes {
		if want := slices.Contains(confirmedRoutes, r.pattern); r.confirmed != want {
			t.Errorf("%s: confirmed %v, want %v", r.pattern, r.confirmed, want)
		}
	}
	for _, r := range s.server.routes {
		method, path, _ := strings.Cut(r.pattern, " ")
		last := path[strings.LastIndex(path, "/")+1:]
		grave := slices.Contains([]string{"erase", "erasure", "erasures", "export", "exports", "close"}, last)
		if grave && changes(method) && !r.confirmed {
			t.Errorf("%s cannot be undone or gives data out, and asks for no fresh proof", r.pattern)
		}
	}
	for _, pattern := range confirmedRoutes {
		if _, ok := census[pattern]; !ok {
			t.Errorf("%s is no route", pattern)
		}
	}
}

func TestOldProofIsAskedForAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	s.knows(t, p.account, goodPassword)
	session := p.newSession().ID
	org := consent.NewID[consent.OrgID]()
	s.set(func(w *world) { w.orgs = append(w.orgs, consent.Organization{ID: org, Name: "Acme"}) })
	share := func() reply {
		return p.do(http.MethodPost, "/api/v1/sessions/"+string(session)+"/authorizations", map[string]any{
			"org_id": org, "purpose": "hiring", "scopes": []string{"ratings"}, "valid_until": testNow.Add(time.Hour),
		})
	}
	p.aged(5 * time.Minute)
	share().want(http.StatusCreated)
	p.aged(time.Second)
	refused := share().want(http.StatusForbidden).problem()
	if refused.Type != "urn:greenroom:confirm" {
		t.Errorf("problem %+v: want the type that the page knows", refused)
	}
	if n := len(s.authorizations[session]); n != 1 {
		t.Errorf("%d authorizations, want the first alone", n)
	}
	confirm := func(password string) reply {
		return p.do(http.MethodPost, "/api/v1/log-in/confirm", map[string]any{"password": password})
	}
	confirm("another plain row of words").want(http.StatusUnprocessableEntity).problem()
	share().want(http.StatusForbidden)
	if s.failures[p.account.Email] != 1 {
		t.Errorf("failures %v, want the wrong password counted as at log-in", s.failures)
	}
	s.set(func(w *world) { w.throttle = consent.Throttle{Wait: time.Minute} })
	confirm(goodPassword).want(http.StatusTooManyRequests)
	s.set(func(w *world) { w.throttle = consent.Throttle{} })
	confirm(goodPassword).want(http.StatusNoContent)
	share().want(http.StatusCreated)
	other := p.again()
	other.aged(time.Hour)
	other.do(http.MethodPost, "/api/v1/sessions/"+string(session)+"/authorizations", nil).want(http.StatusForbidden)
}

// Taking something back is as easy as ever, however old the proof.
func TestWithdrawingNeverAsks(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	p.aged(23 * time.Hour)
	for _, pattern := range slices.Sorted(maps.Keys(census)) {
		if census[pattern] != candidate || slices.Contains(confirmedRoutes, pattern) {
			continue
		}
		method, path, _ := strings.Cut(pattern, " ")
		if got := p.do(method, fillPath(path, ""), nil); strings.Contains(string(got.body), typeConfirm) {
			t.Errorf("%s: asks for a proof: %s", pattern, got.body)
		}
	}
}
