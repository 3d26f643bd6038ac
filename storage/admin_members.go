package storage

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// ErrUnknownMember says that no employer has this address, or that the membership has ended.
var ErrUnknownMember = errors.New("no member with this address")

// ErrUnknownOrganization says that there is no organization of this name.
var ErrUnknownOrganization = errors.New("no organization of this name")

// SuspendOrganization ends everything that is shared with an organization, and lets nothing new be
// shared with it. It returns how many authorizations it revoked. Whoever is watching is cut off.
func (a *Admin) SuspendOrganization(ctx context.Context, name string) (revoked int, err error) {
	return a.setSuspended(ctx, name, true)
}

// RestoreOrganization lets an organization be shared with again. What was revoked stays so: candidates
// decide anew.
func (a *Admin) RestoreOrganization(ctx context.Context, name string) error {
	_, err := a.setSuspended(ctx, name, false)
	return err
}

func (a *Admin) setSuspended(ctx context.Context, name string, suspended bool) (revoked int, err error) {
	err = pgx.BeginFunc(ctx, a.conn, func(tx pgx.Tx) error {
		var org consent.OrgID
		var was bool
		// NO KEY: who has locked a session may add rows that name the organization, while this waits for the session.
		err := tx.QueryRow(ctx, `SELECT id, suspended_at IS NOT NULL FROM organizations WHERE name = $1 FOR NO KEY UPDATE`, name).Scan(&org, &was)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrUnknownOrganization
		}
		if err != nil || was == suspended {
			return err
		}
		if suspended {
			if _, err := tx.Exec(ctx, `UPDATE organizations SET suspended_at = statement_timestamp() WHERE id = $1`, org); err != nil {
				return err
			}
		}
		// Also before it is restored: a grant that was on its way when the organization was suspended
		// is seen now, and must not come to life.
		if revoked, err = revokeAll(ctx, tx, org); err != nil {
			return err
		}
		kind := consent.LedgerOrganizationSuspended
		if !suspended {
			kind = consent.LedgerOrganizationRestored
			if _, err := tx.Exec(ctx, `UPDATE organizations SET suspended_at = NULL WHERE id = $1`, org); err != nil {
				return err
			}
		}
		_, err = record(ctx, tx, consent.LedgerEvent{Kind: kind, Org: org})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("suspend or restore organization %q: %w", name, err)
	}
	return revoked, nil
}

// revokeAll revokes every record of an organization that has not ended. The job of a server gives the
// receipts: this connection has no key to sign them.
func revokeAll(ctx context.Context, tx pgx.Tx, org consent.OrgID) (int, error) {
	if err := lockSessionsOf(ctx, tx, org); err != nil {
		return 0, err
	}
	records, err := readAuthorizations(ctx, tx, `a.org = $1`, org)
	if err != nil {
		return 0, err
	}
	revoked := 0
	for _, r := range records {
		if r.State.Final() {
			continue
		}
		if err := addEvent(ctx, tx, r, consent.EventRevoked, ""); err != nil {
			return 0, err
		}
		if err := logEvent(ctx, tx, r.Session, TopicAuthorizations, "authorization_revoked", eventDetail{"authorization": r.ID}); err != nil {
			return 0, err
		}
		revoked++
	}
	return revoked, nil
}

// liveSessionsOf names the sessions of which an organization has a record that has not ended.
const liveSessionsOf = `SELECT DISTINCT a.session FROM authorizations a WHERE a.org = $1 AND statement_timestamp() < a.valid_until
	AND NOT EXISTS (SELECT FROM authorization_events e WHERE e.authorization_id = a.id AND e.kind IN ` + endEvents + `)`

// lockSessionsOf holds off candidates' changes to the records of an organization. All take these locks in
// the order of ids, so that nobody waits in a circle.
func lockSessionsOf(ctx context.Context, tx pgx.Tx, org consent.OrgID) error {
	_, err := tx.Exec(ctx, `SELECT id FROM sessions WHERE id IN (`+liveSessionsOf+`) ORDER BY id FOR UPDATE`, org)
	return err
}

// EndMember ends an employer's membership: it sees nothing from then on, and what it watches is cut off.
func (a *Admin) EndMember(ctx context.Context, email string) error {
	err := a.changeMember(ctx, email, `UPDATE members SET ended_at = statement_timestamp()`, consent.LedgerMemberEnded, "")
	if err != nil {
		return fmt.Errorf("end membership: %w", err)
	}
	return nil
}

// SetMemberRole changes what a member may do; billing sees nothing of any session.
func (a *Admin) SetMemberRole(ctx context.Context, email string, role consent.MemberRole) error {
	set := `UPDATE members SET role = 'reviewer', role_at = statement_timestamp()`
	switch role {
	case consent.MemberReviewer:
	case consent.MemberBilling:
		set = `UPDATE members SET role = 'billing', role_at = statement_timestamp()`
	default:
		return fmt.Errorf("set member role: unknown role %q", role)
	}
	if err := a.changeMember(ctx, email, set, consent.LedgerMemberRole, string(role)); err != nil {
		return fmt.Errorf("set member role: %w", err)
	}
	return nil
}

// changeMember changes a live membership, and tells the nodes about every session that the organization
// may see something of.
func (a *Admin) changeMember(ctx context.Context, email, set string, kind consent.LedgerKind, reason string) error {
	return pgx.BeginFunc(ctx, a.conn, func(tx pgx.Tx) error {
		var org consent.OrgID
		var account consent.AccountID
		err := tx.QueryRow(ctx, set+` WHERE ended_at IS NULL AND account = (SELECT id FROM accounts WHERE email = $1) RETURNING org, account`,
			strings.ToLower(email)).Scan(&org, &account)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrUnknownMember
		}
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, liveSessionsOf, org)
		if err != nil {
			return err
		}
		sessions, err := pgx.CollectRows(rows, pgx.RowTo[consent.SessionID])
		if err != nil {
			return err
		}
		for _, session := range sessions {
			if err := notify(ctx, tx, session, TopicAuthorizations); err != nil {
				return err
			}
		}
		_, err = record(ctx, tx, consent.LedgerEvent{Kind: kind, Account: account, Org: org, Reason: reason})
		return err
	})
}
