package storage

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// stopWithParent asks the kernel to stop Postgres, cleanly, when the thread that started it dies.
func stopWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGINT }

// holdThread keeps the calling goroutine on its thread until it ends.
func holdThread() { runtime.LockOSThread() }

// postmasterRuns reports whether the process is the server of this cluster: Postgres makes the
// cluster its working folder.
func postmasterRuns(pid int, cluster string) bool {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	cwd, err := os.Stat(filepath.Join(proc, "cwd"))
	if err != nil {
		return false
	}
	want, err := os.Stat(cluster)
	return err == nil && os.SameFile(cwd, want)
}
