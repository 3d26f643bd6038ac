package storage

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"greenroom/assess"
	"greenroom/consent"
)

// personalTables are all tables that a plane could see rows of a session in.
func personalTables() []string {
	return []string{
		"sessions", "consent_events", "session_events", "authorizations", "authorization_events", "accesses",
		"answers", "lines", "line_originals", "follow_ups", "evidence", "ratings", "rating_notes", "person_forms", "person_ratings", "contests", "feedback", "measurements", "gaps", "ai_calls",
	}
}

// visible counts the rows of each table that a plane sees, by a column every role that may read the
// table at all may read. Tables the role may not read count as zero rows.
func visible(t *testing.T, d *Database, role Role, about rowContext) map[string]int {
	t.Helper()
	columns := map[string]string{
		"sessions": "id", "authorization_events": "authorization_id", "rating_notes": "rating", "accounts": "id", "members": "account",
	}
	counts := make(map[string]int)
	for _, table := range append(personalTables(), "accounts", "members") {
		column := "session"
		if named := columns[table]; named != "" {
			column = named
		}
		var n int
		err := d.in(t.Context(), role, about, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), fmt.Sprintf("SELECT count(%s) FROM %s", column, table)).Scan(&n)
		})
		if err != nil && !hasCode(err, policyViolation) {
			t.Fatalf("%s reads %s: %v", role, table, err)
		}
		if n > 0 {
			counts[table] = n
		}
	}
	return counts
}

func employerContext(account consent.Account) rowContext {
	return rowContext{account: string(account.ID), org: string(account.Org)}
}

func TestCandidateSeesOwnRowsAndNobodyElses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	w.share(t, w.alice, id, w.acme, consent.ScopeRatings, consent.ScopeTranscript)
	w.personRates(t, w.acmes, id, 3, "why")
	w.contests(t, w.alice, id)
	if err := w.corrects(t, w.alice, id, assess.Correction{Line: assess.LineRef{Epoch: 1, Sequence: 1}}); err != nil {
		t.Fatal(err)
	}
	if err := w.shared.NoteAccess(t.Context(), actorOf(w.acmes), id, []consent.Artefact{consent.ArtefactSession}); err != nil {
		t.Fatal(err)
	}
	own := visible(t, w.database, RoleCandidate, rowContext{account: string(w.alice.ID)})
	for _, table := range personalTables() {
		if own[table] == 0 {
			t.Errorf("alice sees no row of %s", table)
		}
	}
	foreign := visible(t, w.database, RoleCandidate, rowContext{account: string(w.bob.ID)})
	if want := (map[string]int{"accounts": 1}); !maps.Equal(foreign, want) {
		t.Errorf("bob sees %v, want only his account", foreign)
	}
}

func TestContextOfNobodySeesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	w.share(t, w.alice, id, w.acme, allShareable()...)
	for role := range rolePools() {
		seen := visible(t, w.database, role, rowContext{})
		switch role {
		case RoleLogin: // passwords are checked before anybody is known
			seen = without(seen, "accounts", "members")
		case RoleWorker: // the timer looks at the states of all sessions
			seen = without(seen, "sessions", "session_events", "authorizations", "authorization_events")
		case RoleKeys: // repeats the question about everybody's sessions
			seen = without(seen, "accounts", "members", "sessions", "authorizations", "authorization_events")
		case RoleErasure: // looks for what its time has come, and tells whom an erasure concerns; no content
			seen = without(seen, "accounts", "sessions", "authorizations", "authorization_events", "consent_events", "ai_calls")
		case RoleExport, RoleAudit, RoleCandidate, RoleEmployer, RoleIngest:
		}
		if len(seen) > 0 {
			t.Errorf("role %s sees %v in the context of nobody", role, seen)
		}
	}
}

func without(counts map[string]int, tables ...string) map[string]int {
	for _, table := range tables {
		delete(counts, table)
	}
	return counts
}

func allShareable() []consent.Scope {
	return slices.DeleteFunc(consent.AllScopes(), func(s consent.Scope) bool { return s == consent.ScopeResume })
}

func TestEmployerWithoutAuthorizationSeesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	w.share(t, w.alice, id, w.zenith, allShareable()...) // to somebody else
	seen := visible(t, w.database, RoleEmployer, employerContext(w.acmes))
	if want := (map[string]int{"accounts": 1, "members": 1}); !maps.Equal(seen, want) {
		t.Errorf("acme sees %v, want only its own account", seen)
	}
	// Nor is the right account with another organization, for what its own may see.
	w.share(t, w.alice, w.interview(t, w.alice), w.acme, allShareable()...)
	// The name of another organization in the context is not enough: membership is looked up.
	seen = visible(t, w.database, RoleEmployer, rowContext{account: string(w.acmes.ID), org: string(w.zenith.ID)})
	if seen = without(seen, "accounts", "members", "authorization_events"); len(seen) > 0 {
		t.Errorf("acme's employee sees %v as zenith", seen)
	}
}

func TestEachScopeShowsExactlyItsTables(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	base := map[string]int{"accounts": 1, "members": 1, "sessions": 1, "authorizations": 1}
	for _, c := range []struct {
		scopes []consent.Scope
		more   map[string]int
	}{
		{[]consent.Scope{consent.ScopeRatings}, map[string]int{"answers": 1, "ratings": 1}},
		{[]consent.Scope{consent.ScopeFeedback}, map[string]int{"answers": 1, "evidence": 1, "rating_notes": 1, "measurements": 1}},
		{[]consent.Scope{consent.ScopeTranscript}, map[string]int{"answers": 1, "lines": 2, "follow_ups": 1}},
		{[]consent.Scope{consent.ScopeRecordingAudio}, map[string]int{"answers": 1, "gaps": 1}},
		{[]consent.Scope{consent.ScopeRecordingVideo}, map[string]int{"answers": 1, "gaps": 1}},
		{[]consent.Scope{consent.ScopeProfile}, map[string]int{"accounts": 2}},
		{allShareable(), map[string]int{
			"accounts": 2, "answers": 1, "lines": 2, "follow_ups": 1, "evidence": 1, "ratings": 1, "rating_notes": 1, "feedback": 1, "measurements": 1, "gaps": 2,
		}},
	} {
		t.Run(fmt.Sprint(c.scopes), func(t *testing.T) {
			id := w.interview(t, w.alice)
			granted := w.share(t, w.alice, id, w.acme, c.scopes...)
			want := maps.Clone(base)
			maps.Copy(want, c.more)
			want["authorization_events"] = w.ownerCount(t, `SELECT count(*) FROM authorization_events WHERE org = $1`, w.acme.ID)
			if seen := visible(t, w.database, RoleEmployer, employerContext(w.acmes)); !maps.Equal(seen, want) {
				t.Errorf("scopes %v show %v, want %v", c.scopes, seen, want)
			}
			if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, granted.ID); err != nil {
				t.Fatal(err)
			}
			seen := without(visible(t, w.database, RoleEmployer, employerContext(w.acmes)), "authorization_events")
			if left := (map[string]int{"accounts": 1, "members": 1}); !maps.Equal(seen, left) {
				t.Errorf("after the withdrawal %v is seen, want %v", seen, left)
			}
		})
	}
}

func TestEverythingAnAuthorizationDependsOnEndsTheView(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	w.share(t, w.alice, id, w.acme, allShareable()...)
	seesLines := func() bool {
		return visible(t, w.database, RoleEmployer, employerContext(w.acmes))["lines"] > 0
	}
	if !seesLines() {
		t.Fatal("a live authorization shows nothing")
	}
	// The table refuses changes, so time is moved by the owner with the guard taken off for a moment.
	moveTo := func(from, until string) {
		w.ownerExec(t, `ALTER TABLE authorizations DISABLE TRIGGER append_only`)
		w.ownerExec(t, `UPDATE authorizations SET valid_from = now() + $1::interval, valid_until = now() + $2::interval`, from, until)
		w.ownerExec(t, `ALTER TABLE authorizations ENABLE TRIGGER append_only`)
	}
	for _, c := range []struct{ name, from, until string }{
		{"not yet valid", "1 minute", "1 hour"}, {"expired", "-1 hour", "-1 millisecond"},
	} {
		if moveTo(c.from, c.until); seesLines() {
			t.Errorf("%s: lines are seen", c.name)
		}
	}
	if moveTo("-1 hour", "1 hour"); !seesLines() {
		t.Fatal("a live authorization shows nothing")
	}
	w.ownerExec(t, `UPDATE members SET ended_at = now() WHERE account = $1`, w.acmes.ID)
	if seesLines() {
		t.Error("membership ended: lines are seen")
	}
}

// A withdrawal that commits while an employer's transaction is open is seen by its next statement.
func TestWithdrawalIsSeenInsideAnOpenTransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	granted := w.share(t, w.alice, id, w.acme, consent.ScopeTranscript)
	var before, after int
	err := w.database.in(t.Context(), RoleEmployer, employerContext(w.acmes), func(tx pgx.Tx) error {
		const count = `SELECT count(*) FROM lines`
		if err := tx.QueryRow(t.Context(), count).Scan(&before); err != nil {
			return err
		}
		if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, granted.ID); err != nil {
			return err
		}
		return tx.QueryRow(t.Context(), count).Scan(&after)
	})
	if err != nil || before != 2 || after != 0 {
		t.Errorf("%d lines before the withdrawal and %d after it, %v; want 2 and 0", before, after, err)
	}
}

func TestRolesCannotReadColumnsTheyHaveNoUseFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for role, queries := range map[Role][]string{
		RoleEmployer: {
			`SELECT email FROM accounts`, `SELECT password_hash FROM accounts`, `SELECT recording FROM sessions`,
			`SELECT notice_sha256 FROM sessions`, `SELECT assessed_at FROM answers`, `SELECT account FROM authorization_events`,
			`SELECT 1 FROM log_ins`, `SELECT 1 FROM session_events`, `SELECT 1 FROM accesses`, `SELECT 1 FROM line_originals`,
			`UPDATE authorizations SET org = org`, `DELETE FROM lines`, `INSERT INTO ratings DEFAULT VALUES`,
		},
		RoleCandidate: {
			`SELECT email FROM accounts`, `SELECT password_hash FROM accounts`, `SELECT account FROM accesses`, `SELECT 1 FROM members`,
			`UPDATE sessions SET candidate = candidate`, `UPDATE sessions SET plan = plan`, `DELETE FROM sessions`,
			`DELETE FROM authorizations`, `INSERT INTO accesses DEFAULT VALUES`, `UPDATE lines SET engine = engine`, `TRUNCATE lines`,
			`UPDATE answers SET end_ns = end_ns`, `UPDATE line_originals SET words = words`, `DELETE FROM line_originals`, `UPDATE ratings SET revision = 0`,
		},
		RoleIngest: {
			`SELECT words FROM lines`, `SELECT 1 FROM line_originals`, `SELECT email FROM accounts`, `SELECT display_name FROM accounts`, `SELECT 1 FROM ratings`, `UPDATE sessions SET recording = true`,
			`UPDATE sessions SET candidate = candidate`, `SELECT 1 FROM authorizations`, `DELETE FROM river.river_job`,
		},
		RoleWorker: {
			`SELECT password_hash FROM accounts`, `SELECT account FROM authorization_events`, `UPDATE sessions SET assessment = true`,
			`UPDATE lines SET words = words`, `UPDATE answers SET end_ns = end_ns`, `INSERT INTO lines DEFAULT VALUES`, `UPDATE answers SET revision = 0`,
			`SELECT 1 FROM line_originals`,
		},
		RoleLogin: {`SELECT plan FROM sessions`, `SELECT 1 FROM lines`, `UPDATE accounts SET kind = 'ops'`, `DELETE FROM accounts`, `INSERT INTO members DEFAULT VALUES`},
		RoleAudit: {`SELECT id FROM sessions`, `SELECT args FROM river.river_job`, `SELECT 1 FROM accounts`, `SELECT session FROM segments`},
		RoleExport: {
			`SELECT password_hash FROM accounts`, `SELECT token_sha256 FROM log_ins`, `SELECT account FROM accesses`, `SELECT wrapped FROM data_keys`,
			`SELECT wrapped FROM export_keys`, `SELECT 1 FROM members`, `UPDATE exports SET state = 'ready'`, `DELETE FROM exports`,
			`UPDATE export_sessions SET done = true`, `INSERT INTO exports (id, account, whole, state) VALUES ('', '', true, 'ready')`,
			`UPDATE lines SET words = words`, `DELETE FROM receipts`,
		},
		RoleErasure: {`SELECT wrapped FROM data_keys`, `SELECT words FROM lines`},
	} {
		for _, query := range queries {
			if _, err := w.database.Pool(role).Exec(t.Context(), query); !hasCode(err, policyViolation) {
				t.Errorf("role %s: %s: %v, want permission denied", role, query, err)
			}
		}
	}
}

func TestWritersCannotReachAnotherSessionOrForgeASelfRating(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine, other := w.interview(t, w.alice), w.interview(t, w.bob)
	refused := func(what string, role Role, about rowContext, statement string, args ...any) {
		t.Helper()
		var rows int64
		err := w.database.in(t.Context(), role, about, func(tx pgx.Tx) error {
			done, err := tx.Exec(t.Context(), statement, args...)
			rows = done.RowsAffected()
			return err
		})
		if rows != 0 || (err != nil && !hasCode(err, policyViolation)) {
			t.Errorf("%s: %d rows, %v", what, rows, err)
		}
	}
	inMine, asAlice := rowContext{session: string(mine)}, rowContext{account: string(w.alice.ID)}
	refused("ingest ends another session", RoleIngest, inMine, `UPDATE sessions SET state = 'ended' WHERE id = $1`, other)
	refused("ingest adds a gap elsewhere", RoleIngest, inMine, `INSERT INTO gaps VALUES ($1, 'audio', 7, 8, 'network')`, other)
	refused("worker changes ratings elsewhere", RoleWorker, inMine, `UPDATE ratings SET level = 5 WHERE session = $1`, other)
	refused("worker changes a self-rating", RoleWorker, inMine, `UPDATE ratings SET level = 5 WHERE session = $1 AND rater_kind = 'self'`, mine)
	refused("worker deletes a self-rating", RoleWorker, inMine, `DELETE FROM ratings WHERE session = $1 AND rater_kind = 'self'`, mine)
	refused("worker takes over a self-rating", RoleWorker, inMine,
		`UPDATE ratings SET rater_kind = 'human' WHERE session = $1 AND rater_kind = 'self'`, mine)
	refused("candidate takes over a model's rating", RoleCandidate, asAlice,
		`UPDATE ratings SET rater_kind = 'self', model = '', competency = 'x' WHERE session = $1 AND rater_kind = 'model'`, mine)
	refused("candidate changes a model's rating", RoleCandidate, asAlice, `UPDATE ratings SET level = 5 WHERE session = $1 AND rater_kind = 'model'`, mine)
	refused("candidate withdraws for another", RoleCandidate, asAlice, `UPDATE sessions SET recording = false WHERE id = $1`, other)
	refused("candidate shares another's session", RoleCandidate, asAlice,
		`INSERT INTO authorizations (id, session, org, purpose, scopes, valid_until, notice_sha256, notice_version)
			VALUES ($1, $2, $3, 'hiring', '{ratings}', now() + interval '1 day', $4, 1)`,
		consent.NewID[consent.AuthorizationID](), other, w.acme.ID, testNotice.SHA256())
	refused("employer notes an access to what is not shared", RoleEmployer, employerContext(w.acmes),
		`INSERT INTO accesses (session, org, account, artefact) VALUES ($1, $2, $3, 'session')`, mine, w.acme.ID, w.acmes.ID)
}

func TestRecordsOfConsentAreOnlyEverAdded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	for _, table := range []string{"consent_events", "authorizations", "authorization_events", "accesses"} {
		for _, statement := range []string{"UPDATE " + table + " SET session = session", "DELETE FROM " + table, "TRUNCATE " + table + " CASCADE"} {
			if table == "authorization_events" {
				statement = strings.ReplaceAll(statement, "session", "org")
			}
			if _, err := w.owner.Exec(t.Context(), statement); !hasCode(err, policyViolation) {
				t.Errorf("%s as the owner: %v, want a refusal", statement, err)
			}
		}
	}
}

// openAsPlainOwner makes a database whose owner may only make roles, and opens it as that owner. The
// world it is given has made the roles.
func openAsPlainOwner(t *testing.T, w *world) (d *Database, url string) {
	t.Helper()
	url = emptyOfPlainOwner(t, w)
	d, err := OpenDatabase(t.Context(), url, testCluster.base+"/secrets")
	if err != nil {
		t.Fatalf("open as a plain owner: %v", err)
	}
	t.Cleanup(d.Close)
	return d, url
}

// emptyOfPlainOwner makes the database only.
func emptyOfPlainOwner(t *testing.T, w *world) (url string) {
	t.Helper()
	name := fmt.Sprintf("o%d", testCluster.count.Add(1))
	password := newSecret()
	w.ownerExec(t, fmt.Sprintf(`CREATE ROLE %s LOGIN CREATEROLE PASSWORD '%s'`, name, password))
	w.ownerExec(t, fmt.Sprintf(`CREATE DATABASE %s OWNER %s`, name, name))
	return strings.Replace(testURL(name), embeddedOwner+":"+testCluster.postgres.owner+"@", name+":"+password+"@", 1)
}

// The owner of a managed database is seldom a superuser: everything must work for one that may only
// make roles, in a database that is its own.
func TestOwnerNeedsNoSuperuser(t *testing.T) {
	t.Parallel()
	d, url := openAsPlainOwner(t, newWorld(t))
	admin, err := OpenAdmin(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(t.Context()) }()
	employerOf(t, admin, "Acme")
	if _, err := admin.conn.Exec(t.Context(), `SELECT 1 FROM sessions`); err != nil {
		t.Fatal(err)
	}
	if _, err := NewAccounts(d, nil).CreateCandidate(t.Context(), "a@example.org", "A", testHash, "r"); err != nil {
		t.Errorf("create candidate: %v", err)
	}
}
