package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// AccountHistory reads what is held about an export's account beside its sessions; of log-ins and notices
// only what belongs to the export. It needs no Permit: row-level security shows the account of the
// context, and log-ins only while an export of it is being made.
func (e *Exports) AccountHistory(ctx context.Context, export consent.Export) (consent.AccountHistory, error) {
	var history consent.AccountHistory
	err := e.asExporter(ctx, export.Account, func(tx pgx.Tx) error {
		a := &history.Account
		const profile = `SELECT id, kind, email, display_name, age_rule, created_at FROM accounts WHERE id = $1 AND closed_at IS NULL`
		err := tx.QueryRow(ctx, profile, export.Account).Scan(&a.ID, &a.Kind, &a.Email, &a.DisplayName, &history.AgeRule, &history.CreatedAt)
		if err != nil {
			return err
		}
		if history.Notices, err = readAnswered(ctx, tx, export); err != nil {
			return err
		}
		if export.Whole { // a copy of one interview says nothing about the person's days
			if history.LogIns, err = readLogIns(ctx, tx, export.Account); err != nil {
				return err
			}
			history.Receipts, err = readReceipts(ctx, tx, `r.account = $1 AND NOT EXISTS (SELECT FROM sessions s
				WHERE s.id = r.session AND s.state <> 'erased')`, export.Account)
		}
		return err
	})
	if err != nil {
		return consent.AccountHistory{}, fmt.Errorf("read account: %w", notFound(err))
	}
	return history, nil
}

func readLogIns(ctx context.Context, tx pgx.Tx, account consent.AccountID) ([]consent.LogIn, error) {
	rows, err := tx.Query(ctx, `SELECT created_at, absolute_until FROM log_ins WHERE account = $1 ORDER BY created_at`, account)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[consent.LogIn])
}

// readAnswered reads the notices that were answered for the sessions of the export.
func readAnswered(ctx context.Context, tx pgx.Tx, export consent.Export) ([]consent.AnsweredNotice, error) {
	rows, err := tx.Query(ctx, `SELECT c.session, c.at, n.version, n.materiality, n.effective_at, n.text FROM consent_events c
		JOIN notices n ON n.sha256 = c.notice_sha256 JOIN export_sessions x ON x.session = c.session AND x.export = $1
		WHERE c.kind = 'answered' ORDER BY c.id`, export.ID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (consent.AnsweredNotice, error) {
		var a consent.AnsweredNotice
		err := row.Scan(&a.Session, &a.Answered, &a.Notice.Version, &a.Notice.Materiality, &a.Notice.EffectiveAt, &a.Notice.Text)
		return a, err
	})
}

// SessionHistory reads what happened to a session, for the export that has the Permit.
func (e *Exports) SessionHistory(ctx context.Context, permit consent.Permit) (consent.SessionHistory, error) {
	session := permit.Session()
	if err := demand(permit, session, consent.ArtefactSession, consent.ActorExport); err != nil {
		return consent.SessionHistory{}, fmt.Errorf("read history: %w", err)
	}
	var history consent.SessionHistory
	err := e.asExporter(ctx, permit.Actor().Account, func(tx pgx.Tx) error {
		var err error
		if history.Consents, err = readConsentEvents(ctx, tx, session); err != nil {
			return err
		}
		if history.Authorizations, err = readAuthorizationHistory(ctx, tx, session); err != nil {
			return err
		}
		if history.Accesses, err = readAccesses(ctx, tx, session); err != nil {
			return err
		}
		if history.AICalls, err = readAICalls(ctx, tx, session); err != nil {
			return err
		}
		history.Events, err = readEvents(ctx, tx, session)
		return err
	})
	if err != nil {
		return consent.SessionHistory{}, fmt.Errorf("read history of session %s: %w", session, err)
	}
	return history, nil
}

// SessionReceipts reads the candidate's receipts of a session, for the export that has the Permit.
func (e *Exports) SessionReceipts(ctx context.Context, permit consent.Permit) ([]consent.HeldReceipt, error) {
	session := permit.Session()
	if err := demand(permit, session, consent.ArtefactSession, consent.ActorExport); err != nil {
		return nil, fmt.Errorf("read receipts: %w", err)
	}
	var receipts []consent.HeldReceipt
	err := e.asExporter(ctx, permit.Actor().Account, func(tx pgx.Tx) error {
		var err error
		receipts, err = readReceipts(ctx, tx, `r.session = $1`, session)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read receipts of session %s: %w", session, err)
	}
	return receipts, nil
}

// readReceipts reads receipts with all that it takes to check them. The policies leave the candidate's own.
func readReceipts(ctx context.Context, tx pgx.Tx, which string, argument any) ([]consent.HeldReceipt, error) {
	rows, err := tx.Query(ctx, `SELECT r.id, r.jws, n.text, o.salt, o.event FROM receipts r JOIN notices n ON n.sha256 = r.notice_sha256
		LEFT JOIN ledger_openings o ON o.seq = r.seq WHERE r.side = 'candidate' AND `+which+` ORDER BY r.seq`, argument)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (consent.HeldReceipt, error) {
		var held consent.HeldReceipt
		var salt []byte
		var event *string
		if err := row.Scan(&held.ID, &held.File.Receipt, &held.File.Notice, &salt, &event); err != nil || event == nil {
			return held, err // without an opening the session was erased
		}
		opening := consent.Opening{Event: *event}
		err := digest{(*consent.Digest)(&opening.Salt)}.ScanBytes(salt)
		held.File.Opening = &opening
		return held, err
	})
}

func readConsentEvents(ctx context.Context, tx pgx.Tx, session consent.SessionID) ([]consent.ConsentEvent, error) {
	rows, err := tx.Query(ctx, `SELECT at, kind, coalesce(withdrawn, ''), recording, transcription, assessment, notice_sha256
		FROM consent_events WHERE session = $1 ORDER BY id`, session)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (consent.ConsentEvent, error) {
		var c consent.ConsentEvent
		err := row.Scan(&c.At, &c.Kind, &c.Withdrawn, &c.Consents.Recording, &c.Consents.Transcription, &c.Consents.Assessment, &c.NoticeSHA256)
		return c, err
	})
}

func readAuthorizationHistory(ctx context.Context, tx pgx.Tx, session consent.SessionID) ([]consent.AuthorizationHistory, error) {
	records, err := readAuthorizations(ctx, tx, `a.session = $1`, session)
	if err != nil {
		return nil, err
	}
	history := make([]consent.AuthorizationHistory, len(records))
	for i, record := range records {
		history[i].Authorization = record
		rows, err := tx.Query(ctx, `SELECT at, kind FROM authorization_events WHERE authorization_id = $1 ORDER BY id`, record.ID)
		if err != nil {
			return nil, err
		}
		if history[i].Events, err = pgx.CollectRows(rows, pgx.RowToStructByPos[consent.PastEvent]); err != nil {
			return nil, err
		}
	}
	return history, nil
}

// readAccesses reads all of them: a page shows the newest, a copy has to be whole.
func readAccesses(ctx context.Context, tx pgx.Tx, session consent.SessionID) ([]consent.Access, error) {
	rows, err := tx.Query(ctx, `SELECT c.at, c.org, o.name, c.artefact FROM accesses c JOIN organizations o ON o.id = c.org
		WHERE c.session = $1 ORDER BY c.id DESC`, session)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[consent.Access])
}

// aiCalls are all questions to models, with the sessions' lines of speech to text as one for each engine.
const aiCalls = `SELECT c.at, c.session, c.purpose, c.model, c.place, c.prompt_sha256, 1 AS times FROM ai_calls c
	UNION ALL
	SELECT max(s.media_start + l.end_ns / 1000 * interval '1 microsecond'), l.session, 'transcription', l.engine, '', '', count(*)::int
		FROM lines l JOIN sessions s ON s.id = l.session GROUP BY l.session, l.engine`

func scanAICall(row pgx.CollectableRow) (consent.AICall, error) {
	var c consent.AICall
	err := row.Scan(orZero{&c.At}, &c.Session, &c.For, &c.Model, &c.Place, &c.PromptSHA256, &c.Times)
	return c, err
}

func readAICalls(ctx context.Context, tx pgx.Tx, session consent.SessionID) ([]consent.AICall, error) {
	rows, err := tx.Query(ctx, `SELECT * FROM (`+aiCalls+`) c WHERE c.session = $1 ORDER BY c.at, c.purpose`, session)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanAICall)
}

func readEvents(ctx context.Context, tx pgx.Tx, session consent.SessionID) ([]consent.SessionEvent, error) {
	rows, err := tx.Query(ctx, `SELECT at, kind, seq, detail FROM session_events WHERE session = $1 ORDER BY seq`, session)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (consent.SessionEvent, error) {
		var e consent.SessionEvent
		err := row.Scan(&e.At, &e.Kind, &e.Sequence, &e.Detail)
		return e, err
	})
}
