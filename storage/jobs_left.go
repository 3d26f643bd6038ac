package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

const (
	leftEvery  = 10 * time.Minute
	leftAfter  = time.Hour // of the interview's end; before, a job is late and not lost
	leftAtOnce = 1000      // answers
)

// leftJob adds a job to each answer that none is left of: the last try of the one before died with its process, or
// the database was away when it was to be given up. The candidate would read for ever that it is being assessed.
type leftJob struct{}

// Kind names the job in the table.
func (leftJob) Kind() string { return "look_for_left_answers" }

// InsertOpts: the next one comes by itself.
func (leftJob) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

func (j *Jobs) workLeft(ctx context.Context, _ *river.Job[leftJob]) error {
	added := 0
	err := j.database.in(ctx, RoleWorker, rowContext{}, func(tx pgx.Tx) (err error) {
		// In the context of no session only those are seen that are to be assessed. The newest first: one of which
		// nothing can come does not stand in the way of the others. The end makes such a job another one than those
		// before it, which may still be kept. Of answers that were corrected [Jobs.workCorrections] takes care.
		const left = `SELECT a.session, a.question, a.take, a.end_ns, a.revision FROM answers a JOIN sessions s ON s.id = a.session
			WHERE a.revision = 0 AND a.assessed_at IS NULL AND s.state IN ('ended', 'abandoned') AND s.state_at < now() - $1::interval
			AND NOT EXISTS (SELECT FROM river.river_job WHERE kind = $2 AND state NOT IN ('completed', 'cancelled', 'discarded')
				AND args @> jsonb_build_object('session', a.session, 'question', a.question, 'take', a.take))
			ORDER BY s.state_at DESC, a.session, a.question, a.take LIMIT $3`
		added, err = addDue[answerJob](ctx, tx, j.database.jobs, left, leftAfter, answerJob{}.Kind(), leftAtOnce)
		return err
	})
	if err != nil {
		return fmt.Errorf("look for answers without a job: %w", err)
	}
	if added > 0 {
		j.options.Log.Warn("answers without a job got one", "answers", added)
	}
	return nil
}
