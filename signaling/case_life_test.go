package signaling

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"greenroom/media"
	"greenroom/media/judge"
)

// case12 is a network that is away for three seconds, and an ICE restart when it is back.
func case12(t *testing.T) {
	c := eagerClip(t, media.CodecVP8, length(7))
	out := span{2 * time.Second, 5 * time.Second}
	s := newStage(t, publisherOptions{faults: faults{bursts: []span{out}}})
	run := s.browser.play(c)
	run.until(out.to - 500*time.Millisecond)
	offer, err := s.browser.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	must(t, err)
	gathered := webrtc.GatheringCompletePromise(s.browser.pc)
	must(t, s.browser.pc.SetLocalDescription(offer))
	<-gathered
	s.page.send(&Offer{SDP: s.browser.pc.LocalDescription().SDP})
	s.browser.accept(expect[*Answer](s.page))
	v := s.end(run, c)
	v.flawless(t)
	v.misses(t, media.KindAudio, out, 500*time.Millisecond, media.GapNetwork)
	v.misses(t, media.KindVideo, out, 400*time.Millisecond, media.GapNetwork)
	s.once(t)
}

// case13 is a publisher that is gone without a word, and another one two seconds later: one recording.
func case13(t *testing.T) {
	both := sourceClip(t, media.CodecVP8, 6)
	first, second := both, both
	first.part, second.part = span{0, 3 * time.Second}, span{3 * time.Second, 6 * time.Second}
	second.audio = script{from: -3 * time.Second, sequence: 77}
	second.video = script{from: -3 * time.Second, sequence: 88}
	s := newStage(t, publisherOptions{})
	run := s.browser.play(first)
	run.wait(t)
	s.browser.wire.settle(t)
	s.browser.vanish()
	gone := time.Now()
	<-time.After(2 * time.Second) // what is tried is that long an absence
	s.browser = newPublisher(t, publisherOptions{})
	s.browser.connect(s.page)
	again := s.browser.play(second)
	outage := span{first.part.to, again.start.Sub(run.start)}
	t.Logf("gone at %v, back at %v", gone.Sub(run.start), outage.to)
	v := s.end(again, both)
	v.flawless(t)
	v.keeps(t, 100, 100)
	v.misses(t, media.KindAudio, outage, 500*time.Millisecond, media.GapReconnect)
	v.misses(t, media.KindVideo, outage, 500*time.Millisecond, media.GapReconnect)
	s.once(t)
}

// stuck is a judge of speech that takes for ever, until it is let go.
type stuck struct{ release chan struct{} }

func (s stuck) Probability([]float32) (float32, error) {
	<-s.release
	return 0, nil
}

func (s stuck) Close() error { return nil }

// case18 is speech to text that hangs: the recording does not notice.
func case18(t *testing.T) {
	c := sourceClip(t, media.CodecVP8, length(4))
	slow := stuck{make(chan struct{})}
	s := newStage(t, publisherOptions{}, func(s *server) {
		s.desk.voice = func() (media.VoiceActivity, error) { return slow, nil }
	})
	run := s.browser.play(c)
	run.wait(t)
	s.browser.wire.settle(t)
	close(slow.release) // the end waits for it
	v := s.end(run, c)
	v.flawless(t)
	v.keeps(t, 100, 100)
}

// case20vanished is a publisher that goes without a goodbye of any layer: what it sent is kept, and its
// connection is closed within thirty seconds.
func case20vanished(t *testing.T) {
	c := sourceClip(t, media.CodecVP8, 3)
	limit := 30 * time.Second
	s := newStage(t, publisherOptions{}, func(s *server) {
		if !soaking() { // a tenth of the times
			limit = 3 * time.Second
			s.api.limits = limits{iceDisconnected / 10, iceFailed / 10, iceKeepAlive / 10, dtlsConnect}
		}
	})
	run := s.browser.play(c)
	run.wait(t)
	s.browser.wire.settle(t)
	s.browser.vanish()
	gone := time.Now()
	expectWithin(s.page, limit+patience, func(m *Problem) bool { return m.Code == "connection_lost" })
	took := time.Since(gone)
	t.Logf("closed after %v", took)
	if took > 30*time.Second {
		t.Errorf("the connection was closed after %v", took)
	}
	s.finish()
	v := s.verdict(c)
	v.flawless(t)
	v.keeps(t, 100, 100)
}

// case20garbage is datagrams and packets that make no sense, from strangers and from the publisher itself.
func case20garbage(t *testing.T) {
	c := sourceClip(t, media.CodecVP8, length(4))
	var n atomic.Int64
	s := newStage(t, publisherOptions{})
	stranger, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: s.server.api.UDPPort()})
	must(t, err)
	t.Cleanup(func() { _ = stranger.Close() })
	c.video.sent = func(judge.Frame) {
		for _, size := range []int64{8, 1500, n.Add(1)} {
			b := make([]byte, size)
			_, _ = rand.Read(b)
			_, _ = stranger.Write(b)
			// From the publisher's own address they reach its connection.
			_, _ = s.browser.socket.WriteTo(b, stranger.RemoteAddr())
			if size > 12 {
				b[0], b[1] = 0x80, 96 // a packet of the picture, by its looks
				_, _ = s.browser.socket.WriteTo(b, stranger.RemoteAddr())
			}
		}
	}
	v := s.judge(c)
	v.flawless(t)
	v.keeps(t, 100, 100)
}

// case20forged is packets inside the encryption that nobody may send: with other SSRCs, other codecs, and
// headers of pictures that are none.
func case20forged(t *testing.T) {
	c := sourceClip(t, media.CodecVP8, length(4))
	s := newStage(t, publisherOptions{})
	forger := s.browser.forger()
	var n uint16
	c.audio.sent = func(judge.Frame) {
		n++
		for _, payload := range [][]byte{nil, {0xff}, {0x10, 0x30, 1, 2}, {0x90, 0xff}, make([]byte, 1200)} {
			h := rtp.Header{Version: 2, SequenceNumber: n, Timestamp: uint32(n) * 77, SSRC: 0xdead_0000 + uint32(n%8), PayloadType: uint8(90 + n%20)}
			forger(&h, payload)
		}
	}
	v := s.judge(c)
	v.flawless(t)
	v.keeps(t, 100, 100)
}

// case20headers is pictures whose headers are wrong: they are not recorded, and right ones are again
// after them.
func case20headers(t *testing.T) {
	c := sourceClip(t, media.CodecVP8, length(4))
	s := newStage(t, publisherOptions{})
	broken := span{1500 * time.Millisecond, 1800 * time.Millisecond}
	var breaking atomic.Bool
	c.video.sent = func(f judge.Frame) { breaking.Store(broken.holds(f.Time)) }
	c.video.change = func(payload []byte) []byte {
		if breaking.Load() {
			return []byte{0xff, 0xff} // RFC 7741 4.2: a descriptor that ends before its fields do
		}
		return payload
	}
	v := s.judge(c)
	v.flawless(t)
	if want := c.pictures.Len() - 15; v.pictures.Exact != want { // up to the next key frame
		t.Errorf("%v; want %d", v.pictures, want)
	}
	v.keeps(t, 0, 100)
	v.misses(t, media.KindVideo, span{broken.from, 2 * time.Second}, 100*time.Millisecond, media.GapNetwork)
}

// once fails the test unless the session was opened once.
func (s *stage) once(t *testing.T) {
	t.Helper()
	s.server.desk.change(func(d *desk) {
		if d.opened != 1 {
			t.Errorf("the session was opened %d times", d.opened)
		}
	})
}

// TestHalfOpenConnectionsLeaveNothing is the rest of case 20: connections whose handshake is never
// answered. All end by themselves, and no goroutine and no file is left.
func TestHalfOpenConnectionsLeaveNothing(t *testing.T) {
	many := 50
	if soaking() {
		many = 1000
	}
	if dtlsConnect > 15*time.Second {
		t.Errorf("a handshake may take %v", dtlsConnect)
	}
	s := serve(t, func(s *server) {
		s.api.limits.handshake = 2 * time.Second
	})
	files := openFiles(t)
	gone := make(chan struct{}, many)
	var peers []*peer
	var browsers []*publisher
	for range many {
		p, err := newPeer(peerConfig{
			api: s.api, video: media.CodecVP8, log: slog.New(slog.DiscardHandler), onGone: func(*peer) { gone <- struct{}{} },
			attach: func(media.TrackConfig) (*media.Track, error) { return nil, errors.New("nothing was decrypted") },
		})
		must(t, err)
		peers = append(peers, p)
		browser := newPublisher(t, publisherOptions{silent: true})
		browsers = append(browsers, browser)
		answer, err := p.answer(t.Context(), browser.offer())
		must(t, err)
		browser.accept(&Answer{SDP: answer})
	}
	limit := time.After(patience + 30*time.Second)
	for n := range many {
		select {
		case <-gone:
		case <-limit:
			t.Fatalf("%d of %d half-open connections ended", n, many)
		}
	}
	for i := range many {
		peers[i].close()
		browsers[i].close()
	}
	if left := openFiles(t); left > files {
		t.Errorf("%d files are open, %d were before", left, files)
	}
}

// openFiles counts this process's.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("no list of open files here: %v", err)
	}
	return len(entries)
}
