package storage

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// signed returns the context that the server would set.
func signed(t *testing.T, d *Database, role Role, about rowContext) string {
	t.Helper()
	text, _, err := d.contexts.sign(role, about)
	if err != nil {
		t.Fatalf("sign: %v", err)
	}
	return text
}

// countWith counts a candidate's sessions in a transaction with a context that the test made up.
func countWith(t *testing.T, d *Database, role Role, text string) (n int, err error) {
	t.Helper()
	err = pgx.BeginFunc(t.Context(), d.Pool(role), func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), sendContext, text); err != nil {
			t.Fatalf("set the context: %v", err)
		}
		return tx.QueryRow(t.Context(), `SELECT count(id) FROM sessions`).Scan(&n)
	})
	return n, err
}

// T42: a pooled connection keeps the context of the one before.
func TestPooledConnectionKeepsNoContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.interview(t, w.alice)
	conn, err := w.database.Pool(RoleCandidate).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	count := func(from rowQuerier) (n int, err error) {
		return n, from.QueryRow(t.Context(), `SELECT count(*) FROM sessions`).Scan(&n)
	}
	err = pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		if err := w.database.contexts.set(t.Context(), tx, RoleCandidate, rowContext{account: string(w.alice.ID)}); err != nil {
			return err
		}
		n, err := count(tx)
		if n != 1 {
			t.Errorf("inside the transaction %d sessions are seen, want 1", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := count(conn); !hasCode(err, contextRefused) {
		t.Errorf("after the transaction %d sessions are seen, %v; want a refusal", n, err)
	}
}

func TestEveryPlaneNeedsARowContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	w.share(t, w.alice, id, w.acme, allShareable()...)
	for role, tables := range map[Role][]string{
		RoleCandidate: {"sessions", "accounts", "consent_events", "session_events", "authorizations", "lines", "ratings", "segments"},
		RoleEmployer:  {"sessions", "authorizations", "lines", "ratings", "rating_notes", "feedback", "evidence"},
		RoleIngest:    {"sessions", "answers", "gaps"},
		RoleWorker:    {"answers", "lines", "evidence", "ratings"},
	} {
		for _, table := range tables {
			_, err := w.database.Pool(role).Exec(t.Context(), `SELECT count(session) FROM (SELECT session FROM `+table+`) x`)
			if table == "sessions" || table == "accounts" {
				_, err = w.database.Pool(role).Exec(t.Context(), `SELECT count(id) FROM `+table)
			}
			if table == "segments" && err == nil { // there is none in this world, so no policy is asked
				continue
			}
			if !hasCode(err, contextRefused) {
				t.Errorf("role %s reads %s without a context: %v, want a refusal", role, table, err)
			}
		}
	}
}

// T43: a statement that somebody put into ours sets the context.
func TestForgedRowContextRaises(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.interview(t, w.alice)
	alice, bob := rowContext{account: string(w.alice.ID)}, rowContext{account: string(w.bob.ID)}
	genuine := signed(t, w.database, RoleCandidate, bob)
	if n, err := countWith(t, w.database, RoleCandidate, signed(t, w.database, RoleCandidate, alice)); n != 1 || err != nil {
		t.Fatalf("a genuine context of alice sees %d sessions, %v", n, err)
	}
	if n, err := countWith(t, w.database, RoleCandidate, genuine); n != 0 || err != nil {
		t.Fatalf("a genuine context of bob sees %d sessions, %v", n, err)
	}
	elsewhere := &contextSigner{key: []byte(newSecret())}
	otherKey, _, err := elsewhere.sign(RoleCandidate, alice)
	if err != nil {
		t.Fatal(err)
	}
	late := &contextSigner{key: w.database.contexts.key}
	late.clock.hear(time.Now().Add(-2*contextLife), time.Now())
	expired, _, err := late.sign(RoleCandidate, alice)
	if err != nil {
		t.Fatal(err)
	}
	body, mac := genuine[:strings.LastIndexByte(genuine, '|')], genuine[strings.LastIndexByte(genuine, '|')+1:]
	swapped := strings.Replace(body, string(w.bob.ID), string(w.alice.ID), 1)
	for _, c := range []struct{ name, text, code string }{
		{"nothing", "", contextRefused},
		{"an id alone", string(w.alice.ID), contextRefused},
		{"bars", "|||||||", contextRefused},
		{"another account", swapped + "|" + mac, contextRefused},
		{"no signature", swapped + "|", contextRefused},
		{"no field of a signature", body, contextRefused},
		{"a longer life", body[:strings.LastIndexByte(body, '|')] + "|99999999999999|" + mac, contextRefused},
		{"one field more", body + "||" + mac, contextRefused},
		{"capitals", body + "|" + strings.ToUpper(mac), contextRefused},
		{"half a signature", body + "|" + mac[:32], contextRefused},
		{"another version", "v2" + genuine[2:], contextRefused},
		{"another key", otherKey, contextRefused},
		{"another role", signed(t, w.database, RoleEmployer, alice), contextRefused},
		{"expired", expired, contextExpired},
	} {
		if n, err := countWith(t, w.database, RoleCandidate, c.text); n != 0 || !hasCode(err, c.code) {
			t.Errorf("%s: %d sessions, %v; want code %s", c.name, n, err, c.code)
		} else if strings.Contains(err.Error(), string(w.bob.ID)) || strings.Contains(err.Error(), mac) {
			t.Errorf("%s: the error shows the context: %v", c.name, err)
		}
	}
}

// The same inside a transaction of ours, where a genuine context is set already.
func TestInjectedContextEndsTheTransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.interview(t, w.alice)
	for _, statement := range []string{
		`SELECT set_config('greenroom.context', replace(current_setting('greenroom.context'), $1, $2), true)`,
		`SELECT set_config('greenroom.context', '', true), set_config('greenroom.account', $2, true) WHERE $1 <> ''`,
	} {
		n := 0
		err := w.database.in(t.Context(), RoleCandidate, rowContext{account: string(w.bob.ID)}, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), statement, string(w.bob.ID), string(w.alice.ID)); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
			return tx.QueryRow(t.Context(), `SELECT count(*) FROM sessions`).Scan(&n)
		})
		if n != 0 || !hasCode(err, contextRefused) {
			t.Errorf("%s: %d sessions, %v; want a refusal", statement, n, err)
		}
	}
}

func TestNoRoleReadsOrReplacesTheContextKey(t *testing.T) {
	t.Parallel()
	d := newTestDatabase(t)
	for role := range rolePools() {
		for _, statement := range []string{
			`SELECT outer_pad FROM context_keys`, `UPDATE context_keys SET outer_pad = inner_pad`, `DELETE FROM context_keys`,
			`CREATE OR REPLACE FUNCTION context_part(part int) RETURNS text LANGUAGE sql RETURN 'x'`,
			`ALTER FUNCTION context_part(int) SECURITY INVOKER`, `SET SESSION AUTHORIZATION ` + embeddedOwner,
			`ALTER FUNCTION current_account() RENAME TO x`, `CREATE TEMPORARY TABLE context_keys (a int)`,
		} {
			if _, err := d.Pool(role).Exec(t.Context(), statement); !hasCode(err, policyViolation) {
				t.Errorf("role %s: %s: %v, want permission denied", role, statement, err)
			}
		}
	}
}

func TestIdsNeverBecomeMoreFieldsOfAContext(t *testing.T) {
	t.Parallel()
	d := newTestDatabase(t)
	const read = `SELECT coalesce(current_account(), '-'), coalesce(current_org(), '-'), coalesce(current_session_id(), '-'), coalesce(current_invitation(), '-')`
	for _, about := range []rowContext{
		{}, {account: "a", org: "b", session: "c", invitation: "d"}, {session: "ü'\\\"; --"}, {org: " "}, {invitation: strings.Repeat("f", 64)},
	} {
		want := []string{about.account, about.org, about.session, about.invitation}
		for i := range want {
			want[i] = cmp.Or(want[i], "-")
		}
		got := make([]string, 4)
		err := d.in(t.Context(), RoleExport, about, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), read).Scan(&got[0], &got[1], &got[2], &got[3])
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("context %+v is read as %q, %v", about, got, err)
		}
	}
	evil := rowContext{session: "x|y"}
	if err := d.in(t.Context(), RoleExport, evil, func(pgx.Tx) error { return nil }); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("an id with a bar: %v, want %v", err, consent.ErrNotFound)
	}
	_, err := NewSnapshots(d).Snapshot(t.Context(), consent.Actor{Kind: consent.ActorRecorder}, "x|y")
	if !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("facts about an id with a bar: %v, want %v", err, consent.ErrNotFound)
	}
}

// T15, for the context: neither this machine's clock nor a jump of the database's stops or stretches it.
func TestRowContextFollowsTheDatabasesClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.consented(t, w.alice, allConsents)
	clock := &w.database.contexts.clock
	for _, off := range []time.Duration{-time.Hour, -contextLife, 5 * time.Minute, 24 * time.Hour} {
		clock.hear(time.Now().Add(off), time.Now())
		facts, err := NewSnapshots(w.database).Snapshot(t.Context(), actorOf(w.alice), id)
		if err != nil || !facts.Known {
			t.Errorf("clock off by %s: facts known %t, %v", off, facts.Known, err)
		}
		clock.hear(time.Now().Add(off), time.Now())
		err = w.database.in(t.Context(), RoleCandidate, rowContext{account: string(w.alice.ID)}, func(tx pgx.Tx) error {
			var left float64
			const read = `SELECT split_part(current_setting('greenroom.context'), '|', 7)::bigint / 1000.0 - extract(epoch FROM clock_timestamp())`
			if err := tx.QueryRow(t.Context(), read).Scan(&left); err != nil {
				return err
			}
			if left < contextLife.Seconds()/2 || left > 2*contextLife.Seconds() {
				t.Errorf("clock off by %s: the context lives for %.0f s, want about %s", off, left, contextLife)
			}
			_, err := tx.Exec(t.Context(), `SELECT id FROM sessions`)
			return err
		})
		if err != nil {
			t.Errorf("clock off by %s: %v", off, err)
		}
	}
}

// The check costs some microseconds, which a row each would make unbearable.
func TestRowContextIsCheckedOnceAQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	w.ownerExec(t, `INSERT INTO session_events (session, seq, kind) SELECT $1, 1000 + n, 'x' FROM generate_series(1, 500) n`, id)
	tx, err := w.owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	for _, statement := range []string{
		`SET LOCAL track_functions = 'all'`, `SET LOCAL search_path = public`, `SET LOCAL SESSION AUTHORIZATION greenroom_candidate`,
	} {
		if _, err := tx.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.database.contexts.set(t.Context(), tx, RoleCandidate, rowContext{account: string(w.alice.ID)}); err != nil {
		t.Fatal(err)
	}
	var rows, calls int
	if err := tx.QueryRow(t.Context(), `SELECT count(*) FROM session_events`).Scan(&rows); err != nil || rows < 500 {
		t.Fatalf("%d rows, %v", rows, err)
	}
	const counted = `SELECT calls FROM pg_stat_xact_user_functions WHERE funcname = 'context_part'`
	if err := tx.QueryRow(t.Context(), counted).Scan(&calls); err != nil || calls != 1 {
		t.Errorf("%d rows: the context was checked %d times, %v; want once", rows, calls, err)
	}
}
