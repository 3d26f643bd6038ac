package storage

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
	"greenroom/media"
)

const atOnce = 60 // times that both sides go at once

// together runs both sides at once and returns what they say.
func together(one, other func() error) (first, second error) {
	var both sync.WaitGroup
	both.Go(func() { first = one() })
	both.Go(func() { second = other() })
	both.Wait()
	return first, second
}

// Suspending an organization waits for a session that somebody has locked, who then adds rows that name the
// organization.
func TestSuspendingAnOrganizationWaitsForNobodyInACircle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := openTestAdmin(t, w.database)
	id := w.interview(t, w.alice)
	request := consent.AuthorizationRequest{
		Org: w.acme.ID, Purpose: consent.PurposeHiring, Scopes: []consent.Scope{consent.ScopeRatings},
		ValidUntil: time.Now().Add(time.Hour), NoticeSHA256: testNotice.SHA256(),
	}
	for range atOnce {
		w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
		suspended, granted := together(func() error {
			_, err := admin.SuspendOrganization(t.Context(), "Acme")
			return err
		}, func() error {
			_, err := w.sessions.Authorize(t.Context(), w.alice.ID, id, request)
			return err
		})
		if suspended != nil {
			t.Fatalf("suspend: %v", suspended)
		}
		if granted != nil && !errors.Is(granted, consent.ErrNotFound) { // it was suspended before
			t.Fatalf("authorize: %v", granted)
		}
		if err := admin.RestoreOrganization(t.Context(), "Acme"); err != nil {
			t.Fatal(err)
		}
	}
}

// Who redeems an invitation adds a record that names the session, and then takes the invitation; who cancels
// it has locked the session.
func TestCancellingAndRedeemingWaitForNobodyInACircle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	redeemed := 0
	for range atOnce {
		invitation, secret := w.invite(t, w.alice, id, consent.ScopeRatings)
		cancelled, claimed := together(func() error {
			return w.sessions.CancelInvitation(t.Context(), w.alice.ID, id, invitation.ID)
		}, func() error {
			_, err := w.shared.Redeem(t.Context(), actorOf(w.acmes), secret)
			return err
		})
		if cancelled != nil {
			t.Fatalf("cancel: %v", cancelled)
		}
		if claimed != nil && !errors.Is(claimed, consent.ErrNotFound) {
			t.Fatalf("redeem: %v", claimed)
		}
		if claimed == nil {
			redeemed++
		}
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM invitations WHERE (cancelled_at IS NULL) = (authorization_id IS NULL)`); n != 0 {
		t.Errorf("%d invitations are neither cancelled nor redeemed, or both", n)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM authorizations WHERE session = $1`, id); n != redeemed {
		t.Errorf("%d records, want %d", n, redeemed)
	}
}

// adding adds a row of a session and does not commit it before release is called.
func (w *world) adding(t *testing.T, id consent.SessionID) (release func()) {
	t.Helper()
	added, end, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() { // ends after release, which reads done
		done <- w.database.in(t.Context(), RoleIngest, rowContext{session: string(id)}, func(tx pgx.Tx) error {
			const add = `INSERT INTO segments (session, kind, epoch, sequence, object_key, size, sha256, start_us, end_us, width, height, codec, forced, blocks)
				VALUES ($1, 'audio', 1, 0, $2, 1, decode(repeat('00', 32), 'hex'), 0, 1, 0, 0, 'opus', false, 'x')`
			_, err := tx.Exec(t.Context(), add, id, testHead(id, media.KindAudio, 0).ID.ObjectKey())
			close(added)
			select {
			case <-end:
			case <-t.Context().Done(): // the test failed before
			}
			return err
		})
	}()
	<-added
	return func() {
		t.Helper()
		close(end)
		if err := <-done; err != nil {
			t.Errorf("add a row: %v", err)
		}
	}
}

// waiters waits until so many transactions wait for a lock.
func (w *world) waiters(t *testing.T, want int) {
	t.Helper()
	waitFor(t, 20*time.Second, "transactions to wait for a lock", func() bool {
		return w.ownerCount(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) >= want
	})
}

// A segment's row that is not committed yet keeps nobody from taking a consent back, from ending the
// interview or from having it erased.
func TestWhoAddsRowsOfASessionHoldsUpNobodyWhoChangesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	erasures := NewErasures(w.database)
	for name, change := range map[string]func(ctx context.Context, id consent.SessionID) error{
		"withdraw": func(ctx context.Context, id consent.SessionID) error {
			_, err := w.sessions.WithdrawConsent(ctx, w.alice.ID, id, consent.ConsentRecording)
			return err
		},
		"go live": func(ctx context.Context, id consent.SessionID) error {
			_, _, err := w.ingest.GoLive(ctx, id)
			return err
		},
		"end": func(ctx context.Context, id consent.SessionID) error { return w.ingest.EndSession(ctx, id) },
		"erase": func(ctx context.Context, id consent.SessionID) error {
			_, err := erasures.Erase(ctx, w.alice.ID, id)
			return err
		},
	} {
		id := w.live(t, w.alice, allConsents)
		release := w.adding(t, id)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // it would wait for ever
		if err := change(ctx, id); err != nil {
			t.Errorf("%s while a row is added: %v", name, err)
		}
		cancel()
		release()
	}
}

// Of two changes to a session one waits for the other, and so does what is written under a consent.
func TestChangesToASessionExcludeEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.live(t, w.alice, allConsents)
	candidate := func(tx pgx.Tx) error {
		_, err := readSession(t.Context(), tx, w.alice.ID, id, lockRow)
		return err
	}
	room := func(tx pgx.Tx) error { _, err := lockState(t.Context(), tx, id); return err }
	scribe := func(tx pgx.Tx) error { _, err := consentsNow(t.Context(), tx, id); return err }
	asCandidate := rowContext{account: string(w.alice.ID)}
	asRoom := rowContext{session: string(id)}
	for name, c := range map[string]struct {
		firstRole, secondRole Role
		first, second         rowContext
		one, other            func(pgx.Tx) error
	}{
		"two of the candidate":       {RoleCandidate, RoleCandidate, asCandidate, asCandidate, candidate, candidate},
		"the candidate and the room": {RoleCandidate, RoleIngest, asCandidate, asRoom, candidate, room},
		"two of the room":            {RoleIngest, RoleIngest, asRoom, asRoom, room, room},
		"the candidate and a scribe": {RoleCandidate, RoleIngest, asCandidate, asRoom, candidate, scribe},
		"a scribe and the candidate": {RoleIngest, RoleCandidate, asRoom, asCandidate, scribe, candidate},
		"a scribe and the room":      {RoleIngest, RoleIngest, asRoom, asRoom, scribe, room},
	} {
		err := w.database.in(t.Context(), c.firstRole, c.first, func(tx pgx.Tx) error {
			if err := c.one(tx); err != nil {
				return err
			}
			err := w.database.in(t.Context(), c.secondRole, c.second, func(tx pgx.Tx) error {
				if _, err := tx.Exec(t.Context(), `SET LOCAL lock_timeout = '100ms'`); err != nil {
					return err
				}
				return c.other(tx)
			})
			if !hasCode(err, lockNotAvailable) {
				t.Errorf("%s: the second got %v, want it to wait", name, err)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Somebody has taken an invitation and asked by it, and this is not committed when the session is erased.
func TestErasingEndsWhatIsBeingAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	_, secret := w.invite(t, w.alice, id, consent.ScopeRatings)
	asked, erased := make(chan error, 1), make(chan error, 1)
	looker := &world{owner: asOwner(t, w.database)} // within one transaction the activity does not change
	err := pgx.BeginFunc(t.Context(), w.owner, func(tx pgx.Tx) error {
		if _, err := record(t.Context(), tx, consent.LedgerEvent{Kind: consent.LedgerAIObjected, Account: w.bob.ID}); err != nil {
			return err
		}
		go func() { // waits for the ledger, as the last thing it does; asked is read below
			_, err := w.shared.Redeem(t.Context(), actorOf(w.acmes), secret)
			asked <- err
		}()
		looker.waiters(t, 1)
		go func() { // erased is read below
			_, err := NewErasures(w.database).Erase(t.Context(), w.alice.ID, id)
			erased <- err
		}()
		looker.waiters(t, 2)
		return nil
	})
	if err := errors.Join(err, <-asked, <-erased); err != nil {
		t.Fatal(err)
	}
	const left = `SELECT count(*) FROM authorizations a WHERE a.session = $1
		AND NOT EXISTS (SELECT FROM authorization_events e WHERE e.authorization_id = a.id AND e.kind = 'withdrawn')`
	if n := w.ownerCount(t, left, id); n != 0 {
		t.Errorf("%d records of an erased session have no end", n)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM authorizations WHERE session = $1`, id); n != 1 {
		t.Errorf("%d records, want the one that was asked for", n)
	}
}
