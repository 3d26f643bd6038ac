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
	wait  bool // for the end of what runs at that time, instead of ending it
	asked time.Time
	done  chan struct{}
}

// SettleSpeech ends the utterance that runs at the given media time, if one does, and returns when
// everything said before it has reached the [UtteranceSink], when there is no speech to text, or when
// ctx ends.
func (c *Capture) SettleSpeech(ctx context.Context, until time.Duration) {
	c.settle(ctx, settle{until: until})
}

// AwaitSpeech is [Capture.SettleSpeech] that ends no utterance: it waits until the one that runs at the media time
// has ended by itself.
func (c *Capture) AwaitSpeech(ctx context.Context, until time.Duration) {
	c.settle(ctx, settle{until: until, wait: true})
}

func (c *Capture) settle(ctx context.Context, request settle) {
	if c.speech == nil {
		return
	}
	request.asked, request.done = c.config.Now(), make(chan struct{})
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
			if request.wait {
				kept = append(kept, request)
				continue
			}
			s.endUtterance()
		}
		close(request.done)
	}
	s.settling = kept
}
