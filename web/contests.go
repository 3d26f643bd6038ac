package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/assess"
	"greenroom/consent"
)

type contestInput struct {
	ID         string `path:"id" doc:"Id of the session."`
	Question   int    `path:"question" minimum:"0" maximum:"1000"`
	Take       int    `path:"take" minimum:"1" maximum:"1000"`
	Competency string `path:"competency" maxLength:"100"`
	Body       struct {
		Words    string `json:"words,omitempty" maxLength:"400" doc:"Why, as plain text. Nobody else reads it."`
		MomentMS *int64 `json:"moment_ms,omitempty" minimum:"0" maximum:"86400000" doc:"The moment it is about, in media time."`
	}
}

type contestedJSON struct {
	ByModel bool `json:"by_model" doc:"A model rates again."`
}

func (s *Server) contestRoutes() {
	register(s, candidate, huma.Operation{
		OperationID: "contest", Method: http.MethodPost, DefaultStatus: http.StatusCreated,
		Path:    "/sessions/{id}/answers/{question}/{take}/contests/{competency}",
		Summary: "Contest what one competency of an answer was rated; the levels stay, and a second rating stands beside them",
	}, s.contest)
}

func (s *Server) contest(ctx context.Context, account consent.Account, in *contestInput) (*body[contestedJSON], error) {
	session, err := s.sessionOf(ctx, account, in.ID)
	if err != nil {
		return nil, err
	}
	permit, err := s.cfg.Gate.Permit(ctx, actorOf(account), session.ID, consent.ArtefactPrivate)
	if err != nil {
		return nil, err
	}
	if session.State != consent.SessionEnded && session.State != consent.SessionAssessed {
		return nil, newProblem(http.StatusConflict, "The interview is not over.", "Contest a level when all of them are there.")
	}
	words, err := assess.PlainText(in.Body.Words, assess.LongestContest)
	if err != nil {
		return nil, notPlain(err)
	}
	contest := assess.Contest{
		Session: session.ID, Question: in.Question, Take: in.Take, Competency: in.Competency, Moment: -1, Words: words,
		ByModel: s.cfg.Judge.AssessorModel != "" && session.Consents.Assessment,
	}
	if at := in.Body.MomentMS; at != nil {
		contest.Moment = time.Duration(*at) * time.Millisecond
	}
	err = s.cfg.Contests.Contest(ctx, permit, contest)
	if errors.Is(err, assess.ErrContested) {
		return nil, newProblem(http.StatusConflict, "You contested this before.", "What came of it stands beside the levels.").because(err)
	}
	if err != nil {
		return nil, fmt.Errorf("contest: %w", err)
	}
	return answer(contestedJSON{ByModel: contest.ByModel}), nil
}

// contests: whoever sees the levels sees that they are contested. What the candidate says about it is their own.
func (p reporter) contests(answered assess.AnswerResult) []contestJSON {
	var list []contestJSON
	if !p.may(consent.ArtefactRatings) {
		return nil
	}
	for _, c := range answered.Contests {
		shown := contestJSON{Competency: c.Competency, At: c.At, ByModel: c.ByModel, LookedAt: c.LookedAt}
		if p.may(consent.ArtefactPrivate) {
			shown.Words = c.Words
			if c.Moment >= 0 {
				shown.MomentMS = ms(c.Moment)
			}
		}
		list = append(list, shown)
	}
	return list
}
