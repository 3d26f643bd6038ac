package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// ledgerLock is the advisory lock under which the ledger grows, one transaction at a time ("grnledgr"
// in ASCII). The function ledger_append takes it until its transaction ends.
const ledgerLock = 0x67726e6c65646772

// ledgerChannel is where ledger_append tells every node that the ledger grew.
const ledgerChannel = "greenroom_ledger"

// record appends an event to the ledger, in the transaction that makes it so, and returns its place. An
// event without a time gets the database's. Take every other lock of the transaction first: from here to
// its end nobody else can append.
func record(ctx context.Context, tx pgx.Tx, event consent.LedgerEvent) (consent.LedgerPlace, error) {
	if event.At.IsZero() {
		var err error
		if event.At, err = databaseTime(ctx, tx); err != nil {
			return consent.LedgerPlace{}, err
		}
	}
	text, err := event.Bytes()
	if err != nil {
		return consent.LedgerPlace{}, fmt.Errorf("record in the ledger: %w", err)
	}
	salt := consent.NewSalt()
	var place consent.LedgerPlace
	const add = `SELECT seq, entry, previous, chain FROM ledger_append($1, $2)`
	row := tx.QueryRow(ctx, add, salt[:], string(text))
	if err := row.Scan(&place.Seq, digest{&place.Entry}, digest{&place.Previous}, digest{&place.Chain}); err != nil {
		return consent.LedgerPlace{}, fmt.Errorf("record %s in the ledger: %w", event.Kind, err)
	}
	return place, nil
}

// databaseTime is the time that decides: the database's own, at this statement.
func databaseTime(ctx context.Context, tx pgx.Tx) (time.Time, error) {
	var now time.Time
	if err := tx.QueryRow(ctx, `SELECT statement_timestamp()`).Scan(&now); err != nil {
		return time.Time{}, fmt.Errorf("ask the database for the time: %w", err)
	}
	return now, nil
}

// now asks for the time outside any other transaction.
func (d *Database) now(ctx context.Context) (time.Time, error) {
	var now time.Time
	err := d.in(ctx, RoleAudit, rowContext{}, func(tx pgx.Tx) error {
		var err error
		now, err = databaseTime(ctx, tx)
		return err
	})
	return now, err
}

// digest scans a SHA-256 sum.
type digest struct{ into *consent.Digest }

// ScanBytes implements [pgtype.BytesScanner].
func (d digest) ScanBytes(value []byte) error {
	if len(value) != len(d.into) {
		return fmt.Errorf("a digest of %d bytes, not %d", len(value), len(d.into))
	}
	copy(d.into[:], value)
	return nil
}

// ledgerColumns go with scanEntry; the table is ledger.
const ledgerColumns = `seq, at, kind, session, authorization_id, account, org, leaf, chain`

func scanEntry(row pgx.CollectableRow) (consent.LedgerEntry, error) {
	var e consent.LedgerEntry
	err := row.Scan(&e.Seq, &e.At, &e.Kind, &e.Session, &e.Authorization, &e.Account, &e.Org, digest{&e.Leaf}, digest{&e.Chain})
	e.At = e.At.UTC()
	return e, err
}

// ledgerAfter reads up to so many entries that follow a place, in their order.
func (d *Database) ledgerAfter(ctx context.Context, seq int64, most int) ([]consent.LedgerEntry, error) {
	var entries []consent.LedgerEntry
	err := d.in(ctx, RoleAudit, rowContext{}, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+ledgerColumns+` FROM ledger WHERE seq > $1 ORDER BY seq LIMIT $2`, seq, most)
		if err != nil {
			return err
		}
		entries, err = pgx.CollectRows(rows, scanEntry)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	return entries, nil
}
