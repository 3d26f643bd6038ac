package storage

import (
	"context"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

func TestSessionsOfAllRoomsAreReadAtOnceAsEachIsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	mine, others := w.live(t, w.alice, allConsents), w.live(t, w.bob, allConsents)
	ended, erased := w.live(t, w.alice, allConsents), w.live(t, w.alice, allConsents)
	if _, err := w.sessions.WithdrawConsent(ctx, w.alice.ID, mine, consent.ConsentRecording); err != nil {
		t.Fatal(err)
	}
	if err := w.ingest.EndSession(ctx, ended); err != nil {
		t.Fatal(err)
	}
	w.ownerExec(t, `UPDATE sessions SET state = 'erased' WHERE id = $1`, erased)
	ids := []consent.SessionID{"nothing", mine, "a|b", erased, others, ended, mine}
	found, err := w.ingest.SessionsNow(ctx, ids)
	if err != nil || len(found) != 3 {
		t.Fatalf("%d found, %v; want 3", len(found), err)
	}
	for _, id := range ids {
		alone, _, _, err := w.ingest.SessionForRoom(ctx, id)
		got, known := found[id]
		want := consent.Session{ID: alone.ID, Candidate: alone.Candidate, State: alone.State, Consents: alone.Consents}
		if known != (err == nil) || known && got != want {
			t.Errorf("%s: %+v, %v; alone %+v, %v", id, got, known, want, err)
		}
	}
	if none, err := w.ingest.SessionsNow(ctx, nil); err != nil || len(none) != 0 {
		t.Errorf("of nothing: %v, %v", none, err)
	}
}

// What cannot be read must not look like a session that was erased.
func TestSessionsNowNeedsASignedContextForEach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := w.live(t, w.alice, allConsents), w.live(t, w.bob, allConsents)
	good := signed(t, w.database, RoleIngest, rowContext{session: string(id)})
	count := func(role Role, contexts ...string) (seen int, err error) {
		const read = `SELECT count(id) FROM sessions_now($1)`
		return seen, w.database.Pool(role).QueryRow(t.Context(), read, contexts).Scan(&seen)
	}
	if n, err := count(RoleIngest, good); n != 1 || err != nil {
		t.Errorf("its own: %d, %v", n, err)
	}
	for name, text := range map[string]string{
		"none":              "",
		"altered":           strings.Replace(good, string(id), string(other), 1),
		"of another role":   signed(t, w.database, RoleCandidate, rowContext{session: string(id), account: string(w.alice.ID)}),
		"without signature": "v1|ingest||||" + string(other) + "||9999999999999|",
	} {
		if n, err := count(RoleIngest, good, text); !hasCode(err, contextRefused) {
			t.Errorf("%s: %d seen, %v; want a refusal of the whole question", name, n, err)
		}
	}
	for role := range rolePools() {
		if _, err := count(role, good); role != RoleIngest && !hasCode(err, "42501") {
			t.Errorf("%s may ask: %v", role, err)
		}
	}
	// Nothing is left of it for whoever gets the connection next.
	conn, err := w.database.Pool(RoleIngest).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	var n int
	if err := conn.QueryRow(t.Context(), `SELECT count(id) FROM sessions_now($1)`, []string{good}).Scan(&n); err != nil {
		t.Fatal(err)
	}
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM sessions`).Scan(&n); !hasCode(err, contextRefused) {
		t.Errorf("after the question %d sessions are seen, %v; want a refusal", n, err)
	}
}

func TestMovedClockOfTheDatabaseDoesNotStopTheWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.live(t, w.alice, allConsents)
	w.database.contexts.clock.hear(time.Now().Add(-time.Hour), time.Now()) // as if the database had gone on by an hour
	if found, err := w.ingest.SessionsNow(t.Context(), []consent.SessionID{id}); err != nil || len(found) != 1 {
		t.Errorf("got %v, %v", found, err)
	}
}

// A row that somebody else holds must not make the question about all the others wait.
func TestLogInsNowMovesIdleLimitsAndWaitsForNoLock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	free, held := w.logIn(t, "free", w.alice, time.Hour, 2*time.Hour), w.logIn(t, "held", w.bob, time.Hour, 2*time.Hour)
	w.ownerExec(t, `UPDATE log_ins SET idle_until = statement_timestamp() + interval '1 minute'`)
	moved := `SELECT count(*) FROM log_ins WHERE idle_until > statement_timestamp() + interval '59 minutes'`
	find := func() (map[[32]byte]consent.ActiveLogIn, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		return w.accounts.LogInsNow(ctx, [][32]byte{free, held, sha256.Sum256([]byte("unknown"))})
	}
	ask := func(want int) {
		t.Helper()
		found, err := find()
		if err != nil || len(found) != 2 || found[free].Account != w.alice || found[held].Account != w.bob {
			t.Errorf("found %+v, %v", found, err)
		}
		if n := w.ownerCount(t, moved); n != want {
			t.Errorf("%d limits moved, want %d", n, want)
		}
	}
	err := pgx.BeginFunc(t.Context(), w.database.Pool(RoleLogin), func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `SELECT FROM log_ins WHERE token_sha256 = $1 FOR UPDATE`, held[:])
		ask(1)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ask(2)
}
