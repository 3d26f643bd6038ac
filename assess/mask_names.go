package assess

import (
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"
)

// Names are the words that say who a candidate is, for masking them in what leaves this server. They
// can be neither written as JSON nor printed: they are never part of a request or a log.
type Names struct {
	rare     map[string]bool // folded; masked wherever they stand
	ordinary map[string]bool // folded; also words of their own, like "mark" and "may"
}

const (
	shortestContained = 5 // letters of a name that is found inside a longer word
	shortestSpelled   = 3 // letters of a name that is found spelled out
)

// NamesOf takes a name and a mail address apart.
func NamesOf(displayName, email string) Names {
	n := Names{rare: map[string]bool{}, ordinary: map[string]bool{}}
	n.addAll(displayName)
	local, domain, _ := strings.Cut(email, "@")
	n.addAll(local)
	labels := strings.Split(domain, ".")
	if name := strings.Join(labels, "."); !mailProviders[name] && len(labels) > 1 {
		for _, label := range labels[:len(labels)-1] { // the last one is a country or "com"
			n.addAll(label)
		}
	}
	return n
}

// addAll adds the parts of a text, their letters without the digits around them, and the whole of it.
func (n Names) addAll(text string) {
	pieces := foldedPieces(text)
	for _, piece := range pieces {
		n.add(piece)
		n.add(strings.Trim(piece, "0123456789"))
	}
	n.add(strings.Join(pieces, ""))
}

func (n Names) add(name string) {
	switch {
	case utf8.RuneCountInString(name) < 2 && !ideographic(name), strings.Trim(name, "0123456789") == "":
	case ordinaryWords[name]:
		n.ordinary[name] = true
	default:
		n.rare[name] = true
	}
}

// ideographic: in these scripts one sign can be a name, and a text has no spaces.
func ideographic(name string) bool {
	for _, r := range name {
		if r >= 0x2E80 {
			return true
		}
	}
	return false
}

// MarshalJSON refuses.
func (Names) MarshalJSON() ([]byte, error) {
	return nil, fmt.Errorf("names are for masking and are never written anywhere")
}

// String and GoString show nothing.
func (Names) String() string { return "names" }

// GoString shows nothing.
func (Names) GoString() string { return "names" }

// LogValue shows nothing.
func (Names) LogValue() slog.Value { return slog.StringValue("names") }

// maskOwn masks the candidate's own names: as they are, inside longer words, spelled out, cut in two by
// a machine that did not know them, and one letter off.
func (n Names) maskOwn(tokens []token) {
	for i := range tokens {
		if t := &tokens[i]; n.holdsRare(t) {
			t.cover(maskName)
			t.rareName = true
		}
	}
	n.maskJoined(tokens)
	n.maskSpelled(tokens)
	for i := range tokens {
		if t := &tokens[i]; n.holdsOrdinary(t) && (t.capital && !t.first || besideName(tokens, i)) {
			t.cover(maskName)
		}
	}
}

func (n Names) holdsRare(t *token) bool {
	if n.rare[t.bare] {
		return true
	}
	for _, piece := range t.pieces {
		if n.rare[piece] {
			return true
		}
	}
	for name := range n.rare {
		length := utf8.RuneCountInString(name)
		if (length >= shortestContained || ideographic(name)) && strings.Contains(t.bare, name) {
			return true
		}
		if length >= shortestContained && t.capital && oneOff(t.bare, name) {
			return true
		}
	}
	return false
}

func (n Names) holdsOrdinary(t *token) bool {
	for _, piece := range t.pieces {
		if n.ordinary[piece] {
			return true
		}
	}
	return n.ordinary[t.bare]
}

func besideName(tokens []token, i int) bool {
	return i > 0 && tokens[i-1].rareName || i+1 < len(tokens) && tokens[i+1].rareName
}

// maskJoined finds names that were written down as two or three words.
func (n Names) maskJoined(tokens []token) {
	for i := range tokens {
		for _, words := range []int{2, 3} {
			part := tokens[i:min(i+words, len(tokens))]
			if joined := joinBare(part); utf8.RuneCountInString(joined) >= shortestContained && n.rare[joined] {
				coverAll(part, maskName)
			}
		}
	}
}

func joinBare(tokens []token) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString(t.bare)
	}
	return b.String()
}

// maskSpelled finds names in runs of single letters.
func (n Names) maskSpelled(tokens []token) {
	for from := 0; from < len(tokens); from++ {
		to := from
		for to < len(tokens) && utf8.RuneCountInString(tokens[to].bare) == 1 {
			to++
		}
		spelled := joinBare(tokens[from:to])
		for name := range n.rare {
			if utf8.RuneCountInString(name) >= shortestSpelled && strings.Contains(spelled, name) {
				coverAll(tokens[from:to], maskName)
			}
		}
		from = max(from, to-1)
	}
}

func coverAll(tokens []token, with string) {
	for i := range tokens {
		tokens[i].cover(with)
	}
}

// oneOff: the two begin alike and differ by one letter that is another, too many or missing.
func oneOff(a, b string) bool {
	x, y := []rune(a), []rune(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(x) == 0 || x[0] != y[0] || len(y)-len(x) > 1 {
		return false
	}
	at := 0
	for at < len(x) && x[at] == y[at] {
		at++
	}
	if len(x) == len(y) {
		return string(x[min(at+1, len(x)):]) == string(y[min(at+1, len(y)):])
	}
	return string(x[at:]) == string(y[at+1:])
}
