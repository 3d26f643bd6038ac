package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// overdueInterview is a session s whose time is over, with the period in $1. One that was never held
// counts from when it was abandoned; one that is going on has not begun to count.
const overdueInterview = ` s.state IN ('ended', 'assessed', 'abandoned') AND NOT ` + sessionPaused + `
	AND coalesce(s.ended_at, s.state_at) + $1::interval <= statement_timestamp() `

// eraseOverdue makes the interviews erased whose time is over: every plane is denied them at once, and the
// eraser does the rest as if their candidates had asked for it.
func (s *Sweeper) eraseOverdue(ctx context.Context, kept string) (erased int64, err error) {
	var after consent.SessionID
	var failures []error
	for {
		var due []consent.SessionID
		err := s.in(ctx, func(tx pgx.Tx) error {
			const find = `SELECT s.id FROM sessions s WHERE ` + overdueInterview + ` AND s.id > $2 ORDER BY s.id LIMIT $3`
			rows, err := tx.Query(ctx, find, kept, after, s.batch)
			if err != nil {
				return err
			}
			due, err = pgx.CollectRows(rows, pgx.RowTo[consent.SessionID])
			return err
		})
		if err != nil {
			return erased, errors.Join(append(failures, err)...)
		}
		for _, after = range due {
			done, err := s.eraser.expire(ctx, after, kept)
			if err != nil {
				failures = append(failures, fmt.Errorf("erase session %s: %w", after, err))
			}
			if done {
				erased++
			}
		}
		if len(due) < s.batch {
			return erased, errors.Join(failures...)
		}
	}
}

// expire asks for the erasure of a session whose time is over, unless it was held, restricted or erased
// meanwhile.
func (e *Eraser) expire(ctx context.Context, session consent.SessionID, kept string) (done bool, err error) {
	w := &erasing{Eraser: e, session: session}
	err = w.in(ctx, func(tx pgx.Tx) error {
		var state consent.SessionState
		const lock = `SELECT s.candidate, s.state FROM sessions s WHERE ` + overdueInterview + ` AND s.id = $2 FOR UPDATE`
		err := tx.QueryRow(ctx, lock, kept, session).Scan(&w.candidate, &state)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := addErasure(ctx, tx, session, w.candidate, consent.CauseExpired, consent.ErasureRunning); err != nil {
			return err
		}
		if err := w.mark(ctx, tx, state); err != nil {
			return err
		}
		done = true
		_, err = record(ctx, tx, consent.LedgerEvent{
			Kind: consent.LedgerErasureRequested, Account: w.candidate, Session: session, Reason: string(consent.CauseExpired),
		})
		return err
	})
	if err != nil || !done {
		return false, err
	}
	e.database.settle(ctx)
	_ = e.database.enqueueErasure(ctx, session) // without it nothing is lost: the eraser looks for work every minute
	return true, nil
}

// closeUnused closes the accounts of candidates who did not log in for [consent.UnusedAfter], as they could
// have done themselves: logging in within thirty days undoes it. By then nothing is shared any more, and
// no invitation is open and no log-in is left. Who has an interview that must not go keeps the account.
func (s *Sweeper) closeUnused(ctx context.Context, _ string) (closed int64, err error) {
	for {
		var ids []consent.AccountID
		err := s.in(ctx, func(tx pgx.Tx) error {
			const closing = `UPDATE accounts SET closed_at = statement_timestamp(), erase_at = statement_timestamp() + $1::interval, erase_cause = 'expired'
				WHERE id IN (SELECT id FROM accounts a WHERE kind = 'candidate' AND closed_at IS NULL
					AND used_at + $2::interval <= statement_timestamp()
					AND NOT EXISTS (SELECT FROM sessions s WHERE s.candidate = a.id AND ` + sessionPaused + `) LIMIT $3)
				RETURNING id`
			rows, err := tx.Query(ctx, closing, consent.CloseUndo, consent.UnusedAfter.ISO(), s.batch)
			if err != nil {
				return err
			}
			if ids, err = pgx.CollectRows(rows, pgx.RowTo[consent.AccountID]); err != nil {
				return err
			}
			for _, id := range ids {
				event := consent.LedgerEvent{Kind: consent.LedgerAccountClosing, Account: id, Reason: string(consent.CauseExpired)}
				if _, err := record(ctx, tx, event); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return closed, err
		}
		closed += int64(len(ids))
		if len(ids) > 0 {
			s.database.settle(ctx)
		}
		if len(ids) < s.batch {
			return closed, nil
		}
	}
}
