package storage

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
	"greenroom/media"
)

const (
	uploadsAtOnce = 4
	firstPause    = 250 * time.Millisecond
	longestPause  = 30 * time.Second
	// failuresInARow is after how many failures a pass ends: the store or the database is away, and
	// trying thousands of files would only fill the log.
	failuresInARow = 8
)

// TopicRecording is the [Topic] of a change that made a segment playable.
const TopicRecording Topic = "recording"

// Uploader moves sealed segments to the object store and into the index, and mends what an earlier
// process left open. Every step can be repeated: put (only where nothing is), index (only once),
// delete the local file (only after both). It never gives up and never drops a file for its age.
type Uploader struct {
	database *Database
	keys     *Keys
	spool    *Spool
	objects  *Objects
	gate     consent.Gate
	log      *slog.Logger
	rebuild  rebuildFunc

	passing chan struct{} // holds a value while a pass runs: there is one at a time

	mu         sync.Mutex
	retries    map[string]retry    // by file name
	stored     map[string]struct{} // files that the object store confirmed, not yet indexed
	lastErr    error
	mended     int64 // open files that were sealed
	unreadable int64 // open files without one whole chunk, removed
	withdrawn  int64 // open files whose consent was gone, removed
	cut        int64 // bytes of open files that were not part of a whole chunk
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
		rebuild: media.RebuildSegment, passing: make(chan struct{}, 1),
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
		session, _, _ := strings.Cut(f.name, "-")
		if _, there := waiting[consent.SessionID(session)]; !there {
			waiting[consent.SessionID(session)] = f.changed
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
		if !u.pause(ctx, next) {
			return nil
		}
	}
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
		u.try(ctx, name, &failed, u.recoverOpen)
	}
	files, err := u.spool.list(sealedFolder)
	if err != nil {
		return time.Now().Add(longestPause), err
	}
	var uploads sync.WaitGroup
	slots := make(chan struct{}, uploadsAtOnce)
	for _, file := range files {
		slots <- struct{}{}
		// Owner: this pass, which waits for all. They end with their file, or with ctx.
		uploads.Go(func() {
			defer func() { <-slots }()
			u.try(ctx, file.name, &failed, u.upload)
		})
	}
	uploads.Wait()
	return u.finishPass(ctx, files, failed.all())
}

// passErrors collects what failed in one pass.
type passErrors struct {
	mu    sync.Mutex
	errs  []error
	inRow int
}

func (p *passErrors) add(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inRow++
	if err == nil {
		p.inRow = 0
		return
	}
	if len(p.errs) < failuresInARow {
		p.errs = append(p.errs, err)
	}
}

func (p *passErrors) hopeless() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inRow >= failuresInARow
}

func (p *passErrors) all() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(p.errs...)
}

// try does one step for one file if it is due, and notes when to try again if that fails.
func (u *Uploader) try(ctx context.Context, name string, failed *passErrors, step func(context.Context, string) error) {
	u.mu.Lock()
	r := u.retries[name]
	u.mu.Unlock()
	if ctx.Err() != nil || failed.hopeless() || time.Now().Before(r.at) {
		return
	}
	err := step(ctx, name)
	if ctx.Err() != nil {
		return
	}
	failed.add(err)
	u.mu.Lock()
	defer u.mu.Unlock()
	if err == nil {
		delete(u.retries, name)
		return
	}
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

// upload takes one sealed file through put, index and delete.
func (u *Uploader) upload(ctx context.Context, name string) error {
	data, err := u.spool.read(sealedFolder, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // its session was erased meanwhile
	}
	if err != nil {
		return err
	}
	file, err := scanSegment(data)
	if err != nil {
		return fmt.Errorf("upload %s: %w", name, err)
	}
	if !file.complete || fileName(file.head.ID) != name {
		return fmt.Errorf("upload %s: it is damaged: the spool's disk returned other bytes than were sealed", name)
	}
	info, err := file.readInfo()
	if err != nil {
		return fmt.Errorf("upload %s: %w", name, err)
	}
	if u.erased(ctx, info.ID.Session) {
		return u.spool.remove(sealedFolder, name)
	}
	sum := sha256.Sum256(data)
	if err := u.store(ctx, name, info.ID, data, sum); err != nil {
		return err
	}
	known, err := u.index(ctx, info, file.table, len(data), sum)
	if err != nil {
		return fmt.Errorf("index segment %s: %w", info.ID.ObjectKey(), err)
	}
	if !known { // erased while the segment was on its way
		if err := u.objects.removeAll(ctx, info.ID.ObjectKey()); err != nil {
			return err
		}
	}
	if err := u.spool.remove(sealedFolder, name); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.stored, name)
	return nil
}

// erased reports whether the database says that a session was erased: nothing of it goes anywhere then.
// Where it does not answer the object is stored, and the index finds out.
func (u *Uploader) erased(ctx context.Context, session consent.SessionID) bool {
	ctx, cancel := context.WithTimeout(ctx, objectCallTimeout)
	defer cancel()
	var erased bool
	err := u.database.in(ctx, RoleIngest, rowContext{session: string(session)}, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT state = 'erased' FROM sessions WHERE id = $1`, string(session)).Scan(&erased)
	})
	return err == nil && erased
}

// store puts the object, unless this process saw the store confirm it already.
func (u *Uploader) store(ctx context.Context, name string, id media.SegmentID, data []byte, sum [sha256.Size]byte) error {
	u.mu.Lock()
	_, done := u.stored[name]
	u.mu.Unlock()
	if done {
		return nil
	}
	if err := u.objects.createSummed(ctx, id.ObjectKey(), data, sum); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stored[name] = struct{}{}
	return nil
}

// index writes the row and tells every node; false if the session was erased.
func (u *Uploader) index(ctx context.Context, info media.SegmentInfo, blocks []byte, size int, sum [sha256.Size]byte) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, objectCallTimeout)
	defer cancel()
	id := info.ID
	known := false
	err := u.database.in(ctx, RoleIngest, rowContext{session: string(id.Session)}, func(tx pgx.Tx) error {
		// One row of a session at a time: otherwise a lower index could appear after a higher one,
		// and a snapshot up to that would change under a reader.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('segments/' || $1, 0))`, string(id.Session)); err != nil {
			return err
		}
		var state string
		err := tx.QueryRow(ctx, `SELECT state FROM sessions WHERE id = $1`, string(id.Session)).Scan(&state)
		if errors.Is(err, pgx.ErrNoRows) {
			return errors.New("the database does not know the session: is it the right database?")
		}
		if err != nil || state == string(consent.SessionErased) {
			return err
		}
		known = true
		_, err = tx.Exec(ctx, `INSERT INTO segments
			(session, kind, epoch, sequence, object_key, size, sha256, start_us, end_us, width, height, codec, forced, blocks)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
			ON CONFLICT (session, kind, epoch, sequence) DO NOTHING`,
			string(id.Session), string(id.Kind), id.Epoch, id.Sequence, id.ObjectKey(), size, sum[:],
			info.Start.Microseconds(), info.End.Microseconds(), info.Width, info.Height, string(info.Codec), info.Forced, blocks)
		if err != nil {
			return err
		}
		return notify(ctx, tx, id.Session, TopicRecording)
	})
	return known, err
}

// recoverOpen mends one open file: seals it if the candidate still wants it kept, removes it if not.
func (u *Uploader) recoverOpen(ctx context.Context, name string) error {
	if open, err := u.spool.isOpen(name); err != nil || !open {
		if err == nil {
			u.spool.markMended(name)
		}
		return err
	}
	head, size, readable, err := u.spool.brokenHead(name)
	if err != nil {
		return err
	}
	if !readable {
		return u.dropUnreadable(ctx, name, size)
	}
	key, wanted, err := u.recoveryKey(ctx, head)
	if err != nil {
		return fmt.Errorf("recover %s: %w", name, err)
	}
	if !wanted {
		return u.dropOpen(name, &u.withdrawn)
	}
	kept, cut, err := u.spool.mend(name, key, u.rebuild)
	if err != nil {
		return err
	}
	u.spool.markMended(name)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.cut += cut
	if !kept {
		u.unreadable++
		u.log.WarnContext(ctx, unreadableSegment, "file", name, "bytes", cut)
		return nil
	}
	u.mended++
	if cut > 0 {
		u.log.WarnContext(ctx, "an open segment was torn: it is kept up to its last whole chunk", "file", name, "cut_bytes", cut)
	}
	return nil
}

const unreadableSegment = "removed an open segment: not one chunk of it is whole"

func (u *Uploader) dropUnreadable(ctx context.Context, name string, size int64) error {
	if err := u.dropOpen(name, &u.unreadable); err != nil {
		return err
	}
	u.log.WarnContext(ctx, unreadableSegment, "file", name, "bytes", size)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.cut += size
	return nil
}

func (u *Uploader) dropOpen(name string, count *int64) error {
	if err := u.spool.remove(openFolder, name); err != nil {
		return err
	}
	u.spool.markMended(name)
	u.mu.Lock()
	defer u.mu.Unlock()
	*count++
	return nil
}

// recoveryKey asks as the recorder would. wanted is false only if the facts say so clearly: the
// session was erased or its recording withdrawn. Anything else that stands in the way is an error,
// and the file stays where it is.
func (u *Uploader) recoveryKey(ctx context.Context, head media.SegmentHead) (key *dataKey, wanted bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, objectCallTimeout)
	defer cancel()
	snapshot, err := u.gate.Snapshot(ctx, consent.Actor{Kind: consent.ActorRecorder}, head.ID.Session)
	if err != nil {
		return nil, false, err
	}
	if !snapshot.Known {
		return nil, false, errors.New("the database does not know its session: is it the right database?")
	}
	if snapshot.State == consent.SessionErased || !snapshot.Consents.Recording {
		return nil, false, nil
	}
	permit, err := consent.Decide(snapshot, consent.ArtefactCapture)
	if err != nil {
		return nil, false, fmt.Errorf("session is %s: %w", snapshot.State, err)
	}
	key, err = u.keys.forReading(ctx, permit, head.ID.Session, scopeOf(head.ID.Kind))
	return key, true, err
}
