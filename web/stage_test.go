package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"greenroom/assess"
	"greenroom/consent"
)

// The time of the in-memory database and of the server under test.
var testNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// stage is a running server over a world, with people who are logged in.
type stage struct {
	*world
	server *Server
	http   *httptest.Server
	log    *lockedBuffer
}

// cheapHash is for tests that are not about what a hash costs: the race detector watches each of its 64 MiB.
var cheapHash = &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}

func newStage(t *testing.T, adjust ...func(*Config)) *stage {
	t.Helper()
	w := newWorld()
	log := &lockedBuffer{}
	bank, err := assess.BuiltInBank()
	if err != nil {
		t.Fatalf("built-in bank: %v", err)
	}
	cfg := Config{
		Accounts: w, Sessions: w, Record: w, Viewers: w, Records: w, Recordings: w, Shared: w, Raters: w, Contests: w, Corrections: w, Changes: w, Ops: w, Exports: w, Erasures: w,
		Receipts: w, Ledger: newPublicLedger(t, 0), Gate: consent.Gate{Reader: w}, Pepper: testPepper{}, PDF: noPDFs{},
		Bank: bank, Build: "test", Log: slog.New(slog.NewTextHandler(log, nil)), Now: func() time.Time { return testNow },
		Judge:   Judge{TranscriberEngine: "moonshine-tiny", TranscriberPlace: ThisServer, AssessorModel: "judge-1", AssessorPlace: "models.example.org"},
		Mount:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "room") }),
		Publish: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "program") }),
	}
	for _, change := range adjust {
		change(&cfg)
	}
	server, err := New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	server.passwords.cost = cheapHash
	s := &stage{world: w, server: server, http: httptest.NewUnstartedServer(server), log: log}
	s.http.Config = NewHTTPServer(server, cfg.Log)
	s.http.Start()
	t.Cleanup(s.http.Close)
	return s
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// person is somebody with a browser: the cookie is set by hand where no log-in was made.
type person struct {
	t       *testing.T
	stage   *stage
	account consent.Account
	token   string
}

func (s *stage) nobody(t *testing.T) *person {
	t.Helper()
	return &person{t: t, stage: s}
}

func (s *stage) person(t *testing.T, account consent.Account) *person {
	t.Helper()
	account.ID = consent.NewID[consent.AccountID]()
	if account.DisplayName == "" {
		account.DisplayName = "Somebody"
	}
	account.Email = string(account.ID) + "@example.org"
	token := base64.RawURLEncoding.EncodeToString([]byte(account.ID + "......")) // 32 bytes
	s.set(func(w *world) {
		w.accounts[account.ID] = account
		w.logIns[sha256.Sum256([]byte(token))] = activeLogIn(account)
	})
	return &person{t: t, stage: s, account: account, token: token}
}

func (s *stage) candidate(t *testing.T) *person {
	t.Helper()
	return s.person(t, consent.Account{Kind: consent.AccountCandidate})
}

func (s *stage) employer(t *testing.T, org string) *person {
	t.Helper()
	id := consent.NewID[consent.OrgID]()
	s.set(func(w *world) { w.orgs = append(w.orgs, consent.Organization{ID: id, Name: org}) })
	return s.person(t, consent.Account{Kind: consent.AccountEmployer, Org: id, OrgName: org})
}

// activeLogIn is one that was made as accounts of the kind make it.
func activeLogIn(account consent.Account) consent.ActiveLogIn {
	return consent.ActiveLogIn{
		ID: consent.NewID[consent.LogInID](), Account: account, Began: testNow, Used: testNow, SecondFactor: account.Kind.NeedsSecondFactor(),
	}
}

// again is the same person at another browser, with a log-in of its own.
func (p *person) again() *person {
	p.t.Helper()
	token := base64.RawURLEncoding.EncodeToString([]byte(consent.NewID[string]() + "......"))
	p.stage.set(func(w *world) {
		w.logIns[sha256.Sum256([]byte(token))] = activeLogIn(p.account)
	})
	return &person{t: p.t, stage: p.stage, account: p.account, token: token}
}

// aged lets time pass since the person last proved who they are.
func (p *person) aged(by time.Duration) {
	p.t.Helper()
	p.stage.set(func(w *world) {
		token := sha256.Sum256([]byte(p.token))
		logIn := w.logIns[token]
		logIn.Confirmed += by
		w.logIns[token] = logIn
	})
}

// reply is an answer, read whole.
type reply struct {
	t      *testing.T
	call   string
	status int
	header http.Header
	body   []byte
}

func (p *person) request(method, path string, body any) *http.Request {
	p.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			p.t.Fatalf("encode body: %v", err)
		}
		reader = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.stage.http.URL+path, reader)
	if err != nil {
		p.t.Fatalf("new request: %v", err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if p.token != "" {
		r.AddCookie(&http.Cookie{Name: cookieName, Value: p.token})
	}
	return r
}

func (p *person) send(r *http.Request) reply {
	p.t.Helper()
	response, err := p.stage.http.Client().Do(r)
	if err != nil {
		p.t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatalf("%s %s: read answer: %v", r.Method, r.URL.Path, err)
	}
	return reply{t: p.t, call: r.Method + " " + r.URL.Path, status: response.StatusCode, header: response.Header, body: raw}
}

func (p *person) do(method, path string, body any) reply {
	p.t.Helper()
	return p.send(p.request(method, path, body))
}

func (p *person) get(path string) reply {
	p.t.Helper()
	return p.do(http.MethodGet, path, nil)
}

// want fails unless the answer has the status; it returns the answer for more questions.
func (r reply) want(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: got %d %s, want %d", r.call, r.status, r.body, status)
	}
	return r
}

// into decodes the JSON answer.
func (r reply) into(v any) {
	r.t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		r.t.Fatalf("%s: decode %s: %v", r.call, r.body, err)
	}
}

func (r reply) problem() problem {
	r.t.Helper()
	var p problem
	r.into(&p)
	if got := r.header.Get("Content-Type"); got != problemType {
		r.t.Fatalf("%s: content type %q, want %q", r.call, got, problemType)
	}
	if p.Status != r.status || p.Detail == "" || p.Next == "" {
		r.t.Fatalf("%s: problem %+v for status %d: want the status, a detail and a next step", r.call, p, r.status)
	}
	return p
}

// face is what somebody outside can compare: everything but the request's number and the clock.
func (r reply) face() string {
	header := maps.Clone(r.header)
	delete(header, "X-Request-Id")
	delete(header, "Date")
	return fmt.Sprintf("%d %v %s", r.status, header, r.body)
}
