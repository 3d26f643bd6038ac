package media

import (
	"fmt"
	"time"

	"github.com/pion/rtp/codecs/vp9"
)

// Bounds of a segment. The recorder keeps them when writing; everything that reads refuses more, so that
// damaged or hostile bytes cannot ask for memory without end.
const (
	// chunkTarget is the size at which a chunk is appended without waiting for its time.
	chunkTarget = 64 << 10
	// maxChunk is chunkTarget and one frame of the largest size on top, with its header.
	maxChunk = chunkTarget + maxVideoFrame + 16
	// maxChunks: chunks appended every 250 ms over the longest segment (32 s) are 128, those appended
	// for their size up to maxSegment are 512; the rest is room for slow clocks.
	maxChunks = 1024
	// maxBlocks: the longest segment of the shortest Opus packets (2.5 ms) has 13,107.
	maxBlocks = 16384
	// maxSegment is 16 s at 16 Mbit/s, ten times what a session sends.
	maxSegment = 32 << 20
)

// ParseChunk finds the blocks in a decrypted chunk. Their times are relative to the segment's Start, and
// their Chunk is 0. It returns [ErrDamaged] unless the chunk is a run of whole blocks of one track.
func ParseChunk(plain []byte) ([]BlockRef, error) {
	refs, _, err := parseChunk(plain)
	return refs, err
}

func parseChunk(plain []byte) (refs []BlockRef, track byte, err error) {
	if len(plain) == 0 || len(plain) > maxChunk {
		return nil, 0, fmt.Errorf("%w: chunk of %d bytes", ErrDamaged, len(plain))
	}
	for offset := 0; offset < len(plain); {
		number, ref, next, err := parseBlock(plain, offset)
		if err != nil {
			return nil, 0, err
		}
		if len(refs) == maxBlocks {
			return nil, 0, fmt.Errorf("%w: more than %d blocks", ErrDamaged, maxBlocks)
		}
		if len(refs) > 0 && number != track {
			return nil, 0, fmt.Errorf("%w: tracks are mixed", ErrDamaged)
		}
		if number == audioTrack {
			ref.Duration, _ = opusDuration(plain[ref.Offset : ref.Offset+ref.Size])
		}
		track, offset = number, next
		refs = append(refs, ref)
	}
	return refs, track, nil
}

// RebuildSegment makes what sealing would have written from the chunks that survived a crash. plain
// holds the decrypted chunks, one for each of chunks.
func RebuildSegment(head SegmentHead, chunks []ChunkRef, plain [][]byte) (SegmentInfo, SegmentTable, error) {
	fail := func(err error) (SegmentInfo, SegmentTable, error) {
		return SegmentInfo{}, SegmentTable{}, fmt.Errorf("rebuild segment %s: %w", head.ID.ObjectKey(), err)
	}
	if len(plain) != len(chunks) {
		return fail(fmt.Errorf("%w: %d chunks, %d decrypted", ErrDamaged, len(chunks), len(plain)))
	}
	table := SegmentTable{Chunks: append([]ChunkRef(nil), chunks...)}
	info := SegmentInfo{SegmentHead: head}
	for i, p := range plain {
		refs, track, err := parseChunk(p)
		if err != nil {
			return fail(fmt.Errorf("chunk %d: %w", i, err))
		}
		if track != trackNumber(head.ID.Kind) {
			return fail(fmt.Errorf("%w: chunk %d is of track %d", ErrDamaged, i, track))
		}
		table.Chunks[i].Plain = len(p)
		for _, ref := range refs {
			ref.Chunk = i
			ref.Time += head.Start
			table.Blocks = append(table.Blocks, ref)
			if w, h := keyFrameSize(head.Codec, ref.Key, p[ref.Offset:ref.Offset+ref.Size]); w > 0 {
				info.Width, info.Height = w, h
			}
		}
	}
	if err := table.check(); err != nil {
		return fail(err)
	}
	info.Forced = head.ID.Kind == KindVideo && !table.Blocks[0].Key
	last := table.Blocks[len(table.Blocks)-1]
	payload := plain[last.Chunk][last.Offset : last.Offset+last.Size]
	info.End = last.Time + frameDuration(head.Codec, payload, table.Blocks)
	return info, table, nil
}

// keyFrameSize returns the pixels of a key frame, or 0.
func keyFrameSize(codec Codec, key bool, payload []byte) (width, height int) {
	switch {
	case !key:
	case codec == CodecVP8:
		width, height, _ = vp8KeyFrameSize(payload)
	case codec == CodecVP9:
		var header vp9.Header
		if err := header.Unmarshal(payload); err == nil && !header.NonKeyFrame && header.FrameSize != nil {
			return int(header.FrameSize.FrameWidthMinus1) + 1, int(header.FrameSize.FrameHeightMinus1) + 1
		}
	}
	return width, height
}

// usualFrame is taken for the length of a frame that nothing else tells: 30 pictures a second.
const usualFrame = 33 * time.Millisecond

// frameDuration returns how long a frame lasts if the sender did not say. Opus packets do; a picture is
// taken to last as long as the one before it.
func frameDuration(codec Codec, payload []byte, before []BlockRef) time.Duration {
	if codec == CodecOpus {
		if d, ok := opusDuration(payload); ok {
			return d
		}
		return 20 * time.Millisecond
	}
	if n := len(before); n > 1 {
		if step := before[n-1].Time - before[n-2].Time; step > 0 && step < time.Second {
			return step
		}
	}
	return usualFrame
}
