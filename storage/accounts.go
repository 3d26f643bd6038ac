package storage

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// freeFailures is how often a password may be wrong before the address has to wait; then the wait
// doubles from a second up to longestWait. Failures are forgotten after forgetFailures.
const (
	freeFailures   = 5
	longestWait    = 15 * time.Minute
	forgetFailures = 24 * time.Hour
)

// Accounts keeps people and their log-ins, under the login role.
type Accounts struct{ database *Database }

// NewAccounts returns the accounts of a database.
func NewAccounts(database *Database) *Accounts { return &Accounts{database: database} }

// CreateCandidate stores a new candidate; [consent.ErrEmailTaken] if the address is in use. The age
// rule is the name of the rule that was passed.
func (a *Accounts) CreateCandidate(ctx context.Context, email, displayName, passwordHash, ageRule string) (consent.Account, error) {
	account := consent.Account{
		ID: consent.NewID[consent.AccountID](), Kind: consent.AccountCandidate,
		Email: strings.ToLower(email), DisplayName: displayName,
	}
	const add = `INSERT INTO accounts (id, kind, email, display_name, password_hash, age_rule)
		VALUES ($1, $2, $3, $4, $5, $6)`
	_, err := a.database.Pool(RoleLogin).Exec(ctx, add, account.ID, account.Kind, account.Email, displayName, passwordHash, ageRule)
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
	accountColumns = `a.id, a.kind, a.email, a.display_name, coalesce(m.org, ''), coalesce(o.name, '')`
	accountTables  = `accounts a LEFT JOIN members m ON m.account = a.id AND m.ended_at IS NULL
		LEFT JOIN organizations o ON o.id = m.org`
)

func accountFields(account *consent.Account) []any {
	return []any{&account.ID, &account.Kind, &account.Email, &account.DisplayName, &account.Org, &account.OrgName}
}

// AccountByEmail returns the account and its password hash; [consent.ErrNotFound] if there is none.
func (a *Accounts) AccountByEmail(ctx context.Context, email string) (consent.Account, string, error) {
	const read = `SELECT ` + accountColumns + `, a.password_hash FROM ` + accountTables + `
		WHERE a.email = $1 AND a.closed_at IS NULL`
	var account consent.Account
	var hash string
	row := a.database.Pool(RoleLogin).QueryRow(ctx, read, strings.ToLower(email))
	if err := row.Scan(append(accountFields(&account), &hash)...); err != nil {
		return consent.Account{}, "", fmt.Errorf("find account: %w", notFound(err))
	}
	return account, hash, nil
}

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

// CountFailure notes a failed password for an address and returns how long it must now wait. The
// address need not have an account; only its hash is kept.
func (a *Accounts) CountFailure(ctx context.Context, email string) (time.Duration, error) {
	var wait time.Duration
	err := a.database.in(ctx, RoleLogin, rowContext{}, func(tx pgx.Tx) error {
		const count = `INSERT INTO log_in_failures AS f (email_sha256, failures, last_at, wait_until)
			VALUES ($1, 1, statement_timestamp(), statement_timestamp())
			ON CONFLICT (email_sha256) DO UPDATE SET last_at = statement_timestamp(),
			failures = CASE WHEN f.last_at < statement_timestamp() - $2::interval THEN 1 ELSE f.failures + 1 END
			RETURNING failures`
		var failures int
		if err := tx.QueryRow(ctx, count, emailHash(email), forgetFailures).Scan(&failures); err != nil {
			return err
		}
		wait = waitAfter(failures)
		const set = `UPDATE log_in_failures SET wait_until = statement_timestamp() + $2 WHERE email_sha256 = $1`
		_, err := tx.Exec(ctx, set, emailHash(email), wait)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count a failed log-in: %w", err)
	}
	return wait, nil
}

// Wait returns how long an address must still wait before a password is looked at.
func (a *Accounts) Wait(ctx context.Context, email string) (time.Duration, error) {
	var wait time.Duration
	const read = `SELECT greatest(wait_until - statement_timestamp(), interval '0') FROM log_in_failures WHERE email_sha256 = $1`
	err := a.database.Pool(RoleLogin).QueryRow(ctx, read, emailHash(email)).Scan(&wait)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("read the wait of an address: %w", err)
	}
	return wait, nil
}

// ClearFailures forgets the failures of an address after a success.
func (a *Accounts) ClearFailures(ctx context.Context, email string) error {
	if _, err := a.database.Pool(RoleLogin).Exec(ctx, `DELETE FROM log_in_failures WHERE email_sha256 = $1`, emailHash(email)); err != nil {
		return fmt.Errorf("clear failed log-ins: %w", err)
	}
	return nil
}

func waitAfter(failures int) time.Duration {
	if failures <= freeFailures {
		return 0
	}
	return min(time.Second<<min(failures-freeFailures-1, 20), longestWait)
}

func emailHash(email string) []byte {
	sum := sha256.Sum256([]byte(strings.ToLower(email)))
	return sum[:]
}
