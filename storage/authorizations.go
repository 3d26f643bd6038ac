package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// mostAccesses bounds how many reads of a session are listed, the newest.
const mostAccesses = 1000

// authorizationColumns go with scanAuthorization; the tables are in authorizationTables. The state is
// derived from the events and the database's time: a record that ended says how, one whose time is
// up has expired.
const (
	authorizationColumns = `a.id, a.session, a.org, o.name, a.purpose, a.scopes, a.valid_from, a.valid_until, a.granted_at,
		CASE WHEN e.kind IS NOT NULL THEN e.kind WHEN statement_timestamp() >= a.valid_until THEN 'expired' ELSE 'granted' END,
		CASE WHEN e.kind IS NOT NULL THEN e.at WHEN statement_timestamp() >= a.valid_until THEN a.valid_until END`
	authorizationTables = `authorizations a JOIN organizations o ON o.id = a.org
		LEFT JOIN authorization_events e ON e.authorization_id = a.id AND e.kind <> 'granted'`
)

func scanAuthorization(row pgx.CollectableRow) (consent.Authorization, error) {
	var a consent.Authorization
	err := row.Scan(&a.ID, &a.Session, &a.Org, &a.OrgName, &a.Purpose, &a.Scopes, &a.ValidFrom, &a.ValidUntil,
		&a.GrantedAt, &a.State, orZero{&a.EndedAt})
	return a, err
}

// Organizations lists whom a session can be shared with.
func (s *Sessions) Organizations(ctx context.Context, candidate consent.AccountID) ([]consent.Organization, error) {
	var organizations []consent.Organization
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id, name FROM organizations ORDER BY name`)
		if err != nil {
			return err
		}
		organizations, err = pgx.CollectRows(rows, pgx.RowToStructByPos[consent.Organization])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list organizations: %w", err)
	}
	return organizations, nil
}

// Authorizations lists a session's records in any state, the newest first.
func (s *Sessions) Authorizations(ctx context.Context, candidate consent.AccountID, id consent.SessionID) ([]consent.Authorization, error) {
	var authorizations []consent.Authorization
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		if _, err := readSession(ctx, tx, candidate, id, ""); err != nil {
			return err
		}
		const read = `SELECT ` + authorizationColumns + ` FROM ` + authorizationTables + `
			WHERE a.session = $1 ORDER BY a.granted_at DESC, a.id`
		rows, err := tx.Query(ctx, read, id)
		if err != nil {
			return err
		}
		authorizations, err = pgx.CollectRows(rows, scanAuthorization)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list authorizations: %w", err)
	}
	return authorizations, nil
}

// Authorize stores the record and its granted event, supersedes a live one for the same organization
// and purpose, and tells every node. The session's row is locked, so that of two requests at once the
// later supersedes the earlier.
func (s *Sessions) Authorize(ctx context.Context, candidate consent.AccountID, id consent.SessionID, request consent.AuthorizationRequest) (consent.Authorization, error) {
	var granted consent.Authorization
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		session, err := readSession(ctx, tx, candidate, id, lockRow)
		if err != nil {
			return err
		}
		if session.NoticeSHA256 == "" { // nothing exists yet that could be shared, nor a notice that said how
			return consent.ErrBadStep{State: session.State, Step: "be shared"}
		}
		now, err := databaseTime(ctx, tx)
		if err != nil {
			return err
		}
		if err := request.Check(now); err != nil {
			return err
		}
		superseded, err := supersede(ctx, tx, candidate, id, request)
		if err != nil {
			return err
		}
		if granted, err = addAuthorization(ctx, tx, candidate, id, request); err != nil {
			return err
		}
		var before consent.AuthorizationID
		for _, before = range superseded {
			if err := s.database.attestEnd(ctx, tx, consent.LedgerAuthorizationSuperseded, before, ""); err != nil {
				return err
			}
		}
		return s.database.attestGrant(ctx, tx, session, granted, before)
	})
	if hasCode(err, foreignKeyViolation) {
		err = consent.ErrNotFound // no such organization
	}
	if err != nil {
		return consent.Authorization{}, fmt.Errorf("authorize: %w", err)
	}
	return granted, nil
}

func supersede(ctx context.Context, tx pgx.Tx, candidate consent.AccountID, id consent.SessionID, request consent.AuthorizationRequest) ([]consent.AuthorizationID, error) {
	const end = `INSERT INTO authorization_events (authorization_id, org, kind, account)
		SELECT a.id, a.org, 'superseded', $4 FROM authorizations a
		WHERE a.session = $1 AND a.org = $2 AND a.purpose = $3 AND statement_timestamp() < a.valid_until
		AND NOT EXISTS (SELECT FROM authorization_events e WHERE e.authorization_id = a.id AND e.kind <> 'granted') RETURNING authorization_id`
	rows, err := tx.Query(ctx, end, id, request.Org, request.Purpose, candidate)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[consent.AuthorizationID])
}

func addAuthorization(ctx context.Context, tx pgx.Tx, candidate consent.AccountID, id consent.SessionID, request consent.AuthorizationRequest) (consent.Authorization, error) {
	record := consent.NewID[consent.AuthorizationID]()
	const add = `INSERT INTO authorizations (id, session, org, purpose, scopes, valid_until) VALUES ($1, $2, $3, $4, $5, $6)`
	if _, err := tx.Exec(ctx, add, record, id, request.Org, request.Purpose, request.Scopes, request.ValidUntil); err != nil {
		return consent.Authorization{}, err
	}
	const event = `INSERT INTO authorization_events (authorization_id, org, kind, account) VALUES ($1, $2, 'granted', $3)`
	if _, err := tx.Exec(ctx, event, record, request.Org, candidate); err != nil {
		return consent.Authorization{}, err
	}
	rows, err := tx.Query(ctx, `SELECT `+authorizationColumns+` FROM `+authorizationTables+` WHERE a.id = $1`, record)
	if err != nil {
		return consent.Authorization{}, err
	}
	granted, err := pgx.CollectExactlyOneRow(rows, scanAuthorization)
	if err != nil {
		return consent.Authorization{}, err
	}
	return granted, logEvent(ctx, tx, id, TopicAuthorizations, "authorized", eventDetail{"authorization": record})
}

// WithdrawAuthorization ends a record and tells every node; ending one twice is no error.
func (s *Sessions) WithdrawAuthorization(ctx context.Context, candidate consent.AccountID, session consent.SessionID, id consent.AuthorizationID) error {
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		if _, err := readSession(ctx, tx, candidate, session, lockRow); err != nil {
			return err
		}
		var known bool
		const find = `SELECT EXISTS (SELECT FROM authorizations WHERE id = $1 AND session = $2)`
		if err := tx.QueryRow(ctx, find, id, session).Scan(&known); err != nil {
			return err
		}
		if !known {
			return consent.ErrNotFound
		}
		const end = `INSERT INTO authorization_events (authorization_id, org, kind, account)
			SELECT a.id, a.org, 'withdrawn', $2 FROM authorizations a WHERE a.id = $1 AND statement_timestamp() < a.valid_until
			ON CONFLICT DO NOTHING`
		done, err := tx.Exec(ctx, end, id, candidate)
		if err != nil || done.RowsAffected() == 0 {
			return err
		}
		if err := logEvent(ctx, tx, session, TopicAuthorizations, "authorization_withdrawn", eventDetail{"authorization": id}); err != nil {
			return err
		}
		return s.database.attestEnd(ctx, tx, consent.LedgerAuthorizationWithdrawn, id, "")
	})
	if err != nil {
		return fmt.Errorf("withdraw authorization: %w", err)
	}
	return nil
}

// Accesses lists what employers were shown of a session, the newest first.
func (s *Sessions) Accesses(ctx context.Context, candidate consent.AccountID, id consent.SessionID) ([]consent.Access, error) {
	var accesses []consent.Access
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		if _, err := readSession(ctx, tx, candidate, id, ""); err != nil {
			return err
		}
		const read = `SELECT c.at, c.org, o.name, c.artefact FROM accesses c JOIN organizations o ON o.id = c.org
			WHERE c.session = $1 ORDER BY c.id DESC LIMIT $2`
		rows, err := tx.Query(ctx, read, id, mostAccesses)
		if err != nil {
			return err
		}
		accesses, err = pgx.CollectRows(rows, pgx.RowToStructByPos[consent.Access])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list accesses: %w", err)
	}
	return accesses, nil
}
