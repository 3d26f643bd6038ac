package storage

import (
	"fmt"
	"testing"
	"time"

	"greenroom/consent"
)

// fresh returns an interview that is not old at all.
func (w *sweepWorld) fresh(t *testing.T) consent.SessionID {
	t.Helper()
	return w.consented(t, w.bob, allConsents)
}

// somebody is a candidate of their own.
func (w *sweepWorld) somebody(t *testing.T) consent.Account {
	t.Helper()
	return w.candidate(t, fmt.Sprintf("Candidate%d", w.number()))
}

func closedForLong(t *testing.T, w *sweepWorld, begun time.Time) (string, func(*testing.T)) {
	t.Helper()
	who := w.somebody(t)
	w.ownerExec(t, `UPDATE accounts SET closed_at = $2, erase_at = $2::timestamptz + $3::interval, erase_cause = 'closed' WHERE id = $1`, who.ID, begun, consent.CloseUndo)
	w.ownerExec(t, `INSERT INTO second_factors (account, secret, since) VALUES ($1, 'x', now())`, who.ID)
	return fmt.Sprintf(`SELECT count(*) FROM accounts WHERE id = '%s' AND email NOT LIKE '%%.invalid'`, who.ID), nil
}

// unusedForLong is closed by the sweeper, and can still be opened again.
func unusedForLong(t *testing.T, w *sweepWorld, begun time.Time) (string, func(*testing.T)) {
	t.Helper()
	who := w.somebody(t)
	w.ownerExec(t, `UPDATE accounts SET used_at = $2 WHERE id = $1`, who.ID, begun)
	return fmt.Sprintf(`SELECT count(*) FROM accounts WHERE id = '%s' AND closed_at IS NULL`, who.ID), func(t *testing.T) {
		t.Helper()
		if n := w.ownerCount(t, `SELECT count(*) FROM ledger WHERE kind = 'account_closing' AND account = $1`, who.ID); n != 1 {
			t.Errorf("%d entries of the ledger say that an unused account was closed, want 1", n)
		}
		if n := w.ownerCount(t, `SELECT count(*) FROM accounts WHERE id = $1 AND erase_at > now() + interval '29 days' AND erased_at IS NULL`, who.ID); n != 1 {
			t.Error("an unused account has no thirty days")
		}
	}
}

func endedLongAgo(t *testing.T, w *sweepWorld, begun time.Time) (string, func(*testing.T)) {
	t.Helper()
	id := w.recorded(t, w.somebody(t))
	w.ownerExec(t, `UPDATE sessions SET ended_at = $2 WHERE id = $1`, id, begun)
	return fmt.Sprintf(`SELECT count(*) FROM lines WHERE session = '%s'`, id), func(t *testing.T) {
		t.Helper()
		w.nothingLeft(t, id)
		if n := w.ownerCount(t, `SELECT count(*) FROM erasures WHERE session = $1 AND cause = 'expired' AND state = 'done'`, id); n != 1 {
			t.Errorf("%d erasures of an old interview are done, want 1", n)
		}
		if n := w.ownerCount(t, `SELECT count(*) FROM ledger WHERE session = $1 AND kind IN ('erasure_requested', 'session_erased')`, id); n != 2 {
			t.Errorf("%d entries of the ledger are about the erasure of an old interview, want 2", n)
		}
	}
}

func sawLast(t *testing.T, w *sweepWorld, begun time.Time) (string, func(*testing.T)) {
	t.Helper()
	id := w.fresh(t)
	w.ownerExec(t, `INSERT INTO viewers (session, account, stream, org, seen_at) VALUES ($1, $2, 'media', $3, $4)`, id, w.acmes.ID, w.acme.ID, begun)
	return fmt.Sprintf(`SELECT count(*) FROM viewers WHERE session = '%s'`, id), nil
}

func exportOver(t *testing.T, w *sweepWorld, begun time.Time) (string, func(*testing.T)) {
	t.Helper()
	id, session := consent.NewID[consent.ExportID](), w.fresh(t)
	w.ownerExec(t, `INSERT INTO exports (id, account, whole, state, fault, finished_at) VALUES ($1, $2, false, 'failed', 'server', $3)`, id, w.bob.ID, begun)
	w.ownerExec(t, `INSERT INTO export_sessions (export, session) VALUES ($1, $2)`, id, session)
	w.ownerExec(t, `INSERT INTO export_keys (export, wrapped, master_key, epoch) VALUES ($1, 'x', 'm', 1)`, id)
	return fmt.Sprintf(`SELECT (SELECT count(*) FROM export_sessions WHERE export = '%[1]s') + (SELECT count(*) FROM export_keys WHERE export = '%[1]s')`, id), nil
}

// erased returns a session that was erased at the given time.
func (w *sweepWorld) erased(t *testing.T, at time.Time) consent.SessionID {
	t.Helper()
	who := w.somebody(t)
	id := w.consented(t, who, allConsents)
	w.ask(t, who, id)
	w.erase(t, id)
	w.ageErasure(t, id, at)
	return id
}

// ageErasure moves the erasure of a session, and what else is left of it, to the given time.
func (w *sweepWorld) ageErasure(t *testing.T, id consent.SessionID, at time.Time) {
	t.Helper()
	w.unguarded(t, `UPDATE erasures SET finished_at = $2, requested_at = $2 WHERE session = $1`, id, at)
	w.unguarded(t, `UPDATE erasure_counts SET at = $2 WHERE erasure IN (SELECT id FROM erasures WHERE session = $1)`, id, at)
	w.unguarded(t, `UPDATE sessions SET state_at = $2 WHERE id = $1`, id, at)
	w.unguarded(t, `UPDATE consent_events SET at = $2 WHERE session = $1`, id, at)
	w.unguarded(t, `UPDATE receipts SET at = $2 WHERE session = $1`, id, at)
}

func erasureDone(t *testing.T, w *sweepWorld, begun time.Time) (string, func(*testing.T)) {
	t.Helper()
	id := w.erased(t, begun)
	w.ownerExec(t, `INSERT INTO erasure_objects (erasure, name, object) SELECT id, 'name', 'object' FROM erasures WHERE session = $1`, id)
	return fmt.Sprintf(`SELECT count(*) FROM erasure_objects WHERE erasure = (SELECT id FROM erasures WHERE session = '%s')`, id), nil
}

// ageRecord moves the end of a record, and all that came with it, to the given time.
func (w *sweepWorld) ageRecord(t *testing.T, id consent.AuthorizationID, at time.Time) {
	t.Helper()
	began := at.AddDate(0, -1, 0)
	w.unguarded(t, `UPDATE authorizations SET granted_at = $2, valid_from = $2, valid_until = $3 WHERE id = $1`, id, began, at.AddDate(0, 1, 0))
	w.unguarded(t, `UPDATE authorization_events SET at = CASE WHEN kind IN `+endEvents+` THEN $3::timestamptz ELSE $2::timestamptz END WHERE authorization_id = $1`, id, began, at)
	w.unguarded(t, `UPDATE requests SET at = $2 WHERE authorization_id = $1`, id, began)
	w.unguarded(t, `UPDATE receipts SET at = $2 WHERE authorization_id = $1`, id, at)
	w.unguarded(t, `UPDATE invitations SET created_at = $2, expires_at = $3, valid_until = $3 WHERE authorization_id = $1`, id, began, at)
}

func sharedLongAgo(t *testing.T, w *sweepWorld, begun time.Time) (string, func(*testing.T)) {
	t.Helper()
	session := w.fresh(t)
	_, secret := w.invite(t, w.bob, session, consent.ScopeRatings)
	id := w.redeem(t, w.acmes, secret).ID
	if _, err := w.sessions.ConfirmRequest(t.Context(), w.bob.ID, session, id); err != nil {
		t.Fatal(err)
	}
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.bob.ID, session, id); err != nil {
		t.Fatal(err)
	}
	w.ageRecord(t, id, begun)
	return fmt.Sprintf(`SELECT (SELECT count(*) FROM authorizations WHERE id = '%[1]s') + (SELECT count(*) FROM authorization_events WHERE authorization_id = '%[1]s')
		+ (SELECT count(*) FROM requests WHERE authorization_id = '%[1]s') + (SELECT count(*) FROM receipts WHERE authorization_id = '%[1]s')
		+ (SELECT count(*) FROM invitations WHERE authorization_id = '%[1]s')`, id), nil
}

// narrowedLongAgo is a record that was replaced a year before the other one ended: they go together.
func narrowedLongAgo(t *testing.T, w *sweepWorld, begun time.Time) (string, func(*testing.T)) {
	t.Helper()
	session := w.fresh(t)
	first := w.share(t, w.bob, session, w.acme, consent.ScopeRatings, consent.ScopeTranscript)
	second := w.share(t, w.bob, session, w.acme, consent.ScopeRatings)
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.bob.ID, session, second.ID); err != nil {
		t.Fatal(err)
	}
	w.ageRecord(t, first.ID, begun.AddDate(-1, 0, 0))
	w.ageRecord(t, second.ID, begun)
	if n := w.ownerCount(t, `SELECT count(*) FROM authorizations WHERE id = $1 AND supersedes = $2`, second.ID, first.ID); n != 1 {
		t.Fatal("the second record does not name the first")
	}
	return fmt.Sprintf(`SELECT count(*) FROM authorizations WHERE session = '%s'`, session), nil
}

// confirmedLongAgo is a record that was replaced by a request that had been made before it.
func confirmedLongAgo(t *testing.T, w *sweepWorld, begun time.Time) (string, func(*testing.T)) {
	t.Helper()
	session := w.fresh(t)
	_, secret := w.invite(t, w.bob, session, consent.ScopeRatings)
	second := w.redeem(t, w.acmes, secret).ID
	first := w.share(t, w.bob, session, w.acme, consent.ScopeRatings, consent.ScopeTranscript)
	granted, err := w.sessions.ConfirmRequest(t.Context(), w.bob.ID, session, second)
	if err != nil {
		t.Fatal(err)
	}
	if kept := w.recordOf(t, w.bob, session, second); granted.Supersedes != first.ID || kept.Supersedes != first.ID {
		t.Errorf("the confirmed request supersedes %q, and %q when it is read again; want %q", granted.Supersedes, kept.Supersedes, first.ID)
	}
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.bob.ID, session, second); err != nil {
		t.Fatal(err)
	}
	w.ageRecord(t, first.ID, begun.AddDate(-1, 0, 0))
	w.ageRecord(t, second, begun)
	return fmt.Sprintf(`SELECT count(*) FROM authorizations WHERE session = '%s'`, session), nil
}

// expiredUnnoted is an interview that was erased when what was shared of it had expired and nobody had noted
// that yet: nobody does afterwards.
func expiredUnnoted(t *testing.T, w *sweepWorld, begun time.Time) (string, func(*testing.T)) {
	t.Helper()
	who := w.somebody(t)
	id := w.consented(t, who, allConsents)
	record := w.share(t, who, id, w.acme, consent.ScopeRatings)
	w.expire(t, record.ID)
	w.ask(t, who, id)
	w.erase(t, id)
	if n := w.ownerCount(t, `SELECT count(*) FROM authorization_events WHERE authorization_id = $1 AND kind <> 'granted'`, record.ID); n != 0 {
		t.Fatalf("%d ends are noted, want none", n)
	}
	w.ageErasure(t, id, begun)
	w.unguarded(t, `UPDATE authorizations SET granted_at = $2, valid_from = $2, valid_until = $3 WHERE id = $1`, record.ID, begun.AddDate(0, -1, 0), begun)
	w.unguarded(t, `UPDATE authorization_events SET at = $2 WHERE authorization_id = $1`, record.ID, begun.AddDate(0, -1, 0))
	return fmt.Sprintf(`SELECT (SELECT count(*) FROM authorizations WHERE session = '%[1]s') + (SELECT count(*) FROM sessions WHERE id = '%[1]s')
		+ (SELECT count(*) FROM authorization_events WHERE authorization_id = '%[2]s') + (SELECT count(*) FROM receipts WHERE session = '%[1]s')`, id, record.ID), nil
}

func erasedLongAgo(t *testing.T, w *sweepWorld, begun time.Time) (string, func(*testing.T)) {
	t.Helper()
	id := w.erased(t, begun)
	entries := w.ownerCount(t, `SELECT count(*) FROM ledger WHERE session = $1`, id)
	return fmt.Sprintf(`SELECT (SELECT count(*) FROM sessions WHERE id = '%[1]s') + (SELECT count(*) FROM consent_events WHERE session = '%[1]s')
			+ (SELECT count(*) FROM receipts WHERE session = '%[1]s') + (SELECT count(*) FROM ledger_openings WHERE session = '%[1]s')
			+ (SELECT count(*) FROM erasures WHERE session = '%[1]s')`, id), func(t *testing.T) {
			t.Helper()
			if n := w.ownerCount(t, `SELECT count(*) FROM ledger WHERE session = $1`, id); n != entries || n == 0 {
				t.Errorf("of %d entries of the ledger %d are left", entries, n)
			}
		}
}

func emptiedLongAgo(t *testing.T, w *sweepWorld, begun time.Time) (string, func(*testing.T)) {
	t.Helper()
	who := w.somebody(t)
	w.ownerExec(t, `UPDATE accounts SET closed_at = now(), erase_at = now(), erase_cause = 'child' WHERE id = $1`, who.ID)
	if _, err := w.eraser.EraseAccounts(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.unguarded(t, `UPDATE accounts SET erased_at = $2 WHERE id = $1 AND erased_at IS NOT NULL`, who.ID, begun)
	return fmt.Sprintf(`SELECT (SELECT count(*) FROM accounts WHERE id = '%[1]s') + (SELECT count(*) FROM ledger_openings WHERE account = '%[1]s')`, who.ID), nil
}

// pausedThings makes interviews that are too old in every way, but held or restricted, and returns what
// counts that they are left. A log-in that is switched off, and work that is not done, stay as well.
func (w *sweepWorld) pausedThings(t *testing.T) []string {
	t.Helper()
	long := time.Now().AddDate(-9, 0, 0)
	var counts []string
	for _, column := range []string{"held_at", "restricted_at"} {
		who := w.somebody(t)
		id := w.recorded(t, who)
		w.unguarded(t, `UPDATE session_events SET at = $2 WHERE session = $1`, id, long)
		w.unguarded(t, `UPDATE accesses SET at = $2 WHERE session = $1`, id, long)
		records, err := w.sessions.Authorizations(t.Context(), who.ID, id)
		if err != nil || len(records) != 1 {
			t.Fatalf("%d records, %v", len(records), err)
		}
		if err := w.sessions.WithdrawAuthorization(t.Context(), who.ID, id, records[0].ID); err != nil {
			t.Fatal(err)
		}
		w.ageRecord(t, records[0].ID, long)
		w.ownerExec(t, `UPDATE sessions SET ended_at = $2, `+column+` = $2 WHERE id = $1`, id, long)
		w.ownerExec(t, `UPDATE accounts SET used_at = $2 WHERE id = $1`, who.ID, long)
		for _, table := range []string{"lines", "segments", "data_keys", "session_events", "accesses", "authorizations", "consent_events", "receipts"} {
			counts = append(counts, fmt.Sprintf(`SELECT count(*) FROM %s WHERE session = '%s'`, table, id))
		}
		counts = append(counts, fmt.Sprintf(`SELECT count(*) FROM accounts WHERE id = '%s' AND closed_at IS NULL`, who.ID))
	}
	w.ownerExec(t, `INSERT INTO log_in_failures (email_sha256, failures, in_a_row, last_at, wait_until) VALUES (sha256('off'), 100, 100, $1, $1)`, long)
	w.ownerExec(t, `INSERT INTO river.river_job (kind, args, max_attempts, state, created_at, scheduled_at) VALUES ('waits', '{}', 5, 'available', $1, $1)`, long)
	return append(counts, `SELECT count(*) FROM log_in_failures WHERE in_a_row = 100`, `SELECT count(*) FROM river.river_job WHERE kind = 'waits'`)
}
