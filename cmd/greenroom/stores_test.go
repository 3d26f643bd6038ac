package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"greenroom/storage"
)

// Databases and object stores of the outside, for tests: what GREENROOM_DATABASE_URL and
// GREENROOM_S3_ENDPOINT can name.

func repositoryRoot(t testing.TB) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// minio is a real MinIO server that can be stopped and started again on the same port and data.
type minio struct {
	t                 testing.TB
	address, data     string
	accessKey, secret string
	stop              context.CancelFunc
	ended             chan struct{}
	output            *lockedBuffer
	binary            string
}

func startMinIO(t testing.TB) *minio {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a MinIO server")
	}
	m := &minio{t: t, data: t.TempDir(), accessKey: "greenroom-test", secret: newPassword(), output: &lockedBuffer{}}
	m.binary = os.Getenv("GREENROOM_TEST_MINIO")
	if m.binary == "" {
		m.binary = filepath.Join(repositoryRoot(t), ".greenroom", "tools", "minio")
	}
	if _, err := os.Stat(m.binary); err != nil {
		t.Fatalf("%v: run make setup", err)
	}
	m.address = freeAddress(t)
	m.start()
	t.Cleanup(func() { m.kill() })
	return m
}

func (m *minio) start() {
	m.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, m.binary, "server", "--quiet", "--address", m.address, m.data)
	command.Env = append(os.Environ(), "MINIO_CI_CD=1", "MINIO_BROWSER=off", "MINIO_UPDATE=off",
		"MINIO_ROOT_USER="+m.accessKey, "MINIO_ROOT_PASSWORD="+m.secret)
	command.Stdout, command.Stderr = m.output, m.output
	if err := command.Start(); err != nil {
		cancel()
		m.t.Fatalf("start MinIO: %v", err)
	}
	ended := make(chan struct{})
	m.stop, m.ended = cancel, ended
	go func() { // owner: kill, which waits
		defer close(ended)
		_ = command.Wait() // killed, as it should be
	}()
	eventually(m.t, 30*time.Second, "MinIO to be ready", func() bool {
		request, err := http.NewRequestWithContext(m.t.Context(), http.MethodGet, "http://"+m.address+"/minio/health/ready", nil)
		if err != nil {
			m.t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

func (m *minio) kill() {
	m.stop()
	<-m.ended
}

// settings are what a server needs to use it.
func (m *minio) settings() []string {
	return []string{
		"GREENROOM_S3_ENDPOINT=http://" + m.address, "GREENROOM_S3_BUCKET=recordings",
		"GREENROOM_S3_ACCESS_KEY=" + m.accessKey, "GREENROOM_S3_SECRET_KEY=" + m.secret,
	}
}

// objects lists the objects of a session: MinIO keeps each as a folder of its own.
func (m *minio) objects(session string) int {
	m.t.Helper()
	found := map[string]bool{}
	for path := range filesBelow(m.t, filepath.Join(m.data, "recordings"), session) {
		if filepath.Base(path) == "xl.meta" {
			found[filepath.Dir(path)] = true
		}
	}
	return len(found)
}

func freeAddress(t testing.TB) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// cluster is a Postgres of the outside that can be stopped and started again on the same data.
type cluster struct {
	t       testing.TB
	config  storage.EmbeddedConfig
	running *storage.Embedded
}

func startCluster(t testing.TB) *cluster {
	t.Helper()
	c := &cluster{t: t, config: storage.EmbeddedConfig{
		DataDir: t.TempDir(), LibDir: filepath.Join(repositoryRoot(t), ".greenroom", "lib"),
	}}
	c.start()
	t.Cleanup(func() {
		if c.running != nil {
			c.stop()
		}
	})
	return c
}

func (c *cluster) start() {
	c.t.Helper()
	running, err := storage.StartEmbedded(context.Background(), c.config)
	if err != nil {
		c.t.Fatalf("%v: run make setup", err)
	}
	c.running = running
}

func (c *cluster) stop() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := c.running.Stop(ctx); err != nil {
		c.t.Errorf("stop Postgres: %v", err)
	}
	c.running = nil
}

func (c *cluster) settings() []string {
	return []string{"GREENROOM_DATABASE_URL=" + c.running.URL(), "GREENROOM_DEMO=on"}
}
