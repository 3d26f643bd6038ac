package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// CreateLogIn stores a log-in under the SHA-256 of its token, and drops the account's expired ones.
func (a *Accounts) CreateLogIn(ctx context.Context, tokenSHA256 [32]byte, fresh consent.NewLogIn) error {
	err := a.database.in(ctx, RoleLogin, rowContext{}, func(tx pgx.Tx) error {
		const drop = `DELETE FROM log_ins WHERE account = $1 AND least(idle_until, absolute_until) <= statement_timestamp()`
		if _, err := tx.Exec(ctx, drop, fresh.Account); err != nil {
			return err
		}
		const add = `INSERT INTO log_ins (token_sha256, id, account, device, second_factor, idle, idle_until, absolute_until)
			VALUES ($1, $2, $3, $4, $5, $6, statement_timestamp() + $6, statement_timestamp() + $7)`
		_, err := tx.Exec(ctx, add, tokenSHA256[:], consent.NewID[consent.LogInID](), fresh.Account, fresh.Device, fresh.SecondFactor,
			fresh.Idle, fresh.Absolute)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE accounts SET used_at = statement_timestamp() WHERE id = $1 AND closed_at IS NULL`, fresh.Account)
		return err
	})
	if err != nil {
		return fmt.Errorf("create log-in: %w", err)
	}
	return nil
}

// logInColumns go with logInFields; the tables are those of accountColumns, and l.
const logInColumns = accountColumns + `, l.id, l.device, l.created_at, l.idle_until - l.idle, least(l.idle_until, l.absolute_until),
	statement_timestamp() - l.confirmed_at, l.second_factor`

func logInFields(l *consent.ActiveLogIn) []any {
	return append(accountFields(&l.Account), &l.ID, &l.Device, &l.Began, &l.Used, &l.Until, &l.Confirmed, &l.SecondFactor)
}

// logInLives is the condition on l and a under which a log-in is worth anything.
const logInLives = `statement_timestamp() < l.idle_until AND statement_timestamp() < l.absolute_until AND ` + maySayWho

// LogIn returns a live log-in and moves its idle limit; [consent.ErrNotFound] if there is none. The
// limit is moved when it would move by a hundredth, not on every request.
func (a *Accounts) LogIn(ctx context.Context, tokenSHA256 [32]byte) (consent.ActiveLogIn, error) {
	const read = `WITH moved AS (
			UPDATE log_ins SET idle_until = statement_timestamp() + idle WHERE token_sha256 = $1
			AND statement_timestamp() < idle_until AND statement_timestamp() < absolute_until
			AND idle_until < statement_timestamp() + idle * 0.99)
		SELECT ` + logInColumns + ` FROM ` + accountTables + ` JOIN log_ins l ON l.account = a.id
		WHERE l.token_sha256 = $1 AND ` + logInLives
	var found consent.ActiveLogIn
	if err := a.database.Pool(RoleLogin).QueryRow(ctx, read, tokenSHA256[:]).Scan(logInFields(&found)...); err != nil {
		return consent.ActiveLogIn{}, fmt.Errorf("find log-in: %w", notFound(err))
	}
	return found, nil
}

// LogInLives returns [consent.ErrNotFound] once a log-in has ended. Asking is no use of it: a page that
// only lies open must not keep it alive.
func (a *Accounts) LogInLives(ctx context.Context, tokenSHA256 [32]byte) error {
	const read = `SELECT 1 FROM log_ins l JOIN accounts a ON a.id = l.account WHERE l.token_sha256 = $1 AND ` + logInLives
	var one int
	if err := a.database.Pool(RoleLogin).QueryRow(ctx, read, tokenSHA256[:]).Scan(&one); err != nil {
		return fmt.Errorf("find log-in: %w", notFound(err))
	}
	return nil
}

// LogInsOf lists the live log-ins of an account, the last used first.
func (a *Accounts) LogInsOf(ctx context.Context, account consent.AccountID) ([]consent.ActiveLogIn, error) {
	const read = `SELECT ` + logInColumns + ` FROM ` + accountTables + ` JOIN log_ins l ON l.account = a.id
		WHERE a.id = $1 AND ` + logInLives + ` ORDER BY l.idle_until - l.idle DESC, l.id`
	rows, err := a.database.Pool(RoleLogin).Query(ctx, read, account)
	if err != nil {
		return nil, fmt.Errorf("list log-ins: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (consent.ActiveLogIn, error) {
		var l consent.ActiveLogIn
		err := row.Scan(logInFields(&l)...)
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("list log-ins: %w", err)
	}
	return list, nil
}

// ConfirmLogIn notes that whoever uses the log-in has just proven again who they are.
func (a *Accounts) ConfirmLogIn(ctx context.Context, tokenSHA256 [32]byte) error {
	const confirm = `UPDATE log_ins SET confirmed_at = statement_timestamp() WHERE token_sha256 = $1`
	if _, err := a.database.Pool(RoleLogin).Exec(ctx, confirm, tokenSHA256[:]); err != nil {
		return fmt.Errorf("confirm log-in: %w", err)
	}
	return nil
}

// EndLogIn ends one log-in; ending one that does not exist is no error.
func (a *Accounts) EndLogIn(ctx context.Context, tokenSHA256 [32]byte) error {
	_, err := a.endLogIns(ctx, `token_sha256 = $1`, tokenSHA256[:])
	return err
}

// EndLogInOf ends one of an account's log-ins by its name; [consent.ErrNotFound] if it has no such.
func (a *Accounts) EndLogInOf(ctx context.Context, account consent.AccountID, id consent.LogInID) error {
	n, err := a.endLogIns(ctx, `account = $1 AND id = $2`, account, id)
	if err == nil && n == 0 {
		return consent.ErrNotFound
	}
	return err
}

// EndLogInsBut ends every log-in of an account but the one with this token; the zero token spares none.
func (a *Accounts) EndLogInsBut(ctx context.Context, account consent.AccountID, tokenSHA256 [32]byte) error {
	_, err := a.endLogIns(ctx, `account = $1 AND token_sha256 <> $2`, account, tokenSHA256[:])
	return err
}

// endLogIns tells every node whose log-ins ended, so that what they have open ends with them.
func (a *Accounts) endLogIns(ctx context.Context, which string, arguments ...any) (int64, error) {
	var ended int64
	err := a.database.in(ctx, RoleLogin, rowContext{}, func(tx pgx.Tx) (err error) {
		ended, err = endLogIns(ctx, tx, which, arguments...)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("end log-ins: %w", err)
	}
	return ended, nil
}

func endLogIns(ctx context.Context, tx pgx.Tx, which string, arguments ...any) (int64, error) {
	end := `WITH ended AS (DELETE FROM log_ins WHERE ` + which + ` RETURNING account),
		told AS (SELECT pg_notify('` + changesChannel + `', '` + accountPrefix + `' || account || ' ` + string(TopicLogIns) + `')
			FROM (SELECT DISTINCT account FROM ended) accounts)
		SELECT (SELECT count(*) FROM ended), (SELECT count(*) FROM told)`
	var ended, told int64
	if err := tx.QueryRow(ctx, end, arguments...).Scan(&ended, &told); err != nil {
		return 0, err
	}
	return ended, nil
}
