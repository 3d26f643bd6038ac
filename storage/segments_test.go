package storage

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"greenroom/consent"
	"greenroom/media"
)

// recordingWorld is a keysWorld with a spool, a store and an uploader.
type recordingWorld struct {
	*keysWorld
	config   ObjectsConfig
	objects  *Objects
	spool    *Spool
	segments *Segments
	uploader *Uploader
}

func newRecordingWorld(t *testing.T, store func(t *testing.T) ObjectsConfig) *recordingWorld {
	t.Helper()
	w := &recordingWorld{keysWorld: newKeysWorld(t)}
	w.config = store(t)
	w.objects = openTestObjects(t, w.config)
	w.open(t, t.TempDir())
	return w
}

// open is what a process does at its start.
func (w *recordingWorld) open(t *testing.T, dir string) {
	t.Helper()
	w.spool = openTestSpool(t, dir, 16<<20)
	w.segments = NewSegments(w.database, w.keys, w.spool, w.objects)
	w.uploader = NewUploader(w.database, w.keys, w.spool, w.objects, consent.Gate{Reader: NewSnapshots(w.database)}, slog.New(slog.DiscardHandler))
	w.uploader.rebuild = rebuildTest
}

// die leaves everything as a killed process does; the kernel drops its locks and its files.
func (w *recordingWorld) die(t *testing.T) {
	t.Helper()
	if err := w.spool.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// write appends chunks to a segment through the recorder's door and leaves it open.
func (w *recordingWorld) write(t *testing.T, head media.SegmentHead, chunks int) media.SegmentWriter {
	t.Helper()
	writer, err := w.segments.OpenSegment(t.Context(), w.permit(t, consent.ActorRecorder, consent.ArtefactCapture), head)
	if err != nil {
		t.Fatalf("open segment: %v", err)
	}
	for i := range chunks {
		if err := writer.Append(testChunk(head, i)); err != nil {
			t.Fatalf("append: %v", err)
		}
	}
	return writer
}

func (w *recordingWorld) record(t *testing.T, head media.SegmentHead, chunks int) {
	t.Helper()
	if err := w.write(t, head, chunks).Seal(t.Context(), testInfo(head, chunks)); err != nil {
		t.Fatalf("seal: %v", err)
	}
}

func (w *recordingWorld) drain(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := w.uploader.Drain(ctx); err != nil {
		t.Fatalf("drain: %v", err)
	}
}

// list reads the index as an actor.
func (w *recordingWorld) list(t *testing.T, actor consent.ActorKind, kind media.Kind, through int64) []media.StoredSegment {
	t.Helper()
	segments, err := w.segments.Segments(t.Context(), w.permit(t, actor, kind.Artefact()), w.session, kind, through)
	if err != nil {
		t.Fatalf("list segments: %v", err)
	}
	return segments
}

// checkRecorded expects exactly these segments, each with so many chunks, whole, once, and nothing
// left in the spool.
func (w *recordingWorld) checkRecorded(t *testing.T, kind media.Kind, want map[int]int) {
	t.Helper()
	segments := w.list(t, consent.ActorCandidate, kind, 0)
	got := map[int]int{}
	for _, s := range segments {
		got[s.ID.Sequence] = len(s.Table.Chunks)
		head := testHead(w.session, kind, s.ID.Sequence)
		if diff := cmp.Diff(testInfo(head, len(s.Table.Chunks)), s.SegmentInfo); diff != "" {
			t.Errorf("segment %d (-want +got):\n%s", s.ID.Sequence, diff)
		}
		permit := w.permit(t, consent.ActorCandidate, kind.Artefact())
		chunks, err := w.segments.ReadChunks(t.Context(), permit, s, 0, len(s.Table.Chunks)-1)
		if err != nil {
			t.Fatalf("read segment %d: %v", s.ID.Sequence, err)
		}
		if diff := cmp.Diff(plainOf(head, len(s.Table.Chunks)), chunks); diff != "" {
			t.Errorf("chunks of segment %d (-want +got):\n%s", s.ID.Sequence, diff)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(segments) != len(want) {
		t.Errorf("chunks by segment (-want +got):\n%s", diff)
	}
	for _, folder := range []string{openFolder, sealedFolder} {
		if files, err := w.spool.list(folder); err != nil || len(files) != 0 {
			t.Errorf("%s/ still has %v, %v", folder, files, err)
		}
	}
	if used, _ := w.spool.Used(); used != 0 {
		t.Errorf("an empty spool counts %d bytes", used)
	}
}

func TestRecordingComesBackAsItWasAppended(t *testing.T) {
	t.Parallel()
	for name, store := range everyStore {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRecordingWorld(t, store)
			for i := range 3 {
				w.record(t, testHead(w.session, media.KindAudio, i), 4+i)
				w.record(t, testHead(w.session, media.KindVideo, i), 2)
			}
			w.drain(t)
			w.checkRecorded(t, media.KindAudio, map[int]int{0: 4, 1: 5, 2: 6})
			w.checkRecorded(t, media.KindVideo, map[int]int{0: 2, 1: 2, 2: 2})
			segment := w.list(t, consent.ActorCandidate, media.KindAudio, 0)[2]
			part, err := w.segments.ReadChunks(t.Context(), w.permit(t, consent.ActorCandidate, consent.ArtefactAudio), segment, 2, 4)
			if err != nil || len(part) != 3 || !bytes.Equal(part[0], testChunk(segment.SegmentHead, 2).Plain) {
				t.Errorf("chunks 2 to 4 = %q, %v", part, err)
			}
			for _, span := range [][2]int{{-1, 0}, {0, 6}, {3, 2}, {6, 6}} {
				_, err := w.segments.ReadChunks(t.Context(), w.permit(t, consent.ActorCandidate, consent.ArtefactAudio), segment, span[0], span[1])
				if err == nil {
					t.Errorf("chunks %v of a segment of 6 were read", span)
				}
			}
		})
	}
}

func TestSnapshotEndsAtAnIndex(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	var last int64
	for i := range 3 {
		w.record(t, testHead(w.session, media.KindAudio, i), 1)
		w.drain(t)
		segments := w.list(t, consent.ActorCandidate, media.KindAudio, 0)
		if index := segments[len(segments)-1].Index; index <= last {
			t.Errorf("index %d follows %d", index, last)
		} else {
			last = index
		}
	}
	all := w.list(t, consent.ActorCandidate, media.KindAudio, 0)
	if frozen := w.list(t, consent.ActorCandidate, media.KindAudio, all[1].Index); len(frozen) != 2 {
		t.Errorf("through the second index there are %d segments, want 2", len(frozen))
	}
}

func TestStoreAndDiskHoldNoPlainText(t *testing.T) {
	data := t.TempDir()
	w := newRecordingWorld(t, func(t *testing.T) ObjectsConfig {
		t.Helper()
		return startTestGateway(t, data).Objects()
	})
	head := testHead(w.session, media.KindAudio, 0)
	w.record(t, head, 3)
	checkNoCanary(t, w.spool.dir)
	sealed, err := w.spool.read(sealedFolder, fileName(head.ID))
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	w.drain(t)
	checkNoCanary(t, data)
	object, err := w.objects.read(t.Context(), head.ID.ObjectKey(), 0, int64(len(sealed)))
	if err != nil || !bytes.Equal(object, sealed) {
		t.Errorf("the object is not what was on disk: %d bytes, %v; want %d", len(object), err, len(sealed))
	}
	if n := w.count(t, `SELECT count(*) FROM segments WHERE position($1::bytea IN blocks) > 0`, []byte(canary)); n != 0 {
		t.Error("the index has plain text")
	}
}

func TestEmployerReadsOnlyTheKindItWasGiven(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	w.record(t, testHead(w.session, media.KindAudio, 0), 1)
	w.record(t, testHead(w.session, media.KindVideo, 0), 1)
	w.drain(t)
	video := w.list(t, consent.ActorCandidate, media.KindVideo, 0)[0]
	audio := w.list(t, consent.ActorCandidate, media.KindAudio, 0)[0]
	readAs := func(actor consent.ActorKind, s media.StoredSegment) error {
		_, err := w.segments.ReadChunks(t.Context(), w.permit(t, actor, s.ID.Kind.Artefact()), s, 0, 0)
		return err
	}
	look := func(actor consent.ActorKind, kind media.Kind, index int64) error {
		return w.segments.MayRead(t.Context(), w.permit(t, actor, kind.Artefact()), w.session, kind, index)
	}
	nothing := func(when string, kind media.Kind, segment media.StoredSegment) {
		t.Helper()
		if err := look(consent.ActorEmployer, kind, segment.Index); !errors.Is(err, consent.ErrNotFound) {
			t.Errorf("%s, looking at %s = %v, want %v", when, kind, err, consent.ErrNotFound)
		}
		if got := w.list(t, consent.ActorEmployer, kind, 0); len(got) != 0 {
			t.Errorf("%s, the employer lists %d segments of %s", when, len(got), kind)
		}
		if err := readAs(consent.ActorEmployer, segment); !errors.Is(err, consent.ErrNotFound) {
			t.Errorf("%s, reading %s = %v, want %v", when, kind, err, consent.ErrNotFound)
		}
	}
	nothing("without a record", media.KindAudio, audio)
	id := w.grant(t, consent.ScopeRecordingAudio, consent.ScopeTranscript)
	if got := w.list(t, consent.ActorEmployer, media.KindAudio, 0); len(got) != 1 {
		t.Errorf("with audio, the employer lists %d segments of audio, want 1", len(got))
	}
	if err := errors.Join(readAs(consent.ActorEmployer, audio), look(consent.ActorEmployer, media.KindAudio, audio.Index), look(consent.ActorCandidate, media.KindVideo, video.Index)); err != nil {
		t.Errorf("with audio, reading audio: %v", err)
	}
	for name, index := range map[string]int64{"another kind's": video.Index, "no": video.Index + 100} {
		if err := look(consent.ActorEmployer, media.KindAudio, index); !errors.Is(err, consent.ErrNotFound) {
			t.Errorf("looking at %s segment as audio = %v, want %v", name, err, consent.ErrNotFound)
		}
	}
	nothing("with audio only", media.KindVideo, video)
	w.event(t, id, "withdrawn")
	nothing("after withdrawal", media.KindAudio, audio)
}

func TestReadersNeedThePermitOfThatKind(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	w.record(t, testHead(w.session, media.KindAudio, 0), 1)
	w.drain(t)
	audio := w.list(t, consent.ActorCandidate, media.KindAudio, 0)[0]
	for name, permit := range map[string]consent.Permit{
		"zero":            {},
		"of video":        w.permit(t, consent.ActorCandidate, consent.ArtefactVideo),
		"of the recorder": w.permit(t, consent.ActorRecorder, consent.ArtefactCapture),
	} {
		if got, err := w.segments.Segments(t.Context(), permit, w.session, media.KindAudio, 0); !errors.Is(err, consent.ErrPermit) || got != nil {
			t.Errorf("Permit %s: list = %v, %v; want %v", name, got, err, consent.ErrPermit)
		}
		if err := w.segments.MayRead(t.Context(), permit, w.session, media.KindAudio, audio.Index); !errors.Is(err, consent.ErrPermit) {
			t.Errorf("Permit %s: look = %v; want %v", name, err, consent.ErrPermit)
		}
		if got, err := w.segments.ReadChunks(t.Context(), permit, audio, 0, 0); !errors.Is(err, consent.ErrPermit) || got != nil {
			t.Errorf("Permit %s: read = %q, %v; want %v", name, got, err, consent.ErrPermit)
		}
	}
	if _, err := w.segments.OpenSegment(t.Context(), consent.Permit{}, testHead(w.session, media.KindAudio, 9)); !errors.Is(err, consent.ErrPermit) {
		t.Errorf("open a segment with the zero Permit = %v, want %v", err, consent.ErrPermit)
	}
	candidate := w.permit(t, consent.ActorCandidate, consent.ArtefactAudio)
	if _, err := w.segments.OpenSegment(t.Context(), candidate, testHead(w.session, media.KindAudio, 9)); !errors.Is(err, consent.ErrPermit) {
		t.Errorf("open a segment with a reader's Permit = %v, want %v", err, consent.ErrPermit)
	}
}

func TestNoSegmentBeginsAfterRecordingWasWithdrawn(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	w.record(t, testHead(w.session, media.KindAudio, 0), 1)
	w.exec(t, `UPDATE sessions SET recording = false WHERE id = $1`, w.session)
	permit := w.permit(t, consent.ActorRecorder, consent.ArtefactCapture) // decided a moment before
	if _, err := w.segments.OpenSegment(t.Context(), permit, testHead(w.session, media.KindAudio, 1)); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("open = %v, want %v", err, consent.ErrNotFound)
	}
	w.drain(t)
	w.checkRecorded(t, media.KindAudio, map[int]int{0: 1}) // what was kept with consent stays
}

func TestDamagedObjectsServeNothing(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"flipped byte": func(data []byte) []byte { data[len(data)/3] ^= 1; return data },
		"cut off":      func(data []byte) []byte { return data[:len(data)/4] },
		"other bytes":  func(data []byte) []byte { return bytes.Repeat([]byte{0}, len(data)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newRecordingWorld(t, embeddedStore)
			head := testHead(w.session, media.KindAudio, 0)
			w.record(t, head, 6)
			data, err := w.spool.read(sealedFolder, fileName(head.ID))
			if err != nil {
				t.Fatalf("read: %v", err)
			}
			w.drain(t)
			data = damage(data)
			_, err = w.objects.client.PutObject(t.Context(), w.objects.bucket, head.ID.ObjectKey(), bytes.NewReader(data), int64(len(data)), minio.PutObjectOptions{})
			if err != nil {
				t.Fatalf("damage: %v", err)
			}
			segment := w.list(t, consent.ActorCandidate, media.KindAudio, 0)[0]
			got, err := w.segments.ReadChunks(t.Context(), w.permit(t, consent.ActorCandidate, consent.ArtefactAudio), segment, 0, 5)
			if err == nil || got != nil || !strings.Contains(err.Error(), head.ID.ObjectKey()) {
				t.Errorf("read = %q, %v; want nothing and an error that names %s", got, err, head.ID.ObjectKey())
			}
		})
	}
}

func TestSwappedIndexRowsAreRefused(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	w.record(t, testHead(w.session, media.KindAudio, 0), 1)
	w.record(t, testHead(w.session, media.KindAudio, 1), 2)
	w.drain(t)
	w.exec(t, `UPDATE segments SET blocks = (SELECT blocks FROM segments WHERE sequence = 1) WHERE sequence = 0`)
	permit := w.permit(t, consent.ActorCandidate, consent.ArtefactAudio)
	if got, err := w.segments.Segments(t.Context(), permit, w.session, media.KindAudio, 0); err == nil {
		t.Errorf("swapped tables were believed: %+v", got)
	}
}
