package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/alexedwards/argon2id"

	"greenroom/consent"
)

const (
	cookieName  = "__Host-sid"
	tokenLength = 32 // bytes: 256 bits
	minPassword = 15 // code points (NIST 800-63B-4, a password without a second factor)
	maxPassword = 128
)

// A hash that no password has, of the same cost as a real one: an address that has no account takes
// as long to refuse as one that has.
const dummyHash = "$argon2id$v=19$m=65536,t=3,p=1$Z3JlZW5yb29tLWR1bW15IQ$bm8gcGFzc3dvcmQgaGFzIHRoaXMgaGFzaCwgZXZlci4"

func hashParams() *argon2id.Params {
	return &argon2id.Params{Memory: 64 * 1024, Iterations: 3, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// HashPassword returns the argon2id hash of a password as log-in checks it, or why it cannot be one.
func HashPassword(password string) (string, error) {
	if err := checkPassword(password); err != nil {
		return "", err
	}
	hash, err := argon2id.CreateHash(password, hashParams())
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}

// passwords bounds how many hashes are computed at once: each holds 64 MiB.
type passwords struct{ slots chan struct{} }

const (
	maxHashes = 8
	hashWait  = 5 * time.Second // for a slot; then the caller is told to come back
)

func newPasswords() passwords { return passwords{slots: make(chan struct{}, maxHashes)} }

func (p passwords) take(ctx context.Context) (release func(), err error) {
	timer := time.NewTimer(hashWait)
	defer timer.Stop()
	select {
	case p.slots <- struct{}{}:
		return func() { <-p.slots }, nil
	case <-timer.C:
		return nil, tooMany("Many people are logging in at the moment.", hashWait)
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a free password check: %w", ctx.Err())
	}
}

func (p passwords) hash(ctx context.Context, password string) (string, error) {
	release, err := p.take(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return HashPassword(password)
}

func (p passwords) match(ctx context.Context, password, hash string) (bool, error) {
	release, err := p.take(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	ok, err := argon2id.ComparePasswordAndHash(password, hash)
	if err != nil {
		return false, fmt.Errorf("check password: %w", err)
	}
	return ok, nil
}

func (s *Server) logIn(ctx context.Context, _ consent.Account, in *logInInput) (*loggedIn, error) {
	if err := s.countLogIn(ctx); err != nil {
		return nil, err
	}
	email, err := parseEmail(in.Body.Email)
	if err != nil {
		return nil, err
	}
	wait, err := s.cfg.Accounts.Wait(ctx, email)
	if err != nil {
		return nil, fmt.Errorf("read failed log-ins: %w", err)
	}
	if wait > 0 {
		return nil, tooMany("Too many log-ins with this address failed.", wait)
	}
	account, err := s.checkLogIn(ctx, email, in.Body.Password)
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Accounts.ClearFailures(ctx, email); err != nil {
		return nil, fmt.Errorf("clear failed log-ins: %w", err)
	}
	cookie, err := s.beginLogIn(ctx, account)
	if err != nil {
		return nil, err
	}
	return &loggedIn{Cookie: cookie, Body: accountOf(account)}, nil
}

// checkLogIn returns the account that the address and the password belong to. A wrong password and
// an unknown address take the same way through it and get the same answer.
func (s *Server) checkLogIn(ctx context.Context, email, password string) (consent.Account, error) {
	account, hash, err := s.cfg.Accounts.AccountByEmail(ctx, email)
	unknown := errors.Is(err, consent.ErrNotFound)
	if err != nil && !unknown {
		return consent.Account{}, fmt.Errorf("read account: %w", err)
	}
	if unknown {
		hash = dummyHash
	}
	if checkPassword(password) != nil {
		password = "" // it cannot be right, and hashing megabytes of it would cost us, not them
	}
	ok, err := s.passwords.match(ctx, password, hash)
	if err != nil {
		return consent.Account{}, err
	}
	if ok && !unknown {
		return account, nil
	}
	if _, err := s.cfg.Accounts.CountFailure(ctx, email); err != nil {
		return consent.Account{}, fmt.Errorf("count failed log-in: %w", err)
	}
	return consent.Account{}, newProblem(http.StatusUnauthorized, "The e-mail address or the password is not right.",
		"Check both and try again.")
}

// logInLimits returns how long a log-in lives unused and at most (NIST 800-63B-4: AAL2 for people,
// AAL3 for operations).
func logInLimits(kind consent.AccountKind) (idle, absolute time.Duration) {
	switch kind {
	case consent.AccountEmployer:
		return 30 * time.Minute, 12 * time.Hour
	case consent.AccountOps:
		return 15 * time.Minute, 12 * time.Hour
	case consent.AccountCandidate:
		return time.Hour, 24 * time.Hour
	default:
		return time.Minute, time.Minute
	}
}

// beginLogIn stores a fresh log-in and ends the one the request came with: a token from before
// log-in is never worth anything after it. It returns the Set-Cookie header.
func (s *Server) beginLogIn(ctx context.Context, account consent.Account) (string, error) {
	if err := s.endLogIn(ctx); err != nil {
		return "", err
	}
	raw := make([]byte, tokenLength)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the program instead
	token := base64.RawURLEncoding.EncodeToString(raw)
	idle, absolute := logInLimits(account.Kind)
	if err := s.cfg.Accounts.CreateLogIn(ctx, sha256.Sum256([]byte(token)), account.ID, idle, absolute); err != nil {
		return "", fmt.Errorf("store log-in: %w", err)
	}
	return logInCookie(token, int(absolute/time.Second)), nil
}

func logInCookie(token string, maxAge int) string {
	cookie := http.Cookie{
		Name: cookieName, Value: token, Path: "/", MaxAge: maxAge,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	return cookie.String()
}

func (s *Server) logOut(ctx context.Context, _ consent.Account, _ *struct{}) (*loggedOut, error) {
	if err := s.endLogIn(ctx); err != nil {
		return nil, err
	}
	return &loggedOut{Cookie: logInCookie("", -1), Clear: `"cache", "cookies", "storage"`}, nil
}

// endLogIn ends the log-in that the request came with, if any, and the streams it has open here.
func (s *Server) endLogIn(ctx context.Context) error {
	v := visitOf(ctx)
	if !v.hasToken {
		return nil
	}
	if err := s.cfg.Accounts.EndLogIn(ctx, v.token); err != nil {
		return fmt.Errorf("end log-in: %w", err)
	}
	s.streams.end(v.token)
	return nil
}

// Account returns who sent the request, or [consent.ErrNotFound] for a request without a live log-in.
// It looks the log-in up at each call and counts as a use of it: a room asks again and again with the
// request that opened it, whose log-in may have ended since, and must not end while the room is used.
func (s *Server) Account(r *http.Request) (consent.Account, error) {
	v := &visit{}
	s.identify(r, v)
	switch {
	case v.fault != nil:
		return consent.Account{}, v.fault
	case v.account.ID == "":
		return consent.Account{}, consent.ErrNotFound
	default:
		return v.account, nil
	}
}

// identify finds out who sent the request.
func (s *Server) identify(r *http.Request, v *visit) {
	cookies := r.CookiesNamed(cookieName)
	if len(cookies) != 1 { // two of one name: somebody is playing
		return
	}
	raw, err := base64.RawURLEncoding.DecodeString(cookies[0].Value)
	if err != nil || len(raw) != tokenLength {
		return
	}
	v.token, v.hasToken = sha256.Sum256([]byte(cookies[0].Value)), true
	account, err := s.cfg.Accounts.LogIn(r.Context(), v.token)
	switch {
	case err == nil:
		v.account = account
	case !errors.Is(err, consent.ErrNotFound):
		v.fault = fmt.Errorf("read log-in: %w", err)
	}
}
