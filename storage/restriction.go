package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// Restrict keeps a session from everybody but its candidate, and from being worked on, until
// [Sessions.Unrestrict]; granted records are suspended, and who is watching is cut off. Restricting twice
// is no error; [consent.ErrBadStep] while the interview goes on.
func (s *Sessions) Restrict(ctx context.Context, candidate consent.AccountID, id consent.SessionID) (consent.Session, error) {
	return s.setRestricted(ctx, candidate, id, true)
}

// Unrestrict ends a restriction, and the suspensions that it brought. A record that ended meanwhile, or
// whose notice no longer holds, stays closed.
func (s *Sessions) Unrestrict(ctx context.Context, candidate consent.AccountID, id consent.SessionID) (consent.Session, error) {
	return s.setRestricted(ctx, candidate, id, false)
}

func (s *Sessions) setRestricted(ctx context.Context, candidate consent.AccountID, id consent.SessionID, restricted bool) (consent.Session, error) {
	var session consent.Session
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		var err error
		if session, err = readSession(ctx, tx, candidate, id, lockRow); err != nil {
			return err
		}
		if !session.HeldAt.IsZero() {
			return consent.ErrHeld{Since: session.HeldAt}
		}
		if restricted && session.State == consent.SessionLive {
			return consent.ErrBadStep{State: session.State, Step: "be restricted"}
		}
		if restricted != session.RestrictedAt.IsZero() {
			return nil
		}
		const set = `UPDATE sessions SET restricted_at = CASE WHEN $2 THEN statement_timestamp() END WHERE id = $1 RETURNING restricted_at`
		if err := tx.QueryRow(ctx, set, id, restricted).Scan(orZero{&session.RestrictedAt}); err != nil {
			return err
		}
		kind, what := consent.LedgerSessionUnrestricted, "unrestricted"
		if restricted {
			kind, what = consent.LedgerSessionRestricted, "restricted"
		}
		return pause(ctx, tx, pausing{
			session: id, candidate: candidate, by: candidate, reason: consent.PausedByRestriction, begins: restricted, kind: kind, what: what,
		})
	})
	if err != nil {
		return consent.Session{}, fmt.Errorf("restrict session: %w", err)
	}
	s.database.settle(ctx)
	return session, nil
}

// pausing is the beginning or end of what suspends the records of a session.
type pausing struct {
	session   consent.SessionID
	candidate consent.AccountID
	by        consent.AccountID // empty: the operator
	reason    consent.PauseReason
	begins    bool
	kind      consent.LedgerKind
	what      string // in the session's log
}

// pause suspends the granted records of a session or resumes those that the same reason suspended, tells
// every node, and records all of it in the ledger. The caller holds the lock on the session's row.
func pause(ctx context.Context, tx pgx.Tx, p pausing) error {
	move, kind := resume, consent.LedgerAuthorizationResumed
	if p.begins {
		move, kind = suspend, consent.LedgerAuthorizationSuspended
	}
	moved, err := move(ctx, tx, p)
	if err != nil {
		return err
	}
	if err := logEvent(ctx, tx, p.session, TopicSession, p.what, nil); err != nil {
		return err
	}
	if err := notify(ctx, tx, p.session, TopicAuthorizations); err != nil {
		return err
	}
	event := consent.LedgerEvent{Kind: p.kind, Account: p.candidate, Session: p.session}
	if _, err := record(ctx, tx, event); err != nil {
		return err
	}
	for _, a := range moved {
		event := consent.LedgerEvent{
			Kind: kind, Account: p.candidate, Session: p.session, Authorization: a.ID, Org: a.Org, Reason: string(p.reason),
		}
		if _, err := record(ctx, tx, event); err != nil {
			return err
		}
	}
	return nil
}

// suspend suspends every record that is granted; one that is suspended already needs nothing more.
func suspend(ctx context.Context, tx pgx.Tx, p pausing) ([]consent.Authorization, error) {
	records, err := readAuthorizations(ctx, tx, `a.session = $1`, p.session)
	if err != nil {
		return nil, err
	}
	var moved []consent.Authorization
	for _, a := range records {
		if _, err := a.State.After(consent.EventSuspended); err != nil {
			continue
		}
		const add = `INSERT INTO authorization_events (authorization_id, org, kind, account, reason) VALUES ($1, $2, 'suspended', nullif($3, ''), $4)`
		if _, err := tx.Exec(ctx, add, a.ID, a.Org, p.by, p.reason); err != nil {
			return nil, err
		}
		moved = append(moved, a)
	}
	return moved, nil
}

// resume ends the open suspensions that have the same reason.
func resume(ctx context.Context, tx pgx.Tx, p pausing) ([]consent.Authorization, error) {
	records, err := readAuthorizations(ctx, tx, `a.session = $1`, p.session)
	if err != nil {
		return nil, err
	}
	var moved []consent.Authorization
	for _, a := range records {
		if _, err := a.State.After(consent.EventResumed); err != nil {
			continue
		}
		const add = `INSERT INTO authorization_events (authorization_id, org, kind, account, reason, ends)
			SELECT e.authorization_id, e.org, 'resumed', nullif($2, ''), e.reason, e.id FROM authorization_events e
			WHERE e.authorization_id = $1 AND e.kind = 'suspended' AND e.reason = $3
			AND NOT EXISTS (SELECT FROM authorization_events r WHERE r.ends = e.id)`
		done, err := tx.Exec(ctx, add, a.ID, p.by, p.reason)
		if err != nil {
			return nil, err
		}
		if done.RowsAffected() > 0 {
			moved = append(moved, a)
		}
	}
	return moved, nil
}
