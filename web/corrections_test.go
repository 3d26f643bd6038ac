package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

func TestCorrectingTheTranscript(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	owner, stranger := s.candidate(t), s.candidate(t)
	id := s.interview(t, owner)
	line := func(text string) map[string]any {
		return map[string]any{"lines": []any{map[string]any{"epoch": 1, "sequence": 4, "revision": 0, "text": text}}}
	}
	correct := func(p *person, body any) reply { return p.do(http.MethodPost, sessionPathOf(id, "corrections"), body) }
	for name, body := range map[string]any{
		"no line": map[string]any{"lines": []any{}}, "too long": line(strings.Repeat("x", 1001)), "no text": map[string]any{"lines": []any{map[string]any{"epoch": 1, "sequence": 4, "revision": 0}}},
		"something else": map[string]any{"lines": []any{}, "level": 5},
	} {
		if got := correct(owner, body); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	correct(stranger, line("x")).want(http.StatusNotFound)
	state := func(state consent.SessionState) {
		s.set(func(w *world) {
			session := w.sessions[id]
			session.State = state
			w.sessions[id] = session
		})
	}
	state(consent.SessionLive)
	correct(owner, line("x")).want(http.StatusConflict)
	state(consent.SessionAssessed)
	for _, c := range []struct {
		refusal error
		status  int
		says    string
	}{
		{assess.ErrCorrected, http.StatusConflict, "another window"},
		{assess.ErrUnfinished, http.StatusConflict, "still being written down"},
		{assess.ErrNothingCorrected, http.StatusUnprocessableEntity, "there already"},
		{assess.LineError{Start: 75 * time.Second, Err: assess.ErrNotSayable}, http.StatusUnprocessableEntity, "at 1:15"},
		{assess.LineError{Start: 5 * time.Second, Err: assess.ErrTextNotPlain}, http.StatusUnprocessableEntity, "at 0:05"},
		{consent.ErrRestricted, http.StatusConflict, "restricted"},
		{consent.ErrNotFound, http.StatusNotFound, "nothing here"},
		{errors.New("secret cause"), http.StatusInternalServerError, "Something failed"},
	} {
		s.set(func(w *world) { w.uncorrected = fmt.Errorf("correct: %w", c.refusal) })
		got := correct(owner, line("x")).want(c.status)
		if p := got.problem(); !strings.Contains(p.Detail, c.says) || p.Next == "" || strings.Contains(p.Detail, "secret") {
			t.Errorf("%v: %+v", c.refusal, p)
		}
	}
	s.set(func(w *world) { w.uncorrected = nil })
	correct(owner, line("what I said")).want(http.StatusNoContent)
	if want := (assess.Correction{Line: assess.LineRef{Epoch: 1, Sequence: 4}, Text: "what I said"}); len(s.corrected) != 1 || s.corrected[0] != want {
		t.Errorf("stored %+v, want %+v", s.corrected, want)
	}
}

// What each reader is told of a correction: that there was one, how many words, and of before the levels; what stood
// there, and what was said about it, the candidate alone.
func TestACorrectionIsShownWithoutWhatStoodThere(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	owner, all, levels, transcript := s.candidate(t), s.employer(t, "Acme"), s.employer(t, "Zenith"), s.employer(t, "Apex")
	id := s.interview(t, owner)
	s.set(func(w *world) {
		answer := &w.records[id].Answers[0]
		answer.Earlier = answer.Ratings[:1]
		answer.Ratings = answer.Ratings[2:]
		line := &answer.Lines[0]
		answer.Originals = []assess.Original{{Line: line.Ref(), Words: wordsOf(10*time.Second, "the", "oldword")}}
		line.Revision, line.Changed, line.CorrectedAt, answer.Answer.Revision, answer.Answer.CorrectedAt = 1, 6, testNow, 1, testNow
		line.Words[1].Corrected = true
		given, err := assess.NewRating(assess.RatingFields{
			Session: id, Take: 1, Competency: "ownership", Rater: assess.Rater{Kind: assess.RaterHuman}, Outcome: assess.OutcomeLevel, Level: 3, At: testNow.Add(-time.Minute),
		})
		if err != nil {
			t.Fatal(err)
		}
		answer.People = []assess.PersonRating{{Rating: given, Organization: "Acme"}}
	})
	s.share(id, all, consent.ScopeRatings, consent.ScopeFeedback, consent.ScopeTranscript)
	s.share(id, levels, consent.ScopeRatings)
	s.share(id, transcript, consent.ScopeTranscript)
	for name, c := range map[string]struct {
		path   string
		reader *person
		sees   string // of: difference, why, changed, corrected word, level before, given before
	}{
		"the candidate":         {sessionPathOf(id, "report"), owner, "difference why changed word level given"},
		"who sees everything":   {sharedPath(id, "report"), all, "changed word level given"},
		"who sees levels":       {sharedPath(id, "report"), levels, "level given"},
		"who reads what's said": {sharedPath(id, "report"), transcript, "changed word"},
	} {
		text := string(c.reader.get(c.path).want(http.StatusOK).body)
		for part, mark := range map[string]string{
			"difference": "oldword", "why": canaryWhy, "changed": `"changed":6`, "word": `"corrected":true`, "level": `"earlier":[{`, "given": `"before_correction":true`,
		} {
			if sees, want := strings.Contains(text, mark), strings.Contains(" "+c.sees+" ", " "+part+" "); sees != want {
				t.Errorf("%s sees the %s: %v, want %v", name, part, sees, want)
			}
		}
		if sees := strings.Contains(text, unvalidated); sees != strings.Contains(c.sees, "level") {
			t.Errorf("%s is told how such levels are called: %v", name, sees)
		}
	}
}
