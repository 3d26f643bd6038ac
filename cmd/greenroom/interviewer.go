package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
	"greenroom/signaling"
)

// interviewer lets a room walk through the pure interview of assess, keeps each answer that closes and
// each decision about turns, and tells which answer speech belongs to. The room has one user at a time; the
// speech cutter tells and asks from its own goroutine, hence the mutex.
type interviewer struct {
	session consent.SessionID
	keep    func(ctx context.Context, a assess.Answer) error
	note    func(ctx context.Context, id consent.SessionID, events []assess.TurnEvent) error
	hurry   func() // asks the room for a Tick
	log     *slog.Logger

	mu       sync.Mutex // guards what follows
	machine  *assess.Interview
	unsaved  []assess.Answer
	unnoted  []assess.TurnEvent // written with the next Tick, so that no turn waits for it
	nextSave time.Time
}

// mostUnnoted bounds what waits to be noted while the database is away; what is more is not noted.
const mostUnnoted = 500

var _ signaling.Interviewer = (*interviewer)(nil)

// saveRetry is how long a failed save of an answer rests before it is tried again.
const saveRetry = time.Second

func (i *interviewer) Turn() signaling.Turn {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.turn()
}

func (i *interviewer) Act(ctx context.Context, act signaling.Act, now time.Time, mediaNow time.Duration) (signaling.Turn, error) {
	i.mu.Lock()
	err := i.machine.Act(assess.Act(act), assess.Moment{Wall: now, Media: mediaNow})
	closed := i.collect()
	turn := i.turn()
	i.mu.Unlock()
	if errors.Is(err, assess.ErrWrongPhase) {
		return turn, signaling.ErrWrongPhase
	}
	if err != nil {
		return turn, err
	}
	return turn, i.save(ctx, now, closed)
}

func (i *interviewer) Tick(ctx context.Context, now time.Time, mediaNow time.Duration) (signaling.Turn, bool, error) {
	i.mu.Lock()
	noted := len(i.unnoted)
	changed := i.machine.Tick(assess.Moment{Wall: now, Media: mediaNow})
	closed := i.collect()
	turn := i.turn()
	i.mu.Unlock()
	if err := i.save(ctx, now, closed); err != nil {
		return turn, changed, err
	}
	return turn, changed, i.saveNotes(ctx, now, noted)
}

// hear takes what the voice activity says, some 30 times a second, and asks for a Tick where the turn
// changes by it.
func (i *interviewer) hear(start, end time.Duration, speech bool) {
	i.mu.Lock()
	due := i.machine.Hear(assess.Voice{Start: start, End: end, Speech: speech})
	i.mu.Unlock()
	if due {
		i.hurry()
	}
}

// Place says which answer an utterance belongs to.
func (i *interviewer) Place(u media.Utterance) (question, take int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.machine.Place(u.Start, u.End)
}

// Terms are those of a question.
func (i *interviewer) Terms(question int) []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	questions := i.machine.Plan().Questions
	if question < 0 || question >= len(questions) {
		return nil
	}
	return questions[question].Terms
}

// collect takes the answers that closed into the list of those to save. The caller holds the mutex.
func (i *interviewer) collect() (closed bool) {
	for _, a := range i.machine.Closed() {
		a.Session = i.session
		i.unsaved = append(i.unsaved, a)
		closed = true
	}
	events := i.machine.Events()
	i.unnoted = append(i.unnoted, events[:min(len(events), mostUnnoted-len(i.unnoted))]...)
	return closed
}

// saveNotes keeps the first so many decisions, which the page has heard of; what cannot be kept is tried
// again as answers are.
func (i *interviewer) saveNotes(ctx context.Context, now time.Time, count int) error {
	i.mu.Lock()
	if count == 0 || now.Before(i.nextSave) {
		i.mu.Unlock()
		return nil
	}
	events := slices.Clone(i.unnoted[:count])
	i.mu.Unlock()
	err := i.note(ctx, i.session, events)
	i.mu.Lock()
	defer i.mu.Unlock()
	if err != nil {
		i.nextSave = now.Add(saveRetry)
		i.log.Warn("turns not noted yet", "session", i.session, "error", err)
		return err
	}
	i.unnoted = i.unnoted[count:]
	return nil
}

// save keeps the answers in order; what cannot be kept stays in the list and is tried again a second
// later, at the latest when the interview ends.
func (i *interviewer) save(ctx context.Context, now time.Time, closed bool) error {
	for {
		i.mu.Lock()
		if len(i.unsaved) == 0 || (!closed && now.Before(i.nextSave)) {
			i.mu.Unlock()
			return nil
		}
		answer := i.unsaved[0]
		i.mu.Unlock()
		if err := i.keep(ctx, answer); err != nil {
			i.mu.Lock()
			i.nextSave = now.Add(saveRetry)
			i.mu.Unlock()
			i.log.Warn("answer not kept yet", "session", i.session, "question", answer.Question, "error", err)
			return err
		}
		i.mu.Lock()
		i.unsaved = i.unsaved[1:]
		i.mu.Unlock()
	}
}

// turn puts the machine's turn into the words of the wire. The caller holds the mutex.
func (i *interviewer) turn() signaling.Turn {
	turn, plan := i.machine.Turn(), i.machine.Plan()
	told := signaling.Turn{Phase: signaling.Phase(turn.Phase), Total: len(plan.Questions)}
	if turn.Phase == assess.PhaseWaiting || turn.Phase == assess.PhaseFinished {
		return told
	}
	question := plan.Questions[turn.Question]
	told.Index, told.Take, told.TakesLeft = turn.Question, turn.Take, i.machine.TakesLeft()
	told.Question = &signaling.Question{Text: question.Text, Kind: question.Kind}
	if turn.Probe > 0 {
		told.Probe = &signaling.Probe{Index: turn.Probe - 1, Text: question.Probes[turn.Probe-1]}
	}
	told.EndsAt, told.Limit = turn.EndsAt, turn.Limit
	told.ClosingAt, told.HeldUntil, told.Moments = turn.ClosingAt, turn.HeldUntil, turn.Moments
	told.SpeakingUntil = turn.SpeakingUntil
	return told
}
