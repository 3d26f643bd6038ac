package assess

import (
	"context"
	"maps"
	"strings"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

// Partial is what was said so far of an utterance that still runs. It is shown and never stored. Within an
// utterance Stable only grows; Unstable is a guess. Both are empty where nothing came of what was shown.
type Partial struct {
	Session  consent.SessionID
	Epoch    int
	Sequence int
	Start    time.Duration // media times
	End      time.Duration
	Stable   string
	Unstable string
}

// What partial captions may cost. They are the first thing to go: one is made at a time, for all sessions
// together, none while a whole utterance waits to be written down, and one that is at work then is given up.
const (
	partialRest = 2 // times as long as the last one took, before the next: a third of one processor at most
	// A partial that takes a larger part of the interval than one in partialShare makes it longer; partialCalm in
	// a row that take less than one in partialEase of the shorter one make it shorter again.
	partialShare  = 2
	partialEase   = 4
	partialCalm   = 5
	partialOffFor = 30 * time.Second // without any, after the longest interval was too short
	partialAway   = 3 * time.Second  // after so long without an offer nothing runs any more
)

// partialIntervals lie between two partials of a session, from the one that is wanted to the last one before
// there are none.
var partialIntervals = [...]time.Duration{time.Second, 2 * time.Second, 4 * time.Second}

// overhearing is the state of partial captions. The scribe's lock guards it, but what comes over wake.
type overhearing struct {
	wake    chan media.Utterance // of one; its samples are pcm
	busy    bool                 // from taking pcm until it may be written into again
	cancel  context.CancelFunc   // gives up the one at work; nil: none is
	pcm     []float32            // of the one at work
	pace    partialPace
	follows map[consent.SessionID]*follow
}

// follow is how far the running utterance of a session was shown.
type follow struct {
	epoch, sequence int
	words           settling
	shown           bool      // something of it is on the page
	closed          bool      // it was heard as a whole
	asked           time.Time // when more of it was last offered
	heard           time.Time // when it was last listened to
}

func newOverhearing() overhearing {
	return overhearing{wake: make(chan media.Utterance, 1), follows: make(map[consent.SessionID]*follow)}
}

// Overhear implements [media.RunningSink]. It copies what it takes, which is seldom, and never blocks.
func (s *Scribe) Overhear(u media.Utterance) {
	if s.config.Partial == nil || len(u.PCM) < minUtterance || u.Length() > MaxUtterance {
		return
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || len(s.sessions) > 0 || !s.over.turnOf(u, now) {
		return
	}
	s.over.follows[u.Session].heard = now
	s.over.busy = true
	s.over.pcm = append(s.over.pcm[:0], u.PCM...)
	u.PCM, u.Packed = s.over.pcm, nil
	s.over.wake <- u // there is room: nothing is at work
}

// turnOf notes that a session offers, and says whether it is its turn: the one that was listened to longest ago.
func (o *overhearing) turnOf(u media.Utterance, now time.Time) bool {
	own := o.follows[u.Session]
	if own == nil || own.epoch != u.Epoch || own.sequence != u.Sequence {
		var heard time.Time
		if own != nil {
			heard = own.heard
		}
		own = &follow{epoch: u.Epoch, sequence: u.Sequence, heard: heard}
		o.follows[u.Session] = own
	}
	own.asked = now
	interval, on := o.pace.interval(now)
	if !on || own.closed || o.busy || now.Before(o.pace.rest) || now.Sub(own.heard) < interval {
		return false
	}
	for _, other := range o.follows {
		if !other.closed && other.heard.Before(own.heard) && now.Sub(other.asked) < partialAway {
			return false
		}
	}
	return true
}

// makeWay gives up what is at work, because a whole utterance waits. It is called with the lock held.
func (o *overhearing) makeWay(u media.Utterance) {
	if own := o.follows[u.Session]; own != nil && own.epoch == u.Epoch && own.sequence <= u.Sequence {
		own.closed = true
	}
	if o.cancel != nil {
		o.cancel()
	}
}

// forget lets go of an utterance that is done. It is called with the lock held.
func (o *overhearing) forget(u media.Utterance) {
	if own := o.follows[u.Session]; own != nil && own.closed && own.sequence <= u.Sequence {
		delete(o.follows, u.Session)
	}
}

// Drop implements [media.RunningSink]: an utterance that ran is not written down, because it is not the
// candidate's or has no words. What was shown of it is taken back.
func (s *Scribe) Drop(u media.Utterance) {
	s.mu.Lock()
	own := s.over.follows[u.Session]
	shown := false
	if own != nil && own.epoch == u.Epoch && own.sequence == u.Sequence {
		shown = own.shown
		delete(s.over.follows, u.Session) // what is being made of it comes too late
	}
	s.mu.Unlock()
	if shown {
		s.config.OnPartial(Partial{Session: u.Session, Epoch: u.Epoch, Sequence: u.Sequence, Start: u.Start, End: u.End}, time.Since(u.EndedAt))
	}
}

// overhear listens until ctx ends. It forgets the words of sessions that offer no more: those of a whole
// utterance were forgotten when that was written down, but a withdrawal ends one that runs without a word.
func (s *Scribe) overhear(ctx context.Context) {
	ticker := time.NewTicker(partialAway)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			s.mu.Lock()
			maps.DeleteFunc(s.over.follows, func(_ consent.SessionID, f *follow) bool {
				return !f.closed && now.Sub(f.asked) >= partialAway
			})
			s.mu.Unlock()
		case u := <-s.over.wake:
			if partial, ok := s.overhearOne(ctx, u); ok {
				s.config.OnPartial(partial, time.Since(u.EndedAt))
			}
		}
	}
}

// overhearOne listens to what was said so far, by the rules for a whole utterance: it asks for a Permit
// before, during and after. What goes wrong is of no consequence: the whole utterance is still to come.
func (s *Scribe) overhearOne(ctx context.Context, u media.Utterance) (Partial, bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	began := time.Now()
	words, err := []Word(nil), context.Canceled
	if s.startOverhearing(cancel) {
		words, err = s.overhearWords(ctx, u)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.over
	clear(o.pcm)
	o.busy, o.cancel = false, nil
	o.pace.took(time.Since(began), time.Now(), err == nil)
	own := o.follows[u.Session]
	if err != nil || ctx.Err() != nil || own == nil || own.closed || own.epoch != u.Epoch || own.sequence != u.Sequence {
		return Partial{}, false
	}
	settled, rest := own.words.take(words)
	if !own.shown && len(settled)+len(rest) == 0 {
		return Partial{}, false
	}
	own.shown = true
	return Partial{
		Session: u.Session, Epoch: u.Epoch, Sequence: u.Sequence, Start: u.Start, End: u.End,
		Stable: strings.Join(settled, " "), Unstable: strings.Join(rest, " "),
	}, true
}

// startOverhearing reports false where a whole utterance came in between.
func (s *Scribe) startOverhearing(cancel context.CancelFunc) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over.cancel = cancel
	return len(s.sessions) == 0 && !s.stopped
}

func (s *Scribe) overhearWords(ctx context.Context, u media.Utterance) (words []Word, err error) {
	ask := func(ctx context.Context) error {
		_, err := s.config.Permit(ctx, u.Session)
		return err
	}
	if err := ask(ctx); err != nil {
		return nil, err
	}
	err = whileAllowed(ctx, ask, func(ctx context.Context) (err error) {
		words, _, err = s.config.Partial.Transcribe(ctx, u)
		return err
	})
	if err != nil {
		return nil, err
	}
	return words, ask(ctx)
}

// partialPace chooses the interval by how long the last partials took, which is longer where processors are
// short.
type partialPace struct {
	step int       // index in partialIntervals
	off  time.Time // none before
	rest time.Time // none before
	calm int       // quick ones in a row
}

// interval reports false while there are no partials.
func (p *partialPace) interval(now time.Time) (time.Duration, bool) {
	return partialIntervals[p.step], !now.Before(p.off)
}

// took hears how long a partial was at work, and whether to its end.
func (p *partialPace) took(took time.Duration, now time.Time, whole bool) {
	p.rest = now.Add(partialRest * took)
	switch {
	case took > partialIntervals[p.step]/partialShare:
		p.calm = 0
		if p.step++; p.step == len(partialIntervals) {
			p.step, p.off = len(partialIntervals)-1, now.Add(partialOffFor)
		}
	case !whole: // a short time says nothing then
	case p.step > 0 && took < partialIntervals[p.step-1]/partialEase:
		if p.calm++; p.calm == partialCalm {
			p.step, p.calm = p.step-1, 0
		}
	default:
		p.calm = 0
	}
}
