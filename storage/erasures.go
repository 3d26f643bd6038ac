package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// Erasures is what a candidate asks to be erased and how far it is, under the candidate role. The work is
// the [Eraser]'s.
type Erasures struct{ database *Database }

// NewErasures returns the erasures of a database.
func NewErasures(database *Database) *Erasures { return &Erasures{database: database} }

// Erase makes a session erased for every plane, ends what was shared of it, and asks for the work;
// [consent.ErrNotFound] if the session is not the candidate's. A session under a legal hold stays as it
// is until that is lifted. Asking twice returns the one erasure.
func (e *Erasures) Erase(ctx context.Context, candidate consent.AccountID, session consent.SessionID) (consent.Erasure, error) {
	var erasure consent.Erasure
	err := e.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		asked, err := readSession(ctx, tx, candidate, session, lockRow)
		if errors.Is(err, consent.ErrNotFound) { // erased already, perhaps while we waited for the lock
			erasure, err = e.bySession(ctx, tx, session)
			return err
		}
		if err != nil {
			return err
		}
		if erasure, err = e.bySession(ctx, tx, session); !errors.Is(err, consent.ErrNotFound) {
			return err // paused by a hold, or an error
		}
		if err := e.begin(ctx, tx, asked); err != nil {
			return err
		}
		erasure, err = e.bySession(ctx, tx, session)
		return err
	})
	if err != nil {
		return consent.Erasure{}, fmt.Errorf("erase session: %w", err)
	}
	e.database.settle(ctx)
	if erasure.State == consent.ErasureRunning {
		_ = e.database.enqueueErasure(ctx, session) // without it nothing is lost: the eraser looks for work every minute
	}
	return erasure, nil
}

func (e *Erasures) asCandidate(ctx context.Context, candidate consent.AccountID, work func(pgx.Tx) error) error {
	return e.database.in(ctx, RoleCandidate, rowContext{account: string(candidate)}, work)
}

// begin stores the request. Locks of rows come first, the ledger last.
func (e *Erasures) begin(ctx context.Context, tx pgx.Tx, session consent.Session) error {
	state, reason := consent.ErasureRunning, ""
	var ended []consent.AuthorizationID
	if !session.HeldAt.IsZero() {
		state, reason = consent.ErasurePaused, "held"
	} else {
		// Invitations first: whoever is using one at this moment is waited for there, and what they asked for is
		// then among the records that end.
		err := cancelInvitations(ctx, tx, session.ID)
		if err != nil {
			return err
		}
		if ended, err = endShares(ctx, tx, session.ID, consent.EventWithdrawn, session.Candidate); err != nil {
			return err
		}
		if err := markErased(ctx, tx, session.ID); err != nil {
			return err
		}
	}
	if err := addErasure(ctx, tx, session.ID, session.Candidate, consent.CauseRequest, state); err != nil {
		return err
	}
	for _, id := range ended {
		if err := e.database.attestEnd(ctx, tx, consent.LedgerAuthorizationWithdrawn, id, "session_erased"); err != nil {
			return err
		}
	}
	_, err := record(ctx, tx, consent.LedgerEvent{
		Kind: consent.LedgerErasureRequested, Account: session.Candidate, Session: session.ID, Reason: reason,
	})
	return err
}

// endShares ends every record of a session that could still let somebody see something, and tells every
// node. account is empty where no person did it. The caller holds the lock on the session's row.
func endShares(ctx context.Context, tx pgx.Tx, session consent.SessionID, event consent.AuthorizationEvent, account consent.AccountID) ([]consent.AuthorizationID, error) {
	records, err := readAuthorizations(ctx, tx, `a.session = $1`, session)
	if err != nil {
		return nil, err
	}
	var ended []consent.AuthorizationID
	for _, a := range slices.Backward(records) {
		if a.State.Final() {
			continue
		}
		if err := addEvent(ctx, tx, a, event, account); err != nil {
			return nil, err
		}
		ended = append(ended, a.ID)
	}
	return ended, notify(ctx, tx, session, TopicAuthorizations)
}

// markErased is what every plane looks at. It leaves nobody a way to ask for the session. The caller holds
// the lock on the session's row.
func markErased(ctx context.Context, tx pgx.Tx, session consent.SessionID) error {
	const set = `UPDATE sessions SET state = 'erased', state_at = statement_timestamp() WHERE id = $1`
	if _, err := tx.Exec(ctx, set, session); err != nil {
		return err
	}
	if err := cancelInvitations(ctx, tx, session); err != nil {
		return err
	}
	return notify(ctx, tx, session, TopicSession)
}

// addErasure asks for the work, unless it was asked for already.
func addErasure(ctx context.Context, tx pgx.Tx, session consent.SessionID, account consent.AccountID, cause consent.ErasureCause, state consent.ErasureState) error {
	const add = `INSERT INTO erasures (id, session, account, cause, state) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (session) DO NOTHING`
	_, err := tx.Exec(ctx, add, consent.NewID[consent.ErasureID](), session, account, cause, state)
	return err
}

func (e *Erasures) bySession(ctx context.Context, tx pgx.Tx, session consent.SessionID) (consent.Erasure, error) {
	found, err := readErasures(ctx, tx, `e.session = $1`, session)
	if err == nil && len(found) == 0 {
		err = consent.ErrNotFound
	}
	if err != nil {
		return consent.Erasure{}, err
	}
	return found[0], nil
}

// readErasures reads the erasures that a condition on e names, with their steps, the newest first.
func readErasures(ctx context.Context, tx pgx.Tx, which string, arguments ...any) ([]consent.Erasure, error) {
	rows, err := tx.Query(ctx, `SELECT e.id, e.session, e.account, e.cause, e.state, coalesce(e.fault, ''), e.requested_at, e.finished_at,
			(SELECT coalesce(json_agg(c), '[]') FROM (SELECT step, max(at) AS at, sum(amount) AS count
				FROM erasure_counts WHERE erasure = e.id GROUP BY step) c)
		FROM erasures e WHERE `+which+` ORDER BY e.requested_at DESC, e.id`, arguments...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (consent.Erasure, error) {
		var e consent.Erasure
		var done []consent.ErasureProgress
		err := row.Scan(&e.ID, &e.Session, &e.Account, &e.Cause, &e.State, &e.Fault, &e.RequestedAt, orZero{&e.FinishedAt}, &done)
		e.Steps = inOrder(done)
		return e, err
	})
}

// inOrder lists all steps, also those that have not begun.
func inOrder(done []consent.ErasureProgress) []consent.ErasureProgress {
	var steps []consent.ErasureProgress
	for _, step := range consent.ErasureSteps() {
		progress := consent.ErasureProgress{Step: step}
		if at := slices.IndexFunc(done, func(p consent.ErasureProgress) bool { return p.Step == step }); at >= 0 {
			progress = done[at]
			progress.At = progress.At.UTC().Truncate(time.Microsecond)
		}
		steps = append(steps, progress)
	}
	return steps
}

// ErasuresOf lists a candidate's erasures, the newest first.
func (e *Erasures) ErasuresOf(ctx context.Context, candidate consent.AccountID) ([]consent.Erasure, error) {
	var list []consent.Erasure
	err := e.asCandidate(ctx, candidate, func(tx pgx.Tx) (err error) {
		list, err = readErasures(ctx, tx, `e.account = $1`, candidate)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list erasures: %w", err)
	}
	return list, nil
}

// Certificate returns what was signed when an erasure was done; [consent.ErrNotFound] before.
func (e *Erasures) Certificate(ctx context.Context, candidate consent.AccountID, id consent.ErasureID) (consent.CertificateFile, error) {
	var file consent.CertificateFile
	err := e.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		const read = `SELECT e.certificate, coalesce(r.jws, ''), o.salt, coalesce(o.event, '') FROM erasures e
			LEFT JOIN receipts r ON r.session = e.session AND r.side = 'candidate' AND r.kind = 'erased'
				AND r.seq = (SELECT max(seq) FROM receipts WHERE session = e.session AND side = 'candidate' AND kind = 'erased')
			LEFT JOIN ledger_openings o ON o.seq = r.seq
			WHERE e.id = $1 AND e.account = $2 AND e.state = 'done'`
		var salt []byte
		var event string
		if err := tx.QueryRow(ctx, read, id, candidate).Scan(&file.Certificate, &file.Receipt, &salt, &event); err != nil {
			return notFound(err)
		}
		if event != "" {
			file.Opening = &consent.Opening{Event: event}
			copy(file.Opening.Salt[:], salt)
		}
		return nil
	})
	if err != nil {
		return consent.CertificateFile{}, fmt.Errorf("read the certificate of an erasure: %w", err)
	}
	return file, nil
}
