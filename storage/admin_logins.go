package storage

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// ResetPassword gives an account a new password, switches its log-in on again if too many failures had
// switched it off, and ends every log-in it has; [consent.ErrNotFound] if no account has the address.
func (a *Admin) ResetPassword(ctx context.Context, email string, password consent.PasswordHash) error {
	err := a.reset(ctx, email, func(tx pgx.Tx, account consent.AccountID) error {
		const set = `UPDATE accounts SET password_hash = $2, pepper = $3 WHERE id = $1`
		_, err := tx.Exec(ctx, set, account, password.Hash, password.Pepper)
		return err
	})
	if err != nil {
		return fmt.Errorf("reset password: %w", err)
	}
	return nil
}

// ResetSecondFactor ends an account's second factor and every log-in it has, for somebody who cannot make
// codes any more; [consent.ErrNotFound] if no account has the address. Who then logs in with the password
// alone sets a new one up.
func (a *Admin) ResetSecondFactor(ctx context.Context, email string) error {
	err := a.reset(ctx, email, func(tx pgx.Tx, account consent.AccountID) error {
		_, err := tx.Exec(ctx, `DELETE FROM second_factors WHERE account = $1`, account)
		return err
	})
	if err != nil {
		return fmt.Errorf("reset second factor: %w", err)
	}
	return nil
}

// SetSecondFactor gives an account a second factor without its first code. Only demo accounts get theirs
// so: everybody else's secret is known to nobody but them.
func (a *Admin) SetSecondFactor(ctx context.Context, keys *LogInKeys, account consent.AccountID, secret consent.CodeSecret) error {
	sealed, err := keys.sealSecret(account, secret)
	if err != nil {
		return fmt.Errorf("set second factor: %w", err)
	}
	const set = `INSERT INTO second_factors (account, secret, since) VALUES ($1, $2, statement_timestamp())
		ON CONFLICT (account) DO UPDATE SET secret = excluded.secret, since = excluded.since, last_step = 0`
	if _, err := a.conn.Exec(ctx, set, account, sealed); err != nil {
		return fmt.Errorf("set second factor: %w", err)
	}
	return nil
}

// reset changes how somebody logs in: after it all starts anew.
func (a *Admin) reset(ctx context.Context, email string, change func(pgx.Tx, consent.AccountID) error) error {
	email = strings.ToLower(email)
	return pgx.BeginFunc(ctx, a.conn, func(tx pgx.Tx) error {
		var account consent.AccountID
		if err := tx.QueryRow(ctx, `SELECT id FROM accounts WHERE email = $1 FOR UPDATE`, email).Scan(&account); err != nil {
			return notFound(err)
		}
		if err := change(tx, account); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM log_in_failures WHERE email_sha256 = $1`, emailHash(email)); err != nil {
			return err
		}
		_, err := endLogIns(ctx, tx, `account = $1`, account)
		return err
	})
}
