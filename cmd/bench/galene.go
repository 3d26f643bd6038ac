//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/gorilla/websocket"
)

// galeneBinary names the variable that names the program.
const galeneBinary = "GALENE_BIN"

func galenes() []subject {
	return []subject{{
		name: "galene", what: "Galene, recording WebM",
		missing: func() string {
			if os.Getenv(galeneBinary) == "" {
				return galeneBinary + " names no binary of Galene"
			}
			if _, err := os.Stat(os.Getenv(galeneBinary)); err != nil {
				return galeneBinary + ": " + err.Error()
			}
			return ""
		},
		start: func(ctx context.Context, r round) (server, error) { return startGalene(ctx, r) },
	}}
}

// galene has one group for each session, so that nobody is sent anybody's media.
type galene struct {
	child   *process
	folder  string
	address string
	peers   *peers
	desks   []*websocket.Conn // who switched recording on, and stays
	stopped bool
}

func (g *galene) group(n int) string { return fmt.Sprintf("bench%d", n) }

func startGalene(ctx context.Context, r round) (*galene, error) {
	g := &galene{folder: r.folder, peers: r.peers}
	for _, name := range []string{"static", "data", "groups", "recordings"} {
		if err := os.Mkdir(filepath.Join(r.folder, name), 0o750); err != nil {
			return nil, err
		}
	}
	description, err := json.Marshal(map[string]any{
		"users":           map[string]any{"op": map[string]string{"password": "bench", "permissions": "op"}},
		"wildcard-user":   map[string]any{"password": map[string]string{"type": "wildcard"}, "permissions": "present"},
		"allow-recording": true, "codecs": []string{"vp8", "opus"},
	})
	if err != nil {
		return nil, err
	}
	for n := range r.sessions {
		if err := os.WriteFile(filepath.Join(r.folder, "groups", g.group(n)+".json"), description, 0o600); err != nil {
			return nil, err
		}
	}
	if err := g.serve(ctx); err != nil {
		return nil, err
	}
	for n := range r.sessions {
		if err := g.recordGroup(ctx, n); err != nil {
			return nil, errors.Join(err, g.stop())
		}
	}
	return g, nil
}

func (g *galene) serve(ctx context.Context) error {
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	media, err := freePort(ctx)
	if err != nil {
		return err
	}
	g.address = fmt.Sprintf("127.0.0.1:%d", port)
	g.child, err = startProcess(ctx, g.folder, os.Getenv(galeneBinary), "-insecure", "-http", g.address, "-static", "static", "-data", "data",
		"-groups", "groups", "-recordings", "recordings", "-udp-range", fmt.Sprint(media), "-turn", "")
	if err != nil {
		return err
	}
	if err := awaitHTTP(ctx, "http://"+g.address+"/"); err != nil {
		return errors.Join(fmt.Errorf("galene: %w: %s", err, g.child.said), g.stop())
	}
	return nil
}

// recordGroup switches recording on, which only the WebSocket can.
func (g *galene) recordGroup(ctx context.Context, n int) error {
	socket, answer, err := (&websocket.Dialer{HandshakeTimeout: requestLimit}).DialContext(ctx, "ws://"+g.address+"/ws", http.Header{})
	if answer != nil {
		_ = answer.Body.Close()
	}
	if err != nil {
		return fmt.Errorf("galene: %w", err)
	}
	g.desks = append(g.desks, socket)
	name := fmt.Sprintf("op%d", n)
	for _, m := range []map[string]any{
		{"type": "handshake", "version": []string{"2"}, "id": name},
		{"type": "join", "kind": "join", "group": g.group(n), "username": "op", "password": "bench"},
	} {
		if err := socket.WriteJSON(m); err != nil {
			return err
		}
	}
	for {
		var m struct {
			Type, Kind string
			Value      any
		}
		if err := socket.ReadJSON(&m); err != nil {
			return fmt.Errorf("galene: join: %w", err)
		}
		if m.Type == "joined" && m.Kind != "join" {
			return fmt.Errorf("galene: join: %s: %v", m.Kind, m.Value)
		}
		if m.Type == "joined" {
			break
		}
	}
	go func() { // owner: the socket, which stop closes; Galene wants its pings answered
		for {
			var m struct{ Type string }
			if err := socket.ReadJSON(&m); err != nil {
				return
			}
		}
	}()
	return g.act(n, name, "record")
}

func (g *galene) act(n int, source, kind string) error {
	return g.desks[n].WriteJSON(map[string]any{"type": "groupaction", "kind": kind, "source": source, "username": "op"})
}

func (g *galene) process() *process { return g.child }

func (g *galene) join(ctx context.Context, n int) (sender, error) {
	return g.peers.connect(ctx, func(ctx context.Context, offer string) (string, error) {
		return postOffer(ctx, "http://"+g.address+"/group/"+g.group(n)+"/.whip", offer)
	})
}

func (g *galene) finish(ctx context.Context, p *publisher) (a account, err error) {
	if err := wait(ctx, time.Second); err != nil { // the last packets are on their way
		return a, err
	}
	for n := range g.desks {
		err = errors.Join(err, g.act(n, fmt.Sprintf("op%d", n), "unrecord"))
	}
	if err = errors.Join(err, wait(ctx, time.Second), g.stop()); err != nil {
		return a, err
	}
	for n := range min(watched, len(g.desks)) {
		files, err := filepath.Glob(filepath.Join(g.folder, "recordings", g.group(n), "*"))
		if err != nil {
			return a, err
		}
		if err := a.add(ctx, p, n, files...); err != nil {
			return a, err
		}
	}
	return a, nil
}

func (g *galene) stop() error {
	if g.stopped {
		return nil
	}
	g.stopped = true
	for _, socket := range g.desks {
		_ = socket.Close()
	}
	return g.child.stop(startLimit)
}

// freePort finds a port for a program that cannot say which one it took.
func freePort(ctx context.Context) (int, error) {
	listen := net.ListenConfig{}
	listener, err := listen.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil //nolint:forcetypeassert // a TCP listener has a TCP address
}

// awaitHTTP waits until a server answers anything.
func awaitHTTP(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			return answer.Body.Close()
		}
		if late := wait(ctx, 50*time.Millisecond); late != nil {
			return fmt.Errorf("it does not answer: %w", err)
		}
	}
}
