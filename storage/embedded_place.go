package storage

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// farRoot is where the cluster goes when the data folder lies where the user Postgres runs as cannot
// go, for example under /root.
const farRoot = "/var/lib/greenroom"

// maxSocketPath leaves room in the 108 bytes that the kernel allows for a socket's path (unix(7)).
const maxSocketPath = 107 - len("/.s.PGSQL.5432.lock")

// embeddedPlace is where the private Postgres lives and the user it runs as.
type embeddedPlace struct {
	home    string // the server's own: lock, password, log
	root    string // the Postgres user's own: cluster and copied programs
	sockets string // the Postgres user's own
	runAs   *syscall.Credential
}

func (p embeddedPlace) cluster() string { return filepath.Join(p.root, "cluster") }

// attributes make a child run as the Postgres user.
func (p embeddedPlace) attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: p.runAs}
}

// give hands a file to the Postgres user.
func (p embeddedPlace) give(path string) error {
	if p.runAs == nil {
		return nil
	}
	if err := os.Chown(path, int(p.runAs.Uid), int(p.runAs.Gid)); err != nil {
		return fmt.Errorf("give %s to the user Postgres runs as: %w", filepath.Base(path), err)
	}
	return nil
}

// removeSockets removes the socket folder if it was made for this run only.
func (p embeddedPlace) removeSockets() {
	if p.sockets != filepath.Join(p.root, "socket") {
		_ = os.RemoveAll(p.sockets)
	}
}

// preparePlace makes the folders. Postgres refuses to run as root, so root gives them to a user that
// exists (Postgres looks its name up); nobody else but root can enter them.
func preparePlace(dataDir, far string) (embeddedPlace, error) {
	home, err := filepath.Abs(dataDir)
	if err != nil {
		return embeddedPlace{}, fmt.Errorf("find the data folder: %w", err)
	}
	p := embeddedPlace{home: home}
	if os.Geteuid() == 0 {
		if p.runAs, err = unprivilegedUser(); err != nil {
			return embeddedPlace{}, err
		}
	}
	// The data folder itself may be passed through, not listed: the folders in it are closed.
	if err := os.MkdirAll(home, 0o711); err != nil { //nolint:gosec // the Postgres user must pass
		return embeddedPlace{}, fmt.Errorf("make the data folder: %w", err)
	}
	p.root = filepath.Join(home, "postgres")
	if !enterable(home, p.runAs) {
		sum := sha256.Sum256([]byte(home))
		if err := os.MkdirAll(far, 0o711); err != nil { //nolint:gosec // the Postgres user must pass
			return embeddedPlace{}, fmt.Errorf("make %s, because the user Postgres runs as cannot enter %s: %w", far, home, err)
		}
		p.root = filepath.Join(far, hex.EncodeToString(sum[:8]))
	}
	if err := p.makeClosed(p.root); err != nil {
		return embeddedPlace{}, err
	}
	p.sockets = filepath.Join(p.root, "socket")
	if len(p.sockets) <= maxSocketPath {
		return p, p.makeClosed(p.sockets)
	}
	if p.sockets, err = os.MkdirTemp("", "greenroom-"); err != nil {
		return embeddedPlace{}, fmt.Errorf("make a socket folder with a short name: %w", err)
	}
	return p, p.give(p.sockets)
}

// makeClosed makes a folder that only the Postgres user (and root) can enter.
func (p embeddedPlace) makeClosed(folder string) error {
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make a folder for Postgres: %w", err)
	}
	info, err := os.Lstat(folder)
	if err != nil || !info.IsDir() {
		return fmt.Errorf("%s is not a folder: %w", folder, err)
	}
	if err := os.Chmod(folder, 0o700); err != nil { //nolint:gosec // a folder needs its x bit
		return fmt.Errorf("close %s to others: %w", folder, err)
	}
	return p.give(folder)
}

// unprivilegedUser returns whom Postgres runs as when we are root.
func unprivilegedUser() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("postgres refuses to run as root and there is no user postgres or nobody to run it as: add one, or do not run as root")
}

// enterable reports whether the user can pass through the folder and all its parents. Without a
// credential the question is about ourselves and left to the kernel.
func enterable(folder string, who *syscall.Credential) bool {
	if who == nil {
		return true
	}
	resolved, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return false
	}
	for {
		if !mayPass(resolved, who) {
			return false
		}
		parent := filepath.Dir(resolved)
		if parent == resolved {
			return true
		}
		resolved = parent
	}
}

func mayPass(folder string, who *syscall.Credential) bool {
	info, err := os.Stat(folder)
	if err != nil {
		return false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	switch {
	case owner.Uid == who.Uid:
		return info.Mode()&0o100 != 0
	case owner.Gid == who.Gid:
		return info.Mode()&0o010 != 0
	default:
		return info.Mode()&0o001 != 0
	}
}
