package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// IssueRoomTicket stores a ticket under its SHA-256, for one session and one log-in, and drops those that
// nobody used in time.
func (a *Accounts) IssueRoomTicket(ctx context.Context, ticketSHA256, tokenSHA256 [32]byte, session consent.SessionID, life time.Duration) error {
	err := a.database.in(ctx, RoleLogin, rowContext{}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM room_tickets WHERE expires_at <= statement_timestamp()`); err != nil {
			return err
		}
		const add = `INSERT INTO room_tickets (ticket_sha256, log_in, session, expires_at)
			VALUES ($1, $2, $3, statement_timestamp() + $4)`
		_, err := tx.Exec(ctx, add, ticketSHA256[:], tokenSHA256[:], session, life)
		return err
	})
	if err != nil {
		return fmt.Errorf("issue a room ticket: %w", err)
	}
	return nil
}

// RedeemRoomTicket takes a ticket, also one that is shown for something else; [consent.ErrNotFound] if it
// does not let this log-in into this session now. One statement: of two nodes that are shown the same
// ticket, one finds it.
func (a *Accounts) RedeemRoomTicket(ctx context.Context, ticketSHA256, tokenSHA256 [32]byte, session consent.SessionID) error {
	const take = `WITH taken AS (DELETE FROM room_tickets WHERE ticket_sha256 = $1 AND NOT publishes RETURNING log_in, session, expires_at)
		SELECT 1 FROM taken WHERE log_in = $2 AND session = $3 AND statement_timestamp() < expires_at`
	var one int
	row := a.database.Pool(RoleLogin).QueryRow(ctx, take, ticketSHA256[:], tokenSHA256[:], session)
	if err := row.Scan(&one); err != nil {
		return fmt.Errorf("redeem a room ticket: %w", notFound(err))
	}
	return nil
}
