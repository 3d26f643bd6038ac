package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Role is one plane of the server towards the database. Each has a log-in role of its own in
// Postgres, greenroom_<role>, that owns nothing and sees only what the plane needs.
type Role string

// The roles.
const (
	RoleLogin     Role = "login"     // passwords and log-ins
	RoleCandidate Role = "candidate" // a candidate's own rows
	RoleEmployer  Role = "employer"  // rows under a live authorization
	RoleIngest    Role = "ingest"    // rows of live sessions: the recorder and the scribe
	RoleWorker    Role = "worker"    // jobs and the assessor
	RoleKeys      Role = "keys"
	RoleExport    Role = "export"
	RoleErasure   Role = "erasure"
	RoleAudit     Role = "audit" // counts for operations; listens for changes
)

// rolePools says how many connections each role may have at once in one server. Their sum stays well
// below Postgres' usual limit of 100, so that two servers fit.
func rolePools() map[Role]int32 {
	return map[Role]int32{
		RoleLogin: 4, RoleCandidate: 6, RoleEmployer: 6, RoleIngest: 6, RoleWorker: 6, RoleKeys: 4,
		RoleExport: 2, RoleErasure: 2, RoleAudit: 2,
	}
}

// setupLock is the advisory lock under which one server at a time migrates ("grnroom" in ASCII).
const setupLock = 0x67726e726f6f6d

// connectLimit bounds each connecting, so that a server that accepts and says nothing is told apart from
// one that is slow.
const connectLimit = 10 * time.Second

// Database is the connections to one Postgres database, one small pool for each role.
type Database struct {
	pools    map[Role]*pgxpool.Pool
	contexts *contextSigner
	jobs     enqueuer
	notary   *Notary
	journal  atomic.Pointer[Journal] // nil where none is kept: in tests and commands
}

// OpenDatabase connects as the owner, brings the schema up to date, makes sure of the log-in roles
// and their passwords and of the key of row contexts (kept in a file in secretsDir that only this user can
// read; servers of one database share it), checks that no role can step around row-level security, and opens the pools.
// The owner's connection is closed again before it returns.
func OpenDatabase(ctx context.Context, ownerURL string, secretsDir string) (*Database, error) {
	d, err := newDatabase(ctx, ownerURL, secretsDir, func(config *pgxpool.Config, secrets roleSecrets, contexts *contextSigner) error {
		if err := setUpDatabase(ctx, config, secrets.passwords, contexts); err != nil {
			return fmt.Errorf("set up the database: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for role, pool := range d.pools {
		if err := pool.Ping(ctx); err != nil {
			d.Close()
			return nil, fmt.Errorf("open the %s connections: %w", role, err)
		}
	}
	return d, nil
}

// ErrNoServer says that no server's secrets are in the folder.
var ErrNoServer = errors.New("no server has worked with this folder")

// ConnectDatabase opens the pools of a database that a server has set up, with the secrets of that server. It
// changes nothing in the database, neither tables nor roles, and makes no secrets of its own: they would lock the
// server out.
func ConnectDatabase(ctx context.Context, ownerURL, secretsDir string) (*Database, error) {
	if _, err := os.Stat(filepath.Join(secretsDir, roleSecretFile)); err != nil {
		return nil, fmt.Errorf("connect to the database: %w: %w", ErrNoServer, err)
	}
	d, err := newDatabase(ctx, ownerURL, secretsDir, func(*pgxpool.Config, roleSecrets, *contextSigner) error { return nil })
	if err != nil {
		return nil, err
	}
	if err := d.Pool(RoleWorker).Ping(ctx); err != nil {
		d.Close()
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return d, nil
}

// newDatabase makes the pools, which connect when they are used; before that, setUp makes the database
// ready for them.
func newDatabase(ctx context.Context, ownerURL, secretsDir string, setUp func(*pgxpool.Config, roleSecrets, *contextSigner) error) (*Database, error) {
	config, err := pgxpool.ParseConfig(ownerURL)
	if err != nil {
		return nil, errors.New("the database URL is not one that Postgres understands") // the cause may quote the password
	}
	if config.ConnConfig.ConnectTimeout == 0 { // the URL may set its own
		config.ConnConfig.ConnectTimeout = connectLimit
	}
	secrets, err := loadRoleSecrets(secretsDir)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	d := &Database{pools: make(map[Role]*pgxpool.Pool, len(secrets.passwords)), contexts: &contextSigner{key: secrets.contextKey}}
	if err := setUp(config, secrets, d.contexts); err != nil {
		return nil, err
	}
	if d.notary, err = OpenNotary(secretsDir); err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if d.jobs, err = newEnqueuer(); err != nil {
		return nil, err
	}
	for role, size := range rolePools() {
		pool, err := newPool(ctx, config, role, secrets.passwords[role], size)
		if err != nil {
			d.Close()
			return nil, fmt.Errorf("open the %s connections: %w", role, err)
		}
		d.pools[role] = pool
	}
	return d, nil
}

// Pool returns the connections of a role.
func (d *Database) Pool(r Role) *pgxpool.Pool { return d.pools[r] }

// Notary returns who signs what this database's servers give out.
func (d *Database) Notary() *Notary { return d.notary }

// Close waits for connections in use and closes all.
func (d *Database) Close() {
	for _, pool := range d.pools {
		pool.Close()
	}
}

// setUpDatabase does everything that needs the owner.
func setUpDatabase(ctx context.Context, config *pgxpool.Config, passwords map[Role]string, contexts *contextSigner) error {
	ownerConfig := config.Copy()
	ownerConfig.MaxConns, ownerConfig.MinConns, ownerConfig.MinIdleConns = 4, 0, 0
	owner, err := pgxpool.NewWithConfig(ctx, ownerConfig)
	if err != nil {
		return fmt.Errorf("connect as the owner: %w", err)
	}
	defer owner.Close()
	conn, err := owner.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect as the owner: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(setupLock)); err != nil {
		return fmt.Errorf("wait for another server's set-up: %w", err)
	}
	defer func() {
		_, _ = conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(setupLock))
	}()
	var version int
	if err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int`).Scan(&version); err != nil {
		return fmt.Errorf("ask Postgres for its version: %w", err)
	}
	if err := checkVersion(version); err != nil {
		return err
	}
	if err := ensureRoles(ctx, conn.Conn(), passwords); err != nil {
		return err
	}
	if err := migrate(ctx, owner); err != nil {
		return err
	}
	if err := contexts.keep(ctx, conn.Conn()); err != nil {
		return err
	}
	return checkWalls(ctx, conn.Conn())
}

func newPool(ctx context.Context, config *pgxpool.Config, role Role, password string, size int32) (*pgxpool.Pool, error) {
	own := roleConfig(config, role, password)
	own.MaxConns, own.MinConns, own.MinIdleConns = size, 0, 0
	own.MaxConnIdleTime = 5 * time.Minute
	return pgxpool.NewWithConfig(ctx, own)
}

// roleConfig is the owner's way to the database with another name and password.
func roleConfig(config *pgxpool.Config, role Role, password string) *pgxpool.Config {
	own := config.Copy()
	own.ConnConfig.User, own.ConnConfig.Password = role.database(), password
	own.ConnConfig.RuntimeParams["application_name"] = "greenroom " + string(role)
	// Said aloud, because a search path that is not is one that others can set for the role; temporary
	// tables last, because Postgres would look there first.
	own.ConnConfig.RuntimeParams["search_path"] = "pg_catalog, public, pg_temp"
	// A statement must see what was withdrawn before it began, also where somebody chose another default.
	own.ConnConfig.RuntimeParams["default_transaction_isolation"] = "read committed"
	// Years are of the calendar, and a day has 24 hours (consent.Period).
	own.ConnConfig.RuntimeParams["timezone"] = "UTC"
	return own
}

// database returns the name of the role in Postgres.
func (r Role) database() string { return "greenroom_" + string(r) }

// in runs work in one READ COMMITTED transaction of the role: each statement sees a withdrawal that
// was committed before it began.
func (d *Database) in(ctx context.Context, role Role, about rowContext, work func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, d.pools[role], func(tx pgx.Tx) error {
		if err := d.contexts.set(ctx, tx, role, about); err != nil {
			return err
		}
		return work(tx)
	})
	return err //nolint:wrapcheck // the caller says what it tried
}

// Check asks the database whether it answers.
func (d *Database) Check(ctx context.Context) error {
	if err := d.Pool(RoleLogin).Ping(ctx); err != nil {
		return fmt.Errorf("the database does not answer: %w", err)
	}
	return nil
}
