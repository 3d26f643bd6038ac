//go:build unix

package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// limitReader takes away from this process what reading a PDF does not need. Go's own reserved addresses
// count in RLIMIT_AS, so memory is bounded by RLIMIT_DATA, where the system counts it.
func limitReader() error {
	for _, limit := range []struct {
		name     string
		resource int
		most     uint64
	}{
		{"processor time", unix.RLIMIT_CPU, 20}, // seconds
		{"memory", unix.RLIMIT_DATA, 2 << 30},   // the race detector of a test takes most of it
		{"size of files", unix.RLIMIT_FSIZE, 0},
		{"core dumps", unix.RLIMIT_CORE, 0},
		{"open files", unix.RLIMIT_NOFILE, 16},
	} {
		if err := unix.Setrlimit(limit.resource, &unix.Rlimit{Cur: limit.most, Max: limit.most}); err != nil {
			return fmt.Errorf("%s: %w", limit.name, err)
		}
	}
	return nil
}
