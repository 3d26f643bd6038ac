package main

import (
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// crowd is several scripted candidates at the same time, in one process.
type crowd struct {
	t       *testing.T
	command *exec.Cmd
	said    lockedBuffer
	ended   chan struct{}
}

// startCrowd lets them begin. Nothing is written down of what they say: the machine is for recording.
func startCrowd(t *testing.T, p *program) *crowd {
	t.Helper()
	c := &crowd{t: t, ended: make(chan struct{})}
	c.command = programCommand(t.Context(), t, "rehearse", "--server", p.address, "--data-dir", p.dataDir,
		"--demo", "--refuse", "transcription", "--sessions", strconv.Itoa(crashCandidates))
	c.command.Stderr = &c.said
	if err := c.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // owner: the test, whose context ends the process
		_ = c.command.Wait() // fails with the server
		close(c.ended)
	}()
	t.Cleanup(func() {
		_ = c.command.Process.Kill()
		<-c.ended
	})
	return c
}

// awaitLive waits until the recording of every candidate has begun.
func (c *crowd) awaitLive() {
	c.t.Helper()
	eventually(c.t, time.Minute, "all candidates to be recorded", func() bool {
		select {
		case <-c.ended:
			c.t.Fatalf("the candidates ended:\n%s", &c.said)
		default:
		}
		return len(c.recorded()) == crashCandidates
	})
}

// owedRecording is what the next server has to have of a session.
type owedRecording struct {
	session        string
	phase          crashPhase
	recorded       bool          // the candidate was told that the recording is on
	sound, picture time.Duration // that was sent until the server was gone
}

var (
	sessionLine = regexp.MustCompile(`\[(\d+)\] session (\w+) for role`)
	onLine      = regexp.MustCompile(`\[(\d+)\] recording on at \d+ ms`)
	sentLine    = regexp.MustCompile(`\[(\d+)\] sent (\d+) ms of sound and (\d+) ms of pictures`)
)

// recorded returns the candidates who were told that their recording is on.
func (c *crowd) recorded() map[string]bool {
	on := map[string]bool{}
	for _, m := range onLine.FindAllStringSubmatch(c.said.String(), -1) {
		on[m[1]] = true
	}
	return on
}

// owes waits for the candidates to notice that the server is gone, and returns what they had sent by then:
// a little more than what had reached it.
func (c *crowd) owes(phase crashPhase) (owed []owedRecording) {
	c.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(time.Minute):
		c.t.Fatalf("the candidates do not notice that the server is gone:\n%s", &c.said)
	}
	said, on, sent := c.said.String(), c.recorded(), map[string][]string{}
	for _, m := range sentLine.FindAllStringSubmatch(said, -1) {
		sent[m[1]] = m[2:]
	}
	length := func(n string, i int) time.Duration {
		if len(sent[n]) == 0 {
			return 0
		}
		ms, err := strconv.Atoi(sent[n][i])
		if err != nil {
			c.t.Fatal(err)
		}
		return time.Duration(ms) * time.Millisecond
	}
	for _, m := range sessionLine.FindAllStringSubmatch(said, -1) {
		owed = append(owed, owedRecording{session: m[2], phase: phase, recorded: on[m[1]], sound: length(m[1], 0), picture: length(m[1], 1)})
	}
	return owed
}
