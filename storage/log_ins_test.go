package storage

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"greenroom/consent"
)

func TestLogInEndsByIdleByAbsoluteLimitAndBySigningOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	logIn := func(text string, idle, absolute time.Duration) [32]byte {
		token := sha256.Sum256([]byte(text))
		if err := w.accounts.CreateLogIn(ctx, token, w.acmes.ID, idle, absolute); err != nil {
			t.Fatalf("create log-in: %v", err)
		}
		return token
	}
	expect := func(what string, token [32]byte, want error) {
		t.Helper()
		account, err := w.accounts.LogIn(ctx, token)
		if !errors.Is(err, want) {
			t.Errorf("%s: LogIn = %v, want %v", what, err, want)
		}
		if want == nil && account != w.acmes {
			t.Errorf("%s: LogIn = %+v, want %+v", what, account, w.acmes)
		}
	}
	good := logIn("good", time.Hour, 2*time.Hour)
	expect("live", good, nil)
	expect("unknown", sha256.Sum256([]byte("other")), consent.ErrNotFound)

	w.ownerExec(t, `UPDATE log_ins SET idle_until = statement_timestamp() + interval '1 minute'`)
	expect("used before its idle limit", good, nil)
	if n := w.ownerCount(t, `SELECT count(*) FROM log_ins WHERE idle_until > statement_timestamp() + interval '59 minutes'`); n != 1 {
		t.Error("using a log-in did not move its idle limit")
	}
	w.ownerExec(t, `UPDATE log_ins SET idle_until = statement_timestamp()`)
	expect("idle", good, consent.ErrNotFound)
	late := logIn("late", time.Hour, 0)
	expect("past its absolute limit", late, consent.ErrNotFound)
	if n := w.ownerCount(t, `SELECT count(*) FROM log_ins`); n != 1 {
		t.Errorf("%d log-ins are stored, want 1: a new one drops those that expired", n)
	}
	again := logIn("again", time.Hour, time.Hour)
	for range 2 {
		if err := w.accounts.EndLogIn(ctx, again); err != nil {
			t.Errorf("end log-in: %v", err)
		}
	}
	expect("signed out", again, consent.ErrNotFound)

	closed := logIn("closed", time.Hour, time.Hour)
	w.ownerExec(t, `UPDATE accounts SET closed_at = now() WHERE id = $1`, w.acmes.ID)
	expect("closed account", closed, consent.ErrNotFound)
}
