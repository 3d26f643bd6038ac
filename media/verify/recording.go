package verify

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"greenroom/media"
)

// CheckRecording compares what a store took of one track with what is read back. read returns a
// segment's chunks, decrypted. Every block that was taken must be there once, with its bytes and its
// time. What a killed process was about to append may be there too: of each segment at most one chunk.
func CheckRecording(taken []Taken, stored []media.StoredSegment, read func(media.StoredSegment) ([][]byte, error)) (faults []string) {
	fault := func(id media.SegmentID, format string, args ...any) {
		faults = append(faults, id.ObjectKey()+": "+fmt.Sprintf(format, args...))
	}
	kept := map[media.SegmentID]media.StoredSegment{}
	for _, s := range stored {
		if _, twice := kept[s.ID]; twice {
			fault(s.ID, "is there twice")
		}
		kept[s.ID] = s
	}
	known := map[media.SegmentID]bool{}
	for _, t := range taken {
		id := t.Head.ID
		known[id] = true
		s, there := kept[id]
		switch {
		case t.Discarded && there:
			fault(id, "was discarded and is there")
		case !t.Discarded && len(t.Blocks) > 0 && !there:
			fault(id, "is lost with %d blocks, sealed %v", len(t.Blocks), t.Sealed)
		case !t.Discarded && there:
			faults = append(faults, compare(t, s, read)...)
		}
	}
	for id := range kept {
		if !known[id] {
			fault(id, "is there and was never opened")
		}
	}
	return append(faults, rises(stored)...)
}

func compare(t Taken, s media.StoredSegment, read func(media.StoredSegment) ([][]byte, error)) (faults []string) {
	fault := func(format string, args ...any) {
		faults = append(faults, s.ID.ObjectKey()+": "+fmt.Sprintf(format, args...))
	}
	chunks, err := read(s)
	if err != nil {
		fault("cannot be read: %v", err)
		return faults
	}
	if s.Codec != t.Head.Codec || s.Start != t.Head.Start {
		fault("is %s from %v, was opened as %s from %v", s.Codec, s.Start, t.Head.Codec, t.Head.Start)
	}
	if len(s.Table.Blocks) < len(t.Blocks) {
		fault("has %d blocks, %d were taken", len(s.Table.Blocks), len(t.Blocks))
	}
	if t.Sealed && len(s.Table.Blocks) > len(t.Blocks) {
		fault("has %d blocks, only %d were taken before it was sealed", len(s.Table.Blocks), len(t.Blocks))
	}
	for i, b := range s.Table.Blocks {
		if b.Chunk >= len(chunks) || b.Offset+b.Size > len(chunks[b.Chunk]) {
			fault("block %d lies outside its chunk", i)
			return faults
		}
		if i >= len(t.Blocks) {
			if b.Chunk != s.Table.Blocks[len(s.Table.Blocks)-1].Chunk {
				fault("has more than one chunk that nobody was told of")
				break
			}
			continue
		}
		got := Block{Time: b.Time, Size: b.Size, Sum: sum(chunks[b.Chunk][b.Offset : b.Offset+b.Size]), Key: b.Key, Lasts: b.Duration}
		if got != t.Blocks[i] {
			fault("block %d is %+v, taken was %+v", i, got, t.Blocks[i])
			return faults
		}
	}
	return faults
}

// rises holds over all segments of a track that a block is later than all before it.
func rises(stored []media.StoredSegment) (faults []string) {
	inOrder := slices.Clone(stored)
	slices.SortFunc(inOrder, func(a, b media.StoredSegment) int {
		return cmp.Or(cmp.Compare(a.ID.Epoch, b.ID.Epoch), cmp.Compare(a.ID.Sequence, b.ID.Sequence))
	})
	last := time.Duration(-1)
	for _, s := range inOrder {
		for _, b := range s.Table.Blocks {
			if b.Time <= last {
				faults = append(faults, fmt.Sprintf("%s: time goes back from %v to %v", s.ID.ObjectKey(), last, b.Time))
			}
			last = b.Time
		}
		if s.End <= last {
			faults = append(faults, fmt.Sprintf("%s: ends at %v, its last block begins at %v", s.ID.ObjectKey(), s.End, last))
		}
	}
	return faults
}

// Times looks at the times of one track's samples in the order of a file. Two neighbours may be closer
// or further than step by slack (a file counts in milliseconds); further apart something is lost, closer
// together something is there twice.
func Times(times []time.Duration, step, slack time.Duration) (faults []string) {
	for i := 1; i < len(times); i++ {
		switch by := times[i] - times[i-1]; {
		case by < 0:
			faults = append(faults, fmt.Sprintf("time goes back from %v to %v", times[i-1], times[i]))
		case by < step-slack:
			faults = append(faults, fmt.Sprintf("samples at %v and %v: one is there twice", times[i-1], times[i]))
		case by > step+slack:
			faults = append(faults, fmt.Sprintf("nothing between %v and %v: samples are lost", times[i-1], times[i]))
		}
	}
	return faults
}
