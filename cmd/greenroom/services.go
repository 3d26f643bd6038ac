package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
)

// services are the long-running parts of a server in the order in which they were started. They stop in
// the opposite order, each before the one it stands on.
type services struct {
	log     *slog.Logger
	running []*service
	failed  chan error // the first failure, for whoever waits
}

// service is one part: run blocks until its context ends; before, if set, is called first when stopping,
// while everything still runs.
type service struct {
	name   string
	before func(ctx context.Context) error
	cancel context.CancelFunc
	done   chan struct{}
	err    error // set before done is closed
	stop   sync.Once
}

func newServices(log *slog.Logger) *services {
	return &services{log: log, failed: make(chan error, 1)}
}

// start runs a part in a goroutine that ends when stopAll cancels it or it fails; stopAll waits for it.
// The part's context carries no deadline of the caller: the stop order alone ends it.
func (s *services) start(ctx context.Context, name string, run func(context.Context) error, before func(context.Context) error) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	part := &service{name: name, before: before, cancel: cancel, done: make(chan struct{})}
	s.running = append(s.running, part)
	go func() {
		defer close(part.done)
		err := run(own)
		if err != nil && own.Err() == nil {
			part.err = fmt.Errorf("%s: %w", name, err)
			select {
			case s.failed <- part.err:
			default:
			}
		}
	}()
}

// closing adds something that only has to be closed, at its place in the order.
func (s *services) closing(name string, closer func(ctx context.Context) error) {
	done := make(chan struct{})
	close(done)
	s.running = append(s.running, &service{name: name, before: closer, cancel: func() {}, done: done})
}

// stopAll stops the last started part first. It goes on after a failure, and returns all of them. What
// takes longer than ctx allows is left behind and named.
func (s *services) stopAll(ctx context.Context) error {
	var failures []error
	for _, part := range slices.Backward(s.running) {
		part.stop.Do(func() {
			if part.before != nil {
				if err := part.before(ctx); err != nil {
					failures = append(failures, fmt.Errorf("stop %s: %w", part.name, err))
				}
			}
			part.cancel()
			select {
			case <-part.done:
			case <-ctx.Done():
				failures = append(failures, fmt.Errorf("stop %s: %w", part.name, ctx.Err()))
			}
			s.log.Debug("stopped", "part", part.name)
		})
	}
	return errors.Join(failures...)
}
