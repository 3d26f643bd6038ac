package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"greenroom/consent"
	"greenroom/storage"
)

type adminBackup struct {
	ownerConfig `embed:""`
	To          string `help:"Folder for the backups; rows go to its data/, wrapped keys to its keys/." placeholder:"DIR" required:""`
	KeysTo      string `help:"Another folder for the wrapped keys, best on another machine." placeholder:"DIR"`
}

// placesOf returns where the two parts of backups are, as absolute paths.
func placesOf(folder, keys string) (places storage.BackupPlaces, err error) {
	if keys == "" {
		keys = filepath.Join(folder, "keys")
	}
	if places.Data, err = filepath.Abs(filepath.Join(folder, "data")); err != nil {
		return places, fmt.Errorf("find %s: %w", folder, err)
	}
	if places.Keys, err = filepath.Abs(keys); err != nil {
		return places, fmt.Errorf("find %s: %w", keys, err)
	}
	return places, nil
}

func (c *adminBackup) Run(ctx context.Context) error {
	places, err := placesOf(c.To, c.KeysTo)
	if err != nil {
		return err
	}
	return c.with(ctx, func(admin *storage.Admin) error {
		made, err := admin.Backup(ctx, filepath.Join(c.DataDir, "secrets"), places)
		if err != nil {
			return err
		}
		fmt.Printf("backup %s: %d rows of %d tables (%d bytes) in %s, %d wrapped keys in %s; %d older than %d days removed\n",
			made.Name, made.Rows, made.Tables, made.Bytes, places.Data, made.Keys, places.Keys, made.Removed, int(consent.KeyEpochLife.Hours()/24))
		fmt.Println("not in it: the objects, the ledger folder and the lasting secrets; copy them as docs/operations.md says")
		return nil
	})
}

type adminRestore struct {
	ownerConfig `embed:""`
	LibDir      string `help:"Folder of Postgres (made by make setup), for the embedded database." default:".greenroom/lib" env:"GREENROOM_LIB"`
	PostgresBin string `name:"postgres-bin" help:"Folder of initdb and postgres, for the embedded database." env:"GREENROOM_POSTGRES_BIN" placeholder:"DIR"`
	LedgerDir   string `name:"ledger-dir" help:"Folder of the ledger's journal, to be looked for; ledger in the data folder if empty." env:"GREENROOM_LEDGER" placeholder:"DIR"`
	From        string `help:"Folder of the backups." placeholder:"DIR" required:""`
	KeysFrom    string `help:"Folder of the wrapped keys, if it is another." placeholder:"DIR"`
	Backup      string `help:"Name of the data backup, such as 20261124T190501.000Z; the newest if empty. Keys are always the newest."`
}

// Run fills an empty database. The embedded one is started for it, so no server may run on the data folder.
func (c *adminRestore) Run(ctx context.Context) (err error) {
	places, err := placesOf(c.From, c.KeysFrom)
	if err != nil {
		return err
	}
	from := storage.BackupPlaces{Data: filepath.Join(places.Data, c.Backup)}
	if c.Backup == "" {
		if from.Data, err = storage.NewestBackup(places.Data); err != nil {
			return err
		}
	}
	if from.Keys, err = storage.NewestBackup(places.Keys); err != nil {
		return fmt.Errorf("%w: without keys no recording and no word can be read again", err)
	}
	owner, stop, err := c.database(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	done, err := storage.Restore(ctx, owner, filepath.Join(c.DataDir, "secrets"), from)
	if err != nil {
		return err
	}
	fmt.Printf("restored %d rows of %s and %d keys of %s; %d keys belong to nothing in it\n",
		done.Rows, done.At.Format(time.RFC3339), done.Keys, done.KeysAt.Format(time.RFC3339), done.KeysLeft)
	fmt.Println(c.journalAdvice())
	return nil
}

// journalAdvice says what the next start needs to know what the backup has forgotten.
func (c *adminRestore) journalAdvice() string {
	folder := c.LedgerDir
	if folder == "" {
		folder = filepath.Join(c.DataDir, "ledger")
	}
	_, err := os.Stat(filepath.Join(folder, consent.JournalFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("WARNING: %s has no journal. Put your newest copy of the ledger folder there before a server starts: without it what was withdrawn or erased after the backup is back", folder)
	case err != nil:
		return fmt.Sprintf("WARNING: it could not be seen whether %s has a journal: %v. Mend that before a server starts: without the journal what was withdrawn or erased after the backup is back", folder, err)
	}
	return fmt.Sprintf("at its next start the server ends again what the journal in %s says had ended, before it serves anything", folder)
}

// database returns how to connect as the owner, and what ends the embedded Postgres.
func (c *adminRestore) database(ctx context.Context) (owner string, stop func() error, err error) {
	owner = c.DatabaseURL
	if err := readSecret(&owner, c.DatabaseURLFile, "GREENROOM_DATABASE_URL"); err != nil {
		return "", nil, err
	}
	if owner != "" {
		return owner, func() error { return nil }, nil
	}
	lib, err := filepath.Abs(c.LibDir)
	if err != nil {
		return "", nil, fmt.Errorf("find %s: %w", c.LibDir, err)
	}
	embedded, err := storage.StartEmbedded(context.WithoutCancel(ctx), storage.EmbeddedConfig{
		DataDir: filepath.Join(c.DataDir, "postgres"), BinDir: c.PostgresBin, LibDir: lib,
	})
	if err != nil {
		return "", nil, fmt.Errorf("%w\nSet GREENROOM_DATABASE_URL to restore into your own Postgres", err)
	}
	return embedded.URL(), func() error {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		return embedded.Stop(stopping)
	}, nil
}
