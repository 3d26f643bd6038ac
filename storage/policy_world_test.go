package storage

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// The world of the policy probes. Ids are words, padded to their length, so that what a probe sees can be
// read. Each session of Alice's differs from "live" in one thing, and has one row of everything:
//
//	shared with Acme, all scopes   live, fresh (no form of Rita's for it, as there is for all others), paused and on again (resumed), and, each closed for its own reason:
//	                               expired, future, ungranted, refused, withdrawn, revoked, superseded, ended,
//	                               suspended, twice (suspended again), oldnotice, held, restricted, erased
//	shared with Acme, one scope    only.ratings … only.profile
//	shared with another            zeniths, suss (Sus is suspended)
//	shared with nobody             alone, onair (it is live), erased.held (both)
//
// Bob has bobs, shared with Acme for ratings only, and Carol has carols and three that are closed, shared
// with nobody. Otto objected to AI. Dan's account is closed and can be opened, Dora's is to be erased now,
// and two are erased: emptied, and halted, although its time had not come. Three un.… were not used for years:
// a candidate's, one that is closed, an employer's. Of emptied there are tombstones without anything: t.old,
// and three that differ from it in one thing. Of Alice an export is being made, Bob's and one of Carol's wait, the others are over.
const policyWorld = `
CREATE FUNCTION pg_temp.id(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN rpad($1, 26, '-');
CREATE FUNCTION pg_temp.notice(int) RETURNS text LANGUAGE sql IMMUTABLE RETURN encode(sha256(convert_to('notice ' || $1, 'UTF8')), 'hex');

INSERT INTO organizations (id, name, suspended_at)
	SELECT pg_temp.id(o), o, CASE WHEN o = 'sus' THEN now() END FROM unnest(ARRAY['acme', 'zenith', 'sus']) o;
INSERT INTO accounts (id, kind, email, display_name, password_hash, age_rule)
	SELECT pg_temp.id(a), kind, a || '@example.org', a, '$argon2id$x', 'r' FROM (VALUES
		('alice', 'candidate'), ('bob', 'candidate'), ('carol', 'candidate'), ('otto', 'candidate'),
		('dan', 'candidate'), ('dora', 'candidate'), ('emptied', 'candidate'), ('halted', 'candidate'),
		('rita', 'employer'), ('rosa', 'employer'), ('bill', 'employer'), ('ella', 'employer'), ('zoe', 'employer'), ('susi', 'employer')) v(a, kind);
UPDATE accounts SET ai_objected_at = now() WHERE id = pg_temp.id('otto');
UPDATE accounts SET closed_at = now(), erase_cause = 'closed', erase_at = now() + CASE WHEN display_name IN ('dora', 'emptied') THEN interval '-1 h' ELSE interval '31 d' END,
	erased_at = CASE WHEN display_name IN ('emptied', 'halted') THEN now() END WHERE display_name IN ('dan', 'dora', 'emptied', 'halted');
INSERT INTO members (account, org, role, ended_at)
	SELECT pg_temp.id(a), pg_temp.id(org), role, ended FROM (VALUES ('rita', 'acme', 'reviewer', NULL::timestamptz), ('rosa', 'acme', 'reviewer', NULL), ('dora', 'acme', 'billing', now()),
		('bill', 'acme', 'billing', NULL), ('ella', 'acme', 'reviewer', now()), ('zoe', 'zenith', 'reviewer', NULL),
		('susi', 'sus', 'reviewer', NULL)) v(a, org, role, ended);
INSERT INTO log_ins (token_sha256, account, idle, idle_until, absolute_until, id)
	SELECT sha256(convert_to(id, 'UTF8')), id, interval '1 h', now(), now(), pg_temp.id('login-' || display_name) FROM accounts;
INSERT INTO log_in_failures (email_sha256, failures, last_at, wait_until) VALUES (sha256('x'), 1, now(), now());
INSERT INTO second_factors (account) SELECT pg_temp.id(a) FROM unnest(ARRAY['rita', 'dora']) a;

INSERT INTO notices (sha256, version, text, materiality, effective_at)
	SELECT pg_temp.notice(n), n, 'text', m, now() + at::interval FROM (VALUES
		(1, 'notice', '-2 d'), (2, 'reconsent', '-1 d'), (3, 'reconsent', '1 d'), (4, 'notice', '-1 h')) v(n, m, at);

INSERT INTO sessions (id, candidate, state, held_at, restricted_at, role, role_title, mode, plan, recording, transcription, assessment, notice_sha256)
	SELECT pg_temp.id(s), pg_temp.id(CASE WHEN s = 'bobs' THEN 'bob' WHEN s = 'ottos' THEN 'otto' WHEN s LIKE 'd.%' THEN 'dan' WHEN s LIKE 'c%' THEN 'carol' ELSE 'alice' END),
		CASE WHEN s LIKE '%erased%' THEN 'erased' WHEN s = 'onair' THEN 'live' ELSE 'ended' END,
		CASE WHEN s LIKE '%held' THEN now() END, CASE WHEN s LIKE '%restricted' THEN now() END,
		'go', 'Go engineer', 'practice', '{}', true, true, true, pg_temp.notice(2)
	FROM unnest(ARRAY['live', 'resumed', 'expired', 'future', 'ungranted', 'refused', 'withdrawn', 'revoked', 'superseded', 'ended',
		'suspended', 'twice', 'oldnotice', 'held', 'restricted', 'erased', 'only.ratings', 'only.feedback', 'only.transcript',
		'only.audio', 'only.video', 'only.resume', 'only.profile', 'zeniths', 'suss', 'alone', 'onair', 'fresh', 'erased.held', 'bobs', 'carols',
		'c.held', 'c.restricted', 'c.erased', 'ottos', 'd.open', 'd.erased']) s;

INSERT INTO invitations (id, session, secret_sha256, purpose, scopes, created_at, valid_until, expires_at, cancelled_at, redeemed_at, authorization_id, notice_sha256, notice_version)
	SELECT pg_temp.id('i.' || i), pg_temp.id(CASE i WHEN 'carol' THEN 'carols' WHEN 'erased' THEN 'erased' ELSE 'alone' END), encode(sha256(convert_to(i, 'UTF8')), 'hex'),
		'hiring', '{ratings}', now() - interval '20 d', now() + CASE i WHEN 'overdue' THEN interval '-1 h' ELSE interval '1 h' END,
		now() + CASE i WHEN 'expired' THEN interval '-1 h' ELSE interval '1 h' END, CASE i WHEN 'cancelled' THEN now() END,
		CASE WHEN i IN ('redeemed', 'odd') THEN now() END, CASE i WHEN 'redeemed' THEN pg_temp.id('ungranted') WHEN 'odd' THEN pg_temp.id('refused') END,
		pg_temp.notice(2), 2
	FROM unnest(ARRAY['good', 'cancelled', 'expired', 'overdue', 'redeemed', 'odd', 'carol', 'erased']) i;
INSERT INTO authorizations (id, session, org, purpose, scopes, invitation, requested_by, valid_from, valid_until, notice_version, notice_sha256)
	SELECT s.id, s.id, pg_temp.id(CASE l WHEN 'zeniths' THEN 'zenith' WHEN 'suss' THEN 'sus' ELSE 'acme' END), 'hiring',
		CASE WHEN l LIKE 'only.%' THEN ARRAY[replace(replace(substr(l, 6), 'audio', 'recording.audio'), 'video', 'recording.video')]
			WHEN l = 'bobs' THEN ARRAY['ratings']
			ELSE ARRAY['ratings', 'feedback', 'transcript', 'recording.audio', 'recording.video', 'resume', 'profile'] END,
		CASE l WHEN 'ungranted' THEN pg_temp.id('i.redeemed') WHEN 'refused' THEN pg_temp.id('i.odd') END, -- odd: a candidate asked
		CASE l WHEN 'ungranted' THEN pg_temp.id('rita') WHEN 'refused' THEN pg_temp.id('carol') END,
		now() + CASE l WHEN 'future' THEN interval '1 h' ELSE interval '-2 h' END,
		now() + CASE l WHEN 'expired' THEN interval '-1 h' ELSE interval '2 h' END,
		CASE l WHEN 'oldnotice' THEN 1 ELSE 2 END, pg_temp.notice(CASE l WHEN 'oldnotice' THEN 1 ELSE 2 END)
	FROM (SELECT id, rtrim(id, '-') l FROM sessions) s WHERE l NOT IN ('alone', 'onair', 'erased.held', 'ottos') AND l NOT LIKE 'c%' AND l NOT LIKE 'd.%';
INSERT INTO authorizations (id, session, org, purpose, scopes, valid_until, notice_version, notice_sha256)
	VALUES (pg_temp.id('second'), pg_temp.id('zeniths'), pg_temp.id('sus'), 'hiring', '{ratings}', now() + interval '1 h', 2, pg_temp.notice(2));
INSERT INTO requests (authorization_id, org, account, purpose, scopes, valid_until) SELECT pg_temp.id(a), pg_temp.id(o), pg_temp.id(who), 'hiring', '{ratings}', now()
	FROM (VALUES ('ungranted', 'acme', 'rita'), ('zeniths', 'zenith', 'zoe'), ('suss', 'sus', 'susi')) v(a, o, who);
INSERT INTO authorization_events (authorization_id, org, kind, account)
	SELECT id, org, CASE rtrim(id, '-') WHEN 'ungranted' THEN 'requested' ELSE 'granted' END, pg_temp.id('alice') FROM authorizations;
INSERT INTO authorization_events (authorization_id, org, kind, account)
	SELECT id, org, CASE rtrim(id, '-') WHEN 'ended' THEN 'expired' ELSE rtrim(id, '-') END, pg_temp.id('alice') FROM authorizations
	WHERE rtrim(id, '-') IN ('refused', 'withdrawn', 'revoked', 'superseded', 'ended');
INSERT INTO authorization_events (authorization_id, org, kind, reason)
	SELECT id, org, 'suspended', 'restricted' FROM authorizations WHERE rtrim(id, '-') IN ('suspended', 'resumed', 'twice');
INSERT INTO authorization_events (authorization_id, org, kind, reason, ends)
	SELECT authorization_id, org, 'resumed', 'restricted', id FROM authorization_events
	WHERE kind = 'suspended' AND rtrim(authorization_id, '-') IN ('resumed', 'twice');
INSERT INTO authorization_events (authorization_id, org, kind, reason)
	SELECT id, org, 'suspended', 'held' FROM authorizations WHERE rtrim(id, '-') = 'twice';

INSERT INTO accesses (session, org, account, artefact) SELECT id, pg_temp.id('acme'), pg_temp.id('rita'), 'session' FROM sessions;
INSERT INTO consent_events (session, account, kind, recording, transcription, assessment, notice_sha256)
	SELECT id, candidate, 'answered', true, true, true, pg_temp.notice(2) FROM sessions;
INSERT INTO session_events (session, seq, kind) SELECT id, 1, 'x' FROM sessions;
INSERT INTO answers SELECT id, 0, 1, 1, 2, 3, 'done' FROM sessions;
INSERT INTO lines (session, epoch, sequence, question, take, start_ns, end_ns, engine, interpolated, words)
	SELECT id, 1, 1, 0, 1, 1, 2, 'e', false, 'x' FROM sessions;
INSERT INTO evidence (session, question, take, competency, line_epoch, line_sequence, first_word, last_word, polarity, part, rater)
	SELECT id, 0, 1, 'c', 1, 1, 0, 0, 'supports', 'action', '{"kind": "model"}' FROM sessions;
INSERT INTO ratings (session, question, take, competency, rater_kind, model, prompt_sha256, rubric_sha256, outcome, level, at)
	SELECT id, 0, 1, 'c', kind, CASE kind WHEN 'model' THEN 'm' ELSE '' END, 'p', 'r', 'level', 3, now()
	FROM sessions CROSS JOIN unnest(ARRAY['model', 'self']) kind;
INSERT INTO rating_notes (rating, session, notes) SELECT id, session, 'x' FROM ratings WHERE rater_kind = 'model';
INSERT INTO person_forms (id, session, org, account, closed_at)
	SELECT pg_temp.id('f.' || rtrim(id, '-')), id, pg_temp.id('acme'), pg_temp.id('rita'), CASE rtrim(id, '-') WHEN 'resumed' THEN now() END
	FROM sessions WHERE id <> pg_temp.id('fresh');
INSERT INTO person_forms (id, session, org, account) SELECT pg_temp.id(f), pg_temp.id(s), pg_temp.id(o), pg_temp.id(a) FROM (VALUES
	('g.live', 'live', 'zenith', 'zoe'), ('h.live', 'live', 'acme', 'rosa'), ('g.zeniths', 'zeniths', 'zenith', 'zoe')) v(f, s, o, a);
INSERT INTO person_ratings (form, session, question, take, competency, outcome, level, why)
	SELECT id, session, 0, 1, 'c', 'level', 3, 'x' FROM person_forms;
INSERT INTO feedback (session, question, take, model, prompt_sha256, bank_sha256, at, items) SELECT id, 0, 1, 'm', 'p', 'b', now(), 'x' FROM sessions;
INSERT INTO line_originals (session, epoch, sequence, revision, words) SELECT id, 1, 1, 0, 'x' FROM sessions;
UPDATE evidence SET superseded_by = 1 WHERE session = pg_temp.id('resumed');
UPDATE rating_notes SET superseded_by = 1 WHERE session = pg_temp.id('resumed');
UPDATE sessions SET assessment = false WHERE id = pg_temp.id('carols');
UPDATE answers SET revision = 1 WHERE session IN (SELECT pg_temp.id(s) FROM unnest(ARRAY['alone', 'held', 'restricted', 'erased', 'carols', 'suss']) s);
UPDATE answers SET assessed_at = now() WHERE session = pg_temp.id('suss');
INSERT INTO follow_ups (session, question, take, model, prompt_sha256, bank_sha256, at, words) SELECT id, 0, 1, 'm', 'p', 'b', now(), 'x' FROM sessions;
INSERT INTO contests (session, question, take, competency, words, by_model) SELECT id, 0, 1, 'c', 'x', true FROM sessions;
INSERT INTO measurements SELECT id, 0, 1, 'n', 1, 'u', 'c', true, '' FROM sessions;
INSERT INTO gaps SELECT id, kind, 1, 2, 'network' FROM sessions CROSS JOIN unnest(ARRAY['audio', 'video']) kind;
INSERT INTO segments (session, kind, epoch, sequence, object_key, size, sha256, start_us, end_us, width, height, codec, forced, blocks)
	SELECT id, kind, 1, 1, id || kind, 1, sha256('x'), 1, 2, 0, 0, 'opus', false, 'x' FROM sessions CROSS JOIN unnest(ARRAY['audio', 'video']) kind;
INSERT INTO data_keys (session, scope, wrapped, master_key) SELECT id, 'transcript', 'x', 'm' FROM sessions;
INSERT INTO ledger (seq, at, kind, session, authorization_id, account, org, leaf, chain)
	SELECT row_number() OVER (ORDER BY id), now(), 'x', id, '', candidate, '', sha256('x'), sha256('x') FROM sessions;
INSERT INTO ledger (seq, at, kind, session, authorization_id, account, org, leaf, chain) VALUES (99, now(), 'x', '', '', '', '', sha256('x'), sha256('x'));
INSERT INTO ledger_openings (seq, session, account, salt, event) SELECT seq, session, account, sha256('x'), 'x' FROM ledger WHERE seq < 99;
INSERT INTO receipts (id, seq, session, authorization_id, org, account, side, kind, notice_sha256, jws, at)
	SELECT pg_temp.id(left(side, 3) || '-' || rtrim(l.session, '-')), l.seq, l.session, a.id, a.org, l.account, side,
		CASE WHEN side = 'candidate' AND rtrim(l.session, '-') = 'withdrawn' THEN 'withdrawn' ELSE 'given' END, pg_temp.notice(2), 'x', now()
	FROM ledger l JOIN authorizations a ON a.id = l.session CROSS JOIN unnest(ARRAY['candidate', 'organization']) side;
INSERT INTO ai_calls (session, purpose, model, place, prompt_sha256) SELECT id, 'rating', 'm', 'p', 'x' FROM sessions;
INSERT INTO exports (id, account, whole, state, finished_at, gone_at)
	SELECT pg_temp.id(e), pg_temp.id(a), true, state, now(), now() + interval '1 h' FROM (VALUES ('x.alice', 'alice', 'running'),
		('x.old', 'alice', 'gone'), ('x.bob', 'bob', 'queued'), ('x.carol', 'carol', 'queued'), ('x.past', 'carol', 'gone')) v(e, a, state);
INSERT INTO export_sessions (export, session)
	SELECT pg_temp.id(e), pg_temp.id(s) FROM (VALUES ('x.alice', ARRAY['live', 'held', 'erased', 'restricted', 'onair', 'bobs', 'only.ratings']),
		('x.old', ARRAY['alone']), ('x.bob', ARRAY['bobs']), ('x.carol', ARRAY['carols']), ('x.past', ARRAY['carols'])) v(e, list)
	CROSS JOIN unnest(list) s;
INSERT INTO export_keys (export, wrapped, master_key, epoch) SELECT id, 'x', 'm', 1 FROM exports;
INSERT INTO room_tickets SELECT token_sha256, token_sha256, pg_temp.id('live'), now() FROM log_ins;
INSERT INTO erasures (id, session, account, cause, state) SELECT pg_temp.id('y.' || rtrim(candidate, '-')), id, candidate, 'request', 'running'
	FROM sessions WHERE id IN (pg_temp.id('erased'), pg_temp.id('c.erased'));
INSERT INTO erasure_counts (erasure, step, what, amount) SELECT id, 'rows', 'lines', 1 FROM erasures;
INSERT INTO erasure_objects SELECT id, 'n', 'o' FROM erasures;
INSERT INTO viewers (session, account, stream, org, seen_at) SELECT pg_temp.id(s), pg_temp.id(a), 'media', pg_temp.id(o), now() - ago::interval
	FROM (VALUES ('live', 'rita', 'acme', '0'), ('alone', 'rita', 'acme', '2 h'), ('bobs', 'rita', 'acme', '2 h'), ('zeniths', 'zoe', 'zenith', '0'),
		('zeniths', 'susi', 'sus', '0')) v(s, a, o, ago);
INSERT INTO cut_offs (session, org, account, stream, cause, after_ms) SELECT session, org, account, stream, 'withdrawn', 1 FROM viewers;

INSERT INTO holds (session, reason, authority) SELECT pg_temp.id(s), 'r', 'a' FROM unnest(ARRAY['held', 'c.held']) s;
INSERT INTO accounts (id, kind, email, display_name, password_hash, age_rule, used_at, closed_at, erase_at, erase_cause)
	SELECT pg_temp.id('un.' || what), CASE what WHEN 'employer' THEN 'employer' ELSE 'candidate' END, what, what, '$argon2id$x', 'r', now() - interval '3 y',
		CASE what WHEN 'closed' THEN now() END, CASE what WHEN 'closed' THEN now() + interval '31 d' END, CASE what WHEN 'closed' THEN 'closed' END
	FROM unnest(ARRAY['used', 'closed', 'employer']) what;
INSERT INTO sessions (id, candidate, state, state_at, held_at, role, role_title, mode, plan, notice_sha256)
	SELECT pg_temp.id('t.' || what), pg_temp.id('emptied'), CASE what WHEN 'ended' THEN 'ended' ELSE 'erased' END,
		now() - CASE what WHEN 'young' THEN interval '2 y' ELSE interval '4 y' END, CASE what WHEN 'held' THEN now() END, '', '', 'practice', '{}', pg_temp.notice(2)
	FROM unnest(ARRAY['old', 'young', 'held', 'ended']) what;
ANALYZE;
`

func word(text string) string { return text + strings.Repeat("-", 26-len(text)) }

// newPolicyWorld returns a database with that world in it, and a connection of the cluster's superuser,
// who can act as any role.
func newPolicyWorld(t *testing.T) (*Database, *pgx.Conn) {
	t.Helper()
	d := newTestDatabase(t)
	owner := asOwner(t, d)
	if _, err := owner.Exec(t.Context(), policyWorld); err != nil {
		t.Fatalf("make the world of the policy probes: %v", err)
	}
	return d, owner
}
