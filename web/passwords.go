package web

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/argon2id"

	"greenroom/consent"
)

// Pepper keys what is hashed, so that a copy of the database alone is not enough to try passwords.
// Storage implements it with a key from the secrets folder.
type Pepper interface {
	// Pepper names the key that new hashes get.
	Pepper() string
	// Season returns what is hashed in place of the password under the key of that name; empty: itself.
	Season(password, pepper string) (string, error)
}

// A hash that no password has, of the same cost as a real one: an address that has no account takes
// as long to refuse as one that has.
const dummyHash = "$argon2id$v=19$m=65536,t=3,p=1$Z3JlZW5yb29tLWR1bW15IQ$bm8gcGFzc3dvcmQgaGFzIHRoaXMgaGFzaCwgZXZlci4"

func hashParams() *argon2id.Params {
	return &argon2id.Params{Memory: 64 * 1024, Iterations: 3, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// HashPassword returns the hash of a password that this program made itself, without a pepper: the
// administration commands need no key for it, and the first log-in makes it anew with one.
func HashPassword(password string) (consent.PasswordHash, error) {
	if err := checkLength(password, minPassword); err != nil {
		return consent.PasswordHash{}, err
	}
	hash, err := argon2id.CreateHash(password, hashParams())
	if err != nil {
		return consent.PasswordHash{}, fmt.Errorf("hash password: %w", err)
	}
	return consent.PasswordHash{Hash: hash}, nil
}

// passwords makes and checks hashes, and bounds how many at once: each holds 64 MiB.
type passwords struct {
	pepper Pepper
	cost   *argon2id.Params // of new hashes
	slots  chan struct{}
}

const (
	maxHashes = 8
	hashWait  = 5 * time.Second // for a slot; then the caller is told to come back
)

func newPasswords(pepper Pepper) passwords {
	return passwords{pepper: pepper, cost: hashParams(), slots: make(chan struct{}, maxHashes)}
}

// errNoSlot says that a password was not looked at.
var errNoSlot = errors.New("too many password checks at once")

func (p passwords) take(ctx context.Context) (release func(), err error) {
	timer := time.NewTimer(hashWait)
	defer timer.Stop()
	select {
	case p.slots <- struct{}{}:
		return func() { <-p.slots }, nil
	case <-timer.C:
		return nil, tooMany("Many people are logging in at the moment.", hashWait).because(errNoSlot)
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errNoSlot, ctx.Err())
	}
}

// hash returns what to store of a password that passed the rules.
func (p passwords) hash(ctx context.Context, password string) (consent.PasswordHash, error) {
	release, err := p.take(ctx)
	if err != nil {
		return consent.PasswordHash{}, err
	}
	defer release()
	made := consent.PasswordHash{Pepper: p.pepper.Pepper()}
	seasoned, err := p.pepper.Season(password, made.Pepper)
	if err != nil {
		return consent.PasswordHash{}, fmt.Errorf("hash password: %w", err)
	}
	if made.Hash, err = argon2id.CreateHash(seasoned, p.cost); err != nil {
		return consent.PasswordHash{}, fmt.Errorf("hash password: %w", err)
	}
	return made, nil
}

// match reports whether the password is the one that was hashed.
func (p passwords) match(ctx context.Context, password string, stored consent.PasswordHash) (bool, error) {
	release, err := p.take(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	if checkLength(password, 1) != nil {
		password = "" // it cannot be right, and hashing megabytes of it would cost us, not them
	}
	seasoned, err := p.pepper.Season(password, stored.Pepper)
	if err != nil {
		return false, fmt.Errorf("check password: %w", err)
	}
	ok, err := argon2id.ComparePasswordAndHash(seasoned, stored.Hash)
	if err != nil {
		return false, fmt.Errorf("check password: %w", err)
	}
	return ok, nil
}

// stale reports whether a hash should be made anew now that its password is at hand: it has no pepper
// or an old one, or it is cheaper to try than new ones are.
func (p passwords) stale(stored consent.PasswordHash) bool {
	if stored.Pepper != p.pepper.Pepper() {
		return true
	}
	params, _, _, err := argon2id.DecodeHash(stored.Hash)
	return err != nil || params.Memory < p.cost.Memory || params.Iterations < p.cost.Iterations
}
