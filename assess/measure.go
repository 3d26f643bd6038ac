package assess

import (
	"slices"
	"strings"
	"time"
	"unicode"
)

// Below these an answer says too little for a rate to mean anything.
const (
	fewestWordsForRate  = 15
	shortestForRate     = 5 * time.Second
	varietyWindow       = 50 // words; MATTR, Covington & McFall 2010
	shortestPause       = time.Second
	reasonTooShort      = "The answer has too few words for this to mean anything."
	reasonNoTranscript  = "No words were written down for this answer."
	reasonFillersHidden = "The speech engine leaves fillers such as um and er out, so they cannot be counted."
)

// Measure counts the facts about one answer. Lines must be those of the answer, in order of time; gaps are those of
// its session. It gives no judgement: there is no good or bad pace.
func Measure(answer Answer, lines []Line, gaps []Gap) []Measurement {
	// A line without words is one that nobody said, as its candidate corrected it.
	spoken := slices.DeleteFunc(slices.Clone(lines), func(l Line) bool { return len(l.Words) == 0 })
	m := measuring{answer: answer, lines: spoken}
	for _, line := range spoken {
		m.spoken += line.End - line.Start
		for _, w := range line.Words {
			if word := bareWord(w.Text); word != "" {
				m.words = append(m.words, word)
			}
		}
	}
	m.length()
	m.firstWord()
	m.speaking()
	m.pace()
	m.pauses()
	m.people()
	m.numbers()
	m.variety()
	m.hearing(hearingOf(answer, lines, gaps)) // with the lines that nobody said: what is lost there was no speech
	m.add("fillers", 0, "1", "Counting um, er and the like.", reasonFillersHidden)
	return m.found
}

type measuring struct {
	answer Answer
	lines  []Line
	words  []string // lower case, without punctuation
	spoken time.Duration
	found  []Measurement
}

// add notes a measurement; invalid is why it does not hold here, or empty.
func (m *measuring) add(name string, value float64, unit, counted, invalid string) {
	if invalid != "" {
		value = 0
	}
	m.found = append(m.found, Measurement{
		Session: m.answer.Session, Question: m.answer.Question, Take: m.answer.Take,
		Name: name, Value: value, Unit: unit, Counted: counted, Valid: invalid == "", Invalid: invalid,
	})
}

func (m *measuring) noWords() string {
	if len(m.words) == 0 {
		return reasonNoTranscript
	}
	return ""
}

func (m *measuring) tooShort() string {
	if len(m.words) < fewestWordsForRate || m.spoken < shortestForRate {
		return reasonTooShort
	}
	return ""
}

func (m *measuring) length() {
	m.add("answer_length", (m.answer.End - m.answer.Start).Seconds(), "s",
		"From the start of the answer to its end, pauses included.", "")
}

func (m *measuring) firstWord() {
	var wait time.Duration
	if len(m.lines) > 0 {
		wait = max(0, m.lines[0].Start-m.answer.Start)
	}
	m.add("time_to_first_word", wait.Seconds(), "s",
		"From the start of the answer to the first speech.", m.noWords())
}

func (m *measuring) speaking() {
	m.add("speaking_time", m.spoken.Seconds(), "s",
		"The stretches in which speech was heard, added up.", m.noWords())
	m.add("words", float64(len(m.words)), "1", "Words in the transcript of this answer.", m.noWords())
}

func (m *measuring) pace() {
	pace := 0.0
	if m.spoken > 0 {
		pace = float64(len(m.words)) / m.spoken.Minutes()
	}
	m.add("words_per_minute", pace, "words/min",
		"Words divided by the time in which speech was heard. There is no right pace.", m.tooShort())
}

func (m *measuring) pauses() {
	count, longest := 0, time.Duration(0)
	for i := 1; i < len(m.lines); i++ {
		pause := m.lines[i].Start - m.lines[i-1].End
		if pause >= shortestPause {
			count++
		}
		longest = max(longest, pause)
	}
	m.add("pauses", float64(count), "1", "Silences of a second or more between two stretches of speech.", m.noWords())
	m.add("longest_pause", longest.Seconds(), "s", "The longest silence between two stretches of speech.", m.noWords())
}

func (m *measuring) people() {
	var own, shared int
	for _, w := range m.words {
		switch w {
		case "i", "i'm", "i've", "i'd", "i'll", "me", "my", "mine", "myself":
			own++
		case "we", "we're", "we've", "we'd", "we'll", "us", "our", "ours", "ourselves":
			shared++
		}
	}
	m.add("first_person_singular", float64(own), "1", "How often I, me, my and mine were said.", m.noWords())
	m.add("first_person_plural", float64(shared), "1", "How often we, us, our and ours were said.", m.noWords())
}

func (m *measuring) numbers() {
	count := 0
	for _, w := range m.words {
		if strings.ContainsFunc(w, unicode.IsDigit) || numberWords[w] {
			count++
		}
	}
	m.add("numbers", float64(count), "1", "Words that are numbers, in digits or spelled out.", m.noWords())
}

// variety is the moving-average type-token ratio: how many different words there are in each window of
// 50, averaged over all windows, so that long answers are not held against a person.
func (m *measuring) variety() {
	invalid := ""
	ratio := 0.0
	if len(m.words) < varietyWindow {
		invalid = reasonTooShort
	} else {
		windows := len(m.words) - varietyWindow + 1
		for at := range windows {
			distinct := map[string]bool{}
			for _, w := range m.words[at : at+varietyWindow] {
				distinct[w] = true
			}
			ratio += float64(len(distinct)) / varietyWindow
		}
		ratio /= float64(windows)
	}
	m.add("word_variety", ratio, "1", "Different words among each 50 in a row, averaged; 1 means that none was repeated.", invalid)
}

var numberWords = map[string]bool{
	"one": true, "two": true, "three": true, "four": true, "five": true, "six": true, "seven": true,
	"eight": true, "nine": true, "ten": true, "eleven": true, "twelve": true, "fifteen": true,
	"twenty": true, "thirty": true, "forty": true, "fifty": true, "sixty": true, "seventy": true,
	"eighty": true, "ninety": true, "hundred": true, "thousand": true, "million": true, "billion": true,
	"half": true, "twice": true, "double": true, "percent": true,
}

// bareWord lowers a word and takes the punctuation off its ends.
func bareWord(text string) string {
	return strings.ToLower(strings.TrimFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}))
}
