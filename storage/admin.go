package storage

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"greenroom/consent"
)

// Admin makes organizations and accounts of every kind, over a short-lived connection as the
// database's owner. Only the administration commands and the demo use it.
type Admin struct{ conn *pgx.Conn }

// OpenAdmin connects as the owner to a database that [OpenDatabase] has set up.
func OpenAdmin(ctx context.Context, ownerURL string) (*Admin, error) {
	connecting, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	conn, err := pgx.Connect(connecting, ownerURL)
	if err != nil {
		return nil, errors.New("connect as the owner: " + withoutURL(err))
	}
	return &Admin{conn: conn}, nil
}

// withoutURL keeps what went wrong and leaves out the address, which may hold a password.
func withoutURL(err error) string {
	if _, ok := errors.AsType[*pgconn.ParseConfigError](err); ok {
		return "the database URL is not one that Postgres understands"
	}
	return err.Error()
}

// Close ends the connection.
func (a *Admin) Close(ctx context.Context) error {
	if err := a.conn.Close(ctx); err != nil {
		return fmt.Errorf("close the owner's connection: %w", err)
	}
	return nil
}

// CreateOrganization returns the organization of that name, making it if there is none.
func (a *Admin) CreateOrganization(ctx context.Context, name string) (consent.Organization, error) {
	const ensure = `WITH made AS (INSERT INTO organizations (id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING id, name)
		SELECT id, name FROM made UNION ALL SELECT id, name FROM organizations WHERE name = $2 LIMIT 1`
	var organization consent.Organization
	err := a.conn.QueryRow(ctx, ensure, consent.NewID[consent.OrgID](), name).Scan(&organization.ID, &organization.Name)
	if err != nil {
		return consent.Organization{}, fmt.Errorf("create organization: %w", err)
	}
	return organization, nil
}

// CreateAccount makes an account; employers need an organization, others have none. If the address
// has an account already, that one is returned with [consent.ErrEmailTaken] and nothing is changed.
func (a *Admin) CreateAccount(ctx context.Context, kind consent.AccountKind, email, displayName string, password consent.PasswordHash, org consent.OrgID) (consent.Account, error) {
	if (kind == consent.AccountEmployer) != (org != "") {
		return consent.Account{}, errors.New("create account: employers, and only they, have an organization")
	}
	email = strings.ToLower(email)
	account := consent.Account{}
	err := pgx.BeginFunc(ctx, a.conn, func(tx pgx.Tx) error {
		id := consent.NewID[consent.AccountID]()
		const add = `INSERT INTO accounts (id, kind, email, display_name, password_hash, pepper, age_rule)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`
		if _, err := tx.Exec(ctx, add, id, kind, email, displayName, password.Hash, password.Pepper, consent.AgeRule); err != nil {
			return err
		}
		if org != "" {
			if _, err := tx.Exec(ctx, `INSERT INTO members (account, org) VALUES ($1, $2)`, id, org); err != nil {
				return err
			}
		}
		return readAccount(ctx, tx, email, &account)
	})
	if hasCode(err, uniqueViolation) {
		err = errors.Join(consent.ErrEmailTaken, readAccount(ctx, a.conn, email, &account))
	}
	if err != nil {
		return account, fmt.Errorf("create account: %w", err)
	}
	return account, nil
}

type rowReader interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func readAccount(ctx context.Context, from rowReader, email string, account *consent.Account) error {
	const read = `SELECT ` + accountColumns + ` FROM ` + accountTables + ` WHERE a.email = $1`
	return from.QueryRow(ctx, read, email).Scan(accountFields(account)...)
}
