package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"greenroom/consent"
	"greenroom/media"
)

// Segments keeps recordings and reads them back. It is safe for concurrent use.
type Segments struct {
	database *Database
	keys     *Keys
	spool    *Spool
	objects  *Objects
}

var (
	_ media.SegmentStore    = (*Segments)(nil)
	_ media.RecordingReader = (*Segments)(nil)
)

// NewSegments puts the parts together. Somebody must also run an [Uploader] on the same spool.
func NewSegments(database *Database, keys *Keys, spool *Spool, objects *Objects) *Segments {
	return &Segments{database: database, keys: keys, spool: spool, objects: objects}
}

// OpenSegment begins a segment in the spool. The key lives as long as its writer, so consent is asked
// for anew at every segment.
func (s *Segments) OpenSegment(ctx context.Context, permit consent.Permit, head media.SegmentHead) (media.SegmentWriter, error) {
	if err := checkHead(head); err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	if err := permit.Demand(head.ID.Session, consent.ArtefactCapture); err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	key, err := s.keys.forWriting(ctx, permit, head.ID.Session, scopeOf(head.ID.Kind))
	if err != nil {
		return nil, fmt.Errorf("open segment %s: %w", head.ID.ObjectKey(), err)
	}
	writer, err := s.spool.create(head, key)
	if err != nil {
		return nil, err
	}
	return writer, nil
}

// Segments lists what is indexed, under the database role of the Permit's actor.
func (s *Segments) Segments(ctx context.Context, permit consent.Permit, session consent.SessionID, kind media.Kind, through int64) ([]media.StoredSegment, error) {
	if err := permit.Demand(session, kind.Artefact()); err != nil {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	rows, err := s.rows(ctx, permit.Actor(), session, kind, through)
	if err != nil {
		return nil, fmt.Errorf("list segments of session %s: %w", session, err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	key, err := s.keys.forReading(ctx, permit, session, scopeOf(kind))
	if err != nil {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	segments := make([]media.StoredSegment, len(rows))
	for i, row := range rows {
		if segments[i], err = row.open(key, session, kind); err != nil {
			return nil, err
		}
	}
	return segments, nil
}

// segmentRow is what the index says without a key: only which segment it is. The rest comes out of
// the encrypted part, so that nobody who can write rows can change what playback believes.
type segmentRow struct {
	index           int64
	epoch, sequence int
	blocks          []byte
}

func (s *Segments) rows(ctx context.Context, actor consent.Actor, session consent.SessionID, kind media.Kind, through int64) ([]segmentRow, error) {
	role, err := readerRole(actor)
	if err != nil {
		return nil, err
	}
	var found []segmentRow
	about := rowContext{account: string(actor.Account), org: string(actor.Org)}
	err = s.database.in(ctx, role, about, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT idx, epoch, sequence, blocks FROM segments
			WHERE session = $1 AND kind = $2 AND ($3::bigint = 0 OR idx <= $3)
			ORDER BY start_us, idx`, string(session), string(kind), through)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r segmentRow, err error) {
			err = row.Scan(&r.index, &r.epoch, &r.sequence, &r.blocks)
			return r, err
		})
		return err
	})
	return found, err
}

// MayRead asks both walls anew whether the holder of the Permit may read an indexed segment: row-level
// security in one statement, and the key service. It is for a reader who has listed the segments before
// and kept what they say; [consent.ErrNotFound] if that may not be used any more.
func (s *Segments) MayRead(ctx context.Context, permit consent.Permit, session consent.SessionID, kind media.Kind, index int64) error {
	if err := permit.Demand(session, kind.Artefact()); err != nil {
		return fmt.Errorf("look at a segment: %w", err)
	}
	role, err := readerRole(permit.Actor())
	if err != nil {
		return err
	}
	group, both := errgroup.WithContext(ctx) // owner: this call, which waits; each is one round trip
	group.Go(func() error {
		err := s.seen(both, role, permit, kind, index)
		if hasCode(err, contextExpired) { // the database's clock was moved; now we have heard it
			err = s.seen(both, role, permit, kind, index)
		}
		return err
	})
	group.Go(func() error {
		_, err := s.keys.forReading(both, permit, session, scopeOf(kind))
		return err
	})
	if err := group.Wait(); err != nil {
		return fmt.Errorf("look at a segment of session %s: %w", session, err)
	}
	return nil
}

// seen returns [consent.ErrNotFound] unless the policies show the row to the role.
func (s *Segments) seen(ctx context.Context, role Role, permit consent.Permit, kind media.Kind, index int64) error {
	var batch pgx.Batch // the statements of a batch are one transaction
	actor := permit.Actor()
	if err := s.database.contexts.queue(&batch, role, rowContext{account: string(actor.Account), org: string(actor.Org)}); err != nil {
		return err
	}
	seen := false
	batch.Queue(`SELECT EXISTS (SELECT FROM segments WHERE idx = $1 AND session = $2 AND kind = $3)`, index, string(permit.Session()), string(kind)).
		QueryRow(func(row pgx.Row) error { return row.Scan(&seen) })
	if err := s.database.Pool(role).SendBatch(ctx, &batch).Close(); err != nil {
		return err // MayRead says what it tried
	}
	if !seen {
		return consent.ErrNotFound
	}
	return nil
}

// readerRole: only people read recordings, and the export that one of them asked for; no other part of the
// server does.
func readerRole(actor consent.Actor) (Role, error) {
	switch actor.Kind {
	case consent.ActorCandidate:
		return RoleCandidate, nil
	case consent.ActorEmployer:
		return RoleEmployer, nil
	case consent.ActorExport:
		return RoleExport, nil
	default:
		return "", fmt.Errorf("%s reads no recordings: %w", actor.Kind, consent.ErrPermit)
	}
}

func (r segmentRow) open(key *dataKey, session consent.SessionID, kind media.Kind) (media.StoredSegment, error) {
	id := media.SegmentID{Session: session, Kind: kind, Epoch: r.epoch, Sequence: r.sequence}
	text, err := key.openTable(id, r.blocks)
	if err != nil {
		return media.StoredSegment{}, fmt.Errorf("open the table of segment %s: %w", id.ObjectKey(), err)
	}
	info, table, err := decodeTable(text)
	if err != nil {
		return media.StoredSegment{}, fmt.Errorf("open the table of segment %s: %w", id.ObjectKey(), err)
	}
	if info.ID != id {
		return media.StoredSegment{}, fmt.Errorf("the table of segment %s is about %s", id.ObjectKey(), info.ID.ObjectKey())
	}
	return media.StoredSegment{Index: r.index, SegmentInfo: info, Table: table}, nil
}

// ReadChunks reads a run of chunks with one request and decrypts them. It asks the key service each
// time, so it is also where a stream finds out that it may go on.
func (s *Segments) ReadChunks(ctx context.Context, permit consent.Permit, segment media.StoredSegment, first, last int) ([][]byte, error) {
	id := segment.ID
	if err := permit.Demand(id.Session, id.Kind.Artefact()); err != nil {
		return nil, fmt.Errorf("read chunks: %w", err)
	}
	if _, err := readerRole(permit.Actor()); err != nil {
		return nil, err
	}
	chunks := segment.Table.Chunks
	if first < 0 || last < first || last >= len(chunks) {
		return nil, fmt.Errorf("read chunks %d to %d of segment %s, which has %d", first, last, id.ObjectKey(), len(chunks))
	}
	key, err := s.keys.forReading(ctx, permit, id.Session, scopeOf(id.Kind))
	if err != nil {
		return nil, fmt.Errorf("read chunks: %w", err)
	}
	begin := chunks[first].Offset
	end := chunks[last].Offset + int64(chunks[last].Size)
	data, err := s.objects.read(ctx, id.ObjectKey(), begin, end-begin)
	if err != nil {
		return nil, err
	}
	return openChunks(key, id, chunks, first, last, data)
}

// openChunks decrypts a run of chunks out of the bytes that were read for it.
func openChunks(key *dataKey, id media.SegmentID, chunks []media.ChunkRef, first, last int, data []byte) ([][]byte, error) {
	begin := chunks[first].Offset
	plain := make([][]byte, 0, last-first+1)
	for i := first; i <= last; i++ {
		at, size := chunks[i].Offset-begin, int64(chunks[i].Size)
		if at < 0 || size < 0 || at+size > int64(len(data)) {
			return nil, fmt.Errorf("chunk %d of object %s lies outside what was read", i, id.ObjectKey())
		}
		text, err := key.openChunk(id, i, data[at:at+size])
		if err != nil {
			return nil, fmt.Errorf("chunk %d of object %s has wrong bytes: %w", i, id.ObjectKey(), err)
		}
		plain = append(plain, text)
	}
	return plain, nil
}
