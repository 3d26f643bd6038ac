package signaling

import (
	"testing"
	"time"

	"greenroom/media"
)

// Case 1: at 5 % random loss nearly everything is there, and everything that is there is right.
func randomLoss(codec media.Codec, loss, pictures, sounds float64) func(*testing.T) {
	return func(t *testing.T) {
		for _, seed := range seeds() {
			c := sourceClip(t, codec, length(7))
			s := newStage(t, publisherOptions{vp9: codec == media.CodecVP9, faults: faults{
				seed: seed, loss: loss, until: end(c) - 300*time.Millisecond,
			}})
			v := s.judge(c)
			v.flawless(t)
			v.keeps(t, pictures, sounds)
			if v.nacked > 2*v.lost {
				t.Errorf("%d packets were lost, %d asked for", v.lost, v.nacked)
			}
			if v.lost == 0 {
				t.Error("nothing was lost")
			}
		}
	}
}

// end is when the clip's last frame is sent.
func end(c clip) time.Duration {
	last := time.Duration(0)
	if n := len(c.sounds); n > 0 {
		last = c.audio.from + c.sounds[n-1].Time
	}
	return last
}
