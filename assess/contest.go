package assess

import (
	"context"
	"errors"
	"fmt"
	"time"

	"greenroom/consent"
)

// LongestContest bounds what a candidate says about a level that they contest, in characters.
const LongestContest = 400

// Contest says that the candidate contests what one competency of one answer was rated. What was given stays, and
// what comes of it stands beside it.
type Contest struct {
	Session    consent.SessionID
	Question   int
	Take       int
	Competency string
	At         time.Time
	Moment     time.Duration // media time that it is about; below 0: the whole answer, or not for the reader to see
	Words      string        // the candidate's own; empty for everybody else
	ByModel    bool          // a model is to rate again
	LookedAt   time.Time     // when that was done, or could not be; zero: not yet
}

// ErrContested says that what is contested was contested before.
var ErrContested = errors.New("contested before")

// SecondLook rates one competency of one answer once more, in a pass of its own. The model is told neither that
// it was rated before, nor what the candidate says about that; evidence is gathered anew, for this rating alone.
func (a *Assessor) SecondLook(ctx context.Context, session consent.SessionID, question, take int, competency string) error {
	if a.Model == nil {
		return nil // none is configured any more: people may still rate
	}
	return a.unlessRefused(session, a.secondLook(ctx, answerOf{session: session, question: question, take: take}, competency))
}

func (a *Assessor) secondLook(ctx context.Context, of answerOf, competency string) error {
	answer, err := a.Results.AnswerOf(ctx, of.session, of.question, of.take)
	if err != nil {
		return err
	}
	of.revision = answer.Revision
	r, err := a.contested(ctx, of, competency)
	if err != nil {
		return err
	}
	asked := a.Second
	if asked == nil {
		asked = a.Model
	}
	heard, err := a.heardAgain(ctx, answer, r.lines)
	if err != nil {
		return err
	}
	r.heard = heard.badly()
	if reason := gate(r.flagged, r.lines, heard); reason != "" {
		rating, err := r.without(OutcomeNotAssessable, asked.Name(), PassContest, reason)
		if err != nil {
			return err
		}
		return a.save(ctx, rating)
	}
	for _, line := range r.lines {
		found, err := a.evidenceAnew(ctx, r, asked, line)
		unread := errors.Is(err, errUnread)
		if err != nil && !unread {
			return err
		}
		r.evidence, r.partly = append(r.evidence, found...), r.partly || unread
	}
	have, err := a.ratingsOf(ctx, of)
	if err != nil {
		return err
	}
	_, _, err = a.pass(ctx, r, PassContest, asked, have)
	return err
}

// heardAgain works out how well the answer was heard, as when it was measured.
func (a *Assessor) heardAgain(ctx context.Context, answer Answer, lines []Line) (hearing, error) {
	measurements, err := a.permit(ctx, answer.Session, consent.ArtefactMeasurements)
	if err != nil {
		return hearing{}, err
	}
	gaps, err := a.Results.GapsOf(ctx, measurements, answer.Session)
	if err != nil {
		return hearing{}, err
	}
	return toBeRated(answer, lines, gaps), nil
}

// contested gathers all that a model is given to rate the competency, but evidence.
func (a *Assessor) contested(ctx context.Context, of answerOf, competency string) (toRate, error) {
	plan, err := a.planFor(ctx, of.session, of.question, of.take)
	if err != nil {
		return toRate{}, err
	}
	if of.question < 0 || of.question >= len(plan.Questions) {
		return toRate{}, fmt.Errorf("question %d is not in a plan of %d", of.question, len(plan.Questions))
	}
	transcript, err := a.permit(ctx, of.session, consent.ArtefactTranscript)
	if err != nil {
		return toRate{}, err
	}
	lines, err := a.Results.LinesOf(ctx, transcript, of.session, of.question, of.take)
	if err != nil {
		return toRate{}, err
	}
	names, err := a.namesOf(ctx, of.session)
	if err != nil {
		return toRate{}, err
	}
	for _, r := range a.toRate(plan, of) {
		if r.competency.ID == competency {
			r.names, r.lines, r.flagged = names, lines, Suspects(lines)
			return r, nil
		}
	}
	return toRate{}, fmt.Errorf("question %d does not ask for %q", of.question, competency)
}

// evidenceAnew asks for evidence of one competency in one line, and keeps it nowhere. [errUnread] if no reply could
// be used.
func (a *Assessor) evidenceAnew(ctx context.Context, r toRate, asked Model, line Line) ([]Evidence, error) {
	if len(line.Words) == 0 {
		return nil, nil
	}
	var found []Evidence
	call := consent.AICall{For: consent.AIEvidence, PromptSHA256: raterSHA256(evidenceSystem, evidenceSchema)}
	err := a.whileAskable(ctx, r.of.session, asked, call, func(ctx context.Context, model askable) (err error) {
		found, err = findEvidence(ctx, model, r.names, r.question, []Competency{r.competency}, line, r.lines, r.flagged)
		return err
	})
	if errors.Is(err, errUnusable) || errors.Is(err, errPastContext) || errors.Is(err, consent.ErrProvider) {
		return nil, errUnread // where the provider may not be asked, the pass says so
	}
	if err != nil {
		return nil, fmt.Errorf("find evidence anew: %w", err)
	}
	return found, nil
}
