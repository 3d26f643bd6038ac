package assess

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Phase is where an interview stands.
type Phase string

// The phases. An interview waits, then prepares and answers each question in turn, then is finished.
const (
	PhaseWaiting   Phase = "waiting"
	PhasePreparing Phase = "preparing"
	PhaseAnswering Phase = "answering"
	PhaseFinished  Phase = "finished"
)

// Act is something the candidate does to an interview.
type Act string

// The acts of a candidate. Drop is the server's: the candidate did not come back.
const (
	ActBegin       Act = "begin"
	ActStartAnswer Act = "start_answer" // do not wait for the end of the preparation
	ActDone        Act = "done"
	ActSkip        Act = "skip"
	ActFinish      Act = "finish"
	ActDrop        Act = "drop"
)

// ErrWrongPhase says that an act makes no sense now.
var ErrWrongPhase = errors.New("not possible now")

// Moment is one instant on both clocks of a session.
type Moment struct {
	Wall  time.Time
	Media time.Duration
}

// Turn is what the candidate is to do now.
type Turn struct {
	Phase    Phase
	Question int       // index in the plan; meaningful while preparing and answering
	Take     int       // from 1
	EndsAt   time.Time // wall time of the phase's limit; zero while waiting and when finished
	Limit    time.Duration
}

// Interview is the pure state machine of one session: it is told what happens and when, and says what
// the turn is and which answers have closed. It is not safe for concurrent use.
type Interview struct {
	plan   Plan
	turn   Turn
	start  Moment   // of the running answer
	closed []Answer // since the last call of Closed
	all    []Answer // every one, also of before
}

// NewInterview starts an interview of a plan, going on after the questions that were answered before
// (after a reconnect to another process).
func NewInterview(plan Plan, answered []Answer) *Interview {
	next := 0
	for _, a := range answered {
		next = max(next, a.Question+1)
	}
	i := &Interview{plan: plan, turn: Turn{Phase: PhaseWaiting, Question: next, Take: 1}, all: slices.Clone(answered)}
	if next >= len(plan.Questions) {
		i.turn = Turn{Phase: PhaseFinished}
	}
	return i
}

// Turn returns the present turn.
func (i *Interview) Turn() Turn { return i.turn }

// Plan returns what is asked.
func (i *Interview) Plan() Plan { return i.plan }

// Closed returns the answers that closed since the last call, without their session.
func (i *Interview) Closed() []Answer {
	closed := i.closed
	i.closed = nil
	return closed
}

// Place returns which answer the speech from start to end (media times) belongs to: the one it overlaps
// most, or question -1 if it was said outside any answer.
func (i *Interview) Place(start, end time.Duration) (question, take int) {
	question = -1
	longest := time.Duration(0)
	consider := func(a Answer) {
		if overlap := min(end, a.End) - max(start, a.Start); overlap > longest {
			question, take, longest = a.Question, a.Take, overlap
		}
	}
	for _, a := range i.all {
		consider(a)
	}
	if i.turn.Phase == PhaseAnswering {
		consider(Answer{Question: i.turn.Question, Take: i.turn.Take, Start: i.start.Media, End: end})
	}
	return question, take
}

// Act applies what the candidate did; an act out of its phase changes nothing and returns an error
// that wraps [ErrWrongPhase].
func (i *Interview) Act(act Act, at Moment) error {
	switch {
	case act == ActFinish || act == ActDrop:
		i.finish(act, at)
	case act == ActBegin && i.turn.Phase == PhaseWaiting:
		i.prepare(i.turn.Question, at)
	case act == ActStartAnswer && i.turn.Phase == PhasePreparing:
		i.answer(at)
	case act == ActDone && i.turn.Phase == PhaseAnswering:
		i.close(EndedByDone, at)
		i.next(at)
	case act == ActSkip && (i.turn.Phase == PhasePreparing || i.turn.Phase == PhaseAnswering):
		i.close(EndedBySkip, at)
		i.next(at)
	default:
		return fmt.Errorf("%s while %s: %w", act, i.turn.Phase, ErrWrongPhase)
	}
	return nil
}

// Tick applies the passing of time and reports whether the turn changed. An answer that ran into its
// limit ends at the limit, however late the tick comes.
func (i *Interview) Tick(at Moment) bool {
	if i.turn.EndsAt.IsZero() || at.Wall.Before(i.turn.EndsAt) {
		return false
	}
	late := at.Wall.Sub(i.turn.EndsAt)
	limit := Moment{Wall: i.turn.EndsAt, Media: max(0, at.Media-late)}
	if i.turn.Phase == PhasePreparing {
		i.answer(limit)
		return true
	}
	i.close(EndedByLimit, limit)
	i.next(at)
	return true
}

func (i *Interview) prepare(question int, at Moment) {
	limit := i.plan.Questions[question].PrepareFor
	i.turn = Turn{Phase: PhasePreparing, Question: question, Take: 1, EndsAt: at.Wall.Add(limit), Limit: limit}
	if limit <= 0 {
		i.answer(at)
	}
}

func (i *Interview) answer(at Moment) {
	limit := i.plan.Questions[i.turn.Question].AnswerFor
	i.start = at
	i.turn.Phase, i.turn.EndsAt, i.turn.Limit = PhaseAnswering, at.Wall.Add(limit), limit
}

// close notes the running answer. A question skipped during its preparation has an answer of no length,
// so that the report can say that it was asked and skipped.
func (i *Interview) close(by AnswerEnd, at Moment) {
	answer := Answer{
		Question: i.turn.Question, Take: i.turn.Take, Start: at.Media, End: at.Media,
		Limit: i.plan.Questions[i.turn.Question].AnswerFor, EndedBy: by,
	}
	if i.turn.Phase == PhaseAnswering {
		answer.Start = min(i.start.Media, at.Media)
	}
	i.closed = append(i.closed, answer)
	i.all = append(i.all, answer)
}

func (i *Interview) next(at Moment) {
	if i.turn.Question+1 < len(i.plan.Questions) {
		i.prepare(i.turn.Question+1, at)
		return
	}
	i.turn = Turn{Phase: PhaseFinished}
}

func (i *Interview) finish(act Act, at Moment) {
	if i.turn.Phase == PhaseAnswering {
		by := EndedByFinish
		if act == ActDrop {
			by = EndedByDrop
		}
		i.close(by, at)
	}
	i.turn = Turn{Phase: PhaseFinished}
}
