package storage

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"greenroom/consent"
)

// notaryFile is the file in the secrets folder with the keys that sign.
const notaryFile = "receipt-keys.json"

// Notary signs what this server gives out: receipts, checkpoints of the ledger, certificates. Its keys
// lie in a file that servers of one database share and that a rotation may change at any time; each
// signature looks whether it did.
type Notary struct {
	path string

	mu       sync.Mutex // guards what follows; held while a small local file is read
	seen     os.FileInfo
	keys     notaryKeys
	operator consent.Operator
}

// notaryKeys is the file. A key that was replaced loses its private part and stays for what it signed.
type notaryKeys struct {
	Pseudonyms []byte      `json:"pseudonyms"` // key of the names that persons have towards organizations
	Keys       []notaryKey `json:"keys"`       // the newest last, which signs
}

type notaryKey struct {
	From   time.Time `json:"from"`
	Until  time.Time `json:"until,omitzero"`
	Public []byte    `json:"public"`
	Seed   []byte    `json:"seed,omitempty"`
}

// OpenNotary reads the keys, and makes the first one if there is none.
func OpenNotary(secretsDir string) (*Notary, error) {
	n := &Notary{path: filepath.Join(secretsDir, notaryFile)}
	first, err := newNotaryKey(time.Now())
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(notaryKeys{Pseudonyms: randomKey(), Keys: []notaryKey{first}}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the receipt keys: %w", err)
	}
	if _, err := os.Stat(n.path); errors.Is(err, os.ErrNotExist) {
		if _, err := createSecret(n.path, string(text)); err != nil {
			return nil, fmt.Errorf("write the receipt keys: %w", err)
		}
	}
	return n, n.look()
}

func newNotaryKey(from time.Time) (notaryKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return notaryKey{}, fmt.Errorf("make a receipt key: %w", err)
	}
	return notaryKey{From: from.UTC().Truncate(time.Second), Public: public, Seed: private.Seed()}, nil
}

// Describe says who runs the server, as receipts name it. Call it before anything is signed.
func (n *Notary) Describe(operator consent.Operator) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.operator = operator
}

// Operator returns who runs the server.
func (n *Notary) Operator() consent.Operator {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.operator
}

// KeySet returns every key that ever signed.
func (n *Notary) KeySet() (consent.KeySet, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.look(); err != nil {
		return consent.KeySet{}, err
	}
	var set consent.KeySet
	for _, k := range n.keys.Keys {
		key, err := consent.NewPublicKey(k.Public, k.From, k.Until)
		if err != nil {
			return consent.KeySet{}, err //nolint:wrapcheck // says itself what it did
		}
		set.Keys = append(set.Keys, key)
	}
	return set, nil
}

// sign signs a document with the newest key.
func (n *Notary) sign(kind consent.DocumentType, body any) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.look(); err != nil {
		return "", err
	}
	key := n.keys.Keys[len(n.keys.Keys)-1]
	return consent.Sign(ed25519.NewKeyFromSeed(key.Seed), kind, body) //nolint:wrapcheck // says itself what it did
}

// SignExport signs what seals an export's manifest.
func (n *Notary) SignExport(body any) (string, error) { return n.sign(consent.DocumentExport, body) }

// pseudonym names a person towards one organization, or towards nobody else if it is empty. Two
// organizations cannot tell by it that they know the same person.
func (n *Notary) pseudonym(account consent.AccountID, org consent.OrgID) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	mac := hmac.New(sha256.New, n.keys.Pseudonyms)
	mac.Write([]byte("greenroom pairwise name\x00" + string(account) + "\x00" + string(org)))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac.Sum(nil)[:16]))
}

// Rotate makes a new key sign from now on and destroys the private part of the one before. Servers that
// run take it up with their next signature.
func (n *Notary) Rotate(now time.Time) error {
	lock, err := lockFile(n.path + ".lock")
	if err != nil {
		return fmt.Errorf("replace the receipt key: %w", err)
	}
	defer func() { _ = lock.Close() }()
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.look(); err != nil {
		return err
	}
	next, err := newNotaryKey(now)
	if err != nil {
		return err
	}
	changed := notaryKeys{Pseudonyms: n.keys.Pseudonyms, Keys: append([]notaryKey(nil), n.keys.Keys...)}
	last := &changed.Keys[len(changed.Keys)-1]
	last.Until, last.Seed = next.From, nil
	changed.Keys = append(changed.Keys, next)
	text, err := json.MarshalIndent(changed, "", "  ")
	if err == nil {
		err = errors.Join(writeNew(n.path, text), syncPath(filepath.Dir(n.path)))
	}
	if err != nil {
		return fmt.Errorf("replace the receipt key: %w", err)
	}
	return n.look()
}

// look reads the file again if it is another one than before. The caller holds the mutex, or is alone.
func (n *Notary) look() error {
	info, err := os.Stat(n.path)
	if err != nil {
		return fmt.Errorf("receipt keys: %w: restore the file from your backup", err)
	}
	if n.seen != nil && os.SameFile(n.seen, info) && n.seen.ModTime().Equal(info.ModTime()) && n.seen.Size() == info.Size() {
		return nil
	}
	text, err := readSecret(n.path)
	if err != nil {
		return fmt.Errorf("receipt keys: %w", err)
	}
	var keys notaryKeys
	if err := json.Unmarshal([]byte(text), &keys); err != nil || !keys.whole() {
		return fmt.Errorf("receipt keys: %s is damaged: restore it from your backup", n.path)
	}
	n.keys, n.seen = keys, info
	return nil
}

// whole reports whether the last key can sign and every key is what it says.
func (k notaryKeys) whole() bool {
	if len(k.Keys) == 0 || len(k.Pseudonyms) < 32 {
		return false
	}
	for i, key := range k.Keys {
		last := i == len(k.Keys)-1
		if len(key.Public) != ed25519.PublicKeySize || last != key.Until.IsZero() || last != (len(key.Seed) == ed25519.SeedSize) {
			return false
		}
	}
	last := k.Keys[len(k.Keys)-1]
	public, ok := ed25519.NewKeyFromSeed(last.Seed).Public().(ed25519.PublicKey)
	return ok && public.Equal(ed25519.PublicKey(last.Public))
}
