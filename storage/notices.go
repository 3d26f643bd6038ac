package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// PublishNotice makes a notice one that can be answered and shared under; publishing it again changes
// nothing. A reconsent notice suspends older authorizations from its time on, by itself.
func (a *Admin) PublishNotice(ctx context.Context, notice consent.Notice) error {
	err := pgx.BeginFunc(ctx, a.conn, func(tx pgx.Tx) error {
		const add = `INSERT INTO notices (sha256, version, materiality, effective_at, text)
			VALUES ($1, $2, $3, coalesce($4::timestamptz, statement_timestamp()), $5) ON CONFLICT (sha256) DO NOTHING`
		var effective *time.Time
		if !notice.EffectiveAt.IsZero() {
			effective = &notice.EffectiveAt
		}
		done, err := tx.Exec(ctx, add, notice.SHA256(), notice.Version, notice.Materiality, effective, notice.Text)
		if err != nil {
			return err
		}
		if done.RowsAffected() == 0 {
			return samePublication(ctx, tx, notice)
		}
		_, err = record(ctx, tx, consent.LedgerEvent{
			Kind: consent.LedgerNoticePublished, NoticeSHA256: notice.SHA256(), Reason: string(notice.Materiality),
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("publish notice %d: %w", notice.Version, err)
	}
	return nil
}

// samePublication: what was published stays as it was, so that a text means one thing for ever.
func samePublication(ctx context.Context, tx pgx.Tx, notice consent.Notice) error {
	var version int
	var materiality consent.Materiality
	const read = `SELECT version, materiality FROM notices WHERE sha256 = $1`
	if err := tx.QueryRow(ctx, read, notice.SHA256()).Scan(&version, &materiality); err != nil {
		return err
	}
	if version != notice.Version || materiality != notice.Materiality {
		return fmt.Errorf("the same text was published as version %d (%s): what means something new needs a new text", version, materiality)
	}
	return nil
}

// NoticeChanges lists, for each notice that records of the session still stand under, what is new since.
// shown is the text that this server shows; of several texts of the newest version, it is the one meant.
// A session without records that a newer notice concerns has none.
func (s *Sessions) NoticeChanges(ctx context.Context, candidate consent.AccountID, id consent.SessionID, shown string) ([]consent.NoticeChange, error) {
	var changes []consent.NoticeChange
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		if _, err := readSession(ctx, tx, candidate, id, ""); err != nil {
			return err
		}
		records, err := readAuthorizations(ctx, tx, `a.session = $1`, id)
		if err != nil {
			return err
		}
		newest, err := newestNotice(ctx, tx, shown)
		if err != nil {
			return err
		}
		changes, err = noticeChanges(ctx, tx, records, newest)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what is new in the notice: %w", err)
	}
	return changes, nil
}

const noticeColumns = `n.version, n.materiality, n.effective_at, n.text`

func scanNotice(row pgx.Row) (consent.Notice, error) {
	var n consent.Notice
	err := row.Scan(&n.Version, &n.Materiality, &n.EffectiveAt, &n.Text)
	return n, err
}

// newestNotice is the last published one, also before its time: who reads it early can agree early.
func newestNotice(ctx context.Context, tx pgx.Tx, shown string) (consent.Notice, error) {
	return scanNotice(tx.QueryRow(ctx, `SELECT `+noticeColumns+` FROM notices n
		ORDER BY n.version DESC, n.sha256 = $1 DESC, n.created_at DESC, n.sha256 LIMIT 1`, shown))
}

// noticeChanges groups the records that have not ended by the notice they stand under.
func noticeChanges(ctx context.Context, tx pgx.Tx, records []consent.Authorization, newest consent.Notice) ([]consent.NoticeChange, error) {
	var changes []consent.NoticeChange
	at := make(map[string]int)
	for _, a := range records {
		if a.State.Final() || a.State == consent.AuthorizationRequested || a.NoticeVersion >= newest.Version {
			continue
		}
		i, known := at[a.NoticeSHA256]
		if !known {
			before := consent.Notice{Version: a.NoticeVersion}
			if a.NoticeSHA256 != "" {
				var err error
				if before, err = scanNotice(tx.QueryRow(ctx, `SELECT `+noticeColumns+` FROM notices n WHERE n.sha256 = $1`, a.NoticeSHA256)); err != nil {
					return nil, err
				}
			}
			i = len(changes)
			at[a.NoticeSHA256] = i
			changes = append(changes, consent.NoticeChange{From: before, To: newest})
		}
		changes[i].Authorizations = append(changes[i].Authorizations, a)
	}
	return changes, nil
}

// Renew agrees to a newer notice: a new record with the old one's terms takes its place. A suspension by
// a notice is never lifted in any other way. A record that stands under that notice already stays as it is.
func (s *Sessions) Renew(ctx context.Context, candidate consent.AccountID, id consent.SessionID, old consent.AuthorizationID, noticeSHA256 string) (consent.Authorization, error) {
	var granted consent.Authorization
	err := s.asCandidate(ctx, candidate, func(tx pgx.Tx) error {
		session, before, err := lockRecord(ctx, tx, candidate, id, old)
		if err != nil {
			return err
		}
		if _, err := before.State.After(consent.EventSuperseded); err != nil {
			return err
		}
		version, err := noticeInForce(ctx, tx, noticeSHA256)
		if err != nil {
			return err
		}
		if version <= before.NoticeVersion {
			granted = before
			return nil
		}
		granted, err = s.grant(ctx, tx, session, consent.AuthorizationRequest{
			Org: before.Org, Purpose: before.Purpose, Scopes: before.Scopes, ValidUntil: before.ValidUntil, NoticeSHA256: noticeSHA256,
		})
		return err
	})
	if err != nil {
		return consent.Authorization{}, fmt.Errorf("renew authorization: %w", err)
	}
	s.database.settle(ctx) // the old record has ended
	return granted, nil
}
