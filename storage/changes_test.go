package storage

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/consent"
)

// listening runs Changes and returns after it began to listen.
func listening(t *testing.T, w *world) (*Changes, <-chan Change) {
	t.Helper()
	changes := NewChanges(w.database, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	all := changes.SubscribeAll(ctx)
	done := make(chan error, 1)
	go func() { done <- changes.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	await(t, all, func(c Change) bool { return c == Change{} })
	return changes, all
}

func await[T any](t *testing.T, values <-chan T, wanted func(T) bool) {
	t.Helper()
	late := deadline(t)
	for {
		select {
		case value := <-values:
			if wanted(value) {
				return
			}
		case <-late:
			t.Fatal("no such value in time")
		}
	}
}

func anything[T any](T) bool { return true }

func TestSubscribersHearOfTheirSessionOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine, other := w.live(t, w.alice, allConsents), w.live(t, w.bob, allConsents)
	changes, all := listening(t, w)
	wake := changes.Subscribe(t.Context(), mine)
	foreign, viewers := changes.Subscribe(t.Context(), other), changes.SubscribeViewers(t.Context(), mine)
	for topic, cause := range map[Topic]func() error{
		TopicSession: func() error { _, _, err := w.ingest.GoLive(t.Context(), mine); return err },
		TopicResults: func() error { return w.ingest.SaveAnswer(t.Context(), testAnswer(mine, 0)) },
		TopicAuthorizations: func() error {
			w.share(t, w.alice, mine, w.acme, consent.ScopeRatings)
			return nil
		},
	} {
		if err := cause(); err != nil {
			t.Fatal(err)
		}
		await(t, all, func(c Change) bool { return c == Change{Session: mine, Topic: topic} })
		await(t, wake, anything)
	}
	select {
	case <-foreign:
		t.Error("a subscriber heard of a session that is not its own")
	case <-viewers:
		t.Error("whoever asked about viewers heard of something else")
	default:
	}
}

func TestWithdrawalIsHeardWithinASecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	granted := w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	changes, _ := listening(t, w)
	wake := changes.Subscribe(t.Context(), id)
	began := time.Now()
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, granted.ID); err != nil {
		t.Fatal(err)
	}
	await(t, wake, anything)
	if took := time.Since(began); took > time.Second {
		t.Errorf("heard after %s, want at most 1s", took)
	}
}

func TestLostConnectionWakesEveryoneAndIsMadeAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.live(t, w.alice, allConsents)
	changes, all := listening(t, w)
	wake, wakeViewers := changes.Subscribe(t.Context(), id), changes.SubscribeViewers(t.Context(), id)
	for range 2 {
		const cut = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`
		if n := w.ownerCount(t, cut); n != 1 {
			t.Fatalf("%d connections were listening, want 1", n)
		}
		await(t, all, func(c Change) bool { return c == Change{} })
		await(t, wake, anything)
		await(t, wakeViewers, anything)
	}
	if err := w.ingest.SaveAnswer(t.Context(), testAnswer(id, 0)); err != nil {
		t.Fatal(err)
	}
	await(t, wake, anything)
}

func TestRolledBackChangesAreNotHeard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.live(t, w.alice, allConsents)
	changes, all := listening(t, w)
	wake := changes.Subscribe(t.Context(), id)
	bad := testAnswer(id, 0)
	bad.EndedBy = "nonsense"
	if err := w.ingest.SaveAnswer(t.Context(), bad); err == nil {
		t.Fatal("an answer that ended by nonsense was stored")
	}
	other := w.live(t, w.bob, allConsents) // comes through the same connection, after
	await(t, all, func(c Change) bool { return c.Session == other })
	select {
	case <-wake:
		t.Error("a change that was rolled back was heard")
	default:
	}
}

func TestSubscriptionsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		changes := NewChanges(nil, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		one, all := changes.Subscribe(ctx, "s"), changes.SubscribeAll(ctx)
		cancel()
		synctest.Wait()
		for _, closed := range []bool{isClosed(one), isClosed(all)} {
			if !closed {
				t.Error("a channel is open after its context ended")
			}
		}
		changes.tell(Change{Session: "s"}) // must not send on a closed channel
		if len(changes.sessions)+len(changes.all) != 0 {
			t.Errorf("%d sessions and %d queues are still kept", len(changes.sessions), len(changes.all))
		}
	})
}

func isClosed[T any](values <-chan T) bool {
	select {
	case _, ok := <-values:
		return !ok
	default:
		return false
	}
}

func TestFullQueueSaysThatChangesWereMissed(t *testing.T) {
	t.Parallel()
	changes := NewChanges(nil, slog.New(slog.DiscardHandler))
	all := changes.SubscribeAll(t.Context())
	for range 3 * changesQueue {
		changes.tell(Change{Session: "s", Topic: TopicResults})
	}
	if len(all) != changesQueue {
		t.Fatalf("%d wait, want %d", len(all), changesQueue)
	}
	for range changesQueue - 1 {
		if c := <-all; c.Session != "s" {
			t.Fatalf("got %+v", c)
		}
	}
	if c := <-all; c != (Change{}) {
		t.Errorf("last is %+v, want the one that says to look at everything", c)
	}
}
