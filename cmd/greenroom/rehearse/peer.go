package rehearse

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
)

// publisher sends one Opus and one VP8 track, paced by the clock.
type publisher struct {
	conn      *webrtc.PeerConnection
	audio     *webrtc.TrackLocalStaticSample
	video     *webrtc.TrackLocalStaticSample
	connected chan struct{}
	// speech is what the audio track plays next; silence is played while there is none.
	speech chan speech
	began  atomic.Pointer[time.Time] // when the first audio packet was sent: media time zero

	sentAudio, sentVideo atomic.Int64 // nanoseconds of each

	tell    func(webrtc.ICECandidateInit)
	mu      sync.Mutex // guards what follows
	offered bool
	held    []webrtc.ICECandidateInit
}

// found passes a candidate on, or holds it until the offer it belongs to was sent.
func (p *publisher) found(c webrtc.ICECandidateInit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.offered {
		p.held = append(p.held, c)
		return
	}
	p.tell(c)
}

// offerSent passes on what was held.
func (p *publisher) offerSent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.offered = true
	for _, c := range p.held {
		p.tell(c)
	}
	p.held = nil
}

// speech is one file to play; spoken is closed when its last packet has been sent.
type speech struct {
	packets [][]byte
	spoken  chan struct{}
}

func newPublisher(onCandidate func(webrtc.ICECandidateInit)) (*publisher, error) {
	engine := &webrtc.MediaEngine{}
	if err := engine.RegisterDefaultCodecs(); err != nil {
		return nil, fmt.Errorf("make peer: %w", err)
	}
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	conn, err := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, fmt.Errorf("make peer: %w", err)
	}
	p := &publisher{conn: conn, connected: make(chan struct{}), speech: make(chan speech), tell: onCandidate}
	var once atomic.Bool
	conn.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected && once.CompareAndSwap(false, true) {
			close(p.connected)
		}
	})
	conn.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c != nil {
			p.found(c.ToJSON())
		}
	})
	if p.audio, err = p.addTrack(webrtc.MimeTypeOpus, "audio"); err != nil {
		return nil, err
	}
	if p.video, err = p.addTrack(webrtc.MimeTypeVP8, "video"); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *publisher) addTrack(mime, kind string) (*webrtc.TrackLocalStaticSample, error) {
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: mime}, kind, "rehearsal")
	if err != nil {
		return nil, fmt.Errorf("make %s track: %w", kind, err)
	}
	sender, err := p.conn.AddTrack(track)
	if err != nil {
		return nil, fmt.Errorf("add %s track: %w", kind, err)
	}
	// Owner: the connection; ends when the connection closes. Reading lets pion answer NACKs.
	go func() {
		for {
			if _, _, err := sender.ReadRTCP(); err != nil {
				return
			}
		}
	}()
	return track, nil
}

// offer makes the local description.
func (p *publisher) offer() (string, error) {
	offer, err := p.conn.CreateOffer(nil)
	if err != nil {
		return "", fmt.Errorf("make offer: %w", err)
	}
	if err := p.conn.SetLocalDescription(offer); err != nil {
		return "", fmt.Errorf("make offer: %w", err)
	}
	return offer.SDP, nil
}

// sendAudio plays speech as it is given and silence in between, until ctx ends.
func (p *publisher) sendAudio(ctx context.Context) error {
	pace := newPace(opusFrame)
	var playing speech
	for {
		packet := silence
		if len(playing.packets) > 0 {
			packet, playing.packets = playing.packets[0], playing.packets[1:]
		}
		if err := p.audio.WriteSample(media.Sample{Data: packet, Duration: opusFrame}); err != nil {
			return fmt.Errorf("send audio: %w", err)
		}
		p.sentAudio.Add(int64(opusFrame))
		if now := time.Now(); p.began.Load() == nil {
			p.began.Store(&now)
		}
		if playing.spoken != nil && len(playing.packets) == 0 {
			close(playing.spoken)
			playing = speech{}
		}
		if playing.spoken == nil {
			select {
			case playing = <-p.speech:
			default:
			}
		}
		if !pace.wait(ctx) {
			return nil
		}
	}
}

// sendVideo plays the clip over and over until ctx ends. The clip has a key frame about every second,
// so a request for one is met by waiting.
func (p *publisher) sendVideo(ctx context.Context, clip videoFrames) error {
	pace := newPace(clip.interval)
	for at := 0; ; at = (at + 1) % len(clip.frames) {
		if err := p.video.WriteSample(media.Sample{Data: clip.frames[at], Duration: clip.interval}); err != nil {
			return fmt.Errorf("send video: %w", err)
		}
		p.sentVideo.Add(int64(clip.interval))
		if !pace.wait(ctx) {
			return nil
		}
	}
}

// pace is when the next sample is due. A camera and a sound card do not wait for a busy machine: what is
// late is sent at once, and nothing is left out.
type pace struct {
	interval time.Duration
	due      time.Time
}

func newPace(interval time.Duration) *pace { return &pace{interval: interval, due: time.Now()} }

// wait returns when the next sample is due; false when ctx ended.
func (p *pace) wait(ctx context.Context) bool {
	p.due = p.due.Add(p.interval)
	early := time.Until(p.due)
	if early <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(early)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// speak plays the packets and returns when the last was sent.
func (p *publisher) speak(ctx context.Context, packets [][]byte) error {
	spoken := make(chan struct{})
	select {
	case p.speech <- speech{packets: packets, spoken: spoken}:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-spoken:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
