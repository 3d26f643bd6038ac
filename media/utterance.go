package media

import "time"

// How speech is cut into utterances. Lengths are in samples at [SampleRate].
const (
	speechBegins = 0.5  // probability at which an utterance begins
	speechEnds   = 0.35 // below it a frame counts as silence
	// preRoll is kept from before the beginning, because soft consonants come before the model is sure.
	preRoll = SampleRate * 300 / 1000
	// endSilence of quiet ends an utterance; tailSilence of it stays in the audio.
	endSilence  = SampleRate * 700 / 1000
	tailSilence = SampleRate * 300 / 1000
	// longestUtterance is what the recogniser takes; a longer one is cut at the quietest frame of its
	// last cutSearch.
	longestUtterance = SampleRate * 25
	cutSearch        = SampleRate * 8
	// leastVoice of speech makes an utterance; a cough or a click is less.
	leastVoice = SampleRate * 250 / 1000
)

// Speaks reports whether a frame of that probability is speech, after one that was or was not.
func Speaks(probability float32, before bool) bool {
	return probability >= speechBegins || (before && probability >= speechEnds)
}

// spokenSpan is an utterance before the session's names are put on it.
type spokenSpan struct {
	start, end time.Duration
	pcm        []float32
	behind     int // samples that were added after its end
	endedAt    time.Time
}

// heardFrame is what the cutter remembers of one frame of [VoiceFrame] samples.
type heardFrame struct {
	probability float32
	energy      float32
}

// utteranceCutter cuts a run of frames without holes into utterances.
type utteranceCutter struct {
	before  []float32 // the last preRoll samples while nobody speaks
	running bool
	start   time.Duration
	pcm     []float32
	lead    int // samples of pcm that are pre-roll
	frames  []heardFrame
	voiced  int // samples of speech so far
	silence int // samples of silence at the end
}

// add takes the next frame; at is the media time of its first sample. It returns what this frame ended, if it did,
// and whether that is an utterance.
func (c *utteranceCutter) add(frame []float32, probability float32, at time.Duration, arrival time.Time) (spokenSpan, bool) {
	if !c.running {
		if probability < speechBegins {
			c.remember(frame)
			return spokenSpan{}, false
		}
		c.begin(at)
	}
	c.pcm = append(c.pcm, frame...)
	c.frames = append(c.frames, heardFrame{probability: probability, energy: energy(frame)})
	if probability >= speechBegins {
		c.voiced += len(frame)
	}
	if probability < speechEnds {
		c.silence += len(frame)
	} else {
		c.silence = 0
	}
	if c.silence >= endSilence {
		return c.finish(arrival)
	}
	if len(c.pcm)+VoiceFrame > longestUtterance {
		return c.split(c.quietest(max(1, len(c.frames)-cutSearch/VoiceFrame), len(c.frames)-1), arrival)
	}
	return spokenSpan{}, false
}

// remember keeps the last preRoll samples.
func (c *utteranceCutter) remember(frame []float32) {
	c.before = append(c.before, frame...)
	if extra := len(c.before) - preRoll; extra > 0 {
		c.before = append(c.before[:0], c.before[extra:]...)
	}
}

func (c *utteranceCutter) begin(at time.Duration) {
	c.running = true
	c.lead = len(c.before)
	c.start = max(at-sampleTime(c.lead), 0)
	c.pcm = append(make([]float32, 0, 4*SampleRate), c.before...)
	c.before = c.before[:0]
	c.frames = c.frames[:0]
	c.voiced, c.silence = 0, 0
}

// finish ends the running utterance. What has too little voice is no utterance.
func (c *utteranceCutter) finish(arrival time.Time) (spokenSpan, bool) {
	if !c.running {
		return spokenSpan{}, false
	}
	c.running = false
	pcm := c.pcm
	c.pcm = nil // the reader of the utterance owns it now
	drop := max(c.silence-tailSilence, 0)
	c.before = append(c.before[:0], pcm[max(len(pcm)-preRoll, 0):]...)
	pcm = pcm[:len(pcm)-drop]
	span := spokenSpan{start: c.start, end: c.start + sampleTime(len(pcm)), pcm: pcm, behind: drop, endedAt: arrival}
	return span, c.voiced >= leastVoice
}

// split ends the running utterance before one of its frames and goes on with the rest, if somebody speaks there.
func (c *utteranceCutter) split(at int, arrival time.Time) (spokenSpan, bool) {
	samples := c.lead + at*VoiceFrame
	head := c.pcm[:samples:samples]
	span := spokenSpan{start: c.start, end: c.start + sampleTime(samples), pcm: head, behind: len(c.pcm) - samples, endedAt: arrival}

	rest := c.pcm[samples:]
	c.start = span.end
	c.lead = 0
	c.frames = append(c.frames[:0], c.frames[at:]...)
	c.silence = min(c.silence, len(rest))
	before := c.voiced
	c.voiced = 0
	for _, f := range c.frames {
		if f.probability >= speechBegins {
			c.voiced += VoiceFrame
		}
	}
	if c.running = c.voiced > 0; c.running {
		c.pcm = append(make([]float32, 0, 4*SampleRate), rest...)
	} else {
		c.pcm = nil
		c.remember(rest)
	}
	return span, before-c.voiced >= leastVoice
}

// quietest returns the least loud frame of a stretch, the last one if several are.
func (c *utteranceCutter) quietest(first, last int) int {
	best := last
	for i := last; i >= first; i-- {
		if c.frames[i].energy < c.frames[best].energy {
			best = i
		}
	}
	return best
}

// clear forgets everything, the running utterance too.
func (c *utteranceCutter) clear() { *c = utteranceCutter{} }

func energy(frame []float32) (sum float32) {
	for _, v := range frame {
		sum += v * v
	}
	return sum
}

func sampleTime(samples int) time.Duration {
	return time.Duration(samples) * time.Second / SampleRate
}
