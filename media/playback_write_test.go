package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/consent"
)

// madeUp is a recording of made-up frames, long enough to have several segments.
func madeUp(t *testing.T, length time.Duration) *memStore {
	t.Helper()
	g := newRig(t)
	g.feed(0, length, 0, KindAudio, KindVideo)
	if err := g.end(t); err != nil {
		t.Fatal(err)
	}
	return g.store
}

// slowWriter takes a while for each piece and notes when each came.
type slowWriter struct {
	pause  time.Duration
	pieces []int
	bytes  int64
	at     []time.Time
}

func (w *slowWriter) Write(b []byte) (int, error) {
	pass(w.pause)
	w.pieces = append(w.pieces, len(b))
	w.bytes += int64(len(b))
	w.at = append(w.at, time.Now())
	return len(b), nil
}

func TestWriteRangeStopsWhenAPermitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := madeUp(t, 60*time.Second)
		l := store.layout(t, KindAudio, KindVideo)
		for _, withdrawn := range []Kind{KindAudio, KindVideo} {
			w := &slowWriter{pause: 100 * time.Millisecond}
			begin := time.Now()
			permit := func(ctx context.Context, kind Kind) (consent.Permit, error) {
				if kind == withdrawn && time.Since(begin) > 2*time.Second {
					return consent.Permit{}, consent.ErrNotFound
				}
				return playPermit(ctx, kind)
			}
			err := l.WriteRange(t.Context(), w, 0, l.Size(), store, permit, nil)
			if !errors.Is(err, consent.ErrNotFound) {
				t.Fatalf("%s withdrawn: got %v", withdrawn, err)
			}
			if last := w.at[len(w.at)-1].Sub(begin); last > 2*time.Second+permitAge+w.pause {
				t.Errorf("%s withdrawn after 2 s: the last piece was written after %v", withdrawn, last)
			}
		}
	})
}

// However slowly a client reads, no piece is written on an answer older than half a second.
func TestWriteRangeAsksWhileTheClientIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := madeUp(t, 30*time.Second)
		l := store.layout(t, KindAudio, KindVideo)
		asked := map[Kind]time.Time{}
		permit := func(ctx context.Context, kind Kind) (consent.Permit, error) {
			asked[kind] = time.Now()
			return playPermit(ctx, kind)
		}
		check := writerFunc(func(b []byte) (int, error) {
			for _, kind := range []Kind{KindAudio, KindVideo} {
				if age := time.Since(asked[kind]); age > permitAge {
					t.Errorf("a piece was written on an answer about %s of %v ago", kind, age)
				}
			}
			if len(b) > largestPiece {
				t.Errorf("a piece of %d bytes", len(b))
			}
			pass(3 * time.Second)
			return len(b), nil
		})
		if err := l.WriteRange(t.Context(), check, 0, l.Size(), store, permit, nil); err != nil {
			t.Error(err)
		}
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// A fast client is asked about at each segment of each kind, and nothing is read twice.
func TestWriteRangeAsksForEachSegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := madeUp(t, 30*time.Second)
		l := store.layout(t, KindAudio, KindVideo)
		asked := map[Kind]int{}
		permit := func(ctx context.Context, kind Kind) (consent.Permit, error) {
			asked[kind]++
			return playPermit(ctx, kind)
		}
		if err := l.WriteRange(t.Context(), io.Discard, 0, l.Size(), store, permit, nil); err != nil {
			t.Fatal(err)
		}
		for kind, n := range asked {
			if want := len(store.segments(t, kind)); n < want || n > want+1 {
				t.Errorf("%s: asked %d times for %d segments", kind, n, want)
			}
		}
		next := map[SegmentID]int{}
		for _, read := range store.reads {
			if read.first != next[read.segment] {
				t.Errorf("%s: read from chunk %d, want %d", read.segment.ObjectKey(), read.first, next[read.segment])
			}
			next[read.segment] = read.last + 1
		}
	})
}

func TestWriteRangePaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := madeUp(t, 20*time.Second)
		for _, kinds := range [][]Kind{{KindAudio}, {KindAudio, KindVideo}} {
			l := store.layout(t, kinds...)
			begin, last := time.Now(), time.Duration(-1)
			pace := func(ctx context.Context, at time.Duration) error {
				if at < last || at > last+2*longestPiece && last >= 0 {
					t.Errorf("%v: told of %v after %v", kinds, at, last)
				}
				last = at
				pass(time.Until(begin.Add(at)))
				return ctx.Err()
			}
			var out bytes.Buffer
			if err := l.WriteRange(t.Context(), &out, 0, l.Size(), store, playPermit, pace); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); took < 18*time.Second || took > 20*time.Second {
				t.Errorf("%v: paced 20 s took %v", kinds, took)
			}
		}
	})
}

func TestWriteRangeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := madeUp(t, 20*time.Second)
		l := store.layout(t, KindAudio, KindVideo)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w := &slowWriter{pause: 300 * time.Millisecond}
		if err := l.WriteRange(ctx, w, 0, l.Size(), store, playPermit, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestWriteRangeRefusesBadRanges(t *testing.T) {
	l, err := NewLayout(nil, []StoredSegment{storedSegment(KindVideo, CodecVP8, 0, 0, testTable())})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range [][2]int64{{-1, 4}, {0, l.Size() + 1}, {9, 8}} {
		if err := l.WriteRange(t.Context(), io.Discard, r[0], r[1], nil, nil, nil); err == nil {
			t.Errorf("range %v: no error", r)
		}
	}
	if err := l.WriteRange(t.Context(), io.Discard, 7, 7, nil, nil, nil); err != nil {
		t.Errorf("empty range: %v", err)
	}
}

// What comes from the store is not what the table says: an error, never a wrong byte or a panic.
func TestWriteRangeRefusesChunksThatDoNotFitTheTable(t *testing.T) {
	table := testTable()
	l, err := NewLayout([]StoredSegment{storedSegment(KindAudio, CodecOpus, 0, 0, table)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var whole [][]byte
	for _, c := range table.Chunks {
		whole = append(whole, make([]byte, c.Plain))
	}
	for name, plain := range map[string][][]byte{
		"none": nil, "too few": whole[:3], "too many": append(whole[:4:4], nil), "short": {whole[0], whole[1][1:], whole[2], whole[3]},
	} {
		if err := l.WriteRange(t.Context(), io.Discard, 0, l.Size(), chunkReader(plain), playPermit, nil); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := l.WriteRange(t.Context(), io.Discard, 0, l.Size(), chunkReader(whole), playPermit, nil); err != nil {
		t.Errorf("whole: %v", err)
	}
}

// chunkReader answers every read alike.
type chunkReader [][]byte

func (chunkReader) Segments(context.Context, consent.Permit, consent.SessionID, Kind, int64) ([]StoredSegment, error) {
	return nil, nil
}

func (r chunkReader) ReadChunks(context.Context, consent.Permit, StoredSegment, int, int) ([][]byte, error) {
	return r, nil
}

func storedSegment(kind Kind, codec Codec, sequence int, start time.Duration, table SegmentTable) StoredSegment {
	last := table.Blocks[len(table.Blocks)-1].Time
	return StoredSegment{Index: int64(sequence + 1), Table: table, SegmentInfo: SegmentInfo{
		SegmentHead: SegmentHead{ID: SegmentID{Session: testSession, Kind: kind, Epoch: 1, Sequence: sequence}, Codec: codec, Start: start},
		End:         last + 20*time.Millisecond,
	}}
}
