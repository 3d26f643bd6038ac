package assess

import (
	"slices"
	"time"

	"greenroom/media"
)

const (
	// SpeakFor is how long the clocks stand at most while a question or a probe is said aloud, and how long a
	// voice that never says that it has ended is believed to speak.
	SpeakFor = 30 * time.Second
	// voiceTail is how long the voice may still be heard after it ended: the way through a loudspeaker, a room
	// and a network.
	voiceTail = 300 * time.Millisecond
	// Utterances are cut around the voice's first sound, and from noticedLast to noticedFirst before the page says
	// that the candidate interrupts it: it hears them for a while before it does.
	voiceLead    = 300 * time.Millisecond
	voiceFirst   = 50 * time.Millisecond
	noticedLast  = 450 * time.Millisecond
	noticedFirst = 50 * time.Millisecond
	// mostSpoken spans are remembered; what is said is placed within seconds.
	mostSpokenSpans = 64
	// mostVoiceEvents are noted about each question and probe: many more than a person makes.
	mostVoiceEvents = 20
)

// What the voice that asks does. They change no phase.
const (
	ActSpeak     Act = "speak"     // it begins
	ActSpoken    Act = "spoken"    // it has ended
	ActInterrupt Act = "interrupt" // the candidate began to talk, and it ended
)

// The voice in the session's log.
const (
	EventSpeaking    = "speaking"
	EventSpoken      = "spoken"
	EventInterrupted = "interrupted"
)

// interviewerVoice is what is known of the voice that says the questions.
type interviewerVoice struct {
	speaking bool
	until    time.Time     // when it is believed to have ended
	stands   time.Time     // until when the clock stands; zero: it does not
	left     time.Duration // how long the clocks may still stand for what is asked
	noted    int           // events about what is asked
	spans    []spokenSpan  // of the session, oldest first; the last is open while speaking
	cuts     []media.SpeechCut
}

// spokenSpan is when the voice spoke, as the microphone hears it. Times are media times.
type spokenSpan struct{ start, end time.Duration }

// said applies what the voice does. The clock of the preparation or the answer stands meanwhile, so that
// nobody pays for listening, but not for longer than SpeakFor for each question and probe.
func (i *Interview) said(act Act, at Moment) {
	switch v := &i.voice; {
	case act != ActSpeak:
		i.hush(act, at)
	case !v.speaking && (i.turn.Phase == PhasePreparing || i.running()):
		v.speaking, v.until = true, at.Wall.Add(SpeakFor)
		v.spans = append(v.spans, spokenSpan{start: at.Media})
		v.spans = slices.Delete(v.spans, 0, max(0, len(v.spans)-mostSpokenSpans))
		v.cuts = append(v.cuts, media.SpeechCut{From: at.Media - voiceLead, Until: at.Media + voiceFirst})
		if v.left > 0 && i.turn.HeldUntil.IsZero() && i.turn.Phase != PhaseThinking {
			v.stands = at.Wall.Add(v.left)
			i.turn.EndsAt = i.turn.EndsAt.Add(v.left)
			i.turn.SpeakingUntil = v.stands
		}
		if i.turn.Phase != PhaseThinking {
			i.noCountdown()
		}
		i.noteVoice(EventSpeaking, at)
	}
}

// hush ends what is being said aloud, if it is: the clocks go on, and silence counts from here.
func (i *Interview) hush(by Act, at Moment) {
	v := &i.voice
	if !v.speaking {
		return
	}
	v.speaking = false
	kind, end := EventSpoken, at.Media+voiceTail
	cut := media.SpeechCut{From: at.Media, Until: end}
	if by == ActInterrupt {
		kind, end = EventInterrupted, at.Media
		cut = media.SpeechCut{From: end - noticedLast, Until: end - noticedFirst}
	}
	v.spans[len(v.spans)-1].end = end
	v.cuts = append(v.cuts, cut)
	i.clockGoesOn(at)
	i.asked = max(i.asked, end)
	i.noteVoice(kind, at)
}

// Cuts returns where what is heard is to be cut since the last call, so that what the voice said and what the
// candidate did are two utterances.
func (i *Interview) Cuts() []media.SpeechCut {
	cuts := i.voice.cuts
	i.voice.cuts = nil
	return cuts
}

// noteVoice: a page can say many times a second that the voice begins and ends.
func (i *Interview) noteVoice(kind string, at Moment) {
	if i.voice.noted++; i.voice.noted <= mostVoiceEvents {
		i.note(kind, "", at)
	}
}

// clockGoesOn ends the clock's standing, whether the voice has ended or has used up what it may take.
func (i *Interview) clockGoesOn(at Moment) {
	v := &i.voice
	if v.stands.IsZero() {
		return
	}
	unused := max(0, v.stands.Sub(at.Wall))
	i.turn.EndsAt = i.turn.EndsAt.Add(-unused)
	v.left, v.stands = min(v.left, unused), time.Time{}
	i.turn.SpeakingUntil = time.Time{}
}

// heardItself: sound of this stretch may be the voice's own, and does not count as the candidate's.
func (i *Interview) heardItself(start, end time.Duration) bool {
	for n, span := range slices.Backward(i.voice.spans) {
		open := i.voice.speaking && n == len(i.voice.spans)-1
		if end > span.start && (open || start < span.end) {
			return true
		}
		if !open && span.end < start {
			return false // the older ones ended before it
		}
	}
	return false
}

// OwnVoice reports whether an utterance is what the voice said, come back through the microphone: most of it
// lies where the voice spoke. It was cut where the voice began and ended.
func (i *Interview) OwnVoice(start, end time.Duration) bool {
	within := time.Duration(0)
	for n, span := range i.voice.spans {
		if i.voice.speaking && n == len(i.voice.spans)-1 {
			span.end = end
		}
		within += max(0, min(end, span.end)-max(start, span.start))
	}
	return 2*within > end-start
}
