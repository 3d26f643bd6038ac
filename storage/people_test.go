package storage

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"greenroom/assess"
	"greenroom/consent"
)

const personsWhy = "names the part that was done, says the canary of a person"

// peopleOf returns what a reader is shown of the ratings of people, as "organization level why", "yours" before
// the reader's own.
func (w *world) peopleOf(t *testing.T, reader consent.Account, session consent.SessionID) []string {
	t.Helper()
	var shown []string
	for _, answer := range w.record(t, w.permits(t, actorOf(reader), session)).Answers {
		for _, person := range answer.People {
			level, _ := person.Rating.Level()
			text := person.Organization + " " + string(rune('0'+level)) + " " + person.Why
			if person.Yours {
				text = "yours " + text
			}
			if person.Rating.Rater() != (assess.Rater{Kind: assess.RaterHuman}) {
				t.Errorf("the rater is %+v", person.Rating.Rater())
			}
			shown = append(shown, strings.TrimSpace(text))
		}
	}
	return shown
}

func TestPeopleOfAnOrganizationRateWhatTheyMayRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	granted := w.share(t, w.alice, id, w.acme, consent.ScopeRatings, consent.ScopeTranscript)
	w.share(t, w.alice, id, w.zenith, allShareable()...)
	w.personRates(t, w.acmes, id, 2, "")
	w.personRates(t, w.acmes, id, 4, personsWhy) // a later one takes the place of the first
	w.personRates(t, w.zeniths, id, 1, "")

	for name, c := range map[string]struct {
		reader consent.Account
		want   string
	}{
		"the candidate":        {w.alice, "Acme 4 " + personsWhy + "|Zenith 1"},
		"the person":           {w.acmes, "yours Acme 4 " + personsWhy},
		"another organization": {w.zeniths, "yours Zenith 1"},
	} {
		if got := strings.Join(w.peopleOf(t, c.reader, id), "|"); got != c.want {
			t.Errorf("%s is shown %q, want %q", name, got, c.want)
		}
	}
	var sealed []byte
	if err := w.owner.QueryRow(t.Context(), `SELECT why FROM person_ratings WHERE why IS NOT NULL AND session = $1`, id).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	if len(sealed) == 0 || bytes.Contains(sealed, []byte("canary")) {
		t.Errorf("the sentence is kept as %q", sealed)
	}

	// What was given stays the candidate's when the right to see it has ended.
	rate := w.permit(t, actorOf(w.acmes), id, consent.ArtefactRate)
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, granted.ID); err != nil {
		t.Fatal(err)
	}
	raters := NewRaters(w.database, w.keys)
	if err := raters.RateAnswer(t.Context(), rate, personRating(t, id, 5), 0, ""); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("rating after the withdrawal, with a Permit from before: %v", err)
	}
	if _, err := w.gate.Permit(t.Context(), actorOf(w.acmes), id, consent.ArtefactRate); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("a Permit after the withdrawal: %v", err)
	}
	if got := strings.Join(w.peopleOf(t, w.alice, id), "|"); got != "Acme 4 "+personsWhy+"|Zenith 1" {
		t.Errorf("after the withdrawal the candidate is shown %q", got)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM person_ratings`); n != 2 {
		t.Errorf("%d ratings are kept, want 2", n)
	}
}

func TestAClosedFormStaysAsItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	w.share(t, w.alice, id, w.acme, consent.ScopeRatings, consent.ScopeTranscript)
	raters := NewRaters(w.database, w.keys)
	rate := func() consent.Permit { return w.permit(t, actorOf(w.acmes), id, consent.ArtefactRate) }
	closed := func() bool {
		t.Helper()
		is, err := raters.FormClosed(t.Context(), rate())
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	w.personRates(t, w.acmes, id, 3, "")
	if closed() {
		t.Error("the form is closed before anybody closed it")
	}
	for range 2 {
		if err := raters.CloseForm(t.Context(), rate()); err != nil {
			t.Fatal(err)
		}
	}
	if !closed() {
		t.Error("the form is open after it was closed")
	}
	if err := raters.RateAnswer(t.Context(), rate(), personRating(t, id, 5), 0, personsWhy); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("rating in a closed form: %v", err)
	}
	if got := strings.Join(w.peopleOf(t, w.alice, id), "|"); got != "Acme 3" {
		t.Errorf("the candidate is shown %q", got)
	}
}

func TestPeopleRateOnlyAnswersAndCompetenciesThatExist(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := w.interview(t, w.alice), w.interview(t, w.alice)
	w.share(t, w.alice, id, w.acme, consent.ScopeRatings, consent.ScopeTranscript)
	raters := NewRaters(w.database, w.keys)
	rate := w.permit(t, actorOf(w.acmes), id, consent.ArtefactRate)
	as := func(change func(*assess.RatingFields)) assess.Rating {
		return testRating(t, func(f *assess.RatingFields) {
			f.Rater, f.WhyNotHigher, f.WhyNotLower = assess.Rater{Kind: assess.RaterHuman}, "", ""
			change(f)
		}, id)
	}
	for name, c := range map[string]struct {
		rating assess.Rating
		why    string
		want   error
	}{
		"no such take":                  {as(func(f *assess.RatingFields) { f.Take = 2 }), "", consent.ErrNotFound},
		"no such question":              {as(func(f *assess.RatingFields) { f.Question = 7 }), "", consent.ErrNotFound},
		"not asked for by the question": {as(func(f *assess.RatingFields) { f.Competency = "depth" }), "", consent.ErrNotFound},
		"of another session":            {as(func(f *assess.RatingFields) { f.Session = other }), "", consent.ErrPermit},
		"by a model":                    {testRating(t, nil, id), "", consent.ErrPermit},
		"by the candidate":              {testRating(t, selfRated, id), "", consent.ErrPermit},
		"a sentence that is too long":   {personRating(t, id, 3), strings.Repeat("x", assess.LongestWhy+1), assess.ErrTextTooLong},
	} {
		if err := raters.RateAnswer(t.Context(), rate, c.rating, 0, c.why); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM person_ratings`); n != 0 {
		t.Errorf("%d ratings are kept", n)
	}
	for name, permit := range map[string]consent.Permit{
		"zero": {}, "for another artefact": w.permit(t, actorOf(w.acmes), id, consent.ArtefactRatings),
	} {
		if err := raters.RateAnswer(t.Context(), permit, personRating(t, id, 3), 0, ""); !errors.Is(err, consent.ErrPermit) {
			t.Errorf("rating with a Permit that is %s: %v", name, err)
		}
		if _, err := raters.FormClosed(t.Context(), permit); !errors.Is(err, consent.ErrPermit) {
			t.Errorf("looking at the form with a Permit that is %s: %v", name, err)
		}
	}
}
