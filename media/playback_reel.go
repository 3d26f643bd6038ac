package media

import "fmt"

// A Layout is kept while it is played, and for the next range of the same file after that. Two hours of
// tables take 28 MB unpacked and 3 MB as they are stored, so they are packed once the clusters are known,
// and whoever goes through the blocks unpacks one segment at a time.

// reel goes through the blocks of one track. It has one user.
type reel struct {
	track *playTrack
	open  int // the segment whose table is unpacked; -1: none
	table SegmentTable
	err   error // a table could not be unpacked: the track ends there
}

// reels returns a reel for each track.
func (l *Layout) reels() (reels [2]reel) {
	for i := range l.tracks {
		reels[i] = reel{track: &l.tracks[i], open: -1}
	}
	return reels
}

// pack puts the tables away.
func (t *playTrack) pack() error {
	t.packed = make([][]byte, len(t.segments))
	for i := range t.segments {
		s := &t.segments[i]
		b, err := s.Table.MarshalBinary()
		if err != nil {
			return fmt.Errorf("pack the table of segment %s: %w", s.ID.ObjectKey(), err)
		}
		t.packed[i] = append(make([]byte, 0, len(b)), b...)
		s.Table = SegmentTable{}
	}
	return nil
}

// unpacked returns the table of a segment.
func (r *reel) unpacked(segment int) SegmentTable {
	if r.track.packed == nil {
		return r.track.segments[segment].Table
	}
	if r.open != segment && r.err == nil {
		r.open = segment
		if r.table, r.err = UnmarshalSegmentTable(r.track.packed[segment]); r.err != nil {
			r.err = fmt.Errorf("unpack the table of segment %s: %w", r.track.segments[segment].ID.ObjectKey(), r.err)
		}
	}
	return r.table
}

// Memory returns about how many bytes a Layout takes.
func (l *Layout) Memory() int64 {
	const cluster, segment = 128, 256
	n := int64(len(l.header)) + int64(len(l.clusters))*cluster
	for _, t := range l.tracks {
		for _, b := range t.packed {
			n += int64(len(b)) + segment
		}
	}
	return n
}
