package consent

import "fmt"

// AuthorizationState is derived from a record's events, its notice and the database's time.
type AuthorizationState string

// The states of an authorization. A record begins without one. Requested, granted and suspended go on;
// the others are final: who wants to see a session again needs a new record.
const (
	AuthorizationRequested  AuthorizationState = "requested"  // an organization redeemed an invitation; nothing is visible
	AuthorizationGranted    AuthorizationState = "granted"    // the only state in which anything is visible
	AuthorizationSuspended  AuthorizationState = "suspended"  // the notice changed, or the session is restricted or held
	AuthorizationRefused    AuthorizationState = "refused"    // the candidate did not confirm the request
	AuthorizationExpired    AuthorizationState = "expired"    // its time was up
	AuthorizationWithdrawn  AuthorizationState = "withdrawn"  // ended by the candidate
	AuthorizationRevoked    AuthorizationState = "revoked"    // ended by somebody else: the organization was suspended
	AuthorizationSuperseded AuthorizationState = "superseded" // a later record took its place
)

// AuthorizationEvent is something that happens to a record. Events are only ever added.
type AuthorizationEvent string

// The events of an authorization.
const (
	EventRequested  AuthorizationEvent = "requested"
	EventGranted    AuthorizationEvent = "granted"
	EventRefused    AuthorizationEvent = "refused"
	EventExpired    AuthorizationEvent = "expired" // informative: time itself ends a record, not the event
	EventWithdrawn  AuthorizationEvent = "withdrawn"
	EventRevoked    AuthorizationEvent = "revoked"
	EventSuperseded AuthorizationEvent = "superseded"
	EventSuspended  AuthorizationEvent = "suspended" // the session was restricted or held
	EventResumed    AuthorizationEvent = "resumed"   // ends one suspended event; never one by a notice
)

// ErrBadEvent says that a record in State does not take Event.
type ErrBadEvent struct { //nolint:errname // callers branch on it beside the sentinels, and read it like one
	State AuthorizationState
	Event AuthorizationEvent
}

func (e ErrBadEvent) Error() string {
	if e.State == "" {
		return fmt.Sprintf("an authorization cannot begin as %s", e.Event)
	}
	return fmt.Sprintf("an authorization that is %s cannot be %s", e.State, e.Event)
}

// After returns the state that follows state s when an event happens. The zero state is that of a
// record which is only now made.
func (s AuthorizationState) After(event AuthorizationEvent) (AuthorizationState, error) {
	next, ok := authorizationEvents[s][event]
	if !ok {
		return s, ErrBadEvent{State: s, Event: event}
	}
	return next, nil
}

// Final reports whether nothing can follow.
func (s AuthorizationState) Final() bool { return s != "" && authorizationEvents[s] == nil }

// authorizationEvents has no line for a final state, so there is no way out of one. Only a grant and
// the end of a suspension lead to granted.
var authorizationEvents = map[AuthorizationState]map[AuthorizationEvent]AuthorizationState{
	"": {EventRequested: AuthorizationRequested, EventGranted: AuthorizationGranted},
	AuthorizationRequested: {
		EventGranted: AuthorizationGranted, EventRefused: AuthorizationRefused,
		EventExpired: AuthorizationExpired, EventWithdrawn: AuthorizationWithdrawn, EventRevoked: AuthorizationRevoked,
	},
	AuthorizationGranted: {
		EventExpired: AuthorizationExpired, EventWithdrawn: AuthorizationWithdrawn, EventRevoked: AuthorizationRevoked,
		EventSuperseded: AuthorizationSuperseded, EventSuspended: AuthorizationSuspended,
	},
	AuthorizationSuspended: {
		EventExpired: AuthorizationExpired, EventWithdrawn: AuthorizationWithdrawn, EventRevoked: AuthorizationRevoked,
		EventSuperseded: AuthorizationSuperseded, EventResumed: AuthorizationGranted,
	},
}
