package web

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

// The addresses an employer could try, with the scopes that would open each.
var employerPaths = map[string][]consent.Scope{
	"report":                   {consent.ScopeProfile},
	"recording":                {consent.ScopeRecordingAudio},
	"recording.webm?through=1": {consent.ScopeRecordingAudio},
	"captions.vtt":             {consent.ScopeTranscript},
	"events":                   {consent.ScopeRatings},
}

// T01, T03, T04, T06, T07, T12, T13, T25: whatever the reason, a refusal looks like an id that nobody
// has, with every method and conditional field.
func TestRefusalsLookAlike(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *Config) { c.Limits = Limits{MediaPerSecond: 1000} }) // this clock stands still
	watcher, other := s.employer(t, "Acme"), s.employer(t, "Other")
	owner := s.candidate(t)
	live := func(w *world, id consent.SessionID) *consent.Authorization { return &w.authorizations[id][0] }
	for path, scopes := range employerPaths {
		for name, c := range map[string]struct {
			share  func(consent.SessionID)
			change func(*world, consent.SessionID)
			broken error
		}{
			"no record at all":    {},
			"shared with another": {share: func(id consent.SessionID) { s.share(id, other, scopes...) }},
			"another scope":       {share: func(id consent.SessionID) { s.share(id, watcher, otherScope(path)...) }},
			"withdrawn":           {change: func(w *world, id consent.SessionID) { live(w, id).State = consent.AuthorizationWithdrawn }},
			"superseded":          {change: func(w *world, id consent.SessionID) { live(w, id).State = consent.AuthorizationSuperseded }},
			"expired":             {change: func(w *world, id consent.SessionID) { live(w, id).ValidUntil = testNow }},
			"not valid yet":       {change: func(w *world, id consent.SessionID) { live(w, id).ValidFrom = testNow.Add(time.Millisecond) }},
			"erased": {change: func(w *world, id consent.SessionID) {
				w.sessions[id] = consent.Session{ID: id, State: consent.SessionErased}
			}},
			"the database is away": {change: func(*world, consent.SessionID) {}, broken: errors.New("connection refused")},
		} {
			id := s.interview(t, owner)
			if c.share != nil {
				c.share(id)
			}
			if c.change != nil {
				s.share(id, watcher, scopes...)
				s.set(func(w *world) { c.change(w, id); w.broken = c.broken })
			}
			if path == "events" && name == "another scope" {
				continue // any scope opens the events
			}
			if path == "report" && name == "another scope" {
				continue // and any scope opens some report
			}
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				ask := func(id consent.SessionID) string {
					r := watcher.request(method, sharedPath(id, path), nil)
					r.Header.Set("Range", "bytes=0-99")
					r.Header.Set("If-None-Match", "*")
					r.Header.Set("If-Range", `"x"`)
					return watcher.send(r).want(http.StatusNotFound).face()
				}
				got, unknown := ask(id), ask(consent.NewID[consent.SessionID]())
				if got != unknown {
					t.Errorf("%s %s, %s: got %s, want what an unknown id answers: %s", method, path, name, got, unknown)
				}
				if malformed := ask("ABC"); malformed != unknown {
					t.Errorf("%s %s: a malformed id answers %s, an unknown one %s", method, path, malformed, unknown)
				}
			}
			s.set(func(w *world) { w.broken = nil })
		}
	}
	if s.chunkReads > 0 {
		t.Errorf("%d chunks were decrypted for refused readers", s.chunkReads)
	}
	if len(s.accesses) > 0 {
		t.Errorf("accesses were noted for refused readers: %v", s.accesses)
	}
}

func otherScope(path string) []consent.Scope {
	if strings.HasPrefix(path, "captions") {
		return []consent.Scope{consent.ScopeRatings, consent.ScopeFeedback, consent.ScopeRecordingAudio, consent.ScopeRecordingVideo, consent.ScopeProfile}
	}
	return []consent.Scope{consent.ScopeRatings, consent.ScopeFeedback, consent.ScopeTranscript, consent.ScopeProfile}
}

// T53: a candidate's addresses answer for the candidate alone, the employer's kind included.
func TestCandidatesSeeOnlyTheirOwn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	owner, other, watcher := s.candidate(t), s.candidate(t), s.employer(t, "Acme")
	id := s.interview(t, owner)
	s.share(id, watcher, consent.AllScopes()...)
	level := map[string]any{"level": 3}
	authorize := map[string]any{"org_id": watcher.account.Org, "purpose": "hiring", "scopes": []string{"ratings"}, "valid_until": testNow.Add(time.Hour)}
	for _, c := range []struct {
		method, rest string
		body         any
	}{
		{http.MethodGet, "report", nil},
		{http.MethodGet, "notice", nil},
		{http.MethodGet, "recording", nil},
		{http.MethodGet, "recording.webm?through=1", nil},
		{http.MethodGet, "captions.vtt", nil},
		{http.MethodGet, "events", nil},
		{http.MethodGet, "accesses", nil},
		{http.MethodGet, "authorizations", nil},
		{http.MethodPost, "authorizations", authorize},
		{http.MethodPost, "authorizations/" + string(s.authorizations[id][0].ID) + "/withdraw", nil},
		{http.MethodPost, "authorizations/" + string(s.authorizations[id][0].ID) + "/confirm", nil},
		{http.MethodPost, "authorizations/" + string(s.authorizations[id][0].ID) + "/refuse", nil},
		{http.MethodPost, "authorizations/" + string(s.authorizations[id][0].ID) + "/renew", map[string]any{"notice_sha256": "x"}},
		{http.MethodGet, "invitations", nil},
		{http.MethodPost, "invitations", offer()},
		{http.MethodPost, "invitations/" + string(consent.NewID[consent.InvitationID]()) + "/cancel", nil},
		{http.MethodPost, "restrict", nil},
		{http.MethodPost, "unrestrict", nil},
		{http.MethodGet, "notice-change", nil},
		{http.MethodGet, "viewers", nil},
		{http.MethodPost, "consents", map[string]any{"notice_sha256": "x", "recording": true, "transcription": true, "assessment": true}},
		{http.MethodPost, "consents/withdraw", map[string]any{"consent": "recording"}},
		{http.MethodPut, "answers/0/1/self-ratings/" + s.plans[id].Questions[0].Competencies[0], level},
	} {
		for name, p := range map[string]*person{"another candidate": other, "an employer": watcher} {
			got := p.do(c.method, sessionPathOf(id, c.rest), c.body).want(http.StatusNotFound).face()
			unknown := p.do(c.method, sessionPathOf(consent.NewID[consent.SessionID](), c.rest), c.body).want(http.StatusNotFound).face()
			if got != unknown {
				t.Errorf("%s %s as %s: got %s, want %s", c.method, c.rest, name, got, unknown)
			}
		}
	}
	if state := s.authorizations[id][0].State; state != consent.AuthorizationGranted {
		t.Errorf("a stranger ended the authorization: %s", state)
	}
	owner.get(sharedPath(id, "report")).want(http.StatusNotFound) // the employer's address is not the candidate's
}

// T16: whoever left the organization sees nothing with the cookie from before.
func TestMembersWhoLeftSeeNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	watcher := s.employer(t, "Acme")
	id := s.interview(t, s.candidate(t))
	s.share(id, watcher, consent.AllScopes()...)
	watcher.get(sharedPath(id, "report")).want(http.StatusOK)
	s.set(func(w *world) {
		account := w.accounts[watcher.account.ID]
		account.Org = ""
		w.accounts[account.ID] = account
	})
	watcher.get(sharedPath(id, "report")).want(http.StatusNotFound)
}

// T31: the list and its length are the same with and without sessions that are not shared.
func TestListsHintAtNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	watcher, owner := s.employer(t, "Acme"), s.candidate(t)
	shared := s.interview(t, owner)
	s.share(shared, watcher, consent.ScopeRatings)
	before := watcher.get("/api/v1/shared").want(http.StatusOK).face()
	s.share(s.interview(t, owner), s.employer(t, "Other"), consent.AllScopes()...)
	s.interview(t, owner)
	if after := watcher.get("/api/v1/shared").want(http.StatusOK).face(); after != before {
		t.Errorf("the list changed: %s, before %s", after, before)
	}
	if strings.Contains(before, owner.account.DisplayName) {
		t.Error("the list names the candidate without the profile scope")
	}
}
