package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

// publishLife: a session lasts 90 minutes at most, and somebody sets the program up before it begins.
const publishLife = 2 * time.Hour

// PublishTokens are what a program shows that sends a session's sound and picture in the page's place
// (WHIP). It has no log-in: it may send for one session and nothing else, for as long as the log-in lives
// that made the token.
type PublishTokens interface {
	// IssuePublishToken stores a token under its SHA-256; an older one of the session ends.
	IssuePublishToken(ctx context.Context, publishSHA256, tokenSHA256 [32]byte, session consent.SessionID, life time.Duration) error
	// Publisher returns the log-in behind it; [consent.ErrNotFound] if it does not let anybody send for
	// this session now. Asking does not keep the log-in alive.
	Publisher(ctx context.Context, publishSHA256 [32]byte, session consent.SessionID) (consent.ActiveLogIn, error)
	// PublishersNow is the same for many, each with the session at its place.
	PublishersNow(ctx context.Context, publishSHA256 [][32]byte, sessions []consent.SessionID) (map[[32]byte]consent.ActiveLogIn, error)
}

type publishTokenJSON struct {
	Path      string    `json:"path" doc:"Where the program sends to, on this server."`
	Token     string    `json:"token" doc:"Its bearer token, shown once."`
	ExpiresAt time.Time `json:"expires_at"`
}

func (s *Server) publishRoutes() {
	register(s, candidate, huma.Operation{
		OperationID: "make-publish-token", Method: http.MethodPost, Path: "/sessions/{id}/publish-token",
		Summary: "Address and token for a program that sends sound and picture in the page's place (WHIP); an older token ends",
	}, s.makePublishToken)
	s.publisherRoute("/sessions/{id}/whip", []publisherOperation{
		{"publish", http.MethodPost, "The WHIP endpoint (RFC 9725; signaling/PROTOCOL.md)", "application/sdp", http.StatusCreated, "application/sdp"},
	})
	s.publisherRoute("/sessions/{id}/whip/{program}", []publisherOperation{
		{"change-publishing", http.MethodPatch, "Trickles ICE candidates or restarts ICE of a program that sends", "application/trickle-ice-sdpfrag", http.StatusOK, "application/trickle-ice-sdpfrag"},
		{"stop-publishing", http.MethodDelete, "Ends what a program sends; the session goes on", "", http.StatusOK, ""},
	})
}

type publisherOperation struct {
	id, method, summary, takes string
	status                     int
	answers                    string
}

// publisherRoute adds an address that takes a token of its own in place of a log-in: the room's handler
// asks for it, and answers every method, so that other methods are refused as RFC 9725 says.
func (s *Server) publisherRoute(path string, operations []publisherOperation) {
	s.outer(apiPrefix+path, s.cfg.Publish.ServeHTTP)
	s.api.OpenAPI().Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"publish-token": {Type: "http", Scheme: "bearer", Description: "Made by make-publish-token."},
	}
	for _, o := range operations {
		op := &huma.Operation{
			OperationID: o.id, Method: o.method, Path: apiPrefix + path, Summary: o.summary,
			Security: []map[string][]string{{"publish-token": {}}},
			Responses: map[string]*huma.Response{
				fmt.Sprint(o.status): {Description: http.StatusText(o.status)},
				"default": {Description: "A problem (RFC 9457)", Content: map[string]*huma.MediaType{problemType: {
					Schema: s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem](), true, "Problem"),
				}}},
			},
		}
		for _, name := range []string{"id", "program"} {
			if strings.Contains(path, "{"+name+"}") {
				op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
			}
		}
		text := func(contentType string) map[string]*huma.MediaType {
			return map[string]*huma.MediaType{contentType: {Schema: &huma.Schema{Type: huma.TypeString}}}
		}
		if o.takes != "" {
			op.RequestBody = &huma.RequestBody{Required: true, Content: text(o.takes)}
		}
		if o.answers != "" {
			op.Responses[fmt.Sprint(o.status)].Content = text(o.answers)
		}
		s.api.OpenAPI().AddOperation(op)
	}
}

func (s *Server) makePublishToken(ctx context.Context, account consent.Account, in *sessionPath) (*body[publishTokenJSON], error) {
	session, err := s.sessionOf(ctx, account, in.ID)
	if err != nil {
		return nil, err
	}
	switch session.State { // all the others are over
	case consent.SessionConsented, consent.SessionLive:
	case consent.SessionScheduled:
		return nil, newProblem(http.StatusForbidden, "This session has no consent yet.", "Answer the notice first.")
	default:
		return nil, newProblem(http.StatusConflict, "This session has ended.", "Open its report.")
	}
	raw := make([]byte, tokenLength)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the program instead
	token := base64.RawURLEncoding.EncodeToString(raw)
	if err := s.cfg.Accounts.IssuePublishToken(ctx, sha256.Sum256([]byte(token)), visitOf(ctx).token, session.ID, publishLife); err != nil {
		return nil, fmt.Errorf("issue publish token: %w", err)
	}
	return answer(publishTokenJSON{
		Path: apiPrefix + "/sessions/" + string(session.ID) + "/whip", Token: token, ExpiresAt: s.now().Add(publishLife).UTC().Truncate(time.Second),
	}), nil
}

// Publisher returns whose program a request comes from that shows a token for this session;
// [consent.ErrNotFound] if it shows none that is good.
func (s *Server) Publisher(r *http.Request, session consent.SessionID) (consent.Account, error) {
	token, ok := bearerOf(r)
	if !ok {
		return consent.Account{}, consent.ErrNotFound
	}
	logIn, err := s.cfg.Accounts.Publisher(r.Context(), sha256.Sum256([]byte(token)), session)
	if err != nil {
		return consent.Account{}, fmt.Errorf("read publisher: %w", err)
	}
	if !mayTakePart(logIn) {
		return consent.Account{}, consent.ErrNotFound
	}
	return logIn.Account, nil
}

// bearerOf returns the one token of the request (RFC 6750 2.1). Addresses carry none: they stand in logs.
func bearerOf(r *http.Request) (string, bool) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(headers[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	return token, err == nil && len(raw) == tokenLength
}
