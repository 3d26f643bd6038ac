package web

import (
	"context"
	"sync"
	"time"

	"greenroom/consent"
)

const (
	// seenEvery is how often an open stream of an employer is noted; the store forgets one that it has
	// not heard of for a few times as long.
	seenEvery = 3 * time.Second
	// noteWithin bounds one note. Streams do not wait for it.
	noteWithin = 5 * time.Second
)

// viewing is one open stream of an employer, as the candidate sees it. The streams of candidates are
// nobody's business, so their viewing does nothing.
type viewing struct {
	server  *Server
	account consent.Account
	session consent.SessionID
	stream  consent.StreamKind

	mu        sync.Mutex
	permitted time.Time // the database's time of the last decision that let it go on
}

// stillPermitted keeps when the stream was last allowed to go on.
func (v *viewing) stillPermitted(at time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if at.After(v.permitted) {
		v.permitted = at
	}
}

// begin notes the stream while it is open. One goroutine does, beside the one that asks whether the
// stream may go on, so that neither waits for the other; done ends it and waits.
func (v *viewing) begin(ctx context.Context) (done func()) {
	if v.account.Kind != consent.AccountEmployer {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var noting sync.WaitGroup
	noting.Go(func() {
		ticker := time.NewTicker(seenEvery)
		defer ticker.Stop()
		for {
			v.note(ctx, "an open stream was not noted", func(ctx context.Context) error {
				return v.server.cfg.Viewers.Watching(ctx, actorOf(v.account), v.session, v.stream)
			})
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	})
	return func() {
		cancel()
		noting.Wait()
	}
}

// cutOff notes that the stream was ended at the given moment because its reader may not read on. Call it
// after done, so that nothing notes the stream as open again.
func (v *viewing) cutOff(ctx context.Context, at time.Time) {
	if v.account.Kind != consent.AccountEmployer {
		return
	}
	v.mu.Lock()
	permitted := v.permitted
	v.mu.Unlock()
	// The reader is gone, and with them the request's own context.
	v.note(context.WithoutCancel(ctx), "a cut-off was not noted", func(ctx context.Context) error {
		return v.server.cfg.Viewers.CutOff(ctx, actorOf(v.account), v.session, v.stream, permitted, time.Since(at))
	})
}

func (v *viewing) note(ctx context.Context, fault string, write func(context.Context) error) {
	timed, cancel := context.WithTimeout(ctx, noteWithin)
	defer cancel()
	// A reader that went away is no fault; a database that was too slow is one.
	if err := write(timed); err != nil && ctx.Err() == nil {
		v.server.log.WarnContext(ctx, "who watches could not be noted", "fault", fault, "request", visitOf(ctx).id, "error", err)
	}
}
