package storage

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Time limits of the private Postgres. Starting after a crash replays the log, which takes longest.
const (
	embeddedStartLimit = 60 * time.Second
	embeddedStopLimit  = 15 * time.Second
	embeddedPoll       = 10 * time.Millisecond
	// embeddedOrphansLimit is how long children of a server that was killed may take to end.
	embeddedOrphansLimit = 15 * time.Second
)

// memoryInUse is what Postgres says while such children are left.
const memoryInUse = "pre-existing shared memory block"

// The owner of everything in the private cluster, and the one database in it.
const (
	embeddedOwner    = "greenroom"
	embeddedDatabase = "greenroom"
)

// EmbeddedConfig says where the private Postgres keeps its data and finds its programs.
type EmbeddedConfig struct {
	DataDir string // made when missing
	BinDir  string // holds initdb and postgres; empty to look for them
	LibDir  string // its postgres/bin is looked at after BinDir; may be empty

	settings []string // more "name=value" settings, for tests
	farRoot  string   // instead of the usual one, for tests
}

// Embedded is a Postgres of our own: a child process that only this server can reach, through a Unix
// socket. A kernel lock on the data folder keeps a second server out.
type Embedded struct {
	bins    binaries
	place   embeddedPlace
	lock    fileLock
	process *exec.Cmd
	owner   string // the password of embeddedOwner
	done    chan struct{}
	exit    error // set before done is closed

	stopping atomic.Bool
}

// StartEmbedded makes the cluster on the first start, starts Postgres and waits until it answers.
// Postgres runs until Stop, until ctx ends, or until this process dies, whichever is first; so ctx
// must outlive every pool. One goroutine, which Stop waits for, owns the child process.
func StartEmbedded(ctx context.Context, config EmbeddedConfig) (*Embedded, error) {
	e, err := startEmbedded(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("start the private Postgres in %s: %w", config.DataDir, err)
	}
	return e, nil
}

// URL returns how to connect as the cluster's owner. It contains the password.
func (e *Embedded) URL() string { return e.url(embeddedDatabase) }

// Version returns the server's version, for example "18.4".
func (e *Embedded) Version() string { return e.bins.version }

// Run blocks until ctx ends or Stop is called, and returns an error as soon as Postgres ends by itself:
// nothing else can work then.
func (e *Embedded) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-e.done:
	}
	if e.stopping.Load() {
		return nil
	}
	return fmt.Errorf("the private Postgres ended by itself (%w): %s", e.exitOrStop(), e.logTail())
}

// Stop ends Postgres cleanly: open transactions are rolled back and everything committed is on disk.
func (e *Embedded) Stop(ctx context.Context) error {
	e.stopping.Store(true)
	defer func() { _ = e.lock.Close() }()
	if e.process == nil {
		return nil
	}
	_ = e.process.Process.Signal(syscall.SIGINT) // fails only if it is gone already
	select {
	case <-e.done:
	case <-ctx.Done():
		_ = e.process.Process.Signal(syscall.SIGQUIT) // at once; the next start replays the log
		select {
		case <-e.done:
		case <-time.After(embeddedStopLimit):
			_ = e.process.Process.Kill()
			<-e.done
		}
	}
	e.place.removeSockets()
	if e.exit != nil {
		return fmt.Errorf("stop the private Postgres: %w", e.exit)
	}
	return nil
}

func startEmbedded(ctx context.Context, config EmbeddedConfig) (*Embedded, error) {
	place, err := preparePlace(config.DataDir, cmp.Or(config.farRoot, farRoot))
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(place.home, "lock"))
	if err != nil {
		return nil, err
	}
	e := &Embedded{place: place, lock: lock, done: make(chan struct{})}
	if err := e.start(ctx, config); err != nil {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), embeddedStopLimit)
		defer cancel()
		return nil, errors.Join(err, e.Stop(stopCtx))
	}
	return e, nil
}

func (e *Embedded) start(ctx context.Context, config EmbeddedConfig) error {
	var err error
	if e.bins, err = findBinaries(ctx, config, e.place); err != nil {
		return err
	}
	if e.owner, err = ensureSecret(filepath.Join(e.place.home, "owner.password")); err != nil {
		return err
	}
	if err := e.makeCluster(ctx); err != nil {
		return err
	}
	if err := stopOldPostmaster(ctx, e.place.cluster()); err != nil {
		return err
	}
	return e.launchReady(ctx, config.settings)
}

// launchReady starts the server process and waits until it answers. Children of a server that was killed
// notice that a moment later, and until then its memory cannot be taken over: so it is tried again.
func (e *Embedded) launchReady(ctx context.Context, settings []string) error {
	for began := time.Now(); ; {
		if err := e.launch(ctx, settings); err != nil {
			return err
		}
		err := e.awaitReady(ctx)
		if err == nil || !strings.Contains(err.Error(), memoryInUse) || time.Since(began) > embeddedOrphansLimit {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * embeddedPoll):
		}
		e.process, e.done, e.exit = nil, make(chan struct{}), nil
	}
}

// makeCluster runs initdb once. The cluster gets its name only when it is complete, so that a start
// that was cut off begins again.
func (e *Embedded) makeCluster(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(e.place.cluster(), "PG_VERSION")); err == nil {
		return nil
	}
	unfinished := e.place.cluster() + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return fmt.Errorf("remove an unfinished cluster: %w", err)
	}
	passwordFile := filepath.Join(e.place.root, "initdb.password")
	if err := os.WriteFile(passwordFile, []byte(e.owner+"\n"), 0o600); err != nil {
		return fmt.Errorf("hand the password to initdb: %w", err)
	}
	defer func() { _ = os.Remove(passwordFile) }()
	if err := e.place.give(passwordFile); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, e.bins.initdb(), "-D", unfinished, "-U", embeddedOwner, //nolint:gosec // the program was found by us
		"--auth=scram-sha-256", "--pwfile="+passwordFile, "--encoding=UTF8", "--locale=C")
	command.Dir = e.place.root
	command.Env = e.bins.environment()
	command.SysProcAttr = e.place.attributes()
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, lastLines(string(out)))
	}
	if err := os.Rename(unfinished, e.place.cluster()); err != nil {
		return fmt.Errorf("name the finished cluster: %w", err)
	}
	return nil
}

// launch starts the server process and the goroutine that owns it. That goroutine keeps its thread,
// because the kernel watches the thread, not the process, when it signals a child of the death of its
// parent (prctl(2), PR_SET_PDEATHSIG).
func (e *Embedded) launch(ctx context.Context, settings []string) error {
	log, err := os.OpenFile(filepath.Join(e.place.home, "postgres.log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("open the server log: %w", err)
	}
	defer func() { _ = log.Close() }()
	command := exec.CommandContext(ctx, e.bins.postgres(), e.arguments(settings)...) //nolint:gosec // the program was found by us
	command.Dir = e.place.root
	command.Env = e.bins.environment()
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = e.place.attributes()
	command.SysProcAttr.Setpgid = true // Ctrl-C in the terminal is for us; we stop Postgres last
	stopWithParent(command.SysProcAttr)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGINT) }
	command.WaitDelay = embeddedStopLimit
	started := make(chan error)
	// Owner: Embedded. Ends when Postgres has ended. Stop waits for it through done.
	go func() {
		defer close(e.done)
		holdThread()
		err := command.Start()
		started <- err
		if err == nil {
			e.exit = command.Wait()
			if ctx.Err() != nil && command.ProcessState.Success() {
				e.exit = nil // Wait names the context's end even after a clean stop
			}
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("run postgres: %w", err)
	}
	e.process = command
	return nil
}

func (e *Embedded) arguments(settings []string) []string {
	all := append([]string{
		"listen_addresses=",
		"unix_socket_directories=" + e.place.sockets,
		"unix_socket_permissions=0700",
		"max_connections=120",
		"jit=off",                                                    // the policies make plans look costly; compiling them is what would cost
		"log_min_error_statement=panic", "log_error_verbosity=terse", // no values in the log
		"logging_collector=off", "log_destination=stderr",
	}, settings...)
	arguments := []string{"-D", e.place.cluster()}
	for _, setting := range all {
		arguments = append(arguments, "-c", setting)
	}
	return arguments
}

// awaitReady connects until Postgres answers, and makes the database on the first start.
func (e *Embedded) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, embeddedStartLimit)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, e.url("postgres"))
		if err == nil {
			defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
			if err := closeOtherDatabases(ctx, conn); err != nil {
				return err
			}
			return ensureDatabase(ctx, conn, embeddedDatabase)
		}
		select {
		case <-e.done:
			return fmt.Errorf("it ended at once (%w): %s", e.exitOrStop(), e.logTail())
		case <-ctx.Done():
			return fmt.Errorf("no answer: %w: %s", err, e.logTail())
		case <-time.After(embeddedPoll):
		}
	}
}

func (e *Embedded) exitOrStop() error {
	if e.exit != nil {
		return e.exit
	}
	return errors.New("stopped")
}

func (e *Embedded) logTail() string {
	text, err := os.ReadFile(filepath.Join(e.place.home, "postgres.log"))
	if err != nil {
		return "no log"
	}
	return lastLines(string(text))
}

func (e *Embedded) url(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(embeddedOwner, e.owner), Path: "/" + database}
	u.RawQuery = url.Values{"host": {e.place.sockets}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// closeOtherDatabases leaves the databases that initdb makes to the owner: Postgres lets every role
// connect to them, and nothing of ours is there.
func closeOtherDatabases(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, `REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC`); err != nil {
		return fmt.Errorf("close the databases that are not used: %w", err)
	}
	return nil
}

func ensureDatabase(ctx context.Context, conn *pgx.Conn, name string) error {
	var exists bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&exists); err != nil {
		return fmt.Errorf("look for database %s: %w", name, err)
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("make database %s: %w", name, err)
	}
	return nil
}

// stopOldPostmaster stops the Postgres that a killed server left behind. Our lock says that no other
// server is using it. A process id that now belongs to something else is left alone, and the stale
// file, over which Postgres would stumble, is removed.
func stopOldPostmaster(ctx context.Context, cluster string) error {
	pidFile := filepath.Join(cluster, "postmaster.pid")
	text, err := os.ReadFile(pidFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the old server's process id: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 || !postmasterRuns(pid, cluster) {
		return removeStale(pidFile)
	}
	ctx, cancel := context.WithTimeout(ctx, embeddedStopLimit)
	defer cancel()
	signal := syscall.SIGINT
	for postmasterRuns(pid, cluster) {
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop the old server, process %d: %w", pid, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the old server, process %d, does not stop: %w", pid, ctx.Err())
		case <-time.After(5 * embeddedPoll):
		}
	}
	return removeStale(pidFile)
}

func removeStale(pidFile string) error {
	if err := os.Remove(pidFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the old server's process id: %w", err)
	}
	return nil
}

// ensureSecret returns the secret in the file, making both on first use.
func ensureSecret(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read a secret: %w", err)
	}
	secret := newSecret()
	if err := writeNew(path, []byte(secret+"\n")); err != nil {
		return "", fmt.Errorf("keep a secret: %w", err)
	}
	return secret, nil
}

// newSecret returns 256 random bits in letters and digits.
func newSecret() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand ends the program instead
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw[:]))
}

// writeNew writes a file that only its owner can read, complete or not at all.
func writeNew(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// lastLines keeps the end of a program's output, enough to see what it complained about.
func lastLines(text string) string {
	const limit = 600
	text = strings.TrimSpace(text)
	if len(text) > limit {
		text = "…" + text[len(text)-limit:]
	}
	return text
}
