package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
	"greenroom/signaling"
)

// A candidate who logs out is out of the room, too, not only of the pages.
func TestLogOutLeavesTheLiveRoom(t *testing.T) {
	t.Parallel()
	p := startProgram(t, preparedFolder(t))
	candidate := p.logIn(p.accounts().Candidate)
	path := candidate.consented(t)
	room := candidate.enterRoom(t, path)
	room.say(`{"type":"hello","version":2}`)
	room.await("welcome", 10*time.Second)

	candidate.post(t, "/api/v1/log-out", "", http.StatusNoContent)
	loggedOut := time.Now()
	if goodbye := room.await("ended", 3*time.Second); !strings.Contains(goodbye, `"logged_out"`) {
		t.Errorf("ended by %s", goodbye)
	}
	code, err := room.closed(3 * time.Second)
	if err != nil || code != 4009 {
		t.Errorf("closed with %d, %v; want 4009", code, err)
	}
	if took := time.Since(loggedOut); took > 3*time.Second {
		t.Errorf("closed %v after the log-out, want at most 3 s", took)
	}
}

// consented schedules an interview and gives every consent; it returns the session's address.
func (b *browser) consented(t *testing.T) string {
	t.Helper()
	var bank struct {
		Roles []struct{ ID string } `json:"roles"`
	}
	decode(t, b.get(t, "/api/v1/bank", http.StatusOK), &bank)
	var session struct{ ID string }
	decode(t, b.post(t, "/api/v1/sessions", `{"role":"`+bank.Roles[0].ID+`","mode":"practice"}`, http.StatusCreated), &session)
	path := "/api/v1/sessions/" + session.ID
	var notice struct {
		SHA256 string `json:"sha256"`
	}
	decode(t, b.get(t, path+"/notice", http.StatusOK), &notice)
	b.post(t, path+"/consents", `{"notice_sha256":"`+notice.SHA256+`","recording":true,"transcription":true,"assessment":true}`, http.StatusOK)
	return path
}

// socket is the little of RFC 6455 that it takes to be in a room and hear why one is put out of it.
type socket struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func (b *browser) enterRoom(t *testing.T, session string) *socket {
	t.Helper()
	var issued struct{ Ticket string }
	decode(t, b.post(t, session+"/room-ticket", "", http.StatusOK), &issued)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.address+session+"/room", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Origin": b.address, "Cookie": b.cookie, "Connection": "Upgrade", "Upgrade": "websocket",
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-WebSocket-Protocol": "greenroom.room.v1, ticket." + issued.Ticket,
	} {
		request.Header.Set(name, value)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", request.URL.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := request.Write(conn); err != nil {
		t.Fatal(err)
	}
	s := &socket{t: t, conn: conn, in: bufio.NewReader(conn)}
	answer, err := http.ReadResponse(s.in, request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close() // an upgrade has none
	if chosen := answer.Header.Get("Sec-WebSocket-Protocol"); chosen != "greenroom.room.v1" {
		t.Errorf("the server chose %q, want the protocol and never the ticket", chosen)
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the room answers %s", answer.Status)
	}
	return s
}

const (
	textFrame  = 1
	closeFrame = 8
)

// say sends a text of less than 126 bytes, masked with zeros.
func (s *socket) say(text string) {
	s.t.Helper()
	frame := append([]byte{0x80 | textFrame, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)
	if _, err := s.conn.Write(frame); err != nil {
		s.t.Fatal(err)
	}
}

// read returns the next frame; servers send them whole and unmasked.
func (s *socket) read() (kind byte, payload []byte, err error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(s.in, head); err != nil {
		return 0, nil, err
	}
	length := int(head[1])
	if length == 126 {
		long := make([]byte, 2)
		if _, err := io.ReadFull(s.in, long); err != nil {
			return 0, nil, err
		}
		length = int(binary.BigEndian.Uint16(long))
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(s.in, payload)
	return head[0] & 0xf, payload, err
}

// await returns the next message of a type.
func (s *socket) await(kind string, within time.Duration) string {
	s.t.Helper()
	_ = s.conn.SetReadDeadline(time.Now().Add(within))
	for {
		of, payload, err := s.read()
		if err != nil || of == closeFrame {
			s.t.Fatalf("no %s message: %v %q", kind, err, payload)
		}
		var message struct {
			Type string `json:"type"`
		}
		if of == textFrame && json.Unmarshal(payload, &message) == nil && message.Type == kind {
			return string(payload)
		}
	}
}

// closed waits for the close frame and returns its code.
func (s *socket) closed(within time.Duration) (code int, err error) {
	_ = s.conn.SetReadDeadline(time.Now().Add(within))
	for {
		kind, payload, err := s.read()
		if err != nil {
			return 0, err
		}
		if kind == closeFrame && len(payload) >= 2 {
			return int(binary.BigEndian.Uint16(payload)), nil
		}
	}
}

type anyCandidate struct{ err error }

func (c anyCandidate) Session(context.Context, consent.AccountID, consent.SessionID) (consent.Session, error) {
	return consent.Session{}, c.err
}

// Rooms ask each second who their candidate is. A database that is away must not put everybody out.
func TestAdmissionTellsLogOutFromTrouble(t *testing.T) {
	away := errors.New("the database is away")
	candidate := consent.Account{ID: "c", Kind: consent.AccountCandidate}
	for name, c := range map[string]struct {
		account    consent.Account
		accountErr error
		sessionErr error
		want       error
		loggedOut  bool
	}{
		"the candidate":        {candidate, nil, nil, nil, false},
		"nobody":               {consent.Account{}, consent.ErrNotFound, nil, signaling.ErrUnauthenticated, true},
		"an employer":          {consent.Account{ID: "e", Kind: consent.AccountEmployer}, nil, nil, consent.ErrNotFound, false},
		"somebody else":        {candidate, nil, consent.ErrNotFound, consent.ErrNotFound, false},
		"log-in unreadable":    {consent.Account{}, away, nil, away, false},
		"session not readable": {candidate, nil, away, away, false},
	} {
		d := &desk{
			account:  func(*http.Request) (consent.Account, error) { return c.account, c.accountErr },
			sessions: anyCandidate{c.sessionErr},
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Admit(request, savedSession); !errors.Is(err, c.want) || errors.Is(err, signaling.ErrUnauthenticated) != c.loggedOut {
			t.Errorf("%s: Admit = %v, want %v", name, err, c.want)
		}
	}
}
