package signaling

import (
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"greenroom/media/judge"
)

// clip is what a publisher plays in real time. Sounds and Pictures may each be missing.
type clip struct {
	sounds       []judge.Frame
	pictures     *judge.Encoder
	audio, video script
	part         span // of the clip's time: what of it is played; zero: all of it
}

// script is how a track is sent.
type script struct {
	from      time.Duration // after publishing began the track does
	sequence  uint16        // of the first packet
	timestamp uint32        // likewise
	// pause is when nothing is sent: what follows in the clip comes that much later. RTP time goes on.
	pause span
	// jump is by how much RTP time jumps, that long after the track began.
	jump   uint32
	jumpAt time.Duration
	sent   func(judge.Frame)   // hears of each frame before it is sent; nil: nobody
	change func([]byte) []byte // makes something else of a packet's payload; nil: nothing
	// padding is how many packets of nothing but padding follow each frame.
	padding int
}

// at is when the frame is captured and sent, since publishing began.
func (s script) at(f judge.Frame) time.Duration {
	if s.pause.to > 0 && f.Time >= s.pause.from {
		return s.from + f.Time + s.pause.to - s.pause.from
	}
	return s.from + f.Time
}

// playing is a clip under way.
type playing struct {
	browser *publisher
	start   time.Time
	done    chan struct{} // closed when everything was sent
}

// play sends the clip, each frame at its time.
func (p *publisher) play(c clip) *playing {
	p.t.Helper()
	run := &playing{browser: p, start: time.Now(), done: make(chan struct{})}
	p.wire.begin(run.start)
	var tracks sync.WaitGroup
	if len(c.sounds) > 0 {
		tracks.Go(func() { run.sendSounds(c) })
	}
	if c.pictures != nil {
		tracks.Go(func() { run.sendPictures(c) })
	}
	p.running.Go(func() { // ends when its tracks do, which the publisher's close stops
		tracks.Wait()
		close(run.done)
	})
	return run
}

// wait returns when everything was sent.
func (r *playing) wait(t *testing.T) {
	t.Helper()
	select {
	case <-r.done:
	case <-time.After(5 * time.Minute):
		t.Fatal("the clip does not end")
	}
}

// until waits for a time since publishing began; it reports false if the publisher closed before.
func (r *playing) until(at time.Duration) bool {
	timer := time.NewTimer(time.Until(r.start.Add(at)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.browser.stop:
		return false
	}
}

// plays reports whether the frame is in the part that is played.
func (c clip) plays(f judge.Frame) bool { return c.part == span{} || c.part.holds(f.Time) }

func (r *playing) sendSounds(c clip) {
	s := c.audio
	out := r.sender(s, r.browser.audio, 48000)
	for _, f := range c.sounds {
		if !c.plays(f) {
			continue
		}
		if !r.until(s.at(f)) {
			return
		}
		out.send(f, [][]byte{f.Payload})
	}
}

func (r *playing) sendPictures(c clip) {
	s := c.video
	out := r.sender(s, r.browser.video, 90000)
	payload := r.browser.payloader()
	for i := range c.pictures.Len() {
		f := c.pictures.Picture(i, r.browser.wire.keyFrame.Swap(false))
		if !c.plays(f) {
			continue
		}
		if !r.until(s.at(f)) {
			return
		}
		out.send(f, payload(f.Payload))
	}
}

// sender makes the packets of one track.
type sender struct {
	script
	track *webrtc.TrackLocalStaticRTP
	rate  uint64
	began time.Time
}

func (r *playing) sender(s script, track *webrtc.TrackLocalStaticRTP, rate uint64) *sender {
	out := &sender{script: s, track: track, rate: rate, began: r.start.Add(s.from)}
	wire := r.browser.wire
	wire.mu.Lock()
	defer wire.mu.Unlock()
	wire.clocks[r.browser.ssrc(track)] = out
	return out
}

// rtpTime is what the clock reads so long after the track began.
func (s *sender) rtpTime(captured time.Duration) uint32 {
	t := s.timestamp + uint32(int64(captured)/1000*int64(s.rate)/1_000_000) // wraps
	if s.jump != 0 && captured >= s.jumpAt {
		t += s.jump
	}
	return t
}

// captured is the way back, since publishing began.
func (s *sender) captured(t uint32) time.Duration {
	return s.from + time.Duration(t-s.timestamp)*time.Second/time.Duration(s.rate) // wraps
}

func (s *sender) send(f judge.Frame, payloads [][]byte) {
	header := rtp.Header{Version: 2, Timestamp: s.rtpTime(s.at(f) - s.from)}
	if s.sent != nil {
		s.sent(f)
	}
	for i, payload := range payloads {
		header.Marker = i == len(payloads)-1 && s.rate == 90000
		if s.change != nil {
			payload = s.change(payload)
		}
		s.write(header, payload)
	}
	header.Marker, header.Padding, header.PaddingSize = false, true, 200
	for range s.padding {
		s.write(header, nil)
	}
}

func (s *sender) write(header rtp.Header, payload []byte) {
	header.SequenceNumber = s.sequence
	s.sequence++
	_ = s.track.WriteRTP(&rtp.Packet{Header: header, Payload: payload})
}

// forger sends packets as they are, whoever they claim to be from.
func (p *publisher) forger() func(*rtp.Header, []byte) {
	p.wire.mu.Lock()
	defer p.wire.mu.Unlock()
	line := p.wire.lines[0]
	return func(h *rtp.Header, payload []byte) { _, _ = line.next.Write(h, payload, nil) }
}

// payloader cuts pictures into packets.
func (p *publisher) payloader() func([]byte) [][]byte {
	const mtu = 1150 // of payload: header, extensions, number of a repair and tag fit beside it
	if p.vp9 {
		vp9 := &codecs.VP9Payloader{InitialPictureIDFn: func() uint16 { return 32760 }}
		return func(b []byte) [][]byte { return vp9.Payload(mtu, b) }
	}
	vp8 := &codecs.VP8Payloader{EnablePictureID: true}
	return func(b []byte) [][]byte { return vp8.Payload(mtu, b) }
}
