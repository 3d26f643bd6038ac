//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// candidate is one account of a Greenroom server.
type candidate struct {
	base   string
	from   string // the address that the server counts its requests under
	cookie string
}

const requestLimit = 30 * time.Second

func signUp(ctx context.Context, base string, n int) (*candidate, error) {
	c := &candidate{base: base, from: fmt.Sprintf("10.0.%d.%d", n/250, n%250+1)}
	return c, c.call(ctx, http.MethodPost, "/api/v1/accounts", map[string]string{
		"birth_date": "1990-01-01", "email": "bench-" + rand.Text() + "@example.org", "display_name": "Bench", "password": rand.Text(),
	}, nil)
}

func (c *candidate) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	answer, err := c.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 16<<20)).Decode(out); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// do returns an answer that is not a refusal. Its caller closes the body.
func (c *candidate) do(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	request.Header = c.header()
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := (&http.Client{Timeout: requestLimit}).Do(request)
	if err != nil {
		return nil, err
	}
	for _, cookie := range answer.Cookies() {
		c.cookie = cookie.Name + "=" + cookie.Value
	}
	if answer.StatusCode < http.StatusBadRequest {
		return answer, nil
	}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10)) // for the error only
	return nil, errors.Join(fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text), answer.Body.Close())
}

func (c *candidate) header() http.Header {
	h := http.Header{"Origin": {c.base}, "X-Forwarded-For": {c.from}}
	if c.cookie != "" {
		h.Set("Cookie", c.cookie)
	}
	return h
}

// session is one interview of a candidate.
type session struct {
	candidate *candidate
	id        string
	socket    *websocket.Conn
	writing   sync.Mutex
	answers   chan string   // SDP
	ended     chan struct{} // closed when the room has said so, or broke
	problem   error         // set before ended is closed
}

// schedule makes a session and consents to what is measured.
func (c *candidate) schedule(ctx context.Context, captions bool) (*session, error) {
	var bank struct {
		Roles []struct{ ID string } `json:"roles"`
	}
	if err := c.call(ctx, http.MethodGet, "/api/v1/bank", nil, &bank); err != nil {
		return nil, err
	}
	if len(bank.Roles) == 0 {
		return nil, errors.New("the question bank has no roles")
	}
	var made struct{ ID string }
	if err := c.call(ctx, http.MethodPost, "/api/v1/sessions", map[string]string{"role": bank.Roles[0].ID, "mode": "practice"}, &made); err != nil {
		return nil, err
	}
	var notice struct {
		SHA256 string `json:"sha256"`
	}
	if err := c.call(ctx, http.MethodGet, "/api/v1/sessions/"+made.ID+"/notice", nil, &notice); err != nil {
		return nil, err
	}
	return &session{candidate: c, id: made.ID}, c.call(ctx, http.MethodPost, "/api/v1/sessions/"+made.ID+"/consents", map[string]any{
		"notice_sha256": notice.SHA256, "recording": true, "transcription": captions, "assessment": false,
	}, nil)
}

// enter opens the room's WebSocket (signaling/PROTOCOL.md).
func (s *session) enter(ctx context.Context) error {
	path := "/api/v1/sessions/" + s.id + "/room"
	var ticket struct{ Ticket string }
	if err := s.candidate.call(ctx, http.MethodPost, path+"-ticket", nil, &ticket); err != nil {
		return err
	}
	dialer := websocket.Dialer{HandshakeTimeout: requestLimit, Subprotocols: []string{"greenroom.room.v1", "ticket." + ticket.Ticket}}
	socket, answer, err := dialer.DialContext(ctx, strings.Replace(s.candidate.base, "http", "ws", 1)+path, s.candidate.header())
	if answer != nil {
		_ = answer.Body.Close()
	}
	if err != nil {
		return fmt.Errorf("enter the room: %w", err)
	}
	s.socket, s.answers, s.ended = socket, make(chan string, 1), make(chan struct{})
	go s.read() // owner: the session; ends when the room closes, or the server
	return s.send(map[string]any{"type": "hello", "version": 2})
}

func (s *session) read() {
	defer close(s.ended)
	defer func() { _ = s.socket.Close() }()
	for {
		var m struct{ Type, SDP, Code, Message string }
		if err := s.socket.ReadJSON(&m); err != nil {
			s.problem = fmt.Errorf("the room of %s: %w", s.id, err)
			return
		}
		switch m.Type {
		case "answer":
			select {
			case s.answers <- m.SDP:
			default: // nobody waits: it answers no offer of ours
			}
		case "problem":
			s.problem = fmt.Errorf("the room of %s: %s: %s", s.id, m.Code, m.Message)
			return
		case "ended":
			return
		}
	}
}

func (s *session) send(message map[string]any) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.socket.WriteJSON(message)
}

// offer brings the answer to an offer.
func (s *session) offer(ctx context.Context, sdp string) (string, error) {
	if err := s.send(map[string]any{"type": "offer", "sdp": sdp}); err != nil {
		return "", err
	}
	select {
	case answer := <-s.answers:
		return answer, nil
	case <-s.ended:
		return "", s.problem
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// finish ends the interview and waits until the server has stored that.
func (s *session) finish(ctx context.Context) error {
	if err := s.send(map[string]any{"type": "finish"}); err != nil {
		return err
	}
	select {
	case <-s.ended:
		return s.problem
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(requestLimit):
		return fmt.Errorf("the room of %s does not end", s.id)
	}
}

// download reads the whole recording as a player would.
func (s *session) download(ctx context.Context, file string) error {
	path := "/api/v1/sessions/" + s.id + "/recording"
	var described struct {
		Through int64 `json:"through"`
	}
	if err := s.candidate.call(ctx, http.MethodGet, path, nil, &described); err != nil {
		return err
	}
	answer, err := s.candidate.do(ctx, http.MethodGet, fmt.Sprintf("%s.webm?through=%d", path, described.Through), nil)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, answer.Body)
	return errors.Join(err, out.Close())
}
