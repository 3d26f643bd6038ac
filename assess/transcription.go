package assess

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// transcription is what a speech server answered, as far as it made sense.
type transcription struct {
	text  string
	words []timedWord // as the server gave them; not checked
	parts []sureText  // what the text is made of, where the server says how sure it is of each
}

// sureText is a stretch of text with the confidence of its segment; 0 where it is not known.
type sureText struct {
	fields     int
	confidence float32
}

// timedWord is a word with times in seconds since the beginning of the utterance.
type timedWord struct {
	text       string
	start, end float64
	confidence float32 // 0 where it is not known
}

// loose is a number that servers also write as text; NaN if it is neither.
type loose float64

// UnmarshalJSON never fails: one bad field must not lose a transcript.
func (l *loose) UnmarshalJSON(raw []byte) error {
	value, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil {
		value = math.NaN()
	}
	*l = loose(value)
	return nil
}

type wireWord struct {
	Word  string `json:"word"`
	Text  string `json:"text"`
	Start *loose `json:"start"`
	End   *loose `json:"end"`
	// How sure the server is of the word, by the names that servers give it.
	Probability *loose `json:"probability"`
	Confidence  *loose `json:"confidence"`
}

type wireSegment struct {
	Text         string          `json:"text"`
	NoSpeechProb *loose          `json:"no_speech_prob"`
	AvgLogprob   *loose          `json:"avg_logprob"`
	Words        json.RawMessage `json:"words"`
}

// decodeTranscription reads an answer of /audio/transcriptions in either of its JSON formats. Servers
// differ in everything but "text", so each other part is decoded alone and left out if it is odd.
func decodeTranscription(raw []byte) (transcription, error) {
	var answer struct {
		Text     *string         `json:"text"`
		Words    json.RawMessage `json:"words"`
		Segments json.RawMessage `json:"segments"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return transcription{}, fmt.Errorf("the answer is not the expected JSON: %w", err)
	}
	if answer.Text == nil {
		return transcription{}, errors.New(`the answer has no "text"`)
	}
	result := transcription{text: *answer.Text, words: decodeWords(answer.Words)}
	var segments []wireSegment
	if json.Unmarshal(answer.Segments, &segments) == nil {
		result.takeSegments(segments)
	}
	result.text = cleanText(result.text)
	if len(result.text) > maxUtteranceText {
		return transcription{}, fmt.Errorf("the text has %d bytes, more than anybody says in %s", len(result.text), MaxUtterance)
	}
	return result, nil
}

// takeSegments uses words nested in segments where there are none beside them, and leaves out segments
// that the server itself takes for silence: Whisper makes text up there.
func (t *transcription) takeSegments(segments []wireSegment) {
	var texts []string
	var nested []timedWord
	for _, segment := range segments {
		if segment.isSilence() {
			continue
		}
		texts = append(texts, segment.Text)
		t.parts = append(t.parts, sureText{len(strings.Fields(cleanText(segment.Text))), segment.confidence()})
		nested = append(nested, decodeWords(segment.Words)...)
	}
	if len(t.words) == 0 {
		t.words = nested
	}
	if len(texts) < len(segments) {
		t.text = strings.Join(texts, " ")
	}
}

// isSilence applies Whisper's own rule, with its own thresholds.
func (s wireSegment) isSilence() bool {
	return s.NoSpeechProb != nil && s.AvgLogprob != nil && *s.NoSpeechProb > 0.6 && *s.AvgLogprob < -1
}

// confidence is the geometric mean over the segment's tokens, which is all that Whisper says.
func (s wireSegment) confidence() float32 {
	if s.AvgLogprob == nil {
		return 0
	}
	return probable(math.Exp(float64(*s.AvgLogprob)))
}

// probable returns a probability, or 0 for what is none.
func probable(p float64) float32 {
	if p > 0 && p <= 1 {
		return max(float32(p), math.SmallestNonzeroFloat32)
	}
	return 0
}

func decodeWords(raw json.RawMessage) []timedWord {
	var wired []wireWord
	if json.Unmarshal(raw, &wired) != nil {
		return nil
	}
	words := make([]timedWord, 0, len(wired))
	for _, w := range wired {
		word := timedWord{text: w.Word, start: math.NaN(), end: math.NaN()}
		if word.text == "" {
			word.text = w.Text
		}
		if w.Start != nil && w.End != nil {
			word.start, word.end = float64(*w.Start), float64(*w.End)
		}
		for _, p := range []*loose{w.Probability, w.Confidence} {
			if p != nil && word.confidence == 0 {
				word.confidence = probable(float64(*p))
			}
		}
		words = append(words, word)
	}
	return words
}

// place gives the words media times: the server's where they make sense, else interpolated ones.
func (t transcription) place(start, end time.Duration) (words []Word, interpolated bool) {
	words, ok := t.measured(start, end)
	if !ok {
		words = interpolateWords(t.text, start, end)
	}
	t.sureness(words)
	return words, !ok
}

// sureness gives words that have no confidence of their own that of their segment, where the segments are the
// text.
func (t transcription) sureness(words []Word) {
	fields := 0
	for _, part := range t.parts {
		fields += part.fields
	}
	if fields != len(words) {
		return
	}
	for _, part := range t.parts {
		for i := range words[:part.fields] {
			if words[i].Confidence == 0 {
				words[i].Confidence = part.confidence
			}
		}
		words = words[part.fields:]
	}
}

// timeSlack is how far a server's times may lie outside the utterance before they are not believed.
const timeSlack = 0.3 // seconds

// measured lays the server's words over the text, letter by letter, because their words have no
// punctuation and are cut in other places. It refuses if a letter differs, if times run backwards or
// if they leave the utterance.
func (t transcription) measured(start, end time.Duration) ([]Word, bool) {
	length := (end - start).Seconds()
	var letters []rune
	var owners []int // the server's word of each letter
	before := -timeSlack
	for i, word := range t.words {
		inside := word.start >= before && word.end >= word.start && word.end <= length+timeSlack
		if !inside { // also for NaN
			return nil, false
		}
		before = word.start
		for _, r := range bareLetters(word.text) {
			letters, owners = append(letters, r), append(owners, i)
		}
	}
	at := func(seconds float64) time.Duration {
		seconds = min(max(seconds, 0), length)
		return start + time.Duration(seconds*float64(time.Second))
	}
	var words []Word
	spoken := start
	for field := range strings.FieldsSeq(t.text) {
		bare := bareLetters(field)
		if len(bare) > len(letters) || string(bare) != string(letters[:len(bare)]) {
			return nil, false
		}
		if len(bare) == 0 { // only punctuation, which nobody hears: no time, after the word before
			words = append(words, Word{Text: field, Start: spoken, End: spoken})
			continue
		}
		first, last := t.words[owners[0]], t.words[owners[len(bare)-1]]
		spoken = at(last.end)
		word := Word{Text: field, Start: at(first.start), End: spoken, Confidence: first.confidence}
		for _, owner := range owners[:len(bare)] { // 0, which is not known, is the least
			word.Confidence = min(word.Confidence, t.words[owner].confidence)
		}
		words = append(words, word)
		letters, owners = letters[len(bare):], owners[len(bare):]
	}
	return words, len(letters) == 0 && len(words) > 0
}

// bareLetters returns the letters and digits of a text in lower case.
func bareLetters(text string) []rune {
	var letters []rune
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			letters = append(letters, unicode.ToLower(r))
		}
	}
	return letters
}
