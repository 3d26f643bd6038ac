package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// viewerGone is after how long a viewer that no node has seen is nobody: a few of a node's signs of life.
const viewerGone = 10 * time.Second

// mostCutOffs bounds how many cut-offs of a session are listed, the newest.
const mostCutOffs = 100

// Viewers keeps who of an organization has something of a session open, on any node, and whom an end cut
// off. It writes under the audit role, about the one session and viewer of each transaction.
type Viewers struct{ database *Database }

// NewViewers returns the viewers of a database.
func NewViewers(database *Database) *Viewers { return &Viewers{database: database} }

func (v *Viewers) about(ctx context.Context, actor consent.Actor, session consent.SessionID, work func(pgx.Tx) error) error {
	return v.database.in(ctx, RoleAudit, rowContext{account: string(actor.Account), org: string(actor.Org), session: string(session)}, work)
}

// Watching notes that an employer has a stream of a session open. Repeat it every few seconds; somebody
// who begins is told to the candidate's pages.
func (v *Viewers) Watching(ctx context.Context, actor consent.Actor, session consent.SessionID, stream consent.StreamKind) error {
	err := v.about(ctx, actor, session, func(tx pgx.Tx) error {
		const put = `INSERT INTO viewers AS v (session, account, stream, org) VALUES ($1, $2, $3, $4)
			ON CONFLICT (session, account, stream) DO UPDATE SET org = excluded.org, seen_at = statement_timestamp(),
			since = CASE WHEN v.seen_at < statement_timestamp() - $5::interval THEN statement_timestamp() ELSE v.since END
			RETURNING since = seen_at`
		var began bool
		if err := tx.QueryRow(ctx, put, session, actor.Account, stream, actor.Org, viewerGone).Scan(&began); err != nil || !began {
			return err
		}
		return notify(ctx, tx, session, TopicViewers)
	})
	if err != nil {
		return fmt.Errorf("note a viewer: %w", err)
	}
	return nil
}

// CutOff notes that a stream was cut off, so long ago by this machine's clock. What ended the view is the
// first thing that could after the last moment, by the database's clock, at which it was still permitted.
func (v *Viewers) CutOff(ctx context.Context, actor consent.Actor, session consent.SessionID, stream consent.StreamKind, permitted time.Time, ago time.Duration) error {
	err := v.about(ctx, actor, session, func(tx pgx.Tx) error {
		const drop = `DELETE FROM viewers WHERE session = $1 AND account = $2 AND stream = $3`
		if _, err := tx.Exec(ctx, drop, session, actor.Account, stream); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, addCutOff, session, actor.Org, actor.Account, stream, permitted, ago); err != nil {
			return err
		}
		return notify(ctx, tx, session, TopicViewers)
	})
	if err != nil {
		return fmt.Errorf("note a cut-off: %w", err)
	}
	return nil
}

// addCutOff looks ten seconds further back than the last decision that still permitted: an event has the
// time of its statement, and is seen by others when its transaction commits. What ended before the grant
// that was permitted then was another grant's end.
const addCutOff = `WITH own AS (SELECT a.id, a.valid_until, a.notice_version FROM authorizations a WHERE a.session = $1 AND a.org = $2),
	moments (cause, event, at) AS (
		SELECT e.kind, e.id, e.at FROM authorization_events e
			WHERE e.authorization_id IN (SELECT id FROM own) AND e.kind IN ('withdrawn', 'revoked', 'superseded', 'suspended')
		UNION ALL SELECT 'expired', NULL, valid_until FROM own
		UNION ALL SELECT 'notice', NULL, n.effective_at FROM notices n JOIN own ON n.materiality = 'reconsent' AND n.version > own.notice_version
		UNION ALL SELECT 'organization', NULL, suspended_at FROM organizations WHERE id = $2
		UNION ALL SELECT 'membership', NULL, ended_at FROM members WHERE account = $3
		UNION ALL SELECT 'role', NULL, role_at FROM members WHERE account = $3 AND role <> 'reviewer'),
	stopped (at) AS (SELECT statement_timestamp() - $6::interval),
	granted (at) AS (SELECT coalesce(max(e.at), '-infinity') FROM authorization_events e
		WHERE e.authorization_id IN (SELECT id FROM own) AND e.kind = 'granted' AND e.at <= $5::timestamptz),
	first AS (SELECT m.cause, m.event, m.at FROM moments m, stopped s, granted g
		WHERE m.at > $5::timestamptz - interval '10 seconds' AND m.at > g.at AND m.at <= s.at ORDER BY m.at, m.event NULLS FIRST LIMIT 1)
	INSERT INTO cut_offs (session, org, account, stream, cause, ended_by, after_ms)
	SELECT $1, $2, $3, $4, coalesce(f.cause, 'unknown'), f.event, ceil(extract(epoch FROM s.at - f.at) * 1000)::int
	FROM stopped s LEFT JOIN first f ON true`

// Viewers lists who has something of a session open now, and whom an end cut off, the newest first.
func (s *Sessions) Viewers(ctx context.Context, candidate consent.AccountID, id consent.SessionID) ([]consent.Viewer, []consent.CutOff, error) {
	var viewers []consent.Viewer
	var cutOffs []consent.CutOff
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		if _, err := readSession(ctx, tx, candidate, id, ""); err != nil {
			return err
		}
		const now = `SELECT v.org, o.name, v.stream, v.since FROM viewers v JOIN organizations o ON o.id = v.org
			WHERE v.session = $1 AND v.seen_at > statement_timestamp() - $2::interval ORDER BY v.since, o.name, v.stream`
		rows, err := tx.Query(ctx, now, id, viewerGone)
		if err != nil {
			return err
		}
		if viewers, err = pgx.CollectRows(rows, pgx.RowToStructByPos[consent.Viewer]); err != nil {
			return err
		}
		const ended = `SELECT c.at, c.org, o.name, c.stream, c.cause, c.after_ms FROM cut_offs c JOIN organizations o ON o.id = c.org
			WHERE c.session = $1 ORDER BY c.id DESC LIMIT $2`
		if rows, err = tx.Query(ctx, ended, id, mostCutOffs); err != nil {
			return err
		}
		cutOffs, err = pgx.CollectRows(rows, scanCutOff)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list viewers: %w", err)
	}
	return viewers, cutOffs, nil
}

func scanCutOff(row pgx.CollectableRow) (consent.CutOff, error) {
	var c consent.CutOff
	var after *int64
	err := row.Scan(&c.At, &c.Org, &c.OrgName, &c.Stream, &c.Cause, &after)
	c.After = -1
	if after != nil {
		c.After = time.Duration(*after) * time.Millisecond
	}
	return c, err
}
