package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
	"greenroom/media"
)

// keptUpload is how large a buffer may be, in bytes, and still be used for another file.
const keptUpload = 8 << 20

// sentSegment is a segment that the object store has. Its row is written next.
type sentSegment struct {
	name   string // of the file
	info   media.SegmentInfo
	blocks []byte // where every frame lies, encrypted
	size   int    // in bytes
	sum    [sha256.Size]byte

	erased bool  // its session was erased while it was on its way
	err    error // why its row cannot be written
}

// send takes sealed files through put, index and delete: each is put by itself, their rows are written
// together, and then each is deleted.
func (u *Uploader) send(ctx context.Context, files []spoolFile, failed *passErrors) {
	var names []string
	for _, file := range files {
		if u.due(ctx, file.name, failed) {
			names = append(names, file.name)
		}
	}
	if len(names) == 0 {
		return
	}
	erased := u.erased(ctx, names)
	var mu sync.Mutex
	var sent []*sentSegment
	var uploads sync.WaitGroup
	slots := make(chan struct{}, uploadsAtOnce)
	for _, name := range names {
		slots <- struct{}{}
		// Owner: this call, which waits for all. They end with their file, or with ctx.
		uploads.Go(func() {
			defer func() { <-slots }()
			if ctx.Err() != nil || failed.hopeless() {
				return
			}
			segment, err := u.put(ctx, name, erased)
			if err != nil || segment == nil {
				u.note(ctx, name, failed, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, segment)
		})
	}
	uploads.Wait()
	u.indexAll(ctx, sent)
	for _, segment := range sent {
		u.note(ctx, segment.name, failed, u.finish(ctx, segment))
	}
}

// put stores the object of one sealed file, unless this process saw the store confirm it already; nil if
// nothing of it is to be kept.
func (u *Uploader) put(ctx context.Context, name string, erased map[consent.SessionID]bool) (*sentSegment, error) {
	buffer, _ := u.buffers.Get().(*[]byte)
	if buffer == nil {
		buffer = new([]byte)
	}
	data, err := u.spool.readInto((*buffer)[:0], sealedFolder, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // its session was erased meanwhile
	}
	if err != nil {
		return nil, err
	}
	file, err := scanSegment(data)
	if err != nil {
		return nil, fmt.Errorf("upload %s: %w", name, err)
	}
	if !file.complete || fileName(file.head.ID) != name {
		return nil, fmt.Errorf("upload %s: it is damaged: the spool's disk returned other bytes than were sealed", name)
	}
	info, err := file.readInfo()
	if err != nil {
		return nil, fmt.Errorf("upload %s: %w", name, err)
	}
	if erased[info.ID.Session] {
		return nil, u.spool.remove(sealedFolder, name)
	}
	segment := &sentSegment{name: name, info: info, blocks: bytes.Clone(file.table), size: len(data), sum: sha256.Sum256(data)}
	body := newObjectBody(data)
	if err := u.store(ctx, segment, body); err != nil {
		return nil, err
	}
	if body.free() && cap(data) <= keptUpload {
		*buffer = data
		u.buffers.Put(buffer)
	}
	return segment, nil
}

// store puts the object, unless this process saw the store confirm it already.
func (u *Uploader) store(ctx context.Context, segment *sentSegment, body *objectBody) error {
	u.mu.Lock()
	_, done := u.stored[segment.name]
	u.mu.Unlock()
	if done {
		return nil
	}
	if err := u.objects.createSummed(ctx, segment.info.ID.ObjectKey(), body, segment.sum); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stored[segment.name] = struct{}{}
	return nil
}

// finish deletes the local file of a segment that is indexed, and the object of one whose session was erased
// while it was on its way.
func (u *Uploader) finish(ctx context.Context, segment *sentSegment) error {
	key := segment.info.ID.ObjectKey()
	if segment.err != nil {
		return fmt.Errorf("index segment %s: %w", key, segment.err)
	}
	if segment.erased {
		if err := u.objects.removeAll(ctx, key); err != nil {
			return err
		}
	}
	if err := u.spool.remove(sealedFolder, segment.name); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.stored, segment.name)
	return nil
}

// erased returns which sessions of the files the database says were erased: nothing of them goes anywhere
// then. Where it does not answer the objects are stored, and the index finds out. The question is the
// worker's, which looks at every session's state.
func (u *Uploader) erased(ctx context.Context, names []string) map[consent.SessionID]bool {
	ctx, cancel := context.WithTimeout(ctx, objectCallTimeout)
	defer cancel()
	sessions := map[consent.SessionID]struct{}{}
	for _, name := range names {
		sessions[sessionOf(name)] = struct{}{}
	}
	asked := make([]string, 0, len(sessions))
	for id := range sessions {
		asked = append(asked, string(id))
	}
	var batch pgx.Batch // the statements of a batch are one transaction
	if err := u.database.contexts.queue(&batch, RoleWorker, rowContext{}); err != nil {
		return nil
	}
	erased := map[consent.SessionID]bool{}
	batch.Queue(`SELECT id FROM sessions WHERE id = ANY ($1) AND state = 'erased'`, asked).Query(func(rows pgx.Rows) error {
		ids, err := pgx.CollectRows(rows, pgx.RowTo[consent.SessionID])
		for _, id := range ids {
			erased[id] = true
		}
		return err
	})
	if err := u.database.Pool(RoleWorker).SendBatch(ctx, &batch).Close(); err != nil {
		return nil
	}
	return erased
}
