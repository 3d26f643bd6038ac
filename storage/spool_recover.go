package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"greenroom/media"
)

// rebuildFunc makes info and table anew from the decrypted chunks of a file that lost its end.
type rebuildFunc func(head media.SegmentHead, chunks []media.ChunkRef, plain [][]byte) (media.SegmentInfo, media.SegmentTable, error)

// brokenHead returns what a file in open/ says it is. It is not authentic yet: the chunks are only
// if they open under exactly this head. ok is false if nothing in the file can be read, now or later.
func (s *Spool) brokenHead(name string) (head media.SegmentHead, size int64, ok bool, err error) {
	data, err := s.read(openFolder, name)
	if err != nil {
		return media.SegmentHead{}, 0, false, err
	}
	size = int64(len(data))
	file, err := scanSegment(data)
	if err != nil || len(file.chunks) == 0 || fileName(file.head.ID) != name {
		return media.SegmentHead{}, size, false, nil //nolint:nilerr // an unreadable head is an answer here
	}
	return file.head, size, true, nil
}

// mend seals a file that lost its writer, cut after its last whole authentic chunk, and reports
// whether there was one; a file without any is removed, because nothing in it can be read. It returns
// how many bytes it cut off: what a torn append, or a power cut, made of the end.
// Mending again after a crash at any point is harmless.
func (s *Spool) mend(name string, key *dataKey, rebuild rebuildFunc) (kept bool, cut int64, err error) {
	data, err := s.read(openFolder, name)
	if err != nil {
		return false, 0, err
	}
	file, err := scanSegment(data)
	if err != nil {
		return false, 0, fmt.Errorf("mend %s: %w", name, err)
	}
	size := int64(len(data))
	chunks, plain := openWhole(file, key)
	if len(chunks) == 0 {
		return false, size, s.remove(openFolder, name)
	}
	if file.complete && len(chunks) == len(file.chunks) && authenticEnd(file, key, chunks) {
		return true, 0, s.finish(name, nil, size, size)
	}
	info, table, err := rebuild(file.head, chunks, plain)
	if err != nil {
		return false, 0, fmt.Errorf("mend %s: rebuild its table: %w", name, err)
	}
	if info.SegmentHead != file.head {
		return false, 0, fmt.Errorf("mend %s: rebuilt info is about another segment", name)
	}
	end, err := encodeEnd(key, info, table)
	if err != nil {
		return false, 0, fmt.Errorf("mend %s: %w", name, err)
	}
	last := chunks[len(chunks)-1]
	whole := last.Offset + int64(last.Size)
	return true, size - whole, s.finish(name, end, whole, size)
}

// openWhole decrypts chunks up to the first that is not authentic.
func openWhole(file segmentFile, key *dataKey) (chunks []media.ChunkRef, plain [][]byte) {
	for i, chunk := range file.chunks {
		text, err := key.openChunk(file.head.ID, i, chunk.sealed)
		if err != nil {
			break
		}
		chunks = append(chunks, media.ChunkRef{Offset: chunk.offset, Size: len(chunk.sealed), Plain: len(text)})
		plain = append(plain, text)
	}
	return chunks, plain
}

// authenticEnd reports whether the process that wrote the file got as far as completing it.
func authenticEnd(file segmentFile, key *dataKey, chunks []media.ChunkRef) bool {
	text, err := key.openTable(file.head.ID, file.table)
	if err != nil {
		return false
	}
	info, table, err := decodeTable(text)
	if err != nil || info.SegmentHead != file.head || len(table.Chunks) != len(chunks) {
		return false
	}
	open, err := file.readInfo()
	return err == nil && open == info
}

// finish cuts the file at the given size, appends its end, syncs it and moves it to sealed/.
func (s *Spool) finish(name string, end []byte, cut, was int64) error {
	file, err := s.disk.open(s.path(openFolder, name))
	if err != nil {
		return fmt.Errorf("mend %s: %w", name, err)
	}
	err = s.rewriteEnd(file, end, cut, was)
	err = errors.Join(err, file.Close())
	if err != nil {
		return fmt.Errorf("mend %s: %w", name, spoolError(err))
	}
	if err := s.publish(name); err != nil {
		return fmt.Errorf("mend %s: %w", name, err)
	}
	return nil
}

func (s *Spool) rewriteEnd(file diskFile, end []byte, cut, was int64) error {
	if cut < was {
		if err := file.Truncate(cut); err != nil {
			return err
		}
		s.used.Add(cut - was)
	}
	if len(end) > 0 {
		// The limit does not count here: what completes a segment lets it leave the spool.
		if _, err := file.Write(end); err != nil {
			return errors.Join(err, file.Truncate(cut))
		}
		s.used.Add(int64(len(end)))
	}
	return file.Sync()
}

// isOpen reports whether the file is still in open/.
func (s *Spool) isOpen(name string) (bool, error) {
	_, err := os.Stat(s.path(openFolder, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
