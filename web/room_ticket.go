package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

const (
	ticketLife   = 30 * time.Second
	ticketPrefix = "ticket." // before the ticket, among the subprotocols of the WebSocket
)

// RoomTickets are what a page shows once when it opens a room's WebSocket: browsers send the cookie with
// it from any page whatever, a ticket only the page has that was given it.
type RoomTickets interface {
	// IssueRoomTicket stores a ticket under its SHA-256, for one log-in and one session.
	IssueRoomTicket(ctx context.Context, ticketSHA256, tokenSHA256 [32]byte, session consent.SessionID, life time.Duration) error
	// RedeemRoomTicket takes it; [consent.ErrNotFound] if it does not let this log-in into this session.
	RedeemRoomTicket(ctx context.Context, ticketSHA256, tokenSHA256 [32]byte, session consent.SessionID) error
}

type roomTicketJSON struct {
	Ticket   string `json:"ticket" doc:"Good once; signaling/PROTOCOL.md says how it is shown."`
	ExpiresS int    `json:"expires_in_s"`
}

func (s *Server) roomRoutes() {
	register(s, candidate, huma.Operation{
		OperationID: "get-room-ticket", Method: http.MethodPost, Path: "/sessions/{id}/room-ticket",
		Summary: "What to show once, within half a minute, when the room's WebSocket is opened",
	}, s.issueTicket)
	s.plain(candidate, "GET /sessions/{id}/room", "join-room", "The room's WebSocket (signaling/PROTOCOL.md)", "application/json", s.joinRoom)
}

func (s *Server) issueTicket(ctx context.Context, account consent.Account, in *sessionPath) (*body[roomTicketJSON], error) {
	id, err := parseID[consent.SessionID](in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := s.cfg.Sessions.Session(ctx, account.ID, id); err != nil {
		return nil, fmt.Errorf("read session: %w", err)
	}
	raw := make([]byte, tokenLength)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the program instead
	ticket := base64.RawURLEncoding.EncodeToString(raw)
	if err := s.cfg.Accounts.IssueRoomTicket(ctx, sha256.Sum256([]byte(ticket)), visitOf(ctx).token, id, ticketLife); err != nil {
		return nil, fmt.Errorf("issue room ticket: %w", err)
	}
	return answer(roomTicketJSON{Ticket: ticket, ExpiresS: int(ticketLife / time.Second)}), nil
}

// joinRoom takes the ticket before the room sees the request. That the session is the candidate's own, the
// room's desk finds out itself, again and again.
func (s *Server) joinRoom(w http.ResponseWriter, r *http.Request, _ consent.Account) {
	if err := s.takeTicket(r); err != nil {
		writeProblem(w, s.failed(r.Context(), err))
		return
	}
	s.cfg.Mount.ServeHTTP(w, r)
}

func (s *Server) takeTicket(r *http.Request) error {
	id, err := parseID[consent.SessionID](r.PathValue("id"))
	if err != nil {
		return err
	}
	err = consent.ErrNotFound
	if ticket, ok := ticketOf(r); ok {
		err = s.cfg.Accounts.RedeemRoomTicket(r.Context(), sha256.Sum256([]byte(ticket)), visitOf(r.Context()).token, id)
	}
	if errors.Is(err, consent.ErrNotFound) {
		return newProblem(http.StatusForbidden, "The room opens with a fresh ticket only.", "Open the room from its page.")
	}
	if err != nil {
		return fmt.Errorf("redeem room ticket: %w", err)
	}
	return nil
}

// ticketOf returns the one ticket among the subprotocols that the page offers.
func ticketOf(r *http.Request) (string, bool) {
	var tickets []string
	for offered := range strings.SplitSeq(strings.Join(r.Header.Values("Sec-WebSocket-Protocol"), ","), ",") {
		if ticket, ok := strings.CutPrefix(strings.TrimSpace(offered), ticketPrefix); ok {
			tickets = append(tickets, ticket)
		}
	}
	if len(tickets) != 1 {
		return "", false
	}
	return tickets[0], true
}
