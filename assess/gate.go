package assess

import (
	"strings"
	"unicode"
)

// Whether an answer can be rated at all is decided here, before any model is asked, so that a model never
// makes a level of what nobody could rate: here by the words, in hearing.go by how well they could be heard.

const (
	// fewestWordsToRate is the least an answer must have for a level to mean anything.
	fewestWordsToRate = 15
	// fewestWordsToTell is the least in which a language can be told by its most common words.
	fewestWordsToTell = 20
	// In hundredths of the words: English has 30 to 45 of [commonEnglish] where it is spoken in sentences, and
	// hardly any where it is terse or full of terms. Therefore few of them are not enough to call an answer
	// foreign: it must also have many that another language cannot do without.
	mostEnglish  = 8
	leastForeign = 15
	// fewestLetters is the least in which a script can be told.
	fewestLetters = 20
)

// The reasons are read by candidates: what is the matter, and what helps.
const (
	reasonNoWords       = "No words of this answer were written down, so there is nothing to rate. Check the microphone before the next interview, and watch the captions while you speak."
	reasonFewWords      = "The answer has too few words to be rated: it takes at least 15. Answer the question again in another interview, and say what you did and what came of it."
	reasonFewLeft       = "Some words of this answer speak to whoever rates it. What is left without them is too little to be rated, so there is no level. Answer the question again in another interview, and say what you did and what came of it; if those words belong to your answer, contest this."
	reasonOtherLanguage = "The answer does not seem to be in English, and the descriptions of the levels are made for answers in English. Answer the question again in English, or rate this answer yourself."
)

// gate returns why an answer gets no level, in a sentence for the candidate; empty where it can get one. Where both
// the words and the sound are a reason, the sound is: it explains the words.
func gate(flagged flaggedWords, lines []Line, heard hearing) string {
	if reason := heard.unassessable(); reason != "" {
		return reason
	}
	return flagged.unassessable(lines)
}

// unassessable returns why no level can be given to what was said, in a sentence for the candidate; empty
// where one can.
func unassessable(lines []Line) string {
	words := 0
	for _, line := range lines {
		words += len(line.Words)
	}
	switch {
	case words == 0:
		return reasonNoWords
	case foreignScript(lines):
		return reasonOtherLanguage // before the words: some scripts have no spaces between them
	case words < fewestWordsToRate:
		return reasonFewWords
	case foreignWords(lines, words):
		return reasonOtherLanguage
	default:
		return ""
	}
}

// foreignScript: most letters are not Latin ones.
func foreignScript(lines []Line) bool {
	latin, other := 0, 0
	for _, line := range lines {
		for _, word := range line.Words {
			for _, r := range word.Text {
				switch {
				case unicode.Is(unicode.Latin, r):
					latin++
				case unicode.IsLetter(r):
					other++
				}
			}
		}
	}
	return latin+other >= fewestLetters && other > latin
}

// foreignWords: the words that English cannot do without are hardly there, and those of another language are.
func foreignWords(lines []Line, words int) bool {
	if words < fewestWordsToTell {
		return false
	}
	english, foreign := 0, 0
	for _, line := range lines {
		for _, word := range line.Words {
			stem, _, _ := strings.Cut(strings.ReplaceAll(bareWord(word.Text), "’", "'"), "'") // it's, l'équipe
			if commonEnglish[stem] {
				english++
			}
			if commonElsewhere[stem] {
				foreign++
			}
		}
	}
	return 100*english < mostEnglish*words && 100*foreign >= leastForeign*words
}

// commonEnglish holds words that every English speaker uses all the time, without those that are as common in
// another language that is written with Latin letters: no "in", "was", "we", "have", "at", "i", "do", "so".
var commonEnglish = wordSet(`the and to that it my with this they them their you your our of for on is be
	because then there from which what when how who would could should did if but not by are were if can
	about into after before than more each just these those its me`)

// commonElsewhere is the same for Spanish, Portuguese, French, Italian, German, Dutch, Polish, Swedish and
// Turkish, without words that are also English ones.
var commonElsewhere = wordSet(`el la los las un una unos y en que con por para como muy mi se lo su al del de pero más cuando
	os uma um e com não meu minha ao na nas nos dos das eu foi mas muito quando
	le les des et est une du dans pour pas je il nous vous ne sur avec mon ma mes ce qui au aux l d j qu c
	gli che di non per io ho è sono della nel mio mia ed
	der die und ist nicht ich wir ein eine einen mit zu dem von auf für es sich habe hatte haben dann auch als wie mein
	het een van ik niet met voor zijn hij dat maar heb mijn dan ook wij op
	w z nie się że jest jak ale był byłem mam po
	och att det som jag är av för på inte har till var vi
	ve bir bu için çok ben ama daha gibi ile olarak`)
