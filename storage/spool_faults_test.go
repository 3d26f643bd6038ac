package storage

import (
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/consent"
	"greenroom/media"
)

// faultyDisk fails the operations named in fail, once armed.
type faultyDisk struct {
	disk
	mu   sync.Mutex
	fail map[string]error
	half bool // a failing write leaves half of its bytes
}

func (d *faultyDisk) fault(operation string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fail[operation]
}

func (d *faultyDisk) arm(fail map[string]error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = fail
}

func (d *faultyDisk) create(path string) (diskFile, error) {
	if err := d.fault("create"); err != nil {
		return nil, err
	}
	file, err := d.disk.create(path)
	return &faultyFile{file, d}, err
}

func (d *faultyDisk) open(path string) (diskFile, error) {
	file, err := d.disk.open(path)
	return &faultyFile{file, d}, err
}

func (d *faultyDisk) rename(from, to string) error {
	if err := d.fault("rename"); err != nil {
		return err
	}
	return d.disk.rename(from, to)
}

func (d *faultyDisk) syncFolder(path string) error {
	if err := d.fault("syncFolder"); err != nil {
		return err
	}
	return d.disk.syncFolder(path)
}

type faultyFile struct {
	diskFile
	disk *faultyDisk
}

func (f *faultyFile) Write(data []byte) (int, error) {
	err := f.disk.fault("write")
	if err == nil {
		return f.diskFile.Write(data)
	}
	n := 0
	if f.disk.half {
		n, _ = f.diskFile.Write(data[:len(data)/2])
	}
	return n, err
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.disk.fault("truncate"); err != nil {
		return err
	}
	return f.diskFile.Truncate(size)
}

func (f *faultyFile) Sync() error {
	if err := f.disk.fault("sync"); err != nil {
		return err
	}
	return f.diskFile.Sync()
}

func TestAppendGoesOnAfterAFullDisk(t *testing.T) {
	t.Parallel()
	spool := newTestSpool(t, 1<<20)
	faults := &faultyDisk{disk: spool.disk, half: true}
	spool.disk = faults
	session := consent.NewID[consent.SessionID]()
	key, head := newTestKey(t, session, consent.ScopeRecordingAudio), testHead(session, media.KindAudio, 0)
	w := writeTestSegment(t, spool, key, head, 1)
	faults.arm(map[string]error{"write": syscall.ENOSPC})
	err := w.Append(testChunk(head, 1))
	if !errors.Is(err, ErrSpoolFull) || !strings.Contains(err.Error(), "free space") {
		t.Errorf("append to a full disk = %v, want one that says to free space", err)
	}
	checkUsed(t, spool)
	faults.arm(nil)
	if err := w.Append(testChunk(head, 1)); err != nil {
		t.Fatalf("append after space was freed: %v", err)
	}
	if err := w.Seal(t.Context(), testInfo(head, 2)); err != nil {
		t.Fatalf("seal: %v", err)
	}
	checkSealed(t, spool, key, head, 2)
	checkUsed(t, spool)
}

// TestNoFaultLosesAChunk breaks each step of sealing in turn; recovery then has every chunk.
func TestNoFaultLosesAChunk(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"write", "write+truncate", "sync", "rename", "syncFolder"} {
		t.Run(step, func(t *testing.T) {
			spool := newTestSpool(t, 1<<20)
			faults := &faultyDisk{disk: spool.disk, half: true}
			spool.disk = faults
			session := consent.NewID[consent.SessionID]()
			key, head := newTestKey(t, session, consent.ScopeRecordingAudio), testHead(session, media.KindAudio, 0)
			w := writeTestSegment(t, spool, key, head, 3)
			fail := map[string]error{}
			for operation := range strings.SplitSeq(step, "+") {
				fail[operation] = syscall.EIO
			}
			faults.arm(fail)
			if err := w.Seal(t.Context(), testInfo(head, 3)); !errors.Is(err, syscall.EIO) {
				t.Errorf("seal = %v, want %v", err, syscall.EIO)
			}
			if diff := cmp.Diff([]string{w.name}, spool.brokenFiles()); diff != "" {
				t.Errorf("broken files (-want +got):\n%s", diff)
			}
			if open, _ := spool.isOpen(w.name); open {
				if _, _, err := spool.mend(w.name, key, rebuildTest); err == nil {
					t.Error("mending succeeded while the disk fails")
				}
			}
			faults.arm(nil)
			if open, _ := spool.isOpen(w.name); open {
				if kept, _, err := spool.mend(w.name, key, rebuildTest); err != nil || !kept {
					t.Fatalf("mend = %v, %v", kept, err)
				}
			}
			checkSealed(t, spool, key, head, 3)
		})
	}
}
