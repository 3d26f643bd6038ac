package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

const (
	uploadsAtOnce = 4
	// gathering is how long a sealed segment waits for others, so that those of all sessions share one
	// question and one transaction: a sixth of a segment's length.
	gathering = time.Second
	// indexing is how often the rows of what is sent are written while other files are still on their way.
	indexing = time.Second
	// sentTogether is how many share them at most.
	sentTogether = 64
	firstPause   = 250 * time.Millisecond
	longestPause = 30 * time.Second
	warnEvery    = time.Minute // of a fault that every pass meets and none waits for
)

// TopicRecording is the [Topic] of a change that made a segment playable.
const TopicRecording Topic = "recording"

// Uploader moves sealed segments to the object store and into the index, and mends what an earlier
// process left open. Every step can be repeated: put (only where nothing is), index (only once),
// delete the local file (only after both). It never gives up and never drops a file for its age.
// Segments that were sealed around the same time go together, of whatever sessions.
type Uploader struct {
	database *Database
	keys     *Keys
	spool    *Spool
	objects  *Objects
	gate     consent.Gate
	log      *slog.Logger
	rebuild  rebuildFunc

	gathering time.Duration
	indexing  time.Duration
	buffers   sync.Pool // of *[]byte, for files on their way

	passing chan struct{} // holds a value while a pass runs: there is one at a time

	mu         sync.Mutex
	retries    map[string]retry    // by file name
	stored     map[string]struct{} // files that the object store confirmed, not yet indexed
	lastErr    error
	warned     time.Time // that the database does not say which sessions were erased
	mended     int64     // open files that were sealed
	unreadable int64     // open files without one whole chunk, removed
	withdrawn  int64     // open files whose consent was gone, removed
	cut        int64     // bytes of open files that were not part of a whole chunk
}

// retry is when a file that failed is tried again.
type retry struct {
	failures int
	at       time.Time
}

// NewUploader puts the parts together. The gate answers whether an open file of an earlier process
// may still be kept.
func NewUploader(database *Database, keys *Keys, spool *Spool, objects *Objects, gate consent.Gate, log *slog.Logger) *Uploader {
	return &Uploader{
		database: database, keys: keys, spool: spool, objects: objects, gate: gate, log: log,
		rebuild: media.RebuildSegment, gathering: gathering, indexing: indexing, passing: make(chan struct{}, 1),
		retries: map[string]retry{}, stored: map[string]struct{}{},
	}
}

// Backlog is what is still on its way.
type Backlog struct {
	Files  int       // sealed and waiting
	Bytes  int64     // of these
	Open   int       // files of an earlier process or a failed seal, to be mended
	Oldest time.Time // when the oldest waiting file was sealed; zero if none waits
	Err    error     // the last failure; nil after a pass without one
	// Since the start: open files that were sealed, removed because not one chunk was whole, and
	// removed because recording was withdrawn or the session erased.
	Mended, Unreadable, Withdrawn int64
	Cut                           int64 // bytes of them that were torn, and are gone
}

// Backlog looks at the spool.
func (u *Uploader) Backlog() (Backlog, error) {
	files, err := u.spool.list(sealedFolder)
	if err != nil {
		return Backlog{}, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	b := Backlog{
		Files: len(files), Open: len(u.spool.brokenFiles()), Err: u.lastErr,
		Mended: u.mended, Unreadable: u.unreadable, Withdrawn: u.withdrawn, Cut: u.cut,
	}
	for _, f := range files {
		b.Bytes += f.size
	}
	if len(files) > 0 {
		b.Oldest = files[0].changed
	}
	return b, nil
}

// Waiting returns the sessions whose sealed segments the object store does not have yet, with when the
// oldest of each was sealed.
func (u *Uploader) Waiting() (map[consent.SessionID]time.Time, error) {
	files, err := u.spool.list(sealedFolder)
	if err != nil {
		return nil, err
	}
	waiting := map[consent.SessionID]time.Time{}
	for _, f := range files { // oldest first
		session := sessionOf(f.name)
		if _, there := waiting[session]; !there {
			waiting[session] = f.changed
		}
	}
	return waiting, nil
}

// Run works until ctx ends. What it has not sent by then stays in the spool for [Uploader.Drain] or
// the next start.
func (u *Uploader) Run(ctx context.Context) error {
	for {
		next, err := u.pass(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // being told to stop is no failure
		}
		if err != nil {
			u.log.WarnContext(ctx, "recordings wait in the spool", "err", err)
		}
		if !u.pause(ctx, next) || !u.gather(ctx) {
			return nil
		}
	}
}

// gather lets more segments come before they are sent together; false if ctx ended.
func (u *Uploader) gather(ctx context.Context) bool {
	timer := time.NewTimer(u.gathering)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	}
	select {
	case <-u.spool.sealed: // it is sent with the others
	default:
	}
	return true
}

// pause waits for a seal or until the next retry is due; false if ctx ended.
func (u *Uploader) pause(ctx context.Context, next time.Time) bool {
	wait := longestPause
	if !next.IsZero() {
		wait = max(time.Until(next), 0)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-u.spool.sealed:
		return true
	case <-timer.C:
		return true
	}
}

// Drain sends what is in the spool and returns when it is empty, or an error when ctx ends first.
// Nothing may write segments any more. Open files that cannot be mended now wait for the next start.
func (u *Uploader) Drain(ctx context.Context) error {
	open := -1
	for {
		u.forgetPauses()
		_, err := u.pass(ctx)
		backlog, backlogErr := u.Backlog()
		if backlogErr != nil {
			return backlogErr
		}
		if backlog.Files == 0 && backlog.Open == 0 {
			return nil
		}
		if backlog.Files == 0 && backlog.Open == open && ctx.Err() == nil {
			return fmt.Errorf("drain the spool: %d open files stay for the next start: %w", open, err)
		}
		open = backlog.Open
		if !u.pause(ctx, time.Now().Add(firstPause)) {
			return fmt.Errorf("drain the spool: %d files stay for the next start: %w", backlog.Files+backlog.Open, errors.Join(err, ctx.Err()))
		}
	}
}

// forgetPauses makes every file due.
func (u *Uploader) forgetPauses() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for name, r := range u.retries {
		r.at = time.Time{}
		u.retries[name] = r
	}
}

// pass tries every file that is due once and returns when the next one will be (zero: none waits).
func (u *Uploader) pass(ctx context.Context) (time.Time, error) {
	select {
	case u.passing <- struct{}{}:
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	defer func() { <-u.passing }()
	var failed passErrors
	for _, name := range u.spool.brokenFiles() {
		if u.due(ctx, name, &failed) {
			u.note(ctx, name, &failed, atDatabase, u.recoverOpen(ctx, name))
		}
	}
	files, err := u.spool.list(sealedFolder)
	if err != nil {
		return time.Now().Add(longestPause), err
	}
	for group := range slices.Chunk(files, sentTogether) {
		u.send(ctx, group, &failed)
	}
	return u.finishPass(ctx, files, failed.all())
}

// due reports whether it is time to try a file.
func (u *Uploader) due(ctx context.Context, name string, failed *passErrors) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return ctx.Err() == nil && !failed.hopeless() && !time.Now().Before(u.retries[name].at)
}

// note remembers how a try went, and when to try again if it failed. What ended with ctx says nothing.
func (u *Uploader) note(ctx context.Context, name string, failed *passErrors, at server, err error) {
	if ctx.Err() != nil {
		return
	}
	failed.add(at, err)
	u.mu.Lock()
	defer u.mu.Unlock()
	if err == nil {
		delete(u.retries, name)
		return
	}
	r := u.retries[name]
	r.failures++
	pause := min(firstPause<<min(r.failures-1, 16), longestPause)
	r.at = time.Now().Add(pause/2 + rand.N(pause/2)) //nolint:gosec // spreads load, keeps no secret
	u.retries[name] = r
}

// finishPass notes the pass' outcome and says when the next file is due.
func (u *Uploader) finishPass(ctx context.Context, files []spoolFile, err error) (time.Time, error) {
	there := map[string]bool{}
	for _, name := range u.spool.brokenFiles() {
		there[name] = true
	}
	for _, file := range files {
		there[file.name] = true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if ctx.Err() == nil {
		u.lastErr = err
	}
	maps.DeleteFunc(u.retries, func(name string, _ retry) bool { return !there[name] })
	maps.DeleteFunc(u.stored, func(name string, _ struct{}) bool { return !there[name] })
	var next time.Time
	for _, r := range u.retries {
		if next.IsZero() || r.at.Before(next) {
			next = r.at
		}
	}
	if err != nil && next.Before(time.Now()) {
		next = time.Now().Add(firstPause) // a pass that ended early left files that are due
	}
	return next, err
}
