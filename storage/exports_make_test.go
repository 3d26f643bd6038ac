package storage

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/consent"
)

// begun is an export writer that says when it has begun, writes a part, and goes on when it is told to.
type begun struct {
	began chan consent.Export
	goOn  chan error
	write ExportWriter
}

func newBegun(write ExportWriter) *begun {
	return &begun{began: make(chan consent.Export, 1), goOn: make(chan error), write: write}
}

func (b *begun) run(ctx context.Context, out io.Writer, export consent.Export, progress func(context.Context, consent.SessionID, consent.ExportFault) error) error {
	if _, err := out.Write(make([]byte, exportPart*exportChunk)); err != nil { // an object is in the store
		return err
	}
	b.began <- export
	select {
	case err := <-b.goOn:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	return b.write(ctx, out, export, progress)
}

// making runs Make beside the test.
func (w *exportsWorld) making(ctx context.Context, export consent.Export, write ExportWriter) <-chan error {
	done := make(chan error, 1)
	go func() { done <- w.exports.Make(ctx, export.Account, export.ID, write) }() // the test waits for done
	return done
}

// A server that stops in the middle gives the export back; the next one begins its file anew.
func TestExportSurvivesAStop(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	w.recorded(t, w.alice)
	export := w.request(t, w.alice, "")
	slow := newBegun(w.write)
	ctx, stop := context.WithCancel(t.Context())
	done := w.making(ctx, export, slow.run)
	first := <-slow.began
	if objects, _ := w.left(t, export.ID); objects != 1 {
		t.Fatalf("%d objects before the stop, want 1", objects)
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	if objects, _ := w.left(t, export.ID); objects != 0 {
		t.Errorf("%d objects after the stop, want none", objects)
	}
	if waits := w.find(t, w.alice, export.ID); waits.State != consent.ExportQueued {
		t.Errorf("after the stop it is %s, want queued", waits.State)
	}
	made := w.make(t, export, w.write)
	if made.Attempt != first.Attempt+1 {
		t.Errorf("attempt %d after %d", made.Attempt, first.Attempt)
	}
	w.fetch(t, made)
}

// A server that died says nothing: after a while another takes over, and if the first was only slow, it
// finds out and spoils nothing.
func TestExportIsTakenOverFromWhoIsNotHeardOf(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	w.recorded(t, w.alice)
	export := w.request(t, w.alice, "")
	slow := newBegun(w.write)
	done := w.making(t.Context(), export, slow.run)
	<-slow.began
	busy, _ := noise(10)
	if err := w.exports.Make(t.Context(), w.alice.ID, export.ID, busy); err != nil {
		t.Errorf("while somebody is at it: %v", err)
	}
	if running := w.find(t, w.alice, export.ID); running.State != consent.ExportRunning || running.Attempt != 1 {
		t.Fatalf("while somebody is at it, another changed it to %+v", running)
	}
	w.workedOnByTheDead(t, export.ID)
	w.ownerExec(t, `UPDATE exports SET beat_at = now() - interval '1 minute'`)
	w.wantAskedAnew(t, export.ID)
	made := w.make(t, export, w.write)
	text := w.fetch(t, made)
	var err error
	select {
	case slow.goOn <- nil:
		err = <-done
	case err = <-done: // on a slow machine its next beat finds out before it goes on
	}
	if !errors.Is(err, errExportLost) {
		t.Errorf("the first goes on: %v, want it to find out", err)
	}
	after := w.find(t, w.alice, export.ID)
	if after.State != consent.ExportReady || after.Attempt != made.Attempt || string(w.fetch(t, after)) != string(text) {
		t.Errorf("the first spoiled what the second made: %+v", after)
	}
}

// A server may also die after it took the job up and before it began, or wait with a file that it gave back:
// however often that happens, the export is asked for once more, and not while a job for it waits.
func TestExportIsAskedForAnewAfterADeathBeforeItBegan(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	w.recorded(t, w.alice)
	export := w.request(t, w.alice, "")
	w.tend(t)
	if n := w.ownerCount(t, exportJobs(export.ID)); n != 1 {
		t.Fatalf("%d jobs while the first waits, want 1", n)
	}
	w.ownerExec(t, `UPDATE river.river_job SET state = 'running', attempted_at = now() WHERE kind = 'export'`)
	w.tend(t)
	if n := w.ownerCount(t, exportJobs(export.ID)); n != 1 {
		t.Fatalf("%d jobs when the first was just taken up, want 1", n)
	}
	for range 3 {
		w.workedOnByTheDead(t, export.ID)
		w.wantAskedAnew(t, export.ID)
	}
	w.ownerExec(t, `DELETE FROM river.river_job WHERE kind = 'export'`) // as a restored database may have none
	w.wantAskedAnew(t, export.ID)
	w.fetch(t, w.make(t, export, w.write))
	w.workedOnByTheDead(t, export.ID)
	w.tend(t)
	if n := w.ownerCount(t, exportJobs(export.ID)); n != 1 {
		t.Errorf("%d jobs for an export that is made, want the old one only", n)
	}
}

func exportJobs(export consent.ExportID) string {
	return `SELECT count(*) FROM river.river_job WHERE kind = 'export' AND args->>'export' = '` + string(export) + `'`
}

// workedOnByTheDead makes the books of the job library say that the export's jobs were taken up long ago.
func (w *exportsWorld) workedOnByTheDead(t *testing.T, export consent.ExportID) {
	t.Helper()
	w.ownerExec(t, `UPDATE river.river_job SET state = 'running', attempted_at = now() - interval '1 minute'
		WHERE kind = 'export' AND args->>'export' = $1`, export)
}

func (w *exportsWorld) tend(t *testing.T) {
	t.Helper()
	if _, err := w.exports.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// wantAskedAnew tends twice and demands one new job.
func (w *exportsWorld) wantAskedAnew(t *testing.T, export consent.ExportID) {
	t.Helper()
	before := w.ownerCount(t, exportJobs(export))
	w.tend(t)
	w.tend(t)
	if n := w.ownerCount(t, exportJobs(export)) - before; n != 1 {
		t.Errorf("%d new jobs, want 1", n)
	}
}

// A beat tells a maker whose export was taken away to stop.
func TestTakenAwayExportStopsItsMaker(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	w.exports.times.beat = 5 * time.Millisecond
	w.recorded(t, w.alice)
	export := w.request(t, w.alice, "")
	slow := newBegun(w.write)
	done := w.making(t.Context(), export, slow.run)
	<-slow.began
	w.ownerExec(t, `UPDATE accounts SET closed_at = now() WHERE id = $1`, w.alice.ID)
	if err := w.exports.EraseAccount(t.Context(), w.alice.ID); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if !errors.Is(err, errExportLost) {
			t.Errorf("taken away: %v", err)
		}
	case <-deadline(t):
		t.Fatal("the maker goes on")
	}
	w.wantNothing(t, export.ID)
	if n := w.ownerCount(t, `SELECT count(*) FROM exports`); n != 0 {
		t.Errorf("%d rows of exports are left of an erased account", n)
	}
}

// What is erased while the file is made is not in it: this attempt ends, the next leaves it out.
func TestSessionErasedWhileItIsExported(t *testing.T) {
	t.Parallel()
	for name, erase := range map[string]func(*exportsWorld, consent.SessionID) error{
		"the eraser says so": func(w *exportsWorld, id consent.SessionID) error {
			return w.exports.EraseSession(context.Background(), id)
		},
		"only the row says so": func(*exportsWorld, consent.SessionID) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			w := newExportsWorld(t, anyStore)
			bad, good := w.recorded(t, w.alice), w.recorded(t, w.alice)
			export := w.request(t, w.alice, "")
			late := newBegun(func(context.Context, io.Writer, consent.Export, func(context.Context, consent.SessionID, consent.ExportFault) error) error {
				return nil
			})
			done := w.making(t.Context(), export, func(ctx context.Context, out io.Writer, export consent.Export, progress func(context.Context, consent.SessionID, consent.ExportFault) error) error {
				if err := w.write(ctx, out, export, progress); err != nil {
					return err
				}
				return late.run(ctx, out, export, progress)
			})
			<-late.began
			w.ownerExec(t, `UPDATE sessions SET state = 'erased' WHERE id = $1`, bad)
			if err := erase(w, bad); err != nil {
				t.Fatal(err)
			}
			late.goOn <- nil
			if err := <-done; !errors.Is(err, errExportLost) {
				t.Errorf("the attempt ends with %v", err)
			}
			w.wantNoObjects(t, export.ID)
			made := w.make(t, export, w.write)
			for _, s := range made.Sessions {
				if s.Done != (s.Session == good) {
					t.Errorf("session %+v", s)
				}
			}
		})
	}
}

func (w *exportsWorld) wantNoObjects(t *testing.T, id consent.ExportID) {
	t.Helper()
	if objects, _ := w.left(t, id); objects > 0 {
		t.Errorf("%d objects of an attempt that ended are left", objects)
	}
}

// Erasing a session takes the finished exports that hold it, and no others.
func TestErasingASessionTakesItsExports(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	erased, kept := w.recorded(t, w.alice), w.recorded(t, w.alice)
	with := w.make(t, w.request(t, w.alice, erased), w.write)
	without := w.make(t, w.request(t, w.alice, kept), w.write)
	w.ownerExec(t, `UPDATE sessions SET state = 'erased' WHERE id = $1`, erased)
	for range 2 {
		if err := w.exports.EraseSession(t.Context(), erased); err != nil {
			t.Fatal(err)
		}
	}
	w.wantNothing(t, with.ID)
	if gone := w.find(t, w.alice, with.ID); gone.State != consent.ExportGone {
		t.Errorf("the export that held it is %s", gone.State)
	}
	w.fetch(t, w.find(t, w.alice, without.ID))
}

// Also when nobody told the exports: the next look takes what holds an erased session.
func TestTendingTakesWhatHoldsAnErasedSession(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	id := w.recorded(t, w.alice)
	made := w.make(t, w.request(t, w.alice, id), w.write)
	if n, err := w.exports.Tend(t.Context()); n != 0 || err != nil {
		t.Fatalf("tended %d, %v; want nothing to do", n, err)
	}
	w.ownerExec(t, `UPDATE sessions SET state = 'erased' WHERE id = $1`, id)
	if n, err := w.exports.Tend(t.Context()); n != 1 || err != nil {
		t.Errorf("tended %d, %v; want 1", n, err)
	}
	w.wantNothing(t, made.ID)
	w.ownerExec(t, `UPDATE exports SET requested_at = now() - interval '3 days', finished_at = now() - interval '50 hours', gone_at = now() - interval '26 hours'`)
	if _, err := w.exports.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM exports`); n != 0 {
		t.Errorf("%d rows are left two days after it was made", n)
	}
}

func TestOrphansAreFoundAndRemoved(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	write, whole := noise(1000)
	made := w.make(t, w.request(t, w.alice, ""), write)
	orphan := consent.NewID[consent.ExportID]()
	for _, key := range []string{exportObject(orphan, 1, 0), exportObject(orphan, 2, 7)} {
		if err := w.objects.create(t.Context(), key, []byte("noise")); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := w.exports.Orphans(t.Context()); n != 1 || err != nil {
		t.Errorf("%d orphans, %v; want 1", n, err)
	}
	w.wantNothing(t, orphan)
	if got := w.fetch(t, made); string(got) != string(whole) {
		t.Error("an export that is kept was taken for an orphan")
	}
}

// The whole way: the request's job is worked on, fails, is tried again, and is given up in the end.
func TestExportJobIsWorkedOnTriedAgainAndGivenUp(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	w.recorded(t, w.alice)
	var failures atomic.Int32
	failures.Store(2)
	given := make(chan consent.ExportID, 1)
	working(t, w.world, JobHandlers{
		Export: func(ctx context.Context, account consent.AccountID, id consent.ExportID) error {
			return w.exports.Make(ctx, account, id, func(ctx context.Context, out io.Writer, export consent.Export, progress func(context.Context, consent.SessionID, consent.ExportFault) error) error {
				if failures.Add(-1) >= 0 {
					return errors.New("the store is away")
				}
				return w.write(ctx, out, export, progress)
			})
		},
	}, JobOptions{OnDiscard: func(ctx context.Context, job DiscardedJob) {
		if err := w.exports.GiveUp(ctx, job.Export); err != nil {
			t.Errorf("give up: %v", err)
		}
		given <- job.Export
	}})
	export := w.request(t, w.alice, "")
	waitFor(t, 20*time.Second, "the export to be ready", func() bool { return w.find(t, w.alice, export.ID).State == consent.ExportReady })
	if made := w.find(t, w.alice, export.ID); made.Attempt != 3 {
		t.Errorf("ready after %d attempts, want 3", made.Attempt)
	}
	failures.Store(1000)
	lost := w.request(t, w.alice, "")
	await(t, given, func(id consent.ExportID) bool { return id == lost.ID })
	failed := w.find(t, w.alice, lost.ID)
	if failed.State != consent.ExportFailed || failed.Fault != consent.ExportFaultServer || failed.Attempt != jobAttempts {
		t.Errorf("given up: %+v", failed)
	}
	w.wantNothing(t, lost.ID)
}
