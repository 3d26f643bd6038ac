package assess

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// A candidate may paste a résumé and a job description. They choose among the bank's questions and do
// nothing else: no model reads them, nothing of them is kept, and a plan holds only the questions. What is
// looked for are the bank's own words, so that whatever a text says, it can ask for nothing.

// MostTailorText is the longest text that is looked at, in bytes.
const MostTailorText = 100_000

// Tailoring is what a pasted text has to do with a role.
type Tailoring struct {
	Words  []string       // the bank's words that the text has, as the bank writes them, the most telling first
	Prefer map[string]int // by question id: how much it has to do with the text, from 1
}

const (
	termWeight = 3 // a technical term says more than a word
	wordWeight = 1
	mostFit    = 12 // a question that lists many terms is not preferred for that alone
	shortest   = 5  // letters of a word that says something by itself
)

// Role returns the role with the id, and false if the bank has none.
func (b Bank) Role(id string) (Role, bool) {
	i := slices.IndexFunc(b.Roles, func(r Role) bool { return r.ID == id })
	if i < 0 {
		return Role{}, false
	}
	return b.Roles[i], true
}

// Tailor looks for the words of the role's questions in a text. What is beyond [MostTailorText] is not
// looked at.
func (b Bank) Tailor(role Role, text string) Tailoring {
	text = strings.ToValidUTF8(text[:min(len(text), MostTailorText)], "")
	has := newPhrases(text)
	found := Tailoring{Prefer: map[string]int{}}
	common := commonWords(role.Questions)
	weight := map[string]int{}
	for _, q := range role.Questions {
		fit := 0
		for _, term := range q.Terms {
			if has.phrase(term) {
				fit += termWeight
				weight[term] += termWeight
			}
		}
		for word := range b.tellingWords(q) {
			if !common[word] && has.phrase(word) {
				fit += wordWeight
				weight[word] += wordWeight
			}
		}
		if fit > 0 {
			found.Prefer[q.ID] = min(fit, mostFit)
		}
	}
	for word := range weight {
		found.Words = append(found.Words, word)
	}
	slices.SortFunc(found.Words, func(a, b string) int {
		return cmp.Or(cmp.Compare(weight[b], weight[a]), cmp.Compare(strings.ToLower(a), strings.ToLower(b)))
	})
	return found
}

// tellingWords are those of a question and of the names of its competencies that are long enough to say
// something by themselves.
func (b Bank) tellingWords(q Question) map[string]bool {
	words := map[string]bool{}
	texts := []string{q.Text}
	for _, id := range q.Competencies {
		texts = append(texts, b.Competencies[id].Name)
	}
	for _, text := range texts {
		for _, word := range bareWords(text) {
			if len(word) >= shortest && !fillWords[word] {
				words[word] = true
			}
		}
	}
	return words
}

// commonWords are those in more than a third of the questions: they tell none of them from another.
func commonWords(questions []Question) map[string]bool {
	count := map[string]int{}
	for _, q := range questions {
		seen := map[string]bool{}
		for _, word := range bareWords(q.Text) {
			if !seen[word] {
				seen[word] = true
				count[word]++
			}
		}
	}
	common := map[string]bool{}
	for word, n := range count {
		common[word] = 3*n > len(questions) && len(questions) > 3
	}
	return common
}

// fillWords are longer words of questions that say nothing about work.
var fillWords = map[string]bool{
	"about": true, "after": true, "again": true, "before": true, "could": true, "describe": true, "explain": true,
	"first": true, "happened": true, "other": true, "person": true, "should": true, "somebody": true, "someone": true,
	"something": true, "their": true, "there": true, "these": true, "thing": true, "things": true, "those": true,
	"through": true, "times": true, "until": true, "where": true, "which": true, "while": true, "would": true,
	"yourself": true, "people": true, "asked": true, "wrong": true, "right": true, "choose": true, "decide": true,
}

// phrases answers whether a text has a word or several in a row, without regard to case, punctuation and a
// plural s.
type phrases string

func newPhrases(text string) phrases {
	return phrases(" " + strings.Join(bareWords(text), " ") + " ")
}

func (p phrases) phrase(term string) bool {
	words := bareWords(term)
	return len(words) > 0 && strings.Contains(string(p), " "+strings.Join(words, " ")+" ")
}

// bareWords are the words of a text in lower case, without punctuation but for what names are written
// with ("c++", "c#"), and without a plural s.
func bareWords(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '+' && r != '#'
	})
	for i, word := range words {
		if len(word) > 3 && strings.HasSuffix(word, "s") && !strings.HasSuffix(word, "ss") {
			words[i] = strings.TrimSuffix(word, "s")
		}
	}
	return words
}
