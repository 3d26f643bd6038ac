package storage

import (
	"context"
	"fmt"
	"testing"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

func noEvidence(context.Context, consent.SessionID, assess.LineRef) error { return nil }

func noAnswer(context.Context, consent.SessionID, int, int) error { return nil }

// retentionCase makes one thing whose period began at the given time, and returns a query that counts what
// is left of it, and what else to look at where it must be gone.
type retentionCase struct {
	class  consent.Class
	name   string
	tables []string // whose rows it shows to go
	make   func(t *testing.T, w *sweepWorld, begun time.Time) (count string, afterward func(*testing.T))
	kept   consent.Period // zero: that of the class
}

// begun returns when the period of something began that is over since a moment, or not quite. A moment is
// more than a day where periods are of the calendar, for the sake of 29 February.
func (c retentionCase) begun(t *testing.T, w *sweepWorld, old bool) time.Time {
	t.Helper()
	kept := c.kept
	if kept == (consent.Period{}) {
		kept = consent.RuleOf(c.class).Kept
	}
	moment := 25 * time.Hour
	if kept.Hours > 0 {
		moment = 10 * time.Minute
	}
	var at time.Time
	if err := w.owner.QueryRow(t.Context(), `SELECT statement_timestamp() - $1::interval`, kept.ISO()).Scan(&at); err != nil {
		t.Fatal(err)
	}
	if old {
		moment = -moment
	}
	return at.Add(moment)
}

func (w *sweepWorld) number() int64 {
	w.made++
	return 1000 + w.made
}

func retentionCases() []retentionCase {
	rows := func(class consent.Class, table, insert, count string) retentionCase {
		return retentionCase{class: class, name: table, tables: []string{table}, make: func(t *testing.T, w *sweepWorld, begun time.Time) (string, func(*testing.T)) {
			t.Helper()
			n := w.number()
			w.ownerExec(t, insert, w.fresh(t), w.acme.ID, w.acmes.ID, begun, n)
			return fmt.Sprintf(`SELECT count(*) FROM %s WHERE %s`, table, fmt.Sprintf(count, n)), nil
		}}
	}
	// Every statement is given all parameters: $1 session, $2 organization, $3 its account, $4 when it began, $5 a number.
	const all = ` FROM (SELECT $1::text AS s, $2::text AS o, $3::text AS a, $4::timestamptz AS b, $5::bigint AS n) x`
	return []retentionCase{
		{class: consent.ClassAccount, name: "closed account", make: closedForLong},
		{class: consent.ClassAccount, name: "unused account", make: unusedForLong, kept: consent.UnusedAfter},
		{class: consent.ClassInterview, name: "interview", make: endedLongAgo},

		rows(consent.ClassUsage, "session_events", `INSERT INTO session_events (session, seq, at, kind) SELECT s, n, b, 'test'`+all, `seq = %d`),
		rows(consent.ClassAudit, "accesses", `INSERT INTO accesses (session, org, account, artefact, at) SELECT s, o, a, n::text, b`+all, `artefact = '%d'`),
		rows(consent.ClassAudit, "ai_calls", `INSERT INTO ai_calls (session, at, purpose, model, place, prompt_sha256)
			SELECT s, b, 'rating', coalesce(o, a), 'ai.example', n::text`+all, `prompt_sha256 = '%d'`),
		rows(consent.ClassAudit, "cut_offs", `INSERT INTO cut_offs (session, org, account, stream, cause, after_ms, at)
			SELECT s, o, a, 'media', 'withdrawn', n, b`+all, `after_ms = %d`),
		rows(consent.ClassAudit, "log_in_failures", `INSERT INTO log_in_failures (email_sha256, failures, in_a_row, last_at, wait_until)
			SELECT sha256(convert_to(n::text, 'UTF8')), 3, 3, b, b`+all+` WHERE s || o || a <> ''`, `email_sha256 = sha256(convert_to('%d', 'UTF8'))`),
		rows(consent.ClassLeftovers, "log_ins", `INSERT INTO log_ins (token_sha256, id, account, idle, idle_until, absolute_until)
			SELECT sha256(convert_to(n::text || s || o, 'UTF8')), rpad(n::text, 26, 'x'), a, '1 hour', b, b + interval '1 hour'`+all, `id = rpad('%d', 26, 'x')`),
		rows(consent.ClassLeftovers, "room_tickets", `WITH l AS (INSERT INTO log_ins (token_sha256, id, account, idle, idle_until, absolute_until)
				SELECT sha256(convert_to(n::text || o, 'UTF8')), rpad(n::text, 26, 'x'), a, '1 hour', now() + interval '1 hour', now() + interval '1 hour'`+all+` RETURNING token_sha256)
			INSERT INTO room_tickets (ticket_sha256, log_in, session, expires_at) SELECT sha256(convert_to($5::bigint::text, 'UTF8')), token_sha256, $1::text, $4::timestamptz FROM l`,
			`ticket_sha256 = sha256(convert_to('%d', 'UTF8'))`),
		rows(consent.ClassLeftovers, "river.river_job", `INSERT INTO river.river_job (kind, args, max_attempts, state, finalized_at)
			SELECT 'test' || n, jsonb_build_object('of', s || o || a), 5, 'discarded', b`+all, `kind = 'test%d'`),
		rows(consent.ClassLeftovers, "river.river_notification", `INSERT INTO river.river_notification (created_at, payload, topic)
			SELECT b, s || o || a, n::text`+all, `topic = '%d'`),
		rows(consent.ClassLeftovers, "exports", `INSERT INTO exports (id, account, whole, state, finished_at, gone_at)
			SELECT rpad(n::text, 26, 'x'), a, true, 'gone', b - interval '1 day', b`+all+` WHERE s || o <> ''`, `id = rpad('%d', 26, 'x')`),
		{class: consent.ClassLeftovers, name: "viewers", tables: []string{"viewers"}, kept: consent.Period{Hours: 1}, make: sawLast},
		{class: consent.ClassLeftovers, name: "parts of an export", tables: []string{"export_sessions", "export_keys"}, make: exportOver},
		{class: consent.ClassLeftovers, name: "names of erased objects", tables: []string{"erasure_objects"}, make: erasureDone},

		rows(consent.ClassConsent, "invitations", `INSERT INTO invitations (id, session, secret_sha256, purpose, scopes, valid_until, notice_sha256, notice_version, created_at, expires_at)
			SELECT rpad(n::text, 26, 'x'), s, encode(sha256(convert_to(n::text || o || a, 'UTF8')), 'hex'), 'hiring', '{ratings}', b + interval '1 day', c.sha256, c.version, b - interval '14 days', b`+
			all+` CROSS JOIN notices c WHERE c.version = 1`, `id = rpad('%d', 26, 'x')`),
		rows(consent.ClassConsent, "holds", `INSERT INTO holds (session, reason, authority, placed_at, lifted_at, lifted_reason)
			SELECT s, n::text, o || a, b - interval '1 day', b, 'over'`+all, `reason = '%d'`),
		{
			class: consent.ClassConsent, name: "authorization", make: sharedLongAgo,
			tables: []string{"authorizations", "authorization_events", "requests", "receipts", "invitations"},
		},
		{class: consent.ClassConsent, name: "authorization and what it replaced", make: narrowedLongAgo, tables: []string{"authorizations"}},
		{class: consent.ClassConsent, name: "authorization and the request that replaced it", make: confirmedLongAgo, tables: []string{"authorizations"}},
		{
			class: consent.ClassConsent, name: "authorization that expired unnoted, and its tombstone", make: expiredUnnoted,
			tables: []string{"authorizations", "authorization_events", "receipts", "sessions"},
		},
		{
			class: consent.ClassConsent, name: "tombstone", make: erasedLongAgo,
			tables: []string{"consent_events", "receipts", "ledger_openings", "erasures", "erasure_counts", "sessions"},
		},
		{class: consent.ClassConsent, name: "emptied account", make: emptiedLongAgo, tables: []string{"accounts", "ledger_openings"}},
	}
}
