package media

import (
	"encoding"
	"encoding/binary"
	"fmt"
	"time"
)

var _ encoding.BinaryMarshaler = SegmentTable{}

// tableVersion is the first octet of an encoded table.
const tableVersion = 1

// maxSpoolOffset bounds positions in a segment object: twice the longest segment leaves room for what
// storage writes between the chunks.
const maxSpoolOffset = 2 * maxSegment

// soundUnit divides every duration an Opus packet can have, 2.5 ms to maxSound (RFC 6716 3.2).
const (
	soundUnit = 500 * time.Microsecond
	maxSound  = 120 * time.Millisecond
)

// check refuses a table that could not have been written by a recorder: nothing in it may point outside
// a chunk, and blocks stand in the order of chunk, offset and time. All arithmetic on a table that has
// passed is safe.
func (t SegmentTable) check() error {
	if len(t.Chunks) == 0 || len(t.Chunks) > maxChunks || len(t.Blocks) == 0 || len(t.Blocks) > maxBlocks {
		return fmt.Errorf("%w: table of %d chunks and %d blocks", ErrDamaged, len(t.Chunks), len(t.Blocks))
	}
	end := int64(0)
	for i, c := range t.Chunks {
		if c.Offset < end || c.Offset > maxSpoolOffset || c.Size <= 0 || c.Size > maxSpoolOffset || c.Plain <= 0 || c.Plain > maxChunk {
			return fmt.Errorf("%w: table: chunk %d lies nowhere", ErrDamaged, i)
		}
		end = c.Offset + int64(c.Size)
	}
	first := t.Blocks[0].Time
	if first < 0 || first > maxMediaTime {
		return fmt.Errorf("%w: table: begins at %v", ErrDamaged, first)
	}
	before := BlockRef{Time: first}
	for i, b := range t.Blocks {
		if err := t.checkBlock(before, b, first); err != nil {
			return fmt.Errorf("table: block %d: %w", i, err)
		}
		before = b
	}
	return nil
}

func (t SegmentTable) checkBlock(before, b BlockRef, first time.Duration) error {
	switch {
	case b.Chunk < before.Chunk || b.Chunk >= len(t.Chunks):
		return fmt.Errorf("%w: in chunk %d", ErrDamaged, b.Chunk)
	case b.Offset < 0 || b.Offset > maxChunk || b.Size <= 0 || b.Size > maxVideoFrame || b.Offset+b.Size > t.Chunks[b.Chunk].Plain:
		return fmt.Errorf("%w: outside its chunk", ErrDamaged)
	case b.Chunk == before.Chunk && b.Offset < before.Offset+before.Size:
		return fmt.Errorf("%w: overlaps the one before", ErrDamaged)
	case b.Time < before.Time || b.Time-first > maxRelative || b.Time%time.Millisecond != 0:
		return fmt.Errorf("%w: at %v", ErrDamaged, b.Time)
	case b.Duration < 0 || b.Duration > maxSound || b.Duration%soundUnit != 0:
		return fmt.Errorf("%w: lasts %v", ErrDamaged, b.Duration)
	}
	return nil
}

// The two lowest bits beside a block's time.
const (
	stepKey      = 1 << 0
	stepDuration = 1 << 1 // its duration differs from the one before and follows
)

// MarshalBinary encodes the table in about five bytes a block: variable-length numbers, each the
// distance from the one before. A table that does not hold together is refused.
func (t SegmentTable) MarshalBinary() ([]byte, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	b := make([]byte, 0, 16+8*len(t.Chunks)+6*len(t.Blocks))
	put := func(v int64) { b = binary.AppendUvarint(b, uint64(v)) } // checked: never negative
	b = append(b, tableVersion)
	put(int64(len(t.Chunks)))
	end := int64(0)
	for _, c := range t.Chunks {
		put(c.Offset - end)
		put(int64(c.Size))
		put(int64(c.Plain))
		end = c.Offset + int64(c.Size)
	}
	put(int64(len(t.Blocks)))
	var before BlockRef
	for _, ref := range t.Blocks {
		put(int64(ref.Chunk - before.Chunk))
		if ref.Chunk != before.Chunk {
			before.Offset, before.Size = 0, 0
		}
		put(int64(ref.Offset - before.Offset - before.Size))
		put(int64(ref.Size))
		step := int64((ref.Time-before.Time)/time.Millisecond) << 2
		if ref.Key {
			step |= stepKey
		}
		if ref.Duration == before.Duration {
			put(step)
		} else {
			put(step | stepDuration)
			put(int64(ref.Duration / soundUnit))
		}
		before = ref
	}
	return b, nil
}

// tableReader takes numbers off an encoded table. After the first bad one all are 0.
type tableReader struct {
	rest []byte
	bad  bool
}

// number takes one number of at most limit, in its shortest form: one table has one encoding.
func (r *tableReader) number(limit int64) int64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > uint64(limit) || n > 1 && r.rest[n-1] == 0 { // limits are positive
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return int64(v) // at most limit
}

// count takes the number of entries that follow, each of at least size bytes.
func (r *tableReader) count(limit, size int) int {
	n := int(r.number(int64(limit)))
	if n > len(r.rest)/size {
		r.bad = true
		return 0
	}
	return n
}

// UnmarshalSegmentTable decodes what [SegmentTable.MarshalBinary] wrote and refuses everything else. It
// allocates at most a few times the size of its input.
func UnmarshalSegmentTable(b []byte) (SegmentTable, error) {
	if len(b) == 0 || b[0] != tableVersion {
		return SegmentTable{}, fmt.Errorf("%w: table of an unknown version", ErrDamaged)
	}
	r := tableReader{rest: b[1:]}
	var t SegmentTable
	t.Chunks = make([]ChunkRef, r.count(maxChunks, 3))
	end := int64(0)
	for i := range t.Chunks {
		c := ChunkRef{Offset: end + r.number(maxSpoolOffset), Size: int(r.number(maxSpoolOffset)), Plain: int(r.number(maxChunk))}
		t.Chunks[i], end = c, c.Offset+int64(c.Size)
	}
	t.Blocks = make([]BlockRef, r.count(maxBlocks, 4))
	var before BlockRef
	for i := range t.Blocks {
		skip := int(r.number(maxChunks))
		if skip > 0 {
			before.Offset, before.Size = 0, 0
		}
		ref := BlockRef{
			Chunk:  before.Chunk + skip,
			Offset: before.Offset + before.Size + int(r.number(maxChunk)),
			Size:   int(r.number(maxVideoFrame)),
		}
		step := r.number(4*int64(maxMediaTime/time.Millisecond) + 3)
		ref.Time, ref.Key = before.Time+time.Duration(step>>2)*time.Millisecond, step&stepKey != 0
		ref.Duration = before.Duration
		if step&stepDuration != 0 {
			ref.Duration = time.Duration(r.number(int64(maxSound/soundUnit))) * soundUnit
			r.bad = r.bad || ref.Duration == before.Duration
		}
		t.Blocks[i], before = ref, ref
	}
	if r.bad || len(r.rest) > 0 {
		return SegmentTable{}, fmt.Errorf("%w: table is cut or too long", ErrDamaged)
	}
	if err := t.check(); err != nil {
		return SegmentTable{}, err
	}
	return t, nil
}
