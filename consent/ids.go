package consent

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
)

// Ids are 128 random bits written as 26 characters of lower-case base 32 (RFC 4648, no padding).
// They carry no order and no meaning, so that knowing one says nothing about another.
type (
	// AccountID names an account.
	AccountID string
	// OrgID names an organization.
	OrgID string
	// SessionID names an interview.
	SessionID string
	// LogInID names a log-in without being worth one.
	LogInID string
	// AuthorizationID names what a candidate allowed one organization.
	AuthorizationID string
)

// ErrBadID says that a text is not an id in its one canonical form.
var ErrBadID = errors.New("not a valid id")

const idLength = 26

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewID returns a fresh random id of the given kind.
func NewID[T ~string]() T {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand ends the program instead
	return T(idEncoding.EncodeToString(raw[:]))
}

// ParseID accepts exactly the canonical form that [NewID] writes; upper case, other lengths and
// spare low bits are refused, so that one id has one spelling.
func ParseID[T ~string](text string) (T, error) {
	if len(text) != idLength {
		return "", fmt.Errorf("%w: length %d, want %d", ErrBadID, len(text), idLength)
	}
	raw, err := idEncoding.DecodeString(text)
	if err != nil || idEncoding.EncodeToString(raw) != text {
		return "", ErrBadID
	}
	return T(text), nil
}
