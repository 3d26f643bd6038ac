package eval

import "greenroom/assess"

// Oracle knows the texts of a set and finds the one that a given text was made from, also where words were
// added, lost or misheard. It makes the reference rater, which shows that the harness can say yes.
type Oracle struct{ known []knownText }

type knownText struct {
	level    int
	shingles map[string]bool // every three words that follow each other
}

// leastAlike is the share of a known text's shingles that a text must have to be one made from it.
const leastAlike = 0.1

// NewOracle learns the texts of a set.
func NewOracle(set Set) *Oracle {
	o := &Oracle{}
	levels := map[string]int{}
	for _, a := range set.Answers {
		o.learn(a.Text, a.Level)
		levels[a.ID] = a.Level
	}
	for _, p := range set.Pairs {
		for _, side := range []Side{p.Higher, p.Lower} {
			if side.Text != "" {
				o.learn(side.Text, side.Level)
			}
		}
	}
	for _, l := range set.LookAlikes {
		o.learn(l.Text, l.Level)
	}
	for _, w := range set.Swaps {
		o.learn(w.Text+w.Template, levels[w.Base])
	}
	return o
}

func (o *Oracle) learn(text string, level int) {
	o.known = append(o.known, knownText{level: level, shingles: shingles(text)})
}

// Level returns the level of the known text that the given one is made from.
func (o *Oracle) Level(text string) (level int, known bool) {
	said := shingles(text)
	best, most := leastAlike, 0
	for _, k := range o.known {
		hits := 0
		for s := range k.shingles {
			if said[s] {
				hits++
			}
		}
		// Of two twins, of which one has a sentence more, the longer one if all of it was said.
		if alike := float64(hits) / float64(max(1, len(k.shingles))); alike > best || alike == best && hits > most {
			best, most, level, known = alike, hits, k.level, true
		}
	}
	return level, known
}

func shingles(text string) map[string]bool {
	words := assess.FoldedWords(text)
	all := map[string]bool{}
	for i := range len(words) - 2 {
		all[words[i]+" "+words[i+1]+" "+words[i+2]] = true
	}
	return all
}
