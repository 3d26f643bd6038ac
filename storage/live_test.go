package storage

import (
	"errors"
	"maps"
	"testing"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// Each condition of a live authorization is taken away alone, and each wall is asked alone: the policies
// by a read under the employer role that no Permit stands before, the decision on facts that the owner
// reads past every policy, and the key service with a Permit that should never have been made.

// condition is one thing that a live authorization depends on; the statements get the id of the record.
type condition struct {
	name        string
	spoil, mend string
}

func addEventSQL(kind, account, reason string) string {
	return `INSERT INTO authorization_events (authorization_id, org, kind, account, reason)
		SELECT id, org, '` + kind + `', ` + account + `, ` + reason + ` FROM authorizations WHERE id = $1`
}

func liveConditions() []condition {
	const candidate = `(SELECT s.candidate FROM sessions s WHERE s.id = session)`
	conditions := []condition{
		{
			name: "begun", spoil: `UPDATE authorizations SET valid_from = now() + interval '1 minute' WHERE id = $1`,
			mend: `UPDATE authorizations SET valid_from = now() - interval '1 minute' WHERE id = $1`,
		},
		{
			name: "not over", spoil: `UPDATE authorizations SET valid_from = now() - interval '1 hour', valid_until = now() - interval '1 millisecond' WHERE id = $1`,
			mend: `UPDATE authorizations SET valid_until = now() + interval '1 hour' WHERE id = $1`,
		},
		{
			name: "granted at all", spoil: `UPDATE authorization_events SET kind = 'requested' WHERE authorization_id = $1`,
			mend: `UPDATE authorization_events SET kind = 'granted' WHERE authorization_id = $1`,
		},
		{
			name: "member", spoil: `UPDATE members SET ended_at = now() WHERE org = (SELECT org FROM authorizations WHERE id = $1)`,
			mend: `UPDATE members SET ended_at = NULL WHERE org = (SELECT org FROM authorizations WHERE id = $1)`,
		},
		{
			name: "of this organization", spoil: `UPDATE members SET org = (SELECT id FROM organizations WHERE name = 'Zenith') WHERE org = (SELECT org FROM authorizations WHERE id = $1) AND account <> 'x'`,
			mend: `UPDATE members m SET org = a.org FROM authorizations a, accounts c WHERE a.id = $1 AND c.id = m.account AND c.email = 'hr@acme.example'`,
		},
		{
			name: "reviewer", spoil: `UPDATE members SET role = 'billing' WHERE org = (SELECT org FROM authorizations WHERE id = $1)`,
			mend: `UPDATE members SET role = 'reviewer' WHERE org = (SELECT org FROM authorizations WHERE id = $1)`,
		},
		{
			name: "account open", spoil: `UPDATE accounts SET closed_at = now() WHERE id IN (SELECT account FROM members m JOIN authorizations a ON a.org = m.org WHERE a.id = $1)`,
			mend: `WITH opened AS (UPDATE accounts SET closed_at = NULL WHERE email = 'hr@acme.example' RETURNING id)
				UPDATE members SET ended_at = NULL WHERE account IN (SELECT id FROM opened) AND $1 <> ''`,
		},
		{
			name: "organization not suspended", spoil: `UPDATE organizations SET suspended_at = now() WHERE id = (SELECT org FROM authorizations WHERE id = $1)`,
			mend: `UPDATE organizations SET suspended_at = NULL WHERE id = (SELECT org FROM authorizations WHERE id = $1)`,
		},
		{
			name: "session not restricted", spoil: `UPDATE sessions SET restricted_at = now() WHERE id = (SELECT session FROM authorizations WHERE id = $1)`,
			mend: `UPDATE sessions SET restricted_at = NULL WHERE id = (SELECT session FROM authorizations WHERE id = $1)`,
		},
		{
			name: "session not held", spoil: `UPDATE sessions SET held_at = now() WHERE id = (SELECT session FROM authorizations WHERE id = $1)`,
			mend: `UPDATE sessions SET held_at = NULL WHERE id = (SELECT session FROM authorizations WHERE id = $1)`,
		},
		{
			name: "session not erased", spoil: `UPDATE sessions SET state = 'erased' WHERE id = (SELECT session FROM authorizations WHERE id = $1)`,
			mend: `UPDATE sessions SET state = 'assessed' WHERE id = (SELECT session FROM authorizations WHERE id = $1)`,
		},
		{
			name: "no open suspension", spoil: addEventSQL("suspended", "NULL", "'held'"),
			mend: `INSERT INTO authorization_events (authorization_id, org, kind, reason, ends)
				SELECT authorization_id, org, 'resumed', reason, id FROM authorization_events WHERE authorization_id = $1 AND kind = 'suspended'`,
		},
	}
	for _, end := range []string{"refused", "withdrawn", "revoked", "superseded", "expired"} {
		conditions = append(conditions, condition{
			name: "not " + end, spoil: addEventSQL(end, candidate, "NULL"),
			mend: `DELETE FROM authorization_events WHERE authorization_id = $1 AND kind = '` + end + `'`,
		})
	}
	return append(conditions, condition{
		name: "notice holds", spoil: `INSERT INTO notices (sha256, version, materiality, effective_at, text)
		VALUES (repeat('b', 64), 2, 'reconsent', now(), coalesce($1, 'anew'))`,
		mend: `UPDATE notices SET effective_at = now() + interval '1 minute' WHERE version = 2 AND $1 <> ''`,
	})
}

func TestEachConditionOfALiveAuthorizationHoldsInEachWallAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	granted := w.share(t, w.alice, id, w.acme, allShareable()...)
	actor := actorOf(w.acmes)
	policies := func() bool {
		return visible(t, w.database, RoleEmployer, employerContext(w.acmes))["lines"] > 0
	}
	decision := func() bool {
		facts, err := NewSnapshots(w.database).read(t.Context(), w.owner, RoleEmployer, actor, id)
		if err != nil {
			t.Fatal(err)
		}
		_, err = consent.Decide(facts, consent.ArtefactTranscript)
		return err == nil
	}
	key := func() bool {
		forged := makePermit(t, actor, id, w.alice.ID, consent.ArtefactTranscript) // Permits live for seconds
		_, err := w.records.keys.ReadFields(t.Context(), forged, id, consent.ScopeTranscript)
		if err != nil && !errors.Is(err, consent.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	walls := map[string]func() bool{"policies": policies, "decision": decision, "key service": key}
	for _, c := range liveConditions() {
		for name, opens := range walls {
			if !opens() {
				t.Fatalf("before %q is taken away, the %s already refuse", c.name, name)
			}
		}
		changeUnguarded(t, w, c.spoil, granted.ID)
		for name, opens := range walls {
			if opens() {
				t.Errorf("without %q, the %s open", c.name, name)
			}
		}
		changeUnguarded(t, w, c.mend, granted.ID)
	}
	if !policies() || !decision() || !key() {
		t.Error("a notice that is not in effect yet suspends")
	}
}

// changeUnguarded runs a statement of the owner's with the guards off that say "only ever added to".
func changeUnguarded(t *testing.T, w *world, statement string, args ...any) {
	t.Helper()
	guarded := []string{"authorizations", "authorization_events", "notices"}
	for _, table := range guarded {
		w.ownerExec(t, `ALTER TABLE `+table+` DISABLE TRIGGER append_only`)
	}
	w.ownerExec(t, statement, args...)
	for _, table := range guarded {
		w.ownerExec(t, `ALTER TABLE `+table+` ENABLE TRIGGER append_only`)
	}
}

func TestHoldAndRestrictionCloseThePlanesByPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := w.interview(t, w.alice), w.interview(t, w.alice)
	w.ownerExec(t, `INSERT INTO segments (session, kind, epoch, sequence, object_key, size, sha256, start_us, end_us, width, height, codec, forced, blocks)
		SELECT s, 'audio', 1, 1, s || 'k', 1, sha256(''), 0, 1, 0, 0, 'opus', false, '' FROM unnest($1::text[]) s`, []consent.SessionID{id, other})
	content := []string{"answers", "lines", "evidence", "ratings", "rating_notes", "feedback", "measurements", "gaps", "segments"}
	rows := func(role Role, about rowContext) map[string]int {
		seen := map[string]int{}
		for _, table := range content {
			err := w.database.in(t.Context(), role, about, func(tx pgx.Tx) error {
				var n int
				err := tx.QueryRow(t.Context(), `SELECT count(session) FROM `+table).Scan(&n)
				if n > 0 {
					seen[table] = n
				}
				return err
			})
			if err != nil && !hasCode(err, policyViolation) { // some planes have no right to some tables at all
				t.Fatalf("%s reads %s: %v", role, table, err)
			}
		}
		return seen
	}
	alice := rowContext{account: string(w.alice.ID)}
	about := rowContext{session: string(id)}
	whole := rows(RoleCandidate, alice)
	if len(whole) != len(content) {
		t.Fatalf("alice sees %v of her two sessions, want rows of %v", whole, content)
	}
	for _, c := range []struct {
		column    string
		candidate bool // still reads
	}{{"restricted_at", true}, {"held_at", false}} {
		w.ownerExec(t, `UPDATE sessions SET `+c.column+` = now() WHERE id = $1`, id)
		seen := rows(RoleCandidate, alice)
		for table := range whole {
			n := seen[table]
			if want := map[bool]int{true: whole[table], false: whole[table] / 2}[c.candidate]; n != want {
				t.Errorf("%s: alice sees %d rows of %s, want %d", c.column, n, table, want)
			}
		}
		for _, role := range []Role{RoleIngest, RoleWorker} {
			for table, n := range rows(role, about) {
				if table != "segments" { // what was sealed before is still put into the index
					t.Errorf("%s: the %s plane sees %d rows of %s", c.column, role, n, table)
				}
			}
		}
		rating := testRating(t, selfRated, id)
		if _, err := w.gate.Permit(t.Context(), actorOf(w.alice), id, consent.ArtefactPrivate); (err == nil) != c.candidate {
			t.Errorf("%s: the decision for the candidate is %v", c.column, err)
		}
		private := makePermit(t, actorOf(w.alice), id, w.alice.ID, consent.ArtefactPrivate)
		if err := w.sessions.RateSelf(t.Context(), private, rating); !errors.Is(err, consent.ErrNotFound) {
			t.Errorf("%s: a new self-rating: %v, want ErrNotFound", c.column, err)
		}
		if _, _, err := w.ingest.GoLive(t.Context(), id); err == nil {
			t.Errorf("%s: the session goes live", c.column)
		}
		if err := w.ingest.SaveAnswer(t.Context(), testAnswer(id, 1)); !errors.Is(err, consent.ErrNotFound) {
			t.Errorf("%s: an answer is stored: %v", c.column, err)
		}
		w.ownerExec(t, `UPDATE sessions SET `+c.column+` = NULL WHERE id = $1`, id)
	}
	if again := rows(RoleCandidate, alice); !maps.Equal(again, whole) {
		t.Errorf("after both alice sees %v, want %v", again, whole)
	}
}
