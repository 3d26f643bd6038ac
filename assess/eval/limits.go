package eval

import (
	"fmt"
	"math"
)

// Limits are how far levels may drift. A nil one is no limit.
type Limits struct {
	MostDifference *float64 // of the mean difference's size, in levels
	LeastKappa     *float64
	LeastSame      *float64 // share of the levels that are the same, 0 to 1; one that is gone or came is not
	LeastLevels    int      // with fewer nothing can be said
}

// Verdict is what a limit came to.
type Verdict string

// The verdicts. Exceeded and unknown are not the same: where too few levels are there, nobody knows.
const (
	VerdictWithin   Verdict = "within"
	VerdictExceeded Verdict = "exceeded"
	VerdictUnknown  Verdict = "too little to tell"
)

// LimitCheck is one limit, and what was found.
type LimitCheck struct {
	What    string   `json:"what"`
	Limit   float64  `json:"limit"`
	Found   Estimate `json:"found"`
	Verdict Verdict  `json:"verdict"`
}

// Check holds the drift of all competencies together against limits, and keeps what it found. The verdict is the
// worst one: exceeded before unknown. What counts is the value; its interval is there to be read.
func (r *Replayed) Check(l Limits) Verdict {
	worst := VerdictWithin
	for _, c := range []struct {
		what  string
		limit *float64
		found Estimate
		holds func(value, limit float64) bool
	}{
		{"mean difference at most", l.MostDifference, r.Overall.Difference, func(v, most float64) bool { return math.Abs(v) <= most }},
		{"kappa at least", l.LeastKappa, r.Overall.QWK, func(v, least float64) bool { return v >= least }},
		{"same level at least", l.LeastSame, r.Same, func(v, least float64) bool { return v >= least }},
	} {
		if c.limit == nil {
			continue
		}
		check := LimitCheck{What: c.what, Limit: *c.limit, Found: c.found, Verdict: VerdictWithin}
		switch {
		case !c.found.Known || c.found.N < l.LeastLevels:
			check.Verdict = VerdictUnknown
			if worst == VerdictWithin {
				worst = VerdictUnknown
			}
		case !c.holds(c.found.Value, *c.limit):
			check.Verdict, worst = VerdictExceeded, VerdictExceeded
		}
		r.Checks = append(r.Checks, check)
	}
	return worst
}

func (p *printer) checks(checks []LimitCheck) {
	if len(checks) == 0 {
		return
	}
	p.line("")
	p.line("CHECK\tlimit\tfound")
	for _, c := range checks {
		found := "not known"
		if c.Found.Known {
			found = fmt.Sprintf("%.3f", c.Found.Value)
		}
		p.line("  %s\t%.3f\t%s\t%s", c.What, c.Limit, found, c.Verdict)
	}
}
