package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// keyCases adds to policyWorld what only the key service tells apart: sessions that lack one consent,
// reviewers whose accounts cannot be, events that end the wrong thing, and exports that each differ from
// "ready" in one thing. The triggers and references that keep most of it away are off meanwhile: the key
// service does not rely on them.
const keyCases = `
INSERT INTO sessions (id, candidate, state, role, role_title, mode, plan, recording, transcription, assessment, notice_sha256)
	SELECT pg_temp.id('no.' || what), pg_temp.id('alice'), 'ended', 'go', 'Go engineer', 'practice', '{}',
		what <> 'recording', what <> 'transcription', what NOT IN ('transcription', 'assessment'), pg_temp.notice(2)
	FROM unnest(ARRAY['recording', 'transcription', 'assessment']) what;
SET session_replication_role = replica;
INSERT INTO accounts (id, kind, email, display_name, password_hash, age_rule, closed_at, erase_at, erase_cause) VALUES
	(pg_temp.id('rolf'), 'employer', 'rolf', 'rolf', '$argon2id$x', 'r', now(), now() + interval '31 d', 'closed');
INSERT INTO members (account, org, role) SELECT pg_temp.id(a), pg_temp.id('acme'), 'reviewer' FROM unnest(ARRAY['rolf', 'carol']) a;
INSERT INTO exports (id, account, whole, state, finished_at, gone_at)
	SELECT pg_temp.id('k.' || e), pg_temp.id(CASE WHEN e LIKE 'closed%' THEN 'dan' ELSE 'alice' END), true, CASE e WHEN 'closed.runs' THEN 'running' ELSE 'ready' END,
		now() - interval '2 h', now() + CASE e WHEN 'past' THEN interval '-1 h' ELSE interval '1 h' END
	FROM unnest(ARRAY['ready', 'past', 'closed', 'closed.runs', 'erased', 'held', 'missing', 'foreign', 'undone']) e;
INSERT INTO export_sessions (export, session, done) SELECT pg_temp.id('k.' || e), pg_temp.id(s), e <> 'undone' FROM (VALUES ('ready', 'live'), ('past', 'live'),
	('closed', 'd.open'), ('closed.runs', 'd.open'), ('erased', 'erased'), ('held', 'held'), ('missing', 'nowhere'), ('foreign', 'bobs'), ('undone', 'erased')) v(e, s);
INSERT INTO authorization_events (authorization_id, org, kind, reason, ends) -- what ends no suspension
	SELECT authorization_id, org, kind, reason, id FROM authorization_events WHERE kind = 'resumed' AND authorization_id = pg_temp.id('twice');
SET session_replication_role = origin;
`

// keyQuestions are asked of both questions of the key service; the answer names the sessions, or exports,
// that it opens.
func keyQuestions() map[string]string {
	session := func(kind, account, org string, scopes ...string) string {
		return fmt.Sprintf(`SELECT coalesce(string_agg(rtrim(id, '-'), ' ' ORDER BY id COLLATE "C"), '') FROM sessions
			WHERE may_open(id, '%s', '%s', '%s', '{%s}')`, kind, word(account), word(org), strings.Join(scopes, ","))
	}
	export := func(account string) string {
		return fmt.Sprintf(`SELECT coalesce(string_agg(rtrim(id, '-'), ' ' ORDER BY id COLLATE "C"), '') FROM exports
			WHERE may_open_export(id, '%s')`, word(account))
	}
	open := strings.Fields(`alone bobs carols d.open ended expired fresh future live no.assessment no.recording no.transcription oldnotice onair
		only.audio only.feedback only.profile only.ratings only.resume only.transcript only.video ottos refused resumed revoked superseded
		suspended suss twice ungranted withdrawn zeniths`) // neither erased nor held nor restricted
	openBut := func(others ...string) string {
		return strings.Join(slices.DeleteFunc(slices.Clone(open), func(s string) bool { return slices.Contains(others, s) }), " ")
	}
	alices := strings.Replace(openBut("bobs", "carols", "d.open", "ottos"), "resumed", "restricted resumed", 1)
	return map[string]string{
		session("candidate", "alice", ""):                                 alices,
		session("candidate", "bob", ""):                                   "bobs",
		session("candidate", "dan", ""):                                   "",
		session("employer", "rita", "acme", "transcript"):                 "fresh live only.transcript resumed",
		session("employer", "rita", "acme", "ratings"):                    "bobs fresh live only.ratings resumed",
		session("employer", "rita", "acme", "ratings", "recording.audio"): "fresh live resumed",
		session("employer", "rita", "zenith", "ratings"):                  "",
		session("employer", "bill", "acme", "ratings"):                    "",
		session("employer", "ella", "acme", "ratings"):                    "",
		session("employer", "rolf", "acme", "ratings"):                    "",
		session("employer", "carol", "acme", "ratings"):                   "",
		session("employer", "zoe", "zenith", "ratings"):                   "zeniths",
		session("employer", "zoe", "acme", "ratings"):                     "",
		session("employer", "susi", "sus", "ratings"):                     "",
		session("export", "alice", ""):                                    "live only.ratings restricted",
		session("export", "bob", ""):                                      "",
		session("export", "dan", ""):                                      "",
		session("recorder", "", ""):                                       openBut("no.recording"),
		session("scribe", "", ""):                                         openBut("no.transcription"),
		session("assessor", "", ""):                                       openBut("no.transcription", "no.assessment", "carols"),
		session("operator", "alice", "acme"):                              "",
		export("alice"):                                                   "k.ready k.undone x.alice",
		export("dan"):                                                     "",
		export("bob"):                                                     "",
	}
}

// keyConditions are the two questions as Postgres deparses them, so that [weakenings] can read them.
func keyConditions(t *testing.T, owner *pgx.Conn) map[string]string {
	t.Helper()
	heads := map[string]string{
		"CREATE OR REPLACE FUNCTION may_open(text, text, text, text, text[]) RETURNS boolean LANGUAGE sql ": mayOpen,
		"CREATE OR REPLACE FUNCTION may_open_export(text, text) RETURNS boolean LANGUAGE sql ":              mayOpenExport,
	}
	bodies := make(map[string]string)
	for head, condition := range heads {
		if _, err := owner.Exec(t.Context(), head+"RETURN "+condition); err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(head, "CREATE OR REPLACE FUNCTION "), "(")
		var body string
		if err := owner.QueryRow(t.Context(), `SELECT pg_get_function_sqlbody(oid) FROM pg_proc WHERE proname = $1`, name).Scan(&body); err != nil {
			t.Fatal(err)
		}
		bodies[head] = strings.TrimSpace(strings.TrimPrefix(body, "RETURN "))
	}
	return bodies
}

// TestEveryConditionOfTheKeyServiceIsNoticed takes every condition out of what the key service asks before
// it unwraps, once, and expects another answer.
func TestEveryConditionOfTheKeyServiceIsNoticed(t *testing.T) {
	t.Parallel()
	_, owner := newPolicyWorld(t)
	if _, err := owner.Exec(t.Context(), keyCases); err != nil {
		t.Fatal(err)
	}
	bodies := keyConditions(t, owner)
	questions := keyQuestions()
	noticed := func(change string, told func(question, got, want string)) (noticed bool) {
		defer func() { _, _ = owner.Exec(context.WithoutCancel(t.Context()), "ROLLBACK") }()
		begin := "BEGIN; " + change + "; SET LOCAL search_path = public; SET LOCAL SESSION AUTHORIZATION " + RoleKeys.database()
		if _, err := owner.Exec(t.Context(), begin); err != nil {
			t.Fatalf("%s: %v", change, err)
		}
		for question, want := range questions {
			var got string
			if err := owner.QueryRow(t.Context(), question, pgx.QueryExecModeSimpleProtocol).Scan(&got); err != nil {
				t.Fatalf("%s: %v", question, err)
			}
			if got != want {
				told(question, got, want)
				noticed = true
			}
		}
		return noticed
	}
	noticed("SELECT", func(question, got, want string) {
		t.Errorf("%s\n got %q\nwant %q", question, got, want)
	})
	if t.Failed() {
		t.FailNow()
	}
	mutants := 0
	for head, body := range bodies {
		all := weakenings(body)
		for _, arm := range []string{"(s.id IS NULL) OR ", "(s.candidate <> e.account) OR ", "(s.state = 'erased'::text) OR ", " OR (s.held_at IS NOT NULL)"} {
			if rest := strings.Replace(body, arm, "", 1); rest != body { // under a NOT EXISTS, where less refuses less
				all = append(all, weakening{arm, rest})
			}
		}
		for _, w := range all {
			mutants++
			if !noticed(head+"RETURN "+w.expr, func(string, string, string) {}) {
				t.Errorf("no question notices %s without %s", head, w.without)
			}
		}
	}
	t.Logf("%d mutants noticed by %d questions", mutants, len(questions))
}
