package consent

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// PublicKey is a key that verifies documents. A key that was replaced is still published, with the time
// until which it signed: what it signed before stays good.
type PublicKey struct {
	ID    string // its RFC 7638 thumbprint
	Key   ed25519.PublicKey
	From  time.Time
	Until time.Time // zero while it is in use
}

// NewPublicKey names a key.
func NewPublicKey(key ed25519.PublicKey, from, until time.Time) (PublicKey, error) {
	id, err := keyID(key)
	return PublicKey{ID: id, Key: key, From: from.UTC(), Until: until.UTC()}, err
}

// SignedAt refuses a document whose date is outside the time in which the key signed: a key that leaked
// after it was retired cannot make documents of today.
func (k PublicKey) SignedAt(at time.Time) error {
	if at.Before(k.From.Add(-keyClockSkew)) || (!k.Until.IsZero() && at.After(k.Until.Add(keyClockSkew))) {
		return fmt.Errorf("%w: key %s was not in use on %s", ErrSignature, k.ID, at.UTC().Format(time.RFC3339))
	}
	return nil
}

// KeySet is every key that ever signed, the newest last. As JSON it is a JWK Set (RFC 7517) of Ed25519
// keys (RFC 8037) with two members of our own, which other readers ignore.
type KeySet struct{ Keys []PublicKey }

// The bounds of a key set from outside.
const (
	MaxKeySet  = 256 << 10
	maxSetKeys = 512
)

// JWKSet is how a key set is published.
type JWKSet struct {
	Keys []JWK `json:"keys"`
}

// JWK is how one key of it is published.
type JWK struct {
	Type  string    `json:"kty"`
	Curve string    `json:"crv"`
	X     string    `json:"x"`
	ID    string    `json:"kid"`
	Use   string    `json:"use"`
	Alg   string    `json:"alg"`
	From  time.Time `json:"greenroom_from" doc:"Since when it signs."`
	Until time.Time `json:"greenroom_until,omitzero" doc:"Until when it signed; absent while it does."`
}

// JWKSet returns the set as it is published.
func (s KeySet) JWKSet() JWKSet {
	set := JWKSet{Keys: make([]JWK, 0, len(s.Keys))}
	for _, k := range s.Keys {
		set.Keys = append(set.Keys, JWK{
			Type: "OKP", Curve: "Ed25519", X: base64.RawURLEncoding.EncodeToString(k.Key), ID: k.ID, Use: "sig", Alg: "EdDSA",
			From: k.From, Until: k.Until,
		})
	}
	return set
}

// MarshalJSON implements [json.Marshaler].
func (s KeySet) MarshalJSON() ([]byte, error) {
	return json.Marshal(s.JWKSet()) //nolint:wrapcheck // encoding/json wraps what a marshaler returns
}

// ParseKeySet reads a JWK Set of Ed25519 keys. Keys of other kinds are refused, and so is a key that does
// not have the name it claims: names are thumbprints, so that a set cannot put one key in another's place.
func ParseKeySet(text []byte) (KeySet, error) {
	var set JWKSet
	if err := parseStrict(text, MaxKeySet, &set); err != nil {
		return KeySet{}, fmt.Errorf("read the keys: %w", err)
	}
	if len(set.Keys) == 0 || len(set.Keys) > maxSetKeys {
		return KeySet{}, fmt.Errorf("read the keys: there are %d, not 1 to %d", len(set.Keys), maxSetKeys)
	}
	var keys KeySet
	for i, k := range set.Keys {
		raw, err := base64.RawURLEncoding.DecodeString(k.X)
		if err != nil || k.Type != "OKP" || k.Curve != "Ed25519" || len(raw) != ed25519.PublicKeySize {
			return KeySet{}, fmt.Errorf("read the keys: number %d is not an Ed25519 key", i+1)
		}
		key, err := NewPublicKey(raw, k.From, k.Until)
		if err == nil && key.ID != k.ID {
			err = errors.New("its name is that of another key")
		}
		if _, twice := keys.find(key.ID); err == nil && twice {
			err = errors.New("it is there twice")
		}
		if err != nil {
			return KeySet{}, fmt.Errorf("read the keys: number %d: %w", i+1, err)
		}
		keys.Keys = append(keys.Keys, key)
	}
	return keys, nil
}

func (s KeySet) find(id string) (PublicKey, bool) {
	for _, k := range s.Keys {
		if k.ID == id {
			return k, true
		}
	}
	return PublicKey{}, false
}
