package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	backupFormat     = 1
	backupName       = "20060102T150405.000Z" // a folder's name: the database's time
	backupManifestID = "manifest.json"
	unfinishedBackup = ".unfinished-"
)

// ErrNoBackup says that a folder is not a whole backup.
var ErrNoBackup = errors.New("this is no whole backup")

// backupManifest says what a backup holds.
type backupManifest struct {
	Format     int              `json:"format"`
	At         time.Time        `json:"at"`
	Migrations []int64          `json:"migrations,omitempty"` // that made the schema
	Tables     []backupTable    `json:"tables"`
	Sequences  map[string]int64 `json:"sequences,omitempty"`
}

func (m backupManifest) write(folder string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return errors.Join(writeNew(filepath.Join(folder, backupManifestID), text), syncPath(folder))
}

// readBackup reads the manifest and compares every file with it.
func readBackup(folder string) (m backupManifest, err error) {
	text, err := os.ReadFile(filepath.Join(folder, backupManifestID))
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrNoBackup, err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%w: %s: %w", ErrNoBackup, folder, err)
	}
	if m.Format != backupFormat {
		return m, fmt.Errorf("%w: %s has format %d, this program reads %d", ErrNoBackup, folder, m.Format, backupFormat)
	}
	for _, t := range m.Tables {
		if err := t.check(folder); err != nil {
			return m, fmt.Errorf("%w: %s: %w", ErrNoBackup, folder, err)
		}
	}
	return m, nil
}

func beginFolder(place, name string) (string, error) {
	if err := os.MkdirAll(place, 0o700); err != nil {
		return "", err
	}
	folder := filepath.Join(place, unfinishedBackup+name)
	return folder, os.Mkdir(folder, 0o700)
}

func finishFolder(place, name string) error {
	return errors.Join(os.Rename(filepath.Join(place, unfinishedBackup+name), filepath.Join(place, name)), syncPath(place))
}

// backupsIn lists the backups in a place, oldest first.
func backupsIn(place string) ([]string, error) {
	entries, err := os.ReadDir(place)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if _, err := time.Parse(backupName, entry.Name()); err == nil && entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// NewestBackup returns the folder of the newest backup in a place.
func NewestBackup(place string) (string, error) {
	names, err := backupsIn(place)
	if err != nil {
		return "", fmt.Errorf("look for backups: %w", err)
	}
	if len(names) == 0 {
		return "", fmt.Errorf("%w: there is none in %s", ErrNoBackup, place)
	}
	return filepath.Join(place, names[len(names)-1]), nil
}
