package assess

import "slices"

// settling finds the part of a growing text that may be shown as settled: the words on which two guesses in a
// row agree (LocalAgreement-2 of Macháček, Dabre and Bojar, Turning Whisper into Real-Time Transcription System,
// 2023). Once settled a word never changes; the last one of a guess is never settled, because it may be half
// a word yet. The zero value is ready for an utterance.
type settling struct {
	settled []string
	open    []string // the rest of the guess before
}

// take adds a guess at everything said so far, and returns the settled words and the rest of the guess.
func (a *settling) take(words []Word) (settled, rest []string) {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = word.Text
	}
	texts = texts[a.behind(texts):]
	agreed := 0
	for agreed < min(len(a.open), len(texts)-1) && samePlain(a.open[agreed], texts[agreed]) {
		agreed++
	}
	a.settled = append(a.settled, texts[:agreed]...)
	a.open = texts[agreed:]
	return a.settled, a.open
}

// behind returns where in a guess the words go on that are not settled yet: after the beginning that is least
// unlike the settled words, by words to change, add or drop.
func (a *settling) behind(texts []string) int {
	costs := make([]int, len(texts)+1) // of turning the settled words so far into texts[:i]
	for i := range costs {
		costs[i] = i
	}
	for _, settled := range a.settled {
		diagonal := costs[0]
		costs[0]++
		for i, text := range texts {
			change := diagonal
			if !samePlain(settled, text) {
				change++
			}
			diagonal = costs[i+1]
			costs[i+1] = min(change, costs[i]+1, costs[i+1]+1)
		}
	}
	if len(a.settled) == 0 {
		return 0
	}
	// Where several are as good, one that ends with the last settled word, or else as many words as are settled.
	last := a.settled[len(a.settled)-1]
	for i := range costs {
		costs[i] *= 2
		if i == 0 || !samePlain(texts[i-1], last) {
			costs[i]++
		}
	}
	best := min(len(a.settled), len(texts))
	for i, cost := range costs {
		if cost < costs[best] {
			best = i
		}
	}
	return best
}

// samePlain compares without regard to case and punctuation.
func samePlain(one, other string) bool {
	return one == other || slices.Equal(plainWords(one), plainWords(other))
}
