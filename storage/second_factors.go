package storage

import (
	"context"
	"fmt"
	"time"

	"greenroom/consent"
)

// offeredFor is how long the first code of a new second factor is waited for.
const offeredFor = 15 * time.Minute

// SecondFactor returns the secret that an account's codes are made of; [consent.ErrNotFound] if it has no
// second factor.
func (a *Accounts) SecondFactor(ctx context.Context, account consent.AccountID) (consent.CodeSecret, error) {
	return a.secret(ctx, account, `SELECT secret FROM second_factors WHERE account = $1 AND secret IS NOT NULL`)
}

// OfferedSecondFactor returns the secret whose first code is awaited; [consent.ErrNotFound] if there is none.
func (a *Accounts) OfferedSecondFactor(ctx context.Context, account consent.AccountID) (consent.CodeSecret, error) {
	return a.secret(ctx, account, `SELECT offered FROM second_factors WHERE account = $1 AND statement_timestamp() < offered_until`)
}

func (a *Accounts) secret(ctx context.Context, account consent.AccountID, read string) (consent.CodeSecret, error) {
	var sealed []byte
	if err := a.database.Pool(RoleLogin).QueryRow(ctx, read, account).Scan(&sealed); err != nil {
		return "", fmt.Errorf("read second factor: %w", notFound(err))
	}
	return a.keys.openSecret(account, sealed)
}

// TakeStep takes the code of a step of time, once; [consent.ErrNotFound] if it was taken before, or a
// later one was.
func (a *Accounts) TakeStep(ctx context.Context, account consent.AccountID, step int64) error {
	const take = `UPDATE second_factors SET last_step = $2 WHERE account = $1 AND secret IS NOT NULL AND last_step < $2`
	return a.changeFactor(ctx, "take the code of a step", take, account, step)
}

// OfferSecondFactor keeps a new secret beside the present one until its first code was right.
func (a *Accounts) OfferSecondFactor(ctx context.Context, account consent.AccountID, secret consent.CodeSecret) error {
	sealed, err := a.keys.sealSecret(account, secret)
	if err != nil {
		return fmt.Errorf("offer a second factor: %w", err)
	}
	const offer = `INSERT INTO second_factors (account, offered, offered_until) VALUES ($1, $2, statement_timestamp() + $3)
		ON CONFLICT (account) DO UPDATE SET offered = excluded.offered, offered_until = excluded.offered_until`
	return a.changeFactor(ctx, "offer a second factor", offer, account, sealed, offeredFor)
}

// KeepSecondFactor puts a secret that was offered in force, with the step of its first code taken;
// [consent.ErrNotFound] if none is offered any more.
func (a *Accounts) KeepSecondFactor(ctx context.Context, account consent.AccountID, secret consent.CodeSecret, step int64) error {
	sealed, err := a.keys.sealSecret(account, secret)
	if err != nil {
		return fmt.Errorf("keep a second factor: %w", err)
	}
	const keep = `UPDATE second_factors SET secret = $2, last_step = $3, since = statement_timestamp(), offered = NULL, offered_until = NULL
		WHERE account = $1 AND statement_timestamp() < offered_until`
	return a.changeFactor(ctx, "keep a second factor", keep, account, sealed, step)
}

// DropSecondFactor ends an account's second factor; [consent.ErrNotFound] if it has none.
func (a *Accounts) DropSecondFactor(ctx context.Context, account consent.AccountID) error {
	return a.changeFactor(ctx, "drop a second factor", `DELETE FROM second_factors WHERE account = $1`, account)
}

func (a *Accounts) changeFactor(ctx context.Context, what, statement string, arguments ...any) error {
	done, err := a.database.Pool(RoleLogin).Exec(ctx, statement, arguments...)
	if err == nil && done.RowsAffected() == 0 {
		err = consent.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
