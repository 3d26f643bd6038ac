package web

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

func TestRequestsFromOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	role := s.server.cfg.Bank.Roles[0].ID
	for name, c := range map[string]struct {
		set  map[string]string
		want int
	}{
		"the page itself":         {map[string]string{"Sec-Fetch-Site": "same-origin"}, http.StatusCreated},
		"typed by the user":       {map[string]string{"Sec-Fetch-Site": "none"}, http.StatusCreated},
		"an older browser":        {map[string]string{"Origin": s.http.URL}, http.StatusCreated},
		"another site":            {map[string]string{"Sec-Fetch-Site": "cross-site"}, http.StatusForbidden},
		"another subdomain":       {map[string]string{"Sec-Fetch-Site": "same-site"}, http.StatusForbidden},
		"another site's origin":   {map[string]string{"Origin": "https://evil.example"}, http.StatusForbidden},
		"an opaque origin":        {map[string]string{"Origin": "null"}, http.StatusForbidden},
		"a cookie and no origin":  {map[string]string{}, http.StatusForbidden},
		"a lie about the address": {map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": s.http.URL}, http.StatusForbidden},
	} {
		r := p.request(http.MethodPost, "/api/v1/sessions", map[string]any{"role": role, "mode": "practice"})
		r.Header.Del("Sec-Fetch-Site")
		for field, value := range c.set {
			r.Header.Set(field, value)
		}
		got := p.send(r)
		if got.status != c.want {
			t.Errorf("%s: got %d %s, want %d", name, got.status, got.body, c.want)
		}
		if c.want == http.StatusForbidden {
			got.problem()
		}
	}
}

func TestBodiesAreReadStrictly(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	role := s.server.cfg.Bank.Roles[0].ID
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"what is expected":     {`{"role":"` + role + `","mode":"exam"}`, http.StatusCreated},
		"an unknown field":     {`{"role":"` + role + `","mode":"exam","state":"assessed"}`, http.StatusUnprocessableEntity},
		"a field twice":        {`{"role":"` + role + `","role":"x","mode":"exam"}`, http.StatusBadRequest},
		"a field in capitals":  {`{"Role":"` + role + `","mode":"exam"}`, http.StatusBadRequest},
		"a missing field":      {`{"role":"` + role + `"}`, http.StatusUnprocessableEntity},
		"an unknown value":     {`{"role":"` + role + `","mode":"hard"}`, http.StatusUnprocessableEntity},
		"an unknown role":      {`{"role":"astronaut","mode":"exam"}`, http.StatusUnprocessableEntity},
		"another type":         {`{"role":7,"mode":"exam"}`, http.StatusUnprocessableEntity},
		"null":                 {`null`, http.StatusUnprocessableEntity},
		"a list":               {`[]`, http.StatusUnprocessableEntity},
		"nothing":              {``, http.StatusBadRequest},
		"half an object":       {`{"role":"` + role, http.StatusBadRequest},
		"two objects":          {`{"role":"` + role + `","mode":"exam"}{}`, http.StatusBadRequest},
		"a deep hole":          {strings.Repeat("[", 100_000), http.StatusBadRequest},
		"more than a mebibyte": {`{"role":"` + strings.Repeat("a", 1<<20) + `","mode":"exam"}`, http.StatusRequestEntityTooLarge},
	} {
		got := p.do(http.MethodPost, "/api/v1/sessions", c.body)
		if got.status != c.want {
			t.Errorf("%s: got %d %s, want %d", name, got.status, got.body, c.want)
			continue
		}
		if c.want != http.StatusCreated {
			got.problem()
		}
	}
	p.get("/api/v1/sessions?state=live").want(http.StatusUnprocessableEntity).problem()
	r := p.request(http.MethodPost, "/api/v1/sessions", `<role/>`)
	r.Header.Set("Content-Type", "text/xml")
	if got := p.send(r); got.status < 400 || got.status >= 500 {
		t.Errorf("XML: got %d, want a refusal", got.status)
	}
	if len(s.writes) != 1 {
		t.Errorf("stored %v, want the one session", s.writes)
	}
}

func FuzzUnmarshalStrict(f *testing.F) {
	for _, seed := range []string{`{"a":1}`, `{"a":1,"a":2}`, `{"A":1}`, `[{"a":{"a":[]}}]`, `{"a":"a"}`, `{`, `]`, ``, `"a"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v map[string]any
		if err := unmarshalStrict(data, &v); err != nil {
			return
		}
		for key := range v {
			if key != strings.ToLower(key) {
				t.Errorf("%q let the name %q pass", data, key)
			}
		}
	})
}

func TestRequestsAreLimited(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *Config) { c.Limits = Limits{AnonymousPerMinute: 2, AccountPerMinute: 3} })
	nobody, p := s.nobody(t), s.candidate(t)
	for range 2 {
		nobody.get("/api/v1/judge").want(http.StatusOK)
	}
	got := nobody.get("/api/v1/judge").want(http.StatusTooManyRequests)
	if got.problem(); got.header.Get("Retry-After") != "30" {
		t.Errorf("Retry-After %q, want 30", got.header.Get("Retry-After"))
	}
	for range 3 { // somebody who is logged in is counted apart
		p.get("/api/v1/judge").want(http.StatusOK)
	}
	p.get("/api/v1/judge").want(http.StatusTooManyRequests)
	s.candidate(t).get("/api/v1/judge").want(http.StatusOK)
	nobody.get("/").want(http.StatusOK) // the page itself is not limited
}

func TestPiecesOfRecordingsAreLimited(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *Config) { c.Limits = Limits{MediaPerSecond: 2} })
	p := s.candidate(t)
	recording := "/api/v1/sessions/" + string(p.newSession().ID) + "/recording.webm?through=1"
	for range 2 {
		p.get(recording).want(http.StatusNotFound) // nothing is recorded, and it was asked for
	}
	got := p.get(recording).want(http.StatusTooManyRequests)
	if got.problem(); got.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q, want 1", got.header.Get("Retry-After"))
	}
	p.get("/api/v1/me").want(http.StatusOK)
	s.candidate(t).get(recording).want(http.StatusNotFound)
	if log := s.log.String(); !strings.Contains(log, "status=429") {
		t.Errorf("the log does not tell of a 429:\n%s", log)
	}
}

func TestLimiterForgetsQuietCallers(t *testing.T) {
	t.Parallel()
	now := testNow
	l := newLimiter(60, time.Minute, func() time.Time { return now })
	for range 60 {
		if wait := l.allow("a"); wait != 0 {
			t.Fatalf("refused within the allowance: wait %v", wait)
		}
	}
	if wait := l.allow("a"); wait != time.Second {
		t.Errorf("wait %v, want 1 s", wait)
	}
	now = now.Add(30 * time.Second)
	l.allow("b")
	now = now.Add(31 * time.Second)
	l.allow("c")
	if _, known := l.callers["a"]; known {
		t.Error("a has its whole allowance back and is still remembered")
	}
	if len(l.callers) != 1 {
		t.Errorf("callers %v, want only c", l.callers)
	}
}

func TestAccessLogHasNoIdsAndNoQueries(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	id := consent.NewID[consent.SessionID]()
	p.get("/api/v1/sessions/" + string(id) + "/recording.webm?through=77123")
	p.get("/api/v1/sessions/" + string(id))
	log := s.log.String()
	for _, secret := range []string{string(id), "77123", p.token, string(p.account.ID), p.account.Email, "127.0.0.1"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q:\n%s", secret, log)
		}
	}
	for _, want := range []string{`route="GET /api/v1/sessions/{id}"`, "status=404", "method=GET", "took="} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
}

type brokenAccounts struct{ Accounts }

func (brokenAccounts) LogIn(context.Context, [32]byte) (consent.ActiveLogIn, error) {
	return consent.ActiveLogIn{}, errors.New("database password is hunter2")
}

func TestFaultsAreToldApartFromRefusals(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *Config) { c.Accounts = brokenAccounts{c.Accounts} })
	got := s.candidate(t).get("/api/v1/me").want(http.StatusInternalServerError)
	got.problem()
	if strings.Contains(string(got.body), "hunter2") {
		t.Errorf("the answer tells the cause: %s", got.body)
	}
	if !strings.Contains(s.log.String(), "hunter2") {
		t.Error("the log does not tell the cause")
	}
	s.nobody(t).get("/api/v1/judge").want(http.StatusOK)
}

func TestPanicsAreAnswered(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *Config) {
		c.Mount = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a mistake") })
	})
	p := s.candidate(t)
	session := p.newSession().ID
	p.enter(session, "ticket."+p.ticket(session)).want(http.StatusInternalServerError).problem()
	p.get("/api/v1/me").want(http.StatusOK)
	if !strings.Contains(s.log.String(), "a mistake") {
		t.Error("the panic is not in the log")
	}
}

// The room takes the connection over for its WebSocket.
func TestRoomMayHijackTheConnection(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *Config) {
		c.Mount = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, buffer, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = buffer.WriteString("HTTP/1.1 101 Switching Protocols\r\n\r\nhello")
			_ = buffer.Flush()
			_ = conn.Close()
		})
	})
	p := s.candidate(t)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.http.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := p.roomRequest(p.newSession().ID).Write(conn); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "101") {
		t.Errorf("got %q, %v; want 101", line, err)
	}
}

func TestAccountAlsoWorksOutsideTheServer(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	account, err := s.server.Account(p.request(http.MethodGet, "/", nil))
	if err != nil || account != p.account {
		t.Errorf("Account = %+v, %v; want %+v", account, err, p.account)
	}
	if _, err := s.server.Account(s.nobody(t).request(http.MethodGet, "/", nil)); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("nobody: %v, want ErrNotFound", err)
	}
}

// A room stays open for longer than the log-in that opened it may live.
func TestAccountLooksTheLogInUpAgain(t *testing.T) {
	t.Parallel()
	var s *stage
	entered, loggedOut, before, after := make(chan struct{}), make(chan struct{}), make(chan error, 2), make(chan error, 1)
	s = newStage(t, func(c *Config) {
		c.Mount = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			for range 2 {
				_, err := s.server.Account(r)
				before <- err
			}
			close(entered)
			<-loggedOut
			_, err := s.server.Account(r)
			after <- err
		})
	})
	p := s.candidate(t)
	room := p.roomRequest(p.newSession().ID)
	done := make(chan struct{})
	go func() { // ends with the handler, which the test lets go
		defer close(done)
		if answer, err := s.http.Client().Do(room); err == nil {
			_ = answer.Body.Close()
		}
	}()
	<-entered
	for range 2 {
		if err := <-before; err != nil {
			t.Errorf("before the log-out: %v", err)
		}
	}
	s.set(func(w *world) {
		if w.lookUps != 5 { // two for the session and its ticket, the handler's own, and each of the room's, which moves the idle limit
			t.Errorf("the log-in was looked up %d times, want 5", w.lookUps)
		}
	})
	p.do(http.MethodPost, "/api/v1/log-out", nil).want(http.StatusNoContent)
	close(loggedOut)
	if err := <-after; !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("after the log-out: %v, want ErrNotFound", err)
	}
	<-done
}

func TestHealthAndReadiness(t *testing.T) {
	t.Parallel()
	ready := errors.New("the database is away")
	s := newStage(t, func(c *Config) { c.Ready = func(context.Context) error { return ready } })
	s.nobody(t).get("/healthz").want(http.StatusOK)
	got := s.nobody(t).get("/readyz").want(http.StatusServiceUnavailable)
	if strings.Contains(string(got.body), "database") {
		t.Errorf("the answer tells the cause: %s", got.body)
	}
	ready = nil
	s.nobody(t).get("/readyz").want(http.StatusOK)
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}); err == nil || !strings.Contains(err.Error(), "Config.") {
		t.Errorf("New of nothing: %v, want the name of a missing field", err)
	}
}
