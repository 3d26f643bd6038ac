package media

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

// opusAt makes a made-up packet.
func opusAt(sequence uint16, at time.Duration, payload ...byte) []byte {
	p := rtp.Packet{
		Header: rtp.Header{
			Version: 2, PayloadType: 111, SSRC: 2, SequenceNumber: sequence,
			Timestamp: uint32(at.Milliseconds() * 48), // wraps
		},
		Payload: payload,
	}
	b, _ := p.Marshal()
	return b
}

// steps sends made-up Opus packets of 20 ms from one time to another.
func (r *captureRig) steps(track *Track, start time.Time, sequence *uint16, from, to time.Duration) {
	for at := from; at < to; at += 20 * ms {
		pass(time.Until(start.Add(at)))
		track.Push(opusAt(*sequence, at, 0x78, 1, 2, 3), time.Now())
		*sequence++
	}
}

func TestGaps(t *testing.T) {
	second := time.Second
	for _, c := range []struct {
		name string
		play func(r *captureRig, start time.Time, s *uint16, track *Track)
		want []Gap
	}{
		{"none", func(r *captureRig, start time.Time, s *uint16, track *Track) {
			r.steps(track, start, s, second, 2*second)
		}, nil},
		{"short", func(r *captureRig, start time.Time, s *uint16, track *Track) {
			r.steps(track, start, s, 1400*ms, 2*second)
		}, nil},
		{"network", func(r *captureRig, start time.Time, s *uint16, track *Track) {
			r.steps(track, start, s, 3*second, 4*second)
		}, []Gap{{KindAudio, second, 3 * second, GapNetwork}}},
		{"given up", func(r *captureRig, start time.Time, s *uint16, track *Track) {
			*s += 7 // never come, and are not asked for here
			r.steps(track, start, s, 1140*ms, 4*second)
		}, []Gap{{KindAudio, second, 1140 * ms, GapNetwork}}},
		{"a little given up", func(r *captureRig, start time.Time, s *uint16, track *Track) {
			*s += 4
			r.steps(track, start, s, 1080*ms, 4*second)
		}, nil},
		{"reconnect", func(r *captureRig, start time.Time, s *uint16, track *Track) {
			track.Detach()
			pass(time.Until(start.Add(2 * second)))
			r.steps(r.attach(KindAudio), start, s, 3*second, 4*second)
		}, []Gap{{KindAudio, second, 3 * second, GapReconnect}}},
		{"muted, packets stop", func(r *captureRig, start time.Time, s *uint16, track *Track) {
			pass(time.Until(start.Add(second)))
			track.Muted(true, time.Now())
			track.Muted(true, time.Now())
			pass(5 * second)
			track.Muted(false, time.Now())
			r.steps(track, start, s, 6100*ms, 7*second)
		}, []Gap{{KindAudio, second, 6 * second, GapMuted}}},
		{"muted, packets go on", func(r *captureRig, start time.Time, s *uint16, track *Track) {
			pass(time.Until(start.Add(second)))
			track.Muted(true, time.Now())
			r.steps(track, start, s, second, 2*second)
			track.Muted(false, time.Now())
			r.steps(track, start, s, 2*second, 3*second)
		}, []Gap{{KindAudio, second, 1980 * ms, GapMuted}}},
		{"muted to the end", func(r *captureRig, start time.Time, _ *uint16, track *Track) {
			pass(time.Until(start.Add(second)))
			track.Muted(true, time.Now())
			pass(3 * second)
		}, []Gap{{KindAudio, second, 4 * second, GapMuted}}},
		{"DTX", func(r *captureRig, start time.Time, s *uint16, track *Track) {
			for at := second; at < 4*second; at += 400 * ms {
				pass(time.Until(start.Add(at)))
				track.Push(opusAt(*s, at, 0x78), time.Now())
				*s++
			}
			r.steps(track, start, s, 4*second, 5*second)
		}, nil},
		{"gone to the end", func(r *captureRig, start time.Time, _ *uint16, track *Track) {
			track.Detach()
			pass(time.Until(start.Add(5 * second)))
		}, []Gap{{KindAudio, second, 5 * second, GapReconnect}}},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newCaptureRig(t, func(config *CaptureConfig) { config.Voice = nil })
			track := r.attach(KindAudio)
			start, s := time.Now(), uint16(7)
			r.steps(track, start, &s, 0, second)
			c.play(r, start, &s, track)
			r.end()
			if !slices.Equal(r.gaps, c.want) {
				t.Errorf("%s: gaps %+v, want %+v", c.name, r.gaps, c.want)
			}
		})
	}
}

// A screen that stands still is no gap; a camera that was off is one, and comes back with a key frame.
func TestGapsOfPictures(t *testing.T) {
	picture := func(sequence uint16, at time.Duration, key bool) []byte {
		payload := append([]byte{0x10}, 0x11, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0) // RFC 7741 4.2, RFC 6386 9.1
		if key {
			payload[1] = 0x10
		}
		b, _ := (&rtp.Packet{Header: rtp.Header{
			Version: 2, PayloadType: 96, SSRC: 2, SequenceNumber: sequence, Timestamp: uint32(at.Milliseconds() * 90), Marker: true,
		}, Payload: payload}).Marshal()
		return b
	}
	for _, c := range []struct {
		name string
		at   []time.Duration // of pictures after the first second
		want []Gap
		asks bool
	}{
		{"once a second", []time.Duration{2 * time.Second, 3 * time.Second, 4 * time.Second}, nil, false},
		{"camera off", []time.Duration{5 * time.Second}, []Gap{{KindVideo, time.Second, 5 * time.Second, GapNetwork}}, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newCaptureRig(t, func(config *CaptureConfig) { config.Voice = nil })
			track := r.attach(KindVideo)
			start, s := time.Now(), uint16(7)
			push := func(at time.Duration) {
				pass(time.Until(start.Add(at)))
				track.Push(picture(s, at, s == 7), time.Now())
				s++
			}
			for at := time.Duration(0); at < time.Second; at += 100 * ms {
				push(at)
			}
			track.Feedback(time.Now())
			for _, at := range c.at {
				push(at)
			}
			if asks := track.Feedback(time.Now()).KeyFrame; asks != c.asks {
				t.Errorf("%s: asks for a key frame: %v", c.name, asks)
			}
			r.end()
			if !slices.Equal(r.gaps, c.want) {
				t.Errorf("%s: gaps %+v, want %+v", c.name, r.gaps, c.want)
			}
		})
	}
}
