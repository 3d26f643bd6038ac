package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// A server that is stopped and started again while a candidate speaks: the same session and the same
// recording go on, and what is missing is told with its bounds.
func TestSessionGoesOnInTheNextServer(t *testing.T) {
	t.Parallel()
	dataDir := preparedFolder(t)
	p := startProgram(t, dataDir)
	first := p.startRehearsal("--demo", "--answers", "2")
	zero := first.mediaZero()
	session := first.session()
	<-time.After(time.Until(zero.Add(3 * time.Second))) // of media: what is tried is that it is kept
	stopped := time.Now()
	p.stop()
	<-first.ended // its room was closed

	p = startProgram(t, dataDir)
	second := p.startRehearsal("--demo", "--answers", "1", "--speech", firstSeconds(t, 1, 5), "--session", session)
	second.await("the server receives audio and video", 1)
	back := time.Now()
	second.wait("the recording lasts as long as the interview") // it is longer than this candidate's part
	candidate := p.logIn(p.accounts().Candidate)
	report := candidate.report(t, session)
	for _, kind := range []string{"audio", "video"} {
		found := 0
		for _, gap := range report.Gaps {
			t.Logf("%s from %d ms to %d ms: %s; stopped at %v, back at %v", gap.Kind, gap.StartMS, gap.EndMS, gap.Reason, stopped.Sub(zero), back.Sub(zero))
			if gap.Kind != kind || gap.Reason != "serverdown" {
				continue
			}
			found++
			near(t, kind+" ends", gap.StartMS, stopped.Sub(zero))
			near(t, kind+" begins again", gap.EndMS, back.Sub(zero))
		}
		if found != 1 {
			t.Errorf("%d gaps of %s tell of the restart, want one: %+v", found, kind, report.Gaps)
		}
	}
	if n := strings.Count(candidate.get(t, "/api/v1/sessions", http.StatusOK), `"id":"`+session+`"`); n != 1 {
		t.Errorf("the session is listed %d times", n)
	}
	if state := candidate.played(t, session); !state.Audio || !state.Video {
		t.Errorf("the recording has sound %v, picture %v", state.Audio, state.Video)
	}
}

// near fails the test unless a media time is the given one to within half a second.
func near(t *testing.T, what string, ms int64, want time.Duration) {
	t.Helper()
	if off := time.Duration(ms)*time.Millisecond - want; off.Abs() > 500*time.Millisecond {
		t.Errorf("%s at %d ms, want %v", what, ms, want)
	}
}
