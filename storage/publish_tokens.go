package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// IssuePublishToken stores a token under its SHA-256, for one session and the log-in that makes it. An
// older one of the session ends.
func (a *Accounts) IssuePublishToken(ctx context.Context, publishSHA256, tokenSHA256 [32]byte, session consent.SessionID, life time.Duration) error {
	err := a.database.in(ctx, RoleLogin, rowContext{}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM room_tickets WHERE session = $1 AND publishes`, session); err != nil {
			return err
		}
		const add = `INSERT INTO room_tickets (ticket_sha256, log_in, session, expires_at, publishes)
			VALUES ($1, $2, $3, statement_timestamp() + $4, true)`
		_, err := tx.Exec(ctx, add, publishSHA256[:], tokenSHA256[:], session, life)
		return err
	})
	if err != nil {
		return fmt.Errorf("issue a publish token: %w", err)
	}
	return nil
}

// Publisher returns the live log-in behind a token that lets a program send for this session;
// [consent.ErrNotFound] if it does not. Asking is no use of the log-in.
func (a *Accounts) Publisher(ctx context.Context, publishSHA256 [32]byte, session consent.SessionID) (consent.ActiveLogIn, error) {
	const read = `SELECT ` + logInColumns + ` FROM ` + accountTables + ` JOIN log_ins l ON l.account = a.id
		JOIN room_tickets t ON t.log_in = l.token_sha256
		WHERE t.ticket_sha256 = $1 AND t.session = $2 AND t.publishes AND statement_timestamp() < t.expires_at AND ` + logInLives
	var found consent.ActiveLogIn
	row := a.database.Pool(RoleLogin).QueryRow(ctx, read, publishSHA256[:], session)
	if err := row.Scan(logInFields(&found)...); err != nil {
		return consent.ActiveLogIn{}, fmt.Errorf("find a publisher: %w", notFound(err))
	}
	return found, nil
}
