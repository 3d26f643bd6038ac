package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/assess"
	"greenroom/consent"
)

// NamesOf returns what says who the candidate of a session is. The name and the address themselves stay
// here: what comes back can only be used for masking.
func (r *Results) NamesOf(ctx context.Context, transcript consent.Permit, session consent.SessionID) (assess.Names, error) {
	if err := demand(transcript, session, consent.ArtefactTranscript, consent.ActorAssessor); err != nil {
		return assess.Names{}, fmt.Errorf("read what to mask: %w", err)
	}
	var name, email string
	err := r.about(ctx, session, func(tx pgx.Tx) error {
		const read = `SELECT a.display_name, a.email FROM sessions s JOIN accounts a ON a.id = s.candidate
			WHERE s.id = $1 AND s.state <> 'erased'`
		return tx.QueryRow(ctx, read, session).Scan(&name, &email)
	})
	if err != nil {
		return assess.Names{}, fmt.Errorf("read what to mask: %w", notFound(err))
	}
	return assess.NamesOf(name, email), nil
}
