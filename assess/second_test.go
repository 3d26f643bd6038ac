package assess

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"greenroom/consent"
)

// passOf tells the passes apart by what is asked.
func passOf(r ModelRequest) Pass {
	switch {
	case r.System != ratingSystem:
		return PassSecond
	case strings.HasPrefix(r.User.text, `{"answer"`):
		return PassFirst
	default:
		return PassThird
	}
}

// levelling answers each pass with its own level; 0 is not observed.
func levelling(levels map[Pass]int) func(ModelRequest) (string, error) {
	return func(r ModelRequest) (string, error) {
		if r.SchemaName == "evidence" {
			return `{"evidence":[]}`, nil
		}
		if r.SchemaName == "advice" {
			return `{"strengths":[],"gaps":[],"drill":[]}`, nil
		}
		level := levels[passOf(r)]
		return fmt.Sprintf(`{"observed":%t,"level":%d,"why_not_higher":"","why_not_lower":""}`, level > 0, level), nil
	}
}

func TestEveryLevelIsRatedTwiceAndAThirdTimeWhereTheyDiffer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		levels map[Pass]int
		want   []Pass
	}{
		{map[Pass]int{PassFirst: 1, PassSecond: 1}, []Pass{PassFirst, PassSecond}},
		{map[Pass]int{PassFirst: 5, PassSecond: 5}, []Pass{PassFirst, PassSecond}},
		{map[Pass]int{PassFirst: 3, PassSecond: 3}, []Pass{PassFirst, PassSecond}},
		{map[Pass]int{PassFirst: 0, PassSecond: 0}, []Pass{PassFirst, PassSecond}},
		{map[Pass]int{PassFirst: 5, PassSecond: 4, PassThird: 4}, []Pass{PassFirst, PassSecond, PassThird}},
		{map[Pass]int{PassFirst: 1, PassSecond: 5, PassThird: 2}, []Pass{PassFirst, PassSecond, PassThird}},
		{map[Pass]int{PassFirst: 0, PassSecond: 2, PassThird: 2}, []Pass{PassFirst, PassSecond, PassThird}},
	} {
		a, kept, _, _ := bench(t, levelling(test.levels))
		evidenceForAll(kept)
		must(t, a.Answer(t.Context(), "session", 0, 1))
		for _, id := range kept.plan.Questions[0].Competencies {
			var passes []Pass
			for _, r := range kept.ratings {
				if r.Competency() != id {
					continue
				}
				passes = append(passes, r.Rater().Pass)
				level, _ := r.Level()
				if level != test.levels[r.Rater().Pass] {
					t.Errorf("%v: %s pass of %s has level %d (%s)", test.levels, r.Rater().Pass, id, level, r.Outcome())
				}
				if r.Rater().BankSHA256 != kept.plan.BankSHA256 || r.Rater().BankSHA256 == "" {
					t.Errorf("rater %+v does not name the bank", r.Rater())
				}
			}
			if !slices.Equal(passes, test.want) {
				t.Errorf("%v: %s was rated in the passes %v, want %v", test.levels, id, passes, test.want)
			}
		}
	}
}

// evidenceForAll says that something was found for each competency of the first question.
func evidenceForAll(kept *keptResults) {
	line := kept.lines[0]
	for _, id := range kept.plan.Questions[0].Competencies {
		kept.evidence[line.Ref()] = append(kept.evidence[line.Ref()], Evidence{
			Session: line.Session, Take: 1, Competency: id, Line: line.Ref(), Last: 2, Polarity: Supports, Part: PartAction,
		})
	}
}

// The second rating has a prompt of its own: other words, another order, the anchors from the top.
func TestTheSecondRatingIsAskedInAnotherWay(t *testing.T) {
	t.Parallel()
	a, kept, model, _ := bench(t, levelling(map[Pass]int{PassFirst: 2, PassSecond: 4, PassThird: 3}))
	evidenceForAll(kept)
	must(t, a.Answer(t.Context(), "session", 0, 1))
	asked := map[Pass]ModelRequest{}
	for _, r := range model.asked {
		if r.SchemaName == "rating" {
			asked[passOf(r)] = r
		}
	}
	again := asked[PassSecond].User.text
	if five, one := strings.Index(again, `"level":5`), strings.Index(again, `"level":1`); five < 0 || one < five {
		t.Errorf("the anchors are not listed from 5 to 1: %s", again)
	}
	if asked[PassFirst].User.text == asked[PassThird].User.text || asked[PassFirst].System != asked[PassThird].System {
		t.Error("the third pass is not the first one's instructions in another order")
	}
	hashes := map[string]bool{}
	for _, r := range kept.ratings {
		hashes[r.Rater().PromptSHA256] = true
	}
	if len(hashes) != 2 {
		t.Errorf("%d prompts are named, want one for the first and third pass and one for the second", len(hashes))
	}
	for _, call := range kept.calls {
		if call.For == consent.AIRating && !hashes[call.PromptSHA256] {
			t.Errorf("call %+v names a prompt that no rating names", call)
		}
	}
}

func TestAnotherModelRatesSecond(t *testing.T) {
	t.Parallel()
	a, kept, _, _ := bench(t, levelling(map[Pass]int{PassFirst: 2, PassSecond: 4, PassThird: 3}))
	evidenceForAll(kept)
	a.Second = otherModel{&scriptedModel{answer: levelling(map[Pass]int{PassSecond: 5})}}
	must(t, a.Answer(t.Context(), "session", 0, 1))
	for _, r := range kept.ratings {
		want := map[Pass]string{PassFirst: "scripted", PassSecond: "another", PassThird: "scripted"}[r.Rater().Pass]
		if r.Rater().Model != want {
			t.Errorf("%s pass is by %q, want %q", r.Rater().Pass, r.Rater().Model, want)
		}
	}
	if second := kept.ratedBy(PassSecond); len(second) != 2 || second[0].level != 5 {
		t.Errorf("second pass = %+v", second)
	}
	if !slices.ContainsFunc(kept.calls, func(c consent.AICall) bool { return c.Model == "another" }) {
		t.Error("no call of the second model is noted")
	}
}

type otherModel struct{ *scriptedModel }

func (otherModel) Name() string { return "another" }

// A job that ran half its way goes on where it was, and asks nothing twice.
func TestWhatWasRatedBeforeIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	down := fmt.Errorf("%w: no answer", ErrModel)
	calls := 0
	answer := levelling(map[Pass]int{PassFirst: 2, PassSecond: 3, PassThird: 3})
	a, kept, model, _ := bench(t, func(r ModelRequest) (string, error) {
		if r.SchemaName == "rating" {
			if calls++; calls == 3 {
				return "", down
			}
		}
		return answer(r)
	})
	evidenceForAll(kept)
	if err := a.Answer(t.Context(), "session", 0, 1); err == nil {
		t.Fatal("the model was down and nobody noticed")
	}
	before := slices.Clone(kept.ratings)
	if len(before) != 2 {
		t.Fatalf("%d ratings before the failure, want 2", len(before))
	}
	must(t, a.Answer(t.Context(), "session", 0, 1))
	if len(kept.ratings) != 6 || kept.ratings[0] != before[0] || kept.ratings[1] != before[1] {
		t.Errorf("ratings %+v, want the two of before and four more", kept.ratings)
	}
	asked := len(model.asked)
	a.LevelsOnly = true
	must(t, a.Answer(t.Context(), "session", 0, 1))
	if len(model.asked) != asked || len(kept.ratings) != 6 {
		t.Errorf("a third run asked %d times", len(model.asked)-asked)
	}
}

// Another bank, another model or another prompt is another rater: everything is rated anew, and nothing of the
// rating before is left beside it.
func TestAFirstRatingByAnotherRaterBeginsAnew(t *testing.T) {
	t.Parallel()
	a, kept, _, _ := bench(t, levelling(map[Pass]int{PassFirst: 2, PassSecond: 4, PassThird: 3}))
	evidenceForAll(kept)
	must(t, a.Answer(t.Context(), "session", 0, 1))
	a.Model = otherModel{&scriptedModel{answer: levelling(map[Pass]int{PassFirst: 3, PassSecond: 3})}}
	must(t, a.Answer(t.Context(), "session", 0, 1))
	if len(kept.ratings) != 4 {
		t.Errorf("%d ratings, want two of each competency", len(kept.ratings))
	}
	for _, r := range kept.ratings {
		if r.Rater().Model != "another" {
			t.Errorf("a rating of the model before is left: %+v", r)
		}
	}
}

func TestGivingUpLeavesTheLevelsThatWereGiven(t *testing.T) {
	t.Parallel()
	a, kept, _, _ := bench(t, nil)
	ratings := 0
	a.Model = &scriptedModel{answer: func(r ModelRequest) (string, error) {
		if r.SchemaName == "rating" {
			if ratings++; ratings > 2 {
				return "", fmt.Errorf("%w: no answer", ErrModel)
			}
		}
		return levelling(map[Pass]int{PassFirst: 3, PassSecond: 3})(r)
	}}
	evidenceForAll(kept)
	if err := a.Answer(t.Context(), "session", 0, 1); err == nil {
		t.Fatal("the model was down and nobody noticed")
	}
	must(t, a.GiveUp(context.WithoutCancel(t.Context()), "session", 0, 1, 0, ErrModel))
	first := kept.ratedBy(PassFirst)
	if len(first) != 2 || first[0].level != 3 || first[1].Outcome() != OutcomeNotAssessable {
		t.Errorf("first passes %+v, want the level that was given and one that is not assessable", first)
	}
}

// Without evidence a level above 1 is nothing that was observed, whoever says so.
func TestALevelWithoutEvidenceIsNotObserved(t *testing.T) {
	t.Parallel()
	for level, want := range map[int]Outcome{1: OutcomeLevel, 2: OutcomeNotObserved, 5: OutcomeNotObserved} {
		a, kept, _, _ := bench(t, func(r ModelRequest) (string, error) {
			if r.SchemaName == "evidence" {
				return `{"evidence":[]}`, nil
			}
			return levelling(map[Pass]int{PassFirst: level, PassSecond: level, PassThird: level})(r)
		})
		must(t, a.Answer(t.Context(), "session", 0, 1))
		if len(kept.ratings) != 4 {
			t.Errorf("level %d: %d ratings, want 4", level, len(kept.ratings))
		}
		for _, r := range kept.ratings {
			if r.Outcome() != want || want == OutcomeNotObserved && r.Reason() != reasonNoEvidence {
				t.Errorf("level %d without evidence became %s (%q), want %s", level, r.Outcome(), r.Reason(), want)
			}
		}
	}
}
