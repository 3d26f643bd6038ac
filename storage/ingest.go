package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

// fieldKeys hands out the keys of encrypted columns, as [Keys] does.
type fieldKeys interface {
	ReadFields(ctx context.Context, permit consent.Permit, session consent.SessionID, scope consent.Scope) (FieldKey, error)
	WriteFields(ctx context.Context, permit consent.Permit, session consent.SessionID, scope consent.Scope) (FieldKey, error)
}

// Ingest writes the rows of live sessions, under the ingest role, which sees the one session that a
// transaction is about. Everything may be written twice.
type Ingest struct {
	database *Database
	keys     fieldKeys
	evidence bool
}

// NewIngest returns the live side of a database. With evidence, each line of a session that consents
// to assessment gets a job that looks for evidence in it; pass whether a model is configured.
func NewIngest(database *Database, keys *Keys, evidence bool) *Ingest {
	return &Ingest{database: database, keys: keys, evidence: evidence}
}

func (i *Ingest) about(ctx context.Context, id consent.SessionID, work func(pgx.Tx) error) error {
	return i.database.in(ctx, RoleIngest, rowContext{session: string(id)}, work)
}

// GoLive takes the session for this process: its state is live and its epoch one higher than any
// process had before. The origin is the wall time of media time zero, zero if there is none yet.
func (i *Ingest) GoLive(ctx context.Context, id consent.SessionID) (epoch int, origin time.Time, err error) {
	err = i.about(ctx, id, func(tx pgx.Tx) error {
		state, err := lockState(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := state.After(consent.StepGoLive); err != nil {
			return err
		}
		// A session that is held or restricted is not gone on with; to a room it is not there.
		const set = `UPDATE sessions SET state = 'live', epoch = epoch + 1,
			state_at = CASE WHEN state = 'live' THEN state_at ELSE statement_timestamp() END
			WHERE id = $1 AND held_at IS NULL AND restricted_at IS NULL RETURNING epoch, media_start`
		if err := tx.QueryRow(ctx, set, id).Scan(&epoch, orZero{&origin}); err != nil {
			return notFound(err)
		}
		return logEvent(ctx, tx, id, TopicSession, "live", eventDetail{"epoch": epoch})
	})
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("go live: %w", err)
	}
	return epoch, origin, nil
}

// lockState reads the state and makes other changes to the session wait, as lockRow does.
func lockState(ctx context.Context, tx pgx.Tx, id consent.SessionID) (consent.SessionState, error) {
	var state consent.SessionState
	err := tx.QueryRow(ctx, `SELECT state FROM sessions WHERE id = $1 AND state <> 'erased'`+lockRow, id).Scan(&state)
	return state, notFound(err)
}

// SetOrigin stores the wall time of media time zero, unless there is one.
func (i *Ingest) SetOrigin(ctx context.Context, id consent.SessionID, at time.Time) error {
	err := i.about(ctx, id, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE sessions SET media_start = $2 WHERE id = $1 AND media_start IS NULL`, id, at)
		return err
	})
	if err != nil {
		return fmt.Errorf("set the origin of media time: %w", err)
	}
	return nil
}

// EndSession stores that the interview is over; a session that ended already stays as it is. One whose
// answers are all assessed is assessed at once.
func (i *Ingest) EndSession(ctx context.Context, id consent.SessionID) error {
	err := i.about(ctx, id, func(tx pgx.Tx) error {
		state, err := lockState(ctx, tx, id)
		if err != nil || state == consent.SessionEnded || state == consent.SessionAssessed {
			return err
		}
		if _, err := state.After(consent.StepEnd); err != nil {
			return err
		}
		const set = `UPDATE sessions SET state = 'ended', state_at = statement_timestamp(), ended_at = statement_timestamp() WHERE id = $1`
		if _, err := tx.Exec(ctx, set, id); err != nil {
			return err
		}
		if err := logEvent(ctx, tx, id, TopicSession, "ended", nil); err != nil {
			return err
		}
		return assessIfDone(ctx, tx, id)
	})
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// assessIfDone moves an ended session on when its last answer is assessed. The caller holds the lock
// on the session's row, so that the end and the last answer cannot miss each other. Of a session that is
// held or restricted no answer is seen, so that none being open says nothing: it stays as it is, and the
// jobs that wait for it ask again.
func assessIfDone(ctx context.Context, tx pgx.Tx, id consent.SessionID) error {
	const set = `UPDATE sessions SET state = 'assessed', state_at = statement_timestamp()
		WHERE id = $1 AND state = 'ended' AND assessment AND held_at IS NULL AND restricted_at IS NULL
		AND NOT EXISTS (SELECT FROM answers WHERE session = $1 AND assessed_at IS NULL)`
	done, err := tx.Exec(ctx, set, id)
	if err != nil || done.RowsAffected() == 0 {
		return err
	}
	return logEvent(ctx, tx, id, TopicSession, "assessed", nil)
}

// SessionForRoom reads what a room needs to begin or to go on. Of a model's follow-ups the plan has those that are
// left.
func (i *Ingest) SessionForRoom(ctx context.Context, id consent.SessionID) (consent.Session, assess.Plan, []assess.Answer, error) {
	var session consent.Session
	var plan assess.Plan
	var answers []assess.Answer
	err := i.about(ctx, id, func(tx pgx.Tx) error {
		const read = `SELECT ` + sessionColumns + `, s.plan FROM sessions s WHERE s.id = $1 AND s.state <> 'erased'`
		if err := tx.QueryRow(ctx, read, id).Scan(append(sessionFields(&session), &plan)...); err != nil {
			return notFound(err)
		}
		if plan.FollowUps > 0 {
			const left = `SELECT greatest(0, $2 - count(*)) FROM follow_ups WHERE session = $1`
			if err := tx.QueryRow(ctx, left, id, plan.FollowUps).Scan(&plan.FollowUps); err != nil {
				return err
			}
		}
		rows, err := tx.Query(ctx, `SELECT `+answerColumns+` FROM answers WHERE session = $1 ORDER BY question, take`, id)
		if err != nil {
			return err
		}
		answers, err = pgx.CollectRows(rows, scanAnswer)
		return err
	})
	if err != nil {
		return consent.Session{}, assess.Plan{}, nil, fmt.Errorf("read session for its room: %w", err)
	}
	return session, plan, answers, nil
}

const answerColumns = `session, question, take, start_ns, end_ns, limit_ns, ended_by, revision, corrected_at`

func answerFields(a *assess.Answer) []any {
	return []any{&a.Session, &a.Question, &a.Take, nanoseconds{&a.Start}, nanoseconds{&a.End}, nanoseconds{&a.Limit}, &a.EndedBy, &a.Revision, orZero{&a.CorrectedAt}}
}

func scanAnswer(row pgx.CollectableRow) (assess.Answer, error) {
	var a assess.Answer
	err := row.Scan(answerFields(&a)...)
	return a, err
}

// nanoseconds scans a bigint column as a duration; pgx would take a Duration for an interval.
type nanoseconds struct{ d *time.Duration }

// ScanInt64 implements pgtype's scanner of integers.
func (n nanoseconds) ScanInt64(v pgtype.Int8) error {
	if !v.Valid {
		return fmt.Errorf("a time column holds NULL")
	}
	*n.d = time.Duration(v.Int64)
	return nil
}

// NoteTurns appends decisions about turns to the session's log.
func (i *Ingest) NoteTurns(ctx context.Context, id consent.SessionID, events []assess.TurnEvent) error {
	err := i.about(ctx, id, func(tx pgx.Tx) error {
		for _, e := range events {
			detail := eventDetail{"question": e.Question, "take": e.Take, "probe": e.Probe, "media_ms": e.Media.Milliseconds()}
			if e.ByModel {
				detail["by"] = "model"
			}
			if e.EndedBy != "" {
				detail["ended_by"] = string(e.EndedBy)
			}
			if err := logEvent(ctx, tx, id, TopicSession, "turn_"+e.Kind, detail); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note turns: %w", err)
	}
	return nil
}

// SaveAnswer stores an answer that closed and, in the same transaction, adds the job that assesses it
// where the candidate consented to that. An answer that was gone on with is stored again with its later
// end, and is to be assessed again.
func (i *Ingest) SaveAnswer(ctx context.Context, a assess.Answer) error {
	err := i.about(ctx, a.Session, func(tx pgx.Tx) error {
		consents, err := consentsNow(ctx, tx, a.Session)
		if err != nil {
			return err
		}
		var before *int64
		const end = `SELECT (SELECT end_ns FROM answers WHERE session = $1 AND question = $2 AND take = $3)`
		if err := tx.QueryRow(ctx, end, a.Session, a.Question, a.Take).Scan(&before); err != nil {
			return err
		}
		const put = `INSERT INTO answers (session, question, take, start_ns, end_ns, limit_ns, ended_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (session, question, take) DO UPDATE
			SET start_ns = excluded.start_ns, end_ns = excluded.end_ns, limit_ns = excluded.limit_ns, ended_by = excluded.ended_by,
				assessed_at = CASE WHEN answers.end_ns = excluded.end_ns THEN answers.assessed_at END,
				changed_at = CASE WHEN answers.end_ns = excluded.end_ns THEN answers.changed_at ELSE statement_timestamp() END`
		if _, err := tx.Exec(ctx, put, a.Session, a.Question, a.Take, int64(a.Start), int64(a.End), int64(a.Limit), a.EndedBy); err != nil {
			return err
		}
		if consents.Assessment {
			job := answerJob{Session: a.Session, Question: a.Question, Take: a.Take}
			if before != nil && *before != int64(a.End) {
				job.Until = int64(a.End)
			}
			if err := i.database.jobs.add(ctx, tx, job); err != nil {
				return err
			}
		}
		return notify(ctx, tx, a.Session, TopicResults)
	})
	if err != nil {
		return fmt.Errorf("save answer: %w", err)
	}
	return nil
}

// consentsNow reads the session's consents and holds off a withdrawal until the transaction ends: what
// is written under a consent is written before its withdrawal or not at all. A session that is held or
// restricted has none.
func consentsNow(ctx context.Context, tx pgx.Tx, id consent.SessionID) (consent.Consents, error) {
	var c consent.Consents
	const read = `SELECT recording, transcription, assessment FROM sessions WHERE id = $1 AND state <> 'erased'
		AND held_at IS NULL AND restricted_at IS NULL FOR SHARE`
	err := tx.QueryRow(ctx, read, id).Scan(&c.Recording, &c.Transcription, &c.Assessment)
	return c, notFound(err)
}

// SaveLine stores a line with its words encrypted and, in the same transaction, adds the job that looks
// for evidence in it. The Permit is a scribe's, for the transcript. A bare [consent.ErrNotFound] says
// that the consent is gone.
func (i *Ingest) SaveLine(ctx context.Context, permit consent.Permit, line assess.Line) error {
	if err := demand(permit, line.Session, consent.ArtefactTranscript, consent.ActorScribe); err != nil {
		return fmt.Errorf("save line: %w", err)
	}
	words, err := i.sealWords(ctx, permit, line)
	if err != nil {
		return fmt.Errorf("save line: %w", err)
	}
	err = i.about(ctx, line.Session, func(tx pgx.Tx) error {
		consents, err := consentsNow(ctx, tx, line.Session)
		if err != nil {
			return err
		}
		if !consents.Transcription {
			return consent.ErrNotFound
		}
		if err := insertLine(ctx, tx, line, words); err != nil {
			return err
		}
		if i.evidence && consents.Assessment {
			job := evidenceJob{Session: line.Session, Epoch: line.Epoch, Sequence: line.Sequence}
			if err := i.database.jobs.add(ctx, tx, job); err != nil {
				return err
			}
		}
		return notify(ctx, tx, line.Session, TopicResults)
	})
	if err != nil {
		return fmt.Errorf("save line: %w", err)
	}
	return nil
}

func (i *Ingest) sealWords(ctx context.Context, permit consent.Permit, line assess.Line) ([]byte, error) {
	plain, err := json.Marshal(line.Words)
	if err != nil {
		return nil, fmt.Errorf("write words: %w", err)
	}
	key, err := i.keys.WriteFields(ctx, permit, line.Session, consent.ScopeTranscript)
	if err != nil {
		return nil, err
	}
	return key.Seal(wordsContext(line.Epoch, line.Sequence, 0), plain)
}

// wordsContext binds encrypted words to their row, and to its revision where they were corrected.
func wordsContext(epoch, sequence, revision int) string {
	row := fmt.Sprintf("lines.words/%d/%d", epoch, sequence)
	if revision > 0 {
		return fmt.Sprintf("%s/%d", row, revision)
	}
	return row
}

func insertLine(ctx context.Context, tx pgx.Tx, line assess.Line, words []byte) error {
	const add = `INSERT INTO lines (session, epoch, sequence, question, take, start_ns, end_ns, engine, interpolated, words,
			lost_ns, clipped_ns)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (session, epoch, sequence) DO NOTHING`
	var lost, clipped *int64
	if line.Flaws != nil {
		lost, clipped = new(int64(line.Flaws.Lost)), new(int64(line.Flaws.Clipped))
	}
	_, err := tx.Exec(ctx, add, line.Session, line.Epoch, line.Sequence, line.Question, line.Take,
		int64(line.Start), int64(line.End), line.Engine, line.Interpolated, words, lost, clipped)
	return err
}

// SaveGap stores a stretch for which a track has nothing; a longer one with the same start replaces it.
func (i *Ingest) SaveGap(ctx context.Context, session consent.SessionID, gap media.Gap) error {
	err := i.about(ctx, session, func(tx pgx.Tx) error {
		const put = `INSERT INTO gaps (session, kind, start_ns, end_ns, reason) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (session, kind, start_ns) DO UPDATE SET end_ns = greatest(gaps.end_ns, excluded.end_ns), reason = excluded.reason`
		if _, err := tx.Exec(ctx, put, session, gap.Kind, int64(gap.Start), int64(gap.End), gap.Reason); err != nil {
			return err
		}
		return notify(ctx, tx, session, TopicResults)
	})
	if err != nil {
		return fmt.Errorf("save gap: %w", notFound(err))
	}
	return nil
}

// AbandonStale abandons sessions that were begun and then left for longer than the given time, and
// returns how many. It runs under the worker role, which looks at every session's state.
func (i *Ingest) AbandonStale(ctx context.Context, olderThan time.Duration) (int, error) {
	abandoned, err := abandonStale(ctx, i.database, olderThan)
	if err != nil {
		return 0, fmt.Errorf("abandon stale sessions: %w", err)
	}
	return abandoned, nil
}

func abandonStale(ctx context.Context, database *Database, olderThan time.Duration) (int, error) {
	abandoned := 0
	err := database.in(ctx, RoleWorker, rowContext{}, func(tx pgx.Tx) error {
		const set = `UPDATE sessions SET state = 'abandoned', state_at = statement_timestamp()
			WHERE state IN ('scheduled', 'consented', 'live') AND held_at IS NULL
			AND state_at < statement_timestamp() - $1::interval RETURNING id`
		rows, err := tx.Query(ctx, set, olderThan)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[consent.SessionID])
		if err != nil {
			return err
		}
		abandoned = len(ids)
		for _, id := range ids {
			if err := logEvent(ctx, tx, id, TopicSession, "abandoned", nil); err != nil {
				return err
			}
		}
		return nil
	})
	return abandoned, err
}

// demand checks a Permit against what is about to be touched and by which part of the server.
func demand(permit consent.Permit, session consent.SessionID, artefact consent.Artefact, kind consent.ActorKind) error {
	if err := permit.Demand(session, artefact); err != nil {
		return err
	}
	if permit.Actor().Kind != kind {
		return consent.ErrPermit
	}
	return nil
}
