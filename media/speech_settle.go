package media

import (
	"context"
	"time"
)

// settleWait is how long a settle waits for packets that would reach its media time; a muted or lost
// sender sends none.
const settleWait = 400 * time.Millisecond

// settle is a request to have everything said before a media time delivered.
type settle struct {
	until time.Duration
	asked time.Time
	done  chan struct{}
}

// SettleSpeech ends the utterance that runs at the given media time, if one does, and returns when
// everything said before it has reached the [UtteranceSink], when there is no speech to text, or when
// ctx ends.
func (c *Capture) SettleSpeech(ctx context.Context, until time.Duration) {
	if c.speech == nil {
		return
	}
	request := settle{until: until, asked: c.config.Now(), done: make(chan struct{})}
	select {
	case c.speech.settles <- request:
	case <-c.speech.done:
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-request.done:
	case <-c.speech.done:
	case <-ctx.Done():
	}
}

// settleReached answers the requests whose time has been heard, or waited for long enough. It runs on
// the goroutine of run.
func (s *speech) settleReached() {
	kept := s.settling[:0]
	for _, request := range s.settling {
		if s.next < request.until && s.now().Sub(request.asked) < settleWait {
			kept = append(kept, request)
			continue
		}
		if s.cutter.running && s.cutter.start < request.until {
			s.endUtterance()
		}
		close(request.done)
	}
	s.settling = kept
}
