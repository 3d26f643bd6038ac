package assess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"greenroom/consent"
)

// Ref returns the address of the line within its session.
func (l Line) Ref() LineRef { return LineRef{Epoch: l.Epoch, Sequence: l.Sequence} }

// Text returns the words joined by spaces.
func (l Line) Text() string { return wordsText(l.Words) }

// Quote renders the words first to last, inclusive, of the line; it is the only way a quote is made.
// It returns an error for a range that is not in the line.
func (l Line) Quote(first, last int) (string, error) {
	if first < 0 || last < first || last >= len(l.Words) {
		return "", fmt.Errorf("words %d to %d are not in a line of %d", first, last, len(l.Words))
	}
	return wordsText(l.Words[first : last+1]), nil
}

func wordsText(words []Word) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.Text
	}
	return strings.Join(texts, " ")
}

// errUnusable says that a model answered something that cannot be used; its text goes back to the
// model once, so it names the problem and nothing else.
var errUnusable = errors.New("unusable answer")

// Replies that ended as the server meant them to, and hold nothing to use. Asked the same again, most models end
// the same way: these are no failures to wait out.
var (
	errTooLong  = fmt.Errorf("%w: it did not fit into the allowed tokens", errUnusable)
	errDeclined = fmt.Errorf("%w: no answer was given", errUnusable)
)

// errUnread says that nobody knows what a line shows: the reply about it was unusable twice, or it is more than the
// model can read. Another try may do better, but is not worth a job of its own.
var errUnread = errors.New("the line could not be read by the model")

// mostEvidence bounds how many runs of words one utterance can have.
const mostEvidence = 4

// findEvidence asks the model for word ranges in one line and keeps only those that exist.
func findEvidence(ctx context.Context, model askable, names Names, question Question, competencies []Competency, line Line, around []Line, flagged flaggedWords) ([]Evidence, error) {
	prompt, err := evidencePrompt(names, question, competencies, line, around, flagged)
	if err != nil {
		return nil, err
	}
	request := ModelRequest{System: evidenceSystem, User: prompt, Schema: evidenceSchema, SchemaName: "evidence", MaxTokens: 800}
	found, err := askTwice(ctx, model, request, func(text string) ([]Evidence, error) {
		return parseEvidence(text, model.model.Name(), competencies, line)
	})
	return flagged.outside(found), err
}

func parseEvidence(text, modelName string, competencies []Competency, line Line) ([]Evidence, error) {
	var answer struct {
		Evidence []struct {
			Competency string   `json:"competency"`
			First      *int     `json:"first"`
			Last       *int     `json:"last"`
			Polarity   Polarity `json:"polarity"`
			Part       Part     `json:"part"`
		} `json:"evidence"`
	}
	if err := decodeAnswer(text, &answer); err != nil {
		return nil, err
	}
	if answer.Evidence == nil {
		return nil, errMissing
	}
	if len(answer.Evidence) > mostEvidence {
		return nil, fmt.Errorf("%w: more than %d runs of words", errUnusable, mostEvidence)
	}
	found := make([]Evidence, 0, len(answer.Evidence))
	for _, e := range answer.Evidence {
		c, ok := competencyOf(competencies, e.Competency)
		if !ok {
			return nil, fmt.Errorf("%w: unknown competency", errUnusable)
		}
		if e.First == nil || e.Last == nil {
			return nil, errMissing
		}
		if _, err := line.Quote(*e.First, *e.Last); err != nil {
			return nil, fmt.Errorf("%w: %w", errUnusable, err)
		}
		if !e.Polarity.known() || !e.Part.known() {
			return nil, fmt.Errorf("%w: unknown polarity or part", errUnusable)
		}
		found = append(found, Evidence{
			Session: line.Session, Question: line.Question, Take: line.Take,
			Competency: c.ID, Line: line.Ref(), First: *e.First, Last: *e.Last, Polarity: e.Polarity, Part: e.Part,
			Rater: Rater{
				Kind: RaterModel, Model: modelName,
				PromptSHA256: raterSHA256(evidenceSystem, evidenceSchema), RubricSHA256: rubricSHA256(c),
			},
		})
	}
	return found, nil
}

func (p Polarity) known() bool { return p == Supports || p == Contradicts }

func (p Part) known() bool {
	switch p {
	case PartSituation, PartTask, PartAction, PartResult, PartOther:
		return true
	default:
		return false
	}
}

func competencyOf(competencies []Competency, id string) (Competency, bool) {
	for _, c := range competencies {
		if c.ID == id {
			return c, true
		}
	}
	return Competency{}, false
}

// askable is a model with the right to ask it about one session.
type askable struct {
	model  Model
	permit func(context.Context) (consent.Permit, error) // for [consent.ArtefactModel]; fresh for each request
	heard  func(ModelAnswer)                             // of each answer, usable or not, before it is checked; may be nil
}

func (a askable) complete(ctx context.Context, request ModelRequest) (ModelAnswer, error) {
	permit, err := a.permit(ctx)
	if err != nil {
		return ModelAnswer{}, err
	}
	answer, err := a.model.Complete(ctx, permit, request)
	if (err == nil || errors.Is(err, errUnusable)) && a.heard != nil {
		a.heard(answer)
	}
	return answer, err
}

// askTwice asks, and if the answer is unusable asks once more saying why. A provider's failure is
// returned as it is, for the job to be tried again later.
func askTwice[T any](ctx context.Context, model askable, request ModelRequest, parse func(string) (T, error)) (T, error) {
	value, err := askOnce(ctx, model, request, parse)
	if err == nil || !errors.Is(err, errUnusable) {
		return value, err
	}
	request.System += "\n\n" + fmt.Sprintf(repairSystem, whatToRepair(err))
	return askOnce(ctx, model, request, parse)
}

func askOnce[T any](ctx context.Context, model askable, request ModelRequest, parse func(string) (T, error)) (T, error) {
	answer, err := model.complete(ctx, request)
	if err != nil {
		var zero T
		return zero, err
	}
	return parse(answer.Text)
}

// whatToRepair is what the model itself is told of an error: nothing that is meant for the operator, and no word
// of a server.
func whatToRepair(err error) error {
	for _, known := range []error{errTooLong, errDeclined} {
		if errors.Is(err, known) {
			return known
		}
	}
	return err
}

// errMissing: a field that was asked for is not there, or is null. It is never taken for zero, false or none.
var errMissing = fmt.Errorf("%w: a field is missing", errUnusable)

// decodeAnswer reads exactly one JSON object, of which unknown fields are refused. A model that puts
// the object into a fenced block is forgiven.
func decodeAnswer(text string, into any) error {
	decoder := json.NewDecoder(strings.NewReader(Unfenced(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("%w: it is not the JSON that was asked for", errUnusable)
	}
	if decoder.More() {
		return fmt.Errorf("%w: there is text after the JSON", errUnusable)
	}
	return nil
}

// Unfenced returns a model's answer without the fenced block that it may have been put into.
func Unfenced(text string) string {
	text = strings.TrimSpace(text)
	inner, fenced := strings.CutPrefix(text, "```")
	if !fenced {
		return text
	}
	inner = strings.TrimPrefix(inner, "json")
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(inner), "```"))
}
