package storage

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
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
	if _, err := OpenSpool(SpoolConfig{Dir: spool.dir, MaxBytes: 1}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("second owner = %v, want a refusal", err)
	}
	if err := spool.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	openTestSpool(t, spool.dir, 1<<20)
}

// TestRecoveryCutsTornTails cuts a file at every byte, as a crash or a power cut may, and expects
// every chunk that was whole.
func TestRecoveryCutsTornTails(t *testing.T) {
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

// faultyDisk fails the operations named in fail, once armed.
type faultyDisk struct {
	disk
	mu   sync.Mutex
	fail map[string]error
	half bool // a failing write leaves half of its bytes
}

func (d *faultyDisk) fault(operation string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fail[operation]
}

func (d *faultyDisk) arm(fail map[string]error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = fail
}

func (d *faultyDisk) create(path string) (diskFile, error) {
	if err := d.fault("create"); err != nil {
		return nil, err
	}
	file, err := d.disk.create(path)
	return &faultyFile{file, d}, err
}

func (d *faultyDisk) open(path string) (diskFile, error) {
	file, err := d.disk.open(path)
	return &faultyFile{file, d}, err
}

func (d *faultyDisk) rename(from, to string) error {
	if err := d.fault("rename"); err != nil {
		return err
	}
	return d.disk.rename(from, to)
}

func (d *faultyDisk) syncFolder(path string) error {
	if err := d.fault("syncFolder"); err != nil {
		return err
	}
	return d.disk.syncFolder(path)
}

type faultyFile struct {
	diskFile
	disk *faultyDisk
}

func (f *faultyFile) Write(data []byte) (int, error) {
	err := f.disk.fault("write")
	if err == nil {
		return f.diskFile.Write(data)
	}
	n := 0
	if f.disk.half {
		n, _ = f.diskFile.Write(data[:len(data)/2])
	}
	return n, err
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.disk.fault("truncate"); err != nil {
		return err
	}
	return f.diskFile.Truncate(size)
}

func (f *faultyFile) Sync() error {
	if err := f.disk.fault("sync"); err != nil {
		return err
	}
	return f.diskFile.Sync()
}

func TestAppendGoesOnAfterAFullDisk(t *testing.T) {
	spool := newTestSpool(t, 1<<20)
	faults := &faultyDisk{disk: spool.disk, half: true}
	spool.disk = faults
	session := consent.NewID[consent.SessionID]()
	key, head := newTestKey(t, session, consent.ScopeRecordingAudio), testHead(session, media.KindAudio, 0)
	w := writeTestSegment(t, spool, key, head, 1)
	faults.arm(map[string]error{"write": syscall.ENOSPC})
	err := w.Append(testChunk(head, 1))
	if !errors.Is(err, ErrSpoolFull) || !strings.Contains(err.Error(), "free space") {
		t.Errorf("append to a full disk = %v, want one that says to free space", err)
	}
	checkUsed(t, spool)
	faults.arm(nil)
	if err := w.Append(testChunk(head, 1)); err != nil {
		t.Fatalf("append after space was freed: %v", err)
	}
	if err := w.Seal(t.Context(), testInfo(head, 2)); err != nil {
		t.Fatalf("seal: %v", err)
	}
	checkSealed(t, spool, key, head, 2)
	checkUsed(t, spool)
}

// TestNoFaultLosesAChunk breaks each step of sealing in turn; recovery then has every chunk.
func TestNoFaultLosesAChunk(t *testing.T) {
	for _, step := range []string{"write", "write+truncate", "sync", "rename", "syncFolder"} {
		t.Run(step, func(t *testing.T) {
			spool := newTestSpool(t, 1<<20)
			faults := &faultyDisk{disk: spool.disk, half: true}
			spool.disk = faults
			session := consent.NewID[consent.SessionID]()
			key, head := newTestKey(t, session, consent.ScopeRecordingAudio), testHead(session, media.KindAudio, 0)
			w := writeTestSegment(t, spool, key, head, 3)
			fail := map[string]error{}
			for operation := range strings.SplitSeq(step, "+") {
				fail[operation] = syscall.EIO
			}
			faults.arm(fail)
			if err := w.Seal(t.Context(), testInfo(head, 3)); !errors.Is(err, syscall.EIO) {
				t.Errorf("seal = %v, want %v", err, syscall.EIO)
			}
			if diff := cmp.Diff([]string{w.name}, spool.brokenFiles()); diff != "" {
				t.Errorf("broken files (-want +got):\n%s", diff)
			}
			if open, _ := spool.isOpen(w.name); open {
				if _, _, err := spool.mend(w.name, key, rebuildTest); err == nil {
					t.Error("mending succeeded while the disk fails")
				}
			}
			faults.arm(nil)
			if open, _ := spool.isOpen(w.name); open {
				if kept, _, err := spool.mend(w.name, key, rebuildTest); err != nil || !kept {
					t.Fatalf("mend = %v, %v", kept, err)
				}
			}
			checkSealed(t, spool, key, head, 3)
		})
	}
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
