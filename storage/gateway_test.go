package storage

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3response"
)

// startTestGateway starts a store in this process, for what only that can show. It changes the working directory
// until the end of the test, so such tests run alone.
func startTestGateway(t *testing.T, data string) *Gateway {
	t.Helper()
	t.Chdir(t.TempDir()) // and back at the end
	gateway, err := StartGateway(t.Context(), GatewayConfig{DataDir: data, SecretsDir: t.TempDir()})
	if err != nil {
		t.Fatalf("start the embedded store: %v", err)
	}
	t.Cleanup(func() {
		if err := gateway.Stop(); err != nil {
			t.Errorf("stop the embedded store: %v", err)
		}
	})
	return gateway
}

func TestGatewayKeepsObjectsOverARestart(t *testing.T) {
	t.Chdir(t.TempDir())
	config := GatewayConfig{DataDir: filepath.Join(t.TempDir(), "data"), SecretsDir: filepath.Join(t.TempDir(), "secrets")}
	first, err := StartGateway(t.Context(), config)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	if err := openTestObjects(t, first.Objects()).create(t.Context(), "a/b", []byte("ciphertext")); err != nil {
		t.Fatalf("create: %v", err)
	}
	for range 2 {
		if err := first.Stop(); err != nil {
			t.Fatalf("stop: %v", err)
		}
	}
	if fileExists(filepath.Dir(first.Objects().Socket)) {
		t.Error("the socket's folder is still there")
	}
	second, err := StartGateway(t.Context(), config)
	if err != nil {
		t.Fatalf("start again: %v", err)
	}
	got, err := openTestObjects(t, second.Objects()).read(t.Context(), "a/b", 0, 10)
	if err != nil || string(got) != "ciphertext" {
		t.Errorf("read after a restart = %q, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := second.Run(ctx); err != nil {
		t.Errorf("run until stopped: %v", err)
	}
}

// TestGatewayRemovesWhatAKilledProcessLeft: the first object of a bucket is written under a name of its own.
func TestGatewayRemovesWhatAKilledProcessLeft(t *testing.T) {
	data := t.TempDir()
	folder := filepath.Join(data, "objects", gatewayBucket, posix.MetaTmpDir)
	left, parts := filepath.Join(folder, "half-an-object"), filepath.Join(folder, "multipart", "part")
	for _, path := range []string{left, parts} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("cipher"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	startTestGateway(t, data)
	if fileExists(left) || !fileExists(parts) {
		t.Errorf("half an object is there: %v; a part of an upload: %v; want false and true", fileExists(left), fileExists(parts))
	}
}

func TestGatewayIsForThisUserOnly(t *testing.T) {
	data, secrets := t.TempDir(), t.TempDir()
	t.Chdir(t.TempDir())
	gateway, err := StartGateway(t.Context(), GatewayConfig{DataDir: data, SecretsDir: secrets})
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() { _ = gateway.Stop() })
	if err := openTestObjects(t, gateway.Objects()).create(t.Context(), "a/b", []byte("ciphertext")); err != nil {
		t.Fatalf("create: %v", err)
	}
	for path, want := range map[string]os.FileMode{
		gateway.Objects().Socket:                                0o600,
		filepath.Dir(gateway.Objects().Socket):                  0o700,
		filepath.Join(secrets, "objects.secret"):                0o600,
		filepath.Join(data, "objects"):                          0o700,
		filepath.Join(data, "objects", gatewayBucket):           0o700,
		filepath.Join(data, "objects", gatewayBucket, "a", "b"): 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v; want %v", path, info.Mode().Perm(), err, want)
		}
	}
	if err := os.Chmod(filepath.Join(secrets, "objects.secret"), 0o644); err != nil {
		t.Fatalf("chmod: %v", err)
	}
	if _, err := gatewaySecret(secrets); err == nil {
		t.Error("a secret that everybody can read was accepted")
	}
}

// TestGatewayWorksWithoutExtendedAttributes uses the folder beside, as on file systems without them.
func TestGatewayWorksWithoutExtendedAttributes(t *testing.T) {
	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(data, "metadata"), 0o700); err != nil { // begun that way: stays that way
		t.Fatalf("mkdir: %v", err)
	}
	objects := openTestObjects(t, startTestGateway(t, data).Objects())
	for range 2 {
		if err := objects.create(t.Context(), "a/b", []byte("ciphertext")); err != nil {
			t.Fatalf("create: %v", err)
		}
	}
	if got, err := objects.read(t.Context(), "a/b", 2, 4); err != nil || !bytes.Equal(got, []byte("pher")) {
		t.Errorf("read = %q, %v", got, err)
	}
}

// TestConfirmedObjectsAreSynced: the spool deletes its copy on the store's word.
func TestConfirmedObjectsAreSynced(t *testing.T) {
	for name, beside := range map[string]bool{"attributes": false, "beside": true} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			t.Chdir(t.TempDir())
			if beside {
				if err := os.Mkdir(filepath.Join(data, "metadata"), 0o700); err != nil {
					t.Fatalf("mkdir: %v", err)
				}
			}
			backend, err := gatewayBackend(data)
			if err != nil {
				t.Fatalf("open: %v", err)
			}
			t.Cleanup(backend.Shutdown)
			if err := os.MkdirAll(filepath.Join(data, "objects", "b"), 0o700); err != nil {
				t.Fatalf("mkdir: %v", err)
			}
			var synced []string
			backend.sync = func(path string) error {
				synced = append(synced, path)
				return nil
			}
			bucket, key, text := "b", "s/audio/0", "ciphertext"
			size := int64(len(text))
			put := func() error {
				_, err := backend.PutObject(t.Context(), s3response.PutObjectInput{
					Bucket: &bucket, Key: &key, ContentLength: &size, Body: strings.NewReader(text),
				})
				return err
			}
			if err := put(); err != nil {
				t.Fatalf("put: %v", err)
			}
			want := []string{"objects/b/s/audio/0", "objects/b/s/audio", "objects/b/s", "objects/b", "objects"}
			if beside {
				want = append(want, "metadata/b/s/audio/0", "metadata/b/s/audio", "metadata/b", "metadata")
			}
			for _, path := range want {
				if !slices.Contains(synced, filepath.Join(data, path)) {
					t.Errorf("%s was not synced, only %v", path, synced)
				}
			}
			backend.sync = func(string) error { return syscall.EIO }
			if err := put(); !errors.Is(err, syscall.EIO) {
				t.Errorf("put with a failing sync = %v, want %v", err, syscall.EIO)
			}
		})
	}
}

// TestFoldersAreSyncedOnceAndAnewWhenTheyAreNew: a second object costs its file and its folder; what was removed
// and made anew, also by hand, is new up to what stayed.
func TestFoldersAreSyncedOnceAndAnewWhenTheyAreNew(t *testing.T) {
	data := t.TempDir()
	t.Chdir(t.TempDir())
	backend, err := gatewayBackend(data)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(backend.Shutdown)
	if err := os.MkdirAll(filepath.Join(data, "objects", "b"), 0o700); err != nil {
		t.Fatalf("mkdir: %v", err)
	}
	if _, ok := identify(data); !ok {
		t.Skip("this file system does not say when a folder was made")
	}
	var synced []string
	backend.sync = func(path string) error {
		within, err := filepath.Rel(filepath.Join(data, "objects"), path)
		synced = append(synced, within)
		return err
	}
	bucket, text := "b", "ciphertext"
	size := int64(len(text))
	put := func(key string, want ...string) {
		t.Helper()
		synced = nil
		_, err := backend.PutObject(t.Context(), s3response.PutObjectInput{
			Bucket: &bucket, Key: &key, ContentLength: &size, Body: strings.NewReader(text),
		})
		if err != nil {
			t.Fatalf("put %s: %v", key, err)
		}
		if !slices.Equal(synced, want) {
			t.Errorf("put %s synced %v, want %v", key, synced, want)
		}
	}
	put("s/audio/0", "b/s/audio/0", "b/s/audio", "b/s", "b", ".")
	put("s/audio/1", "b/s/audio/1", "b/s/audio")
	put("s/video/0", "b/s/video/0", "b/s/video", "b/s")
	if err := os.RemoveAll(filepath.Join(data, "objects", "b", "s")); err != nil {
		t.Fatal(err)
	}
	put("s/audio/0", "b/s/audio/0", "b/s/audio", "b/s", "b")
	works := backend.sync
	backend.sync = func(path string) error {
		if strings.HasSuffix(path, "/t") {
			return syscall.EIO
		}
		return works(path)
	}
	key := "t/audio/0"
	if _, err := backend.PutObject(t.Context(), s3response.PutObjectInput{
		Bucket: &bucket, Key: &key, ContentLength: &size, Body: strings.NewReader(text),
	}); !errors.Is(err, syscall.EIO) {
		t.Errorf("put into a folder that cannot be synced = %v, want %v", err, syscall.EIO)
	}
	backend.sync = works
	put("t/audio/1", "b/t/audio/1", "b/t/audio", "b/t", "b") // what failed is not remembered
}

// TestTornObjectIsReplaced: after a power cut a confirmed-to-nobody object may be short.
func TestTornObjectIsReplaced(t *testing.T) {
	data := t.TempDir()
	objects := openTestObjects(t, startTestGateway(t, data).Objects())
	for range 2 {
		if err := objects.create(t.Context(), "a/b", []byte("ciphertext")); err != nil {
			t.Fatalf("create: %v", err)
		}
		if got, err := objects.read(t.Context(), "a/b", 0, 10); err != nil || string(got) != "ciphertext" {
			t.Errorf("read = %q, %v", got, err)
		}
		if err := os.Truncate(filepath.Join(data, "objects", gatewayBucket, "a", "b"), 3); err != nil {
			t.Fatalf("truncate: %v", err)
		}
	}
	if err := objects.create(t.Context(), "a/b", []byte("other text")); !errors.Is(err, errObjectDiffers) {
		t.Errorf("somebody else's torn object: %v, want %v", err, errObjectDiffers)
	}
}

func TestGatewayIsQuiet(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatalf("pipe: %v", err)
	}
	was := os.Stdout
	os.Stdout = writer
	t.Cleanup(func() { os.Stdout = was })
	gateway := startTestGateway(t, t.TempDir())
	openTestObjects(t, gateway.Objects())
	if err := gateway.Stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}
	os.Stdout = was
	if err := writer.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	if said, err := io.ReadAll(reader); err != nil || len(said) != 0 {
		t.Errorf("the embedded store wrote %q to stdout, %v; want nothing", said, err)
	}
}
