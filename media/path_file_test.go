package media

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/media/judge"
)

// TestAnotherPathInTheFile changes the path of a sender in mid-session and looks at the played file: every
// packet of sound once, in order, nothing made up, and the pictures where they were against it.
func TestAnotherPathInTheFile(t *testing.T) {
	const base, change, length = 600 * ms, 15 * time.Second, 40 * time.Second
	for _, by := range []time.Duration{-50 * ms, -200 * ms, -500 * ms, 50 * ms, 200 * ms, 500 * ms} {
		t.Run(by.String(), func(t *testing.T) {
			var store *memStore
			synctest.Test(t, func(t *testing.T) {
				r := newCaptureRig(t, func(config *CaptureConfig) { config.Voice = nil })
				store = r.store
				audio, video := r.attach(KindAudio), r.attach(KindVideo)
				start := time.Now()
				const ntp = uint64(0xe000_0000) << 32
				for i := range int(length / skewedSound) {
					at := time.Duration(i) * skewedSound
					delay := base
					if at >= change {
						delay += by
					}
					pass(max(time.Until(start.Add(at+delay)), 0))
					audio.Push(skewedPacket(t, i, 111, uint32(i)*960, []byte{0x78}), time.Now())
					if at%skewedPicture == 0 {
						video.Push(skewedPacket(t, int(at/skewedPicture), 96, uint32(at/ms)*90, []byte{0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 64, 0, 64, 0}), time.Now())
					}
					if at%time.Second == 500*ms {
						now := ntp + uint64(at)<<32/uint64(time.Second)
						audio.SenderReport(now, uint32(i)*960, time.Now())
						video.SenderReport(now, uint32(at/ms)*90, time.Now())
					}
					audio.Feedback(time.Now())
					video.Feedback(time.Now())
				}
				r.end()
			})
			file := judge.Open(t, store.play(t, store.layout(t, KindAudio, KindVideo)))
			sounds := file.AllPackets(t, "a")
			if want := int(length / skewedSound); len(sounds) != want {
				t.Fatalf("%d packets of sound are played, %d were sent", len(sounds), want)
			}
			for i, p := range sounds {
				if p.Hash != judge.Hash(binary.BigEndian.AppendUint32([]byte{0x78}, uint32(i))) {
					t.Fatalf("packet %d of sound is another one", i)
				}
			}
			pictures, _ := file.Packets(t, "v")
			for i, p := range pictures {
				heard := sounds[0].Time + opusLookAhead + time.Duration(i)*skewedPicture
				if off := p.Time - heard; off.Abs() > 40*ms {
					t.Errorf("picture %d is shown %v from its sound", i, off)
				}
			}
			if want := int(length / skewedPicture); len(pictures) != want {
				t.Errorf("%d pictures, want %d", len(pictures), want)
			}
		})
	}
}
