package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// SessionsNow reads candidates, states and consents of sessions, in one statement. Each is read under a
// row context of its own; those that are missing in the answer are erased or never were.
func (i *Ingest) SessionsNow(ctx context.Context, ids []consent.SessionID) (map[consent.SessionID]consent.Session, error) {
	found, err := i.sessionsNow(ctx, ids)
	if hasCode(err, contextExpired) { // the database's clock was moved: sign anew for the time it has now
		if err = i.database.contexts.hearAgain(ctx, i.database.Pool(RoleIngest)); err == nil {
			found, err = i.sessionsNow(ctx, ids)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read sessions for their rooms: %w", err)
	}
	return found, nil
}

func (i *Ingest) sessionsNow(ctx context.Context, ids []consent.SessionID) (map[consent.SessionID]consent.Session, error) {
	contexts := make([]string, 0, len(ids))
	for _, id := range ids {
		text, _, err := i.database.contexts.sign(RoleIngest, rowContext{session: string(id)})
		switch {
		case errors.Is(err, consent.ErrNotFound): // an id of nothing
		case err != nil:
			return nil, err
		default:
			contexts = append(contexts, text)
		}
	}
	const read = `SELECT clock_timestamp(), known, coalesce(id, ''), coalesce(candidate, ''), coalesce(state, ''),
		coalesce(recording, false), coalesce(transcription, false), coalesce(assessment, false) FROM sessions_now($1)`
	sent := time.Now()
	rows, err := i.database.Pool(RoleIngest).Query(ctx, read, contexts)
	if err != nil {
		return nil, err
	}
	answers := 0
	var now time.Time
	var known bool
	var s consent.Session
	found := make(map[consent.SessionID]consent.Session, len(ids))
	_, err = pgx.ForEachRow(rows, []any{
		&now, &known, &s.ID, &s.Candidate, &s.State, &s.Consents.Recording, &s.Consents.Transcription, &s.Consents.Assessment,
	}, func() error {
		if answers++; known {
			found[s.ID] = s
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if answers != len(contexts) {
		return nil, fmt.Errorf("%d answers about %d sessions", answers, len(contexts))
	}
	if answers > 0 {
		i.database.contexts.clock.hear(now, sent)
	}
	return found, nil
}

// LogInsNow is [Accounts.LogIn] for many tokens in one statement: it returns the live log-ins among them
// and moves their idle limits. A log-in that somebody else is changing at the moment is moved the next time.
func (a *Accounts) LogInsNow(ctx context.Context, tokens [][32]byte) (map[[32]byte]consent.ActiveLogIn, error) {
	const read = `WITH due AS (
			SELECT token_sha256 FROM log_ins WHERE token_sha256 = ANY($1)
			AND statement_timestamp() < idle_until AND statement_timestamp() < absolute_until
			AND idle_until < statement_timestamp() + idle * 0.99 FOR UPDATE SKIP LOCKED),
		moved AS (
			UPDATE log_ins m SET idle_until = statement_timestamp() + m.idle FROM due WHERE m.token_sha256 = due.token_sha256)
		SELECT l.token_sha256, ` + logInColumns + ` FROM ` + accountTables + ` JOIN log_ins l ON l.account = a.id
		WHERE l.token_sha256 = ANY($1) AND ` + logInLives
	found, err := a.logInsBy(ctx, read, digests(tokens))
	if err != nil {
		return nil, fmt.Errorf("find log-ins: %w", err)
	}
	return found, nil
}

// PublishersNow is [Accounts.Publisher] for many tokens in one statement; each goes with the session at its
// place. It returns those that let a program send.
func (a *Accounts) PublishersNow(ctx context.Context, tokens [][32]byte, sessions []consent.SessionID) (map[[32]byte]consent.ActiveLogIn, error) {
	const read = `SELECT t.ticket_sha256, ` + logInColumns + ` FROM ` + accountTables + ` JOIN log_ins l ON l.account = a.id
		JOIN room_tickets t ON t.log_in = l.token_sha256
		JOIN unnest($1::bytea[], $2::text[]) AS asked (ticket_sha256, session)
			ON t.ticket_sha256 = asked.ticket_sha256 AND t.session = asked.session
		WHERE t.publishes AND statement_timestamp() < t.expires_at AND ` + logInLives
	found, err := a.logInsBy(ctx, read, digests(tokens), sessions)
	if err != nil {
		return nil, fmt.Errorf("find publishers: %w", err)
	}
	return found, nil
}

// logInsBy runs a query for a SHA-256 and a log-in.
func (a *Accounts) logInsBy(ctx context.Context, read string, arguments ...any) (map[[32]byte]consent.ActiveLogIn, error) {
	rows, err := a.database.Pool(RoleLogin).Query(ctx, read, arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := make(map[[32]byte]consent.ActiveLogIn)
	for rows.Next() {
		var by []byte
		var l consent.ActiveLogIn
		if err := rows.Scan(append([]any{&by}, logInFields(&l)...)...); err != nil {
			return nil, err
		}
		found[[32]byte(by)] = l
	}
	return found, rows.Err()
}

func digests(tokens [][32]byte) [][]byte {
	list := make([][]byte, len(tokens))
	for i := range tokens {
		list[i] = tokens[i][:]
	}
	return list
}
