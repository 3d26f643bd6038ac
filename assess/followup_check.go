package assess

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a model may ask is checked here: how a question looks, that it is about the answer, and that it is about
// nothing that no interview is about. Leaving out too much is better than too little: the bank's probe is asked
// then. What is said of an unusable question goes back to the model once.

const (
	shortestFollowUp = 20  // characters
	longestFollowUp  = 200 // characters
	// askedAlready is how much of two questions' words may be the same, in hundredths of the words of both.
	askedAlready = 70
	// givenAway is how many words in a row of what levels are described by a question may not have.
	givenAway = 5
	// stemLetters: words that begin with as many the same letters are taken for forms of one word.
	stemLetters = 5
)

func (f toFollowUp) check(question, about string) error {
	refuse := func(why string) error { return fmt.Errorf("%w: the question %s", errUnusable, why) }
	n := utf8.RuneCountInString(question)
	switch {
	case n < shortestFollowUp || n > longestFollowUp:
		return refuse(fmt.Sprintf("has not %d to %d characters", shortestFollowUp, longestFollowUp))
	case !plainQuestion(question):
		return refuse("is not one plain sentence that ends in a question mark")
	case !toCandidate(question):
		return refuse("is not put to the candidate")
	case banned(question), private(question):
		return refuse("is about what no interview may ask or judge")
	case givesAway.MatchString(piecesOf(question)), f.recites(question):
		return refuse("says what an answer should hold, or praises, or speaks of instructions")
	case f.asked(question):
		return refuse("was asked already")
	case !sharesWord(question, about) && !sharesWord(question, f.question.Text):
		return refuse("has no word of what it asks about")
	}
	if _, _, flagged := newSentence(saidIn([]Line{{Words: wordsOf(question)}})).find(false); flagged {
		return refuse("speaks to whoever rates")
	}
	return newSource(append(f.flagged.leaving(f.names, f.lines), f.question.Text)...).check(question)
}

// plainQuestion: one sentence of Latin letters, digits and the signs that a sentence is written with.
func plainQuestion(text string) bool {
	body, asks := strings.CutSuffix(text, "?")
	if !asks || !utf8.ValidString(text) || visible(text) != text || strings.Contains(body, ". ") {
		return false
	}
	first, _ := utf8.DecodeRuneInString(body)
	foreign := func(r rune) bool {
		digit := '0' <= r && r <= '9'
		return !digit && !unicode.Is(unicode.Latin, r) && !strings.ContainsRune(" ,'’\"“”()-–—/.%&+#$€£", r)
	}
	return unicode.IsUpper(first) && !strings.ContainsFunc(body, foreign)
}

// toCandidate: it speaks to the candidate, and of nobody as "I" or "we".
func toCandidate(question string) bool {
	pieces := foldedPieces(question)
	to := func(piece string) bool {
		return piece == "you" || piece == "your" || piece == "yours" || piece == "yourself"
	}
	return slices.ContainsFunc(pieces, to) && !slices.ContainsFunc(pieces, func(piece string) bool { return firstPerson[piece] })
}

// firstPerson is without "we're", which reads like "were" once signs are taken out.
var firstPerson = wordSet(`i im ive id me my mine myself we us our ours`)

// givesAway: what a good answer would be, praise, and talk of instructions, folded.
var givesAway = regexp.MustCompile(`(?:^| )(?:(?:good|great|strong|strongest|better|best|ideal|perfect|complete|full|top|right|correct|expected) (?:answers?|responses?)|level (?:\d|one|two|three|four|five)|` +
	`(?:good|great|nice|fine|super|solid) (?:job|work|plan|point|story|example|idea|thinking|move|call)|that (?:was|is|sounds|sounded) (?:(?:an?|really|very|so|quite|pretty) ){0,2}(?:good|great|nice|fine|smart|clever|solid|cool)|` +
	`rubrics?|competenc(?:y|ies)|star (?:method|format)|well done|congratulations|excellent|brilliant|fantastic|awesome|amazing|outstanding|wonderful|impress\w*|how great|` +
	`(?:system|hidden|secret|initial|previous|above|your) (?:prompts?|instructions?)|language models?|as an ai)(?: |$)`)

// recites: it has a run of words of an anchor or of an example, which neither the question nor the answer has.
func (f toFollowUp) recites(question string) bool {
	known := newSource(append(f.flagged.leaving(f.names, f.lines), f.question.Text)...)
	texts := []string{f.question.Example, f.question.NearMiss}
	for _, c := range f.competencies {
		texts = append(texts, c.Definition, c.Example, c.NearMiss)
		for level := MinLevel; level <= MaxLevel; level++ {
			texts = append(texts, c.Anchors[level])
		}
	}
	written, pieces := newSource(texts...), foldedPieces(question)
	for at := range max(0, len(pieces)-givenAway+1) {
		run := strings.Join(pieces[at:at+givenAway], " ")
		if written.has(run) && !known.has(run) {
			return true
		}
	}
	return false
}

func (s source) has(run string) bool { return strings.Contains(string(s), " "+run+" ") }

// asked: it is the bank's question or one of its probes, in nearly the same words.
func (f toFollowUp) asked(question string) bool {
	words := wordSet(piecesOf(question))
	return slices.ContainsFunc(append([]string{f.question.Text}, f.question.Probes...), func(text string) bool {
		all, both := wordSet(piecesOf(text)), 0
		for word := range words {
			if all[word] {
				both++
			}
			all[word] = true
		}
		return 100*both >= askedAlready*len(all)
	})
}

// sharesWord: the question has a word of the text, or a form of it, that says something by itself.
func sharesWord(question, text string) bool {
	said := tellingPieces(text)
	return slices.ContainsFunc(tellingPieces(question), func(word string) bool {
		return slices.ContainsFunc(said, func(other string) bool {
			return word == other || len(word) > stemLetters && len(other) > stemLetters && word[:stemLetters] == other[:stemLetters]
		})
	})
}

// tellingPieces leaves out the words that every text has, and marks of words that were taken out.
func tellingPieces(text string) (pieces []string) {
	for word := range strings.FieldsSeq(text) {
		if strings.HasPrefix(word, "[") {
			continue
		}
		for _, piece := range foldedPieces(word) {
			if len(piece) > 2 && !commonEnglish[piece] && !fillWords[piece] && !askingWords[piece] {
				pieces = append(pieces, strings.TrimSuffix(piece, "s"))
			}
		}
	}
	return pieces
}

// askingWords stand in many questions and answers, and say nothing about what they are about.
var askingWords = wordSet(`did was had has have does done doing get got make made went came come one two any all very really just also
	well then much many say said tell told know knew think thought want wanted need needed way lot kind sort thing like good`)

func piecesOf(text string) string { return strings.Join(foldedPieces(text), " ") }

func wordsOf(text string) (words []Word) {
	for word := range strings.FieldsSeq(text) {
		words = append(words, Word{Text: word})
	}
	return words
}
