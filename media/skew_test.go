package media

import (
	"encoding/binary"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"greenroom/media/judge"
)

// skewed is a sender whose sampling clocks run at their own speed, and whose reports tell of a wall clock
// that is right.
type skewed struct {
	audio, video float64 // speed of each clock
	reports      bool
	length       time.Duration
}

const (
	skewedPicture = 200 * ms // between two pictures
	skewedSound   = 20 * ms  // by the sound's own clock
)

// capture sends it all through a Capture whose time costs nothing, and returns the file.
func (s skewed) capture(t *testing.T) judge.Recording {
	t.Helper()
	var store *memStore
	synctest.Test(t, func(t *testing.T) {
		r := newCaptureRig(t, func(config *CaptureConfig) { config.Voice = nil })
		store = r.store
		audio, video := r.attach(KindAudio), r.attach(KindVideo)
		start := time.Now()
		const ntp = uint64(0xe000_0000) << 32
		sounds, pictures := 0, 0
		for at := time.Duration(0); at < s.length; {
			sound := time.Duration(float64(sounds) * float64(skewedSound) / s.audio)
			picture := time.Duration(pictures) * skewedPicture
			at = min(sound, picture)
			pass(time.Until(start.Add(at)))
			if sound <= picture {
				audio.Push(skewedPacket(t, sounds, 111, uint32(sounds)*960, []byte{0x78}), time.Now())
				sounds++
			} else {
				ticks := uint32(int64(float64(at) * s.video * 90 / float64(ms))) // wraps
				video.Push(skewedPacket(t, pictures, 96, ticks, []byte{0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 64, 0, 64, 0}), time.Now())
				pictures++
			}
			if s.reports && pictures%5 == 1 && sound > picture {
				now := ntp + uint64(at)<<32/uint64(time.Second)
				audio.SenderReport(now, uint32(int64(float64(at)*s.audio*48/float64(ms))), time.Now())
				video.SenderReport(now, uint32(int64(float64(at)*s.video*90/float64(ms))), time.Now())
			}
			if pictures%50 == 0 {
				audio.Feedback(time.Now())
				video.Feedback(time.Now())
			}
		}
		r.end()
	})
	return judge.Open(t, store.play(t, store.layout(t, KindAudio, KindVideo)))
}

// skewedPacket has its number in its payload, so that it is unlike all others.
func skewedPacket(t *testing.T, number int, payloadType uint8, timestamp uint32, payload []byte) []byte {
	t.Helper()
	b, err := (&rtp.Packet{
		Header: rtp.Header{
			Version: 2, Marker: true, PayloadType: payloadType, SSRC: 2, SequenceNumber: uint16(number), Timestamp: timestamp,
		},
		Payload: binary.BigEndian.AppendUint32(payload, uint32(number)),
	}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestClockSkewInTheFile is two hours of clocks that are 200 ppm fast or slow. In the normal suite half of
// the same drift comes in twelve minutes.
func TestClockSkewInTheFile(t *testing.T) {
	length, skew := 12*time.Minute, 1000e-6
	if os.Getenv("GREENROOM_SOAK") != "" {
		length, skew = 2*time.Hour, 200e-6
	}
	for _, c := range []struct {
		name         string
		audio, video float64
		reports      bool
	}{
		{"fast sound", 1 + skew, 1, true},
		{"slow sound", 1 - skew, 1, true},
		{"both fast", 1 + skew, 1 + skew, true},
		{"slow sound without reports", 1 - skew, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := skewed{c.audio, c.video, c.reports, length}
			file := s.capture(t)

			pictures, _ := file.Packets(t, "v")
			early, late := time.Duration(0), time.Duration(0)
			for i, p := range pictures {
				off := p.Time - time.Duration(i)*skewedPicture
				early, late = min(early, off), max(late, off)
			}
			if want := int(length / skewedPicture); len(pictures) < want || early < -21*ms || late > 21*ms {
				t.Errorf("%d pictures, want %d; they lie %v to %v off", len(pictures), want, early, late)
			}

			numbers := map[string]int{}
			for i := range int(length/skewedSound) + 10000 {
				numbers[judge.Hash(binary.BigEndian.AppendUint32([]byte{0x78}, uint32(i)))] = i
			}
			heard := time.Duration(-1)
			early, late = 0, 0
			firstHeard, lastHeard := time.Duration(0), time.Duration(0)
			sounds, kept := file.AllPackets(t, "a"), 0
			for _, p := range sounds {
				if heard < 0 {
					heard = p.Time
				}
				if i, ok := numbers[p.Hash]; ok {
					kept++
					captured := time.Duration(float64(i) * float64(skewedSound) / c.audio)
					off := p.Time + opusLookAhead - captured
					early, late = min(early, off), max(late, off)
					off = heard + opusLookAhead - captured
					firstHeard, lastHeard = min(firstHeard, off), max(lastHeard, off)
				}
				heard += skewedSound
			}
			t.Logf("sound lies %v to %v off, and is heard %v to %v off; %d packets, %d of the sender's", early, late, firstHeard, lastHeard, len(sounds), kept)
			if early < -21*ms || late > 21*ms {
				t.Errorf("sound lies %v to %v off", early, late)
			}
			if firstHeard < -40*ms || lastHeard > 40*ms {
				t.Errorf("sound is heard %v to %v off", firstHeard, lastHeard)
			}
		})
	}
}

// opusLookAhead is what the file's header says is before the first sound.
const opusLookAhead = 6500 * time.Microsecond
