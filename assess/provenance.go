package assess

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Where a model's own sentences come from is checked before they are kept: they are the one free text
// that comes back, so whatever talked the model into something would show here.

// source is what a model was given to write about: the masked answer, the question, the anchors.
type source string

// newSource joins texts in the form that quotes are looked for in.
func newSource(texts ...string) source {
	var pieces []string
	for _, text := range texts {
		pieces = append(pieces, foldedPieces(text)...)
	}
	return source(" " + strings.Join(pieces, " ") + " ")
}

var (
	markupPattern = regexp.MustCompile("(?i)<[a-z/!?]|&(?:#\\d+|#x[0-9a-f]+|[a-z]+);|\\]\\(|```|(?:javascript|data|vbscript):")
	quotePattern  = regexp.MustCompile(`"([^"]*)"|“([^”]*)”|„([^“”]*)[“”]|«([^»]*)»|‹([^›]*)›|‘(.*?)’(?:\W|$)|(?:^|[\s(])'(.+?)'(?:[^\p{L}\p{N}]|$)`)
	gapPattern    = regexp.MustCompile(`\.{3}|…|\[…\]`)
)

// check refuses a sentence that holds markup, an address or a link, signs that nobody sees, or a quote
// of something that nobody said. What it says about an unusable sentence goes back to the model once.
func (s source) check(sentence string) error {
	switch {
	case utf8.RuneCountInString(sentence) > longestSentence:
		return fmt.Errorf("%w: a sentence has more than %d characters", errUnusable, longestSentence)
	case visible(sentence) != sentence || !utf8.ValidString(sentence):
		return fmt.Errorf("%w: a sentence has signs that are not visible", errUnusable)
	case markupPattern.MatchString(sentence):
		return fmt.Errorf("%w: a sentence has markup in it", errUnusable)
	case hasContact(sentence):
		return fmt.Errorf("%w: a sentence has a link or an address in it", errUnusable)
	}
	for _, quote := range Quotes(sentence) {
		said := strings.Join(FoldedWords(quote), " ")
		if said != "" && !strings.Contains(string(s), " "+said+" ") {
			return fmt.Errorf("%w: a sentence quotes words that are not in the answer", errUnusable)
		}
	}
	return nil
}

// Quotes returns what stands between quotation marks of any kind in a sentence, in parts where words were left out.
func Quotes(sentence string) []string {
	var parts []string
	for _, quote := range quotePattern.FindAllStringSubmatch(sentence, -1) {
		parts = append(parts, gapPattern.Split(strings.Join(quote[1:], ""), -1)...)
	}
	return parts
}

// FoldedWords returns the words of a text as quotes are compared: letters and digits in lower case, without accents,
// cut at every other sign.
func FoldedWords(text string) []string { return foldedPieces(text) }

func hasContact(sentence string) bool {
	for word := range strings.FieldsSeq(sentence) {
		if strings.Contains(norm1(word), "@") || linkPattern.MatchString(word) || isDomain(word) || isAddress(word) {
			return true
		}
	}
	return false
}
