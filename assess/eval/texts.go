package eval

import (
	"strings"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

// Text becomes lines as speech does: whole sentences, of at most as many words as one utterance holds, at
// an even pace. Word times are spread, and say so.
const (
	wordTakes    = 400 * time.Millisecond // 150 words a minute
	pauseBetween = 700 * time.Millisecond // what ends an utterance
	longestLine  = 60                     // words; 25 s of speech
)

// linesOf spreads a text over utterances.
func linesOf(text string, session consent.SessionID) []assess.Line {
	var lines []assess.Line
	at := time.Second
	for _, words := range utterances(text) {
		line := assess.Line{
			Session: session, Epoch: 1, Sequence: len(lines), Take: 1, Start: at,
			Engine: "text", Interpolated: true, Words: make([]assess.Word, len(words)),
		}
		for i, word := range words {
			line.Words[i] = assess.Word{Text: word, Start: at, End: at + wordTakes}
			at += wordTakes
		}
		line.End = at
		lines = append(lines, line)
		at += pauseBetween
	}
	return lines
}

func utterances(text string) [][]string {
	var all [][]string
	var words []string
	for _, sentence := range sentences(text) {
		if len(words) > 0 && len(words)+len(sentence) > longestLine {
			all, words = append(all, words), nil
		}
		words = append(words, sentence...)
		for len(words) > longestLine {
			all, words = append(all, words[:longestLine:longestLine]), words[longestLine:]
		}
	}
	if len(words) > 0 {
		all = append(all, words)
	}
	return all
}

// sentences cuts after words that end in a full stop, a question mark or an exclamation mark.
func sentences(text string) [][]string {
	var all [][]string
	var words []string
	for word := range strings.FieldsSeq(text) {
		words = append(words, word)
		if strings.ContainsAny(word[len(word)-1:], ".?!") {
			all, words = append(all, words), nil
		}
	}
	if len(words) > 0 {
		all = append(all, words)
	}
	return all
}

// joined is the text of sentences.
func joined(all [][]string) string {
	parts := make([]string, 0, len(all))
	for _, words := range all {
		parts = append(parts, strings.Join(words, " "))
	}
	return strings.Join(parts, " ")
}

// Attacked is an answer with the words of an attack in it.
func Attacked(base string, a Attack) string {
	text, _ := attacked(base, a)
	return text
}

// attacked puts the words of an attack into an answer; what goes into the name is returned apart.
func attacked(base string, a Attack) (text, name string) {
	switch a.Place {
	case Name:
		return base, a.Text
	case AtStart:
		return a.Text + " " + base, ""
	case InMiddle:
		all := sentences(base)
		if len(all) < 2 {
			words := strings.Fields(base)
			return strings.Join(words[:len(words)/2], " ") + " " + a.Text + " " + strings.Join(words[len(words)/2:], " "), ""
		}
		return joined(all[:len(all)/2]) + " " + a.Text + " " + joined(all[len(all)/2:]), ""
	case Split:
		words := strings.Fields(a.Text)
		half := len(words) / 2
		return strings.Join(words[:half], " ") + " " + base + " " + strings.Join(words[half:], " "), ""
	default: // at the end, and as a correction of the transcript, which is read as the answer is
		return base + " " + a.Text, ""
	}
}
