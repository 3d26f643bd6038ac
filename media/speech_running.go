package media

import "time"

// showEvery is how much sound is added to a running utterance before it is shown again.
const showEvery = SampleRate / 2

// runningMark is how far which running utterance was shown.
type runningMark struct {
	start   time.Duration
	samples int
	shown   bool
}

func (s *speech) wasShown(span spokenSpan) bool {
	return span.pcm != nil && s.shown.shown && s.shown.start == span.start
}

// show lets the sink look at the running utterance, a few times a second at most. It is not shown before it
// has the voice that it will be heard for, nor when it is about to end.
func (s *speech) show() {
	c := &s.cutter
	if s.running == nil || !c.running || c.voiced < leastVoice || c.silence > endSilence/2 {
		return
	}
	if s.shown.start != c.start {
		s.shown = runningMark{start: c.start, samples: showEvery} // half a second says little
	}
	if len(c.pcm)-s.shown.samples < showEvery || s.withdrawn() {
		return
	}
	s.shown.samples, s.shown.shown = len(c.pcm), true
	s.running.Overhear(Utterance{
		Session: s.session, Epoch: s.epoch, Sequence: s.sequence + 1,
		Start: c.start, End: c.start + sampleTime(len(c.pcm)), PCM: c.pcm, EndedAt: s.arrived,
	})
}
