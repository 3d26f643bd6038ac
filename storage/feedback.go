package storage

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/assess"
	"greenroom/consent"
)

// SaveFeedback stores or replaces what a model says about one answer, encrypted under the session's feedback
// key; without items there is none afterwards. [assess.ErrCorrected] if the answer has other words since.
func (r *Results) SaveFeedback(ctx context.Context, feedback consent.Permit, found assess.Feedback) error {
	var sealed []byte
	if len(found.Items) > 0 {
		plain, err := json.Marshal(found.Items)
		if err != nil {
			return fmt.Errorf("write feedback: %w", err)
		}
		key, err := r.keys.WriteFields(ctx, feedback, found.Session, consent.ScopeFeedback)
		if err != nil {
			return fmt.Errorf("save feedback: %w", err)
		}
		if sealed, err = key.Seal(feedbackContext(found.Question, found.Take), plain); err != nil {
			return fmt.Errorf("save feedback: %w", err)
		}
	}
	err := r.write(ctx, feedback, found.Session, consent.ArtefactFeedback, func(tx pgx.Tx) error {
		if err := mustHaveWords(ctx, tx, found.Session, found.Question, found.Take, found.Revision); err != nil {
			return err
		}
		return storeFeedback(ctx, tx, found, sealed)
	})
	if err != nil {
		return fmt.Errorf("save feedback: %w", err)
	}
	return nil
}

// feedbackContext binds the sentences to the answer they are about.
func feedbackContext(question, take int) string {
	return fmt.Sprintf("feedback.items/%d/%d", question, take)
}

func storeFeedback(ctx context.Context, tx pgx.Tx, found assess.Feedback, sealed []byte) error {
	if sealed == nil {
		_, err := tx.Exec(ctx, `DELETE FROM feedback WHERE session = $1 AND question = $2 AND take = $3`, found.Session, found.Question, found.Take)
		return err
	}
	const put = `INSERT INTO feedback (session, question, take, model, prompt_sha256, bank_sha256, at, items)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (session, question, take) DO UPDATE SET
		model = excluded.model, prompt_sha256 = excluded.prompt_sha256, bank_sha256 = excluded.bank_sha256, at = excluded.at, items = excluded.items`
	_, err := tx.Exec(ctx, put, found.Session, found.Question, found.Take, found.Rater.Model, found.Rater.PromptSHA256,
		found.Rater.BankSHA256, toMicrosecond(found.At), sealed)
	return err
}

// sealedFeedback is feedback that is still encrypted.
type sealedFeedback struct {
	question, take int
	items          []byte
}

// readFeedback reads the feedback of a session. The policies of the plane leave out what it may not see.
func readFeedback(ctx context.Context, tx pgx.Tx, session consent.SessionID) ([]sealedFeedback, error) {
	rows, err := tx.Query(ctx, `SELECT question, take, items FROM feedback WHERE session = $1 ORDER BY question, take`, session)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (sealedFeedback, error) {
		var f sealedFeedback
		err := row.Scan(&f.question, &f.take, &f.items)
		return f, err
	})
}

// open decrypts the sentences.
func (f sealedFeedback) open(key FieldKey) ([]assess.FeedbackItem, error) {
	plain, err := key.Open(feedbackContext(f.question, f.take), f.items)
	if err != nil {
		return nil, err
	}
	var items []assess.FeedbackItem
	if err := json.Unmarshal(plain, &items); err != nil {
		return nil, fmt.Errorf("read feedback: %w", err)
	}
	return items, nil
}
