//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// settings are the flags.
type settings struct {
	sessions int
	rounds   int
	warm     time.Duration
	window   time.Duration
	subjects []string
	json     bool
	work     string // folder of the clip and of what subjects write
	seed     uint64
	profile  string // folder for perf records of the subject; empty: none
	mode     string
	step     int
}

const (
	publisherCPU = "0"
	subjectCPU   = "1"
	// pinned tells the second start of this program, on its own CPU, from the first.
	pinned = "GREENROOM_BENCH_PINNED"
)

func main() {
	err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		return serveFloor(ctx, os.Args[2:])
	}
	s, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if os.Getenv(pinned) == "" {
		return again(ctx)
	}
	return measure(ctx, s)
}

func parse(args []string) (settings, error) {
	var s settings
	var subjects string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&s.sessions, "n", 20, "sessions at the same time")
	flags.IntVar(&s.rounds, "rounds", 3, "rounds of each subject, shuffled among the others")
	seconds := flags.Int("seconds", 12, "length of the measured window")
	warm := flags.Int("warm", 4, "seconds of sending before it")
	flags.StringVar(&subjects, "subjects", strings.Join(subjectNames(), ","), "which subjects, in any order")
	flags.BoolVar(&s.json, "json", false, "print every round as JSON")
	flags.StringVar(&s.work, "work", ".greenroom/bench", "folder of the clip and of what subjects write meanwhile")
	flags.Uint64Var(&s.seed, "seed", uint64(time.Now().UnixNano()), "of the shuffling")
	flags.StringVar(&s.profile, "profile", "", "folder for perf records of each subject's window (needs perf)")
	flags.StringVar(&s.mode, "mode", "cost", "cost: CPU and memory at -n sessions; capacity: grow until the recordings are no longer whole")
	flags.IntVar(&s.step, "step", 20, "capacity: sessions more in each step")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.warm, s.window = time.Duration(*warm)*time.Second, time.Duration(*seconds)*time.Second
	s.subjects = strings.FieldsFunc(subjects, func(r rune) bool { return r == ',' })
	if s.sessions < 1 || s.rounds < 1 || *seconds < 1 || s.step < 1 {
		return s, errors.New("-n, -rounds, -seconds and -step are at least 1")
	}
	if s.mode != "cost" && s.mode != "capacity" {
		return s, fmt.Errorf("-mode is cost or capacity, not %q", s.mode)
	}
	work, err := filepath.Abs(s.work)
	s.work = work
	return s, err
}

// again starts this program on the publisher's CPU: the affinity must be there before the Go runtime
// counts its processors.
func again(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "taskset", append([]string{"-c", publisherCPU, self}, os.Args[1:]...)...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = time.Minute
	command.Env = append(os.Environ(), pinned+"=1")
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("run on CPU %s: %w", publisherCPU, err)
	}
	return nil
}
