package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// closedAccount is one whose time has come.
type closedAccount struct {
	id    consent.AccountID
	email string
	cause consent.ErasureCause
}

// EraseAccounts goes on with the accounts whose time has come: it asks for the erasure of each of their
// interviews, and empties those that have none left. A legal hold on one interview keeps the account's own
// row until it is lifted. It returns how many it emptied.
func (e *Eraser) EraseAccounts(ctx context.Context) (emptied int, err error) {
	due, err := e.closedAccounts(ctx)
	if err != nil {
		return 0, fmt.Errorf("look for accounts to erase: %w", err)
	}
	var failures []error
	for _, account := range due {
		done, err := e.eraseAccount(ctx, account)
		if err != nil {
			failures = append(failures, fmt.Errorf("erase account %s: %w", account.id, err))
		}
		if done {
			emptied++
		}
	}
	return emptied, errors.Join(failures...)
}

func (e *Eraser) closedAccounts(ctx context.Context) ([]closedAccount, error) {
	var due []closedAccount
	err := e.database.in(ctx, RoleErasure, rowContext{}, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id, email, erase_cause FROM accounts
			WHERE erase_at <= statement_timestamp() AND erased_at IS NULL ORDER BY erase_at`)
		if err != nil {
			return err
		}
		due, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (a closedAccount, err error) {
			err = row.Scan(&a.id, &a.email, &a.cause)
			return a, err
		})
		return err
	})
	return due, err
}

// eraseAccount reports whether nothing of the account was left to erase, so that it was emptied.
func (e *Eraser) eraseAccount(ctx context.Context, account closedAccount) (emptied bool, err error) {
	left := 0
	err = e.database.in(ctx, RoleErasure, rowContext{account: string(account.id)}, func(tx pgx.Tx) error {
		const ask = `INSERT INTO erasures (id, session, account, cause, state)
			SELECT $1, s.id, s.candidate, $3, CASE WHEN s.held_at IS NULL THEN 'running' ELSE 'paused' END
			FROM sessions s WHERE s.candidate = $2 AND NOT EXISTS (SELECT FROM erasures e WHERE e.session = s.id) LIMIT 1`
		for {
			asked, err := tx.Exec(ctx, ask, consent.NewID[consent.ErasureID](), account.id, account.cause)
			if err != nil {
				return err
			}
			if asked.RowsAffected() == 0 {
				break
			}
		}
		const open = `SELECT count(*) FROM erasures WHERE account = $1 AND state <> 'done'`
		return tx.QueryRow(ctx, open, account.id).Scan(&left)
	})
	if err != nil || left > 0 {
		return false, err
	}
	if err := e.exports.EraseAccount(ctx, account.id); err != nil {
		return false, err //nolint:wrapcheck // says itself what it did
	}
	if err := e.empty(ctx, account); err != nil {
		return false, err
	}
	e.database.settle(ctx)
	return true, nil
}

// empty leaves an id: the records of consent, which have no content, still need somebody to be about.
func (e *Eraser) empty(ctx context.Context, account closedAccount) error {
	return e.database.in(ctx, RoleErasure, rowContext{account: string(account.id)}, func(tx pgx.Tx) error {
		for _, statement := range []string{
			`DELETE FROM log_ins WHERE account = $1`,
			`DELETE FROM second_factors WHERE account = $1`,
			`DELETE FROM members WHERE account = $1`,
			`DELETE FROM ledger_openings WHERE account = $1 AND session = ''`,
		} {
			if _, err := tx.Exec(ctx, statement, account.id); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `DELETE FROM log_in_failures WHERE email_sha256 = $1`, emailHash(account.email)); err != nil {
			return err
		}
		const empty = `UPDATE accounts SET email = id || '@erased.invalid', display_name = 'erased', password_hash = '$argon2id$erased',
			pepper = '', erased_at = statement_timestamp() WHERE id = $1 AND erased_at IS NULL RETURNING erased_at`
		var at time.Time
		err := tx.QueryRow(ctx, empty, account.id).Scan(&at)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // another node did
		}
		if err != nil {
			return err
		}
		_, err = record(ctx, tx, consent.LedgerEvent{Kind: consent.LedgerAccountErased, Account: account.id, Reason: string(account.cause)})
		return err
	})
}
