package signaling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/sdp/v3"

	"greenroom/media"
)

const (
	gatherLimit = 3 * time.Second
	closeLimit  = 5 * time.Second // Pion's ICE agent can hang while it gathers or stops
	maxOffers   = 30              // on one peer: ICE restarts, a camera added
	// mediaRate is the most one candidate may send, in bytes per second (4 Mbit/s); mediaBurst lets
	// key frames and repairs through.
	mediaRate  = 4_000_000 / 8
	mediaBurst = 1 << 20
)

// peer is one PeerConnection of a page or program. Its methods may be called from any goroutine, answer and countCandidate
// only from the connection's.
type peer struct {
	link     *transport
	session  uint64 // of our descriptions
	video    media.Codec
	identity string // of the page's PeerConnection: an offer with another one needs another peer
	ssrc     uint32 // ours, in feedback
	arrivals *media.Arrivals
	attach   func(media.TrackConfig) (*media.Track, error)
	onGone   func(*peer) // once, when the connection failed or the page closed it
	log      *slog.Logger
	intake   intake

	offers, candidates int // connection's goroutine only

	gone    sync.Once
	closing sync.Once
	closed  chan struct{} // closed when close has finished

	mu      sync.Mutex
	stopped bool
	tracks  map[media.Kind]*remoteTrack
	muted   map[media.Kind]bool

	feedback peerFeedback // feedback timer's only
}

// remoteTrack is one track of the page.
type remoteTrack struct {
	kind     media.Kind
	payload  uint8 // its RTP payload type
	ssrc     uint32
	track    *media.Track
	lastSeen atomic.Int64 // unix nanoseconds of the last packet
	keyFrame atomic.Bool  // the capture asked for one
}

func newRemoteTrack(kind media.Kind, ssrc uint32, payload uint8, now time.Time) *remoteTrack {
	t := &remoteTrack{kind: kind, ssrc: ssrc, payload: payload}
	t.lastSeen.Store(now.UnixNano())
	return t
}

type peerConfig struct {
	api      *API
	video    media.Codec
	identity string
	attach   func(media.TrackConfig) (*media.Track, error)
	onGone   func(*peer)
	log      *slog.Logger
}

func newPeer(config peerConfig) (*peer, error) {
	p := &peer{
		video: config.video, identity: config.identity, ssrc: rand.Uint32(), //nolint:gosec // a label, not a secret
		attach: config.attach, onGone: config.onGone, log: config.log,
		session: newSessionID(), closed: make(chan struct{}),
		tracks: map[media.Kind]*remoteTrack{}, muted: map[media.Kind]bool{},
	}
	p.arrivals = media.NewArrivals(p.ssrc)
	p.intake.peer = p
	link, err := newTransport(config.api, p)
	if err != nil {
		return nil, err
	}
	p.link = link
	return p, nil
}

func (p *peer) goneOnce() { p.gone.Do(func() { p.onGone(p) }) }

// answer takes an offer that checkOffer accepted and returns the answer with all candidates in it.
func (p *peer) answer(ctx context.Context, offer string) (_ string, err error) {
	defer p.recover("negotiation", &err)
	if p.offers++; p.offers > maxOffers {
		return "", errors.New("too many offers")
	}
	p.candidates = 0
	plan, err := planAnswer(offer, p.video)
	if err != nil {
		return "", fmt.Errorf("read the offer: %w", err)
	}
	p.intake.offered.Store(describeOffer(offer, p.video)) // before the first packet it may bring
	local, err := p.link.negotiate(ctx, plan.remote)
	if err != nil {
		return "", fmt.Errorf("take the offer: %w", err)
	}
	return plan.answerText(local, p.session, uint64(p.offers))
}

// countCandidate counts a trickled candidate, which candidates.go says why is not used; it reports false
// for one too many.
func (p *peer) countCandidate(init ICECandidateInit) (ok bool, err error) {
	defer p.recover("candidate", &err)
	if init.Candidate == "" {
		return true, nil // the page has no more; the answering side waits for nothing
	}
	if p.candidates++; p.candidates > maxCandidates {
		return false, nil
	}
	return true, checkCandidate(init.Candidate)
}

// recover turns a panic on outside bytes into the end of this peer alone.
func (p *peer) recover(doing string, err *error) {
	cause := recover()
	if cause == nil {
		return
	}
	p.log.Error("panic ended a peer", "doing", doing, "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
	if err != nil {
		*err = errors.New("the peer broke")
	}
	p.goneOnce()
}

// adopt attaches the track to the capture in place of an earlier one of its kind, unless the peer is
// closing. The capture is called without the mutex, because it may call back.
func (p *peer) adopt(t *remoteTrack, codec media.Codec) bool {
	p.mu.Lock()
	old := p.tracks[t.kind]
	delete(p.tracks, t.kind)
	stopped := p.stopped
	p.mu.Unlock()
	if stopped {
		return false
	}
	if old != nil {
		old.track.Detach()
	}
	track, err := p.attach(media.TrackConfig{
		Kind: t.kind, Codec: codec, SSRC: t.ssrc, RequestKeyFrame: func() { t.keyFrame.Store(true) },
	})
	if err != nil {
		p.log.Warn("the capture refused a track", "kind", string(t.kind), "error", err)
		return false
	}
	t.track = track
	p.mu.Lock()
	muted, stopped := p.muted[t.kind], p.stopped
	if !stopped {
		p.tracks[t.kind] = t
	}
	p.mu.Unlock()
	if stopped { // close has detached all it knew of
		track.Detach()
		return false
	}
	if muted {
		track.Muted(true, time.Now())
	}
	return true
}

// senderReport takes the times of a sender report.
func (p *peer) senderReport(ssrc uint32, ntp uint64, rtp uint32, now time.Time) {
	p.mu.Lock()
	var found *remoteTrack
	for _, t := range p.tracks {
		if t.ssrc == ssrc {
			found = t
		}
	}
	p.mu.Unlock()
	if found != nil {
		found.track.SenderReport(ntp, rtp, now)
	}
}

// mute notes that the candidate turned a device off or on.
func (p *peer) mute(kind media.Kind, muted bool) {
	p.mu.Lock()
	p.muted[kind] = muted
	t := p.tracks[kind]
	p.mu.Unlock()
	if t != nil {
		t.track.Muted(muted, time.Now())
	}
}

const missingAfter = 2 * time.Second

// state says how the kind arrives.
func (p *peer) state(kind media.Kind, now time.Time) MediaState {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tracks[kind]
	switch {
	case t == nil:
		return MediaOff
	case p.muted[kind]:
		return MediaMuted
	case now.Sub(time.Unix(0, t.lastSeen.Load())) > missingAfter:
		return MediaMissing
	default:
		return MediaReceiving
	}
}

// remoteTracks appends the tracks to list.
func (p *peer) remoteTracks(list []*remoteTrack) []*remoteTrack {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.tracks {
		list = append(list, t)
	}
	return list
}

// close ends the connection and detaches its tracks. It returns within
// closeLimit even if ICE hangs, and may be called more than once.
func (p *peer) close() {
	p.closing.Do(func() {
		p.mu.Lock()
		p.stopped = true
		p.mu.Unlock()
		p.gone.Do(func() {}) // who closes knows
		done := make(chan struct{})
		go func() { // owner: close, which stops waiting after closeLimit
			defer close(done)
			p.link.close() // it begins with the intake, which gets nothing from then on
		}()
		limit := time.NewTimer(closeLimit)
		defer limit.Stop()
		select {
		case <-done:
		case <-limit.C:
			p.log.Warn("a peer did not close in time", "limit", closeLimit)
		}
		for _, t := range p.remoteTracks(nil) {
			t.track.Detach()
		}
		if n := p.intake.dropped.Load(); n > 0 {
			p.log.Warn("packets over the rate limit were dropped", "packets", n)
		}
		close(p.closed)
	})
	<-p.closed
}

// offerIdentity names the page's PeerConnection behind an offer: session id and fingerprints.
func offerIdentity(text string) string {
	var description sdp.SessionDescription
	if err := description.UnmarshalString(text); err != nil {
		return ""
	}
	var identity strings.Builder
	fmt.Fprint(&identity, description.Origin.SessionID)
	attributes := [][]sdp.Attribute{description.Attributes}
	for _, m := range description.MediaDescriptions {
		attributes = append(attributes, m.Attributes)
	}
	seen := map[string]bool{}
	for _, list := range attributes {
		for _, a := range list {
			if a.Key == "fingerprint" && !seen[a.Value] {
				seen[a.Value] = true
				identity.WriteString(" " + a.Value)
			}
		}
	}
	return identity.String()
}
