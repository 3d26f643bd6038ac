package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"greenroom/media"
)

// spoolWriter is one open segment: a file in open/ that grows by one encrypted chunk at a time.
type spoolWriter struct {
	spool *Spool
	key   *dataKey
	head  media.SegmentHead
	name  string
	file  diskFile // nil once sealed, discarded or given up
	size  int64    // of the file, in bytes
	table media.SegmentTable
}

var _ media.SegmentWriter = (*spoolWriter)(nil)

var errWriterDone = errors.New("segment is closed already")

// create begins a file. It fails if the segment exists in either folder: no segment is written twice.
func (s *Spool) create(head media.SegmentHead, key *dataKey) (*spoolWriter, error) {
	if err := checkHead(head); err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	begin, err := appendHead(nil, head)
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	w := &spoolWriter{spool: s, key: key, head: head, name: fileName(head.ID)}
	if _, err := os.Stat(s.path(sealedFolder, w.name)); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open segment %s: it was sealed already", head.ID.ObjectKey())
	}
	if w.file, err = s.disk.create(s.path(openFolder, w.name)); err != nil {
		return nil, fmt.Errorf("open segment %s: %w", head.ID.ObjectKey(), spoolError(err))
	}
	if err := w.write(begin); err != nil {
		return nil, errors.Join(fmt.Errorf("open segment %s: %w", head.ID.ObjectKey(), err), w.Discard())
	}
	return w, nil
}

// Append encrypts a chunk and appends it in one write. After a failure the file is as it was before,
// and the next Append may succeed.
func (w *spoolWriter) Append(chunk media.Chunk) error {
	if w.file == nil {
		return fmt.Errorf("append to segment %s: %w", w.head.ID.ObjectKey(), errWriterDone)
	}
	if err := w.append(chunk); err != nil {
		return fmt.Errorf("append chunk %d to segment %s: %w", len(w.table.Chunks), w.head.ID.ObjectKey(), err)
	}
	return nil
}

func (w *spoolWriter) append(chunk media.Chunk) error {
	if err := checkBlocks(chunk); err != nil {
		return err
	}
	number := len(w.table.Chunks)
	sealed, err := w.key.sealChunk(w.head.ID, number, chunk.Plain)
	if err != nil {
		return err
	}
	record, err := appendRecord(make([]byte, 0, recordHeader+len(sealed)), recordChunk, sealed)
	if err != nil {
		return err
	}
	if w.size+int64(len(record)) > maxSegment {
		return fmt.Errorf("segment would grow past %d bytes: seal it first", maxSegment)
	}
	offset := w.size + recordHeader
	if err := w.write(record); err != nil {
		return err
	}
	w.table.Chunks = append(w.table.Chunks, media.ChunkRef{Offset: offset, Size: len(sealed), Plain: len(chunk.Plain)})
	for _, block := range chunk.Blocks {
		block.Chunk = number
		w.table.Blocks = append(w.table.Blocks, block)
	}
	return nil
}

// checkBlocks refuses references that the table could not hold: out of order or out of the chunk.
func checkBlocks(chunk media.Chunk) error {
	end := 0
	for i, b := range chunk.Blocks {
		if b.Offset < end || b.Size < 0 || b.Offset+b.Size > len(chunk.Plain) || b.Time < 0 {
			return fmt.Errorf("block %d at %d+%d does not fit a chunk of %d bytes after %d",
				i, b.Offset, b.Size, len(chunk.Plain), end)
		}
		end = b.Offset + b.Size
	}
	return nil
}

// write appends bytes wholly or not at all.
func (w *spoolWriter) write(data []byte) error {
	size := int64(len(data))
	if w.spool.used.Add(size) > w.spool.max {
		w.spool.used.Add(-size)
		return fmt.Errorf("%w: all of its %d bytes are used", ErrSpoolFull, w.spool.max)
	}
	_, err := w.file.Write(data)
	if err == nil {
		w.size += size
		return nil
	}
	w.spool.used.Add(-size)
	if cutErr := w.file.Truncate(w.size); cutErr != nil {
		// The file may now end in half a record. Nothing may follow that: recovery cuts it off.
		w.giveUp()
		return errors.Join(spoolError(err), fmt.Errorf("cut off the torn end: %w", cutErr))
	}
	return spoolError(err)
}

// Seal writes table and info, syncs the file and moves it to sealed/. If that fails the writer is
// done all the same: what it wrote stays in the spool, and recovery goes on trying to seal it.
func (w *spoolWriter) Seal(_ context.Context, info media.SegmentInfo) error {
	if w.file == nil {
		return fmt.Errorf("seal segment %s: %w", w.head.ID.ObjectKey(), errWriterDone)
	}
	if len(w.table.Chunks) == 0 {
		return errors.Join(fmt.Errorf("seal segment %s: it is empty", w.head.ID.ObjectKey()), w.Discard())
	}
	if err := w.seal(info); err != nil {
		w.giveUp()
		return fmt.Errorf("seal segment %s: %w", w.head.ID.ObjectKey(), err)
	}
	return nil
}

func (w *spoolWriter) seal(info media.SegmentInfo) error {
	if info.SegmentHead != w.head {
		return errors.New("info is about another segment")
	}
	end, err := encodeEnd(w.key, info, w.table)
	if err != nil {
		return err
	}
	if err := w.write(end); err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return spoolError(err)
	}
	file := w.file
	w.file = nil
	if err := file.Close(); err != nil {
		return spoolError(err)
	}
	return spoolError(w.spool.publish(w.name))
}

// Discard removes the file. Doing it twice is no error.
func (w *spoolWriter) Discard() error {
	if w.file == nil {
		return nil
	}
	closeErr := w.file.Close()
	w.file = nil
	err := errors.Join(closeErr, w.spool.remove(openFolder, w.name))
	if err != nil {
		w.spool.markBroken(w.name)
		return fmt.Errorf("discard segment %s: %w", w.head.ID.ObjectKey(), err)
	}
	return nil
}

// giveUp leaves the file to recovery.
func (w *spoolWriter) giveUp() {
	if w.file != nil {
		_ = w.file.Close()
		w.file = nil
	}
	w.spool.markBroken(w.name)
}

// encodeEnd returns the two records that complete a file.
func encodeEnd(key *dataKey, info media.SegmentInfo, table media.SegmentTable) ([]byte, error) {
	if err := checkInfo(info); err != nil {
		return nil, err
	}
	plain, err := encodeTable(info, table)
	if err != nil {
		return nil, err
	}
	sealed, err := key.sealTable(info.ID, plain)
	if err != nil {
		return nil, err
	}
	end, err := appendRecord(nil, recordTable, sealed)
	if err != nil {
		return nil, err
	}
	open, err := encodeInfo(info)
	if err != nil {
		return nil, err
	}
	return appendRecord(end, recordInfo, open)
}

// spoolError says that the disk is full in the words the rest of the server branches on.
func spoolError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w: free space on its disk", ErrSpoolFull, err)
	}
	return err
}
