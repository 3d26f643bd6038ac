package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// attest records an event in the ledger and gives each of these sides its receipt of it, in the transaction
// that makes it so. terms is what [consent.ReceiptOfConsents] or [consent.ReceiptOfAuthorization] returned.
// As with record, take other locks first.
func (d *Database) attest(ctx context.Context, tx pgx.Tx, event consent.LedgerEvent, terms consent.Receipt, sides ...consent.ReceiptSide) error {
	var err error
	if event.At, err = databaseTime(ctx, tx); err != nil {
		return err
	}
	place, err := record(ctx, tx, event)
	if err != nil {
		return err
	}
	for _, side := range sides {
		if err := d.giveReceipt(ctx, tx, side, event, place, terms); err != nil {
			return fmt.Errorf("give the %s a receipt of %s: %w", side, event.Kind, err)
		}
	}
	return nil
}

func (d *Database) giveReceipt(ctx context.Context, tx pgx.Tx, side consent.ReceiptSide, event consent.LedgerEvent, place consent.LedgerPlace, terms consent.Receipt) error {
	towards := consent.OrgID("") // the candidate's own receipts carry a name that no organization knows
	if side == consent.SideOrganization {
		towards = event.Org
	}
	receipt, err := terms.Tell(side, d.notary.pseudonym(event.Account, towards), event, place)
	if err != nil {
		return err
	}
	jws, err := d.notary.sign(consent.DocumentReceipt, receipt)
	if err != nil {
		return err
	}
	const add = `INSERT INTO receipts (id, seq, session, authorization_id, org, account, side, kind, notice_sha256, jws, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	_, err = tx.Exec(ctx, add, receipt.ReceiptID, place.Seq, event.Session, event.Authorization, event.Org, event.Account,
		side, receipt.Event.State, receipt.Notice.SHA256, jws, event.At)
	return err
}

// attestConsents gives the receipt of what a candidate answered to the notice, or took back.
func (d *Database) attestConsents(ctx context.Context, tx pgx.Tx, session consent.Session, kind consent.LedgerKind, withdrawn consent.Consent) error {
	notice, err := noticeOf(ctx, tx, session.NoticeSHA256)
	if err != nil {
		return err
	}
	return d.attest(ctx, tx, consent.LedgerEvent{
		Kind: kind, Account: session.Candidate, Session: session.ID, Consents: session.Consents.Names(), Withdrawn: withdrawn,
		NoticeSHA256: session.NoticeSHA256,
	}, consent.ReceiptOfConsents(d.notary.Operator(), session, notice), consent.SideCandidate)
}

// attestGrant gives the receipts of a new authorization.
func (d *Database) attestGrant(ctx context.Context, tx pgx.Tx, session consent.Session, a consent.Authorization) error {
	notice, err := noticeOf(ctx, tx, a.NoticeSHA256)
	if err != nil {
		return err
	}
	terms := consent.ReceiptOfAuthorization(d.notary.Operator(), a, notice)
	terms.Supersedes = a.Supersedes
	return d.attest(ctx, tx, consent.LedgerEvent{
		Kind: consent.LedgerAuthorizationGranted, Account: session.Candidate, Session: session.ID, Authorization: a.ID, Org: a.Org,
		NoticeSHA256: a.NoticeSHA256, Purpose: a.Purpose, Scopes: a.Scopes, ValidFrom: a.ValidFrom, ValidUntil: a.ValidUntil,
	}, terms, consent.SideCandidate, consent.SideOrganization)
}

// attestEnd gives the receipts of an authorization's end, whatever ended it. reason is one of this
// program's own words, or empty. A receipt names the session, of which an organization learns nothing
// before somebody grants what it asked for: of the end of a mere request the candidate alone has one.
func (d *Database) attestEnd(ctx context.Context, tx pgx.Tx, kind consent.LedgerKind, id consent.AuthorizationID, reason string) error {
	agreed, err := d.termsOf(ctx, tx, id)
	if err != nil {
		return err
	}
	sides := []consent.ReceiptSide{consent.SideCandidate}
	if agreed.granted {
		sides = append(sides, consent.SideOrganization)
	}
	terms := agreed.terms
	return d.attest(ctx, tx, consent.LedgerEvent{
		Kind: kind, Account: agreed.candidate, Session: terms.Session, Authorization: id, Org: consent.OrgID(terms.Recipients[0].ID), Reason: reason,
	}, terms, sides...)
}

// agreement is what an authorization was about, and whether it was ever granted.
type agreement struct {
	terms     consent.Receipt
	candidate consent.AccountID
	granted   bool
}

// termsOf returns what was agreed. It is read from the receipt that was given when the authorization
// began, so that a plane needs to see nothing else to end one; only requests, and those from before there were
// receipts, are put together from their rows.
func (d *Database) termsOf(ctx context.Context, tx pgx.Tx, id consent.AuthorizationID) (agreement, error) {
	var jws string
	agreed := agreement{granted: true}
	const read = `SELECT jws, account FROM receipts WHERE authorization_id = $1 AND side = 'candidate' AND kind = 'given'`
	err := tx.QueryRow(ctx, read, id).Scan(&jws, &agreed.candidate)
	if errors.Is(err, pgx.ErrNoRows) {
		return d.termsFromRows(ctx, tx, id)
	}
	if err != nil {
		return agreement{}, fmt.Errorf("find the receipt of authorization %s: %w", id, err)
	}
	keys, err := d.notary.KeySet()
	if err != nil {
		return agreement{}, err
	}
	agreed.terms, _, err = keys.OpenReceipt(jws)
	if err == nil && len(agreed.terms.Recipients) != 1 {
		err = errors.New("it names no recipient")
	}
	if err != nil {
		return agreement{}, fmt.Errorf("read the receipt of authorization %s: %w", id, err)
	}
	return agreed, nil
}

func (d *Database) termsFromRows(ctx context.Context, tx pgx.Tx, id consent.AuthorizationID) (agreement, error) {
	rows, err := tx.Query(ctx, `SELECT `+authorizationColumns+` FROM `+authorizationTables+` WHERE a.id = $1`, id)
	if err != nil {
		return agreement{}, fmt.Errorf("read authorization %s: %w", id, err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAuthorization)
	if err != nil {
		return agreement{}, fmt.Errorf("read authorization %s: %w", id, err)
	}
	agreed := agreement{granted: !a.GrantedAt.IsZero()}
	var notice consent.ReceiptNotice
	const read = `SELECT s.candidate, n.sha256, n.version::text FROM sessions s
		JOIN notices n ON n.sha256 = coalesce(nullif($2, ''), s.notice_sha256) WHERE s.id = $1`
	if err := tx.QueryRow(ctx, read, a.Session, a.NoticeSHA256).Scan(&agreed.candidate, &notice.SHA256, &notice.Version); err != nil {
		return agreement{}, fmt.Errorf("read the session of authorization %s: %w", id, err)
	}
	agreed.terms = consent.ReceiptOfAuthorization(d.notary.Operator(), a, notice)
	return agreed, nil
}

// noticeOf says which notice a candidate had been shown.
func noticeOf(ctx context.Context, tx pgx.Tx, sha256 string) (consent.ReceiptNotice, error) {
	notice := consent.ReceiptNotice{SHA256: sha256}
	if err := tx.QueryRow(ctx, `SELECT version::text FROM notices WHERE sha256 = $1`, sha256).Scan(&notice.Version); err != nil {
		return notice, fmt.Errorf("find the notice that was shown: %w", err)
	}
	return notice, nil
}

// mostReceipts bounds how many receipts are listed, the newest.
const mostReceipts = 1000

// Receipts is what each side has in its hands, under that side's own role.
type Receipts struct{ database *Database }

// NewReceipts returns the receipts of a database.
func NewReceipts(database *Database) *Receipts { return &Receipts{database: database} }

const receiptColumns = `r.id, r.seq, r.session, r.authorization_id, r.org, r.kind, r.at`

func scanReceipt(row pgx.CollectableRow) (consent.ReceiptSummary, error) {
	var s consent.ReceiptSummary
	err := row.Scan(&s.ID, &s.Seq, &s.Session, &s.Authorization, &s.Org, &s.State, &s.At)
	return s, err
}

// ReceiptsOf lists the candidate's receipts of one session, the newest first, also after the session was
// erased; [consent.ErrNotFound] if it is not theirs.
func (r *Receipts) ReceiptsOf(ctx context.Context, candidate consent.AccountID, session consent.SessionID) ([]consent.ReceiptSummary, error) {
	var list []consent.ReceiptSummary
	err := r.database.in(ctx, RoleCandidate, rowContext{account: string(candidate)}, func(tx pgx.Tx) error {
		const read = `SELECT ` + receiptColumns + ` FROM receipts r WHERE r.session = $1 AND r.account = $2 AND r.side = 'candidate'
			ORDER BY r.seq DESC LIMIT $3`
		rows, err := tx.Query(ctx, read, session, candidate, mostReceipts)
		if err != nil {
			return err
		}
		if list, err = pgx.CollectRows(rows, scanReceipt); err != nil || len(list) > 0 {
			return err
		}
		_, err = readSession(ctx, tx, candidate, session, "")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list receipts: %w", err)
	}
	return list, nil
}

// ReceiptsFor lists the receipts of the actor's organization, the newest first.
func (r *Receipts) ReceiptsFor(ctx context.Context, actor consent.Actor) ([]consent.ReceiptSummary, error) {
	if actor.Kind != consent.ActorEmployer {
		return nil, consent.ErrNotFound
	}
	var list []consent.ReceiptSummary
	err := r.database.in(ctx, RoleEmployer, actorContext(actor), func(tx pgx.Tx) error {
		const read = `SELECT ` + receiptColumns + ` FROM receipts r WHERE r.org = $1 AND r.side = 'organization' ORDER BY r.seq DESC LIMIT $2`
		rows, err := tx.Query(ctx, read, actor.Org, mostReceipts)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, scanReceipt)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list receipts: %w", err)
	}
	return list, nil
}

// ReceiptFile returns one receipt of the actor's side with all that it takes to check it;
// [consent.ErrNotFound] if there is none.
func (r *Receipts) ReceiptFile(ctx context.Context, actor consent.Actor, id consent.ReceiptID) (consent.ReceiptFile, error) {
	role, side := RoleCandidate, consent.SideCandidate
	if actor.Kind == consent.ActorEmployer {
		role, side = RoleEmployer, consent.SideOrganization
	} else if actor.Kind != consent.ActorCandidate {
		return consent.ReceiptFile{}, consent.ErrNotFound
	}
	var file consent.ReceiptFile
	err := r.database.in(ctx, role, actorContext(actor), func(tx pgx.Tx) error {
		var seq int64
		const read = `SELECT r.seq, r.jws, n.text FROM receipts r JOIN notices n ON n.sha256 = r.notice_sha256 WHERE r.id = $1 AND r.side = $2`
		if err := tx.QueryRow(ctx, read, id, side).Scan(&seq, &file.Receipt, &file.Notice); err != nil {
			return err
		}
		if side == consent.SideOrganization {
			return nil // the event says who ended it, and names the person as no organization knows them
		}
		var opening consent.Opening
		const open = `SELECT salt, event FROM ledger_openings WHERE seq = $1`
		err := tx.QueryRow(ctx, open, seq).Scan(digest{(*consent.Digest)(&opening.Salt)}, &opening.Event)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // erased
		}
		file.Opening = &opening
		return err
	})
	if err != nil {
		return consent.ReceiptFile{}, fmt.Errorf("read a receipt: %w", notFound(err))
	}
	return file, nil
}

func actorContext(actor consent.Actor) rowContext {
	return rowContext{account: string(actor.Account), org: string(actor.Org)}
}
