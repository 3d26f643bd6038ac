package storage

import "fmt"

// changeProbes are the writes: one that is allowed, and for each condition one that only it refuses.
func changeProbes() []probe {
	const (
		refused, none, one = "refused", "0 rows", "1 rows"
		consentEvent       = `INSERT INTO consent_events (session, account, kind, recording, transcription, assessment, notice_sha256)
			SELECT %s, %s, 'answered', true, true, true, sha256 FROM notices WHERE version = 2`
		sessionEvent = `INSERT INTO session_events (session, seq, kind) VALUES (%s, 9, 'x')`
		session      = `INSERT INTO sessions (id, candidate, role, role_title, mode, plan) VALUES (@new, %s, 'x', 'x', 'exam', '{}')`
		grant        = `INSERT INTO authorizations (id, session, org, purpose, scopes, valid_until, notice_version, notice_sha256)
			SELECT @new, %s, @zenith, 'hiring', '{ratings}', now() + interval '1 h', version, sha256 FROM notices WHERE version = 2`
		grantEvent      = `INSERT INTO authorization_events (authorization_id, org, kind, account, reason) VALUES (%s, %s, %s, %s, %s)`
		plainGrantEvent = `INSERT INTO authorization_events (authorization_id, org, kind, account) VALUES (%s, %s, %s, %s)`
		erase           = `INSERT INTO erasures (id, session, account, cause, state) VALUES (@new, %s, %s, %s, %s)`
		key             = `INSERT INTO data_keys (session, scope, wrapped, master_key) VALUES (%s, 'feedback', 'x', 'm')`
		invite          = `INSERT INTO invitations (id, session, secret_sha256, purpose, scopes, valid_until, notice_sha256, notice_version)
			SELECT @new, %s, sha256, 'hiring', '{ratings}', now() + interval '1 h', sha256, version FROM notices WHERE version = 2`
		redeem = `UPDATE invitations SET redeemed_at = now(), authorization_id = @live`
		ask    = `INSERT INTO authorizations (id, session, org, purpose, scopes, valid_until, invitation, requested_by, notice_sha256, notice_version)
			SELECT @new, %s, %s, %s, %s, %s, %s, %s, n.sha256, n.version FROM notices n, invitations i WHERE n.version = %s`
		request     = `INSERT INTO requests (authorization_id, org, account, purpose, scopes, valid_until) VALUES (@live, %s, %s, 'hiring', '{ratings}', now())`
		workerEvent = `INSERT INTO authorization_events (authorization_id, org, kind) VALUES (%s, @acme, %s)`
		view        = `INSERT INTO viewers (session, account, org, stream) VALUES (%s, %s, %s, 'events')`
		cutOff      = `INSERT INTO cut_offs (session, account, org, stream, cause) VALUES (%s, %s, %s, 'events', 'unknown')`
		rate        = `INSERT INTO ratings (session, question, take, competency, rater_kind, model, prompt_sha256, rubric_sha256, outcome, level, at)
			VALUES (%s, 0, 1, 'd', %s, %s, 'p', 'r', 'level', 3, now())`
		rerate  = `UPDATE ratings SET level = 1 WHERE session = %s AND rater_kind = %s`
		receipt = `INSERT INTO receipts (id, seq, session, authorization_id, org, account, side, kind, notice_sha256, jws, at)
			VALUES (@new, 99, %s, %s, %s, %s, 'candidate', %s, encode(sha256('notice 2'), 'hex'), 'x', now())`
		access  = `INSERT INTO accesses (session, org, account, artefact) VALUES (%s, %s, %s, 'ratings')`
		answer  = `INSERT INTO answers VALUES (%s, 1, 1, 1, 2, 3, 'done')`
		line    = `INSERT INTO lines VALUES (%s, 1, 2, 0, 1, 1, 2, 'e', false, 'x')`
		gap     = `INSERT INTO gaps VALUES (%s, 'audio', 5, 6, 'network')`
		segment = `INSERT INTO segments (session, kind, epoch, sequence, object_key, size, sha256, start_us, end_us, width, height, codec, forced, blocks)
			VALUES (%s, 'audio', 1, 2, 'k', 1, sha256('x'), 1, 2, 0, 0, 'opus', false, 'x')`
		advice = `INSERT INTO feedback (session, question, take, model, prompt_sha256, bank_sha256, at, items)
			VALUES (%s, 0, 1, 'm', 'p', 'b', now(), 'x') ON CONFLICT (session, question, take) DO UPDATE SET model = 'n'`
		evidence = `INSERT INTO evidence (session, question, take, competency, line_epoch, line_sequence, first_word, last_word, polarity, part, rater)
			VALUES (%s, 0, 1, 'd', 1, 1, 0, 0, 'supports', 'action', '{"kind": "model"}')`
		followUp = `INSERT INTO follow_ups (session, question, take, model, prompt_sha256, bank_sha256, at, words)
			VALUES (%s, 0, 1, 'm', 'p', 'b', now(), 'x') ON CONFLICT (session, question, take) DO UPDATE SET model = 'n'`
		measure       = `INSERT INTO measurements VALUES (%s, 0, 1, 'o', 1, 'u', 'c', true, '')`
		call          = `INSERT INTO ai_calls (session, purpose, model, place, prompt_sha256) VALUES (%s, 'rating', 'm', 'p', 'x')`
		export        = `INSERT INTO exports (id, account, whole) VALUES (@new, %s, true)`
		exportSession = `INSERT INTO export_sessions (export, session) VALUES (%s, %s)`
		original      = `INSERT INTO line_originals (session, epoch, sequence, revision, words) VALUES (%s, 1, 1, 1, 'x')`
		contest       = `INSERT INTO contests (session, question, take, competency, by_model) VALUES (%s, 0, 1, 'd', true)`
		personForm    = `INSERT INTO person_forms (id, session, org, account) VALUES (@new, %s, %s, %s)`
		personRating  = `INSERT INTO person_ratings (form, session, question, take, competency, outcome, level) VALUES (%s, %s, 0, 1, 'd', 'level', 3)`
		account       = `INSERT INTO accounts (id, kind, email, display_name, password_hash, age_rule) VALUES (@new, %s, 'new@example.org', 'n', '$argon2id$x', 'r')`
	)
	var all []probe
	try := func(who, want, statement string, values ...any) {
		all = append(all, probe{who, fmt.Sprintf(statement, values...), want})
	}
	try("alice", one, consentEvent, "@live", "@alice")
	try("alice", refused, consentEvent, "@bobs", "@alice")
	try("alice", refused, consentEvent, "@live", "@bob")
	try("alice", one, sessionEvent, "@live")
	try("alice", refused, sessionEvent, "@bobs")
	try("alice", one, session, "@alice")
	try("alice", refused, session, "@bob")
	try("alice", one, `UPDATE sessions SET recording = false WHERE id = @live`)
	try("alice", none, `UPDATE sessions SET recording = false WHERE id = @bobs`)
	try("alice", one, grant, "@alone")
	for _, closed := range []string{"@bobs", "@held", "@restricted"} {
		try("alice", refused, grant, closed)
	}
	try("alice", refused, `INSERT INTO authorizations (id, session, org, purpose, scopes, valid_until, notice_version)
		VALUES (@new, @alone, @zenith, 'hiring', '{ratings}', now() + interval '1 h', 0)`)
	try("alice", one, grantEvent, "@live", "@acme", "'withdrawn'", "@alice", "NULL")
	try("alice", one, grantEvent, "@live", "@acme", "'suspended'", "@alice", "'restricted'")
	try("alice", refused, grantEvent, "@live", "@acme", "'suspended'", "@alice", "'held'")
	try("alice", refused, grantEvent, "@live", "@acme", "'withdrawn'", "@bob", "NULL")
	try("alice", refused, grantEvent, "@bobs", "@acme", "'withdrawn'", "@alice", "NULL")
	try("alice", refused, grantEvent, "@live", "@zenith", "'withdrawn'", "@alice", "NULL")
	for _, others := range []string{"'requested'", "'revoked'", "'expired'"} {
		try("alice", refused, grantEvent, "@live", "@acme", others, "@alice", "NULL")
	}
	try("alice", one, rate, "@alone", "'self'", "''")
	try("alice", refused, rate, "@alone", "'human'", "''")
	for _, add := range []string{contest, original} {
		try("alice", one, add, "@alone")
		for _, closed := range []string{"@bobs", "@held", "@restricted", "@erased"} {
			try("alice", refused, add, closed)
		}
	}
	try("alice", one, rerate, "@alone", "'self'")
	try("alice", none, rerate, "@alone", "'model'")
	for _, closed := range []string{"@bobs", "@held", "@restricted", "@erased"} {
		try("alice", refused, rate, closed, "'self'", "''")
		try("alice", none, rerate, closed, "'self'")
	}
	try("alice", one, receipt, "@alone", "''", "''", "@alice", "'given'")
	try("alice", one, receipt, "@live", "@live", "@acme", "@alice", "'given'")
	try("alice", refused, receipt, "@alone", "''", "''", "@bob", "'given'")
	try("alice", refused, receipt, "@bobs", "''", "''", "@alice", "'given'")
	try("alice", refused, receipt, "@live", "@resumed", "@acme", "@alice", "'given'")
	try("alice", refused, receipt, "@live", "@new", "@acme", "@alice", "'given'")
	try("alice", refused, receipt, "@live", "@live", "@zenith", "@alice", "'given'")

	try("rita", one, access, "@live", "@acme", "@rita")
	try("rita", refused, access, "@live", "@zenith", "@rita")
	try("rita", refused, access, "@live", "@acme", "@bill")
	try("rita", refused, access, "@alone", "@acme", "@rita")

	try("rita", one, personForm, "@fresh", "@acme", "@rita")
	try("rita", refused, personForm, "@fresh", "@zenith", "@rita")
	try("rita", refused, personForm, "@fresh", "@acme", "@rosa")
	for _, closed := range []string{"@alone", "@only.ratings", "@held"} {
		try("rita", refused, personForm, closed, "@acme", "@rita")
	}
	try("rita", one, `UPDATE person_forms SET closed_at = now() WHERE session = @live`)
	try("rita", refused, `UPDATE person_forms SET closed_at = NULL WHERE session = @live`)
	try("rita", one, personRating, "@f.live", "@live")
	try("rita", one, `UPDATE person_ratings SET level = 1 WHERE form = @f.live`)
	for form, session := range map[string]string{"@h.live": "@live", "@f.resumed": "@resumed", "@f.only.ratings": "@only.ratings"} {
		try("rita", refused, personRating, form, session)
		try("rita", none, `UPDATE person_ratings SET level = 1 WHERE form = %s`, form)
	}

	for _, add := range []string{answer, line, followUp, gap, segment, sessionEvent} {
		try("scribe", one, add, "@live")
		try("scribe", refused, add, "@alone")
	}
	for _, closed := range []string{"held", "restricted", "erased"} {
		for _, add := range []string{answer, line, followUp, gap} {
			try("scribe of "+closed, refused, add, "@"+closed)
		}
		for _, add := range []string{evidence, measure, advice} {
			try("assessor of "+closed, refused, add, "@"+closed)
		}
		try("assessor of "+closed, refused, rate, "@"+closed, "'human'", "''")
		try("assessor of "+closed, none, `DELETE FROM rating_notes`)
		try("assessor of "+closed, none, `UPDATE lines SET evidence_at = now()`)
		try("assessor of "+closed, none, `UPDATE answers SET assessed_at = now()`)
	}
	for _, table := range []string{"answers", "gaps"} {
		try("scribe", refused, `UPDATE %s SET session = @alone`, table)
	}
	try("scribe", one, `UPDATE sessions SET epoch = epoch + 1`)
	try("assessor", one, `UPDATE answers SET assessed_at = now()`)
	try("assessor", one, `UPDATE lines SET evidence_at = now()`)
	for _, add := range []string{evidence, measure, advice} {
		try("assessor", one, add, "@live")
		try("assessor", refused, add, "@alone")
	}
	try("assessor", one, rate, "@live", "'human'", "''")
	try("assessor", refused, rate, "@alone", "'human'", "''")
	try("assessor", refused, rate, "@live", "'self'", "''")
	try("assessor", one, `UPDATE ratings SET level = 1`)
	try("assessor", refused, `UPDATE ratings SET rater_kind = 'self', model = ''`)
	for _, table := range []string{"evidence", "measurements", "rating_notes", "feedback", "ratings"} {
		try("assessor", refused, `UPDATE %s SET session = @alone`, table)
		try("assessor", one, `DELETE FROM %s`, table)
	}
	try("alice", one, erase, "@alone", "@alice", "'request'", "'running'")
	try("alice", refused, erase, "@alone", "@bob", "'request'", "'running'")
	try("alice", refused, erase, "@alone", "@alice", "'closed'", "'running'")
	try("alice", refused, erase, "@alone", "@alice", "'request'", "'done'")
	try("alice", refused, erase, "@bobs", "@alice", "'request'", "'running'")
	for _, who := range []string{"alice", "scribe of erased", "worker"} {
		try(who, none, `UPDATE sessions SET event_seq = 9 WHERE id = @erased`)
		try(who, refused, sessionEvent, "@erased")
	}
	try("worker", one, sessionEvent, "@live")
	try("scribe of erased", refused, segment, "@erased")
	try("keys", one, key, "@live")
	try("keys", refused, key, "@erased")
	try("erasure", one, `UPDATE sessions SET state = 'erased' WHERE id = @live`)
	try("erasure", none, `UPDATE sessions SET state = 'erased' WHERE id = @held`)
	try("erasure", refused, `UPDATE sessions SET state = 'ended' WHERE id = @live`)
	try("erasure", one, plainGrantEvent, "@live", "@acme", "'revoked'", "NULL")
	try("erasure", refused, plainGrantEvent, "@live", "@acme", "'expired'", "NULL")
	try("erasure", refused, plainGrantEvent, "@live", "@acme", "'revoked'", "@alice")
	try("erasure", "3 rows", `DELETE FROM lines`)
	try("erasure", one, `UPDATE invitations SET cancelled_at = now()`)
	try("alice", one, invite, "@alone")
	for _, closed := range []string{"@bobs", "@held", "@restricted"} {
		try("alice", refused, invite, closed)
	}
	try("carol", one, `UPDATE invitations SET cancelled_at = now()`)
	try("rita, invited", one, redeem)
	for _, who := range []string{
		"rita", "rita, cancelled", "rita, expired", "rita, overdue", "rita, redeemed", "bill, invited", "ella, invited", "susi, invited",
		"zoe for acme, invited", "rita for zenith, invited",
	} {
		try(who, none, redeem)
	}
	asked := func(who, want string, other ...string) { // pairs of a term and what it is instead
		terms := map[string]string{
			"session": "@alone", "org": "@acme", "purpose": "'hiring'", "scopes": "'{ratings}'", "valid_until": "i.valid_until",
			"notice": "2", "invitation": "@i.good", "by": "@rita",
		}
		for i := 0; i < len(other); i += 2 {
			terms[other[i]] = other[i+1]
		}
		try(who, want, ask, terms["session"], terms["org"], terms["purpose"], terms["scopes"], terms["valid_until"], terms["invitation"], terms["by"], terms["notice"])
	}
	asked("rita, invited", one)
	asked("rita for zenith, invited", refused)
	asked("rita for zenith, invited", refused, "org", "@zenith")
	asked("rita, invited", refused, "org", "@zenith")
	asked("rita, invited", refused, "by", "@rosa")
	asked("rita, invited", refused, "by", "@bill")
	asked("rita, invited", refused, "session", "@live")
	asked("rita, invited", refused, "purpose", "'practice_review'")
	asked("rita, invited", refused, "scopes", "'{feedback}'")
	asked("rita, invited", refused, "valid_until", "now() + interval '5 h'")
	asked("rita, invited", refused, "notice", "4")
	asked("rita, invited", refused, "invitation", "@i.cancelled")
	for _, bad := range []string{"cancelled", "expired", "redeemed"} {
		asked("rita, "+bad, refused, "invitation", "@i."+bad)
	}
	asked("bill, invited", refused, "by", "@bill")
	asked("ella, invited", refused, "by", "@ella")
	try("rita", one, plainGrantEvent, "@live", "@acme", "'requested'", "@rita")
	try("rita", refused, plainGrantEvent, "@live", "@acme", "'granted'", "@rita")
	try("rita", refused, plainGrantEvent, "@live", "@zenith", "'requested'", "@rita")
	try("rita", refused, plainGrantEvent, "@live", "@acme", "'requested'", "@bill")
	try("rita", one, request, "@acme", "@rita")
	try("rita", refused, request, "@zenith", "@rita")
	try("rita", refused, request, "@acme", "@bill")
	try("worker", one, workerEvent, "@expired", "'expired'")
	try("worker", refused, workerEvent, "@live", "'expired'")
	try("worker", refused, workerEvent, "@expired", "'revoked'")
	try("node", refused, `UPDATE viewers SET org = @acme`)
	for _, seen := range []string{view, cutOff} {
		try("node", one, seen, "@zeniths", "@zoe", "@zenith")
		try("node", refused, seen, "@live", "@zoe", "@zenith")
		try("node", refused, seen, "@zeniths", "@rita", "@zenith")
		try("node", refused, seen, "@zeniths", "@zoe", "@acme")
	}
	// Without a WHERE no column is read, and only the policy for the change speaks.
	try("carol", one, `UPDATE ratings SET level = 1`)
	for _, correct := range []string{
		`UPDATE lines SET changed = 1`, `UPDATE answers SET revision = 1`, `UPDATE evidence SET superseded_by = 1`, `UPDATE rating_notes SET superseded_by = 1`,
		`DELETE FROM feedback`, `DELETE FROM measurements`,
	} {
		try("carol", one, `%s`, correct)
	}
	try("assessor", one, call, "@live")
	try("assessor", refused, call, "@alone")
	try("export of carol", one, exportSession, "@x.carol", "@c.held")
	try("export of carol", refused, exportSession, "@x.carol", "@bobs")
	try("export of carol", refused, exportSession, "@x.bob", "@c.held")
	try("export of carol", refused, exportSession, "@x.past", "@c.held")
	try("export of carol", "error 23505", export, "@carol") // one at a time
	try("export of carol", refused, export, "@bob")
	try("erasure", "5 rows", `UPDATE exports SET state = 'gone'`)
	try("erasure", refused, `UPDATE exports SET state = 'ready'`)
	try("worker", one, receipt, "@alone", "''", "''", "@alice", "'expired'")
	try("worker", refused, receipt, "@alone", "''", "''", "@alice", "'given'")

	for _, c := range []struct{ who, want, at, cause string }{
		{"alice", one, "31 d", "closed"},
		{"alice", refused, "1 d", "closed"},
		{"alice", refused, "31 d", "child"},
		{"rita as a candidate", none, "31 d", "closed"},
	} {
		try(c.who, c.want, `UPDATE accounts SET closed_at = now(), erase_at = now() + interval '%s', erase_cause = '%s'`, c.at, c.cause)
	}
	try("dan", none, `UPDATE accounts SET erase_at = now() + interval '40 d'`)
	object := `UPDATE accounts SET ai_objected_at = now()`
	try("alice", one, `%s`, object)
	try("dan", none, `%s`, object)
	try("rita as a candidate", none, `%s`, object)
	try("alice", one, `DELETE FROM log_ins`)
	open := `UPDATE accounts SET closed_at = NULL, erase_at = NULL, erase_cause = NULL WHERE id = %s`
	try("login", one, open, "@dan")
	try("login", none, open, "@dora")
	try("login", refused, `UPDATE accounts SET closed_at = now() WHERE id = @alice`)
	try("login", none, `UPDATE accounts SET erase_cause = 'child' WHERE id = @halted`)
	try("login of dan", one, `UPDATE sessions SET restricted_at = NULL`)
	try("erasure", one, `UPDATE accounts SET erased_at = now() WHERE erase_at IS NOT NULL`)
	try("erasure", refused, `UPDATE accounts SET display_name = 'x'`)
	try("assessor", one, rate, "@live", "'model'", "'m'")
	try("assessor of otto", one, rate, "@ottos", "'human'", "''")
	try("assessor of otto", refused, rate, "@ottos", "'model'", "'m'")
	try("assessor of otto", refused, evidence, "@ottos")
	try("assessor of otto", refused, advice, "@ottos")
	try("login", one, account, "'candidate'")
	try("login", refused, account, "'employer'")
	try("erasure", one, receipt, "@alone", "''", "''", "@alice", "'erased'")
	try("erasure", refused, receipt, "@alone", "''", "''", "@alice", "'given'")
	sweepProbes(try)
	return all
}

// sweepProbes are about what the eraser takes away by its age. In this world only t.old is old enough.
func sweepProbes(try func(who, want, statement string, values ...any)) {
	for _, table := range []string{
		"authorizations", "authorization_events", "consent_events", "receipts", "invitations", "holds", "erasures", "erasure_counts", "accounts",
	} {
		try("erasure", "0 rows", `DELETE FROM %s`, table)
	}
	try("erasure", "1 rows", `DELETE FROM sessions WHERE id LIKE 't.%%'`)
	const closing = `UPDATE accounts SET closed_at = now(), erase_at = now() + interval '%s', erase_cause = '%s' WHERE id LIKE 'un.%%' OR id = @alice`
	try("erasure", "1 rows", closing, "31 d", "expired")
	try("erasure", "refused", closing, "1 d", "expired")
	try("erasure", "refused", closing, "31 d", "closed")
}
