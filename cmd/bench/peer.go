//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/logging"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// peers makes the publisher's connections: they answer NACKs over RTX, send sender reports and number
// their packets for the congestion feedback, as a browser does, but do not change their rate.
type peers struct {
	settings webrtc.SettingEngine
}

func newPeers() *peers {
	p := &peers{}
	p.settings.SetIncludeLoopbackCandidate(true)
	p.settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	p.settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	// One profile for all subjects, so that none has the cheaper cipher.
	p.settings.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM)
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel, quiet.Writer = logging.LogLevelError, io.Discard
	p.settings.LoggerFactory = quiet
	return p
}

func (p *peers) newAPI() (*webrtc.API, error) {
	engine := &webrtc.MediaEngine{}
	if err := registerCodecs(engine); err != nil {
		return nil, err
	}
	registry := &interceptor.Registry{}
	responder, err := nack.NewResponderInterceptor()
	if err != nil {
		return nil, err
	}
	registry.Add(responder)
	if err := errors.Join(webrtc.ConfigureRTCPReports(registry), webrtc.ConfigureTWCCHeaderExtensionSender(engine, registry)); err != nil {
		return nil, err
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(p.settings), webrtc.WithInterceptorRegistry(registry)), nil
}

// registerCodecs offers what every subject takes: Opus, and VP8 with RTX.
func registerCodecs(engine *webrtc.MediaEngine) error {
	again, picture, congestion := webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBNACK}, webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBNACK, Parameter: "pli"},
		webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC}
	for _, c := range []struct {
		webrtc.RTPCodecParameters
		kind webrtc.RTPCodecType
	}{
		{webrtc.RTPCodecParameters{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: audioClock, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
			RTCPFeedback: []webrtc.RTCPFeedback{again, congestion},
		}}, webrtc.RTPCodecTypeAudio},
		{webrtc.RTPCodecParameters{PayloadType: 96, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeVP8, ClockRate: videoClock, RTCPFeedback: []webrtc.RTCPFeedback{again, picture, congestion},
		}}, webrtc.RTPCodecTypeVideo},
		{webrtc.RTPCodecParameters{PayloadType: 97, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: videoClock, SDPFmtpLine: "apt=96",
		}}, webrtc.RTPCodecTypeVideo},
	} {
		if err := engine.RegisterCodec(c.RTPCodecParameters, c.kind); err != nil {
			return err
		}
	}
	return nil
}

// peer is one session's connection.
type peer struct {
	conn         *webrtc.PeerConnection
	audio, video *webrtc.TrackLocalStaticRTP
}

const connectLimit = 30 * time.Second

// connect makes a connection that exchange brings the answer for, and waits until media can flow.
func (p *peers) connect(ctx context.Context, exchange func(ctx context.Context, offer string) (answer string, err error)) (*peer, error) {
	ctx, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	api, err := p.newAPI()
	if err != nil {
		return nil, err
	}
	conn, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	out := &peer{conn: conn}
	if err := out.negotiate(ctx, exchange); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return out, nil
}

func (p *peer) negotiate(ctx context.Context, exchange func(context.Context, string) (string, error)) (err error) {
	if p.audio, err = p.addTrack(webrtc.MimeTypeOpus, "audio"); err != nil {
		return err
	}
	if p.video, err = p.addTrack(webrtc.MimeTypeVP8, "video"); err != nil {
		return err
	}
	connected, failed := make(chan struct{}), make(chan struct{})
	var up, down sync.Once // a connection may be disconnected for a moment and come back
	p.conn.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		switch state { //nolint:exhaustive // the others are on the way
		case webrtc.PeerConnectionStateConnected:
			up.Do(func() { close(connected) })
		case webrtc.PeerConnectionStateFailed:
			down.Do(func() { close(failed) })
		}
	})
	offer, err := p.conn.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(p.conn)
	if err := p.conn.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered
	answer, err := exchange(ctx, p.conn.LocalDescription().SDP)
	if err != nil {
		return err
	}
	if err := p.conn.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return fmt.Errorf("take the answer: %w", err)
	}
	select {
	case <-connected:
		return nil
	case <-failed:
		return errors.New("the connection failed")
	case <-ctx.Done():
		return fmt.Errorf("connect: %w", ctx.Err())
	}
}

func (p *peer) addTrack(mime, kind string) (*webrtc.TrackLocalStaticRTP, error) {
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, kind, "bench")
	if err != nil {
		return nil, err
	}
	transceiver, err := p.conn.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return nil, err
	}
	// Owner: the connection; ends when it closes. Reading lets the responder see NACKs.
	go func() {
		buffer := make([]byte, 1500)
		for {
			if _, _, err := transceiver.Sender().Read(buffer); err != nil {
				return
			}
		}
	}()
	return track, nil
}

func (p *peer) send(video bool, header *rtp.Header, payload []byte) error {
	track := p.audio
	if video {
		track = p.video
	}
	return track.WriteRTP(&rtp.Packet{Header: *header, Payload: payload})
}

func (p *peer) close() error { return p.conn.Close() }
