package storage

import (
	"slices"
	"testing"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

// passed is a rating of one pass, by a model of that pass's own.
func passed(t *testing.T, id consent.SessionID, pass assess.Pass, model string, level int) assess.Rating {
	t.Helper()
	return testRating(t, func(f *assess.RatingFields) {
		f.Rater.Pass, f.Rater.Model, f.Level, f.WhyNotHigher = pass, model, level, "why of the "+string(pass)+" pass"
	}, id)
}

// changed is the rating with something else in it.
func changed(t *testing.T, rating assess.Rating, change func(*assess.RatingFields)) assess.Rating {
	t.Helper()
	fields := rating.Fields()
	change(&fields)
	rating, err := assess.NewRating(fields)
	if err != nil {
		t.Fatal(err)
	}
	return rating
}

// Each pass is kept with its own sentences. A rating that is made anew takes the place of its own pass, a first
// one that of all, whoever gave them.
func TestRatingsOfSeveralPassesAreKeptApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, ctx := w.interview(t, w.alice), t.Context()
	read := func() []assess.Rating {
		t.Helper()
		ratings := w.record(t, w.permits(t, actorOf(w.alice), id)).Answers[0].Ratings
		return slices.DeleteFunc(ratings, func(r assess.Rating) bool { return r.Rater().Kind == assess.RaterSelf })
	}
	save := func(r assess.Rating) {
		t.Helper()
		if err := w.results.SaveRating(ctx, w.part(t, consent.ActorAssessor, id, consent.ArtefactRatings), r); err != nil {
			t.Fatal(err)
		}
	}
	asked := func(f *assess.RatingFields) {
		f.Asked, f.Heard = assess.Asked{Held: assess.HeldToObject, Answered: "two-2026"}, assess.HeardBadly{Clipped: true, Unsure: true}
		f.PartlyRead = true
	}
	first, second, third := passed(t, id, assess.PassFirst, "one", 4), passed(t, id, assess.PassSecond, "two", 2), passed(t, id, assess.PassThird, "one", 3)
	second = changed(t, second, asked)
	for _, r := range []assess.Rating{first, second, third} {
		save(r)
	}
	if got := read(); !slices.Equal(got, []assess.Rating{first, second, third}) {
		t.Errorf("read %+v\nwant the three passes", got)
	}
	other := passed(t, id, assess.PassSecond, "three", 4)
	save(other)
	save(other) // a job may run twice
	// The third was asked for because of the second one that is gone.
	if got := read(); !slices.Equal(got, []assess.Rating{first, other}) {
		t.Errorf("read %+v\nwant the second pass by the other model, and no third", got)
	}
	stored, err := w.results.RatingsOf(ctx, w.part(t, consent.ActorAssessor, id, consent.ArtefactRatings), id, 0, 1)
	if err != nil || len(stored) != 2 || stored[1].Rater() != other.Rater() || stored[1].WhyNotHigher() != "" {
		t.Errorf("the assessor reads %+v, %v; want two without sentences", stored, err)
	}
	with := passed(t, id, assess.PassWithFlagged, "one", 5)
	save(with)
	if got := read(); !slices.Equal(got, []assess.Rating{first, other, with}) {
		t.Errorf("read %+v\nwant also the one with words that do not count", got)
	}
	anew := passed(t, id, assess.PassFirst, "four", 5)
	save(anew)
	if got := read(); !slices.Equal(got, []assess.Rating{anew}) {
		t.Errorf("read %+v\nwant the new first pass alone", got)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM ratings WHERE session = '`+string(id)+`' AND rater_kind = 'self'`); n != 1 {
		t.Errorf("%d self-ratings, want the one of before", n)
	}
}

// The database itself refuses a second rating by a person, and one pass twice.
func TestOnlyModelsRateMoreThanOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	const add = `INSERT INTO ratings (session, question, take, competency, rater_kind, model, pass, prompt_sha256, rubric_sha256, outcome, level, at)
		VALUES ($1, 0, 1, 'ownership', $2, $3, $4, $5, 'r1', 'level', 3, $6)`
	for _, c := range []struct {
		kind, model, pass, prompt, code string
	}{
		{"human", "", "second", "", checkViolation},
		{"model", "m", "fourth", "p", checkViolation},
		{"model", "model-1", "first", "p1", uniqueViolation},
		{"model", "model-1", "second", "p1", ""},
	} {
		_, err := w.owner.Exec(t.Context(), add, id, c.kind, c.model, c.pass, c.prompt, time.Now())
		if c.code == "" && err != nil || c.code != "" && !hasCode(err, c.code) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
