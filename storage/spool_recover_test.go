package storage

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/consent"
	"greenroom/media"
)

// TestRecoveryCutsTornTails cuts a file at every byte, as a crash or a power cut may, and expects
// every chunk that was whole.
func TestRecoveryCutsTornTails(t *testing.T) {
	t.Parallel()
	const chunks = 3
	spool := newTestSpool(t, 1<<20)
	session := consent.NewID[consent.SessionID]()
	key, head := newTestKey(t, session, consent.ScopeRecordingAudio), testHead(session, media.KindAudio, 0)
	w := writeTestSegment(t, spool, key, head, chunks)
	ends := []int64{}
	for _, c := range w.table.Chunks {
		ends = append(ends, c.Offset+int64(c.Size))
	}
	if err := w.Seal(t.Context(), testInfo(head, chunks)); err != nil {
		t.Fatalf("seal: %v", err)
	}
	whole, err := spool.read(sealedFolder, fileName(head.ID))
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	if err := spool.remove(sealedFolder, fileName(head.ID)); err != nil {
		t.Fatalf("remove: %v", err)
	}
	for size := range len(whole) + 1 {
		want := 0
		for _, end := range ends {
			if int64(size) >= end {
				want++
			}
		}
		checkMended(t, spool, key, head, whole[:size], want)
		if t.Failed() {
			t.Fatalf("cut at byte %d of %d", size, len(whole))
		}
	}
}

// checkMended lays a file in open/ as a dead process left it and mends it.
func checkMended(t *testing.T, spool *Spool, key *dataKey, head media.SegmentHead, data []byte, want int) {
	t.Helper()
	name := fileName(head.ID)
	if err := os.WriteFile(spool.path(openFolder, name), data, 0o600); err != nil {
		t.Fatalf("write: %v", err)
	}
	spool.used.Add(int64(len(data)))
	found, _, readable, err := spool.brokenHead(name)
	if err != nil {
		t.Fatalf("read head: %v", err)
	}
	if !readable {
		if want > 0 {
			t.Errorf("a file with %d whole chunks was taken for unreadable", want)
		}
		if err := spool.remove(openFolder, name); err != nil {
			t.Fatalf("remove: %v", err)
		}
		return
	}
	if found != head {
		t.Errorf("head = %+v, want %+v", found, head)
	}
	kept, _, err := spool.mend(name, key, rebuildTest)
	if err != nil || kept != (want > 0) {
		t.Fatalf("mend = %v, %v; want %v", kept, err, want > 0)
	}
	if kept {
		checkSealed(t, spool, key, head, want)
		if err := spool.remove(sealedFolder, name); err != nil {
			t.Fatalf("remove: %v", err)
		}
	}
	checkUsed(t, spool)
}

// TestRecoveryCutsDamagedChunks flips a byte, as a disk may after a power cut.
func TestRecoveryCutsDamagedChunks(t *testing.T) {
	t.Parallel()
	spool := newTestSpool(t, 1<<20)
	session := consent.NewID[consent.SessionID]()
	key, head := newTestKey(t, session, consent.ScopeRecordingAudio), testHead(session, media.KindAudio, 0)
	w := writeTestSegment(t, spool, key, head, 3)
	w.giveUp()
	whole, err := spool.read(openFolder, w.name)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	for chunk, ref := range w.table.Chunks {
		data := bytes.Clone(whole)
		data[ref.Offset+5] ^= 1
		if err := spool.remove(openFolder, w.name); err != nil {
			t.Fatalf("remove: %v", err)
		}
		checkMended(t, spool, key, head, data, chunk)
	}
	zeroed := append(bytes.Clone(whole), make([]byte, 4096)...) // a tail that was never written
	checkMended(t, spool, key, head, zeroed, 3)
	swapped := append(bytes.Clone(whole), whole[w.table.Chunks[0].Offset-recordHeader:w.table.Chunks[1].Offset-recordHeader]...)
	checkMended(t, spool, key, head, swapped, 3) // chunk 0 again is not chunk 3
}

func TestRecoveryFindsFilesOfAnEarlierProcess(t *testing.T) {
	t.Parallel()
	spool := newTestSpool(t, 1<<20)
	session := consent.NewID[consent.SessionID]()
	key, head := newTestKey(t, session, consent.ScopeRecordingVideo), testHead(session, media.KindVideo, 0)
	w := writeTestSegment(t, spool, key, head, 2)
	if got := spool.brokenFiles(); len(got) != 0 {
		t.Errorf("a file with a writer counts as broken: %v", got)
	}
	if err := errors.Join(w.file.Close(), spool.Close()); err != nil { // what a dead process leaves
		t.Fatalf("close: %v", err)
	}
	next := openTestSpool(t, spool.dir, 1<<20)
	if diff := cmp.Diff([]string{w.name}, next.brokenFiles()); diff != "" {
		t.Errorf("broken files (-want +got):\n%s", diff)
	}
	checkUsed(t, next)
	if kept, _, err := next.mend(w.name, key, rebuildTest); err != nil || !kept {
		t.Fatalf("mend = %v, %v", kept, err)
	}
	checkSealed(t, next, key, head, 2)
	checkUsed(t, next)
}
