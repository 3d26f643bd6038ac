package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

// ErrSpoolFull says that the spool has reached its size, or the disk under it is full.
var ErrSpoolFull = errors.New("the recording spool is full")

const (
	openFolder   = "open"
	sealedFolder = "sealed"
	segmentExt   = ".segment"
	// nearlyFull is the part of the spool, in percent, from which new sessions are refused, so that
	// the running ones have the rest.
	nearlyFull = 90
)

// SpoolConfig says where segments are kept until the object store has them.
type SpoolConfig struct {
	Dir      string
	MaxBytes int64 // of all files together
}

// Spool is the folder of segments on their way: open/ while they are written, sealed/ until the
// object store and the index have them. One process owns it. It is safe for concurrent use.
type Spool struct {
	dir    string
	max    int64
	disk   disk
	lock   fileLock
	used   atomic.Int64  // bytes in both folders
	sealed chan struct{} // gets a value after each seal, for the uploader

	mu     sync.Mutex
	broken map[string]struct{} // files in open/ that no writer holds: to be recovered
}

// disk is what the spool does to the disk, so that tests can make it fail.
type disk interface {
	create(path string) (diskFile, error)
	open(path string) (diskFile, error) // an existing file, to go on writing at its end
	rename(from, to string) error
	remove(path string) error
	syncFolder(path string) error
}

type diskFile interface {
	io.WriteCloser
	Truncate(size int64) error
	Sync() error
}

// OpenSpool takes the folder into use. What an earlier process left open is recovered by
// [Uploader.Run].
func OpenSpool(config SpoolConfig) (*Spool, error) {
	if config.MaxBytes <= 0 {
		return nil, fmt.Errorf("spool: size %d is not positive", config.MaxBytes)
	}
	dir, err := filepath.Abs(config.Dir)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	for _, folder := range []string{openFolder, sealedFolder} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o700); err != nil {
			return nil, fmt.Errorf("spool: %w", err)
		}
	}
	s := &Spool{
		dir: dir, max: config.MaxBytes, disk: realDisk{},
		sealed: make(chan struct{}, 1), broken: map[string]struct{}{},
	}
	if s.lock, err = lockFile(filepath.Join(dir, "lock")); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	if err := s.takeStock(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// takeStock counts the bytes that are there and notes the files an earlier process left open.
func (s *Spool) takeStock() error {
	for _, folder := range []string{openFolder, sealedFolder} {
		files, err := s.list(folder)
		if err != nil {
			return err
		}
		for _, file := range files {
			s.used.Add(file.size)
			if folder == openFolder {
				s.broken[file.name] = struct{}{}
			}
		}
	}
	return nil
}

// Close gives the folder back. Writers must be done.
func (s *Spool) Close() error { return s.lock.Close() }

// Full reports whether so little is left that no new session should begin.
func (s *Spool) Full() bool { return s.used.Load() >= s.max/100*nearlyFull }

// Used returns the bytes in the spool and how many it may hold.
func (s *Spool) Used() (used, limit int64) { return s.used.Load(), s.max }

type spoolFile struct {
	name    string
	size    int64
	changed time.Time
}

// list returns the segment files of a folder, oldest first.
func (s *Spool) list(folder string) ([]spoolFile, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, folder))
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	files := make([]spoolFile, 0, len(entries))
	for _, entry := range entries {
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // sent or sealed since the folder was read
		}
		if err != nil {
			return nil, fmt.Errorf("spool: %w", err)
		}
		if info.Mode().IsRegular() && strings.HasSuffix(entry.Name(), segmentExt) {
			files = append(files, spoolFile{entry.Name(), info.Size(), info.ModTime()})
		}
	}
	slices.SortStableFunc(files, func(a, b spoolFile) int { return a.changed.Compare(b.changed) })
	return files, nil
}

func (s *Spool) path(folder, name string) string { return filepath.Join(s.dir, folder, name) }

// fileName is flat, so that one folder lists everything. Every part of it was checked by checkHead.
func fileName(id media.SegmentID) string {
	return fmt.Sprintf("%s-%s-%d-%06d%s", id.Session, id.Kind, id.Epoch, id.Sequence, segmentExt)
}

// read returns a whole file.
func (s *Spool) read(folder, name string) ([]byte, error) { return s.readInto(nil, folder, name) }

// readInto appends a whole file to dst, which grows only where it is too small.
func (s *Spool) readInto(dst []byte, folder, name string) ([]byte, error) {
	file, err := os.Open(s.path(folder, name))
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	if info.Size() > maxSegment+maxRecord {
		return nil, fmt.Errorf("spool: %s has %d bytes, more than any segment", name, info.Size())
	}
	dst = slices.Grow(dst, int(info.Size()))
	data := dst[len(dst) : len(dst)+int(info.Size())]
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, fmt.Errorf("spool: read %s: %w", name, err)
	}
	return dst[:len(dst)+len(data)], nil
}

// sessionOf returns the session that a file is of; see fileName.
func sessionOf(name string) consent.SessionID {
	session, _, _ := strings.Cut(name, "-")
	return consent.SessionID(session)
}

// remove deletes a file; one that is gone is no error.
func (s *Spool) remove(folder, name string) error {
	info, err := os.Stat(s.path(folder, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	if err := s.disk.remove(s.path(folder, name)); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	s.used.Add(-info.Size())
	return nil
}

// removeSession deletes everything of a session that no writer holds, and returns how many files that were.
func (s *Spool) removeSession(session consent.SessionID) (removed int64, err error) {
	broken := s.brokenFiles()
	for _, folder := range []string{openFolder, sealedFolder} {
		files, err := s.list(folder)
		if err != nil {
			return removed, err
		}
		for _, file := range files {
			if !strings.HasPrefix(file.name, string(session)+"-") || (folder == openFolder && !slices.Contains(broken, file.name)) {
				continue
			}
			if err := s.remove(folder, file.name); err != nil {
				return removed, err
			}
			removed++
		}
	}
	return removed, nil
}

// publish moves a finished file from open/ to sealed/, so that it survives a power cut there.
func (s *Spool) publish(name string) error {
	if err := s.disk.rename(s.path(openFolder, name), s.path(sealedFolder, name)); err != nil {
		return err
	}
	err := errors.Join(
		s.disk.syncFolder(filepath.Join(s.dir, sealedFolder)), s.disk.syncFolder(filepath.Join(s.dir, openFolder)))
	select {
	case s.sealed <- struct{}{}:
	default: // the uploader looks at the whole folder anyway
	}
	return err
}

// markBroken hands a file of open/ that lost its writer to recovery.
func (s *Spool) markBroken(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken[name] = struct{}{}
}

func (s *Spool) markMended(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.broken, name)
}

func (s *Spool) brokenFiles() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, 0, len(s.broken))
	for name := range s.broken {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

type realDisk struct{}

func (realDisk) create(path string) (diskFile, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
}

func (realDisk) open(path string) (diskFile, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
}

func (realDisk) rename(from, to string) error { return os.Rename(from, to) }

func (realDisk) remove(path string) error { return os.Remove(path) }

func (realDisk) syncFolder(path string) error { return syncPath(path) }
