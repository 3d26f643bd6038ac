package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
)

// sweepEvery is how late something may go whose time is over.
const sweepEvery = time.Hour

// sweepJob takes away what is kept no longer.
type sweepJob struct{}

// Kind names the job in the table.
func (sweepJob) Kind() string { return "sweep" }

// InsertOpts: the next one comes by itself.
func (sweepJob) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

func (j *Jobs) workSweep(ctx context.Context, _ *river.Job[sweepJob]) error {
	if j.handlers.Sweeper == nil {
		return errors.New("this node sweeps nothing")
	}
	swept, err := j.handlers.Sweeper.Sweep(ctx)
	if len(swept) > 0 {
		j.options.Log.Info("took away what is kept no longer", "counts", swept)
	}
	if err != nil {
		return fmt.Errorf("take away what is kept no longer: %w", err)
	}
	return nil
}
