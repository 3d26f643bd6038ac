package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"greenroom/assess"
	"greenroom/consent"
)

// jobAttempts is how often evidence and answer jobs are tried before they are given up.
const jobAttempts = 5

// evidenceJob asks for the evidence in one line. Like all jobs it carries ids only.
type evidenceJob struct {
	Session  consent.SessionID `json:"session"`
	Epoch    int               `json:"epoch"`
	Sequence int               `json:"sequence"`
}

// Kind names the job in the table.
func (evidenceJob) Kind() string { return "evidence" }

// InsertOpts makes the job unique by its ids.
func (evidenceJob) InsertOpts() river.InsertOpts { return uniqueJob() }

func (j evidenceJob) line() assess.LineRef {
	return assess.LineRef{Epoch: j.Epoch, Sequence: j.Sequence}
}

// answerJob asks for the measurements and ratings of one answer that has closed. Until is the end of one
// that closed again, in nanoseconds of media time; Revision counts how often its words were corrected.
type answerJob struct {
	Session  consent.SessionID `json:"session"`
	Question int               `json:"question"`
	Take     int               `json:"take"`
	Until    int64             `json:"until,omitempty"`
	Revision int               `json:"revision,omitempty"`
}

// Kind names the job in the table.
func (answerJob) Kind() string { return "assess_answer" }

// InsertOpts makes the job unique by its ids.
func (answerJob) InsertOpts() river.InsertOpts { return uniqueJob() }

func uniqueJob() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: jobAttempts, UniqueOpts: river.UniqueOpts{ByArgs: true}}
}

// enqueuer adds jobs in a caller's transaction: they exist exactly if what they are about does.
type enqueuer struct{ client *river.Client[pgx.Tx] }

func newEnqueuer() (enqueuer, error) {
	client, err := river.NewClient(riverpgxv5.New(nil), &river.Config{Schema: riverSchema})
	if err != nil {
		return enqueuer{}, fmt.Errorf("prepare to add jobs: %w", err)
	}
	return enqueuer{client: client}, nil
}

func (e enqueuer) add(ctx context.Context, tx pgx.Tx, job river.JobArgs) error {
	if _, err := e.client.InsertTx(ctx, tx, job, nil); err != nil {
		return fmt.Errorf("add a job of kind %s: %w", job.Kind(), err)
	}
	return nil
}

// addDue adds a job for each row of a query, whose columns are the fields of the job, and returns how many.
func addDue[Job river.JobArgs](ctx context.Context, tx pgx.Tx, jobs enqueuer, query string, arguments ...any) (int, error) {
	rows, err := tx.Query(ctx, query, arguments...)
	if err != nil {
		return 0, err
	}
	due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Job])
	if err != nil {
		return 0, err
	}
	for _, job := range due {
		if err := jobs.add(ctx, tx, job); err != nil {
			return 0, err
		}
	}
	return len(due), nil
}
