package eval

import (
	"hash/fnv"
	"math/rand/v2"
	"strings"

	"greenroom/assess"
)

// noiseSteps are the word error rates, in percent, that answers are tried with.
var noiseSteps = []int{5, 10, 20, 35}

// Misheard changes so many words in a hundred as a speech engine does: a word becomes one that sounds
// alike, another common one, or is lost; now and then one is heard that was not said. The same text and
// seed give the same errors.
func Misheard(text string, percent int, seed string) string {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(seed + text))                         // cannot fail
	random := rand.New(rand.NewPCG(hash.Sum64(), uint64(percent))) //nolint:gosec // noise, not a secret
	var heard []string
	for word := range strings.FieldsSeq(text) {
		if random.IntN(100) >= percent {
			heard = append(heard, word)
			continue
		}
		bare := strings.Join(assess.FoldedWords(word), "")
		like, known := soundsLike[bare]
		switch n := random.IntN(10); {
		case known && n < 8:
			heard = append(heard, like)
		case n < 5:
			heard = append(heard, commonWords[random.IntN(len(commonWords))])
		case n < 6:
			heard = append(heard, word, commonWords[random.IntN(len(commonWords))])
		}
	}
	return strings.Join(heard, " ")
}

// commonWords are what an engine writes where it does not understand.
var commonWords = strings.Fields("the a and of to it was in that for on we they this with so and then is")

// soundsLike are words that engines take for each other.
var soundsLike = both(
	"their", "there", "to", "two", "for", "four", "know", "no", "right", "write", "week", "weak", "new", "knew",
	"by", "buy", "here", "hear", "whole", "hole", "than", "then", "our", "are", "one", "won", "would", "wood",
	"see", "sea", "way", "weigh", "made", "maid", "through", "threw", "sent", "scent", "wait", "weight", "some", "sum",
	"plan", "plane", "team", "teem", "team's", "teams", "lost", "last", "test", "text", "sure", "shore", "asked", "ask",
	"wrote", "rote", "told", "tolled", "checked", "check", "fixed", "fix", "cache", "cash", "queue", "cue", "byte", "bite",
	"customer", "custom", "order", "older", "could", "good", "when", "went", "where", "were", "which", "witch",
	"because", "cause", "and", "an", "had", "add", "day", "they", "decided", "divided", "server", "service",
)

// both maps each word of a pair to the other; a word that stands in two keeps the first.
func both(pairs ...string) map[string]string {
	like := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		for _, p := range [][2]string{{pairs[i], pairs[i+1]}, {pairs[i+1], pairs[i]}} {
			from := strings.Join(assess.FoldedWords(p[0]), "")
			if like[from] == "" {
				like[from] = p[1]
			}
		}
	}
	return like
}
