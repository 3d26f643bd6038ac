package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"greenroom/consent"
)

const (
	// journalBatch bounds how many entries are held at once.
	journalBatch = 500
	// journalEvery is how often the ledger is looked at, should a notification have been missed.
	journalEvery = 10 * time.Second
	// flushLimit bounds how long the answer to an ending waits for the journal's disk.
	flushLimit = 10 * time.Second
)

// Journal is this node's copy of the ledger outside the database: a line for each entry, with ids and
// sums only, and signed checkpoints of how far it went. With it a database that was restored from a
// backup is told what it forgot ([Journal.Reconcile]), and one that was changed is found out.
//
// It is safe for concurrent use. Each flush is durable when it returns.
type Journal struct {
	database *Database
	dir      string
	log      *slog.Logger
	lock     fileLock

	turn    chan struct{} // who holds its one value writes the files, and what follows
	journal journalFile
	marks   journalFile
	head    consent.LedgerHead

	last   atomic.Pointer[consent.CheckpointLine]
	failed atomic.Pointer[error] // of the last flush; nil when it went well
}

// journalFile is a file that lines are added to.
type journalFile struct {
	file *os.File
	size int64 // of the whole lines; what a failed write left behind them is cut before the next
}

// OpenJournal opens the folder, makes it if it is not there, and reads all of it: what a crash tore off
// the end is cut, anything else that does not fit is [consent.ErrLedger]. The folder belongs to this
// process until Close.
func OpenJournal(database *Database, dir string, log *slog.Logger) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("ledger folder: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("ledger folder: %w", err)
	}
	j := &Journal{database: database, dir: dir, log: log, lock: lock, turn: make(chan struct{}, 1)}
	if err := j.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("ledger folder %s: %w", dir, err), j.Close())
	}
	return j, nil
}

// JournalInUse reports whether a server works with the folder. Before it serves it makes true in the database
// whatever the journal knows to have ended.
func JournalInUse(dir string) bool {
	path := filepath.Join(dir, "lock")
	if _, err := os.Stat(path); err != nil {
		return false
	}
	lock, err := lockFile(path)
	if err != nil {
		return errors.Is(err, syscall.EWOULDBLOCK)
	}
	_ = lock.Close() // nobody had it
	return false
}

func (j *Journal) open() (err error) {
	if j.journal.file, err = openAppend(filepath.Join(j.dir, consent.JournalFile)); err != nil {
		return err
	}
	if j.marks.file, err = openAppend(filepath.Join(j.dir, consent.CheckpointsFile)); err != nil {
		return err
	}
	if err := syncPath(j.dir); err != nil {
		return err
	}
	r, err := j.read(nil)
	if err != nil {
		return err
	}
	j.head, j.journal.size, j.marks.size = r.Head, r.JournalSize, r.CheckpointsSize
	if r.JournalTorn || r.CheckpointsTorn {
		j.log.Warn("the end of the ledger's journal was unfinished and is written again", "entries", r.Head.Seq)
	}
	if err := errors.Join(j.journal.cut(), j.marks.cut()); err != nil {
		return err
	}
	if r.Checkpoints == 0 {
		return nil
	}
	// The chain of the last commits to all before it, so its signature alone says that they are ours.
	keys, err := j.database.notary.KeySet()
	if err != nil {
		return err
	}
	if _, err := r.Last.Verify(keys); err != nil {
		return fmt.Errorf("%w: it was written with other receipt keys than those in the secrets folder", err)
	}
	j.last.Store(&r.Last)
	return nil
}

// openAppend opens a file that only its owner can read; its end is found by reading it.
func openAppend(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}

// read goes through both files from their beginning.
func (j *Journal) read(each func(consent.LedgerEntry) error) (consent.LedgerReading, error) {
	journal := io.NewSectionReader(j.journal.file, 0, 1<<62)
	marks := io.NewSectionReader(j.marks.file, 0, 1<<62)
	return consent.LedgerFiles{Journal: journal, Checkpoints: marks}.Read(nil, each) //nolint:wrapcheck // says itself what it did
}

// Close gives the folder back.
func (j *Journal) Close() error {
	err := j.lock.Close()
	for _, f := range []*os.File{j.journal.file, j.marks.file} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// Checkpoint returns the newest signed statement of how far the ledger goes.
func (j *Journal) Checkpoint() (consent.CheckpointLine, bool) {
	last := j.last.Load()
	if last == nil {
		return consent.CheckpointLine{}, false
	}
	return *last, true
}

// KeySet returns the keys that verify what this server signs.
func (j *Journal) KeySet() (consent.KeySet, error) { return j.database.notary.KeySet() }

// Sums returns the sums of up to so many entries after a place. They lead from the chain after that place
// to any later one, and say nothing about the entries: each has a salt in it.
func (j *Journal) Sums(ctx context.Context, after int64, most int) ([]consent.Digest, error) {
	entries, err := j.database.ledgerAfter(ctx, after, most)
	if err != nil {
		return nil, err
	}
	sums := make([]consent.Digest, 0, len(entries))
	for _, e := range entries {
		sums = append(sums, e.Digest())
	}
	return sums, nil
}

// Check says why the last flush failed, if it did: endings since then are in the database alone.
func (j *Journal) Check() error {
	if err := j.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// Run copies what other nodes and other processes append, until ctx ends. wake has a value whenever
// there may be something new.
func (j *Journal) Run(ctx context.Context, wake <-chan struct{}) error {
	ticker := time.NewTicker(journalEvery)
	defer ticker.Stop()
	for {
		if err := j.Flush(ctx); err != nil && ctx.Err() == nil {
			j.log.Error("the ledger's journal falls behind", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-ticker.C:
		}
	}
}

// Flush copies every entry that is committed to the journal and signs a checkpoint. When it returns
// without an error, both are on the disk.
func (j *Journal) Flush(ctx context.Context) error {
	select {
	case j.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("write the journal: %w", ctx.Err())
	}
	defer func() { <-j.turn }()
	err := j.flush(ctx)
	if err != nil {
		err = fmt.Errorf("write the journal: %w", err)
		j.failed.Store(&err)
		return err
	}
	j.failed.Store(nil)
	return nil
}

func (j *Journal) flush(ctx context.Context) error {
	for {
		entries, err := j.database.ledgerAfter(ctx, j.head.Seq, journalBatch)
		if err != nil {
			return err
		}
		if err := j.add(entries); err != nil {
			return err
		}
		if len(entries) < journalBatch {
			return j.mark(ctx)
		}
	}
}

// add appends entries that follow from the last.
func (j *Journal) add(entries []consent.LedgerEntry) error {
	if len(entries) == 0 {
		return nil
	}
	head := j.head
	var text bytes.Buffer
	for _, e := range entries {
		var err error
		if head, err = head.Follow(e); err != nil {
			return fmt.Errorf("the database's ledger was changed, compare it with the journal in %s: %w", j.dir, err)
		}
		line, err := consent.JournalLine(e)
		if err != nil {
			return err //nolint:wrapcheck // says itself what it did
		}
		text.Write(line)
	}
	if err := j.journal.append(text.Bytes()); err != nil {
		return err
	}
	j.head = head
	return nil
}

// mark signs a checkpoint, if there is none for the last entry yet.
func (j *Journal) mark(ctx context.Context) error {
	if last, ok := j.Checkpoint(); ok && last.Seq == j.head.Seq {
		return nil
	}
	now, err := j.database.now(ctx)
	if err != nil {
		return err
	}
	mark := consent.CheckpointLine{Seq: j.head.Seq, Chain: j.head.Chain}
	mark.JWS, err = j.database.notary.sign(consent.DocumentCheckpoint, consent.Checkpoint{
		Schema: consent.CheckpointSchema, Seq: mark.Seq, Chain: mark.Chain, At: now.UTC(),
	})
	if err != nil {
		return err
	}
	line, err := mark.Line()
	if err != nil {
		return err //nolint:wrapcheck // says itself what it did
	}
	if err := j.writeKeys(); err != nil { // first: a checkpoint whose key nobody has is worth nothing
		return err
	}
	if err := j.marks.append(line); err != nil {
		return err
	}
	j.last.Store(&mark)
	return nil
}

// writeKeys puts the published keys beside the checkpoints, so that a copy of the folder can be checked.
func (j *Journal) writeKeys() error {
	keys, err := j.database.notary.KeySet()
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(keys, "", "  ")
	if err != nil {
		return fmt.Errorf("write the published keys: %w", err)
	}
	path := filepath.Join(j.dir, consent.LedgerKeysFile)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	return errors.Join(writeNew(path, text), syncPath(j.dir))
}

// append writes whole lines behind the whole lines that are there, and waits for the disk.
func (f *journalFile) append(text []byte) error {
	if err := f.cut(); err != nil {
		return err
	}
	if _, err := f.file.WriteAt(text, f.size); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := f.file.Sync(); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	f.size += int64(len(text))
	return nil
}

// cut removes what a crash or a failed write left behind the whole lines.
func (f *journalFile) cut() error {
	info, err := f.file.Stat()
	if err != nil || info.Size() == f.size {
		return err
	}
	return errors.Join(f.file.Truncate(f.size), f.file.Sync())
}

// followLedger makes endings wait until the journal has them.
func (d *Database) followLedger(j *Journal) { d.journal.Store(j) }

// settle waits until the journal has what was just committed. The ending stands whatever happens here;
// where the journal cannot be written, [Journal.Check] says so and the server is not ready.
func (d *Database) settle(ctx context.Context) {
	j := d.journal.Load()
	if j == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushLimit)
	defer cancel()
	if err := j.Flush(ctx); err != nil {
		j.log.Error("an ending is in the database, but not in the journal", "error", err)
	}
}
