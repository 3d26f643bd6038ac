package assess

import "slices"

// These passes know no names: they go by what people say around one. Where a transcript has capitals
// a name is a run of them; where it has none a few words after an introduction are taken.

const (
	mostNameWords   = 4
	mostSchoolWords = 4
)

// maskIntroductions finds "my name is X", "I'm X", "call me X" and "this is X speaking".
func maskIntroductions(tokens []token) {
	for i := range tokens {
		if n := afterNameIs(tokens, i); n > 0 {
			maskNameAt(tokens, n, true)
		}
		if n := afterIAm(tokens, i); n > 0 {
			maskNameAt(tokens, n, false)
		}
		if tokens[i].bare == "this" && i+1 < len(tokens) && tokens[i+1].bare == "is" {
			maskUntilSpeaking(tokens[i+2:])
		}
	}
}

// afterNameIs returns where a name begins if an introduction ends at i, else 0.
func afterNameIs(tokens []token, i int) int {
	word := func(at int) string {
		if at < 0 || at >= len(tokens) {
			return ""
		}
		return tokens[at].bare
	}
	switch bare := word(i); {
	case bare == "me" && callWords[word(i-1)]: // call me
		return i + 1
	case bare == "called" && (word(i-1) == "am" || word(i-1) == "im"): // I'm called
		return i + 1
	case nameNouns[bare] && (word(i+1) == "is" || word(i+1) == "was") && (ownWords[word(i-1)] || ownWords[word(i-2)]):
		return i + 2 // my name is, my last name is
	case (bare == "names" || bare == "surnames") && (ownWords[word(i-1)] || ownWords[word(i-2)]): // my name's
		return i + 1
	default:
		return 0
	}
}

// afterIAm returns where a name could begin after "I'm", "I am" or "it's … here"; it must have a capital.
func afterIAm(tokens []token, i int) int {
	switch {
	case tokens[i].bare == "im":
		return i + 1
	case tokens[i].bare == "am" && i > 0 && tokens[i-1].bare == "i":
		return i + 1
	default:
		return 0
	}
}

// maskNameAt masks a name that begins at from. Unless it is certain that one does, capitals decide.
func maskNameAt(tokens []token, from int, certain bool) {
	for from < len(tokens) && tokens[from].is(fillers) {
		from++
	}
	if from >= len(tokens) || !certain && (tokens[from].is(notNames) || !tokens[from].capital) || !tokens[from].mayName() {
		return
	}
	written := tokens[from].capital || tokens[from].caps
	for i := from; i < min(from+mostNameWords, len(tokens)); i++ {
		t := &tokens[i]
		if !t.mayName() || written && !t.capital && !t.caps && !t.is(nameParticles) {
			return
		}
		t.cover(maskName)
		if t.last && len(t.bare) > 1 { // "J. Smith" goes on
			return
		}
	}
}

// maskUntilSpeaking masks up to three words that "speaking", "here" or "calling" follows.
func maskUntilSpeaking(tokens []token) {
	const most = 3
	for i := range min(most+1, len(tokens)) {
		switch {
		case tokens[i].is(speakingWords):
			coverAll(tokens[:i], maskName)
			return
		case !tokens[i].mayName():
			return
		}
	}
}

// maskPeople finds other people: "my manager Peter", "my manager, Peter,", "Mr. Miller".
func maskPeople(tokens []token) {
	for i := range tokens {
		titled := tokens[i].is(titles)
		if !titled && !tokens[i].is(relations) {
			continue
		}
		if i+1 < len(tokens) && (titled || !tokens[i].ends()) {
			maskCapitals(tokens[i+1:], maskName)
		}
	}
}

// maskCapitals masks the run of words with a capital at the start of tokens.
func maskCapitals(tokens []token, with string) (n int) {
	for n < min(mostNameWords, len(tokens)) {
		t := &tokens[n]
		if !t.capital || !t.mayName() {
			return n
		}
		t.cover(with)
		n++
		if t.last && len(t.bare) > 1 {
			return n
		}
	}
	return n
}

// maskSchools finds "University of X", "X University" and "graduated from X".
func maskSchools(tokens []token) {
	for i := range tokens {
		switch {
		case tokens[i].is(schoolWords):
			maskSchoolBefore(tokens[:i])
			if !tokens[i].last {
				maskSchoolAfter(tokens[i+1:])
			}
		case i > 0 && studied(tokens[i-1].bare, tokens[i].bare):
			maskSchoolRun(tokens[i+1:])
		}
	}
}

// maskSchoolBefore masks the words with capitals that lead up to "University".
func maskSchoolBefore(tokens []token) {
	for n := range min(mostSchoolWords, len(tokens)) {
		t := &tokens[len(tokens)-1-n]
		if t.last || t.is(notNames) || !t.capital && !t.caps {
			return
		}
		t.cover(maskSchool)
	}
}

// maskSchoolAfter masks what follows "University of".
func maskSchoolAfter(tokens []token) {
	if len(tokens) < 2 || !slices.Contains([]string{"of", "for", "at", "in"}, tokens[0].bare) {
		return
	}
	if tokens[1].bare == "the" {
		tokens = tokens[1:]
	}
	if maskSchoolRun(tokens[1:]) == 0 && len(tokens) > 1 && tokens[0].bare == "of" && !tokens[1].is(notNames) {
		tokens[1].cover(maskSchool) // no capitals were written
	}
}

// maskSchoolRun masks words with capitals, and the small ones between them.
func maskSchoolRun(tokens []token) (masked int) {
	for i := range min(2*mostSchoolWords, len(tokens)) {
		t := &tokens[i]
		named := (t.capital || t.caps) && !t.is(notNames)
		between := masked > 0 && t.is(schoolParticles) && i+1 < len(tokens) && tokens[i+1].capital
		if !named && !between {
			return masked
		}
		t.cover(maskSchool)
		masked++
		if t.last {
			return masked
		}
	}
	return masked
}

func studied(before, word string) bool {
	return word == "from" && (before == "graduated" || before == "degree" || before == "diploma") ||
		word == "at" && (before == "studied" || before == "student" || before == "studying" || before == "studies") ||
		word == "attended"
}
