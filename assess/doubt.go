package assess

// DoubtfulBelow is the confidence below which a word is shown as one that may have been misheard. At 0.5 at least
// every second marked word is wrong: docs/transcription.md has the measurement. It was made with Moonshine; what
// other engines call confidence is measured by nobody here.
const DoubtfulBelow = 0.5

// Doubtful says that the engine may have misheard the word.
func (w Word) Doubtful() bool { return w.Confidence > 0 && w.Confidence < DoubtfulBelow }

// Repaired returns the indexes of the words that stand in the place of others.
func (l Line) Repaired() []int { return l.those(func(w Word) bool { return w.Heard != "" }) }

// Doubtful returns the indexes of the words that may have been misheard.
func (l Line) Doubtful() []int { return l.those(Word.Doubtful) }

func (l Line) those(which func(Word) bool) []int {
	var indexes []int
	for i, word := range l.Words {
		if which(word) {
			indexes = append(indexes, i)
		}
	}
	return indexes
}
