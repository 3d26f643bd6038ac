package storage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// passableFolder returns a folder that the user Postgres runs as can enter, unlike t.TempDir's.
func passableFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "gr") //nolint:usetesting // its folders are closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o711); err != nil {
		t.Fatal(err)
	}
	return folder
}

func npmLib(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Postgres")
	}
	root, err := repositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	lib := filepath.Join(root, ".greenroom", "lib")
	if _, err := os.Stat(filepath.Join(lib, "postgres", "bin", "initdb")); err != nil {
		t.Fatalf("no Postgres from npm: run make setup: %v", err)
	}
	return lib
}

// debianBin returns Debian's programs; the packages of a development machine may be another version.
func debianBin(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(debianBinaries)
	if err != nil || len(found) == 0 {
		t.Fatalf("no Postgres in %s: run make setup, which installs Debian's (%v)", debianBinaries, err)
	}
	return found[0]
}

func startTest(t *testing.T, config EmbeddedConfig) *Embedded {
	t.Helper()
	e, err := StartEmbedded(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Stop(context.WithoutCancel(t.Context())) })
	return e
}

func stopTest(t *testing.T, e *Embedded) {
	t.Helper()
	if err := e.Stop(t.Context()); err != nil {
		t.Fatalf("stop: %v", err)
	}
}

// exec1 runs one statement over a connection of its own.
func exec1(t *testing.T, url, statement string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	results, err := conn.PgConn().Exec(t.Context(), statement).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if last := results[len(results)-1]; len(last.Rows) > 0 {
		return string(last.Rows[0][0])
	}
	return ""
}

func TestEmbeddedKeepsItsDataAndStartsAgainFast(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]EmbeddedConfig{"npm": {LibDir: npmLib(t)}, "debian": {BinDir: debianBin(t)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config.DataDir = filepath.Join(passableFolder(t), "data")
			began := time.Now()
			first := startTest(t, config)
			firstTook := time.Since(began)
			if want := exec1(t, first.URL(), `SHOW server_version`); !strings.HasPrefix(want, first.Version()) {
				t.Errorf("Version() = %q, the server says %q", first.Version(), want)
			}
			exec1(t, first.URL(), `CREATE TABLE kept AS SELECT 42 AS answer`)
			began = time.Now()
			stopTest(t, first)
			stopTook := time.Since(began)
			began = time.Now()
			second := startTest(t, config)
			secondTook := time.Since(began)
			if got := exec1(t, second.URL(), `SELECT answer FROM kept`); got != "42" {
				t.Errorf("after a restart the table holds %q", got)
			}
			t.Logf("Postgres %s: first start %s, stop %s, second start %s", first.Version(), firstTook, stopTook, secondTook)
			if secondTook > 5*time.Second { // half a second on an idle machine
				t.Errorf("second start took %s", secondTook)
			}
		})
	}
}

func TestEmbeddedLetsNobodyElseIn(t *testing.T) {
	t.Parallel()
	config := EmbeddedConfig{DataDir: filepath.Join(passableFolder(t), "data"), LibDir: npmLib(t)}
	e := startTest(t, config)
	if got := exec1(t, e.URL(), `SHOW listen_addresses`); got != "" {
		t.Errorf("it listens on %q", got)
	}
	rules := exec1(t, e.URL(), `SELECT string_agg(DISTINCT auth_method, ',') FROM pg_hba_file_rules`)
	if rules != "scram-sha-256" {
		t.Errorf("it lets in by %q, want scram-sha-256 only", rules)
	}
	if got := exec1(t, e.URL(), `SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'greenroom'`); got != "t" {
		t.Error("the owner's password is not kept as a SCRAM verifier")
	}
	if conn, err := pgx.Connect(t.Context(), strings.Replace(e.URL(), e.owner, "guess", 1)); err == nil {
		_ = conn.Close(t.Context())
		t.Error("a wrong password was accepted")
	}
	for _, closed := range []string{e.place.root, e.place.sockets, e.place.cluster()} {
		info, err := os.Stat(closed)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v, %v; want 0700", closed, info.Mode(), err)
		}
	}
	for _, secret := range []string{"owner.password", "postgres.log"} {
		info, err := os.Stat(filepath.Join(e.place.home, secret))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v; want 0600", secret, info.Mode(), err)
		}
	}
	if left, err := os.ReadDir(e.place.root); err != nil || len(left) != 2 {
		t.Errorf("left in the Postgres user's folder: %v, %v; want cluster and socket", left, err)
	}
	if user := processUser(t, e.process.Process.Pid); os.Geteuid() == 0 && user == 0 {
		t.Error("Postgres runs as root")
	}
	if _, err := StartEmbedded(t.Context(), config); err == nil || !strings.Contains(err.Error(), "another server") {
		t.Errorf("a second server on the same folder: %v", err)
	}
}

func processUser(t *testing.T, pid int) uint32 {
	t.Helper()
	info, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid)))
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid //nolint:forcetypeassert // Linux
}

func TestEmbeddedStopsWithItsContext(t *testing.T) {
	t.Parallel()
	config := EmbeddedConfig{DataDir: filepath.Join(passableFolder(t), "data"), LibDir: npmLib(t)}
	ctx, cancel := context.WithCancel(t.Context())
	e, err := StartEmbedded(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-e.done:
	case <-deadline(t):
		t.Fatal("Postgres is still there after its context ended")
	}
	if err := e.Stop(t.Context()); err != nil {
		t.Errorf("stop after the context ended: %v", err)
	}
}

func TestEmbeddedStartsAfterPostgresWasKilled(t *testing.T) {
	t.Parallel()
	config := EmbeddedConfig{DataDir: filepath.Join(passableFolder(t), "data"), LibDir: npmLib(t)}
	e := startTest(t, config)
	exec1(t, e.URL(), `CREATE TABLE kept AS SELECT 42 AS answer`)
	if err := e.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-e.done
	if err := e.Stop(t.Context()); err == nil {
		t.Error("stopping a Postgres that was killed says that all is well")
	}
	again := startTest(t, config)
	if got := exec1(t, again.URL(), `SELECT answer FROM kept`); got != "42" {
		t.Errorf("what was committed before the kill is %q", got)
	}
}

// A child of a killed server ends when it notices, which on a busy machine takes a moment: until then
// Postgres does not start anew.
func TestEmbeddedWaitsForChildrenOfAKilledPostgres(t *testing.T) {
	t.Parallel()
	config := EmbeddedConfig{DataDir: filepath.Join(passableFolder(t), "data"), LibDir: npmLib(t)}
	e := startTest(t, config)
	child := childOf(t, e.process.Process.Pid)
	for _, step := range []struct {
		pid    int
		signal syscall.Signal
	}{{child, syscall.SIGSTOP}, {e.process.Process.Pid, syscall.SIGKILL}} {
		if err := syscall.Kill(step.pid, step.signal); err != nil {
			t.Fatal(err)
		}
	}
	<-e.done
	if err := e.Stop(t.Context()); err == nil {
		t.Error("stopping a Postgres that was killed says that all is well")
	}
	woken := make(chan error, 1)
	go func() { // ends with the first refusal, or with the test's patience
		woken <- wakeAfterRefusal(t.Context(), filepath.Join(e.place.home, "postgres.log"), child)
	}()
	again := startTest(t, config)
	if err := <-woken; err != nil {
		t.Error(err)
	}
	if got := exec1(t, again.URL(), `SELECT 42`); got != "42" {
		t.Errorf("it answers %q", got)
	}
}

// wakeAfterRefusal lets the process go on once Postgres has said that it is in the way.
func wakeAfterRefusal(ctx context.Context, log string, pid int) error {
	defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	ctx, cancel := context.WithTimeout(ctx, embeddedOrphansLimit/2)
	defer cancel()
	for {
		if text, err := os.ReadFile(log); err == nil && strings.Contains(string(text), memoryInUse) {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("the new Postgres was not refused: the test shows nothing")
		case <-time.After(embeddedPoll):
		}
	}
}

// childOf returns a process that the other one started.
func childOf(t *testing.T, parent int) int {
	t.Helper()
	list, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range list {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		_, after, _ := strings.Cut(string(text), ") ") // proc(5): the name may hold anything
		if fields := strings.Fields(after); len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("process %d has no children", parent)
	return 0
}

func TestEmbeddedIsNotFooledByAReusedProcessID(t *testing.T) {
	t.Parallel()
	config := EmbeddedConfig{DataDir: filepath.Join(passableFolder(t), "data"), LibDir: npmLib(t)}
	e := startTest(t, config)
	stopTest(t, e)
	for name, content := range map[string]string{
		"our own": strconv.Itoa(os.Getpid()), "no number": "x", "init's": "1", "empty": "", "nobody's": "2147483646",
	} {
		stale := filepath.Join(e.place.cluster(), "postmaster.pid")
		if err := os.WriteFile(stale, []byte(content+"\n/somewhere\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := StartEmbedded(t.Context(), config)
		if err != nil {
			t.Fatalf("%s process id: %v", name, err)
		}
		stopTest(t, again)
	}
}

func TestEmbeddedBeginsAgainAfterAnUnfinishedFirstStart(t *testing.T) {
	t.Parallel()
	config := EmbeddedConfig{DataDir: filepath.Join(passableFolder(t), "data"), LibDir: npmLib(t)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := StartEmbedded(ctx, config); err == nil {
		t.Fatal("started although told to stop")
	}
	half := filepath.Join(config.DataDir, "postgres", "cluster.new", "base")
	if err := os.MkdirAll(half, 0o700); err != nil {
		t.Fatal(err)
	}
	startTest(t, config)
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the unfinished cluster is still there: %v", err)
	}
}

func TestEmbeddedKeepsToTheVersionThatMadeTheCluster(t *testing.T) {
	t.Parallel()
	data := filepath.Join(passableFolder(t), "data")
	first := startTest(t, EmbeddedConfig{DataDir: data, BinDir: debianBin(t)})
	stopTest(t, first)
	wrong := filepath.Join(npmLib(t), "postgres", "bin")
	if _, err := StartEmbedded(t.Context(), EmbeddedConfig{DataDir: data, BinDir: wrong}); err == nil || !strings.Contains(err.Error(), "GREENROOM_POSTGRES_BIN") {
		t.Errorf("another version on the cluster: %v, want what to set", err)
	}
	again := startTest(t, EmbeddedConfig{DataDir: data, LibDir: npmLib(t)})
	if again.Version() != first.Version() {
		t.Errorf("the npm version was looked at first and hid Debian's: %s, want %s", again.Version(), first.Version())
	}
}

func TestEmbeddedSaysWhatToDoWithoutPostgres(t *testing.T) {
	t.Parallel()
	_, err := StartEmbedded(t.Context(), EmbeddedConfig{DataDir: filepath.Join(passableFolder(t), "data"), BinDir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "initdb") {
		t.Errorf("a folder without Postgres: %v", err)
	}
}

// Under /root nobody but root can pass. Programs are copied and data goes elsewhere.
func TestEmbeddedWorksFromAFolderThatItsUserCannotEnter(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root runs Postgres as somebody else")
	}
	shut, open := t.TempDir(), passableFolder(t)
	if err := os.Chmod(shut, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := copyTree(filepath.Join(npmLib(t), "postgres"), filepath.Join(shut, "postgres")); err != nil {
		t.Fatal(err)
	}
	config := EmbeddedConfig{DataDir: filepath.Join(shut, "data"), BinDir: filepath.Join(shut, "postgres", "bin"), farRoot: filepath.Join(open, "far")}
	first := startTest(t, config)
	exec1(t, first.URL(), `CREATE TABLE kept AS SELECT 42 AS answer`)
	if !strings.HasPrefix(first.place.cluster(), open) || !strings.HasPrefix(first.bins.folder, open) {
		t.Errorf("cluster in %s, programs in %s; want both under %s", first.place.cluster(), first.bins.folder, open)
	}
	stopTest(t, first)
	again := startTest(t, config)
	if got := exec1(t, again.URL(), `SELECT answer FROM kept`); got != "42" || again.bins.folder != first.bins.folder {
		t.Errorf("second start: %q, programs in %s", got, again.bins.folder)
	}
}

func TestEmbeddedTakesAShortSocketFolderWhenTheDataLiesDeep(t *testing.T) {
	t.Parallel()
	deep := filepath.Join(passableFolder(t), strings.Repeat("deep/", 20))
	if err := os.MkdirAll(deep, 0o711); err != nil {
		t.Fatal(err)
	}
	e := startTest(t, EmbeddedConfig{DataDir: deep, LibDir: npmLib(t)})
	exec1(t, e.URL(), `SELECT 1`)
	stopTest(t, e)
	if _, err := os.Stat(e.place.sockets); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the short socket folder is still there: %v", err)
	}
}

// TestEmbeddedServerProcess is not a test: it is the server that the next test kills.
func TestEmbeddedServerProcess(t *testing.T) {
	data := os.Getenv("GREENROOM_TEST_EMBEDDED")
	if data == "" {
		t.Skip("run by another test")
	}
	e := startTest(t, EmbeddedConfig{DataDir: data, LibDir: npmLib(t)})
	exec1(t, e.URL(), `CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer`)
	fmt.Printf("postgres %d\n", e.process.Process.Pid)
	select {} // until killed
}

func TestPostgresStopsWhenItsServerIsKilled(t *testing.T) {
	t.Parallel()
	data, lib := filepath.Join(passableFolder(t), "data"), npmLib(t)
	server := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEmbeddedServerProcess$")
	server.Env = append(os.Environ(), "GREENROOM_TEST_EMBEDDED="+data)
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		_, _ = fmt.Sscanf(lines.Text(), "postgres %d", &pid)
	}
	if pid == 0 {
		t.Fatal("the server process did not start Postgres")
	}
	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait()
	// At once, while the old Postgres may still be stopping.
	again := startTest(t, EmbeddedConfig{DataDir: data, LibDir: lib})
	if got := exec1(t, again.URL(), `SELECT answer FROM kept`); got != "42" {
		t.Errorf("the table holds %q", got)
	}
	if postmasterRuns(pid, again.place.cluster()) {
		t.Errorf("the old Postgres, process %d, is still there", pid)
	}
}

// Without the kernel's signal (other systems than Linux) a Postgres is left behind; the next start
// stops it.
func TestEmbeddedStopsAPostgresThatWasLeftBehind(t *testing.T) {
	t.Parallel()
	config := EmbeddedConfig{DataDir: filepath.Join(passableFolder(t), "data"), LibDir: npmLib(t)}
	e := startTest(t, config)
	exec1(t, e.URL(), `CREATE TABLE kept AS SELECT 42 AS answer`)
	if err := e.lock.Close(); err != nil { // as if its server had been killed
		t.Fatal(err)
	}
	again := startTest(t, config)
	select {
	case <-e.done:
	case <-deadline(t):
		t.Fatal("the old Postgres still runs")
	}
	if got := exec1(t, again.URL(), `SELECT answer FROM kept`); got != "42" {
		t.Errorf("the table holds %q", got)
	}
}
