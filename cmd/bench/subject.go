//go:build linux

package main

import (
	"context"
	"slices"
	"time"
)

// subject is something whose cost is measured.
type subject struct {
	name string
	what string // for the table
	// missing says what this machine lacks for it; empty: nothing.
	missing func() string
	start   func(ctx context.Context, r round) (server, error)
}

// round is one start of a subject.
type round struct {
	folder   string // its own, empty, removed afterwards
	sessions int
	peers    *peers
}

// server is a running subject.
type server interface {
	process() *process
	// join opens the session's way in and returns it. Sessions join one after the other.
	join(ctx context.Context, session int) (sender, error)
	// finish is called when everything has been sent; it ends the sessions and the process and counts
	// what was kept.
	finish(ctx context.Context, p *publisher) (account, error)
	// stop ends the process, also after a failure; after finish it does nothing.
	stop() error
}

// account is what became of what was sent.
type account struct {
	Sent int64 `json:"sent"` // frames of the sessions that were looked at: pictures and Opus packets
	Kept int64 `json:"kept"`
	// AudioSent and AudioKept are the Opus packets among them.
	AudioSent int64 `json:"audio_sent"`
	AudioKept int64 `json:"audio_kept"`
	// Unit says what was counted where it is not frames.
	Unit string `json:"unit,omitempty"`
	// Post is processor time spent on the whole recording after it ended.
	Post time.Duration `json:"post_ns,omitempty"`
}

// whole reports whether all audio and at least 99.9 % of everything else was kept.
func (a account) whole() bool {
	video, kept := a.Sent-a.AudioSent, a.Kept-a.AudioKept
	return a.AudioKept >= a.AudioSent && float64(kept) >= 0.999*float64(video)
}

func subjects() []subject {
	return slices.Concat(floors(), greenrooms(), galenes(), januses())
}

func subjectNames() (names []string) {
	for _, s := range subjects() {
		names = append(names, s.name)
	}
	return names
}
