package media

import (
	"slices"
	"testing"
	"time"
)

func TestOnlyFlatTopsAreClipped(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pcm     []float32
		samples int
	}{
		"nothing":             {nil, 0},
		"quiet":               {[]float32{0, 0.1, -0.1, 0}, 0},
		"a peak":              {[]float32{0, 1, 1, 0}, 0},
		"a flat top":          {[]float32{0, 1, 1, 1, 0}, 3},
		"of both signs":       {[]float32{1, -1, 1, -1}, 4},
		"at the end":          {[]float32{0, 0, -1, -0.99, -1}, 3},
		"just below":          {[]float32{0.98, 0.98, 0.98, 0.98}, 0},
		"two tops and a peak": {[]float32{1, 1, 1, 0, 1, 0, 1, 1, 1, 1}, 7},
	} {
		if got, want := Clipped(c.pcm), sampleTime(c.samples); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestHolesAreCountedWithinAStretch(t *testing.T) {
	t.Parallel()
	var h holes
	h.note(100*ms, 200*ms)
	h.note(300*ms, 300*ms) // none
	h.note(400*ms, 900*ms)
	h.came(600 * ms) // what was given up for lost came late
	for _, c := range []struct{ start, end, want time.Duration }{
		{0, time.Second, 300 * ms},
		{150 * ms, 450 * ms, 100 * ms},
		{200 * ms, 400 * ms, 0},
		{600 * ms, time.Second, 0},
	} {
		if got := h.within(c.start, c.end); got != c.want {
			t.Errorf("%v to %v: %v, want %v", c.start, c.end, got, c.want)
		}
	}
	h.came(0)
	if got := h.within(0, time.Second); got != 0 {
		t.Errorf("all of it came: %v missing", got)
	}
	for at := range 10_000 {
		h.note(time.Duration(at)*40*ms, time.Duration(at)*40*ms+20*ms)
	}
	if longest := sampleTime(2*longestUtterance)/(40*ms) + 3; len(h) > int(longest) {
		t.Errorf("%d holes are kept, want at most %d", len(h), longest)
	}
}

// Sound that never came, or could not be decoded, counts; silence that the sender announced does not, and neither
// does what was lost before and after the utterance.
func TestWhatIsMissingOfAnUtteranceIsCounted(t *testing.T) {
	talk := sourceTalk(t, "between(t,1,3)", "5")
	without := func(lost func(at time.Duration) bool) []sent {
		return keep(talk, func(s sent) bool { return !lost(s.Time) })
	}
	garbled := slices.Clone(talk)
	for i := range garbled {
		if i%10 == 3 && garbled[i].Time > 1500*ms && garbled[i].Time < 2500*ms {
			garbled[i].Payload = []byte{1<<3 | 2, 0xfe} // a frame length that is not there
		}
	}
	paused := without(func(at time.Duration) bool { return at >= 2*time.Second && at < 2400*ms })
	for i := range paused {
		if paused[i].Time >= 1980*ms && paused[i].Time < 2*time.Second {
			paused[i].Payload = paused[i].Payload[:1] // two bytes and less say that nothing is said
		}
	}
	for name, c := range map[string]struct {
		packets []sent
		lost    time.Duration
	}{
		"all came":         {talk, 0},
		"400 ms in a row":  {without(func(at time.Duration) bool { return at >= 2*time.Second && at < 2400*ms }), 400 * ms},
		"every tenth":      {without(func(at time.Duration) bool { return at/(20*ms)%10 == 3 && at > 1500*ms && at < 2500*ms }), 100 * ms},
		"not decoded":      {garbled, 100 * ms},
		"announced":        {paused, 0},
		"before and after": {without(func(at time.Duration) bool { return at < 400*ms && at > 100*ms || at > 4*time.Second && at < 4400*ms }), 0},
	} {
		got, _ := hearAll(t, c.packets, nil)
		if len(got) != 1 {
			t.Fatalf("%s: %d utterances, want 1", name, len(got))
		}
		if lost := got[0].Flaws.Lost; absolute(lost-c.lost) > 25*ms {
			t.Errorf("%s: %v lost, want %v", name, lost, c.lost)
		}
		if got[0].Flaws.Clipped != 0 {
			t.Errorf("%s: %v clipped", name, got[0].Flaws.Clipped)
		}
	}
}

func TestSoundThatIsTooLoudIsFound(t *testing.T) {
	got, _ := hearAll(t, makeSound(t, "clip(4*sin(2*PI*440*t),-1,1)*between(t,1,3)", "4"), nil)
	if len(got) != 1 || got[0].Flaws.Clipped < 300*ms || got[0].Flaws.Lost != 0 {
		t.Errorf("%d utterances, flaws %+v; want much of it clipped and nothing lost", len(got), got[0].Flaws)
	}
}
