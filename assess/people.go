package assess

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// LongestWhy bounds the sentence that a person gives with a level, in characters.
const LongestWhy = 400

// PersonRating is a rating by a person of an organization that the candidate let see the answer. Who of the
// organization it was is not part of it.
type PersonRating struct {
	Rating       Rating // by [RaterHuman]
	Organization string
	Yours        bool   // given by whoever reads it
	Why          string // a sentence of the person's; empty where there is none or the reader may not see it
}

// Why PlainText refuses a text.
var (
	ErrTextTooLong  = errors.New("the text is too long")
	ErrTextNotPlain = errors.New("the text has characters that are not plain text")
)

// PlainText trims what a person typed and checks it: UTF-8, in one line, of at most so many characters, without
// anything that cannot be seen, such as marks that turn the direction of writing.
func PlainText(text string, most int) (string, error) {
	if len(text) > most*utf8.UTFMax {
		return "", ErrTextTooLong
	}
	if !utf8.ValidString(text) {
		return "", ErrTextNotPlain
	}
	text = strings.TrimSpace(text)
	for _, r := range text {
		if r != ' ' && !unicode.IsGraphic(r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || r == utf8.RuneError {
			return "", ErrTextNotPlain
		}
	}
	if utf8.RuneCountInString(text) > most {
		return "", ErrTextTooLong
	}
	return text, nil
}
