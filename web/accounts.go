package web

import (
	"context"
	"fmt"
	"net/http"
	"net/mail"
	"strings"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

type accountJSON struct {
	ID          consent.AccountID   `json:"id"`
	Kind        consent.AccountKind `json:"kind" enum:"candidate,employer,ops"`
	Email       string              `json:"email"`
	DisplayName string              `json:"display_name"`
	OrgID       consent.OrgID       `json:"org_id,omitempty" doc:"Employers only."`
	OrgName     string              `json:"org_name,omitempty" doc:"Employers only."`

	SecondFactor factorState `json:"second_factor" enum:"on,off,needed" doc:"Needed: nothing but its set-up opens."`

	ClosedAt time.Time `json:"closed_at,omitzero" doc:"Of a closed account: nothing but opening it again is possible."`
	EraseAt  time.Time `json:"erase_at,omitzero" doc:"Of a closed account: when its interviews and its profile are erased."`
}

// meOf is somebody who is logged in, as their own page sees them.
func meOf(l consent.ActiveLogIn) accountJSON {
	a := l.Account
	return accountJSON{
		ID: a.ID, Kind: a.Kind, Email: a.Email, DisplayName: a.DisplayName, OrgID: a.Org, OrgName: a.OrgName,
		SecondFactor: factorOf(l), ClosedAt: a.ClosedAt, EraseAt: a.EraseAt,
	}
}

type ageCheckJSON struct {
	Allowed    bool `json:"allowed"`
	MinimumAge int  `json:"minimum_age"`
}

type ageCheckInput struct {
	Body struct {
		BirthDate string `json:"birth_date" format:"date" doc:"YYYY-MM-DD; it is not stored."`
	}
}

type signUpInput struct {
	Body struct {
		BirthDate   string `json:"birth_date" format:"date" doc:"YYYY-MM-DD; it is not stored."`
		Email       string `json:"email" maxLength:"254"`
		DisplayName string `json:"display_name" maxLength:"80"`
		Password    string `json:"password" doc:"15 to 128 characters of any kind."`
	}
}

type logInInput struct {
	Body struct {
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password"`
		Code     string `json:"code,omitempty" maxLength:"16" doc:"Of the second factor, where there is one."`
	}
}

type loggedIn struct {
	Cookie string `header:"Set-Cookie"`
	Body   accountJSON
}

type loggedOut struct {
	Cookie string `header:"Set-Cookie"`
	Clear  string `header:"Clear-Site-Data"`
}

func (s *Server) accountRoutes() {
	register(s, anyone, huma.Operation{
		OperationID: "check-age", Method: http.MethodPost, Path: "/age-check",
		Summary: "Say whether somebody born on this day may use Greenroom; nothing is stored",
	}, s.checkAge)
	register(s, anyone, huma.Operation{
		OperationID: "sign-up", Method: http.MethodPost, Path: "/accounts", DefaultStatus: http.StatusCreated,
		Summary: "Make a candidate's account and log in",
	}, s.signUp)
	register(s, anyone, huma.Operation{
		OperationID: "log-in", Method: http.MethodPost, Path: "/log-in",
		Summary: "Log in with e-mail and password",
	}, s.logIn)
	register(s, anyone, huma.Operation{
		OperationID: "log-out", Method: http.MethodPost, Path: "/log-out", DefaultStatus: http.StatusNoContent,
		Summary: "End this log-in and everything it has open",
	}, s.logOut)
	register(s, anyState, huma.Operation{
		OperationID: "get-me", Method: http.MethodGet, Path: "/me", Summary: "Who is logged in",
	}, func(ctx context.Context, _ consent.Account, _ *struct{}) (*body[accountJSON], error) {
		return answer(meOf(visitOf(ctx).logIn)), nil
	})
}

func (s *Server) checkAge(_ context.Context, _ consent.Account, in *ageCheckInput) (*body[ageCheckJSON], error) {
	born, err := s.birthDate(in.Body.BirthDate)
	if err != nil {
		return nil, err
	}
	return answer(ageCheckJSON{Allowed: consent.OldEnough(born, s.now()), MinimumAge: consent.MinimumAge}), nil
}

// signUp asks for the age before it looks at anything else, so that nothing about a child is stored,
// counted or even compared with what is stored.
func (s *Server) signUp(ctx context.Context, _ consent.Account, in *signUpInput) (*loggedIn, error) {
	born, err := s.birthDate(in.Body.BirthDate)
	if err != nil {
		return nil, err
	}
	if !consent.OldEnough(born, s.now()) {
		return nil, newProblem(http.StatusForbidden, fmt.Sprintf("Greenroom is for people of %d and older.", consent.MinimumAge),
			"Nothing you typed was kept. Come back when you are old enough.")
	}
	if err := s.countLogIn(ctx); err != nil {
		return nil, err
	}
	email, err := parseEmail(in.Body.Email)
	if err != nil {
		return nil, err
	}
	name, err := parseDisplayName(in.Body.DisplayName)
	if err != nil {
		return nil, err
	}
	if err := checkPassword(in.Body.Password, minPassword, email, name); err != nil {
		return nil, err
	}
	hash, err := s.passwords.hash(ctx, in.Body.Password)
	if err != nil {
		return nil, err
	}
	account, err := s.cfg.Accounts.CreateCandidate(ctx, email, name, hash, consent.AgeRule)
	if err != nil {
		return nil, fmt.Errorf("create account: %w", err)
	}
	return s.beginLogIn(ctx, account, false)
}

func (s *Server) birthDate(text string) (time.Time, error) {
	born, err := time.Parse(time.DateOnly, text)
	now := s.now()
	if err != nil || born.After(now) || now.Year()-born.Year() > 130 {
		return time.Time{}, newProblem(http.StatusUnprocessableEntity, "That is not a date of birth.",
			"Write it as year-month-day, for example 2001-05-17.")
	}
	return born, nil
}

func parseEmail(text string) (string, error) {
	trimmed := strings.TrimSpace(text)
	address, err := mail.ParseAddress(trimmed)
	if err != nil || address.Address != trimmed || strings.ContainsFunc(trimmed, unicode.IsControl) {
		return "", newProblem(http.StatusUnprocessableEntity, "That is not an e-mail address.",
			"Check it for a missing part, for example name@example.org.")
	}
	return strings.ToLower(trimmed), nil
}

func parseDisplayName(text string) (string, error) {
	name := strings.Join(strings.Fields(text), " ")
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		return "", newProblem(http.StatusUnprocessableEntity, "A name is needed.", "Write what you want to be called.")
	}
	return name, nil
}
