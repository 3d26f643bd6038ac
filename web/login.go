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

	"greenroom/consent"
)

const (
	cookieName  = "__Host-sid"
	tokenLength = 32 // bytes: 256 bits
)

func (s *Server) logIn(ctx context.Context, _ consent.Account, in *logInInput) (*loggedIn, error) {
	if err := s.countLogIn(ctx); err != nil {
		return nil, err
	}
	email, err := parseEmail(in.Body.Email)
	if err != nil {
		return nil, err
	}
	found, err := s.prove(ctx, email, proofJSON{Password: in.Body.Password, Code: in.Body.Code})
	if err != nil {
		return nil, err
	}
	return s.beginLogIn(ctx, found.Account, found.SecondFactor)
}

// prove returns whom the address and the proof belong to. The try is counted before anything is looked
// at, and forgotten with those before it when it succeeds.
func (s *Server) prove(ctx context.Context, email string, proof proofJSON) (consent.Credentials, error) {
	throttle, err := s.cfg.Accounts.TryLogIn(ctx, email)
	if err != nil {
		return consent.Credentials{}, fmt.Errorf("count a try to log in: %w", err)
	}
	if refused := refusedTry(throttle); refused != nil {
		return consent.Credentials{}, refused
	}
	found, err := s.checkLogIn(ctx, email, proof.Password)
	if err == nil && found.SecondFactor {
		err = s.checkCode(ctx, found.Account, proof.Code)
	}
	if err != nil {
		if !isWrongProof(err) { // nobody's mistake: what is wrong was never compared, or is not there yet
			err = errors.Join(err, s.cfg.Accounts.ExcuseTry(context.WithoutCancel(ctx), email))
		}
		return consent.Credentials{}, err
	}
	if err := s.cfg.Accounts.ClearTries(ctx, email); err != nil {
		return consent.Credentials{}, fmt.Errorf("clear failed log-ins: %w", err)
	}
	s.renewHash(ctx, found, proof.Password)
	return found, nil
}

func refusedTry(t consent.Throttle) error {
	switch {
	case t.Off:
		return newProblem(http.StatusForbidden, "Log-in with this address is switched off, because too many tries in a row failed.",
			"Ask whoever runs this server to switch it on again.")
	case t.Wait > 0:
		return tooMany("Too many log-ins with this address failed.", t.Wait)
	default:
		return nil
	}
}

// checkLogIn returns the account that the address and the password belong to. A wrong password and
// an unknown address take the same way through it and get the same answer.
func (s *Server) checkLogIn(ctx context.Context, email, password string) (consent.Credentials, error) {
	found, err := s.cfg.Accounts.Credentials(ctx, email)
	unknown := errors.Is(err, consent.ErrNotFound)
	if err != nil && !unknown {
		return consent.Credentials{}, fmt.Errorf("read account: %w", err)
	}
	if unknown {
		found.Password = consent.PasswordHash{Hash: dummyHash, Pepper: s.passwords.pepper.Pepper()}
	}
	ok, err := s.passwords.match(ctx, password, found.Password)
	if err != nil {
		return consent.Credentials{}, err
	}
	if !ok || unknown {
		return consent.Credentials{}, wrongProof(wrongLogIn)
	}
	return found, nil
}

// errWrongProof is behind every answer that counts as a failed try.
var errWrongProof = errors.New("wrong password or code")

const wrongLogIn = "The e-mail address or the password is not right."

func wrongProof(detail string) *problem {
	return newProblem(http.StatusUnauthorized, detail, "Check it and try again.").because(errWrongProof)
}

func isWrongProof(err error) bool { return errors.Is(err, errWrongProof) }

// renewHash hashes a password anew whose hash is not as new ones are. That it fails must not cost
// anybody the log-in: the next one tries again.
func (s *Server) renewHash(ctx context.Context, of consent.Credentials, password string) {
	if !s.passwords.stale(of.Password) {
		return
	}
	hash, err := s.passwords.hash(ctx, password)
	if err == nil {
		err = s.cfg.Accounts.SetPassword(ctx, of.Account.ID, hash)
	}
	if err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "a password hash was not renewed", "request", visitOf(ctx).id, "error", err)
	}
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

// beginLogIn stores a fresh log-in and ends the one the request came with: a token from before log-in, or
// from before the second factor, is never worth anything after it.
func (s *Server) beginLogIn(ctx context.Context, account consent.Account, secondFactor bool) (*loggedIn, error) {
	if err := s.endLogIn(ctx); err != nil {
		return nil, err
	}
	raw := make([]byte, tokenLength)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the program instead
	token := base64.RawURLEncoding.EncodeToString(raw)
	fresh := consent.NewLogIn{Account: account.ID, Device: visitOf(ctx).device, SecondFactor: secondFactor}
	fresh.Idle, fresh.Absolute = logInLimits(account.Kind)
	if err := s.cfg.Accounts.CreateLogIn(ctx, sha256.Sum256([]byte(token)), fresh); err != nil {
		return nil, fmt.Errorf("store log-in: %w", err)
	}
	logIn := consent.ActiveLogIn{Account: account, SecondFactor: secondFactor}
	return &loggedIn{Cookie: logInCookie(token, int(fresh.Absolute/time.Second)), Body: meOf(logIn)}, nil
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
	return clearedLogIn(), nil
}

// clearedLogIn takes from the browser what this server left in it.
func clearedLogIn() *loggedOut {
	return &loggedOut{Cookie: logInCookie("", -1), Clear: `"cache", "cookies", "storage"`}
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
// It looks the log-in up at each call and counts as a use of it.
func (s *Server) Account(r *http.Request) (consent.Account, error) {
	v := &visit{}
	s.identify(r, v)
	switch {
	case v.fault != nil:
		return consent.Account{}, v.fault
	case v.account.ID == "", !mayTakePart(v.logIn):
		return consent.Account{}, consent.ErrNotFound
	default:
		return v.account, nil
	}
}

// mayTakePart: a log-in without the second factor it needs, or of a closed account, holds no room.
func mayTakePart(l consent.ActiveLogIn) bool {
	return factorOf(l) != factorNeeded && l.Account.ClosedAt.IsZero()
}

// identify finds out who sent the request.
func (s *Server) identify(r *http.Request, v *visit) {
	token, ok := cookieOf(r)
	if !ok {
		return
	}
	v.token, v.hasToken = token, true
	logIn, err := s.cfg.Accounts.LogIn(r.Context(), v.token)
	switch {
	case err == nil:
		v.logIn, v.account = logIn, logIn.Account
	case !errors.Is(err, consent.ErrNotFound):
		v.fault = fmt.Errorf("read log-in: %w", err)
	}
}

// cookieOf returns the SHA-256 of the log-in's token.
func cookieOf(r *http.Request) (token [32]byte, ok bool) {
	cookies := r.CookiesNamed(cookieName)
	if len(cookies) != 1 { // two of one name: somebody is playing
		return token, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(cookies[0].Value)
	if err != nil || len(raw) != tokenLength {
		return token, false
	}
	return sha256.Sum256([]byte(cookies[0].Value)), true
}
