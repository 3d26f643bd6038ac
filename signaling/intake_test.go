package signaling

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"greenroom/consent"
	"greenroom/media"
)

// takingPeer is a peer without a connection, in front of a capture that nobody runs; attached gets every
// track.
func takingPeer(t *testing.T, offer string) (p *peer, attached *[]*media.Track) {
	t.Helper()
	capture := media.NewCapture(media.CaptureConfig{Session: consent.NewID[consent.SessionID]()})
	t.Cleanup(capture.Finish)
	attached = new([]*media.Track)
	p = &peer{
		log: slog.New(slog.DiscardHandler), arrivals: media.NewArrivals(1),
		tracks: map[media.Kind]*remoteTrack{}, muted: map[media.Kind]bool{}, onGone: func(*peer) { t.Error("the peer broke") },
		attach: func(c media.TrackConfig) (*media.Track, error) {
			track, err := capture.Attach(c)
			*attached = append(*attached, track)
			return track, err
		},
	}
	p.intake.peer = p
	p.intake.offered.Store(describeOffer(onTheWire(offer), media.CodecVP8))
	return p, attached
}

// undeclaring is browserOffer as a publisher makes it that names no SSRC.
func undeclaring() string {
	var kept strings.Builder
	for line := range strings.Lines(browserOffer) {
		if !strings.HasPrefix(line, "a=ssrc") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// send gives the peer a packet as if it had been decrypted.
func send(t *testing.T, p *peer, h rtp.Header, payload ...byte) {
	t.Helper()
	h.Version = 2
	b, err := (&rtp.Packet{Header: h, Payload: payload}).Marshal()
	must(t, err)
	source := p.intake.sources[h.SSRC]
	if source == nil {
		source = p.intake.newSource(h.SSRC)
	}
	p.intake.take(source, b, time.Now())
}

func TestRepairsReachTheirTrack(t *testing.T) {
	p, attached := takingPeer(t, browserOffer)
	send(t, p, rtp.Header{SSRC: 23, PayloadType: 97, SequenceNumber: 1}, 0, 9, 0x10, 1)
	if len(*attached) > 0 {
		t.Fatal("a repair of nothing began a track")
	}
	send(t, p, rtp.Header{SSRC: 22, PayloadType: 96, SequenceNumber: 10}, 0x10, 1)
	send(t, p, rtp.Header{SSRC: 22, PayloadType: 96, SequenceNumber: 12}, 0x10, 1)
	send(t, p, rtp.Header{SSRC: 23, PayloadType: 97, SequenceNumber: 2}, 0, 11, 0x10, 1)
	send(t, p, rtp.Header{SSRC: 23, PayloadType: 97, SequenceNumber: 3}) // a probe
	if len(*attached) != 1 {
		t.Fatalf("%d tracks, want 1", len(*attached))
	}
	if got := (*attached)[0].Stats(); got.Received != 3 || got.Malformed+got.Duplicate > 0 {
		t.Errorf("the track got %+v, want 3 packets", got)
	}
}

func TestRepairsOfAnotherSourceAreLeft(t *testing.T) {
	p, attached := takingPeer(t, strings.Replace(browserOffer, "FID 22 23", "FID 21 23", 1))
	send(t, p, rtp.Header{SSRC: 22, PayloadType: 96, SequenceNumber: 10}, 0x10, 1)
	send(t, p, rtp.Header{SSRC: 23, PayloadType: 97}, 0, 11, 0x10, 1)
	if got := (*attached)[0].Stats().Received; got != 1 {
		t.Errorf("the track got %d packets, want its own", got)
	}
}

func TestUndeclaredSourceIsKnownByALaterPacket(t *testing.T) {
	p, attached := takingPeer(t, undeclaring())
	send(t, p, rtp.Header{SSRC: 5, PayloadType: 63}, 1)
	send(t, p, rtp.Header{SSRC: 5, PayloadType: 111, SequenceNumber: 1}, 0x78, 1)
	if len(*attached) != 1 {
		t.Errorf("%d tracks, want 1", len(*attached))
	}
}

func TestOtherCodecBeginsNoTrack(t *testing.T) {
	p, attached := takingPeer(t, browserOffer)
	send(t, p, rtp.Header{SSRC: 22, PayloadType: 98}, 1)
	send(t, p, rtp.Header{SSRC: 11, PayloadType: 63}, 1)
	send(t, p, rtp.Header{SSRC: 77, PayloadType: 96}, 1)
	if len(*attached) > 0 {
		t.Errorf("%d tracks", len(*attached))
	}
}

// A publisher that names no SSRC may change it, as encoders that start anew do; but two that send at once
// must not take the track from each other with every packet.
func TestOneUndeclaredSourceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, attached := takingPeer(t, undeclaring())
		for n := range uint16(50) {
			send(t, p, rtp.Header{SSRC: 5, PayloadType: 96, SequenceNumber: n}, 0x10, 1)
			<-time.After(15 * time.Millisecond)
			send(t, p, rtp.Header{SSRC: 6, PayloadType: 96, SequenceNumber: n}, 0x10, 1)
			<-time.After(15 * time.Millisecond)
		}
		if len(*attached) != 1 || (*attached)[0].Stats().Received != 50 {
			t.Fatalf("%d tracks while the first still sends", len(*attached))
		}
		<-time.After(silentSSRC)
		for n := range uint16(50) {
			send(t, p, rtp.Header{SSRC: 6, PayloadType: 96, SequenceNumber: n}, 0x10, 1)
		}
		if len(*attached) != 2 || (*attached)[1].Stats().Received != 50 {
			t.Errorf("%d tracks after the first fell silent, want 2", len(*attached))
		}
	})
}

func TestRefusedTrackIsOfferedOnce(t *testing.T) {
	p, _ := takingPeer(t, browserOffer)
	asked := 0
	p.attach = func(media.TrackConfig) (*media.Track, error) {
		asked++
		return nil, errors.New("no")
	}
	for n := range uint16(20) {
		send(t, p, rtp.Header{SSRC: 11, PayloadType: 111, SequenceNumber: n}, 1)
	}
	if asked != 1 {
		t.Errorf("the capture was asked %d times", asked)
	}
}

func TestClosedPeerTakesNoTrack(t *testing.T) {
	p, attached := takingPeer(t, browserOffer)
	p.stopped = true
	send(t, p, rtp.Header{SSRC: 11, PayloadType: 111}, 1)
	if len(*attached) > 0 || len(p.tracks) > 0 {
		t.Error("a track was attached")
	}
}

func TestSenderReportReachesItsTrack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, attached := takingPeer(t, browserOffer)
		send(t, p, rtp.Header{SSRC: 11, PayloadType: 111}, 0x78, 1)
		report := &rtcp.SenderReport{SSRC: 11, NTPTime: 0x0102030405060708, RTPTime: 9}
		name := &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
			Source: 11, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "x"}},
		}}}
		compound, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: 99, NTPTime: 7 << 32}, name, report})
		must(t, err)
		p.intake.takeReports(compound, time.Now())
		<-time.After(time.Second)
		other, err := rtcp.Marshal([]rtcp.Packet{name, &rtcp.SenderReport{SSRC: 99, NTPTime: 7 << 32}})
		must(t, err)
		for _, b := range [][]byte{other, compound[:len(compound)-4], compound[:12], {0x80}, nil} {
			p.intake.takeReports(b, time.Now()) // nothing new of this track
		}
		<-time.After(time.Second)
		due := (*attached)[0].Feedback(time.Now())
		if due.Report == nil {
			t.Fatal("no report")
		}
		// RFC 3550 6.4.1: the middle of the NTP time, and how long ago it came in units of 2^-16 s.
		if due.Report.LastSenderReport != 0x03040506 || due.Report.Delay != 2<<16 {
			t.Errorf("last report %#x, %d ago; want 0x3040506, %d ago", due.Report.LastSenderReport, due.Report.Delay, 2<<16)
		}
	})
}

// Standard publishers may name no SSRC in their offer.
func TestPublisherWithoutDeclaredSSRCsIsReceived(t *testing.T) {
	s := serve(t)
	page := s.join()
	browser := newPublisher(t, publisherOptions{loss: 0.02})
	var offer strings.Builder
	for line := range strings.Lines(browser.offer()) {
		if !strings.HasPrefix(line, "a=ssrc") {
			offer.WriteString(line)
		}
	}
	page.send(&Offer{SDP: offer.String()})
	browser.accept(expect[*Answer](page))
	browser.publish()
	expect(page, receiving)
	browser.wire.wait(t, "lost packets asked for", func() bool { return browser.wire.nacked > 5 })
	s.desk.store.wait(t, "a recording of both", func() bool {
		return s.desk.store.blocks[media.KindAudio] > 50 && s.desk.store.blocks[media.KindVideo] > 30
	})
}
