package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"greenroom/assess"
	"greenroom/consent"
)

// rated adds a rating by somebody of Acme to the only answer of the session.
func (s *stage) rated(t *testing.T, id consent.SessionID, yours bool, level int, why string) {
	t.Helper()
	s.set(func(w *world) {
		answer := &w.records[id].Answers[0]
		rating, err := assess.NewRating(assess.RatingFields{
			Session: id, Take: 1, Competency: answer.Ratings[0].Competency(), Rater: assess.Rater{Kind: assess.RaterHuman},
			Outcome: assess.OutcomeLevel, Level: level, At: testNow,
		})
		if err != nil {
			t.Fatal(err)
		}
		answer.People = append(answer.People, assess.PersonRating{Rating: rating, Organization: "Acme", Yours: yours, Why: why})
	})
}

// What one has read of a level pulls one's own towards it, so nothing that judges is shown before.
func TestWhoMayRateSeesNoOtherRatingBeforeTheirOwn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	owner, watcher := s.candidate(t), s.employer(t, "Acme")
	id := s.interview(t, owner)
	s.share(id, watcher, consent.ScopeRatings, consent.ScopeFeedback, consent.ScopeTranscript)
	s.rated(t, id, true, 5, "yourswhy")
	s.rated(t, id, false, 3, "colleagueswhy")
	s.set(func(w *world) { w.openForms = true })

	first := watcher.get(sharedPath(id, "report")).want(http.StatusOK)
	var report reportJSON
	first.into(&report)
	ratings := report.Questions[0].Takes[0].Ratings
	if report.RatingForm == nil || report.RatingForm.Closed || len(ratings) != 1 || !ratings[0].Yours || ratings[0].Level != 5 || ratings[0].OrgName != "Acme" {
		t.Errorf("before the form is closed: form %+v, ratings %+v", report.RatingForm, ratings)
	}
	for _, judged := range []string{canaryModel, canaryWhy, canaryReason, `"level":4`, `"quote"`, "colleagueswhy", unvalidated} {
		if strings.Contains(string(first.body), judged) {
			t.Errorf("before the form is closed %q is shown", judged)
		}
	}
	if len(report.Standings)+len(report.Questions[0].Takes[0].Standings) > 0 {
		t.Errorf("before the form is closed standings are shown: %s", first.body)
	}
	if !strings.Contains(string(first.body), canaryTranscript) || !strings.Contains(string(first.body), canaryMeasurement) {
		t.Errorf("the transcript or what was counted is missing: %s", first.body)
	}
	if want := []string{"recording.audio", "recording.video"}; !slices.Equal(report.Withheld, want) {
		t.Errorf("withheld %q, want %q: what comes after the form is shared", report.Withheld, want)
	}
	for _, access := range s.accesses {
		if access.Artefact == consent.ArtefactRatings || access.Artefact == consent.ArtefactFeedback || access.Artefact == consent.ArtefactQuotes {
			t.Errorf("a look at %s was noted, which was not shown", access.Artefact)
		}
	}

	watcher.do(http.MethodPost, sharedPath(id, "rating-form/done"), nil).want(http.StatusNoContent)
	then := watcher.get(sharedPath(id, "report")).want(http.StatusOK)
	then.into(&report)
	if !report.RatingForm.Closed || len(report.Questions[0].Takes[0].Ratings) != 4 {
		t.Errorf("after the form is closed: %+v, %d ratings", report.RatingForm, len(report.Questions[0].Takes[0].Ratings))
	}
	for _, judged := range []string{canaryModel, canaryWhy, "colleagueswhy", `"quote"`} {
		if !strings.Contains(string(then.body), judged) {
			t.Errorf("after the form is closed %q is not shown", judged)
		}
	}
	if !slices.ContainsFunc(s.accesses, func(a consent.Access) bool { return a.Artefact == consent.ArtefactRatings }) {
		t.Error("the look at ratings was not noted")
	}
}

func TestCandidateSeesWhoseRatingItIsAndEmployersTheSentenceOnlyWithTheTranscript(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	owner, watcher := s.candidate(t), s.employer(t, "Acme")
	id := s.interview(t, owner)
	s.rated(t, id, false, 3, "personswhy")
	var report reportJSON
	got := owner.get(sessionPathOf(id, "report")).want(http.StatusOK)
	got.into(&report)
	if r := report.Questions[0].Takes[0].Ratings; report.RatingForm != nil || len(r) != 4 || r[3].OrgName != "Acme" || r[3].Why != "personswhy" || r[3].Rater.Kind != assess.RaterHuman {
		t.Errorf("the candidate is shown %s", got.body)
	}
	s.share(id, watcher, consent.ScopeRatings)
	shared := watcher.get(sharedPath(id, "report")).want(http.StatusOK)
	if text := string(shared.body); strings.Contains(text, "personswhy") || strings.Contains(text, "rating_form") || !strings.Contains(text, `"kind":"human"`) {
		t.Errorf("with the levels alone an employer is shown %s", text)
	}
}

func TestRatingAsAPerson(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	owner, watcher, stranger := s.candidate(t), s.employer(t, "Acme"), s.employer(t, "Zenith")
	id := s.interview(t, owner)
	s.share(id, watcher, consent.ScopeRatings, consent.ScopeTranscript)
	s.share(id, stranger, consent.ScopeRatings)
	s.set(func(w *world) { w.openForms = true })
	path := sharedPath(id, "answers/0/1/ratings/ownership")
	rate := func(p *person, body any) reply { return p.do(http.MethodPut, path, body) }

	rate(watcher, map[string]any{"level": 4, "why": " Names the part that was done. "}).want(http.StatusNoContent)
	rate(watcher, map[string]any{"level": 0}).want(http.StatusNoContent)
	if len(s.given) != 2 || s.given[0].Why != "Names the part that was done." || s.given[1].Rating.Outcome() != assess.OutcomeNotObserved {
		t.Errorf("stored %+v", s.given)
	}
	for name, body := range map[string]any{
		"above 5": map[string]any{"level": 6}, "no level": map[string]any{}, "a long sentence": map[string]any{"level": 1, "why": strings.Repeat("x", 401)},
		"two lines": map[string]any{"level": 1, "why": "a\nb"},
	} {
		if got := rate(watcher, body); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	s.set(func(w *world) { w.records[id].Answers[0].Answer.Revision = 1 })
	if p := rate(watcher, map[string]any{"level": 2}).want(http.StatusConflict).problem(); !strings.Contains(p.Detail, "corrected") || !strings.Contains(p.Next, "load the page again") {
		t.Errorf("a level of words that were corrected since is refused with %+v", p)
	}
	var report reportJSON
	watcher.get(sharedPath(id, "report")).want(http.StatusOK).into(&report)
	if shown := report.Questions[0].Takes[0].Revision; shown != 1 {
		t.Errorf("revision %d is shown, want 1", shown)
	}
	rate(watcher, map[string]any{"level": 2, "revision": 1}).want(http.StatusNoContent)
	unknown := watcher.get(sharedPath(consent.NewID[consent.SessionID](), "report")).want(http.StatusNotFound).face()
	if got := rate(stranger, map[string]any{"level": 1}).want(http.StatusNotFound).face(); got != unknown {
		t.Errorf("without the transcript rating answers %s", got)
	}
	if got := stranger.do(http.MethodPost, sharedPath(id, "rating-form/done"), nil).want(http.StatusNotFound).face(); got != unknown {
		t.Errorf("without the transcript closing answers %s", got)
	}
	s.set(func(w *world) { w.authorizations[id][0].State = consent.AuthorizationWithdrawn })
	if got := rate(watcher, map[string]any{"level": 1}).want(http.StatusNotFound).face(); got != unknown {
		t.Errorf("after the withdrawal rating answers %s", got)
	}
	if len(s.given) != 3 {
		t.Errorf("%d ratings were stored", len(s.given))
	}
}
