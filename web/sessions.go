package web

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/assess"
	"greenroom/consent"
)

type sessionJSON struct {
	ID           consent.SessionID    `json:"id"`
	State        consent.SessionState `json:"state" enum:"scheduled,consented,live,ended,assessed,abandoned,erased"`
	Role         string               `json:"role"`
	RoleTitle    string               `json:"role_title"`
	Mode         consent.Mode         `json:"mode" enum:"practice,exam"`
	Questions    int                  `json:"questions" doc:"How many are asked."`
	Takes        int                  `json:"takes" doc:"How often each may be answered."`
	Consents     consentsJSON         `json:"consents"`
	NoticeSHA256 string               `json:"notice_sha256,omitempty" doc:"Absent until the notice was answered."`
	CreatedAt    time.Time            `json:"created_at"`
	EndedAt      time.Time            `json:"ended_at,omitzero"`
	RestrictedAt time.Time            `json:"restricted_at,omitzero" doc:"Since when it is restricted, if it is."`
	HeldAt       time.Time            `json:"held_at,omitzero" doc:"Since when it is under legal hold, if it is: nothing else of it can be read."`
	SharedWith   *int                 `json:"shared_with,omitempty" doc:"Organizations that can see some of it now; only in the list."`
	Requests     *int                 `json:"requests,omitempty" doc:"Organizations that wait for an answer; only in the list."`
}

type consentsJSON struct {
	Recording     bool `json:"recording"`
	Transcription bool `json:"transcription"`
	Assessment    bool `json:"assessment"`
}

type sessionsJSON struct {
	Sessions []sessionJSON `json:"sessions"`
}

func sessionOf(session consent.Session) sessionJSON {
	return sessionJSON{
		ID: session.ID, State: session.State, Role: session.Role, RoleTitle: session.RoleTitle, Mode: session.Mode,
		Questions: session.Questions, Takes: session.Takes,
		Consents: consentsJSON(session.Consents), NoticeSHA256: session.NoticeSHA256,
		CreatedAt: session.CreatedAt, EndedAt: session.EndedAt, RestrictedAt: session.RestrictedAt, HeldAt: session.HeldAt,
	}
}

type newSessionInput struct {
	Body struct {
		Role      string       `json:"role" maxLength:"100" doc:"Id of a role in the bank."`
		Mode      consent.Mode `json:"mode" enum:"practice,exam"`
		Questions int          `json:"questions,omitempty" minimum:"2" maximum:"8" doc:"How many are asked: as many as the bank says that the role has. Absent: 4. An exam always has 4."`
		FollowUps bool         `json:"follow_ups,omitempty" doc:"A model may ask follow-up questions of its own: in practice, where a model is set up and the candidate lets it rate. An exam does not heed it."`
		Text      string       `json:"text,omitempty" maxLength:"100000" doc:"A résumé or a job description: of the questions those are preferred that have to do with it. It is looked at for the bank's own words and not kept. An exam does not heed it."`
	}
}

type selfRatingInput struct {
	ID         string `path:"id" doc:"Id of the session."`
	Question   int    `path:"question" minimum:"0" maximum:"1000"`
	Take       int    `path:"take" minimum:"1" maximum:"1000"`
	Competency string `path:"competency" maxLength:"100"`
	Body       struct {
		Level int `json:"level" minimum:"1" maximum:"5"`
	}
}

func (s *Server) sessionRoutes() {
	register(s, candidate, huma.Operation{
		OperationID: "create-session", Method: http.MethodPost, Path: "/sessions", DefaultStatus: http.StatusCreated,
		Summary: "Begin an interview: it waits for the notice to be answered",
	}, s.createSession)
	register(s, candidate, huma.Operation{
		OperationID: "fit-text", Method: http.MethodPost, Path: "/fit",
		Summary: "Which of the bank's words a résumé or a job description has; nothing of it is kept",
	}, s.fitText)
	register(s, candidate, huma.Operation{
		OperationID: "list-sessions", Method: http.MethodGet, Path: "/sessions", Summary: "Your interviews",
	}, s.listSessions)
	register(s, candidate, huma.Operation{
		OperationID: "get-session", Method: http.MethodGet, Path: "/sessions/{id}", Summary: "One of your interviews",
	}, s.getSession)
	register(s, candidate, huma.Operation{
		OperationID: "rate-self", Method: http.MethodPut, DefaultStatus: http.StatusNoContent,
		Path:    "/sessions/{id}/answers/{question}/{take}/self-ratings/{competency}",
		Summary: "Rate an answer of your own on the written anchors; it is never shared",
	}, s.rateSelf)
}

func (s *Server) createSession(ctx context.Context, account consent.Account, in *newSessionInput) (*body[sessionJSON], error) {
	plan, err := s.plan(ctx, account, in)
	if err != nil {
		return nil, err
	}
	session, err := s.cfg.Sessions.CreateSession(ctx, account.ID, in.Body.Mode, plan)
	if err != nil {
		return nil, fmt.Errorf("create session: %w", err)
	}
	return answer(sessionOf(session)), nil
}

// plan chooses the questions of a new session: in practice others than the candidate was asked before, as
// far as the bank has them.
func (s *Server) plan(ctx context.Context, account consent.Account, in *newSessionInput) (assess.Plan, error) {
	options := assess.PlanOptions{Mode: in.Body.Mode, Questions: in.Body.Questions}
	if options.Mode != consent.ModeExam {
		asked, err := s.cfg.Sessions.AskedBefore(ctx, account.ID, in.Body.Role)
		if err != nil {
			return assess.Plan{}, fmt.Errorf("read what was asked before: %w", err)
		}
		options.Avoid, options.Seed = asked, rand.Uint64() //nolint:gosec // which questions come is no secret
		if role, ok := s.cfg.Bank.Role(in.Body.Role); ok {
			options.Prefer = s.cfg.Bank.Tailor(role, in.Body.Text).Prefer
		}
	}
	plan, err := s.cfg.Bank.Plan(in.Body.Role, options)
	if in.Body.FollowUps && plan.Mode == consent.ModePractice {
		plan.FollowUps = s.cfg.Judge.followUps()
	}
	switch {
	case errors.Is(err, assess.ErrPlanLength):
		return assess.Plan{}, newProblem(http.StatusUnprocessableEntity, "There is no such interview with that many questions.",
			"Choose one of the lengths from the list; an exam has one length for everyone.").because(err)
	case err != nil:
		return assess.Plan{}, newProblem(http.StatusUnprocessableEntity, "There is no such interview to practise.",
			"Choose one from the list.").because(err)
	}
	return plan, nil
}

type fitInput struct {
	Body struct {
		Role string `json:"role" maxLength:"100" doc:"Id of a role in the bank."`
		Text string `json:"text" maxLength:"100000"`
	}
}

type fitJSON struct {
	Words     []string `json:"words" doc:"As the bank writes them, the most telling first; at most 24."`
	Questions int      `json:"questions" doc:"How many of the role's questions have to do with the text."`
}

// mostFitWords is as many as somebody reads.
const mostFitWords = 24

func (s *Server) fitText(_ context.Context, _ consent.Account, in *fitInput) (*body[fitJSON], error) {
	role, ok := s.cfg.Bank.Role(in.Body.Role)
	if !ok {
		return nil, newProblem(http.StatusUnprocessableEntity, "There is no such interview to practise.", "Choose one from the list.")
	}
	found := s.cfg.Bank.Tailor(role, in.Body.Text)
	words := append([]string{}, found.Words[:min(len(found.Words), mostFitWords)]...)
	return answer(fitJSON{Words: words, Questions: len(found.Prefer)}), nil
}

func (s *Server) listSessions(ctx context.Context, account consent.Account, _ *struct{}) (*body[sessionsJSON], error) {
	summaries, err := s.cfg.Sessions.SessionsOf(ctx, account.ID)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	list := sessionsJSON{Sessions: make([]sessionJSON, 0, len(summaries))}
	for _, summary := range summaries {
		line := sessionOf(summary.Session)
		line.SharedWith, line.Requests = &summary.SharedWith, &summary.Requests
		list.Sessions = append(list.Sessions, line)
	}
	return answer(list), nil
}

func (s *Server) getSession(ctx context.Context, account consent.Account, in *sessionPath) (*body[sessionJSON], error) {
	session, err := s.sessionOf(ctx, account, in.ID)
	if err != nil {
		return nil, err
	}
	return answer(sessionOf(session)), nil
}

// sessionOf returns the candidate's own session that the path names.
func (s *Server) sessionOf(ctx context.Context, account consent.Account, text string) (consent.Session, error) {
	id, err := parseID[consent.SessionID](text)
	if err != nil {
		return consent.Session{}, err
	}
	session, err := s.cfg.Sessions.Session(ctx, account.ID, id)
	if err != nil {
		return consent.Session{}, fmt.Errorf("read session: %w", err)
	}
	return session, nil
}

func (s *Server) rateSelf(ctx context.Context, account consent.Account, in *selfRatingInput) (*none, error) {
	id, err := parseID[consent.SessionID](in.ID)
	if err != nil {
		return nil, err
	}
	permit, err := s.cfg.Gate.Permit(ctx, actorOf(account), id, consent.ArtefactPrivate)
	if err != nil {
		return nil, err
	}
	plan, err := s.cfg.Sessions.SessionPlan(ctx, account.ID, id)
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	if !asksFor(plan, in.Question, in.Competency) {
		return nil, notFound()
	}
	rating, err := assess.NewRating(assess.RatingFields{
		Session: id, Question: in.Question, Take: in.Take, Competency: in.Competency,
		Rater: assess.Rater{Kind: assess.RaterSelf}, Outcome: assess.OutcomeLevel, Level: in.Body.Level, At: s.now(),
	})
	if err != nil {
		return nil, newProblem(http.StatusUnprocessableEntity, "That is not a rating.", "Choose a level from 1 to 5.").because(err)
	}
	if err := s.cfg.Sessions.RateSelf(ctx, permit, rating); err != nil {
		return nil, fmt.Errorf("store self-rating: %w", err)
	}
	return &none{}, nil
}

func asksFor(plan assess.Plan, question int, competency string) bool {
	if question >= len(plan.Questions) {
		return false
	}
	return slices.Contains(plan.Questions[question].Competencies, competency)
}

// actorOf returns in which capacity an account asks the gate.
func actorOf(account consent.Account) consent.Actor {
	if account.Kind == consent.AccountEmployer {
		return consent.Actor{Kind: consent.ActorEmployer, Account: account.ID, Org: account.Org}
	}
	return consent.Actor{Kind: consent.ActorCandidate, Account: account.ID}
}
