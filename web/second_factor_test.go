package web

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

// code returns the account's code, off steps from now.
func (s *stage) code(t *testing.T, secret consent.CodeSecret, off int64) string {
	t.Helper()
	code, err := codeOf(secret, stepAt(testNow)+off)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// withFactor gives the account a password and a second factor.
func (s *stage) withFactor(t *testing.T, account consent.Account) consent.CodeSecret {
	t.Helper()
	s.knows(t, account, goodPassword)
	secret := NewCodeSecret()
	s.set(func(w *world) { w.secrets[account.ID] = secret })
	return secret
}

func (s *stage) logIn(t *testing.T, email, password, code string) reply {
	t.Helper()
	return s.nobody(t).do(http.MethodPost, "/api/v1/log-in", map[string]any{"email": email, "password": password, "code": code})
}

func TestLogInAsksForTheCode(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	account := s.employer(t, "Acme").account
	secret := s.withFactor(t, account)
	asked := s.logIn(t, account.Email, goodPassword, "").want(http.StatusUnauthorized).problem()
	if asked.Type != "urn:greenroom:code" || s.failures[account.Email] != 0 {
		t.Errorf("problem %+v, failures %v: want the type that the page knows, and no failure", asked, s.failures)
	}
	s.logIn(t, account.Email, goodPassword, s.code(t, NewCodeSecret(), 0)).want(http.StatusUnauthorized).problem()
	if s.failures[account.Email] != 1 {
		t.Errorf("failures %v, want a wrong code counted", s.failures)
	}
	s.logIn(t, account.Email, goodPassword, s.code(t, secret, -2)).want(http.StatusUnauthorized)
	var me accountJSON
	s.logIn(t, account.Email, goodPassword, s.code(t, secret, 0)).want(http.StatusOK).into(&me)
	if me.SecondFactor != factorOn || s.failures[account.Email] != 0 {
		t.Errorf("me %+v, failures %v", me, s.failures)
	}
	used := s.logIn(t, account.Email, goodPassword, s.code(t, secret, 0)).want(http.StatusUnauthorized).problem()
	if !strings.Contains(used.Detail, "used already") {
		t.Errorf("a code a second time: %+v", used)
	}
	s.logIn(t, account.Email, goodPassword, s.code(t, secret, -1)).want(http.StatusUnauthorized) // an earlier one neither
	s.logIn(t, account.Email, goodPassword, s.code(t, secret, 1)).want(http.StatusOK)
}

// Whoever has no password learns nothing about the second factor.
func TestCodeIsLookedAtAfterThePassword(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	with, without := s.employer(t, "Acme").account, s.candidate(t).account
	secret := s.withFactor(t, with)
	s.knows(t, without, goodPassword)
	want := s.logIn(t, "nobody@example.org", otherPassword, "").want(http.StatusUnauthorized).face()
	for name, got := range map[string]reply{
		"with a factor, no code":        s.logIn(t, with.Email, otherPassword, ""),
		"with a factor, its code":       s.logIn(t, with.Email, otherPassword, s.code(t, secret, 0)),
		"with a factor, a wrong code":   s.logIn(t, with.Email, otherPassword, "000000"),
		"without a factor, and a code":  s.logIn(t, without.Email, otherPassword, "000000"),
		"without a factor, and no code": s.logIn(t, without.Email, otherPassword, ""),
	} {
		if got.face() != want {
			t.Errorf("%s: got %s, want what an unknown address gets: %s", name, got.face(), want)
		}
	}
	if taken := s.steps[with.ID]; taken != 0 {
		t.Errorf("step %d was taken by somebody without the password", taken)
	}
}

func TestEmployerAndOpsSeeNothingBeforeTheirSecondFactor(t *testing.T) {
	t.Parallel()
	for _, kind := range []consent.AccountKind{consent.AccountEmployer, consent.AccountOps} {
		t.Run(string(kind), func(t *testing.T) {
			s := newStage(t)
			account := s.person(t, consent.Account{Kind: kind, Org: "o", OrgName: "Acme"}).account
			s.knows(t, account, goodPassword)
			p := s.nobody(t)
			p.token = logInCookieOf(t, s.logIn(t, account.Email, goodPassword, "").want(http.StatusOK)).Value
			var me accountJSON
			p.get("/api/v1/me").want(http.StatusOK).into(&me)
			if me.SecondFactor != factorNeeded {
				t.Errorf("me %+v, want its second factor needed", me)
			}
			for _, pattern := range slices.Sorted(maps.Keys(census)) {
				method, path, _ := strings.Cut(pattern, " ")
				if who := census[pattern]; who != anyLogIn && who != caller(kind) {
					continue
				}
				got := p.do(method, fillPath(path, ""), nil).want(http.StatusForbidden)
				if refused := got.problem(); refused.Type != "urn:greenroom:second-factor" {
					t.Errorf("%s: problem %+v, want the type that the page knows", pattern, refused)
				}
			}
			if _, err := s.server.Account(p.request(http.MethodGet, "/", nil)); err == nil {
				t.Error("it passes for logged in outside the server")
			}
		})
	}
}

func TestSecondFactorIsSetUp(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	s.knows(t, p.account, goodPassword)
	elsewhere := p.again()
	keep := func(code string) reply {
		return p.do(http.MethodPost, "/api/v1/me/second-factor/confirm", map[string]any{"code": code})
	}
	keep("123456").want(http.StatusConflict).problem()
	p.aged(6 * time.Minute)
	p.do(http.MethodPost, "/api/v1/me/second-factor", nil).want(http.StatusForbidden)
	p.aged(-6 * time.Minute)

	var offer offeredFactorJSON
	p.do(http.MethodPost, "/api/v1/me/second-factor", nil).want(http.StatusOK).into(&offer)
	secret := consent.CodeSecret(offer.Secret)
	if len(offer.Secret) != 32 || len(offer.QR) < 21 {
		t.Errorf("offer %+v: want a secret and a picture", offer)
	}
	p.get("/api/v1/log-ins").want(http.StatusOK) // and it is not in force yet
	s.logIn(t, p.account.Email, goodPassword, "").want(http.StatusOK)

	keep(s.code(t, NewCodeSecret(), 0)).want(http.StatusUnprocessableEntity).problem()
	got := keep(s.code(t, secret, 0)).want(http.StatusOK)
	var me accountJSON
	got.into(&me)
	if me.SecondFactor != factorOn || me.ID != p.account.ID {
		t.Errorf("me %+v", me)
	}
	p.get("/api/v1/me").want(http.StatusUnauthorized) // its token is a new one
	elsewhere.get("/api/v1/me").want(http.StatusUnauthorized)
	p.token = logInCookieOf(t, got).Value
	p.get("/api/v1/me").want(http.StatusOK)
	s.logIn(t, p.account.Email, goodPassword, "").want(http.StatusUnauthorized)
	s.logIn(t, p.account.Email, goodPassword, s.code(t, secret, 0)).want(http.StatusUnauthorized) // it was the first code
	s.logIn(t, p.account.Email, goodPassword, s.code(t, secret, 1)).want(http.StatusOK)
}

func TestConfirmingAsksForTheCodeToo(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.employer(t, "Acme")
	secret := s.withFactor(t, p.account)
	confirm := func(password, code string) reply {
		return p.do(http.MethodPost, "/api/v1/log-in/confirm", map[string]any{"password": password, "code": code})
	}
	for name, got := range map[string]reply{
		"no code":        confirm(goodPassword, ""),
		"a wrong code":   confirm(goodPassword, "000000"),
		"wrong password": confirm(otherPassword, s.code(t, secret, 0)),
	} {
		if got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d %s, want 422", name, got.status, got.body)
		}
		if detail := got.problem().Detail; strings.Contains(detail, "address") {
			t.Errorf("%s: %q speaks of an address that nobody typed", name, detail)
		}
	}
	confirm(goodPassword, s.code(t, secret, 0)).want(http.StatusNoContent)
	p.do(http.MethodPut, "/api/v1/me/password", map[string]any{
		"password": goodPassword, "code": s.code(t, secret, 0), "new_password": otherPassword,
	}).want(http.StatusUnprocessableEntity) // that code was for something else
	p.do(http.MethodPut, "/api/v1/me/password", map[string]any{
		"password": goodPassword, "code": s.code(t, secret, 1), "new_password": "k3t9wmzq",
	}).want(http.StatusNoContent)
}

func TestCandidateMayDropTheSecondFactor(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p, employer := s.candidate(t), s.employer(t, "Acme")
	secret := s.withFactor(t, p.account)
	short := "k3t9wmzq"
	seasoned, err := s.server.passwords.hash(t.Context(), short)
	if err != nil {
		t.Fatal(err)
	}
	drop := func(password string, off int64) reply {
		return p.do(http.MethodPost, "/api/v1/me/second-factor/drop", map[string]any{"password": password, "code": s.code(t, secret, off)})
	}
	employer.do(http.MethodPost, "/api/v1/me/second-factor/drop", map[string]any{"password": "x"}).want(http.StatusNotFound)
	drop(otherPassword, -1).want(http.StatusUnprocessableEntity)
	s.set(func(w *world) { w.hashes[p.account.Email] = seasoned })
	drop(short, -1).want(http.StatusConflict).problem()
	if s.secrets[p.account.ID] == "" {
		t.Error("a short password stands alone")
	}
	s.knows(t, p.account, goodPassword)
	drop(goodPassword, 0).want(http.StatusNoContent)
	s.logIn(t, p.account.Email, goodPassword, "").want(http.StatusOK)
}
