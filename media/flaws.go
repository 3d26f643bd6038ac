package media

import "time"

// Flaws is how much of an utterance is not as it was said. What it costs in words was measured: docs/transcription.md.
type Flaws struct {
	Lost    time.Duration // never came: packets that were given up for lost, or that could not be decoded
	Clipped time.Duration // at full scale for three samples or more in a row: the microphone's level is too high
}

const (
	// clippedAt is what counts as full scale. A sample that was cut off at full scale comes out of Opus somewhat
	// below or above it, and is cut off at it here (see bound). At 0.99 speech that was not cut off has none, and
	// the share rises with how much was; at 0.9 speech that is merely loud has some.
	clippedAt = 0.99
	// clippedRun of such samples is a flat top; one or two are a peak that happens to be that high.
	clippedRun = 3
)

// Clipped returns how much of a sound of [SampleRate] is cut off at full scale.
func Clipped(pcm []float32) time.Duration {
	all, run := 0, 0
	for _, sample := range pcm {
		if sample >= clippedAt || sample <= -clippedAt {
			run++
			continue
		}
		if run >= clippedRun {
			all += run
		}
		run = 0
	}
	if run >= clippedRun {
		all += run
	}
	return sampleTime(all)
}

// hole is a stretch of media time of which nothing came, although the sender did not say that it is silent.
type hole struct{ start, end time.Duration }

// holes are those of the newest sound, in order.
type holes []hole

// note adds a hole, and lets go of what no running utterance reaches back to.
func (h *holes) note(start, end time.Duration) {
	if end <= start {
		return
	}
	old := 0
	for old < len(*h) && (*h)[old].end < start-sampleTime(2*longestUtterance) {
		old++
	}
	*h = append(append((*h)[:0], (*h)[old:]...), hole{start, end})
}

// came says that there is sound from here on after all: it was taken for lost too soon.
func (h *holes) came(at time.Duration) {
	for n := len(*h); n > 0 && (*h)[n-1].end > at; n-- {
		(*h)[n-1].end = max(at, (*h)[n-1].start)
	}
}

// within returns how much of a stretch is missing.
func (h holes) within(start, end time.Duration) (missing time.Duration) {
	for _, one := range h {
		missing += max(0, min(one.end, end)-max(one.start, start))
	}
	return missing
}
