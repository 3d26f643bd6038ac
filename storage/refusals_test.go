package storage

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"greenroom/consent"
)

// statements remembers what a role asks the database, word for word, without the values.
type statements struct {
	mu    sync.Mutex
	asked []string
}

var (
	_ pgx.QueryTracer = (*statements)(nil)
	_ pgx.BatchTracer = (*statements)(nil)
)

func (s *statements) add(sql string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, sql)
}

func (s *statements) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	s.add(data.SQL)
	return ctx
}

func (*statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (*statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

func (s *statements) TraceBatchQuery(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	s.add(data.SQL)
}

func (*statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// traced puts a tracer on the connections of a role.
func traced(t *testing.T, d *Database, role Role) *statements {
	t.Helper()
	config := d.Pool(role).Config()
	heard := &statements{}
	config.ConnConfig.Tracer = heard
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	d.pools[role].Close()
	d.pools[role] = pool // closed with the database
	return heard
}

// Whatever the reason of a refusal, the database is asked the same questions in the same order, and no
// key is asked for: neither their number nor their kind tells reasons apart.
func TestRefusalsAskTheSameQuestions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shared, ended, paused, none := w.interview(t, w.alice), w.interview(t, w.alice), w.interview(t, w.alice), w.interview(t, w.alice)
	w.share(t, w.alice, shared, w.zenith, allShareable()...)
	withdrawn := w.share(t, w.alice, ended, w.acme, allShareable()...)
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, ended, withdrawn.ID); err != nil {
		t.Fatal(err)
	}
	w.share(t, w.alice, paused, w.acme, allShareable()...)
	w.ownerExec(t, `UPDATE sessions SET held_at = now() WHERE id = $1`, paused)
	employers, keys := traced(t, w.database, RoleEmployer), traced(t, w.database, RoleKeys)
	actor := actorOf(w.acmes)
	var first []string
	for _, c := range []struct {
		name string
		id   consent.SessionID
	}{
		{"unknown", consent.NewID[consent.SessionID]()},
		{"shared with nobody", none},
		{"shared with another organization", shared},
		{"withdrawn", ended},
		{"held", paused},
	} {
		for _, artefact := range consent.AllArtefacts() {
			_, err := w.gate.Permit(t.Context(), actor, c.id, artefact)
			if !errors.Is(err, consent.ErrNotFound) || errors.Is(err, consent.ErrFacts) {
				t.Fatalf("%s: %s is answered %v, want ErrNotFound", c.name, artefact, err)
			}
			asked := employers.take()
			if first == nil {
				first = asked
			}
			if !slices.Equal(asked, first) {
				t.Errorf("%s, %s: the database is asked %q, for an unknown session %q", c.name, artefact, asked, first)
			}
		}
	}
	if len(first) == 0 {
		t.Error("no statement was heard")
	}
	if asked := keys.take(); len(asked) > 0 {
		t.Errorf("keys were asked for: %q", asked)
	}
}
