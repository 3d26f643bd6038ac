package storage

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// TestNobodyAsksForWhatIsErasedOrClosed ends an interview that somebody was invited to ask for, in every way
// there is. The invitation opens nothing then; and three years later nothing of it all is left.
func TestNobodyAsksForWhatIsErasedOrClosed(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t)
	admin := openTestAdmin(t, w.database)
	closed := func(t *testing.T, of consent.Account, _ consent.SessionID) {
		t.Helper()
		if _, err := w.erasures.CloseAccount(t.Context(), of.ID); err != nil {
			t.Fatal(err)
		}
	}
	restored := func(kind consent.LedgerKind, account bool) func(*testing.T, consent.Account, consent.SessionID) {
		return func(t *testing.T, of consent.Account, id consent.SessionID) {
			t.Helper()
			e := consent.LedgerEntry{Kind: kind, At: time.Now(), Account: of.ID, Session: id}
			if account {
				e.Session = ""
			}
			err := pgx.BeginFunc(t.Context(), w.owner, func(tx pgx.Tx) error { return effects()[kind](t.Context(), tx, e) })
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	var candidates []consent.AccountID
	for _, c := range []struct {
		name string
		end  func(*testing.T, consent.Account, consent.SessionID)
	}{
		{"its candidate erases it", func(t *testing.T, of consent.Account, id consent.SessionID) {
			t.Helper()
			w.ask(t, of, id)
		}},
		{"its candidate asked while it was held", func(t *testing.T, of consent.Account, id consent.SessionID) {
			t.Helper()
			w.ownerExec(t, `UPDATE sessions SET held_at = now() WHERE id = $1`, id)
			w.ask(t, of, id)
			w.ownerExec(t, `UPDATE sessions SET held_at = NULL WHERE id = $1`, id)
			w.erase(t, id)
		}},
		{"its time is over", func(t *testing.T, _ consent.Account, id consent.SessionID) {
			t.Helper()
			w.ownerExec(t, `UPDATE sessions SET state = 'ended', ended_at = now() - interval '3 years' WHERE id = $1`, id)
			if _, err := w.sweeper.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}},
		{"a child is reported", func(t *testing.T, of consent.Account, _ consent.SessionID) {
			t.Helper()
			if _, err := admin.ReportChild(t.Context(), of.Email); err != nil {
				t.Fatal(err)
			}
		}},
		{"the account is closed", closed},
		{"the account is closed and opened again", func(t *testing.T, of consent.Account, id consent.SessionID) {
			t.Helper()
			closed(t, of, id)
			if err := w.accounts.Reopen(t.Context(), of.ID); err != nil {
				t.Fatal(err)
			}
		}},
		{"a backup forgot that it was erased", restored(consent.LedgerSessionErased, false)},
		{"a backup forgot that the account was closed", restored(consent.LedgerAccountClosing, true)},
		{"a backup forgot that the account was erased", restored(consent.LedgerErasureRequested, true)},
	} {
		of := w.somebody(t)
		id := w.consented(t, of, allConsents)
		_, secret := w.invite(t, of, id, consent.ScopeRatings)
		c.end(t, of, id)
		if _, err := w.shared.Redeem(t.Context(), actorOf(w.acmes), secret); !errors.Is(err, consent.ErrNotFound) {
			t.Errorf("%s: redeemed, %v; want ErrNotFound", c.name, err)
		}
		if n := w.ownerCount(t, `SELECT count(*) FROM invitations WHERE session = $1 AND cancelled_at IS NOT NULL`, id); n != 1 {
			t.Errorf("%s: %d invitations are cancelled, want 1", c.name, n)
		}
		candidates = append(candidates, of.ID)
	}
	if n := w.ownerCount(t, `SELECT (SELECT count(*) FROM authorizations) + (SELECT count(*) FROM requests)
		+ (SELECT count(*) FROM ledger WHERE kind = 'authorization_requested')`); n != 0 {
		t.Errorf("%d rows were made of refused redemptions", n)
	}

	w.ownerExec(t, `UPDATE accounts SET closed_at = coalesce(closed_at, now()), erase_at = now(), erase_cause = 'closed' WHERE id = ANY($1)`, candidates)
	for range 3 { // asked for, done, emptied
		w.round(t)
	}
	for table, times := range map[string]string{
		"sessions": `state_at = state_at - by`, "consent_events": `at = at - by`, "receipts": `at = at - by`, "erasure_counts": `at = at - by`,
		"erasures": `requested_at = requested_at - by, finished_at = finished_at - by`, "accounts": `erased_at = erased_at - by`,
		"invitations": `created_at = created_at - by, expires_at = expires_at - by, valid_until = valid_until - by, cancelled_at = cancelled_at - by`,
	} {
		w.unguarded(t, `UPDATE `+table+` SET `+times+` FROM (SELECT interval '4 years' AS by) x`)
	}
	w.round(t)
	for table, left := range map[string]string{
		"invitations": `true`, "sessions": `candidate = ANY($1)`, "erasures": `account = ANY($1)`, "accounts": `id = ANY($1)`,
	} {
		var n int
		if err := w.owner.QueryRow(t.Context(), `SELECT count(*) FROM `+table+` WHERE cardinality($1::text[]) > 0 AND `+left, candidates).Scan(&n); err != nil || n != 0 {
			t.Errorf("after three years %d rows of %s are left, %v", n, table, err)
		}
	}
}

// TestWhoEndsASessionWaitsForNobodyWhoAsks holds a session's row as closing an account does: whoever redeems
// meanwhile waits without holding the invitation, and finds it cancelled.
func TestWhoEndsASessionWaitsForNobodyWhoAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.consented(t, w.alice, allConsents)
	_, secret := w.invite(t, w.alice, id, consent.ScopeRatings)
	looker := asOwner(t, w.database) // within one transaction the activity does not change
	asked := make(chan error, 1)
	err := pgx.BeginFunc(t.Context(), w.owner, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `SELECT FROM sessions WHERE id = $1 FOR UPDATE`, id); err != nil {
			return err
		}
		go func() {
			_, err := w.shared.Redeem(t.Context(), actorOf(w.acmes), secret)
			asked <- err
		}()
		waitFor(t, time.Minute, "the one who redeems to wait", func() bool {
			var waits bool
			const look = `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`
			if err := looker.QueryRow(t.Context(), look).Scan(&waits); err != nil {
				t.Fatal(err)
			}
			return waits
		})
		if _, err := tx.Exec(t.Context(), `SET LOCAL lock_timeout = '300ms'`); err != nil {
			return err
		}
		return markErased(t.Context(), tx, id)
	})
	if err != nil {
		t.Errorf("erase while somebody redeems: %v", err)
	}
	if err := <-asked; !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("redeemed while it was erased: %v, want ErrNotFound", err)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM authorizations`); n != 0 {
		t.Errorf("%d records of an erased session", n)
	}
}
