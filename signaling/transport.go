package signaling

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/transport/v4/packetio"
)

// transport is the way of one peer's packets: ICE finds it, DTLS agrees on keys over it, and SRTP protects
// what it carries. Datagrams come to it from the port's reader (mux.go), those of ICE-TCP from a goroutine
// of its own.
type transport struct {
	peer *peer
	api  *API

	// By negotiate only, which is not called twice at a time.
	agent       *ice.Agent
	certificate tls.Certificate
	client      bool // we are the client of DTLS
	remote      remoteTransport
	gathered    chan struct{}

	// Guarded by the mux's mutex.
	ufrag string  // ours
	ways  []place // the mux's ways that are ours, the one last written to at the end

	state  atomic.Int32 // an ice.ConnectionState
	agreed atomic.Bool  // the handshake is done
	over   atomic.Bool  // DTLS failed or said goodbye

	life    sync.Mutex
	closed  bool
	conn    *ice.Conn  // nil before the first answer
	dtls    *dtls.Conn // nil before the handshake begins
	stop    context.CancelFunc
	running sync.WaitGroup

	records *packetio.Buffer // DTLS records that came
	inbound
	outbound
}

// remoteTransport is what an offer says of the other end.
type remoteTransport struct {
	ufrag, pwd   string
	fingerprints []fingerprint
	setup        string // RFC 4145: active, passive or actpass
}

// localTransport is what an answer says of this end.
type localTransport struct {
	ufrag, pwd  string
	fingerprint string // SHA-256, in upper case with colons
	setup       string // active or passive
	lite        bool
	candidates  []ice.Candidate
}

// errTransportClosed is for what comes after close.
var errTransportClosed = errors.New("the transport is closed")

// newTransport makes a transport that waits for an offer.
func newTransport(api *API, p *peer) (*transport, error) {
	certificate, err := newCertificate()
	if err != nil {
		return nil, err
	}
	t := &transport{
		peer: p, api: api, certificate: certificate, gathered: make(chan struct{}, 1),
		stop: func() {}, records: newRecords(),
	}
	ufrag, pwd := newCredentials()
	t.agent, err = ice.NewAgentWithOptions(api.agentOptions(ufrag, pwd)...)
	if err != nil {
		return nil, fmt.Errorf("make an ICE agent: %w", err)
	}
	api.udpMux.own(ufrag, t)
	if err := errors.Join(t.agent.OnConnectionStateChange(t.stateChanged), t.agent.OnCandidate(t.candidateFound)); err != nil {
		t.close()
		return nil, fmt.Errorf("listen to an ICE agent: %w", err)
	}
	return t, nil
}

// newCredentials: RFC 8445, 5.3 asks for 24 bits in the fragment and 128 in the password; these have 80 and
// 130.
func newCredentials() (ufrag, pwd string) { return rand.Text()[:16], rand.Text() }

func (t *transport) stateChanged(state ice.ConnectionState) {
	t.state.Store(int32(state))
	if state == ice.ConnectionStateFailed {
		t.peer.goneOnce()
	}
}

// candidateFound hears of every candidate, and of nil at the end.
func (t *transport) candidateFound(c ice.Candidate) {
	if c == nil {
		select {
		case t.gathered <- struct{}{}:
		default:
		}
	}
}

// negotiate takes what an offer says of the other end, and returns what is to be answered: at first it
// begins to connect, later it restarts ICE if the credentials are new.
func (t *transport) negotiate(ctx context.Context, remote remoteTransport) (localTransport, error) {
	var err error
	switch {
	case t.remote.ufrag == "":
		err = t.begin(ctx, remote)
	case remote.setup == setupOf(t.client): // both the same
		err = errors.New("the offer changes the roles of DTLS")
	case t.remote.ufrag != remote.ufrag || t.remote.pwd != remote.pwd:
		err = t.restart(ctx, remote)
	}
	if err != nil {
		return localTransport{}, err
	}
	t.remote = remote
	local := localTransport{setup: setupOf(t.client), lite: len(t.api.public) > 0, fingerprint: fingerprintOf(t.certificate)}
	if local.ufrag, local.pwd, err = t.agent.GetLocalUserCredentials(); err != nil {
		return localTransport{}, fmt.Errorf("read ICE credentials: %w", err)
	}
	if local.candidates, err = t.agent.GetLocalCandidates(); err != nil {
		return localTransport{}, fmt.Errorf("read ICE candidates: %w", err)
	}
	return local, nil
}

func setupOf(client bool) string {
	if client {
		return "active"
	}
	return "passive"
}

// begin: who answers an offer that leaves it open is the client (RFC 5763, 5), and, as the one who was
// called, the controlled side of ICE (RFC 8445, 6.1.1).
func (t *transport) begin(ctx context.Context, remote remoteTransport) error {
	t.client = remote.setup != "active"
	if err := t.gather(ctx); err != nil {
		return err
	}
	conn, err := t.agent.StartAccept(remote.ufrag, remote.pwd)
	if err != nil {
		return fmt.Errorf("begin ICE: %w", err)
	}
	t.life.Lock()
	defer t.life.Unlock()
	if t.closed {
		return errTransportClosed
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx)) // ends with the peer, not with the offer's request
	t.conn, t.stop = conn, stop
	fingerprints, client := remote.fingerprints, t.client
	t.running.Go(func() { t.secure(running, fingerprints, client) }) // owner: the transport; ends by close, which waits
	t.running.Go(t.read)                                             // the same
	return nil
}

// restart does not end with who asked for it: then there would be no way at all.
func (t *transport) restart(ctx context.Context, remote remoteTransport) error {
	ctx = context.WithoutCancel(ctx)
	ufrag, pwd := newCredentials()
	t.api.udpMux.own(ufrag, t)
	if err := t.agent.Restart(ufrag, pwd); err != nil {
		return fmt.Errorf("restart ICE: %w", err)
	}
	if err := t.gather(ctx); err != nil {
		return err
	}
	if err := t.agent.SetRemoteCredentials(remote.ufrag, remote.pwd); err != nil {
		return fmt.Errorf("restart ICE: %w", err)
	}
	return nil
}

// gather finds the candidates. Only the bound ports are some, so this takes milliseconds.
func (t *transport) gather(ctx context.Context) error {
	select {
	case <-t.gathered: // of a time before
	default:
	}
	if err := t.agent.GatherCandidates(); err != nil {
		return fmt.Errorf("gather candidates: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, gatherLimit)
	defer cancel()
	select {
	case <-t.gathered:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("gather candidates: %w", ctx.Err())
	}
}

// connected reports whether packets may be sent.
func (t *transport) connected() bool {
	switch ice.ConnectionState(t.state.Load()) {
	case ice.ConnectionStateConnected, ice.ConnectionStateCompleted:
		return !t.over.Load()
	default:
		return false
	}
}

// silent reports whether nothing has come from the other side for a while, keep-alives included.
func (t *transport) silent() bool {
	switch ice.ConnectionState(t.state.Load()) { // the others are alive or on their way
	case ice.ConnectionStateDisconnected, ice.ConnectionStateFailed, ice.ConnectionStateClosed:
		return true
	default:
		return t.over.Load()
	}
}

// ended notes that DTLS failed or that the other side said goodbye.
func (t *transport) ended() {
	t.over.Store(true)
	t.peer.goneOnce()
}

// close says goodbye and ends everything. After it nothing more is received.
func (t *transport) close() {
	t.life.Lock()
	t.closed = true
	secured, stop := t.dtls, t.stop
	t.life.Unlock()
	t.shut()
	if secured != nil {
		_ = secured.Close() // says goodbye if it was connected
	}
	stop()
	_ = t.agent.Close()
	_ = t.records.Close()
	t.running.Wait()
	t.api.udpMux.forget(t)
}
