package signaling

import (
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
)

// publisher is a candidate's browser played by Pion: Opus and VP8 with the default repairs.
type publisher struct {
	t      *testing.T
	pc     *webrtc.PeerConnection
	audio  *webrtc.TrackLocalStaticRTP
	video  *webrtc.TrackLocalStaticRTP
	wire   *wire
	vp9    bool
	silent bool
	keys   int // every how many pictures is a key frame; 0: none

	socket    *net.UDPConn
	mux       *ice.UDPMuxDefault
	connected chan struct{}
	closing   sync.Once
	stop      chan struct{}
	running   sync.WaitGroup
}

type publisherOptions struct {
	noVideo bool
	vp9     bool
	loss    float64                  // of RTP packets, repairs included
	mutate  func(header *rtp.Header) // before the packet is sent; nil: nothing
	faults  faults                   // beside these
	silent  bool                     // sends nothing of the DTLS handshake
	tcp     bool
	ipv6    bool // over IPv6 only
	// deltaOnly: no picture is a key frame, as when a camera has run for long.
	deltaOnly bool
}

func newPublisher(t *testing.T, o publisherOptions) *publisher {
	t.Helper()
	p := &publisher{
		t: t, vp9: o.vp9, silent: o.silent, stop: make(chan struct{}), connected: make(chan struct{}),
	}
	if o.loss > 0 {
		o.faults.loss = o.loss
	}
	if o.mutate != nil {
		o.faults.mutate = o.mutate
	}
	p.wire = newWire(o.faults)
	if !o.deltaOnly {
		p.keys = 30
	}
	engine := &webrtc.MediaEngine{}
	must(t, engine.RegisterDefaultCodecs())
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		engine.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC}, kind)
		engine.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBNACK}, kind)
	}
	registry := &interceptor.Registry{}
	registry.Add(p.wire) // first: repairs pass through it as well
	must(t, webrtc.ConfigureNack(engine, registry))
	must(t, webrtc.ConfigureRTCPReports(registry))
	must(t, webrtc.ConfigureTWCCHeaderExtensionSender(engine, registry))
	settings := webrtc.SettingEngine{LoggerFactory: noLog{}}
	settings.SetIncludeLoopbackCandidate(true)
	loopback := net.IPv4(127, 0, 0, 1)
	if o.ipv6 {
		loopback = net.IPv6loopback
	}
	settings.SetICEUDPMux(p.listen(loopback))
	network := map[[2]bool]webrtc.NetworkType{
		{false, false}: webrtc.NetworkTypeUDP4, {false, true}: webrtc.NetworkTypeUDP6,
		{true, false}: webrtc.NetworkTypeTCP4, {true, true}: webrtc.NetworkTypeTCP6,
	}[[2]bool{o.tcp, o.ipv6}]
	settings.SetNetworkTypes([]webrtc.NetworkType{network})
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(settings))
	var err error
	p.pc, err = api.NewPeerConnection(webrtc.Configuration{})
	must(t, err)
	t.Cleanup(p.close)
	var once sync.Once
	p.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(p.connected) })
		}
	})
	p.audio = p.addTrack(webrtc.MimeTypeOpus, "audio")
	if !o.noVideo {
		mime := webrtc.MimeTypeVP8
		if o.vp9 {
			mime = webrtc.MimeTypeVP9
		}
		p.video = p.addTrack(mime, "video")
	}
	return p
}

// listen gives the publisher a socket that can be taken away.
func (p *publisher) listen(at net.IP) ice.UDPMux {
	p.t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: at})
	must(p.t, err)
	var wire net.PacketConn = conn
	if p.silent {
		wire = halfOpen{conn}
	}
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: wire, Logger: noLog{}})
	p.socket, p.mux = conn, mux
	return mux
}

// halfOpen is a socket that lets the checks of ICE out, and nothing of the handshake behind it.
type halfOpen struct{ net.PacketConn }

func (h halfOpen) WriteTo(b []byte, to net.Addr) (int, error) {
	if len(b) > 0 && b[0] >= 20 && b[0] <= 63 { // RFC 7983 7: DTLS
		return len(b), nil
	}
	return h.PacketConn.WriteTo(b, to)
}

// vanish takes the network away: no goodbye of any layer gets out.
func (p *publisher) vanish() { _ = p.socket.Close() }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (p *publisher) addTrack(mime, id string) *webrtc.TrackLocalStaticRTP {
	p.t.Helper()
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, id, "candidate")
	must(p.t, err)
	transceiver, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	must(p.t, err)
	if mime == webrtc.MimeTypeVP9 { // a browser without VP8
		vp9 := []webrtc.RTPCodecParameters{
			{PayloadType: 98, RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: mime, ClockRate: 90000, SDPFmtpLine: "profile-id=0", RTCPFeedback: []webrtc.RTCPFeedback{
					{Type: webrtc.TypeRTCPFBTransportCC}, {Type: webrtc.TypeRTCPFBNACK}, {Type: webrtc.TypeRTCPFBNACK, Parameter: "pli"},
				},
			}},
			{PayloadType: 99, RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=98",
			}},
		}
		must(p.t, transceiver.SetCodecPreferences(vp9))
	}
	p.running.Go(func() { // interceptors need the RTCP read
		buffer := make([]byte, 1500)
		for {
			if _, _, err := transceiver.Sender().Read(buffer); err != nil {
				return
			}
		}
	})
	return track
}

// ssrc is what the track's packets are marked with.
func (p *publisher) ssrc(track webrtc.TrackLocal) uint32 {
	for _, sender := range p.pc.GetSenders() {
		if sender.Track() == track {
			return uint32(sender.GetParameters().Encodings[0].SSRC)
		}
	}
	return 0
}

// offer returns an offer with all candidates in it.
func (p *publisher) offer() string {
	p.t.Helper()
	offer, err := p.pc.CreateOffer(nil)
	must(p.t, err)
	gathered := webrtc.GatheringCompletePromise(p.pc)
	must(p.t, p.pc.SetLocalDescription(offer))
	<-gathered
	return p.pc.LocalDescription().SDP
}

// connect negotiates through the page and waits until media can flow.
func (p *publisher) connect(page *page) {
	p.t.Helper()
	page.send(&Offer{SDP: p.offer()})
	p.accept(expect[*Answer](page))
	select {
	case <-p.connected:
	case <-time.After(patience):
		p.t.Fatalf("not connected within %v", patience)
	}
}

func (p *publisher) accept(answer *Answer) {
	p.t.Helper()
	must(p.t, p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer.SDP}))
}

// publish sends 50 Opus packets and 30 pictures a second, until the publisher closes; each picture is
// three packets long, each thirtieth a key frame.
func (p *publisher) publish() {
	p.running.Go(func() { // ends by close
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		payloader := &codecs.VP8Payloader{EnablePictureID: true}
		picture := rtp.NewPacketizer(1200, 0, 0, payloader, rtp.NewRandomSequencer(), 90000)
		for n := 0; ; n++ {
			select {
			case <-p.stop:
				return
			case <-ticker.C:
			}
			_ = p.audio.WriteRTP(&rtp.Packet{
				Header:  rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(n) * 960},
				Payload: []byte{0x78, byte(n), 1, 2, 3, 4, 5, 6},
			})
			if p.video == nil {
				continue
			}
			for _, packet := range picture.Packetize(vp8Frame(p.keys > 0 && n%p.keys == 0, 3000), 1800) {
				_ = p.video.WriteRTP(packet)
			}
		}
	})
}

// vp8Frame makes a frame that has the right first bytes (RFC 6386 9.1) and noise behind.
func vp8Frame(key bool, size int) []byte {
	frame := make([]byte, size)
	for i := range frame {
		frame[i] = byte(i * 7)
	}
	if !key {
		frame[0] = 0x11 // shown, not a key frame
		return frame
	}
	copy(frame, []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a})
	binary.LittleEndian.PutUint16(frame[6:], 640)
	binary.LittleEndian.PutUint16(frame[8:], 360)
	return frame
}

// close leaves as a browser does.
func (p *publisher) close() {
	p.closing.Do(func() {
		close(p.stop)
		_ = p.pc.Close()
		_ = p.mux.Close()
		p.running.Wait()
		p.wire.late.Wait()
	})
}

func receiving(m *MediaMessage) bool { return m.Audio == MediaReceiving && m.Video == MediaReceiving }
