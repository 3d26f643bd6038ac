package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// CloseAccount cuts everything of a candidate at once: what is shared, log-ins, rooms, and all work on their
// interviews. It returns when the eraser will begin; until then [Accounts.Reopen] undoes it, but for what
// was shared and who was invited to ask. Closing twice is no error; [consent.ErrInterviewLive] while an
// interview goes on, because restricting it would lose the answer that is being given.
func (e *Erasures) CloseAccount(ctx context.Context, candidate consent.AccountID) (eraseAt time.Time, err error) {
	err = e.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		sessions, err := lockSessions(ctx, tx, candidate)
		if err != nil {
			return err
		}
		const set = `UPDATE accounts SET closed_at = statement_timestamp(), erase_at = statement_timestamp() + $2::interval, erase_cause = 'closed'
			WHERE id = $1 AND closed_at IS NULL RETURNING closed_at, erase_at`
		var closedAt time.Time
		err = tx.QueryRow(ctx, set, candidate, consent.CloseUndo).Scan(&closedAt, &eraseAt)
		if errors.Is(err, pgx.ErrNoRows) {
			return notFound(tx.QueryRow(ctx, `SELECT erase_at FROM accounts WHERE id = $1 AND erase_at IS NOT NULL`, candidate).Scan(&eraseAt))
		}
		if err != nil {
			return err
		}
		if err := noneLive(ctx, tx, candidate); err != nil {
			return err
		}
		return e.cut(ctx, tx, candidate, sessions, closedAt)
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("close account: %w", err)
	}
	e.database.settle(ctx)
	return eraseAt, nil
}

// lockSessions locks a candidate's sessions in one order, so that two who do it never wait for each other.
func lockSessions(ctx context.Context, tx pgx.Tx, candidate consent.AccountID) ([]consent.SessionID, error) {
	rows, err := tx.Query(ctx, `SELECT id FROM sessions WHERE candidate = $1 AND state <> 'erased' ORDER BY id FOR UPDATE`, candidate)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[consent.SessionID])
}

// noneLive looks at sessions that the caller has locked, so that none goes live meanwhile.
func noneLive(ctx context.Context, tx pgx.Tx, candidate consent.AccountID) error {
	var live bool
	const read = `SELECT EXISTS (SELECT FROM sessions WHERE candidate = $1 AND state = 'live')`
	if err := tx.QueryRow(ctx, read, candidate).Scan(&live); err != nil {
		return err
	}
	if live {
		return consent.ErrInterviewLive
	}
	return nil
}

// cut ends what an account has open. Interviews are restricted from the moment of closing on, by which
// opening again finds them.
func (e *Erasures) cut(ctx context.Context, tx pgx.Tx, candidate consent.AccountID, sessions []consent.SessionID, at time.Time) error {
	var ended []consent.AuthorizationID
	for _, session := range sessions {
		of, err := endShares(ctx, tx, session, consent.EventWithdrawn, candidate)
		if err != nil {
			return err
		}
		ended = append(ended, of...)
		if err := notify(ctx, tx, session, TopicSession); err != nil {
			return err
		}
	}
	if err := cancelInvitations(ctx, tx, sessions...); err != nil {
		return err
	}
	const restrict = `UPDATE sessions SET restricted_at = $2 WHERE candidate = $1 AND restricted_at IS NULL AND state <> 'erased'`
	if _, err := tx.Exec(ctx, restrict, candidate, at); err != nil {
		return err
	}
	if _, err := endLogIns(ctx, tx, `account = $1`, candidate); err != nil {
		return err
	}
	for _, id := range ended {
		if err := e.database.attestEnd(ctx, tx, consent.LedgerAuthorizationWithdrawn, id, "account_closed"); err != nil {
			return err
		}
	}
	_, err := record(ctx, tx, consent.LedgerEvent{Kind: consent.LedgerAccountClosing, Account: candidate})
	return err
}

// Reopen undoes the closing of an account whose erasure has not begun; [consent.ErrNotFound] if there is
// none. What was shared stays ended, and invitations stay cancelled.
func (a *Accounts) Reopen(ctx context.Context, account consent.AccountID) error {
	err := a.database.in(ctx, RoleLogin, rowContext{account: string(account)}, func(tx pgx.Tx) error {
		const find = `SELECT closed_at FROM accounts WHERE id = $1 AND closed_at IS NOT NULL AND erase_at > statement_timestamp() FOR UPDATE`
		var closedAt time.Time
		if err := tx.QueryRow(ctx, find, account).Scan(&closedAt); err != nil {
			return notFound(err)
		}
		if _, err := tx.Exec(ctx, `UPDATE accounts SET closed_at = NULL, erase_at = NULL, erase_cause = NULL, used_at = statement_timestamp() WHERE id = $1`, account); err != nil {
			return err
		}
		const lift = `UPDATE sessions SET restricted_at = NULL WHERE candidate = $1 AND restricted_at = $2 AND state <> 'erased'`
		if _, err := tx.Exec(ctx, lift, account, closedAt); err != nil {
			return err
		}
		_, err := record(ctx, tx, consent.LedgerEvent{Kind: consent.LedgerAccountReopened, Account: account})
		return err
	})
	if err != nil {
		return fmt.Errorf("open a closed account again: %w", err)
	}
	a.database.settle(ctx)
	return nil
}

// ReportChild closes the account of a candidate who is a child, without thirty days: everything of it is
// erased for every plane at once, and a running server does the rest within a minute, however long its
// object store may be away. [consent.ErrNotFound] if no candidate has the address. It returns how many
// interviews there are.
func (a *Admin) ReportChild(ctx context.Context, email string) (sessions int, err error) {
	err = pgx.BeginFunc(ctx, a.conn, func(tx pgx.Tx) error {
		const find = `SELECT id FROM accounts WHERE email = lower($1) AND kind = 'candidate' AND erased_at IS NULL`
		var account consent.AccountID
		if err := tx.QueryRow(ctx, find, email).Scan(&account); err != nil {
			return notFound(err)
		}
		ids, err := lockSessions(ctx, tx, account)
		if err != nil {
			return err
		}
		sessions = len(ids)
		const end = `UPDATE accounts SET closed_at = coalesce(closed_at, statement_timestamp()), erase_at = statement_timestamp(),
			erase_cause = 'child' WHERE id = $1`
		if _, err := tx.Exec(ctx, end, account); err != nil {
			return err
		}
		for _, id := range ids {
			if err := addErasure(ctx, tx, id, account, consent.CauseChild, consent.ErasureRunning); err != nil {
				return err
			}
			if err := markErased(ctx, tx, id); err != nil {
				return err
			}
		}
		if _, err := endLogIns(ctx, tx, `account = $1`, account); err != nil {
			return err
		}
		_, err = record(ctx, tx, consent.LedgerEvent{Kind: consent.LedgerErasureRequested, Account: account, Reason: string(consent.CauseChild)})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("erase a reported child: %w", err)
	}
	return sessions, nil
}
