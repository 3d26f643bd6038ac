package assess

import (
	"context"
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
}

// rateCompetency makes one rating call for one competency and checks what comes back.
func rateCompetency(ctx context.Context, model askable, names Names, of answerOf, question Question, c Competency, lines []Line, evidence []Evidence, now time.Time) (Rating, error) {
	prompt, err := ratingPrompt(names, of.session, question, c, lines, evidence)
	if err != nil {
		return Rating{}, err
	}
	from := ratingSource(names, question, c, lines)
	request := ModelRequest{System: ratingSystem, User: prompt, Schema: ratingSchema, SchemaName: "rating", MaxTokens: 600}
	return askTwice(ctx, model, request, func(text string) (Rating, error) {
		return parseRating(text, model.model.Name(), of, c, from, supported(evidence, c.ID), now)
	})
}

// ratingSource is what a model may quote in its sentences: what it was given to read.
func ratingSource(names Names, question Question, c Competency, lines []Line) source {
	texts := []string{question.Text, c.Name, c.Definition}
	for level := MinLevel; level <= MaxLevel; level++ {
		texts = append(texts, c.Anchors[level])
	}
	for _, words := range names.mask(lines) {
		texts = append(texts, strings.Join(words, " "))
	}
	return newSource(texts...)
}

func parseRating(text, modelName string, of answerOf, c Competency, from source, hasEvidence bool, now time.Time) (Rating, error) {
	var answer struct {
		Observed     bool   `json:"observed"`
		Level        int    `json:"level"`
		WhyNotHigher string `json:"why_not_higher"`
		WhyNotLower  string `json:"why_not_lower"`
	}
	if err := decodeAnswer(text, &answer); err != nil {
		return Rating{}, err
	}
	for _, sentence := range []string{answer.WhyNotHigher, answer.WhyNotLower} {
		if err := from.check(strings.TrimSpace(sentence)); err != nil {
			return Rating{}, err
		}
	}
	fields := RatingFields{
		Session: of.session, Question: of.question, Take: of.take, Competency: c.ID,
		Rater: modelRater(modelName, c), Outcome: OutcomeNotObserved, At: now,
	}
	if answer.Observed {
		if !hasEvidence && answer.Level > MinLevel {
			return Rating{}, fmt.Errorf("%w: there is no evidence for a level above %d", errUnusable, MinLevel)
		}
		fields.Outcome, fields.Level = OutcomeLevel, answer.Level
		fields.WhyNotHigher, fields.WhyNotLower = strings.TrimSpace(answer.WhyNotHigher), strings.TrimSpace(answer.WhyNotLower)
	}
	rating, err := NewRating(fields)
	if err != nil {
		return Rating{}, fmt.Errorf("%w: %w", errUnusable, err)
	}
	return rating, nil
}

// notAssessable is the rating of an answer that no level can be given for.
func notAssessable(modelName string, of answerOf, c Competency, reason string, now time.Time) (Rating, error) {
	return NewRating(RatingFields{
		Session: of.session, Question: of.question, Take: of.take, Competency: c.ID,
		Rater: modelRater(modelName, c), Outcome: OutcomeNotAssessable, Reason: reason, At: now,
	})
}

func modelRater(name string, c Competency) Rater {
	return Rater{
		Kind: RaterModel, Model: name,
		PromptSHA256: promptSHA256(ratingSystem, ratingSchema), RubricSHA256: rubricSHA256(c),
	}
}

func supported(evidence []Evidence, competency string) bool {
	for _, e := range evidence {
		if e.Competency == competency {
			return true
		}
	}
	return false
}
