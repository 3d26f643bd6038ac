package web

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

type renameInput struct {
	Body struct {
		DisplayName string `json:"display_name" maxLength:"80"`
	}
}

type changePasswordInput struct {
	Body struct {
		Password    string `json:"password" doc:"The present one."`
		Code        string `json:"code,omitempty" maxLength:"16" doc:"Of the second factor, where there is one."`
		NewPassword string `json:"new_password" doc:"15 to 128 characters of any kind; 8 beside a second factor."`
	}
}

// ownAccountRoutes are what people of every kind do with their own account.
func (s *Server) ownAccountRoutes() {
	register(s, anyLogIn, huma.Operation{
		OperationID: "rename-me", Method: http.MethodPut, Path: "/me/name", Summary: "Change what you are called",
	}, s.rename)
	register(s, candidate, confirmed(huma.Operation{
		OperationID: "change-email", Method: http.MethodPut, Path: "/me/email",
		Summary: "Correct the address you log in with; every other log-in ends",
	}), s.changeEmail)
	register(s, anyLogIn, huma.Operation{
		OperationID: "change-password", Method: http.MethodPut, Path: "/me/password", DefaultStatus: http.StatusNoContent,
		Summary: "Change the password; every other log-in ends",
	}, s.changePassword)
}

func (s *Server) rename(ctx context.Context, account consent.Account, in *renameInput) (*body[accountJSON], error) {
	name, err := parseDisplayName(in.Body.DisplayName)
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Accounts.Rename(ctx, account.ID, name); err != nil {
		return nil, fmt.Errorf("rename: %w", err)
	}
	renamed := visitOf(ctx).logIn
	renamed.Account.DisplayName = name
	return answer(meOf(renamed)), nil
}

type changeEmailInput struct {
	Body struct {
		Email string `json:"email" maxLength:"254"`
	}
}

// changeEmail counts as a log-in: how often an answer says that an address has an account is bounded.
func (s *Server) changeEmail(ctx context.Context, account consent.Account, in *changeEmailInput) (*body[accountJSON], error) {
	if err := s.countLogIn(ctx); err != nil {
		return nil, err
	}
	email, err := parseEmail(in.Body.Email)
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Accounts.ChangeEmail(ctx, account.ID, email); err != nil {
		return nil, fmt.Errorf("change address: %w", err)
	}
	if err := s.endOtherLogIns(ctx, account.ID); err != nil {
		return nil, err
	}
	changed := visitOf(ctx).logIn
	changed.Account.Email = email
	return answer(meOf(changed)), nil
}

// changePassword asks for the present password in the same request, so that a log-in which somebody left
// open is not enough to take the account over. Whoever may have known the old one is logged out.
func (s *Server) changePassword(ctx context.Context, account consent.Account, in *changePasswordInput) (*none, error) {
	least := minPassword
	if visitOf(ctx).logIn.SecondFactor {
		least = minWithSecondStep
	}
	if err := checkPassword(in.Body.NewPassword, least, account.Email, account.DisplayName); err != nil {
		return nil, err
	}
	if in.Body.NewPassword == in.Body.Password {
		return nil, newProblem(http.StatusUnprocessableEntity, "That is the password you have.", "Choose another one.")
	}
	if err := s.proveAgain(ctx, account, proofJSON{Password: in.Body.Password, Code: in.Body.Code}); err != nil {
		return nil, err
	}
	hash, err := s.passwords.hash(ctx, in.Body.NewPassword)
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Accounts.SetPassword(ctx, account.ID, hash); err != nil {
		return nil, fmt.Errorf("change password: %w", err)
	}
	if err := s.endOtherLogIns(ctx, account.ID); err != nil {
		return nil, err
	}
	return &none{}, nil
}
