package storage

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/tink-crypto/tink-go/v2/tink"

	"greenroom/consent"
)

// masterKeyPrefix begins the one line of a master key file; the key follows in base 64.
const masterKeyPrefix = "greenroom-master-key-1 "

// ErrNoMasterKey says that data keys exist but the master key that wrapped them does not.
var ErrNoMasterKey = errors.New("the master key is missing")

// MasterKey wraps the data keys. It lives outside the database and the bucket: whoever has those and
// not this file has noise.
type MasterKey struct {
	id   string // short hash of the key, stored beside what it wrapped
	aead tink.AEAD
}

// OpenMasterKey reads the master key file. If there is none and mayCreate holds, which must only be
// so while nothing is encrypted yet, it makes one, readable by its owner only.
func OpenMasterKey(path string, mayCreate bool) (*MasterKey, error) {
	text, err := readSecret(path)
	if errors.Is(err, fs.ErrNotExist) && !mayCreate {
		return nil, fmt.Errorf("%w: %s is not there, but the database holds keys that it wrapped: "+
			"restore it from your backup (without it no recording or transcript can be read)", ErrNoMasterKey, path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		text, err = createSecret(path, masterKeyPrefix+base64.StdEncoding.EncodeToString(randomKey())+"\n")
	}
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return parseMasterKey(path, text)
}

func parseMasterKey(path, text string) (*MasterKey, error) {
	encoded, ok := strings.CutPrefix(strings.TrimSuffix(text, "\n"), masterKeyPrefix)
	if !ok {
		return nil, fmt.Errorf("master key: %s is not a master key file: its line must begin with %q",
			path, strings.TrimSpace(masterKeyPrefix))
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("master key: %s is damaged: restore it from your backup", path)
	}
	aead, err := newAEAD(raw)
	if err != nil {
		return nil, fmt.Errorf("master key: %s is damaged: %w", path, err)
	}
	sum := sha256.Sum256(append([]byte("greenroom master key id\x00"), raw...))
	return &MasterKey{id: hex.EncodeToString(sum[:6]), aead: aead}, nil
}

// LogValue implements [slog.LogValuer].
func (m *MasterKey) LogValue() slog.Value { return slog.StringValue("[redacted] " + m.id) }

// ID returns a short name of the key that says nothing about it.
func (m *MasterKey) ID() string { return m.id }

func (m *MasterKey) wrap(raw []byte, session consent.SessionID, scope consent.Scope) ([]byte, error) {
	return m.aead.Encrypt(raw, associatedData("wrap", string(session), string(scope)))
}

func (m *MasterKey) unwrap(wrapped []byte, session consent.SessionID, scope consent.Scope) (*dataKey, error) {
	raw, err := m.aead.Decrypt(wrapped, associatedData("wrap", string(session), string(scope)))
	if err != nil {
		return nil, fmt.Errorf("unwrap key of session %s, scope %s: %w", session, scope, err)
	}
	return newDataKey(raw, session, scope)
}

// readSecret reads a small file and refuses one that others on this machine can read.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others (mode %04o): run chmod 600 on it", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// createSecret writes a new file with mode 0600 and returns what the file then holds, which is what
// another process wrote if that one was first. A crash leaves the whole file or none.
func createSecret(path, text string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.WriteString(text)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	// A link, unlike a rename, never replaces a file that is there.
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	if err := syncPath(filepath.Dir(path)); err != nil {
		return "", err
	}
	return readSecret(path)
}

// syncPath makes what is in a file, or which names are in a folder, survive a power cut.
func syncPath(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
