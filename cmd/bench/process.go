//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a subject's process on its own CPU, alone in a process group.
type process struct {
	command *exec.Cmd
	lines   chan string // of its standard output
	said    *tail       // its last words, for an error
	ended   chan struct{}
}

// startProcess starts a program on the subject's CPU and returns at once.
func startProcess(ctx context.Context, folder, name string, args ...string) (*process, error) {
	p := &process{
		command: exec.CommandContext(ctx, "taskset", append([]string{"-c", subjectCPU, name}, args...)...),
		lines:   make(chan string, 256), said: &tail{}, ended: make(chan struct{}),
	}
	p.command.Dir = folder
	p.command.Stderr = p.said
	p.command.Cancel = func() error { return p.command.Process.Signal(os.Interrupt) }
	p.command.WaitDelay = time.Minute
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() { // owner: the process; ends with its output, and stop waits for that
		defer close(p.ended)
		scanner := bufio.NewScanner(out)
		for scanner.Scan() {
			_, _ = p.said.Write(append(scanner.Bytes(), '\n'))
			select {
			case p.lines <- scanner.Text():
			default: // nobody reads any more
			}
		}
		close(p.lines)
		_ = p.command.Wait() // how it ended is in its words
	}()
	return p, nil
}

// await returns what follows the prefix in a line of the process.
func (p *process) await(ctx context.Context, prefix string, limit time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		select {
		case line, more := <-p.lines:
			if !more {
				return "", fmt.Errorf("it ended without saying %q: %s", prefix, p.said)
			}
			if rest, ok := strings.CutPrefix(strings.TrimSpace(line), prefix); ok {
				return strings.TrimSpace(rest), nil
			}
		case <-ctx.Done():
			return "", fmt.Errorf("it does not say %q: %w: %s", prefix, ctx.Err(), p.said)
		}
	}
}

func (p *process) pid() int { return p.command.Process.Pid }

// stop interrupts the process and waits for its end.
func (p *process) stop(limit time.Duration) error {
	_ = p.command.Process.Signal(os.Interrupt) // ended already: then there is nothing to interrupt
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.ended:
		return nil
	case <-timer.C:
		_ = p.command.Process.Kill()
		<-p.ended
		return fmt.Errorf("it did not stop in %v and was killed: %s", limit, p.said)
	}
}

const tailSize = 4 << 10

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if len(t.text) > tailSize {
		t.text = t.text[len(t.text)-tailSize:]
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// tick is the unit of processor times in /proc (USER_HZ, 100 on every Linux that Go runs on).
const tick = 10 * time.Millisecond

// stat reads fields of /proc/PID/stat, counted as proc(5) does from 3 on.
func stat(pid int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	end := bytes.LastIndexByte(text, ')') // the name may hold anything
	if end < 0 {
		return nil, errors.New("a stat line without a name")
	}
	return append(make([]string, 3), strings.Fields(string(text[end+1:]))...), nil
}

// cpuTime is utime and stime of a process, and of its ended children if they are asked for.
func cpuTime(pid int, ended bool) (time.Duration, error) {
	fields, err := stat(pid)
	if err != nil {
		return 0, err
	}
	last := 15
	if ended {
		last = 17
	}
	var all int64
	for _, field := range fields[14 : last+1] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("processor time of %d: %w", pid, err)
		}
		all += n
	}
	return time.Duration(all) * tick, nil
}

// childrenTime is the processor time of everything below a process.
func childrenTime(pid int) (all time.Duration) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is right
	for _, list := range lists {
		text, _ := os.ReadFile(list) // its thread may have ended
		for child := range strings.FieldsSeq(string(text)) {
			id, err := strconv.Atoi(child)
			if err != nil {
				continue
			}
			own, _ := cpuTime(id, true) // gone meanwhile: in its parent's count
			all += own + childrenTime(id)
		}
	}
	return all
}

// residentSize is the memory of a process, in bytes.
func residentSize(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // gone: no memory
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

// kernelDrops counts the datagrams that the kernel threw away for the UDP sockets of a process, because
// their buffers were full.
func kernelDrops(pid int) (drops int64) {
	own := map[string]bool{}
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, file := range files {
		target, _ := os.Readlink(file)
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			own[strings.TrimSuffix(inode, "]")] = true
		}
	}
	for _, table := range []string{"/proc/net/udp", "/proc/net/udp6"} {
		text, _ := os.ReadFile(table)
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			const inode, dropped = 9, 12
			if len(fields) > dropped && own[fields[inode]] {
				n, _ := strconv.ParseInt(fields[dropped], 10, 64)
				drops += n
			}
		}
	}
	return drops
}

// ownTime is this process's processor time.
func ownTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
