package assess

import "slices"

// What several ratings come to is arithmetic. No model is asked how sure it is: how far ratings lie apart says
// more, and can be checked.

// Sureness is how far ratings agree, in a word. It is empty where there is one rating or none.
type Sureness string

// The words. Over a session they are taken one step down where fewer than half of the answers that were planned
// for a competency have a level.
const (
	SureAgreed Sureness = "agreed" // the same level throughout
	SureClose  Sureness = "close"  // levels next to each other
	SureApart  Sureness = "apart"  // levels further apart, or a level for one rater and none for another
)

// Standing is what the ratings of one competency come to, in one answer or over a session.
type Standing struct {
	Competency string
	Outcome    Outcome
	// Level is the median of the levels, the lower of two in the middle: no level that half of the raters would
	// not give. Low and High are the lowest and the highest. All are 0 without a level.
	Level, Low, High int
	Raters           int // ratings that gave a level or found nothing; a rating that could not be made does not count
	Sureness         Sureness
	// Of the answers that the plan has for the competency, how many have a level; 0 of 0 in one answer.
	Covered, Planned int
}

// StandingOf says what the ratings of one kind of rater come to, for one competency of one answer; false where
// there are none. There is no level where no more than half of them gave one. Self-ratings stay with the
// candidate and have no standing, and people are never mixed with models.
func StandingOf(ratings []Rating, kind RaterKind, competency string) (Standing, bool) {
	if kind == RaterSelf {
		return Standing{}, false
	}
	standing := Standing{Competency: competency, Outcome: OutcomeNotAssessable}
	var levels []int
	found := false
	for _, r := range ratings {
		if r.Rater().Kind != kind || r.Competency() != competency || !r.Rater().Pass.counts() {
			continue
		}
		found = true
		if level, ok := r.Level(); ok {
			levels = append(levels, level)
		}
		if r.Outcome() != OutcomeNotAssessable {
			standing.Raters++
		}
	}
	slices.Sort(levels)
	if standing.Raters > 1 {
		standing.Sureness = sureness(levels)
		if len(levels) > 0 && len(levels) < standing.Raters {
			standing.Sureness = SureApart
		}
	}
	switch {
	case 2*len(levels) > standing.Raters:
		standing.Outcome = OutcomeLevel
		standing.Level, standing.Low, standing.High = median(levels), levels[0], levels[len(levels)-1]
	case standing.Raters > 0:
		standing.Outcome = OutcomeNotObserved
	}
	return standing, found
}

// counts: what a contest came to, and what was given with words that do not count, stand beside the levels.
func (p Pass) counts() bool { return p != PassContest && p != PassWithFlagged }

// Standings says what the ratings of one kind of rater come to over a session, for each competency of the plan
// of which any answer was rated, in the plan's order. Each question counts once, with its last take that was.
func Standings(plan Plan, answers []AnswerResult, kind RaterKind) []Standing {
	list := []Standing{}
	for _, c := range plan.Competencies {
		if standing, ok := standingOver(plan, answers, kind, c.ID); ok {
			list = append(list, standing)
		}
	}
	return list
}

func standingOver(plan Plan, answers []AnswerResult, kind RaterKind, competency string) (Standing, bool) {
	over := Standing{Competency: competency, Outcome: OutcomeNotAssessable}
	var levels []int
	found := false
	for i, question := range plan.Questions {
		if !slices.Contains(question.Competencies, competency) {
			continue
		}
		over.Planned++
		of, ok := lastStanding(answers, kind, competency, i)
		if !ok {
			continue
		}
		found = true
		over.Raters = max(over.Raters, of.Raters)
		switch of.Outcome {
		case OutcomeLevel:
			levels = append(levels, of.Level)
			if over.Covered == 0 {
				over.Low = of.Low
			}
			over.Low, over.High = min(over.Low, of.Low), max(over.High, of.High)
			over.Covered++
		case OutcomeNotObserved:
			over.Outcome = OutcomeNotObserved
		case OutcomeNotAssessable:
		}
	}
	if over.Covered == 0 {
		return over, found
	}
	slices.Sort(levels)
	over.Outcome, over.Level = OutcomeLevel, median(levels)
	if over.Raters > 1 || over.Covered > 1 {
		over.Sureness = sureness([]int{over.Low, over.High})
		if 2*over.Covered < over.Planned {
			over.Sureness = map[Sureness]Sureness{SureAgreed: SureClose, SureClose: SureApart, SureApart: SureApart}[over.Sureness]
		}
	}
	return over, true
}

func lastStanding(answers []AnswerResult, kind RaterKind, competency string, question int) (last Standing, found bool) {
	take := 0
	for _, a := range answers {
		standing, ok := StandingOf(a.Ratings, kind, competency)
		if !ok || a.Answer.Question != question {
			continue
		}
		// A take that could not be rated, one that was given up for example, does not undo an earlier one.
		rated, before := standing.Outcome != OutcomeNotAssessable, last.Outcome != OutcomeNotAssessable
		if !found || rated && !before || rated == before && a.Answer.Take > take {
			last, found, take = standing, true, a.Answer.Take
		}
	}
	return last, found
}

// median is the lower one of two in the middle.
func median(sorted []int) int { return sorted[(len(sorted)-1)/2] }

// sureness of sorted levels; those of raters who all found nothing agree.
func sureness(sorted []int) Sureness {
	apart := 0
	if len(sorted) > 0 {
		apart = sorted[len(sorted)-1] - sorted[0]
	}
	switch apart {
	case 0:
		return SureAgreed
	case 1:
		return SureClose
	default:
		return SureApart
	}
}
