package storage

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
)

// rolePasswordFile is the file in the secrets folder that holds the roles' passwords.
const rolePasswordFile = "database-roles.json"

// ErrWalls says that the database would let a role step around row-level security. The server does
// not start on such a database.
var ErrWalls = errors.New("the database's roles or tables are not safe")

// loadRolePasswords reads the passwords and makes those that are missing.
func loadRolePasswords(secretsDir string) (map[Role]string, error) {
	if err := os.MkdirAll(secretsDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the secrets folder: %w", err)
	}
	path := filepath.Join(secretsDir, rolePasswordFile)
	passwords := make(map[Role]string)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the roles' passwords: %w", err)
	}
	if err == nil {
		if err := json.Unmarshal(text, &passwords); err != nil {
			return nil, fmt.Errorf("read the roles' passwords in %s: %w", path, err)
		}
	}
	changed := false
	for role := range rolePools() {
		if passwords[role] == "" {
			passwords[role], changed = newSecret(), true
		}
	}
	if !changed {
		return passwords, nil
	}
	if text, err = json.MarshalIndent(passwords, "", "  "); err != nil {
		return nil, fmt.Errorf("write the roles' passwords: %w", err)
	}
	if err := writeNew(path, text); err != nil {
		return nil, fmt.Errorf("write the roles' passwords: %w", err)
	}
	return passwords, nil
}

// ensureRoles makes the roles and gives them the right to connect here. Roles belong to the whole
// cluster, so a password that works already is left alone: other databases and servers use it.
func ensureRoles(ctx context.Context, owner *pgx.Conn, passwords map[Role]string) error {
	for role := range rolePools() {
		if err := ensureRole(ctx, owner, role, passwords[role]); err != nil {
			return fmt.Errorf("role %s: %w", role.database(), err)
		}
	}
	return closeDatabase(ctx, owner)
}

func ensureRole(ctx context.Context, owner *pgx.Conn, role Role, password string) error {
	name := pgx.Identifier{role.database()}.Sanitize()
	var exists bool
	if err := owner.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, role.database()).Scan(&exists); err != nil {
		return err
	}
	if !exists {
		verifier, err := scramVerifier(password)
		if err != nil {
			return err
		}
		_, err = owner.Exec(ctx, "CREATE ROLE "+name+" LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '"+verifier+"'")
		return err
	}
	if err := grantConnect(ctx, owner, name); err != nil || passwordWorks(ctx, owner, role, password) {
		return err
	}
	verifier, err := scramVerifier(password)
	if err != nil {
		return err
	}
	_, err = owner.Exec(ctx, "ALTER ROLE "+name+" LOGIN PASSWORD '"+verifier+"'")
	return err
}

func passwordWorks(ctx context.Context, owner *pgx.Conn, role Role, password string) bool {
	config := owner.Config()
	config.User, config.Password = role.database(), password
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return false
	}
	_ = conn.Close(ctx)
	return true
}

// closeDatabase leaves the database to the roles: Postgres lets everybody connect otherwise.
func closeDatabase(ctx context.Context, owner *pgx.Conn) error {
	names := make([]string, 0, len(rolePools()))
	for role := range rolePools() {
		names = append(names, pgx.Identifier{role.database()}.Sanitize())
	}
	if err := grantConnect(ctx, owner, strings.Join(names, ", ")); err != nil {
		return err
	}
	database := pgx.Identifier{owner.Config().Database}.Sanitize()
	if _, err := owner.Exec(ctx, "REVOKE ALL ON DATABASE "+database+" FROM PUBLIC"); err != nil {
		return fmt.Errorf("close the database to others: %w", err)
	}
	return nil
}

func grantConnect(ctx context.Context, owner *pgx.Conn, names string) error {
	database := pgx.Identifier{owner.Config().Database}.Sanitize()
	if _, err := owner.Exec(ctx, "GRANT CONNECT ON DATABASE "+database+" TO "+names); err != nil {
		return fmt.Errorf("let %s connect: %w", names, err)
	}
	return nil
}

// scramVerifier returns what Postgres stores for a password (RFC 5803), so that the password itself
// never appears in a statement, which the server might log.
func scramVerifier(password string) (string, error) {
	const iterations = 4096
	var salt [16]byte
	_, _ = rand.Read(salt[:]) // never fails: crypto/rand ends the program instead
	salted, err := pbkdf2.Key(sha256.New, password, salt[:], iterations, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("derive a password verifier: %w", err)
	}
	keyed := func(text string) []byte {
		mac := hmac.New(sha256.New, salted)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	stored := sha256.Sum256(keyed("Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, encode(salt[:]), encode(stored[:]), encode(keyed("Server Key"))), nil
}

// wallQueries each return one line for everything that would let a role see rows it should not.
func wallQueries() []string {
	return []string{
		`SELECT format('role %s is superuser, BYPASSRLS, CREATEROLE, CREATEDB or REPLICATION', rolname)
		   FROM pg_roles WHERE rolname = ANY($1)
		    AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)`,
		`SELECT format('role %s is a member of %s', m.rolname, g.rolname)
		   FROM pg_auth_members am JOIN pg_roles m ON m.oid = am.member JOIN pg_roles g ON g.oid = am.roleid
		  WHERE m.rolname = ANY($1)`,
		`SELECT format('role %s owns %s', r.rolname, c.oid::regclass)
		   FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = ANY($1)`,
		`SELECT format('table %s lets %s in without forced row-level security', c.relname, r.rolname)
		   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		   JOIN pg_roles r ON r.rolname = ANY($1)
		  WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm')
		    AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
		    AND (has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
		         OR has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE'))`,
		`SELECT format('role %s may truncate %s', r.rolname, c.relname)
		   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		   JOIN pg_roles r ON r.rolname = ANY($1)
		  WHERE n.nspname = 'public' AND c.relkind = 'r' AND has_table_privilege(r.oid, c.oid, 'TRUNCATE')`,
		`SELECT format('function %s runs with its owner''s rights', p.oid::regprocedure)
		   FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		  WHERE n.nspname = 'public' AND p.prosecdef AND cardinality($1::text[]) > 0
		    AND NOT (p.oid::regprocedure::text = 'ledger_append(bytea,text)'
		         AND p.proconfig IS NOT DISTINCT FROM ARRAY['search_path=pg_catalog, pg_temp'])`,
	}
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// checkWalls refuses a database whose roles could step around row-level security: owners, superusers
// and BYPASSRLS roles skip every policy, and a table without forced policies has none.
func checkWalls(ctx context.Context, owner querier) error {
	names := make([]string, 0, len(rolePools()))
	for role := range rolePools() {
		names = append(names, role.database())
	}
	var faults []string
	for _, query := range wallQueries() {
		rows, err := owner.Query(ctx, query, names)
		if err != nil {
			return fmt.Errorf("check the roles and tables: %w", err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("check the roles and tables: %w", err)
		}
		faults = append(faults, found...)
	}
	if len(faults) > 0 {
		return fmt.Errorf("%w: %s", ErrWalls, strings.Join(faults, "; "))
	}
	return nil
}
