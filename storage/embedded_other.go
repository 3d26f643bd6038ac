//go:build !linux

package storage

import "syscall"

// stopWithParent does nothing: only Linux tells a child of its parent's death. The next start stops a
// Postgres that was left behind.
func stopWithParent(*syscall.SysProcAttr) {}

// holdThread does nothing: no kernel watches the thread here.
func holdThread() {}

// postmasterRuns reports whether a process has this id; without /proc more cannot be known.
func postmasterRuns(pid int, _ string) bool { return syscall.Kill(pid, 0) == nil }
