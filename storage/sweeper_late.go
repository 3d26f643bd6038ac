package storage

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// lateObjects looks once more at the object store for sessions that were erased lately. An upload that was
// under way may store its object after the eraser has looked everywhere, and the process that would have
// found out at the index, and taken it back, may die before. Nobody else ever looks there again.
func (s *Sweeper) lateObjects(ctx context.Context, _ string) (removed int64, err error) {
	var erased []consent.SessionID
	err = s.in(ctx, func(tx pgx.Tx) error {
		// Two days: much longer than an upload takes, also one that a node began before it lost the database.
		const lately = `SELECT session FROM erasures WHERE state = 'done' AND finished_at > statement_timestamp() - interval '2 days'`
		rows, err := tx.Query(ctx, lately)
		if err != nil {
			return err
		}
		erased, err = pgx.CollectRows(rows, pgx.RowTo[consent.SessionID])
		return err
	})
	if err != nil {
		return 0, err
	}
	var failures []error
	for _, session := range erased {
		n, err := s.removeLate(ctx, session)
		removed += n
		failures = append(failures, err)
		if ctx.Err() != nil {
			break
		}
	}
	return removed, errors.Join(failures...)
}

func (s *Sweeper) removeLate(ctx context.Context, session consent.SessionID) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, objectPutTimeout)
	defer cancel()
	prefix, err := sessionPrefix(session)
	if err != nil {
		return 0, err
	}
	late, err := s.objects.versions(ctx, prefix)
	if err != nil || len(late) == 0 {
		return 0, err
	}
	if err := s.objects.removeVersions(ctx, late); err != nil {
		return 0, err
	}
	return int64(len(late)), nil
}
