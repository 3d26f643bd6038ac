package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

// Results is what the assessor reads and writes, under the worker role, which sees the one session
// that a transaction is about. Every write replaces what the same job wrote before, and is made only
// while the candidate consents to the assessment.
type Results struct {
	database *Database
	keys     fieldKeys
}

var _ assess.Results = (*Results)(nil)

// NewResults returns the assessor's side of a database.
func NewResults(database *Database, keys *Keys) *Results {
	return &Results{database: database, keys: keys}
}

func (r *Results) about(ctx context.Context, id consent.SessionID, work func(pgx.Tx) error) error {
	return r.database.in(ctx, RoleWorker, rowContext{session: string(id)}, work)
}

// write runs work while the candidate consents to the assessment, and tells every node.
func (r *Results) write(ctx context.Context, permit consent.Permit, id consent.SessionID, artefact consent.Artefact, work func(pgx.Tx) error) error {
	if err := demand(permit, id, artefact, consent.ActorAssessor); err != nil {
		return err
	}
	return r.about(ctx, id, func(tx pgx.Tx) error {
		consents, err := consentsNow(ctx, tx, id)
		if err != nil {
			return err
		}
		if !consents.Assessment {
			return consent.ErrNotFound
		}
		if artefact != consent.ArtefactMeasurements {
			if err := unobjected(ctx, tx, id); err != nil {
				return err
			}
		}
		if err := work(tx); err != nil {
			return err
		}
		return notify(ctx, tx, id, TopicResults)
	})
}

// PlanOf returns what a session asks.
func (r *Results) PlanOf(ctx context.Context, session consent.SessionID) (assess.Plan, error) {
	var plan assess.Plan
	err := r.about(ctx, session, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT plan FROM sessions WHERE id = $1 AND state <> 'erased'`, session).Scan(&plan)
	})
	if err != nil {
		return assess.Plan{}, fmt.Errorf("read plan: %w", notFound(err))
	}
	return plan, nil
}

// AnswerOf returns one answer.
func (r *Results) AnswerOf(ctx context.Context, session consent.SessionID, question, take int) (assess.Answer, error) {
	var answer assess.Answer
	err := r.about(ctx, session, func(tx pgx.Tx) error {
		const read = `SELECT ` + answerColumns + ` FROM answers WHERE session = $1 AND question = $2 AND take = $3`
		return tx.QueryRow(ctx, read, session, question, take).Scan(answerFields(&answer)...)
	})
	if err != nil {
		return assess.Answer{}, fmt.Errorf("read answer: %w", notFound(err))
	}
	return answer, nil
}

// AnswersOf returns the answers of a session that the assessor is done with.
func (r *Results) AnswersOf(ctx context.Context, ratings consent.Permit, session consent.SessionID) ([]assess.Answer, error) {
	if err := demand(ratings, session, consent.ArtefactRatings, consent.ActorAssessor); err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	var answers []assess.Answer
	err := r.about(ctx, session, func(tx pgx.Tx) error {
		const read = `SELECT ` + answerColumns + ` FROM answers WHERE session = $1 AND assessed_at IS NOT NULL ORDER BY question, take`
		rows, err := tx.Query(ctx, read, session)
		if err != nil {
			return err
		}
		answers, err = pgx.CollectRows(rows, scanAnswer)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	return answers, nil
}

// OverSince returns the ids of the sessions that are over and were made at the time or later, the oldest first:
// which of them anything is read of is the gate's to say.
func (r *Results) OverSince(ctx context.Context, since time.Time) ([]consent.SessionID, error) {
	var ids []consent.SessionID
	err := r.database.in(ctx, RoleWorker, rowContext{}, func(tx pgx.Tx) error {
		const list = `SELECT id FROM sessions WHERE state IN ('ended', 'assessed', 'abandoned') AND created_at >= $1 ORDER BY created_at, id`
		rows, err := tx.Query(ctx, list, since)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[consent.SessionID])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return ids, nil
}

// LineOf returns one line of the transcript.
func (r *Results) LineOf(ctx context.Context, transcript consent.Permit, session consent.SessionID, ref assess.LineRef) (assess.Line, error) {
	lines, err := r.lines(ctx, transcript, session, ` AND epoch = $2 AND sequence = $3`, ref.Epoch, ref.Sequence)
	if err != nil {
		return assess.Line{}, err
	}
	if len(lines) == 0 {
		return assess.Line{}, fmt.Errorf("read line: %w", consent.ErrNotFound)
	}
	return lines[0], nil
}

// LinesOf returns the transcript of one answer in the order it was said.
func (r *Results) LinesOf(ctx context.Context, transcript consent.Permit, session consent.SessionID, question, take int) ([]assess.Line, error) {
	return r.lines(ctx, transcript, session, ` AND question = $2 AND take = $3`, question, take)
}

func (r *Results) lines(ctx context.Context, transcript consent.Permit, session consent.SessionID, which string, arguments ...any) ([]assess.Line, error) {
	if err := demand(transcript, session, consent.ArtefactTranscript, consent.ActorAssessor); err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	var sealed []sealedLine
	err := r.about(ctx, session, func(tx pgx.Tx) error {
		var err error
		sealed, err = readLines(ctx, tx, session, which, arguments...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	lines, err := openLines(ctx, r.keys, transcript, session, sealed)
	if err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	return lines, nil
}

// GapsOf returns the stretches of the session for which there is no sound, in order.
func (r *Results) GapsOf(ctx context.Context, measurements consent.Permit, session consent.SessionID) ([]media.Gap, error) {
	if err := demand(measurements, session, consent.ArtefactMeasurements, consent.ActorAssessor); err != nil {
		return nil, fmt.Errorf("read gaps: %w", err)
	}
	var gaps []media.Gap
	err := r.about(ctx, session, func(tx pgx.Tx) error {
		const read = `SELECT kind, start_ns, end_ns, reason FROM gaps WHERE session = $1 AND kind = 'audio' ORDER BY start_ns`
		rows, err := tx.Query(ctx, read, session)
		if err != nil {
			return err
		}
		gaps, err = pgx.CollectRows(rows, scanGap)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read gaps: %w", err)
	}
	return gaps, nil
}

// EvidenceOf returns what was found in one answer so far.
func (r *Results) EvidenceOf(ctx context.Context, feedback consent.Permit, session consent.SessionID, question, take int) ([]assess.Evidence, error) {
	if err := demand(feedback, session, consent.ArtefactFeedback, consent.ActorAssessor); err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	var found []assess.Evidence
	err := r.about(ctx, session, func(tx pgx.Tx) error {
		var err error
		found, err = readEvidence(ctx, tx, session, ` AND question = $2 AND take = $3`, question, take)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	return found, nil
}

// NoteAICall writes that a model is about to be asked.
func (r *Results) NoteAICall(ctx context.Context, permit consent.Permit, call consent.AICall) error {
	if err := demand(permit, call.Session, consent.ArtefactModel, consent.ActorAssessor); err != nil {
		return fmt.Errorf("note a call of a model: %w", err)
	}
	err := r.about(ctx, call.Session, func(tx pgx.Tx) error {
		const add = `INSERT INTO ai_calls (session, purpose, model, place, prompt_sha256) VALUES ($1, $2, $3, $4, $5)`
		_, err := tx.Exec(ctx, add, call.Session, call.For, call.Model, call.Place, call.PromptSHA256)
		return err
	})
	if err != nil {
		return fmt.Errorf("note a call of a model: %w", err)
	}
	return nil
}

// EvidenceDone reports whether SaveEvidence was called for the line, also with nothing found.
func (r *Results) EvidenceDone(ctx context.Context, feedback consent.Permit, session consent.SessionID, ref assess.LineRef) (bool, error) {
	if err := demand(feedback, session, consent.ArtefactFeedback, consent.ActorAssessor); err != nil {
		return false, fmt.Errorf("read evidence: %w", err)
	}
	var done bool
	err := r.about(ctx, session, func(tx pgx.Tx) error {
		const read = `SELECT evidence_at IS NOT NULL FROM lines WHERE session = $1 AND epoch = $2 AND sequence = $3`
		return tx.QueryRow(ctx, read, session, ref.Epoch, ref.Sequence).Scan(&done)
	})
	if err != nil {
		return false, fmt.Errorf("read evidence: %w", notFound(err))
	}
	return done, nil
}

// SaveEvidence replaces what a model found in the line as it was read; [assess.ErrCorrected] if it has other words
// since.
func (r *Results) SaveEvidence(ctx context.Context, feedback consent.Permit, line assess.Line, found []assess.Evidence) error {
	session, ref := line.Session, line.Ref()
	err := r.write(ctx, feedback, session, consent.ArtefactFeedback, func(tx pgx.Tx) error {
		var revision int
		const mark = `UPDATE lines SET evidence_at = statement_timestamp() WHERE session = $1 AND epoch = $2 AND sequence = $3 RETURNING revision`
		if err := tx.QueryRow(ctx, mark, session, ref.Epoch, ref.Sequence).Scan(&revision); err != nil {
			return notFound(err)
		}
		if revision != line.Revision {
			return assess.ErrCorrected
		}
		const drop = `DELETE FROM evidence WHERE session = $1 AND line_epoch = $2 AND line_sequence = $3 AND rater ->> 'kind' = 'model' AND superseded_by IS NULL`
		if _, err := tx.Exec(ctx, drop, session, ref.Epoch, ref.Sequence); err != nil {
			return err
		}
		return addEvidence(ctx, tx, session, ref, found)
	})
	if err != nil {
		return fmt.Errorf("save evidence: %w", err)
	}
	return nil
}

func addEvidence(ctx context.Context, tx pgx.Tx, session consent.SessionID, ref assess.LineRef, found []assess.Evidence) error {
	const add = `INSERT INTO evidence (session, question, take, competency, line_epoch, line_sequence,
		first_word, last_word, polarity, part, rater) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	for _, e := range found {
		if e.Session != session || e.Line != ref {
			return fmt.Errorf("evidence of another line: %w", consent.ErrPermit)
		}
		if _, err := tx.Exec(ctx, add, session, e.Question, e.Take, e.Competency, ref.Epoch, ref.Sequence,
			e.First, e.Last, e.Polarity, e.Part, e.Rater); err != nil {
			return err
		}
	}
	return nil
}

// SaveMeasurements stores or replaces the counted facts of the answer as it was read; [assess.ErrCorrected] if it has
// other words since.
func (r *Results) SaveMeasurements(ctx context.Context, measurements consent.Permit, answer assess.Answer, found []assess.Measurement) error {
	session := answer.Session
	err := r.write(ctx, measurements, session, consent.ArtefactMeasurements, func(tx pgx.Tx) error {
		if err := mustHaveWords(ctx, tx, session, answer.Question, answer.Take, answer.Revision); err != nil {
			return err
		}
		const put = `INSERT INTO measurements (session, question, take, name, value, unit, counted, valid, invalid)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (session, question, take, name) DO UPDATE SET
			value = excluded.value, unit = excluded.unit, counted = excluded.counted, valid = excluded.valid, invalid = excluded.invalid`
		for _, m := range found {
			if m.Session != session || m.Question != answer.Question || m.Take != answer.Take {
				return fmt.Errorf("a measurement of another answer: %w", consent.ErrPermit)
			}
			if _, err := tx.Exec(ctx, put, session, m.Question, m.Take, m.Name, m.Value, m.Unit, m.Counted, m.Valid, m.Invalid); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save measurements: %w", err)
	}
	return nil
}

// RatingsOf returns what models rated in the words of one answer as they are now, without their sentences.
func (r *Results) RatingsOf(ctx context.Context, ratings consent.Permit, session consent.SessionID, question, take int) ([]assess.Rating, error) {
	if err := demand(ratings, session, consent.ArtefactRatings, consent.ActorAssessor); err != nil {
		return nil, fmt.Errorf("read ratings: %w", err)
	}
	var stored []sealedRating
	err := r.about(ctx, session, func(tx pgx.Tx) error {
		var err error
		stored, err = readRatings(ctx, tx, session, ` AND r.question = $2 AND r.take = $3 AND r.rater_kind = 'model' AND EXISTS (
			SELECT FROM answers a WHERE a.session = r.session AND a.question = r.question AND a.take = r.take
			AND r.at >= a.changed_at AND r.revision = a.revision)`, question, take)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read ratings: %w", err)
	}
	list := make([]assess.Rating, 0, len(stored))
	for _, s := range stored {
		if s.Outcome == assess.OutcomeNotAssessable {
			s.Reason = notRead
		}
		rating, err := assess.NewRating(s.RatingFields)
		if err != nil {
			return nil, fmt.Errorf("read ratings: %w", err)
		}
		list = append(list, rating)
	}
	return list, nil
}

// notRead stands for a reason that was left where it is, where a rating must have one.
const notRead = "not read"

// SaveRating stores or replaces one rater's rating of one competency of one answer, with its sentences
// encrypted under the session's feedback key; [assess.ErrCorrected] if the answer has other words since.
func (r *Results) SaveRating(ctx context.Context, ratings consent.Permit, rating assess.Rating) error {
	f := rating.Fields()
	if f.Rater.Kind == assess.RaterSelf {
		return fmt.Errorf("save rating: a self-rating is the candidate's: %w", consent.ErrPermit)
	}
	notes, err := sealNotes(ctx, r.keys, ratings, f)
	if err != nil {
		return fmt.Errorf("save rating: %w", err)
	}
	err = r.write(ctx, ratings, f.Session, consent.ArtefactRatings, func(tx pgx.Tx) error {
		if err := mustHaveWords(ctx, tx, f.Session, f.Question, f.Take, f.Revision); err != nil {
			return err
		}
		if err := dropRatings(ctx, tx, f); err != nil {
			return err
		}
		id, err := upsertRating(ctx, tx, f)
		if err != nil {
			return err
		}
		return storeNotes(ctx, tx, id, f.Session, notes)
	})
	if err != nil {
		return fmt.Errorf("save rating: %w", err)
	}
	return nil
}

// mustHaveWords: what is found in words is not stored once they are corrected. The caller holds off a correction, as
// consentsNow does.
func mustHaveWords(ctx context.Context, tx pgx.Tx, session consent.SessionID, question, take, revision int) error {
	var now int
	const read = `SELECT revision FROM answers WHERE session = $1 AND question = $2 AND take = $3`
	if err := tx.QueryRow(ctx, read, session, question, take).Scan(&now); err != nil {
		return notFound(err)
	}
	if now != revision {
		return assess.ErrCorrected
	}
	return nil
}

// MarkAnswerAssessed says that the assessor has nothing left to do for the answer; an ended session
// whose answers are all assessed is assessed. [consent.ErrNotFound] if there is no such answer, or none to be
// seen while the session is held or restricted.
//
// An answer that was gone on with or corrected meanwhile, and so has another end or other words, stays as it is: a
// job of its own follows.
func (r *Results) MarkAnswerAssessed(ctx context.Context, answer assess.Answer) error {
	session := answer.Session
	err := r.about(ctx, session, func(tx pgx.Tx) error {
		if _, err := lockState(ctx, tx, session); err != nil {
			return err
		}
		const set = `UPDATE answers SET assessed_at = CASE WHEN end_ns = $4 AND revision = $5
			THEN coalesce(assessed_at, statement_timestamp()) ELSE assessed_at END
			WHERE session = $1 AND question = $2 AND take = $3`
		marked, err := tx.Exec(ctx, set, session, answer.Question, answer.Take, int64(answer.End), answer.Revision)
		if err != nil {
			return err
		}
		if marked.RowsAffected() == 0 {
			return consent.ErrNotFound
		}
		if err := notify(ctx, tx, session, TopicResults); err != nil {
			return err
		}
		return assessIfDone(ctx, tx, session)
	})
	if err != nil {
		return fmt.Errorf("mark answer as assessed: %w", err)
	}
	return nil
}

// toMicrosecond is as fine as the database keeps a time.
func toMicrosecond(at time.Time) time.Time { return at.UTC().Truncate(time.Microsecond) }
