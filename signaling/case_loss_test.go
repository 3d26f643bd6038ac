package signaling

import (
	"testing"
	"time"

	"greenroom/media"
	"greenroom/media/judge"
)

// case01 is random loss: at 5 % nearly everything is there, and everything that is there is right.
func case01(codec media.Codec, loss, pictures, sounds float64) func(*testing.T) {
	return func(t *testing.T) {
		for _, seed := range seeds() {
			c := sourceClip(t, codec, length(5))
			s := newStage(t, publisherOptions{vp9: codec == media.CodecVP9, faults: faults{
				seed: seed, loss: loss, until: c.end() - 300*time.Millisecond,
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

// case02 is the loss of everything for 300 ms, and of each repair of it: the picture stands still until
// the key frame that is asked for, once, and is never a wrong one.
func case02(codec media.Codec) func(*testing.T) {
	return func(t *testing.T) {
		for _, seed := range seeds() {
			c := eagerClip(t, codec, length(7))
			s := newStage(t, publisherOptions{vp9: codec == media.CodecVP9, faults: faults{seed: seed}})
			// Right after a key frame, so that the next one is far unless it is asked for.
			next := 3 * time.Second
			c.video.sent = func(f judge.Frame) {
				if f.Key && f.Time >= next && f.Time < c.end()-2500*time.Millisecond {
					next += 10 * time.Second
					s.browser.wire.burst(span{f.Time + 100*time.Millisecond, f.Time + 400*time.Millisecond})
				}
			}
			v := s.judge(c)
			v.flawless(t)
			bursts := s.browser.wire.faults.bursts
			if len(bursts) == 0 {
				t.Error("there was no burst")
			}
			for _, burst := range bursts {
				after := c.pictures.Len()
				for i := range v.pictures.Times {
					if at := picture(i); at >= burst.to && v.has(i) {
						after = i
						break
					}
				}
				if gap := picture(after) - burst.to; gap > time.Second {
					t.Errorf("pictures go on %v after the burst that ended at %v", gap, burst.to)
				}
				asked := 0
				for _, at := range v.plis {
					if at > burst.from && at < picture(after)+100*time.Millisecond {
						asked++
					}
				}
				if asked != 1 {
					t.Errorf("the burst at %v was answered with %d requests for a key frame: %v", burst.from, asked, v.plis)
				}
			}
			// The recorder asks as well, when a segment is due to end.
			if most := len(bursts) + int(c.end()/(5*time.Second)); len(v.plis) > most {
				t.Errorf("key frames were asked for at %v, for %d bursts", v.plis, len(bursts))
			}
		}
	}
}

// case02repaired is the same burst when repairs do come: nothing is missing.
func case02repaired(t *testing.T) {
	c := sourceClip(t, media.CodecVP8, length(4))
	s := newStage(t, publisherOptions{faults: faults{outages: []span{{2 * time.Second, 2300 * time.Millisecond}}}})
	v := s.judge(c)
	v.flawless(t)
	v.keeps(t, 100, 100)
}

// case01far is the same loss on a long way: repairs take a quarter of a second.
func case01far(t *testing.T) {
	c := sourceClip(t, media.CodecVP8, length(5))
	s := newStage(t, publisherOptions{faults: faults{
		seed: 1, loss: 0.05, far: 250 * time.Millisecond, until: c.end() - 1500*time.Millisecond, // repairs are on their way at the end
	}})
	v := s.judge(c)
	v.flawless(t)
	v.keeps(t, 99.5, 99.9)
	if v.nacked > 2*v.lost+10 { // how long the way is has to be learnt
		t.Errorf("%d packets were lost, %d asked for", v.lost, v.nacked)
	}
}

// case01first is the loss of the very first packet, of which no number tells.
func case01first(t *testing.T) {
	c := sourceClip(t, media.CodecVP8, 2)
	s := newStage(t, publisherOptions{faults: faults{first: true}})
	v := s.judge(c)
	v.flawless(t)
	v.keeps(t, 100, 100)
}

// case03 is packets out of order and twice, which cost nothing.
func case03(codec media.Codec) func(*testing.T) {
	return func(t *testing.T) {
		for _, seed := range seeds() {
			c := sourceClip(t, codec, length(5))
			s := newStage(t, publisherOptions{vp9: codec == media.CodecVP9, faults: faults{seed: seed, late: 0.03, twice: 0.03}})
			v := s.judge(c)
			v.flawless(t)
			v.keeps(t, 100, 100)
			if len(v.plis) > int(c.end()/(5*time.Second)) {
				t.Errorf("key frames were asked for at %v", v.plis)
			}
		}
	}
}

// picture is when picture i of a clip is sent.
func picture(i int) time.Duration { return time.Duration(i) * time.Second / 30 }
