package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// ErrNotHeld says that a session is not under legal hold.
var ErrNotHeld = errors.New("the session is not under legal hold")

// Hold puts a session under legal hold: every plane is denied, the candidate's own reads too, granted
// records are suspended, and erasing it waits. Why and on whose authority stays with the operator. Holding
// a session that is held already changes nothing; one that is live is refused with [consent.ErrBadStep],
// because holding it would lose what is being said.
func (a *Admin) Hold(ctx context.Context, session consent.SessionID, reason, authority string) error {
	if reason == "" || authority == "" {
		return errors.New("hold session: a hold needs a reason and an authority")
	}
	err := pgx.BeginFunc(ctx, a.conn, func(tx pgx.Tx) error {
		held, candidate, state, err := lockForHold(ctx, tx, session)
		if err != nil || held {
			return err
		}
		if state == consent.SessionLive || state == consent.SessionErased {
			return consent.ErrBadStep{State: state, Step: "be held"}
		}
		if _, err := tx.Exec(ctx, `UPDATE sessions SET held_at = statement_timestamp() WHERE id = $1`, session); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO holds (session, reason, authority) VALUES ($1, $2, $3)`, session, reason, authority); err != nil {
			return err
		}
		return pause(ctx, tx, pausing{
			session: session, candidate: candidate, reason: consent.PausedByHold, begins: true, kind: consent.LedgerSessionHeld, what: "held",
		})
	})
	if err != nil {
		return fmt.Errorf("hold session: %w", err)
	}
	return nil
}

// LiftHold ends a hold. What it suspended goes on, if its time is not up; a restriction stands.
func (a *Admin) LiftHold(ctx context.Context, session consent.SessionID, reason string) error {
	if reason == "" {
		return errors.New("lift hold: lifting needs a reason")
	}
	err := pgx.BeginFunc(ctx, a.conn, func(tx pgx.Tx) error {
		held, candidate, _, err := lockForHold(ctx, tx, session)
		if err != nil {
			return err
		}
		if !held {
			return ErrNotHeld
		}
		if _, err := tx.Exec(ctx, `UPDATE sessions SET held_at = NULL WHERE id = $1`, session); err != nil {
			return err
		}
		const lift = `UPDATE holds SET lifted_at = statement_timestamp(), lifted_reason = $2 WHERE session = $1 AND lifted_at IS NULL`
		if _, err := tx.Exec(ctx, lift, session, reason); err != nil {
			return err
		}
		return pause(ctx, tx, pausing{
			session: session, candidate: candidate, reason: consent.PausedByHold, kind: consent.LedgerSessionReleased, what: "released",
		})
	})
	if err != nil {
		return fmt.Errorf("lift hold: %w", err)
	}
	return nil
}

func lockForHold(ctx context.Context, tx pgx.Tx, session consent.SessionID) (held bool, candidate consent.AccountID, state consent.SessionState, err error) {
	const read = `SELECT held_at IS NOT NULL, candidate, state FROM sessions WHERE id = $1 FOR UPDATE`
	err = tx.QueryRow(ctx, read, session).Scan(&held, &candidate, &state)
	return held, candidate, state, notFound(err)
}
