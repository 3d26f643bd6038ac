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

// typeClosed is the type of the problem that says: this account is closed, and can only be opened again.
const typeClosed = "urn:greenroom:closed"

type closedJSON struct {
	EraseAt time.Time `json:"erase_at" doc:"Until then the account can be opened again; then its interviews and its profile are erased."`
}

type closedOutput struct {
	Cookie string `header:"Set-Cookie"`
	Clear  string `header:"Clear-Site-Data"`
	Body   closedJSON
}

func (s *Server) closingRoutes() {
	register(s, candidate, confirmed(huma.Operation{
		OperationID: "close-account", Method: http.MethodPost, Path: "/me/close",
		Summary: "Close the account, unless an interview goes on: log-ins and all that is shared end at once; after 30 days everything is erased",
	}), s.closeAccount)
	register(s, anyState, huma.Operation{
		OperationID: "reopen-account", Method: http.MethodPost, Path: "/me/reopen",
		Summary: "Open the account again within 30 days of closing it; what was shared stays ended",
	}, s.reopenAccount)
}

// needsOpening refuses whoever has closed their account everything but opening it again.
func needsOpening(who caller, v *visit) *problem {
	if who == anyState || v.account.ClosedAt.IsZero() {
		return nil
	}
	p := newProblem(http.StatusForbidden, "This account is closed. Its interviews and its profile are erased on "+v.account.EraseAt.UTC().Format("2 January 2006")+".",
		"Until then you can open it again.")
	p.Type = typeClosed
	return p
}

func (s *Server) closeAccount(ctx context.Context, account consent.Account, _ *struct{}) (*closedOutput, error) {
	eraseAt, err := s.cfg.Erasures.CloseAccount(ctx, account.ID)
	if err != nil {
		return nil, fmt.Errorf("close account: %w", err)
	}
	s.streams.end(visitOf(ctx).token)
	cleared := clearedLogIn()
	return &closedOutput{Cookie: cleared.Cookie, Clear: cleared.Clear, Body: closedJSON{EraseAt: eraseAt}}, nil
}

func (s *Server) reopenAccount(ctx context.Context, account consent.Account, _ *struct{}) (*body[accountJSON], error) {
	logIn := visitOf(ctx).logIn
	if account.ClosedAt.IsZero() {
		return answer(meOf(logIn)), nil
	}
	err := s.cfg.Accounts.Reopen(ctx, account.ID)
	if errors.Is(err, consent.ErrNotFound) { // its time ran out since this request began
		return nil, notLoggedIn()
	}
	if err != nil {
		return nil, fmt.Errorf("open account again: %w", err)
	}
	logIn.Account.ClosedAt, logIn.Account.EraseAt = time.Time{}, time.Time{}
	return answer(meOf(logIn)), nil
}
