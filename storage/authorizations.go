package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// mostAccesses bounds how many reads of a session are listed, the newest.
const mostAccesses = 1000

// Organizations lists whom a session can be shared with.
func (s *Sessions) Organizations(ctx context.Context, candidate consent.AccountID) ([]consent.Organization, error) {
	var organizations []consent.Organization
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id, name FROM organizations WHERE suspended_at IS NULL ORDER BY name`)
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
		var err error
		if authorizations, err = readAuthorizations(ctx, tx, `a.session = $1`, id); err != nil {
			return err
		}
		return nameRequesters(ctx, tx, id, authorizations)
	})
	if err != nil {
		return nil, fmt.Errorf("list authorizations: %w", err)
	}
	return authorizations, nil
}

// nameRequesters says who asked for the records that somebody asked for.
func nameRequesters(ctx context.Context, tx pgx.Tx, id consent.SessionID, authorizations []consent.Authorization) error {
	const read = `SELECT a.id, p.display_name FROM authorizations a JOIN accounts p ON p.id = a.requested_by WHERE a.session = $1`
	rows, err := tx.Query(ctx, read, id)
	if err != nil {
		return err
	}
	names := make(map[consent.AuthorizationID]string)
	var record consent.AuthorizationID
	var name string
	_, err = pgx.ForEachRow(rows, []any{&record, &name}, func() error {
		names[record] = name
		return nil
	})
	for i := range authorizations {
		authorizations[i].RequestedBy = names[authorizations[i].ID]
	}
	return err
}

// Authorize stores the record and its granted event, supersedes a live or suspended one for the same
// organization and purpose, and tells every node. Less than before takes effect at once, and more than
// before is a new act like any other. The session's row is locked, so that of two requests at once the
// later supersedes the earlier. [consent.ErrNoticeChanged] if the notice no longer holds.
func (s *Sessions) Authorize(ctx context.Context, candidate consent.AccountID, id consent.SessionID, request consent.AuthorizationRequest) (consent.Authorization, error) {
	var granted consent.Authorization
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		session, err := readSession(ctx, tx, candidate, id, lockRow)
		if err != nil {
			return err
		}
		granted, err = s.grant(ctx, tx, session, request)
		return err
	})
	if err != nil {
		return consent.Authorization{}, fmt.Errorf("authorize: %w", err)
	}
	s.database.settle(ctx) // it may have ended another
	return granted, nil
}

// grant makes a new record that is granted at once. The caller holds the lock on the session's row.
func (s *Sessions) grant(ctx context.Context, tx pgx.Tx, session consent.Session, request consent.AuthorizationRequest) (consent.Authorization, error) {
	if err := mayShare(ctx, tx, session, request); err != nil {
		return consent.Authorization{}, err
	}
	notice, err := noticeInForce(ctx, tx, request.NoticeSHA256)
	if err != nil {
		return consent.Authorization{}, err
	}
	superseded, err := supersede(ctx, tx, session.Candidate, session.ID, request)
	if err != nil {
		return consent.Authorization{}, err
	}
	granted, err := addAuthorization(ctx, tx, session.Candidate, consent.Authorization{
		ID: consent.NewID[consent.AuthorizationID](), Session: session.ID, Org: request.Org, Purpose: request.Purpose, Scopes: request.Scopes,
		ValidUntil: request.ValidUntil, NoticeSHA256: request.NoticeSHA256, NoticeVersion: notice, Supersedes: last(superseded),
	})
	if err != nil {
		return consent.Authorization{}, err
	}
	return granted, s.database.attestGranted(ctx, tx, session, granted, superseded)
}

// attestGranted gives the receipts of a new authorization, and of the ends that it brought.
func (d *Database) attestGranted(ctx context.Context, tx pgx.Tx, session consent.Session, granted consent.Authorization, superseded []consent.AuthorizationID) error {
	for _, before := range superseded {
		if err := d.attestEnd(ctx, tx, consent.LedgerAuthorizationSuperseded, before, ""); err != nil {
			return err
		}
	}
	return d.attestGrant(ctx, tx, session, granted)
}

// WithdrawAuthorization ends a record, also one that is suspended or only asked for, and tells every
// node; ending one that has ended already is no error.
func (s *Sessions) WithdrawAuthorization(ctx context.Context, candidate consent.AccountID, session consent.SessionID, id consent.AuthorizationID) error {
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		_, record, err := lockRecord(ctx, tx, candidate, session, id)
		if err != nil || record.State.Final() {
			return err
		}
		return s.endRecord(ctx, tx, record, consent.EventWithdrawn, consent.LedgerAuthorizationWithdrawn, candidate)
	})
	if err != nil {
		return fmt.Errorf("withdraw authorization: %w", err)
	}
	s.database.settle(ctx)
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
