package media

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/consent"
)

// Whoever watches two hours holds their Layout for so long, and the next range of them finds it kept.
func TestLayoutIsKeptPacked(t *testing.T) {
	l, blocks := longLayout(t)
	runtime.GC()
	var with, without runtime.MemStats
	runtime.ReadMemStats(&with)
	said, size := l.Memory(), l.Size() // the last use of it
	runtime.GC()
	runtime.ReadMemStats(&without)
	took := int64(with.HeapAlloc) - int64(without.HeapAlloc)
	t.Logf("%d blocks, %d MB of file: %d KB, said to be %d KB", blocks, size>>20, took>>10, said>>10)
	if took > int64(blocks)*10 || took > said*5/4 || said > took*3/2 {
		t.Errorf("a layout of %d blocks takes %d bytes and says %d", blocks, took, said)
	}
}

// longLayout lays two hours out and keeps nothing else; it counts their blocks.
func longLayout(t *testing.T) (l *Layout, blocks int) {
	t.Helper()
	audio, video := longSegments(KindAudio, 2*time.Hour), longSegments(KindVideo, 2*time.Hour)
	l, err := NewLayout(audio, video)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range slices.Concat(audio, video) {
		blocks += len(s.Table.Blocks)
	}
	return l, blocks
}

// bothReader answers the first read only when a second has begun.
type bothReader struct {
	zeroReader
	reads atomic.Int32
	both  chan struct{}
}

func (r *bothReader) ReadChunks(_ context.Context, _ consent.Permit, s StoredSegment, first, last int) (list [][]byte, _ error) {
	switch r.reads.Add(1) {
	case 1:
		<-r.both
	case 2:
		close(r.both)
	}
	for _, c := range s.Table.Chunks[first : last+1] {
		list = append(list, make([]byte, c.Plain))
	}
	return list, nil
}

// Somebody who has jumped waits for one request to the object store, not for one a track.
func TestRangeBeginsWithBothTracksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := NewLayout(longSegments(KindAudio, time.Minute), longSegments(KindVideo, time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		reader := &bothReader{both: make(chan struct{})}
		from := l.Size() / 2
		if err := l.WriteRange(t.Context(), io.Discard, from, from+64<<10, reader, playPermit, nil); err != nil {
			t.Fatal(err)
		}
	})
}

// Wherever the file is cut, the two ends are the whole.
func TestEveryCutIsTheSameFile(t *testing.T) {
	l, err := NewLayout(longSegments(KindAudio, 13*time.Second), longSegments(KindVideo, 13*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	if err := l.WriteRange(t.Context(), &whole, 0, l.Size(), &patternReader{}, playPermit, nil); err != nil || int64(whole.Len()) != l.Size() {
		t.Fatalf("%d bytes of %d, %v", whole.Len(), l.Size(), err)
	}
	for cut := int64(0); cut < l.Size(); cut += 997 { // a prime: every place in a block comes up
		to := min(cut+1500, l.Size())
		var part bytes.Buffer
		if err := l.WriteRange(t.Context(), &part, cut, to, &patternReader{}, playPermit, nil); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(part.Bytes(), whole.Bytes()[cut:to]) {
			t.Fatalf("bytes %d to %d are not those of the whole file", cut, to)
		}
	}
}

// patternReader answers with bytes that tell where they are from.
type patternReader struct{ zeroReader }

func (*patternReader) ReadChunks(_ context.Context, _ consent.Permit, s StoredSegment, first, last int) (list [][]byte, _ error) {
	for c := first; c <= last; c++ {
		plain := make([]byte, s.Table.Chunks[c].Plain)
		for i := range plain {
			plain[i] = byte(i ^ i>>8 ^ c*31 ^ s.ID.Sequence*17 ^ len(s.ID.Kind))
		}
		list = append(list, plain)
	}
	return list, nil
}
