package consent

import (
	"errors"
	"time"
)

// PermitLife is how long a Permit is good for, measured on the monotonic clock from the moment the
// facts behind it were read. A stream must ask again before it ends.
const PermitLife = 5 * time.Second

// ErrNotFound is the one refusal: unknown, foreign, not granted, withdrawn, expired and erased all
// look the same to whoever asks.
var ErrNotFound = errors.New("not found")

// ErrHeld is what a session's own candidate is told while it is under legal hold. To whoever does not
// look for it, it is [ErrNotFound].
type ErrHeld struct{ Since time.Time } //nolint:errname // callers branch on it beside the sentinels, and read it like one

func (e ErrHeld) Error() string {
	return "under legal hold since " + e.Since.UTC().Format(time.DateOnly)
}

// Is makes a hold a refusal like any other.
func (e ErrHeld) Is(target error) bool { return target == ErrNotFound }

// ErrRestricted says that the candidate restricted the session, so that nothing new is done with it.
var ErrRestricted = errors.New("the session is restricted")

// ErrInterviewLive says that an account is not closed while an interview of it goes on: what is being said
// would be lost.
var ErrInterviewLive = errors.New("an interview is going on")

// ErrPermit says that code used a Permit that is zero, too old, or for something else. It is a
// mistake in this program, not in a request.
var ErrPermit = errors.New("permit does not cover this read")

// Permit is the result of [Decide]: one actor may touch one artefact of one session for a few
// seconds. Its fields are private, so only Decide can make a useful one; the zero value is refused.
type Permit struct {
	actor    Actor
	session  SessionID
	artefact Artefact
	readAt   time.Time // monotonic; zero, and so too old, in the zero Permit
}

// Actor returns who the Permit was given to.
func (p Permit) Actor() Actor { return p.actor }

// Session returns the session the Permit is for.
func (p Permit) Session() SessionID { return p.session }

// Artefact returns the artefact the Permit is for.
func (p Permit) Artefact() Artefact { return p.artefact }

// Demand returns nil if the Permit covers the artefact of the session now, and [ErrPermit] if not.
func (p Permit) Demand(session SessionID, artefact Artefact) error {
	if p.session != session || p.artefact != artefact {
		return ErrPermit
	}
	if time.Since(p.readAt) > PermitLife { // as it is for the zero Permit, whatever the time
		return ErrPermit
	}
	return nil
}
