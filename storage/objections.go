package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// AIObjection returns since when a candidate objects to AI; the zero time if they do not.
func (s *Sessions) AIObjection(ctx context.Context, candidate consent.AccountID) (time.Time, error) {
	var since time.Time
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		const read = `SELECT ai_objected_at FROM accounts WHERE id = $1`
		return notFound(tx.QueryRow(ctx, read, candidate).Scan(orZero{&since}))
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("read the objection to AI: %w", err)
	}
	return since.UTC(), nil
}

// ObjectToAI stores that a candidate objects to AI, for every session of theirs, past and to come, and
// returns since when; objecting twice changes nothing. Work that is going on asks again twice a second.
func (s *Sessions) ObjectToAI(ctx context.Context, candidate consent.AccountID) (time.Time, error) {
	const set = `UPDATE accounts SET ai_objected_at = statement_timestamp() WHERE id = $1 AND ai_objected_at IS NULL`
	if err := s.changeObjection(ctx, candidate, set, consent.LedgerAIObjected); err != nil {
		return time.Time{}, fmt.Errorf("object to AI: %w", err)
	}
	s.database.settle(ctx)
	return s.AIObjection(ctx, candidate)
}

// LiftAIObjection lets models work again, where the candidate also consented to it. Without an objection it
// changes nothing.
func (s *Sessions) LiftAIObjection(ctx context.Context, candidate consent.AccountID) error {
	const set = `UPDATE accounts SET ai_objected_at = NULL WHERE id = $1 AND ai_objected_at IS NOT NULL`
	if err := s.changeObjection(ctx, candidate, set, consent.LedgerAIObjectionLifted); err != nil {
		return fmt.Errorf("lift the objection to AI: %w", err)
	}
	return nil
}

// changeObjection writes to the ledger what changed, and nothing where nothing did.
func (s *Sessions) changeObjection(ctx context.Context, candidate consent.AccountID, set string, kind consent.LedgerKind) error {
	return s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		changed, err := tx.Exec(ctx, set, candidate)
		if err != nil || changed.RowsAffected() == 0 {
			return err
		}
		_, err = record(ctx, tx, consent.LedgerEvent{Kind: kind, Account: candidate})
		return err
	})
}

// unobjected refuses what a model said of a session whose candidate objects to AI by now.
func unobjected(ctx context.Context, tx pgx.Tx, id consent.SessionID) error {
	const read = `SELECT a.ai_objected_at IS NULL FROM sessions s JOIN accounts a ON a.id = s.candidate WHERE s.id = $1`
	var allowed bool
	if err := tx.QueryRow(ctx, read, id).Scan(&allowed); err != nil {
		return notFound(err)
	}
	if !allowed {
		return consent.ErrNotFound
	}
	return nil
}
