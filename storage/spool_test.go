package storage

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/consent"
	"greenroom/media"
)

// canary is put into every chunk's plain text: it must be found nowhere outside.
const canary = "the quick brown fox speaks frankly"

func newTestKey(t *testing.T, session consent.SessionID, scope consent.Scope) *dataKey {
	t.Helper()
	key, err := newDataKey(randomKey(), session, scope)
	if err != nil {
		t.Fatalf("make key: %v", err)
	}
	return key
}

func testHead(session consent.SessionID, kind media.Kind, sequence int) media.SegmentHead {
	codec := media.CodecOpus
	if kind == media.KindVideo {
		codec = media.CodecVP8
	}
	id := media.SegmentID{Session: session, Kind: kind, Epoch: 1, Sequence: sequence}
	return media.SegmentHead{ID: id, Codec: codec, Start: time.Duration(sequence) * 6 * time.Second}
}

// testChunk is two blocks with a few bytes of header before each, as a recorder makes them.
func testChunk(head media.SegmentHead, number int) media.Chunk {
	first, second := fmt.Sprintf("%s %d", canary, number), strings.Repeat("x", 40+number)
	plain := "hdr1" + first + "hdr2" + second
	begin := head.Start + time.Duration(number)*40*time.Millisecond
	return media.Chunk{Plain: []byte(plain), Blocks: []media.BlockRef{
		{Offset: 4, Size: len(first), Time: begin, Key: true},
		{Offset: 8 + len(first), Size: len(second), Time: begin + 20*time.Millisecond, Key: head.ID.Kind == media.KindAudio},
	}}
}

func testInfo(head media.SegmentHead, chunks int) media.SegmentInfo {
	info := media.SegmentInfo{SegmentHead: head, End: head.Start + time.Duration(chunks)*40*time.Millisecond}
	if head.ID.Kind == media.KindVideo {
		info.Width, info.Height = 1280, 720
	}
	return info
}

// rebuildTest is what the media package does from real blocks, for the blocks of testChunk.
func rebuildTest(head media.SegmentHead, chunks []media.ChunkRef, plain [][]byte) (media.SegmentInfo, media.SegmentTable, error) {
	table := media.SegmentTable{Chunks: chunks}
	for i, text := range plain {
		want := testChunk(head, i)
		if !bytes.Equal(text, want.Plain) {
			return media.SegmentInfo{}, table, fmt.Errorf("chunk %d is %q", i, text)
		}
		for _, b := range want.Blocks {
			b.Chunk = i
			table.Blocks = append(table.Blocks, b)
		}
	}
	return testInfo(head, len(chunks)), table, nil
}

func newTestSpool(t *testing.T, maxBytes int64) *Spool {
	t.Helper()
	return openTestSpool(t, t.TempDir(), maxBytes)
}

func openTestSpool(t *testing.T, dir string, maxBytes int64) *Spool {
	t.Helper()
	spool, err := OpenSpool(SpoolConfig{Dir: dir, MaxBytes: maxBytes})
	if err != nil {
		t.Fatalf("open spool: %v", err)
	}
	t.Cleanup(func() { _ = spool.Close() })
	return spool
}

// writeTestSegment appends chunks to a new segment and leaves it open.
func writeTestSegment(t *testing.T, spool *Spool, key *dataKey, head media.SegmentHead, chunks int) *spoolWriter {
	t.Helper()
	w, err := spool.create(head, key)
	if err != nil {
		t.Fatalf("open segment: %v", err)
	}
	for i := range chunks {
		if err := w.Append(testChunk(head, i)); err != nil {
			t.Fatalf("append chunk %d: %v", i, err)
		}
	}
	return w
}

// checkSealed reads a sealed file with its key and compares it with what testChunk wrote.
func checkSealed(t *testing.T, spool *Spool, key *dataKey, head media.SegmentHead, chunks int) {
	t.Helper()
	data, err := spool.read(sealedFolder, fileName(head.ID))
	if err != nil {
		t.Fatalf("read sealed file: %v", err)
	}
	file, err := scanSegment(data)
	if err != nil || !file.complete {
		t.Fatalf("scan sealed file: complete %v, error %v", file.complete, err)
	}
	text, err := key.openTable(head.ID, file.table)
	if err != nil {
		t.Fatalf("open table: %v", err)
	}
	info, table, err := decodeTable(text)
	if err != nil {
		t.Fatalf("decode table: %v", err)
	}
	if diff := cmp.Diff(testInfo(head, chunks), info); diff != "" {
		t.Errorf("info (-want +got):\n%s", diff)
	}
	if open, err := file.readInfo(); err != nil || open != info {
		t.Errorf("open info = %+v, %v; want %+v", open, err, info)
	}
	if len(table.Chunks) != chunks {
		t.Fatalf("table has %d chunks, want %d", len(table.Chunks), chunks)
	}
	for i, ref := range table.Chunks {
		plain, err := key.openChunk(head.ID, i, data[ref.Offset:ref.Offset+int64(ref.Size)])
		if err != nil || !bytes.Equal(plain, testChunk(head, i).Plain) {
			t.Errorf("chunk %d = %q, %v", i, plain, err)
		}
	}
	_, want, _ := rebuildTest(head, table.Chunks, plainOf(head, chunks))
	if diff := cmp.Diff(want, table); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func plainOf(head media.SegmentHead, chunks int) [][]byte {
	plain := make([][]byte, chunks)
	for i := range plain {
		plain[i] = testChunk(head, i).Plain
	}
	return plain
}

func TestSpoolSealsWhatWasAppended(t *testing.T) {
	for _, kind := range []media.Kind{media.KindAudio, media.KindVideo} {
		spool := newTestSpool(t, 1<<20)
		session := consent.NewID[consent.SessionID]()
		key, head := newTestKey(t, session, scopeOf(kind)), testHead(session, kind, 3)
		w := writeTestSegment(t, spool, key, head, 5)
		if err := w.Seal(t.Context(), testInfo(head, 5)); err != nil {
			t.Fatalf("seal: %v", err)
		}
		checkSealed(t, spool, key, head, 5)
		select {
		case <-spool.sealed:
		default:
			t.Error("nobody was told of the seal")
		}
		if open, err := spool.list(openFolder); err != nil || len(open) != 0 {
			t.Errorf("open/ has %v, %v; want nothing", open, err)
		}
		checkUsed(t, spool)
	}
}

// checkUsed compares the counter with what is on disk.
func checkUsed(t *testing.T, spool *Spool) {
	t.Helper()
	want := int64(0)
	for _, folder := range []string{openFolder, sealedFolder} {
		files, err := spool.list(folder)
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		for _, f := range files {
			want += f.size
		}
	}
	if got, _ := spool.Used(); got != want {
		t.Errorf("spool counts %d bytes, the disk has %d", got, want)
	}
}

func TestSpoolHoldsNoPlainText(t *testing.T) {
	spool := newTestSpool(t, 1<<20)
	session := consent.NewID[consent.SessionID]()
	key, head := newTestKey(t, session, consent.ScopeRecordingAudio), testHead(session, media.KindAudio, 0)
	w := writeTestSegment(t, spool, key, head, 3)
	checkNoCanary(t, spool.dir)
	if err := w.Seal(t.Context(), testInfo(head, 3)); err != nil {
		t.Fatalf("seal: %v", err)
	}
	checkNoCanary(t, spool.dir)
}

// checkNoCanary greps every file below a folder.
func checkNoCanary(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(canary)) {
			t.Errorf("%s has plain text of the recording", path)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Fatalf("looked at %d files below %s: %v", files, dir, err)
	}
}

func TestWriterRefusesUseAfterItsEnd(t *testing.T) {
	spool := newTestSpool(t, 1<<20)
	session := consent.NewID[consent.SessionID]()
	key, head := newTestKey(t, session, consent.ScopeRecordingAudio), testHead(session, media.KindAudio, 0)
	w := writeTestSegment(t, spool, key, head, 1)
	if _, err := spool.create(head, key); err == nil {
		t.Error("the same segment was opened twice")
	}
	if err := w.Seal(t.Context(), testInfo(head, 1)); err != nil {
		t.Fatalf("seal: %v", err)
	}
	if err := w.Append(testChunk(head, 1)); !errors.Is(err, errWriterDone) {
		t.Errorf("append after seal = %v, want %v", err, errWriterDone)
	}
	if err := w.Seal(t.Context(), testInfo(head, 1)); !errors.Is(err, errWriterDone) {
		t.Errorf("second seal = %v, want %v", err, errWriterDone)
	}
	if err := w.Discard(); err != nil {
		t.Errorf("discard after seal = %v, want nil", err)
	}
	if _, err := spool.create(head, key); err == nil {
		t.Error("a sealed segment was opened again")
	}
	checkSealed(t, spool, key, head, 1)
}

func TestDiscardLeavesNothing(t *testing.T) {
	spool := newTestSpool(t, 1<<20)
	session := consent.NewID[consent.SessionID]()
	key, head := newTestKey(t, session, consent.ScopeRecordingAudio), testHead(session, media.KindAudio, 0)
	w := writeTestSegment(t, spool, key, head, 2)
	for range 2 {
		if err := w.Discard(); err != nil {
			t.Fatalf("discard: %v", err)
		}
	}
	if used, _ := spool.Used(); used != 0 {
		t.Errorf("spool has %d bytes after a discard, want 0", used)
	}
	empty := writeTestSegment(t, spool, key, head, 0)
	if err := empty.Seal(t.Context(), testInfo(head, 0)); err == nil {
		t.Error("an empty segment was sealed")
	}
	checkUsed(t, spool)
}

func TestSpoolRefusesBadHeads(t *testing.T) {
	spool := newTestSpool(t, 1<<20)
	session := consent.NewID[consent.SessionID]()
	key := newTestKey(t, session, consent.ScopeRecordingAudio)
	good := testHead(session, media.KindAudio, 0)
	for name, change := range map[string]func(*media.SegmentHead){
		"path in the session": func(h *media.SegmentHead) { h.ID.Session = "../../etc/passwd" },
		"no session":          func(h *media.SegmentHead) { h.ID.Session = "" },
		"unknown kind":        func(h *media.SegmentHead) { h.ID.Kind = "text" },
		"negative sequence":   func(h *media.SegmentHead) { h.ID.Sequence = -1 },
		"sequence too high":   func(h *media.SegmentHead) { h.ID.Sequence = math.MaxInt32 + 1 },
		"epoch too high":      func(h *media.SegmentHead) { h.ID.Epoch = math.MaxInt32 + 1 },
		"unknown codec":       func(h *media.SegmentHead) { h.Codec = "h264" },
	} {
		head := good
		change(&head)
		if _, err := spool.create(head, key); err == nil {
			t.Errorf("%s: head %+v was accepted", name, head)
		}
	}
}

func TestAppendRefusesBlocksOutsideTheChunk(t *testing.T) {
	spool := newTestSpool(t, 1<<20)
	session := consent.NewID[consent.SessionID]()
	key, head := newTestKey(t, session, consent.ScopeRecordingAudio), testHead(session, media.KindAudio, 0)
	w := writeTestSegment(t, spool, key, head, 0)
	for _, blocks := range [][]media.BlockRef{
		{{Offset: 0, Size: 11}}, {{Offset: -1, Size: 2}}, {{Offset: 5, Size: 2}, {Offset: 3, Size: 1}}, {{Size: -1}},
	} {
		if err := w.Append(media.Chunk{Plain: make([]byte, 10), Blocks: blocks}); err == nil {
			t.Errorf("blocks %+v were accepted for a chunk of 10 bytes", blocks)
		}
	}
}

func TestSpoolIsNearlyFullBeforeItIsFull(t *testing.T) {
	const limit = 2000
	spool := newTestSpool(t, limit)
	session := consent.NewID[consent.SessionID]()
	key, head := newTestKey(t, session, consent.ScopeRecordingAudio), testHead(session, media.KindAudio, 0)
	w := writeTestSegment(t, spool, key, head, 0)
	warned, appended := 0, 0
	var err error
	for err == nil {
		if err = w.Append(testChunk(head, appended)); err == nil {
			appended++
		}
		if spool.Full() {
			warned++
		}
	}
	if !errors.Is(err, ErrSpoolFull) {
		t.Fatalf("append to a full spool = %v, want %v", err, ErrSpoolFull)
	}
	if used, _ := spool.Used(); used > limit || used < limit/2 {
		t.Errorf("spool holds %d bytes of %d", used, limit)
	}
	if warned == 0 {
		t.Errorf("the spool never said that it was nearly full in %d chunks", appended)
	}
	checkUsed(t, spool)
}

func TestSpoolHasOneOwner(t *testing.T) {
	spool := newTestSpool(t, 1<<20)
	if _, err := OpenSpool(SpoolConfig{Dir: spool.dir, MaxBytes: 1}); err == nil || !strings.Contains(err.Error(), "another server") {
		t.Errorf("second owner = %v, want a refusal", err)
	}
	if err := spool.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	openTestSpool(t, spool.dir, 1<<20)
}

func TestAppendAllocatesLittle(t *testing.T) {
	spool := newTestSpool(t, 1<<30)
	session := consent.NewID[consent.SessionID]()
	key, head := newTestKey(t, session, consent.ScopeRecordingVideo), testHead(session, media.KindVideo, 0)
	w := writeTestSegment(t, spool, key, head, 0)
	chunk := media.Chunk{Plain: make([]byte, 20<<10), Blocks: []media.BlockRef{{Offset: 4, Size: 20<<10 - 4}}}
	allocations := testing.AllocsPerRun(100, func() {
		if err := w.Append(chunk); err != nil {
			t.Fatalf("append: %v", err)
		}
	})
	if allocations > 20 {
		t.Errorf("an append of a chunk makes %.0f allocations, want at most 20", allocations)
	}
}
