package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// fileLock is the kernel's lock on a file, which makes a folder one process's own. It goes when the process ends,
// however it ends.
type fileLock struct{ file *os.File }

// lockFile takes a lock, or says at once that another process has it.
func lockFile(path string) (fileLock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fileLock{}, fmt.Errorf("lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return fileLock{}, fmt.Errorf("another server or command uses %s: stop it first: %w", filepath.Dir(path), err)
	}
	return fileLock{file}, nil
}

// Close gives the lock back. To close the file would not do: a process that is being started has it open too, until
// it runs its own program (flock(2)).
func (l fileLock) Close() error {
	return errors.Join(syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN), l.file.Close())
}
