package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"greenroom/consent"
)

// onEveryStore runs a test against the embedded store and against a real MinIO server.
func onEveryStore(t *testing.T, test func(t *testing.T, config ObjectsConfig)) {
	t.Helper()
	for name, store := range everyStore {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, store(t))
		})
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// waitFor looks again and again until the condition holds or the deadline passes.
func waitFor(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	pause := time.NewTicker(5 * time.Millisecond)
	defer pause.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited %v for %s", limit, what)
		case <-pause.C:
		}
	}
}

func openTestObjects(t *testing.T, config ObjectsConfig) *Objects {
	t.Helper()
	objects, err := OpenObjects(t.Context(), config)
	if err != nil {
		t.Fatalf("open object store: %v", err)
	}
	return objects
}

func TestObjectsAreCreatedOnceAndReadInParts(t *testing.T) {
	t.Parallel()
	onEveryStore(t, func(t *testing.T, config ObjectsConfig) {
		t.Helper()
		objects := openTestObjects(t, config)
		if _, err := OpenObjects(t.Context(), config); err != nil {
			t.Errorf("open a bucket that is there already: %v", err)
		}
		data := bytes.Repeat([]byte("0123456789"), 30_000)
		const key = "session/audio/1/000000"
		for range 2 { // the second time it is there, and ours
			if err := objects.create(t.Context(), key, data); err != nil {
				t.Fatalf("create: %v", err)
			}
		}
		other := bytes.Repeat([]byte("9876543210"), 30_000)
		if err := objects.create(t.Context(), key, other); !errors.Is(err, errObjectDiffers) {
			t.Errorf("create over other bytes of the same size = %v, want %v", err, errObjectDiffers)
		}
		if err := objects.create(t.Context(), key, other[:10]); !errors.Is(err, errObjectDiffers) {
			t.Errorf("create over other bytes = %v, want %v", err, errObjectDiffers)
		}
		got, err := objects.read(t.Context(), key, 12_345, 100_000)
		if err != nil || !bytes.Equal(got, data[12_345:112_345]) {
			t.Errorf("read a range = %d bytes, %v", len(got), err)
		}
		if _, err := objects.read(t.Context(), key, int64(len(data))-5, 10); err == nil {
			t.Error("read past the end succeeded")
		}
		if _, err := objects.read(t.Context(), "session/audio/1/000001", 0, 10); !errors.Is(err, errNoObject) {
			t.Errorf("read of nothing = %v, want %v", err, errNoObject)
		}
		if err := objects.Check(t.Context()); err != nil {
			t.Errorf("check: %v", err)
		}
	})
}

// A store that refuses an object which is there may hang up without reading it.
func TestCreateLooksWhereAStoreHungUp(t *testing.T) {
	t.Parallel()
	data := []byte("what is there already")
	sum := sha256.Sum256(data)
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut:
			panic(http.ErrAbortHandler) // the connection breaks
		case r.URL.Path == "/bucket/there":
			w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
			w.Header().Set("X-Amz-Meta-"+hashMetadata, hex.EncodeToString(sum[:]))
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(store.Close)
	objects, err := newObjects(ObjectsConfig{Endpoint: store.Listener.Addr().String(), AccessKey: "key", SecretKey: "secret", Region: "region", Bucket: "bucket"})
	if err != nil {
		t.Fatal(err)
	}
	if err := objects.create(t.Context(), "there", data); err != nil {
		t.Errorf("create what is there: %v", err)
	}
	if err := objects.create(t.Context(), "there", []byte("something else")); !errors.Is(err, errObjectDiffers) {
		t.Errorf("create over other bytes: %v, want %v", err, errObjectDiffers)
	}
	if err := objects.create(t.Context(), "missing", data); err == nil || errors.Is(err, errObjectDiffers) {
		t.Errorf("create where nothing is: %v, want what broke", err)
	}
}

// spoilingTransport changes one byte of every body on its way.
type spoilingTransport struct{ http.RoundTripper }

func (s spoilingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == http.MethodPut && request.Body != nil {
		data, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		data[len(data)/2] ^= 1
		request.Body = io.NopCloser(bytes.NewReader(data))
	}
	return s.RoundTripper.RoundTrip(request)
}

// TestStoresRefuseABodyThatChangedOnItsWay holds that the store compares what came with what we said.
func TestStoresRefuseABodyThatChangedOnItsWay(t *testing.T) {
	t.Parallel()
	onEveryStore(t, func(t *testing.T, config ObjectsConfig) {
		t.Helper()
		for _, near := range []bool{false, true} { // each way of saying it, whatever the store
			objects := openTestObjects(t, config)
			transport := objectTransport(config)
			t.Cleanup(transport.CloseIdleConnections)
			client, err := minio.New(config.Endpoint, &minio.Options{
				Creds:  credentials.NewStaticV4(config.AccessKey, config.SecretKey, ""),
				Region: "us-east-1", BucketLookup: minio.BucketLookupPath, MaxRetries: 1, Transport: spoilingTransport{transport},
			})
			if err != nil {
				t.Fatal(err)
			}
			whole := objects.client
			objects.near, objects.client = near, client
			key := fmt.Sprintf("session/audio/1/%v", near)
			if err := objects.create(t.Context(), key, bytes.Repeat([]byte("0123456789"), 30_000)); err == nil {
				t.Errorf("near %v: a spoiled body was stored", near)
			}
			objects.client = whole
			if _, err := objects.read(t.Context(), key, 0, 1); !errors.Is(err, errNoObject) {
				t.Errorf("near %v: read of it = %v, want %v", near, err, errNoObject)
			}
			if err := objects.create(t.Context(), key, bytes.Repeat([]byte("0123456789"), 30_000)); err != nil {
				t.Errorf("near %v: the same bytes unspoiled: %v", near, err)
			}
		}
	})
}

func removeSession(t *testing.T, objects *Objects, session consent.SessionID) error {
	t.Helper()
	prefix, err := sessionPrefix(session)
	if err != nil {
		return err
	}
	return objects.removeAll(t.Context(), prefix)
}

func TestSessionIsRemovedWhole(t *testing.T) {
	t.Parallel()
	onEveryStore(t, func(t *testing.T, config ObjectsConfig) {
		t.Helper()
		objects := openTestObjects(t, config)
		gone, stays := consent.NewID[consent.SessionID](), consent.NewID[consent.SessionID]()
		for i := range 3 {
			for _, session := range []consent.SessionID{gone, stays} {
				key := fmt.Sprintf("%s/video/1/%06d", session, i)
				if err := objects.create(t.Context(), key, []byte("ciphertext")); err != nil {
					t.Fatalf("create: %v", err)
				}
			}
		}
		for range 2 {
			if err := removeSession(t, objects, gone); err != nil {
				t.Fatalf("remove: %v", err)
			}
		}
		if _, err := objects.read(t.Context(), string(gone)+"/video/1/000000", 0, 1); !errors.Is(err, errNoObject) {
			t.Errorf("read after removal = %v, want %v", err, errNoObject)
		}
		if _, err := objects.read(t.Context(), string(stays)+"/video/1/000002", 0, 1); err != nil {
			t.Errorf("another session lost its objects: %v", err)
		}
		if err := removeSession(t, objects, ""); err == nil {
			t.Error("removing no session in particular was accepted: that would be everything")
		}
	})
}

// TestOldVersionsAreRemovedToo: a plain delete in a versioned bucket only hides.
func TestOldVersionsAreRemovedToo(t *testing.T) {
	t.Parallel()
	objects := openTestObjects(t, minioStore(t))
	if err := objects.client.EnableVersioning(t.Context(), objects.bucket); err != nil {
		t.Fatalf("enable versioning: %v", err)
	}
	session := consent.NewID[consent.SessionID]()
	key := string(session) + "/audio/1/000000"
	for _, text := range []string{"first", "second"} {
		if _, err := objects.client.PutObject(t.Context(), objects.bucket, key, strings.NewReader(text), int64(len(text)), minio.PutObjectOptions{}); err != nil {
			t.Fatalf("put: %v", err)
		}
	}
	if err := objects.client.RemoveObject(t.Context(), objects.bucket, key, minio.RemoveObjectOptions{}); err != nil {
		t.Fatalf("remove: %v", err)
	}
	if left, err := objects.versions(t.Context(), string(session)); err != nil || len(left) != 3 {
		t.Fatalf("before: %d versions and markers, %v; want 3", len(left), err)
	}
	if err := removeSession(t, objects, session); err != nil {
		t.Fatalf("remove session: %v", err)
	}
	if left, err := objects.versions(t.Context(), string(session)); err != nil || len(left) != 0 {
		t.Errorf("after: %d versions, %v; want none", len(left), err)
	}
}

// A store may say that there is no such key, of an object that another server of ours has just removed.
func TestRemovingWhatIsGoneIsNoError(t *testing.T) {
	t.Parallel()
	for code, gone := range map[string]bool{"NoSuchKey": true, "NoSuchBucket": false} {
		store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Key>%s</Key></Error>", code, r.URL.Path)
		}))
		t.Cleanup(store.Close)
		objects, err := newObjects(ObjectsConfig{
			Endpoint: strings.TrimPrefix(store.URL, "http://"), Bucket: "recordings", Region: "us-east-1", AccessKey: "key", SecretKey: "secret",
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := objects.removeVersions(t.Context(), []minio.ObjectInfo{{Key: "a/1"}}); (err == nil) != gone {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestObjectStoreErrorsSayWhatToCheck(t *testing.T) {
	t.Parallel()
	onEveryStore(t, func(t *testing.T, config ObjectsConfig) {
		t.Helper()
		wrong := config
		wrong.SecretKey = "not the secret"
		if _, err := OpenObjects(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "secret key") {
			t.Errorf("wrong secret: %v, want it to name the secret key", err)
		}
		nobody := ObjectsConfig{Endpoint: freeAddress(t), AccessKey: "a", SecretKey: "b", Bucket: "recordings"}
		_, err := OpenObjects(t.Context(), nobody)
		if err == nil || !strings.Contains(err.Error(), nobody.Endpoint+" is not reachable") {
			t.Errorf("nobody listens: %v, want it to name %s", err, nobody.Endpoint)
		}
	})
}

// storeProxy stands between client and store and can take the store away.
type storeProxy struct {
	listener net.Listener
	target   ObjectsConfig

	mu    sync.Mutex
	mode  proxyMode
	conns map[net.Conn]struct{}
}

type proxyMode int

const (
	proxyUp    proxyMode = iota
	proxyDown            // connections end at once
	proxyStall           // connections open, and nothing ever comes
)

func newStoreProxy(t *testing.T, target ObjectsConfig) (*storeProxy, ObjectsConfig) {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	p := &storeProxy{listener: listener, target: target, conns: map[net.Conn]struct{}{}}
	var serving sync.WaitGroup
	serving.Go(func() { p.serve(&serving) }) // ends when the listener closes; Cleanup waits
	t.Cleanup(func() {
		_ = listener.Close()
		p.set(proxyDown)
		serving.Wait()
	})
	through := target
	through.Endpoint, through.Socket = listener.Addr().String(), ""
	return p, through
}

func (p *storeProxy) set(mode proxyMode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = mode
	for conn := range p.conns {
		_ = conn.Close()
	}
	clear(p.conns)
}

func (p *storeProxy) serve(serving *sync.WaitGroup) {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		mode := p.mode
		if mode != proxyDown {
			p.conns[conn] = struct{}{}
		}
		p.mu.Unlock()
		switch mode {
		case proxyDown:
			_ = conn.Close()
		case proxyUp:
			serving.Go(func() { p.forward(conn, serving) })
		case proxyStall:
		}
	}
}

func (p *storeProxy) forward(conn net.Conn, serving *sync.WaitGroup) {
	network, address := "tcp", p.target.Endpoint
	if p.target.Socket != "" {
		network, address = "unix", p.target.Socket
	}
	var dialer net.Dialer
	store, err := dialer.DialContext(context.Background(), network, address)
	if err != nil {
		_ = conn.Close()
		return
	}
	serving.Go(func() {
		_, _ = io.Copy(store, conn)
		_ = store.Close()
	})
	_, _ = io.Copy(conn, store)
	_ = conn.Close()
}

func TestSlowStoreRunsIntoTheDeadline(t *testing.T) {
	t.Parallel()
	proxy, config := newStoreProxy(t, embeddedStore(t))
	objects := openTestObjects(t, config)
	if err := objects.create(t.Context(), "slow", []byte("ciphertext")); err != nil {
		t.Fatalf("create: %v", err)
	}
	proxy.set(proxyStall)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond) // stands for the call's own
	defer cancel()
	begun := time.Now()
	_, err := objects.read(ctx, "slow", 0, 5)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("read from a store that stalls = %v, want %v", err, context.DeadlineExceeded)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %v to notice", took)
	}
}
