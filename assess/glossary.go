package assess

import (
	_ "embed" // the list of ordinary words
	"slices"
	"strings"
	"sync"
	"unicode"
)

// Speech engines write technical terms as words that sound like them: "post gress" for PostgreSQL. Where a
// question names its terms, such words are repaired. A wrong repair puts words into somebody's mouth, a missed one
// only leaves what was heard, so that whatever could be ordinary English is left alone.
const (
	widestTerm     = 4  // heard words that may be one term
	leastForm      = 5  // letters of a term that something may sound like; a shorter one must be spelled
	leastFreeForm  = 7  // letters of a term of which more than one may be another
	leastKey       = 3  // sounds that two words must have in common
	leastLooseForm = 9  // letters of a term of which a sound may be another
	leastLooseKey  = 5  // of so many sounds
	sureOfWord     = 85 // hundredths of confidence from which a word is left alone that only sounds like a term
	mostHeardWords = 2000
)

// everydayWords are words that are never taken for a term: the whole words of the local engine's vocabulary that
// occur in English documentation, without names of products. A few are no words; they only make repairs fewer.
//
//go:embed glossary_words.txt
var everydayWordList string

var everydayWords = sync.OnceValue(func() map[string]bool {
	words := make(map[string]bool, 7000)
	for word := range strings.FieldsSeq(everydayWordList) {
		words[word] = true
	}
	return words
})

// repairTerms writes terms in place of the words that stand for them; Heard says what these were. The words it is
// given stay as they are.
func repairTerms(words []Word, terms []string) []Word {
	if len(terms) == 0 || len(words) > mostHeardWords {
		return words
	}
	glossary := readGlossary(terms)
	repaired := make([]Word, 0, len(words))
	for at := 0; at < len(words); {
		term, width := glossary.find(words[at:])
		if width == 0 {
			repaired = append(repaired, words[at])
			at++
			continue
		}
		repaired = append(repaired, termIn(term, words[at:at+width])...)
		at += width
	}
	return repaired
}

// termIn puts a term in the place of words, with the punctuation around them.
func termIn(term string, heard []Word) []Word {
	first, last := heard[0].Text, heard[len(heard)-1].Text
	text := first[:strings.IndexFunc(first, isLetter)] + term + last[strings.LastIndexFunc(last, isLetter)+lastWidth(last):]
	words := interpolateWords(text, heard[0].Start, heard[len(heard)-1].End)
	for i := range words {
		words[i].Heard = wordsText(heard)
		words[i].Confidence = lowest(heard)
	}
	return words
}

func lettersOf(words []Word) string { return string(bareLetters(wordsText(words))) }

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// lastWidth returns how many bytes the last letter has.
func lastWidth(text string) int {
	rest := text[strings.LastIndexFunc(text, isLetter):]
	for i := range rest {
		if i > 0 {
			return i
		}
	}
	return len(rest)
}

// lowest returns the least confidence; 0 where one is not known.
func lowest(words []Word) float32 {
	least := words[0].Confidence
	for _, word := range words {
		least = min(least, word.Confidence)
	}
	return least
}

// glossary is a question's terms, each by the ways in which it is said.
type glossary []spokenTerm

type spokenTerm struct {
	term     string
	words    []string // its parts, in lower case
	forms    []spokenForm
	everyday bool // engines know it: nothing else is taken for it
}

type spokenForm struct{ letters, key string }

func readGlossary(terms []string) glossary {
	var g glossary
	for _, term := range terms {
		letters := string(bareLetters(term))
		if letters == "" {
			continue
		}
		spoken := []string{letters}
		if stem, ok := strings.CutSuffix(letters, "sql"); ok && len(stem) >= 3 { // PostgreSQL is said in three ways
			spoken = append(spoken, stem+"s", stem+"sequel")
		}
		item := spokenTerm{term: term, words: plainWords(term), everyday: !slices.ContainsFunc(plainWords(term), notOrdinary)}
		for _, form := range spoken {
			item.forms = append(item.forms, spokenForm{form, soundsOf(form)})
		}
		g = append(g, item)
	}
	return g
}

// find returns the term with which the words begin, and how many of them it takes; 0 if there is none.
func (g glossary) find(words []Word) (term string, width int) {
	widest := min(widestTerm, len(words))
	for i := range widest - 1 { // a term does not go on over a comma
		if strings.ContainsAny(words[i].Text, ".,;:?!") && len(bareLetters(words[i].Text)) > 1 {
			widest = i + 1
			break
		}
	}
	for width := widest; width > 0; width-- {
		heard := words[:width]
		letters := lettersOf(heard)
		if lettersOf(heard[:1]) == "" || lettersOf(heard[width-1:]) == "" {
			continue
		}
		for _, item := range g {
			if item.isSpelled(heard, letters) {
				return item.term, width
			}
		}
	}
	for width := 1; width <= widest; width++ {
		if term := g.soundsLike(words[:width]); term != "" {
			return term, width
		}
	}
	return "", 0
}

// isSpelled: the heard letters are those of the term, written in another way that is no ordinary English.
func (t spokenTerm) isSpelled(heard []Word, letters string) bool {
	if !slices.ContainsFunc(t.forms, func(f spokenForm) bool { return f.letters == letters }) || wordsText(heard) == t.term {
		return false
	}
	if len(heard) > 1 {
		spelled := len(heard) == len(letters) && len(letters) >= 3 // letter by letter
		return spelled || !allOrdinary(heard) && len(strings.Fields(t.term)) != len(heard)
	}
	bare := strings.TrimFunc(heard[0].Text, func(r rune) bool { return !isLetter(r) })
	if bare == t.term || t.forms[0].letters != letters { // another way to say it, as one word, is as good
		return false
	}
	capitals := strings.Count(strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return 'A'
		}
		return -1
	}, t.term), "A")
	return capitals > 1 && (!ordinary(letters) || !strings.ContainsAny(letters, "aeiouy"))
}

// soundsLike returns the term that the words sound like, if they are hardly anything else.
func (g glossary) soundsLike(heard []Word) string {
	letters := lettersOf(heard)
	if lettersOf(heard[:1]) == "" || lettersOf(heard[len(heard)-1:]) == "" || allOrdinary(heard) || lowest(heard) >= sureOfWord/100.0 {
		return ""
	}
	key := soundsOf(letters)
	best, least := "", 0
	for _, item := range g {
		if item.everyday || item.holdsAny(heard) {
			continue
		}
		for _, form := range item.forms {
			distance, ok := near(form, letters, key)
			if ok && len(heard) > 1 { // each end must bring it nearer
				ok = distance < editDistance(form.letters, lettersOf(heard[1:])) && distance < editDistance(form.letters, lettersOf(heard[:len(heard)-1]))
			}
			if ok && (best == "" || distance < least) {
				best, least = item.term, distance
			}
		}
	}
	return best
}

// holdsAny: a part of the term was heard as what it is, or another word of its stem, so that the rest is meant too.
func (t spokenTerm) holdsAny(heard []Word) bool {
	return slices.ContainsFunc(heard, func(w Word) bool {
		return slices.ContainsFunc(plainWords(w.Text), func(plain string) bool {
			plain = strings.ReplaceAll(plain, "'", "")
			return slices.ContainsFunc(t.words, func(part string) bool { return related(part, plain) }) ||
				len(heard) == 1 && slices.ContainsFunc(t.forms, func(f spokenForm) bool { return related(f.letters, plain) })
		})
	})
}

// near says how many letters differ, and whether that is few enough for the same word.
func near(form spokenForm, letters, key string) (distance int, ok bool) {
	longer := max(len(letters), len(form.letters))
	if len(form.letters) < leastForm || longer > 3*len(form.letters) {
		return 0, false
	}
	distance = editDistance(form.letters, letters)
	switch {
	case len(key) < leastKey || distance == 0:
		return 0, false
	case len(form.letters) < leastFreeForm:
		return distance, key == form.key && distance == 1
	case key == form.key:
		return distance, 2*distance < longer
	case len(form.letters) >= leastLooseForm && len(key) >= leastLooseKey && key[0] == form.key[0]:
		return distance, editDistance(form.key, key) == 1 && 4*distance <= longer
	}
	return 0, false
}

// wordEndings make other words of the same stem, which are what was said.
var wordEndings = strings.Fields(`s es d ed ing ings er ers or ors ion ions ation ations ence ences ent ents ency ance ances
	ant ants ancy nt nts nce nces ncy al ally ly able ability ment ments ic ics ical ise ize ised ized ises izes ising izing isation ization
	e y ies ied ist ists ism t ts te tes ted ting tion tions tor tors cy ce ces ness less ful est ian ians ive ives`)

// related: two words of one stem, such as idempotent and idempotence.
func related(one, other string) bool {
	stem := 0
	for stem < min(len(one), len(other)) && one[stem] == other[stem] {
		stem++
	}
	isEnding := func(end string) bool { return end == "" || slices.Contains(wordEndings, end) }
	return 2*stem >= max(len(one), len(other)) && isEnding(one[stem:]) && isEnding(other[stem:])
}

func allOrdinary(words []Word) bool {
	return !slices.ContainsFunc(words, func(w Word) bool { return slices.ContainsFunc(plainWords(w.Text), notOrdinary) })
}

func notOrdinary(word string) bool { return !ordinary(word) }

// ordinary: an English word, or one made from it. A word of one or two letters is never what gives a term away.
func ordinary(word string) bool {
	word, _, _ = strings.Cut(word, "'")
	if len(word) <= 2 || everydayWords()[word] {
		return true
	}
	for _, ending := range wordEndings {
		stem, ok := strings.CutSuffix(word, ending)
		if !ok || len(stem) < 3 {
			continue
		}
		doubled := len(stem) > 3 && stem[len(stem)-1] == stem[len(stem)-2]
		if everydayWords()[stem] || everydayWords()[stem+"e"] || everydayWords()[stem+"y"] || doubled && everydayWords()[stem[:len(stem)-1]] {
			return true
		}
	}
	return false
}

// soundsOf writes letters as the sounds that are hard to take for one another: consonants alone, with voiced and
// voiceless ones as one, and a mark for a vowel in front.
func soundsOf(letters string) string {
	var key []byte
	add := func(sound byte) {
		if len(key) == 0 || key[len(key)-1] != sound {
			key = append(key, sound)
		}
	}
	for i := range letters {
		rest := letters[i:]
		next := byte(0)
		if len(rest) > 1 {
			next = rest[1]
		}
		soft := strings.IndexByte("eiy", next) >= 0 && next != 0
		switch c := rest[0]; c {
		case 'a', 'e', 'i', 'o', 'u', 'y':
			if i == 0 {
				add('A')
			}
		case 'h', 'w': // heard with what is beside them or not at all
		case 'p', 'b':
			if c == 'p' && next == 'h' {
				add('F')
			} else {
				add('P')
			}
		case 'f', 'v':
			add('F')
		case 't', 'd':
			if strings.HasPrefix(rest, "tion") || strings.HasPrefix(rest, "tch") {
				add('X')
			} else {
				add('T')
			}
		case 's', 'z':
			if next == 'h' || strings.HasPrefix(rest, "sion") {
				add('X')
			} else {
				add('S')
			}
		case 'c':
			switch {
			case next == 'h':
				add('X')
			case soft:
				add('S')
			default:
				add('K')
			}
		case 'g', 'j':
			if c == 'j' || soft {
				add('X')
			} else {
				add('K')
			}
		case 'k':
			if i > 0 || next != 'n' {
				add('K')
			}
		case 'q':
			add('K')
		case 'x':
			add('K')
			add('S')
		case 'l', 'm', 'n', 'r':
			add(c - 'a' + 'A')
		default: // digits, and letters of other scripts by their bytes
			add(c)
		}
	}
	return string(key)
}

// editDistance counts the letters to change, add or drop.
func editDistance(one, other string) int {
	costs := make([]int, len(other)+1) // of turning what is before i into other[:j]
	for j := range costs {
		costs[j] = j
	}
	for i := range len(one) {
		diagonal := costs[0]
		costs[0]++
		for j := range len(other) {
			change := diagonal
			if one[i] != other[j] {
				change++
			}
			diagonal = costs[j+1]
			costs[j+1] = min(change, costs[j]+1, costs[j+1]+1)
		}
	}
	return costs[len(other)]
}
