package assess

import (
	"strings"
	"testing"

	"greenroom/consent"
)

// What a contest asks for is blind: the model sees neither levels nor that there were any, and gathers evidence
// for itself. What was rated before stays as it is.
func TestASecondLookIsBlindAndReplacesNothing(t *testing.T) {
	t.Parallel()
	a, kept, model, _ := bench(t, good)
	must(t, a.Answer(t.Context(), "session", 0, 1))
	before, evidence := len(kept.ratings), len(kept.evidence)
	model.asked = nil
	must(t, a.SecondLook(t.Context(), "session", 0, 1, "ownership"))

	if len(kept.ratings) != before+1 || len(kept.evidence) != evidence {
		t.Errorf("%d ratings after %d, evidence of %d lines after %d", len(kept.ratings), before, len(kept.evidence), evidence)
	}
	looked := kept.ratedBy(PassContest)
	if len(looked) != 1 || looked[0].Competency() != "ownership" || len(kept.ratedBy(PassFirst)) != 2 || len(kept.ratedBy(PassSecond)) != 2 {
		t.Errorf("ratings %+v", kept.ratings)
	}
	if len(model.asked) != 2 || model.asked[0].SchemaName != "evidence" || model.asked[1].SchemaName != "rating" {
		t.Fatalf("the model was asked %d times: want evidence anew, and one rating", len(model.asked))
	}
	for _, r := range model.asked {
		for _, told := range []string{"contest", "again", "before", "why_not", "No change afterwards"} {
			if strings.Contains(r.User.text, told) {
				t.Errorf("the model is told %q: %s", told, r.User.text)
			}
		}
	}
	if standing, ok := StandingOf(kept.ratings, RaterModel, "ownership"); !ok || standing.Raters != 2 {
		t.Errorf("the standing counts the second look: %+v", standing)
	}
	model.asked = nil
	must(t, a.SecondLook(t.Context(), "session", 0, 1, "ownership")) // the job ran twice
	if len(kept.ratings) != before+1 {
		t.Errorf("%d ratings after the job ran twice", len(kept.ratings))
	}
}

func TestASecondLookAsksTheOtherModelWhereThereIsOne(t *testing.T) {
	t.Parallel()
	a, kept, model, _ := bench(t, good)
	other := &scriptedModel{answer: good}
	a.Second = other
	must(t, a.SecondLook(t.Context(), "session", 0, 1, "ownership"))
	if len(model.asked) != 0 || len(other.asked) != 2 || len(kept.calls) != 2 {
		t.Errorf("the first model was asked %d times, the second %d; %d calls noted", len(model.asked), len(other.asked), len(kept.calls))
	}
}

func TestASecondLookNeedsWhatEveryRatingNeeds(t *testing.T) {
	t.Parallel()
	a, kept, model, f := bench(t, good)
	f.consents = consent.Consents{Transcription: true}
	must(t, a.SecondLook(t.Context(), "session", 0, 1, "ownership"))
	if len(model.asked)+len(kept.ratings)+len(kept.calls) > 0 {
		t.Errorf("without the consent %d questions were asked and %d ratings kept", len(model.asked), len(kept.ratings))
	}
	f.consents.Assessment = true
	if err := a.SecondLook(t.Context(), "session", 0, 1, "unknown"); err == nil {
		t.Error("a competency that the question does not ask for was rated")
	}
	if err := a.SecondLook(t.Context(), "session", 99, 1, "ownership"); err == nil {
		t.Error("a question that is not in the plan was rated")
	}
	none, kept, _, _ := bench(t, nil)
	must(t, none.SecondLook(t.Context(), "session", 0, 1, "ownership"))
	if len(kept.ratings) > 0 {
		t.Errorf("without a model there are ratings: %+v", kept.ratings)
	}
}
