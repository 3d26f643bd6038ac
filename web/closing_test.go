package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

func (w *world) CloseAccount(_ context.Context, candidate consent.AccountID) (time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, session := range w.sessions {
		if session.Candidate == candidate && session.State == consent.SessionLive {
			return time.Time{}, consent.ErrInterviewLive
		}
	}
	w.wrote("CloseAccount")
	account := w.accounts[candidate]
	account.ClosedAt, account.EraseAt = testNow, testNow.Add(consent.CloseUndo)
	w.accounts[candidate] = account
	for token, l := range w.logIns {
		if l.Account.ID == candidate {
			delete(w.logIns, token)
		}
	}
	return account.EraseAt, nil
}

func (w *world) Reopen(_ context.Context, id consent.AccountID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	account, ok := w.accounts[id]
	if !ok || account.ClosedAt.IsZero() || !account.EraseAt.After(testNow) {
		return consent.ErrNotFound
	}
	account.ClosedAt, account.EraseAt = time.Time{}, time.Time{}
	w.accounts[id] = account
	return nil
}

func TestClosedAccountCanOnlyBeOpenedAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	session := p.newSession()
	closed := p.do(http.MethodPost, "/api/v1/me/close", nil).want(http.StatusOK)
	var at closedJSON
	if err := json.Unmarshal(closed.body, &at); err != nil || !at.EraseAt.Equal(testNow.Add(30*24*time.Hour)) {
		t.Errorf("closing answers %s, %v", closed.body, err)
	}
	if cookie := closed.header.Get("Set-Cookie"); !strings.Contains(cookie, "Max-Age=0") || closed.header.Get("Clear-Site-Data") == "" {
		t.Errorf("closing leaves the browser its log-in: %q", cookie)
	}
	p.get("/api/v1/me").want(http.StatusUnauthorized)

	back := p.again() // logs in
	var me accountJSON
	if err := json.Unmarshal(back.get("/api/v1/me").want(http.StatusOK).body, &me); err != nil || !me.EraseAt.Equal(at.EraseAt) {
		t.Errorf("a closed account is %+v, %v", me, err)
	}
	for pattern, who := range census {
		method, path, ok := strings.Cut(pattern, " ")
		if !ok || !strings.HasPrefix(path, apiPrefix) || who == anyone || who == anyState || who == employer || who == operator {
			continue
		}
		got := back.do(method, fillPath(path, session.ID), nil).want(http.StatusForbidden)
		if refused := got.problem(); refused.Type != typeClosed {
			t.Errorf("%s: %+v, want it refused because the account is closed", pattern, refused)
		}
	}
	back.do(http.MethodPost, "/api/v1/me/reopen", nil).want(http.StatusOK)
	back.get("/api/v1/sessions/" + string(session.ID)).want(http.StatusOK)
	back.do(http.MethodPost, "/api/v1/me/reopen", nil).want(http.StatusOK) // it is open
}

// The refusal says what goes on and what to do about it, and ends nothing.
func TestAccountIsNotClosedDuringAnInterview(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	id := p.newSession().ID
	state := func(state consent.SessionState) {
		s.set(func(w *world) {
			session := w.sessions[id]
			session.State = state
			w.sessions[id] = session
		})
	}
	state(consent.SessionLive)
	refused := p.do(http.MethodPost, "/api/v1/me/close", nil).want(http.StatusConflict)
	told := refused.problem()
	if !strings.Contains(told.Detail, "still going on") || !strings.Contains(told.Next, "End the interview in its room") {
		t.Errorf("closing during an interview says %+v", told)
	}
	if refused.header.Get("Set-Cookie") != "" || refused.header.Get("Clear-Site-Data") != "" {
		t.Error("the refusal takes the browser's log-in")
	}
	p.get("/api/v1/me").want(http.StatusOK)
	state(consent.SessionEnded)
	p.do(http.MethodPost, "/api/v1/me/close", nil).want(http.StatusOK)
}

func TestClosedAccountOpensNoRoom(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	request := p.request(http.MethodGet, "/api/v1/me", nil)
	if _, err := s.server.Account(request); err != nil {
		t.Fatalf("an open account: %v", err)
	}
	s.set(func(w *world) {
		account := w.accounts[p.account.ID]
		account.ClosedAt, account.EraseAt = testNow, testNow.Add(time.Hour)
		w.accounts[account.ID] = account
	})
	if _, err := s.server.Account(request); err == nil {
		t.Error("a closed account may open a room")
	}
}
