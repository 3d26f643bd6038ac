package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"greenroom/consent"
)

// Topic is what about a session changed.
type Topic string

// The topics.
const (
	TopicSession        Topic = "session"        // its state or consents
	TopicAuthorizations Topic = "authorizations" // who may see it
	TopicAccesses       Topic = "accesses"       // who looked
	TopicViewers        Topic = "viewers"        // who is looking, and who was cut off
	TopicResults        Topic = "results"        // answers, lines, evidence, ratings, measurements
	TopicLogIns         Topic = "log-ins"        // of an account: some of them ended
)

// changesChannel is the one notification channel. Its payload is "<session id> <topic>" or
// "account:<account id> <topic>", never content: every role may listen.
const (
	changesChannel = "greenroom_changes"
	accountPrefix  = "account:"
)

// notify tells every node, when the transaction commits, that something about the session changed.
func notify(ctx context.Context, tx pgx.Tx, session consent.SessionID, topic Topic) error {
	if _, err := tx.Exec(ctx, `SELECT pg_notify($1, $2)`, changesChannel, string(session)+" "+string(topic)); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

// eventDetail is what an event says beside its kind: ids, numbers and names of states, never words.
type eventDetail map[string]any

// logEvent appends to the session's log under the next number and notifies. The session's row is
// locked by it, so that numbers rise without a gap in the order of commits.
func logEvent(ctx context.Context, tx pgx.Tx, session consent.SessionID, topic Topic, kind string, detail eventDetail) error {
	if detail == nil {
		detail = eventDetail{}
	}
	const add = `WITH next AS (UPDATE sessions SET event_seq = event_seq + 1 WHERE id = $1 RETURNING event_seq)
		INSERT INTO session_events (session, seq, kind, detail) SELECT $1, event_seq, $2, $3 FROM next`
	if _, err := tx.Exec(ctx, add, session, kind, detail); err != nil {
		return fmt.Errorf("log event %s: %w", kind, err)
	}
	return notify(ctx, tx, session, topic)
}

// PostgreSQL error codes that mean something to us (appendix A of its manual).
const (
	uniqueViolation     = "23505"
	foreignKeyViolation = "23503"
	checkViolation      = "23514"
	policyViolation     = "42501" // insufficient_privilege: a row that no policy allows
	lockNotAvailable    = "55P03" // somebody else had it locked for too long
)

func hasCode(err error, code string) bool {
	fromServer, ok := errors.AsType[*pgconn.PgError](err)
	return ok && fromServer.Code == code
}

// notFound turns an absent row, and one that the policies refuse, into the one refusal.
func notFound(err error) error {
	if errors.Is(err, pgx.ErrNoRows) || hasCode(err, policyViolation) {
		return consent.ErrNotFound
	}
	return err
}
