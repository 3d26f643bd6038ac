package storage

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// Exports are the copies of their data that candidates asked for: the requests, the books of how far each
// came, and the encrypted files. It is safe for concurrent use.
type Exports struct {
	database *Database
	keys     *Keys
	objects  *Objects
	log      *slog.Logger
	times    exportTimes
}

// exportTimes are the pauses of the books; tests have shorter ones.
type exportTimes struct {
	beat  time.Duration // between two signs of life of whoever makes a file
	stale time.Duration // without one it is taken for dead
}

// NewExports returns the exports of a database, whose files are in the store.
func NewExports(database *Database, keys *Keys, objects *Objects, log *slog.Logger) *Exports {
	return &Exports{
		database: database, keys: keys, objects: objects, log: log,
		times: exportTimes{beat: 2 * time.Second, stale: 15 * time.Second},
	}
}

// asExporter runs work under the export plane, which sees one account's rows.
func (e *Exports) asExporter(ctx context.Context, account consent.AccountID, work func(pgx.Tx) error) error {
	return e.database.in(ctx, RoleExport, rowContext{account: string(account)}, work)
}

// Request asks for a copy of one session, or of everything the account has, and for the job that makes it.
// The sessions are named now: what comes later is not in it. One that is not there is
// [consent.ErrNotFound].
func (e *Exports) Request(ctx context.Context, account consent.AccountID, session consent.SessionID) (consent.Export, error) {
	export := consent.Export{ID: consent.NewID[consent.ExportID](), Account: account, Whole: session == ""}
	err := e.asExporter(ctx, account, func(tx pgx.Tx) error {
		var today int
		const count = `SELECT count(*) FROM exports WHERE account = $1 AND requested_at > statement_timestamp() - interval '1 day'`
		if err := tx.QueryRow(ctx, count, account).Scan(&today); err != nil {
			return err
		}
		if today >= consent.MostExports {
			return consent.ErrExportsSpent
		}
		if _, err := tx.Exec(ctx, `INSERT INTO exports (id, account, whole) VALUES ($1, $2, $3)`, export.ID, account, export.Whole); err != nil {
			return err
		}
		const name = `INSERT INTO export_sessions (export, session) SELECT $1, id FROM sessions
			WHERE candidate = $2 AND state <> 'erased' AND ($3 = '' OR id = $3)`
		named, err := tx.Exec(ctx, name, export.ID, account, session)
		if err != nil {
			return err
		}
		if !export.Whole && named.RowsAffected() == 0 {
			return consent.ErrNotFound
		}
		if err := e.database.jobs.add(ctx, tx, exportJob{Export: export.ID, Account: account}); err != nil {
			return err
		}
		export, err = readExport(ctx, tx, export.ID)
		return err
	})
	if hasCode(err, uniqueViolation) {
		err = consent.ErrExportUnderWay
	}
	if err != nil {
		return consent.Export{}, fmt.Errorf("request export: %w", err)
	}
	return export, nil
}

// exportColumns go with exportFields; the table is e.
const exportColumns = `e.id, e.account, e.whole, e.state, coalesce(e.fault, ''), e.requested_at, e.finished_at, e.gone_at, e.bytes, e.attempt`

func exportFields(e *consent.Export) []any {
	return []any{
		&e.ID, &e.Account, &e.Whole, &e.State, &e.Fault, &e.RequestedAt, orZero{&e.FinishedAt}, orZero{&e.GoneAt}, &e.Bytes, &e.Attempt,
	}
}

func readExport(ctx context.Context, tx pgx.Tx, id consent.ExportID) (consent.Export, error) {
	var export consent.Export
	read := `SELECT ` + exportColumns + ` FROM exports e WHERE e.id = $1`
	if err := tx.QueryRow(ctx, read, id).Scan(exportFields(&export)...); err != nil {
		return consent.Export{}, notFound(err)
	}
	return export, readExportSessions(ctx, tx, &export)
}

func readExportSessions(ctx context.Context, tx pgx.Tx, export *consent.Export) error {
	rows, err := tx.Query(ctx, `SELECT x.session, coalesce(s.role_title, ''), x.done, coalesce(x.fault, '') FROM export_sessions x
		LEFT JOIN sessions s ON s.id = x.session WHERE x.export = $1 ORDER BY s.created_at, x.session`, export.ID)
	if err != nil {
		return err
	}
	export.Sessions, err = pgx.CollectRows(rows, pgx.RowToStructByPos[consent.ExportSession])
	return err
}

// Export returns one export of the account, with where it stands.
func (e *Exports) Export(ctx context.Context, account consent.AccountID, id consent.ExportID) (consent.Export, error) {
	var export consent.Export
	err := e.asExporter(ctx, account, func(tx pgx.Tx) error {
		var err error
		export, err = readExport(ctx, tx, id)
		return err
	})
	if err != nil {
		return consent.Export{}, fmt.Errorf("read export: %w", err)
	}
	return export, nil
}

// ExportsOf lists the account's exports, the newest first; those that are long over are forgotten.
func (e *Exports) ExportsOf(ctx context.Context, account consent.AccountID) ([]consent.Export, error) {
	var exports []consent.Export
	err := e.asExporter(ctx, account, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+exportColumns+` FROM exports e
			WHERE e.account = $1 ORDER BY e.requested_at DESC, e.id`, account)
		if err != nil {
			return err
		}
		exports, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (consent.Export, error) {
			var export consent.Export
			err := row.Scan(exportFields(&export)...)
			return export, err
		})
		if err != nil {
			return err
		}
		for i := range exports {
			if err := readExportSessions(ctx, tx, &exports[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list exports: %w", err)
	}
	return exports, nil
}
