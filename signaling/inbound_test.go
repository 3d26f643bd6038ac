package signaling

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"greenroom/media"
)

// sealed is the sending end of a peer's SRTP.
type sealed struct {
	t    testing.TB
	keys *srtp.Context
}

// profiles are those that a handshake may choose.
var profiles = map[string]srtp.ProtectionProfile{
	"AES-128-GCM": srtp.ProtectionProfileAeadAes128Gcm,
	"AES-256-GCM": srtp.ProtectionProfileAeadAes256Gcm,
	"AES-128-CM":  srtp.ProtectionProfileAes128CmHmacSha1_80,
}

// seal gives both ends the same keys; the peer's are not in use before open.
func seal(t testing.TB, profile srtp.ProtectionProfile) (*sealed, *srtp.Context) {
	t.Helper()
	keySize, err := profile.KeyLen()
	if err != nil {
		t.Fatal(err)
	}
	saltSize, err := profile.SaltLen()
	if err != nil {
		t.Fatal(err)
	}
	key, salt := make([]byte, keySize), make([]byte, saltSize)
	out, err := srtp.CreateContext(key, salt, profile)
	if err != nil {
		t.Fatal(err)
	}
	in, err := srtp.CreateContext(key, salt, profile,
		srtp.SRTPReplayProtection(srtpReplayWindow), srtp.SRTCPReplayProtection(srtcpReplayWindow))
	if err != nil {
		t.Fatal(err)
	}
	return &sealed{t, out}, in
}

func (s *sealed) rtp(h rtp.Header, payload ...byte) []byte {
	s.t.Helper()
	h.Version = 2
	b, err := (&rtp.Packet{Header: h, Payload: payload}).Marshal()
	if err != nil {
		s.t.Fatal(err)
	}
	if b, err = s.keys.EncryptRTP(nil, b, nil); err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *sealed) rtcp(packets ...rtcp.Packet) []byte {
	s.t.Helper()
	b, err := rtcp.Marshal(packets)
	if err != nil {
		s.t.Fatal(err)
	}
	if b, err = s.keys.EncryptRTCP(nil, b, nil); err != nil {
		s.t.Fatal(err)
	}
	return b
}

// takingLink is the transport of a takingPeer, without ICE and DTLS.
func takingLink(p *peer) *transport {
	p.link = &transport{peer: p, api: &API{limits: limits{keepAlive: time.Second}}}
	return p.link
}

func TestMediaAreDecryptedWhereTheyCome(t *testing.T) {
	for name, profile := range profiles {
		t.Run(name, func(t *testing.T) {
			p, attached := takingPeer(t, browserOffer)
			link := takingLink(p)
			page, keys := seal(t, profile)
			link.open(keys)
			link.receive(page.rtp(rtp.Header{SSRC: 11, PayloadType: 111, SequenceNumber: 7}, 0x78, 1), time.Now())
			link.receive(page.rtcp(&rtcp.SenderReport{SSRC: 11, NTPTime: 0x0102030405060708}), time.Now())
			if len(*attached) != 1 || (*attached)[0].Stats().Received != 1 {
				t.Fatalf("%d tracks, want one with a packet", len(*attached))
			}
			due := (*attached)[0].Feedback(time.Now().Add(2 * time.Second))
			if due.Report == nil || due.Report.LastSenderReport != 0x03040506 {
				t.Errorf("got %+v, want a report that knows of the sender's", due.Report)
			}
		})
	}
}

// Who ended the handshake sends at once; what came before its last datagram is kept with its time.
func TestEarlyMediaWaitForTheKeys(t *testing.T) {
	p, attached := takingPeer(t, browserOffer)
	link := takingLink(p)
	page, keys := seal(t, srtp.ProtectionProfileAeadAes128Gcm)
	b := page.rtp(rtp.Header{SSRC: 11, PayloadType: 111, SequenceNumber: 1}, 0x78, 1)
	came := time.Now().Add(-time.Second)
	link.receive(b, came)
	clear(b) // the socket's memory is used again
	link.open(keys)
	if len(*attached) != 1 || (*attached)[0].Stats().Received != 1 {
		t.Fatalf("%d tracks, want one with a packet", len(*attached))
	}
	if got := p.tracks[media.KindAudio].lastSeen.Load(); got != came.UnixNano() {
		t.Errorf("the packet came at %v, want %v", time.Unix(0, got), came)
	}
}

func TestEarlyMediaAreBounded(t *testing.T) {
	for _, c := range []struct{ size, want int }{
		{1200, earlyLimit / 1200}, {rtpHeader, maxEarly}, {rtpHeader - 1, 0}, {1, 0},
	} {
		p, _ := takingPeer(t, browserOffer)
		link := takingLink(p)
		packet := make([]byte, c.size)
		packet[0] = 0x80
		for range 2 * max(maxEarly, earlyLimit/len(packet)) {
			link.receive(packet, time.Now())
		}
		if link.earlySize > earlyLimit || len(link.early) != c.want {
			t.Errorf("%d packets of %d bytes are kept, %d bytes in all; want %d", len(link.early), c.size, link.earlySize, c.want)
		}
		link.shut()
		if link.early != nil {
			t.Error("they are kept after the end")
		}
	}
}

// Anybody can write an address and an SSRC into a datagram. What is not genuine leaves nothing.
func TestForgedMediaLeaveNothing(t *testing.T) {
	p, attached := takingPeer(t, browserOffer)
	link := takingLink(p)
	_, keys := seal(t, srtp.ProtectionProfileAeadAes128Gcm)
	link.open(keys)
	forged := make([]byte, 200)
	for n := range uint32(10_000) {
		forged[0], forged[1] = 0x80, 111
		binary.BigEndian.PutUint32(forged[8:], n)
		if genuine, alive := link.receive(forged, time.Now()); genuine || alive {
			t.Fatal("a forged packet is genuine, or a sign of life")
		}
		forged[0], forged[1] = 0x80, 200
		binary.BigEndian.PutUint32(forged[4:], n)
		link.receive(forged, time.Now())
	}
	if len(p.intake.sources)+len(link.reporters)+len(*attached) != 0 {
		t.Errorf("%d sources, %d reporters, %d tracks", len(p.intake.sources), len(link.reporters), len(*attached))
	}
}

func TestSourcesOfOnePeerAreBounded(t *testing.T) {
	p, attached := takingPeer(t, browserOffer)
	link := takingLink(p)
	page, keys := seal(t, srtp.ProtectionProfileAeadAes128Gcm)
	link.open(keys)
	link.receive(page.rtp(rtp.Header{SSRC: 11, PayloadType: 111, SequenceNumber: 1}, 0x78, 1), time.Now())
	for n := range uint32(3 * maxSources) {
		link.receive(page.rtp(rtp.Header{SSRC: 1000 + n, PayloadType: 111}, 0x78, 1), time.Now())
		link.receive(page.rtcp(&rtcp.SenderReport{SSRC: 1000 + n}), time.Now())
	}
	if got := len(p.intake.sources); got != maxSources {
		t.Errorf("%d sources, want %d", got, maxSources)
	}
	if got := len(link.reporters); got != maxSources {
		t.Errorf("%d reporters, want %d", got, maxSources)
	}
	link.receive(page.rtp(rtp.Header{SSRC: 11, PayloadType: 111, SequenceNumber: 2}, 0x78, 1), time.Now())
	if got := (*attached)[0].Stats().Received; got != 2 {
		t.Errorf("the track of before got %d packets, want 2", got)
	}
}

func TestRepeatedDatagramIsTakenOnce(t *testing.T) {
	p, attached := takingPeer(t, browserOffer)
	link := takingLink(p)
	page, keys := seal(t, srtp.ProtectionProfileAeadAes128Gcm)
	link.open(keys)
	b := page.rtp(rtp.Header{SSRC: 11, PayloadType: 111, SequenceNumber: 1}, 0x78, 1)
	for range 3 {
		link.receive(append([]byte{}, b...), time.Now())
	}
	if got := (*attached)[0].Stats(); got.Received != 1 || got.Duplicate != 0 {
		t.Errorf("got %+v, want one packet, the others stopped before", got)
	}
}

func TestMediaAreASignOfLifeNowAndThen(t *testing.T) {
	p, _ := takingPeer(t, browserOffer)
	link := takingLink(p)
	page, keys := seal(t, srtp.ProtectionProfileAeadAes128Gcm)
	link.open(keys)
	begin, signs := time.Now(), 0
	for n := range 300 { // six seconds
		b := page.rtp(rtp.Header{SSRC: 11, PayloadType: 111, SequenceNumber: uint16(n)}, 0x78, 1)
		genuine, alive := link.receive(b, begin.Add(time.Duration(n)*20*time.Millisecond))
		if alive {
			signs++
		}
		if !genuine {
			t.Fatalf("packet %d is not genuine", n)
		}
	}
	if signs != 6 {
		t.Errorf("%d signs of life in six seconds, want one each second", signs)
	}
}

func TestNothingIsTakenAfterTheEnd(t *testing.T) {
	p, attached := takingPeer(t, browserOffer)
	link := takingLink(p)
	page, keys := seal(t, srtp.ProtectionProfileAeadAes128Gcm)
	b := page.rtp(rtp.Header{SSRC: 11, PayloadType: 111}, 0x78, 1)
	link.shut()
	link.open(keys)
	link.receive(b, time.Now())
	if len(*attached) > 0 || len(link.early) > 0 {
		t.Error("a packet was taken")
	}
}

// The whole way of our own from the socket to the recorder's queue: address, decryption, repairs, arrival
// times, jitter buffer.
func TestTakingAPacketAllocatesNothing(t *testing.T) {
	for name, profile := range profiles {
		t.Run(name, func(t *testing.T) {
			each := 3 // packets
			if raceDetector && profile == srtp.ProtectionProfileAes128CmHmacSha1_80 {
				// Pion keeps a buffer for it in a sync.Pool, which under the race detector loses one in four on purpose:
				// half an allocation a packet, which AllocsPerRun leaves out.
				each = 1
			}
			p, attached := takingPeer(t, browserOffer)
			link := takingLink(p)
			page, keys := seal(t, profile)
			link.open(keys)
			begin := time.Now()
			link.shown = begin.Add(time.Hour) // ICE hears of it now and then, which costs an allocation
			port, from := portTo(t, link)
			const many = 1200
			var packets [][]byte
			for n := range uint16(many) {
				for _, h := range []rtp.Header{
					{SSRC: 11, PayloadType: 111},
					{SSRC: 22, PayloadType: 96, Marker: true},
					{SSRC: 23, PayloadType: 97},
				} {
					h.SequenceNumber = n
					must(t, h.SetExtension(3, []byte{byte(n >> 8), byte(n)}))
					payload := append([]byte{0x10, 1}, make([]byte, 1000)...)
					if h.SSRC == 23 {
						binary.BigEndian.PutUint16(payload, n) // of what was not lost
					}
					packets = append(packets, page.rtp(h, payload...))
				}
			}
			next := 0
			once := func() {
				for range each {
					port.dispatch(datagram{packets[next], from, begin.Add(time.Duration(next) * 7 * time.Millisecond)})
					next++
				}
			}
			for range 300 / each {
				once()
			}
			if n := testing.AllocsPerRun(3000/each, once); n > 0 {
				t.Errorf("%v allocations for %d packets", n, each)
			}
			if n := len(*attached); n != 2 {
				t.Fatalf("%d tracks", n)
			}
			for _, track := range *attached {
				if got := track.Stats().Received; got < 1100 {
					t.Errorf("a track got %d packets", got)
				}
			}
		})
	}
}
