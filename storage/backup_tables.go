package storage

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// keyTable is what the key backup holds.
const keyTable = "public.data_keys"

// leftOut are the tables that no data backup holds, with the reason. Every other table is in it.
func leftOut() map[string]string {
	const (
		copies   = "a copy of somebody's data is asked for again"
		present  = "it is about connections that are open now"
		schema   = "the migrations fill it"
		workings = "the job library makes it at its start"
	)
	return map[string]string{
		keyTable:                  "the key backup holds it",
		"public.export_keys":      copies,
		"public.exports":          copies,
		"public.export_sessions":  copies,
		"public.context_keys":     "the server keeps it in the secrets folder and puts it back at its start",
		"public.log_ins":          "who has logged out since would be in again",
		"public.room_tickets":     present,
		"public.viewers":          present,
		"public.ledger_writers":   schema,
		"public.goose_db_version": schema,
		"river.river_migration":   schema,

		"river.river_leader":       workings,
		"river.river_notification": workings,
		"river.river_queue":        workings,
	}
}

// backupTable is one table in a backup: a file in Postgres' own text format.
type backupTable struct {
	Schema  string   `json:"schema"`
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
	Rows    int64    `json:"rows"`
	Bytes   int64    `json:"bytes"`
	SHA256  string   `json:"sha256"`
}

func (t backupTable) name() string { return t.Schema + "." + t.Table }
func (t backupTable) file() string { return t.name() + ".copy" }

// sql names the table and its columns for COPY.
func (t backupTable) sql(table pgx.Identifier) string {
	columns := make([]string, 0, len(t.Columns))
	for _, column := range t.Columns {
		columns = append(columns, pgx.Identifier{column}.Sanitize())
	}
	return table.Sanitize() + " (" + strings.Join(columns, ", ") + ")"
}

func (t backupTable) identifier() pgx.Identifier { return pgx.Identifier{t.Schema, t.Table} }

// tablesOf lists what the database has, whatever a later version of this program adds.
func tablesOf(ctx context.Context, tx pgx.Tx) ([]backupTable, error) {
	const list = `SELECT n.nspname, c.relname, array_agg(a.attname::text ORDER BY a.attnum)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		WHERE c.relkind = 'r' AND n.nspname IN ('public', $1) GROUP BY 1, 2 ORDER BY 1, 2`
	rows, err := tx.Query(ctx, list, riverSchema)
	if err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	tables, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t backupTable, err error) {
		err = row.Scan(&t.Schema, &t.Table, &t.Columns)
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	return tables, nil
}

func migrationsOf(ctx context.Context, tx pgx.Tx) ([]int64, error) {
	rows, err := tx.Query(ctx, `SELECT version_id FROM public.goose_db_version WHERE is_applied AND version_id > 0 ORDER BY version_id`)
	if err != nil {
		return nil, fmt.Errorf("list the migrations: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

func sequencesOf(ctx context.Context, tx pgx.Tx) (map[string]int64, error) {
	rows, err := tx.Query(ctx, `SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences
		WHERE schemaname IN ('public', $1) AND last_value IS NOT NULL`, riverSchema)
	if err != nil {
		return nil, fmt.Errorf("list the sequences: %w", err)
	}
	sequences := map[string]int64{}
	var name string
	var last int64
	_, err = pgx.ForEachRow(rows, []any{&name, &last}, func() error { sequences[name] = last; return nil })
	return sequences, err
}

// write copies the table into a file of the folder and notes what it wrote.
func (t *backupTable) write(ctx context.Context, tx pgx.Tx, folder string) (err error) {
	file, err := os.OpenFile(filepath.Join(folder, t.file()), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sum, buffered := sha256.New(), bufio.NewWriterSize(file, 1<<16)
	tag, err := tx.Conn().PgConn().CopyTo(ctx, io.MultiWriter(buffered, sum), "COPY "+t.sql(t.identifier())+" TO STDOUT")
	if err != nil {
		return fmt.Errorf("copy %s: %w", t.name(), err)
	}
	if err := errors.Join(buffered.Flush(), file.Sync()); err != nil {
		return fmt.Errorf("copy %s: %w", t.name(), err)
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	t.Rows, t.Bytes, t.SHA256 = tag.RowsAffected(), info.Size(), hex.EncodeToString(sum.Sum(nil))
	return nil
}

// check compares the file with what the manifest says of it.
func (t backupTable) check(folder string) error {
	file, err := os.Open(filepath.Join(folder, t.file()))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != t.SHA256 {
		return fmt.Errorf("%s was changed or is not whole", t.file())
	}
	return nil
}

// read copies the file into a table.
func (t backupTable) read(ctx context.Context, tx pgx.Tx, folder string, into pgx.Identifier) error {
	file, err := os.Open(filepath.Join(folder, t.file()))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	tag, err := tx.Conn().PgConn().CopyFrom(ctx, bufio.NewReaderSize(file, 1<<16), "COPY "+t.sql(into)+" FROM STDIN")
	if err != nil {
		return fmt.Errorf("fill %s: %w", t.name(), err)
	}
	if tag.RowsAffected() != t.Rows {
		return fmt.Errorf("fill %s: %d rows, the backup has %d", t.name(), tag.RowsAffected(), t.Rows)
	}
	return nil
}

// parentsFirst orders tables so that what a row refers to is there before it. References that are looked at
// only when the transaction ends do not count.
func parentsFirst(ctx context.Context, tx pgx.Tx, tables []backupTable) ([]backupTable, error) {
	const list = `SELECT format('%s.%s', n.nspname, c.relname), format('%s.%s', pn.nspname, p.relname)
		FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_class p ON p.oid = f.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
		WHERE f.contype = 'f' AND NOT f.condeferred AND f.conrelid <> f.confrelid`
	rows, err := tx.Query(ctx, list)
	if err != nil {
		return nil, fmt.Errorf("list the references: %w", err)
	}
	parents := map[string][]string{}
	var child, parent string
	if _, err := pgx.ForEachRow(rows, []any{&child, &parent}, func() error {
		parents[child] = append(parents[child], parent)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("list the references: %w", err)
	}
	waiting, ordered := slices.Clone(tables), make([]backupTable, 0, len(tables))
	for len(waiting) > 0 {
		ready := slices.IndexFunc(waiting, func(t backupTable) bool {
			return !slices.ContainsFunc(waiting, func(other backupTable) bool { return slices.Contains(parents[t.name()], other.name()) })
		})
		if ready < 0 {
			return nil, fmt.Errorf("the tables refer to each other in a circle: %s and others", waiting[0].name())
		}
		ordered = append(ordered, waiting[ready])
		waiting = slices.Delete(waiting, ready, ready+1)
	}
	return ordered, nil
}
