package judge

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// FFmpeg runs a program of ffmpeg's and returns all that it printed.
func FFmpeg(tb testing.TB, program string, args ...string) string {
	tb.Helper()
	out, said := run(tb, program, args...)
	return out + said
}

// run returns what the program wrote to its output, and what it said beside.
func run(tb testing.TB, program string, args ...string) (out, said string) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("runs ffmpeg")
	}
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(tb.Context(), program, args...) //nolint:gosec // tests say what to run
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		tb.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), stderr.String()
}
