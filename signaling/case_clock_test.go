package signaling

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"greenroom/media"
	"greenroom/media/judge"
)

// case04 is sequence numbers and timestamps that wrap, and timestamps that jump.
func case04(jump uint32) func(*testing.T) {
	return func(t *testing.T) {
		c := sourceClip(t, media.CodecVP8, length(4))
		c.audio = script{sequence: 65500, timestamp: 1<<32 - 90_000, jump: jump, jumpAt: 2 * time.Second}
		c.video = script{sequence: 65500, timestamp: 1<<32 - 90_000, jump: jump, jumpAt: 2 * time.Second}
		s := newStage(t, publisherOptions{})
		v := s.judge(c)
		v.flawless(t)
		v.keeps(t, 100, 100)
		v.lasts(t, c.end(), 20*time.Millisecond)
		v.smooth(t)
	}
}

// case05 is a track that begins long after the other.
func case05(audio, video time.Duration) func(*testing.T) {
	return func(t *testing.T) {
		c := sourceClip(t, media.CodecVP8, length(4))
		c.audio.from, c.video.from = audio, video
		s := newStage(t, publisherOptions{})
		v := s.judge(c)
		v.flawless(t)
		v.keeps(t, 100, 100)
		v.smooth(t)
		both := max(audio, video)
		if len(v.offsets) == 0 || v.offsets[0].At > both+time.Second+inStep {
			t.Errorf("sound and picture are in step from %v, both are there from %v", v.offsets, both)
		}
	}
}

// case05slow is pictures that take longer than sound, as those of a slow encoder do: only reports tell. They
// come once a second.
func case05slow(t *testing.T) {
	c := sourceClip(t, media.CodecVP8, length(5))
	s := newStage(t, publisherOptions{faults: faults{slow: 200 * time.Millisecond}})
	v := s.judge(c)
	v.offsets = slices.DeleteFunc(v.offsets, func(o judge.Offset) bool { return o.At < 1900*time.Millisecond })
	v.flawless(t)
	v.keeps(t, 100, 100)
	if len(v.offsets) < 2 {
		t.Errorf("offsets %v", v.offsets)
	}
}

// case06 is sender reports that never come, come late, or tell of a clock that was set.
func case06(report func(at time.Duration, r *rtcp.SenderReport) bool) func(*testing.T) {
	return func(t *testing.T) {
		c := sourceClip(t, media.CodecVP8, length(5))
		var start atomic.Int64
		s := newStage(t, publisherOptions{faults: faults{report: func(r *rtcp.SenderReport) bool {
			return report(time.Since(time.Unix(0, start.Load())), r)
		}}})
		start.Store(time.Now().UnixNano())
		v := s.judge(c)
		v.flawless(t)
		v.keeps(t, 100, 100)
		v.smooth(t)
		v.lasts(t, c.end(), inStep)
	}
}

// late is when reports begin or change.
const late = 2500 * time.Millisecond

func noReports(time.Duration, *rtcp.SenderReport) bool        { return false }
func lateReports(at time.Duration, _ *rtcp.SenderReport) bool { return at > late }

func steppedReports(at time.Duration, r *rtcp.SenderReport) bool {
	if at > late {
		r.NTPTime += 3 << 32
	}
	return true
}

// end is how long the clip lasts, with what its scripts add.
func (c clip) end() time.Duration {
	end := time.Duration(0)
	if n := len(c.sounds); n > 0 {
		end = c.audio.at(c.sounds[n-1]) + 20*time.Millisecond
	}
	if c.pictures != nil {
		end = max(end, c.video.at(judge.Frame{Time: c.pictures.End()}))
	}
	return end
}

// lasts fails the test unless the file is as long as what was sent.
func (v verdict) lasts(t *testing.T, want, within time.Duration) {
	t.Helper()
	if off := v.duration - want; off.Abs() > within {
		t.Errorf("the file lasts %v, what was sent %v", v.duration, want)
	}
}

// smooth fails the test unless what follows each other in the clip does so in the file.
func (v verdict) smooth(t *testing.T) {
	t.Helper()
	for kind, track := range map[string]struct {
		times []time.Duration
		step  time.Duration
	}{
		"pictures": {v.pictures.Times, time.Second / 30}, "sounds": {v.sounds.Times, 20 * time.Millisecond},
	} {
		for i := 1; i < len(track.times); i++ {
			if track.times[i] == judge.Missing || track.times[i-1] == judge.Missing {
				continue
			}
			if step := track.times[i] - track.times[i-1]; (step - track.step).Abs() > inStep {
				t.Errorf("%s %d and %d are %v apart, want %v", kind, i-1, i, step, track.step)
			}
		}
	}
}
