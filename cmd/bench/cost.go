//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// result is one round of one subject.
type result struct {
	Subject  string  `json:"subject"`
	Sessions int     `json:"sessions"`
	Round    int     `json:"round"`
	Packets  int64   `json:"packets"`  // sent in the window
	Micros   float64 `json:"micros"`   // processor time of the subject's process for each of them
	Below    float64 `json:"below"`    // of its child processes (Postgres)
	Post     float64 `json:"post"`     // of what is done with the recording afterwards
	Busy     float64 `json:"busy"`     // of the subject's CPU, 0 to 1, by process and children
	Loader   float64 `json:"loader"`   // of the publisher's CPU
	LateMS   float64 `json:"late_ms"`  // the latest packet of the publisher
	Drops    int64   `json:"drops"`    // in the kernel, for the subject's UDP sockets
	Base     int64   `json:"base"`     // resident bytes before anybody joined
	Resident int64   `json:"resident"` // at the end of the window
	Account  account `json:"account"`
	Delays   *delays `json:"delays,omitempty"`
	Void     string  `json:"void,omitempty"`
}

func (r result) perSession() float64 {
	return float64(r.Resident-r.Base) / float64(r.Sessions) / (1 << 20)
}

const (
	loaderLimit = 0.8                    // of its CPU: above it the publisher itself is measured
	lateLimit   = 200 * time.Millisecond // that a packet may be sent late
)

// measure is the whole run.
func measure(ctx context.Context, s settings) error {
	if err := os.MkdirAll(s.work, 0o750); err != nil {
		return err
	}
	video, audio, err := makeClips(ctx, s.work)
	if err != nil {
		return err
	}
	chosen, err := choose(s.subjects)
	if err != nil {
		return err
	}
	b := &bench{settings: s, video: video, audio: audio, peers: newPeers()}
	if s.mode == "capacity" {
		return b.capacity(ctx, chosen)
	}
	results := b.rounds(ctx, chosen)
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.json {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(results)
	}
	printTable(os.Stdout, chosen, results, s)
	return nil
}

type bench struct {
	settings
	video, audio *clip
	peers        *peers
}

// choose finds the named subjects and leaves out, with a line each, what this machine cannot run.
func choose(names []string) (chosen []subject, err error) {
	for _, name := range names {
		at := slices.IndexFunc(subjects(), func(s subject) bool { return s.name == name })
		if at < 0 {
			return nil, fmt.Errorf("no subject is called %q: there are %v", name, subjectNames())
		}
		s := subjects()[at]
		if missing := s.missing(); missing != "" {
			fmt.Fprintf(os.Stderr, "%-10s skipped: %s\n", s.name, missing)
			continue
		}
		chosen = append(chosen, s)
	}
	return chosen, nil
}

// rounds interleaves the subjects: each once in every round, in an order of its own.
func (b *bench) rounds(ctx context.Context, chosen []subject) (results []result) {
	order := rand.New(rand.NewPCG(b.seed, 0)) //nolint:gosec // a shuffle that -seed repeats
	for n := range b.settings.rounds {
		for _, at := range order.Perm(len(chosen)) {
			if ctx.Err() != nil {
				return results
			}
			r, err := b.one(ctx, chosen[at], b.sessions)
			r.Round = n + 1
			if err != nil {
				r.Void = err.Error()
			}
			fmt.Fprintf(os.Stderr, "round %d  %s\n", r.Round, r)
			results = append(results, r)
		}
	}
	return results
}

func (r result) String() string {
	text := fmt.Sprintf("%-10s n=%d  %.1f us/packet", r.Subject, r.Sessions, r.Micros)
	if r.Below > 0 {
		text += fmt.Sprintf(" + %.1f below", r.Below)
	}
	if r.Post > 0 {
		text += fmt.Sprintf(" + %.1f afterwards", r.Post)
	}
	text += fmt.Sprintf("  cpu %.0f %%  loader %.0f %%, late %.0f ms  %.2f MiB/session  kept %d of %d  drops %d",
		100*r.Busy, 100*r.Loader, r.LateMS, r.perSession(), r.Account.Kept, r.Account.Sent, r.Drops)
	if r.Delays != nil {
		text += "  " + r.Delays.String()
	}
	if r.Void != "" {
		text += "  VOID: " + r.Void
	}
	return text
}

// one runs one round of one subject.
func (b *bench) one(ctx context.Context, s subject, sessions int) (r result, err error) {
	r = result{Subject: s.name, Sessions: sessions}
	folder, err := os.MkdirTemp(b.work, s.name+"-")
	if err != nil {
		return r, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	server, err := s.start(ctx, round{folder: folder, sessions: sessions, peers: b.peers})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	r.Base = residentSize(server.process().pid())
	spool, err := watchSpool(server, sessions)
	if err != nil {
		return r, err
	}
	defer spool.stop()
	p := newPublisher(b.video, b.audio)
	sending, stop := context.WithCancel(ctx)
	defer stop()
	go p.run(sending) // owner: this method; ends by p.stop, or by stop
	if err := b.joinAll(ctx, server, p, sessions); err != nil {
		return r, err
	}
	if err := wait(ctx, b.warm); err != nil {
		return r, err
	}
	if err := b.watch(ctx, server, p, spool, &r); err != nil {
		return r, err
	}
	p.stop()
	if failed := p.failed.Load(); failed != nil {
		return r, *failed
	}
	r.Account, err = server.finish(ctx, p)
	if sent := p.packets.Load(); sent > 0 {
		r.Post = micros(r.Account.Post, sent)
	}
	if err == nil {
		r.Delays, err = spool.delays(p)
	}
	r.judge()
	return r, err
}

// joinAll lets the sessions begin spread over one distance of key frames.
func (b *bench) joinAll(ctx context.Context, server server, p *publisher, sessions int) error {
	for n := range sessions {
		out, err := server.join(ctx, n)
		if err != nil {
			return fmt.Errorf("session %d: %w", n, err)
		}
		p.add(n, out, time.Now(), n < watched)
	}
	return nil
}

// watch measures the window.
func (b *bench) watch(ctx context.Context, server server, p *publisher, spool *spoolWatch, r *result) error {
	pid := server.process().pid()
	if b.profile != "" {
		finished, err := b.record(ctx, pid, r.Subject)
		if err != nil {
			return err
		}
		defer finished()
	}
	p.lateness.Store(0)
	began, packets, loader, below, drops := time.Now(), p.packets.Load(), ownTime(), childrenTime(pid), kernelDrops(pid)
	cpu, err := cpuTime(pid, false)
	if err != nil {
		return err
	}
	if err := wait(ctx, b.window); err != nil {
		return err
	}
	after, err := cpuTime(pid, false)
	if err != nil {
		return err
	}
	took := time.Since(began)
	r.Packets = p.packets.Load() - packets
	r.Micros, r.Below = micros(after-cpu, r.Packets), micros(childrenTime(pid)-below, r.Packets)
	r.Loader, r.LateMS = float64(ownTime()-loader)/float64(took), float64(p.lateness.Load())/float64(time.Millisecond)
	r.Busy = (r.Micros + r.Below) * float64(r.Packets) / float64(took.Microseconds())
	r.Drops, r.Resident = kernelDrops(pid)-drops, residentSize(pid)
	spool.window(began, began.Add(took))
	return nil
}

func micros(d time.Duration, packets int64) float64 {
	return float64(d) / float64(time.Microsecond) / float64(max(packets, 1))
}

// judge voids what must not be compared.
func (r *result) judge() {
	switch {
	case r.Drops > 0:
		r.Void = fmt.Sprintf("the kernel dropped %d packets", r.Drops)
	case r.Loader > loaderLimit:
		r.Void = fmt.Sprintf("the publisher used %.0f %% of its CPU", 100*r.Loader)
	case r.LateMS > float64(lateLimit/time.Millisecond):
		r.Void = fmt.Sprintf("the publisher was %.0f ms late", r.LateMS)
	case r.Account.Sent == 0:
		r.Void = "nothing was counted"
	}
}

// record lets perf watch the subject, until the returned function is called.
func (b *bench) record(ctx context.Context, pid int, name string) (func(), error) {
	if err := os.MkdirAll(b.profile, 0o750); err != nil {
		return nil, err
	}
	seconds := strconv.Itoa(max(1, int(b.window/time.Second)-1))
	command := exec.CommandContext(ctx, "perf", "record", "-q", "-g", "-F", "199", "-p", strconv.Itoa(pid),
		"-o", filepath.Join(b.profile, name+".perf"), "--", "sleep", seconds)
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	return func() { _ = command.Wait() }, nil // what it says is in its file
}
