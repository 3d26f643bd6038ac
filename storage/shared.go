package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// Shared is an employer's view, under the employer role.
type Shared struct{ database *Database }

// NewShared returns the employers' view of a database.
func NewShared(database *Database) *Shared { return &Shared{database: database} }

// SharedWith lists what is shared with the actor's organization now, the newest first: one line for
// each live authorization. The policies decide which those are; the query says it once more.
func (s *Shared) SharedWith(ctx context.Context, actor consent.Actor) ([]consent.SharedSession, error) {
	var shared []consent.SharedSession
	err := s.asEmployer(ctx, actor, func(tx pgx.Tx) error {
		const read = `SELECT s.id, s.role_title, s.ended_at,
				coalesce(greatest(s.ended_at - s.media_start, interval '0'), interval '0'),
				r.purpose, r.scopes, r.valid_until, coalesce(c.display_name, '')
			FROM (SELECT ` + authorizationColumns + ` FROM ` + authorizationTables + `
				WHERE a.org = $1 AND a.valid_from <= statement_timestamp()) r
			JOIN sessions s ON s.id = r.session AND s.held_at IS NULL AND s.restricted_at IS NULL
			LEFT JOIN accounts c ON c.id = s.candidate AND 'profile' = ANY (r.scopes)
			WHERE r.state = 'granted' ORDER BY r.granted_at DESC, r.id`
		rows, err := tx.Query(ctx, read, actor.Org)
		if err != nil {
			return err
		}
		shared, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (consent.SharedSession, error) {
			var line consent.SharedSession
			err := row.Scan(&line.Session, &line.RoleTitle, orZero{&line.EndedAt}, &line.Length, &line.Purpose,
				&line.Scopes, &line.ValidUntil, &line.Candidate)
			return line, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list shared sessions: %w", err)
	}
	return shared, nil
}

// NoteAccess writes what an employer is about to be shown; [consent.ErrNotFound] if nothing of the
// session is shared with it any more. Looking again in the same minute is the same access: a player asks
// for a recording in many pieces.
func (s *Shared) NoteAccess(ctx context.Context, actor consent.Actor, session consent.SessionID, artefacts []consent.Artefact) error {
	err := s.asEmployer(ctx, actor, func(tx pgx.Tx) error {
		const shared = `SELECT EXISTS (SELECT FROM authorizations WHERE session = $1)`
		var still bool
		if err := tx.QueryRow(ctx, shared, session).Scan(&still); err != nil {
			return err
		}
		if !still {
			return consent.ErrNotFound
		}
		const add = `INSERT INTO accesses (session, org, account, artefact) SELECT $1, $2, $3, unnest($4::text[])
			ON CONFLICT DO NOTHING`
		added, err := tx.Exec(ctx, add, session, actor.Org, actor.Account, artefacts)
		if err != nil || added.RowsAffected() == 0 {
			return err
		}
		return notify(ctx, tx, session, TopicAccesses)
	})
	if err != nil {
		return fmt.Errorf("note access: %w", notFound(err))
	}
	return nil
}

func (s *Shared) asEmployer(ctx context.Context, actor consent.Actor, work func(pgx.Tx) error) error {
	if actor.Kind != consent.ActorEmployer {
		return consent.ErrNotFound
	}
	return s.database.in(ctx, RoleEmployer, rowContext{account: string(actor.Account), org: string(actor.Org)}, work)
}
