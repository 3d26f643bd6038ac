package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
	"greenroom/signaling"
)

// interviewer lets a room walk through the pure interview of assess, keeps each answer that closes,
// and tells which answer speech belongs to. The room has one user at a time; the speech cutter asks
// from its own goroutine, hence the mutex.
type interviewer struct {
	session consent.SessionID
	keep    func(ctx context.Context, a assess.Answer) error
	log     *slog.Logger

	mu       sync.Mutex // guards what follows
	machine  *assess.Interview
	unsaved  []assess.Answer
	nextSave time.Time
}

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
	changed := i.machine.Tick(assess.Moment{Wall: now, Media: mediaNow})
	closed := i.collect()
	turn := i.turn()
	i.mu.Unlock()
	return turn, changed, i.save(ctx, now, closed)
}

// Place says which answer an utterance belongs to.
func (i *interviewer) Place(u media.Utterance) (question, take int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.machine.Place(u.Start, u.End)
}

// collect takes the answers that closed into the list of those to save. The caller holds the mutex.
func (i *interviewer) collect() (closed bool) {
	for _, a := range i.machine.Closed() {
		a.Session = i.session
		i.unsaved = append(i.unsaved, a)
		closed = true
	}
	return closed
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
	if turn.Phase != assess.PhasePreparing && turn.Phase != assess.PhaseAnswering {
		return told
	}
	question := plan.Questions[turn.Question]
	told.Index, told.Take = turn.Question, turn.Take
	told.Question = &signaling.Question{Text: question.Text, Kind: question.Kind}
	told.EndsAt, told.Limit = turn.EndsAt, turn.Limit
	return told
}
