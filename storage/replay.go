package storage

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// ErrFork says that the database's ledger and the journal tell two stories. The server does not start.
var ErrFork = errors.New("the database's ledger and the journal disagree")

// effect makes true again what an entry of the ledger says, in a database that was restored from a backup
// and has forgotten it. It runs as the owner, in the transaction that puts the entry back, may run more
// than once, and does nothing where the backup does not even know what the entry is about. It never
// gives anybody a right: what is in doubt after a restore is decided for the person.
type effect func(ctx context.Context, tx pgx.Tx, e consent.LedgerEntry) error

// effects are those that an ending has. Kinds without one change nothing that a backup could bring back:
// a grant that the backup lacks is not there, and must be given anew.
func effects() map[consent.LedgerKind]effect {
	return map[consent.LedgerKind]effect{
		consent.LedgerConsentWithdrawn:        replayConsentsWithdrawn,
		consent.LedgerAuthorizationRefused:    replayAuthorizationEnd,
		consent.LedgerAuthorizationWithdrawn:  replayAuthorizationEnd,
		consent.LedgerAuthorizationRevoked:    replayAuthorizationEnd,
		consent.LedgerAuthorizationSuperseded: replayAuthorizationEnd,
		consent.LedgerSessionRestricted:       replayPause("restricted_at", "restricted"),
		consent.LedgerSessionHeld:             replayPause("held_at", "held"),
		consent.LedgerOrganizationSuspended:   replaySuspension,
		consent.LedgerMemberEnded:             replayMemberEnded,
		consent.LedgerMemberRole:              replayMemberRole,
		consent.LedgerErasureRequested:        replayErasure,
		consent.LedgerSessionErased:           replayErasure,
		consent.LedgerAccountClosing:          replayClosing,
		consent.LedgerAccountReopened:         replayReopening,
		consent.LedgerAccountErased:           replayAccountErasure,
		consent.LedgerAIObjected:              replayAIObjection,
	}
}

// replayAuthorizationEnd ends an authorization as it had ended before.
func replayAuthorizationEnd(ctx context.Context, tx pgx.Tx, e consent.LedgerEntry) error {
	const end = `INSERT INTO authorization_events (authorization_id, org, kind, account)
		SELECT a.id, a.org, $2, s.candidate FROM authorizations a JOIN sessions s ON s.id = a.session WHERE a.id = $1
		ON CONFLICT DO NOTHING`
	kind := strings.TrimPrefix(string(e.Kind), "authorization_")
	if _, err := tx.Exec(ctx, end, e.Authorization, kind); err != nil {
		return err
	}
	return notify(ctx, tx, e.Session, TopicAuthorizations)
}

// replayConsentsWithdrawn takes all three consents back: the entry does not say which one it was, and the
// other two can be given to another interview.
func replayConsentsWithdrawn(ctx context.Context, tx pgx.Tx, e consent.LedgerEntry) error {
	const end = `UPDATE sessions SET recording = false, transcription = false, assessment = false WHERE id = $1`
	if _, err := tx.Exec(ctx, end, e.Session); err != nil {
		return err
	}
	return notify(ctx, tx, e.Session, TopicSession)
}

// replayPause restricts or holds a session, and suspends what is shared of it. That it was let go again
// later is not replayed: whoever may let it go does so once more.
func replayPause(column, reason string) effect {
	pause := `UPDATE sessions SET ` + column + ` = coalesce(` + column + `, $2) WHERE id = $1`
	suspend := `INSERT INTO authorization_events (authorization_id, org, kind, reason)
		SELECT a.id, a.org, 'suspended', '` + reason + `' FROM authorizations a WHERE a.session = $1
		AND EXISTS (SELECT FROM authorization_events e WHERE e.authorization_id = a.id AND e.kind = 'granted')
		AND NOT EXISTS (SELECT FROM authorization_events e WHERE e.authorization_id = a.id
			AND e.kind IN ('refused', 'withdrawn', 'revoked', 'superseded', 'expired'))
		AND NOT EXISTS (SELECT FROM authorization_events e WHERE e.authorization_id = a.id AND e.kind = 'suspended'
			AND e.reason = '` + reason + `' AND NOT EXISTS (SELECT FROM authorization_events r WHERE r.ends = e.id))`
	return func(ctx context.Context, tx pgx.Tx, e consent.LedgerEntry) error {
		if _, err := tx.Exec(ctx, pause, e.Session, e.At); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, suspend, e.Session); err != nil {
			return err
		}
		return notify(ctx, tx, e.Session, TopicAuthorizations)
	}
}

// replaySuspension suspends an organization and revokes what it was shared. That it was restored later is
// not replayed: the operator does so once more.
func replaySuspension(ctx context.Context, tx pgx.Tx, e consent.LedgerEntry) error {
	const suspend = `UPDATE organizations SET suspended_at = coalesce(suspended_at, $2) WHERE id = $1`
	if _, err := tx.Exec(ctx, suspend, e.Org, e.At); err != nil {
		return err
	}
	_, err := revokeAll(ctx, tx, e.Org)
	return err
}

// replayMemberEnded ends a membership as it had ended.
func replayMemberEnded(ctx context.Context, tx pgx.Tx, e consent.LedgerEntry) error {
	_, err := tx.Exec(ctx, `UPDATE members SET ended_at = coalesce(ended_at, $2) WHERE account = $1`, e.Account, e.At)
	return err
}

// replayMemberRole leaves a member the role that sees nothing of any session: the entry does not say which
// role was given.
func replayMemberRole(ctx context.Context, tx pgx.Tx, e consent.LedgerEntry) error {
	_, err := tx.Exec(ctx, `UPDATE members SET role = 'billing', role_at = $2 WHERE account = $1`, e.Account, e.At)
	return err
}

// replayErasure denies every plane the session at once; the erasing itself is work for later.
func replayErasure(ctx context.Context, tx pgx.Tx, e consent.LedgerEntry) error {
	if e.Session == "" { // of a whole account
		return replayAccountErasure(ctx, tx, e)
	}
	const end = `UPDATE sessions SET state = 'erased', state_at = statement_timestamp() WHERE id = $1 AND state <> 'erased'`
	if _, err := tx.Exec(ctx, end, e.Session); err != nil {
		return err
	}
	if err := cancelInvitations(ctx, tx, e.Session); err != nil {
		return err
	}
	return notify(ctx, tx, e.Session, TopicSession)
}

// replayClosing closes an account as it was closed before, with the days it had then. Nobody works on its
// interviews any more, not even the jobs that came back with the backup.
func replayClosing(ctx context.Context, tx pgx.Tx, e consent.LedgerEntry) error {
	const end = `UPDATE accounts SET closed_at = $2::timestamptz, erase_at = $2::timestamptz + $3::interval, erase_cause = 'closed' WHERE id = $1 AND closed_at IS NULL`
	if _, err := tx.Exec(ctx, end, e.Account, e.At, consent.CloseUndo); err != nil {
		return err
	}
	return cutClosed(ctx, tx, e.Account)
}

// cutClosed restricts the interviews of a closed account from its closing on, by which opening it again
// finds them, and cancels the invitations to ask for them.
func cutClosed(ctx context.Context, tx pgx.Tx, account consent.AccountID) error {
	const restrict = `UPDATE sessions s SET restricted_at = a.closed_at FROM accounts a
		WHERE a.id = $1 AND a.closed_at IS NOT NULL AND s.candidate = a.id AND s.restricted_at IS NULL AND s.state <> 'erased'`
	if _, err := tx.Exec(ctx, restrict, account); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT id FROM sessions WHERE candidate = $1`, account)
	if err != nil {
		return err
	}
	sessions, err := pgx.CollectRows(rows, pgx.RowTo[consent.SessionID])
	if err != nil {
		return err
	}
	return cancelInvitations(ctx, tx, sessions...)
}

// replayReopening opens it again: otherwise its person's data would be erased, who had said in time that it
// should not be. It lifts what closing set, and nothing else.
func replayReopening(ctx context.Context, tx pgx.Tx, e consent.LedgerEntry) error {
	const lift = `UPDATE sessions s SET restricted_at = NULL FROM accounts a
		WHERE a.id = $1 AND a.erased_at IS NULL AND s.candidate = a.id AND s.restricted_at = a.closed_at AND s.state <> 'erased'`
	if _, err := tx.Exec(ctx, lift, e.Account); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE accounts SET closed_at = NULL, erase_at = NULL, erase_cause = NULL, used_at = statement_timestamp()
		WHERE id = $1 AND erased_at IS NULL`, e.Account)
	return err
}

// replayAccountErasure lets the eraser begin at once; until it does, nobody works on the interviews.
func replayAccountErasure(ctx context.Context, tx pgx.Tx, e consent.LedgerEntry) error {
	const end = `UPDATE accounts SET closed_at = coalesce(closed_at, $2::timestamptz), erase_at = least(erase_at, statement_timestamp()), erase_cause = coalesce(erase_cause, 'restored')
		WHERE id = $1 AND erased_at IS NULL`
	if _, err := tx.Exec(ctx, end, e.Account, e.At); err != nil {
		return err
	}
	return cutClosed(ctx, tx, e.Account)
}

// replayAIObjection keeps models away from a candidate's sessions again. That it was lifted later is not
// replayed: the candidate can lift it once more.
func replayAIObjection(ctx context.Context, tx pgx.Tx, e consent.LedgerEntry) error {
	const end = `UPDATE accounts SET ai_objected_at = coalesce(ai_objected_at, $2) WHERE id = $1 AND kind = 'candidate'`
	_, err := tx.Exec(ctx, end, e.Account, e.At)
	return err
}

// Reconcile compares the database with the journal, entry for entry, as the database's owner. Call it
// before anything is served. A database that has fewer entries was restored from a backup: the missing
// ones are put back and their endings made true again, and it returns how many. Where both have an entry
// and it is not the same, it changes nothing and returns [ErrFork]. From then on endings wait for the
// journal.
func (j *Journal) Reconcile(ctx context.Context, ownerURL string) (restored int, err error) {
	admin, err := OpenAdmin(ctx, ownerURL)
	if err != nil {
		return 0, fmt.Errorf("compare the ledger with its journal: %w", err)
	}
	defer func() { _ = admin.Close(context.WithoutCancel(ctx)) }()
	if restored, err = j.compare(ctx, admin.conn); err != nil {
		return restored, fmt.Errorf("compare the ledger with its journal: %w", err)
	}
	if err := j.Flush(ctx); err != nil {
		return restored, err
	}
	j.database.followLedger(j)
	return restored, nil
}

// compare holds the lock of the ledger, so that no other node appends between looking and putting back.
func (j *Journal) compare(ctx context.Context, owner *pgx.Conn) (restored int, err error) {
	if _, err := owner.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(ledgerLock)); err != nil {
		return 0, fmt.Errorf("wait for the ledger: %w", err)
	}
	defer func() {
		_, _ = owner.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(ledgerLock))
	}()
	rows := &ledgerRows{conn: owner}
	_, err = j.read(func(e consent.LedgerEntry) error {
		row, there, err := rows.next(ctx)
		switch {
		case err != nil:
			return err
		case !there:
			restored++
			return putBack(ctx, owner, e)
		case row.Seq != e.Seq || row.Chain != e.Chain || row.Digest() != e.Digest():
			return j.fork(e.Seq)
		}
		return nil
	})
	if err != nil || restored == 0 {
		return restored, err
	}
	err = pgx.BeginFunc(ctx, owner, func(tx pgx.Tx) error {
		_, err := record(ctx, tx, consent.LedgerEvent{Kind: consent.LedgerRestored, Reason: "put_back_from_journal"})
		return err
	})
	return restored, err
}

func (j *Journal) fork(seq int64) error {
	return fmt.Errorf("%w from entry %d on: one of them was changed, or the database was restored from a backup and used without this journal. "+
		"Nothing was changed. Restore the database and the folder %s from backups that belong together. "+
		"If the database is to be kept as it is, look first which withdrawals and erasures only the journal has (greenroom verify %s), then move the folder away",
		ErrFork, seq, j.dir, j.dir)
}

// putBack adds an entry as it was, without its opening, which nobody has any more.
func putBack(ctx context.Context, owner *pgx.Conn, e consent.LedgerEntry) error {
	err := pgx.BeginFunc(ctx, owner, func(tx pgx.Tx) error {
		if again, ok := effects()[e.Kind]; ok {
			if err := again(ctx, tx, e); err != nil {
				return err
			}
		}
		const add = `INSERT INTO ledger (` + ledgerColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
		_, err := tx.Exec(ctx, add, e.Seq, e.At, e.Kind, e.Session, e.Authorization, e.Account, e.Org, e.Leaf[:], e.Chain[:])
		return err
	})
	if err != nil {
		return fmt.Errorf("put back entry %d (%s): %w", e.Seq, e.Kind, err)
	}
	return nil
}

// ledgerRows reads the database's ledger from its beginning, a batch at a time.
type ledgerRows struct {
	conn  *pgx.Conn
	batch []consent.LedgerEntry
	seq   int64
	ended bool
}

func (r *ledgerRows) next(ctx context.Context) (consent.LedgerEntry, bool, error) {
	if len(r.batch) == 0 && !r.ended {
		rows, err := r.conn.Query(ctx, `SELECT `+ledgerColumns+` FROM ledger WHERE seq > $1 ORDER BY seq LIMIT $2`, r.seq, journalBatch)
		if err != nil {
			return consent.LedgerEntry{}, false, fmt.Errorf("read the ledger: %w", err)
		}
		if r.batch, err = pgx.CollectRows(rows, scanEntry); err != nil {
			return consent.LedgerEntry{}, false, fmt.Errorf("read the ledger: %w", err)
		}
		r.ended = len(r.batch) < journalBatch
	}
	if len(r.batch) == 0 {
		return consent.LedgerEntry{}, false, nil
	}
	e := r.batch[0]
	r.batch, r.seq = r.batch[1:], e.Seq
	return e, true, nil
}
