package web

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

// Holdings, AccessesOf and AICallsOf implement their part of Sessions.
func (w *world) Holdings(_ context.Context, candidate consent.AccountID) ([]consent.Holding, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	holdings := []consent.Holding{{Thing: consent.ThingProfile, Count: 1, Since: testNow}}
	for _, session := range w.sessions {
		if session.Candidate == candidate {
			holdings = append(holdings,
				consent.Holding{Thing: consent.ThingRecordings, Count: 1, Bytes: 4096, Since: testNow.AddDate(0, -1, 0), Newest: testNow},
				consent.Holding{Thing: consent.ThingReceipts, Count: 3, Since: testNow})
		}
	}
	return holdings, nil
}

// pageOf is the part of a list that a page shows.
func pageOf[T any](list []T, offset, limit int) []T {
	return list[min(offset, len(list)):min(offset+limit, len(list))]
}

func (w *world) AccessesOf(_ context.Context, candidate consent.AccountID, offset, limit int) ([]consent.SessionAccess, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return pageOf(w.allAccesses[candidate], offset, limit), nil
}

func (w *world) AICallsOf(_ context.Context, candidate consent.AccountID, offset, limit int) ([]consent.SessionAICall, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return pageOf(w.allCalls[candidate], offset, limit), nil
}

func TestEverythingHeldIsShownWithItsRule(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	s.interview(t, p)
	var got holdingsJSON
	p.get("/api/v1/me/data").want(http.StatusOK).into(&got)
	var things []consent.Thing
	for _, h := range got.Holdings {
		things = append(things, h.Thing)
		rule := consent.RuleOf(h.Class)
		if h.Kept != rule.Kept.ISO() || h.From != rule.From {
			t.Errorf("%s is kept %q from %q, the registry says %q from %q", h.Thing, h.Kept, h.From, rule.Kept.ISO(), rule.From)
		}
		if h.Thing == consent.ThingRecordings && (h.Bytes != 4096 || h.Kept != "P2Y" || !h.Until.Equal(testNow.AddDate(2, 0, 0))) {
			t.Errorf("recordings: %+v", h)
		}
		if h.Thing == consent.ThingProfile && !h.Until.IsZero() {
			t.Errorf("the profile goes on %v, although nobody closed the account", h.Until)
		}
	}
	if !slices.Equal(things, consent.AllThings()) || got.Receipts != 3 {
		t.Errorf("things %v with %d receipts", things, got.Receipts)
	}
	if got.Accesses.Accesses == nil || got.AICalls.Calls == nil || got.Accesses.Next != 0 {
		t.Errorf("empty lists: %+v, %+v", got.Accesses, got.AICalls)
	}
}

func TestLongListsComePageByPage(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p, other := s.candidate(t), s.candidate(t)
	s.set(func(w *world) {
		for i := range 2*pageLength + 1 {
			w.allAccesses[p.account.ID] = append(w.allAccesses[p.account.ID], consent.SessionAccess{
				Access: consent.Access{At: testNow.Add(-time.Duration(i) * time.Minute), OrgName: fmt.Sprint("Org ", i), Artefact: consent.ArtefactRatings},
			})
		}
		for range pageLength {
			w.allCalls[p.account.ID] = append(w.allCalls[p.account.ID], consent.SessionAICall{AICall: consent.AICall{At: testNow, For: consent.AIRating, Model: "m", Times: 1}})
		}
	})
	var first holdingsJSON
	p.get("/api/v1/me/data").want(http.StatusOK).into(&first)
	if len(first.Accesses.Accesses) != pageLength || first.Accesses.Next != pageLength || len(first.AICalls.Calls) != pageLength || first.AICalls.Next != 0 {
		t.Errorf("first page: %d accesses then %d, %d calls then %d", len(first.Accesses.Accesses), first.Accesses.Next, len(first.AICalls.Calls), first.AICalls.Next)
	}
	seen := len(first.Accesses.Accesses)
	for next := first.Accesses.Next; next > 0; {
		var page accessPageJSON
		p.get(fmt.Sprintf("/api/v1/me/accesses?offset=%d", next)).want(http.StatusOK).into(&page)
		if page.Accesses[0].OrgName != fmt.Sprint("Org ", seen) {
			t.Errorf("the page from %d begins with %s", next, page.Accesses[0].OrgName)
		}
		seen, next = seen+len(page.Accesses), page.Next
	}
	if seen != 2*pageLength+1 {
		t.Errorf("%d accesses over all pages", seen)
	}
	var calls aiCallPageJSON
	p.get("/api/v1/me/ai-calls?offset=10").want(http.StatusOK).into(&calls)
	if len(calls.Calls) != pageLength-10 {
		t.Errorf("%d calls from the tenth on", len(calls.Calls))
	}
	if got := other.get("/api/v1/me/accesses").want(http.StatusOK); strings.Contains(string(got.body), "Org") {
		t.Errorf("somebody else sees %s", got.body)
	}
	for _, bad := range []string{"-1", "1000001", "x"} {
		p.get("/api/v1/me/accesses?offset=" + bad).want(http.StatusUnprocessableEntity).problem()
	}
}

func TestAddressIsCorrected(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p, other := s.candidate(t), s.candidate(t)
	elsewhere := s.nobody(t)
	elsewhere.token = strings.Repeat("e", 43)
	s.set(func(w *world) {
		w.logIns[sha256.Sum256([]byte(elsewhere.token))] = w.logIns[sha256.Sum256([]byte(p.token))]
	})
	elsewhere.get("/api/v1/me").want(http.StatusOK)
	var me accountJSON
	p.do(http.MethodPut, "/api/v1/me/email", map[string]any{"email": "New.Name@Example.org"}).want(http.StatusOK).into(&me)
	if me.Email != "new.name@example.org" || me.ID != p.account.ID {
		t.Errorf("corrected to %+v", me)
	}
	p.get("/api/v1/me").want(http.StatusOK)
	elsewhere.get("/api/v1/me").want(http.StatusUnauthorized) // who may have known the old address
	other.do(http.MethodPut, "/api/v1/me/email", map[string]any{"email": "new.name@example.org"}).want(http.StatusConflict).problem()
	for _, bad := range []string{"", "nobody", "a@b\r\nc", "A <a@example.org>"} {
		p.do(http.MethodPut, "/api/v1/me/email", map[string]any{"email": bad}).want(http.StatusUnprocessableEntity).problem()
	}
	p.aged(6 * time.Minute)
	if got := p.do(http.MethodPut, "/api/v1/me/email", map[string]any{"email": "x@example.org"}).want(http.StatusForbidden).problem(); got.Type != typeConfirm {
		t.Errorf("with an old proof: %+v", got)
	}
}
