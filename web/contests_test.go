package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

func TestContestingALevel(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	owner, stranger := s.candidate(t), s.candidate(t)
	id := s.interview(t, owner)
	path := sessionPathOf(id, "answers/0/1/contests/ownership")
	contest := func(p *person, body any) reply { return p.do(http.MethodPost, path, body) }

	for name, body := range map[string]any{
		"too long": map[string]any{"words": strings.Repeat("x", 401)}, "two lines": map[string]any{"words": "a\nb"}, "before the start": map[string]any{"moment_ms": -1},
	} {
		if got := contest(owner, body); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	contest(stranger, map[string]any{}).want(http.StatusNotFound)
	s.set(func(w *world) {
		session := w.sessions[id]
		session.State = consent.SessionLive
		w.sessions[id] = session
	})
	contest(owner, map[string]any{}).want(http.StatusConflict)
	s.set(func(w *world) {
		session := w.sessions[id]
		session.State = consent.SessionAssessed
		w.sessions[id] = session
	})
	var made contestedJSON
	contest(owner, map[string]any{"words": " I named it. ", "moment_ms": 11000}).want(http.StatusCreated).into(&made)
	if c := s.contests[0]; !made.ByModel || c.Words != "I named it." || c.Moment != 11*time.Second || c.Session != id || !c.ByModel {
		t.Errorf("stored %+v, answered %+v", c, made)
	}
	contest(owner, map[string]any{}).want(http.StatusConflict)
	if len(s.contests) != 1 {
		t.Errorf("%d contests are stored", len(s.contests))
	}
}

func TestAContestIsShownWithoutItsWordsToOthers(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	owner, levels, transcript := s.candidate(t), s.employer(t, "Acme"), s.employer(t, "Zenith")
	id := s.interview(t, owner)
	s.set(func(w *world) {
		answer := &w.records[id].Answers[0]
		answer.Contests = []assess.Contest{{Session: id, Take: 1, Competency: "ownership", At: testNow, Moment: 11 * time.Second, Words: "contestwords", ByModel: true}}
	})
	s.share(id, levels, consent.ScopeRatings)
	s.share(id, transcript, consent.ScopeTranscript)
	for name, c := range map[string]struct {
		path       string
		reader     *person
		sees, says bool
	}{
		"the candidate":        {sessionPathOf(id, "report"), owner, true, true},
		"who sees levels":      {sharedPath(id, "report"), levels, true, false},
		"who sees none of any": {sharedPath(id, "report"), transcript, false, false},
	} {
		text := string(c.reader.get(c.path).want(http.StatusOK).body)
		if sees := strings.Contains(text, `"contests"`); sees != c.sees {
			t.Errorf("%s sees that it is contested: %v", name, sees)
		}
		if says := strings.Contains(text, "contestwords") || strings.Contains(text, "moment_ms"); says != c.says {
			t.Errorf("%s sees the words or the moment: %v", name, says)
		}
	}
}
