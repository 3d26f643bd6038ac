package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// ConfirmRequest grants what somebody asked for by an invitation, exactly as it was offered, and
// supersedes a live record for the same organization and purpose. [consent.ErrBadEvent] if the record is
// not waiting any more.
func (s *Sessions) ConfirmRequest(ctx context.Context, candidate consent.AccountID, id consent.SessionID, asked consent.AuthorizationID) (consent.Authorization, error) {
	var granted consent.Authorization
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		session, request, err := lockRecord(ctx, tx, candidate, id, asked)
		if err != nil {
			return err
		}
		if request.State != consent.AuthorizationRequested { // others may be granted as well, but not confirmed
			return consent.ErrBadEvent{State: request.State, Event: consent.EventGranted}
		}
		terms := consent.AuthorizationRequest{
			Org: request.Org, Purpose: request.Purpose, Scopes: request.Scopes, ValidUntil: request.ValidUntil, NoticeSHA256: request.NoticeSHA256,
		}
		if err := mayShare(ctx, tx, session, terms); err != nil {
			return err
		}
		if _, err := noticeInForce(ctx, tx, request.NoticeSHA256); err != nil {
			return err
		}
		superseded, err := supersede(ctx, tx, candidate, id, terms)
		if err != nil {
			return err
		}
		if err := addConfirmation(ctx, tx, request, candidate, last(superseded)); err != nil {
			return err
		}
		if granted, err = readBack(ctx, tx, asked, "request_confirmed"); err != nil {
			return err
		}
		return s.database.attestGranted(ctx, tx, session, granted, superseded)
	})
	if err != nil {
		return consent.Authorization{}, fmt.Errorf("confirm request: %w", err)
	}
	s.database.settle(ctx) // it may have ended another
	return granted, nil
}

// addConfirmation grants a record that was asked for. What it takes the place of is written with the grant:
// the record was made before anybody knew.
func addConfirmation(ctx context.Context, tx pgx.Tx, request consent.Authorization, candidate consent.AccountID, superseded consent.AuthorizationID) error {
	if _, err := request.State.After(consent.EventGranted); err != nil {
		return err
	}
	const add = `INSERT INTO authorization_events (authorization_id, org, kind, account, supersedes) VALUES ($1, $2, 'granted', $3, nullif($4, ''))`
	_, err := tx.Exec(ctx, add, request.ID, request.Org, candidate, superseded)
	return err
}

// RefuseRequest ends a record that was only asked for; the organization learns no more than that it is
// closed. Refusing twice is no error.
func (s *Sessions) RefuseRequest(ctx context.Context, candidate consent.AccountID, id consent.SessionID, asked consent.AuthorizationID) error {
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		_, request, err := lockRecord(ctx, tx, candidate, id, asked)
		if err != nil || request.State == consent.AuthorizationRefused {
			return err
		}
		return s.endRecord(ctx, tx, request, consent.EventRefused, consent.LedgerAuthorizationRefused, candidate)
	})
	if err != nil {
		return fmt.Errorf("refuse request: %w", err)
	}
	s.database.settle(ctx)
	return nil
}

// lockRecord reads a record of the candidate's session, and holds off other changes to it.
func lockRecord(ctx context.Context, tx pgx.Tx, candidate consent.AccountID, id consent.SessionID, record consent.AuthorizationID) (consent.Session, consent.Authorization, error) {
	session, err := readSession(ctx, tx, candidate, id, lockRow)
	if err != nil {
		return consent.Session{}, consent.Authorization{}, err
	}
	records, err := readAuthorizations(ctx, tx, `a.id = $1 AND a.session = $2`, record, id)
	if err != nil {
		return consent.Session{}, consent.Authorization{}, err
	}
	if len(records) == 0 {
		return consent.Session{}, consent.Authorization{}, consent.ErrNotFound
	}
	return session, records[0], nil
}

// endRecord lets the candidate end a record, tells every node and gives the receipts.
func (s *Sessions) endRecord(ctx context.Context, tx pgx.Tx, record consent.Authorization, event consent.AuthorizationEvent, kind consent.LedgerKind, candidate consent.AccountID) error {
	if err := addEvent(ctx, tx, record, event, candidate); err != nil {
		return err
	}
	if err := logEvent(ctx, tx, record.Session, TopicAuthorizations, "authorization_"+string(event), eventDetail{"authorization": record.ID}); err != nil {
		return err
	}
	return s.database.attestEnd(ctx, tx, kind, record.ID, "")
}
