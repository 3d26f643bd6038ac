package assess

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"greenroom/media"
)

// ErrTranscriber is wrapped by every error of a [Transcriber], with what to do next.
var ErrTranscriber = errors.New("speech to text")

// EngineHere names the engine that writes speech down on this machine.
const EngineHere = "moonshine-tiny"

// MaxUtterance is the longest utterance any transcriber takes. Moonshine drops words from longer ones.
const MaxUtterance = 25 * time.Second

// minUtterance is the length below which nobody said a word, in samples (0.1 s). Moonshine's encoder
// fails on much less, and OpenAI refuses it.
const minUtterance = media.SampleRate / 10

// maxUtteranceText bounds the text of one utterance, in bytes. Nobody says more than about 600 in 25 s;
// a speech model that is stuck in a loop does.
const maxUtteranceText = 8 << 10

// checkUtterance refuses what is too long for any transcriber.
func checkUtterance(u media.Utterance) error {
	if length := u.Length(); length > MaxUtterance {
		return fmt.Errorf("%w: an utterance of %s is too long: cut it at %s", ErrTranscriber, length, MaxUtterance)
	}
	return nil
}

// interpolateWords splits text on spaces and spreads the words over the span.
func interpolateWords(text string, start, end time.Duration) []Word {
	var words []Word
	for field := range strings.FieldsSeq(text) {
		words = append(words, Word{Text: field})
	}
	spreadWords(words, start, end)
	return words
}

// spreadWords gives words times in the span by their length in characters, each with the space after it.
func spreadWords(words []Word, start, end time.Duration) {
	total := len(words) - 1
	for _, word := range words {
		total += utf8.RuneCountInString(word.Text)
	}
	span := max(end-start, 0)
	at := func(characters int) time.Duration {
		return start + time.Duration(math.Round(float64(span)*float64(characters)/float64(total)))
	}
	position := 0
	for i := range words {
		length := utf8.RuneCountInString(words[i].Text)
		words[i].Start, words[i].End = at(position), at(position+length)
		position += length + 1
	}
}

// cleanText makes outside text safe to store and show: valid UTF-8 without control characters, single
// spaces, none at the ends.
func cleanText(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return strings.Join(strings.Fields(text), " ")
}
