package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

// sealedLine is a line whose words are still encrypted.
type sealedLine struct {
	assess.Line
	words []byte
}

// readLines reads lines of a session in the order they were said. which is more of the WHERE clause,
// from $2 on.
func readLines(ctx context.Context, tx pgx.Tx, session consent.SessionID, which string, arguments ...any) ([]sealedLine, error) {
	rows, err := tx.Query(ctx, `SELECT session, epoch, sequence, question, take, start_ns, end_ns, engine, interpolated, words,
			revision, corrected_at, changed, lost_ns, clipped_ns FROM lines WHERE session = $1`+which+` ORDER BY start_ns, epoch, sequence`, append([]any{session}, arguments...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (sealedLine, error) {
		var l sealedLine
		var lost, clipped *int64
		err := row.Scan(&l.Session, &l.Epoch, &l.Sequence, &l.Question, &l.Take, nanoseconds{&l.Start}, nanoseconds{&l.End},
			&l.Engine, &l.Interpolated, &l.words, &l.Revision, orZero{&l.CorrectedAt}, &l.Changed, &lost, &clipped)
		if lost != nil && clipped != nil {
			l.Flaws = &media.Flaws{Lost: time.Duration(*lost), Clipped: time.Duration(*clipped)}
		}
		return l, err
	})
}

// openLines decrypts the words, with one key for all.
func openLines(ctx context.Context, keys fieldKeys, permit consent.Permit, session consent.SessionID, sealed []sealedLine) ([]assess.Line, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	key, err := keys.ReadFields(ctx, permit, session, consent.ScopeTranscript)
	if err != nil {
		return nil, err
	}
	lines := make([]assess.Line, len(sealed))
	for i, s := range sealed {
		if lines[i], err = s.open(key); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

func (s sealedLine) open(key FieldKey) (line assess.Line, err error) {
	s.Words, err = openWords(key, wordsContext(s.Epoch, s.Sequence, s.Revision), s.words)
	return s.Line, err
}

func openWords(key FieldKey, context string, sealed []byte) ([]assess.Word, error) {
	plain, err := key.Open(context, sealed)
	if err != nil {
		return nil, err
	}
	var words []assess.Word
	if err := json.Unmarshal(plain, &words); err != nil {
		return nil, fmt.Errorf("read words: %w", err)
	}
	return words, nil
}

const evidenceColumns = `id, session, question, take, competency, line_epoch, line_sequence, first_word, last_word, polarity, part, rater`

func evidenceFields(e *assess.Evidence) []any {
	return []any{
		&e.ID, &e.Session, &e.Question, &e.Take, &e.Competency, &e.Line.Epoch, &e.Line.Sequence, &e.First, &e.Last,
		&e.Polarity, &e.Part, &e.Rater,
	}
}

// readEvidence reads what was found in the words as they are now.
func readEvidence(ctx context.Context, tx pgx.Tx, session consent.SessionID, which string, arguments ...any) ([]assess.Evidence, error) {
	rows, err := tx.Query(ctx, `SELECT `+evidenceColumns+` FROM evidence WHERE session = $1 AND superseded_by IS NULL`+which+`
		ORDER BY line_epoch, line_sequence, first_word, id`, append([]any{session}, arguments...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (assess.Evidence, error) {
		var e assess.Evidence
		err := row.Scan(evidenceFields(&e)...)
		return e, err
	})
}

// upsertRating stores a rating without its sentences; one rater rates one competency of one answer once in each
// pass.
func upsertRating(ctx context.Context, tx pgx.Tx, f assess.RatingFields) (int64, error) {
	const put = `INSERT INTO ratings (session, question, take, competency, rater_kind, model, pass, prompt_sha256, rubric_sha256,
			bank_sha256, outcome, level, at, asked, answered, revision, heard_badly, partly_read)
		VALUES ($1, $2, $3, $4, $5, $6, coalesce(nullif($7, ''), 'first'), $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
		ON CONFLICT (session, question, take, competency, revision, rater_kind, model, pass, prompt_sha256) DO UPDATE SET
		rubric_sha256 = excluded.rubric_sha256, bank_sha256 = excluded.bank_sha256, outcome = excluded.outcome,
		level = excluded.level, at = excluded.at, asked = excluded.asked, answered = excluded.answered,
		heard_badly = excluded.heard_badly, partly_read = excluded.partly_read
		RETURNING id`
	var level *int
	if f.Outcome == assess.OutcomeLevel {
		level = &f.Level
	}
	var id int64
	err := tx.QueryRow(ctx, put, f.Session, f.Question, f.Take, f.Competency, f.Rater.Kind, f.Rater.Model, f.Rater.Pass,
		f.Rater.PromptSHA256, f.Rater.RubricSHA256, f.Rater.BankSHA256, f.Outcome, level, toMicrosecond(f.At),
		f.Asked.Held, f.Asked.Answered, f.Revision, f.Heard.Names(), f.PartlyRead).Scan(&id)
	return id, err
}

// dropRatings takes away what a model's rating takes the place of: the same pass by another rater, and for a
// first pass all of them but what a contest came to. A third rating was asked for because of a second one. What was
// rated before the words were corrected stays.
func dropRatings(ctx context.Context, tx pgx.Tx, f assess.RatingFields) error {
	const drop = `DELETE FROM ratings WHERE session = $1 AND question = $2 AND take = $3 AND competency = $4 AND revision = $6
		AND rater_kind = 'model' AND ($5 = 'first' AND pass <> 'contest' OR $5 = 'second' AND pass = 'third' OR pass = $5)`
	_, err := tx.Exec(ctx, drop, f.Session, f.Question, f.Take, f.Competency, f.Rater.Pass, f.Revision)
	return err
}

// ratingNotes are the sentences about a rating. They are kept apart from it, because they need another
// scope, and encrypted.
type ratingNotes struct {
	WhyNotHigher string `json:"why_not_higher,omitempty"`
	WhyNotLower  string `json:"why_not_lower,omitempty"`
	Reason       string `json:"reason,omitempty"`
}

// notesContext binds the sentences to the rating they are about. A first pass is not named, nor words that were
// never corrected: there was nothing else once.
func notesContext(f assess.RatingFields) string {
	rating := fmt.Sprintf("rating_notes.notes/%d/%d/%s/%s/%s/%s", f.Question, f.Take, f.Competency, f.Rater.Kind, f.Rater.Model, f.Rater.PromptSHA256)
	if f.Rater.Pass != "" && f.Rater.Pass != assess.PassFirst {
		rating += "/" + string(f.Rater.Pass)
	}
	if f.Revision > 0 {
		rating += fmt.Sprintf("/corrected %d", f.Revision)
	}
	return rating
}

// sealNotes returns the encrypted sentences, nil where there are none.
func sealNotes(ctx context.Context, keys fieldKeys, permit consent.Permit, f assess.RatingFields) ([]byte, error) {
	notes := ratingNotes{WhyNotHigher: f.WhyNotHigher, WhyNotLower: f.WhyNotLower, Reason: f.Reason}
	if notes == (ratingNotes{}) {
		return nil, nil
	}
	plain, err := json.Marshal(notes)
	if err != nil {
		return nil, fmt.Errorf("write sentences: %w", err)
	}
	key, err := keys.WriteFields(ctx, permit, f.Session, consent.ScopeFeedback)
	if err != nil {
		return nil, err
	}
	return key.Seal(notesContext(f), plain)
}

func storeNotes(ctx context.Context, tx pgx.Tx, rating int64, session consent.SessionID, notes []byte) error {
	if notes == nil {
		_, err := tx.Exec(ctx, `DELETE FROM rating_notes WHERE rating = $1`, rating)
		return err
	}
	const put = `INSERT INTO rating_notes (rating, session, notes) VALUES ($1, $2, $3)
		ON CONFLICT (rating) DO UPDATE SET notes = excluded.notes`
	_, err := tx.Exec(ctx, put, rating, session, notes)
	return err
}

// sealedRating is a rating whose sentences are still encrypted; notes is nil where there are none or
// the plane may not read them.
type sealedRating struct {
	assess.RatingFields
	notes []byte
}

// readRatings reads the ratings of a session that a condition names. The policies of the plane leave out what it
// may not see.
func readRatings(ctx context.Context, tx pgx.Tx, session consent.SessionID, which string, arguments ...any) ([]sealedRating, error) {
	rows, err := tx.Query(ctx, `SELECT r.session, r.question, r.take, r.competency, r.rater_kind, r.model,
		CASE WHEN r.rater_kind = 'model' THEN r.pass ELSE '' END, r.prompt_sha256, r.rubric_sha256, r.bank_sha256,
		r.outcome, coalesce(r.level, 0), r.at, r.asked, r.answered, r.revision, r.heard_badly, r.partly_read, n.notes
		FROM ratings r LEFT JOIN rating_notes n ON n.rating = r.id WHERE r.session = $1`+which+` ORDER BY r.question, r.take, r.rater_kind = 'self', r.id`,
		append([]any{session}, arguments...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (sealedRating, error) {
		var r sealedRating
		var badly []string
		err := row.Scan(&r.Session, &r.Question, &r.Take, &r.Competency, &r.Rater.Kind, &r.Rater.Model, &r.Rater.Pass, &r.Rater.PromptSHA256,
			&r.Rater.RubricSHA256, &r.Rater.BankSHA256, &r.Outcome, &r.Level, &r.At,
			&r.Asked.Held, &r.Asked.Answered, &r.Revision, &badly, &r.PartlyRead, &r.notes)
		r.Heard = assess.HeardBadlyBy(badly)
		r.At = r.At.UTC()
		return r, err
	})
}

func readMeasurements(ctx context.Context, tx pgx.Tx, session consent.SessionID) ([]assess.Measurement, error) {
	rows, err := tx.Query(ctx, `SELECT session, question, take, name, value, unit, counted, valid, invalid
		FROM measurements WHERE session = $1 ORDER BY question, take, name`, session)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[assess.Measurement])
}

// orZero scans NULL as the zero time.
type orZero struct{ at *time.Time }

// Scan implements the scanner of database/sql.
func (o orZero) Scan(value any) error {
	switch value := value.(type) {
	case nil:
		*o.at = time.Time{}
	case time.Time:
		*o.at = value
	default:
		return fmt.Errorf("a time column holds a %T", value)
	}
	return nil
}
