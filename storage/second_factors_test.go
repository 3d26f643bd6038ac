package storage

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/consent"
)

const testSecret consent.CodeSecret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

// withFactor gives the account a second factor whose first code was that of the step.
func (w *world) withFactor(t *testing.T, account consent.Account, secret consent.CodeSecret, step int64) {
	t.Helper()
	if err := w.accounts.OfferSecondFactor(t.Context(), account.ID, secret); err != nil {
		t.Fatalf("offer: %v", err)
	}
	if err := w.accounts.KeepSecondFactor(t.Context(), account.ID, secret, step); err != nil {
		t.Fatalf("keep: %v", err)
	}
}

func (w *world) hasFactor(t *testing.T, account consent.Account) bool {
	t.Helper()
	found, err := w.accounts.Credentials(t.Context(), account.Email)
	if err != nil {
		t.Fatal(err)
	}
	return found.SecondFactor
}

func TestSecondFactorIsInForceOnceItsFirstCodeWasRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	if _, err := w.accounts.SecondFactor(ctx, w.alice.ID); !errors.Is(err, consent.ErrNotFound) || w.hasFactor(t, w.alice) {
		t.Errorf("a new account: %v, want none", err)
	}
	if err := w.accounts.KeepSecondFactor(ctx, w.alice.ID, testSecret, 1); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("keep what was not offered: %v, want ErrNotFound", err)
	}
	if err := w.accounts.OfferSecondFactor(ctx, w.alice.ID, testSecret); err != nil {
		t.Fatal(err)
	}
	if got, err := w.accounts.OfferedSecondFactor(ctx, w.alice.ID); err != nil || got != testSecret || w.hasFactor(t, w.alice) {
		t.Errorf("offered %q, %v, in force %v; want it offered only", got, err, w.hasFactor(t, w.alice))
	}
	if err := w.accounts.KeepSecondFactor(ctx, w.alice.ID, testSecret, 1); err != nil {
		t.Fatal(err)
	}
	if got, err := w.accounts.SecondFactor(ctx, w.alice.ID); err != nil || got != testSecret || !w.hasFactor(t, w.alice) || w.hasFactor(t, w.bob) {
		t.Errorf("in force %q, %v; want it for alice alone", got, err)
	}
	if _, err := w.accounts.OfferedSecondFactor(ctx, w.alice.ID); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("still offered: %v", err)
	}
	// A new one beside it changes nothing before its own first code.
	next := consent.CodeSecret(strings.Repeat("A", 32))
	if err := w.accounts.OfferSecondFactor(ctx, w.alice.ID, next); err != nil {
		t.Fatal(err)
	}
	if got, err := w.accounts.SecondFactor(ctx, w.alice.ID); err != nil || got != testSecret {
		t.Errorf("in force while another is offered: %q, %v", got, err)
	}
	w.ownerExec(t, `UPDATE second_factors SET offered_until = statement_timestamp()`)
	if err := w.accounts.KeepSecondFactor(ctx, w.alice.ID, next, 1); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("an offer of long ago: %v, want ErrNotFound", err)
	}
	if err := w.accounts.DropSecondFactor(ctx, w.alice.ID); err != nil || w.hasFactor(t, w.alice) {
		t.Errorf("drop: %v", err)
	}
	if err := w.accounts.DropSecondFactor(ctx, w.alice.ID); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("drop twice: %v, want ErrNotFound", err)
	}
}

func TestStepIsTakenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withFactor(t, w.alice, testSecret, 100)
	for _, c := range []struct {
		step int64
		want error
	}{{100, consent.ErrNotFound}, {99, consent.ErrNotFound}, {101, nil}, {101, consent.ErrNotFound}, {103, nil}, {102, consent.ErrNotFound}} {
		if err := w.accounts.TakeStep(t.Context(), w.alice.ID, c.step); !errors.Is(err, c.want) {
			t.Errorf("step %d: %v, want %v", c.step, err, c.want)
		}
	}
	if err := w.accounts.TakeStep(t.Context(), w.bob.ID, 104); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("without a factor: %v", err)
	}
	var mu sync.Mutex
	took := 0
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if w.accounts.TakeStep(t.Context(), w.alice.ID, 200) == nil {
				mu.Lock()
				defer mu.Unlock()
				took++
			}
		})
	}
	all.Wait()
	if took != 1 {
		t.Errorf("one code was taken %d times at once", took)
	}
}

// A copy of the database makes no codes.
func TestSecretsAreStoredEncrypted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withFactor(t, w.alice, testSecret, 1)
	if err := w.accounts.OfferSecondFactor(t.Context(), w.alice.ID, testSecret); err != nil {
		t.Fatal(err)
	}
	const read = `SELECT count(*) FROM second_factors WHERE strpos(encode(secret, 'escape') || encode(offered, 'escape'), $1) > 0`
	if n := w.ownerCount(t, read, string(testSecret[:8])); n != 0 {
		t.Error("the secret lies in the database")
	}
	w.ownerExec(t, `UPDATE second_factors SET account = $1`, w.bob.ID)
	if got, err := w.accounts.SecondFactor(t.Context(), w.bob.ID); err == nil {
		t.Errorf("a secret moved to another account opens: %q", got)
	}
	if _, err := OpenLogInKeys(t.Context(), w.database, filepath.Join(t.TempDir(), "log-in.keys")); !errors.Is(err, ErrNoLogInKeys) {
		t.Errorf("new keys beside secrets of others: %v, want ErrNoLogInKeys", err)
	}
}

func TestLogInRemembersItsSecondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain := w.logIn(t, "plain", w.acmes, time.Hour, time.Hour)
	withCode := [32]byte{1}
	fresh := consent.NewLogIn{Account: w.acmes.ID, SecondFactor: true, Idle: time.Hour, Absolute: time.Hour}
	if err := w.accounts.CreateLogIn(t.Context(), withCode, fresh); err != nil {
		t.Fatal(err)
	}
	for token, want := range map[[32]byte]bool{plain: false, withCode: true} {
		if got, err := w.accounts.LogIn(t.Context(), token); err != nil || got.SecondFactor != want {
			t.Errorf("second factor %v, %v; want %v", got.SecondFactor, err, want)
		}
	}
}

func TestOperatorResetsASecondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.withFactor(t, w.acmes, testSecret, 1)
	w.withFactor(t, w.zeniths, testSecret, 1)
	token := w.logIn(t, "mine", w.acmes, time.Hour, time.Hour)
	admin := openTestAdmin(t, w.database)
	if err := admin.ResetSecondFactor(ctx, "HR@acme.example"); err != nil {
		t.Fatal(err)
	}
	if w.hasFactor(t, w.acmes) || !w.hasFactor(t, w.zeniths) {
		t.Error("want acme's gone and zenith's kept")
	}
	w.expectLogIn(t, "after the reset", token, w.acmes, consent.ErrNotFound)
	if err := admin.ResetSecondFactor(ctx, "nobody@example.org"); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("of nobody: %v, want ErrNotFound", err)
	}
	if err := admin.SetSecondFactor(ctx, w.accounts.keys, w.acmes.ID, testSecret); err != nil {
		t.Fatal(err)
	}
	if got, err := w.accounts.SecondFactor(ctx, w.acmes.ID); err != nil || got != testSecret {
		t.Errorf("set to %q, %v", got, err)
	}
}
