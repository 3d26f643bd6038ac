package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// A backup is two folders that belong in two places.
//
//	DATA/<time>/    every table but those that hold keys, one file each, and a manifest with their sums
//	KEYS/<time>/    the wrapped data keys of the same moment, with a manifest
//	KEYS/epochs.json  the epoch keys that live now; written over at every backup
//
// The wrapped keys of a key backup need an epoch key, and each of these is in the one epochs.json for 21 days
// only. So a key backup that somebody forgot to remove is noise 22 days later, and a data backup, however
// old, has nothing in it that opens what it holds. The master key is in neither.
//
// Objects are not in it: they are ciphertext that is never changed, and are copied as files or by the store.

// ErrBackup says that no whole backup could be made; what was begun is removed.
var ErrBackup = errors.New("no backup was made")

// backupLife is how long backups are kept: the data's as well, because it holds names, addresses and
// ratings in the clear.
const backupLife = consent.KeyEpochLife

// BackupPlaces are the folders that backups go to, or that one backup is in.
type BackupPlaces struct {
	Data string
	Keys string
}

// BackupMade is what one backup came to.
type BackupMade struct {
	Name    string
	Tables  int
	Rows    int64
	Keys    int64
	Bytes   int64 // of the rows
	Removed int   // older backups of data and of keys
}

// Backup copies the database as it is at one moment, while servers go on working on it, and removes backups
// that are older than 21 days. Whoever connects must see past the policies: a superuser, or a role with
// BYPASSRLS that may read everything.
func (a *Admin) Backup(ctx context.Context, secretsDir string, to BackupPlaces) (BackupMade, error) {
	return a.backUp(ctx, secretsDir, to, 0)
}

// backUp is Backup with a clock that is ahead, for tests.
func (a *Admin) backUp(ctx context.Context, secretsDir string, to BackupPlaces, ahead time.Duration) (made BackupMade, err error) {
	unlock, err := a.lockBackups(ctx)
	if err != nil {
		return made, err
	}
	defer unlock()
	b := &backup{conn: a.conn, secretsDir: secretsDir, to: to, ahead: ahead, remove: os.RemoveAll}
	return b.run(ctx)
}

// lockBackups keeps a second backup out, and the end of epochs away until the epoch keys are copied.
func (a *Admin) lockBackups(ctx context.Context) (unlock func(), err error) {
	var alone bool
	if err := a.conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended('backup', 0))`).Scan(&alone); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	if !alone {
		return nil, fmt.Errorf("%w: another one is being made of this database: wait until it is done", ErrBackup)
	}
	return func() { _, _ = a.conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock_all()`) }, nil
}

// backup is one that is being made.
type backup struct {
	conn       *pgx.Conn
	secretsDir string
	to         BackupPlaces
	ahead      time.Duration
	now        time.Time
	made       BackupMade
	remove     func(folder string) error
}

// run begins only where nothing of an earlier one is left: what could not be removed may hold keys.
func (b *backup) run(ctx context.Context) (BackupMade, error) {
	if err := b.clear(); err != nil {
		return BackupMade{}, fmt.Errorf("%w: what an earlier one left could not be removed: %w", ErrBackup, err)
	}
	defer func() { _ = b.clear() }()
	if err := b.make(ctx); err != nil {
		return BackupMade{}, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	var err error
	if b.made.Removed, err = b.removeOld(); err != nil {
		return b.made, fmt.Errorf("the backup %s was made, but old ones could not be removed: %w", b.made.Name, err)
	}
	return b.made, nil
}

// make writes both parts under names that nobody takes for a backup, and names them when all is on the disk.
func (b *backup) make(ctx context.Context) error {
	if _, err := b.conn.Exec(ctx, `SELECT pg_advisory_lock_shared(hashtextextended('data_keys_epochs', 0))`); err != nil {
		return err
	}
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, b.conn, options, func(tx pgx.Tx) error {
		if err := b.look(ctx, tx); err != nil {
			return err
		}
		if err := b.writeKeys(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_unlock_shared(hashtextextended('data_keys_epochs', 0))`); err != nil {
			return err
		}
		return b.writeData(ctx, tx)
	})
	if hasCode(err, policyViolation) { // row_security is off, so that nothing is left out silently
		return fmt.Errorf("%w: this role does not see every row: connect as a superuser, or as a role with BYPASSRLS that is a member of pg_read_all_data", err)
	}
	if err != nil {
		return err
	}
	return errors.Join(
		finishFolder(b.to.Keys, b.made.Name),
		finishFolder(b.to.Data, b.made.Name),
	)
}

// look takes the snapshot, whose time names the backup.
func (b *backup) look(ctx context.Context, tx pgx.Tx) error {
	for _, setting := range []string{"row_security = off", "datestyle = ISO", "intervalstyle = postgres", "timezone = UTC", "extra_float_digits = 1"} {
		if _, err := tx.Exec(ctx, "SET LOCAL "+setting); err != nil {
			return err
		}
	}
	if err := tx.QueryRow(ctx, `SELECT statement_timestamp()`).Scan(&b.now); err != nil {
		return err
	}
	b.now = b.now.UTC().Add(b.ahead)
	b.made.Name = b.now.Format(backupName)
	return nil
}

func (b *backup) writeKeys(ctx context.Context, tx pgx.Tx) error {
	folder, err := beginFolder(b.to.Keys, b.made.Name)
	if err != nil {
		return err
	}
	all, err := tablesOf(ctx, tx)
	if err != nil {
		return err
	}
	m := backupManifest{Format: backupFormat, At: b.now}
	for _, table := range all {
		if table.name() != keyTable {
			continue
		}
		if err := table.write(ctx, tx, folder); err != nil {
			return err
		}
		m.Tables, b.made.Keys = append(m.Tables, table), table.Rows
	}
	epochKeys, err := readSecret(filepath.Join(b.secretsDir, epochFile))
	if errors.Is(err, os.ErrNotExist) && b.made.Keys == 0 {
		return m.write(folder) // nothing was ever encrypted
	}
	if err != nil {
		return fmt.Errorf("epoch keys: %w: name the data folder of a server of this database", err)
	}
	if err := writeNew(filepath.Join(b.to.Keys, epochFile), []byte(epochKeys)); err != nil {
		return fmt.Errorf("epoch keys: %w", err)
	}
	return m.write(folder)
}

func (b *backup) writeData(ctx context.Context, tx pgx.Tx) error {
	folder, err := beginFolder(b.to.Data, b.made.Name)
	if err != nil {
		return err
	}
	all, err := tablesOf(ctx, tx)
	if err != nil {
		return err
	}
	m := backupManifest{Format: backupFormat, At: b.now}
	if m.Migrations, err = migrationsOf(ctx, tx); err != nil {
		return err
	}
	for _, table := range all {
		if leftOut()[table.name()] != "" {
			continue
		}
		if err := table.write(ctx, tx, folder); err != nil {
			return err
		}
		m.Tables = append(m.Tables, table)
		b.made.Rows, b.made.Bytes = b.made.Rows+table.Rows, b.made.Bytes+table.Bytes
	}
	b.made.Tables = len(m.Tables)
	if m.Sequences, err = sequencesOf(ctx, tx); err != nil { // after the rows: never behind them
		return err
	}
	return m.write(folder)
}

// clear removes what a backup that was cut off has left, above all keys.
func (b *backup) clear() error {
	var failed error
	for _, place := range []string{b.to.Data, b.to.Keys} {
		left, _ := filepath.Glob(filepath.Join(place, unfinishedBackup+"*"))
		for _, folder := range left {
			failed = errors.Join(failed, b.remove(folder))
		}
	}
	return failed
}

// removeOld never touches the one that was just made, nor anything whose name is not a backup's.
func (b *backup) removeOld() (removed int, err error) {
	for _, place := range []string{b.to.Data, b.to.Keys} {
		names, err := backupsIn(place)
		if err != nil {
			return removed, err
		}
		for _, name := range names {
			at, err := time.Parse(backupName, name)
			if err != nil || name == b.made.Name || b.now.Sub(at) < backupLife {
				continue
			}
			if err := b.remove(filepath.Join(place, name)); err != nil {
				return removed, err
			}
			removed++
		}
	}
	return removed, nil
}
