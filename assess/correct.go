package assess

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A candidate corrects what the speech engine wrote, a line at a time, by listening to it. Nothing is asked but
// whether the words can have been said in that time: what was said nobody else can know. What stood there first
// stays with the candidate.

// LongestCorrection bounds the corrected text of one line, in characters. An utterance has at most 25 s.
const LongestCorrection = 1000

// Nobody says more than this. The little that is added lets a very short utterance be a word, and an engine's few
// words for much be the right ones.
const (
	mostWordsASecond      = 6
	mostCharactersASecond = 40
	moreWords             = 3
	moreCharacters        = 20
)

// Why a correction is refused, beside what [PlainText] refuses.
var (
	// ErrNothingCorrected says that the text is the one that is there.
	ErrNothingCorrected = errors.New("the text is the one that is there")
	// ErrNotSayable says that the text is more than can be said in the time of its line.
	ErrNotSayable = errors.New("more than can be said in this time")
	// ErrCorrected says that the words were corrected since they were read.
	ErrCorrected = errors.New("corrected since")
	// ErrUnfinished says that the words are still being written down.
	ErrUnfinished = errors.New("still being written down")
)

// LineError says which line of a correction is refused.
type LineError struct {
	Start time.Duration // media time
	Err   error
}

func (e LineError) Error() string { return fmt.Sprintf("line at %s: %v", e.Start, e.Err) }

// Unwrap returns why.
func (e LineError) Unwrap() error { return e.Err }

// Correction is the text that a line is to have, as its candidate heard it. Revision is that of the line they
// looked at; an empty text says that nobody spoke.
type Correction struct {
	Line     LineRef
	Revision int
	Text     string
}

// Original is what stood in a line until it was corrected. It is the candidate's own.
type Original struct {
	Line     LineRef
	Revision int       // of the line at that time; 0: what the engine wrote
	Until    time.Time // when it was corrected
	Words    []Word
}

// Correct returns the line with the given text in place of its words. First is what the engine wrote: the line's
// own words before its first correction. Words of it that stay keep their times, those that were put in the place of
// others take theirs, and those that were added share the time between their neighbours.
func (l Line) Correct(first []Word, text string) (Line, error) {
	text, err := PlainText(text, LongestCorrection)
	if err != nil {
		return Line{}, err
	}
	texts := withTerms(strings.Fields(text), first)
	if strings.Join(texts, " ") == l.Text() {
		return Line{}, ErrNothingCorrected
	}
	if !sayable(texts, first, l.End-l.Start) {
		return Line{}, ErrNotSayable
	}
	l.Words, l.Changed = make([]Word, 0, len(texts)), 0
	for _, b := range align(first, texts) {
		if b.kept {
			l.Words = append(l.Words, first[b.was:b.wasEnd]...)
			continue
		}
		l.Changed += max(b.wasEnd-b.was, b.nowEnd-b.now)
		l.Words = append(l.Words, b.timed(first, texts, l)...)
	}
	l.Revision++
	return l, nil
}

// HasEstimatedTimes reports whether the times of any word were not measured: those that its engine spread over the
// utterance, and those that a correction shared out.
func (l Line) HasEstimatedTimes() bool {
	return slices.ContainsFunc(l.Words, func(w Word) bool { return l.Interpolated || w.Spread })
}

// withTerms keeps terms of several words together, which stand in a line as one.
func withTerms(texts []string, first []Word) []string {
	for _, w := range first {
		term := strings.Fields(w.Text)
		if len(term) < 2 {
			continue
		}
		for i := 0; i+len(term) <= len(texts); i++ {
			if slices.Equal(texts[i:i+len(term)], term) {
				texts = slices.Replace(texts, i, i+len(term), w.Text)
			}
		}
	}
	return texts
}

// sayable: not faster than anybody speaks, or than the engine says that they did.
func sayable(texts []string, first []Word, span time.Duration) bool {
	seconds := max(0, span.Seconds())
	words := max(len(first), int(math.Ceil(seconds*mostWordsASecond))) + moreWords
	characters := max(utf8.RuneCountInString(wordsText(first)), int(math.Ceil(seconds*mostCharactersASecond))) + moreCharacters
	return len(texts) <= words && utf8.RuneCountInString(strings.Join(texts, " ")) <= characters
}

// Change is a run of words that stayed, or one that stands in the place of another, of which either may be empty.
type Change struct {
	Kept string
	Was  string
	Now  string
}

// Difference returns how the words of a line differ from those that were first written.
func Difference(first, now []Word) []Change {
	texts := make([]string, len(now))
	for i, w := range now {
		texts[i] = w.Text
	}
	var changes []Change
	for _, b := range align(first, texts) {
		was, now := wordsText(first[b.was:b.wasEnd]), strings.Join(texts[b.now:b.nowEnd], " ")
		if b.kept {
			changes = append(changes, Change{Kept: now})
		} else {
			changes = append(changes, Change{Was: was, Now: now})
		}
	}
	return changes
}

// block is a run of words that stayed, or that others were put in the place of.
type block struct {
	kept        bool
	was, wasEnd int // of the words before
	now, nowEnd int // of the words after
}

// What it costs to make one text of the other. A word that is written in another way is closer to the one that it
// stands for than another word is.
const (
	costSpelling = 1
	costWord     = 2
)

// align finds the blocks of two texts with the fewest changes (Levenshtein), in time and room in proportion to the
// product of their lengths.
func align(first []Word, now []string) []block {
	width := len(now) + 1
	costs := make([]int, (len(first)+1)*width)
	for i := range len(first) + 1 {
		for j := range width {
			best := 0
			if i > 0 || j > 0 {
				best = math.MaxInt
			}
			if i > 0 {
				best = min(best, costs[(i-1)*width+j]+costWord)
			}
			if j > 0 {
				best = min(best, costs[i*width+j-1]+costWord)
			}
			if i > 0 && j > 0 {
				best = min(best, costs[(i-1)*width+j-1]+costOf(first[i-1].Text, now[j-1]))
			}
			costs[i*width+j] = best
		}
	}
	var blocks []block // from the last to the first
	add := func(kept bool, was, now int) {
		if n := len(blocks); n > 0 && blocks[n-1].kept == kept {
			blocks[n-1].was, blocks[n-1].now = was, now
			return
		}
		b := block{kept: kept, was: was, now: now, wasEnd: was, nowEnd: now}
		if n := len(blocks); n > 0 {
			b.wasEnd, b.nowEnd = blocks[n-1].was, blocks[n-1].now
		} else {
			b.wasEnd, b.nowEnd = len(first), width-1
		}
		blocks = append(blocks, b)
	}
	for i, j := len(first), len(now); i > 0 || j > 0; {
		here := costs[i*width+j]
		switch {
		case i > 0 && j > 0 && here == costs[(i-1)*width+j-1]+costOf(first[i-1].Text, now[j-1]):
			i, j = i-1, j-1
			add(first[i].Text == now[j], i, j)
		case i > 0 && here == costs[(i-1)*width+j]+costWord:
			i--
			add(false, i, j)
		default:
			j--
			add(false, i, j)
		}
	}
	slices.Reverse(blocks)
	return blocks
}

func costOf(was, now string) int {
	switch {
	case was == now:
		return 0
	case bareWord(was) == bareWord(now) && bareWord(was) != "":
		return costSpelling
	default:
		return costWord
	}
}

// timed gives the words of a block their times: those of the words in whose place they stand, one for one, or else
// shares of the time that there is.
func (b block) timed(first []Word, texts []string, l Line) []Word {
	begin, end := l.Start, l.End
	switch {
	case b.wasEnd > b.was:
		begin, end = first[b.was].Start, first[b.wasEnd-1].End
	default:
		if b.was > 0 {
			begin = first[b.was-1].End
		}
		if b.was < len(first) {
			end = first[b.was].Start
		}
	}
	texts = texts[b.now:b.nowEnd]
	words := make([]Word, len(texts))
	letters, all := 0, 0
	for _, text := range texts {
		all += utf8.RuneCountInString(text)
	}
	at := func(letters int) time.Duration {
		return begin + time.Duration(float64(max(0, end-begin))*float64(letters)/float64(all))
	}
	exact := len(texts) == b.wasEnd-b.was
	for i, text := range texts {
		words[i] = Word{Text: text, Corrected: true, Spread: !exact}
		if exact {
			words[i].Start, words[i].End = first[b.was+i].Start, first[b.was+i].End
			continue
		}
		words[i].Start = at(letters)
		letters += utf8.RuneCountInString(text)
		words[i].End = at(letters)
	}
	return words
}
