package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestServicesStopInTheOppositeOrder(t *testing.T) {
	s := newServices(quiet())
	var stopped []string
	for _, name := range []string{"database", "uploader", "rooms"} {
		s.start(t.Context(), name, func(ctx context.Context) error {
			<-ctx.Done()
			stopped = append(stopped, name)
			return ctx.Err()
		}, func(context.Context) error {
			stopped = append(stopped, "before "+name)
			return nil
		})
	}
	if err := s.stopAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"before rooms", "rooms", "before uploader", "uploader", "before database", "database"}
	if !slices.Equal(stopped, want) {
		t.Errorf("stopped %v, want %v", stopped, want)
	}
	if err := s.stopAll(t.Context()); err != nil || len(stopped) != len(want) {
		t.Errorf("stopping again did something: %v, %v", stopped, err)
	}
}

func TestServicesOutliveTheContextTheyWereStartedWith(t *testing.T) {
	s := newServices(quiet())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	s.start(ctx, "uploader", func(ctx context.Context) error { <-ctx.Done(); close(ended); return nil }, nil)
	cancel() // Ctrl-C: the stop order decides, not this
	select {
	case <-ended:
		t.Error("the part ended with the caller's context")
	default:
	}
	if err := s.stopAll(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestServiceThatFailsIsReported(t *testing.T) {
	s := newServices(quiet())
	broken := errors.New("disk full")
	s.start(t.Context(), "spool", func(context.Context) error { return broken }, nil)
	if err := <-s.failed; !errors.Is(err, broken) || !strings.Contains(err.Error(), "spool") {
		t.Errorf("failure %v, want spool: disk full", err)
	}
}

func TestServiceThatHangsIsLeftBehindAndNamed(t *testing.T) {
	s := newServices(quiet())
	release := make(chan struct{})
	below := false
	s.closing("database", func(context.Context) error { below = true; return nil })
	s.start(t.Context(), "jobs", func(context.Context) error { <-release; return nil }, nil)
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := s.stopAll(ctx)
	if err == nil || !strings.Contains(err.Error(), "jobs") {
		t.Errorf("stopAll = %v, want an error that names jobs", err)
	}
	if !below {
		t.Error("what lies below the hanging part was not closed")
	}
}
