package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"greenroom/consent"
)

const (
	endsEvery = time.Minute
	// pausedFor is when a job of a session that is held or restricted looks again whether it still is.
	pausedFor = 5 * time.Minute
)

// endsJob notes what ended by itself and what the operator revoked.
type endsJob struct{}

// Kind names the job in the table.
func (endsJob) Kind() string { return "note_ends" }

// InsertOpts: the next one comes by itself.
func (endsJob) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

func (j *Jobs) workEnds(ctx context.Context, _ *river.Job[endsJob]) error {
	var since time.Time
	if until := j.endsNoted.Load(); until != nil {
		since = *until
	}
	noted, until, err := j.database.noteEnds(ctx, since)
	j.endsNoted.Store(&until)
	if noted > 0 {
		j.options.Log.Info("noted the ends of authorizations", "count", noted)
	}
	return errors.Join(err, j.forgetViewers(ctx))
}

// forgetViewers drops what nodes that died left behind; those that are open are seen every few seconds.
func (j *Jobs) forgetViewers(ctx context.Context) error {
	err := j.database.in(ctx, RoleWorker, rowContext{}, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM viewers WHERE seen_at < statement_timestamp() - interval '1 hour'`)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget old viewers: %w", err)
	}
	return nil
}

// unlessPaused waits with a job that ended because nobody may work on its session: a refused Permit ends
// a job for good otherwise, and the answer would stay without its assessment when the session is open
// again.
func (j *Jobs) unlessPaused(ctx context.Context, session consent.SessionID, outcome error) error {
	if outcome != nil {
		return outcome
	}
	var paused bool
	err := j.database.in(ctx, RoleWorker, rowContext{session: string(session)}, func(tx pgx.Tx) error {
		const read = `SELECT restricted_at IS NOT NULL OR held_at IS NOT NULL FROM sessions WHERE id = $1 AND state <> 'erased'`
		return tx.QueryRow(ctx, read, session).Scan(&paused)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("ask whether the session is paused: %w", err)
	case paused:
		return river.JobSnooze(pausedFor)
	default:
		return nil
	}
}
