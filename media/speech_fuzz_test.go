package media

import (
	"testing"
	"time"
)

// boundedVoice judges every frame to be speech until it has heard enough, so that utterances begin, run
// long and end.
type boundedVoice struct{ frames int }

func (v *boundedVoice) Probability(frame []float32) (float32, error) {
	v.frames++
	if frame[0] > 0.1 || v.frames%100 < 40 {
		return 0.9, nil
	}
	return 0.1, nil
}

func (v *boundedVoice) Close() error { return nil }

// boundedSink checks what must be true of every utterance.
type boundedSink struct {
	t *testing.T
}

func (s *boundedSink) Hear(u Utterance) {
	if len(u.PCM) > longestUtterance || u.End < u.Start || u.Start < 0 {
		s.t.Fatalf("utterance of %d samples from %v to %v", len(u.PCM), u.Start, u.End)
	}
	if pcm, err := u.Packed.Unpack(); err != nil || len(pcm) != len(u.PCM) {
		s.t.Fatalf("an utterance of %d samples unpacks to %d: %v", len(u.PCM), len(pcm), err)
	}
	for _, sample := range u.PCM {
		if !(sample >= -1 && sample <= 1) { // also for not a number
			s.t.Fatalf("a sample of %v", sample)
		}
	}
}

// FuzzHear decodes arbitrary Opus packets at arbitrary media times, as speech to text does: whatever a
// candidate sends, the decoder does not fall over, and no packet makes more sound than its time can hold.
func FuzzHear(f *testing.F) {
	f.Add([]byte{3, 0, 0xF8, 0xFF, 0xFE, 3, 20, 0xFC, 1, 2})
	f.Add([]byte("\x20\x14\x78\x9b\x01abcdefghijklmnopqrstuvwxyzABCDEF\x20\xff\x7b\x03\x02more of the same packet, cut somewhere"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4<<10 {
			return
		}
		voice := &boundedVoice{}
		s := newSpeech(CaptureConfig{
			Session: testSession, Speech: &boundedSink{t: t}, Now: func() time.Time { return testEpoch },
			Voice: func() (VoiceActivity, error) { return voice, nil },
		})
		at, packets := time.Duration(0), 0
		for len(b) > 2 {
			n := min(int(b[0]), len(b)-2)
			at += time.Duration(int8(b[1])) * 5 * time.Millisecond
			at = max(at, 0)
			p := heardPacket{time: at, duration: 20 * time.Millisecond, arrival: testEpoch, silent: n <= 2, payload: b[2 : 2+n]}
			b = b[2+n:]
			packets++
			before := s.next
			if err := s.hear(&p); err != nil {
				t.Fatalf("packet %d: %v", packets, err)
			}
			if s.next > max(before, p.time)+maxSound+smallestHole {
				t.Fatalf("packet %d at %v took the time from %v to %v", packets, p.time, before, s.next)
			}
		}
		s.deliver(s.cutter.finish(s.arrived))
	})
}
