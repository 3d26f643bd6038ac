package web

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

type noticeJSON struct {
	Version int    `json:"version"`
	SHA256  string `json:"sha256" doc:"Of the text, in hex; send it back with the answers."`
	Text    string `json:"text" doc:"Paragraphs with blank lines between them; headings begin with \"# \"."`
}

type consentsInput struct {
	ID   string `path:"id" doc:"Id of the session."`
	Body struct {
		NoticeSHA256  string `json:"notice_sha256"`
		Recording     bool   `json:"recording"`
		Transcription bool   `json:"transcription"`
		Assessment    bool   `json:"assessment"`
	}
}

type withdrawConsentInput struct {
	ID   string `path:"id" doc:"Id of the session."`
	Body struct {
		Consent consent.Consent `json:"consent" enum:"recording,transcription,assessment"`
	}
}

func (s *Server) consentRoutes() {
	register(s, candidate, huma.Operation{
		OperationID: "get-notice", Method: http.MethodGet, Path: "/sessions/{id}/notice",
		Summary: "The notice to answer before the interview",
	}, s.getNotice)
	register(s, candidate, huma.Operation{
		OperationID: "give-consents", Method: http.MethodPost, Path: "/sessions/{id}/consents",
		Summary: "Answer the notice, once; every box may stay empty",
	}, s.giveConsents)
	register(s, candidate, huma.Operation{
		OperationID: "withdraw-consent", Method: http.MethodPost, Path: "/sessions/{id}/consents/withdraw",
		Summary: "Take one consent back, also during the interview",
	}, s.withdrawConsent)
}

func (s *Server) getNotice(ctx context.Context, account consent.Account, in *sessionPath) (*body[noticeJSON], error) {
	if _, err := s.sessionOf(ctx, account, in.ID); err != nil {
		return nil, err
	}
	return answer(noticeJSON{Version: s.notice.Version, SHA256: s.notice.SHA256(), Text: s.notice.Text}), nil
}

func (s *Server) giveConsents(ctx context.Context, account consent.Account, in *consentsInput) (*body[sessionJSON], error) {
	session, err := s.sessionOf(ctx, account, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Body.NoticeSHA256 != s.notice.SHA256() {
		return nil, newProblem(http.StatusConflict, "The notice has changed since you read it. Nothing was stored.",
			"Reload the page and read it again.")
	}
	choices := consent.Consents{
		Recording: in.Body.Recording, Transcription: in.Body.Transcription, Assessment: in.Body.Assessment,
	}
	if err := choices.Validate(); err != nil {
		return nil, newProblem(http.StatusUnprocessableEntity, "The AI assessment reads the transcript, so it needs transcription.",
			"Tick both or neither.").because(err)
	}
	session, err = s.cfg.Sessions.GiveConsents(ctx, account.ID, session.ID, choices, s.notice)
	if err != nil {
		return nil, fmt.Errorf("store consents: %w", err)
	}
	return answer(sessionOf(session)), nil
}

func (s *Server) withdrawConsent(ctx context.Context, account consent.Account, in *withdrawConsentInput) (*body[sessionJSON], error) {
	id, err := parseID[consent.SessionID](in.ID)
	if err != nil {
		return nil, err
	}
	session, err := s.cfg.Sessions.WithdrawConsent(ctx, account.ID, id, in.Body.Consent)
	if err != nil {
		return nil, fmt.Errorf("withdraw consent: %w", err)
	}
	return answer(sessionOf(session)), nil
}
