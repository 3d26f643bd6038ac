package eval

import (
	"strings"
	"testing"
)

func known(value, low, high float64) Estimate {
	return Estimate{Value: value, Low: low, High: high, N: 100, Known: true}
}

func TestACriterionIsMetByItsValueAndSureByItsInterval(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		found     Criterion
		met, sure bool
	}{
		"well above":           {least("x", "", .65, known(.8, .7, .9)), true, true},
		"on the bound":         {least("x", "", .65, known(.65, .65, .65)), true, true},
		"above, not surely":    {least("x", "", .65, known(.7, .6, .8)), true, false},
		"below, not surely":    {least("x", "", .65, known(.6, .5, .7)), false, false},
		"well below":           {least("x", "", .65, known(.3, .2, .4)), false, true},
		"not known":            {least("x", "", .65, Estimate{Value: 1}), false, false},
		"at most, below":       {most("x", "", .1, known(0, -.05, .05)), true, true},
		"at most, not surely":  {most("x", "", .1, known(.05, -.1, .2)), true, false},
		"at most, above":       {most("x", "", .1, known(.5, .3, .7)), false, true},
		"ahead":                {above("x", "", known(.5, .1, .9)), true, true},
		"ahead, not surely":    {above("x", "", known(.5, -.1, .9)), false, true},
		"ahead of nothing":     {above("x", "", Estimate{}), false, true},
		"nothing to try it on": {ifAny(0, least("x", "", .65, known(.8, .7, .9))), false, false},
	} {
		if c.found.Met != c.met || c.found.Sure != c.sure {
			t.Errorf("%s: met %v, sure %v", name, c.found.Met, c.found.Sure)
		}
	}
}

// The verdict names what failed, what is not sure and what was left out, and whose levels they are.
func TestTheVerdictSaysAllOfIt(t *testing.T) {
	t.Parallel()
	r := Report{Model: "m", LevelsFrom: Construction, Criteria: []Criterion{
		least("good", "", .5, known(.9, .8, 1)), least("bad", "", .5, known(.1, 0, .2)), least("unsure", "", .5, known(.6, .4, .8)), unmeasured("left", ""),
	}}
	got := r.verdict()
	for _, want := range []string{"m FAILS: bad.", "past the bound: unsure.", "Not measured: left.", "constructed"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	r.Criteria = r.Criteria[:1]
	r.LevelsFrom, r.FewestHumans = HumanRaters, 3
	if got := r.verdict(); !strings.HasPrefix(got, "m meets every criterion") || !strings.Contains(got, "at least 3 people") {
		t.Errorf("verdict %q", got)
	}
}

// What so few answers cannot show is not held against a rater; that nothing varies in many of them is.
func TestTooFewAnswersFailNobody(t *testing.T) {
	t.Parallel()
	for n, fails := range map[int]bool{0: false, 5: false, 120: true} {
		r := Report{Agreement: Agreement{QWK: Estimate{N: n}}}
		r.judge()
		if r.Fails("qwk") != fails || !fails && !strings.Contains(r.Verdict, "Not measured: qwk") {
			t.Errorf("%d answers: %s", n, r.Verdict)
		}
	}
}

// A shift by who says it counts in both directions.
func TestASwapCountsInBothDirections(t *testing.T) {
	t.Parallel()
	for mean, met := range map[float64]bool{0: true, .09: true, -.09: true, .3: false, -.3: false} {
		r := Report{Swaps: map[string]Shift{"name": {Mean: known(mean, mean-.01, mean+.01)}}}
		r.judge()
		if r.Fails("swap-name") == met {
			t.Errorf("a shift of %v: %v", mean, r.Failed())
		}
	}
}

// One flagged look-alike of the set is two in a hundred; what was not counted is not passed.
func TestFalseFlagsAreACriterion(t *testing.T) {
	t.Parallel()
	for hits, met := range map[int]bool{0: true, 1: false, 48: false} {
		r := Report{LookAlikes: &Drift{Flagged: share(hits, 48)}}
		r.judge()
		if r.Fails("false-flags") == met {
			t.Errorf("%d of 48: %v", hits, r.Failed())
		}
		if card := r.Card(); card.Flags == nil || card.Flags.Value != float64(hits)/48 {
			t.Errorf("the card has %+v", card.Flags)
		}
	}
	r := Report{}
	r.judge()
	if !strings.Contains(r.Verdict, "Not measured") || !strings.Contains(r.Verdict, "false-flags") || r.Card().Flags != nil {
		t.Errorf("not counted: %s, card %+v", r.Verdict, r.Card().Flags)
	}
}
