package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

type organizationsJSON struct {
	Organizations []organizationJSON `json:"organizations"`
}

type organizationJSON struct {
	ID   consent.OrgID `json:"id"`
	Name string        `json:"name"`
}

type authorizationsJSON struct {
	Authorizations []authorizationJSON `json:"authorizations"`
}

type authorizationJSON struct {
	ID         consent.AuthorizationID    `json:"id"`
	OrgID      consent.OrgID              `json:"org_id"`
	OrgName    string                     `json:"org_name"`
	Purpose    consent.Purpose            `json:"purpose" enum:"practice_review,hiring"`
	Scopes     []consent.Scope            `json:"scopes" enum:"ratings,feedback,transcript,recording.audio,recording.video,resume,profile"`
	ValidFrom  time.Time                  `json:"valid_from"`
	ValidUntil time.Time                  `json:"valid_until"`
	State      consent.AuthorizationState `json:"state" enum:"requested,granted,suspended,refused,expired,withdrawn,revoked,superseded"`
	GrantedAt  time.Time                  `json:"granted_at,omitzero"`
	EndedAt    time.Time                  `json:"ended_at,omitzero"`

	NoticeVersion int                     `json:"notice_version" doc:"Of the notice it was given under; 0 for the oldest."`
	Supersedes    consent.AuthorizationID `json:"supersedes,omitempty" doc:"The one whose place it took."`
	PausedBy      consent.PauseReason     `json:"paused_by,omitempty" enum:"restricted,held,notice" doc:"Of a suspended one."`
	RequestedBy   string                  `json:"requested_by,omitempty" doc:"Name of the person who asked for it, where somebody did."`
}

func authorizationOf(a consent.Authorization) authorizationJSON {
	return authorizationJSON{
		ID: a.ID, OrgID: a.Org, OrgName: a.OrgName, Purpose: a.Purpose, Scopes: a.Scopes, ValidFrom: a.ValidFrom,
		ValidUntil: a.ValidUntil, State: a.State, GrantedAt: a.GrantedAt, EndedAt: a.EndedAt,
		NoticeVersion: a.NoticeVersion, Supersedes: a.Supersedes, PausedBy: a.PausedBy, RequestedBy: a.RequestedBy,
	}
}

type accessesJSON struct {
	Accesses []accessJSON `json:"accesses"`
}

type accessJSON struct {
	At       time.Time        `json:"at"`
	OrgName  string           `json:"org_name"`
	Artefact consent.Artefact `json:"artefact" enum:"session,ratings,feedback,quotes,measurements,transcript,recording.audio,recording.video,profile"`
}

type authorizeInput struct {
	ID   string `path:"id" doc:"Id of the session."`
	Body struct {
		OrgID      string          `json:"org_id"`
		Purpose    consent.Purpose `json:"purpose" enum:"practice_review,hiring"`
		Scopes     []string        `json:"scopes" minItems:"1" maxItems:"7" enum:"ratings,feedback,transcript,recording.audio,recording.video,profile"`
		ValidUntil time.Time       `json:"valid_until"`
	}
}

func (s *Server) sharingRoutes() {
	register(s, candidate, huma.Operation{
		OperationID: "list-organizations", Method: http.MethodGet, Path: "/organizations",
		Summary: "Organizations that a session can be shared with",
	}, s.listOrganizations)
	register(s, candidate, huma.Operation{
		OperationID: "list-authorizations", Method: http.MethodGet, Path: "/sessions/{id}/authorizations",
		Summary: "Who may see what of this session, and who might once",
	}, s.listAuthorizations)
	register(s, candidate, confirmed(huma.Operation{
		OperationID: "authorize", Method: http.MethodPost, Path: "/sessions/{id}/authorizations",
		DefaultStatus: http.StatusCreated, Summary: "Let one organization see parts of this session until a day",
	}), s.authorize)
	register(s, candidate, huma.Operation{
		OperationID: "withdraw-authorization", Method: http.MethodPost, DefaultStatus: http.StatusNoContent,
		Path:    "/sessions/{id}/authorizations/{aid}/withdraw",
		Summary: "End an authorization; whoever is watching is cut off",
	}, s.withdrawAuthorization)
	register(s, candidate, huma.Operation{
		OperationID: "list-accesses", Method: http.MethodGet, Path: "/sessions/{id}/accesses",
		Summary: "Who looked at which part of this session, and when",
	}, s.listAccesses)
}

func (s *Server) listOrganizations(ctx context.Context, account consent.Account, _ *struct{}) (*body[organizationsJSON], error) {
	organizations, err := s.cfg.Sessions.Organizations(ctx, account.ID)
	if err != nil {
		return nil, fmt.Errorf("list organizations: %w", err)
	}
	list := organizationsJSON{Organizations: make([]organizationJSON, 0, len(organizations))}
	for _, o := range organizations {
		list.Organizations = append(list.Organizations, organizationJSON(o))
	}
	return answer(list), nil
}

func (s *Server) listAuthorizations(ctx context.Context, account consent.Account, in *sessionPath) (*body[authorizationsJSON], error) {
	id, err := parseID[consent.SessionID](in.ID)
	if err != nil {
		return nil, err
	}
	authorizations, err := s.cfg.Sessions.Authorizations(ctx, account.ID, id)
	if err != nil {
		return nil, fmt.Errorf("list authorizations: %w", err)
	}
	list := authorizationsJSON{Authorizations: make([]authorizationJSON, 0, len(authorizations))}
	for _, a := range authorizations {
		list.Authorizations = append(list.Authorizations, authorizationOf(a))
	}
	return answer(list), nil
}

func (s *Server) authorize(ctx context.Context, account consent.Account, in *authorizeInput) (*body[authorizationJSON], error) {
	id, err := parseID[consent.SessionID](in.ID)
	if err != nil {
		return nil, err
	}
	org, err := parseID[consent.OrgID](in.Body.OrgID)
	if err != nil {
		return nil, err
	}
	scopes, err := consent.ParseScopes(in.Body.Scopes)
	if err != nil {
		return nil, cannotShare(err)
	}
	request := consent.AuthorizationRequest{
		Org: org, Purpose: in.Body.Purpose, Scopes: scopes, ValidUntil: in.Body.ValidUntil, NoticeSHA256: s.notice.SHA256(),
	}
	if err := request.Check(s.now()); err != nil {
		return nil, cannotShare(err)
	}
	authorization, err := s.cfg.Sessions.Authorize(ctx, account.ID, id, request)
	if err != nil {
		return nil, fmt.Errorf("authorize: %w", err)
	}
	return answer(authorizationOf(authorization)), nil
}

// cannotShare shows what consent says is wrong: its sentences are written for the candidate.
func cannotShare(err error) *problem {
	return newProblem(http.StatusUnprocessableEntity, "Nothing was shared: "+err.Error()+".", "Change that and try again.")
}

func (s *Server) withdrawAuthorization(ctx context.Context, account consent.Account, in *authorizationPath) (*none, error) {
	session, id, err := in.parse()
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Sessions.WithdrawAuthorization(ctx, account.ID, session, id); err != nil {
		return nil, fmt.Errorf("withdraw authorization: %w", err)
	}
	return &none{}, nil
}

func (s *Server) listAccesses(ctx context.Context, account consent.Account, in *sessionPath) (*body[accessesJSON], error) {
	id, err := parseID[consent.SessionID](in.ID)
	if err != nil {
		return nil, err
	}
	accesses, err := s.cfg.Sessions.Accesses(ctx, account.ID, id)
	if err != nil {
		return nil, fmt.Errorf("list accesses: %w", err)
	}
	list := accessesJSON{Accesses: make([]accessJSON, 0, len(accesses))}
	for _, a := range accesses {
		list.Accesses = append(list.Accesses, accessJSON{At: a.At, OrgName: a.OrgName, Artefact: a.Artefact})
	}
	return answer(list), nil
}
