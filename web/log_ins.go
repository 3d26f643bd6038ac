package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

type logInsJSON struct {
	LogIns []logInJSON `json:"log_ins"`
}

type logInJSON struct {
	ID      consent.LogInID `json:"id"`
	Current bool            `json:"current" doc:"The one this request was made with."`
	Device  string          `json:"device" doc:"Kind of browser and system; empty where they are not known."`
	Began   time.Time       `json:"began_at"`
	Used    time.Time       `json:"used_at"`
	Until   time.Time       `json:"until" doc:"When it ends if it is not used before."`
}

type logInPath struct {
	ID string `path:"id" doc:"Id of the log-in."`
}

func (s *Server) logInRoutes() {
	register(s, anyLogIn, huma.Operation{
		OperationID: "list-log-ins", Method: http.MethodGet, Path: "/log-ins", Summary: "Where you are logged in",
	}, s.listLogIns)
	register(s, anyLogIn, huma.Operation{
		OperationID: "end-log-in", Method: http.MethodPost, Path: "/log-ins/{id}/end", DefaultStatus: http.StatusNoContent,
		Summary: "End one of your log-ins and everything it has open",
	}, s.endOneLogIn)
	register(s, anyStep, huma.Operation{
		OperationID: "log-out-everywhere", Method: http.MethodPost, Path: "/log-out-everywhere", DefaultStatus: http.StatusNoContent,
		Summary: "End every log-in you have, this one too",
	}, s.logOutEverywhere)
}

func (s *Server) listLogIns(ctx context.Context, account consent.Account, _ *struct{}) (*body[logInsJSON], error) {
	logIns, err := s.cfg.Accounts.LogInsOf(ctx, account.ID)
	if err != nil {
		return nil, fmt.Errorf("list log-ins: %w", err)
	}
	list := logInsJSON{LogIns: make([]logInJSON, 0, len(logIns))}
	for _, l := range logIns {
		list.LogIns = append(list.LogIns, logInJSON{
			ID: l.ID, Current: l.ID == visitOf(ctx).logIn.ID, Device: l.Device, Began: l.Began, Used: l.Used, Until: l.Until,
		})
	}
	return answer(list), nil
}

func (s *Server) endOneLogIn(ctx context.Context, account consent.Account, in *logInPath) (*none, error) {
	id, err := parseID[consent.LogInID](in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Accounts.EndLogInOf(ctx, account.ID, id); err != nil {
		return nil, fmt.Errorf("end log-in: %w", err)
	}
	s.LogInsEnded(ctx, account.ID)
	return &none{}, nil
}

func (s *Server) logOutEverywhere(ctx context.Context, account consent.Account, _ *struct{}) (*loggedOut, error) {
	if err := s.cfg.Accounts.EndLogInsBut(ctx, account.ID, [32]byte{}); err != nil {
		return nil, fmt.Errorf("log out everywhere: %w", err)
	}
	s.LogInsEnded(ctx, account.ID)
	return clearedLogIn(), nil
}

// endOtherLogIns ends every log-in of the account but the one the request came with.
func (s *Server) endOtherLogIns(ctx context.Context, account consent.AccountID) error {
	if err := s.cfg.Accounts.EndLogInsBut(ctx, account, visitOf(ctx).token); err != nil {
		return fmt.Errorf("end the other log-ins: %w", err)
	}
	s.LogInsEnded(ctx, account)
	return nil
}

// LogInsEnded ends the streams whose log-in does not live any more. It is called for an account when
// some of its log-ins ended, here or on another node, and for the empty account when that may have been
// missed.
func (s *Server) LogInsEnded(ctx context.Context, account consent.AccountID) {
	for _, token := range s.streams.tokens(account) {
		s.endIfDead(ctx, token)
	}
}

// endIfDead leaves a stream alone whose log-in cannot be read: what it shows is refused by itself then.
func (s *Server) endIfDead(ctx context.Context, token [32]byte) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if err := s.cfg.Accounts.LogInLives(ctx, token); errors.Is(err, consent.ErrNotFound) {
		s.streams.end(token)
	}
}

// deviceOf names the kind of browser and system in a User-Agent, which is all that is kept of it: enough
// for people to know their own log-ins by, and the same for very many.
func deviceOf(userAgent string) string {
	browser := firstOf(userAgent, []mark{{"Edg", "Edge"}, {"OPR", "Opera"}, {"Firefox", "Firefox"}, {"Chrom", "Chrome"}, {"Safari", "Safari"}})
	system := firstOf(userAgent, []mark{
		{"Android", "Android"},
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Windows", "Windows"},
		{"Mac OS", "macOS"},
		{"CrOS", "ChromeOS"},
		{"Linux", "Linux"},
	})
	if browser == "" || system == "" {
		return browser + system
	}
	return browser + " on " + system
}

// mark is what a User-Agent has in it, and what it says.
type mark struct{ text, name string }

// firstOf returns the name of the first mark that the text has.
func firstOf(text string, marks []mark) string {
	for _, m := range marks {
		if strings.Contains(text, m.text) {
			return m.name
		}
	}
	return ""
}
