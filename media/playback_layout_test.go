package media

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"greenroom/consent"
)

// longSegments makes the tables of a recording of the length: audio of 50 packets a second, video of 30
// pictures a second, and nothing behind them.
func longSegments(kind Kind, length time.Duration) []StoredSegment {
	step, size, codec := 20*time.Millisecond, 80, CodecOpus
	if kind == KindVideo {
		step, size, codec = 33*time.Millisecond, 6000, CodecVP8
	}
	var list []StoredSegment
	for start := time.Duration(0); start < length; {
		var table SegmentTable
		at := start
		for c := range 24 {
			plain := 0
			for ; at < start+time.Duration(c+1)*250*time.Millisecond; at += step {
				plain += blockSize(size) - size
				table.Blocks = append(table.Blocks, BlockRef{Chunk: c, Offset: plain, Size: size, Time: at, Key: kind == KindAudio || at == start})
				if kind == KindAudio {
					table.Blocks[len(table.Blocks)-1].Duration = step
				}
				plain += size
			}
			table.Chunks = append(table.Chunks, ChunkRef{Offset: int64(c) * 1 << 20, Size: plain + sealBytes, Plain: plain})
		}
		list = append(list, storedSegment(kind, codec, len(list), start, table))
		start = at
	}
	return list
}

// zeroReader answers with chunks of zeros and notes how much it gave out at once.
type zeroReader struct {
	mu                    sync.Mutex
	reads, largest, bytes int
}

func (*zeroReader) Segments(context.Context, consent.Permit, consent.SessionID, Kind, int64) ([]StoredSegment, error) {
	return nil, nil
}

func (z *zeroReader) ReadChunks(_ context.Context, _ consent.Permit, s StoredSegment, first, last int) ([][]byte, error) {
	var list [][]byte
	size := 0
	for _, c := range s.Table.Chunks[first : last+1] {
		list = append(list, make([]byte, c.Plain))
		size += c.Plain
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	z.reads++
	z.bytes += size
	z.largest = max(z.largest, size)
	return list, nil
}

// Two hours of recording: a few chunks at a time, whatever the length.
func TestLongRecordingStreamsInLittleMemory(t *testing.T) {
	l, err := NewLayout(longSegments(KindAudio, 2*time.Hour), longSegments(KindVideo, 2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if l.Duration() < 2*time.Hour || l.Size() < 1<<30 {
		t.Fatalf("%v, %d bytes", l.Duration(), l.Size())
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	reader := &zeroReader{}
	peak := uint64(0)
	pieces := 0
	out := writerFunc(func(b []byte) (int, error) {
		if pieces++; pieces%500 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&after)
			peak = max(peak, after.HeapAlloc)
		}
		return len(b), nil
	})
	from := l.Size() / 3
	if err := l.WriteRange(t.Context(), out, from, from+200<<20, reader, playPermit, nil); err != nil {
		t.Fatal(err)
	}
	if reader.largest > readAhead {
		t.Errorf("%d bytes at once", reader.largest)
	}
	if grown := int64(peak) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("memory grew by %d bytes", grown)
	}
}

// The place of a byte comes from the tables alone: the last second of two hours costs one read a track.
func TestRangeReadsOnlyWhatItNeeds(t *testing.T) {
	l, err := NewLayout(longSegments(KindAudio, 2*time.Hour), longSegments(KindVideo, 2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		from, to     int64
		reads, bytes int
	}{
		"the header":   {0, int64(len(l.header)), 0, 0},
		"the last 4 K": {l.Size() - 4096, l.Size(), 2, 128 << 10},
		"one byte":     {l.Size() / 2, l.Size()/2 + 1, 1, 64 << 10},
	} {
		reader := &zeroReader{}
		if err := l.WriteRange(t.Context(), io.Discard, c.from, c.to, reader, playPermit, nil); err != nil {
			t.Fatal(err)
		}
		if reader.reads > c.reads || reader.bytes > c.bytes {
			t.Errorf("%s: %d reads of %d bytes", name, reader.reads, reader.bytes)
		}
	}
}

func TestClustersKeepTheirBounds(t *testing.T) {
	audio, video := longSegments(KindAudio, 10*time.Minute), longSegments(KindVideo, 10*time.Minute)
	muted := slices.Concat(video[:20], video[60:]) // no pictures for four minutes
	deltas := slices.Clone(video)
	for i := 5; i < len(deltas); i++ { // a sender that never sends a key frame again
		deltas[i].Forced = true
		deltas[i].Table.Blocks = slices.Clone(deltas[i].Table.Blocks)
		deltas[i].Table.Blocks[0].Key = false
	}
	for name, c := range map[string]struct{ audio, video []StoredSegment }{
		"both": {audio, video}, "sound": {audio, nil}, "pictures": {nil, video}, "camera off": {audio, muted}, "no key frames": {audio, deltas},
	} {
		l, err := NewLayout(c.audio, c.video)
		if err != nil {
			t.Fatal(err)
		}
		cues := 0
		for i, cluster := range l.clusters {
			end := l.Duration()
			if i+1 < len(l.clusters) {
				end = l.clusters[i+1].start
				if want := cluster.offset + int64(clusterHead+cluster.size); l.clusters[i+1].offset != want {
					t.Fatalf("%s: cluster %d begins at %d, want %d", name, i+1, l.clusters[i+1].offset, want)
				}
			}
			if length := end - cluster.start; length <= 0 || length > 30*time.Second || cluster.size > largestCluster {
				t.Errorf("%s: cluster %d: %v, %d bytes", name, i, length, cluster.size)
			}
			if cluster.cue {
				cues++
			}
		}
		want := len(l.clusters)
		if name == "no key frames" {
			want = 5
		}
		if cues != want || name == "both" && cues != len(video) {
			t.Errorf("%s: %d cues for %d clusters", name, cues, len(l.clusters))
		}
	}
}

func TestLayoutOfNothing(t *testing.T) {
	if _, err := NewLayout(nil, nil); !errors.Is(err, ErrNothingRecorded) {
		t.Errorf("no segments: %v", err)
	}
	table := testTable()
	for i := range table.Blocks {
		table.Blocks[i].Key = false
	}
	if _, err := NewLayout(nil, []StoredSegment{storedSegment(KindVideo, CodecVP8, 0, 0, table)}); !errors.Is(err, ErrNothingRecorded) {
		t.Errorf("pictures that cannot be decoded: %v", err)
	}
}

// Two processes may both have held a session for a moment: what overlaps is played once.
func TestLayoutPlaysOverlapsOnce(t *testing.T) {
	audio := longSegments(KindAudio, 30*time.Second)
	again := audio[2]
	again.ID.Epoch++
	l, err := NewLayout([]StoredSegment{audio[0], audio[1], audio[2], again, audio[3], audio[4]}, nil)
	if err != nil {
		t.Fatal(err)
	}
	once, err := NewLayout(audio[:5], nil)
	if err != nil || l.Size() != once.Size() {
		t.Errorf("with an overlap %d bytes, without %d (%v)", l.Size(), once.Size(), err)
	}
}

func TestLayoutRefusesHostileSegments(t *testing.T) {
	good := storedSegment(KindAudio, CodecOpus, 0, 0, testTable())
	for name, change := range map[string]func(*StoredSegment){
		"table":       func(s *StoredSegment) { s.Table.Blocks = nil },
		"kind":        func(s *StoredSegment) { s.ID.Kind = KindVideo },
		"codec":       func(s *StoredSegment) { s.Codec = "av1" },
		"video codec": func(s *StoredSegment) { s.Codec = CodecVP8 },
		"start":       func(s *StoredSegment) { s.Start = time.Hour },
		"negative":    func(s *StoredSegment) { s.Start = -1 },
	} {
		bad := good
		change(&bad)
		if _, err := NewLayout([]StoredSegment{bad}, nil); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	vp8, vp9 := storedSegment(KindVideo, CodecVP8, 0, 0, testTable()), storedSegment(KindVideo, CodecVP9, 1, 0, testTable())
	if _, err := NewLayout(nil, []StoredSegment{vp8, vp9}); !errors.Is(err, ErrCodecChanged) {
		t.Errorf("two codecs: %v", err)
	}
}

// FuzzLayout lays out whatever decodes as a table and writes all of it: the size is always the one
// promised, and any cut of it is the same bytes.
func FuzzLayout(f *testing.F) {
	b, err := testTable().MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, b, int64(0), int64(0), int64(100), false)
	f.Add(b, b, int64(60), int64(90), int64(3000), true)
	f.Fuzz(func(t *testing.T, a, v []byte, startA, startV, cut int64, forced bool) {
		var audio, video []StoredSegment
		if table, err := UnmarshalSegmentTable(a); err == nil {
			audio = append(audio, storedSegment(KindAudio, CodecOpus, 0, time.Duration(startA), table))
		}
		if table, err := UnmarshalSegmentTable(v); err == nil {
			s := storedSegment(KindVideo, CodecVP8, 0, time.Duration(startV), table)
			s.Forced, s.Width, s.Height, s.End = forced, int(cut), int(startA), time.Duration(startV)
			video = append(video, s, s)
		}
		l, err := NewLayout(audio, video)
		if err != nil {
			return
		}
		if l.Size() > 64<<20 {
			return // right, but slow to write
		}
		count := func(from, to int64) (n int64) {
			out := writerFunc(func(b []byte) (int, error) { n += int64(len(b)); return len(b), nil })
			if err := l.WriteRange(t.Context(), out, from, to, &zeroReader{}, playPermit, nil); err != nil {
				t.Fatalf("bytes %d to %d of %d: %v", from, to, l.Size(), err)
			}
			return n
		}
		cut = min(max(cut, 0), l.Size())
		if first, second := count(0, cut), count(cut, l.Size()); first != cut || first+second != l.Size() {
			t.Errorf("wrote %d and %d bytes, cut at %d of %d", first, second, cut, l.Size())
		}
	})
}

func BenchmarkNewLayout(b *testing.B) {
	audio, video := longSegments(KindAudio, 2*time.Hour), longSegments(KindVideo, 2*time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewLayout(audio, video); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteRange(b *testing.B) {
	l, err := NewLayout(longSegments(KindAudio, 10*time.Minute), longSegments(KindVideo, 10*time.Minute))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(l.Size())
	b.ReportAllocs()
	for b.Loop() {
		if err := l.WriteRange(b.Context(), io.Discard, 0, l.Size(), &zeroReader{}, playPermit, nil); err != nil {
			b.Fatal(err)
		}
	}
}
