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
	follow  *following            // nil: no model asks
	hurry   func()                // asks the room for a Tick
	cut     func(media.SpeechCut) // cuts what is being said
	log     *slog.Logger

	mu       sync.Mutex // guards what follows
	machine  *assess.Interview
	unsaved  []assess.Answer
	unkept   []assess.FollowUp
	unnoted  []assess.TurnEvent
	failed   error     // of the last save
	nextSave time.Time // after a failure
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

// Act changes the turn; what closed by it is kept by the Tick that follows, so that the page does not wait.
func (i *interviewer) Act(_ context.Context, act signaling.Act, now time.Time, mediaNow time.Duration) (signaling.Turn, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	err := i.machine.Act(assess.Act(act), assess.Moment{Wall: now, Media: mediaNow})
	i.collect() // a model thinks on after the call
	if errors.Is(err, assess.ErrWrongPhase) {
		return i.turn(), signaling.ErrWrongPhase
	}
	return i.turn(), err
}

// Tick changes the turn or keeps what is to be kept, never both: the page hears of a turn first.
func (i *interviewer) Tick(ctx context.Context, now time.Time, mediaNow time.Duration) (signaling.Turn, bool, error) {
	i.mu.Lock()
	changed := i.machine.Tick(assess.Moment{Wall: now, Media: mediaNow})
	i.collect() // as above
	turn := i.turn()
	i.mu.Unlock()
	if changed {
		return turn, true, nil
	}
	return turn, false, i.save(ctx, now)
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

// collect takes the answers that closed into the list of those to save, passes cuts on, and looks what a model is
// to think about. The caller holds the mutex.
func (i *interviewer) collect() {
	for _, a := range i.machine.Closed() {
		a.Session = i.session
		i.unsaved = append(i.unsaved, a)
	}
	for _, cut := range i.machine.Cuts() {
		i.cut(cut)
	}
	for _, asked := range i.machine.FollowUps() {
		asked.Session = i.session
		i.unkept = append(i.unkept, asked)
	}
	i.think()
	events := i.machine.Events()
	i.unnoted = append(i.unnoted, events[:min(len(events), mostUnnoted-len(i.unnoted))]...)
}

// save keeps what models asked, then the answers in order, and then the decisions. What cannot be kept stays in the
// list and is tried again a second later; until then the failure stands.
func (i *interviewer) save(ctx context.Context, now time.Time) error {
	i.mu.Lock()
	asked, answers, events, failed := slices.Clone(i.unkept), slices.Clone(i.unsaved), slices.Clone(i.unnoted), i.failed
	waits := now.Before(i.nextSave)
	i.mu.Unlock()
	if failed != nil && waits {
		return failed
	}
	err := i.write(ctx, asked, answers, events)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.failed = err
	if err != nil {
		i.nextSave = now.Add(saveRetry)
		i.log.Warn("answers or turns not kept yet", "session", i.session, "answers", len(i.unsaved), "turns", len(i.unnoted), "error", err)
	}
	return err
}

// write takes out of the lists what it kept. The room calls it from one goroutine at a time, and only Act
// and Tick, which do not run meanwhile, add to the lists.
func (i *interviewer) write(ctx context.Context, asked []assess.FollowUp, answers []assess.Answer, events []assess.TurnEvent) error {
	for _, followUp := range asked { // whoever judges the answer is to know of it
		if err := i.follow.keep(ctx, followUp); err != nil {
			return err
		}
		i.mu.Lock()
		i.unkept = i.unkept[1:]
		i.mu.Unlock()
	}
	for _, answer := range answers {
		if err := i.keep(ctx, answer); err != nil {
			return err
		}
		i.mu.Lock()
		i.unsaved = i.unsaved[1:]
		i.mu.Unlock()
	}
	if len(events) == 0 {
		return nil
	}
	if err := i.note(ctx, i.session, events); err != nil {
		return err
	}
	i.mu.Lock()
	i.unnoted = i.unnoted[len(events):]
	i.mu.Unlock()
	return nil
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
	switch {
	case turn.FollowUp != "":
		told.Probe = &signaling.Probe{Index: turn.Probe - 1, Text: turn.FollowUp, By: signaling.ByModel}
	case turn.Probe > 0:
		told.Probe = &signaling.Probe{Index: turn.Probe - 1, Text: question.Probes[turn.Probe-1]}
	}
	if turn.Phase != assess.PhaseThinking { // its bound is no clock of the candidate's
		told.EndsAt, told.Limit = turn.EndsAt, turn.Limit
	}
	told.ClosingAt, told.HeldUntil, told.Moments = turn.ClosingAt, turn.HeldUntil, turn.Moments
	told.SpeakingUntil = turn.SpeakingUntil
	return told
}
