package main

import (
	"context"
	"testing"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

// slowScribe has words of a session until it is told that they are written.
type slowScribe struct {
	media.UtteranceSink
	written bool
}

func (s *slowScribe) DrainSession(ctx context.Context, _ consent.SessionID) error {
	if s.written {
		return nil
	}
	return ctx.Err()
}

type endedSessions struct{ liveSessions }

func (endedSessions) EndSession(context.Context, consent.SessionID) error { return nil }

// Words that are written down after the interview has ended still belong to their answer.
func TestLastWordsFindTheirAnswerAfterTheEnd(t *testing.T) {
	scribe := &slowScribe{}
	machine := assess.NewInterview(assess.Plan{}, nil)
	d := &desk{live: endedSessions{}, scribe: scribe, log: quiet(), open: map[consent.SessionID]openRoom{
		savedSession: {interviewer: &interviewer{machine: machine}},
	}}
	if err := d.End(t.Context(), savedSession, "finished"); err != nil {
		t.Fatal(err)
	}
	d.forgetEnded()
	if _, there := d.open[savedSession]; !there {
		t.Error("the room is forgotten while words of it are not written down")
	}
	scribe.written = true
	d.forgetEnded()
	if _, there := d.open[savedSession]; there {
		t.Error("the room is kept after its last words are written down")
	}
}
