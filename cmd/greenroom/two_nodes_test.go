package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5" //nolint:depguard // makes a fault in the database, reads nothing of ours

	"greenroom/consent"
	"greenroom/storage"
)

// twoNodes are two servers of one database and one object store. The candidate is at the near one, the
// employer at the far one, whose way to the database can be stopped. There is one finished interview.
type twoNodes struct {
	t                   testing.TB
	near, far           *app
	owner               string // the database's own URL
	line                *line  // between the far server and the database
	admin               *storage.Admin
	demo                demoAccounts
	candidate, employer *browser
	session, org        string
}

func startTwoNodes(t testing.TB, speechSeconds int) *twoNodes {
	t.Helper()
	cluster, store := startCluster(t), startMinIO(t)
	n := &twoNodes{t: t, owner: cluster.running.URL()}
	n.line = startLine(t, n.owner)
	flags := func(database string) []string {
		return []string{
			"--database-url", database, "--demo", "on", "--s3-endpoint", "http://" + store.address, "--s3-bucket", "recordings",
			"--s3-access-key", store.accessKey, "--s3-secret-key", store.secret,
		}
	}
	nearDir, farDir := t.TempDir(), t.TempDir()
	n.near = startInside(t, nearDir, flags(n.owner)...)
	if err := os.Symlink(filepath.Join(nearDir, "secrets"), filepath.Join(farDir, "secrets")); err != nil {
		t.Fatal(err)
	}
	n.far = startInside(t, farDir, flags(n.line.url)...)
	admin, err := storage.OpenAdmin(t.Context(), n.owner)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close(context.WithoutCancel(t.Context())) })
	n.admin, n.demo = admin, *n.near.banner.demo
	n.session = rehearseAt(t, n.near.banner.address, nearDir, "--demo", "--answers", "1", "--speech", firstSeconds(t, 1, speechSeconds)).Session
	n.candidate, n.employer = &browser{address: n.near.banner.address}, &browser{address: n.far.banner.address}
	n.employer.post(t, "/api/v1/log-in", proofOf(t, n.owner, n.demo.Employer), http.StatusOK)
	n.confirm()
	var list struct{ Organizations []struct{ ID string } }
	n.decode(n.candidate.get(t, "/api/v1/organizations", http.StatusOK), &list)
	n.org = list.Organizations[0].ID
	n.candidate.post(t, n.path("authorizations/"+n.held()+"/withdraw"), "", http.StatusNoContent) // the rehearsal's own
	return n
}

func (n *twoNodes) decode(text string, into any) {
	n.t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		n.t.Fatalf("%v in %s", err, text)
	}
}

// confirm logs the candidate in, which is the fresh proof that a grant asks for.
func (n *twoNodes) confirm() {
	n.t.Helper()
	n.candidate.post(n.t, "/api/v1/log-in", proofOf(n.t, n.owner, n.demo.Candidate), http.StatusOK)
}

func (n *twoNodes) path(of string) string { return "/api/v1/sessions/" + n.session + "/" + of }

// held is the newest authorization that has not ended.
func (n *twoNodes) held() string {
	n.t.Helper()
	var list struct{ Authorizations []struct{ ID, State string } }
	n.decode(n.candidate.get(n.t, n.path("authorizations"), http.StatusOK), &list)
	for _, a := range list.Authorizations {
		if a.State == "granted" || a.State == "suspended" {
			return a.ID
		}
	}
	n.t.Fatalf("nothing is shared: %+v", list)
	return ""
}

func (n *twoNodes) grant(lasting time.Duration) (id string) {
	n.t.Helper()
	text, err := json.Marshal(map[string]any{
		"org_id": n.org, "purpose": "practice_review", "scopes": []consent.Scope{consent.ScopeRatings, consent.ScopeTranscript, consent.ScopeRecordingAudio, consent.ScopeRecordingVideo},
		"valid_until": time.Now().Add(lasting).UTC(),
	})
	if err != nil {
		n.t.Fatal(err)
	}
	var made struct{ ID string }
	n.decode(n.candidate.post(n.t, n.path("authorizations"), string(text), http.StatusCreated), &made)
	return made.ID
}

func (n *twoNodes) withdraw() {
	n.t.Helper()
	n.candidate.post(n.t, n.path("authorizations/"+n.held()+"/withdraw"), "", http.StatusNoContent)
}

// watching is an open stream of the employer, until it ends.
type watching struct {
	kind  consent.StreamKind
	ended chan ending
}

// ending is the moment at which nothing more came, and what was wrong about it.
type ending struct {
	at    time.Time
	fault string
}

// watch opens a stream at the employer's server and reads it to its end. It returns when the stream was
// seen to flow: the page's is open, the recording's has run as far ahead as it may.
func (n *twoNodes) watch(kind consent.StreamKind) watching {
	n.t.Helper()
	path := "/api/v1/shared/" + n.session + "/events"
	if kind == consent.StreamMedia {
		path = n.employer.recordingOf(n.t, "/api/v1/shared/"+n.session)
	}
	request, err := http.NewRequestWithContext(n.t.Context(), http.MethodGet, n.employer.address+path, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	answer, err := n.employer.do(request) //nolint:bodyclose // by the goroutine that reads it
	if err != nil {
		n.t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		n.t.Fatalf("%s answers %s", path, answer.Status)
	}
	body := bufio.NewReader(answer.Body)
	if kind == consent.StreamMedia {
		if _, err := io.CopyN(io.Discard, body, 16<<10); err != nil {
			n.t.Fatalf("the recording ends too early: %v", err)
		}
	}
	w := watching{kind: kind, ended: make(chan ending, 1)}
	go func() {
		defer func() { _ = answer.Body.Close() }()
		told := time.Time{} // the page that may not look on; the server writes nothing after that
		var err error
		for err == nil {
			if kind == consent.StreamMedia {
				_, err = body.Discard(1)
				continue
			}
			var line string
			if line, err = body.ReadString('\n'); strings.HasPrefix(line, "event: access.ended") {
				told = time.Now()
			}
		}
		end := ending{at: time.Now()}
		switch {
		case kind == consent.StreamMedia && errors.Is(err, io.EOF):
			end.fault = "the recording was sent to its end: nothing was cut off"
		case kind == consent.StreamEvents && told.IsZero():
			end.fault = "the page was not told why it ends"
		case kind == consent.StreamEvents:
			end.at = told
		}
		w.ended <- end
	}()
	return w
}

// after waits for the end of the stream and returns how long after a moment it came.
func (w watching) after(t testing.TB, began time.Time) time.Duration {
	t.Helper()
	select {
	case end := <-w.ended:
		if end.fault != "" {
			t.Error(end.fault)
		}
		return end.at.Sub(began)
	case <-time.After(20 * time.Second):
		t.Fatalf("the %s stream is still open 20 s later", w.kind)
		return 0
	}
}

// deafen stops the connections on which servers hear of changes, as a network that swallows packets
// would: they live and say nothing. It returns what lets them go on.
func (n *twoNodes) deafen() (heal func()) {
	n.t.Helper()
	conn, err := pgx.Connect(n.t.Context(), n.owner)
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = conn.Close(n.t.Context()) }()
	rows, err := conn.Query(n.t.Context(), `SELECT pid FROM pg_stat_activity WHERE application_name = 'greenroom changes'`)
	if err != nil {
		n.t.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil || len(pids) != 2 {
		n.t.Fatalf("%d connections listen, %v; want one of each server", len(pids), err)
	}
	tell := func(signal syscall.Signal) {
		for _, pid := range pids {
			_ = syscall.Kill(int(pid), signal) // one that the server gave up meanwhile is gone
		}
	}
	healed := sync.OnceFunc(func() { tell(syscall.SIGCONT) })
	n.t.Cleanup(healed)
	tell(syscall.SIGSTOP)
	return healed
}

// line carries the connections of a server to its database through a socket of its own, until it stalls.
type line struct {
	url     string
	mu      sync.Mutex
	stalled bool
	moved   *sync.Cond // of mu
}

func startLine(t testing.TB, database string) *line {
	t.Helper()
	to, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	query := to.Query()
	const socket = ".s.PGSQL.5432"
	actual := filepath.Join(query.Get("host"), socket)
	dir, err := os.MkdirTemp("", "line") //nolint:usetesting // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(dir, socket))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	query.Set("host", dir)
	to.RawQuery = query.Encode()
	l := &line{url: to.String()}
	l.moved = sync.NewCond(&l.mu)
	t.Cleanup(l.flow)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := new(net.Dialer).DialContext(context.Background(), "unix", actual)
			if err != nil {
				_ = client.Close()
				continue
			}
			go l.carry(server, client)
			go l.carry(client, server)
		}
	}()
	return l
}

func (l *line) carry(to, from net.Conn) {
	defer func() { _ = to.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		l.mu.Lock()
		for l.stalled {
			l.moved.Wait()
		}
		l.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (l *line) stall() { l.set(true) }

func (l *line) flow() { l.set(false) }

func (l *line) set(stalled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stalled = stalled
	l.moved.Broadcast()
}
