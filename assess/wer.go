package assess

import (
	"strings"
	"unicode"
)

// WordErrors is how far recognised text is from what was said.
type WordErrors struct {
	Errors int // words to change, add or drop
	Words  int // that were said
}

// Rate returns the word error rate, which is above 1 where more was made up than said; 0 for nothing
// said and nothing recognised.
func (w WordErrors) Rate() float64 {
	if w.Words == 0 {
		return float64(w.Errors)
	}
	return float64(w.Errors) / float64(w.Words)
}

// Plus adds up the counts of two texts.
func (w WordErrors) Plus(other WordErrors) WordErrors {
	return WordErrors{Errors: w.Errors + other.Errors, Words: w.Words + other.Words}
}

// CountWordErrors compares texts word by word (Levenshtein), without regard to case, punctuation and
// hyphens; "Mr." counts as "mister". It takes time in proportion to the product of both lengths.
func CountWordErrors(said, recognised string) WordErrors {
	want, got := plainWords(said), plainWords(recognised)
	costs := make([]int, len(got)+1) // of turning the words so far into got[:i]
	for i := range costs {
		costs[i] = i
	}
	for _, word := range want {
		diagonal := costs[0]
		costs[0]++
		for i, other := range got {
			change := diagonal
			if word != other {
				change++
			}
			diagonal = costs[i+1]
			costs[i+1] = min(change, costs[i]+1, costs[i+1]+1)
		}
	}
	return WordErrors{Errors: costs[len(got)], Words: len(want)}
}

// plainWords splits text into words of letters, digits and apostrophes, in lower case.
func plainWords(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\''
	})
	plain := words[:0]
	for _, word := range words {
		switch word = strings.Trim(word, "'"); word {
		case "":
		case "mr":
			plain = append(plain, "mister")
		default:
			plain = append(plain, word)
		}
	}
	return plain
}
