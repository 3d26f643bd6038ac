package web

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"greenroom/consent"
)

// streams are the media and event streams that are open on this server, so that their number per
// account is bounded and log-out ends them.
type streams struct {
	mu    sync.Mutex
	open  map[*stream]struct{}
	begun int
}

type stream struct {
	account consent.AccountID
	token   [32]byte
	kind    streamKind
	number  int // rises with every stream
	cancel  context.CancelCauseFunc
	ended   bool
}

type streamKind string

const (
	streamMedia  streamKind = "media"
	streamEvents streamKind = "events"
)

// The most streams of one kind that an account can have open: a candidate's player opens a few
// ranges at once; an employer watches one thing and seeks in it.
func (k streamKind) limit(account consent.AccountKind) int {
	if k == streamMedia && account == consent.AccountEmployer {
		return 2
	}
	return 8
}

// logInEvery is how often a stream whose node hears no notifications finds out that its log-in ended.
const logInEvery = 5 * time.Second

func newStreams() *streams { return &streams{open: map[*stream]struct{}{}} }

// begin counts a stream and returns a context that also ends at log-out. One media stream too many
// ends the oldest, which a player that seeks has left behind; one event stream too many is refused,
// because a page would open it again and again. The caller must call done.
func (s *streams) begin(ctx context.Context, kind streamKind) (_ context.Context, done func(), _ *problem) {
	v := visitOf(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	var oldest *stream
	count := 0
	for other := range s.open {
		if other.account != v.account.ID || other.kind != kind || other.ended {
			continue
		}
		count++
		if oldest == nil || other.number < oldest.number {
			oldest = other
		}
	}
	if count >= kind.limit(v.account.Kind) {
		if kind == streamEvents {
			return nil, nil, tooMany("You have this page open too many times at once.", 0)
		}
		oldest.end()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	s.begun++
	opened := &stream{account: v.account.ID, token: v.token, kind: kind, number: s.begun, cancel: cancel}
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
	s.endWhere(func(of *stream) bool { return of.token == token })
}

// tokens returns the log-ins that have something open: of the account, or of all for the empty one.
func (s *streams) tokens(account consent.AccountID) [][32]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[[32]byte]struct{}{}
	for opened := range s.open {
		if account == "" || opened.account == account {
			found[opened.token] = struct{}{}
		}
	}
	return slices.Collect(maps.Keys(found))
}

func (s *streams) endWhere(ends func(*stream) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for opened := range s.open {
		if ends(opened) {
			opened.end()
		}
	}
}

func (o *stream) end() {
	o.ended = true
	o.cancel(errGone)
}

// EndStreams ends every open media and event stream, so that a server that stops does not wait for
// them.
func (s *Server) EndStreams() { s.streams.endWhere(func(*stream) bool { return true }) }
