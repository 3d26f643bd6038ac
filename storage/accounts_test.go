package storage

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"greenroom/consent"
)

func TestAccountsAreFoundWhateverTheCaseOfTheAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	account, hash, err := w.accounts.AccountByEmail(t.Context(), "ALICE@Example.org")
	if err != nil || hash != testHash || account != w.alice {
		t.Errorf("AccountByEmail = %+v, %q, %v; want %+v", account, hash, err, w.alice)
	}
	if account.Email != "alice@example.org" || account.Kind != consent.AccountCandidate {
		t.Errorf("stored %+v", account)
	}
	if _, err := w.accounts.CreateCandidate(t.Context(), "alice@EXAMPLE.org", "Other", testHash, consent.AgeRule); !errors.Is(err, consent.ErrEmailTaken) {
		t.Errorf("second account with the address: %v, want ErrEmailTaken", err)
	}
	if _, _, err := w.accounts.AccountByEmail(t.Context(), "nobody@example.org"); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("unknown address: %v, want ErrNotFound", err)
	}
	employer, _, err := w.accounts.AccountByEmail(t.Context(), "hr@acme.example")
	if err != nil || employer.Org != w.acme.ID || employer.OrgName != "Acme" {
		t.Errorf("employer = %+v, %v", employer, err)
	}
}

func TestLoginRoleMakesCandidatesOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const add = `INSERT INTO accounts (id, kind, email, display_name, password_hash, age_rule) VALUES ($1, $2, $3, 'x', $4, 'r')`
	for _, kind := range []string{"employer", "ops"} {
		_, err := w.database.Pool(RoleLogin).Exec(t.Context(), add, consent.NewID[consent.AccountID](), kind, kind+"@example.org", testHash)
		if !hasCode(err, policyViolation) {
			t.Errorf("login role made an account of kind %s: %v", kind, err)
		}
	}
	if _, err := w.accounts.CreateCandidate(t.Context(), "plain@example.org", "Plain", "hunter2", consent.AgeRule); err == nil {
		t.Error("a password that is not an argon2id hash was stored")
	}
}

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

func TestThrottleDoublesAfterFiveFailuresUpToFifteenMinutes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		failures int
		want     time.Duration
	}{{1, 0}, {5, 0}, {6, time.Second}, {7, 2 * time.Second}, {10, 16 * time.Second}, {15, 512 * time.Second}, {16, 15 * time.Minute}, {1000, 15 * time.Minute}} {
		if got := waitAfter(c.failures); got != c.want {
			t.Errorf("waitAfter(%d) = %s, want %s", c.failures, got, c.want)
		}
	}
	w := newWorld(t)
	ctx := t.Context()
	for n := 1; n <= 8; n++ {
		wait, err := w.accounts.CountFailure(ctx, "Nobody@Example.org")
		if err != nil || wait != waitAfter(n) {
			t.Errorf("failure %d: wait %s, %v; want %s", n, wait, err, waitAfter(n))
		}
	}
	wait, err := w.accounts.Wait(ctx, "nobody@example.org")
	if err != nil || wait <= 3*time.Second || wait > 4*time.Second {
		t.Errorf("wait = %s, %v; want just under 4 s", wait, err)
	}
	if wait, err := w.accounts.Wait(ctx, "alice@example.org"); err != nil || wait != 0 {
		t.Errorf("another address waits %s, %v", wait, err)
	}
	w.ownerExec(t, `UPDATE log_in_failures SET last_at = last_at - interval '25 hours'`)
	if wait, err := w.accounts.CountFailure(ctx, "nobody@example.org"); err != nil || wait != 0 {
		t.Errorf("a failure a day later waits %s, %v; want 0", wait, err)
	}
	if err := w.accounts.ClearFailures(ctx, "nobody@example.org"); err != nil {
		t.Fatal(err)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM log_in_failures`); n != 0 {
		t.Errorf("%d rows are left after a success", n)
	}
}

func TestFailuresAtTheSameTimeAreAllCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const failures = 12
	done := make(chan error, failures)
	for range failures {
		go func() {
			_, err := w.accounts.CountFailure(t.Context(), "x@example.org")
			done <- err
		}()
	}
	for range failures {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if n := w.ownerCount(t, `SELECT failures FROM log_in_failures`); n != failures {
		t.Errorf("%d failures counted, want %d", n, failures)
	}
}

func TestAdminMakesAccountsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := openTestAdmin(t, w.database)
	ctx := t.Context()
	again, err := admin.CreateOrganization(ctx, "Acme")
	if err != nil || again != w.acme {
		t.Errorf("second Acme = %+v, %v; want %+v", again, err, w.acme)
	}
	ops, err := admin.CreateAccount(ctx, consent.AccountOps, "Ops@example.org", "Ops", testHash, "")
	if err != nil || ops.Kind != consent.AccountOps || ops.Email != "ops@example.org" {
		t.Errorf("ops account = %+v, %v", ops, err)
	}
	same, err := admin.CreateAccount(ctx, consent.AccountOps, "ops@example.org", "Other", testHash, "")
	if !errors.Is(err, consent.ErrEmailTaken) || same != ops {
		t.Errorf("second account = %+v, %v; want %+v and ErrEmailTaken", same, err, ops)
	}
	if _, err := admin.CreateAccount(ctx, consent.AccountEmployer, "e@example.org", "E", testHash, ""); err == nil {
		t.Error("an employer without an organization was made")
	}
	if _, err := admin.CreateAccount(ctx, consent.AccountCandidate, "c@example.org", "C", testHash, w.acme.ID); err == nil {
		t.Error("a candidate with an organization was made")
	}
}
