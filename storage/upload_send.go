package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

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

	taken  bool  // the store was asked now, and not in an earlier pass
	erased bool  // its session was erased while it was on its way
	err    error // why its row cannot be written
}

// send takes sealed files through put, index and delete: each is put by itself, the rows of those that the
// store has are written together, and then each is deleted. One that takes long does not keep the others.
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
	sent := make(chan *sentSegment, len(names)) // has room for all: no put waits for the index
	// Owner: this call, which waits until sent is closed. It ends with its files, or with ctx.
	go u.putAll(ctx, names, failed, sent)
	every := time.NewTicker(u.indexing)
	defer every.Stop()
	var group []*sentSegment
	for more := true; more; {
		var segment *sentSegment
		select {
		case segment, more = <-sent:
			if more {
				group = append(group, segment)
				continue
			}
		case <-every.C:
		}
		u.indexAll(ctx, group)
		for _, segment := range group {
			u.note(ctx, segment.name, failed, atDatabase, u.finish(ctx, segment))
		}
		group = nil
	}
}

// putAll stores the objects of files, some at once, and closes the channel after the last.
func (u *Uploader) putAll(ctx context.Context, names []string, failed *passErrors, sent chan<- *sentSegment) {
	defer close(sent)
	erased := u.erased(ctx, names)
	var uploads sync.WaitGroup
	defer uploads.Wait()
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
			switch {
			case err != nil:
				u.note(ctx, name, failed, atStore, err)
			case segment == nil:
				u.note(ctx, name, failed, atDatabase, nil) // which said that there is nothing to do
			default:
				if segment.taken {
					failed.add(atStore, nil) // how the file fares is known when it is indexed
				}
				sent <- segment
			}
		})
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
		return nil, fmt.Errorf("upload %s: %w: %w", name, errDamaged, err)
	}
	if !file.complete || fileName(file.head.ID) != name {
		return nil, fmt.Errorf("upload %s: %w", name, errDamaged)
	}
	info, err := file.readInfo()
	if err != nil {
		return nil, fmt.Errorf("upload %s: %w: %w", name, errDamaged, err)
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
	segment.taken = true
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
	erased, err := u.askErased(ctx, names)
	if err == nil {
		return erased
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if ctx.Err() == nil && time.Since(u.warned) >= warnEvery {
		u.warned = time.Now()
		u.log.WarnContext(ctx, "the database does not say which sessions were erased: their segments go up and are removed again", "err", err)
	}
	return nil
}

func (u *Uploader) askErased(ctx context.Context, names []string) (map[consent.SessionID]bool, error) {
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
		return nil, err
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
		return nil, fmt.Errorf("ask which sessions were erased: %w", err)
	}
	return erased, nil
}
