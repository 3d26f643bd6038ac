package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"greenroom/consent"
)

// exportQueue is a queue of its own, with one worker on each node: an export takes minutes and moves
// gigabytes, and must not stand before the assessment of an interview that is going on.
const (
	exportQueue   = "exports"
	exportTimeout = 2 * time.Hour
)

// exportJob asks for the file of an export. Asked is how often it was asked for before, so that it can be
// asked for again while the job library still believes that a dead server works on it.
type exportJob struct {
	Export  consent.ExportID  `json:"export"`
	Account consent.AccountID `json:"account"`
	Asked   int               `json:"asked"`
}

// Kind names the job in the table.
func (exportJob) Kind() string { return "export" }

// InsertOpts makes the job unique by its ids.
func (exportJob) InsertOpts() river.InsertOpts {
	opts := uniqueJob()
	opts.Queue = exportQueue
	return opts
}

// exportWorker hands the job to the handler.
type exportWorker struct {
	river.WorkerDefaults[exportJob]
	make func(ctx context.Context, account consent.AccountID, export consent.ExportID) error
}

// Timeout implements the library's worker.
func (exportWorker) Timeout(*river.Job[exportJob]) time.Duration { return exportTimeout }

// Work implements the library's worker.
func (w exportWorker) Work(ctx context.Context, job *river.Job[exportJob]) error {
	if w.make == nil {
		return errors.New("this node makes no exports")
	}
	return w.make(ctx, job.Args.Account, job.Args.Export)
}

// How often the exports are tended, and objects without an export looked for.
const (
	tendEvery    = 15 * time.Second
	orphansEvery = time.Hour
)

// Run tends the exports until ctx ends. Every node may.
func (e *Exports) Run(ctx context.Context) error {
	ticker := time.NewTicker(tendEvery)
	defer ticker.Stop()
	var looked time.Time
	for {
		if err := e.tendAll(ctx, &looked); err != nil && ctx.Err() == nil {
			e.log.Warn("exports could not be tended", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (e *Exports) tendAll(ctx context.Context, looked *time.Time) error {
	removed, err := e.Tend(ctx)
	if err != nil {
		return err
	}
	if time.Since(*looked) > orphansEvery {
		orphans, err := e.Orphans(ctx)
		if err != nil {
			return fmt.Errorf("look for objects without an export: %w", err)
		}
		removed += orphans
		*looked = time.Now()
	}
	if removed > 0 {
		e.log.Info("removed exports that were over", "count", removed)
	}
	return nil
}
