package storage

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"greenroom/consent"
)

// logIn stores a log-in whose token is the text.
func (w *world) logIn(t *testing.T, text string, account consent.Account, idle, absolute time.Duration) [32]byte {
	t.Helper()
	token := sha256.Sum256([]byte(text))
	fresh := consent.NewLogIn{Account: account.ID, Device: "Firefox on Linux", Idle: idle, Absolute: absolute}
	if err := w.accounts.CreateLogIn(t.Context(), token, fresh); err != nil {
		t.Fatalf("create log-in: %v", err)
	}
	return token
}

// expectLogIn checks the ways of asking for a log-in.
func (w *world) expectLogIn(t *testing.T, what string, token [32]byte, account consent.Account, want error) {
	t.Helper()
	got, err := w.accounts.LogIn(t.Context(), token)
	if !errors.Is(err, want) {
		t.Errorf("%s: LogIn = %v, want %v", what, err, want)
	}
	many, fault := w.accounts.LogInsNow(t.Context(), [][32]byte{token, sha256.Sum256([]byte("nobody's")), token})
	if again, ok := many[token]; fault != nil || len(many) > 1 || ok != (want == nil) || again.Account != got.Account || again.SecondFactor != got.SecondFactor {
		t.Errorf("%s: among many %+v, %v; alone %+v", what, many, fault, got)
	}
	if err := w.accounts.LogInLives(t.Context(), token); !errors.Is(err, want) {
		t.Errorf("%s: LogInLives = %v, want %v", what, err, want)
	}
	if want == nil && got.Account != account {
		t.Errorf("%s: LogIn = %+v, want %+v", what, got.Account, account)
	}
}

func TestLogInEndsByIdleByAbsoluteLimitAndBySigningOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.logIn(t, "good", w.acmes, time.Hour, 2*time.Hour)
	w.expectLogIn(t, "live", good, w.acmes, nil)
	w.expectLogIn(t, "unknown", sha256.Sum256([]byte("other")), w.acmes, consent.ErrNotFound)

	soon := `UPDATE log_ins SET idle_until = statement_timestamp() + interval '1 minute'`
	moved := `SELECT count(*) FROM log_ins WHERE idle_until > statement_timestamp() + interval '59 minutes'`
	w.ownerExec(t, soon)
	if err := w.accounts.LogInLives(t.Context(), good); err != nil || w.ownerCount(t, moved) != 0 {
		t.Errorf("asking whether it lives = %v; want yes, and no use of it", err)
	}
	if _, err := w.accounts.LogIn(t.Context(), good); err != nil || w.ownerCount(t, moved) != 1 {
		t.Errorf("using a log-in = %v; want its idle limit moved", err)
	}
	w.ownerExec(t, `UPDATE log_ins SET idle_until = statement_timestamp()`)
	w.expectLogIn(t, "idle", good, w.acmes, consent.ErrNotFound)
	late := w.logIn(t, "late", w.acmes, time.Hour, 0)
	w.expectLogIn(t, "past its absolute limit", late, w.acmes, consent.ErrNotFound)
	if n := w.ownerCount(t, `SELECT count(*) FROM log_ins`); n != 1 {
		t.Errorf("%d log-ins are stored, want 1: a new one drops those that expired", n)
	}
	again := w.logIn(t, "again", w.acmes, time.Hour, time.Hour)
	for range 2 {
		if err := w.accounts.EndLogIn(t.Context(), again); err != nil {
			t.Errorf("end log-in: %v", err)
		}
	}
	w.expectLogIn(t, "signed out", again, w.acmes, consent.ErrNotFound)

	closed := w.logIn(t, "closed", w.acmes, time.Hour, time.Hour)
	w.ownerExec(t, `UPDATE accounts SET closed_at = now() WHERE id = $1`, w.acmes.ID)
	w.expectLogIn(t, "closed account", closed, w.acmes, consent.ErrNotFound)
}

func TestProofOfALogInGetsOlder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.logIn(t, "mine", w.alice, time.Hour, time.Hour)
	other := w.logIn(t, "other", w.alice, time.Hour, time.Hour)
	age := func(token [32]byte) time.Duration {
		t.Helper()
		found, err := w.accounts.LogIn(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		return found.Confirmed
	}
	if got := age(token); got < 0 || got > time.Minute {
		t.Errorf("the proof of a new log-in is %v old", got)
	}
	w.ownerExec(t, `UPDATE log_ins SET confirmed_at = confirmed_at - interval '7 minutes'`)
	if got := age(token); got < 7*time.Minute || got > 8*time.Minute {
		t.Errorf("after seven minutes it is %v old", got)
	}
	if err := w.accounts.ConfirmLogIn(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if got := age(token); got > time.Minute {
		t.Errorf("after a new proof it is %v old", got)
	}
	if got := age(other); got < 7*time.Minute {
		t.Errorf("another log-in's proof is %v old: it was given for one only", got)
	}
}

func TestLogInsAreListedLastUsedFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.logIn(t, "older", w.alice, time.Hour, time.Hour)
	w.ownerExec(t, `UPDATE log_ins SET idle_until = idle_until - interval '10 minutes'`)
	w.logIn(t, "newer", w.alice, time.Hour, time.Hour)
	w.logIn(t, "expired", w.alice, time.Hour, 0)
	w.logIn(t, "bob's", w.bob, time.Hour, time.Hour)
	list, err := w.accounts.LogInsOf(t.Context(), w.alice.ID)
	if err != nil || len(list) != 2 {
		t.Fatalf("LogInsOf = %+v, %v; want two", list, err)
	}
	if gap := list[0].Used.Sub(list[1].Used); gap < 9*time.Minute || gap > 11*time.Minute {
		t.Errorf("the second was used %v before the first, want about ten minutes", gap)
	}
	for _, l := range list {
		if l.Device != "Firefox on Linux" || l.Account != w.alice || len(l.ID) != 26 || l.Began.IsZero() || !l.Until.After(l.Used) {
			t.Errorf("log-in %+v", l)
		}
	}
}

func TestEndedLogInsAreToldToEveryNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	session := w.live(t, w.alice, allConsents)
	changes, all := listening(t, w)
	wake := changes.Subscribe(ctx, session)
	here, there := w.logIn(t, "here", w.alice, time.Hour, time.Hour), w.logIn(t, "there", w.alice, time.Hour, time.Hour)
	third, bobs := w.logIn(t, "third", w.alice, time.Hour, time.Hour), w.logIn(t, "bob's", w.bob, time.Hour, time.Hour)
	list, err := w.accounts.LogInsOf(ctx, w.bob.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.accounts.EndLogInOf(ctx, w.alice.ID, list[0].ID); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("ending somebody else's = %v, want ErrNotFound", err)
	}
	told := func(what string, account consent.AccountID) {
		t.Helper()
		await(t, all, func(c Change) bool {
			if c.Session != "" {
				t.Errorf("%s: told %+v", what, c)
			}
			return c == Change{Account: account, Topic: TopicLogIns}
		})
	}
	if err := w.accounts.EndLogIn(ctx, third); err != nil {
		t.Fatal(err)
	}
	told("one", w.alice.ID)
	if err := w.accounts.EndLogInsBut(ctx, w.alice.ID, here); err != nil {
		t.Fatal(err)
	}
	told("all but one", w.alice.ID)
	w.expectLogIn(t, "spared", here, w.alice, nil)
	w.expectLogIn(t, "ended", there, w.alice, consent.ErrNotFound)
	w.expectLogIn(t, "bob's", bobs, w.bob, nil)
	if err := w.accounts.EndLogInsBut(ctx, w.alice.ID, [32]byte{}); err != nil {
		t.Fatal(err)
	}
	told("all", w.alice.ID)
	w.expectLogIn(t, "not spared", here, w.alice, consent.ErrNotFound)
	if err := w.accounts.EndLogInOf(ctx, w.bob.ID, list[0].ID); err != nil {
		t.Fatal(err)
	}
	told("by name", w.bob.ID)
	w.expectLogIn(t, "bob's, by name", bobs, w.bob, consent.ErrNotFound)
	select {
	case <-wake:
		t.Error("a page of a session was woken by a log-out")
	default:
	}
}
