package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests of this package run the real program: this test binary, told by a variable to be it. So it
// has the race detector, and can be killed.
const beProgram = "GREENROOM_TEST_BE_THE_PROGRAM"

// testProgram names the built program, which takes this binary's place where servers are killed, for they do not live
// to say what a race detector found, and where all that is done is arithmetic. Without it this binary does both, and
// takes longer.
const testProgram = "GREENROOM_TEST_PROGRAM"

func TestMain(m *testing.M) {
	// The server starts this binary with an empty environment to read a PDF.
	if os.Getenv(beProgram) == "" && !slices.Equal(os.Args[1:], []string{"read-pdf"}) {
		code := m.Run()
		removePrepared()
		os.Exit(code)
	}
	if err := run(os.Args[1:]); err != nil {
		os.Stderr.WriteString("greenroom: " + err.Error() + "\n")
		os.Exit(statusOf(err))
	}
	os.Exit(0)
}

// startLimit bounds a start with the race detector on a busy machine.
const startLimit = 90 * time.Second

// program is a running server.
type program struct {
	t       *testing.T
	command *exec.Cmd
	dataDir string
	// settings are those of its environment that the test chose.
	settings []string
	address  string
	output   *lockedBuffer
	ready    chan string // gets the address when it serves
	ended    chan struct{}
	err      error // set before ended is closed
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func programCommand(ctx context.Context, t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(ctx, os.Args[0], args...)
	command.Dir = root
	command.Env = append(os.Environ(), beProgram+"=1")
	return command
}

// builtCommand runs the built program where there is one.
func builtCommand(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	command := programCommand(t.Context(), t, args...)
	if built := os.Getenv(testProgram); built != "" {
		command.Path, command.Args[0] = built, built
	}
	return command
}

// removeFarCluster removes at the end of the test the cluster that lies elsewhere where root's server got a data
// folder that the user Postgres runs as cannot enter, as most of a test's are.
func removeFarCluster(t testing.TB, dataDir string) {
	t.Helper()
	sum := sha256.Sum256([]byte(filepath.Join(dataDir, "postgres")))
	t.Cleanup(func() { _ = os.RemoveAll(filepath.Join("/var/lib/greenroom", hex.EncodeToString(sum[:8]))) })
}

// startProgram starts a server on free ports and waits until it serves. It is stopped, as Ctrl-C would,
// at the end of the test, and its log is shown if the test failed.
func startProgram(t *testing.T, dataDir string, settings ...string) *program {
	t.Helper()
	p := launchProgram(t, dataDir, settings...)
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("the server said:\n%s", p.output)
		}
	})
	p.awaitReady()
	return p
}

// launchProgram starts a server and does not wait; the caller ends it.
func launchProgram(t *testing.T, dataDir string, settings ...string) *program {
	t.Helper()
	removeFarCluster(t, dataDir)
	p := &program{t: t, dataDir: dataDir, settings: settings, output: &lockedBuffer{}, ready: make(chan string, 1), ended: make(chan struct{})}
	p.command = programCommand(context.Background(), t, "serve", "--listen", "127.0.0.1:0", "--media-listen", "127.0.0.1:0",
		"--metrics-listen", p.setting("GREENROOM_METRICS_LISTEN"), "--data-dir", dataDir)
	p.command.Env = append(p.command.Env, settings...)
	if built := p.setting(testProgram); built != "" {
		p.command.Path, p.command.Args[0] = built, built
	}
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.command.Stderr = p.output
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the program's output
		lines := bufio.NewScanner(stdout)
		address := regexp.MustCompile(`^ +open +(http://\S+)`)
		for lines.Scan() {
			_, _ = p.output.Write(append(lines.Bytes(), '\n'))
			if found := address.FindStringSubmatch(lines.Text()); found != nil {
				p.ready <- found[1]
			}
		}
		p.err = p.command.Wait()
		close(p.ended)
	}()
	return p
}

// setting returns what the test chose for a variable; empty: nothing.
func (p *program) setting(name string) (value string) {
	for _, setting := range p.settings {
		if its, found := strings.CutPrefix(setting, name+"="); found {
			value = its
		}
	}
	return value
}

// awaitReady waits until the server serves.
func (p *program) awaitReady() {
	p.t.Helper()
	select {
	case p.address = <-p.ready:
	case <-p.ended:
		p.t.Fatalf("the server ended: %v\n%s", p.err, p.output)
	case <-time.After(startLimit):
		p.t.Fatalf("the server did not start in %v:\n%s", startLimit, p.output)
	}
}

// stop interrupts the server and waits for its orderly end.
func (p *program) stop() {
	_ = p.command.Process.Signal(os.Interrupt)
	select {
	case <-p.ended:
	case <-time.After(startLimit):
		_ = p.command.Process.Kill()
		p.t.Errorf("the server did not stop in %v", startLimit)
	}
}

// kill ends the server at once, as a crash would.
func (p *program) kill() {
	_ = p.command.Process.Signal(syscall.SIGKILL)
	<-p.ended
}

func (p *program) accounts() demoAccounts {
	p.t.Helper()
	demo, err := readDemo(filepath.Join(p.dataDir, "secrets"))
	if err != nil {
		p.t.Fatal(err)
	}
	return demo
}

// rehearse runs the scripted candidate against the server and returns its result; every check it makes
// must pass.
func (p *program) rehearse(args ...string) rehearsed {
	p.t.Helper()
	return rehearseAt(p.t, p.address, p.dataDir, args...)
}

// rehearseAt runs the scripted candidate against a server whose data lies in a folder of this machine.
func rehearseAt(t testing.TB, address, dataDir string, args ...string) rehearsed {
	t.Helper()
	command := programCommand(t.Context(), t, append([]string{"rehearse", "--json", "--server", address, "--data-dir", dataDir}, args...)...)
	var progress bytes.Buffer
	command.Stderr = &progress
	out, err := command.Output()
	var result rehearsed
	if decodeErr := json.Unmarshal(out, &result); decodeErr != nil {
		t.Fatalf("rehearse %s: %v, %v\n%s", strings.Join(args, " "), err, decodeErr, &progress)
	}
	if err != nil {
		t.Fatalf("rehearse %s: %v\n%s", strings.Join(args, " "), err, &progress)
	}
	t.Logf("rehearse %s:\n%s", strings.Join(args, " "), &progress)
	return result
}
