package storage

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

const (
	// freeFailures is how often a try may fail before the address has to wait; then the wait doubles
	// from a second up to longestWait. The waits are forgotten after forgetFailures.
	freeFailures   = 5
	longestWait    = 15 * time.Minute
	forgetFailures = 24 * time.Hour
	// mostFailures in a row switch log-in with the address off (NIST 800-63B-4, 3.2.2). With the waits
	// before it, whoever wants to do that to somebody needs most of a day, and an operator undoes it.
	mostFailures = 100
)

// TryLogIn counts a try to log in with an address, before its password is looked at: tries at the same
// moment cannot outrun the count. It stands as failed until [Accounts.ClearTries] or
// [Accounts.ExcuseTry]. If the answer is not zero the try is refused and was not counted. The address
// need not have an account; only its hash is kept.
func (a *Accounts) TryLogIn(ctx context.Context, email string) (consent.Throttle, error) {
	var throttle consent.Throttle
	err := a.database.in(ctx, RoleLogin, rowContext{}, func(tx pgx.Tx) error {
		// The insert locks the row, or makes it: whoever comes at the same moment waits for the count.
		const lock = `INSERT INTO log_in_failures AS f (email_sha256, failures, in_a_row, last_at, wait_until)
			VALUES ($1, 0, 0, statement_timestamp(), statement_timestamp())
			ON CONFLICT (email_sha256) DO UPDATE SET in_a_row = f.in_a_row
			RETURNING in_a_row, CASE WHEN last_at < statement_timestamp() - $2::interval THEN 0 ELSE failures END,
				greatest(wait_until - statement_timestamp(), interval '0')`
		var inARow, failures int
		if err := tx.QueryRow(ctx, lock, emailHash(email), forgetFailures).Scan(&inARow, &failures, &throttle.Wait); err != nil {
			return err
		}
		if throttle.Off = inARow >= mostFailures; throttle.Off || throttle.Wait > 0 {
			return nil
		}
		const count = `UPDATE log_in_failures SET in_a_row = in_a_row + 1, failures = $2, last_at = statement_timestamp(),
			wait_until = statement_timestamp() + $3 WHERE email_sha256 = $1`
		_, err := tx.Exec(ctx, count, emailHash(email), failures+1, waitAfter(failures+1))
		return err
	})
	if err != nil {
		return consent.Throttle{}, fmt.Errorf("count a try to log in: %w", err)
	}
	return throttle, nil
}

// ExcuseTry takes a try back that was neither right nor wrong.
func (a *Accounts) ExcuseTry(ctx context.Context, email string) error {
	const excuse = `UPDATE log_in_failures SET in_a_row = greatest(in_a_row - 1, 0), failures = greatest(failures - 1, 0),
		wait_until = statement_timestamp() WHERE email_sha256 = $1`
	if _, err := a.database.Pool(RoleLogin).Exec(ctx, excuse, emailHash(email)); err != nil {
		return fmt.Errorf("take a try to log in back: %w", err)
	}
	return nil
}

// ClearTries forgets the failed tries of an address after a success.
func (a *Accounts) ClearTries(ctx context.Context, email string) error {
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
