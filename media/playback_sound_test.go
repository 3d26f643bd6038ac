package media

import (
	"testing"
	"time"
)

// soundTrack makes a track of one segment for each list of times, every packet of 20 ms.
func soundTrack(segments ...[]time.Duration) []StoredSegment {
	var list []StoredSegment
	for i, times := range segments {
		table := SegmentTable{Chunks: []ChunkRef{{Size: 1 << 20, Plain: 1 << 20}}}
		for n, at := range times {
			table.Blocks = append(table.Blocks, BlockRef{Offset: 6 + n*16, Size: 10, Time: at, Key: true, Duration: 20 * time.Millisecond})
		}
		list = append(list, storedSegment(KindAudio, CodecOpus, i, times[0], table))
	}
	return list
}

// heard plays the track as a browser does, packets one after the other, and returns how far what it plays
// is ahead of (or, negative, behind) its time in the worst case, and what it played.
func heard(t *testing.T, segments []StoredSegment) (worst time.Duration, played, madeUp int) {
	t.Helper()
	l, err := NewLayout(segments, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, reels := spot{block: l.tracks[0].first[0], sound: noSound}, l.reels()
	playing, last := noSound, time.Duration(0)
	for {
		b, ok := reels[0].at(&s)
		if !ok {
			return worst, played, madeUp
		}
		if playing == noSound {
			playing = b.Time
		}
		if b.Time < last {
			t.Fatalf("%v after %v", b.Time, last)
		}
		if b.Chunk == silenceChunk {
			madeUp++
		} else {
			played++
			if absolute(b.Time-playing) > absolute(worst) {
				worst = b.Time - playing
			}
		}
		playing, last = playing+b.Duration, b.Time
		s.pass(b)
	}
}

func times(from, to, step time.Duration) (list []time.Duration) {
	for at := from; at < to; at += step {
		list = append(list, at.Truncate(time.Millisecond))
	}
	return list
}

// What a browser plays stays with its time, whatever happened to the packets.
func TestSoundStaysInStepWithPictures(t *testing.T) {
	const ms = time.Millisecond
	drift := func(step time.Duration) [][]time.Duration {
		var list [][]time.Duration
		for from := time.Duration(0); from < 2*time.Hour; from += 6 * time.Second {
			begin := (from + step - 1).Truncate(step)
			list = append(list, times(begin, from+6*time.Second, step))
		}
		return list
	}
	for name, c := range map[string]struct {
		track           [][]time.Duration
		worst           time.Duration
		dropped, madeUp int // at most
	}{
		"unbroken":                {[][]time.Duration{times(0, 6*time.Second, 20*ms), times(6*time.Second, 9*time.Second, 20*ms)}, 0, 0, 0},
		"one packet lost":         {[][]time.Duration{{0, 20 * ms, 60 * ms, 80 * ms}}, 0, 0, 1},
		"a hole over segments":    {[][]time.Duration{{0, 20 * ms}, {10 * time.Second, 10*time.Second + 20*ms}}, 20 * ms, 0, 499},
		"sound card 200 ppm slow": {drift(20*ms + 4*time.Microsecond), 21 * ms, 0, 80},
		"sound card 200 ppm fast": {drift(20*ms - 4*time.Microsecond), 36 * ms, 80, 0},
		"a burst out of nowhere":  {[][]time.Duration{{0, 1 * ms, 2 * ms, 3 * ms, 4 * ms, 5 * ms, 6 * ms, 7 * ms, 200 * ms}}, 36 * ms, 5, 7},
	} {
		t.Run(name, func(t *testing.T) {
			worst, played, madeUp := heard(t, soundTrack(c.track...))
			sent := 0
			for _, s := range c.track {
				sent += len(s)
			}
			if absolute(worst) > c.worst || sent-played > c.dropped || madeUp > c.madeUp {
				t.Errorf("off by %v at worst (want %v), %d of %d left out (want %d), %d made up (want %d)",
					worst, c.worst, sent-played, sent, c.dropped, madeUp, c.madeUp)
			}
			t.Logf("off by %v at worst, %d of %d left out, %d made up", worst, sent-played, sent, madeUp)
		})
	}
}

func TestSoundOfUnknownLengthIsLeftAlone(t *testing.T) {
	track := soundTrack([]time.Duration{0, time.Second, 2 * time.Second})
	for i := range track[0].Table.Blocks {
		track[0].Table.Blocks[i].Duration = 0
	}
	if _, played, madeUp := heard(t, track); played != 3 || madeUp != 0 {
		t.Errorf("%d packets, %d made up", played, madeUp)
	}
}

func TestEndlessHolesAreNotFilled(t *testing.T) {
	if _, played, madeUp := heard(t, soundTrack([]time.Duration{0}, []time.Duration{20 * 24 * time.Hour, 20*24*time.Hour + 20*time.Millisecond})); played != 3 || madeUp != 0 {
		t.Errorf("%d packets, %d made up", played, madeUp)
	}
}

// What comes after a hole is heard when it was sent, whatever the length of the hole.
func TestSoundAfterAHoleIsHeardAtItsTime(t *testing.T) {
	const ms = time.Millisecond
	for hole := 20 * ms; hole < 80*ms; hole += ms {
		worst, played, _ := heard(t, soundTrack([]time.Duration{0, 20*ms + hole, 40*ms + hole}))
		if played != 3 || worst < 0 || worst >= 2500*time.Microsecond {
			t.Errorf("hole of %v: %d of 3 played, heard %v early", hole, played, worst)
		}
	}
}
