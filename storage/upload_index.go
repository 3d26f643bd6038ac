package storage

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"greenroom/consent"
)

// indexAll writes the rows of segments in one transaction and tells every node. Where the database refuses
// that, the sessions are tried one by one, and the segments of the one that it refuses: neither a session that
// somebody has locked nor a bad row holds up the others.
func (u *Uploader) indexAll(ctx context.Context, sent []*sentSegment) {
	if len(sent) == 0 {
		return
	}
	// Sessions are locked in one order, whichever node does it.
	slices.SortFunc(sent, func(a, b *sentSegment) int { return cmp.Compare(a.name, b.name) })
	err := u.index(ctx, sent)
	parts := narrower(sent, err)
	for _, part := range parts {
		u.indexAll(ctx, part)
	}
	if len(parts) > 0 {
		return
	}
	for _, segment := range sent {
		segment.err = cmp.Or(err, segment.err)
	}
}

// narrower says in which parts segments are tried that were refused together: nil if none of them would fare
// better. They are in the order of their sessions.
func narrower(sent []*sentSegment, err error) (parts [][]*sentSegment) {
	if len(sent) == 1 || !refusesRows(err) {
		return nil
	}
	if sent[0].info.ID.Session == sent[len(sent)-1].info.ID.Session {
		if hasCode(err, lockNotAvailable) {
			return nil // each of them would wait as long again
		}
		return slices.Collect(slices.Chunk(sent, 1))
	}
	for len(sent) > 0 {
		next := slices.IndexFunc(sent, func(s *sentSegment) bool { return s.info.ID.Session != sent[0].info.ID.Session })
		if next < 0 {
			next = len(sent)
		}
		parts = append(parts, sent[:next])
		sent = sent[next:]
	}
	return parts
}

// refusesRows reports whether an error is the database's answer to these rows, and not one that any others
// would get as well.
func refusesRows(err error) bool {
	refused, answered := errors.AsType[*pgconn.PgError](err)
	if _, connecting := errors.AsType[*pgconn.ConnectError](err); connecting || !answered {
		return false
	}
	switch refused.Code[:min(2, len(refused.Code))] {
	case "08", "53", "57", "58": // the connection, resources, an operator, the machine
		return false
	default:
		return true
	}
}

// limitWait bounds how long the transaction waits for each lock, so that one session that is locked is an
// answer of the database, and not the end of everything at the deadline.
const limitWait = `SELECT set_config('lock_timeout', '1s', true)`

// lockSegments lets one row of a session be written at a time: otherwise a lower index could appear after a
// higher one, and a snapshot up to that would change under a reader.
const lockSegments = `SELECT pg_advisory_xact_lock(hashtextextended('segments/' || $1, 0))`

// addSegment writes a row, unless it is there or the session was erased, and tells every node. It returns the
// session's state; no row where the session is not known.
const addSegment = `WITH s AS (SELECT state FROM sessions WHERE id = $1), added AS (INSERT INTO segments
		(session, kind, epoch, sequence, object_key, size, sha256, start_us, end_us, width, height, codec, forced, blocks)
		SELECT $1, $2::text, $3::int, $4::int, $5::text, $6::bigint, $7::bytea, $8::bigint, $9::bigint, $10::int, $11::int,
			$12::text, $13::boolean, $14::bytea FROM s WHERE s.state <> 'erased'
		ON CONFLICT (session, kind, epoch, sequence) DO NOTHING)
	SELECT s.state, CASE WHEN s.state <> 'erased' THEN pg_notify($15, $16)::text END FROM s`

// index writes rows in one transaction, in one round trip: nothing stays locked while it waits for us.
func (u *Uploader) index(ctx context.Context, sent []*sentSegment) error {
	ctx, cancel := context.WithTimeout(ctx, objectCallTimeout)
	defer cancel()
	err := u.indexOnce(ctx, sent)
	if hasCode(err, contextExpired) { // the database's clock was moved; now we have heard it
		err = u.indexOnce(ctx, sent)
	}
	return err
}

func (u *Uploader) indexOnce(ctx context.Context, sent []*sentSegment) error {
	var batch pgx.Batch // the statements of a batch are one transaction
	batch.Queue(limitWait)
	var about consent.SessionID
	for _, segment := range sent {
		id := segment.info.ID
		if id.Session != about {
			about = id.Session
			if err := u.database.contexts.queue(&batch, RoleIngest, rowContext{session: string(about)}); err != nil {
				return err
			}
			batch.Queue(lockSegments, string(about))
		}
		segment.queue(&batch)
	}
	return u.database.Pool(RoleIngest).SendBatch(ctx, &batch).Close() //nolint:wrapcheck // finish says what it tried
}

func (s *sentSegment) queue(batch *pgx.Batch) {
	id := s.info.ID
	batch.Queue(addSegment, string(id.Session), string(id.Kind), id.Epoch, id.Sequence, id.ObjectKey(), s.size, s.sum[:],
		s.info.Start.Microseconds(), s.info.End.Microseconds(), s.info.Width, s.info.Height, string(s.info.Codec), s.info.Forced,
		s.blocks, changesChannel, string(id.Session)+" "+string(TopicRecording)).
		QueryRow(func(row pgx.Row) error {
			var state consent.SessionState
			s.err = row.Scan(&state, nil)
			if errors.Is(s.err, pgx.ErrNoRows) {
				s.err = errUnknownSession
				return nil // the others are written
			}
			s.erased = state == consent.SessionErased
			return s.err
		})
}
