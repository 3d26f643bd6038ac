package storage

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/minio/minio-go/v7"

	"greenroom/consent"
	"greenroom/media"
)

func TestErasingLeavesNothingButATombstone(t *testing.T) {
	t.Parallel()
	for name, store := range everyStore {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newErasingWorld(t, store)
			others := w.recorded(t, w.bob)
			mine := w.recorded(t, w.alice)
			if rows := w.rowsOf(t, mine); len(rows) != len(consent.SessionTables()) {
				t.Fatalf("the interview has left rows in %v only, of %v", slices.Sorted(maps.Keys(rows)), consent.SessionTables())
			}
			before := w.rowsOf(t, others)
			copied := w.copied(t, mine)
			versions := w.makeVersions(t, mine)

			asked := w.ask(t, w.alice, mine)
			if asked.State != consent.ErasureRunning || asked.Cause != consent.CauseRequest || !asked.Steps[0].At.IsZero() {
				t.Errorf("the erasure begins as %+v", asked)
			}
			w.everybodyIsRefused(t, mine)
			if _, err := w.sessions.Session(t.Context(), w.alice.ID, mine); !errors.Is(err, consent.ErrNotFound) {
				t.Errorf("the session is still there: %v", err)
			}
			if told(w.receiptsFor(t, w.acmes)) != "given given ended" { // of both interviews
				t.Errorf("acme was told %q", told(w.receiptsFor(t, w.acmes)))
			}
			w.erase(t, mine)
			w.nothingLeft(t, mine)
			if export, err := w.exports.Export(t.Context(), w.alice.ID, copied); err != nil || export.State != consent.ExportGone {
				t.Errorf("the copy that alice had made is %s, %v", export.State, err)
			}
			if left, err := w.objects.versions(t.Context(), exportFolder(copied)); err != nil || len(left) != 0 {
				t.Errorf("%d objects of that copy are left, %v", len(left), err)
			}
			if got := find(t, w.owner, secretWords, secretReason, secretAdvice, canary); len(got) > 0 {
				t.Errorf("plain text is left: %v", got)
			}

			list, err := w.erasures.ErasuresOf(t.Context(), w.alice.ID)
			if err != nil || len(list) != 1 || list[0].State != consent.ErasureDone || list[0].FinishedAt.IsZero() {
				t.Fatalf("alice sees %+v, %v", list, err)
			}
			for i, step := range list[0].Steps {
				if step.Step != consent.ErasureSteps()[i] || step.At.IsZero() {
					t.Errorf("step %d is %+v", i, step)
				}
			}
			c := w.certified(t, w.alice, asked.ID)
			if c.Session != mine || c.Objects != 2 || c.Versions != int64(versions) || c.SpoolFiles != 1 || len(c.KeysDestroyed) != 4 ||
				len(c.Rows) != len(consent.SessionTables())-1 || c.LedgerOpenings == 0 {
				t.Errorf("certificate: %+v; want 2 objects in %d versions, 1 file, 4 keys, rows of all tables", c, versions)
			}
			if len(c.Recipients) != 1 || c.Recipients[0].Org != w.acme.ID || len(c.Processors) != 1 {
				t.Errorf("recipients %+v, processors %+v", c.Recipients, c.Processors)
			}
			if told(w.receiptsOfErased(t, w.alice, mine)) != "given given withdrawn erased" {
				t.Errorf("alice was told %q", told(w.receiptsOfErased(t, w.alice, mine)))
			}

			if again := w.ask(t, w.alice, mine); again.ID != asked.ID || again.State != consent.ErasureDone {
				t.Errorf("asking again = %+v, want the one erasure", again)
			}
			w.erase(t, mine)
			if n := w.ownerCount(t, `SELECT count(*) FROM ledger WHERE kind = 'session_erased'`); n != 1 {
				t.Errorf("%d erasures are in the ledger, want 1", n)
			}
			if after := w.rowsOf(t, others); !maps.Equal(before, after) {
				t.Errorf("bob's interview had %v, and has %v", before, after)
			}
			if left, err := w.objects.versions(t.Context(), string(others)); err != nil || len(left) != 3 {
				t.Errorf("bob's interview has %d objects, %v", len(left), err)
			}
		})
	}
}

// copied returns a finished copy that alice had made of her session.
func (w *erasingWorld) copied(t *testing.T, id consent.SessionID) consent.ExportID {
	t.Helper()
	x := &exportsWorld{world: w.world, objects: w.objects, segments: w.segments, uploader: w.uploader, exports: w.exports}
	return x.make(t, x.request(t, w.alice, id), x.write).ID
}

// makeVersions leaves old versions and a delete marker where the store keeps them, and returns how many
// versions the session has.
func (w *erasingWorld) makeVersions(t *testing.T, id consent.SessionID) int {
	t.Helper()
	if err := w.objects.client.EnableVersioning(t.Context(), w.objects.bucket); err != nil {
		t.Logf("this store keeps no versions: %v", err)
	}
	key := testHead(id, media.KindAudio, 0).ID.ObjectKey()
	if err := w.objects.client.RemoveObject(t.Context(), w.objects.bucket, key, minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := w.objects.create(t.Context(), key, []byte("again")); err != nil {
		t.Fatal(err)
	}
	versions, err := w.objects.versions(t.Context(), string(id))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d versions", len(versions))
	return len(versions)
}

// everybodyIsRefused asks the gate as everyone there is.
func (w *erasingWorld) everybodyIsRefused(t *testing.T, id consent.SessionID) {
	t.Helper()
	for _, actor := range []consent.Actor{
		actorOf(w.alice), actorOf(w.acmes),
		{Kind: consent.ActorRecorder},
		{Kind: consent.ActorScribe},
		{Kind: consent.ActorAssessor},
	} {
		for _, artefact := range consent.AllArtefacts() {
			if _, err := w.gate.Permit(t.Context(), actor, id, artefact); !errors.Is(err, consent.ErrNotFound) {
				t.Errorf("%s may still touch %s: %v", actor.Kind, artefact, err)
			}
		}
	}
}

// receiptsOfErased are a candidate's receipts, whose openings are gone.
func (w *erasingWorld) receiptsOfErased(t *testing.T, of consent.Account, id consent.SessionID) []consent.Receipt {
	t.Helper()
	list, err := NewReceipts(w.database).ReceiptsOf(t.Context(), of.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	var receipts []consent.Receipt
	for _, summary := range slices.Backward(list) {
		file, err := NewReceipts(w.database).ReceiptFile(t.Context(), actorOf(of), summary.ID)
		if err != nil {
			t.Fatal(err)
		}
		receipt, found := file.Verify(mustKeySet(t, w.database.notary))
		if !found.Whole() || (file.Opening != nil) != (summary.State == consent.ReceiptErased) {
			t.Errorf("receipt of %s: %+v", summary.State, found)
		}
		receipts = append(receipts, receipt)
	}
	return receipts
}

// TestErasingMayDieBetweenAnyTwoSteps ends the process after each step. Its successor ends with the same
// certificate as one that was never cut off.
func TestErasingMayDieBetweenAnyTwoSteps(t *testing.T) {
	t.Parallel()
	w := newErasingWorld(t, embeddedStore)
	for _, step := range consent.ErasureSteps() {
		t.Run(string(step), func(t *testing.T) {
			id := w.recorded(t, w.alice)
			asked := w.ask(t, w.alice, id)
			killed := errors.New("killed")
			w.eraser.afterStep = func(at consent.ErasureStep) error {
				if at == step {
					return killed
				}
				return nil
			}
			if err := w.eraser.Erase(t.Context(), id); !errors.Is(err, killed) {
				t.Fatalf("erase = %v, want it to die after %s", err, step)
			}
			if _, err := w.erasures.Certificate(t.Context(), w.alice.ID, asked.ID); !errors.Is(err, consent.ErrNotFound) {
				t.Errorf("there is a certificate already: %v", err)
			}
			w.eraser = w.newEraser()
			w.erase(t, id)
			w.nothingLeft(t, id)
			c := w.certified(t, w.alice, asked.ID)
			if c.Objects != 2 || c.Versions != 2 || c.SpoolFiles != 1 || len(c.KeysDestroyed) != 4 || len(c.Rows) != len(consent.SessionTables())-1 {
				t.Errorf("certificate: %+v", c)
			}
			for _, rows := range c.Rows {
				if rows.Rows < 1 || rows.Rows > 30 {
					t.Errorf("%d rows of %s", rows.Rows, rows.Table)
				}
			}
		})
	}
}

// TestErasingOutlivesTheObjectStore: keys are gone at once, the rest waits, and says for what.
func TestErasingOutlivesTheObjectStore(t *testing.T) {
	t.Parallel()
	var proxy *storeProxy
	w := newErasingWorld(t, func(t *testing.T) ObjectsConfig {
		t.Helper()
		var through ObjectsConfig
		proxy, through = newStoreProxy(t, embeddedStore(t))
		return through
	})
	id := w.recorded(t, w.alice)
	asked := w.ask(t, w.alice, id)
	proxy.set(proxyDown)
	if err := w.eraser.Erase(t.Context(), id); !errors.Is(err, errObjectStore) {
		t.Fatalf("erase = %v, want %v", err, errObjectStore)
	}
	list, err := w.erasures.ErasuresOf(t.Context(), w.alice.ID)
	if err != nil || list[0].Fault != consent.FaultObjects || list[0].Steps[0].At.IsZero() || !list[0].Steps[2].At.IsZero() {
		t.Errorf("while the store is away: %+v, %v", list, err)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM data_keys WHERE session = $1`, id); n != 0 {
		t.Errorf("%d keys wait for the object store", n)
	}
	proxy.set(proxyUp)
	w.erase(t, id)
	w.nothingLeft(t, id)
	if c := w.certified(t, w.alice, asked.ID); c.Objects != 2 {
		t.Errorf("certificate: %+v", c)
	}
}

func TestHoldPausesAnErasure(t *testing.T) {
	t.Parallel()
	w := newErasingWorld(t, embeddedStore)
	id := w.recorded(t, w.alice)
	hold := func(value string) { w.ownerExec(t, `UPDATE sessions SET held_at = `+value+` WHERE id = $1`, id) }
	due := func() bool {
		list, err := w.eraser.Due(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return slices.Contains(list, id)
	}
	hold("statement_timestamp()")
	before := w.rowsOf(t, id)
	asked := w.ask(t, w.alice, id)
	if asked.State != consent.ErasurePaused || due() {
		t.Fatalf("asked while held: %+v, due: %v", asked, due())
	}
	w.erase(t, id)
	if after := w.rowsOf(t, id); !maps.Equal(before, after) {
		t.Errorf("a held interview had %v, and has %v", before, after)
	}
	if again := w.ask(t, w.alice, id); again.ID != asked.ID || again.State != consent.ErasurePaused {
		t.Errorf("asking again = %+v", again)
	}
	hold("NULL")
	if !due() {
		t.Fatal("nobody looks for it when the hold is lifted")
	}
	// It is held again while the eraser works.
	w.eraser.afterStep = func(step consent.ErasureStep) error {
		if step == consent.StepKeys {
			hold("statement_timestamp()")
		}
		return nil
	}
	if err := w.eraser.Erase(t.Context(), id); err == nil {
		t.Error("the eraser went on over a hold")
	}
	w.eraser = w.newEraser()
	w.erase(t, id)
	if list, err := w.erasures.ErasuresOf(t.Context(), w.alice.ID); err != nil || list[0].State != consent.ErasurePaused {
		t.Errorf("held again: %+v, %v", list, err)
	}
	if rows := w.rowsOf(t, id); rows["lines"] == 0 {
		t.Errorf("rows of a held session went: %v", rows)
	}
	hold("NULL")
	w.erase(t, id)
	w.nothingLeft(t, id)
	w.certified(t, w.alice, asked.ID)
}

// TestWritersOnTheirWayLeaveNothing lets everything that writes rows of a session go on while it is erased.
func TestWritersOnTheirWayLeaveNothing(t *testing.T) {
	t.Parallel()
	w := newErasingWorld(t, embeddedStore)
	for range 5 {
		id := w.live(t, w.alice, allConsents)
		scribe := w.part(t, consent.ActorScribe, id, consent.ArtefactTranscript)
		recorder := w.part(t, consent.ActorRecorder, id, consent.ArtefactCapture)
		stop := make(chan struct{})
		var writers sync.WaitGroup
		wrote := make(chan struct{}, 1000)
		for number, write := range []func(n int) error{
			func(n int) error { return w.ingest.SaveLine(t.Context(), scribe, testLine(id, n+1, 0)) },
			func(n int) error { return w.ingest.SaveAnswer(t.Context(), testAnswer(id, n%2)) },
			func(n int) error {
				at := time.Duration(n) * time.Second
				return w.ingest.SaveGap(t.Context(), id, media.Gap{Kind: media.KindAudio, Start: at, End: at, Reason: media.GapNetwork})
			},
			func(n int) error {
				head := testHead(id, media.KindAudio, n)
				writer, err := w.segments.OpenSegment(t.Context(), recorder, head)
				if err != nil {
					return err
				}
				return errors.Join(writer.Append(testChunk(head, 0)), writer.Seal(t.Context(), testInfo(head, 1)))
			},
			func(int) error { return w.ingest.SetOrigin(t.Context(), id, testOrigin) },
			func(int) error { _, err := w.uploader.pass(t.Context()); return err },
		} {
			writers.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					if write(n) == nil && number == 0 {
						select {
						case wrote <- struct{}{}:
						default:
						}
					}
				}
			})
		}
		for range 3 {
			<-wrote
		}
		asked := w.ask(t, w.alice, id)
		for err := w.eraser.Erase(t.Context(), id); err != nil; err = w.eraser.Erase(t.Context(), id) {
			t.Logf("again: %v", err)
		}
		close(stop)
		writers.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if err := w.uploader.Drain(ctx); err != nil {
			t.Errorf("drain: %v", err)
		}
		cancel()
		w.nothingLeft(t, id)
		w.certified(t, w.alice, asked.ID)
	}
}

// TestErasingWaitsForRowsOnTheirWay adds a row before the session is marked as erased and commits it while the
// work goes on.
func TestErasingWaitsForRowsOnTheirWay(t *testing.T) {
	t.Parallel()
	w := newErasingWorld(t, embeddedStore)
	id := w.live(t, w.alice, allConsents)
	release := w.adding(t, id)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	asked, err := w.erasures.Erase(ctx, w.alice.ID, id)
	if err != nil {
		t.Fatalf("ask for an erasure: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- w.eraser.Erase(t.Context(), id) }() // read below
	w.waiters(t, 1)
	release()
	if err := <-done; err != nil {
		t.Fatalf("erase: %v", err)
	}
	w.nothingLeft(t, id)
	w.certified(t, w.alice, asked.ID)
}

// TestEraserCannotTouchWhatIsNotErased speaks raw SQL as the eraser.
func TestEraserCannotTouchWhatIsNotErased(t *testing.T) {
	t.Parallel()
	w := newErasingWorld(t, embeddedStore)
	kept, held := w.recorded(t, w.alice), w.recorded(t, w.bob)
	w.ownerExec(t, `UPDATE sessions SET state = 'erased', held_at = statement_timestamp() WHERE id = $1`, held)
	before := [2]map[string]int{w.rowsOf(t, kept), w.rowsOf(t, held)}
	as := func(statement string, arguments ...any) (int64, error) {
		var n int64
		err := w.database.in(t.Context(), RoleErasure, rowContext{session: string(kept)}, func(tx pgx.Tx) error {
			done, err := tx.Exec(t.Context(), statement, arguments...)
			n = done.RowsAffected()
			return err
		})
		return n, err
	}
	for _, table := range consent.SessionTables() {
		if n, err := as(`DELETE FROM ` + table); err != nil || n != 0 {
			t.Errorf("the eraser deletes %d rows of %s that are not erased, %v", n, table, err)
		}
	}
	if n, err := as(`UPDATE sessions SET role_title = 'x', state = 'erased' WHERE id = $1`, held); err != nil || n != 0 {
		t.Errorf("the eraser changes a held session: %d, %v", n, err)
	}
	for _, statement := range []string{
		`UPDATE sessions SET role_title = 'x' WHERE id = $1`, `UPDATE sessions SET state = 'ended' WHERE id = $1`,
		`INSERT INTO authorization_events (authorization_id, org, kind) SELECT id, org, 'granted' FROM authorizations WHERE session = $1`,
		`UPDATE sessions SET candidate = id WHERE id = $1`,
	} {
		if n, err := as(statement, kept); !hasCode(err, policyViolation) {
			t.Errorf("%s: %d rows, %v; want it refused", statement, n, err)
		}
	}
	for _, column := range []string{"words FROM lines", "words FROM follow_ups", "wrapped FROM data_keys", "salt FROM ledger_openings", "notes FROM rating_notes", "items FROM feedback", "blocks FROM segments"} {
		if _, err := as(`SELECT ` + column); !hasCode(err, policyViolation) {
			t.Errorf("the eraser reads %s: %v", column, err)
		}
	}
	if after := [2]map[string]int{w.rowsOf(t, kept), w.rowsOf(t, held)}; !maps.Equal(before[0], after[0]) || !maps.Equal(before[1], after[1]) {
		t.Errorf("rows before %v, after %v", before, after)
	}
}

func TestErasuresAreTheirOwnersAlone(t *testing.T) {
	t.Parallel()
	w := newErasingWorld(t, embeddedStore)
	id := w.recorded(t, w.alice)
	for name, of := range map[string]consent.AccountID{"bob": w.bob.ID, "an employer": w.acmes.ID} {
		if _, err := w.erasures.Erase(t.Context(), of, id); !errors.Is(err, consent.ErrNotFound) {
			t.Errorf("%s erases alice's interview: %v", name, err)
		}
	}
	asked := w.ask(t, w.alice, id)
	w.erase(t, id)
	if list, err := w.erasures.ErasuresOf(t.Context(), w.bob.ID); err != nil || len(list) != 0 {
		t.Errorf("bob sees %+v, %v", list, err)
	}
	if _, err := w.erasures.Certificate(t.Context(), w.bob.ID, asked.ID); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("bob reads alice's certificate: %v", err)
	}
	if _, err := w.erasures.Erase(t.Context(), w.bob.ID, id); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("bob erases what alice has erased: %v", err)
	}
}
