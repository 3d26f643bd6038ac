package signaling

import (
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"greenroom/media"
)

// relay stands between a publisher and the server as a router does: it can lose everything, and be left
// by another way, so that the server sees another address.
type relay struct {
	near *net.UDPConn // towards the publisher
	to   *net.UDPAddr
	done sync.WaitGroup

	mu        sync.Mutex
	far       *net.UDPConn // towards the server
	publisher *net.UDPAddr
	cut       bool
	loses     func([]byte) bool // a datagram of the publisher's; nil: none
}

func newRelay(t *testing.T, port int) *relay {
	t.Helper()
	near, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	r := &relay{near: near, to: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}}
	r.move(t)
	r.done.Go(r.forward) // ends when near closes
	t.Cleanup(func() {
		_ = near.Close()
		r.mu.Lock()
		_ = r.far.Close()
		r.mu.Unlock()
		r.done.Wait()
	})
	return r
}

// move goes on from another port, with a whole network behind it.
func (r *relay) move(t *testing.T) {
	t.Helper()
	far, err := net.DialUDP("udp", nil, r.to)
	must(t, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.far != nil {
		_ = r.far.Close()
	}
	r.far, r.cut = far, false
	r.done.Go(func() { r.back(far) }) // ends when far closes
}

// lose takes the network away.
func (r *relay) lose() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = true
}

func (r *relay) forward() {
	buffer := make([]byte, receiveMTU)
	for {
		n, from, err := r.near.ReadFromUDP(buffer)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.publisher = from
		if !r.cut && (r.loses == nil || !r.loses(buffer[:n])) {
			_, _ = r.far.Write(buffer[:n])
		}
		r.mu.Unlock()
	}
}

func (r *relay) back(far *net.UDPConn) {
	buffer := make([]byte, receiveMTU)
	for {
		n, err := far.Read(buffer)
		if err != nil {
			return
		}
		r.mu.Lock()
		if r.publisher != nil && !r.cut {
			_, _ = r.near.WriteToUDP(buffer[:n], r.publisher)
		}
		r.mu.Unlock()
	}
}

// through makes an answer name the relay in place of the server.
func (r *relay) through(answer string, port int) string {
	var kept strings.Builder
	for line := range strings.Lines(answer) {
		switch {
		case strings.HasPrefix(line, "a=candidate:") && strings.Contains(line, " tcp "):
		case strings.HasPrefix(line, "a=candidate:"):
			own := strconv.Itoa(r.near.LocalAddr().(*net.UDPAddr).Port) //nolint:forcetypeassert // a UDP socket has a UDP address
			kept.WriteString(strings.Replace(line, " "+strconv.Itoa(port)+" ", " "+own+" ", 1))
		default:
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// case12moved is a network that goes away for three seconds and is another one afterwards: ICE is restarted on
// the same connection, with new credentials and from another address. The recording goes on, and the gap
// is what was away; with repairs it may be less.
func case12moved(repaired bool) func(*testing.T) {
	return func(t *testing.T) {
		const from, to = 2 * time.Second, 5 * time.Second
		c := sourceClip(t, media.CodecVP8, length(9))
		var network faults
		if !repaired {
			network.bursts = []span{{from, to}} // what was lost stays lost
		}
		s := &stage{t: t, server: serveAmong(t)}
		s.page = s.server.join()
		s.browser = newPublisher(t, publisherOptions{faults: network})
		way := newRelay(t, s.server.api.UDPPort())
		negotiate := func(offer string) {
			s.page.send(&Offer{SDP: offer})
			s.browser.accept(&Answer{SDP: way.through(expect[*Answer](s.page).SDP, s.server.api.UDPPort())})
		}
		negotiate(s.browser.offer())
		<-s.browser.connected
		before := s.server.rooms.find(s.server.desk.session.ID).peerNow()

		run := s.browser.play(c)
		run.until(from)
		way.lose()
		run.until(to)
		way.move(t)
		offer, err := s.browser.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
		must(t, err)
		must(t, s.browser.pc.SetLocalDescription(offer))
		negotiate(s.browser.pc.LocalDescription().SDP)
		run.wait(t)
		s.browser.wire.settle(t)
		if after := s.server.rooms.find(s.server.desk.session.ID).peerNow(); after != before {
			t.Error("the restart made another peer")
		}
		s.finish()
		v := s.verdict(c)
		v.flawless(t)
		if !repaired {
			v.missesOnly(t, span{from, to})
		}
		s.once(t)
	}
}

func (r *Room) peerNow() *peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.peer
}

// lastFlight is true for the first datagram that ends a DTLS handshake (RFC 9147 5.2: it begins with a
// change of ciphers). Whoever sent it is done then and sends media, which waits at the other side until
// the flight is repeated, a second later.
func lastFlight() func([]byte) bool {
	lost := false
	return func(b []byte) bool {
		const changeCipherSpec = 20
		if lost || len(b) == 0 || b[0] != changeCipherSpec {
			return false
		}
		lost = true
		return true
	}
}

// case13joined is a page that is gone without a word, and one that joins the same session so much later,
// perhaps with a datagram of its handshake lost.
func case13joined(away time.Duration, handshake func() func([]byte) bool) func(*testing.T) {
	return func(t *testing.T) {
		if away > 5*time.Second && !soaking() {
			t.Skip("set GREENROOM_SOAK to wait so long")
		}
		const cut = 3 * time.Second
		c := sourceClip(t, media.CodecVP8, 6)
		s := newStage(t, publisherOptions{})
		first := c
		first.part = span{0, cut}
		run := s.browser.play(first)
		run.wait(t)
		s.browser.wire.settle(t)
		gone := time.Now()
		s.browser.vanish()
		must(t, s.page.ws.Close())

		<-time.After(away)
		s.page = s.server.join()
		second := newPublisher(t, publisherOptions{})
		way := newRelay(t, s.server.api.UDPPort())
		if handshake != nil {
			way.mu.Lock()
			way.loses = handshake()
			way.mu.Unlock()
		}
		s.page.send(&Offer{SDP: second.offer()})
		second.accept(&Answer{SDP: way.through(expect[*Answer](s.page).SDP, s.server.api.UDPPort())})
		<-second.connected
		rest := c
		rest.part, rest.audio.from, rest.video.from = span{cut, c.end() + time.Second}, -cut, -cut
		back := time.Now()
		second.play(rest).wait(t)
		second.wire.settle(t)
		s.finish()
		v := s.verdict(c)
		v.flawless(t)
		v.keeps(t, 100, 100)
		v.missesOnly(t, span{cut, cut + back.Sub(gone)})
		for _, g := range v.gaps {
			if g.Reason != media.GapReconnect {
				t.Errorf("the gap %+v is not told as a reconnect", g)
			}
		}
		s.once(t)
	}
}

// missesOnly fails the test unless sound and picture each have one long gap, which is the given one to
// within half a second.
func (v verdict) missesOnly(t *testing.T, want span) {
	t.Helper()
	const near = 500 * time.Millisecond
	for _, kind := range []media.Kind{media.KindAudio, media.KindVideo} {
		found := 0
		for _, g := range v.gaps {
			if g.Kind != kind || g.Start > v.duration-rim { // nothing is sent while the end is waited for
				continue
			}
			found++
			if (g.Start-want.from).Abs() > near || (g.End-want.to).Abs() > near {
				t.Errorf("the gap %+v is not from %v to %v", g, want.from, want.to)
			}
		}
		if found != 1 {
			t.Errorf("%d gaps of %s, want one: %v", found, kind, v.gaps)
		}
	}
}
