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

// roleSecretFile is the file in the secrets folder that holds the roles' passwords and, under
// contextSecret, the key of row contexts.
const (
	roleSecretFile = "database-roles.json"
	contextSecret  = "row context"
)

// roleSecrets is what a server needs to speak to its database.
type roleSecrets struct {
	passwords  map[Role]string
	contextKey []byte
}

// loadRoleSecrets reads the secrets and makes those that are missing.
func loadRoleSecrets(secretsDir string) (roleSecrets, error) {
	if err := os.MkdirAll(secretsDir, 0o700); err != nil {
		return roleSecrets{}, fmt.Errorf("make the secrets folder: %w", err)
	}
	path := filepath.Join(secretsDir, roleSecretFile)
	kept := make(map[string]string)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return roleSecrets{}, fmt.Errorf("read the roles' secrets: %w", err)
	}
	if err == nil {
		if err := json.Unmarshal(text, &kept); err != nil {
			return roleSecrets{}, fmt.Errorf("read the roles' secrets in %s: %w", path, err)
		}
	}
	secrets, changed := roleSecrets{passwords: make(map[Role]string)}, false
	ensure := func(name string) string {
		if kept[name] == "" {
			kept[name], changed = newSecret(), true
		}
		return kept[name]
	}
	for role := range rolePools() {
		secrets.passwords[role] = ensure(string(role))
	}
	secrets.contextKey = []byte(ensure(contextSecret))
	if !changed {
		return secrets, nil
	}
	if text, err = json.MarshalIndent(kept, "", "  "); err != nil {
		return roleSecrets{}, fmt.Errorf("write the roles' secrets: %w", err)
	}
	if err := writeNew(path, text); err != nil {
		return roleSecrets{}, fmt.Errorf("write the roles' secrets: %w", err)
	}
	return secrets, nil
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
