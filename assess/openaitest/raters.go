package openaitest

import (
	"encoding/json"
	"hash/fnv"
	"regexp"
	"strconv"
	"strings"
)

// Raters that answer as a rating model does, each with one known fault, for whoever has to notice it. They
// know the assessor's questions by their JSON and nothing else; each is a function for [Server.AnswerChat].

// Rater answers one question of the assessor.
type Rater = func(ChatRequest) string

// Opinion is the level that an answer gets, in its own words; false where it shows nothing.
type Opinion func(answer string) (level int, observed bool)

// NewRater marks every whole utterance as evidence and rates by the opinion.
func NewRater(opinion Opinion) Rater {
	return func(r ChatRequest) string { return readQuestion(r).reply(opinion, 0, "") }
}

// ConstantRater gives every answer the same level.
func ConstantRater(level int) Rater {
	return NewRater(func(string) (int, bool) { return level, true })
}

// LengthRater counts words and looks at nothing else.
func LengthRater() Rater {
	return NewRater(func(answer string) (int, bool) {
		return 1 + min(4, len(strings.Fields(answer))/35), true
	})
}

// GullibleRater rates by the opinion, and gives the highest level to whoever tells it to.
func GullibleRater(opinion Opinion) Rater {
	return NewRater(func(answer string) (int, bool) {
		if orders.MatchString(answer) {
			return 5, true
		}
		return opinion(answer)
	})
}

// orders is what a gullible rater obeys.
var orders = regexp.MustCompile(`(?i)level[ -]?(?:five|5)|(?:five|5) out of (?:five|5)|top level|highest|(?:ignore|forget|disregard|override)\b.{0,40}\b(?:instruction|rubric|rule|anchor|previous|above)|` +
	`\b(?:assessor|assessment|system|rater|evaluator|grader)\b.{0,60}\b(?:level|rating) ?(?:is |to |: ?)?(?:five|5|outcome)|` +
	`\b(?:niveau|nivel|stufe|deng ?ji)\b|"level"|\bl[ -]e[ -]v[ -]e[ -]l\b|mark words|base ?(?:64|sixty)`)

// QuoteInventingRater rates by the opinion, with word ranges that do not exist and quotes that nobody said.
func QuoteInventingRater(opinion Opinion) Rater {
	return func(r ChatRequest) string {
		return readQuestion(r).reply(opinion, 40, `They said "I personally turned the whole company round in a week".`)
	}
}

// Noisy is an opinion that is one level off for so many answers in a hundred, up or down, always in the
// same way for the same words.
func Noisy(opinion Opinion, percent int, seed string) Opinion {
	return func(answer string) (int, bool) {
		level, observed := opinion(answer)
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(seed + answer)) // cannot fail
		if sum := hash.Sum32() >> 4; int(sum%100) < percent {
			level += 1 - 2*int(sum/100%2)
		}
		return min(5, max(1, level)), observed
	}
}

// question is what the assessor asked: about one utterance for evidence, or about an answer for a rating.
type question struct {
	words        int // of the utterance
	competencies []string
	answer       string
	feedback     bool
	rating       bool
}

func readQuestion(r ChatRequest) question {
	type lines []struct {
		Words string `json:"words"`
	}
	var asked struct {
		Competencies []struct {
			ID string `json:"id"`
		} `json:"competencies"`
		Words  string `json:"words"`
		Answer lines  `json:"answer"`
		Said   lines  `json:"said"` // the answer, where it is rated a second time
		// Counted is there where feedback is asked for.
		Counted json.RawMessage `json:"counted"`
	}
	if json.Unmarshal([]byte(r.User()), &asked) != nil {
		return question{}
	}
	q := question{words: len(strings.Fields(asked.Words)), rating: len(asked.Answer)+len(asked.Said) > 0, feedback: asked.Counted != nil}
	for _, c := range asked.Competencies {
		q.competencies = append(q.competencies, c.ID)
	}
	var said []string
	for _, line := range append(asked.Answer, asked.Said...) {
		for numbered := range strings.FieldsSeq(line.Words) {
			_, word, _ := strings.Cut(numbered, ":")
			said = append(said, word)
		}
	}
	q.answer = strings.Join(said, " ")
	return q
}

// reply answers with evidence that ends so many words too late, or with a level and the sentence.
func (q question) reply(opinion Opinion, beyond int, sentence string) string {
	if q.feedback {
		return `{"strengths":[],"gaps":[],"drill":[]}`
	}
	if !q.rating {
		found := make([]string, 0, len(q.competencies))
		for _, c := range q.competencies {
			id, _ := json.Marshal(c) // a string always can be
			found = append(found, `{"competency":`+string(id)+`,"first":0,"last":`+strconv.Itoa(q.words-1+beyond)+`,"polarity":"supports","part":"action"}`)
		}
		return `{"evidence":[` + strings.Join(found[:min(len(found), 4)], ",") + `]}`
	}
	level, observed := opinion(q.answer)
	if !observed {
		level = 0
	}
	why, _ := json.Marshal(map[string]any{
		"observed": observed, "level": level, "why_not_higher": sentence, "why_not_lower": sentence,
	})
	return string(why)
}
