package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

type invitationsJSON struct {
	Invitations []invitationJSON `json:"invitations"`
}

type invitationJSON struct {
	ID         consent.InvitationID    `json:"id"`
	Purpose    consent.Purpose         `json:"purpose" enum:"practice_review,hiring"`
	Scopes     []consent.Scope         `json:"scopes" enum:"ratings,feedback,transcript,recording.audio,recording.video,resume,profile"`
	ValidUntil time.Time               `json:"valid_until" doc:"Until when the session could be seen, if you confirm."`
	State      consent.InvitationState `json:"state" enum:"open,redeemed,cancelled,expired"`
	CreatedAt  time.Time               `json:"created_at"`
	ExpiresAt  time.Time               `json:"expires_at" doc:"Until when it can be redeemed."`
	// The request that came of it is in the list of authorizations.
	Authorization consent.AuthorizationID `json:"authorization,omitempty" doc:"Of a redeemed one: the request that came of it."`
}

type newInvitationJSON struct {
	Invitation invitationJSON           `json:"invitation"`
	Secret     consent.InvitationSecret `json:"secret" doc:"For the fragment of a link. It is told this once."`
}

func invitationOf(i consent.Invitation) invitationJSON {
	return invitationJSON{
		ID: i.ID, Purpose: i.Purpose, Scopes: i.Scopes, ValidUntil: i.ValidUntil, State: i.State,
		CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt, Authorization: i.Authorization,
	}
}

type inviteInput struct {
	ID   string `path:"id" doc:"Id of the session."`
	Body struct {
		Purpose    consent.Purpose `json:"purpose" enum:"practice_review,hiring"`
		Scopes     []string        `json:"scopes" minItems:"1" maxItems:"7" enum:"ratings,feedback,transcript,recording.audio,recording.video,profile"`
		ValidUntil time.Time       `json:"valid_until"`
	}
}

type invitationPath struct {
	ID         string `path:"id" doc:"Id of the session."`
	Invitation string `path:"iid" doc:"Id of the invitation."`
}

type authorizationPath struct {
	ID            string `path:"id" doc:"Id of the session."`
	Authorization string `path:"aid" doc:"Id of the authorization."`
}

type redeemInput struct {
	Body struct {
		Secret string `json:"secret" maxLength:"200" doc:"From the fragment of the invitation's link."`
	}
}

type requestsJSON struct {
	Requests []requestJSON `json:"requests"`
}

type requestJSON struct {
	ID         consent.AuthorizationID `json:"id"`
	At         time.Time               `json:"at"`
	Purpose    consent.Purpose         `json:"purpose" enum:"practice_review,hiring"`
	Scopes     []consent.Scope         `json:"scopes" enum:"ratings,feedback,transcript,recording.audio,recording.video,resume,profile"`
	ValidUntil time.Time               `json:"valid_until"`
	State      consent.RequestState    `json:"state" enum:"waiting,shared,closed"`
}

func (s *Server) invitationRoutes() {
	register(s, candidate, confirmed(huma.Operation{
		OperationID: "invite", Method: http.MethodPost, Path: "/sessions/{id}/invitations", DefaultStatus: http.StatusCreated,
		Summary: "Make a link with which one organization can ask for parts of this session; it shows nothing by itself",
	}), s.invite)
	register(s, candidate, huma.Operation{
		OperationID: "list-invitations", Method: http.MethodGet, Path: "/sessions/{id}/invitations",
		Summary: "The invitations to ask for this session, without their secrets",
	}, s.listInvitations)
	register(s, candidate, huma.Operation{
		OperationID: "cancel-invitation", Method: http.MethodPost, DefaultStatus: http.StatusNoContent,
		Path: "/sessions/{id}/invitations/{iid}/cancel", Summary: "Make an open invitation useless",
	}, s.cancelInvitation)
	register(s, candidate, confirmed(huma.Operation{
		OperationID: "confirm-request", Method: http.MethodPost, Path: "/sessions/{id}/authorizations/{aid}/confirm",
		Summary: "Let the organization that asked see what the invitation offered",
	}), s.confirmRequest)
	register(s, candidate, huma.Operation{
		OperationID: "refuse-request", Method: http.MethodPost, DefaultStatus: http.StatusNoContent,
		Path: "/sessions/{id}/authorizations/{aid}/refuse", Summary: "Refuse what an organization asked for",
	}, s.refuseRequest)
	register(s, employer, huma.Operation{
		OperationID: "redeem-invitation", Method: http.MethodPost, Path: "/invitations/redeem",
		Summary: "Use an invitation to ask for a session; nothing is visible before its candidate confirms who asks",
	}, s.redeemInvitation)
	register(s, employer, huma.Operation{
		OperationID: "list-requests", Method: http.MethodGet, Path: "/shared/requests",
		Summary: "What your organization asked for",
	}, s.listRequests)
}

func (s *Server) invite(ctx context.Context, account consent.Account, in *inviteInput) (*body[newInvitationJSON], error) {
	id, err := parseID[consent.SessionID](in.ID)
	if err != nil {
		return nil, err
	}
	scopes, err := consent.ParseScopes(in.Body.Scopes)
	if err != nil {
		return nil, cannotShare(err)
	}
	request := consent.AuthorizationRequest{
		Purpose: in.Body.Purpose, Scopes: scopes, ValidUntil: in.Body.ValidUntil, NoticeSHA256: s.notice.SHA256(),
	}
	if err := request.Check(s.now()); err != nil {
		return nil, cannotShare(err)
	}
	invitation, secret, err := s.cfg.Record.Invite(ctx, account.ID, id, request)
	if err != nil {
		return nil, fmt.Errorf("invite: %w", err)
	}
	return answer(newInvitationJSON{Invitation: invitationOf(invitation), Secret: secret}), nil
}

func (s *Server) listInvitations(ctx context.Context, account consent.Account, in *sessionPath) (*body[invitationsJSON], error) {
	id, err := parseID[consent.SessionID](in.ID)
	if err != nil {
		return nil, err
	}
	invitations, err := s.cfg.Record.Invitations(ctx, account.ID, id)
	if err != nil {
		return nil, fmt.Errorf("list invitations: %w", err)
	}
	list := invitationsJSON{Invitations: make([]invitationJSON, 0, len(invitations))}
	for _, i := range invitations {
		list.Invitations = append(list.Invitations, invitationOf(i))
	}
	return answer(list), nil
}

func (s *Server) cancelInvitation(ctx context.Context, account consent.Account, in *invitationPath) (*none, error) {
	session, err := parseID[consent.SessionID](in.ID)
	if err != nil {
		return nil, err
	}
	id, err := parseID[consent.InvitationID](in.Invitation)
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Record.CancelInvitation(ctx, account.ID, session, id); err != nil {
		return nil, fmt.Errorf("cancel invitation: %w", err)
	}
	return &none{}, nil
}

func (in *authorizationPath) parse() (consent.SessionID, consent.AuthorizationID, error) {
	session, err := parseID[consent.SessionID](in.ID)
	if err != nil {
		return "", "", err
	}
	id, err := parseID[consent.AuthorizationID](in.Authorization)
	return session, id, err
}

func (s *Server) confirmRequest(ctx context.Context, account consent.Account, in *authorizationPath) (*body[authorizationJSON], error) {
	session, id, err := in.parse()
	if err != nil {
		return nil, err
	}
	authorization, err := s.cfg.Record.ConfirmRequest(ctx, account.ID, session, id)
	if errors.Is(err, consent.ErrNoticeChanged) { // reading it again would not help: the request stays under the old one
		return nil, newProblem(http.StatusConflict, "The notice has changed since this invitation was made, so it cannot be confirmed any more.",
			"Refuse it, and make a new link.").because(err)
	}
	if err != nil {
		return nil, fmt.Errorf("confirm request: %w", err)
	}
	return answer(authorizationOf(authorization)), nil
}

func (s *Server) refuseRequest(ctx context.Context, account consent.Account, in *authorizationPath) (*none, error) {
	session, id, err := in.parse()
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Record.RefuseRequest(ctx, account.ID, session, id); err != nil {
		return nil, fmt.Errorf("refuse request: %w", err)
	}
	return &none{}, nil
}

// redeemInvitation answers everything that does not work in one way: a secret that is malformed, unknown,
// used, cancelled or too old, and an employer who may not ask.
func (s *Server) redeemInvitation(ctx context.Context, account consent.Account, in *redeemInput) (*body[requestJSON], error) {
	if wait := s.redeems.allow(string(account.ID)); wait > 0 {
		return nil, tooMany("You are trying invitations faster than anybody needs to.", wait)
	}
	secret, err := consent.ParseInvitationSecret(in.Body.Secret)
	if err != nil {
		secret = consent.NewInvitationSecret() // the same look-up, which finds nothing
	}
	request, err := s.cfg.Shared.Redeem(ctx, actorOf(account), secret)
	if errors.Is(err, consent.ErrNotFound) {
		return nil, newProblem(http.StatusNotFound, "This invitation opens nothing: it was used or cancelled, is older than 14 days, or is not whole.",
			"Ask whoever sent it for a new one.").because(err)
	}
	if err != nil {
		return nil, fmt.Errorf("redeem invitation: %w", err)
	}
	return answer(requestJSON(request)), nil
}

func (s *Server) listRequests(ctx context.Context, account consent.Account, _ *struct{}) (*body[requestsJSON], error) {
	requests, err := s.cfg.Shared.Requests(ctx, actorOf(account))
	if err != nil {
		return nil, fmt.Errorf("list requests: %w", err)
	}
	list := requestsJSON{Requests: make([]requestJSON, 0, len(requests))}
	for _, r := range requests {
		list.Requests = append(list.Requests, requestJSON(r))
	}
	return answer(list), nil
}
