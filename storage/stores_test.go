package storage

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// testStores are the object stores of this test binary, each started by the first test that needs it. A test
// gets a bucket of its own, so tests can share a store and run side by side.
var testStores struct {
	embedded, minio testStore
	buckets         atomic.Int64
}

// everyStore is how to come by an empty bucket of each.
var everyStore = map[string]func(t *testing.T) ObjectsConfig{"embedded": embeddedStore, "minio": minioStore}

// testStore is a server in a process of its own.
type testStore struct {
	once   sync.Once
	err    error
	config ObjectsConfig // but for the bucket
	folder string        // with what it keeps
	stop   func() error
}

// bucket starts the store if it does not run yet.
func (s *testStore) bucket(t *testing.T, start func(s *testStore) error) ObjectsConfig {
	t.Helper()
	s.once.Do(func() {
		if s.folder, s.err = os.MkdirTemp("", "greenroom-test-store-"); s.err == nil { //nolint:usetesting // it outlives this test
			s.err = start(s)
		}
	})
	if s.err != nil {
		t.Fatalf("no object store for tests: %v", s.err)
	}
	config := s.config
	config.Bucket = fmt.Sprintf("bucket-%d", testStores.buckets.Add(1))
	return config
}

// stopTestStores ends what was started. A store that a race was found in fails the tests.
func stopTestStores() (err error) {
	for _, s := range []*testStore{&testStores.embedded, &testStores.minio} {
		if s.stop != nil {
			err = errors.Join(err, s.stop())
		}
		if s.folder != "" {
			err = errors.Join(err, os.RemoveAll(s.folder))
		}
	}
	return err
}

// embeddedStore is an empty bucket of the embedded store.
func embeddedStore(t *testing.T) ObjectsConfig {
	t.Helper()
	config := testStores.embedded.bucket(t, startStoreChild)
	config.gateway = &Gateway{} // remembers this test's connections: the store takes only so many
	t.Cleanup(config.gateway.closeIdle)
	return config
}

// minioStore is an empty bucket of a real MinIO server.
func minioStore(t *testing.T) ObjectsConfig {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a MinIO server")
	}
	return testStores.minio.bucket(t, startMinIO)
}

// storeChild is the variable that makes this test binary the embedded store: that one needs a process of its
// own, because it changes the working directory. It holds the folder.
const storeChild = "GREENROOM_TEST_STORE_CHILD"

// runStoreChild writes how to reach the store to standard output, and serves until standard input ends.
func runStoreChild(folder string) int {
	gateway, err := StartGateway(context.Background(), GatewayConfig{DataDir: filepath.Join(folder, "data"), SecretsDir: filepath.Join(folder, "secrets")})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(gateway.folder) }()
	if err := json.NewEncoder(os.Stdout).Encode(gateway.Objects()); err != nil {
		return 1
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

func startStoreChild(s *testStore) error {
	command := exec.CommandContext(context.Background(), os.Args[0])
	command.Env = append(os.Environ(), storeChild+"="+s.folder)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	s.stop = func() error { return errors.Join(in.Close(), command.Wait()) }
	return json.NewDecoder(bufio.NewReader(out)).Decode(&s.config)
}

func startMinIO(s *testStore) error {
	binary, err := minioBinary()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		return err
	}
	s.config = ObjectsConfig{Endpoint: listener.Addr().String(), AccessKey: "greenroom-test", SecretKey: "greenroom-secret", Bucket: "ready"}
	_ = listener.Close()
	command := exec.CommandContext(ctx, binary, "server", "--quiet", "--address", s.config.Endpoint, s.folder)
	command.Env = append(os.Environ(), "MINIO_CI_CD=1", "MINIO_BROWSER=off", "MINIO_UPDATE=off",
		"MINIO_ROOT_USER="+s.config.AccessKey, "MINIO_ROOT_PASSWORD="+s.config.SecretKey)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		cancel()
		return fmt.Errorf("start MinIO: %w", err)
	}
	s.stop = func() error {
		cancel()
		_ = command.Wait() // it was killed
		return nil
	}
	limit, done := context.WithTimeout(ctx, 30*time.Second)
	defer done()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for !minioReady(limit, s.config) {
		select {
		case <-limit.Done():
			return errors.New("MinIO is not ready after 30 s")
		case <-pause.C:
		}
	}
	return nil
}

// minioReady also opens a bucket: MinIO says that it is ready a moment before it is.
func minioReady(ctx context.Context, config ObjectsConfig) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+config.Endpoint+"/minio/health/ready", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return false
	}
	_, err = OpenObjects(ctx, config)
	return err == nil
}

// minioBinary finds the server that make tools built.
func minioBinary() (string, error) {
	if path := os.Getenv("GREENROOM_TEST_MINIO"); path != "" {
		return path, nil
	}
	root, err := repositoryRoot()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, ".greenroom", "tools", "minio")
	if !fileExists(path) {
		return "", fmt.Errorf("%s is missing: run make tools", path)
	}
	return path, nil
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Tests that share a store see only their own objects.
func TestStoresGiveEachTestABucket(t *testing.T) {
	t.Parallel()
	for name, store := range everyStore {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mine, other := openTestObjects(t, store(t)), openTestObjects(t, store(t))
			if err := mine.create(t.Context(), "a/b", []byte("ciphertext")); err != nil {
				t.Fatal(err)
			}
			if _, err := other.read(t.Context(), "a/b", 0, 1); !errors.Is(err, errNoObject) {
				t.Errorf("another test reads my object: %v, want %v", err, errNoObject)
			}
		})
	}
}
