package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// Ops is what operations may see, under the audit role: counts and states, never content.
type Ops struct {
	database *Database
	spool    func() (files int, bytes int64)
}

// NewOps returns the counts of a database. The function counts what waits in this node's spool; nil
// where there is none.
func NewOps(database *Database, spool func() (files int, bytes int64)) *Ops {
	return &Ops{database: database, spool: spool}
}

// Overview counts.
func (o *Ops) Overview(ctx context.Context) (consent.Overview, error) {
	overview := consent.Overview{Sessions: map[consent.SessionState]int{}, Jobs: map[string]int{}}
	err := o.database.in(ctx, RoleAudit, rowContext{}, func(tx pgx.Tx) error {
		if err := countInto(ctx, tx, `SELECT state, count(*) FROM sessions GROUP BY state`, overview.Sessions); err != nil {
			return err
		}
		if err := countInto(ctx, tx, `SELECT state::text, count(*) FROM river.river_job GROUP BY state`, overview.Jobs); err != nil {
			return err
		}
		const segments = `SELECT count(*), coalesce(sum(size), 0)::bigint FROM segments`
		return tx.QueryRow(ctx, segments).Scan(&overview.Segments, &overview.SegmentBytes)
	})
	if err != nil {
		return consent.Overview{}, fmt.Errorf("count for operations: %w", err)
	}
	if o.spool != nil {
		overview.SpoolFiles, overview.SpoolBytes = o.spool()
	}
	return overview, nil
}

func countInto[K ~string](ctx context.Context, tx pgx.Tx, query string, into map[K]int) error {
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return err
	}
	var state K
	var count int
	_, err = pgx.ForEachRow(rows, []any{&state, &count}, func() error {
		into[state] = count
		return nil
	})
	return err
}
