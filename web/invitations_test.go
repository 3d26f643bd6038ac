package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

func offer() map[string]any {
	return map[string]any{"purpose": "hiring", "scopes": []string{"ratings", "transcript"}, "valid_until": testNow.Add(24 * time.Hour)}
}

func (p *person) invites(id consent.SessionID) newInvitationJSON {
	p.t.Helper()
	var made newInvitationJSON
	p.do(http.MethodPost, sessionPathOf(id, "invitations"), offer()).want(http.StatusCreated).into(&made)
	return made
}

func TestInvitationFromOfferToConfirmation(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p, watcher := s.candidate(t), s.employer(t, "Acme")
	id := s.interview(t, p)
	made := p.invites(id)
	if made.Invitation.State != consent.InvitationOpen || len(made.Secret) != 52 || len(made.Invitation.Scopes) != 2 {
		t.Errorf("made %+v", made)
	}
	listed := p.get(sessionPathOf(id, "invitations")).want(http.StatusOK)
	if strings.Contains(string(listed.body), string(made.Secret)) {
		t.Error("the list tells the secret again")
	}
	got := watcher.do(http.MethodPost, "/api/v1/invitations/redeem", map[string]any{"secret": made.Secret}).want(http.StatusOK)
	for name, secret := range map[string]string{
		"the session": string(id), "the candidate's name": p.account.DisplayName, "the candidate's id": string(p.account.ID), "the role": s.sessions[id].RoleTitle,
	} {
		if strings.Contains(string(got.body), secret) {
			t.Errorf("redeeming tells %s: %s", name, got.body)
		}
	}
	watcher.get(sharedPath(id, "report")).want(http.StatusNotFound)
	var requests requestsJSON
	watcher.get("/api/v1/shared/requests").want(http.StatusOK).into(&requests)
	if len(requests.Requests) != 1 || requests.Requests[0].State != consent.RequestWaiting {
		t.Errorf("requests %+v", requests)
	}
	var list authorizationsJSON
	p.get(sessionPathOf(id, "authorizations")).want(http.StatusOK).into(&list)
	if len(list.Authorizations) != 1 || list.Authorizations[0].State != consent.AuthorizationRequested ||
		list.Authorizations[0].RequestedBy != watcher.account.DisplayName || list.Authorizations[0].OrgName != "Acme" {
		t.Fatalf("the candidate sees %+v, want who asked", list)
	}
	var own sessionsJSON
	p.get("/api/v1/sessions").want(http.StatusOK).into(&own)
	if len(own.Sessions) != 1 || *own.Sessions[0].SharedWith != 0 || *own.Sessions[0].Requests != 1 {
		t.Errorf("the candidate's list %+v, want one who waits and nobody who sees", own)
	}
	path := sessionPathOf(id, "authorizations/"+string(list.Authorizations[0].ID))
	s.candidate(t).do(http.MethodPost, path+"/confirm", nil).want(http.StatusNotFound)
	s.set(func(w *world) { w.oldInvitations = true })
	outdated := p.do(http.MethodPost, path+"/confirm", nil).want(http.StatusConflict).problem()
	if !strings.Contains(outdated.Detail, "since this invitation was made") || !strings.Contains(outdated.Next, "make a new link") {
		t.Errorf("under an old notice: %q %q; want the way out", outdated.Detail, outdated.Next)
	}
	s.set(func(w *world) { w.oldInvitations = false })
	p.do(http.MethodPost, path+"/confirm", nil).want(http.StatusOK)
	watcher.get(sharedPath(id, "report")).want(http.StatusOK)
	p.do(http.MethodPost, path+"/refuse", nil).want(http.StatusConflict).problem() // too late: withdraw it
	p.do(http.MethodPost, path+"/withdraw", nil).want(http.StatusNoContent)
}

// T48: one answer to everything that does not work, and reading a link changes nothing.
func TestInvitationsAreSingleUseAndTellNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p, watcher := s.candidate(t), s.employer(t, "Acme")
	id := s.interview(t, p)
	used, cancelled := p.invites(id), p.invites(id)
	redeem := func(secret string) reply {
		return watcher.do(http.MethodPost, "/api/v1/invitations/redeem", map[string]any{"secret": secret})
	}
	writes := len(s.writes)
	for _, path := range []string{"/invitation", "/api/v1/invitations/redeem", "/api/v1/invitations/redeem?secret=" + string(used.Secret), "/invitation/" + string(used.Secret)} {
		watcher.get(path) // as mail scanners do
		s.nobody(t).get(path)
	}
	if len(s.writes) != writes {
		t.Errorf("reading a link stored %v", s.writes[writes:])
	}
	redeem(string(used.Secret)).want(http.StatusOK)
	p.do(http.MethodPost, sessionPathOf(id, "invitations/"+string(cancelled.Invitation.ID)+"/cancel"), nil).want(http.StatusNoContent)
	unknown := redeem(string(consent.NewInvitationSecret())).want(http.StatusNotFound).face()
	for name, secret := range map[string]string{
		"used": string(used.Secret), "cancelled": string(cancelled.Secret), "cut": string(used.Secret[:20]), "empty": "", "of other letters": strings.Repeat("1", 52),
		"in capitals": strings.ToUpper(string(used.Secret)),
	} {
		if got := redeem(secret).want(http.StatusNotFound).face(); got != unknown {
			t.Errorf("%s: %s, want what an unknown one answers: %s", name, got, unknown)
		}
	}
	if s.redeemed != 8 {
		t.Errorf("the store was asked %d times, want every time: an answer without a look-up is faster", s.redeemed)
	}
}

func TestTryingInvitationsIsThrottled(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *Config) { c.Limits = Limits{RedeemPerMinute: 3} })
	watcher, other := s.employer(t, "Acme"), s.employer(t, "Other")
	try := func(p *person) reply {
		return p.do(http.MethodPost, "/api/v1/invitations/redeem", map[string]any{"secret": consent.NewInvitationSecret()})
	}
	for range 3 {
		try(watcher).want(http.StatusNotFound)
	}
	if got := try(watcher).want(http.StatusTooManyRequests); got.header.Get("Retry-After") == "" {
		t.Error("nobody says when to try again")
	}
	try(other).want(http.StatusNotFound)
}

func TestImpossibleInvitationsAreRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	id := s.interview(t, p)
	for name, spoil := range map[string]func(map[string]any){
		"no part":      func(o map[string]any) { o["scopes"] = []string{} },
		"unknown part": func(o map[string]any) { o["scopes"] = []string{"everything"} },
		"in the past":  func(o map[string]any) { o["valid_until"] = testNow },
		"too long":     func(o map[string]any) { o["valid_until"] = testNow.Add(consent.MaxAuthorizationLife + time.Second) },
		"no purpose":   func(o map[string]any) { delete(o, "purpose") },
		"an org":       func(o map[string]any) { o["org_id"] = "x" },
	} {
		o := offer()
		spoil(o)
		if got := p.do(http.MethodPost, sessionPathOf(id, "invitations"), o); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	p.aged(confirmFor + time.Minute)
	if got := p.do(http.MethodPost, sessionPathOf(id, "invitations"), offer()).want(http.StatusForbidden).problem(); got.Type != typeConfirm {
		t.Errorf("with an old proof: %+v", got)
	}
}
