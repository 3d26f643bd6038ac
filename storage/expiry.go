package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// mostEnds bounds how many ends one run of the job notes; the next run has the rest.
const mostEnds = 500

// lateEnds is how long after its time is up a record may still become visible: it was given just before.
const lateEnds = time.Hour

const (
	expiredToNote = `a.valid_until > $2 AND a.valid_until <= statement_timestamp() AND NOT EXISTS (SELECT FROM authorization_events e
		WHERE e.authorization_id = a.id AND e.kind IN ` + endEvents + `)`
	revokedToNote = `EXISTS (SELECT FROM authorization_events e WHERE e.authorization_id = a.id AND e.kind = 'revoked')
		AND NOT EXISTS (SELECT FROM receipts r WHERE r.authorization_id = a.id AND r.side = 'candidate' AND r.kind = 'revoked')`
)

// noteEnds writes down what ended by itself, and gives the receipts of that and of what the operator
// revoked, each in a transaction of its own. It only informs: that a record's time is up, or its
// organization suspended, is asked anew at every read. What expired until since is not looked at again. It
// returns how many ends it noted, and the since of the next run.
func (d *Database) noteEnds(ctx context.Context, since time.Time) (noted int, until time.Time, err error) {
	var now time.Time
	err = d.in(ctx, RoleWorker, rowContext{}, func(tx pgx.Tx) (err error) {
		now, err = databaseTime(ctx, tx)
		return err
	})
	if err != nil {
		return 0, since, fmt.Errorf("ask for the time: %w", err)
	}
	overdue, err := d.endsToNote(ctx, expiredToNote, since)
	if err != nil {
		return 0, since, fmt.Errorf("find what has expired: %w", err)
	}
	var faults []error
	note := func(id consent.AuthorizationID, work func(context.Context, consent.AuthorizationID) error) {
		if err := work(ctx, id); err != nil {
			faults = append(faults, fmt.Errorf("note the end of authorization %s: %w", id, err))
			return
		}
		noted++
	}
	for _, id := range overdue {
		note(id, d.expire)
	}
	until = since
	if len(faults) == 0 && len(overdue) < mostEnds {
		until = now.Add(-lateEnds)
	}
	revoked, err := d.endsToNote(ctx, revokedToNote)
	if err != nil {
		return noted, until, fmt.Errorf("find what was revoked: %w", errors.Join(append(faults, err)...))
	}
	for _, id := range revoked {
		note(id, d.attestRevoked)
	}
	return noted, until, errors.Join(faults...)
}

func (d *Database) endsToNote(ctx context.Context, which string, arguments ...any) ([]consent.AuthorizationID, error) {
	var ids []consent.AuthorizationID
	err := d.in(ctx, RoleWorker, rowContext{}, func(tx pgx.Tx) error {
		// Nothing is added to an erased session: its erasure said the last word about it.
		rows, err := tx.Query(ctx, endsQuery(which), append([]any{mostEnds}, arguments...)...)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[consent.AuthorizationID])
		return err
	})
	return ids, err
}

func endsQuery(which string) string {
	return `SELECT a.id FROM authorizations a JOIN sessions s ON s.id = a.session AND s.state <> 'erased'
		WHERE ` + which + ` ORDER BY a.valid_until LIMIT $1`
}

// expire adds the expired event, unless something else ended the record meanwhile.
func (d *Database) expire(ctx context.Context, id consent.AuthorizationID) error {
	return d.in(ctx, RoleWorker, rowContext{}, func(tx pgx.Tx) error {
		session, err := lockSessionOf(ctx, tx, id)
		if err != nil {
			return err
		}
		const add = `INSERT INTO authorization_events (authorization_id, org, kind) SELECT a.id, a.org, 'expired' FROM authorizations a
			WHERE a.id = $1 AND NOT EXISTS (SELECT FROM authorization_events e WHERE e.authorization_id = a.id AND e.kind IN ` + endEvents + `)`
		done, err := tx.Exec(ctx, add, id)
		if err != nil || done.RowsAffected() == 0 {
			return err
		}
		if err := logEvent(ctx, tx, session, TopicAuthorizations, "authorization_expired", eventDetail{"authorization": id}); err != nil {
			return err
		}
		return d.attestEnd(ctx, tx, consent.LedgerAuthorizationExpired, id, "")
	})
}

func (d *Database) attestRevoked(ctx context.Context, id consent.AuthorizationID) error {
	return d.in(ctx, RoleWorker, rowContext{}, func(tx pgx.Tx) error {
		if _, err := lockSessionOf(ctx, tx, id); err != nil { // one node gives the receipts
			return err
		}
		var given bool
		const look = `SELECT EXISTS (SELECT FROM receipts WHERE authorization_id = $1 AND side = 'candidate' AND kind = 'revoked')`
		if err := tx.QueryRow(ctx, look, id).Scan(&given); err != nil || given {
			return err
		}
		return d.attestEnd(ctx, tx, consent.LedgerAuthorizationRevoked, id, "organization_suspended")
	})
}

func lockSessionOf(ctx context.Context, tx pgx.Tx, id consent.AuthorizationID) (consent.SessionID, error) {
	var session consent.SessionID
	const lock = `SELECT s.id FROM sessions s WHERE s.id = (SELECT a.session FROM authorizations a WHERE a.id = $1) FOR UPDATE`
	err := tx.QueryRow(ctx, lock, id).Scan(&session)
	return session, err
}
