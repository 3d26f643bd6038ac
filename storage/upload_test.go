package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
	"greenroom/media"
)

// TestNothingSealedIsLostBetweenAnyTwoSteps stops a process after each step of append, seal, upload
// and index. Its successor ends with one object, one row and no file.
func TestNothingSealedIsLostBetweenAnyTwoSteps(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	const chunks = 3
	steps := []struct {
		name string
		stop func(t *testing.T, head media.SegmentHead)
		want int // chunks that survive
	}{
		{"append", func(t *testing.T, head media.SegmentHead) {
			t.Helper()
			w.write(t, head, chunks)
		}, chunks},
		{"half an append", func(t *testing.T, head media.SegmentHead) {
			t.Helper()
			w.write(t, head, chunks)
			w.tear(t, head, 10)
		}, chunks - 1},
		{"seal written, not renamed", func(t *testing.T, head media.SegmentHead) {
			t.Helper()
			faults := &faultyDisk{disk: w.spool.disk, fail: map[string]error{"rename": syscall.EIO}}
			w.spool.disk = faults
			if err := w.write(t, head, chunks).Seal(t.Context(), testInfo(head, chunks)); err == nil {
				t.Fatal("seal succeeded without a rename")
			}
		}, chunks},
		{"half a seal", func(t *testing.T, head media.SegmentHead) {
			t.Helper()
			w.spool.disk = &faultyDisk{disk: w.spool.disk, fail: map[string]error{"rename": syscall.EIO}}
			_ = w.write(t, head, chunks).Seal(t.Context(), testInfo(head, chunks))
			w.tear(t, head, 10)
		}, chunks},
		{"seal", func(t *testing.T, head media.SegmentHead) {
			t.Helper()
			w.record(t, head, chunks)
		}, chunks},
		{"put", func(t *testing.T, head media.SegmentHead) {
			t.Helper()
			w.record(t, head, chunks)
			w.put(t, head)
		}, chunks},
		{"index", func(t *testing.T, head media.SegmentHead) {
			t.Helper()
			w.record(t, head, chunks)
			data := w.put(t, head)
			file, _ := scanSegment(data)
			segment := &sentSegment{info: testInfo(head, chunks), blocks: file.table, size: len(data), sum: sha256.Sum256(data)}
			if w.uploader.indexAll(t.Context(), []*sentSegment{segment}); segment.err != nil || segment.erased {
				t.Fatalf("index = %v, erased %v", segment.err, segment.erased)
			}
		}, chunks},
		{"delete", func(t *testing.T, head media.SegmentHead) {
			t.Helper()
			w.record(t, head, chunks)
			w.drain(t)
		}, chunks},
	}
	want := map[int]int{}
	w.die(t)
	for i, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			w.open(t, w.spool.dir)
			step.stop(t, testHead(w.session, media.KindAudio, i))
			w.die(t)
			w.open(t, w.spool.dir)
			w.drain(t)
			want[i] = step.want
			w.checkRecorded(t, media.KindAudio, want)
			if left, err := w.objects.versions(t.Context(), string(w.session)); err != nil || len(left) != len(want) {
				t.Errorf("there are %d objects, %v; want %d", len(left), err, len(want))
			}
		})
	}
}

// tear cuts bytes off an open file.
func (w *recordingWorld) tear(t *testing.T, head media.SegmentHead, bytes int64) {
	t.Helper()
	data, err := w.spool.read(openFolder, fileName(head.ID))
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	if err := syscall.Truncate(w.spool.path(openFolder, fileName(head.ID)), int64(len(data))-bytes); err != nil {
		t.Fatalf("truncate: %v", err)
	}
}

// put stores the object of a sealed file and does nothing else.
func (w *recordingWorld) put(t *testing.T, head media.SegmentHead) []byte {
	t.Helper()
	data, err := w.spool.read(sealedFolder, fileName(head.ID))
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	if err := w.objects.create(t.Context(), head.ID.ObjectKey(), data); err != nil {
		t.Fatalf("put: %v", err)
	}
	return data
}

// TestRecoveryRebuildsRealBlocks uses the media package's own rebuilding on a real SimpleBlock.
func TestRecoveryRebuildsRealBlocks(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	w.uploader.rebuild = media.RebuildSegment
	head := testHead(w.session, media.KindAudio, 1)
	writer, err := w.segments.OpenSegment(t.Context(), w.permit(t, consent.ActorRecorder, consent.ArtefactCapture), head)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	// SimpleBlock, 8 bytes: track 1, 40 ms after the segment's start, key; an Opus frame of 20 ms.
	plain := []byte{0xA3, 0x88, 0x81, 0x00, 0x28, 0x80, 0x78, 1, 2, 3}
	block := media.BlockRef{Offset: 6, Size: 4, Time: head.Start + 40*time.Millisecond, Key: true, Duration: 20 * time.Millisecond}
	if err := writer.Append(media.Chunk{Plain: plain, Blocks: []media.BlockRef{block}}); err != nil {
		t.Fatalf("append: %v", err)
	}
	w.die(t)
	w.open(t, w.spool.dir)
	w.uploader.rebuild = media.RebuildSegment
	w.drain(t)
	got := w.list(t, consent.ActorCandidate, media.KindAudio, 0)
	if len(got) != 1 || len(got[0].Table.Blocks) != 1 || got[0].Table.Blocks[0] != block || got[0].End <= block.Time {
		t.Errorf("rebuilt = %+v, want one block %+v", got, block)
	}
}

func TestUnreadableOpenFilesAreRemovedAndCounted(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	w.write(t, testHead(w.session, media.KindAudio, 0), 0) // a head and nothing else
	w.write(t, testHead(w.session, media.KindVideo, 0), 1)
	w.tear(t, testHead(w.session, media.KindVideo, 0), 1)
	w.die(t)
	w.open(t, w.spool.dir)
	w.drain(t)
	w.checkRecorded(t, media.KindAudio, map[int]int{})
	backlog, err := w.uploader.Backlog()
	if err != nil || backlog.Unreadable != 2 || backlog.Mended != 0 {
		t.Errorf("backlog = %+v, %v; want 2 unreadable", backlog, err)
	}
}

func TestOpenFilesFollowTheConsentAtRecovery(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, sql string
		kept      bool // in the spool
		withdrawn int64
	}{
		{"recording withdrawn", `UPDATE sessions SET recording = false`, false, 1},
		{"session erased", `UPDATE sessions SET state = 'erased'`, false, 1},
		{"session unknown", `DELETE FROM sessions`, true, 0}, // perhaps the wrong database: keep it
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newRecordingWorld(t, embeddedStore)
			head := testHead(w.session, media.KindAudio, 0)
			w.write(t, head, 2)
			w.die(t)
			if strings.HasPrefix(c.sql, "DELETE") {
				w.exec(t, `DELETE FROM data_keys`)
			}
			w.exec(t, c.sql)
			w.open(t, w.spool.dir)
			if _, err := w.uploader.pass(t.Context()); (err != nil) != c.kept {
				t.Errorf("pass = %v", err)
			}
			if open, err := w.spool.isOpen(fileName(head.ID)); err != nil || open != c.kept {
				t.Errorf("the file is there: %v, %v; want %v", open, err, c.kept)
			}
			if err := w.uploader.Drain(t.Context()); (err != nil) != c.kept { // it must not wait for ever
				t.Errorf("drain = %v", err)
			}
			backlog, err := w.uploader.Backlog()
			if err != nil || backlog.Withdrawn != c.withdrawn {
				t.Errorf("backlog = %+v, %v; want %d withdrawn", backlog, err, c.withdrawn)
			}
		})
	}
}

// TestStoreDownThenUp runs the uploader over an outage: the backlog is visible and nothing is lost.
func TestStoreDownThenUp(t *testing.T) {
	t.Parallel()
	for name, store := range everyStore {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var proxy *storeProxy
			w := newRecordingWorld(t, func(t *testing.T) ObjectsConfig {
				t.Helper()
				var through ObjectsConfig
				proxy, through = newStoreProxy(t, store(t))
				return through
			})
			proxy.set(proxyDown)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- w.uploader.Run(ctx) }() // ends with cancel below; done is read there
			for i := range 5 {
				w.record(t, testHead(w.session, media.KindAudio, i), 1)
			}
			waitFor(t, 20*time.Second, "the backlog to show the outage", func() bool {
				backlog, err := w.uploader.Backlog()
				return err == nil && backlog.Files == 5 && backlog.Bytes > 0 && !backlog.Oldest.IsZero() && backlog.Err != nil
			})
			backlog, _ := w.uploader.Backlog()
			if waiting, err := w.uploader.Waiting(); err != nil || len(waiting) != 1 || !waiting[w.session].Equal(backlog.Oldest) {
				t.Errorf("waiting %v, %v; want %s since %v", waiting, err, w.session, backlog.Oldest)
			}
			short, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
			if err := w.uploader.Drain(short); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("drain during the outage = %v, want %v", err, context.DeadlineExceeded)
			}
			stop()
			proxy.set(proxyUp)
			waitFor(t, 40*time.Second, "the backlog to go", func() bool {
				backlog, err := w.uploader.Backlog()
				return err == nil && backlog.Files == 0 && backlog.Err == nil
			})
			cancel()
			if err := <-done; err != nil {
				t.Errorf("run: %v", err)
			}
			w.checkRecorded(t, media.KindAudio, map[int]int{0: 1, 1: 1, 2: 1, 3: 1, 4: 1})
		})
	}
}

func TestAnotherObjectIsNeverOverwritten(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	bad, good := testHead(w.session, media.KindAudio, 0), testHead(w.session, media.KindAudio, 1)
	foreign := []byte("put here by somebody else")
	if err := w.objects.create(t.Context(), bad.ID.ObjectKey(), foreign); err != nil {
		t.Fatalf("create: %v", err)
	}
	w.record(t, bad, 1)
	w.record(t, good, 1)
	if _, err := w.uploader.pass(t.Context()); !errors.Is(err, errObjectDiffers) {
		t.Errorf("pass = %v, want %v", err, errObjectDiffers)
	}
	if got, err := w.objects.read(t.Context(), bad.ID.ObjectKey(), 0, int64(len(foreign))); err != nil || !bytes.Equal(got, foreign) {
		t.Errorf("the object is now %q, %v", got, err)
	}
	if _, err := w.spool.read(sealedFolder, fileName(bad.ID)); err != nil {
		t.Errorf("the local file is gone: %v", err)
	}
	if got := w.list(t, consent.ActorCandidate, media.KindAudio, 0); len(got) != 1 || got[0].ID != good.ID {
		t.Errorf("indexed = %+v, want only %v: one bad file must not hold up the others", got, good.ID)
	}
}

func TestIndexingTellsEveryNode(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	listener, err := w.database.Pool(RoleAudit).Acquire(t.Context())
	if err != nil {
		t.Fatalf("acquire: %v", err)
	}
	defer listener.Release()
	if _, err := listener.Exec(t.Context(), `LISTEN greenroom_changes`); err != nil {
		t.Fatalf("listen: %v", err)
	}
	w.record(t, testHead(w.session, media.KindAudio, 0), 1)
	w.drain(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	told, err := listener.Conn().WaitForNotification(ctx)
	if err != nil || told.Payload != string(w.session)+" recording" {
		t.Errorf("notification = %+v, %v; want the session's id and what changed", told, err)
	}
}

// TestIndexRisesInTheOrderRowsAppear holds one row of a session uncommitted: a second row must wait,
// because a reader who saw it would miss the first in a snapshot that ends there.
func TestIndexRisesInTheOrderRowsAppear(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	w.record(t, testHead(w.session, media.KindAudio, 0), 1)
	holding, release, second := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	held := make(chan error, 1)
	go func() { // ends after release; held is read below
		held <- w.database.in(t.Context(), RoleIngest, rowContext{session: string(w.session)}, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock(hashtextextended('segments/' || $1, 0))`, string(w.session))
			close(holding)
			<-release
			return err
		})
	}()
	<-holding
	go func() { // ends with the drain; second is read below
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		second <- w.uploader.Drain(ctx)
	}()
	waitFor(t, 10*time.Second, "the second writer to wait for the first", func() bool {
		return w.count(t, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) > 0
	})
	if n := w.count(t, `SELECT count(*) FROM segments`); n != 0 {
		t.Errorf("%d rows appeared meanwhile", n)
	}
	close(release)
	if err := errors.Join(<-held, <-second); err != nil {
		t.Fatalf("writers: %v", err)
	}
	w.checkRecorded(t, media.KindAudio, map[int]int{0: 1})
}

func TestDamagedSealedFileStaysAndSaysSo(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	head := testHead(w.session, media.KindAudio, 0)
	w.record(t, head, 1)
	path := w.spool.path(sealedFolder, fileName(head.ID))
	data, err := w.spool.read(sealedFolder, fileName(head.ID))
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	if err := syscall.Truncate(path, int64(len(data)-1)); err != nil {
		t.Fatalf("truncate: %v", err)
	}
	if _, err := w.uploader.pass(t.Context()); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("pass = %v, want it to say that the file is damaged", err)
	}
	if !fileExists(path) {
		t.Error("the file was dropped")
	}
}
