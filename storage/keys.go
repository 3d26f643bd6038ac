package storage

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// Keys is the key service, the third wall. It alone reads wrapped keys and unwraps them, under a role
// of its own, and before that it asks the database anew whether whoever holds the Permit may, in a
// query that shares nothing with [consent.Decide] or the policies of row-level security. It remembers
// no answer. It is safe for concurrent use.
type Keys struct {
	database *Database
	master   *MasterKey
	epochs   *epochs

	ahead     time.Duration           // how far the epochs' clock is ahead of the database's: tests
	afterStep func(step string) error // ends a turn of the epochs between two steps: tests
}

// OpenKeys reads the master key and the epoch keys beside it, and checks that they are the ones that
// wrapped the keys in the database. It makes new ones only if the database holds no keys.
func OpenKeys(ctx context.Context, database *Database, masterPath string) (*Keys, error) {
	rows, err := database.Pool(RoleKeys).Query(ctx, `SELECT DISTINCT master_key FROM data_keys`)
	if err != nil {
		return nil, fmt.Errorf("open the keys: %w", err)
	}
	used, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("open the keys: %w", err)
	}
	master, err := OpenMasterKey(masterPath, len(used) == 0)
	if err != nil {
		return nil, err
	}
	for _, id := range used {
		if id != master.ID() {
			return nil, fmt.Errorf("%w: %s holds master key %s, but the database's keys were wrapped by %s: "+
				"restore that one from your backup", ErrNoMasterKey, masterPath, master.ID(), id)
		}
	}
	keys := &Keys{database: database, master: master, epochs: &epochs{path: filepath.Join(filepath.Dir(masterPath), epochFile)}}
	if err := keys.openEpochs(ctx); err != nil {
		return nil, fmt.Errorf("open the keys: %w", err)
	}
	return keys, nil
}

// FieldKey opens and seals the encrypted columns of one scope of one session. Hold it for one read or
// one write, never longer: a withdrawal is felt when the next one is asked for.
type FieldKey struct{ key *dataKey }

// Seal encrypts a column; context names the column and its row, and the text opens nowhere else.
func (f FieldKey) Seal(context string, data []byte) ([]byte, error) {
	return f.key.sealField(context, data)
}

// Open decrypts what Seal made for the same context.
func (f FieldKey) Open(context string, sealed []byte) ([]byte, error) {
	data, err := f.key.openField(context, sealed)
	if err != nil {
		return nil, fmt.Errorf("open field %s of session %s: %w", context, f.key.session, err)
	}
	return data, nil
}

// ReadFields returns the key for a read of several columns; [consent.ErrNotFound] if the holder of
// the Permit may not read the scope now, or if nothing was ever written under it.
func (k *Keys) ReadFields(ctx context.Context, permit consent.Permit, session consent.SessionID, scope consent.Scope) (FieldKey, error) {
	key, err := k.forReading(ctx, permit, session, scope)
	return FieldKey{key}, err
}

// WriteFields returns the key for a write of several columns, and makes it at the first write.
func (k *Keys) WriteFields(ctx context.Context, permit consent.Permit, session consent.SessionID, scope consent.Scope) (FieldKey, error) {
	key, err := k.forWriting(ctx, permit, session, scope)
	return FieldKey{key}, err
}

// SealField encrypts one column; see [FieldKey.Seal].
func (k *Keys) SealField(ctx context.Context, permit consent.Permit, session consent.SessionID, scope consent.Scope, context string, data []byte) ([]byte, error) {
	key, err := k.WriteFields(ctx, permit, session, scope)
	if err != nil {
		return nil, err
	}
	return key.Seal(context, data)
}

// OpenField decrypts one column; see [FieldKey.Open].
func (k *Keys) OpenField(ctx context.Context, permit consent.Permit, session consent.SessionID, scope consent.Scope, context string, data []byte) ([]byte, error) {
	key, err := k.ReadFields(ctx, permit, session, scope)
	if err != nil {
		return nil, err
	}
	return key.Open(context, data)
}

// destroyKeys destroys the keys of a session, as the eraser, and returns the scopes they were for: everything
// encrypted under them is noise from then on. The session must be erased already, so that no new key can come
// after.
func destroyKeys(ctx context.Context, tx pgx.Tx, session consent.SessionID) ([]string, error) {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('data_keys/' || $1, 0))`, string(session)); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `DELETE FROM data_keys WHERE session = $1 RETURNING scope`, string(session))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// mayOpen is the key service's own question. It names no function and no view of the other walls, and
// counts events where they look for them.
const mayOpen = `EXISTS (SELECT FROM sessions s WHERE s.id = $1 AND s.state <> 'erased' AND s.held_at IS NULL AND CASE $2::text
	WHEN 'candidate' THEN s.candidate = $3
		AND EXISTS (SELECT FROM accounts o WHERE o.id = $3 AND o.closed_at IS NULL)
	WHEN 'employer' THEN s.restricted_at IS NULL AND EXISTS (SELECT FROM authorizations a
		JOIN members m ON m.org = a.org AND m.account = $3 AND m.ended_at IS NULL AND m.role = 'reviewer'
		JOIN accounts o ON o.id = m.account AND o.closed_at IS NULL AND o.kind = 'employer'
		JOIN organizations g ON g.id = m.org AND g.suspended_at IS NULL
		WHERE a.session = s.id AND a.org = $4 AND a.scopes @> $5::text[]
		AND a.valid_from <= statement_timestamp() AND statement_timestamp() < a.valid_until
		AND NOT EXISTS (SELECT FROM notices n WHERE n.materiality = 'reconsent'
			AND n.version > a.notice_version AND statement_timestamp() >= n.effective_at)
		AND (SELECT count(*) FILTER (WHERE e.kind = 'granted') = 1
				AND count(*) FILTER (WHERE e.kind NOT IN ('requested', 'granted', 'suspended', 'resumed')) = 0
				AND count(*) FILTER (WHERE e.kind = 'suspended') = count(r.id)
			FROM authorization_events e LEFT JOIN authorization_events r ON r.ends = e.id AND e.kind = 'suspended'
			WHERE e.authorization_id = a.id))
	WHEN 'export' THEN s.candidate = $3 AND s.state <> 'live'
		AND EXISTS (SELECT FROM accounts o WHERE o.id = $3 AND o.closed_at IS NULL)
		AND EXISTS (SELECT FROM exports x JOIN export_sessions y ON y.export = x.id
			WHERE y.session = s.id AND x.account = $3 AND x.state = 'running')
	WHEN 'recorder' THEN s.restricted_at IS NULL AND s.recording
	WHEN 'scribe' THEN s.restricted_at IS NULL AND s.transcription
	WHEN 'assessor' THEN s.restricted_at IS NULL AND s.assessment
	ELSE false END)`

// forReading unwraps a key that exists.
func (k *Keys) forReading(ctx context.Context, permit consent.Permit, session consent.SessionID, scope consent.Scope) (*dataKey, error) {
	arguments, err := keyQuestion(permit, session, scope)
	if err != nil {
		return nil, err
	}
	return k.unwrap(ctx, k.database.Pool(RoleKeys), arguments, session, scope)
}

// forWriting is forReading that makes the key if there is none. Employers write nothing but why they gave a level.
func (k *Keys) forWriting(ctx context.Context, permit consent.Permit, session consent.SessionID, scope consent.Scope) (*dataKey, error) {
	key, err := k.forReading(ctx, permit, session, scope)
	if !errors.Is(err, consent.ErrNotFound) || permit.Actor().Kind == consent.ActorEmployer && permit.Artefact() != consent.ArtefactRate {
		return key, err
	}
	arguments, err := keyQuestion(permit, session, scope)
	if err != nil {
		return nil, err
	}
	inner, err := k.master.wrap(randomKey(), session, scope)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	err = pgx.BeginFunc(ctx, k.database.Pool(RoleKeys), func(tx pgx.Tx) error {
		// Shared with other writers, never with destroyKeys: a key made here is seen there, and after it
		// the session is seen to be erased here.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock_shared(hashtextextended('data_keys/' || $1, 0))`, string(session)); err != nil {
			return err
		}
		wrapped, epoch, err := k.sealUnderNewest(ctx, tx, inner, session, scope)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO data_keys (session, scope, wrapped, master_key, epoch)
			SELECT $1, $6, $7::bytea, $8, $9 WHERE `+mayOpen+` ON CONFLICT (session, scope) DO NOTHING`,
			append(arguments, wrapped, k.master.ID(), epoch)...)
		if err != nil {
			return err
		}
		key, err = k.unwrap(ctx, tx, arguments, session, scope) // perhaps another process' key
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return key, nil
}

// sealUnderNewest holds off the end of epochs until tx ends, and only then looks which is the newest: the
// one this process remembers may have ended since.
func (k *Keys) sealUnderNewest(ctx context.Context, tx pgx.Tx, inner []byte, session consent.SessionID, scope consent.Scope) ([]byte, int, error) {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock_shared(hashtextextended('data_keys_epochs', 0))`); err != nil {
		return nil, 0, err
	}
	if err := k.epochs.load(); err != nil {
		return nil, 0, err
	}
	return k.epochs.seal(inner, session, scope)
}

type rowQuerier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func (k *Keys) unwrap(ctx context.Context, from rowQuerier, arguments []any, session consent.SessionID, scope consent.Scope) (*dataKey, error) {
	var wrapped []byte
	var epoch int
	err := from.QueryRow(ctx, `SELECT wrapped, epoch FROM data_keys WHERE session = $1 AND scope = $6 AND `+mayOpen, arguments...).Scan(&wrapped, &epoch)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("%w: no key for this reader", consent.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read a wrapped key: %w", err)
	}
	inner, err := k.epochs.open(wrapped, epoch, session, scope)
	if err != nil {
		return nil, err
	}
	return k.master.unwrap(inner, session, scope)
}

// keyQuestion checks that the Permit is live and for something kept under this scope, and returns
// the arguments of mayOpen, with the scope as the sixth.
func keyQuestion(permit consent.Permit, session consent.SessionID, scope consent.Scope) ([]any, error) {
	if err := permit.Demand(session, permit.Artefact()); err != nil {
		return nil, fmt.Errorf("open key %s: %w", scope, err)
	}
	if !slices.Contains(keyScopes(permit), scope) {
		return nil, fmt.Errorf("open key %s for %s: %w", scope, permit.Artefact(), consent.ErrPermit)
	}
	needed := []string{string(scope)}
	if permit.Artefact() == consent.ArtefactQuotes { // words of the transcript inside feedback
		needed = []string{string(consent.ScopeFeedback), string(consent.ScopeTranscript)}
	}
	if permit.Artefact() == consent.ArtefactRate {
		needed = []string{string(consent.ScopeRatings), string(consent.ScopeTranscript)}
	}
	actor := permit.Actor()
	return []any{string(session), string(actor.Kind), string(actor.Account), string(actor.Org), needed, string(scope)}, nil
}

// keyScopes returns the scopes whose keys a Permit may open.
func keyScopes(permit consent.Permit) []consent.Scope {
	kind := permit.Actor().Kind
	switch permit.Artefact() {
	case consent.ArtefactAudio:
		return []consent.Scope{consent.ScopeRecordingAudio}
	case consent.ArtefactVideo:
		return []consent.Scope{consent.ScopeRecordingVideo}
	case consent.ArtefactTranscript:
		return []consent.Scope{consent.ScopeTranscript}
	case consent.ArtefactFeedback:
		return []consent.Scope{consent.ScopeFeedback}
	case consent.ArtefactQuotes:
		return []consent.Scope{consent.ScopeFeedback, consent.ScopeTranscript}
	case consent.ArtefactPrivate:
		if kind == consent.ActorCandidate {
			return []consent.Scope{consent.ScopeFeedback}
		}
	case consent.ArtefactCapture:
		if kind == consent.ActorRecorder {
			return []consent.Scope{consent.ScopeRecordingAudio, consent.ScopeRecordingVideo}
		}
	case consent.ArtefactRatings:
		if kind == consent.ActorAssessor { // writes the sentences about a rating together with it
			return []consent.Scope{consent.ScopeFeedback}
		}
	case consent.ArtefactRate:
		if kind == consent.ActorEmployer { // why a person gave a level: it may quote what was said
			return []consent.Scope{consent.ScopeTranscript}
		}
	case consent.ArtefactSession, consent.ArtefactMeasurements, consent.ArtefactProfile, consent.ArtefactModel:
	}
	return nil
}
