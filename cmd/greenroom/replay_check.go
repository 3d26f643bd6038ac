package main

import (
	"errors"
	"fmt"

	"greenroom/assess/eval"
)

// What replay --check ends with. 1 is that of every failure.
const (
	statusDrifted   = 2
	statusTooLittle = 3
)

// replayCheck are limits of the drift.
type replayCheck struct {
	Check          bool     `help:"End with status 2 if the levels drifted further than a limit, and with 3 if there is too little to tell."`
	MostDifference *float64 `help:"Limit for --check: the mean difference of levels, up or down, at most." placeholder:"LEVELS"`
	LeastKappa     *float64 `help:"Limit for --check: quadratic weighted kappa of old and new levels, at least." placeholder:"KAPPA"`
	LeastSame      *float64 `help:"Limit for --check: share of levels that are the same, at least; one that is gone or came is not." placeholder:"SHARE"`
	LeastLevels    int      `help:"With fewer levels --check says that there is too little to tell." default:"20"`
}

// sane refuses what can never fail, or never hold.
func (c replayCheck) sane() error {
	limits := 0
	for _, l := range []struct {
		name        string
		value       *float64
		least, most float64
	}{
		{"--most-difference", c.MostDifference, 0, 4}, {"--least-kappa", c.LeastKappa, -1, 1}, {"--least-same", c.LeastSame, 0, 1},
	} {
		if l.value == nil {
			continue
		}
		if limits++; !(*l.value >= l.least && *l.value <= l.most) { // also what is no number
			return fmt.Errorf("%s is %v: use %v to %v", l.name, *l.value, l.least, l.most)
		}
	}
	switch {
	case c.Check && limits == 0:
		return errors.New("--check needs a limit: --most-difference, --least-kappa or --least-same")
	case !c.Check && limits > 0:
		return errors.New("a limit is for --check: add it")
	case c.LeastLevels < 2:
		return fmt.Errorf("--least-levels is %d: use 2 or more", c.LeastLevels)
	}
	return nil
}

func (c replayCheck) hold(found *eval.Replayed) eval.Verdict {
	return found.Check(eval.Limits{
		MostDifference: c.MostDifference, LeastKappa: c.LeastKappa, LeastSame: c.LeastSame, LeastLevels: c.LeastLevels,
	})
}

// status is what the command ends with when it came to its end.
func (c replayCheck) status(found eval.Replayed, verdict eval.Verdict) error {
	if c.Check && found.Failed > 0 {
		return fmt.Errorf("%d answers could not be rated again: nobody knows what their levels would be. Run it again", found.Failed)
	}
	switch verdict {
	case eval.VerdictExceeded:
		return statusError{statusDrifted, errors.New("the levels drifted further than they may")}
	case eval.VerdictUnknown:
		return statusError{statusTooLittle, fmt.Errorf("too little to tell: %d levels on both sides, %d on either, at least %d are needed, and they must vary for kappa", found.Overall.N, found.Same.N, c.LeastLevels)}
	case eval.VerdictWithin:
	}
	return nil
}
