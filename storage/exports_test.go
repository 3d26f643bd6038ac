package storage

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"greenroom/consent"
)

func TestExportIsMadeAndFetchedAndGone(t *testing.T) {
	t.Parallel()
	withExportsOnEveryStore(t, func(t *testing.T, w *exportsWorld) {
		t.Helper()
		id := w.recorded(t, w.alice)
		export := w.request(t, w.alice, "")
		if export.State != consent.ExportQueued || !export.Whole || len(export.Sessions) != 1 || export.Sessions[0].RoleTitle == "" {
			t.Fatalf("requested %+v", export)
		}
		made := w.make(t, export, w.write)
		text := w.fetch(t, made)
		got := copies(t, text)[id]
		if len(got.Words) != 2 || got.Words[0] != secretWords || !slices.Equal(got.Reasons, []string{"model" + secretReason, "self"}) ||
			len(got.Blocks) != 2 || !bytes.Contains(got.Blocks[0], []byte(canary)) {
			t.Errorf("copied %+v: want the words, both ratings and a chunk of each kind", got)
		}
		if h := got.History; len(h.Consents) != 1 || len(h.Events) < 3 || len(h.AICalls) != 2 || len(got.Receipts) != 1 || got.Receipts[0].File.Opening == nil {
			t.Errorf("copied history %+v with %d receipts", h, len(got.Receipts))
		}
		if done := made.Sessions[0]; !done.Done || done.Fault != "" || done.Session != id || made.Bytes != int64(len(text)) {
			t.Errorf("made %+v from %d bytes", made, len(text))
		}
		if life := made.GoneAt.Sub(made.FinishedAt); life != consent.ExportLife {
			t.Errorf("it can be fetched for %v, want %v", life, consent.ExportLife)
		}
		if n := w.ownerCount(t, `SELECT count(*) FROM ledger WHERE kind = 'export_made' AND account = $1`, w.alice.ID); n != 1 {
			t.Errorf("the ledger has %d entries about it, want 1", n)
		}
		if w.holdsPlain(t, secretWords) || w.holdsPlain(t, "Alice@example.org") || w.holdsPlain(t, "alice@example.org") {
			t.Error("the store holds words or the address in clear")
		}

		w.ownerExec(t, `UPDATE exports SET finished_at = finished_at - interval '25 hours', gone_at = gone_at - interval '25 hours'`)
		if _, err := w.exports.ReadChunk(t.Context(), w.exportPermitsOf(made), made, 0); !errors.Is(err, consent.ErrNotFound) && !errors.Is(err, consent.ErrPermit) {
			t.Errorf("after its time: %v", err)
		}
		if n, err := w.exports.Tend(t.Context()); n != 1 || err != nil {
			t.Errorf("tended: %d, %v; want 1", n, err)
		}
		w.wantNothing(t, made.ID)
		if gone := w.find(t, w.alice, made.ID); gone.State != consent.ExportGone {
			t.Errorf("it is %s, want gone", gone.State)
		}
	})
}

// exportPermitsOf makes Permits past the gate, as of a moment ago: what stands behind them must hold alone.
func (w *exportsWorld) exportPermitsOf(export consent.Export) []consent.Permit {
	var permits []consent.Permit
	for _, s := range export.Sessions {
		permit, err := consent.Decide(consent.Snapshot{
			Actor: actorOfExport(export), ActorLive: true, ExportOpen: true, Session: s.Session, Known: true, Candidate: export.Account,
			State: consent.SessionEnded, Now: time.Now(), ReadAt: time.Now(),
		}, consent.ArtefactSession)
		if err == nil {
			permits = append(permits, permit)
		}
	}
	return permits
}

// holdsPlain looks for a text in everything that the store has.
func (w *exportsWorld) holdsPlain(t *testing.T, text string) bool {
	t.Helper()
	objects, err := w.objects.versions(t.Context(), "")
	if err != nil || len(objects) < 3 {
		t.Fatalf("%d objects, %v; want two segments and an export", len(objects), err)
	}
	for _, info := range objects {
		object, err := w.objects.client.GetObject(t.Context(), w.objects.bucket, info.Key, minio.GetObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(object)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(text)) {
			return true
		}
	}
	return false
}

func TestLargeFilesLieInSeveralObjects(t *testing.T) {
	t.Parallel()
	withExportsOnEveryStore(t, func(t *testing.T, w *exportsWorld) {
		t.Helper()
		for _, size := range []int{1, exportChunk - 1, exportChunk, exportPart * exportChunk, 2*exportPart*exportChunk + 12345} {
			write, whole := noise(size)
			made := w.make(t, w.request(t, w.alice, ""), write)
			if got := w.fetch(t, made); !bytes.Equal(got, whole) {
				t.Errorf("%d bytes come back as %d others", size, len(got))
			}
			if objects, keys := w.left(t, made.ID); objects != (size+exportPart*exportChunk-1)/(exportPart*exportChunk) || keys != 1 {
				t.Errorf("%d bytes lie in %d objects under %d keys", size, objects, keys)
			}
			for _, number := range []int{-1, ExportChunks(made)} {
				if _, err := w.exports.ReadChunk(t.Context(), nil, made, number); !errors.Is(err, ErrExportRange) {
					t.Errorf("chunk %d: %v", number, err)
				}
			}
		}
	})
}

func TestDamagedOrSwappedChunksAreRefused(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	write, _ := noise(3 * exportChunk)
	made := w.make(t, w.request(t, w.alice, ""), write)
	key := exportObject(made.ID, made.Attempt, 0)
	object, err := w.objects.read(t.Context(), key, 0, 3*(exportChunk+sealOverhead))
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func([]byte){
		"a bit":      func(b []byte) { b[100] ^= 1 },
		"two places": func(b []byte) { swapChunks(b) },
	} {
		spoiled := bytes.Clone(object)
		spoil(spoiled)
		if err := w.objects.removeAll(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if err := w.objects.create(t.Context(), key, spoiled); err != nil {
			t.Fatal(err)
		}
		if got, err := w.exports.ReadChunk(t.Context(), nil, made, 0); err == nil {
			t.Errorf("%s changed: %d bytes are served", name, len(got))
		}
	}
}

func swapChunks(b []byte) {
	const size = exportChunk + sealOverhead
	first := bytes.Clone(b[:size])
	copy(b, b[size:2*size])
	copy(b[size:], first)
}

func TestExportsAreRequestedOneAtATimeAndForOwnSessions(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	alices, bobs := w.interview(t, w.alice), w.interview(t, w.bob)
	for name, session := range map[string]consent.SessionID{"unknown": consent.NewID[consent.SessionID](), "bob's": bobs} {
		if _, err := w.exports.Request(t.Context(), w.alice.ID, session); !errors.Is(err, consent.ErrNotFound) {
			t.Errorf("a session that is %s: %v", name, err)
		}
	}
	first := w.request(t, w.alice, alices)
	if first.Whole || len(first.Sessions) != 1 || first.Sessions[0].Session != alices {
		t.Errorf("export of one session: %+v", first)
	}
	if _, err := w.exports.Request(t.Context(), w.alice.ID, ""); !errors.Is(err, consent.ErrExportUnderWay) {
		t.Errorf("a second one beside it: %v", err)
	}
	w.request(t, w.bob, "") // others need not wait
	if _, err := w.exports.Export(t.Context(), w.bob.ID, first.ID); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("bob finds alice's export: %v", err)
	}
	if list, err := w.exports.ExportsOf(t.Context(), w.bob.ID); err != nil || len(list) != 1 || list[0].Account != w.bob.ID {
		t.Errorf("bob's list: %+v, %v", list, err)
	}
	for range consent.MostExports - 1 {
		w.ownerExec(t, `UPDATE exports SET state = 'gone' WHERE account = $1`, w.alice.ID)
		w.request(t, w.alice, "")
	}
	w.ownerExec(t, `UPDATE exports SET state = 'gone'`)
	if _, err := w.exports.Request(t.Context(), w.alice.ID, ""); !errors.Is(err, consent.ErrExportsSpent) {
		t.Errorf("more than %d in a day: %v", consent.MostExports, err)
	}
	w.ownerExec(t, `UPDATE exports SET requested_at = requested_at - interval '25 hours'`)
	w.request(t, w.alice, "")
}

// What may not be read at its turn is not in the file, and the row says so.
func TestSessionsThatMayNotBeReadAreLeftOut(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	erased, held, live, good := w.recorded(t, w.alice), w.recorded(t, w.alice), w.recorded(t, w.alice), w.recorded(t, w.alice)
	restricted := w.recorded(t, w.alice) // the candidate themselves may still read it
	export := w.request(t, w.alice, "")
	w.ownerExec(t, `UPDATE sessions SET state = 'erased' WHERE id = $1`, erased)
	w.ownerExec(t, `UPDATE sessions SET held_at = now() WHERE id = $1`, held)
	w.ownerExec(t, `UPDATE sessions SET state = 'live' WHERE id = $1`, live)
	w.ownerExec(t, `UPDATE sessions SET restricted_at = now() WHERE id = $1`, restricted)
	made := w.make(t, export, w.write)
	want := map[consent.SessionID]consent.ExportFault{
		erased: consent.ExportFaultErased, held: consent.ExportFaultHeld, live: consent.ExportFaultLive, good: "", restricted: "",
	}
	for _, s := range made.Sessions {
		if fault, named := want[s.Session]; !named || s.Fault != fault || s.Done != (fault == "") {
			t.Errorf("%+v, want fault %q", s, fault)
		}
	}
	file := w.fetch(t, made)
	found := copies(t, file)
	if len(made.Sessions) != 5 || len(found) != 2 || found[good].Session == "" || found[restricted].Session == "" {
		t.Errorf("%d sessions are named, %d in the file", len(made.Sessions), len(found))
	}
	for _, hidden := range []consent.SessionID{held, live} {
		if bytes.Contains(file, []byte(hidden)) {
			t.Error("the file tells of a session that may not be read")
		}
	}
}

// An export of one session that may not be read has nothing to give.
func TestExportOfOneSessionFailsWithIt(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	id := w.recorded(t, w.alice)
	export := w.request(t, w.alice, id)
	w.ownerExec(t, `UPDATE sessions SET held_at = now() WHERE id = $1`, id)
	if err := w.exports.Make(t.Context(), w.alice.ID, export.ID, w.write); err != nil {
		t.Fatal(err)
	}
	failed := w.find(t, w.alice, export.ID)
	if failed.State != consent.ExportFailed || failed.Fault != consent.ExportFaultHeld || failed.FinishedAt.IsZero() {
		t.Errorf("it is %+v, want it failed because the session is held", failed)
	}
	w.wantNothing(t, export.ID)
}

func TestExportOfAClosedAccountFails(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	w.recorded(t, w.alice)
	export := w.request(t, w.alice, "")
	w.ownerExec(t, `UPDATE accounts SET closed_at = now() WHERE id = $1`, w.alice.ID)
	if err := w.exports.Make(t.Context(), w.alice.ID, export.ID, w.write); err != nil {
		t.Fatal(err)
	}
	if failed := w.find(t, w.alice, export.ID); failed.State != consent.ExportFailed || failed.Fault != consent.ExportFaultClosed {
		t.Errorf("it is %+v", failed)
	}
	w.wantNothing(t, export.ID)
}

// Whatever changed between the making and the download ends the download, even for whoever still holds Permits.
func TestKeyServiceRefusesWhatChangedSince(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	id := w.recorded(t, w.alice)
	made := w.make(t, w.request(t, w.alice, ""), w.write)
	for name, c := range map[string]struct{ spoil, mend string }{
		"session erased":     {`UPDATE sessions SET state = 'erased' WHERE id = $1`, `UPDATE sessions SET state = 'ended' WHERE id = $1`},
		"session held":       {`UPDATE sessions SET held_at = now() WHERE id = $1`, `UPDATE sessions SET held_at = NULL WHERE id = $1`},
		"session of another": {`UPDATE sessions SET candidate = (SELECT id FROM accounts WHERE display_name = 'Bob') WHERE id = $1`, `UPDATE sessions SET candidate = (SELECT id FROM accounts WHERE display_name = 'Alice') WHERE id = $1`},
		"account closed":     {`UPDATE accounts SET closed_at = now() WHERE $1 <> ''`, `UPDATE accounts SET closed_at = NULL WHERE $1 <> ''`},
		"export over":        {`UPDATE exports SET gone_at = statement_timestamp() WHERE $1 <> ''`, `UPDATE exports SET gone_at = now() + interval '1 hour' WHERE $1 <> ''`},
		"export failed":      {`UPDATE exports SET state = 'failed', fault = 'server' WHERE $1 <> ''`, `UPDATE exports SET state = 'ready', fault = NULL WHERE $1 <> ''`},
	} {
		w.ownerExec(t, c.spoil, id)
		if _, err := w.exports.ReadChunk(t.Context(), w.exportPermitsOf(made), made, 0); !errors.Is(err, consent.ErrNotFound) {
			t.Errorf("%s: %v, want it refused", name, err)
		}
		w.ownerExec(t, c.mend, id)
		if _, err := w.exports.ReadChunk(t.Context(), w.exportPermitsOf(made), made, 0); err != nil {
			t.Fatalf("%s and mended: %v", name, err)
		}
	}
}

func TestDownloadNeedsAPermitForEachSession(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	first, second := w.recorded(t, w.alice), w.recorded(t, w.alice)
	made := w.make(t, w.request(t, w.alice, ""), w.write)
	whole := w.exportPermits(t, made)
	candidate := []consent.Permit{
		w.permit(t, actorOf(w.alice), first, consent.ArtefactSession), w.permit(t, actorOf(w.alice), second, consent.ArtefactSession),
	}
	actor := actorOfExport(made)
	for name, permits := range map[string][]consent.Permit{
		"none": nil, "one": whole[:1], "zero": {{}, {}}, "the candidate's own": candidate,
		"of another artefact": {w.permit(t, actor, first, consent.ArtefactTranscript), w.permit(t, actor, second, consent.ArtefactTranscript)},
	} {
		if _, err := w.exports.ReadChunk(t.Context(), permits, made, 0); !errors.Is(err, consent.ErrPermit) {
			t.Errorf("%s: %v, want ErrPermit", name, err)
		}
	}
	if _, err := w.exports.ReadChunk(t.Context(), whole, made, 0); err != nil {
		t.Errorf("all: %v", err)
	}
}

// The gate refuses an export that is over, of another account, or that does not name the session.
func TestExportPermitsNeedTheirOpenExport(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	id := w.recorded(t, w.alice)
	export := w.request(t, w.alice, "")
	later := w.recorded(t, w.alice)
	refused := func(name string, actor consent.Actor, session consent.SessionID) {
		t.Helper()
		if _, err := w.gate.Permit(t.Context(), actor, session, consent.ArtefactTranscript); !errors.Is(err, consent.ErrNotFound) || errors.Is(err, consent.ErrFacts) {
			t.Errorf("%s: %v, want it refused", name, err)
		}
	}
	refused("not begun", actorOfExport(export), id)
	w.ownerExec(t, `UPDATE exports SET state = 'running'`)
	w.permit(t, actorOfExport(export), id, consent.ArtefactTranscript)
	refused("a session that came later", actorOfExport(export), later)
	refused("another's account", consent.Actor{Kind: consent.ActorExport, Account: w.bob.ID, Export: export.ID}, id)
	refused("another export", consent.Actor{Kind: consent.ActorExport, Account: w.alice.ID, Export: consent.NewID[consent.ExportID]()}, id)
	refused("no export", consent.Actor{Kind: consent.ActorExport, Account: w.alice.ID}, id)
	w.ownerExec(t, `UPDATE exports SET state = 'ready', finished_at = now() - interval '2 hours', gone_at = now() + interval '1 hour'`)
	w.permit(t, actorOfExport(export), id, consent.ArtefactTranscript)
	w.ownerExec(t, `UPDATE exports SET gone_at = now() - interval '1 hour'`)
	refused("over", actorOfExport(export), id)
	w.ownerExec(t, `UPDATE exports SET state = 'gone'`)
	refused("gone", actorOfExport(export), id)
}

// The export plane sees its account's content while an export of it is made, and nothing of anybody else's.
func TestExportPlaneSeesOnlyItsAccountWhileAnExportIsMade(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	w.share(t, w.alice, w.recorded(t, w.alice), w.acme, allShareable()...)
	w.share(t, w.bob, w.recorded(t, w.bob), w.acme, allShareable()...)
	alice, bob := rowContext{account: string(w.alice.ID)}, rowContext{account: string(w.bob.ID)}
	own := map[string]int{"accounts": 1, "sessions": 1}
	for state, sees := range map[string]bool{"none": false, "queued": false, "running": true, "ready": false, "failed": false, "gone": false} {
		w.ownerExec(t, `DELETE FROM exports`)
		if state != "none" {
			export := w.request(t, w.alice, "")
			w.ownerExec(t, `UPDATE exports SET state = $2::text, fault = CASE $2 WHEN 'failed' THEN 'server' END, finished_at = now() - interval '1 hour',
				gone_at = now() + interval '1 hour' WHERE id = $1`, export.ID, state)
		}
		seen := visible(t, w.database, RoleExport, alice)
		if !sees && !maps.Equal(seen, own) {
			t.Errorf("with an export that is %s it sees %v, want %v", state, seen, own)
		}
		for _, table := range []string{"lines", "follow_ups", "ratings", "rating_notes", "feedback", "evidence", "measurements", "gaps", "answers", "consent_events", "session_events", "authorizations", "authorization_events"} {
			if sees && seen[table] == 0 {
				t.Errorf("while an export is made it sees nothing of %s", table)
			}
		}
		if other := visible(t, w.database, RoleExport, bob); !maps.Equal(other, own) {
			t.Errorf("with alice's export %s it sees %v of bob, want %v", state, other, own)
		}
	}
}

// An export of one session shows that one, and one that is going on or closed to everybody shows nothing.
func TestExportPlaneSeesOnlyTheSessionsThatWereAskedFor(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	asked := w.recorded(t, w.alice)
	w.recorded(t, w.alice)
	w.request(t, w.alice, asked)
	w.ownerExec(t, `UPDATE exports SET state = 'running'`)
	count := func() int {
		return visible(t, w.database, RoleExport, rowContext{account: string(w.alice.ID)})["lines"]
	}
	if n := count(); n != 2 {
		t.Errorf("%d lines of two sessions are seen, want those of one", n)
	}
	for spoil, mend := range map[string]string{
		`UPDATE sessions SET state = 'live' WHERE id = $1`:   `UPDATE sessions SET state = 'ended' WHERE id = $1`,
		`UPDATE sessions SET state = 'erased' WHERE id = $1`: `UPDATE sessions SET state = 'ended' WHERE id = $1`,
		`UPDATE sessions SET held_at = now() WHERE id = $1`:  `UPDATE sessions SET held_at = NULL WHERE id = $1`,
	} {
		w.ownerExec(t, spoil, asked)
		if n := count(); n != 0 {
			t.Errorf("after %s %d lines are seen", spoil, n)
		}
		w.ownerExec(t, mend, asked)
	}
}
