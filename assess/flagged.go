package assess

import (
	"slices"
	"strings"
)

// flaggedWords are the words of an answer that speak to whoever rates it. They are taken out of what a model is
// asked for the level that counts; where they stand is worked out anew from the stored words whenever it is needed.
type flaggedWords []Span

func (f flaggedWords) has(line LineRef, word int) bool {
	return slices.ContainsFunc(f, func(s Span) bool { return s.Line == line && s.First <= word && word <= s.Last })
}

// cut returns words of a line with the flagged ones empty.
func (f flaggedWords) cut(line LineRef, words []string) []string {
	left := slices.Clone(words)
	for i := range left {
		if f.has(line, i) {
			left[i] = ""
		}
	}
	return left
}

// without returns the lines without the flagged words, for what looks at all of them.
func (f flaggedWords) without(lines []Line) []Line {
	left := slices.Clone(lines)
	for i, line := range left {
		left[i].Words = nil
		for at, word := range line.Words {
			if !f.has(line.Ref(), at) {
				left[i].Words = append(left[i].Words, word)
			}
		}
	}
	return left
}

// unassessable is the reason why what is left cannot be rated.
func (f flaggedWords) unassessable(lines []Line) string {
	reason := unassessable(f.without(lines))
	if len(f) > 0 && reason != "" && unassessable(lines) == "" {
		return reasonFewLeft
	}
	return reason
}

// outside cuts evidence to its longest part outside the flagged words; what lies within them is dropped.
func (f flaggedWords) outside(evidence []Evidence) []Evidence {
	if len(f) == 0 {
		return evidence
	}
	left := make([]Evidence, 0, len(evidence))
	for _, e := range evidence {
		best := Evidence{First: 0, Last: -1}
		first := e.First
		for i := e.First; i <= e.Last+1; i++ {
			if i <= e.Last && !f.has(e.Line, i) {
				continue
			}
			if i-first > best.Last-best.First+1 {
				best = e
				best.First, best.Last = first, i-1
			}
			first = i + 1
		}
		if best.Last >= best.First {
			left = append(left, best)
		}
	}
	return left
}

// leaving is what may leave of the words of the lines.
func (f flaggedWords) leaving(names Names, lines []Line) (texts []string) {
	for i, words := range names.mask(lines) {
		texts = append(texts, strings.Join(f.cut(lines[i].Ref(), words), " "))
	}
	return texts
}

// Flagged returns the words of a rated answer that the level which counts was given without. An answer that was
// rated by other rules, by nobody, or by people alone has none.
func Flagged(lines []Line, ratings []Rating) []Span {
	ruled := func(r Rating) bool { return r.Rater().Kind == RaterModel && isLevelPrompt(r.Rater().PromptSHA256) }
	if !slices.ContainsFunc(ratings, ruled) {
		return nil
	}
	return Suspects(lines)
}
