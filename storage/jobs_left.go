package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"greenroom/consent"
)

const (
	leftEvery  = 10 * time.Minute
	leftAfter  = time.Hour // of the interview's end; before, a job is late and not lost
	leftAtOnce = 100       // sessions
)

// leftJob adds a job to each answer that none is left of: the last try of the one before died with its process, or
// the database was away when it was to be given up. The candidate would read for ever that it is being assessed.
type leftJob struct{}

// Kind names the job in the table.
func (leftJob) Kind() string { return "look_for_left_answers" }

// InsertOpts: the next one comes by itself.
func (leftJob) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

func (j *Jobs) workLeft(ctx context.Context, _ *river.Job[leftJob]) error {
	// The newest first: one of which nothing can come does not stand in the way of the others.
	const over = `SELECT id FROM sessions WHERE state = 'ended' AND assessment AND held_at IS NULL AND restricted_at IS NULL
		AND state_at < now() - $1::interval ORDER BY state_at DESC LIMIT $2`
	rows, err := j.database.Pool(RoleWorker).Query(ctx, over, leftAfter, leftAtOnce)
	if err != nil {
		return fmt.Errorf("look for sessions that are not assessed: %w", err)
	}
	sessions, err := pgx.CollectRows(rows, pgx.RowTo[consent.SessionID])
	if err != nil {
		return fmt.Errorf("look for sessions that are not assessed: %w", err)
	}
	for _, session := range sessions {
		added, err := j.addLeft(ctx, session)
		if err != nil {
			return fmt.Errorf("look for answers without a job: %w", err)
		}
		if added > 0 {
			j.options.Log.Warn("answers without a job got one", "session", session, "answers", added)
		}
	}
	return nil
}

// addLeft adds a job for each answer of the session that is not assessed and has none. Its own end makes such a job
// another one than those before it, which may still be kept. Of answers that were corrected [Jobs.workCorrections]
// takes care.
func (j *Jobs) addLeft(ctx context.Context, session consent.SessionID) (added int, err error) {
	err = j.database.in(ctx, RoleWorker, rowContext{session: string(session)}, func(tx pgx.Tx) error {
		const left = `SELECT session, question, take, end_ns, revision FROM answers a WHERE session = $1 AND assessed_at IS NULL AND revision = 0
			AND NOT EXISTS (SELECT FROM river.river_job WHERE kind = $2 AND state NOT IN ('completed', 'cancelled', 'discarded')
				AND args @> jsonb_build_object('session', a.session, 'question', a.question, 'take', a.take))`
		added, err = addDue[answerJob](ctx, tx, j.database.jobs, left, session, answerJob{}.Kind())
		return err
	})
	return added, err
}
