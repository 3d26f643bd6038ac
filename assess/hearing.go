package assess

import (
	"slices"
	"time"

	"greenroom/media"
)

// How well an answer could be heard at all is counted here, from the samples, the packets and what the speech engine
// said of its words; never from what was said. The bounds come from measurement: docs/transcription.md has the tables.

const (
	// Of the speech that never came. One in ten: about twice as many words are wrong as where all came. A third: about
	// every second one.
	noteLost = 0.10
	mostLost = 1.0 / 3
	// Of the samples of speech at full scale. Even a level that is a hundred times too high leaves six of seven
	// samples below it. At 5 % about a quarter of the words is wrong, at 12 % nearly half.
	noteClipped = 0.05
	mostClipped = 0.12
	// Of the words whose confidence the engine told. At a quarter about three words in ten are wrong, at half of
	// them more than every second one.
	noteUnsure = 0.25
	mostUnsure = 0.50
	// fewestToTell is how many words with a confidence a share of them needs.
	fewestToTell = fewestWordsToRate
)

// The reasons are read by candidates: what is the matter, and what helps.
const (
	reasonLost    = "More than a third of the sound of this answer did not reach the server, so the words that are there are not enough to rate. A steadier network helps: a cable, or a place nearer to the router. Answer the question again in another interview."
	reasonClipped = "The sound of this answer is too loud to be understood: much of it is cut off. Lower the level of the microphone or move away from it, and answer the question again in another interview."
	reasonUnsure  = "The speech engine was unsure of more than half of the words of this answer, so they are not enough to rate. A quieter place and a microphone near your mouth help. Look at the words in the transcript, and answer the question again in another interview."
)

// HeardBadly says what was wrong with the sound of a rated answer, enough to be said beside its level and too little
// for there to be none.
type HeardBadly struct {
	Lost    bool // some of it did not reach the server
	Clipped bool // some of it was too loud
	Unsure  bool // the engine was not sure of many of its words
}

// Names names them: lost, clipped, unsure.
func (h HeardBadly) Names() []string {
	names := []string{}
	for _, one := range []struct {
		bad  bool
		name string
	}{{h.Lost, "lost"}, {h.Clipped, "clipped"}, {h.Unsure, "unsure"}} {
		if one.bad {
			names = append(names, one.name)
		}
	}
	return names
}

// HeardBadlyBy is what the names name; others are left out.
func HeardBadlyBy(names []string) HeardBadly {
	has := func(name string) bool { return slices.Contains(names, name) }
	return HeardBadly{Lost: has("lost"), Clipped: has("clipped"), Unsure: has("unsure")}
}

// hearing is how well one answer was heard.
type hearing struct {
	length  time.Duration // of the answer, silence included
	known   bool          // of every line it was looked at
	spoken  time.Duration // in which speech was heard
	within  time.Duration // of it, what did not come
	between time.Duration // what did not come beside it, while the connection stood
	away    time.Duration // what did not come because the connection was made anew
	clipped time.Duration
	told    int // words whose confidence is known
	unsure  int
}

// hearingOf looks at the lines of an answer and the gaps of its sound. Of a line without words the candidate said that
// nobody spoke there.
func hearingOf(answer Answer, lines []Line, gaps []Gap) hearing {
	h := hearing{length: answer.End - answer.Start, known: len(lines) > 0}
	for _, line := range lines {
		if len(line.Words) == 0 {
			continue
		}
		h.spoken += line.End - line.Start
		h.known = h.known && line.Flaws != nil
		if line.Flaws != nil {
			h.within += min(line.Flaws.Lost, line.End-line.Start)
			h.clipped += min(line.Flaws.Clipped, line.End-line.Start)
		}
		for _, word := range line.Words {
			if word.Confidence > 0 {
				h.told++
			}
			if word.Doubtful() {
				h.unsure++
			}
		}
	}
	for _, gap := range gaps {
		if gap.Kind != media.KindAudio {
			continue
		}
		switch missing := outside(gap, answer, lines); gap.Reason {
		case media.GapNetwork:
			h.between += missing
		case media.GapReconnect, media.GapServerDown:
			h.away += missing
		case media.GapMuted, media.GapStorage, media.GapConsent: // by choice, or heard and not kept
		}
	}
	return h
}

// toBeRated is how well it was heard what is rated. A line that the candidate corrected against its sound has their
// words: what was wrong with the sound, and how sure the engine was, is no matter any more.
func toBeRated(answer Answer, lines []Line, gaps []Gap) hearing {
	lines = slices.Clone(lines)
	for i := range lines {
		if lines[i].Revision > 0 {
			lines[i].Flaws = &media.Flaws{}
			lines[i].Words = slices.Clone(lines[i].Words)
			for w := range lines[i].Words {
				lines[i].Words[w].Confidence = 0
			}
		}
	}
	return hearingOf(answer, lines, gaps)
}

// outside returns how much of a gap lies in the answer and in none of its lines, whose own losses are counted there.
func outside(gap Gap, answer Answer, lines []Line) time.Duration {
	start, end := max(gap.Start, answer.Start), min(gap.End, answer.End)
	if end <= start {
		return 0
	}
	missing := end - start
	for _, line := range lines {
		missing -= max(0, min(line.End, end)-max(line.Start, start))
	}
	return max(0, missing)
}

func share[T int | time.Duration](part, whole T) float64 {
	if whole <= 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// lost is what did not come, of the time in which something was said or could not be heard.
func (h hearing) lost() float64 {
	return share(h.within+h.between+h.away, h.spoken+h.between+h.away)
}

// lostInSpeech leaves out the time in which the candidate was told that there is no connection, and could wait.
// Where nothing was heard nobody knows how much was said: then it is of the whole answer.
func (h hearing) lostInSpeech() float64 {
	if h.spoken == 0 {
		return share(h.between+h.away, h.length)
	}
	return share(h.within+h.between, h.spoken+h.between)
}

func (h hearing) loud() float64 { return share(h.clipped, h.spoken) }

// doubtful is the share of the words that the engine was not sure of; false where it told of too few. An engine that
// tells nothing is not one that is unsure.
func (h hearing) doubtful() (float64, bool) {
	return share(h.unsure, h.told), h.told >= fewestToTell
}

// unassessable returns why no level can be given to what was heard, in a sentence for the candidate; empty where one
// can.
func (h hearing) unassessable() string {
	doubtful, told := h.doubtful()
	switch {
	case h.lostInSpeech() > mostLost:
		return reasonLost
	case h.loud() > mostClipped:
		return reasonClipped
	case told && doubtful > mostUnsure && h.loud() > noteClipped:
		return reasonClipped
	case told && doubtful > mostUnsure:
		return reasonUnsure
	default:
		return ""
	}
}

// badly is what is said beside a level.
func (h hearing) badly() HeardBadly {
	doubtful, told := h.doubtful()
	return HeardBadly{Lost: h.lost() > noteLost, Clipped: h.loud() > noteClipped, Unsure: told && doubtful > noteUnsure}
}

const (
	reasonNotLookedAt = "The sound of this answer was not looked at when it was written down."
	reasonNotTold     = "The speech engine does not say how sure it is of enough words."
)

// hearing says how well the answer was heard.
func (m *measuring) hearing(h hearing) {
	looked := m.noWords()
	if looked == "" && !h.known {
		looked = reasonNotLookedAt
	}
	m.add("sound_lost", percent(h.lost()), "%",
		"Sound that did not reach the server, of the time in which you spoke. A steadier network helps: a cable, or a place nearer to the router.", looked)
	m.add("sound_clipped", percent(h.loud()), "%",
		"Sound that was cut off because it was too loud, of the time in which you spoke. A lower level of the microphone helps, or to move away from it.", looked)
	doubtful, told := h.doubtful()
	if looked = m.noWords(); looked == "" && !told {
		looked = reasonNotTold
	}
	m.add("words_unsure", percent(doubtful), "%",
		"Words that the speech engine was not sure to have heard rightly, of all that it says it of. A quieter place and a nearer microphone help.", looked)
}

// ofHearing: it is about the way that the sound took, which is nothing to give advice on an answer by.
func (m Measurement) ofHearing() bool {
	return m.Name == "sound_lost" || m.Name == "sound_clipped" || m.Name == "words_unsure"
}

// percent has one decimal: more would say more than is known.
func percent(share float64) float64 { return float64(int(1000*share+0.5)) / 10 }
