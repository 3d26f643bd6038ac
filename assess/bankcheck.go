package assess

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How long texts may be, in characters.
const (
	idLimit         = 64
	versionLimit    = 40
	nameLimit       = 80
	summaryLimit    = 300
	definitionLimit = 300
	anchorLimit     = 400
	spokenLimit     = 1200 // an example or a near miss
	questionLimit   = 400
	probeLimit      = 200
	termLimit       = 60
)

const (
	probesLimit       = 3
	termsLimit        = 20
	competenciesOfOne = 3 // that a question may name
	leastToChooseFrom = UsualQuestions
	longestPrepareS   = 600
	shortestAnswerS   = 10
	longestAnswerS    = 900
)

var (
	idForm       = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	anchorLevels = []int{1, 3, 5}
)

// bankCheck holds the rules of docs/question-bank.md.
type bankCheck struct {
	note      func(format string, args ...any)
	known     map[string]bool   // competencies
	roles     map[string]bool   // ids
	questions map[string]string // the file of each id
	asked     map[string]string // the id of each text
}

func newBankCheck(note func(string, ...any)) *bankCheck {
	return &bankCheck{note: note, known: map[string]bool{}, roles: map[string]bool{}, questions: map[string]string{}, asked: map[string]string{}}
}

// text checks one text that is required.
func (c *bankCheck) text(of, what, text string, limit int) {
	switch n := utf8.RuneCountInString(text); {
	case text == "":
		c.note("%s: %s is missing", of, what)
	case n > limit:
		c.note("%s: %s has %d characters, more than %d", of, what, n, limit)
	case text != strings.TrimSpace(text):
		c.note("%s: %s begins or ends with a space", of, what)
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }):
		c.note("%s: %s has a line break or another character that cannot be seen", of, what)
	}
}

func (c *bankCheck) id(of, id string) {
	if len(id) > idLimit || !idForm.MatchString(id) {
		c.note("%s: an id has small letters, digits and single hyphens, at most %d of them", of, idLimit)
	}
}

func (c *bankCheck) anchors(of string, anchors map[int]string) {
	for _, level := range anchorLevels {
		c.text(of, fmt.Sprintf("the anchor for level %d", level), anchors[level], anchorLimit)
	}
	for _, level := range slices.Sorted(maps.Keys(anchors)) {
		if !slices.Contains(anchorLevels, level) {
			c.note("%s: anchors are written for the levels 1, 3 and 5, not for %d", of, level)
		}
	}
}

// spoken checks words that show something and words that only sound like it.
func (c *bankCheck) spoken(of, example, nearMiss string) {
	c.text(of, "example", example, spokenLimit)
	c.text(of, "near_miss", nearMiss, spokenLimit)
	if example != "" && example == nearMiss {
		c.note("%s: example and near_miss are the same", of)
	}
}

// each reports what is empty, too long or twice in a list.
func (c *bankCheck) each(of, what string, list []string, limit int) {
	for i, text := range list {
		c.text(of, fmt.Sprintf("%s %d", what, i+1), text, limit)
		if slices.Contains(list[:i], text) {
			c.note("%s: %s %d stands there twice", of, what, i+1)
		}
	}
}

func (c *bankCheck) competencies(file competenciesFile) {
	c.text(competenciesName, "version", file.Version, versionLimit)
	if n := len(file.Competencies); n == 0 || n > competenciesLimit {
		c.note("%s: %d competencies, want 1 to %d", competenciesName, n, competenciesLimit)
	}
	for _, one := range file.Competencies[:min(len(file.Competencies), competenciesLimit)] {
		of := fmt.Sprintf("%s: competency %q", competenciesName, one.ID)
		c.id(of, one.ID)
		if c.known[one.ID] {
			c.note("%s stands there twice", of)
		}
		c.known[one.ID] = true
		c.text(of, "name", one.Name, nameLimit)
		c.text(of, "definition", one.Definition, definitionLimit)
		c.anchors(of, one.Anchors)
		c.spoken(of, one.Example, one.NearMiss)
	}
}

func (c *bankCheck) role(role roleFile) {
	of := role.name
	c.id(of, role.ID)
	if want := "role-" + role.ID + ".json"; role.ID != "" && want != role.name {
		c.note("%s: the role's id is %q, so the file must be called %s", of, role.ID, want)
	}
	if c.roles[role.ID] {
		c.note("%s stands there twice", of)
	}
	c.roles[role.ID] = true
	c.text(of, "title", role.Title, nameLimit)
	c.text(of, "summary", role.Summary, summaryLimit)
	if n := len(role.Questions); n > questionsLimit {
		c.note("%s: %d questions, more than %d", of, n, questionsLimit)
		return
	}
	for _, q := range role.Questions {
		c.question(role, q)
	}
	for _, q := range role.Questions {
		c.parallel(role, q)
	}
	c.mix(of, role)
}

// mix wants enough to choose from, and of more than one kind.
func (c *bankCheck) mix(of string, role roleFile) {
	kinds, toChooseFrom := map[string]int{}, 0
	for _, q := range role.Questions {
		kinds[q.Kind]++
		if q.ParallelOf == "" {
			toChooseFrom++
		}
	}
	if toChooseFrom < leastToChooseFrom {
		c.note("%s: %d questions without parallel forms, want at least %d", of, toChooseFrom, leastToChooseFrom)
	}
	if kinds[kindBehavioural] == 0 || kinds[kindSituational]+kinds[kindTechnical] == 0 {
		c.note("%s: it needs behavioural questions, and situational or technical ones", of)
	}
}

func (c *bankCheck) question(role roleFile, q questionItem) {
	of := fmt.Sprintf("%s: question %q", role.name, q.ID)
	c.id(of, q.ID)
	if other, twice := c.questions[q.ID]; twice {
		c.note("%s: %s has one of that id", of, other)
	}
	c.questions[q.ID] = role.name
	c.text(of, "text", q.Text, questionLimit)
	if other := c.asked[strings.ToLower(q.Text)]; other != "" && q.Text != "" {
		c.note("%s: question %q asks the same in the same words", of, other)
	}
	c.asked[strings.ToLower(q.Text)] = q.ID
	if !slices.Contains(Kinds(), q.Kind) {
		c.note("%s: unknown kind %q, want one of %s", of, q.Kind, strings.Join(Kinds(), ", "))
	}
	if n := len(q.Competencies); n < 1 || n > competenciesOfOne {
		c.note("%s: %d competencies, want 1 to %d", of, n, competenciesOfOne)
		return
	}
	for i, id := range q.Competencies {
		if !c.known[id] {
			c.note("%s: unknown competency %q", of, id)
		}
		if slices.Contains(q.Competencies[:i], id) {
			c.note("%s: competency %q stands there twice", of, id)
		}
	}
	c.ownAnchors(of, q)
	c.spoken(of, q.Example, q.NearMiss)
	if n := len(q.Probes); n < 1 || n > probesLimit {
		c.note("%s: %d probes, want 1 to %d", of, n, probesLimit)
	} else {
		c.each(of, "probe", q.Probes, probeLimit)
	}
	if n := len(q.Terms); n > termsLimit {
		c.note("%s: %d terms, more than %d", of, n, termsLimit)
	} else {
		c.each(of, "term", q.Terms, termLimit)
	}
	if q.PrepareS < 0 || q.PrepareS > longestPrepareS || q.AnswerS < shortestAnswerS || q.AnswerS > longestAnswerS {
		c.note("%s: %d s to prepare and %d s to answer, want 0 to %d and %d to %d", of, q.PrepareS, q.AnswerS, longestPrepareS, shortestAnswerS, longestAnswerS)
	}
}

// ownAnchors: what is right in a technical answer cannot be read off a general description.
func (c *bankCheck) ownAnchors(of string, q questionItem) {
	for _, id := range slices.Sorted(maps.Keys(q.Anchors)) {
		if !slices.Contains(q.Competencies, id) {
			c.note("%s: anchors for %q, which is none of its competencies", of, id)
			continue
		}
		c.anchors(fmt.Sprintf("%s: %s", of, id), q.Anchors[id])
	}
	for _, id := range q.Competencies {
		if q.Kind == kindTechnical && q.Anchors[id] == nil {
			c.note("%s: a technical question needs anchors of its own for %q", of, id)
		}
	}
}

func (c *bankCheck) parallel(role roleFile, q questionItem) {
	if q.ParallelOf == "" {
		return
	}
	of := fmt.Sprintf("%s: question %q", role.name, q.ID)
	i := slices.IndexFunc(role.Questions, func(other questionItem) bool { return other.ID == q.ParallelOf })
	switch {
	case i < 0:
		c.note("%s: parallel_of names %q, which is no question of this role", of, q.ParallelOf)
	case q.ParallelOf == q.ID:
		c.note("%s: parallel_of names the question itself", of)
	case role.Questions[i].ParallelOf != "":
		c.note("%s: parallel_of names %q, which is a parallel form itself: name the first", of, q.ParallelOf)
	case role.Questions[i].Kind != q.Kind || !slices.Equal(role.Questions[i].Competencies, q.Competencies):
		c.note("%s: a parallel form has the kind and the competencies, in order, of %q", of, q.ParallelOf)
	}
}
