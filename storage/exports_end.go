package storage

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// asEraser runs work under the erasure plane.
func (e *Exports) asEraser(ctx context.Context, work func(pgx.Tx) error) error {
	return e.database.in(ctx, RoleErasure, rowContext{}, work)
}

// discard destroys the key of an export's file, then removes the file. Doing it again is harmless. A ready
// one is gone after it; one that failed, or waits to be made anew, stays what it is.
func (e *Exports) discard(ctx context.Context, id consent.ExportID) error {
	if _, err := consent.ParseID[consent.ExportID](string(id)); err != nil {
		return fmt.Errorf("discard export: %w", err) // an empty prefix would be everything
	}
	err := e.asEraser(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM export_keys WHERE export = $1`, id)
		return err
	})
	if err == nil {
		err = e.objects.removeAll(ctx, exportFolder(id))
	}
	if err == nil {
		err = e.asEraser(ctx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE exports SET kept = false, state = CASE state WHEN 'ready' THEN 'gone' ELSE state END
				WHERE id = $1 AND state <> 'running'`, id)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("discard export %s: %w", id, err)
	}
	return nil
}

// discardWhere discards the exports that the condition picks, each by itself.
func (e *Exports) discardWhere(ctx context.Context, condition string, arguments ...any) (int, error) {
	var ids []consent.ExportID
	err := e.keep(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id FROM exports e WHERE `+condition, arguments...)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[consent.ExportID])
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("find exports: %w", err)
	}
	var failures []error
	for _, id := range ids {
		failures = append(failures, e.discard(ctx, id))
	}
	return len(ids), errors.Join(failures...)
}

// EraseSession takes the session out of every export: a finished one that has it is discarded, one that is
// being made is begun anew without it. The session must be erased already, so that none can come after.
func (e *Exports) EraseSession(ctx context.Context, session consent.SessionID) error {
	const has = `EXISTS (SELECT FROM export_sessions x WHERE x.export = e.id AND x.session = $1 AND x.fault IS NULL)`
	err := e.asEraser(ctx, func(tx pgx.Tx) error { // whoever makes it finds out at its next beat, or at its next read
		_, err := tx.Exec(ctx, `UPDATE exports e SET state = 'queued' WHERE state = 'running' AND `+has, session)
		return err
	})
	if err == nil {
		_, err = e.discardWhere(ctx, `kept AND `+has, session)
	}
	if err != nil {
		return fmt.Errorf("erase the exports of session %s: %w", session, err)
	}
	return nil
}

// EraseAccount discards every export of the account, and what the books say about them. The account must
// be closed already.
func (e *Exports) EraseAccount(ctx context.Context, account consent.AccountID) error {
	err := e.asEraser(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE exports SET state = 'gone' WHERE account = $1 AND state IN ('queued', 'running')`, account)
		return err
	})
	if err == nil {
		_, err = e.discardWhere(ctx, `account = $1`, account)
	}
	if err == nil {
		err = e.asEraser(ctx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM exports WHERE account = $1`, account)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("erase the exports of an account: %w", err)
	}
	return nil
}

// Tend takes up what was left by a server that died, removes what is over, and forgets what was over for as
// long as leftovers are kept.
// Any node may call it at any time; it returns how many files it removed.
func (e *Exports) Tend(ctx context.Context) (removed int, err error) {
	if err := e.keep(ctx, func(tx pgx.Tx) error { return e.requeue(ctx, tx) }); err != nil {
		return 0, fmt.Errorf("take up exports: %w", err)
	}
	removed, err = e.discardWhere(ctx, `kept AND (e.state IN ('failed', 'gone') OR e.state = 'ready' AND (e.gone_at <= statement_timestamp()
		OR EXISTS (SELECT FROM export_sessions x LEFT JOIN sessions s ON s.id = x.session
			WHERE x.export = e.id AND x.done AND (s.id IS NULL OR s.state = 'erased'))))`)
	if err != nil {
		return removed, err
	}
	err = e.asEraser(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM exports WHERE NOT kept AND state IN ('failed', 'gone')
			AND coalesce(gone_at, finished_at, requested_at) + $1::interval <= statement_timestamp()`, consent.RuleOf(consent.ClassLeftovers).Kept.ISO())
		return err
	})
	if err != nil {
		return removed, fmt.Errorf("forget exports: %w", err)
	}
	return removed, nil
}

// requeue asks for a job for each export that nobody makes and no job waits for: its server died, while it
// made the file or between taking the job up and beginning. The job library itself would wait two hours
// before it gives a dead server's job to another.
func (e *Exports) requeue(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `SELECT e.id, e.account, asked FROM exports e CROSS JOIN LATERAL (
			SELECT coalesce(max((args->>'asked')::int) + 1, 0) AS asked, coalesce(bool_or(state IN ('available', 'pending', 'retryable', 'scheduled')
				OR state = 'running' AND attempted_at > statement_timestamp() - $1::interval), false) AS awaited
			FROM river.river_job WHERE kind = $2 AND args->>'export' = e.id) jobs
		WHERE (state = 'running' AND beat_at < statement_timestamp() - $1::interval OR state = 'queued') AND NOT awaited`,
		e.times.stale, exportJob{}.Kind())
	if err != nil {
		return err
	}
	jobs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (exportJob, error) {
		var job exportJob
		err := row.Scan(&job.Export, &job.Account, &job.Asked)
		return job, err
	})
	if err != nil {
		return err
	}
	for _, job := range jobs {
		if err := e.database.jobs.add(ctx, tx, job); err != nil {
			return err
		}
	}
	return nil
}

// Orphans removes objects of exports that the books do not know to be kept: what a server that died put
// into the store after its export was taken away. It returns of how many exports.
func (e *Exports) Orphans(ctx context.Context) (int, error) {
	objects, err := e.objects.versions(ctx, exportPrefix)
	if err != nil {
		return 0, fmt.Errorf("list exports' objects: %w", err)
	}
	folders := map[consent.ExportID]bool{}
	for _, object := range objects {
		id, _, _ := strings.Cut(strings.TrimPrefix(object.Key, exportPrefix), "/")
		if _, err := consent.ParseID[consent.ExportID](id); err == nil {
			folders[consent.ExportID(id)] = true
		}
	}
	removed := 0
	for id := range folders {
		var kept bool
		err := e.asEraser(ctx, func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM exports WHERE id = $1 AND kept)`, id).Scan(&kept)
		})
		if err == nil && !kept {
			err = e.objects.removeAll(ctx, exportFolder(id))
			removed++
		}
		if err != nil {
			return removed, fmt.Errorf("remove objects of export %s: %w", id, err)
		}
	}
	return removed, nil
}
