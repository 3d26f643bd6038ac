package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

const invitationColumns = `i.id, i.purpose, i.scopes, i.valid_until, i.created_at, i.expires_at, coalesce(i.authorization_id, ''),
	CASE WHEN i.redeemed_at IS NOT NULL THEN 'redeemed' WHEN i.cancelled_at IS NOT NULL THEN 'cancelled'
		WHEN statement_timestamp() >= least(i.expires_at, i.valid_until) THEN 'expired' ELSE 'open' END`

func scanInvitation(row pgx.CollectableRow) (consent.Invitation, error) {
	var i consent.Invitation
	err := row.Scan(&i.ID, &i.Purpose, &i.Scopes, &i.ValidUntil, &i.CreatedAt, &i.ExpiresAt, &i.Authorization, &i.State)
	return i, err
}

// Invite makes an invitation to ask for a session, and returns its secret, which is told this once. The
// request names no organization: whoever redeems it does.
func (s *Sessions) Invite(ctx context.Context, candidate consent.AccountID, id consent.SessionID, request consent.AuthorizationRequest) (consent.Invitation, consent.InvitationSecret, error) {
	secret := consent.NewInvitationSecret()
	var made consent.Invitation
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		session, err := readSession(ctx, tx, candidate, id, lockRow)
		if err != nil {
			return err
		}
		if err := sharable(session); err != nil {
			return err
		}
		now, err := databaseTime(ctx, tx)
		if err != nil {
			return err
		}
		if err := request.Check(now); err != nil {
			return err
		}
		notice, err := noticeInForce(ctx, tx, request.NoticeSHA256)
		if err != nil {
			return err
		}
		const add = `INSERT INTO invitations AS i (id, session, secret_sha256, purpose, scopes, valid_until, notice_sha256, notice_version)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ` + invitationColumns
		rows, err := tx.Query(ctx, add, consent.NewID[consent.InvitationID](), id, secret.SHA256(), request.Purpose, request.Scopes,
			request.ValidUntil, request.NoticeSHA256, notice)
		if err != nil {
			return err
		}
		if made, err = pgx.CollectExactlyOneRow(rows, scanInvitation); err != nil {
			return err
		}
		return logEvent(ctx, tx, id, TopicAuthorizations, "invited", eventDetail{"invitation": made.ID})
	})
	if err != nil {
		return consent.Invitation{}, "", fmt.Errorf("invite: %w", err)
	}
	return made, secret, nil
}

// Invitations lists a session's invitations, the newest first.
func (s *Sessions) Invitations(ctx context.Context, candidate consent.AccountID, id consent.SessionID) ([]consent.Invitation, error) {
	var invitations []consent.Invitation
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		if _, err := readSession(ctx, tx, candidate, id, ""); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT `+invitationColumns+` FROM invitations i WHERE i.session = $1 ORDER BY i.created_at DESC, i.id`, id)
		if err != nil {
			return err
		}
		invitations, err = pgx.CollectRows(rows, scanInvitation)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list invitations: %w", err)
	}
	return invitations, nil
}

// CancelInvitation makes an open invitation useless; one that is not open any more stays as it is.
func (s *Sessions) CancelInvitation(ctx context.Context, candidate consent.AccountID, session consent.SessionID, id consent.InvitationID) error {
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		if _, err := readSession(ctx, tx, candidate, session, lockRow); err != nil {
			return err
		}
		const cancel = `UPDATE invitations SET cancelled_at = statement_timestamp()
			WHERE id = $1 AND session = $2 AND redeemed_at IS NULL AND cancelled_at IS NULL`
		done, err := tx.Exec(ctx, cancel, id, session)
		if err != nil {
			return err
		}
		if done.RowsAffected() > 0 {
			return logEvent(ctx, tx, session, TopicAuthorizations, "invitation_cancelled", eventDetail{"invitation": id})
		}
		var known bool
		if err := tx.QueryRow(ctx, `SELECT true FROM invitations WHERE id = $1 AND session = $2`, id, session).Scan(&known); err != nil {
			return notFound(err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cancel invitation: %w", err)
	}
	return nil
}

// cancelInvitations makes the open invitations of sessions useless that are erased, or whose account is
// closed. The caller holds the locks on the sessions' rows. One that is being redeemed is waited for, and is
// not open any more then.
func cancelInvitations(ctx context.Context, tx pgx.Tx, sessions ...consent.SessionID) error {
	const cancel = `UPDATE invitations SET cancelled_at = statement_timestamp()
		WHERE session = ANY($1) AND authorization_id IS NULL AND cancelled_at IS NULL`
	if _, err := tx.Exec(ctx, cancel, sessions); err != nil {
		return fmt.Errorf("cancel invitations: %w", err)
	}
	return nil
}

// Redeem uses an invitation up and asks for what it offers, for the actor's organization; nothing is
// visible before the candidate confirms. [consent.ErrNotFound] whatever is wrong: an unknown secret, one
// that was used, cancelled or is too old, or an actor who may not ask.
func (s *Shared) Redeem(ctx context.Context, actor consent.Actor, secret consent.InvitationSecret) (consent.Request, error) {
	if actor.Kind != consent.ActorEmployer {
		return consent.Request{}, consent.ErrNotFound
	}
	asked := consent.Request{ID: consent.NewID[consent.AuthorizationID](), State: consent.RequestWaiting}
	about := rowContext{account: string(actor.Account), org: string(actor.Org), invitation: secret.SHA256()}
	err := s.database.in(ctx, RoleEmployer, about, func(tx pgx.Tx) error {
		session, err := claimInvitation(ctx, tx, actor, secret, &asked)
		if err != nil {
			return err
		}
		const event = `INSERT INTO authorization_events (authorization_id, org, kind, account) VALUES ($1, $2, 'requested', $3)`
		if _, err := tx.Exec(ctx, event, asked.ID, actor.Org, actor.Account); err != nil {
			return err
		}
		const note = `INSERT INTO requests (authorization_id, org, account, purpose, scopes, valid_until)
			VALUES ($1, $2, $3, $4, $5, $6) RETURNING at`
		err = tx.QueryRow(ctx, note, asked.ID, actor.Org, actor.Account, asked.Purpose, asked.Scopes, asked.ValidUntil).Scan(&asked.At)
		if err != nil {
			return err
		}
		if err := notify(ctx, tx, session, TopicAuthorizations); err != nil {
			return err
		}
		_, err = record(ctx, tx, consent.LedgerEvent{
			Kind: consent.LedgerAuthorizationRequested, Session: session, Authorization: asked.ID, Org: actor.Org,
			Purpose: asked.Purpose, Scopes: asked.Scopes, ValidUntil: asked.ValidUntil,
		})
		return err
	})
	if hasCode(err, uniqueViolation) { // somebody else asked by it at the same time
		err = consent.ErrNotFound
	}
	if err != nil {
		return consent.Request{}, fmt.Errorf("redeem invitation: %w", notFound(err))
	}
	return asked, nil
}

// claimInvitation stores the record that an invitation offers, and takes the invitation if it is still good,
// so that a second claim finds none. It fills in the terms. The record comes first, because what it refers
// to is locked by it: the session before its invitation, as everybody does. Whoever is ending the session
// is waited for, and has cancelled the invitation then.
func claimInvitation(ctx context.Context, tx pgx.Tx, actor consent.Actor, secret consent.InvitationSecret, asked *consent.Request) (consent.SessionID, error) {
	const good = ` WHERE secret_sha256 = $1 AND redeemed_at IS NULL AND cancelled_at IS NULL
		AND statement_timestamp() < expires_at AND statement_timestamp() < valid_until`
	var invitation consent.InvitationID
	var session consent.SessionID
	const read = `SELECT id, session, purpose, scopes, valid_until FROM invitations` + good
	err := tx.QueryRow(ctx, read, secret.SHA256()).Scan(&invitation, &session, &asked.Purpose, &asked.Scopes, &asked.ValidUntil)
	if err != nil {
		return "", err
	}
	const ask = `INSERT INTO authorizations (id, session, org, purpose, scopes, valid_until, notice_sha256, notice_version, invitation, requested_by)
		SELECT $1, session, $2, purpose, scopes, valid_until, notice_sha256, notice_version, id, $3 FROM invitations WHERE id = $4`
	if _, err := tx.Exec(ctx, ask, asked.ID, actor.Org, actor.Account, invitation); err != nil {
		return "", err
	}
	const claim = `UPDATE invitations SET redeemed_at = statement_timestamp(), authorization_id = $2` + good
	done, err := tx.Exec(ctx, claim, secret.SHA256(), asked.ID)
	if err == nil && done.RowsAffected() != 1 {
		err = pgx.ErrNoRows // it is good no more
	}
	return session, err
}

// Requests lists what the actor's organization asked for, the newest first. How a request ended is not
// said: a candidate's refusal must not be held against them.
func (s *Shared) Requests(ctx context.Context, actor consent.Actor) ([]consent.Request, error) {
	var requests []consent.Request
	err := s.asEmployer(ctx, actor, func(tx pgx.Tx) error {
		const read = `SELECT r.authorization_id, r.at, r.purpose, r.scopes, r.valid_until,
				CASE WHEN a.id IS NOT NULL THEN 'shared'
					WHEN statement_timestamp() >= r.valid_until OR EXISTS (SELECT FROM authorization_events e
						WHERE e.authorization_id = r.authorization_id AND e.kind <> 'requested') THEN 'closed'
					ELSE 'waiting' END
			FROM requests r LEFT JOIN authorizations a ON a.id = r.authorization_id
			WHERE r.org = $1 ORDER BY r.at DESC, r.authorization_id`
		rows, err := tx.Query(ctx, read, actor.Org)
		if err != nil {
			return err
		}
		requests, err = pgx.CollectRows(rows, pgx.RowToStructByPos[consent.Request])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list requests: %w", err)
	}
	return requests, nil
}
