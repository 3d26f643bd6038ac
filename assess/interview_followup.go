package assess

import "time"

const (
	// FollowUpFor is how long a model has after an answer ended; then the bank's probe is asked.
	FollowUpFor = 4 * time.Second
	// mostWishes is how often a model is asked about one answer: whoever pauses and goes on has it asked again.
	mostWishes = 3
)

// EventThinking in the session's log: what ended the answer, and that a model thinks about it.
const EventThinking = string(PhaseThinking)

// Wish is the interview's wish for a follow-up question by a model, about what was said so far.
type Wish struct {
	Number   int // tells one wish from the next; 0: there is none
	Question int
	Take     int
	Heard    time.Duration // media time up to which it was said
	Until    time.Time     // wall time after which an answer is of no use
}

// followUps is what is known of a model's questions. A wish lives as long as the words that it is about are all
// there is of the answer.
type followUps struct {
	left   int // how many may still be asked in the session
	tries  int // how often a model may still be asked about the running answer
	serial int
	wish   Wish
	came   *FollowUp // the answer to the wish
	failed bool      // there is none
	by     AnswerEnd // what ended the answer that is thought about
	asked  []FollowUp
}

// Wish returns what a model is to be asked now, and the zero Wish where nothing is: an older one is of no use then.
func (i *Interview) Wish() Wish {
	if i.follow.came != nil || i.follow.failed {
		return Wish{}
	}
	return i.follow.wish
}

// Thought takes what a model made of a wish, nil if nothing, and reports whether a Tick would change the turn
// because of it.
func (i *Interview) Thought(number int, found *FollowUp) (due bool) {
	f := &i.follow
	if number == 0 || number != f.wish.Number || f.came != nil || f.failed {
		return false
	}
	f.came, f.failed = found, found == nil
	return i.turn.Phase == PhaseThinking
}

// FollowUps returns the follow-ups of models that were asked since the last call, without their session.
func (i *Interview) FollowUps() []FollowUp {
	asked := i.follow.asked
	i.follow.asked = nil
	return asked
}

// mayFollow: a model may be asked about the running answer. Its question takes the place of the first probe.
func (i *Interview) mayFollow() bool {
	return i.turn.Phase == PhaseAnswering && i.follow.left > 0 && i.follow.tries > 0 && i.probes() > 0
}

// wishFor opens a wish, unless there is one.
func (i *Interview) wishFor(until time.Time, at Moment) {
	f := &i.follow
	if f.wish.Number != 0 || !i.mayFollow() {
		return
	}
	f.serial++
	f.tries--
	f.wish = Wish{Number: f.serial, Question: i.turn.Question, Take: i.turn.Take, Heard: at.Media, Until: until}
}

// dropWish: the answer is another by now, or over.
func (i *Interview) dropWish() {
	f := &i.follow
	f.wish, f.came, f.failed = Wish{}, nil, false
}

// noCountdown: the answer goes on, and what was thought of for a shorter one is of no use.
func (i *Interview) noCountdown() {
	i.turn.ClosingAt = time.Time{}
	i.dropWish()
}

// nextProbe follows what was said: a model's question where there may be one, else the bank's.
func (i *Interview) nextProbe(by AnswerEnd, at Moment) {
	until := at.Wall.Add(FollowUpFor)
	i.wishFor(until, at)
	switch f := &i.follow; {
	case i.turn.Phase != PhaseAnswering || f.wish.Number == 0 || f.failed:
		i.probe("", by, at)
	case f.came != nil:
		i.followUp(by, at)
	default:
		i.think(by, until, at)
	}
}

// think waits for a model. Speech that would go on with an answer that silence closed goes on with this one.
func (i *Interview) think(by AnswerEnd, until time.Time, at Moment) {
	i.hush(ActSpoken, at)
	if by == EndedBySilence {
		i.again = i.reopening(at)
	}
	i.follow.by = by
	i.turn.Phase, i.turn.EndsAt, i.turn.Limit = PhaseThinking, until, FollowUpFor
	i.turn.ClosingAt, i.turn.HeldUntil = time.Time{}, time.Time{}
	i.note(EventThinking, by, at)
}

// thought asks what came of the thinking; in time, and if anything did, it is the model's question.
func (i *Interview) thought(at Moment) (changed bool) {
	switch f := &i.follow; {
	case f.came != nil:
		i.followUp(f.by, at)
	case f.failed || !at.Wall.Before(i.turn.EndsAt):
		i.probe("", f.by, at)
	default:
		return false
	}
	return true
}

// followUp asks the question that came.
func (i *Interview) followUp(by AnswerEnd, at Moment) {
	found := *i.follow.came
	found.Question, found.Take = i.turn.Question, i.turn.Take
	i.follow.left--
	i.follow.asked = append(i.follow.asked, found)
	i.probe(found.Text, by, at)
}
