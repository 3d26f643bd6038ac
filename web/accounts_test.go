package web

import (
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"greenroom/consent"
)

const goodPassword = "a few plain words in a row"

func signUpBody(change func(map[string]any)) map[string]any {
	body := map[string]any{
		"birth_date": "2001-05-17", "email": "New.Person@Example.org", "display_name": "  New   Person ", "password": goodPassword,
	}
	if change != nil {
		change(body)
	}
	return body
}

// logInCookieOf returns the cookie an answer set, checked for every attribute that keeps it safe.
func logInCookieOf(t *testing.T, r reply) *http.Cookie {
	t.Helper()
	cookies := (&http.Response{Header: r.header}).Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%s: %d cookies, want 1", r.call, len(cookies))
	}
	c := cookies[0]
	if c.Name != "__Host-sid" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie %v is not a safe __Host- cookie", c)
	}
	return c
}

// knows gives the account a password, as an administration command makes it.
func (s *stage) knows(t *testing.T, account consent.Account, password string) {
	t.Helper()
	hash, err := argon2id.CreateHash(password, cheapHash)
	if err != nil {
		t.Fatal(err)
	}
	s.set(func(w *world) { w.hashes[account.Email] = consent.PasswordHash{Hash: hash} })
}

func TestAgeCheckStoresNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for birth, want := range map[string]bool{
		"2010-11-22": true, "2010-11-23": false, "2001-01-01": true, "2025-01-01": false, // testNow is 2026-11-22
	} {
		var got ageCheckJSON
		s.nobody(t).do(http.MethodPost, "/api/v1/age-check", map[string]any{"birth_date": birth}).want(http.StatusOK).into(&got)
		if got.Allowed != want || got.MinimumAge != 16 {
			t.Errorf("born %s: got %+v, want allowed %v from 16", birth, got, want)
		}
	}
	for _, birth := range []string{"", "yesterday", "2027-01-01", "1850-01-01", "2001-02-30"} {
		s.nobody(t).do(http.MethodPost, "/api/v1/age-check", map[string]any{"birth_date": birth}).want(http.StatusUnprocessableEntity).problem()
	}
	if len(s.writes) > 0 {
		t.Errorf("the age check stored something: %v", s.writes)
	}
}

func TestChildLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	got := s.nobody(t).do(http.MethodPost, "/api/v1/accounts", signUpBody(func(b map[string]any) { b["birth_date"] = "2010-11-23" }))
	got.want(http.StatusForbidden).problem()
	if len(s.writes) > 0 || len(s.accounts) > 0 || got.header.Get("Set-Cookie") != "" {
		t.Errorf("stored %v, accounts %v, cookie %q; want nothing", s.writes, s.accounts, got.header.Get("Set-Cookie"))
	}
}

func TestSignUpLogsIn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.server.passwords.cost = hashParams()
	p := s.nobody(t)
	got := p.do(http.MethodPost, "/api/v1/accounts", signUpBody(nil)).want(http.StatusCreated)
	var account accountJSON
	got.into(&account)
	if account.Email != "new.person@example.org" || account.DisplayName != "New Person" || account.Kind != consent.AccountCandidate {
		t.Errorf("account %+v: want the address in lower case and the name without spare spaces", account)
	}
	cookie := logInCookieOf(t, got)
	if len(cookie.Value) != 43 {
		t.Errorf("token %q has %d characters, want 43 (256 bits)", cookie.Value, len(cookie.Value))
	}
	if want := []string{"CreateCandidate " + consent.AgeRule, "CreateLogIn 1h0m0s 24h0m0s"}; !slices.Equal(s.writes, want) {
		t.Errorf("stored %v, want %v", s.writes, want)
	}
	if hash := s.hashes[account.Email]; !strings.HasPrefix(hash.Hash, "$argon2id$v=19$m=65536,t=3,p=1$") || hash.Pepper != "new" {
		t.Errorf("hash %+v is not argon2id with 64 MiB, three rounds and the present pepper", hash)
	}
	if _, stored := s.logIns[sha256.Sum256([]byte(cookie.Value))]; !stored {
		t.Error("the log-in is not stored under the hash of its token")
	}
	p.token = cookie.Value
	p.get("/api/v1/me").want(http.StatusOK)
	p.do(http.MethodPost, "/api/v1/accounts", signUpBody(nil)).want(http.StatusConflict).problem()
}

func TestSignUpRefuses(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for name, change := range map[string]func(map[string]any){
		"their own name":         func(b map[string]any) { b["password"] = "new.person new.person" },
		"a short password":       func(b map[string]any) { b["password"] = strings.Repeat("é", 14) },
		"a long password":        func(b map[string]any) { b["password"] = strings.Repeat("é", 129) },
		"no password":            func(b map[string]any) { delete(b, "password") },
		"an address without @":   func(b map[string]any) { b["email"] = "example.org" },
		"an address with a name": func(b map[string]any) { b["email"] = "Me <me@example.org>" },
		"two addresses":          func(b map[string]any) { b["email"] = "a@example.org, b@example.org" },
		"a line break":           func(b map[string]any) { b["email"] = "a@example.org\r\nBcc: b@example.org" },
		"no name":                func(b map[string]any) { b["display_name"] = "  " },
		"a name with controls":   func(b map[string]any) { b["display_name"] = "a\u202eb\x07" },
		"a kind of its own":      func(b map[string]any) { b["kind"] = "ops" },
	} {
		got := s.nobody(t).do(http.MethodPost, "/api/v1/accounts", signUpBody(change))
		if got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d %s, want 422", name, got.status, got.body)
			continue
		}
		got.problem()
		if strings.Contains(string(got.body), goodPassword) {
			t.Errorf("%s: the answer repeats the password: %s", name, got.body)
		}
	}
	if len(s.writes) > 0 {
		t.Errorf("stored %v", s.writes)
	}
}

func TestLogInAnswersUnknownAndWrongAlike(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	known := s.employer(t, "Acme").account
	s.knows(t, known, goodPassword)
	logIn := func(email, password string) reply {
		return s.nobody(t).do(http.MethodPost, "/api/v1/log-in", map[string]any{"email": email, "password": password})
	}
	wrong := logIn(known.Email, "another plain row of words").want(http.StatusUnauthorized)
	wrong.problem()
	for name, got := range map[string]reply{
		"an unknown address": logIn("nobody@example.org", goodPassword),
		"an empty password":  logIn(known.Email, ""),
		"a huge password":    logIn(known.Email, strings.Repeat("a", 100_000)),
	} {
		if got.face() != wrong.face() {
			t.Errorf("%s: got %s, want the same as a wrong password: %s", name, got.face(), wrong.face())
		}
	}
	if s.failures[known.Email] != 3 || s.failures["nobody@example.org"] != 1 {
		t.Errorf("failures %v, want 3 and 1", s.failures)
	}
	got := logIn(strings.ToUpper(known.Email), goodPassword).want(http.StatusOK)
	logInCookieOf(t, got)
	if len(s.failures) != 1 || !slices.Contains(s.writes, "CreateLogIn 30m0s 12h0m0s") {
		t.Errorf("after success: failures %v, stored %v; want them forgotten and an employer's limits", s.failures, s.writes)
	}
}

func TestLogInWaitsAfterFailures(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	s.knows(t, p.account, goodPassword)
	body := map[string]any{"email": p.account.Email, "password": goodPassword}
	s.set(func(w *world) { w.throttle = consent.Throttle{Wait: 1500 * time.Millisecond} })
	got := s.nobody(t).do(http.MethodPost, "/api/v1/log-in", body)
	got.want(http.StatusTooManyRequests).problem()
	if got.header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After %q, want 2 (rounded up)", got.header.Get("Retry-After"))
	}
	s.set(func(w *world) { w.throttle = consent.Throttle{Off: true} })
	off := s.nobody(t).do(http.MethodPost, "/api/v1/log-in", body).want(http.StatusForbidden)
	off.problem()
	body["email"] = "nobody@example.org"
	if other := s.nobody(t).do(http.MethodPost, "/api/v1/log-in", body); other.face() != off.face() {
		t.Errorf("an unknown address gets %s, a known one %s", other.face(), off.face())
	}
	if len(s.failures) > 0 {
		t.Errorf("refused tries were counted: %v", s.failures)
	}
}

func TestLogInsPerAddressAreLimited(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *Config) { c.Limits = Limits{LogInPerMinute: 3} })
	for range 3 {
		s.nobody(t).do(http.MethodPost, "/api/v1/log-in", map[string]any{"email": "x", "password": ""}).want(http.StatusUnprocessableEntity)
	}
	got := s.nobody(t).do(http.MethodPost, "/api/v1/log-in", map[string]any{"email": "x", "password": ""})
	if got.want(http.StatusTooManyRequests); got.header.Get("Retry-After") != "20" {
		t.Errorf("Retry-After %q, want 20", got.header.Get("Retry-After"))
	}
}

func TestLogInChangesTheToken(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	s.knows(t, p.account, goodPassword)
	before := p.token
	got := p.do(http.MethodPost, "/api/v1/log-in", map[string]any{"email": p.account.Email, "password": goodPassword}).want(http.StatusOK)
	if cookie := logInCookieOf(t, got); cookie.Value == before {
		t.Error("the token did not change at log-in")
	}
	p.get("/api/v1/me").want(http.StatusUnauthorized) // still with the old one
}

func TestLogOutEndsTheLogIn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	got := p.do(http.MethodPost, "/api/v1/log-out", nil).want(http.StatusNoContent)
	if cleared := got.header.Get("Clear-Site-Data"); cleared != `"cache", "cookies", "storage"` {
		t.Errorf("Clear-Site-Data %q", cleared)
	}
	if cookie := logInCookieOf(t, got); cookie.MaxAge >= 0 || cookie.Value != "" {
		t.Errorf("cookie %v is not a removal", cookie)
	}
	p.get("/api/v1/me").want(http.StatusUnauthorized).problem()
	s.nobody(t).do(http.MethodPost, "/api/v1/log-out", nil).want(http.StatusNoContent)
}

func TestMeSaysWhoIsLoggedIn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.employer(t, "Acme")
	var me accountJSON
	p.get("/api/v1/me").want(http.StatusOK).into(&me)
	if me != meOf(activeLogIn(p.account)) || me.OrgName != "Acme" {
		t.Errorf("me = %+v, want %+v", me, p.account)
	}
	for name, value := range map[string]string{"short": "abc", "unknown": strings.Repeat("A", 43), "not base64": strings.Repeat("!", 43)} {
		stranger := s.nobody(t)
		stranger.token = value
		if got := stranger.get("/api/v1/me"); got.status != http.StatusUnauthorized {
			t.Errorf("%s token: got %d, want 401", name, got.status)
		}
	}
	r := p.request(http.MethodGet, "/api/v1/me", nil)
	r.AddCookie(&http.Cookie{Name: cookieName, Value: strings.Repeat("A", 43)})
	p.send(r).want(http.StatusUnauthorized) // two cookies of one name
}
