package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

type objectionJSON struct {
	Objected bool      `json:"objected" doc:"Nothing of your interviews goes to an AI model. Everything else stays the same."`
	Since    time.Time `json:"since,omitzero"`
}

func (s *Server) objectionRoutes() {
	register(s, candidate, huma.Operation{
		OperationID: "get-ai-objection", Method: http.MethodGet, Path: "/me/ai-objection", Summary: "Whether you object to AI",
	}, s.objection)
	register(s, candidate, huma.Operation{
		OperationID: "object-to-ai", Method: http.MethodPost, Path: "/me/ai-objection",
		Summary: "Object to AI for all your interviews; work that is going on ends within a second",
	}, s.object)
	register(s, candidate, huma.Operation{
		OperationID: "lift-ai-objection", Method: http.MethodDelete, Path: "/me/ai-objection",
		Summary: "Let AI models work again where you agree to it",
	}, s.liftObjection)
}

func (s *Server) objection(ctx context.Context, account consent.Account, _ *struct{}) (*body[objectionJSON], error) {
	since, err := s.cfg.Sessions.AIObjection(ctx, account.ID)
	if err != nil {
		return nil, fmt.Errorf("read objection: %w", err)
	}
	return answer(objectionJSON{Objected: !since.IsZero(), Since: since}), nil
}

func (s *Server) object(ctx context.Context, account consent.Account, _ *struct{}) (*body[objectionJSON], error) {
	since, err := s.cfg.Sessions.ObjectToAI(ctx, account.ID)
	if err != nil {
		return nil, fmt.Errorf("object to AI: %w", err)
	}
	return answer(objectionJSON{Objected: true, Since: since}), nil
}

func (s *Server) liftObjection(ctx context.Context, account consent.Account, _ *struct{}) (*body[objectionJSON], error) {
	if err := s.cfg.Sessions.LiftAIObjection(ctx, account.ID); err != nil {
		return nil, fmt.Errorf("lift objection: %w", err)
	}
	return answer(objectionJSON{}), nil
}
