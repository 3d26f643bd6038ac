package assess

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"greenroom/consent"
)

// FeedbackKind is what a sentence of feedback is.
type FeedbackKind string

// The kinds.
const (
	FeedbackStrength FeedbackKind = "strength"
	FeedbackGap      FeedbackKind = "gap"
	FeedbackDrill    FeedbackKind = "drill" // something to practise now
)

// The most that feedback on one answer holds.
const (
	mostStrengths = 2
	mostGaps      = 2
	mostDrills    = 1
)

// FeedbackItem is one sentence with what it rests on; there is none that rests on nothing.
type FeedbackItem struct {
	Kind         FeedbackKind `json:"kind"`
	Text         string       `json:"text"`
	Evidence     []int64      `json:"evidence,omitempty"`     // ids
	Measurements []string     `json:"measurements,omitempty"` // names
}

// Feedback is what a model says to the candidate about one answer, after it was rated.
type Feedback struct {
	Session  consent.SessionID
	Question int
	Take     int
	Revision int // of the answer's words
	Rater    Rater
	At       time.Time
	Items    []FeedbackItem
}

// feedback asks once about an answer that was rated, and keeps each sentence that rests on something. A model
// that cannot be used leaves none, and nothing is said in its place.
func (a *Assessor) feedback(ctx context.Context, plan Plan, answer Answer, f toFeedback) error {
	if !f.worthAsking() {
		return nil
	}
	prompt, err := f.prompt(answer.Session)
	if err != nil {
		return err
	}
	var items []FeedbackItem
	hash := raterSHA256(feedbackSystem, feedbackSchema)
	call := consent.AICall{For: consent.AIFeedback, PromptSHA256: hash}
	err = a.whileAskable(ctx, answer.Session, a.Model, call, func(ctx context.Context, model askable) (err error) {
		request := ModelRequest{System: feedbackSystem, User: prompt, Schema: feedbackSchema, SchemaName: "advice", MaxTokens: 900}
		items, err = askTwice(ctx, model, request, f.parse)
		return err
	})
	if errors.Is(err, errUnusable) || errors.Is(err, errPastContext) || errors.Is(err, consent.ErrProvider) {
		a.Log.Warn("no feedback: the model could not be used", "session", answer.Session, "question", answer.Question)
		items, err = nil, nil
	}
	if err != nil {
		return err
	}
	permit, err := a.permit(ctx, answer.Session, consent.ArtefactFeedback) // anew: the call took its time
	if err != nil {
		return err
	}
	return a.Results.SaveFeedback(ctx, permit, Feedback{
		Session: answer.Session, Question: answer.Question, Take: answer.Take, Revision: answer.Revision, At: a.Now(), Items: items,
		Rater: Rater{Kind: RaterModel, Model: a.Model.Name(), PromptSHA256: hash, BankSHA256: plan.BankSHA256},
	})
}

// toFeedback is all that a model is given to write feedback on.
type toFeedback struct {
	names        Names
	question     Question
	competencies []Competency
	lines        []Line
	flagged      flaggedWords // of the lines; left out
	evidence     []Evidence
	measurements []Measurement // valid ones
	ratings      []Rating
}

// worthAsking: somebody gave a level, or found nothing where something was asked for; an answer that could not
// be assessed is not spoken about either.
func (f toFeedback) worthAsking() bool {
	return slices.ContainsFunc(f.ratings, func(r Rating) bool { return r.Outcome() != OutcomeNotAssessable })
}

// parse keeps the sentences that may be kept. That some had to be left out is no reason to ask again.
func (f toFeedback) parse(text string) ([]FeedbackItem, error) {
	type sentence struct {
		Text    string   `json:"text"`
		Marked  []int    `json:"marked"`
		Counted []string `json:"counted"`
	}
	var answer struct {
		Strengths []sentence `json:"strengths"`
		Gaps      []sentence `json:"gaps"`
		Drill     []sentence `json:"drill"`
	}
	if err := decodeAnswer(text, &answer); err != nil {
		return nil, err
	}
	if answer.Strengths == nil && answer.Gaps == nil && answer.Drill == nil {
		return nil, errMissing // an empty list says that there is nothing to say
	}
	from := f.source()
	var items []FeedbackItem
	keep := func(kind FeedbackKind, sentences []sentence, most int) {
		kept := 0
		for _, s := range sentences {
			item := FeedbackItem{Kind: kind, Text: strings.TrimSpace(s.Text), Evidence: f.evidenceAt(s.Marked), Measurements: f.measured(s.Counted)}
			rests := len(item.Evidence)+len(item.Measurements) > 0
			if kept == most || !rests || !hasLetters(item.Text) || from.check(item.Text) != nil || banned(item.Text) {
				continue
			}
			items, kept = append(items, item), kept+1
		}
	}
	keep(FeedbackStrength, answer.Strengths, mostStrengths)
	keep(FeedbackGap, answer.Gaps, mostGaps)
	keep(FeedbackDrill, answer.Drill, mostDrills)
	return items, nil
}

// evidenceAt returns the ids of the evidence with the given numbers, as far as there is such.
func (f toFeedback) evidenceAt(numbers []int) (ids []int64) {
	for _, n := range numbers {
		if n >= 0 && n < len(f.evidence) && !slices.Contains(ids, f.evidence[n].ID) {
			ids = append(ids, f.evidence[n].ID)
		}
	}
	return ids
}

func (f toFeedback) measured(names []string) (known []string) {
	for _, name := range names {
		is := func(m Measurement) bool { return m.Name == name }
		if slices.ContainsFunc(f.measurements, is) && !slices.Contains(known, name) {
			known = append(known, name)
		}
	}
	return known
}

// source is what a sentence may quote.
func (f toFeedback) source() source {
	texts := []string{f.question.Text}
	for _, c := range f.competencies {
		texts = append(texts, toRate{question: f.question, competency: c}.anchors()...)
	}
	return newSource(append(texts, f.flagged.leaving(f.names, f.lines)...)...)
}

func hasLetters(text string) bool { return strings.ContainsFunc(text, unicode.IsLetter) }
