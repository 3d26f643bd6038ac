package signaling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/sdp/v3"
	"github.com/pion/transport/v4/packetio"
	"github.com/pion/webrtc/v4"

	"greenroom/media"
)

const (
	// udpReadBuffer is asked of the kernel for the one UDP socket of all sessions. With the default of
	// 208 kB a hundred sessions lose packets in the kernel; most kernels cap at 4 MB.
	udpReadBuffer = 4 << 20
	// tcpWriteBuffer bounds feedback to one ICE-TCP peer that does not read. Without it a write to a
	// stuck peer blocks the feedback timer of everybody.
	tcpWriteBuffer = 256 << 10
	tcpReadPackets = 128 // ICE-TCP packets queued per peer before the newest is dropped

	iceDisconnected = 5 * time.Second
	iceFailed       = 24 * time.Second // with the above and the time between checks less than 30 s
	iceKeepAlive    = 2 * time.Second
	dtlsConnect     = 15 * time.Second

	// srtpReplayWindow is in packets: repairs on the media SSRC come up to two seconds late.
	srtpReplayWindow = 1024
	receiveMTU       = 1500 // bytes
)

// APIConfig says where media is received.
type APIConfig struct {
	UDPAddr string // host:port; an empty or unspecified host means every interface
	TCPAddr string // host:port for ICE-TCP; empty: none
	Public  string // what pages are told instead of the bound addresses, see [ParsePublicAddresses]
}

// API makes peer connections that all share one UDP port and one TCP port.
type API struct {
	settings webrtc.SettingEngine
	engines  map[media.Codec]*webrtc.MediaEngine
	udpMux   ice.UDPMux
	tcpMux   *ice.TCPMuxDefault
	udpAddr  *net.UDPAddr
	sockets  []mediaSocket
	public   []netip.Addr
	times    arrivalTimes
}

// NewAPI binds the ports.
func NewAPI(config APIConfig) (*API, error) {
	ctx := context.Background() // only binding uses it, which does not wait
	public, err := ParsePublicAddresses(config.Public)
	if err != nil {
		return nil, fmt.Errorf("public address: %w", err)
	}
	a := &API{engines: map[media.Codec]*webrtc.MediaEngine{}, public: public}
	for _, video := range []media.Codec{media.CodecVP8, media.CodecVP9} {
		engine, err := newMediaEngine(video)
		if err != nil {
			return nil, fmt.Errorf("set up codecs with %s: %w", video, err)
		}
		a.engines[video] = engine
	}
	if err := a.listenUDP(ctx, config.UDPAddr); err != nil {
		return nil, fmt.Errorf("listen for media on UDP %s: %w", config.UDPAddr, err)
	}
	if config.TCPAddr != "" {
		if err := a.listenTCP(ctx, config.TCPAddr); err != nil {
			_ = a.udpMux.Close()
			return nil, fmt.Errorf("listen for media on TCP %s: %w", config.TCPAddr, err)
		}
	}
	if err := a.configure(); err != nil {
		_ = a.Close()
		return nil, err
	}
	return a, nil
}

// UDPPort is the port that was bound.
func (a *API) UDPPort() int { return a.udpAddr.Port }

// TCPPort is the port that was bound, 0 without ICE-TCP.
func (a *API) TCPPort() int {
	if a.tcpMux == nil {
		return 0
	}
	if addr, ok := a.tcpMux.LocalAddr().(*net.TCPAddr); ok {
		return addr.Port
	}
	return 0
}

// Close frees the ports. Every peer must have been closed before.
func (a *API) Close() error {
	err := a.udpMux.Close()
	if a.tcpMux != nil {
		err = errors.Join(err, a.tcpMux.Close())
	}
	if err != nil {
		return fmt.Errorf("close media ports: %w", err)
	}
	return nil
}

func (a *API) listenUDP(ctx context.Context, address string) error {
	addr, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return err
	}
	hosts := []net.IP{addr.IP}
	if addr.IP == nil || addr.IP.IsUnspecified() {
		if hosts, err = hostAddresses(); err != nil {
			return err
		}
	}
	if hosts = ofPublicKind(hosts, a.public); len(hosts) == 0 { // Pion names the address of every socket
		return errors.New("nothing is bound of the kind of the public address: bind an IPv4 address for a public one, an IPv6 address likewise")
	}
	var muxes []ice.UDPMux
	for _, host := range hosts {
		at := net.UDPAddr{IP: host, Port: addr.Port, Zone: addr.Zone}
		socket, err := listenMedia(ctx, at.String(), &a.times)
		if err != nil {
			for _, mux := range muxes {
				_ = mux.Close()
			}
			return err
		}
		muxes = append(muxes, ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket, Logger: noLog{}}))
		a.sockets = append(a.sockets, socket)
		if bound, ok := socket.LocalAddr().(*net.UDPAddr); ok {
			addr.Port = bound.Port // the first one names a free port for all
		}
	}
	a.udpMux, a.udpAddr = ice.NewMultiUDPMuxDefault(muxes...), addr
	return nil
}

// LostPackets is how many packets the kernel threw away because they were not taken in time; 0 on systems
// that do not tell.
func (a *API) LostPackets() uint64 {
	var lost uint64
	for _, socket := range a.sockets {
		lost += socket.lost()
	}
	return lost
}

func (a *API) listenTCP(ctx context.Context, address string) error {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	a.tcpMux = ice.NewTCPMuxDefault(ice.TCPMuxParams{
		Listener: listener, Logger: noLog{}, ReadBufferSize: tcpReadPackets, WriteBufferSize: tcpWriteBuffer,
		FirstStunBindTimeout: 5 * time.Second,
	})
	return nil
}

func (a *API) configure() error {
	s := &a.settings
	s.LoggerFactory = noLog{} // Pion logs ICE credentials and addresses
	s.SetICEUDPMux(a.udpMux)
	if a.tcpMux != nil {
		s.SetICETCPMux(a.tcpMux)
	}
	s.SetNetworkTypes(publicNetworks(a.public, a.tcpMux != nil))
	s.DisableActiveTCP(true) // a page must not make the server dial
	s.SetIncludeLoopbackCandidate(a.udpAddr.IP.IsLoopback())
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetICETimeouts(iceDisconnected, iceFailed, iceKeepAlive)
	s.SetDTLSConnectContextMaker(func() (context.Context, func()) {
		return context.WithTimeout(context.Background(), dtlsConnect) // Pion's handshake has no end of its own
	})
	s.SetSRTPReplayProtectionWindow(srtpReplayWindow)
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	s.SetReceiveMTU(receiveMTU)
	s.SetFireOnTrackBeforeFirstRTP(true) // or a goroutine of each track waits for a packet that it never gets
	if len(a.public) == 0 {
		return nil
	}
	// A server that tells its address needs no checks of its own: with ICE lite it sends nothing to an
	// address that has not spoken first.
	s.SetLite(true)
	return s.SetICEAddressRewriteRules(publicRules(a.public)...)
}

// newPeerConnection makes a connection whose packets all go into buffers of the given making. An API of
// Pion's per connection is cheap and ties them to it.
func (a *API) newPeerConnection(video media.Codec, buffer bufferFactory) (*webrtc.PeerConnection, error) {
	settings := a.settings
	settings.BufferFactory = buffer
	api := webrtc.NewAPI(webrtc.WithMediaEngine(a.engines[video]), webrtc.WithSettingEngine(settings),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{})) // Pion's own would add its defaults
	pc, err := api.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
	if err != nil {
		return nil, fmt.Errorf("make a peer connection: %w", err)
	}
	return pc, nil
}

// bufferFactory makes what takes the decrypted packets of one SSRC.
type bufferFactory = func(packetio.BufferPacketType, uint32) io.ReadWriteCloser

// newMediaEngine offers Opus and one video codec. The feedback named here is sent by this package;
// Pion's own generators stay out (with RTX they ask 35 times for each lost packet).
func newMediaEngine(video media.Codec) (*webrtc.MediaEngine, error) {
	engine := &webrtc.MediaEngine{}
	congestion := webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC}
	nack := webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBNACK}
	pli := webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBNACK, Parameter: "pli"}
	// RFC 7587 4.1: the RTP clock of Opus is 48 kHz with two channels, whatever is encoded. Chromium
	// repairs Opus if nack is offered for it.
	opus := webrtc.RTPCodecParameters{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
		RTCPFeedback: []webrtc.RTCPFeedback{nack, congestion},
	}}
	if err := engine.RegisterCodec(opus, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, err
	}
	picture := webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: []webrtc.RTCPFeedback{nack, pli, congestion},
	}
	payload, repair := webrtc.PayloadType(96), "apt=96"
	if video == media.CodecVP9 {
		picture.MimeType, picture.SDPFmtpLine, payload, repair = webrtc.MimeTypeVP9, "profile-id=0", 98, "apt=98"
	}
	for _, codec := range []webrtc.RTPCodecParameters{
		{PayloadType: payload, RTPCodecCapability: picture},
		{PayloadType: payload + 1, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: repair,
		}},
	} {
		if err := engine.RegisterCodec(codec, webrtc.RTPCodecTypeVideo); err != nil {
			return nil, err
		}
	}
	for _, uri := range []string{sdp.SDESMidURI, sdp.TransportCCURI} {
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			if err := engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, kind); err != nil {
				return nil, err
			}
		}
	}
	return engine, nil
}

// noLog silences Pion, whose logs name addresses and ICE credentials. What matters is counted and
// logged by this package.
type noLog struct{}

var (
	_ logging.LoggerFactory = noLog{}
	_ logging.LeveledLogger = noLog{}
	_ io.Closer             = (*API)(nil)
)

func (noLog) NewLogger(string) logging.LeveledLogger { return noLog{} }
func (noLog) Trace(string)                           {}
func (noLog) Tracef(string, ...any)                  {}
func (noLog) Debug(string)                           {}
func (noLog) Debugf(string, ...any)                  {}
func (noLog) Info(string)                            {}
func (noLog) Infof(string, ...any)                   {}
func (noLog) Warn(string)                            {}
func (noLog) Warnf(string, ...any)                   {}
func (noLog) Error(string)                           {}
func (noLog) Errorf(string, ...any)                  {}
