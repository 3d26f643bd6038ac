package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// thoughtful is an answer with thinking pauses of 2, 4 and 8 s, from 24 s of a built-in one.
func thoughtful(t *testing.T) string {
	t.Helper()
	source := filepath.Join("rehearse", "demo", "answer1.ogg")
	file := filepath.Join(t.TempDir(), "thoughtful.ogg")
	var parts, names []string
	for n, pause := range []int{2, 4, 8, 0} {
		parts = append(parts, fmt.Sprintf("[0]atrim=%d:%d,asetpts=PTS-STARTPTS,apad=pad_dur=%d[p%d]", 5*n, 5*n+5, pause, n))
		names = append(names, fmt.Sprintf("[p%d]", n))
	}
	graph := strings.Join(parts, ";") + ";" + strings.Join(names, "") + fmt.Sprintf("concat=n=%d:v=0:a=1", len(parts))
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", source, "-filter_complex", graph,
		"-c:a", "libopus", "-frame_duration", "20", file).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: run make tools\n%s", err, out)
	}
	return file
}

// Real speech with thinking pauses goes through WebRTC, is not cut, and silence ends it.
func TestSilenceEndsAnAnswerAndThinkingDoesNot(t *testing.T) {
	t.Parallel()
	p := startProgram(t, t.TempDir())
	// Both go beside each other: one is quiet to the end, the other says that it is done.
	quiet := p.startRehearsal("--demo", "--silent", "--speech", thoughtful(t), "--speech", firstSeconds(t, 2, 8), "--answers", "2")
	done := p.startRehearsal("--speech", firstSeconds(t, 2, 8), "--speech", firstSeconds(t, 3, 8), "--answers", "3")
	const length = "the recording lasts as long as the interview" // to half a second; how soon two of them begin is not looked at
	result := quiet.wait(length)
	report := p.logIn(p.accounts().Candidate).report(t, result.Session)
	for n, question := range report.Questions[:2] {
		// It never says that the answer is done, but has nothing to add to the follow-up, and says so.
		if len(question.Takes) != 1 || question.Takes[0].EndedBy != "done" {
			t.Fatalf("question %d has the takes %+v, want one", n, question.Takes)
		}
	}
	if n := strings.Count(quiet.said.String(), "follow-up: "); n != 2 {
		t.Errorf("silence was followed by %d follow-ups, want 2", n)
	}
	if lines := report.Questions[0].Takes[0].Lines; len(lines) < 4 || len(report.Loose) > 0 {
		t.Errorf("the answer has %d lines and %d are in none, want one for each part at least", len(lines), len(report.Loose))
	}
	// Of the pauses that of eight seconds alone was long enough for a countdown; it was taken back.
	if n := strings.Count(quiet.said.String(), "a countdown began"); n != 3 {
		t.Errorf("a countdown began %d times, want in the long pause and after each answer", n)
	}
	other := done.wait(length)
	delays := slices.Concat(result.TurnMS, other.TurnMS)
	t.Logf("from the end of an answer to the next turn: %v ms after a countdown, %v ms after done", result.TurnMS, other.TurnMS)
	// A machine that is busy for a second takes a countdown back until the sound has caught up.
	if len(result.TurnMS) == 0 || len(other.TurnMS) != 2 {
		t.Errorf("%d and %d turns were measured, want at least 1 and 2", len(result.TurnMS), len(other.TurnMS))
	}
	for _, delay := range delays {
		if delay > 300 {
			t.Errorf("a turn came %d ms after the answer had ended, want at most 300", delay)
		}
	}
}
