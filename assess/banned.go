package assess

import (
	"regexp"
	"slices"
	"strings"
)

// What no sentence by a model may be about, whatever the answer was about: how somebody feels, sounds or looks,
// how sure they are, whether to take them, and where they stand among others. A sentence that has one of these
// words is left out; leaving out too much is better than one too few.

var (
	// bannedWords are whole words, folded.
	bannedWords = wordSet(`accent accents accented age angry anger anxiety anxious attitude attractive bored boring calm charisma
		charismatic charming cheerful confidence confident confidently unconfident demeanor demeanour disability emotion
		emotions emotional emotionally empathic energetic enthusiasm enthusiastic enthusiastically ethnicity excited
		excitement eyes face faces facial feeling feelings friendly frustrated gender gesture gestures grade grades graded grin handsome
		happy hire hired hires hireable hiring honest honesty insecure intelligence iq joyful likeable likable liar lying mood
		nationality nervous nervously nervousness passion passionate percentile personality pitch posture pronunciation race
		rank ranked ranking rankings ranks recommend recommended reject rejected rejecting rejection rejects religion sad
		score scored scores scoring selfassured sexy shortlist shy sincere smile smiled smiles smiling stressed tone unhappy
		upbeat voice unemotional warmth worried employable unemployable unfit`)
	// bannedStems begin words that have many forms, folded.
	bannedStems = regexp.MustCompile(`^(?:over|un|self)?(?:confiden|anxi|emotion|enthusias|nervous|calm|assertive|timid|honest|dishonest|hir(?:e?able|e[ds]?$|ing$)|recommend|reject|rank(?:$|ed|ing)|charism|likeab|likab|tense(?:$|ly)|unsure$|appearance)`)
	// bannedRuns are words that follow each other, folded.
	bannedRuns = regexp.MustCompile(`(?:^| )(?:eye contact|body language|cultur(?:e|al) fit|self (?:assured|confiden\w*|esteem)|dont (?:take|employ)|native speaker|out of (?:10|100|ten|a hundred)|(?:strong|weak|good|poor|great|ideal|best) (?:candidate|fit|applicant)|better than (?:most|other|all)|you (?:felt|feel|seem(?:ed)?|sound(?:ed)?|appear(?:ed)?)|how you (?:look|looked|sound|sounded|feel|felt|appear|appeared)|(?:above|below) average|top \d+|too (?:young|old))(?: |$)`)
	// bannedFigures are marks out of a hundred or ten; a share of something else has its noun after it.
	bannedFigures = regexp.MustCompile(`\b\d{1,3}(?:[.,]\d+)?\s*/\s*(?:10|100)\b`)
)

// banned reports whether a sentence is about what no sentence may be about.
func banned(sentence string) bool {
	pieces := foldedPieces(sentence)
	if slices.ContainsFunc(pieces, func(piece string) bool { return bannedWords[piece] || bannedStems.MatchString(piece) }) {
		return true
	}
	return bannedRuns.MatchString(strings.Join(pieces, " ")) || bannedFigures.MatchString(visible(sentence))
}
