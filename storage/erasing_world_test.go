package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

// erasingWorld is a world with a spool, an object store, and an eraser.
type erasingWorld struct {
	*world
	objects  *Objects
	spool    *Spool
	segments *Segments
	uploader *Uploader
	exports  *Exports
	eraser   *Eraser
	erasures *Erasures
}

func newErasingWorld(t *testing.T, store func(t *testing.T) ObjectsConfig) *erasingWorld {
	t.Helper()
	w := &erasingWorld{world: newWorld(t)}
	w.objects = openTestObjects(t, store(t))
	w.spool = openTestSpool(t, t.TempDir(), 16<<20)
	w.segments = NewSegments(w.database, w.keys, w.spool, w.objects)
	w.uploader = NewUploader(w.database, w.keys, w.spool, w.objects, w.gate, slog.New(slog.DiscardHandler))
	w.uploader.rebuild = rebuildTest
	w.exports = NewExports(w.database, w.keys, w.objects, slog.New(slog.DiscardHandler))
	w.eraser = w.newEraser()
	w.erasures = NewErasures(w.database)
	return w
}

func (w *erasingWorld) newEraser() *Eraser {
	return NewEraser(w.database, w.spool, w.objects, w.exports, func(transcription, assessment bool) []consent.Processor {
		if !transcription && !assessment {
			return nil
		}
		return []consent.Processor{{Name: "speech.example", What: "speech", Keeps: 30 * day}}
	}, slog.New(slog.DiscardHandler))
}

// recorded returns an interview that has left something in every place there is: rows in every table, an
// object of each kind, a sealed file that has not left, a share, a look at it.
func (w *erasingWorld) recorded(t *testing.T, of consent.Account) consent.SessionID {
	t.Helper()
	id := w.interview(t, of)
	w.record(t, id, media.KindAudio, 0)
	w.record(t, id, media.KindVideo, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := w.uploader.Drain(ctx); err != nil {
		t.Fatalf("drain: %v", err)
	}
	w.record(t, id, media.KindAudio, 1)
	w.share(t, of, id, w.acme, allShareable()...)
	if err := w.shared.NoteAccess(t.Context(), actorOf(w.acmes), id, []consent.Artefact{consent.ArtefactTranscript}); err != nil {
		t.Fatal(err)
	}
	w.personRates(t, w.acmes, id, 3, canary)
	w.contests(t, of, id)
	if err := w.corrects(t, of, id, assess.Correction{Line: assess.LineRef{Epoch: 1, Sequence: 1}, Text: "the swift brown canary"}); err != nil {
		t.Fatalf("correct: %v", err)
	}
	return id
}

func (w *erasingWorld) record(t *testing.T, id consent.SessionID, kind media.Kind, sequence int) {
	t.Helper()
	head := testHead(id, kind, sequence)
	writer, err := w.segments.OpenSegment(t.Context(), w.part(t, consent.ActorRecorder, id, consent.ArtefactCapture), head)
	if err != nil {
		t.Fatalf("open segment: %v", err)
	}
	if err := writer.Append(testChunk(head, 0)); err != nil {
		t.Fatalf("append: %v", err)
	}
	if err := writer.Seal(t.Context(), testInfo(head, 1)); err != nil {
		t.Fatalf("seal: %v", err)
	}
}

// ask asks for an erasure as the candidate.
func (w *erasingWorld) ask(t *testing.T, of consent.Account, id consent.SessionID) consent.Erasure {
	t.Helper()
	erasure, err := w.erasures.Erase(t.Context(), of.ID, id)
	if err != nil {
		t.Fatalf("ask for an erasure: %v", err)
	}
	return erasure
}

func (w *erasingWorld) erase(t *testing.T, id consent.SessionID) {
	t.Helper()
	if err := w.eraser.Erase(t.Context(), id); err != nil {
		t.Fatalf("erase: %v", err)
	}
}

// rowsOf counts what the tables of interviews hold of a session, by table.
func (w *erasingWorld) rowsOf(t *testing.T, id consent.SessionID) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, table := range consent.SessionTables() {
		if n := w.ownerCount(t, `SELECT count(*) FROM `+table+` WHERE session = $1`, id); n > 0 {
			counts[table] = n
		}
	}
	return counts
}

// nothingLeft fails for everything of a session that is left anywhere.
func (w *erasingWorld) nothingLeft(t *testing.T, id consent.SessionID) {
	t.Helper()
	if rows := w.rowsOf(t, id); len(rows) > 0 {
		t.Errorf("rows are left: %v", rows)
	}
	if left, err := w.objects.versions(t.Context(), string(id)); err != nil || len(left) != 0 {
		t.Errorf("%d object versions are left, %v", len(left), err)
	}
	for _, folder := range []string{openFolder, sealedFolder} {
		files, err := w.spool.list(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasPrefix(file.name, string(id)) {
				t.Errorf("file %s/%s is left", folder, file.name)
			}
		}
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM ledger_openings o JOIN ledger l USING (seq) WHERE o.session = $1 AND l.kind <> 'session_erased'`, id); n != 0 {
		t.Errorf("%d entries of the ledger can still be opened", n)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM erasure_objects o JOIN erasures e ON e.id = o.erasure WHERE e.session = $1`, id); n != 0 {
		t.Errorf("%d names of objects are left", n)
	}
	tombstone := w.ownerCount(t, `SELECT count(*) FROM sessions WHERE id = $1 AND state = 'erased' AND role = '' AND role_title = '' AND plan = '{}'
		AND NOT recording AND NOT transcription AND NOT assessment AND media_start IS NULL`, id)
	if tombstone != 1 {
		t.Error("the session's row is no bare tombstone")
	}
}

// find looks for texts in every column of every table and names the places.
func find(t *testing.T, owner *pgx.Conn, texts ...string) []string {
	t.Helper()
	rows, err := owner.Query(t.Context(), `SELECT format('%I.%I', table_schema, table_name), column_name FROM information_schema.columns
		WHERE table_schema IN ('public', 'river')`)
	if err != nil {
		t.Fatal(err)
	}
	type place struct{ Table, Column string }
	places, err := pgx.CollectRows(rows, pgx.RowToStructByPos[place])
	if err != nil || len(places) == 0 {
		t.Fatalf("%d columns, %v", len(places), err)
	}
	var found []string
	for _, p := range places {
		column := pgx.Identifier{p.Column}.Sanitize()
		for _, text := range texts {
			var n int
			look := fmt.Sprintf(`SELECT count(*) FROM %s WHERE position($1 IN %s::text) > 0 OR position(encode(convert_to($1, 'UTF8'), 'hex') IN %s::text) > 0`, p.Table, column, column)
			if err := owner.QueryRow(t.Context(), look, text).Scan(&n); err != nil {
				t.Fatalf("look into %s.%s: %v", p.Table, p.Column, err)
			}
			if n > 0 {
				found = append(found, fmt.Sprintf("%s.%s holds %q", p.Table, p.Column, text))
			}
		}
	}
	return found
}

// certified returns the certificate of a finished erasure, verified with all that comes with it.
func (w *erasingWorld) certified(t *testing.T, of consent.Account, id consent.ErasureID) consent.Certificate {
	t.Helper()
	file, err := w.erasures.Certificate(t.Context(), of.ID, id)
	if err != nil {
		t.Fatalf("certificate: %v", err)
	}
	text, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	if file, err = consent.ParseCertificateFile(text); err != nil {
		t.Fatalf("read the certificate file: %v", err)
	}
	certificate, found := file.Verify(mustKeySet(t, w.database.notary))
	for _, finding := range found {
		if finding.Verdict != consent.Holds {
			t.Errorf("certificate: %s", finding.Text)
		}
	}
	return certificate
}
