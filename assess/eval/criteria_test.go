package eval

import (
	"slices"
	"strings"
	"testing"

	"greenroom/assess"
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

// A kind of swap that was not tried, or too seldom, is named; it is never left out of the list.
func TestSwapsThatWereNotTriedAreNamed(t *testing.T) {
	t.Parallel()
	few := known(.9, .8, 1)
	few.N = fewestForSwap - 1
	for name, swaps := range map[string]map[string]Shift{"none": nil, "too few": {"name": {Mean: few}}} {
		r := Report{Swaps: swaps}
		r.judge()
		for _, id := range []string{"swap-name", "swap-gender", "swap-school"} {
			if !slices.Contains(r.Card().NotMeasured, id) || r.Fails(id) {
				t.Errorf("%s: %s is missing from what was not measured: %v", name, id, r.Card().NotMeasured)
			}
		}
	}
}

// What could not be computed is absent from a card: it has no zero that could be taken for a finding.
func TestACardHasNoNumberThatWasNotMeasured(t *testing.T) {
	t.Parallel()
	r := Report{Humans: &Humans{}, Attacks: &Inflation{}, LookAlikes: &Drift{}}
	if card := r.Card(); card.Pairs != nil || card.Humans != nil || card.Inflation != nil || card.Flags != nil {
		t.Errorf("the card has %+v", card)
	}
	found := known(.9, .8, 1)
	r.Pairs.Direction, r.Humans.QWK, r.Attacks.Mean, r.LookAlikes.Flagged = found, found, found, found
	card := r.Card()
	for _, shown := range []*assess.Interval{card.Pairs, card.Humans, card.Inflation, card.Flags} {
		if shown == nil || *shown != found.interval() {
			t.Errorf("the card has %+v, want %+v", shown, found)
		}
	}
}

// The first rater stands before the second, whatever their names; a model that rated nothing is not named.
func TestACardNamesItsRatersInTheirOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ raters, want []string }{
		{[]string{"a", "b"}, []string{"b", "a"}}, {[]string{"b"}, []string{"b"}}, {nil, []string{}},
	} {
		r := Report{Model: "b", Second: "a", Raters: c.raters}
		if got := r.Card().Models; !slices.Equal(got, c.want) {
			t.Errorf("of %q: %q, want %q", c.raters, got, c.want)
		}
	}
}

// A level that is gone when the same answer is rated again is a difference, as one that comes is.
func TestALevelThatDisappearsCountsInTheRetest(t *testing.T) {
	t.Parallel()
	level := func(l float64) Rated { return Rated{Outcome: assess.OutcomeLevel, Level: l} }
	gone := Rated{Outcome: assess.OutcomeNotObserved}
	e := evaluation{Options: Options{Repeat: 1}, rated: map[string]Rated{}}
	for i, pair := range [][2]Rated{{level(5), gone}, {gone, level(4)}, {level(3), level(3)}, {level(2), {Outcome: assess.OutcomeNotAssessable}}} {
		id := string(rune('a' + i))
		e.gold = append(e.gold, Answer{ID: id})
		e.rated[runKey(0, id)], e.rated[runKey(1, id)] = pair[0], pair[1]
	}
	if got := e.retest(); got.Exact.N != 3 || got.Exact.Value != 1.0/3 || got.ICC.Value > 0 {
		t.Errorf("found %+v; want one of three the same, and no agreement", got)
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
