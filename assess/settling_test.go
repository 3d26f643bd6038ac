package assess

import (
	"slices"
	"strings"
	"testing"
)

func TestWordsSettleWhenTwoGuessesAgree(t *testing.T) {
	tests := []struct {
		name    string
		guesses []string
		settled string
		rest    string
	}{
		{"one guess", []string{"I moved"}, "", "I moved"},
		{"a longer one", []string{"I moved.", "I moved it to"}, "I moved", "it to"},
		{"the last word is open", []string{"I moved it", "I moved it."}, "I moved", "it."},
		{"another guess", []string{"I move", "I moved it", "I moved it to the"}, "I moved it", "to the"},
		{"case and punctuation", []string{"Well I", "well, I moved"}, "well, I", "moved"},
		{"what is settled stays", []string{"The two of", "the two of us", "the too of us went home"}, "the two of us", "went home"},
		{"a word was dropped", []string{"The old the plan", "the old the plan was", "the old plan was good"}, "the old the plan was", "good"},
		{"a word was added", []string{"I think plan", "I think plan was", "I think that plan was good"}, "I think plan was", "good"},
		{"a shorter guess", []string{"I moved it", "I moved it to", "I"}, "I moved it", ""},
		{"no words", []string{"I moved it", "I moved it to", ""}, "I moved it", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var s settling
			var settled, rest []string
			for _, guess := range test.guesses {
				settled, rest = s.take(interpolateWords(guess, 0, 1))
			}
			if got := strings.Join(settled, " "); got != test.settled {
				t.Errorf("settled is %q, want %q", got, test.settled)
			}
			if got := strings.Join(rest, " "); got != test.rest {
				t.Errorf("the rest is %q, want %q", got, test.rest)
			}
		})
	}
}

// FuzzSettling: whatever is guessed, settled words stay as they are, and no word of a guess is doubled.
func FuzzSettling(f *testing.F) {
	f.Add("i moved|i moved it to|i move it to the store")
	f.Add("a|a b|b|a b c d|x a b c d")
	f.Add("||a  a a|a a a a|, a")
	f.Fuzz(func(t *testing.T, guesses string) {
		if len(guesses) > 1000 {
			return
		}
		var s settling
		var before []string
		for guess := range strings.SplitSeq(guesses, "|") {
			words := interpolateWords(guess, 0, 1)
			settled, rest := s.take(words)
			if len(settled) < len(before) || !slices.Equal(settled[:len(before)], before) {
				t.Fatalf("%q were settled, now %q", before, settled)
			}
			if fresh := len(settled) - len(before) + len(rest); fresh > len(words) {
				t.Fatalf("%d words after a guess of %d", fresh, len(words))
			}
			before = slices.Clone(settled)
		}
	})
}
