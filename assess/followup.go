package assess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"greenroom/consent"
)

// MostFollowUps is how many questions of its own a model may ask in one interview, each in the place of a probe.
const MostFollowUps = 3

const (
	// settleForFollowUp is how long the last words of an answer are waited for; a question may be about what was
	// written down by then.
	settleForFollowUp = 1500 * time.Millisecond
	// repairNeeds is the time in which asking once more has a chance.
	repairNeeds = 1500 * time.Millisecond
)

// FollowUp is a question that a model asked about an answer, in the place of a probe of the bank.
type FollowUp struct {
	Session      consent.SessionID
	Question     int
	Take         int
	Text         string
	Model        string
	PromptSHA256 string
	BankSHA256   string // of the bank that the session's plan came from
	At           time.Time
}

// errNothingToAsk: too little was said or heard, or not in English.
var errNothingToAsk = errors.New("there is nothing to ask about")

// FollowUp asks the model for one question about what was said of an answer so far. It returns an error where there
// is none that may be asked, whatever the reason: then the bank's probe is asked. The end of ctx is the time after
// which nobody needs it.
func (a *Assessor) FollowUp(ctx context.Context, session consent.SessionID, wish Wish) (FollowUp, error) {
	if a.Model == nil {
		return FollowUp{}, fmt.Errorf("%w: none is set up", ErrModel)
	}
	if _, err := a.permit(ctx, session, consent.ArtefactModel); err != nil {
		return FollowUp{}, err
	}
	a.settleFor(ctx, session, wish.Heard)
	asked, err := a.toFollowUp(ctx, session, wish)
	if err != nil {
		return FollowUp{}, err
	}
	prompt, err := asked.prompt(session)
	if err != nil {
		return FollowUp{}, err
	}
	hash := promptSHA256(followUpSystem, followUpSchema)
	var text string
	call := consent.AICall{For: consent.AIFollowUp, PromptSHA256: hash}
	err = a.whileAskable(ctx, session, a.Model, call, func(ctx context.Context, model askable) (err error) {
		request := ModelRequest{System: followUpSystem, User: prompt, Schema: followUpSchema, SchemaName: "follow_up", MaxTokens: 200}
		text, err = askInTimeLeft(ctx, model, request, asked.parse)
		return err
	})
	if err != nil {
		return FollowUp{}, err
	}
	return FollowUp{
		Session: session, Question: wish.Question, Take: wish.Take, Text: text,
		Model: a.Model.Name(), PromptSHA256: hash, BankSHA256: asked.bank, At: a.Now(),
	}, nil
}

// settleFor waits for the last words, but not for long, and does not cut off who goes on talking.
func (a *Assessor) settleFor(ctx context.Context, session consent.SessionID, until time.Duration) {
	if a.SaidOut == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, settleForFollowUp)
	defer cancel()
	_ = a.SaidOut(ctx, session, until) // what is not written down by now is not asked about
}

func (a *Assessor) toFollowUp(ctx context.Context, session consent.SessionID, wish Wish) (toFollowUp, error) {
	plan, err := a.Results.PlanOf(ctx, session)
	if err != nil {
		return toFollowUp{}, err
	}
	if wish.Question < 0 || wish.Question >= len(plan.Questions) {
		return toFollowUp{}, fmt.Errorf("question %d is not in a plan of %d", wish.Question, len(plan.Questions))
	}
	transcript, err := a.permit(ctx, session, consent.ArtefactTranscript)
	if err != nil {
		return toFollowUp{}, err
	}
	lines, err := a.Results.LinesOf(ctx, transcript, session, wish.Question, wish.Take)
	if err != nil {
		return toFollowUp{}, err
	}
	names, err := a.Results.NamesOf(ctx, transcript, session)
	if err != nil {
		return toFollowUp{}, err
	}
	question := plan.Questions[wish.Question]
	flagged := flaggedWords(Suspects(lines))
	if gate(flagged, lines, toBeRated(Answer{}, lines, nil)) != "" { // of gaps between lines nothing is known yet
		return toFollowUp{}, errNothingToAsk
	}
	return toFollowUp{
		names: names, bank: plan.BankSHA256, question: question, competencies: plan.CompetenciesOf(question), lines: lines, flagged: flagged,
	}, nil
}

// askInTimeLeft asks, and once more saying why where the answer is unusable and there is time.
func askInTimeLeft[T any](ctx context.Context, model askable, request ModelRequest, parse func(string) (T, error)) (T, error) {
	until, limited := ctx.Deadline()
	return askTwice(ctx, model, request, func(text string) (T, error) {
		value, err := parse(text)
		if limited && errors.Is(err, errUnusable) && time.Until(until) < repairNeeds {
			err = fmt.Errorf("%w: %s, and there is no time to ask again", ErrModel, err.Error())
		}
		return value, err
	})
}

// toFollowUp is all that a model is given to ask a question about.
type toFollowUp struct {
	names        Names
	bank         string
	question     Question
	competencies []Competency
	lines        []Line
	flagged      flaggedWords // of the lines; left out
}

// parse returns the question, if it may be asked.
func (f toFollowUp) parse(text string) (string, error) {
	var answer struct {
		About *struct {
			Utterance int `json:"utterance"`
			First     int `json:"first"`
			Last      int `json:"last"`
		} `json:"about"`
		Question string `json:"question"`
	}
	if err := decodeAnswer(text, &answer); err != nil {
		return "", err
	}
	if answer.About == nil {
		return "", fmt.Errorf("%w: it does not say which words it asks about", errUnusable)
	}
	about, err := f.words(answer.About.Utterance, answer.About.First, answer.About.Last)
	if err != nil {
		return "", err
	}
	question := strings.TrimSpace(answer.Question)
	if err := f.check(question, about); err != nil {
		return "", err
	}
	return question, nil
}

// words returns what the model was given of a run of words.
func (f toFollowUp) words(utterance, first, last int) (string, error) {
	if utterance < 0 || utterance >= len(f.lines) {
		return "", fmt.Errorf("%w: there is no utterance of that number", errUnusable)
	}
	line := f.lines[utterance]
	if _, err := line.Quote(first, last); err != nil {
		return "", fmt.Errorf("%w: %w", errUnusable, err)
	}
	words := f.flagged.cut(line.Ref(), f.names.mask(f.lines)[utterance])
	about := strings.TrimSpace(strings.Join(words[first:last+1], " "))
	if about == "" {
		return "", fmt.Errorf("%w: these words were not given", errUnusable)
	}
	return about, nil
}

// withFollowUp is the question as raters are given it: with what a model asked later, as words of the interviewer.
func (q Question) withFollowUp(asked string) Question {
	if asked != "" {
		quoted, _ := json.Marshal(asked) // a string always can be
		q.Text += followUpLeadIn + string(quoted)
	}
	return q
}
