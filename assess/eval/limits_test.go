package eval

import (
	"bytes"
	"strings"
	"testing"
)

func TestDriftIsHeldAgainstLimits(t *testing.T) {
	t.Parallel()
	known := func(value float64) Estimate {
		return Estimate{Value: value, Low: value - 1, High: value + 1, N: 30, Known: true}
	}
	limit := func(value float64) *float64 { return &value }
	drift := LevelDrift{N: 30, Difference: known(-0.3), QWK: known(0.7)}
	steady := drift
	steady.QWK = Estimate{N: 30} // levels that never vary have no kappa
	for name, c := range map[string]struct {
		drift  LevelDrift
		limits Limits
		want   Verdict
		each   []Verdict
	}{
		"within":               {drift, Limits{limit(0.3), limit(0.7), limit(0.8), 20}, VerdictWithin, []Verdict{VerdictWithin, VerdictWithin, VerdictWithin}},
		"moved down":           {drift, Limits{limit(0.2), nil, nil, 20}, VerdictExceeded, []Verdict{VerdictExceeded}},
		"kappa":                {drift, Limits{nil, limit(0.71), nil, 20}, VerdictExceeded, []Verdict{VerdictExceeded}},
		"fewer are the same":   {drift, Limits{limit(0.3), nil, limit(0.9), 20}, VerdictExceeded, []Verdict{VerdictWithin, VerdictExceeded}},
		"too few":              {drift, Limits{limit(0), limit(1), nil, 31}, VerdictUnknown, []Verdict{VerdictUnknown, VerdictUnknown}},
		"no kappa":             {steady, Limits{limit(0.3), limit(-1), nil, 20}, VerdictUnknown, []Verdict{VerdictWithin, VerdictUnknown}},
		"no kappa, and exceed": {steady, Limits{limit(0.2), limit(-1), nil, 20}, VerdictExceeded, []Verdict{VerdictExceeded, VerdictUnknown}},
		"nothing was rated":    {LevelDrift{}, Limits{limit(4), nil, nil, 2}, VerdictUnknown, []Verdict{VerdictUnknown}},
		"no limit":             {drift, Limits{LeastLevels: 20}, VerdictWithin, nil},
	} {
		found := Replayed{Overall: c.drift}
		if c.drift.N > 0 {
			found.Same = known(0.8)
		}
		if got := found.Check(c.limits); got != c.want || len(found.Checks) != len(c.each) {
			t.Errorf("%s: %s with %+v, want %s", name, got, found.Checks, c.want)
			continue
		}
		var out bytes.Buffer
		if err := found.Print(&out); err != nil {
			t.Fatal(err)
		}
		for i, want := range c.each {
			if found.Checks[i].Verdict != want || !strings.Contains(out.String(), string(want)) {
				t.Errorf("%s: limit %d is %s, want %s\n%s", name, i, found.Checks[i].Verdict, want, out.String())
			}
		}
	}
}
