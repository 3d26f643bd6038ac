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

// indexAll writes the rows of segments in one transaction and tells every node. Where the database refuses one
// of them, each is tried by itself, so that a bad one does not hold up the others.
func (u *Uploader) indexAll(ctx context.Context, sent []*sentSegment) {
	if len(sent) == 0 {
		return
	}
	// Sessions are locked in one order, whichever node does it.
	slices.SortFunc(sent, func(a, b *sentSegment) int { return cmp.Compare(a.name, b.name) })
	err := u.index(ctx, sent)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && len(sent) > 1 {
		for i := range sent {
			if err := u.index(ctx, sent[i:i+1]); err != nil {
				sent[i].err = err
			}
		}
		return
	}
	for _, segment := range sent {
		segment.err = cmp.Or(err, segment.err)
	}
}

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

// index writes rows in one transaction, in one round trip.
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
	var batch pgx.Batch
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
	return pgx.BeginFunc(ctx, u.database.Pool(RoleIngest), func(tx pgx.Tx) error {
		return tx.SendBatch(ctx, &batch).Close()
	})
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
				s.err = errors.New("the database does not know the session: is it the right database?")
				return nil // the others are written
			}
			s.erased = state == consent.SessionErased
			return s.err
		})
}
