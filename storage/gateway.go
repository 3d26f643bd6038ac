package storage

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

const (
	gatewayBucket  = "recordings"
	gatewayAccess  = "greenroom"
	gatewayStartup = 10 * time.Second
	gatewayStop    = 10 * time.Second
)

// GatewayConfig says where the embedded object store keeps its objects and its secret.
type GatewayConfig struct {
	DataDir    string
	SecretsDir string
}

// Gateway is the embedded object store: an S3 server in this process that keeps objects as plain
// files (of ciphertext) and listens on a unix socket that only this user can reach.
//
// Its backend makes the data folder the working directory of the whole process and addresses every
// object relative to it. So all other paths must be absolute before StartGateway is called, and
// nothing may change the working directory after it. There can be one Gateway in a process.
type Gateway struct {
	objects ObjectsConfig
	folder  string // of the socket
	cancel  context.CancelFunc
	done    chan struct{}
	err     error // why it ended; read after done is closed

	mu      sync.Mutex
	clients []*http.Transport
}

// StartGateway starts the server and returns when it answers.
func StartGateway(ctx context.Context, config GatewayConfig) (*Gateway, error) {
	data, err := filepath.Abs(config.DataDir)
	if err != nil {
		return nil, fmt.Errorf("embedded object store: %w", err)
	}
	secret, err := gatewaySecret(config.SecretsDir)
	if err != nil {
		return nil, fmt.Errorf("embedded object store: %w", err)
	}
	// A socket's path may have about 100 bytes only, so it cannot lie below any data folder.
	folder, err := os.MkdirTemp("", "greenroom-s3-")
	if err != nil {
		return nil, fmt.Errorf("embedded object store: %w", err)
	}
	backend, err := gatewayBackend(data)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("embedded object store: %w", err), os.Remove(folder))
	}
	g := &Gateway{
		objects: ObjectsConfig{
			Endpoint: "embedded.localhost", AccessKey: gatewayAccess, SecretKey: secret, Bucket: gatewayBucket,
			Socket: filepath.Join(folder, "s3.sock"),
		},
		folder: folder, done: make(chan struct{}),
	}
	g.objects.gateway = g
	runCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	g.cancel = cancel
	// Owner: the Gateway. It ends by Stop, which waits for it.
	go func() {
		defer close(g.done)
		defer backend.Shutdown()
		g.err = embedgw.RunVersityGW(runCtx, backend, &embedgw.Config{
			RootUserAccess: gatewayAccess, RootUserSecret: secret,
			Ports: []string{g.objects.Socket}, SocketPerm: "0600",
			MaxConnections: 256, MaxRequests: 256, MultipartMaxParts: 10000,
			KeepAlive: true, DisableACLs: true, Quiet: true,
			// The one account there is. Left to itself the gateway makes this service too, and says so.
			IAMService: auth.NewIAMServiceSingle(auth.Account{Access: gatewayAccess, Secret: secret, Role: auth.RoleAdmin}),
		})
	}()
	if err := g.await(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("embedded object store: %w", err), g.Stop())
	}
	return g, nil
}

func gatewaySecret(dir string) (string, error) {
	path := filepath.Join(dir, "objects.secret")
	text, err := readSecret(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = createSecret(path, hex.EncodeToString(randomKey())+"\n")
	}
	return strings.TrimSpace(text), err
}

// gatewayBackend keeps S3 metadata in extended attributes where the file system has them, and in a
// folder beside the objects where not.
func gatewayBackend(data string) (*syncedBackend, error) {
	objects, beside := filepath.Join(data, "objects"), filepath.Join(data, "metadata")
	if err := os.MkdirAll(objects, 0o700); err != nil {
		return nil, err
	}
	if err := removeUnfinished(objects); err != nil {
		return nil, err
	}
	// The checksum that was sent is the object's tag too: an MD5 of its own would read every object once more.
	options := posix.PosixOpts{CopyObjectThreshold: maxSegment, DataIntegrityEtag: true}
	options.SetNewDirPerm(0o700)
	options.SetNewFilePerm(0o600)
	_, err := os.Stat(beside)
	if errors.Is(err, fs.ErrNotExist) && (meta.XattrMeta{}).Test(objects) == nil {
		files, err := posix.New(objects, meta.XattrMeta{}, options)
		return &syncedBackend{Posix: files, objects: objects, sync: syncPath}, err
	}
	// Once begun this way it goes on this way: objects without their metadata could not be read.
	if err := os.MkdirAll(beside, 0o700); err != nil {
		return nil, err
	}
	store, err := meta.NewSideCar(beside)
	if err != nil {
		return nil, err
	}
	options.SideCarDir = beside
	files, err := posix.New(objects, store, options)
	return &syncedBackend{Posix: files, objects: objects, beside: beside, sync: syncPath}, err
}

// removeUnfinished removes what a killed process left of objects that it was writing. Nobody finishes or finds
// them: to the store they are no objects, so what erases a session does not see them.
func removeUnfinished(objects string) error {
	folder := filepath.Join(objects, gatewayBucket, posix.MetaTmpDir)
	left, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range left {
		if entry.Type().IsRegular() { // in a folder are uploads in several parts, which the sweeper aborts
			err = errors.Join(err, os.Remove(filepath.Join(folder, entry.Name())))
		}
	}
	return err
}

// await waits until the socket takes connections.
func (g *Gateway) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, gatewayStartup)
	defer cancel()
	pause := time.NewTicker(2 * time.Millisecond)
	defer pause.Stop()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "unix", g.objects.Socket)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-g.done:
			return fmt.Errorf("it ended at once: %w", g.err)
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", err)
		case <-pause.C:
		}
	}
}

// Objects returns how to reach the store.
func (g *Gateway) Objects() ObjectsConfig { return g.objects }

// Run waits until ctx ends and then stops the store; it returns earlier if the store fails.
func (g *Gateway) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return g.Stop()
	case <-g.done:
		return errors.Join(errors.New("embedded object store ended by itself"), g.err)
	}
}

// serves remembers a client's connections.
func (g *Gateway) serves(transport *http.Transport) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clients = append(g.clients, transport)
}

func (g *Gateway) closeIdle() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, transport := range g.clients {
		transport.CloseIdleConnections()
	}
}

// Stop ends the server and waits for it. Stopping twice is no error. The server waits for its connections,
// also for one that a client opened in advance and never used; so clients' idle ones are closed meanwhile.
func (g *Gateway) Stop() error {
	g.cancel()
	idle := time.NewTicker(20 * time.Millisecond)
	defer idle.Stop()
	limit := time.After(gatewayStop)
	for stopped := false; !stopped; {
		g.closeIdle()
		select {
		case <-g.done:
			stopped = true
		case <-limit:
			return errors.New("embedded object store does not stop")
		case <-idle.C:
		}
	}
	if err := os.RemoveAll(g.folder); err != nil {
		return fmt.Errorf("embedded object store: %w", err)
	}
	if g.err != nil && !errors.Is(g.err, context.Canceled) {
		return fmt.Errorf("embedded object store: %w", g.err)
	}
	return nil
}
