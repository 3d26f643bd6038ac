package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// sweepBatch bounds what one transaction of the sweeper takes away: nobody waits long for its locks.
const sweepBatch = 500

// Sweeper takes away what is kept no longer, by the rules of [consent.Retention] and the database's clock.
// Every part of it is a transaction of its own that leaves nothing half done, so it may be cut off
// anywhere, may run twice, and may run on two nodes at once. What is under a legal hold stays, and what
// its candidate has restricted; parts of a recording that wait for the object store are not its business
// at all: they go with their interview. Copies that are over are not either: [Exports.Run] tends them.
type Sweeper struct {
	database *Database
	eraser   *Eraser
	objects  *Objects
	log      *slog.Logger
	batch    int

	afterStep func(what string) error // ends a run between two steps: tests
}

// NewSweeper puts the parts together. The eraser does what takes more than rows.
func NewSweeper(database *Database, eraser *Eraser, objects *Objects, log *slog.Logger) *Sweeper {
	return &Sweeper{database: database, eraser: eraser, objects: objects, log: log, batch: sweepBatch}
}

// sweepStep takes away one kind of thing and returns how many. Its period is that of its class.
type sweepStep struct {
	class consent.Class
	what  string
	work  func(ctx context.Context, kept string) (int64, error)
}

// steps are in the order in which things refer to each other: what refers to something goes first.
func (s *Sweeper) steps() []sweepStep {
	steps := []sweepStep{
		{consent.ClassAccount, "unused accounts", s.closeUnused},
		{consent.ClassInterview, "interviews", s.eraseOverdue},
	}
	for _, rows := range sweptRows() {
		steps = append(steps, sweepStep{rows.class, rows.table, func(ctx context.Context, kept string) (int64, error) {
			return s.batches(ctx, rows.role, rows.delete(), kept)
		}})
	}
	return append(steps,
		sweepStep{consent.ClassLeftovers, "unfinished uploads", s.abortUploads},
		sweepStep{consent.ClassLeftovers, "late objects", s.lateObjects},
		sweepStep{consent.ClassConsent, "authorizations", s.forgetAuthorizations},
		sweepStep{consent.ClassConsent, "tombstones", s.forgetSessions},
		sweepStep{consent.ClassConsent, "emptied accounts", s.forgetAccounts},
	)
}

// Sweep takes away everything whose time is over, and returns how many of what. One step that fails stops
// no other: the object store may be away.
func (s *Sweeper) Sweep(ctx context.Context) (map[string]int64, error) {
	swept := map[string]int64{}
	var failures []error
	for _, step := range s.steps() {
		if ctx.Err() != nil {
			break
		}
		n, err := step.work(ctx, consent.RuleOf(step.class).Kept.ISO())
		if n > 0 {
			swept[step.what] = n
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("sweep %s: %w", step.what, err))
		}
		if s.afterStep == nil {
			continue
		}
		if err := s.afterStep(step.what); err != nil {
			return swept, err
		}
	}
	return swept, errors.Join(append(failures, ctx.Err())...)
}

// in runs one transaction of the eraser's.
func (s *Sweeper) in(ctx context.Context, work func(pgx.Tx) error) error {
	return s.database.in(ctx, RoleErasure, rowContext{}, work)
}

// batches repeats a statement that takes the period in $1 and the size of a batch in $2, until a batch was
// not full.
func (s *Sweeper) batches(ctx context.Context, role Role, statement, kept string) (total int64, err error) {
	for {
		var n int64
		err := s.database.in(ctx, role, rowContext{}, func(tx pgx.Tx) error {
			deleted, err := tx.Exec(ctx, statement, kept, s.batch)
			n = deleted.RowsAffected()
			return err
		})
		total += n
		if err != nil || n < int64(s.batch) {
			return total, err
		}
	}
}

// abortUploads ends uploads that were begun and never finished: the store keeps their parts otherwise, and
// no list of objects shows them.
func (s *Sweeper) abortUploads(ctx context.Context, kept string) (int64, error) {
	var before time.Time
	err := s.in(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT statement_timestamp() - $1::interval`, kept).Scan(&before)
	})
	if err != nil {
		return 0, err
	}
	return s.objects.abortUploads(ctx, before)
}
