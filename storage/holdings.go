package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// countHoldings counts everything that is held about the account in $1, one line for each thing: how much,
// how many bytes, since when, and when the period of the newest began. The policies show the account's own.
const countHoldings = `
	SELECT 'profile', count(*), 0, min(created_at), NULL::timestamptz FROM accounts WHERE id = $1
	UNION ALL SELECT 'log_ins', count(*), 0, min(created_at), max(absolute_until) FROM log_ins WHERE account = $1
	UNION ALL SELECT 'interviews', count(*), 0, min(created_at), max(ended_at) FROM sessions WHERE candidate = $1 AND state <> 'erased'
	UNION ALL SELECT 'recordings', count(DISTINCT g.session), coalesce(sum(g.size), 0)::bigint, min(g.created_at), max(s.ended_at)
		FROM segments g JOIN sessions s ON s.id = g.session WHERE s.candidate = $1
	UNION ALL SELECT 'transcript', count(*), 0, min(s.created_at), max(s.ended_at)
		FROM (SELECT session FROM lines UNION ALL SELECT session FROM line_originals UNION ALL SELECT session FROM follow_ups) l JOIN sessions s ON s.id = l.session WHERE s.candidate = $1
	UNION ALL SELECT 'ratings', count(*), 0, min(r.at), max(s.ended_at)
		FROM (SELECT session, at FROM ratings UNION ALL SELECT session, at FROM person_ratings) r
			JOIN sessions s ON s.id = r.session WHERE s.candidate = $1
	UNION ALL SELECT 'feedback', count(*), 0, min(s.created_at), max(s.ended_at)
		FROM (SELECT session FROM evidence UNION ALL SELECT session FROM feedback UNION ALL SELECT session FROM contests) e JOIN sessions s ON s.id = e.session WHERE s.candidate = $1
	UNION ALL SELECT 'measurements', count(*), 0, min(s.created_at), max(s.ended_at)
		FROM measurements m JOIN sessions s ON s.id = m.session WHERE s.candidate = $1
	UNION ALL SELECT 'events', count(*), 0, min(v.at), max(v.at) FROM session_events v JOIN sessions s ON s.id = v.session WHERE s.candidate = $1
	UNION ALL SELECT 'consents', count(*), 0, min(at), NULL FROM consent_events WHERE account = $1
	UNION ALL SELECT 'authorizations', count(*), 0, min(a.valid_from), NULL
		FROM authorizations a JOIN sessions s ON s.id = a.session WHERE s.candidate = $1
	UNION ALL SELECT 'receipts', count(*), 0, min(at), NULL FROM receipts WHERE account = $1 AND side = 'candidate'
	UNION ALL SELECT 'accesses', count(*), 0, min(c.at), max(c.at) FROM accesses c JOIN sessions s ON s.id = c.session WHERE s.candidate = $1
	UNION ALL SELECT 'ai_calls', coalesce(sum(c.times), 0)::bigint, 0, min(c.at), max(c.at)
		FROM (` + aiCalls + `) c JOIN sessions s ON s.id = c.session WHERE s.candidate = $1
	UNION ALL SELECT 'exports', count(*), coalesce(sum(bytes) FILTER (WHERE state = 'ready'), 0)::bigint, min(requested_at), max(gone_at)
		FROM exports WHERE account = $1`

// Holdings counts what is held about the candidate.
func (s *Sessions) Holdings(ctx context.Context, candidate consent.AccountID) ([]consent.Holding, error) {
	var holdings []consent.Holding
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, countHoldings, candidate)
		if err != nil {
			return err
		}
		holdings, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (consent.Holding, error) {
			var h consent.Holding
			err := row.Scan(&h.Thing, &h.Count, &h.Bytes, orZero{&h.Since}, orZero{&h.Newest})
			return h, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count what is held: %w", err)
	}
	return holdings, nil
}

// AccessesOf lists who looked at any of the candidate's sessions, the newest first, from offset on.
func (s *Sessions) AccessesOf(ctx context.Context, candidate consent.AccountID, offset, limit int) ([]consent.SessionAccess, error) {
	var accesses []consent.SessionAccess
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT c.at, c.org, o.name, c.artefact, c.session, s.role_title FROM accesses c
			JOIN organizations o ON o.id = c.org JOIN sessions s ON s.id = c.session
			WHERE s.candidate = $1 ORDER BY c.id DESC OFFSET $2 LIMIT $3`, candidate, offset, limit)
		if err != nil {
			return err
		}
		accesses, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (consent.SessionAccess, error) {
			var a consent.SessionAccess
			err := row.Scan(&a.At, &a.Org, &a.OrgName, &a.Artefact, &a.Session, &a.RoleTitle)
			return a, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list accesses: %w", err)
	}
	return accesses, nil
}

// AICallsOf lists the questions to models about any of the candidate's sessions, the newest first, from
// offset on.
func (s *Sessions) AICallsOf(ctx context.Context, candidate consent.AccountID, offset, limit int) ([]consent.SessionAICall, error) {
	var calls []consent.SessionAICall
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT c.at, c.session, c.purpose, c.model, c.place, c.prompt_sha256, c.times, s.role_title
			FROM (`+aiCalls+`) c JOIN sessions s ON s.id = c.session
			WHERE s.candidate = $1 ORDER BY c.at DESC NULLS LAST, c.session, c.purpose OFFSET $2 LIMIT $3`, candidate, offset, limit)
		if err != nil {
			return err
		}
		calls, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (consent.SessionAICall, error) {
			var c consent.SessionAICall
			err := row.Scan(orZero{&c.At}, &c.Session, &c.For, &c.Model, &c.Place, &c.PromptSHA256, &c.Times, &c.RoleTitle)
			return c, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list calls of models: %w", err)
	}
	return calls, nil
}
