package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"greenroom/consent"
)

const (
	// erasuresEvery is how long an erasure waits whose job was lost, or whose legal hold was lifted.
	erasuresEvery = time.Minute
	// The pause before an erasure is tried again is a quarter of its age, between these.
	shortestErasePause = time.Second
	longestErasePause  = 10 * time.Minute
)

// eraseJob asks for the erasing of one session.
type eraseJob struct {
	Session consent.SessionID `json:"session"`
}

// Kind names the job in the table.
func (eraseJob) Kind() string { return "erase_session" }

// InsertOpts: one at a time, and again after one that found the session held.
func (eraseJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: jobAttempts, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
		rivertype.JobStateRetryable, rivertype.JobStateScheduled,
	}}}
}

// workErase never gives up: a job that is put off is no failed attempt.
func (j *Jobs) workErase(ctx context.Context, job *river.Job[eraseJob]) error {
	if j.handlers.Eraser == nil {
		return errors.New("this node erases nothing")
	}
	err := j.handlers.Eraser.Erase(ctx, job.Args.Session)
	if err == nil {
		return nil
	}
	pause := min(max(time.Since(job.CreatedAt)/4, shortestErasePause), longestErasePause)
	j.options.Log.Warn("an erasure is not done yet", "session", job.Args.Session, "again_in", pause, "error", err)
	return river.JobSnooze(pause) //nolint:wrapcheck // the library looks at it
}

// erasuresJob enqueues the erasures that have no job.
type erasuresJob struct{}

// Kind names the job in the table.
func (erasuresJob) Kind() string { return "look_for_erasures" }

// InsertOpts: the next one comes by itself.
func (erasuresJob) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

func (j *Jobs) workErasures(ctx context.Context, _ *river.Job[erasuresJob]) error {
	if j.handlers.Eraser == nil {
		return errors.New("this node erases nothing")
	}
	emptied, failed := j.handlers.Eraser.EraseAccounts(ctx)
	if emptied > 0 {
		j.options.Log.Info("erased closed accounts", "count", emptied)
	}
	due, err := j.handlers.Eraser.Due(ctx)
	if err != nil {
		return errors.Join(failed, err)
	}
	for _, session := range due {
		if err := j.database.enqueueErasure(ctx, session); err != nil {
			return errors.Join(failed, err)
		}
	}
	return failed
}

// enqueueErasure asks for the work on an erasure now; one that is enqueued already is not enqueued twice.
func (d *Database) enqueueErasure(ctx context.Context, session consent.SessionID) error {
	err := d.in(ctx, RoleWorker, rowContext{}, func(tx pgx.Tx) error {
		return d.jobs.add(ctx, tx, eraseJob{Session: session})
	})
	if err != nil {
		return fmt.Errorf("enqueue an erasure: %w", err)
	}
	return nil
}
