package storage

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"greenroom/consent"
	"greenroom/media"
)

// stored is a segment whose object there is, as far as the index is told.
func stored(session consent.SessionID, sequence, size int) *sentSegment {
	head := testHead(session, media.KindAudio, sequence)
	return &sentSegment{name: fileName(head.ID), info: testInfo(head, 1), blocks: []byte("table"), size: size}
}

// TestOneBadRowDoesNotHoldUpTheOthers writes rows together of which the database refuses one, and of which one
// is of a session that it does not know.
func TestOneBadRowDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	good, refused, unknown := stored(w.session, 0, 10), stored(w.session, 1, 0), stored(consent.NewID[consent.SessionID](), 0, 10)
	also := stored(w.session, 2, 10)
	w.uploader.indexAll(t.Context(), []*sentSegment{also, unknown, refused, good})
	if good.err != nil || also.err != nil || refused.err == nil || unknown.err == nil {
		t.Errorf("good: %v, %v; refused: %v; unknown: %v; want only the last two to fail", good.err, also.err, refused.err, unknown.err)
	}
	if n := w.count(t, `SELECT count(*) FROM segments`); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
	w.uploader.indexAll(t.Context(), []*sentSegment{good, unknown})
	if n := w.count(t, `SELECT count(*) FROM segments`); n != 2 || good.err != nil || unknown.err == nil {
		t.Errorf("again: %d rows, %v, %v; want 2 and only the unknown one to fail", n, good.err, unknown.err)
	}
}

// TestALockedSessionHoldsUpItselfAlone writes rows of two sessions together while somebody has one of them
// locked for as long as that takes.
func TestALockedSessionHoldsUpItselfAlone(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	other := consent.NewID[consent.SessionID]()
	w.addSession(t, other)
	locked, open := []*sentSegment{stored(w.session, 0, 10), stored(w.session, 1, 10)}, []*sentSegment{stored(other, 0, 10), stored(other, 1, 10)}
	err := pgx.BeginFunc(t.Context(), w.owner, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `SELECT FROM sessions WHERE id = $1 FOR UPDATE`, w.session); err != nil {
			return err
		}
		w.uploader.indexAll(t.Context(), []*sentSegment{locked[0], open[0], locked[1], open[1]})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if open[i].err != nil {
			t.Errorf("segment %d of the other session: %v", i, open[i].err)
		}
		if !hasCode(locked[i].err, lockNotAvailable) {
			t.Errorf("segment %d of the locked session: %v, want it to wait for the next try", i, locked[i].err)
		}
	}
	if n := w.count(t, `SELECT count(*) FROM segments WHERE session = $1`, other); n != 2 {
		t.Errorf("%d rows of the other session, want 2", n)
	}
	w.uploader.indexAll(t.Context(), locked)
	if n := w.count(t, `SELECT count(*) FROM segments`); n != 4 || locked[0].err != nil || locked[1].err != nil {
		t.Errorf("after the lock is gone: %d rows, %v, %v; want 4", n, locked[0].err, locked[1].err)
	}
}

// pgError is an answer of the database.
func pgError(code string) error { return &pgconn.PgError{Code: code} }

func TestRefusedRowsAreTriedInParts(t *testing.T) {
	t.Parallel()
	one, two := consent.SessionID("1"), consent.SessionID("2")
	both := []*sentSegment{stored(one, 0, 1), stored(one, 1, 1), stored(two, 0, 1)}
	for name, c := range map[string]struct {
		sent []*sentSegment
		err  error
		want []int // lengths
	}{
		"written":                         {both, nil, nil},
		"a bad row":                       {both, pgError(checkViolation), []int{2, 1}},
		"a bad row of one session":        {both[:2], pgError(checkViolation), []int{1, 1}},
		"a bad row alone":                 {both[:1], pgError(checkViolation), nil},
		"a locked session":                {both, pgError(lockNotAvailable), []int{2, 1}},
		"a locked session and no other":   {both[:2], pgError(lockNotAvailable), nil},
		"too slow":                        {both, context.DeadlineExceeded, nil},
		"the connection broke":            {both, io.ErrUnexpectedEOF, nil},
		"the database stops":              {both, pgError("57P01"), nil},
		"the database has no more room":   {both, pgError("53100"), nil},
		"the database does not let us in": {both, errors.Join(&pgconn.ConnectError{Config: &pgconn.Config{}}, pgError("28P01")), nil},
	} {
		var got []int
		var all []*sentSegment
		for _, part := range narrower(c.sent, c.err) {
			got = append(got, len(part))
			all = append(all, part...)
		}
		if !slices.Equal(got, c.want) || len(all) != 0 && !slices.Equal(all, c.sent) {
			t.Errorf("%s: parts of %v, want %v and all that were sent", name, got, c.want)
		}
	}
}
