package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// keysWorld is a session with its candidate and an employer, and the key service. Rows are written
// past every policy; Permits are made from facts that the test invents, so that the key service's own
// question is the only wall in the way.
type keysWorld struct {
	database  *Database
	owner     *pgx.Conn
	keys      *Keys
	secrets   string
	session   consent.SessionID
	candidate consent.AccountID
	employer  consent.AccountID
	org       consent.OrgID
}

func newKeysWorld(t *testing.T) *keysWorld {
	t.Helper()
	w := &keysWorld{
		database: newTestDatabase(t), secrets: t.TempDir(),
		session: consent.NewID[consent.SessionID](), candidate: consent.NewID[consent.AccountID](),
		employer: consent.NewID[consent.AccountID](), org: consent.NewID[consent.OrgID](),
	}
	w.owner = asOwner(t, w.database)
	w.exec(t, `INSERT INTO organizations (id, name) VALUES ($1, 'Acme')`, w.org)
	w.exec(t, `INSERT INTO accounts (id, kind, email, display_name, password_hash, age_rule)
		VALUES ($1, 'candidate', 'c@example.org', 'C', '$argon2id$x', 'rule'), ($2, 'employer', 'e@example.org', 'E', '$argon2id$x', '')`,
		w.candidate, w.employer)
	w.exec(t, `INSERT INTO members (account, org) VALUES ($1, $2)`, w.employer, w.org)
	w.exec(t, `INSERT INTO notices (sha256, version, text) VALUES (repeat('a', 64), '1', 'x')`)
	w.addSession(t, w.session)
	var err error
	if w.keys, err = OpenKeys(t.Context(), w.database, w.masterPath()); err != nil {
		t.Fatalf("open keys: %v", err)
	}
	return w
}

func (w *keysWorld) masterPath() string { return filepath.Join(w.secrets, "master.key") }

func (w *keysWorld) addSession(t *testing.T, id consent.SessionID) {
	t.Helper()
	w.exec(t, addLiveSession, id, w.candidate)
}

const addLiveSession = `INSERT INTO sessions (id, candidate, state, role, role_title, mode, plan, recording, transcription, assessment, notice_sha256)
	VALUES ($1, $2, 'live', 'go', 'Go engineer', 'practice', '{}', true, true, true, repeat('a', 64))`

func (w *keysWorld) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := w.owner.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (w *keysWorld) count(t *testing.T, sql string, args ...any) int {
	t.Helper()
	var n int
	if err := w.owner.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// grant authorizes the employer's organization from now on.
func (w *keysWorld) grant(t *testing.T, scopes ...consent.Scope) consent.AuthorizationID {
	t.Helper()
	id := consent.NewID[consent.AuthorizationID]()
	w.exec(t, `INSERT INTO authorizations (id, session, org, purpose, scopes, valid_until, notice_version)
		VALUES ($1, $2, $3, 'hiring', $4, now() + interval '1 hour', 0)`, id, w.session, w.org, scopes)
	w.event(t, id, "granted")
	return id
}

func (w *keysWorld) event(t *testing.T, id consent.AuthorizationID, kind string) {
	t.Helper()
	w.exec(t, `INSERT INTO authorization_events (authorization_id, org, kind, account) VALUES ($1, $2, $3, $4)`, id, w.org, kind, w.candidate)
}

func (w *keysWorld) actor(kind consent.ActorKind) consent.Actor {
	switch kind {
	case consent.ActorCandidate:
		return consent.Actor{Kind: kind, Account: w.candidate}
	case consent.ActorEmployer:
		return consent.Actor{Kind: kind, Account: w.employer, Org: w.org}
	default:
		return consent.Actor{Kind: kind}
	}
}

// permit makes a Permit from facts that allow everything anybody may ever have.
func (w *keysWorld) permit(t *testing.T, kind consent.ActorKind, artefact consent.Artefact) consent.Permit {
	t.Helper()
	return makePermit(t, w.actor(kind), w.session, w.candidate, artefact)
}

func makePermit(t *testing.T, actor consent.Actor, session consent.SessionID, candidate consent.AccountID, artefact consent.Artefact) consent.Permit {
	t.Helper()
	permit, err := consent.Decide(consent.Snapshot{
		Actor: actor, ActorLive: true, MemberRole: consent.MemberReviewer, OrgLive: true, Session: session, Known: true, Candidate: candidate, State: consent.SessionEnded,
		Consents: consent.Consents{Recording: true, Transcription: true, Assessment: true},
		Authorizations: []consent.Authorization{{
			Session: session, Org: actor.Org, Scopes: consent.AllScopes(), State: consent.AuthorizationGranted,
			ValidFrom: time.Unix(0, 0), ValidUntil: time.Now().Add(time.Hour),
		}},
		Now: time.Now(), ReadAt: time.Now(),
	}, artefact)
	if err != nil {
		t.Fatalf("permit for %s to %s: %v", artefact, actor.Kind, err)
	}
	return permit
}

func TestFieldsAreSealedByWritersAndOpenedByReaders(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	scribe := w.permit(t, consent.ActorScribe, consent.ArtefactTranscript)
	sealed, err := w.keys.SealField(t.Context(), scribe, w.session, consent.ScopeTranscript, "lines/1", []byte(canary))
	if err != nil {
		t.Fatalf("seal: %v", err)
	}
	if bytes.Contains(sealed, []byte("quick")) {
		t.Error("a sealed field has plain text")
	}
	w.grant(t, consent.ScopeTranscript)
	for _, kind := range []consent.ActorKind{consent.ActorCandidate, consent.ActorEmployer, consent.ActorScribe, consent.ActorAssessor} {
		permit := w.permit(t, kind, consent.ArtefactTranscript)
		got, err := w.keys.OpenField(t.Context(), permit, w.session, consent.ScopeTranscript, "lines/1", sealed)
		if err != nil || string(got) != canary {
			t.Errorf("open as %s = %q, %v", kind, got, err)
		}
		if _, err := w.keys.OpenField(t.Context(), permit, w.session, consent.ScopeTranscript, "lines/2", sealed); err == nil {
			t.Errorf("%s opened a field in another row", kind)
		}
	}
	fields, err := w.keys.ReadFields(t.Context(), scribe, w.session, consent.ScopeTranscript)
	if err != nil {
		t.Fatalf("read fields: %v", err)
	}
	if got, err := fields.Open("lines/1", sealed); err != nil || string(got) != canary {
		t.Errorf("open several = %q, %v", got, err)
	}
	if n := w.count(t, `SELECT count(*) FROM data_keys`); n != 1 {
		t.Errorf("there are %d keys, want 1", n)
	}
}

func TestKeysRefuseWithoutAPermitForTheScope(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	w.grant(t, consent.AllScopes()...)
	other := consent.NewID[consent.SessionID]()
	for name, c := range map[string]struct {
		permit consent.Permit
		scope  consent.Scope
	}{
		"zero Permit":            {consent.Permit{}, consent.ScopeTranscript},
		"another scope":          {w.permit(t, consent.ActorCandidate, consent.ArtefactAudio), consent.ScopeRecordingVideo},
		"ratings open nothing":   {w.permit(t, consent.ActorCandidate, consent.ArtefactRatings), consent.ScopeFeedback},
		"capture, transcript":    {w.permit(t, consent.ActorRecorder, consent.ArtefactCapture), consent.ScopeTranscript},
		"another session":        {makePermit(t, w.actor(consent.ActorCandidate), other, w.candidate, consent.ArtefactTranscript), consent.ScopeTranscript},
		"unknown scope":          {w.permit(t, consent.ActorCandidate, consent.ArtefactTranscript), "everything"},
		"session, as everybody":  {w.permit(t, consent.ActorEmployer, consent.ArtefactSession), consent.ScopeTranscript},
		"measurements, feedback": {w.permit(t, consent.ActorEmployer, consent.ArtefactMeasurements), consent.ScopeFeedback},
	} {
		if _, err := w.keys.SealField(t.Context(), c.permit, w.session, c.scope, "x", nil); !errors.Is(err, consent.ErrPermit) {
			t.Errorf("%s: seal = %v, want %v", name, err, consent.ErrPermit)
		}
		if _, err := w.keys.OpenField(t.Context(), c.permit, w.session, c.scope, "x", nil); !errors.Is(err, consent.ErrPermit) {
			t.Errorf("%s: open = %v, want %v", name, err, consent.ErrPermit)
		}
	}
	if n := w.count(t, `SELECT count(*) FROM data_keys`); n != 0 {
		t.Errorf("%d keys were made for refused writers", n)
	}
}

// TestKeysAskTheDatabaseThemselves gives the key service Permits that should never have been made:
// each fact that the database holds against the reader must be enough to refuse.
func TestKeysAskTheDatabaseThemselves(t *testing.T) {
	t.Parallel()
	type change func(t *testing.T, w *keysWorld)
	sql := func(text string, args ...func(*keysWorld) any) change {
		return func(t *testing.T, w *keysWorld) {
			t.Helper()
			values := make([]any, len(args))
			for i, arg := range args {
				values[i] = arg(w)
			}
			w.exec(t, text, values...)
		}
	}
	session := func(w *keysWorld) any { return w.session }
	employer := func(w *keysWorld) any { return w.employer }
	end := func(kind string) change {
		return func(t *testing.T, w *keysWorld) {
			t.Helper()
			w.event(t, w.grant(t, consent.ScopeTranscript), kind)
		}
	}
	window := func(from, until string) change {
		return func(t *testing.T, w *keysWorld) {
			t.Helper()
			id := consent.NewID[consent.AuthorizationID]()
			w.exec(t, fmt.Sprintf(`INSERT INTO authorizations (id, session, org, purpose, scopes, valid_from, valid_until, notice_version)
				VALUES ($1, $2, $3, 'hiring', '{transcript}', now() + '%s', now() + '%s', 0)`, from, until), id, w.session, w.org)
			w.event(t, id, "granted")
		}
	}
	granted := func(t *testing.T, w *keysWorld) {
		t.Helper()
		w.grant(t, consent.ScopeTranscript)
	}
	cases := []struct {
		name  string
		actor consent.ActorKind
		steps []change
	}{
		{"employer without a record", consent.ActorEmployer, nil},
		{"employer with another scope", consent.ActorEmployer, []change{func(t *testing.T, w *keysWorld) {
			t.Helper()
			w.grant(t, consent.ScopeRatings, consent.ScopeFeedback, consent.ScopeRecordingAudio)
		}}},
		{"withdrawn", consent.ActorEmployer, []change{end("withdrawn")}},
		{"superseded", consent.ActorEmployer, []change{end("superseded")}},
		{"expired", consent.ActorEmployer, []change{window("-2 hours", "-1 millisecond")}},
		{"not begun", consent.ActorEmployer, []change{window("1 hour", "2 hours")}},
		{"left the organization", consent.ActorEmployer, []change{granted, sql(`UPDATE members SET ended_at = now() WHERE account = $1`, employer)}},
		{"never was a member", consent.ActorEmployer, []change{granted, sql(`DELETE FROM members WHERE account = $1`, employer)}},
		{"erased, employer", consent.ActorEmployer, []change{granted, sql(`UPDATE sessions SET state = 'erased' WHERE id = $1`, session)}},
		{"erased, candidate", consent.ActorCandidate, []change{sql(`UPDATE sessions SET state = 'erased' WHERE id = $1`, session)}},
		{"held, candidate", consent.ActorCandidate, []change{sql(`UPDATE sessions SET held_at = now() WHERE id = $1`, session)}},
		{"held, scribe", consent.ActorScribe, []change{sql(`UPDATE sessions SET held_at = now() WHERE id = $1`, session)}},
		{"held, assessor", consent.ActorAssessor, []change{sql(`UPDATE sessions SET held_at = now() WHERE id = $1`, session)}},
		{"restricted, scribe", consent.ActorScribe, []change{sql(`UPDATE sessions SET restricted_at = now() WHERE id = $1`, session)}},
		{"restricted, assessor", consent.ActorAssessor, []change{sql(`UPDATE sessions SET restricted_at = now() WHERE id = $1`, session)}},
		{"another candidate's", consent.ActorCandidate, []change{sql(`UPDATE sessions SET candidate = $2 WHERE id = $1`, session, employer)}},
		{"closed account", consent.ActorCandidate, []change{sql(`UPDATE accounts SET closed_at = now() WHERE kind = 'candidate'`)}},
		{"scribe, withdrawn", consent.ActorScribe, []change{sql(`UPDATE sessions SET transcription = false, assessment = false WHERE id = $1`, session)}},
		{"assessor, withdrawn", consent.ActorAssessor, []change{sql(`UPDATE sessions SET assessment = false WHERE id = $1`, session)}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newKeysWorld(t)
			scribe := w.permit(t, consent.ActorScribe, consent.ArtefactTranscript)
			sealed, err := w.keys.SealField(t.Context(), scribe, w.session, consent.ScopeTranscript, "x", []byte(canary))
			if err != nil {
				t.Fatalf("seal: %v", err)
			}
			for _, step := range c.steps {
				step(t, w)
			}
			got, err := w.keys.OpenField(t.Context(), w.permit(t, c.actor, consent.ArtefactTranscript), w.session, consent.ScopeTranscript, "x", sealed)
			if !errors.Is(err, consent.ErrNotFound) || got != nil {
				t.Errorf("open = %q, %v; want %v", got, err, consent.ErrNotFound)
			}
		})
	}
}

func TestRestrictedSessionsKeepTheirKeysForTheCandidateAndMakeNoNewOnes(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	scribe := w.permit(t, consent.ActorScribe, consent.ArtefactTranscript)
	sealed, err := w.keys.SealField(t.Context(), scribe, w.session, consent.ScopeTranscript, "x", []byte(canary))
	if err != nil {
		t.Fatalf("seal: %v", err)
	}
	w.exec(t, `UPDATE sessions SET restricted_at = now() WHERE id = $1`, w.session)
	candidate := w.permit(t, consent.ActorCandidate, consent.ArtefactTranscript)
	if got, err := w.keys.OpenField(t.Context(), candidate, w.session, consent.ScopeTranscript, "x", sealed); err != nil || string(got) != canary {
		t.Errorf("the candidate opens %q, %v", got, err)
	}
	recorder := w.permit(t, consent.ActorRecorder, consent.ArtefactCapture)
	if _, err := w.keys.SealField(t.Context(), recorder, w.session, consent.ScopeRecordingAudio, "x", nil); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("the recorder gets a key: %v, want %v", err, consent.ErrNotFound)
	}
}

func TestQuotesNeedFeedbackAndTranscriptInOneRecord(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	scribe := w.permit(t, consent.ActorScribe, consent.ArtefactTranscript)
	sealed, err := w.keys.SealField(t.Context(), scribe, w.session, consent.ScopeTranscript, "x", []byte(canary))
	if err != nil {
		t.Fatalf("seal: %v", err)
	}
	open := func() error {
		permit := w.permit(t, consent.ActorEmployer, consent.ArtefactQuotes)
		_, err := w.keys.OpenField(t.Context(), permit, w.session, consent.ScopeTranscript, "x", sealed)
		return err
	}
	w.grant(t, consent.ScopeTranscript)
	w.grant(t, consent.ScopeFeedback)
	if err := open(); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("with two records of one scope each: %v, want %v", err, consent.ErrNotFound)
	}
	w.grant(t, consent.ScopeFeedback, consent.ScopeTranscript)
	if err := open(); err != nil {
		t.Errorf("with both scopes in one record: %v", err)
	}
}

func TestEmployersMakeNoKeys(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	w.grant(t, consent.ScopeTranscript)
	permit := w.permit(t, consent.ActorEmployer, consent.ArtefactTranscript)
	if _, err := w.keys.SealField(t.Context(), permit, w.session, consent.ScopeTranscript, "x", nil); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("seal = %v, want %v", err, consent.ErrNotFound)
	}
	if n := w.count(t, `SELECT count(*) FROM data_keys`); n != 0 {
		t.Errorf("an employer made %d keys", n)
	}
}

func TestFirstWritersShareOneKey(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	permit := w.permit(t, consent.ActorScribe, consent.ArtefactTranscript)
	sealed := make([][]byte, 8)
	var writers sync.WaitGroup
	for i := range sealed {
		writers.Go(func() {
			var err error
			if sealed[i], err = w.keys.SealField(t.Context(), permit, w.session, consent.ScopeTranscript, "x", []byte(canary)); err != nil {
				t.Errorf("seal: %v", err)
			}
		})
	}
	writers.Wait()
	for i, text := range sealed {
		if _, err := w.keys.OpenField(t.Context(), permit, w.session, consent.ScopeTranscript, "x", text); err != nil {
			t.Errorf("what writer %d sealed does not open: %v", i, err)
		}
	}
}

func TestDestroyedKeysNeverComeBack(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	permit := w.permit(t, consent.ActorScribe, consent.ArtefactTranscript)
	if _, err := w.keys.SealField(t.Context(), permit, w.session, consent.ScopeTranscript, "x", []byte(canary)); err != nil {
		t.Fatalf("seal: %v", err)
	}
	w.exec(t, `UPDATE sessions SET state = 'erased' WHERE id = $1`, w.session)
	for _, want := range []int{1, 0} {
		err := w.database.in(t.Context(), RoleErasure, rowContext{session: string(w.session)}, func(tx pgx.Tx) error {
			scopes, err := destroyKeys(t.Context(), tx, w.session)
			if len(scopes) != want {
				t.Errorf("destroyed the keys of %v, want %d", scopes, want)
			}
			return err
		})
		if err != nil {
			t.Fatalf("destroy: %v", err)
		}
	}
	if _, err := w.keys.SealField(t.Context(), permit, w.session, consent.ScopeTranscript, "x", nil); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("seal for an erased session = %v, want %v", err, consent.ErrNotFound)
	}
	if n := w.count(t, `SELECT count(*) FROM data_keys`); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

func TestOnlyTheKeyRoleReadsWrappedKeys(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	permit := w.permit(t, consent.ActorScribe, consent.ArtefactTranscript)
	if _, err := w.keys.SealField(t.Context(), permit, w.session, consent.ScopeTranscript, "x", nil); err != nil {
		t.Fatalf("seal: %v", err)
	}
	for role := range rolePools() {
		var wrapped []byte
		err := w.database.in(t.Context(), role, rowContext{account: string(w.candidate), org: string(w.org), session: string(w.session)}, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `SELECT wrapped FROM data_keys`).Scan(&wrapped)
		})
		if role == RoleKeys && (err != nil || bytes.Contains(wrapped, []byte(canary))) {
			t.Errorf("the key role cannot read: %v", err)
		}
		if role != RoleKeys && (err == nil || wrapped != nil) {
			t.Errorf("role %s reads wrapped keys", role)
		}
	}
	err := w.database.in(t.Context(), RoleKeys, rowContext{}, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE data_keys SET wrapped = ''`)
		return err
	})
	if err == nil {
		t.Error("the key role can replace a key")
	}
}

func TestMasterKeyIsMadeOnceAndNeverReplaced(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	info, err := os.Stat(w.masterPath())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("master key file: mode %v, %v; want 0600", info.Mode().Perm(), err)
	}
	if _, err := OpenKeys(t.Context(), w.database, w.masterPath()); err != nil {
		t.Errorf("open again: %v", err)
	}
	permit := w.permit(t, consent.ActorScribe, consent.ArtefactTranscript)
	sealed, err := w.keys.SealField(t.Context(), permit, w.session, consent.ScopeTranscript, "x", []byte(canary))
	if err != nil {
		t.Fatalf("seal: %v", err)
	}
	elsewhere := filepath.Join(t.TempDir(), "master.key")
	if _, err := OpenKeys(t.Context(), w.database, elsewhere); !errors.Is(err, ErrNoMasterKey) || fileExists(elsewhere) {
		t.Errorf("a missing master key: %v, made anew: %v; want %v", err, fileExists(elsewhere), ErrNoMasterKey)
	}
	other, err := OpenMasterKey(elsewhere, true)
	if err != nil {
		t.Fatalf("make another: %v", err)
	}
	if _, err := OpenKeys(t.Context(), w.database, elsewhere); !errors.Is(err, ErrNoMasterKey) || !strings.Contains(err.Error(), w.keys.master.ID()) {
		t.Errorf("another master key: %v, want it to name %s", err, w.keys.master.ID())
	}
	wrong := &Keys{database: w.database, master: other, epochs: w.keys.epochs}
	if got, err := wrong.OpenField(t.Context(), permit, w.session, consent.ScopeTranscript, "x", sealed); err == nil {
		t.Errorf("another master key opened %q", got)
	}
}

func TestMasterKeyFileIsChecked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sub", "master.key")
	first, err := OpenMasterKey(path, true)
	if err != nil {
		t.Fatalf("make: %v", err)
	}
	second, err := OpenMasterKey(path, false)
	if err != nil || second.ID() != first.ID() {
		t.Fatalf("open = %+v, %v", second, err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	for name, text := range map[string]string{
		"empty": "", "no prefix": "hello", "cut": string(whole[:len(whole)-8]), "not base 64": masterKeyPrefix + "%%%",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatalf("write: %v", err)
		}
		if _, err := OpenMasterKey(path, true); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want an error that names the file", name, err)
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatalf("write: %v", err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatalf("chmod: %v", err)
	}
	if _, err := OpenMasterKey(path, true); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by a group: %v, want a refusal that says what to do", err)
	}
}

func TestOneOfManyMakesTheMasterKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.key")
	ids := make([]string, 8)
	var openers sync.WaitGroup
	for i := range ids {
		openers.Go(func() {
			key, err := OpenMasterKey(path, true)
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			ids[i] = key.ID()
		})
	}
	openers.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("different keys: %v", ids)
		}
	}
}

func TestKeysFailClosedWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	permit := w.permit(t, consent.ActorScribe, consent.ArtefactTranscript)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.keys.SealField(ctx, permit, w.session, consent.ScopeTranscript, "x", nil); err == nil {
		t.Error("a key came without an answer from the database")
	}
}
