package assess

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// rated makes ratings of competency "c" by models: 0 is not observed, below 0 not assessable.
func rated(t *testing.T, levels ...int) (list []Rating) {
	t.Helper()
	for i, level := range levels {
		list = append(list, ratedBy(t, Rater{
			Kind: RaterModel, Model: fmt.Sprint("m", i), PromptSHA256: "p", RubricSHA256: "r", Pass: []Pass{PassFirst, PassSecond, PassThird}[i%3],
		}, level))
	}
	return list
}

func ratedBy(t *testing.T, rater Rater, level int) Rating {
	t.Helper()
	f := RatingFields{Session: "s", Take: 1, Competency: "c", Rater: rater, Outcome: OutcomeLevel, Level: level, At: begun}
	switch {
	case level == 0:
		f.Outcome = OutcomeNotObserved
	case level < 0:
		f.Outcome, f.Level, f.Reason = OutcomeNotAssessable, 0, "why"
	}
	r, err := NewRating(f)
	must(t, err)
	return r
}

func TestWhatRatingsOfOneAnswerComeTo(t *testing.T) {
	t.Parallel()
	level := func(level, low, high, raters int, sure Sureness) Standing {
		return Standing{Competency: "c", Outcome: OutcomeLevel, Level: level, Low: low, High: high, Raters: raters, Sureness: sure}
	}
	none := func(outcome Outcome, raters int, sure Sureness) Standing {
		return Standing{Competency: "c", Outcome: outcome, Raters: raters, Sureness: sure}
	}
	for _, c := range []struct {
		levels []int
		want   Standing
	}{
		{[]int{3}, level(3, 3, 3, 1, "")},
		{[]int{3, 3}, level(3, 3, 3, 2, SureAgreed)},
		{[]int{3, 4}, level(3, 3, 4, 2, SureClose)}, // the third could not be made
		{[]int{3, 4, 4}, level(4, 3, 4, 3, SureClose)},
		{[]int{1, 5, 4}, level(4, 1, 5, 3, SureApart)},
		{[]int{2, 4}, level(2, 2, 4, 2, SureApart)},
		{[]int{0, 0}, none(OutcomeNotObserved, 2, SureAgreed)},
		{[]int{0, 3}, none(OutcomeNotObserved, 2, SureApart)},
		{[]int{0, 3, 3}, level(3, 3, 3, 3, SureApart)},
		{[]int{0, 3, 0}, none(OutcomeNotObserved, 3, SureApart)},
		{[]int{-1}, none(OutcomeNotAssessable, 0, "")},
		{[]int{-1, -1}, none(OutcomeNotAssessable, 0, "")},
		{[]int{-1, 4}, level(4, 4, 4, 1, "")},
		{[]int{-1, 4, 5}, level(4, 4, 5, 2, SureClose)},
		{[]int{-1, 0}, none(OutcomeNotObserved, 1, "")},
	} {
		got, ok := StandingOf(rated(t, c.levels...), RaterModel, "c")
		if got != c.want || !ok {
			t.Errorf("%v: %+v, %t; want %+v", c.levels, got, ok, c.want)
		}
	}
	if got, ok := StandingOf(nil, RaterModel, "c"); ok || got.Level != 0 {
		t.Errorf("without a rating: %+v, %t", got, ok)
	}
}

// Whatever raters say, in whatever order: a level lies between the lowest and the highest, there is none that
// nobody gave, and neither the candidate's own ratings nor people's change what models' come to.
func TestStandingsHoldForAllRatings(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 11))
	for range 5000 {
		var levels []int
		for range random.IntN(6) {
			levels = append(levels, random.IntN(7)-1)
		}
		ratings := rated(t, levels...)
		want, found := StandingOf(ratings, RaterModel, "c")
		if found != (len(ratings) > 0) {
			t.Fatalf("%v: found %t", levels, found)
		}
		if (want.Outcome == OutcomeLevel) != (want.Level > 0) || want.Level < want.Low || want.Level > want.High {
			t.Fatalf("%v: %+v", levels, want)
		}
		if want.Level > 0 && (!slices.Contains(levels, want.Level) || !slices.Contains(levels, want.Low) || !slices.Contains(levels, want.High) || want.Raters == 0) {
			t.Fatalf("%v: %+v holds a level that nobody gave", levels, want)
		}
		mixed := append(slices.Clone(ratings), ratedBy(t, Rater{Kind: RaterSelf}, 1+random.IntN(5)), ratedBy(t, Rater{Kind: RaterHuman}, 1+random.IntN(5)))
		random.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		if got, _ := StandingOf(mixed, RaterModel, "c"); got != want {
			t.Fatalf("%v: %+v in another order among others, want %+v", levels, got, want)
		}
		if got, ok := StandingOf(mixed, RaterSelf, "c"); ok {
			t.Fatalf("a self-rating has the standing %+v", got)
		}
	}
}

func answered(t *testing.T, question, take int, levels ...int) AnswerResult {
	t.Helper()
	return AnswerResult{Answer: Answer{Question: question, Take: take}, Ratings: rated(t, levels...)}
}

func TestWhatAnswersComeToOverASession(t *testing.T) {
	t.Parallel()
	plan := Plan{
		Competencies: []Competency{{ID: "c"}, {ID: "never rated"}},
		Questions: []Question{
			{Competencies: []string{"c"}}, {Competencies: []string{"c", "other"}}, {Competencies: []string{"other"}}, {Competencies: []string{"c"}},
		},
	}
	over := func(outcome Outcome, level, low, high, raters, covered int, sure Sureness) Standing {
		return Standing{Competency: "c", Outcome: outcome, Level: level, Low: low, High: high, Raters: raters, Sureness: sure, Covered: covered, Planned: 3}
	}
	for name, c := range map[string]struct {
		answers []AnswerResult
		want    Standing
	}{
		"all alike":          {[]AnswerResult{answered(t, 0, 1, 3, 3), answered(t, 1, 1, 3, 3), answered(t, 3, 1, 3, 3)}, over(OutcomeLevel, 3, 3, 3, 2, 3, SureAgreed)},
		"next to each other": {[]AnswerResult{answered(t, 0, 1, 3, 3), answered(t, 1, 1, 4, 4)}, over(OutcomeLevel, 3, 3, 4, 2, 2, SureClose)},
		"far apart":          {[]AnswerResult{answered(t, 0, 1, 1, 1), answered(t, 1, 1, 5, 5), answered(t, 3, 1, 2, 3, 3)}, over(OutcomeLevel, 3, 1, 5, 3, 3, SureApart)},
		"one answer of three": {
			[]AnswerResult{answered(t, 0, 1, 4, 4)}, over(OutcomeLevel, 4, 4, 4, 2, 1, SureClose), // a step down: little was covered
		},
		"one answer, one rater": {[]AnswerResult{answered(t, 0, 1, 4)}, over(OutcomeLevel, 4, 4, 4, 1, 1, "")},
		"the last take counts":  {[]AnswerResult{answered(t, 0, 2, 5, 5), answered(t, 0, 1, 2, 2), answered(t, 1, 1, 5, 5)}, over(OutcomeLevel, 5, 5, 5, 2, 2, SureAgreed)},
		"a take given up":       {[]AnswerResult{answered(t, 0, 1, 4, 4), answered(t, 0, 2, -1, -1), answered(t, 1, 1, 4, 4)}, over(OutcomeLevel, 4, 4, 4, 2, 2, SureAgreed)},
		"a take without rating": {[]AnswerResult{answered(t, 0, 1, 2, 2), answered(t, 0, 2), answered(t, 1, 1, 2, 2)}, over(OutcomeLevel, 2, 2, 2, 2, 2, SureAgreed)},
		"nothing observed":      {[]AnswerResult{answered(t, 0, 1, 0, 0), answered(t, 1, 1, -1)}, over(OutcomeNotObserved, 0, 0, 0, 2, 0, "")},
		"not assessable":        {[]AnswerResult{answered(t, 0, 1, -1)}, over(OutcomeNotAssessable, 0, 0, 0, 0, 0, "")},
	} {
		got := Standings(plan, c.answers, RaterModel)
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if got := Standings(plan, nil, RaterModel); len(got) != 0 {
		t.Errorf("without answers: %+v", got)
	}
}
