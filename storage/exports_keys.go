package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// exportScope stands for a scope where the key of an export is wrapped. No session has it.
const exportScope consent.Scope = "export"

// errNoExportKey says that the key service does not give the key of an export's file.
var errNoExportKey = fmt.Errorf("%w: no key for this export", consent.ErrNotFound)

// mayOpenExport is the key service's own question about an export's file: its account asked for it and is
// live, it is being made or can still be fetched, and nothing in it was erased or is held.
const mayOpenExport = `EXISTS (SELECT FROM exports e JOIN accounts o ON o.id = e.account AND o.closed_at IS NULL
	WHERE e.id = $1 AND e.account = $2
	AND (e.state = 'running' OR e.state = 'ready' AND statement_timestamp() < e.gone_at)
	AND NOT EXISTS (SELECT FROM export_sessions x LEFT JOIN sessions s ON s.id = x.session
		WHERE x.export = e.id AND x.done AND (s.id IS NULL OR s.candidate <> e.account OR s.state = 'erased' OR s.held_at IS NOT NULL)))`

// newExportKey makes the key of an attempt's file; the key of an earlier attempt ends with that, and so
// does its file.
func (k *Keys) newExportKey(ctx context.Context, export consent.Export) (*dataKey, error) {
	raw, bound := randomKey(), consent.SessionID(export.ID)
	err := pgx.BeginFunc(ctx, k.database.Pool(RoleKeys), func(tx pgx.Tx) error {
		inner, err := k.master.wrap(raw, bound, exportScope)
		if err != nil {
			return err
		}
		wrapped, epoch, err := k.sealUnderNewest(ctx, tx, inner, bound, exportScope)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM export_keys WHERE export = $1`, export.ID); err != nil {
			return err
		}
		made, err := tx.Exec(ctx, `INSERT INTO export_keys (export, wrapped, master_key, epoch)
			SELECT $1, $3::bytea, $4, $5 WHERE `+mayOpenExport, export.ID, export.Account, wrapped, k.master.ID(), epoch)
		if err != nil {
			return err
		}
		if made.RowsAffected() == 0 {
			return errNoExportKey
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return newDataKey(raw, bound, exportScope)
}

// exportKey unwraps the key of a file that can be fetched.
func (k *Keys) exportKey(ctx context.Context, export consent.Export) (*dataKey, error) {
	var wrapped []byte
	var epoch int
	const read = `SELECT wrapped, epoch FROM export_keys WHERE export = $1 AND ` + mayOpenExport
	err := k.database.Pool(RoleKeys).QueryRow(ctx, read, export.ID, export.Account).Scan(&wrapped, &epoch)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errNoExportKey
	}
	if err != nil {
		return nil, fmt.Errorf("read a wrapped key: %w", err)
	}
	inner, err := k.epochs.open(wrapped, epoch, consent.SessionID(export.ID), exportScope)
	if err != nil {
		return nil, err
	}
	return k.master.unwrap(inner, consent.SessionID(export.ID), exportScope)
}
