package assess

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"greenroom/consent"
)

// Phase is where an interview stands.
type Phase string

// The phases. An interview waits, then prepares and answers each question in turn, then is finished. A
// probe belongs to the answer before it, and so does the wait for a model that thinks of one. In practice each answer is followed by a review that lasts until
// the candidate goes on; in an exam only the last one, and only where silence closed it: for as long as
// speech would go on with it.
const (
	PhaseWaiting   Phase = "waiting"
	PhasePreparing Phase = "preparing"
	PhaseAnswering Phase = "answering"
	PhaseThinking  Phase = "thinking" // a model thinks of a follow-up
	PhaseProbing   Phase = "probing"
	PhaseReviewing Phase = "reviewing"
	PhaseFinished  Phase = "finished"
)

// Act is something the candidate does to an interview.
type Act string

// The acts of a candidate. Drop is the server's: the candidate did not come back.
const (
	ActBegin       Act = "begin"
	ActStartAnswer Act = "start_answer" // do not wait for the end of the preparation
	ActDone        Act = "done"
	ActMoment      Act = "moment" // hold the clocks
	ActAgain       Act = "again"  // answer the same question once more
	ActNext        Act = "next"   // end the review
	ActSkip        Act = "skip"
	ActFinish      Act = "finish"
	ActDrop        Act = "drop"
)

const (
	// MomentFor is how long a moment holds the clocks at most; speech ends it. mostMoments is how many an
	// answer may have.
	MomentFor   = 30 * time.Second
	mostMoments = 2
	// ProbeFor is the limit of the answer to one probe.
	ProbeFor = time.Minute
	// lastWordFor lets speech that began in time go on with the last answer.
	lastWordFor = ReopenFor + time.Second
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
	Phase     Phase
	Question  int       // index in the plan; meaningful from preparing to reviewing
	Take      int       // from 1
	Probe     int       // number of the probe that was asked last, from 1; 0: none
	FollowUp  string    // what a model asked in its place; empty: it is the bank's
	EndsAt    time.Time // wall time of the phase's limit; zero where nothing limits it
	Limit     time.Duration
	ClosingAt time.Time // wall time at which silence ends the answer; zero: no countdown runs
	HeldUntil time.Time // wall time until which the clocks are held; zero: they run
	Moments   int       // how often they may still be held in this answer
	// SpeakingUntil is when the clocks go on at the latest that stand while what is asked is said aloud; zero:
	// they do not stand for that.
	SpeakingUntil time.Time
}

// TurnEvent is one decision about turns, as it is kept in the session's log.
type TurnEvent struct {
	Kind     string // the phase that began, or one of the TurnEvent constants
	Question int
	Take     int
	Probe    int
	ByModel  bool      // the probe that was asked last is a model's follow-up
	EndedBy  AnswerEnd // of what ended; empty if nothing did
	Media    time.Duration
}

// What happens within a phase.
const (
	EventCountdown = "countdown" // silence began to count down
	EventGoOn      = "go_on"     // the countdown ended: something was heard, or nothing is any more
	EventHeld      = "held"
	EventReleased  = "released"
	EventReopened  = "reopened"
)

// Interview is the pure state machine of one session: it is told what happens and when, and says what
// the turn is and which answers have closed. It is not safe for concurrent use.
type Interview struct {
	plan   Plan
	turn   Turn
	ear    ear
	voice  interviewerVoice
	follow followUps
	start  Moment        // of the running answer
	limit  time.Duration // of the running answer with the probes that were asked
	asked  time.Duration // media time at which silence may begin to count: the question, a probe, a moment's end
	again  *reopening    // nil: speech goes on with nothing
	closed []Answer      // since the last call of Closed
	all    []Answer      // every one, also of before
	events []TurnEvent   // since the last call of Events
}

// reopening is an answer that silence closed, while speech may still go on with it.
type reopening struct {
	turn  Turn
	start Moment
	limit time.Duration
	left  time.Duration // of its limit
	// closed is when silence closed it.
	closed time.Time
	at     time.Duration // media time up to which silence was heard
	until  time.Time
}

// NewInterview starts an interview of a plan, going on after the questions that were answered before
// (after a reconnect to another process).
func NewInterview(plan Plan, answered []Answer) *Interview {
	next := 0
	for _, a := range answered {
		next = max(next, a.Question+1)
	}
	i := &Interview{plan: plan, turn: Turn{Phase: PhaseWaiting, Question: next, Take: 1}, all: slices.Clone(answered)}
	if plan.Mode == consent.ModePractice { // in an exam everyone is asked the same
		i.follow.left = plan.FollowUps
	}
	if next >= len(plan.Questions) {
		i.turn = Turn{Phase: PhaseFinished}
	}
	return i
}

// Turn returns the present turn.
func (i *Interview) Turn() Turn { return i.turn }

// Plan returns what is asked.
func (i *Interview) Plan() Plan { return i.plan }

// TakesLeft returns how often the question may still be answered anew.
func (i *Interview) TakesLeft() int {
	if i.turn.Phase != PhaseReviewing || i.plan.Mode != consent.ModePractice {
		return 0
	}
	return max(0, max(1, i.plan.Takes)-i.turn.Take)
}

// Closed returns the answers that closed since the last call, without their session. An answer that was
// gone on with closes again, with a later end.
func (i *Interview) Closed() []Answer {
	closed := i.closed
	i.closed = nil
	return closed
}

// Events returns what was decided since the last call.
func (i *Interview) Events() []TurnEvent {
	events := i.events
	i.events = nil
	return events
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
	if i.running() {
		consider(Answer{Question: i.turn.Question, Take: i.turn.Take, Start: i.start.Media, End: end})
	}
	return question, take
}

// running: an answer is open.
func (i *Interview) running() bool { return i.listens() || i.turn.Phase == PhaseThinking }

// listens: an answer is being given.
func (i *Interview) listens() bool {
	return i.turn.Phase == PhaseAnswering || i.turn.Phase == PhaseProbing
}

// Act applies what the candidate did; an act out of its phase changes nothing and returns an error
// that wraps [ErrWrongPhase].
func (i *Interview) Act(act Act, at Moment) error {
	phase := i.turn.Phase
	switch {
	case act == ActSpeak || act == ActSpoken || act == ActInterrupt:
		i.said(act, at)
	case act == ActFinish || act == ActDrop:
		i.finish(act, at)
	case act == ActBegin && phase == PhaseWaiting:
		i.prepare(i.turn.Question, 1, at)
	case act == ActStartAnswer && phase == PhasePreparing:
		i.answer(at)
	case act == ActDone && i.listens():
		i.endPart(EndedByDone, at)
	case act == ActMoment && i.listens() && i.turn.Moments > 0 && i.turn.HeldUntil.IsZero():
		i.hold(at)
	case act == ActAgain && i.TakesLeft() > 0:
		i.again = nil // whoever asks for something else has ended the answer
		i.prepare(i.turn.Question, i.turn.Take+1, at)
	case act == ActNext && phase == PhaseReviewing:
		i.again = nil
		i.next(at)
	case act == ActSkip && phase == PhaseProbing: // the probe alone is given up
		i.endPart(EndedByDone, at)
	case act == ActSkip && phase == PhaseThinking:
		i.close(EndedByDone, at)
		i.after(EndedByDone, at)
	case act == ActSkip && (phase == PhasePreparing || phase == PhaseAnswering):
		i.close(EndedBySkip, at)
		i.next(at)
	default:
		return fmt.Errorf("%s while %s: %w", act, phase, ErrWrongPhase)
	}
	return nil
}

// Hear takes what the voice activity says of the next stretch of sound, and reports whether a Tick would
// change the turn because of it. Where it is never called nothing is known of silence, and answers end by
// Done and by their limit alone.
func (i *Interview) Hear(v Voice) (due bool) {
	v.Speech = v.Speech && !i.heardItself(v.Start, v.End)
	i.ear.hear(v)
	switch {
	case i.again != nil:
		return i.goesOn()
	case !i.turn.HeldUntil.IsZero():
		return i.ear.spoke(i.asked, i.ear.until)
	}
	silent := i.silence()
	return silent >= QuietBefore+CountdownFor || (silent >= QuietBefore) == i.turn.ClosingAt.IsZero()
}

// Tick applies the passing of time and what was heard, and reports whether the turn changed. An answer
// that ran into its limit ends at the limit, however late the tick comes.
func (i *Interview) Tick(at Moment) bool {
	if i.voice.speaking && !at.Wall.Before(i.voice.until) {
		i.hush(ActSpoken, at)
		return true
	}
	if !i.voice.stands.IsZero() && !at.Wall.Before(i.voice.stands) {
		i.clockGoesOn(at) // the voice may speak on
		return true
	}
	if i.again != nil {
		if i.goesOn() {
			i.reopen(at)
			return true
		}
		if at.Wall.After(i.again.until) {
			i.again = nil
		}
	}
	if i.turn.Phase == PhaseThinking {
		return i.thought(at)
	}
	if !i.turn.EndsAt.IsZero() && !at.Wall.Before(i.turn.EndsAt) {
		i.limitReached(at)
		return true
	}
	if !i.listens() {
		return false
	}
	if !i.turn.HeldUntil.IsZero() {
		return i.release(at)
	}
	return i.listen(at)
}

func (i *Interview) limitReached(at Moment) {
	late := at.Wall.Sub(i.turn.EndsAt)
	limit := Moment{Wall: i.turn.EndsAt, Media: max(0, at.Media-late)}
	switch i.turn.Phase {
	case PhasePreparing:
		i.answer(limit)
	case PhaseReviewing:
		i.next(at)
	case PhaseWaiting, PhaseAnswering, PhaseThinking, PhaseProbing, PhaseFinished:
		// What follows begins now: nobody saw it before.
		if i.turn.Probe < i.probes() {
			i.nextProbe(EndedByLimit, at)
			return
		}
		i.close(EndedByLimit, limit)
		i.after(EndedByLimit, at)
	}
}

// silence returns for how long silence was heard that means something, zero if it means nothing now.
func (i *Interview) silence() time.Duration {
	if !i.listens() || !i.turn.HeldUntil.IsZero() || i.voice.speaking || i.ear.said < voiceToEnd {
		return 0
	}
	return max(0, i.ear.silent(i.asked))
}

// listen begins, ends and completes the countdown.
func (i *Interview) listen(at Moment) (changed bool) {
	silent := i.silence()
	if at.Media-i.ear.until > staleAfter {
		silent = 0 // the sound does not arrive: whoever speaks now is not heard
	}
	switch {
	case silent >= QuietBefore+CountdownFor:
		i.endPart(EndedBySilence, at)
		return true
	case silent >= QuietBefore && i.turn.ClosingAt.IsZero():
		i.turn.ClosingAt = at.Wall.Add(QuietBefore + CountdownFor - silent)
		i.wishFor(i.turn.ClosingAt.Add(FollowUpFor), at) // a model thinks meanwhile
		i.note(EventCountdown, "", at)
		return true
	case silent < QuietBefore && !i.turn.ClosingAt.IsZero():
		i.noCountdown()
		i.note(EventGoOn, "", at)
		return true
	}
	return false
}

// hold stops the clocks: the limit is put off by as long as they stand.
func (i *Interview) hold(at Moment) {
	i.hush(ActSpoken, at)
	i.turn.HeldUntil = at.Wall.Add(MomentFor)
	i.turn.EndsAt = i.turn.EndsAt.Add(MomentFor)
	i.noCountdown()
	i.turn.Moments--
	i.asked = at.Media
	i.note(EventHeld, "", at)
}

// release lets the clocks go on when the moment is over or something is said.
func (i *Interview) release(at Moment) bool {
	unused := i.turn.HeldUntil.Sub(at.Wall)
	if unused > 0 && !i.ear.spoke(i.asked, i.ear.until) {
		return false
	}
	i.turn.EndsAt = i.turn.EndsAt.Add(-max(0, unused))
	i.turn.HeldUntil = time.Time{}
	i.asked = max(i.asked, i.ear.until)
	i.note(EventReleased, "", at)
	return true
}

// goesOn: what is said now belongs to the answer that silence closed.
func (i *Interview) goesOn() bool {
	return i.ear.spoke(i.again.at, i.again.at+ReopenFor)
}

// reopen takes up again the answer that silence closed; what came after it is put back.
func (i *Interview) reopen(at Moment) {
	i.hush(ActSpoken, at)
	again := i.again
	i.again = nil
	i.turn, i.start, i.limit = again.turn, again.start, again.limit
	left := again.left
	if i.plan.Mode == consent.ModeExam {
		left = max(0, left-at.Wall.Sub(again.closed)) // nobody gains time to think about what comes next
	}
	i.turn.EndsAt = at.Wall.Add(left)
	i.noCountdown()
	i.asked = again.at
	i.ear.count(again.at)
	i.ear.said = voiceToEnd // it was enough before
	i.all = slices.DeleteFunc(i.all, func(a Answer) bool { return a.Question == i.turn.Question && a.Take == i.turn.Take })
	i.note(EventReopened, "", at)
}

func (i *Interview) prepare(question, take int, at Moment) {
	i.hush(ActSpoken, at)
	i.voice.left, i.voice.noted = SpeakFor, 0
	i.dropWish()
	i.follow.tries = mostWishes
	limit := i.plan.Questions[question].PrepareFor
	i.turn = Turn{Phase: PhasePreparing, Question: question, Take: take, EndsAt: at.Wall.Add(limit), Limit: limit}
	i.note(string(PhasePreparing), "", at)
	if limit <= 0 {
		i.answer(at)
	}
}

func (i *Interview) answer(at Moment) {
	i.limit = i.plan.Questions[i.turn.Question].AnswerFor
	i.start, i.again = at, nil
	i.turn.Moments = mostMoments
	i.ask(PhaseAnswering, i.limit, at)
}

// probes returns how many probes are asked after each answer to the question.
func (i *Interview) probes() int {
	return min(i.plan.Probes, len(i.plan.Questions[i.turn.Question].Probes))
}

// probe asks the next probe, a model's follow-up in the place of the bank's where there is one; the answer goes on.
func (i *Interview) probe(followUp string, by AnswerEnd, at Moment) {
	i.hush(ActSpoken, at)
	i.voice.left, i.voice.noted = SpeakFor, 0
	i.dropWish()
	i.again = nil // speech belongs to the probe now
	i.turn.Probe++
	i.turn.FollowUp = followUp
	i.limit += ProbeFor
	i.ask(PhaseProbing, ProbeFor, at)
	i.events[len(i.events)-1].EndedBy = by
}

// ask begins a part of an answer.
func (i *Interview) ask(phase Phase, limit time.Duration, at Moment) {
	i.hush(ActSpoken, at)
	i.turn.Phase, i.turn.EndsAt, i.turn.Limit = phase, at.Wall.Add(limit), limit
	i.turn.ClosingAt, i.turn.HeldUntil = time.Time{}, time.Time{}
	i.asked = at.Media
	i.ear.count(at.Media)
	i.note(string(phase), "", at)
}

// endPart ends what was being said: the next probe is asked, or the answer closes.
func (i *Interview) endPart(by AnswerEnd, at Moment) {
	if i.turn.Probe < i.probes() {
		i.nextProbe(by, at)
		return
	}
	if by != EndedBySilence {
		i.close(by, at)
		i.after(by, at)
		return
	}
	again := i.reopening(at)
	i.close(by, Moment{Wall: at.Wall, Media: max(i.start.Media, i.ear.quiet+wordTail)})
	i.after(by, at)
	if !i.running() {
		i.again = again
	}
}

// reopening is what speech may go on with after silence.
func (i *Interview) reopening(at Moment) *reopening {
	return &reopening{
		turn: i.turn, start: i.start, limit: i.limit, left: i.turn.EndsAt.Sub(at.Wall), closed: at.Wall,
		at: i.ear.until, until: at.Wall.Add(lastWordFor),
	}
}

// close notes the running answer. A question skipped during its preparation has an answer of no length,
// so that the report can say that it was asked and skipped.
func (i *Interview) close(by AnswerEnd, at Moment) {
	answer := Answer{
		Question: i.turn.Question, Take: i.turn.Take, Start: at.Media, End: at.Media,
		Limit: i.plan.Questions[i.turn.Question].AnswerFor, EndedBy: by,
	}
	if i.running() {
		answer.Start, answer.Limit = min(i.start.Media, at.Media), i.limit
	}
	i.closed = append(i.closed, answer)
	i.all = append(i.all, answer)
	i.again = nil
	i.dropWish()
	i.note("closed", by, at)
}

// after decides what follows a closed answer.
func (i *Interview) after(by AnswerEnd, at Moment) {
	i.hush(ActSpoken, at)
	turn := Turn{Phase: PhaseReviewing, Question: i.turn.Question, Take: i.turn.Take}
	switch {
	case i.plan.Mode == consent.ModePractice:
	case by == EndedBySilence && i.turn.Question+1 == len(i.plan.Questions):
		turn.EndsAt, turn.Limit = at.Wall.Add(lastWordFor), lastWordFor
	default:
		i.next(at)
		return
	}
	i.turn = turn
	i.note(string(PhaseReviewing), "", at)
}

func (i *Interview) next(at Moment) {
	if i.turn.Question+1 < len(i.plan.Questions) {
		i.prepare(i.turn.Question+1, 1, at)
		return
	}
	i.end(at)
}

func (i *Interview) finish(act Act, at Moment) {
	if i.running() {
		by := EndedByFinish
		if act == ActDrop {
			by = EndedByDrop
		}
		i.close(by, at)
	}
	i.end(at)
}

func (i *Interview) end(at Moment) {
	i.hush(ActSpoken, at)
	if i.turn.Phase == PhaseFinished {
		return
	}
	i.turn, i.again = Turn{Phase: PhaseFinished}, nil
	i.note(string(PhaseFinished), "", at)
}

func (i *Interview) note(kind string, by AnswerEnd, at Moment) {
	i.events = append(i.events, TurnEvent{
		Kind: kind, Question: i.turn.Question, Take: i.turn.Take, Probe: i.turn.Probe, ByModel: i.turn.FollowUp != "", EndedBy: by, Media: at.Media,
	})
}
