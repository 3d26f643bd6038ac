package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// Snapshots reads the facts that consent decides on, under the role of the actor's own plane, so that
// row-level security stands behind the decision too.
type Snapshots struct{ database *Database }

var _ consent.SnapshotReader = (*Snapshots)(nil)

// NewSnapshots returns the facts of a database.
func NewSnapshots(database *Database) *Snapshots { return &Snapshots{database: database} }

// sessionFacts are the columns every plane reads; a session that is not there, or that the policies
// hide, gives a row all the same, with the database's time.
const sessionFacts = `statement_timestamp(), s.id IS NOT NULL, coalesce(s.state, ''), s.restricted_at, s.held_at`

const consentFacts = `coalesce(s.candidate, ''), coalesce(s.recording, false), coalesce(s.transcription, false), coalesce(s.assessment, false)`

const factsFrom = ` FROM (VALUES (1)) always LEFT JOIN sessions s ON s.id = $1`

// noMember stands for what only an employer has: a role, an organization, records, a notice to compare with.
const noMember = `'', false, '[]'::json, 0`

// noExport stands for what only an export has: that it is open.
const noExport = `, false`

// modelFacts: only parts of the server ask; an account that is hidden from one counts as an objection to AI.
const modelFacts = `, coalesce((SELECT a.ai_objected_at IS NULL FROM accounts a WHERE a.id = s.candidate), false), coalesce(s.notice_sha256, '')`

const noModel = `, false, ''`

const partFacts = `SELECT ` + sessionFacts + `, true, ` + noMember + `, ` + consentFacts + noExport + modelFacts + factsFrom

const liveCandidate = `EXISTS (SELECT FROM accounts a WHERE a.id = $2 AND a.kind = 'candidate' AND a.closed_at IS NULL)`

const candidateFacts = `SELECT ` + sessionFacts + `, ` + liveCandidate + `, ` + noMember + `, ` + consentFacts + noExport + noModel + factsFrom

const exportFacts = `SELECT ` + sessionFacts + `, ` + liveCandidate + `, ` + noMember + `, ` + consentFacts + `,
	EXISTS (SELECT FROM exports e JOIN export_sessions x ON x.export = e.id AND x.session = $1
		WHERE e.id = $3 AND e.account = $2
		AND (e.state = 'running' OR e.state = 'ready' AND statement_timestamp() < e.gone_at))` + noModel + factsFrom

// The names of the inner columns are those of the fields of [consent.Authorization].
const employerFacts = `SELECT ` + sessionFacts + `,
	EXISTS (SELECT FROM accounts a WHERE a.id = $2 AND a.kind = 'employer' AND a.closed_at IS NULL),
	coalesce((SELECT m.role FROM members m WHERE m.account = $2 AND m.org = $3 AND m.ended_at IS NULL), ''),
	EXISTS (SELECT FROM organizations g WHERE g.id = $3 AND g.suspended_at IS NULL),
	(SELECT coalesce(json_agg(f), '[]') FROM (SELECT ` + authorizationColumns + ` FROM ` + authorizationTables + `
		WHERE a.session = $1 AND a.org = $3) f(id, session, org, orgname, purpose, scopes, validfrom, validuntil,
		noticeversion, noticesha256, supersedes, language, state, grantedat, endedat, pausedby)),
	` + minNotice + `, '', false, false, false` + noExport + noModel + factsFrom

// Snapshot implements [consent.SnapshotReader]: one statement, no cache. For an employer the policies
// leave only live authorizations; the others are as good as not there. The query does not rely on that.
func (s *Snapshots) Snapshot(ctx context.Context, actor consent.Actor, session consent.SessionID) (consent.Snapshot, error) {
	role, ok := planeOf(actor.Kind)
	if !ok {
		return consent.Snapshot{}, fmt.Errorf("read facts: unknown kind of actor %q", actor.Kind)
	}
	f, err := s.read(ctx, s.database.Pool(role), role, actor, session)
	if hasCode(err, contextExpired) { // the database's clock was moved; now we have heard it
		f, err = s.read(ctx, s.database.Pool(role), role, actor, session)
	}
	if err != nil {
		return consent.Snapshot{}, fmt.Errorf("read facts: %w", err)
	}
	return f, nil
}

type batchSender interface {
	SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults
}

func (s *Snapshots) read(ctx context.Context, from batchSender, role Role, actor consent.Actor, session consent.SessionID) (consent.Snapshot, error) {
	query, arguments := partFacts, []any{session}
	switch role {
	case RoleCandidate:
		query, arguments = candidateFacts, []any{session, actor.Account}
	case RoleEmployer:
		query, arguments = employerFacts, []any{session, actor.Account, actor.Org}
	case RoleExport:
		query, arguments = exportFacts, []any{session, actor.Account, actor.Export}
	default:
	}
	f := consent.Snapshot{Actor: actor, Session: session, ReadAt: time.Now()}
	var batch pgx.Batch // one round trip; the statements of a batch are one transaction
	about := rowContext{account: string(actor.Account), org: string(actor.Org), session: string(session)}
	if err := s.database.contexts.queue(&batch, role, about); err != nil {
		return consent.Snapshot{}, err
	}
	batch.Queue(query, arguments...).QueryRow(func(row pgx.Row) error {
		return row.Scan(&f.Now, &f.Known, &f.State, orZero{&f.RestrictedAt}, orZero{&f.HeldAt}, &f.ActorLive,
			&f.MemberRole, &f.OrgLive, &f.Authorizations, &f.MinNotice,
			&f.Candidate, &f.Consents.Recording, &f.Consents.Transcription, &f.Consents.Assessment,
			&f.ExportOpen, &f.ModelAllowed, &f.Notice)
	})
	return f, from.SendBatch(ctx, &batch).Close() //nolint:wrapcheck // Snapshot says what it tried
}

// planeOf returns under which role an actor's data is read and written.
func planeOf(kind consent.ActorKind) (Role, bool) {
	switch kind {
	case consent.ActorCandidate:
		return RoleCandidate, true
	case consent.ActorEmployer:
		return RoleEmployer, true
	case consent.ActorRecorder, consent.ActorScribe:
		return RoleIngest, true
	case consent.ActorAssessor:
		return RoleWorker, true
	case consent.ActorExport:
		return RoleExport, true
	default:
		return "", false
	}
}

// contextOf returns whom row-level security is told about for a Permit.
func contextOf(permit consent.Permit) rowContext {
	actor := permit.Actor()
	return rowContext{account: string(actor.Account), org: string(actor.Org), session: string(permit.Session())}
}
