package assess

import (
	"slices"
	"strings"
)

// What speech engines make up where nobody speaks: a few words that they hardly believe themselves, or the same
// words again and again.
const (
	shortMadeUp   = 3    // words of a line that may be made up as a whole
	surelyMadeUp  = 0.35 // mean confidence below which so short a line is
	longestLoop   = 6    // words that a loop repeats
	fewestInLoops = 6    // times; nobody says the same words as often in a row
)

// withoutMadeUp drops a line that is made up, and of words that are repeated in a loop all but the first time.
func withoutMadeUp(words []Word) []Word {
	words, looped := withoutLoops(words)
	if looped && len(words) <= longestLoop { // nothing but the loop
		return nil
	}
	if mean, known := meanConfidence(words); known && len(words) <= shortMadeUp && mean < surelyMadeUp {
		return nil
	}
	return words
}

// meanConfidence reports false where that of any word is not known.
func meanConfidence(words []Word) (mean float32, known bool) {
	for _, word := range words {
		if word.Confidence == 0 {
			return 0, false
		}
		mean += word.Confidence / float32(len(words))
	}
	return mean, len(words) > 0
}

// withoutLoops keeps what is repeated once. It takes time in proportion to the words.
func withoutLoops(words []Word) (kept []Word, looped bool) {
	plain := make([]string, len(words))
	for i, word := range words {
		plain[i] = strings.Join(plainWords(word.Text), " ")
	}
	kept = words
	for length := 1; length <= longestLoop; length++ {
		for at := 0; at+length*fewestInLoops <= len(plain); at++ {
			times := 1
			for end := at + (times+1)*length; end <= len(plain) && slices.Equal(plain[at:at+length], plain[end-length:end]); end += length {
				times++
			}
			if times < fewestInLoops {
				continue
			}
			again := at + length
			kept = slices.Delete(slices.Clone(kept), again, at+times*length)
			plain = slices.Delete(plain, again, at+times*length)
			looped = true
		}
	}
	return kept, looped
}
