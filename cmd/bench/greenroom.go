//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// program is what `make build` leaves, and library what `make setup` fetches.
const program, library = ".greenroom/bin/greenroom", ".greenroom/lib"

// greenrooms are the built program with its embedded database and object store, reached as a page would.
func greenrooms() []subject {
	missing := func() string {
		if _, err := os.Stat(program); err != nil {
			return "no " + program + ": run make build"
		}
		return ""
	}
	return []subject{
		{name: "greenroom", what: "Greenroom, recording: decrypt, order, encrypt, append, seal, upload, index", missing: missing, start: func(ctx context.Context, r round) (server, error) {
			return startGreenroom(ctx, r, false)
		}},
		{name: "captions", what: "Greenroom, recording and captions of speech without a pause", missing: missing, start: func(ctx context.Context, r round) (server, error) {
			return startGreenroom(ctx, r, true)
		}},
	}
}

// greenroom is a running server with its sessions.
type greenroom struct {
	child    *process
	folder   string
	captions bool
	peers    *peers
	people   []*candidate
	sessions []*session
	stopped  bool
}

// perCandidate is how many rooms one account may have open.
const perCandidate = 4

// startGreenroom makes accounts, sessions and consents first and starts the server anew then, so that
// neither password hashes nor set-up are in what is measured.
func startGreenroom(ctx context.Context, r round, captions bool) (*greenroom, error) {
	g := &greenroom{folder: r.folder, captions: captions, peers: r.peers}
	address, err := g.serve(ctx)
	if err != nil {
		return nil, err
	}
	for n := 0; n < r.sessions && err == nil; n++ {
		err = g.prepare(ctx, address, n)
	}
	if err = errors.Join(err, g.child.stop(startLimit)); err != nil {
		return nil, err
	}
	address, err = g.serve(ctx)
	for _, c := range g.people {
		c.base = address
	}
	return g, err
}

func (g *greenroom) serve(ctx context.Context) (address string, err error) {
	binary, err := filepath.Abs(program)
	if err != nil {
		return "", err
	}
	lib, err := filepath.Abs(library)
	if err != nil {
		return "", err
	}
	// Every account comes from an address of its own, as candidates do: the limits count addresses.
	g.child, err = startProcess(ctx, g.folder, binary, "serve", "--listen", "127.0.0.1:0", "--media-listen", "127.0.0.1:0",
		"--metrics-listen", "", "--data-dir", g.folder, "--lib-dir", lib, "--demo", "off", "--trusted-proxies", "127.0.0.0/8", "--log-level", "warn")
	if err != nil {
		return "", err
	}
	if address, err = g.child.await(ctx, "open ", startLimit); err != nil {
		return "", errors.Join(err, g.child.stop(startLimit))
	}
	return address, nil
}

// prepare signs a candidate up where one is needed, and consents to a session.
func (g *greenroom) prepare(ctx context.Context, address string, n int) error {
	if n%perCandidate == 0 {
		c, err := signUp(ctx, address, n/perCandidate)
		if err != nil {
			return err
		}
		g.people = append(g.people, c)
	}
	s, err := g.people[len(g.people)-1].schedule(ctx, g.captions)
	if err != nil {
		return err
	}
	g.sessions = append(g.sessions, s)
	return nil
}

func (g *greenroom) process() *process { return g.child }

func (g *greenroom) join(ctx context.Context, n int) (sender, error) {
	s := g.sessions[n]
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	return g.peers.connect(ctx, s.offer)
}

func (g *greenroom) spool(n int, video bool) (folder, prefix string) {
	kind := "audio"
	if video {
		kind = "video"
	}
	return filepath.Join(g.folder, "spool", "open"), g.sessions[n].id + "-" + kind + "-"
}

// drainLimit is how long the last segments may take to the object store.
const drainLimit = time.Minute

// finish ends every interview, waits until nothing is left in the spool and looks at what ffprobe finds
// in recordings that are read as their candidate reads them.
func (g *greenroom) finish(ctx context.Context, p *publisher) (a account, err error) {
	if err := wait(ctx, time.Second); err != nil { // the last packets are on their way
		return a, err
	}
	for _, s := range g.sessions {
		err = errors.Join(err, s.finish(ctx))
	}
	if err != nil {
		return a, err
	}
	if err := g.drained(ctx); err != nil {
		return a, err
	}
	for n := range min(watched, len(g.sessions)) {
		file := filepath.Join(g.folder, fmt.Sprintf("recording-%d.webm", n))
		if err := g.sessions[n].download(ctx, file); err != nil {
			return a, err
		}
		if err := a.add(ctx, p, n, file); err != nil {
			return a, err
		}
	}
	return a, nil
}

// drained waits until the spool is empty.
func (g *greenroom) drained(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainLimit)
	defer cancel()
	for {
		left, err := filepath.Glob(filepath.Join(g.folder, "spool", "*", "*.segment"))
		if err != nil || len(left) == 0 {
			return err
		}
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return fmt.Errorf("%d segments are not uploaded after %v: %s", len(left), drainLimit, strings.TrimSpace(g.child.said.String()))
		}
	}
}

func (g *greenroom) stop() error {
	if g.stopped {
		return nil
	}
	g.stopped = true
	return g.child.stop(2 * startLimit)
}
