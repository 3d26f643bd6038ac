package assess

import (
	"encoding/json"
	"fmt"
	"strings"

	"greenroom/consent"
)

// Everything that is sent to a language model about a session is made here, from the fields of the types
// below and from nothing else: the question and the competencies of the bank, the masked words of the
// answer under numbers of this one request, and ranges of them. No field holds an id of a session, an
// account or an organization. [wire] lets no request out that has another shape.

// Prompt is what a model is asked about one session. Only this file makes one, so that nothing is sent
// that was not masked.
type Prompt struct {
	session consent.SessionID // whom the words belong to; never sent
	text    string
}

// String hides the words from logs.
func (p Prompt) String() string { return fmt.Sprintf("prompt of %d bytes", len(p.text)) }

// GoString hides the words from logs.
func (p Prompt) GoString() string { return p.String() }

// evidenceQuestion is the prompt of a search for evidence.
type evidenceQuestion struct {
	Competencies []promptCompetency `json:"competencies"`
	Question     string             `json:"question"`
	Words        string             `json:"words"` // "0:The 1:plan 2:failed"
}

// ratingQuestion is the prompt of a rating.
type ratingQuestion struct {
	Answer     []promptLine     `json:"answer"`
	Competency promptCompetency `json:"competency"`
	Evidence   []promptEvidence `json:"evidence"`
	Question   string           `json:"question"`
}

// ratingAgainQuestion is the prompt of a second rating: the same, in another order and under other names, with
// the anchors from the highest to the lowest.
type ratingAgainQuestion struct {
	Question string           `json:"question"`
	Marked   []promptEvidence `json:"marked"`
	Said     []promptLine     `json:"said"`
	Name     string           `json:"name"`
	Meaning  string           `json:"meaning"` // of the competency
	Levels   []promptLevel    `json:"levels"`
}

// feedbackQuestion is the prompt of feedback on a rated answer.
type feedbackQuestion struct {
	Question string           `json:"question"`
	Said     []promptLine     `json:"said"`
	Marked   []promptMarked   `json:"marked"`
	Counted  []promptCounted  `json:"counted"`
	Levels   []promptStanding `json:"levels"`
}

// followUpQuestion is the prompt of a follow-up question on an answer that was just given.
type followUpQuestion struct {
	Question     string       `json:"question"`
	Competencies []string     `json:"competencies"` // their names
	Said         []promptLine `json:"said"`
}

type promptMarked struct {
	Number     int      `json:"number"`
	Competency string   `json:"competency"` // its name
	Utterance  int      `json:"utterance"`
	First      int      `json:"first"`
	Last       int      `json:"last"`
	Polarity   Polarity `json:"polarity"`
}

type promptCounted struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

type promptStanding struct {
	Competency string `json:"competency"` // its name
	Level      int    `json:"level"`      // 0: none
}

type promptLevel struct {
	Level  int    `json:"level"`
	Anchor string `json:"anchor"`
}

type promptCompetency struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	Definition string         `json:"definition"`
	Anchors    map[int]string `json:"anchors,omitempty"`
}

type promptLine struct {
	Utterance int    `json:"utterance"`
	Words     string `json:"words"`
}

type promptEvidence struct {
	Utterance int      `json:"utterance"`
	First     int      `json:"first"`
	Last      int      `json:"last"`
	Polarity  Polarity `json:"polarity"`
	Part      Part     `json:"part"`
}

// maskFlagged stands for a word that speaks to whoever rates.
const maskFlagged = "[removed]"

func evidencePrompt(names Names, question Question, competencies []Competency, line Line, around []Line, flagged flaggedWords) (Prompt, error) {
	asked := make([]promptCompetency, 0, len(competencies))
	for _, c := range competencies {
		asked = append(asked, promptCompetency{ID: c.ID, Name: c.Name, Definition: c.Definition})
	}
	words := names.maskIn(around, line)
	for i := range words {
		if flagged.has(line.Ref(), i) {
			words[i] = maskFlagged
		}
	}
	return newPrompt(line.Session, evidenceQuestion{Question: question.Text, Competencies: asked, Words: numberedWords(words)})
}

// ratingPrompt is what a model is asked in one of the passes. The third has the first one's instructions and
// fields, in an order of its own.
func ratingPrompt(pass Pass, names Names, session consent.SessionID, question Question, c Competency, lines []Line, flagged flaggedWords, evidence []Evidence) (Prompt, error) {
	said, place := promptLines(names, lines, flagged)
	marked := []promptEvidence{}
	for _, e := range evidence {
		if at, ok := place[e.Line]; ok && e.Competency == c.ID {
			marked = append(marked, promptEvidence{Utterance: at, First: e.First, Last: e.Last, Polarity: e.Polarity, Part: e.Part})
		}
	}
	asked := promptCompetency{ID: c.ID, Name: c.Name, Definition: c.Definition, Anchors: c.Anchors}
	switch pass {
	case PassSecond:
		again := ratingAgainQuestion{Question: question.Text, Marked: marked, Said: said, Name: c.Name, Meaning: c.Definition}
		for level := MaxLevel; level >= MinLevel; level-- {
			if anchor, ok := c.Anchors[level]; ok {
				again.Levels = append(again.Levels, promptLevel{Level: level, Anchor: anchor})
			}
		}
		return newPrompt(session, again)
	case PassThird:
		return newPrompt(session, struct {
			Question   string           `json:"question"`
			Evidence   []promptEvidence `json:"evidence"`
			Competency promptCompetency `json:"competency"`
			Answer     []promptLine     `json:"answer"`
		}{question.Text, marked, asked, said})
	case PassContest:
		return newPrompt(session, struct {
			Competency promptCompetency `json:"competency"`
			Answer     []promptLine     `json:"answer"`
			Question   string           `json:"question"`
			Evidence   []promptEvidence `json:"evidence"`
		}{asked, said, question.Text, marked})
	case PassFirst, PassWithFlagged:
		return newPrompt(session, ratingQuestion{Question: question.Text, Competency: asked, Answer: said, Evidence: marked})
	default:
		return Prompt{}, fmt.Errorf("there is no prompt for a pass %q", pass)
	}
}

func (f toFeedback) prompt(session consent.SessionID) (Prompt, error) {
	asked := feedbackQuestion{Question: f.question.Text, Marked: []promptMarked{}, Counted: []promptCounted{}, Levels: []promptStanding{}}
	said, place := promptLines(f.names, f.lines, f.flagged)
	asked.Said = said
	for n, e := range f.evidence {
		at, there := place[e.Line]
		c, known := competencyOf(f.competencies, e.Competency)
		if there && known {
			asked.Marked = append(asked.Marked, promptMarked{Number: n, Competency: c.Name, Utterance: at, First: e.First, Last: e.Last, Polarity: e.Polarity})
		}
	}
	for _, m := range f.measurements {
		asked.Counted = append(asked.Counted, promptCounted{Name: m.Name, Value: m.Value, Unit: m.Unit})
	}
	for _, c := range f.competencies {
		standing, _ := StandingOf(f.ratings, RaterModel, c.ID)
		asked.Levels = append(asked.Levels, promptStanding{Competency: c.Name, Level: standing.Level})
	}
	return newPrompt(session, asked)
}

func (f toFollowUp) prompt(session consent.SessionID) (Prompt, error) {
	asked := followUpQuestion{Question: f.question.Text, Competencies: []string{}}
	for _, c := range f.competencies {
		asked.Competencies = append(asked.Competencies, c.Name)
	}
	asked.Said, _ = promptLines(f.names, f.lines, f.flagged)
	return newPrompt(session, asked)
}

// promptLines are the masked words of an answer under their numbers, and the place of each line. Flagged words are
// left out; the numbers of the others stay, so that ranges fit.
func promptLines(names Names, lines []Line, flagged flaggedWords) ([]promptLine, map[LineRef]int) {
	said := make([]promptLine, 0, len(lines))
	place := map[LineRef]int{}
	for i, words := range names.mask(lines) {
		place[lines[i].Ref()] = i
		said = append(said, promptLine{Utterance: i, Words: numberedWords(flagged.cut(lines[i].Ref(), words))})
	}
	return said, place
}

// numberedWords leaves out words that are empty.
func numberedWords(words []string) string {
	var b strings.Builder
	for i, word := range words {
		if word == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d:%s", i, word)
	}
	return b.String()
}

func newPrompt(session consent.SessionID, question any) (Prompt, error) {
	text, err := json.Marshal(question)
	if err != nil {
		return Prompt{}, fmt.Errorf("write prompt: %w", err)
	}
	return Prompt{session: session, text: string(text)}, nil
}
