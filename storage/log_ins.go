package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// CreateLogIn stores a log-in under the SHA-256 of its token, and drops the account's expired ones.
func (a *Accounts) CreateLogIn(ctx context.Context, tokenSHA256 [32]byte, account consent.AccountID, idle, absolute time.Duration) error {
	err := a.database.in(ctx, RoleLogin, rowContext{}, func(tx pgx.Tx) error {
		const drop = `DELETE FROM log_ins WHERE account = $1 AND least(idle_until, absolute_until) <= statement_timestamp()`
		if _, err := tx.Exec(ctx, drop, account); err != nil {
			return err
		}
		const add = `INSERT INTO log_ins (token_sha256, account, idle, idle_until, absolute_until)
			VALUES ($1, $2, $3, statement_timestamp() + $3, statement_timestamp() + $4)`
		_, err := tx.Exec(ctx, add, tokenSHA256[:], account, idle, absolute)
		return err
	})
	if err != nil {
		return fmt.Errorf("create log-in: %w", err)
	}
	return nil
}

// LogIn returns the account of a live log-in and moves its idle limit; [consent.ErrNotFound] if there
// is none. The limit is moved when it would move by a hundredth, not on every request.
func (a *Accounts) LogIn(ctx context.Context, tokenSHA256 [32]byte) (consent.Account, error) {
	const read = `WITH live AS (
			SELECT account FROM log_ins WHERE token_sha256 = $1
			AND statement_timestamp() < idle_until AND statement_timestamp() < absolute_until),
		moved AS (
			UPDATE log_ins SET idle_until = statement_timestamp() + idle WHERE token_sha256 = $1
			AND EXISTS (SELECT FROM live) AND idle_until < statement_timestamp() + idle * 0.99)
		SELECT ` + accountColumns + ` FROM ` + accountTables + ` JOIN live ON live.account = a.id
		WHERE a.closed_at IS NULL`
	var account consent.Account
	if err := a.database.Pool(RoleLogin).QueryRow(ctx, read, tokenSHA256[:]).Scan(accountFields(&account)...); err != nil {
		return consent.Account{}, fmt.Errorf("find log-in: %w", notFound(err))
	}
	return account, nil
}

// EndLogIn ends one log-in; ending one that does not exist is no error.
func (a *Accounts) EndLogIn(ctx context.Context, tokenSHA256 [32]byte) error {
	if _, err := a.database.Pool(RoleLogin).Exec(ctx, `DELETE FROM log_ins WHERE token_sha256 = $1`, tokenSHA256[:]); err != nil {
		return fmt.Errorf("end log-in: %w", err)
	}
	return nil
}
