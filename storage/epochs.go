package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"

	"greenroom/consent"
)

// epochFile is the file of the epoch keys, beside the master key.
const epochFile = "epochs.json"

const (
	// epochEvery is how old the newest epoch key gets before there is another.
	epochEvery = 24 * time.Hour
	// keptDestroyed is how many epochs without a key the file still names, so that an error can say
	// when the key ended.
	keptDestroyed = 64
)

// ErrNoEpoch says that wrapped keys need an epoch key that is not in the secrets folder.
var ErrNoEpoch = errors.New("the epoch key is missing")

// epoch is one day's key. A wrapped data key is sealed under the master key, which never changes, and
// over that under the newest epoch key, and is sealed anew every day. An epoch key is destroyed after
// 21 days: what an older copy of the database holds is noise from then on, so an erased session cannot
// come back out of a backup, although nobody ever edits one.
type epoch struct {
	Number    int       `json:"number"`
	Made      time.Time `json:"made"` // database time
	Key       []byte    `json:"key,omitempty"`
	Destroyed time.Time `json:"destroyed,omitzero"`
}

// epochs are the epoch keys of the secrets folder. Servers of one database share the folder; each reads
// the file again when it meets an epoch that it does not know. It is safe for concurrent use; the file
// is only written under the lock that [Keys.withEpochs] takes.
type epochs struct {
	path string

	mu   sync.RWMutex // guards what follows
	list []epoch      // ascending
	keys map[int]tink.AEAD
}

// load reads the file; [fs.ErrNotExist] if there is none.
func (e *epochs) load() error {
	text, err := readSecret(e.path)
	if err != nil {
		return fmt.Errorf("epoch keys: %w", err)
	}
	var list []epoch
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return fmt.Errorf("epoch keys: %s is damaged: restore it from your newest key backup: %w", e.path, err)
	}
	keys := map[int]tink.AEAD{}
	for i, one := range list {
		if i > 0 && one.Number <= list[i-1].Number {
			return fmt.Errorf("epoch keys: %s is damaged: epoch %d comes after %d", e.path, one.Number, list[i-1].Number)
		}
		if len(one.Key) == 0 {
			continue
		}
		if keys[one.Number], err = newAEAD(one.Key); err != nil {
			return fmt.Errorf("epoch keys: epoch %d in %s is damaged: %w", one.Number, e.path, err)
		}
	}
	if len(list) == 0 || keys[list[len(list)-1].Number] == nil {
		return fmt.Errorf("epoch keys: %s has no newest key: restore it from your newest key backup", e.path)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list, e.keys = list, keys
	return nil
}

// replace writes the file so that a crash leaves the old one or the new one, and takes it into use. Keys
// that are not in the list any more are gone with that.
func (e *epochs) replace(list []epoch) error {
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return fmt.Errorf("epoch keys: %w", err)
	}
	if err := errors.Join(writeNew(e.path, append(text, '\n')), syncPath(filepath.Dir(e.path))); err != nil {
		return fmt.Errorf("epoch keys: %w", err)
	}
	return e.load()
}

// all returns a copy of the list.
func (e *epochs) all() []epoch {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return slices.Clone(e.list)
}

func (e *epochs) newest() epoch {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.list[len(e.list)-1]
}

// key returns an epoch's key, nil if this process does not know it.
func (e *epochs) key(number int) tink.AEAD {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.keys[number]
}

// Epochs returns when the newest epoch key and the oldest one that still exists were made.
func (k *Keys) Epochs() (newest, oldest time.Time, err error) {
	if err := k.epochs.load(); err != nil {
		return time.Time{}, time.Time{}, err
	}
	list := k.epochs.all()
	for _, one := range list {
		if len(one.Key) > 0 {
			return list[len(list)-1].Made, one.Made, nil
		}
	}
	return time.Time{}, time.Time{}, nil
}

// seal puts the newest epoch's seal over a key that the master key wrapped.
func (e *epochs) seal(wrapped []byte, session consent.SessionID, scope consent.Scope) ([]byte, int, error) {
	number := e.newest().Number
	sealed, err := e.key(number).Encrypt(wrapped, epochData(number, session, scope))
	if err != nil {
		return nil, 0, fmt.Errorf("seal key of session %s, scope %s: %w", session, scope, err)
	}
	return sealed, number, nil
}

// open takes the seal off. What it returns still needs the master key.
func (e *epochs) open(sealed []byte, number int, session consent.SessionID, scope consent.Scope) ([]byte, error) {
	if number == 0 { // from before there were epochs
		return sealed, nil
	}
	key := e.key(number)
	if key == nil { // another server made it
		if err := e.load(); err != nil {
			return nil, err
		}
		if key = e.key(number); key == nil {
			return nil, e.missing(number)
		}
	}
	wrapped, err := key.Decrypt(sealed, epochData(number, session, scope))
	if err != nil {
		return nil, fmt.Errorf("open key of session %s, scope %s under epoch %d: %w", session, scope, number, err)
	}
	return wrapped, nil
}

// missing says why there is no key. One that ended leaves nothing to find, for anybody.
func (e *epochs) missing(number int) error {
	if number > e.newest().Number {
		return fmt.Errorf("%w: epoch %d is newer than %s: servers of one database share one secrets folder",
			ErrNoEpoch, number, e.path)
	}
	ended := "long ago"
	for _, one := range e.all() {
		if one.Number == number {
			ended = "on " + one.Destroyed.Format(time.DateOnly)
		}
	}
	return fmt.Errorf("%w: %w: epoch %d ended %s, what was sealed under it cannot be opened again",
		consent.ErrNotFound, ErrNoEpoch, number, ended)
}

func epochData(number int, session consent.SessionID, scope consent.Scope) []byte {
	return associatedData("epoch", strconv.Itoa(number), string(session), string(scope))
}
