package web

import (
	"net/http"
	"strings"
	"testing"

	"greenroom/consent"
)

// ticket asks for a ticket of the session.
func (p *person) ticket(session consent.SessionID) string {
	p.t.Helper()
	var issued roomTicketJSON
	p.do(http.MethodPost, "/api/v1/sessions/"+string(session)+"/room-ticket", nil).want(http.StatusOK).into(&issued)
	if len(issued.Ticket) != 43 || issued.ExpiresS != 30 {
		p.t.Errorf("ticket %+v: want 256 bits for 30 s", issued)
	}
	return issued.Ticket
}

// roomRequest is a request into the session's room, with a ticket.
func (p *person) roomRequest(session consent.SessionID) *http.Request {
	p.t.Helper()
	r := p.request(http.MethodGet, "/api/v1/sessions/"+string(session)+"/room", nil)
	r.Header.Set("Sec-WebSocket-Protocol", "ticket."+p.ticket(session))
	return r
}

// enter opens the session's room as a page does, with these subprotocols.
func (p *person) enter(session consent.SessionID, protocols ...string) reply {
	p.t.Helper()
	r := p.request(http.MethodGet, "/api/v1/sessions/"+string(session)+"/room", nil)
	for _, offered := range protocols {
		r.Header.Add("Sec-WebSocket-Protocol", offered)
	}
	return p.send(r)
}

func TestRoomOpensWithAFreshTicketOnly(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	session, other := p.newSession().ID, p.newSession().ID
	elsewhere, stranger := p.again(), s.candidate(t)

	first := p.ticket(session)
	if got := p.enter(session, "greenroom.room.v1, ticket."+first).want(http.StatusOK); string(got.body) != "room" {
		t.Errorf("the room says %q", got.body)
	}
	p.enter(session, "greenroom.room.v1", "ticket."+p.ticket(session)).want(http.StatusOK) // a header for each
	for name, got := range map[string]reply{
		"none":                  p.enter(session),
		"none but the protocol": p.enter(session, "greenroom.room.v1"),
		"used":                  p.enter(session, "greenroom.room.v1, ticket."+first),
		"an empty one":          p.enter(session, "ticket."),
		"two":                   p.enter(session, "ticket."+p.ticket(session)+", ticket."+p.ticket(session)),
		"of another session":    p.enter(session, "ticket."+p.ticket(other)),
		"of another log-in":     elsewhere.enter(session, "ticket."+p.ticket(session)),
		"of somebody else":      stranger.enter(session, "ticket."+p.ticket(session)),
	} {
		got.want(http.StatusForbidden).problem()
		if strings.Contains(string(got.body), "ticket.") {
			t.Errorf("%s: the answer repeats the ticket: %s", name, got.body)
		}
	}
	stranger.do(http.MethodPost, "/api/v1/sessions/"+string(session)+"/room-ticket", nil).want(http.StatusNotFound)
	if log := s.log.String(); strings.Contains(log, first) {
		t.Errorf("the log has a ticket:\n%s", log)
	}
}
