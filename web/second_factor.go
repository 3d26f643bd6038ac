package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

// The types of problems that the page does something about by itself.
const (
	typeCode         = "urn:greenroom:code"          // the password is right; send it again with a code
	typeSecondFactor = "urn:greenroom:second-factor" // set a second factor up first
)

// SecondFactors keep what the codes of accounts are made of.
type SecondFactors interface {
	// SecondFactor returns the secret of an account; [consent.ErrNotFound] if it has no second factor.
	SecondFactor(ctx context.Context, account consent.AccountID) (consent.CodeSecret, error)
	// TakeStep takes the code of a step, once; [consent.ErrNotFound] if it or a later one was taken.
	TakeStep(ctx context.Context, account consent.AccountID, step int64) error
	// OfferSecondFactor keeps a new secret for a quarter of an hour; KeepSecondFactor puts it in force.
	OfferSecondFactor(ctx context.Context, account consent.AccountID, secret consent.CodeSecret) error
	OfferedSecondFactor(ctx context.Context, account consent.AccountID) (consent.CodeSecret, error)
	KeepSecondFactor(ctx context.Context, account consent.AccountID, secret consent.CodeSecret, step int64) error
	DropSecondFactor(ctx context.Context, account consent.AccountID) error
}

// factorState is what the page says about somebody's second factor.
type factorState string

const (
	factorOn     factorState = "on"
	factorOff    factorState = "off"
	factorNeeded factorState = "needed" // nothing else is shown before it is set up
)

func factorOf(l consent.ActiveLogIn) factorState {
	switch {
	case l.SecondFactor:
		return factorOn
	case l.Account.Kind.NeedsSecondFactor():
		return factorNeeded
	default:
		return factorOff
	}
}

type offeredFactorJSON struct {
	Secret string   `json:"secret" doc:"In base 32, to type in by hand."`
	QR     []string `json:"qr" doc:"Rows of 0 (light) and 1 (dark), without the border."`
}

type keepFactorInput struct {
	Body struct {
		Code string `json:"code" maxLength:"16"`
	}
}

type dropFactorInput struct {
	Body proofJSON
}

func (s *Server) secondFactorRoutes() {
	register(s, anyStep, confirmed(huma.Operation{
		OperationID: "offer-second-factor", Method: http.MethodPost, Path: "/me/second-factor",
		Summary: "Make a new secret for codes; it is in force once its first code was given",
	}), s.offerFactor)
	register(s, anyStep, confirmed(huma.Operation{
		OperationID: "keep-second-factor", Method: http.MethodPost, Path: "/me/second-factor/confirm",
		Summary: "Give the first code of the new secret; every other log-in ends",
	}), s.keepFactor)
	register(s, candidate, huma.Operation{
		OperationID: "drop-second-factor", Method: http.MethodPost, Path: "/me/second-factor/drop", DefaultStatus: http.StatusNoContent,
		Summary: "Log in with the password alone from now on; candidates only",
	}, s.dropFactor)
}

// needsFactor refuses whoever must set a second factor up first everything else.
func needsFactor(who caller, v *visit) *problem {
	if who == anyStep || who == anyState || factorOf(v.logIn) != factorNeeded {
		return nil
	}
	p := newProblem(http.StatusForbidden, "This account needs a second factor.", "Set it up on your account page; then this opens.")
	p.Type = typeSecondFactor
	return p
}

func (s *Server) offerFactor(ctx context.Context, account consent.Account, _ *struct{}) (*body[offeredFactorJSON], error) {
	secret := NewCodeSecret()
	rows, err := qrRows(codeURI(secret, account.Email))
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Accounts.OfferSecondFactor(ctx, account.ID, secret); err != nil {
		return nil, fmt.Errorf("offer second factor: %w", err)
	}
	return answer(offeredFactorJSON{Secret: string(secret), QR: rows}), nil
}

// keepFactor ends the other log-ins, which were made without the new factor, and gives this one a new
// token.
func (s *Server) keepFactor(ctx context.Context, account consent.Account, in *keepFactorInput) (*loggedIn, error) {
	secret, err := s.cfg.Accounts.OfferedSecondFactor(ctx, account.ID)
	if errors.Is(err, consent.ErrNotFound) {
		return nil, newProblem(http.StatusConflict, "This set-up has run out of time.", "Begin it again.")
	}
	if err != nil {
		return nil, fmt.Errorf("read offered second factor: %w", err)
	}
	step, ok, err := matchCode(secret, in.Body.Code, s.now())
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, newProblem(http.StatusUnprocessableEntity, "That is not the code of this moment.",
			"Check that the clock of your device is right, and type the code that it shows now.")
	}
	if err := s.cfg.Accounts.KeepSecondFactor(ctx, account.ID, secret, step); err != nil {
		return nil, fmt.Errorf("keep second factor: %w", err)
	}
	if err := s.endOtherLogIns(ctx, account.ID); err != nil {
		return nil, err
	}
	return s.beginLogIn(ctx, account, true)
}

// dropFactor leaves the password to stand alone, so it must be as long as one that does.
func (s *Server) dropFactor(ctx context.Context, account consent.Account, in *dropFactorInput) (*none, error) {
	if err := s.proveAgain(ctx, account, in.Body); err != nil {
		return nil, err
	}
	if checkLength(in.Body.Password, minPassword) != nil {
		return nil, newProblem(http.StatusConflict, fmt.Sprintf("Your password is shorter than %d characters, which is too short to stand alone.", minPassword),
			"Change the password first.")
	}
	if err := s.cfg.Accounts.DropSecondFactor(ctx, account.ID); err != nil {
		return nil, fmt.Errorf("drop second factor: %w", err)
	}
	return &none{}, s.endOtherLogIns(ctx, account.ID)
}

// checkCode looks at the code of an account that has a second factor. That the password was right is told
// to whoever gave it: they know.
func (s *Server) checkCode(ctx context.Context, account consent.Account, code string) error {
	if code == "" {
		p := newProblem(http.StatusUnauthorized, "A code is needed too.", "Type the code that your authenticator shows now.")
		p.Type = typeCode
		return p
	}
	secret, err := s.cfg.Accounts.SecondFactor(ctx, account.ID)
	if err != nil {
		return fmt.Errorf("read second factor: %w", err)
	}
	step, ok, err := matchCode(secret, code, s.now())
	if err != nil {
		return err
	}
	if !ok {
		return wrongProof("The code is not right.")
	}
	err = s.cfg.Accounts.TakeStep(ctx, account.ID, step)
	if errors.Is(err, consent.ErrNotFound) {
		return wrongProof("That code was used already. Wait for the next one.")
	}
	if err != nil {
		return fmt.Errorf("take code: %w", err)
	}
	return nil
}
