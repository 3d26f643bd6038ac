package storage

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// minNotice is the newest notice in effect that everybody has to agree to anew; 0 if there is none.
const minNotice = `(SELECT coalesce(max(n.version), 0) FROM notices n
	WHERE n.materiality = 'reconsent' AND n.effective_at <= statement_timestamp())`

// authorizationColumns go with scanAuthorization; the tables are in authorizationTables. The state is
// derived: a record that ended says how, one whose time is up has expired, one that nobody granted was
// asked for, and one with an open suspension or under a notice that no longer holds is suspended.
const (
	authorizationColumns = `a.id, a.session, a.org, o.name, a.purpose, a.scopes, a.valid_from, a.valid_until,
		a.notice_version, coalesce(a.notice_sha256, '') AS notice_sha256, coalesce(a.supersedes, e.supersedes, '') AS supersedes, a.language,
		CASE WHEN e.ended IS NOT NULL THEN e.ended
			WHEN statement_timestamp() >= a.valid_until THEN 'expired'
			WHEN e.granted_at IS NULL THEN 'requested'
			WHEN e.paused_by IS NOT NULL OR a.notice_version < ` + minNotice + ` THEN 'suspended'
			ELSE 'granted' END AS state,
		e.granted_at,
		CASE WHEN e.ended IS NOT NULL THEN e.ended_at WHEN statement_timestamp() >= a.valid_until THEN a.valid_until END AS ended_at,
		coalesce(e.paused_by, 'notice') AS paused_by`
	authorizationTables = `authorizations a JOIN organizations o ON o.id = a.org CROSS JOIN LATERAL (SELECT
			max(x.at) FILTER (WHERE x.kind = 'granted') AS granted_at,
			max(x.supersedes) AS supersedes,
			max(x.kind) FILTER (WHERE x.kind IN ` + endEvents + `) AS ended,
			max(x.at) FILTER (WHERE x.kind IN ` + endEvents + `) AS ended_at,
			max(x.reason) FILTER (WHERE x.kind = 'suspended' AND NOT EXISTS (SELECT FROM authorization_events r WHERE r.ends = x.id)) AS paused_by
		FROM authorization_events x WHERE x.authorization_id = a.id) e`
	endEvents = `('refused', 'withdrawn', 'revoked', 'superseded', 'expired')`
)

func scanAuthorization(row pgx.CollectableRow) (consent.Authorization, error) {
	var a consent.Authorization
	err := row.Scan(&a.ID, &a.Session, &a.Org, &a.OrgName, &a.Purpose, &a.Scopes, &a.ValidFrom, &a.ValidUntil,
		&a.NoticeVersion, &a.NoticeSHA256, &a.Supersedes, &a.Language, &a.State, orZero{&a.GrantedAt}, orZero{&a.EndedAt}, &a.PausedBy)
	if a.State != consent.AuthorizationSuspended {
		a.PausedBy = ""
	}
	return a, err
}

// readAuthorizations reads the records that a condition on a names, the newest first.
func readAuthorizations(ctx context.Context, tx pgx.Tx, which string, arguments ...any) ([]consent.Authorization, error) {
	rows, err := tx.Query(ctx, `SELECT `+authorizationColumns+` FROM `+authorizationTables+`
		WHERE `+which+` ORDER BY a.granted_at DESC, a.id`, arguments...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanAuthorization)
}

// addEvent lets something happen to a record, if its state allows that; no account stands for the
// operator. The caller holds the lock on the session's row, so that the state is still the one that was read.
func addEvent(ctx context.Context, tx pgx.Tx, record consent.Authorization, event consent.AuthorizationEvent, account consent.AccountID) error {
	if _, err := record.State.After(event); err != nil {
		return err
	}
	const add = `INSERT INTO authorization_events (authorization_id, org, kind, account) VALUES ($1, $2, $3, nullif($4, ''))`
	_, err := tx.Exec(ctx, add, record.ID, record.Org, event, account)
	return err
}

// addAuthorization stores a new record that is granted at once.
func addAuthorization(ctx context.Context, tx pgx.Tx, candidate consent.AccountID, record consent.Authorization) (consent.Authorization, error) {
	const add = `INSERT INTO authorizations (id, session, org, purpose, scopes, valid_until, notice_sha256, notice_version, supersedes)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, ''))`
	_, err := tx.Exec(ctx, add, record.ID, record.Session, record.Org, record.Purpose, record.Scopes, record.ValidUntil,
		record.NoticeSHA256, record.NoticeVersion, record.Supersedes)
	if err != nil {
		return consent.Authorization{}, err
	}
	if err := addEvent(ctx, tx, record, consent.EventGranted, candidate); err != nil {
		return consent.Authorization{}, err
	}
	return readBack(ctx, tx, record.ID, "authorized")
}

// readBack returns a record that was granted just now, and tells every node.
func readBack(ctx context.Context, tx pgx.Tx, id consent.AuthorizationID, what string) (consent.Authorization, error) {
	granted, err := readAuthorizations(ctx, tx, `a.id = $1`, id)
	if err != nil || len(granted) != 1 {
		return consent.Authorization{}, errors.Join(err, errors.New("the new record cannot be read back"))
	}
	return granted[0], logEvent(ctx, tx, granted[0].Session, TopicAuthorizations, what, eventDetail{"authorization": id})
}

// mayShare checks a request against the database's time, the session and the organization.
func mayShare(ctx context.Context, tx pgx.Tx, session consent.Session, request consent.AuthorizationRequest) error {
	if err := sharable(session); err != nil {
		return err
	}
	var now time.Time
	var live bool
	const read = `SELECT statement_timestamp(), EXISTS (SELECT FROM organizations WHERE id = $1 AND suspended_at IS NULL)`
	if err := tx.QueryRow(ctx, read, request.Org).Scan(&now, &live); err != nil {
		return err
	}
	if !live {
		return consent.ErrNotFound
	}
	return request.Check(now)
}

// sharable refuses to share a session that is paused, or of which nothing exists yet.
func sharable(session consent.Session) error {
	if session.NoticeSHA256 == "" {
		return consent.ErrBadStep{State: session.State, Step: "be shared"}
	}
	return notPaused(session)
}

// notPaused refuses what would work on a session that is held or restricted.
func notPaused(session consent.Session) error {
	switch {
	case !session.HeldAt.IsZero():
		return consent.ErrHeld{Since: session.HeldAt}
	case !session.RestrictedAt.IsZero():
		return consent.ErrRestricted
	default:
		return nil
	}
}

// noticeInForce returns the version of a published notice that nobody has to agree to anew.
func noticeInForce(ctx context.Context, tx pgx.Tx, sha256 string) (version int, err error) {
	const read = `SELECT version FROM notices WHERE sha256 = $1 AND version >= ` + minNotice
	err = tx.QueryRow(ctx, read, sha256).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, consent.ErrNoticeChanged
	}
	return version, err
}

// supersede ends what the new record takes the place of, and returns it, the oldest first. Together with
// the lock on the session's row there is never more than one.
func supersede(ctx context.Context, tx pgx.Tx, candidate consent.AccountID, id consent.SessionID, request consent.AuthorizationRequest) ([]consent.AuthorizationID, error) {
	records, err := readAuthorizations(ctx, tx, `a.session = $1 AND a.org = $2 AND a.purpose = $3`, id, request.Org, request.Purpose)
	if err != nil {
		return nil, err
	}
	var ended []consent.AuthorizationID
	for _, record := range slices.Backward(records) {
		if record.State != consent.AuthorizationGranted && record.State != consent.AuthorizationSuspended {
			continue
		}
		if err := addEvent(ctx, tx, record, consent.EventSuperseded, candidate); err != nil {
			return nil, err
		}
		ended = append(ended, record.ID)
	}
	return ended, nil
}

func last(ids []consent.AuthorizationID) consent.AuthorizationID {
	if len(ids) == 0 {
		return ""
	}
	return ids[len(ids)-1]
}
