package web

import (
	"context"
	"sync"

	"greenroom/consent"
)

// streams are the media and event streams that are open on this server, so that their number per
// account is bounded and log-out ends them.
type streams struct {
	mu   sync.Mutex
	open map[*stream]struct{}
}

type stream struct {
	account consent.AccountID
	token   [32]byte
	kind    streamKind
	cancel  context.CancelCauseFunc
}

type streamKind string

const (
	streamMedia  streamKind = "media"
	streamEvents streamKind = "events"
)

// The most streams of one kind that an account can have open: a candidate's player opens a few
// ranges at once; an employer watches one thing and seeks in it.
func (k streamKind) limit(account consent.AccountKind) int {
	switch {
	case k == streamEvents:
		return 8
	case account == consent.AccountEmployer:
		return 2
	default:
		return 8
	}
}

func newStreams() *streams { return &streams{open: map[*stream]struct{}{}} }

// begin counts a stream and returns a context that also ends at log-out. The caller must call done.
func (s *streams) begin(ctx context.Context, kind streamKind) (_ context.Context, done func(), _ *problem) {
	v := visitOf(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	for other := range s.open {
		if other.account == v.account.ID && other.kind == kind {
			count++
		}
	}
	if count >= kind.limit(v.account.Kind) {
		return nil, nil, tooMany("You have this open too many times at once.", 0)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	opened := &stream{account: v.account.ID, token: v.token, kind: kind, cancel: cancel}
	s.open[opened] = struct{}{}
	return ctx, func() {
		cancel(nil)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, opened)
	}, nil
}

// end cuts off every stream of a log-in.
func (s *streams) end(token [32]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for opened := range s.open {
		if opened.token == token {
			opened.cancel(errGone)
		}
	}
}
