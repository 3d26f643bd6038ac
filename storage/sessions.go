package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/assess"
	"greenroom/consent"
)

// Sessions is a candidate's own view of sessions, under the candidate role. Every method touches only
// rows of the given candidate and answers [consent.ErrNotFound] otherwise.
type Sessions struct{ database *Database }

// NewSessions returns the sessions of a database.
func NewSessions(database *Database) *Sessions { return &Sessions{database: database} }

// sessionColumns go with sessionFields; the table is s.
const sessionColumns = `s.id, s.candidate, s.state, s.role, s.role_title, s.mode, s.recording, s.transcription,
	s.assessment, coalesce(s.notice_sha256, ''), s.created_at, s.media_start, s.ended_at, s.restricted_at, s.held_at,
	coalesce(jsonb_array_length(s.plan -> 'questions'), 0), coalesce((s.plan -> 'takes')::int, 1)`

func sessionFields(s *consent.Session) []any {
	return []any{
		&s.ID, &s.Candidate, &s.State, &s.Role, &s.RoleTitle, &s.Mode, &s.Consents.Recording, &s.Consents.Transcription,
		&s.Consents.Assessment, &s.NoticeSHA256, &s.CreatedAt,
		orZero{&s.MediaStart},
		orZero{&s.EndedAt},
		orZero{&s.RestrictedAt},
		orZero{&s.HeldAt},
		&s.Questions,
		&s.Takes,
	}
}

// asCandidate runs work for one candidate.
func (s *Sessions) asCandidate(ctx context.Context, candidate consent.AccountID, work func(pgx.Tx) error) error {
	return s.database.in(ctx, RoleCandidate, rowContext{account: string(candidate)}, work)
}

// CreateSession stores a scheduled session with its frozen plan.
func (s *Sessions) CreateSession(ctx context.Context, candidate consent.AccountID, mode consent.Mode, plan assess.Plan) (consent.Session, error) {
	var session consent.Session
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		const add = `INSERT INTO sessions AS s (id, candidate, role, role_title, mode, plan)
			VALUES ($1, $2, $3, $4, $5, $6) RETURNING ` + sessionColumns
		row := tx.QueryRow(ctx, add, consent.NewID[consent.SessionID](), candidate, plan.Role, plan.RoleTitle, mode, plan)
		if err := row.Scan(sessionFields(&session)...); err != nil {
			return err
		}
		return logEvent(ctx, tx, session.ID, TopicSession, "scheduled", nil)
	})
	if err != nil {
		return consent.Session{}, fmt.Errorf("create session: %w", err)
	}
	return session, nil
}

// Session returns one session.
func (s *Sessions) Session(ctx context.Context, candidate consent.AccountID, id consent.SessionID) (consent.Session, error) {
	var session consent.Session
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		var err error
		session, err = readSession(ctx, tx, candidate, id, "")
		return err
	})
	if err != nil {
		return consent.Session{}, fmt.Errorf("read session: %w", err)
	}
	return session, nil
}

// lockRow makes changes to one session happen one after the other. Who only adds rows of the session is not
// waited for: a withdrawal does not stand behind segments that are being indexed.
const lockRow = " FOR NO KEY UPDATE"

func readSession(ctx context.Context, tx pgx.Tx, candidate consent.AccountID, id consent.SessionID, lock string) (consent.Session, error) {
	var session consent.Session
	read := `SELECT ` + sessionColumns + ` FROM sessions s WHERE s.id = $1 AND s.candidate = $2 AND s.state <> 'erased'` + lock
	err := tx.QueryRow(ctx, read, id, candidate).Scan(sessionFields(&session)...)
	return session, notFound(err)
}

// SessionPlan returns what a session asks.
func (s *Sessions) SessionPlan(ctx context.Context, candidate consent.AccountID, id consent.SessionID) (assess.Plan, error) {
	var plan assess.Plan
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		const read = `SELECT plan FROM sessions WHERE id = $1 AND candidate = $2 AND state <> 'erased'`
		return notFound(tx.QueryRow(ctx, read, id, candidate).Scan(&plan))
	})
	if err != nil {
		return assess.Plan{}, fmt.Errorf("read plan: %w", err)
	}
	return plan, nil
}

// askedLimit bounds how far back [Sessions.AskedBefore] looks: fifty of the longest interviews.
const askedLimit = 400

// AskedBefore returns the ids of the questions in the candidate's interviews for a role that came to their
// first sound, the newest first, each as often as it was in one. What is restricted or held is not used.
func (s *Sessions) AskedBefore(ctx context.Context, candidate consent.AccountID, role string) ([]string, error) {
	var ids []string
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		const read = `SELECT q ->> 'id' FROM sessions s, jsonb_array_elements(s.plan -> 'questions') q
			WHERE s.candidate = $1 AND s.role = $2 AND s.state <> 'erased' AND s.media_start IS NOT NULL
				AND s.restricted_at IS NULL AND s.held_at IS NULL
			ORDER BY s.created_at DESC LIMIT $3`
		rows, err := tx.Query(ctx, read, candidate, role, askedLimit)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what was asked before: %w", err)
	}
	return ids, nil
}

// SessionsOf lists a candidate's sessions, the newest first, with how many organizations can see each and
// how many wait for an answer.
func (s *Sessions) SessionsOf(ctx context.Context, candidate consent.AccountID) ([]consent.SessionSummary, error) {
	var summaries []consent.SessionSummary
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		const read = `SELECT ` + sessionColumns + `, n.shared_with, n.requests
			FROM sessions s CROSS JOIN LATERAL (
				SELECT count(DISTINCT r.org) FILTER (WHERE r.state = 'granted') AS shared_with,
					count(*) FILTER (WHERE r.state = 'requested') AS requests
				FROM (SELECT ` + authorizationColumns + ` FROM ` + authorizationTables + `
					WHERE a.session = s.id AND a.valid_from <= statement_timestamp()) r) n
			WHERE s.candidate = $1 AND s.state <> 'erased' ORDER BY s.created_at DESC, s.id`
		rows, err := tx.Query(ctx, read, candidate)
		if err != nil {
			return err
		}
		summaries, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (consent.SessionSummary, error) {
			var summary consent.SessionSummary
			err := row.Scan(append(sessionFields(&summary.Session), &summary.SharedWith, &summary.Requests)...)
			return summary, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return summaries, nil
}

// GiveConsents stores the candidate's answer to a published notice and moves the session to consented;
// [consent.ErrBadStep] if the notice was answered already, [consent.ErrNoticeChanged] if it no longer holds.
func (s *Sessions) GiveConsents(ctx context.Context, candidate consent.AccountID, id consent.SessionID, choices consent.Consents, notice consent.Notice) (consent.Session, error) {
	if err := choices.Validate(); err != nil {
		return consent.Session{}, fmt.Errorf("give consents: %w", err)
	}
	var session consent.Session
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		var err error
		if session, err = readSession(ctx, tx, candidate, id, lockRow); err != nil {
			return err
		}
		if err := notPaused(session); err != nil {
			return err
		}
		if session.State, err = session.State.After(consent.StepConsent); err != nil {
			return err
		}
		session.Consents, session.NoticeSHA256 = choices, notice.SHA256()
		if _, err := noticeInForce(ctx, tx, session.NoticeSHA256); err != nil {
			return err
		}
		return s.storeConsents(ctx, tx, session, "answered", nil)
	})
	if err != nil {
		return consent.Session{}, fmt.Errorf("give consents: %w", err)
	}
	return session, nil
}

// WithdrawConsent takes one consent back and tells every node; withdrawing twice is no error.
func (s *Sessions) WithdrawConsent(ctx context.Context, candidate consent.AccountID, id consent.SessionID, which consent.Consent) (consent.Session, error) {
	var session consent.Session
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		var err error
		if session, err = readSession(ctx, tx, candidate, id, lockRow); err != nil {
			return err
		}
		left, err := session.Consents.Without(which)
		if err != nil || left == session.Consents {
			return err
		}
		session.Consents = left
		return s.storeConsents(ctx, tx, session, "withdrawn", &which)
	})
	if err != nil {
		return consent.Session{}, fmt.Errorf("withdraw consent: %w", err)
	}
	s.database.settle(ctx)
	return session, nil
}

// storeConsents writes the session's consents and the event that made them so, and gives the receipt.
func (s *Sessions) storeConsents(ctx context.Context, tx pgx.Tx, session consent.Session, kind string, withdrawn *consent.Consent) error {
	c := session.Consents
	const set = `UPDATE sessions SET state = $2, state_at = CASE WHEN state = $2 THEN state_at ELSE statement_timestamp() END,
		recording = $3, transcription = $4, assessment = $5, notice_sha256 = $6 WHERE id = $1`
	if _, err := tx.Exec(ctx, set, session.ID, session.State, c.Recording, c.Transcription, c.Assessment, session.NoticeSHA256); err != nil {
		return err
	}
	const add = `INSERT INTO consent_events (session, account, kind, withdrawn, recording, transcription, assessment, notice_sha256)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	if _, err := tx.Exec(ctx, add, session.ID, session.Candidate, kind, withdrawn, c.Recording, c.Transcription, c.Assessment, session.NoticeSHA256); err != nil {
		return err
	}
	if err := logEvent(ctx, tx, session.ID, TopicSession, "consents_"+kind, eventDetail{
		"recording": c.Recording, "transcription": c.Transcription, "assessment": c.Assessment,
	}); err != nil {
		return err
	}
	if withdrawn == nil {
		return s.database.attestConsents(ctx, tx, session, consent.LedgerConsentsAnswered, "")
	}
	return s.database.attestConsents(ctx, tx, session, consent.LedgerConsentWithdrawn, *withdrawn)
}

// RateSelf stores or replaces the candidate's own rating of one competency of one answer. The Permit
// is for [consent.ArtefactPrivate]. A self-rating has no sentences.
func (s *Sessions) RateSelf(ctx context.Context, permit consent.Permit, rating assess.Rating) error {
	f := rating.Fields()
	if err := permit.Demand(f.Session, consent.ArtefactPrivate); err != nil {
		return fmt.Errorf("rate self: %w", err)
	}
	if permit.Actor().Kind != consent.ActorCandidate || f.Rater.Kind != assess.RaterSelf {
		return fmt.Errorf("rate self: %w", consent.ErrPermit)
	}
	if f.WhyNotHigher != "" || f.WhyNotLower != "" || f.Reason != "" {
		return errors.New("rate self: a self-rating has no sentences")
	}
	err := s.asCandidate(ctx, permit.Actor().Account, func(tx pgx.Tx) error {
		if _, err := upsertRating(ctx, tx, f); err != nil {
			return err
		}
		return notify(ctx, tx, f.Session, TopicResults)
	})
	if hasCode(err, foreignKeyViolation) {
		err = consent.ErrNotFound // no such answer
	}
	if err != nil {
		return fmt.Errorf("rate self: %w", notFound(err))
	}
	return nil
}
