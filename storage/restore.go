package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrNotEmpty says that a database has tables already; nothing was changed.
var ErrNotEmpty = errors.New("the database is not empty")

// Restored is what a restored backup came to.
type Restored struct {
	At       time.Time // of the data
	KeysAt   time.Time
	Rows     int64
	Keys     int64
	KeysLeft int64 // of sessions that the data does not have, or has as erased
}

// Restore fills an empty database from one data backup and one key backup, as its owner. Take the newest
// keys there are, also for older data: what was erased between the two has no key in them. Whatever ended
// after the data was copied ends again when a server starts with its journal ([Journal.Reconcile]), before
// it serves anything. Where the secrets folder has no epoch keys, it gets those of the key backup.
func Restore(ctx context.Context, ownerURL, secretsDir string, from BackupPlaces) (Restored, error) {
	r := &restoring{from: from}
	var err error
	if r.data, err = readBackup(from.Data); err != nil {
		return Restored{}, err
	}
	if r.keys, err = readBackup(from.Keys); err != nil {
		return Restored{}, err
	}
	if err := r.restore(ctx, ownerURL, secretsDir); err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	r.done.At, r.done.KeysAt = r.data.At, r.keys.At
	return r.done, keepEpochs(secretsDir, filepath.Join(filepath.Dir(from.Keys), epochFile))
}

// restoring is a database that is being filled.
type restoring struct {
	from       BackupPlaces
	data, keys backupManifest
	done       Restored
}

func (r *restoring) restore(ctx context.Context, ownerURL, secretsDir string) error {
	config, err := pgxpool.ParseConfig(ownerURL)
	if err != nil {
		return errors.New("the database URL is not one that Postgres understands") // the cause may quote the password
	}
	secrets, err := loadRoleSecrets(secretsDir)
	if err != nil {
		return err
	}
	owner, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect as the owner: %w", err)
	}
	defer owner.Close()
	conn, err := owner.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect as the owner: %w", err)
	}
	defer conn.Release()
	var tables int
	const count = `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname IN ('public', $1)`
	if err := conn.QueryRow(ctx, count, riverSchema).Scan(&tables); err != nil {
		return err
	}
	if tables > 0 {
		return fmt.Errorf("%w: it has %d tables. Name an empty one, or move this one away, and restore again", ErrNotEmpty, tables)
	}
	if err := ensureRoles(ctx, conn.Conn(), secrets.passwords); err != nil {
		return err
	}
	if err := migrateTo(ctx, owner, r.data.Migrations); err != nil {
		return err
	}
	if err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return r.fill(ctx, tx) }); err != nil {
		return fmt.Errorf("%w\nThe tables are there and empty: make the database anew before you try again", err)
	}
	return nil
}

// fill copies all rows in one transaction. Policies and triggers are out of the way meanwhile, for the
// owner alone: nobody else uses the database yet.
func (r *restoring) fill(ctx context.Context, tx pgx.Tx) error {
	tables, err := parentsFirst(ctx, tx, r.data.Tables)
	if err != nil {
		return err
	}
	restoreWalls, err := lowerWalls(ctx, tx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := t.read(ctx, tx, r.from.Data, t.identifier()); err != nil {
			return err
		}
		r.done.Rows += t.Rows
	}
	for _, t := range r.keys.Tables {
		if err := r.fillKeys(ctx, tx, t); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.data.Sequences)) {
		if _, err := tx.Exec(ctx, `SELECT setval($1::text::regclass, $2)`, name, r.data.Sequences[name]); err != nil {
			return fmt.Errorf("set sequence %s: %w", name, err)
		}
	}
	// Copies that were being made are not restored, so nobody can make them.
	if _, err := tx.Exec(ctx, `DELETE FROM river.river_job WHERE kind = $1`, exportJob{}.Kind()); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `SET CONSTRAINTS ALL IMMEDIATE`); err != nil {
		return fmt.Errorf("the backup's rows do not fit together: %w", err)
	}
	return restoreWalls()
}

// fillKeys takes the keys of sessions that are there and not erased.
func (r *restoring) fillKeys(ctx context.Context, tx pgx.Tx, t backupTable) error {
	if t.name() != keyTable {
		return fmt.Errorf("%w: a key backup holds no table %s", ErrNoBackup, t.name())
	}
	if _, err := tx.Exec(ctx, `CREATE TEMP TABLE restored_keys (LIKE public.data_keys) ON COMMIT DROP`); err != nil {
		return err
	}
	if err := t.read(ctx, tx, r.from.Keys, pgx.Identifier{"restored_keys"}); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `INSERT INTO public.data_keys SELECT k.* FROM restored_keys k
		JOIN public.sessions s ON s.id = k.session WHERE s.state <> 'erased'`)
	if err != nil {
		return fmt.Errorf("fill %s: %w", t.name(), err)
	}
	r.done.Keys, r.done.KeysLeft = tag.RowsAffected(), t.Rows-tag.RowsAffected()
	return nil
}

// lowerWalls lets the owner past forced policies and the triggers that refuse changes, and returns what puts
// them back as they were.
func lowerWalls(ctx context.Context, tx pgx.Tx) (restore func() error, err error) {
	rows, err := tx.Query(ctx, `SELECT format('%I.%I', n.nspname, c.relname), c.relforcerowsecurity FROM pg_class c
		JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname IN ('public', $1) ORDER BY 1`, riverSchema)
	if err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	forced := map[string]bool{}
	var name string
	var force bool
	if _, err := pgx.ForEachRow(rows, []any{&name, &force}, func() error { forced[name] = force; return nil }); err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	change := func(trigger, policy string) error {
		for _, name := range slices.Sorted(maps.Keys(forced)) {
			sql := "ALTER TABLE " + name + " " + trigger + " TRIGGER USER"
			if forced[name] {
				sql += ", " + policy + " ROW LEVEL SECURITY"
			}
			if _, err := tx.Exec(ctx, sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	}
	return func() error { return change("ENABLE", "FORCE") }, change("DISABLE", "NO FORCE")
}

// keepEpochs gives a new secrets folder the epoch keys. One that has its own keeps them: they are newer.
func keepEpochs(secretsDir, from string) error {
	text, err := readSecret(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was ever encrypted, or somebody keeps them elsewhere: the server says so at its start
	}
	if err != nil {
		return fmt.Errorf("restore the epoch keys: %w", err)
	}
	to := filepath.Join(secretsDir, epochFile)
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	if _, err := createSecret(to, text); err != nil {
		return fmt.Errorf("restore the epoch keys: %w", err)
	}
	return nil
}
