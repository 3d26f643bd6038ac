package media

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"
)

// ErrNothingRecorded says that there is nothing to play.
var ErrNothingRecorded = errors.New("nothing was recorded")

// How the played file is cut into clusters. A player can only jump to the start of a cluster.
const (
	// soundCluster is the length of a cluster without pictures.
	soundCluster = 5 * time.Second
	// leastCluster keeps a sender that sends a key frame every moment from making clusters of nothing.
	leastCluster = time.Second
	// longestCluster keeps a block's time within its 16 bits, and players' buffers small.
	longestCluster = 28 * time.Second
	// largestCluster does the same for bytes.
	largestCluster = 4 << 20
)

// Layout is one recording as one WebM file that exists nowhere: the place of every byte is computed from
// the tables of the segments, so that any range of it can be written without reading what lies before.
// A Layout never changes; it may be shared between goroutines.
type Layout struct {
	tracks   []playTrack // audio first
	header   []byte
	clusters []playCluster
	size     int64
	duration time.Duration
	through  int64
}

// playTrack is what is played of one kind.
type playTrack struct {
	kind     Kind
	number   byte
	codec    Codec
	segments []StoredSegment // once packed, without their tables
	packed   [][]byte        // for each segment, its table
	first    []int           // for each segment, the first block that is played
}

// spot is a place in a playTrack: between the blocks.
type spot struct {
	segment, block int
	last           time.Duration // of the block before, made or recorded
	sound          time.Duration // where the sound before ends if it is played without a break; noSound: unknown
	filling        bool          // the block before was made up
}

// playCluster is one cluster of the file.
type playCluster struct {
	offset int64         // of the element in the file
	size   int           // of the element's content
	start  time.Duration // of its first block
	spots  [2]spot       // the first block of each track
	cue    bool          // a player may start here
}

// NewLayout lays out a file with the segments of one or both kinds, each ordered by Start. Segments
// that overlap an earlier one and pictures that cannot be decoded are left out. It returns
// [ErrNothingRecorded] if there is nothing to play and [ErrDamaged] if a table does not hold together.
func NewLayout(audio, video []StoredSegment) (*Layout, error) {
	l := &Layout{}
	for _, t := range []playTrack{
		{kind: KindAudio, number: audioTrack, segments: audio},
		{kind: KindVideo, number: videoTrack, segments: video},
	} {
		if err := t.choose(); err != nil {
			return nil, fmt.Errorf("lay out %s: %w", t.kind, err)
		}
		for _, s := range t.segments {
			l.through = max(l.through, s.Index)
			l.duration = max(l.duration, s.End)
		}
		if len(t.segments) > 0 {
			l.tracks = append(l.tracks, t)
		}
	}
	if len(l.tracks) == 0 {
		return nil, ErrNothingRecorded
	}
	l.duration = min(l.duration, maxMediaTime)
	l.cut()
	if err := l.writeHeader(); err != nil {
		return nil, err
	}
	for i := range l.tracks {
		if err := l.tracks[i].pack(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// Size returns the length of the file in bytes.
func (l *Layout) Size() int64 { return l.size }

// Duration returns the media time at which the recording ends. The file's times are media times: a
// recording that began late begins late in the file too, so that a transcript's times fit it.
func (l *Layout) Duration() time.Duration { return l.duration }

// Through returns the largest Index of the segments in the file.
func (l *Layout) Through() int64 { return l.through }

// Audio reports whether there is sound.
func (l *Layout) Audio() bool { return l.has(KindAudio) }

// Video reports whether there are pictures.
func (l *Layout) Video() bool { return l.has(KindVideo) }

func (l *Layout) has(kind Kind) bool {
	return slices.ContainsFunc(l.tracks, func(t playTrack) bool { return t.kind == kind })
}

// choose checks the segments and keeps those with something to play.
func (t *playTrack) choose() error {
	all := t.segments
	t.segments = nil
	last := time.Duration(-1) // time of the last block that is played
	var before *StoredSegment
	for i := range all {
		s := &all[i]
		if err := s.check(t.kind); err != nil {
			return fmt.Errorf("segment %s: %w", s.ID.ObjectKey(), err)
		}
		if t.codec == "" {
			t.codec = s.Codec
		}
		if s.Codec != t.codec {
			return fmt.Errorf("segment %s: %w", s.ID.ObjectKey(), ErrCodecChanged)
		}
		follows := before != nil && before.leadsTo(s)
		first := slices.IndexFunc(s.Table.Blocks, func(b BlockRef) bool { return b.Time > last && (b.Key || follows) })
		if before = s; first < 0 {
			before = nil // what leans on this one has nothing to lean on
			continue
		}
		t.segments = append(t.segments, *s)
		t.first = append(t.first, first)
		last = s.Table.Blocks[len(s.Table.Blocks)-1].Time
	}
	return nil
}

func (s *StoredSegment) check(kind Kind) error {
	known := s.Codec == CodecOpus
	if kind == KindVideo {
		known = s.Codec == CodecVP8 || s.Codec == CodecVP9
	}
	if s.ID.Kind != kind || !known {
		return fmt.Errorf("%w: %s in %s", ErrDamaged, s.Codec, kind)
	}
	if err := s.Table.check(); err != nil {
		return err
	}
	if s.Start < 0 || s.Start > s.Table.Blocks[0].Time {
		return fmt.Errorf("%w: starts at %v, first block at %v", ErrDamaged, s.Start, s.Table.Blocks[0].Time)
	}
	return nil
}

// leadsTo reports whether next goes on where s ends, so that its pictures may lean on those of s.
func (s *StoredSegment) leadsTo(next *StoredSegment) bool {
	last := s.Table.Blocks[len(s.Table.Blocks)-1].Time
	return next.ID.Epoch == s.ID.Epoch && next.ID.Sequence > s.ID.Sequence && next.Start > last &&
		(next.ID.Sequence == s.ID.Sequence+1 || next.Start-s.End <= joinLimit)
}

// next returns which track has the next block in time; pictures go before sound of the same time, so
// that a cluster begins with its key frame.
func (l *Layout) next(reels *[2]reel, spots *[2]spot) (track int, block BlockRef, ok bool) {
	for i := range l.tracks {
		b, more := reels[i].at(&spots[i])
		if more && (!ok || b.Time < block.Time || b.Time == block.Time && l.tracks[i].kind == KindVideo) {
			track, block, ok = i, b, true
		}
	}
	return track, block, ok
}

// cut walks over all blocks once and notes where clusters begin. Offsets are relative to the first
// cluster until the header is written.
func (l *Layout) cut() {
	var spots [2]spot
	reels := l.reels()
	for i := range l.tracks {
		spots[i] = spot{block: l.tracks[i].first[0], sound: noSound}
	}
	video := len(l.tracks) - 1 // the track whose key frames matter; with sound alone every block is one
	var offset int64
	for {
		track, block, ok := l.next(&reels, &spots)
		if !ok {
			return
		}
		if n := len(l.clusters); n == 0 || l.endsBefore(l.clusters[n-1], track, block) {
			if n > 0 {
				offset += int64(clusterHead + l.clusters[n-1].size)
			}
			// A jump to here shows right pictures if the next one to come is a key frame.
			picture, more := reels[video].at(&spots[video])
			l.clusters = append(l.clusters, playCluster{
				offset: offset, size: clusterTimeSize, start: block.Time, spots: spots, cue: !more || picture.Key,
			})
		}
		l.clusters[len(l.clusters)-1].size += blockSize(block.Size)
		spots[track].pass(block)
	}
}

// endsBefore reports whether the cluster ends before the block.
func (l *Layout) endsBefore(c playCluster, track int, block BlockRef) bool {
	length := block.Time - c.start
	if length > longestCluster || c.size+blockSize(block.Size) > largestCluster {
		return true
	}
	if l.Video() {
		return l.tracks[track].kind == KindVideo && block.Key && (length >= leastCluster || !c.cue)
	}
	return length >= soundCluster
}

// clusterAt returns the index of the cluster that holds the byte.
func (l *Layout) clusterAt(offset int64) int {
	return max(0, sort.Search(len(l.clusters), func(i int) bool { return l.clusters[i].offset > offset })-1)
}
