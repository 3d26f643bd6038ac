package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// errNothingToErase ends an erasure that is done, was not asked for, or waits for a legal hold.
var errNothingToErase = errors.New("nothing to erase now")

// Eraser does the work of erasures, under the erasure role, whose policies let it touch erased sessions
// only. Every step may be repeated, also by two nodes at once: what it removed is counted in the
// transaction that removed it. It is safe for concurrent use.
type Eraser struct {
	database   *Database
	spool      *Spool
	objects    *Objects
	exports    *Exports
	processors func(transcription, assessment bool) []consent.Processor
	log        *slog.Logger

	afterStep func(step consent.ErasureStep) error // ends the work between two steps: tests
}

// NewEraser puts the parts together. The function says which services outside this server are sent something
// of a session with the given consents.
func NewEraser(database *Database, spool *Spool, objects *Objects, exports *Exports,
	processors func(transcription, assessment bool) []consent.Processor, log *slog.Logger,
) *Eraser {
	return &Eraser{database: database, spool: spool, objects: objects, exports: exports, processors: processors, log: log}
}

// erasing is one erasure at work.
type erasing struct {
	*Eraser
	id        consent.ErasureID
	session   consent.SessionID
	candidate consent.AccountID
	prefix    string // of the session's objects
}

// Erase erases a session for good, in the order of [consent.ErasureSteps], and signs what it did. Doing it
// again is harmless; a session that is held is left alone. After an error call it again later: it goes on
// with what is left.
func (e *Eraser) Erase(ctx context.Context, session consent.SessionID) error {
	w := &erasing{Eraser: e, session: session}
	err := w.run(ctx)
	if errors.Is(err, errNothingToErase) {
		return nil
	}
	if err != nil {
		err = fmt.Errorf("erase session %s: %w", session, err)
		w.noteFault(ctx, err)
		return err
	}
	e.database.settle(ctx)
	e.log.InfoContext(ctx, "a session is erased", "session", session, "erasure", w.id)
	return nil
}

func (w *erasing) run(ctx context.Context) (err error) {
	if w.prefix, err = sessionPrefix(w.session); err != nil {
		return err
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	for _, s := range []struct {
		name consent.ErasureStep
		work func(context.Context) error
	}{
		{consent.StepKeys, w.destroyKeys},
		{consent.StepSpool, w.emptySpool},
		{consent.StepObjects, w.removeObjects},
		{consent.StepRows, w.deleteRows},
		{consent.StepOpenings, w.deleteOpenings},
		{consent.StepVerified, w.verify},
	} {
		if err := s.work(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if w.afterStep == nil {
			continue
		}
		if err := w.afterStep(s.name); err != nil {
			return err
		}
	}
	return w.certify(ctx)
}

// in runs one transaction about the session.
func (w *erasing) in(ctx context.Context, work func(pgx.Tx) error) error {
	return w.database.in(ctx, RoleErasure, rowContext{session: string(w.session)}, work)
}

// How a step locks the row of its session. Either keeps legal holds waiting until the step is done, and
// whoever else changes the session; the stronger one waits also for transactions that have written rows
// of it and not ended.
const (
	lockSession = lockRow
	lockWriters = " FOR UPDATE"
)

// step is in, for work that another node must not do or have done at the same time. It fails when the
// session is held: what the policies hide then must not look as if it was gone.
func (w *erasing) step(ctx context.Context, lock string, work func(pgx.Tx) error) error {
	return w.in(ctx, func(tx pgx.Tx) error {
		found, err := tx.Exec(ctx, `SELECT FROM sessions WHERE id = $1 AND held_at IS NULL`+lock, w.session)
		if err != nil {
			return err
		}
		if found.RowsAffected() != 1 {
			return errors.New("a legal hold was set on the session")
		}
		var state consent.ErasureState
		if err := tx.QueryRow(ctx, `SELECT state FROM erasures WHERE id = $1 FOR UPDATE`, w.id).Scan(&state); err != nil {
			return err
		}
		if state != consent.ErasureRunning {
			return errNothingToErase
		}
		return work(tx)
	})
}

// begin makes sure that the session is erased and that there is an erasure of it. One that a restored backup
// brought back was marked from the journal before anything was served, and has none yet.
func (w *erasing) begin(ctx context.Context) error {
	err := w.in(ctx, func(tx pgx.Tx) error {
		var state consent.SessionState
		// A held session cannot be changed, so it cannot be locked either.
		const lock = `SELECT candidate, state FROM sessions WHERE id = $1 AND held_at IS NULL FOR UPDATE`
		err := tx.QueryRow(ctx, lock, w.session).Scan(&w.candidate, &state)
		if errors.Is(err, pgx.ErrNoRows) {
			_, err = tx.Exec(ctx, `UPDATE erasures SET state = 'paused' WHERE session = $1 AND state = 'running'`, w.session)
			return err
		}
		if err != nil {
			return err
		}
		if state == consent.SessionErased {
			if err := addErasure(ctx, tx, w.session, w.candidate, consent.CauseRestored, consent.ErasureRunning); err != nil {
				return err
			}
		}
		const resume = `UPDATE erasures SET state = 'running' WHERE session = $1 AND state <> 'done' RETURNING id`
		err = tx.QueryRow(ctx, resume, w.session).Scan(&w.id)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // done, or never asked for
		}
		if err != nil {
			return err
		}
		return w.mark(ctx, tx, state)
	})
	if err == nil && w.id == "" {
		return errNothingToErase
	}
	return err
}

// mark does what the request did not: it ends what is still shared, and makes a session erased whose time
// is over, or whose hold was lifted.
func (w *erasing) mark(ctx context.Context, tx pgx.Tx, state consent.SessionState) error {
	ended, err := endShares(ctx, tx, w.session, consent.EventRevoked, "")
	if err != nil {
		return err
	}
	if state != consent.SessionErased {
		if err := markErased(ctx, tx, w.session); err != nil {
			return err
		}
	}
	for _, id := range ended {
		if err := w.database.attestEnd(ctx, tx, consent.LedgerAuthorizationRevoked, id, "session_erased"); err != nil {
			return err
		}
	}
	return nil
}

func (w *erasing) destroyKeys(ctx context.Context) error {
	return w.step(ctx, lockSession, func(tx pgx.Tx) error {
		scopes, err := destroyKeys(ctx, tx, w.session)
		if err != nil {
			return err
		}
		for _, scope := range scopes {
			if err := w.count(ctx, tx, consent.StepKeys, scope, 1); err != nil {
				return err
			}
		}
		return w.count(ctx, tx, consent.StepKeys, "", 0)
	})
}

// emptySpool removes what waits on this node. Other nodes drop files of erased sessions by themselves.
func (w *erasing) emptySpool(ctx context.Context) error {
	removed, err := w.spool.removeSession(w.session)
	if err != nil {
		return err
	}
	return w.step(ctx, lockSession, func(tx pgx.Tx) error { return w.count(ctx, tx, consent.StepSpool, "", removed) })
}

// count adds to what a step has removed. The time is that of the last thing removed.
func (w *erasing) count(ctx context.Context, tx pgx.Tx, step consent.ErasureStep, what string, amount int64) error {
	const add = `INSERT INTO erasure_counts AS c (erasure, step, what, amount) VALUES ($1, $2, $3, $4)
		ON CONFLICT (erasure, step, what) DO UPDATE SET amount = c.amount + excluded.amount,
		at = CASE WHEN excluded.amount > 0 THEN excluded.at ELSE c.at END`
	_, err := tx.Exec(ctx, add, w.id, step, what, amount)
	return err
}

// noteFault says on the candidate's page what the erasure waits for.
func (w *erasing) noteFault(ctx context.Context, cause error) {
	if w.id == "" {
		return
	}
	fault := consent.FaultServer
	if errors.Is(cause, errObjectStore) {
		fault = consent.FaultObjects
	}
	err := w.in(context.WithoutCancel(ctx), func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE erasures SET fault = $2 WHERE id = $1 AND state = 'running'`, w.id, fault)
		return err
	})
	if err != nil {
		w.log.WarnContext(ctx, "the fault of an erasure could not be noted", "session", w.session, "error", err)
	}
}

// Due lists the sessions whose erasing has to go on: asked for or marked, not done, and not held.
func (e *Eraser) Due(ctx context.Context) ([]consent.SessionID, error) {
	var due []consent.SessionID
	err := e.database.in(ctx, RoleErasure, rowContext{}, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT s.id FROM sessions s WHERE s.held_at IS NULL
				AND (EXISTS (SELECT FROM erasures e WHERE e.session = s.id AND e.state <> 'done')
				OR s.state = 'erased' AND NOT EXISTS (SELECT FROM erasures e WHERE e.session = s.id))`)
		if err != nil {
			return err
		}
		due, err = pgx.CollectRows(rows, pgx.RowTo[consent.SessionID])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for erasures that are due: %w", err)
	}
	return due, nil
}
