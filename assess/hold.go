package assess

import (
	"context"
	"errors"
	"fmt"
	"time"

	"greenroom/consent"
)

const (
	holdEvery  = 500 * time.Millisecond // a withdrawal is to stop a call within a second
	holdAsk    = time.Second            // the longest wait for one answer
	holdUnsure = consent.PermitLife     // the longest time to go on without an answer
)

// errUnsure ends a call during which nobody could say whether it is still allowed. It looks like what a
// [consent.Gate] answers then: the work is tried again later.
var errUnsure = fmt.Errorf("%w: %w for %s, while at work", consent.ErrNotFound, consent.ErrFacts, holdUnsure)

// holdWhile returns a context that ends, with cause [consent.ErrNotFound], once ask is refused. Failures to
// ask end it too, with errUnsure, when they are all there was for holdUnsure. The caller has just asked:
// the first question comes after holdEvery. The cancel func must be called; when it returns, nothing
// asks any more. Ask must end with its context.
func holdWhile(ctx context.Context, ask func(context.Context) error) (context.Context, context.CancelFunc) {
	held, end := context.WithCancelCause(ctx)
	unsure := time.AfterFunc(holdUnsure, func() { end(errUnsure) })
	ended := make(chan struct{})
	go func() { // owner: the caller, whose cancel func ends it and waits
		defer close(ended)
		ticker := time.NewTicker(holdEvery)
		defer ticker.Stop()
		for {
			select {
			case <-held.Done():
			case <-ticker.C:
			}
			if held.Err() != nil {
				return
			}
			err := askInTime(held, ask)
			if refusedByConsent(err) {
				end(consent.ErrNotFound)
				return
			}
			if err == nil {
				unsure.Reset(holdUnsure)
			}
		}
	}()
	return held, func() {
		end(context.Canceled)
		<-ended
		unsure.Stop() // last: an answer that just came may have reset it
	}
}

func askInTime(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, holdAsk)
	defer cancel()
	return ask(ctx)
}

// whileAllowed works under a hold. Work that failed because its hold ended fails with the reason for
// that, an error that is [consent.ErrNotFound]; see refusedByConsent for which reason it is.
func whileAllowed(ctx context.Context, ask, work func(context.Context) error) error {
	held, release := holdWhile(ctx, ask)
	defer release()
	err := work(held)
	if cause := context.Cause(held); err != nil && errors.Is(cause, consent.ErrNotFound) {
		return cause
	}
	return err
}
