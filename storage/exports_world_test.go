package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"greenroom/consent"
	"greenroom/media"
)

// exportsWorld is a world with recordings, a store and exports.
type exportsWorld struct {
	*world
	objects  *Objects
	segments *Segments
	uploader *Uploader
	exports  *Exports
}

func newExportsWorld(t *testing.T, store func(t *testing.T) ObjectsConfig) *exportsWorld {
	t.Helper()
	w := &exportsWorld{world: newWorld(t)}
	w.objects = openTestObjects(t, store(t))
	spool := openTestSpool(t, t.TempDir(), 16<<20)
	w.segments = NewSegments(w.database, w.keys, spool, w.objects)
	w.uploader = NewUploader(w.database, w.keys, spool, w.objects, w.gate, slog.New(slog.DiscardHandler))
	w.uploader.rebuild = rebuildTest
	w.exports = NewExports(w.database, w.keys, w.objects, slog.New(slog.DiscardHandler))
	return w
}

// recorded is an interview of which a segment of each kind was kept.
func (w *exportsWorld) recorded(t *testing.T, of consent.Account) consent.SessionID {
	t.Helper()
	id := w.interview(t, of)
	for _, kind := range []media.Kind{media.KindAudio, media.KindVideo} {
		head := testHead(id, kind, 0)
		writer, err := w.segments.OpenSegment(t.Context(), w.part(t, consent.ActorRecorder, id, consent.ArtefactCapture), head)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(writer.Append(testChunk(head, 0)), writer.Seal(t.Context(), testInfo(head, 1))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.uploader.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	return id
}

func (w *exportsWorld) request(t *testing.T, of consent.Account, session consent.SessionID) consent.Export {
	t.Helper()
	export, err := w.exports.Request(t.Context(), of.ID, session)
	if err != nil {
		t.Fatalf("request: %v", err)
	}
	return export
}

func (w *exportsWorld) find(t *testing.T, of consent.Account, id consent.ExportID) consent.Export {
	t.Helper()
	export, err := w.exports.Export(t.Context(), of.ID, id)
	if err != nil {
		t.Fatalf("find export: %v", err)
	}
	return export
}

func actorOfExport(export consent.Export) consent.Actor {
	return consent.Actor{Kind: consent.ActorExport, Account: export.Account, Export: export.ID}
}

// copied is what the tests' writer puts into a file of one session.
type copied struct {
	Session  consent.SessionID
	Words    []string
	Reasons  []string
	Blocks   [][]byte
	History  consent.SessionHistory
	Receipts []consent.HeldReceipt
}

// write is a small export writer: it reads everything that the real one reads, under the same Permits.
func (w *exportsWorld) write(ctx context.Context, out io.Writer, export consent.Export,
	progress func(context.Context, consent.SessionID, consent.ExportFault) error,
) error {
	account, err := w.exports.AccountHistory(ctx, export)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(account); err != nil {
		return err
	}
	for _, s := range export.Sessions {
		snapshot, err := w.gate.Snapshot(ctx, actorOfExport(export), s.Session)
		if err != nil {
			return err
		}
		fault := consent.ExportFaultOf(snapshot)
		if fault == "" {
			session, err := w.copy(ctx, export, s.Session)
			if err != nil {
				return err
			}
			if err := json.NewEncoder(out).Encode(session); err != nil {
				return err
			}
		}
		if err := progress(ctx, s.Session, fault); err != nil {
			return err
		}
	}
	return nil
}

func (w *exportsWorld) copy(ctx context.Context, export consent.Export, id consent.SessionID) (copied, error) {
	found := copied{Session: id}
	snapshot, err := w.gate.Snapshot(ctx, actorOfExport(export), id)
	if err != nil {
		return found, err
	}
	permits := map[consent.Artefact]consent.Permit{}
	for _, artefact := range consent.AllArtefacts() {
		permits[artefact], _ = consent.Decide(snapshot, artefact) // what is refused stays zero
	}
	record, err := w.records.Record(ctx, consent.RecordPermits{
		Session: permits[consent.ArtefactSession], Ratings: permits[consent.ArtefactRatings], Feedback: permits[consent.ArtefactFeedback],
		Quotes: permits[consent.ArtefactQuotes], Measurements: permits[consent.ArtefactMeasurements],
		Transcript: permits[consent.ArtefactTranscript], Private: permits[consent.ArtefactPrivate],
	})
	if err != nil {
		return found, err
	}
	for _, line := range record.Lines() {
		found.Words = append(found.Words, line.Text())
	}
	for _, answer := range record.Answers {
		for _, rating := range answer.Ratings {
			found.Reasons = append(found.Reasons, string(rating.Rater().Kind)+rating.WhyNotHigher())
		}
	}
	for _, kind := range []media.Kind{media.KindAudio, media.KindVideo} {
		segments, err := w.segments.Segments(ctx, permits[kind.Artefact()], id, kind, 0)
		if err != nil {
			return found, err
		}
		for _, segment := range segments {
			chunks, err := w.segments.ReadChunks(ctx, permits[kind.Artefact()], segment, 0, 0)
			if err != nil {
				return found, err
			}
			found.Blocks = append(found.Blocks, chunks...)
		}
	}
	if found.History, err = w.exports.SessionHistory(ctx, permits[consent.ArtefactSession]); err != nil {
		return found, err
	}
	found.Receipts, err = w.exports.SessionReceipts(ctx, permits[consent.ArtefactSession])
	return found, err
}

// make makes the export's file with the writer and expects it to be ready.
func (w *exportsWorld) make(t *testing.T, export consent.Export, write ExportWriter) consent.Export {
	t.Helper()
	if err := w.exports.Make(t.Context(), export.Account, export.ID, write); err != nil {
		t.Fatalf("make: %v", err)
	}
	made, err := w.exports.Export(t.Context(), export.Account, export.ID)
	if err != nil || made.State != consent.ExportReady {
		t.Fatalf("made %+v, %v; want it ready", made, err)
	}
	return made
}

// exportPermits asks the real gate about every session in the export, as a download does.
func (w *exportsWorld) exportPermits(t *testing.T, export consent.Export) []consent.Permit {
	t.Helper()
	var permits []consent.Permit
	for _, s := range export.Sessions {
		if s.Done {
			permits = append(permits, w.permit(t, actorOfExport(export), s.Session, consent.ArtefactSession))
		}
	}
	return permits
}

// fetch reads the whole file of an export.
func (w *exportsWorld) fetch(t *testing.T, export consent.Export) []byte {
	t.Helper()
	permits := w.exportPermits(t, export)
	var whole bytes.Buffer
	for number := range ExportChunks(export) {
		chunk, err := w.exports.ReadChunk(t.Context(), permits, export, number)
		if err != nil {
			t.Fatalf("read chunk %d: %v", number, err)
		}
		whole.Write(chunk)
	}
	return whole.Bytes()
}

// noise is an export writer that ignores the sessions and writes so many bytes that cannot be compressed.
func noise(size int) (ExportWriter, []byte) {
	whole := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(whole)
	return func(_ context.Context, out io.Writer, _ consent.Export, _ func(context.Context, consent.SessionID, consent.ExportFault) error) error {
		for at := 0; at < size; at += 70_000 {
			if _, err := out.Write(whole[at:min(at+70_000, size)]); err != nil {
				return fmt.Errorf("write noise: %w", err)
			}
		}
		return nil
	}, whole
}

// copies reads the sessions out of a file that write made.
func copies(t *testing.T, file []byte) map[consent.SessionID]copied {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(file))
	var account consent.AccountHistory
	if err := decoder.Decode(&account); err != nil {
		t.Fatal(err)
	}
	found := map[consent.SessionID]copied{}
	for {
		var session copied
		if err := decoder.Decode(&session); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		found[session.Session] = session
	}
}

// left counts what there is of an export: objects and keys.
func (w *exportsWorld) left(t *testing.T, id consent.ExportID) (objects, keys int) {
	t.Helper()
	found, err := w.objects.versions(t.Context(), exportFolder(id))
	if err != nil {
		t.Fatal(err)
	}
	return len(found), w.ownerCount(t, `SELECT count(*) FROM export_keys WHERE export = $1`, id)
}

// wantNothing fails unless an export left no object and no key.
func (w *exportsWorld) wantNothing(t *testing.T, id consent.ExportID) {
	t.Helper()
	if objects, keys := w.left(t, id); objects+keys > 0 {
		t.Errorf("%d objects and %d keys are left of the export", objects, keys)
	}
}

// anyStore is for tests whose subject is the books.
func anyStore(t *testing.T) ObjectsConfig {
	t.Helper()
	return embeddedStore(t)
}

// withExportsOnEveryStore runs a test against the embedded store and against a real MinIO server.
func withExportsOnEveryStore(t *testing.T, test func(t *testing.T, w *exportsWorld)) {
	t.Helper()
	for name, store := range everyStore {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newExportsWorld(t, store))
		})
	}
}

// newTestKeys is how a test's world keeps its keys, so that they can be opened again.
func newTestKeys(t *testing.T, d *Database) *Keys {
	t.Helper()
	keys, err := OpenKeys(t.Context(), d, filepath.Join(t.TempDir(), "master.key"))
	if err != nil {
		t.Fatalf("open keys: %v", err)
	}
	return keys
}
