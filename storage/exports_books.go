package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// errExportLost says that an attempt is not the one that makes the file any more: it was taken for dead,
// or what it makes was taken away.
var errExportLost = errors.New("this attempt does not make the export any more")

// keep runs work on the books.
func (e *Exports) keep(ctx context.Context, work func(pgx.Tx) error) error {
	return e.database.in(ctx, RoleWorker, rowContext{}, work)
}

// begin takes an export on. It reports false if somebody else is at it, or nobody has to be.
func (e *Exports) begin(ctx context.Context, id consent.ExportID) (attempt int, ok bool, err error) {
	err = e.keep(ctx, func(tx pgx.Tx) error {
		const take = `UPDATE exports SET state = 'running', attempt = attempt + 1, beat_at = statement_timestamp(), bytes = 0, kept = true
			WHERE id = $1 AND (state = 'queued' OR state = 'running' AND beat_at < statement_timestamp() - $2::interval) RETURNING attempt`
		err := tx.QueryRow(ctx, take, id, e.times.stale).Scan(&attempt)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		ok = true
		_, err = tx.Exec(ctx, `UPDATE export_sessions SET done = false, fault = NULL WHERE export = $1`, id)
		return err
	})
	return attempt, ok, err
}

// change changes the export's row for the attempt that makes it; [errExportLost] for any other.
func change(ctx context.Context, tx pgx.Tx, export consent.Export, set string, arguments ...any) error {
	done, err := tx.Exec(ctx, `UPDATE exports e SET `+set+`, beat_at = statement_timestamp()
		WHERE id = $1 AND attempt = $2 AND state = 'running'`, append([]any{export.ID, export.Attempt}, arguments...)...)
	if err == nil && done.RowsAffected() == 0 {
		err = errExportLost
	}
	return err
}

// beat says that the attempt lives and how far it came.
func (e *Exports) beat(ctx context.Context, export consent.Export, bytes int64) error {
	return e.keep(ctx, func(tx pgx.Tx) error { return change(ctx, tx, export, `bytes = $3`, bytes) })
}

// sessionDone notes that a session is in the file, or why it is not.
func (e *Exports) sessionDone(ctx context.Context, export consent.Export, session consent.SessionID, fault consent.ExportFault) error {
	return e.keep(ctx, func(tx pgx.Tx) error {
		if err := change(ctx, tx, export, `state = state`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE export_sessions SET done = $3 = '', fault = nullif($3, '') WHERE export = $1 AND session = $2`,
			export.ID, session, fault)
		return err
	})
}

// finish lets the file be fetched, unless something in it was erased or held meanwhile.
func (e *Exports) finish(ctx context.Context, export consent.Export, bytes int64) error {
	return e.keep(ctx, func(tx pgx.Tx) error {
		const ready = `state = 'ready', finished_at = statement_timestamp(), gone_at = statement_timestamp() + $3::interval, bytes = $4`
		if err := change(ctx, tx, export, ready, consent.ExportLife, bytes); err != nil {
			return err
		}
		var spoiled bool
		const find = `SELECT EXISTS (SELECT FROM export_sessions x LEFT JOIN sessions s ON s.id = x.session
			WHERE x.export = $1 AND x.done AND (s.id IS NULL OR s.state = 'erased' OR s.held_at IS NOT NULL))`
		if err := tx.QueryRow(ctx, find, export.ID).Scan(&spoiled); err != nil {
			return err
		}
		if spoiled {
			return fmt.Errorf("%w: something in it was erased or held", errExportLost)
		}
		_, err := record(ctx, tx, consent.LedgerEvent{Kind: consent.LedgerExportMade, Account: export.Account})
		return err
	})
}

// release gives the export back, so that the next try of its job begins it anew.
func (e *Exports) release(ctx context.Context, export consent.Export) error {
	err := e.keep(ctx, func(tx pgx.Tx) error { return change(ctx, tx, export, `state = 'queued'`) })
	if errors.Is(err, errExportLost) {
		return nil
	}
	return err
}

// fail ends an export that will not be made. Its account, which may not be known here any more, is not
// needed for that.
func (e *Exports) fail(ctx context.Context, id consent.ExportID, fault consent.ExportFault) error {
	err := e.keep(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE exports SET state = 'failed', fault = $2, finished_at = statement_timestamp()
			WHERE id = $1 AND state IN ('queued', 'running')`, id, fault)
		return err
	})
	if err != nil {
		return fmt.Errorf("note that export %s failed: %w", id, err)
	}
	return nil
}
