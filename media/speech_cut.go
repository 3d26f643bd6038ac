package media

import "time"

// mostSpeechCuts wait to be made; they are made within a second of being asked for, or when sound comes.
const mostSpeechCuts = 64

// aboutAsQuiet: a frame with so much more energy (6 dB) is about as quiet. The first one is taken because the quietest
// may lie in a word that has begun softly.
const aboutAsQuiet = 4

// SpeechCut is a stretch of media time in which one utterance is to end and the next one to begin, because somebody
// else begins or stops there: at the first moment that is about as quiet as the quietest.
type SpeechCut struct{ From, Until time.Duration }

// CutSpeech cuts the utterance that runs through the stretch, when all of the stretch has been heard. One that
// begins in it or later, or has ended before, stays whole. It does not wait.
func (c *Capture) CutSpeech(cut SpeechCut) {
	if c.speech != nil {
		c.speech.cutLater(cut)
	}
}

func (s *speech) cutLater(cut SpeechCut) {
	s.state.Lock()
	if len(s.cuts) < mostSpeechCuts {
		s.cuts = append(s.cuts, cut)
	}
	s.state.Unlock()
	select {
	case s.queue.wake <- struct{}{}:
	default:
	}
}

// makeCuts makes those cuts whose stretch was heard, and where the running utterance is about to be ended also
// those whose stretch was heard in part.
func (s *speech) makeCuts(ending bool) {
	for {
		cut, ok := s.nextCut(ending)
		if !ok {
			return
		}
		if at, ok := s.cutter.place(cut); ok {
			s.deliver(s.cutter.split(at, s.arrived))
		}
	}
}

func (s *speech) nextCut(ending bool) (cut SpeechCut, ok bool) {
	s.state.Lock()
	defer s.state.Unlock()
	if len(s.cuts) == 0 {
		return SpeechCut{}, false
	}
	if first := s.cuts[0]; first.Until > s.next && (!ending || first.From >= s.next) {
		return SpeechCut{}, false
	}
	cut, s.cuts = s.cuts[0], s.cuts[1:]
	return cut, true
}

// place returns the frame of the running utterance before which a cut is made; false if none is.
func (c *utteranceCutter) place(cut SpeechCut) (at int, ok bool) {
	if !c.running {
		return 0, false
	}
	first, last := c.frameAt(cut.From), min(c.frameAt(cut.Until), len(c.frames)-1)
	if first < 1 || last < first {
		return 0, false
	}
	enough := aboutAsQuiet * c.frames[c.quietest(first, last)].energy
	for at = first; c.frames[at].energy > enough; {
		at++
	}
	return at, true
}

// frameAt returns the index of the frame that holds a media time, -1 if it came before them all.
func (c *utteranceCutter) frameAt(at time.Duration) int {
	samples := int((at-c.start)*SampleRate/time.Second) - c.lead
	if samples < 0 {
		return -1
	}
	return samples / VoiceFrame
}
