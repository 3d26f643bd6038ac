package main

import (
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
)

// prepared is the data folder of a server that has started for the first time and stopped. A first start makes a
// database cluster with its tables, and demo accounts; that is seconds of work, and few tests are about it.
var prepared struct {
	sync.Once
	folder string
}

// preparedFolder returns a data folder that a server has started in once. Each is a copy of the same one, so their
// servers have the same accounts and keys.
func preparedFolder(t *testing.T) string {
	t.Helper()
	prepared.Do(func() {
		folder, err := roomyFolder()
		if err != nil {
			t.Fatal(err)
		}
		p := launchProgram(t, folder)
		p.awaitReady()
		p.stop()
		if p.err != nil {
			t.Fatalf("the first start ended with %v\n%s", p.err, p.output)
		}
		prepared.folder = folder
	})
	if prepared.folder == "" {
		t.Fatal("the first start failed, as another test has said")
	}
	folder, err := roomyFolder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if out, err := exec.CommandContext(t.Context(), "cp", "-a", prepared.folder+"/.", folder).CombinedOutput(); err != nil { // owners, too
		t.Fatalf("copy the prepared data folder: %v\n%s", err, out)
	}
	return folder
}

// roomyFolder makes a folder that the user Postgres runs as can enter, in memory where there is room: a disk that is
// busy with the syncs of other tests lets a database wait for seconds.
func roomyFolder() (string, error) {
	const inMemory, room = "/dev/shm", 3 << 30
	base := ""
	var system syscall.Statfs_t
	if err := syscall.Statfs(inMemory, &system); err == nil && int64(system.Bavail)*system.Bsize >= room {
		base = inMemory
	}
	folder, err := os.MkdirTemp(base, "greenroom-data-")
	if err != nil {
		return "", err
	}
	return folder, os.Chmod(folder, 0o711) // the Postgres user must pass
}

// removePrepared is called when all tests have ended.
func removePrepared() {
	if prepared.folder != "" {
		_ = os.RemoveAll(prepared.folder)
	}
}
