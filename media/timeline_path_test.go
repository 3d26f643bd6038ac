package media

import (
	"testing"
	"time"
)

// TestAnotherPathMovesNoSound changes the delay of both tracks in the middle and back again.
func TestAnotherPathMovesNoSound(t *testing.T) {
	for _, change := range []time.Duration{50 * ms, 200 * ms, 500 * ms, -50 * ms, -200 * ms, -500 * ms} {
		for _, jitter := range []time.Duration{0, 10 * ms} {
			audio, video := newPair(530*ms, 560*ms, jitter)
			a0, v0 := pair(t, audio, video, 0, 20*time.Second, true)
			for i, by := range []time.Duration{change, -change, change} {
				from := time.Duration(i+1) * 20 * time.Second
				audio.delay += by
				video.delay += by
				for at := from; at < from+20*time.Second; at += 40 * ms {
					a, v := pair(t, audio, video, at, at+40*ms, true)
					if (a-a0).Abs() > 10*ms || (v-v0).Abs() > 10*ms || (a-v).Abs() > 10*ms {
						t.Fatalf("path longer by %v, jitter %v, at %v: audio moved by %v, video by %v, %v apart",
							by, jitter, at, a-a0, v-v0, a-v)
					}
				}
			}
		}
	}
}

// TestManyShorterPathsStayInBounds makes the path shorter by more than is held, and by less than [futureLimit] in
// all: the rest is made up for, slowly, and the tracks stay together.
func TestManyShorterPathsStayInBounds(t *testing.T) {
	audio, video := newPair(2*time.Second, 2030*ms, 0)
	last, _ := pair(t, audio, video, 0, 20*time.Second, true)
	for at := 20 * time.Second; at < 300*time.Second; at += 40 * ms {
		if at%(20*time.Second) == 0 && at <= 60*time.Second {
			audio.delay -= 300 * ms
			video.delay -= 300 * ms
		}
		a, v := pair(t, audio, video, at, at+40*ms, true)
		if (a - v).Abs() > 40*ms {
			t.Fatalf("at %v audio lies %v from video", at, a-v)
		}
		if moved := (a - last).Abs(); moved > 40*ms/settledShare+time.Second/48000 { // captured moments are rounded to a tick
			t.Fatalf("at %v sound moved by %v in 40ms", at, moved)
		}
		last = a
	}
	if held := last - audio.delay; held > pathMost+slewRest {
		t.Errorf("media time is held %v after arrival, want at most %v", held, pathMost)
	}
}
