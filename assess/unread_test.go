package assess

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

const unreadable = "then somebody asked for the numbers and I wrote all of them down for the next time"

// halfRead is a bench of two lines; replies about the second one cannot be used, and ownership shows in the first.
func halfRead(t *testing.T, rated string, broken func() (string, error)) (*Assessor, *keptResults, *scriptedModel) {
	t.Helper()
	a, kept, model, _ := bench(t, func(r ModelRequest) (string, error) {
		switch {
		case r.SchemaName == "evidence" && strings.Contains(r.User.text, "somebody"):
			return broken()
		case r.SchemaName == "rating":
			return rated, nil
		}
		return good(r)
	})
	line := say(12*time.Second, 18*time.Second, unreadable)
	line.Session, line.Epoch, line.Sequence, line.Take = "session", 1, 1, 1
	kept.lines = append(kept.lines, line)
	return a, kept, model
}

// Every reply that a model may give where something is missing, and what comes of it where nothing showed the
// competency in the lines that were read.
var ratedLow = map[string]string{
	"a level for nothing": `{"observed":true,"level":4,"why_not_higher":"","why_not_lower":""}`,
	"the lowest level":    `{"observed":true,"level":1,"why_not_higher":"","why_not_lower":""}`,
	"nothing observed":    `{"observed":false,"level":0,"why_not_higher":"","why_not_lower":""}`,
}

// A line of which nobody knows what it shows is not one that shows nothing.
func TestALineThatWasNotReadTakesNoLevel(t *testing.T) {
	t.Parallel()
	for cause, broken := range map[string]func() (string, error){
		"cut":          func() (string, error) { return "", fmt.Errorf("%w: %w", ErrModel, errTooLong) },
		"declined":     func() (string, error) { return "", fmt.Errorf("%w: %w", ErrModel, errDeclined) },
		"past context": func() (string, error) { return "", fmt.Errorf("%w: %w", ErrModel, errPastContext) },
		"unusable":     func() (string, error) { return "I see no evidence.", nil },
	} {
		for name, rated := range ratedLow {
			a, kept, _ := halfRead(t, rated, broken)
			must(t, a.Evidence(t.Context(), "session", kept.lines[1].Ref()))
			must(t, a.Answer(t.Context(), "session", 0, 1))
			must(t, a.SecondLook(t.Context(), "session", 0, 1, kept.plan.Questions[0].Competencies[1]))
			if _, done := kept.evidence[kept.lines[1].Ref()]; done || !kept.assessed {
				t.Errorf("%s: the line is done: %t, the answer assessed: %t", cause, done, kept.assessed)
			}
			if len(kept.ratedBy(PassContest)) != 1 {
				t.Errorf("%s: second looks %+v", cause, kept.ratedBy(PassContest))
			}
			for _, r := range kept.ratings {
				if r.Competency() == "ownership" {
					if r.Outcome() == OutcomeNotAssessable || !r.PartlyRead() {
						t.Errorf("%s, %s: %+v, want what was given, and that it rests on a part", cause, name, r.Fields())
					}
					continue
				}
				if r.Outcome() != OutcomeNotAssessable || r.Reason() != reasonUnread || r.PartlyRead() {
					t.Errorf("%s, %s: %+v, want not assessable because a line was not read", cause, name, r.Fields())
				}
			}
		}
	}
}

func TestALineThatIsReadInTheEndCounts(t *testing.T) {
	t.Parallel()
	tries := 0
	a, kept, _ := halfRead(t, ratedLow["nothing observed"], func() (string, error) {
		if tries++; tries <= 2 { // twice while the answer is given
			return "no", nil
		}
		return `{"evidence":[]}`, nil
	})
	must(t, a.Evidence(t.Context(), "session", kept.lines[1].Ref()))
	must(t, a.Answer(t.Context(), "session", 0, 1))
	if _, done := kept.evidence[kept.lines[1].Ref()]; !done || tries != 3 {
		t.Errorf("done %t after %d tries", done, tries)
	}
	for _, r := range kept.ratings {
		if r.Outcome() != OutcomeNotObserved || r.PartlyRead() {
			t.Errorf("%+v, want nothing observed in an answer that was read", r.Fields())
		}
	}
}

// A failure of the provider may pass: the job is tried again, and nothing is said of the answer yet.
func TestAProviderThatFailsLeavesNoLineUnread(t *testing.T) {
	t.Parallel()
	a, kept, _ := halfRead(t, ratedLow["nothing observed"], func() (string, error) { return "", fmt.Errorf("%w: away", ErrModel) })
	for what, err := range map[string]error{
		"evidence":    a.Evidence(t.Context(), "session", kept.lines[1].Ref()),
		"answer":      a.Answer(t.Context(), "session", 0, 1),
		"second look": a.SecondLook(t.Context(), "session", 0, 1, "ownership"),
	} {
		if !errors.Is(err, ErrModel) || errors.Is(err, errUnread) {
			t.Errorf("%s: %v, want the provider's failure", what, err)
		}
	}
	if len(kept.ratings) > 0 || kept.assessed {
		t.Errorf("rated %+v, assessed %t", kept.ratings, kept.assessed)
	}
}

// Where the first model may not be asked any more, the second one has no evidence to rate by.
func TestAModelThatMayNotBeAskedLeavesLinesUnread(t *testing.T) {
	t.Parallel()
	a, kept, model, _ := bench(t, good)
	model.refused = consent.ErrProvider
	a.Second = &scriptedModel{answer: func(ModelRequest) (string, error) { return ratedLow["nothing observed"], nil }}
	must(t, a.Answer(t.Context(), "session", 0, 1))
	if len(kept.ratedBy(PassSecond)) != 2 {
		t.Fatalf("ratings %+v", kept.ratings)
	}
	for _, r := range kept.ratedBy(PassSecond) {
		if r.Outcome() != OutcomeNotAssessable || r.Reason() != reasonUnread {
			t.Errorf("%+v, want not assessable because no line was read", r.Fields())
		}
	}
}
