package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// mostEnds bounds how many ends one run of the job notes; the next run has the rest.
const mostEnds = 500

// noteEnds writes down what ended by itself, and gives the receipts of that and of what the operator
// revoked, each in a transaction of its own. It only informs: that a record's time is up, or its
// organization suspended, is asked anew at every read. It returns how many ends it noted.
func (d *Database) noteEnds(ctx context.Context) (int, error) {
	overdue, err := d.endsToNote(ctx, `statement_timestamp() >= a.valid_until AND NOT EXISTS (SELECT FROM authorization_events e
		WHERE e.authorization_id = a.id AND e.kind IN `+endEvents+`)`)
	if err != nil {
		return 0, fmt.Errorf("find what has expired: %w", err)
	}
	var faults []error
	noted := 0
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
	revoked, err := d.endsToNote(ctx, `EXISTS (SELECT FROM authorization_events e WHERE e.authorization_id = a.id AND e.kind = 'revoked')
		AND NOT EXISTS (SELECT FROM receipts r WHERE r.authorization_id = a.id AND r.side = 'candidate' AND r.kind = 'revoked')`)
	if err != nil {
		return noted, fmt.Errorf("find what was revoked: %w", errors.Join(append(faults, err)...))
	}
	for _, id := range revoked {
		note(id, d.attestRevoked)
	}
	return noted, errors.Join(faults...)
}

func (d *Database) endsToNote(ctx context.Context, which string) ([]consent.AuthorizationID, error) {
	var ids []consent.AuthorizationID
	err := d.in(ctx, RoleWorker, rowContext{}, func(tx pgx.Tx) error {
		// Nothing is added to an erased session: its erasure said the last word about it.
		rows, err := tx.Query(ctx, `SELECT a.id FROM authorizations a JOIN sessions s ON s.id = a.session AND s.state <> 'erased'
			WHERE `+which+` ORDER BY a.valid_until LIMIT $1`, mostEnds)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[consent.AuthorizationID])
		return err
	})
	return ids, err
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
