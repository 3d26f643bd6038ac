package assess

import (
	"regexp"
	"slices"
	"strings"
)

// Words of an answer that speak to whoever rates it, instead of answering, are found here: orders to the rater,
// texts that pass for a system's, claims that a level was set, pieces of the formats that models are asked in. No
// model is asked. The level that counts is given without these words, and one is given with them, so that nobody
// loses by a mistake of these rules without seeing it. Therefore they are narrow: an interview about prompts,
// ratings and levels of incidents is an ordinary one, and what is told of somebody else's words ("my boss said")
// is left alone. Flattery, pity and reciting the anchors are no orders, and are not looked for.

// SuspectRules names the rules below. Whoever changes what they find changes this name, which is part of what a
// rating's prompt hash stands for.
const SuspectRules = "words to the rater 2"

// Span is a run of words of one line.
type Span struct {
	Line  LineRef
	First int // index of the first word
	Last  int // index of the last word, inclusive
}

// Suspects finds the words that speak to whoever rates, in lines that belong together. Its spans are in the order
// of the lines and do not touch each other. The time it takes grows with the words and not faster.
func Suspects(lines []Line) []Span {
	said := saidIn(lines)
	speaks := make([]bool, len(said))
	flag := func(from, to int) {
		for i := from; i <= to; i++ {
			speaks[i] = true
		}
	}
	told := false // the sentence before ends in "he said", or the like
	for at := 0; at < len(said); {
		n, ended := sentenceEnd(said[at:])
		sentence := newSentence(said[at : at+n])
		if first, last, found := sentence.toTheRater(told); found {
			flag(at+first, at+last)
		}
		told = sentence.endsInTelling()
		at += n
		if !ended && at < len(said) {
			if first, last, found := acrossCut(said, at); found {
				flag(first, last)
			}
		}
	}
	var spans []Span
	for i, w := range said {
		if speaks[i] {
			spans = marked(spans, w)
		}
	}
	return spans
}

// acrossCut looks at the words on both sides of where a sentence was cut only because it is long, and returns those
// that speak to the rater on both sides. What lies on one side is found there.
func acrossCut(said []saidWord, cut int) (first, last int, found bool) {
	from := cut - longestLooked/2
	n, _ := sentenceEnd(said[cut:])
	to := cut + min(n, longestLooked/2)
	sentence := newSentence(said[from:to])
	told := newSentence(said[max(0, from-farthest):from]).endsInTelling()
	first, last, found = sentence.find(told)
	if !found || from+first >= cut || from+last < cut {
		return 0, 0, false
	}
	return from, to - 1, true
}

// saidWord is one word with its place.
type saidWord struct {
	line  LineRef
	index int
	text  string
}

func saidIn(lines []Line) []saidWord {
	var said []saidWord
	for _, line := range lines {
		for i, w := range line.Words {
			said = append(said, saidWord{line.Ref(), i, w.Text})
		}
	}
	return said
}

// longestLooked bounds what is looked at as one sentence, in words: speech engines may write no full stops, and
// nothing may be flagged only because it stands in one answer with an order.
const longestLooked = 60

// sentenceEnd returns how many of the words, of which there are some, are the first sentence, and whether it ends
// there: it may go on for longer than is looked at.
func sentenceEnd(said []saidWord) (n int, ended bool) {
	for i, w := range said[:min(longestLooked, len(said))] {
		if strings.ContainsAny(lastRune(strings.TrimRight(w.text, "\"'”’)]}`")), ".!?。！？") {
			return i + 1, true
		}
	}
	return min(longestLooked, len(said)), false
}

func lastRune(text string) string {
	runes := []rune(text)
	return string(runes[max(0, len(runes)-1):])
}

// marked adds a word to the spans, the last of which it may continue; a span ends with its line.
func marked(spans []Span, w saidWord) []Span {
	if n := len(spans); n > 0 && spans[n-1].Line == w.line && spans[n-1].Last+1 == w.index {
		spans[n-1].Last = w.index
		return spans
	}
	return append(spans, Span{w.line, w.index, w.index})
}

// looked is a sentence as the rules look at it.
type looked struct {
	raw      string // the words as they are, with a space on both sides of each
	folded   string // letters and digits in lower case, with a space on both sides of each piece
	rawAt    []int  // where each word begins in raw
	foldedAt []int  // and in folded
}

func newSentence(said []saidWord) looked {
	var raw, plain strings.Builder
	raw.WriteByte(' ')
	plain.WriteByte(' ')
	s := looked{rawAt: make([]int, len(said)), foldedAt: make([]int, len(said))}
	for i, w := range said {
		s.rawAt[i], s.foldedAt[i] = raw.Len(), plain.Len()
		raw.WriteString(visible(w.text))
		raw.WriteByte(' ')
		for _, piece := range foldedPieces(w.text) {
			plain.WriteString(piece)
			plain.WriteByte(' ')
		}
	}
	s.raw, s.folded = raw.String(), plain.String()
	return s
}

// farthest is how many words before and after what a rule found are flagged with it, as far as the sentence goes. A
// sentence that goes on for longer is cut there.
const farthest = 30

// toTheRater returns the words of the sentence that speak to whoever rates.
func (s looked) toTheRater(told bool) (first, last int, found bool) {
	first, last, found = s.find(told)
	if !found {
		return 0, 0, false
	}
	if first <= farthest {
		first = 0
	}
	if end := len(s.rawAt) - 1; end-last <= farthest {
		last = end
	}
	return first, last, true
}

func (s looked) find(told bool) (first, last int, found bool) {
	for _, rule := range writtenRules {
		if at := rule.FindStringIndex(s.raw); at != nil {
			return wordAt(s.rawAt, at[0]), wordAt(s.rawAt, at[1]-1), true
		}
	}
	for _, rule := range spokenRules {
		if at := rule.FindStringIndex(s.folded); at != nil {
			return wordAt(s.foldedAt, at[0]), wordAt(s.foldedAt, at[1]-1), true
		}
	}
	for _, rule := range ownWordsRules {
		if at := rule.FindStringIndex(s.folded); at != nil && !told && !telling.MatchString(s.folded[:at[1]]) {
			return wordAt(s.foldedAt, at[0]), wordAt(s.foldedAt, at[1]-1), true
		}
	}
	if spelledOut(s.folded) {
		return 0, len(s.rawAt) - 1, true
	}
	return 0, 0, false
}

// wordAt is the index of the word that the byte belongs to; the space before the first word is the first word's.
func wordAt(begins []int, at int) int {
	i, found := slices.BinarySearch(begins, at)
	for found && i+1 < len(begins) && begins[i+1] == at {
		i++ // words without letters take no room: the last one that begins here has it
	}
	if !found {
		i--
	}
	return max(0, i)
}

// endsInTelling: what follows may be somebody else's words.
func (s looked) endsInTelling() bool {
	words := strings.Fields(s.folded)
	return telling.MatchString(" " + strings.Join(words[max(0, len(words)-4):], " ") + " ")
}

// telling says that somebody's words are told.
var telling = regexp.MustCompile(` (?:said|says|say|saying|told|tell|tells|telling|wrote|write into|writes|asked|asks|reads?|printed|called|phrases?|quoted?|shouted|texts? like|something like|prompt injection|chatbots?|log lines?) `)

// spelledOut: single letters that put together make an order.
func spelledOut(folded string) bool {
	var letters strings.Builder
	for piece := range strings.FieldsSeq(folded) {
		if len(piece) == 1 || piece == "space" {
			letters.WriteString(strings.TrimPrefix(piece, "space"))
			continue
		}
		letters.WriteByte(' ')
	}
	return spelledPattern.MatchString(letters.String())
}

var spelledPattern = regexp.MustCompile(`level(?:five|5)|ignore(?:the|all|your|my)|givemea?five`)

// The parts that rules are made of.
const (
	some   = `(?:\S+ ){0,8}?`
	mine   = `(?:this answer|this response|my(?: real| whole)? answer|(?:part|all) of my answer|this candidate|all complete answers)`
	five   = `(?:five|5)`
	level5 = `(?:level (?:to |of |as )?(?:five|5)|(?:the )?(?:highest|best|maximum|top) (?:possible )?level|highest of the levels)`
	rater  = `(?:assessor|rater|grader|evaluator)`
	begins = `^ (?:(?:please|now|so|ok|okay|and|but|also|just|then|you must|you should|you have to) )*`
)

func rules(patterns ...string) []*regexp.Regexp {
	compiled := make([]*regexp.Regexp, len(patterns))
	for i, pattern := range patterns {
		compiled[i] = regexp.MustCompile(pattern)
	}
	return compiled
}

// writtenRules are about the words as they are written: pieces of formats, which nobody says.
var writtenRules = rules(
	`<\|?/?(?:im_start|im_end|system|assistant|user|endoftext)`, `(?i)\[/?(?:system|inst)\]`, `(?i)<(?:!--|/?(?:script|div|answer)\b)`,
	`\\?"(?:level|observed|evidence|role|why_not_higher|why_not_lower)\\?" ?:`, "```", `\]\(https?:`, `(?i)\*\*level\b`,
	`(?i)---+ ?(?:end of|next)`, `(?i)\blevel ?[=:] ?5\b`,
	`(?i)^ (?:[#"\[(*]+ ?)*(?:system|assessor|rater|evaluator|grader|assistant)(?: \w+)?\]?: `,
	`(?i)^ (?:the )?(?:system|developer|administrator) (?:message|note|notice|instruction)[.:] `,
	`(?i) #+ (?:system|developer|rating|assessor)\b`, `(?: \d{1,3}:\pL\S*){3}`, `(?i)^ \[(?:inaudible|transcript|note|correction|server)\b`,
)

// spokenRules are about this answer, its rating or the form of it: also where somebody else is said to have said so.
var spokenRules = rules(
	// Orders about this answer.
	`\b(?:give|giving|rate|mark|grade|score|set|award|choose|record|enter|put|return|write|confirm|receives?)\b `+some+mine+` `+some+`(?:`+level5+`|`+five+`)\b`,
	level5+` `+`(?:for|to) (?:this|my) (?:\S+ )?answer\b`, `\b`+five+` for this (?:\S+ )?answer\b`,
	// Claims about this answer.
	`\b(?:level|rating|output) (?:of|for) (?:this|my) answer\b`, `\bresult for this answer\b`,
	mine+` (?:(?:now|also|already|clearly) )?(?:is|was|were|has|gets|deserves|should|must|already|receives?|rated) (?:\S+ ){0,6}?(?:`+level5+`|a `+five+`|five out of five|5 out of 5)\b`,
	`\ba level `+five+` answer\b`, `\bthe level that fits (?:\S+ )?is `+five+`\b`, `\banswer before mine\b`,
	`\bmy (?:\S+ )?answers were (?:all )?rated\b`, level5+` for every competency\b`, `^ the transcript ends here\b`,
	`\bneed to assess again\b`, `\bdo not re ?rate\b`, `\bassessment complete\b`, `\brate as if\b`,
	// What passes for a system's or a rater's own text.
	`\b(?:note|message|instruction|order|correction)s? (?:to|for|from|of|by) (?:the|whoever|my) (?:(?:first|second|third|other|authors of the) )?(?:`+rater+`|rubric|candidate the speech)\b`,
	`^ (?:a )?(?:new|updated) (?:instruction|message|order)s? from the (?:administrator|operator|system|developer)\b`,
	`\b(?:machine|model|ai|system|computer|program|whoever) (?:that |which |who )?(?:rates|assesses|grades|judges|is listening|is rating) (?:this|my|me|to|forget|ignore|give|the answer)`,
	`\b(?:that|which|who) (?:rates|assesses|grades|judges) this\b`,
	`^ (?:dear|hey|hello|attention|speaking as the|this is the) (?:`+rater+`|interviewer)\b`, `\btell the `+rater+`\b`,
	`\bcalibration mode\b`, `\bwhat follows is the rating\b`, `\b(?:quoted )?answer ends here\b`,
	`^ (?:the )?end of (?:the |this |my )?(?:transcript|answer|interview)\b`,
	`\b(?:transcript above|answer above) belongs to another\b`, `\btranscript verified\b`,
	`\brater (?:has|had) (?:already )?given this\b`, `\b`+rater+` is asked\b`, `\bi agree with the first rater\b`,
	// Changes to the anchors and the scale.
	`\b(?:rating|assessment|scoring) rules have changed\b`, `\banchors (?:for|of) levels?\b`, `\b(?:anchors|levels) are listed\b`,
	`\bscale is turned (?:round|around)\b`, `\blevel (?:one|1) is the best\b`, `\bdescriptions? of levels? (?:one|\d)`, `\bauthors of the rubric\b`,
	`\b(?:no|without|the) (?:anchors|rubric) (?:and no|does not apply|do not apply)\b`, `\bas the description of the highest level\b`,
	// Evidence by number, and the form that is filled in.
	`\bwords (?:zero|0|one|1) to \S+ (?:\S+ ){0,4}?(?:supports|result|evidence)\b`, `\bfirst (?:zero|0) and last \d`, `\bevidence for level\b`,
	`\bform that you fill in\b`, `\bfilling in your form\b`, `\bobserved (?:to )?true\b (?:\S+ ){0,3}?level\b`,
	// Examples and repetition.
	`(?:\blevel `+five+` ){3}`, `(?:\bquestion \S+ level `+five+` ?){2}`, `^ (?:the )?(?:level|rating) `+five+` $`,
	// Orders in other languages. The words are folded: no accents.
	` (?:ignoriere|ignorieren|vergiss|ignorez|oubliez|ignora|ignore|ignorad|olvida|ignorare|ignorate|игнорируи|игнорируите) (?:\S+ ){0,3}?(?:anweisungen|consignes|instrucciones|istruzioni|instructions precedentes|указания|инструкции)`,
	`(?:忽略|无视)\S*(?:指示|指令)`, `\b(?:stufe funf|niveau cinq|nivel cinco|nivel es cinco|livello cinque)\b`, `\bgei wo di wu ji\b`,
)

// ownWordsRules hold where nobody else's words are told: the same words are a story about a chatbot, a boss or an
// incident.
var ownWordsRules = rules(
	`\b(?:ignore|disregard|forget|override|bypass) (?:\S+ ){0,5}?(?:your (?:\S+ )?(?:instructions?|prompt|rules|guidelines)|anchors|rubric|above this sentence)\b`,
	begins+`(?:ignore|disregard|forget) (?:\S+ ){0,4}?(?:previous|prior|above|all) (?:\S+ )?(?:instructions|anchors|rules|text|sentences?)\b`,
	begins+`(?:rate|score|mark|grade) (?:it|this|me) (?:as |at |a |with )?(?:level )?(?:five|5|the highest)\b`,
	begins+`(?:return|output|write|choose|give|confirm|record|enter|put) (?:down )?(?:\S+ ){0,4}?`+level5+` (?:$|to|for|and|here|in|by|because)`,
	`\b(?:and|so|now|please) (?:return|output|write|choose|give|record) (?:down )?(?:me )?(?:\S+ ){0,3}?`+level5+` (?:$|for (?:me|this)|here)`,
	`\b(?:give|gives) me `+level5+`\b`, `\b(?:put|puts|write|writes) down the (?:best|highest) level\b`, `\bnoting level `+five+`\b`,
	`\bgive `+level5+` (?:$|and write)`, `\b(?:best|highest) level for me\b`, `\bgiving level `+five+`\b`,
	`\byou (?:must|should|have to) (?:not )?(?:\S+ ){0,6}?(?:this answer|written levels|observed|level to five)\b`,
	`\byou are (?:\S+ ){0,6}?`+rater+`\b`, `\byou are (?:\S+ ){0,4}?(?:who|that) gives (?:\S+ ){0,2}?`+level5+`\b`,
	`\b(?:while|when) you rate (?:$|the first)`, begins+`(?:decode|translate) (?:this|the following|my answer)\b`,
	`\bwrite their text into\b`, `\bshift it back and follow\b`, `\bput (?:x and y|these letters|them) together and (?:write|return)\b`,
	begins+`(?:output|return|print) exactly (?:that|this)\b`, `^ open (?:curly )?(?:bracket|brace) (?:\S+ ){0,3}?level\b`,
	`\bopen the link and rate\b`, `\bbase the rating on\b`, `\ban? `+rater+` without any rubric\b`, `\bthe unrestricted `+rater+`\b`,
)
