package web

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"greenroom/consent"
)

func TestLogInsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	elsewhere, stranger := p.again(), s.candidate(t)
	var list logInsJSON
	p.get("/api/v1/log-ins").want(http.StatusOK).into(&list)
	if len(list.LogIns) != 2 {
		t.Fatalf("log-ins %+v, want two", list.LogIns)
	}
	var other consent.LogInID
	for _, l := range list.LogIns {
		if own := l.ID == s.logIns[sha256.Sum256([]byte(p.token))].ID; own != l.Current {
			t.Errorf("log-in %+v: current, want %v", l, own)
		}
		if !l.Current {
			other = l.ID
		}
	}
	stranger.do(http.MethodPost, "/api/v1/log-ins/"+string(other)+"/end", nil).want(http.StatusNotFound)
	elsewhere.get("/api/v1/me").want(http.StatusOK)
	p.do(http.MethodPost, "/api/v1/log-ins/"+string(other)+"/end", nil).want(http.StatusNoContent)
	elsewhere.get("/api/v1/me").want(http.StatusUnauthorized)
	p.get("/api/v1/me").want(http.StatusOK)
	p.do(http.MethodPost, "/api/v1/log-ins/"+string(other)+"/end", nil).want(http.StatusNotFound)
}

func TestLogOutEverywhere(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	elsewhere, stranger := p.again(), s.candidate(t)
	got := p.do(http.MethodPost, "/api/v1/log-out-everywhere", nil).want(http.StatusNoContent)
	if cleared := got.header.Get("Clear-Site-Data"); cleared != `"cache", "cookies", "storage"` {
		t.Errorf("Clear-Site-Data %q", cleared)
	}
	if cookie := logInCookieOf(t, got); cookie.MaxAge >= 0 {
		t.Errorf("cookie %v is not a removal", cookie)
	}
	p.get("/api/v1/me").want(http.StatusUnauthorized)
	elsewhere.get("/api/v1/me").want(http.StatusUnauthorized)
	stranger.get("/api/v1/me").want(http.StatusOK)
}

// stream opens the session's event stream and returns its lines; the channel closes with it.
func (p *person) stream(t *testing.T, session consent.SessionID) <-chan string {
	t.Helper()
	answer, err := p.stage.http.Client().Do(p.request(http.MethodGet, "/api/v1/sessions/"+string(session)+"/events", nil)) //nolint:bodyclose // the goroutine below closes it
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("the stream answers %s", answer.Status)
	}
	lines := make(chan string, 64)
	go func() { // ends with the stream
		defer close(lines)
		defer func() { _ = answer.Body.Close() }()
		for in := bufio.NewReader(answer.Body); ; {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			lines <- line
		}
	}()
	<-lines
	return lines
}

func endsWithin(t *testing.T, lines <-chan string, limit time.Duration) {
	t.Helper()
	late := time.After(limit)
	for {
		select {
		case _, open := <-lines:
			if !open {
				return
			}
		case <-late:
			t.Fatalf("the stream is still open after %v", limit)
		}
	}
}

func TestEndedLogInTakesItsOpenStreamsAlong(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	session := p.newSession().ID
	elsewhere := p.again()
	mine, others := p.stream(t, session), elsewhere.stream(t, session)
	// On another node: this one hears only that some log-ins of the account ended.
	s.set(func(w *world) { delete(w.logIns, sha256.Sum256([]byte(elsewhere.token))) })
	s.server.LogInsEnded(t.Context(), p.account.ID)
	endsWithin(t, others, time.Second)
	p.do(http.MethodPost, "/api/v1/log-out-everywhere", nil).want(http.StatusNoContent)
	endsWithin(t, mine, time.Second)
}

// A notification that was lost is made up for by asking.
func TestStreamFindsOutByItselfThatItsLogInEnded(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	lines := p.stream(t, p.newSession().ID)
	s.set(func(w *world) { clear(w.logIns) })
	endsWithin(t, lines, logInEvery+2*time.Second)
}

// A database that is away is no log-out.
func TestStreamOutlivesALookThatFailed(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *Config) { c.Accounts = awayLater{c.Accounts} })
	p := s.candidate(t)
	lines := p.stream(t, p.newSession().ID)
	s.server.LogInsEnded(t.Context(), p.account.ID)
	s.server.LogInsEnded(t.Context(), "")
	s.changed(s.onlySession())
	select {
	case _, open := <-lines:
		if !open {
			t.Error("the stream ended")
		}
	case <-time.After(10 * time.Second):
		t.Error("nothing came through the stream")
	}
}

type awayLater struct{ Accounts }

func (awayLater) LogInLives(context.Context, [32]byte) error { return io.ErrUnexpectedEOF }

func (s *stage) onlySession() consent.SessionID {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.sessions {
		return id
	}
	panic(errors.New("no session"))
}

func TestDeviceIsNamedCoarsely(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":                     "Chrome on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0": "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15":        "Safari on macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1":       "Safari on iPhone",
		"Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0":                                                      "Firefox on Android",
		"curl/8.5.0 (x86_64-pc-linux-gnu)": "",
		"Firefox":                          "Firefox",
		"":                                 "",
	} {
		if got := deviceOf(agent); got != want {
			t.Errorf("deviceOf(%q) = %q, want %q", agent, got, want)
		}
	}
}
