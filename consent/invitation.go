package consent

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// InvitationID names an invitation. It is no secret: it opens nothing.
type InvitationID string

// InvitationLife is how long an invitation can be redeemed.
const InvitationLife = 14 * 24 * time.Hour

// InvitationSecret is what an invitation's link carries, in its fragment, so that it reaches no server
// log: 256 random bits in 52 letters and digits. Only its hash is stored.
type InvitationSecret string

const secretLength = 52

// NewInvitationSecret returns a fresh secret.
func NewInvitationSecret() InvitationSecret {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand ends the program instead
	return InvitationSecret(idEncoding.EncodeToString(raw[:]))
}

// ParseInvitationSecret accepts exactly what [NewInvitationSecret] returns.
func ParseInvitationSecret(text string) (InvitationSecret, error) {
	if len(text) != secretLength {
		return "", ErrBadID
	}
	raw, err := idEncoding.DecodeString(text)
	if err != nil || idEncoding.EncodeToString(raw) != text {
		return "", ErrBadID
	}
	return InvitationSecret(text), nil
}

// SHA256 returns the hash of the secret in hex, by which an invitation is found.
func (s InvitationSecret) SHA256() string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// InvitationState is where an invitation stands.
type InvitationState string

// The states of an invitation. All but open are final.
const (
	InvitationOpen      InvitationState = "open"
	InvitationRedeemed  InvitationState = "redeemed" // somebody asked; what came of it is the authorization's state
	InvitationCancelled InvitationState = "cancelled"
	InvitationExpired   InvitationState = "expired"
)

// Invitation lets whoever holds its secret ask for a session, once. It shows nothing of it.
type Invitation struct {
	ID            InvitationID
	Purpose       Purpose
	Scopes        []Scope
	ValidUntil    time.Time // of the authorization that may come of it
	State         InvitationState
	CreatedAt     time.Time
	ExpiresAt     time.Time       // of the invitation itself
	Authorization AuthorizationID // of a redeemed one
}

// Request is what an organization asked for, as it sees that itself: nothing of the session, and of its
// end only that it is over.
type Request struct {
	ID         AuthorizationID
	At         time.Time
	Purpose    Purpose
	Scopes     []Scope
	ValidUntil time.Time
	State      RequestState
}

// RequestState is what an organization is told of its request.
type RequestState string

// The states of a request.
const (
	RequestWaiting RequestState = "waiting"
	RequestShared  RequestState = "shared"
	RequestClosed  RequestState = "closed"
)
