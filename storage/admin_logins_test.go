package storage

import (
	"errors"
	"testing"
	"time"

	"greenroom/consent"
)

func TestResetPasswordStartsLogInAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	for range mostFailures {
		w.try(t, w.acmes.Email)
		w.passTime(t)
	}
	if got := w.try(t, w.acmes.Email); !got.Off {
		t.Fatalf("after %d failures: %+v", mostFailures, got)
	}
	mine, others := w.logIn(t, "mine", w.acmes, time.Hour, time.Hour), w.logIn(t, "others", w.zeniths, time.Hour, time.Hour)
	want := consent.PasswordHash{Hash: testHash.Hash + "2"}
	admin := openTestAdmin(t, w.database)
	if err := admin.ResetPassword(ctx, "HR@Acme.example", want); err != nil {
		t.Fatal(err)
	}
	if found, err := w.accounts.Credentials(ctx, w.acmes.Email); err != nil || found.Password != want {
		t.Errorf("stored %+v, %v; want %+v", found.Password, err, want)
	}
	if got := w.try(t, w.acmes.Email); got != (consent.Throttle{}) {
		t.Errorf("a try after the reset: %+v", got)
	}
	if _, err := w.accounts.LogIn(ctx, mine); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("the old log-in: %v, want ErrNotFound", err)
	}
	if _, err := w.accounts.LogIn(ctx, others); err != nil {
		t.Errorf("somebody else's log-in: %v", err)
	}
	if err := admin.ResetPassword(ctx, "nobody@example.org", want); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("of nobody: %v, want ErrNotFound", err)
	}
}
