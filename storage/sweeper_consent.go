package storage

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// overdueAuthorization is a record that ended long enough ago, and to which nothing happened since: where
// its session was erased before its expiry was noted, or a restored backup has forgotten the note, nobody
// will note it, and its time was up when it says. One that was replaced stays for as long as what replaced
// it: the newer one names it, or its grant does.
const overdueAuthorization = `SELECT a.id FROM authorizations a JOIN sessions s ON s.id = a.session
	WHERE NOT ` + sessionPaused + ` AND (a.valid_until + $1::interval <= statement_timestamp()
		OR EXISTS (SELECT FROM authorization_events e WHERE e.authorization_id = a.id AND e.kind IN ` + endEvents + `))
	AND NOT EXISTS (SELECT FROM authorization_events e WHERE e.authorization_id = a.id AND e.at + $1::interval > statement_timestamp())
	AND NOT EXISTS (SELECT FROM authorizations n WHERE n.supersedes = a.id)
	AND NOT EXISTS (SELECT FROM authorization_events n WHERE n.supersedes = a.id)
	AND NOT EXISTS (SELECT FROM cut_offs c JOIN authorization_events e ON e.id = c.ended_by WHERE e.authorization_id = a.id)
	LIMIT $2`

// overdueTombstone is an erased session with nothing left but the proof that there was consent to it, and
// of its erasure.
const overdueTombstone = `SELECT s.id FROM sessions s JOIN erasures e ON e.session = s.id
	WHERE s.state = 'erased' AND s.held_at IS NULL AND e.finished_at + $1::interval <= statement_timestamp()
	AND NOT EXISTS (SELECT FROM authorizations a WHERE a.session = s.id)
	AND NOT EXISTS (SELECT FROM invitations i WHERE i.session = s.id)
	AND NOT EXISTS (SELECT FROM holds h WHERE h.session = s.id)
	AND NOT EXISTS (SELECT FROM accesses c WHERE c.session = s.id)
	AND NOT EXISTS (SELECT FROM cut_offs c WHERE c.session = s.id)
	AND NOT EXISTS (SELECT FROM receipts r WHERE r.session = s.id AND r.at + $1::interval > statement_timestamp())
	LIMIT $2`

// overdueAccount is an emptied account that nothing is about any more.
const overdueAccount = `SELECT a.id FROM accounts a WHERE a.erased_at + $1::interval <= statement_timestamp()
	AND NOT EXISTS (SELECT FROM sessions s WHERE s.candidate = a.id)
	AND NOT EXISTS (SELECT FROM receipts r WHERE r.account = a.id AND r.at + $1::interval > statement_timestamp())
	LIMIT $2`

func (s *Sweeper) forgetAuthorizations(ctx context.Context, kept string) (int64, error) {
	return s.forget(ctx, kept, overdueAuthorization,
		`DELETE FROM authorization_events WHERE authorization_id = ANY($1)`,
		`DELETE FROM requests WHERE authorization_id = ANY($1)`,
		`DELETE FROM receipts WHERE authorization_id = ANY($1)`,
		`DELETE FROM authorizations WHERE id = ANY($1)`,
		`DELETE FROM invitations WHERE authorization_id = ANY($1)`,
	)
}

func (s *Sweeper) forgetSessions(ctx context.Context, kept string) (int64, error) {
	return s.forget(ctx, kept, overdueTombstone,
		`DELETE FROM consent_events WHERE session = ANY($1)`,
		`DELETE FROM receipts WHERE session = ANY($1)`,
		`DELETE FROM ledger_openings WHERE session = ANY($1)`,
		`DELETE FROM erasure_counts WHERE erasure IN (SELECT id FROM erasures WHERE session = ANY($1))`,
		`DELETE FROM erasure_objects WHERE erasure IN (SELECT id FROM erasures WHERE session = ANY($1))`,
		`DELETE FROM erasures WHERE session = ANY($1)`,
		`DELETE FROM sessions WHERE id = ANY($1)`,
	)
}

func (s *Sweeper) forgetAccounts(ctx context.Context, kept string) (int64, error) {
	return s.forget(ctx, kept, overdueAccount,
		`DELETE FROM receipts WHERE account = ANY($1)`,
		`DELETE FROM ledger_openings WHERE account = ANY($1)`,
		`DELETE FROM accounts WHERE id = ANY($1)`,
	)
}

// forget deletes what is about the things that a query names, a batch in one transaction. The ledger keeps
// its entries, which say nothing without what was deleted here.
func (s *Sweeper) forget(ctx context.Context, kept, find string, deletes ...string) (total int64, err error) {
	for {
		var ids []string
		err := s.in(ctx, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, find, kept, s.batch)
			if err != nil {
				return err
			}
			if ids, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || len(ids) == 0 {
				return err
			}
			for _, statement := range deletes {
				if _, err := tx.Exec(ctx, statement, ids); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return total, err
		}
		total += int64(len(ids))
		if len(ids) == 0 {
			return total, nil
		}
	}
}
