package storage

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// Accounts keeps people and their log-ins, under the login role.
type Accounts struct {
	database *Database
	keys     *LogInKeys
}

// NewAccounts returns the accounts of a database.
func NewAccounts(database *Database, keys *LogInKeys) *Accounts {
	return &Accounts{database: database, keys: keys}
}

// CreateCandidate stores a new candidate; [consent.ErrEmailTaken] if the address is in use. The age
// rule is the name of the rule that was passed.
func (a *Accounts) CreateCandidate(ctx context.Context, email, displayName string, password consent.PasswordHash, ageRule string) (consent.Account, error) {
	account := consent.Account{
		ID: consent.NewID[consent.AccountID](), Kind: consent.AccountCandidate,
		Email: strings.ToLower(email), DisplayName: displayName,
	}
	const add = `INSERT INTO accounts (id, kind, email, display_name, password_hash, pepper, age_rule)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`
	_, err := a.database.Pool(RoleLogin).Exec(ctx, add, account.ID, account.Kind, account.Email, displayName,
		password.Hash, password.Pepper, ageRule)
	if hasCode(err, uniqueViolation) {
		return consent.Account{}, consent.ErrEmailTaken
	}
	if err != nil {
		return consent.Account{}, fmt.Errorf("create candidate: %w", err)
	}
	return account, nil
}

// accountColumns go with scanAccount; the tables are a, m and o.
const (
	accountColumns = `a.id, a.kind, a.email, a.display_name, coalesce(m.org, ''), coalesce(o.name, ''), a.closed_at, a.erase_at`
	accountTables  = `accounts a LEFT JOIN members m ON m.account = a.id AND m.ended_at IS NULL
		LEFT JOIN organizations o ON o.id = m.org`
)

// maySayWho is the condition on a under which somebody can log in: a closed account can, as long as it can
// be opened again, which is all that it can do.
const maySayWho = `(a.closed_at IS NULL OR a.erase_at > statement_timestamp())`

func accountFields(account *consent.Account) []any {
	return []any{
		&account.ID, &account.Kind, &account.Email, &account.DisplayName, &account.Org, &account.OrgName,
		orZero{&account.ClosedAt},
		orZero{&account.EraseAt},
	}
}

// Credentials returns what a log-in with the address is checked against; [consent.ErrNotFound] if no
// account has it.
func (a *Accounts) Credentials(ctx context.Context, email string) (consent.Credentials, error) {
	const read = `SELECT ` + accountColumns + `, a.password_hash, a.pepper,
			EXISTS (SELECT FROM second_factors f WHERE f.account = a.id AND f.secret IS NOT NULL)
		FROM ` + accountTables + ` WHERE a.email = $1 AND ` + maySayWho
	var c consent.Credentials
	row := a.database.Pool(RoleLogin).QueryRow(ctx, read, strings.ToLower(email))
	if err := row.Scan(append(accountFields(&c.Account), &c.Password.Hash, &c.Password.Pepper, &c.SecondFactor)...); err != nil {
		return consent.Credentials{}, fmt.Errorf("find account: %w", notFound(err))
	}
	return c, nil
}

// SetPassword replaces the hash of a password; [consent.ErrNotFound] if the account is not there.
func (a *Accounts) SetPassword(ctx context.Context, account consent.AccountID, password consent.PasswordHash) error {
	const set = `UPDATE accounts SET password_hash = $2, pepper = $3 WHERE id = $1 AND closed_at IS NULL`
	done, err := a.database.Pool(RoleLogin).Exec(ctx, set, account, password.Hash, password.Pepper)
	if err == nil && done.RowsAffected() == 0 {
		err = consent.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return nil
}

// Rename changes what somebody is called.
func (a *Accounts) Rename(ctx context.Context, account consent.AccountID, displayName string) error {
	const set = `UPDATE accounts SET display_name = $2 WHERE id = $1 AND closed_at IS NULL AND display_name <> $2`
	if err := a.correct(ctx, account, set, displayName, "display_name"); err != nil {
		return fmt.Errorf("rename account: %w", err)
	}
	return nil
}

// ChangeEmail changes the address somebody logs in with; [consent.ErrEmailTaken] if it is in use.
func (a *Accounts) ChangeEmail(ctx context.Context, account consent.AccountID, email string) error {
	const set = `UPDATE accounts SET email = $2 WHERE id = $1 AND closed_at IS NULL AND email <> $2`
	err := a.correct(ctx, account, set, strings.ToLower(email), "email")
	if hasCode(err, uniqueViolation) {
		return consent.ErrEmailTaken
	}
	if err != nil {
		return fmt.Errorf("change the address of an account: %w", err)
	}
	return nil
}

// correct changes what an account says about its person. The ledger has that it was corrected and when;
// neither the old value nor the new one is in it, so that the ledger keeps nothing of what was wrong.
func (a *Accounts) correct(ctx context.Context, account consent.AccountID, set, value, what string) error {
	return a.database.in(ctx, RoleLogin, rowContext{account: string(account)}, func(tx pgx.Tx) error {
		changed, err := tx.Exec(ctx, set, account, value)
		if err != nil || changed.RowsAffected() == 0 {
			return err
		}
		_, err = record(ctx, tx, consent.LedgerEvent{Kind: consent.LedgerCorrection, Account: account, Reason: what})
		return err
	})
}
