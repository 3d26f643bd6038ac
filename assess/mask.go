package assess

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// What stands in a request for a word that says who somebody is. One mark stands for one word, so that
// a model's word ranges fit the stored words.
const (
	maskName    = "[name]"
	maskContact = "[contact]" // addresses, links, handles
	maskNumber  = "[number]"
	maskSchool  = "[school]"
	maskCode    = "[code]" // keys, hashes, tokens
)

// token is one word on its way out.
type token struct {
	text     string
	bare     string   // letters and digits only, folded
	pieces   []string // the same, cut where the word has another sign inside: "smith-jones" is two
	capital  bool     // begins like a name: one capital, then something smaller
	caps     bool     // capitals only, at least two
	first    bool     // the first word of a sentence, which says nothing by its capital
	last     bool     // a sentence or a part of one ends after it
	mask     string   // "" for a word that may leave as it is
	rareName bool     // masked as one of the candidate's own names that is no ordinary word
}

// mask returns what may leave of the words of lines that belong together, line by line. It looks at all
// of them as one text, because names and numbers run on over the end of an utterance. A word is never
// left out or added.
func (n Names) mask(lines []Line) [][]string {
	var tokens []token
	for _, line := range lines {
		for _, w := range line.Words {
			tokens = append(tokens, newToken(w.Text, len(tokens) == 0 || tokens[len(tokens)-1].ends()))
		}
	}
	for _, pass := range []func([]token){
		maskWritten, maskDigits, maskSpokenAddresses, maskHandles, maskIntroductions, maskPeople, maskSchools, n.maskOwn,
	} {
		pass(tokens)
	}
	out := make([][]string, len(lines))
	for i, line := range lines {
		for _, t := range tokens[:len(line.Words)] {
			out[i] = append(out[i], t.leaving())
		}
		tokens = tokens[len(line.Words):]
	}
	return out
}

// maskIn masks the words of one line by what the lines around it say too: a name may begin in one utterance and
// end in the next. The lines are in the order of time and hold the line; if they do not, it is masked alone.
func (n Names) maskIn(around []Line, line Line) []string {
	at := slices.IndexFunc(around, func(l Line) bool { return l.Ref() == line.Ref() && len(l.Words) == len(line.Words) })
	if at < 0 {
		return n.mask([]Line{line})[0]
	}
	near := around[max(0, at-1):min(len(around), at+2)]
	return n.mask(near)[at-max(0, at-1)]
}

func newToken(text string, first bool) token {
	text = visible(text)
	t := token{text: text, first: first, pieces: foldedPieces(text)}
	t.bare = strings.Join(t.pieces, "")
	var letters, upper int
	for _, r := range text {
		if !unicode.IsLetter(r) {
			continue
		}
		letters++
		if unicode.IsUpper(r) || unicode.IsTitle(r) {
			upper++
			t.capital = t.capital || letters == 1
		}
	}
	t.caps = upper == letters && letters > 1
	t.capital = t.capital && !t.caps
	t.last = strings.ContainsAny(lastSign(text), ".,;:!?")
	return t
}

// ends: a whole sentence ends after the word. The full stop of "Dr." ends none.
func (t *token) ends() bool {
	return strings.ContainsAny(lastSign(t.text), ".!?") && !t.is(shortTitles)
}

// mayName: the word can be one of a name. Of the words that are none, those with a capital inside a sentence can:
// "Will", "May". "I" has one everywhere.
func (t *token) mayName() bool {
	return !t.is(notNames) || t.capital && !t.first && !t.is(selfWords)
}

func lastSign(text string) string {
	text = strings.TrimRight(text, `"'”’)]`)
	if text == "" {
		return ""
	}
	return text[len(text)-1:]
}

// cover masks a word unless that was done before.
func (t *token) cover(with string) {
	if t.mask == "" {
		t.mask = with
	}
}

// leaving is what is sent. The signs after a masked word stay, because they carry the sentence.
func (t *token) leaving() string {
	if t.mask == "" {
		return t.text
	}
	return t.mask + t.text[len(strings.TrimRight(t.text, ".,;:!?")):]
}

// is reports whether the word, without signs, is one of those listed.
func (t *token) is(list map[string]bool) bool { return list[t.bare] }

// visible drops what a reader cannot see: a model reads it, and so it could hold a name or an
// instruction (Unicode tag characters do).
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r >= utf8.RuneSelf && unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs) {
			return -1
		}
		return r
	}, text)
}

// folded returns the letters and digits of a text in lower case without accents, so that "LÓPEZ" is
// "lopez" and "Ｌｏｐｅｚ" too.
func folded(text string) string { return strings.Join(foldedPieces(text), "") }

func foldedPieces(text string) []string {
	text = foldSpecial.Replace(strings.ToLower(norm.NFKD.String(visible(text))))
	bare := strings.Map(func(r rune) rune {
		switch {
		case r >= utf8.RuneSelf && unicode.Is(unicode.Mn, r):
			return -1
		case unicode.IsLetter(r), unicode.IsDigit(r):
			return r
		default:
			return ' '
		}
	}, text)
	return strings.Fields(bare)
}

// foldSpecial: letters that Unicode does not take apart.
var foldSpecial = strings.NewReplacer("ß", "ss", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "æ", "ae", "œ", "oe", "ı", "i")
