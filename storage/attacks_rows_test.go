package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"greenroom/consent"
)

// The attacks of the study that are about the second wall (T41 to T47; T42 and T43 are in
// row_context_test.go). Whoever attacks here has a plane's connection and speaks SQL.

// attacked is a world in which Alice shares a session with Zenith. Bob and Acme's employee attack.
type attacked struct {
	*world
	session consent.SessionID
	secrets []string // what they must not see
}

type attacker struct {
	role  Role
	about rowContext
}

func newAttacked(t *testing.T) *attacked {
	t.Helper()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	granted := w.share(t, w.alice, id, w.zenith, allShareable()...)
	if err := w.shared.NoteAccess(t.Context(), actorOf(w.zeniths), id, []consent.Artefact{consent.ArtefactSession}); err != nil {
		t.Fatal(err)
	}
	return &attacked{world: w, session: id, secrets: []string{
		string(id), string(w.alice.ID), string(granted.ID), string(w.zeniths.ID), w.alice.Email, "Alice", "$argon2id$",
	}}
}

func (a *attacked) attackers() []attacker {
	return []attacker{
		{RoleCandidate, rowContext{account: string(a.bob.ID)}},
		{RoleEmployer, employerContext(a.acmes)},
		{RoleIngest, rowContext{session: string(consent.NewID[consent.SessionID]())}},
	}
}

// leaked returns which secrets a text holds.
func (a *attacked) leaked(text string) (found []string) {
	for _, secret := range a.secrets {
		if strings.Contains(text, secret) {
			found = append(found, secret)
		}
	}
	return found
}

// columnsOf returns the columns that a role may read, by table.
func columnsOf(t *testing.T, owner *pgx.Conn, role Role) map[string][]string {
	t.Helper()
	rows, err := owner.Query(t.Context(), `SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND has_column_privilege($1, c.oid, a.attnum, 'SELECT')
		GROUP BY c.relname`, role.database())
	if err != nil {
		t.Fatal(err)
	}
	tables := make(map[string][]string)
	var table string
	var columns []string
	if _, err := pgx.ForEachRow(rows, []any{&table, &columns}, func() error {
		tables[table] = columns
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return tables
}

// T41: SQL as the owner of a table, or as a role that bypasses policies. The server does not start on
// such a database; TestCheckWallsRefusesUnsafeRolesAndTables has the roles' attributes, which belong to
// all databases of the cluster.
func TestServerDoesNotStartWhereARoleOwnsATable(t *testing.T) {
	t.Parallel()
	d := newTestDatabase(t)
	owner := asOwner(t, d)
	name, secrets := owner.Config().Database, filepath.Join(testCluster.base, "secrets")
	for _, statement := range []string{`ALTER TABLE lines OWNER TO greenroom_employer`, `ALTER TABLE lines OWNER TO ` + embeddedOwner} {
		if _, err := owner.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		again, err := OpenDatabase(t.Context(), testURL(name), secrets)
		if err == nil {
			again.Close()
		}
		if refused := strings.HasSuffix(statement, "greenroom_employer"); refused != errors.Is(err, ErrWalls) || !refused && err != nil {
			t.Errorf("after %q: %v, want a refusal %t", statement, err, refused)
		}
	}
}

// T44: inserting to learn whether an id exists. Through our methods, foreign and unknown are one
// answer; in SQL the policy speaks before any key does.
func TestForeignAndUnknownIdsAreOneAnswer(t *testing.T) {
	t.Parallel()
	a := newAttacked(t)
	ctx, bob, acme := t.Context(), a.bob.ID, actorOf(a.acmes)
	unknown := consent.NewID[consent.SessionID]()
	grant := a.share(t, a.bob, a.consented(t, a.bob, allConsents), a.acme, consent.ScopeRatings)
	request := consent.AuthorizationRequest{Org: a.acme.ID, Purpose: consent.PurposeHiring, Scopes: grant.Scopes, ValidUntil: grant.ValidUntil}
	for what, ask := range map[string]func(consent.SessionID) error{
		"read a session": func(id consent.SessionID) error { _, err := a.sessions.Session(ctx, bob, id); return err },
		"read a plan":    func(id consent.SessionID) error { _, err := a.sessions.SessionPlan(ctx, bob, id); return err },
		"answer a notice": func(id consent.SessionID) error {
			_, err := a.sessions.GiveConsents(ctx, bob, id, allConsents, testNotice)
			return err
		},
		"withdraw a consent": func(id consent.SessionID) error {
			_, err := a.sessions.WithdrawConsent(ctx, bob, id, consent.ConsentRecording)
			return err
		},
		"authorize":            func(id consent.SessionID) error { _, err := a.sessions.Authorize(ctx, bob, id, request); return err },
		"list authorizations":  func(id consent.SessionID) error { _, err := a.sessions.Authorizations(ctx, bob, id); return err },
		"list accesses":        func(id consent.SessionID) error { _, err := a.sessions.Accesses(ctx, bob, id); return err },
		"end an authorization": func(id consent.SessionID) error { return a.sessions.WithdrawAuthorization(ctx, bob, id, grant.ID) },
		"note an access": func(id consent.SessionID) error {
			return a.shared.NoteAccess(ctx, acme, id, []consent.Artefact{consent.ArtefactSession})
		},
		"get a Permit": func(id consent.SessionID) error {
			_, err := a.gate.Permit(ctx, acme, id, consent.ArtefactSession)
			return err
		},
	} {
		foreign, none := ask(a.session), ask(unknown)
		if !errors.Is(foreign, consent.ErrNotFound) || foreign.Error() != none.Error() {
			t.Errorf("%s: a foreign session gives %v, an unknown one %v; want one answer", what, foreign, none)
		}
	}
	for _, probe := range []struct {
		attacker
		statement string
	}{
		{a.attackers()[0], `INSERT INTO consent_events (session, account, kind, recording, transcription, assessment, notice_sha256)
			VALUES ($1, '` + string(bob) + `', 'answered', true, true, true, '` + testNotice.SHA256() + `')`},
		{a.attackers()[0], `INSERT INTO session_events (session, seq, kind) VALUES ($1, 1, 'x')`},
		{a.attackers()[0], `INSERT INTO authorizations (id, session, org, purpose, scopes, valid_until)
			VALUES ('` + strings.Repeat("a", 26) + `', $1, '` + string(a.acme.ID) + `', 'hiring', '{ratings}', now() + interval '1 day')`},
		{a.attackers()[0], `INSERT INTO ratings (session, question, take, competency, rater_kind, model, prompt_sha256, rubric_sha256, outcome, level, at)
			VALUES ($1, 0, 1, 'ownership', 'self', '', '', '', 'level', 3, now())`},
		{a.attackers()[1], `INSERT INTO accesses (session, org, account, artefact)
			VALUES ($1, '` + string(a.acme.ID) + `', '` + string(a.acmes.ID) + `', 'session')`},
		{a.attackers()[2], `INSERT INTO gaps VALUES ($1, 'audio', 1000000000, 2000000000, 'network')`},
		{a.attackers()[2], `INSERT INTO answers VALUES ($1, 0, 1, 1, 2, 3, 'done')`},
	} {
		foreign, none := a.try(t, probe.attacker, probe.statement, a.session), a.try(t, probe.attacker, probe.statement, unknown)
		if !hasCode(foreign, policyViolation) || *serverError(foreign) != *serverError(none) {
			t.Errorf("%s: %s\nforeign: %+v\nunknown: %+v\nwant one refusal by a policy", probe.role, probe.statement, foreign, none)
		}
	}
}

// try runs one statement as an attacker and returns what the server said.
func (a *attacked) try(t *testing.T, by attacker, statement string, args ...any) error {
	t.Helper()
	return a.database.in(t.Context(), by.role, by.about, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), statement, args...)
		return err
	})
}

// serverError returns everything of an error that a client gets, but for the place in the server's
// source and in the statement.
func serverError(err error) *pgconn.PgError {
	from, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return &pgconn.PgError{Message: fmt.Sprint(err)}
	}
	return &pgconn.PgError{Code: from.Code, Message: from.Message, Detail: from.Detail, Hint: from.Hint, Where: from.Where, ConstraintName: from.ConstraintName}
}

// T45: COPY, and everything else that could read past a policy. That no view, function, trigger or rule
// does is what checkWalls looks for, in TestCheckWallsRefusesUnsafeRolesAndTables.
func TestCopyYieldsOnlyWhatPoliciesShow(t *testing.T) {
	t.Parallel()
	a := newAttacked(t)
	if err := checkWalls(t.Context(), a.owner); err != nil {
		t.Fatalf("the catalogue has something unlisted: %v", err)
	}
	for _, by := range a.attackers() {
		for table, columns := range columnsOf(t, a.owner, by.role) {
			out, err := a.copied(t, by, fmt.Sprintf("COPY %s (%s) TO STDOUT", table, strings.Join(columns, ", ")))
			if err != nil || len(a.leaked(out)) > 0 {
				t.Errorf("%s copies %s: %v, with %q in it", by.role, table, err, a.leaked(out))
			}
			var seen int
			err = a.database.in(t.Context(), by.role, by.about, func(tx pgx.Tx) error {
				return tx.QueryRow(t.Context(), fmt.Sprintf("SELECT count(%s) FROM %s", columns[0], table)).Scan(&seen)
			})
			if got := strings.Count(out, "\n"); err != nil || got != seen {
				t.Errorf("%s copies %d rows of %s and reads %d, %v", by.role, got, table, seen, err)
			}
		}
		if err := a.try(t, by, `COPY sessions FROM STDIN`); err == nil {
			t.Errorf("%s copies into sessions", by.role)
		}
	}
	own := attacker{RoleCandidate, rowContext{account: string(a.alice.ID)}}
	if out, err := a.copied(t, own, `COPY sessions TO STDOUT`); err != nil || len(a.leaked(out)) < 2 {
		t.Errorf("alice copies her own sessions: %v, finds %q", err, a.leaked(out))
	}
}

func (a *attacked) copied(t *testing.T, by attacker, statement string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := a.database.in(t.Context(), by.role, by.about, func(tx pgx.Tx) error {
		_, err := tx.Conn().PgConn().CopyTo(context.WithoutCancel(t.Context()), &out, statement)
		return err
	})
	return out.String(), err
}
