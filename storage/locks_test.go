package storage

import (
	"errors"
	"sync"
	"testing"
	"time"

	"greenroom/consent"
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
