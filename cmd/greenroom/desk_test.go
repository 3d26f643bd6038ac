package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

// slowScribe has words of a session until written is closed.
type slowScribe struct {
	media.UtteranceSink
	media.RunningSink
	written chan struct{}
}

func (s *slowScribe) DrainSession(ctx context.Context, _ consent.SessionID) error {
	select {
	case <-s.written:
		return nil
	default:
	}
	select {
	case <-s.written:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slowScribe) DrainBefore(ctx context.Context, id consent.SessionID, _ time.Duration) error {
	return s.DrainSession(ctx, id)
}

type endedSessions struct {
	liveSessions
	ended time.Time
}

func (e *endedSessions) EndSession(ctx context.Context, _ consent.SessionID) error {
	e.ended = time.Now()
	return ctx.Err()
}

// deskOfOne has one room, whose words a slow scribe writes down.
func deskOfOne() (*desk, *slowScribe, *endedSessions) {
	scribe, sessions := &slowScribe{written: make(chan struct{})}, &endedSessions{}
	machine := assess.NewInterview(assess.Plan{}, nil)
	return &desk{live: sessions, scribe: scribe, log: quiet(), open: map[consent.SessionID]openRoom{
		savedSession: {interviewer: &interviewer{machine: machine}},
	}}, scribe, sessions
}

func (d *desk) remembers(id consent.SessionID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, there := d.open[id]
	return there
}

func TestEndWaitsForTheLastWords(t *testing.T) {
	for name, c := range map[string]struct{ writing, want time.Duration }{
		"written at once":  {0, 0},
		"written soon":     {3 * time.Second, 3 * time.Second},
		"written too late": {time.Minute, lastWords},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, scribe, sessions := deskOfOne()
				time.AfterFunc(c.writing, func() { close(scribe.written) })
				synctest.Wait()
				began := time.Now()
				if err := d.End(t.Context(), savedSession, "finished"); err != nil {
					t.Fatal(err)
				}
				if took := sessions.ended.Sub(began); took != c.want {
					t.Errorf("stored after %v, want %v", took, c.want)
				}
				<-scribe.written // the timer has run
			})
		})
	}
}

func TestClosedRoomIsForgotten(t *testing.T) {
	d, scribe, _ := deskOfOne()
	close(scribe.written)
	if err := d.End(t.Context(), savedSession, "finished"); err != nil {
		t.Fatal(err)
	}
	if !d.remembers(savedSession) {
		t.Error("the room is forgotten while it is still open")
	}
	d.Close("another")
	if !d.remembers(savedSession) {
		t.Error("closing another room took this one")
	}
	d.Close(savedSession)
	d.Close(savedSession)
	if d.remembers(savedSession) {
		t.Error("the room is kept without end")
	}
}
