package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/assess"
	"greenroom/consent"
)

// SaveFollowUp stores a question that a model asked, encrypted under the session's transcript key. The Permit is a
// scribe's, for the transcript. A bare [consent.ErrNotFound] says that the consent is gone.
func (i *Ingest) SaveFollowUp(ctx context.Context, permit consent.Permit, asked assess.FollowUp) error {
	if err := demand(permit, asked.Session, consent.ArtefactTranscript, consent.ActorScribe); err != nil {
		return fmt.Errorf("save follow-up: %w", err)
	}
	key, err := i.keys.WriteFields(ctx, permit, asked.Session, consent.ScopeTranscript)
	if err != nil {
		return fmt.Errorf("save follow-up: %w", err)
	}
	words, err := key.Seal(followUpContext(asked.Question, asked.Take), []byte(asked.Text))
	if err != nil {
		return fmt.Errorf("save follow-up: %w", err)
	}
	err = i.about(ctx, asked.Session, func(tx pgx.Tx) error {
		consents, err := consentsNow(ctx, tx, asked.Session)
		if err != nil {
			return err
		}
		if !consents.Transcription {
			return consent.ErrNotFound
		}
		const put = `INSERT INTO follow_ups (session, question, take, model, prompt_sha256, bank_sha256, at, words)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (session, question, take) DO UPDATE SET
			model = $4, prompt_sha256 = $5, bank_sha256 = $6, at = $7, words = $8` // "excluded" would have to be read
		_, err = tx.Exec(ctx, put, asked.Session, asked.Question, asked.Take, asked.Model, asked.PromptSHA256, asked.BankSHA256, toMicrosecond(asked.At), words)
		return err
	})
	if err != nil {
		return fmt.Errorf("save follow-up: %w", err)
	}
	return nil
}

// followUpContext binds the question to the answer that it is about.
func followUpContext(question, take int) string {
	return fmt.Sprintf("follow_ups.words/%d/%d", question, take)
}

// FollowUpOf returns what a model asked in one answer; nothing, without an error, if it asked nothing.
func (r *Results) FollowUpOf(ctx context.Context, transcript consent.Permit, session consent.SessionID, question, take int) (assess.FollowUp, error) {
	if err := demand(transcript, session, consent.ArtefactTranscript, consent.ActorAssessor); err != nil {
		return assess.FollowUp{}, fmt.Errorf("read follow-up: %w", err)
	}
	var sealed []sealedFollowUp
	err := r.about(ctx, session, func(tx pgx.Tx) (err error) {
		sealed, err = readFollowUps(ctx, tx, session, ` AND question = $2 AND take = $3`, question, take)
		return err
	})
	if err != nil {
		return assess.FollowUp{}, fmt.Errorf("read follow-up: %w", err)
	}
	if len(sealed) == 0 {
		return assess.FollowUp{}, nil
	}
	opened, err := openFollowUps(ctx, r.keys, transcript, session, sealed)
	if err != nil {
		return assess.FollowUp{}, fmt.Errorf("read follow-up: %w", err)
	}
	return opened[0], nil
}

// sealedFollowUp is a question that is still encrypted.
type sealedFollowUp struct {
	assess.FollowUp
	words []byte
}

// readFollowUps reads what models asked in a session. The policies of the plane leave out what it may not see.
func readFollowUps(ctx context.Context, tx pgx.Tx, session consent.SessionID, which string, arguments ...any) ([]sealedFollowUp, error) {
	rows, err := tx.Query(ctx, `SELECT session, question, take, model, prompt_sha256, bank_sha256, at, words
		FROM follow_ups WHERE session = $1`+which+` ORDER BY question, take`, append([]any{session}, arguments...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (sealedFollowUp, error) {
		var f sealedFollowUp
		err := row.Scan(&f.Session, &f.Question, &f.Take, &f.Model, &f.PromptSHA256, &f.BankSHA256, &f.At, &f.words)
		f.At = f.At.UTC()
		return f, err
	})
}

func openFollowUps(ctx context.Context, keys fieldKeys, transcript consent.Permit, session consent.SessionID, sealed []sealedFollowUp) ([]assess.FollowUp, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	key, err := keys.ReadFields(ctx, transcript, session, consent.ScopeTranscript)
	if err != nil {
		return nil, err
	}
	opened := make([]assess.FollowUp, 0, len(sealed))
	for _, f := range sealed {
		words, err := key.Open(followUpContext(f.Question, f.Take), f.words)
		if err != nil {
			return nil, err
		}
		f.Text = string(words)
		opened = append(opened, f.FollowUp)
	}
	return opened, nil
}
