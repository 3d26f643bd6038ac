package storage

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/minio/minio-go/v7"

	"greenroom/consent"
)

// sweepWorld is a world with a sweeper whose batches are of one.
type sweepWorld struct {
	*erasingWorld
	sweeper *Sweeper
	made    int64 // numbers what the cases make
}

func newSweepWorld(t *testing.T) *sweepWorld {
	t.Helper()
	w := &sweepWorld{erasingWorld: newErasingWorld(t, embeddedStore)}
	w.sweeper = NewSweeper(w.database, w.eraser, w.objects, slog.New(slog.DiscardHandler))
	w.sweeper.batch = 1
	return w
}

// round is what a server does in an hour: the sweep, and the jobs that go on with what it began.
func (w *sweepWorld) round(t *testing.T) map[string]int64 {
	t.Helper()
	swept, err := w.sweeper.Sweep(t.Context())
	if err != nil {
		t.Fatalf("sweep: %v", err)
	}
	due, err := w.eraser.Due(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range due {
		w.erase(t, id)
	}
	if _, err := w.eraser.EraseAccounts(t.Context()); err != nil {
		t.Fatal(err)
	}
	jobs, err := NewJobs(w.database, JobHandlers{Evidence: noEvidence, Answer: noAnswer}, JobOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := jobs.forgetViewers(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.exports.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	return swept
}

// unguarded changes rows that nobody may change, as if time had passed.
func (w *sweepWorld) unguarded(t *testing.T, statement string, args ...any) {
	t.Helper()
	w.ownerExec(t, `SET session_replication_role = replica`)
	defer w.ownerExec(t, `RESET session_replication_role`)
	w.ownerExec(t, statement, args...)
}

// all counts the rows of every table.
func (w *sweepWorld) all(t *testing.T) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, table := range catalogueTables() {
		counts[table] = w.ownerCount(t, `SELECT count(*) FROM `+table)
	}
	return counts
}

func catalogueTables(classes ...consent.Class) []string {
	found := map[string]bool{}
	for _, place := range consent.Catalogue() {
		if !strings.Contains(place.Name, ":") && (len(classes) == 0 || slices.Contains(classes, place.Class)) {
			found[place.Name[:strings.LastIndexByte(place.Name, '.')]] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// notSwept are rules that the sweeper has no part in, with what holds them.
var notSwept = map[consent.Class]string{
	consent.ClassBackup:  "TestOldCopiesOfKeysDieWhileSessionsLive",
	consent.ClassLedger:  "it has no end",
	consent.ClassService: "it has no end",
}

// TestWhatIsTooOldGoesAndWhatIsNotStays makes of everything that is kept for a time one that is just too old
// and one that is not, lets the sweeper be cut off after each of its steps in turn, and then finish.
func TestWhatIsTooOldGoesAndWhatIsNotStays(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t)
	cases := retentionCases()
	covered := map[consent.Class]bool{}
	places := map[string]bool{}
	for _, c := range cases {
		covered[c.class] = true
		for _, table := range c.tables {
			places[table] = true
		}
	}
	for _, rule := range consent.Retention() {
		if !covered[rule.Class] && notSwept[rule.Class] == "" {
			t.Errorf("no case holds the rule of class %s", rule.Class)
		}
	}
	for _, table := range catalogueTables(consent.ClassUsage, consent.ClassAudit, consent.ClassLeftovers, consent.ClassConsent) {
		if !places[table] {
			t.Errorf("no case holds that rows of %s go", table)
		}
	}

	type thing struct {
		name      string
		count     string
		had       int
		old       bool
		afterward func(*testing.T)
	}
	var things []thing
	for _, c := range cases {
		for _, old := range []bool{true, false} {
			count, afterward := c.make(t, w, c.begun(t, w, old))
			things = append(things, thing{c.name, count, w.ownerCount(t, count), old, afterward})
			if things[len(things)-1].had == 0 {
				t.Fatalf("%s: nothing was made", c.name)
			}
		}
	}
	paused := w.pausedThings(t)
	unsent := w.ageSpool(t)
	pausedBefore := maps.Collect(func(yield func(string, int) bool) {
		for _, query := range paused {
			if !yield(query, w.ownerCount(t, query)) {
				return
			}
		}
	})

	// A server may die anywhere.
	died := errors.New("died")
	for n := range w.sweeper.steps() {
		ctx, cancel := context.WithCancel(t.Context())
		left := n
		w.sweeper.afterStep = func(string) error {
			if left--; left >= 0 {
				return nil
			}
			cancel()
			return died
		}
		if _, err := w.sweeper.Sweep(ctx); !errors.Is(err, died) {
			t.Fatalf("cut off after step %d: %v", n, err)
		}
		cancel()
	}
	w.sweeper.afterStep = nil
	w.round(t)

	look := func() {
		t.Helper()
		for _, thing := range things {
			switch n := w.ownerCount(t, thing.count); {
			case thing.old && n != 0:
				t.Errorf("%s: %d rows are left of what is too old", thing.name, n)
			case !thing.old && n != thing.had:
				t.Errorf("%s: %d of %d rows are left of what is not too old", thing.name, n, thing.had)
			}
			if thing.old && thing.afterward != nil {
				thing.afterward(t)
			}
		}
		for query, had := range pausedBefore {
			if n := w.ownerCount(t, query); n != had || had == 0 {
				t.Errorf("of a held or restricted interview %d of %d rows are left: %s", n, had, query)
			}
		}
		for _, name := range unsent {
			if _, err := os.Stat(name); err != nil {
				t.Errorf("what the object store does not have went: %v", err)
			}
		}
	}
	look()
	before := w.all(t)
	if again := w.round(t); len(again) != 0 {
		t.Errorf("a second sweep took %v", again)
	}
	if after := w.all(t); !maps.Equal(before, after) {
		t.Errorf("a second sweep changed rows from %v to %v", before, after)
	}
	w.comesByItself(t)
	w.eraserReachesNothingYoung(t)
	pausedBefore = nil                                                                                                   // the policies know of age only
	things = slices.DeleteFunc(things, func(thing thing) bool { return strings.HasPrefix(thing.name, "authorization") }) // and of that of a row, not of a record
	look()
}

// comesByItself waits for the job that nobody asks for.
func (w *sweepWorld) comesByItself(t *testing.T) {
	t.Helper()
	w.ownerExec(t, `INSERT INTO accesses (session, org, account, artefact, at) VALUES ($1, $2, $3, 'late', now() - interval '2 years')`, w.fresh(t), w.acme.ID, w.acmes.ID)
	working(t, w.world, JobHandlers{Sweeper: w.sweeper}, JobOptions{})
	waitFor(t, time.Minute, "the hourly sweep", func() bool {
		return w.ownerCount(t, `SELECT count(*) FROM accesses WHERE artefact = 'late'`) == 0
	})
}

// eraserReachesNothingYoung lets the eraser's role delete all that it can.
func (w *sweepWorld) eraserReachesNothingYoung(t *testing.T) {
	t.Helper()
	session := w.fresh(t)
	record := w.share(t, w.bob, session, w.acme, consent.ScopeRatings)
	had := w.ownerCount(t, `SELECT count(*) FROM authorization_events WHERE authorization_id = $1`, record.ID)
	defer func() {
		t.Helper()
		if n := w.ownerCount(t, `SELECT count(*) FROM authorization_events WHERE authorization_id = $1`, record.ID); n != had || n == 0 {
			t.Errorf("the eraser left %d of %d events of a record that is in force", n, had)
		}
		if n := w.ownerCount(t, `SELECT count(*) FROM authorizations WHERE id = $1`, record.ID); n != 1 {
			t.Error("the eraser deleted a record that is in force")
		}
	}()
	for _, table := range []string{
		"session_events", "accesses", "cut_offs", "ai_calls", "room_tickets", "log_ins", "authorization_events", "requests",
		"receipts", "invitations", "authorizations", "consent_events", "holds", "erasure_counts", "erasures", "sessions", "accounts",
	} {
		err := w.database.in(t.Context(), RoleErasure, rowContext{}, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `DELETE FROM `+table)
			return err
		})
		if err != nil && !hasCode(err, foreignKeyViolation) {
			t.Errorf("delete from %s as the eraser: %v", table, err)
		}
	}
}

// ageSpool leaves an interview of last year with a part that the object store does not have, makes its file
// look ten years old, and returns it.
func (w *sweepWorld) ageSpool(t *testing.T) []string {
	t.Helper()
	id := w.recorded(t, w.somebody(t))
	w.ownerExec(t, `UPDATE sessions SET ended_at = now() - interval '1 year' WHERE id = $1`, id)
	files, err := w.spool.list(sealedFolder)
	if err != nil {
		t.Fatal(err)
	}
	long := time.Now().AddDate(-10, 0, 0)
	var kept []string
	for _, file := range files {
		if !strings.HasPrefix(file.name, string(id)) {
			continue
		}
		name := filepath.Join(w.spool.dir, sealedFolder, file.name)
		if err := os.Chtimes(name, long, long); err != nil {
			t.Fatal(err)
		}
		kept = append(kept, name)
	}
	if len(kept) == 0 {
		t.Fatal("nothing waits in the spool")
	}
	return kept
}

func TestUnfinishedUploadsAreAborted(t *testing.T) {
	t.Parallel()
	objects := openTestObjects(t, embeddedStore(t))
	core := minio.Core{Client: objects.client}
	if _, err := core.NewMultipartUpload(t.Context(), objects.bucket, "some/key", minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		before time.Time
		want   int64
	}{
		{"it may still go on", time.Now().Add(-24 * time.Hour), 0},
		{"it began long ago", time.Now().Add(time.Hour), 1},
		{"it is gone", time.Now().Add(time.Hour), 0},
	} {
		if n, err := objects.abortUploads(t.Context(), c.before); n != c.want || err != nil {
			t.Errorf("%s: %d aborted, %v; want %d", c.name, n, err, c.want)
		}
	}
}

// What is looked for again and again is found by an index, with the policies of who looks.
func TestRowsWhoseTimeIsUpAreFoundByAnIndex(t *testing.T) {
	t.Parallel()
	d := newTestDatabase(t)
	plan := func(role Role, query string, arguments ...any) string {
		t.Helper()
		var lines []string
		err := d.in(t.Context(), role, rowContext{}, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), `SET LOCAL enable_seqscan = off`); err != nil { // the tables are empty
				return err
			}
			rows, err := tx.Query(t.Context(), `EXPLAIN `+query, append([]any{pgx.QueryExecModeSimpleProtocol}, arguments...)...)
			if err != nil {
				return err
			}
			lines, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(lines, "\n")
	}
	indexed := map[string]string{"session_events": "at", "accesses": "at", "ai_calls": "at", "cut_offs": "at"}
	for _, rows := range sweptRows() {
		column, has := indexed[rows.table]
		if !has {
			continue
		}
		got := plan(rows.role, rows.delete(), consent.RuleOf(rows.class).Kept.ISO(), sweepBatch)
		if want := "Index Cond: (" + column + " <= "; !strings.Contains(got, want) || !strings.Contains(got, rows.table+"_at") {
			t.Errorf("%s: the plan has no %q:\n%s", rows.table, want, got)
		}
	}
	got := plan(RoleWorker, endsQuery(expiredToNote), mostEnds, time.Now())
	if !strings.Contains(got, "authorizations_valid_until") || !strings.Contains(got, "Index Cond: ((valid_until > ") {
		t.Errorf("expiries: the plan does not go by the time:\n%s", got)
	}
}

// The bound for the index leaves nothing behind that is too old by the calendar.
func TestBoundForTheIndexIsNeverTighterThanThePeriod(t *testing.T) {
	t.Parallel()
	d := newTestDatabase(t)
	kept := map[string]bool{}
	for _, rows := range sweptRows() {
		kept[consent.RuleOf(rows.class).Kept.ISO()] = true
	}
	for _, other := range []string{"P1M", "P6M", "P1M1D"} {
		kept[other] = true
	}
	for period := range kept {
		var missed int
		err := d.in(t.Context(), RoleErasure, rowContext{}, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `SELECT count(*) FROM generate_series(timestamptz '2023-01-01', '2029-01-01', '12 hours') begun
				CROSS JOIN LATERAL (SELECT begun + $1::interval AS over) o WHERE begun > over - $1::interval + interval '4 days'`, period).Scan(&missed)
		})
		if err != nil || missed != 0 {
			t.Errorf("%s: %d moments are missed, %v", period, missed, err)
		}
	}
}
