package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

type sharedListJSON struct {
	Sessions []sharedSessionJSON `json:"sessions"`
}

type sharedSessionJSON struct {
	ID         consent.SessionID `json:"id"`
	RoleTitle  string            `json:"role_title"`
	EndedAt    time.Time         `json:"ended_at,omitzero"`
	LengthMS   int64             `json:"length_ms"`
	Purpose    consent.Purpose   `json:"purpose" enum:"practice_review,hiring"`
	Scopes     []consent.Scope   `json:"scopes" enum:"ratings,feedback,transcript,recording.audio,recording.video,resume,profile"`
	ValidUntil time.Time         `json:"valid_until"`
	Candidate  string            `json:"candidate,omitempty" doc:"Where the profile is shared."`
}

func (s *Server) sharedRoutes() {
	register(s, employer, huma.Operation{
		OperationID: "list-shared", Method: http.MethodGet, Path: "/shared",
		Summary: "Sessions that are shared with your organization now",
	}, s.listShared)
	register(s, employer, huma.Operation{
		OperationID: "get-shared-report", Method: http.MethodGet, Path: "/shared/{id}/report",
		Summary: "The parts of a report that are shared with your organization",
	}, s.getReport)
}

func (s *Server) listShared(ctx context.Context, account consent.Account, _ *struct{}) (*body[sharedListJSON], error) {
	sessions, err := s.cfg.Shared.SharedWith(ctx, actorOf(account))
	if err != nil {
		return nil, fmt.Errorf("list shared sessions: %w", err)
	}
	list := sharedListJSON{Sessions: make([]sharedSessionJSON, 0, len(sessions))}
	for _, shared := range sessions {
		list.Sessions = append(list.Sessions, sharedSessionJSON{
			ID: shared.Session, RoleTitle: shared.RoleTitle, EndedAt: shared.EndedAt, LengthMS: shared.Length.Milliseconds(),
			Purpose: shared.Purpose, Scopes: shared.Scopes, ValidUntil: shared.ValidUntil, Candidate: shared.Candidate,
		})
	}
	return answer(list), nil
}
