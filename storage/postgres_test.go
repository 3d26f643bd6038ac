package storage

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// testCluster is the one Postgres of this test binary, started by the first test that needs it. Each
// test gets a database of its own, copied from a migrated template; the roles belong to the whole
// cluster, so all databases share one secrets folder.
var testCluster struct {
	once     sync.Once
	err      error
	postgres *Embedded
	base     string
	copying  sync.Mutex // a template is copied by one CREATE DATABASE at a time
	count    atomic.Int64
}

func TestMain(m *testing.M) {
	if plan := os.Getenv(crashChild); plan != "" {
		os.Exit(runCrashChild(plan))
	}
	if folder := os.Getenv(storeChild); folder != "" {
		os.Exit(runStoreChild(folder))
	}
	code := m.Run()
	if err := stopTestStores(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the object stores:", err)
		code = 1
	}
	if err := stopTestCluster(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the test cluster:", err)
		code = 1
	}
	os.Exit(code)
}

func stopTestCluster() error {
	defer func() { _ = os.RemoveAll(testCluster.base) }()
	if testCluster.postgres == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return testCluster.postgres.Stop(ctx)
}

func startTestCluster() error {
	base, err := clusterFolder()
	if err != nil {
		return err
	}
	testCluster.base = base
	if err := os.Chmod(base, 0o711); err != nil {
		return err
	}
	root, err := repositoryRoot()
	if err != nil {
		return err
	}
	ctx := context.Background()
	testCluster.postgres, err = StartEmbedded(ctx, EmbeddedConfig{
		DataDir: filepath.Join(base, "data"), LibDir: filepath.Join(root, ".greenroom", "lib"),
		settings: []string{"fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=400", "autovacuum=off"},
	})
	if err != nil {
		return err
	}
	if err := withOwner(ctx, "postgres", func(conn *pgx.Conn) error {
		return ensureDatabase(ctx, conn, "template_greenroom")
	}); err != nil {
		return err
	}
	template, err := OpenDatabase(ctx, testURL("template_greenroom"), filepath.Join(base, "secrets"))
	if err != nil {
		return err
	}
	template.Close()
	return nil
}

// clusterFolder is in memory where there is room: a database is some hundred files, each test has one, and to make
// and remove them on a disk takes longer than all that is asked of them.
func clusterFolder() (string, error) {
	const inMemory, room = "/dev/shm", 2 << 30 // seven times what was ever seen used
	var system syscall.Statfs_t
	if err := syscall.Statfs(inMemory, &system); err == nil && int64(system.Bavail)*system.Bsize >= room {
		if base, err := os.MkdirTemp(inMemory, "greenroom-test-"); err == nil {
			return base, nil
		}
	}
	return os.MkdirTemp("", "greenroom-test-")
}

// newTestDatabase returns an empty, migrated database that only this test uses. It is a copy of one that
// was set up and checked as the server does it, so it is not set up once more: that takes longer than most tests.
func newTestDatabase(t *testing.T) *Database {
	t.Helper()
	name := newTestDatabaseName(t)
	d, err := newDatabase(t.Context(), testURL(name), filepath.Join(testCluster.base, "secrets"), func(config *pgxpool.Config, _ roleSecrets, _ *contextSigner) error {
		return withOwner(t.Context(), config.ConnConfig.Database, func(conn *pgx.Conn) error { return closeDatabase(t.Context(), conn) }) // not copied
	})
	if err != nil {
		t.Fatalf("open the test database: %v", err)
	}
	t.Cleanup(d.Close)
	return d
}

// newTestDatabaseName makes the database and returns its name, for tests that open it themselves.
func newTestDatabaseName(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Postgres")
	}
	testCluster.once.Do(func() { testCluster.err = startTestCluster() })
	if testCluster.err != nil {
		t.Fatalf("no Postgres for tests: run make setup: %v", testCluster.err)
	}
	name := fmt.Sprintf("t%d", testCluster.count.Add(1))
	testCluster.copying.Lock()
	defer testCluster.copying.Unlock()
	err := withOwner(t.Context(), "postgres", func(conn *pgx.Conn) error {
		_, err := conn.Exec(t.Context(), "CREATE DATABASE "+name+" TEMPLATE template_greenroom STRATEGY file_copy")
		return err
	})
	if err != nil {
		t.Fatalf("make a test database: %v", err)
	}
	dropAtTheEnd(t, name)
	return name
}

// dropAtTheEnd keeps what the cluster holds small.
func dropAtTheEnd(t *testing.T, name string) {
	t.Helper()
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		err := withOwner(ctx, "postgres", func(conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
			return err
		})
		if err != nil {
			t.Errorf("drop the test database: %v", err)
		}
	})
}

// asOwner connects to the test's database as the cluster's superuser, past every policy.
func asOwner(t *testing.T, d *Database) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), testURL(d.Pool(RoleAudit).Config().ConnConfig.Database))
	if err != nil {
		t.Fatalf("connect as the owner: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func withOwner(ctx context.Context, database string, work func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, testURL(database))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return work(conn)
}

func testURL(database string) string { return testCluster.postgres.url(database) }

// repositoryRoot walks up to go.mod.
func repositoryRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", fmt.Errorf("no go.mod above the working folder")
		}
		folder = parent
	}
}

func TestOpenDatabaseTwiceAndAgain(t *testing.T) {
	t.Parallel()
	name := newTestDatabaseName(t)
	secrets := filepath.Join(testCluster.base, "secrets")
	for try := range 3 {
		d, err := OpenDatabase(t.Context(), testURL(name), secrets)
		if err != nil {
			t.Fatalf("open %d: %v", try, err)
		}
		for role := range rolePools() {
			var user string
			if err := d.Pool(role).QueryRow(t.Context(), `SELECT session_user`).Scan(&user); err != nil || user != role.database() {
				t.Errorf("pool %s is %q, %v; want %q", role, user, err, role.database())
			}
		}
		d.Close()
	}
}

func TestOpenDatabaseHidesThePasswordInAURLItCannotRead(t *testing.T) {
	t.Parallel()
	_, err := OpenDatabase(t.Context(), "postgres://me:hunter2@host:port/db", t.TempDir())
	if err == nil {
		t.Fatal("a URL with a bad port was accepted")
	}
	if text := err.Error(); len(text) == 0 || strings.Contains(text, "hunter2") {
		t.Errorf("error %q shows the password", text)
	}
}

func TestRoleSecretsAreKeptInAPrivateFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "secrets")
	first, err := loadRoleSecrets(dir)
	if err != nil {
		t.Fatalf("make secrets: %v", err)
	}
	again, err := loadRoleSecrets(dir)
	if err != nil {
		t.Fatalf("read secrets: %v", err)
	}
	for role := range rolePools() {
		if len(first.passwords[role]) < 50 || first.passwords[role] != again.passwords[role] {
			t.Errorf("role %s: password of %d characters, kept: %t", role, len(first.passwords[role]), first.passwords[role] == again.passwords[role])
		}
	}
	if len(first.contextKey) < 50 || !bytes.Equal(first.contextKey, again.contextKey) {
		t.Errorf("context key of %d bytes, kept: %t", len(first.contextKey), bytes.Equal(first.contextKey, again.contextKey))
	}
	info, err := os.Stat(filepath.Join(dir, roleSecretFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("secrets file: mode %v, %v; want 0600", info.Mode(), err)
	}
}
