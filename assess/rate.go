package assess

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"greenroom/consent"
)

// longestSentence bounds a model's why-not sentence, in characters.
const longestSentence = 400

// answerOf names the answer a rating is about.
type answerOf struct {
	session  consent.SessionID
	question int
	take     int
	revision int // of its words
}

// toRate is one competency of one answer, and all that a model is given to rate it.
type toRate struct {
	of         answerOf
	names      Names
	bank       string // SHA-256 of the bank the plan came from
	question   Question
	competency Competency
	lines      []Line
	flagged    flaggedWords // of the lines; left out in each pass but [PassWithFlagged]
	evidence   []Evidence
	heard      HeardBadly
	partly     bool  // of some lines nobody knows what they show
	asked      Asked // how the answer came that is being looked at
	now        func() time.Time
}

// errNoEvidence is unusable in one way of its own: the level stands on nothing that was said.
var errNoEvidence = fmt.Errorf("%w: there is no evidence for a level above %d", errUnusable, MinLevel)

// reasonNoEvidence is for the candidate, where a model would have given a level for nothing.
const reasonNoEvidence = "Nothing was found in the answer that shows this."

// reasonUnread is for the candidate, where what shows it may stand in the lines of which no reply could be used.
const reasonUnread = "Part of this answer could not be read by the model, and in the rest nothing was found that shows this, so there is no level. If your answer shows it, contest this."

// reasonUnusable is for the candidate, where a model answered twice what cannot be used.
const reasonUnusable = "The model's answer could not be used."

// reasonTooLong is for the candidate. A level of a part of the answer would pass for one of all of it.
const reasonTooLong = "This answer is longer than the model can read at once, so it was not rated by it. Answer the question again in another interview, and keep to what you did and what came of it."

// ask makes one rating call and checks what comes back. A model that gives a level without evidence, also when
// it is told so, has observed nothing; one whose answers cannot be used leaves it not assessable. So does an answer
// without evidence of which some was not read: whatever is low or missing then may be so for that alone.
func (r toRate) ask(ctx context.Context, model askable, pass Pass) (Rating, error) {
	if pass == PassWithFlagged {
		r.flagged = nil
	}
	prompt, err := ratingPrompt(pass, r.names, r.of.session, r.question, r.competency, r.lines, r.flagged, r.evidence)
	if err != nil {
		return Rating{}, err
	}
	from := r.source()
	request := ModelRequest{System: ratingInstructions(pass), User: prompt, Schema: ratingSchema, SchemaName: "rating", MaxTokens: 600}
	name := model.model.Name()
	model.heard = func(answer ModelAnswer) { r.asked = askedAs(name, answer) }
	rating, err := askTwice(ctx, model, request, func(text string) (Rating, error) {
		return r.parse(text, name, pass, from)
	})
	switch {
	case r.partly && !r.supported() && (err == nil || errors.Is(err, errNoEvidence)):
		return r.without(OutcomeNotAssessable, name, pass, reasonUnread)
	case errors.Is(err, errNoEvidence):
		return r.without(OutcomeNotObserved, name, pass, reasonNoEvidence)
	case errors.Is(err, errUnusable):
		return r.without(OutcomeNotAssessable, name, pass, reasonUnusable)
	case errors.Is(err, errPastContext):
		return r.without(OutcomeNotAssessable, name, pass, reasonTooLong)
	default:
		return rating, err
	}
}

// ratingInstructions returns the fixed text of a pass.
func ratingInstructions(pass Pass) string {
	if pass == PassSecond {
		return ratingAgainSystem
	}
	return ratingSystem
}

// source is what a model may quote in its sentences: what it was given to read.
func (r toRate) source() source {
	return newSource(append(r.anchors(), r.flagged.leaving(r.names, r.lines)...)...)
}

// anchors is what is written about the competency, and the question.
func (r toRate) anchors() []string {
	texts := []string{r.question.Text, r.competency.Name, r.competency.Definition}
	for level := MinLevel; level <= MaxLevel; level++ {
		texts = append(texts, r.competency.Anchors[level])
	}
	return texts
}

func (r toRate) parse(text, modelName string, pass Pass, from source) (Rating, error) {
	var answer struct {
		Observed     *bool   `json:"observed"`
		Level        *int    `json:"level"`
		WhyNotHigher *string `json:"why_not_higher"`
		WhyNotLower  *string `json:"why_not_lower"`
	}
	if err := decodeAnswer(text, &answer); err != nil {
		return Rating{}, err
	}
	if answer.Observed == nil || answer.Level == nil || answer.WhyNotHigher == nil || answer.WhyNotLower == nil {
		return Rating{}, errMissing
	}
	for _, sentence := range []string{*answer.WhyNotHigher, *answer.WhyNotLower} {
		if err := from.check(strings.TrimSpace(sentence)); err != nil {
			return Rating{}, err
		}
	}
	if !*answer.Observed && *answer.Level != 0 {
		return Rating{}, fmt.Errorf("%w: there is a level for what was not observed", errUnusable)
	}
	fields := r.fields(modelName, pass)
	fields.Outcome, fields.PartlyRead = OutcomeNotObserved, r.partly
	if *answer.Observed {
		fields.Outcome, fields.Level = OutcomeLevel, *answer.Level
		fields.WhyNotHigher, fields.WhyNotLower = unlessBanned(*answer.WhyNotHigher), unlessBanned(*answer.WhyNotLower)
	}
	rating, err := NewRating(fields)
	if err != nil {
		return Rating{}, fmt.Errorf("%w: %w", errUnusable, err)
	}
	if rating.level > MinLevel && !r.supported() {
		return Rating{}, errNoEvidence
	}
	return rating, nil
}

// unlessBanned leaves out a sentence about what no sentence may be about; the level stands without it.
func unlessBanned(sentence string) string {
	if banned(sentence) {
		return ""
	}
	return strings.TrimSpace(sentence)
}

// without is a rating that has no level, and why.
func (r toRate) without(outcome Outcome, modelName string, pass Pass, reason string) (Rating, error) {
	fields := r.fields(modelName, pass)
	fields.Outcome, fields.Reason = outcome, reason
	return NewRating(fields)
}

func (r toRate) fields(modelName string, pass Pass) RatingFields {
	return RatingFields{
		Session: r.of.session, Question: r.of.question, Take: r.of.take, Competency: r.competency.ID,
		Rater: r.rater(modelName, pass), Revision: r.of.revision, At: r.now(), Asked: r.asked, Heard: r.heard,
	}
}

// rater names a model with the hashes of everything that it is told.
func (r toRate) rater(modelName string, pass Pass) Rater {
	return Rater{
		Kind: RaterModel, Model: modelName, Pass: pass, PromptSHA256: ratingSHA256(ratingInstructions(pass)),
		RubricSHA256: rubricSHA256(r.competency), BankSHA256: r.bank,
	}
}

func (r toRate) supported() bool {
	for _, e := range r.evidence {
		if e.Competency == r.competency.ID && e.Polarity == Supports {
			return true
		}
	}
	return false
}
