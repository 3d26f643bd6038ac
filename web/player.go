package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

const (
	// playAhead is how far an employer's media may run ahead of real time.
	playAhead = 12 * time.Second
	// askEvery bounds the age of the last answer about a stream, also while it writes nothing.
	askEvery = 500 * time.Millisecond
	// askWithin bounds one answer: a database that is slower than that is one that refuses.
	askWithin = time.Second
	// writeWithin bounds one write: a reader that takes nothing for so long has gone away.
	writeWithin = time.Minute
)

// player writes one range of a recording to one reader, and stops in the middle when the reader may
// not see it any more.
type player struct {
	server  *Server
	account consent.Account
	session consent.SessionID
	layout  *media.Layout
	kinds   []media.Kind
	head    mediaHead
	facts   consent.Snapshot // what was decided on last, about whichever kind
	viewing *viewing

	began   time.Time     // when the first media was written
	first   time.Duration // media time of it
	started bool
}

// play returns an error only while nothing was sent; after that the connection itself is ended, which
// panics as net/http wants it.
func (p *player) play(w http.ResponseWriter, r *http.Request) error {
	ctx, done, refused := p.server.streams.begin(r.Context(), streamMedia)
	if refused != nil {
		return refused
	}
	defer done()
	p.viewing = &viewing{server: p.server, account: p.account, session: p.session, stream: consent.StreamMedia, permitted: p.facts.Now}
	unnote := p.viewing.begin(ctx)
	out := &mediaWriter{to: w, control: http.NewResponseController(w), conn: connOf(r), head: p.head}
	err := p.watched(ctx, out, func(ctx context.Context) error {
		var pace func(context.Context, time.Duration) error
		if p.account.Kind == consent.AccountEmployer {
			pace = func(ctx context.Context, at time.Duration) error { return p.pace(ctx, out, at) }
		}
		return p.layout.WriteRange(ctx, out, p.head.bytes.from, p.head.bytes.to, p.server.cfg.Recordings, p.permit, pace)
	})
	unnote()
	if err == nil {
		if !out.begun.Load() { // an empty range is still an answer
			p.head.send(w)
		}
		return nil
	}
	if !out.begun.Load() {
		_ = out.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // the refusal itself may be read
		return err
	}
	if !isRefusal(err) && ctx.Err() == nil && !out.broken {
		p.server.log.ErrorContext(ctx, "playback failed", "request", visitOf(ctx).id, "error", err)
	}
	out.cutOff()
	if errors.Is(err, consent.ErrNotFound) {
		p.viewing.cutOff(ctx, time.Now())
	}
	panic(http.ErrAbortHandler) // net/http ends what is left of the answer
}

// watched runs write beside one goroutine that asks again whenever something about the session
// changed and at least every askEvery, so that a stream that waits or is blocked ends too. The
// goroutine belongs to this call, ends with its context, and is waited for.
func (p *player) watched(ctx context.Context, out *mediaWriter, write func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	changed := p.server.cfg.Changes.Subscribe(ctx, p.session)
	var watcher sync.WaitGroup
	watcher.Go(func() {
		ticker := time.NewTicker(askEvery)
		defer ticker.Stop()
		logIn := time.NewTicker(logInEvery)
		defer logIn.Stop()
		for {
			select {
			case <-ctx.Done():
				out.stop()
				return
			case _, ok := <-changed:
				if !ok {
					changed = nil
				}
			case <-ticker.C:
			case <-logIn.C:
				p.server.endIfDead(ctx, visitOf(ctx).token)
			}
			if err := p.ask(ctx); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		}
	})
	err := write(ctx)
	cause := context.Cause(ctx)
	if err == nil {
		out.finish()
	}
	cancel(nil)
	watcher.Wait()
	if err != nil && cause != nil {
		return cause
	}
	return err
}

// ask decides about every kind in the file from one snapshot.
func (p *player) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	snapshot, err := p.server.cfg.Gate.Snapshot(ctx, actorOf(p.account), p.session)
	if err != nil {
		return err
	}
	for _, kind := range p.kinds {
		if _, err := consent.Decide(snapshot, kind.Artefact()); err != nil {
			return err
		}
	}
	p.viewing.stillPermitted(snapshot.Now)
	return nil
}

// factsAge is how old facts may be that a Permit is decided on: both kinds often begin a segment together,
// and the first ones just after the request was admitted. The key service asks anew each time, and the
// watcher at once when something changed.
const factsAge = 50 * time.Millisecond

// permit is called by the goroutine that writes, and by no other.
func (p *player) permit(ctx context.Context, kind media.Kind) (consent.Permit, error) {
	if time.Since(p.facts.ReadAt) > factsAge {
		ctx, cancel := context.WithTimeout(ctx, askWithin)
		defer cancel()
		facts, err := p.server.cfg.Gate.Snapshot(ctx, actorOf(p.account), p.session)
		if err != nil {
			return consent.Permit{}, err
		}
		p.facts = facts
	}
	return consent.Decide(p.facts, kind.Artefact())
}

// pace waits until media of the given time may be sent.
func (p *player) pace(ctx context.Context, out *mediaWriter, at time.Duration) error {
	if !p.started {
		p.started, p.began, p.first = true, time.Now(), at
	}
	wait := at - p.first - playAhead - time.Since(p.began)
	if wait <= 0 {
		return nil
	}
	if err := out.flush(); err != nil {
		return err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// mediaWriter sends the head with the first byte, gives each write its own deadline, and can be
// stopped while a write is blocked.
type mediaWriter struct {
	to      http.ResponseWriter
	control *http.ResponseController
	conn    *net.TCPConn // nil where it is shared
	head    interface{ send(w http.ResponseWriter) }
	begun   atomic.Bool // the head was sent
	broken  bool        // the reader went away or took nothing

	mu       sync.Mutex // between a write's deadline and the stop that overrules it
	stopped  bool
	finished bool
}

func (m *mediaWriter) Write(b []byte) (int, error) {
	if err := m.extend(); err != nil {
		return 0, err
	}
	if !m.begun.Swap(true) {
		m.head.send(m.to)
	}
	n, err := m.to.Write(b)
	if err != nil {
		m.broken = true
		return n, fmt.Errorf("write media: %w", err)
	}
	return n, nil
}

func (m *mediaWriter) flush() error {
	if err := m.extend(); err != nil {
		return err
	}
	if err := m.control.Flush(); err != nil {
		m.broken = true
		return fmt.Errorf("flush media: %w", err)
	}
	return nil
}

func (m *mediaWriter) extend() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return errGone
	}
	if err := m.control.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("set write deadline: %w", err)
	}
	return nil
}

// stop makes a blocked write return and every later one fail, unless all was written already.
func (m *mediaWriter) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.finished {
		return
	}
	m.stopped = true
	if m.conn != nil && m.begun.Load() { // whatever closes it now, nothing more is delivered
		_ = m.conn.SetLinger(0)
	}
	_ = m.control.SetWriteDeadline(time.Now())
}

// finish says that all was written: what the server still has in its buffer may leave.
func (m *mediaWriter) finish() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.finished = true
}

// cutOff ends the connection in the middle of the answer. What still lies in this machine's buffers is
// thrown away: a linger of zero resets the connection.
func (m *mediaWriter) cutOff() {
	if m.conn != nil {
		_ = m.conn.SetLinger(0)
		_ = m.conn.Close()
	}
}

type connKey struct{}

// withConn keeps a connection beside its requests, so that a stream can be cut off: net/http itself
// only ever ends one politely, after everything that was written has been delivered.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		conn = wrapped.NetConn()
	}
	return context.WithValue(ctx, connKey{}, conn)
}

// connOf returns the connection that carries only this request, or nil: with HTTP/2 others share it.
func connOf(r *http.Request) *net.TCPConn {
	conn, ok := r.Context().Value(connKey{}).(*net.TCPConn)
	if !ok || r.ProtoMajor != 1 {
		return nil
	}
	return conn
}
