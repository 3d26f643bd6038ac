package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"greenroom/media"
)

var errTable = errors.New("bad segment table")

// longestBlock is the longest sound that one Opus packet holds (RFC 6716 3.2.5).
const longestBlock = 120 * time.Millisecond

// encodeTable writes info and table compactly: about six bytes a block. It is what the table record
// holds once it is encrypted, so info here is authentic where the one in the open is not.
//
// Everything is a variable-length integer: places as the distance from where the last thing ended,
// times as the distance from the last block, because those are small.
func encodeTable(info media.SegmentInfo, table media.SegmentTable) ([]byte, error) {
	text, err := encodeInfo(info)
	if err != nil {
		return nil, err
	}
	dst := make([]byte, 0, len(text)+8+6*len(table.Chunks)+8*len(table.Blocks))
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	dst = append(dst, text...)
	dst = binary.AppendUvarint(dst, uint64(len(table.Chunks)))
	end := int64(0)
	for _, c := range table.Chunks {
		dst = binary.AppendVarint(dst, c.Offset-end)
		dst = binary.AppendVarint(dst, int64(c.Size))
		dst = binary.AppendVarint(dst, int64(c.Plain))
		end = c.Offset + int64(c.Size)
	}
	dst = binary.AppendUvarint(dst, uint64(len(table.Blocks)))
	var last media.BlockRef
	for _, b := range table.Blocks {
		if b.Chunk != last.Chunk {
			last.Offset, last.Size = 0, 0
		}
		key := int64(0)
		if b.Key {
			key = 1
		}
		dst = binary.AppendVarint(dst, int64(b.Chunk-last.Chunk))
		dst = binary.AppendVarint(dst, int64(b.Offset-last.Offset-last.Size))
		dst = binary.AppendVarint(dst, int64(b.Size)<<1|key)
		dst = binary.AppendVarint(dst, int64(b.Time-last.Time))
		last = b
	}
	return appendDurations(dst, table.Blocks), nil
}

// appendDurations writes how long the blocks last, as runs of equal ones: of sound nearly always one run.
// Pictures have none, and then nothing is written, as in tables from before durations were kept.
func appendDurations(dst []byte, blocks []media.BlockRef) []byte {
	if !slices.ContainsFunc(blocks, func(b media.BlockRef) bool { return b.Duration != 0 }) {
		return dst
	}
	for from, at := 0, 1; at <= len(blocks); at++ {
		if at < len(blocks) && blocks[at].Duration == blocks[from].Duration {
			continue
		}
		dst = binary.AppendUvarint(dst, uint64(at-from))
		dst = binary.AppendVarint(dst, int64(blocks[from].Duration))
		from = at
	}
	return dst
}

// decodeTable reads what encodeTable wrote and checks every reference against what it points into.
func decodeTable(data []byte) (media.SegmentInfo, media.SegmentTable, error) {
	r := tableReader{rest: data}
	info := r.info()
	table := media.SegmentTable{Chunks: r.chunks()}
	table.Blocks = r.blocks(table.Chunks)
	r.durations(table.Blocks)
	if r.err == nil && len(r.rest) != 0 {
		r.err = fmt.Errorf("%w: %d bytes too many", errTable, len(r.rest))
	}
	if r.err != nil {
		return media.SegmentInfo{}, media.SegmentTable{}, r.err
	}
	return info, table, nil
}

type tableReader struct {
	rest []byte
	err  error
}

func (r *tableReader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", errTable, what)
	}
}

func (r *tableReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail("cut short")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// count reads how many items follow; each takes at least size bytes, which bounds what is allocated.
func (r *tableReader) count(size int) int {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > uint64(len(r.rest)-n)/uint64(size) {
		r.fail("count too large")
		return 0
	}
	r.rest = r.rest[n:]
	return int(v)
}

func (r *tableReader) info() media.SegmentInfo {
	size := r.count(1)
	if r.err != nil {
		return media.SegmentInfo{}
	}
	var text segmentInfo
	if err := decodeStrict(r.rest[:size], &text); err != nil {
		r.fail("info: " + err.Error())
		return media.SegmentInfo{}
	}
	r.rest = r.rest[size:]
	info := text.media()
	if err := checkHead(info.SegmentHead); err != nil {
		r.fail("info: " + err.Error())
	}
	if err := checkInfo(info); err != nil {
		r.fail("info: " + err.Error())
	}
	return info
}

func (r *tableReader) chunks() []media.ChunkRef {
	chunks := make([]media.ChunkRef, r.count(3))
	end := int64(0)
	for i := range chunks {
		skip, size, plain := r.varint(), r.varint(), r.varint()
		if skip < 0 || skip > maxSegment || size < 0 || size > maxRecord || plain < 0 || plain > size {
			r.fail("chunk out of bounds")
		}
		if r.err != nil {
			return nil
		}
		chunks[i] = media.ChunkRef{Offset: end + skip, Size: int(size), Plain: int(plain)}
		end += skip + size
		if end > maxSegment {
			r.fail("chunk past the end")
			return nil
		}
	}
	return chunks
}

func (r *tableReader) blocks(chunks []media.ChunkRef) []media.BlockRef {
	if r.err != nil {
		return nil
	}
	blocks := make([]media.BlockRef, r.count(4))
	var last media.BlockRef
	for i := range blocks {
		step, skip, sized, later := r.varint(), r.varint(), r.varint(), r.varint()
		if step < 0 || step > int64(len(chunks)) || skip < 0 || skip > maxRecord || sized < 0 || sized>>1 > maxRecord {
			r.fail("block out of bounds")
		}
		if r.err != nil {
			return nil
		}
		b := media.BlockRef{
			Chunk: last.Chunk + int(step), Size: int(sized >> 1), Key: sized&1 == 1,
			Time: last.Time + time.Duration(later),
		}
		b.Offset = int(skip)
		if step == 0 {
			b.Offset += last.Offset + last.Size
		}
		if b.Chunk >= len(chunks) || b.Offset+b.Size > chunks[b.Chunk].Plain || b.Time < 0 {
			r.fail("block outside its chunk")
			return nil
		}
		blocks[i], last = b, b
	}
	return blocks
}

// durations sets how long blocks last; a table from before that was kept ends before them.
func (r *tableReader) durations(blocks []media.BlockRef) {
	for len(blocks) > 0 && len(r.rest) > 0 && r.err == nil {
		run, n := binary.Uvarint(r.rest)
		if n <= 0 || run == 0 || run > uint64(len(blocks)) {
			r.fail("run of durations out of bounds")
			return
		}
		r.rest = r.rest[n:]
		lasts := time.Duration(r.varint())
		if lasts < 0 || lasts > longestBlock {
			r.fail("duration out of bounds")
			return
		}
		for i := range blocks[:run] {
			blocks[i].Duration = lasts
		}
		if blocks = blocks[run:]; len(blocks) > 0 && len(r.rest) == 0 {
			r.fail("durations cut short")
		}
	}
}
