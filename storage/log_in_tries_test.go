package storage

import (
	"sync"
	"testing"
	"time"

	"greenroom/consent"
)

func TestWaitDoublesAfterFiveFailuresUpToFifteenMinutes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		failures int
		want     time.Duration
	}{{1, 0}, {5, 0}, {6, time.Second}, {7, 2 * time.Second}, {10, 16 * time.Second}, {15, 512 * time.Second}, {16, 15 * time.Minute}, {1000, 15 * time.Minute}} {
		if got := waitAfter(c.failures); got != c.want {
			t.Errorf("waitAfter(%d) = %s, want %s", c.failures, got, c.want)
		}
	}
}

// passTime lets every wait be over.
func (w *world) passTime(t *testing.T) {
	t.Helper()
	w.ownerExec(t, `UPDATE log_in_failures SET wait_until = statement_timestamp()`)
}

func (w *world) try(t *testing.T, email string) consent.Throttle {
	t.Helper()
	throttle, err := w.accounts.TryLogIn(t.Context(), email)
	if err != nil {
		t.Fatalf("try to log in: %v", err)
	}
	return throttle
}

func TestTriesWaitAsLongAsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := 1; n <= 6; n++ {
		if got := w.try(t, "Nobody@Example.org"); got != (consent.Throttle{}) {
			t.Fatalf("try %d: %+v, want it let through", n, got)
		}
	}
	if got := w.try(t, "nobody@example.org"); got.Off || got.Wait <= 0 || got.Wait > time.Second {
		t.Errorf("right after the sixth: %+v, want a wait of up to a second", got)
	}
	if n := w.ownerCount(t, `SELECT in_a_row FROM log_in_failures`); n != 6 {
		t.Errorf("%d tries are counted, want 6: one that had to wait is none", n)
	}
	if got := w.try(t, "alice@example.org"); got != (consent.Throttle{}) {
		t.Errorf("another address: %+v", got)
	}
	w.passTime(t)
	w.try(t, "nobody@example.org")
	if got := w.try(t, "nobody@example.org"); got.Wait <= time.Second || got.Wait > 2*time.Second {
		t.Errorf("after the seventh: %+v, want a wait of up to two seconds", got)
	}
	w.ownerExec(t, `UPDATE log_in_failures SET last_at = last_at - interval '25 hours', wait_until = statement_timestamp()`)
	if got := w.try(t, "nobody@example.org"); got != (consent.Throttle{}) {
		t.Errorf("a day later: %+v", got)
	}
	if got := w.try(t, "nobody@example.org"); got != (consent.Throttle{}) {
		t.Errorf("a day later the second try waits: %+v", got)
	}
	if err := w.accounts.ClearTries(t.Context(), "NOBODY@example.org"); err != nil {
		t.Fatal(err)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM log_in_failures`); n != 1 { // alice's
		t.Errorf("%d rows are left after a success, want 1", n)
	}
}

// NIST's cap: days between the tries do not help, a success does.
func TestHundredFailuresInARowSwitchLogInOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := 1; n <= mostFailures; n++ {
		if got := w.try(t, "alice@example.org"); got != (consent.Throttle{}) {
			t.Fatalf("try %d: %+v", n, got)
		}
		w.ownerExec(t, `UPDATE log_in_failures SET last_at = last_at - interval '30 hours', wait_until = statement_timestamp()`)
	}
	for range 2 {
		if got := w.try(t, "alice@example.org"); !got.Off {
			t.Errorf("after %d failures: %+v, want it off", mostFailures, got)
		}
	}
	if n := w.ownerCount(t, `SELECT in_a_row FROM log_in_failures`); n != mostFailures {
		t.Errorf("%d failures are counted, want %d", n, mostFailures)
	}
	if err := w.accounts.ClearTries(t.Context(), "alice@example.org"); err != nil {
		t.Fatal(err)
	}
	if got := w.try(t, "alice@example.org"); got != (consent.Throttle{}) {
		t.Errorf("after a reset: %+v", got)
	}
}

func TestExcusedTryIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 20 {
		if got := w.try(t, "x@example.org"); got != (consent.Throttle{}) {
			t.Fatalf("an excused try counts: %+v", got)
		}
		if err := w.accounts.ExcuseTry(t.Context(), "x@example.org"); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.ownerCount(t, `SELECT in_a_row + failures FROM log_in_failures`); n != 0 {
		t.Errorf("%d failures are left", n)
	}
}

// Whoever tries many passwords at the same moment gets no more of them than one after the other.
func TestTriesAtTheSameTimeAreAllCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	let := 0
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			throttle, err := w.accounts.TryLogIn(t.Context(), "x@example.org")
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if throttle == (consent.Throttle{}) {
				let++
			}
		})
	}
	all.Wait()
	if let != freeFailures+1 {
		t.Errorf("%d tries of 20 at once were let through, want %d", let, freeFailures+1)
	}
}
