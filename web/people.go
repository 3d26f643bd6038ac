package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/assess"
	"greenroom/consent"
)

type personRatingInput struct {
	ID         string `path:"id" doc:"Id of the session."`
	Question   int    `path:"question" minimum:"0" maximum:"1000"`
	Take       int    `path:"take" minimum:"1" maximum:"1000"`
	Competency string `path:"competency" maxLength:"100"`
	Body       struct {
		Level int    `json:"level" minimum:"0" maximum:"5" doc:"0: the answer shows nothing about it."`
		Why   string `json:"why,omitempty" maxLength:"400" doc:"A sentence for the candidate, as plain text."`
		// A page from before there were corrections shows, and rates, what was first written down.
		Revision int `json:"revision,omitempty" minimum:"0" doc:"Of the take whose words were shown; another one is refused. Absent: 0."`
	}
}

func (s *Server) peopleRoutes() {
	register(s, employer, huma.Operation{
		OperationID: "rate-answer", Method: http.MethodPut, DefaultStatus: http.StatusNoContent,
		Path:    "/shared/{id}/answers/{question}/{take}/ratings/{competency}",
		Summary: "Rate an answer that is shared with you on the written anchors; the candidate sees it at once",
	}, s.rateAnswer)
	register(s, employer, huma.Operation{
		OperationID: "finish-rating-form", Method: http.MethodPost, DefaultStatus: http.StatusNoContent,
		Path:    "/shared/{id}/rating-form/done",
		Summary: "Close your own ratings for good, also empty ones, and see those of others",
	}, s.closeRatingForm)
}

func (s *Server) rateAnswer(ctx context.Context, account consent.Account, in *personRatingInput) (*none, error) {
	permit, err := s.mayRate(ctx, account, in.ID)
	if err != nil {
		return nil, err
	}
	why, err := assess.PlainText(in.Body.Why, assess.LongestWhy)
	if err != nil {
		return nil, notPlain(err)
	}
	fields := assess.RatingFields{
		Session: permit.Session(), Question: in.Question, Take: in.Take, Competency: in.Competency,
		Rater: assess.Rater{Kind: assess.RaterHuman}, Outcome: assess.OutcomeLevel, Level: in.Body.Level, At: s.now(),
	}
	if in.Body.Level == 0 {
		fields.Outcome = assess.OutcomeNotObserved
	}
	rating, err := assess.NewRating(fields)
	if err != nil {
		return nil, newProblem(http.StatusUnprocessableEntity, "That is not a rating.", "Choose a level from 1 to 5.").because(err)
	}
	if err := s.cfg.Raters.RateAnswer(ctx, permit, rating, in.Body.Revision, why); err != nil {
		if errors.Is(err, assess.ErrCorrected) {
			return nil, newProblem(http.StatusConflict, "The candidate corrected these words since this page showed them. Nothing was saved.",
				"Keep a copy of your sentence, load the page again, read what is there now, and choose a level for it.").because(err)
		}
		return nil, fmt.Errorf("rate an answer: %w", err)
	}
	return &none{}, nil
}

func (s *Server) closeRatingForm(ctx context.Context, account consent.Account, in *sessionPath) (*none, error) {
	permit, err := s.mayRate(ctx, account, in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Raters.CloseForm(ctx, permit); err != nil {
		return nil, fmt.Errorf("close the rating form: %w", err)
	}
	return &none{}, nil
}

func (s *Server) mayRate(ctx context.Context, account consent.Account, session string) (consent.Permit, error) {
	id, err := parseID[consent.SessionID](session)
	if err != nil {
		return consent.Permit{}, err
	}
	return s.cfg.Gate.Permit(ctx, actorOf(account), id, consent.ArtefactRate)
}

// notPlain says what is wrong with a text that somebody typed.
func notPlain(err error) *problem {
	what := "The text has characters that cannot be shown as plain text."
	if errors.Is(err, assess.ErrTextTooLong) {
		what = "The text is too long."
	}
	return newProblem(http.StatusUnprocessableEntity, what+" Nothing was saved.", "Change it and save again.").because(err)
}

// ratesFirst reports whether the reader has a form of their own to close before they see what others gave: what
// one has read of a level pulls one's own towards it.
func (s *Server) ratesFirst(ctx context.Context, r rights) (bool, error) {
	permit, may := r.permits[consent.ArtefactRate]
	if !may {
		return false, nil
	}
	closed, err := s.cfg.Raters.FormClosed(ctx, permit)
	if err != nil {
		return false, fmt.Errorf("look at the rating form: %w", err)
	}
	return !closed, nil
}

// withoutJudgements are the rights without what a model found. Ratings stay: the reader's own are among them.
func (r rights) withoutJudgements() rights {
	less := rights{snapshot: r.snapshot, permits: map[consent.Artefact]consent.Permit{}}
	for artefact, permit := range r.permits {
		if artefact != consent.ArtefactFeedback && artefact != consent.ArtefactQuotes {
			less.permits[artefact] = permit
		}
	}
	return less
}

// person shows a rating that a person of an organization gave, to the candidate and to that organization.
func (p reporter) person(given assess.PersonRating) (ratingJSON, bool) {
	if !p.may(consent.ArtefactRatings) || p.ratesFirst && !given.Yours {
		return ratingJSON{}, false
	}
	r := given.Rating
	shown := ratingJSON{
		Competency: r.Competency(), Outcome: r.Outcome(), At: r.At(), OrgName: given.Organization, Yours: given.Yours,
		Rater: raterJSON{Kind: r.Rater().Kind},
	}
	if level, ok := r.Level(); ok {
		shown.Level = level
	}
	if p.may(consent.ArtefactTranscript) {
		shown.Why = given.Why
	}
	return shown, true
}
