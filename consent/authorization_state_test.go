package consent

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func allAuthorizationStates() []AuthorizationState {
	return []AuthorizationState{
		AuthorizationRequested, AuthorizationGranted, AuthorizationSuspended, AuthorizationRefused,
		AuthorizationExpired, AuthorizationWithdrawn, AuthorizationRevoked, AuthorizationSuperseded,
	}
}

func allAuthorizationEvents() []AuthorizationEvent {
	return []AuthorizationEvent{
		EventRequested, EventGranted, EventRefused, EventExpired, EventWithdrawn, EventRevoked, EventSuperseded,
		EventSuspended, EventResumed,
	}
}

// The table once more, as a person would write it down.
func TestAuthorizationStates(t *testing.T) {
	type line map[AuthorizationEvent]AuthorizationState
	want := map[AuthorizationState]line{
		"":          {"requested": "requested", "granted": "granted"},
		"requested": {"granted": "granted", "refused": "refused", "expired": "expired", "withdrawn": "withdrawn", "revoked": "revoked"},
		"granted":   {"expired": "expired", "withdrawn": "withdrawn", "revoked": "revoked", "superseded": "superseded", "suspended": "suspended"},
		"suspended": {"expired": "expired", "withdrawn": "withdrawn", "revoked": "revoked", "superseded": "superseded", "resumed": "granted"},
	}
	for _, state := range append(allAuthorizationStates(), "", "unknown") {
		for _, event := range append(allAuthorizationEvents(), "unknown") {
			got, err := state.After(event)
			next, ok := want[state][event]
			if ok && (err != nil || got != next) {
				t.Errorf("%q after %s = %q, %v; want %q", state, event, got, err, next)
			}
			var bad ErrBadEvent
			if !ok && (!errors.As(err, &bad) || bad.State != state || bad.Event != event || got != state) {
				t.Errorf("%q after %s = %q, %v; want it unchanged and ErrBadEvent", state, event, got, err)
			}
		}
	}
}

// Any history: whatever is tried in whatever order, a record that ended never moves again, ends at most
// once, is granted at most once, and only a suspension is ever resumed.
func TestNoHistoryOfAnAuthorizationReopensIt(t *testing.T) {
	ends := []AuthorizationEvent{EventRefused, EventExpired, EventWithdrawn, EventRevoked, EventSuperseded}
	rapid.Check(t, func(t *rapid.T) {
		var state AuthorizationState
		ended, granted, open := 0, 0, 0
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			event := rapid.SampledFrom(allAuthorizationEvents()).Draw(t, "event")
			next, err := state.After(event)
			if err != nil {
				if next != state {
					t.Fatalf("a refused %s moved %q to %q", event, state, next)
				}
				continue
			}
			if state.Final() {
				t.Fatalf("%q is final and went to %q by %s", state, next, event)
			}
			switch {
			case slices.Contains(ends, event):
				ended++
			case event == EventGranted:
				granted++
			case event == EventSuspended:
				open++
			case event == EventResumed:
				open--
			}
			if next == AuthorizationGranted && event != EventGranted && (event != EventResumed || state != AuthorizationSuspended) {
				t.Fatalf("%q became granted by %s", state, event)
			}
			if next.Final() != (ended > 0) || (next == AuthorizationSuspended) != (open > 0 && ended == 0) {
				t.Fatalf("%q after %s, with %d ends and %d open suspensions", next, event, ended, open)
			}
			if ended > 1 || granted > 1 || open < 0 || open > 1 {
				t.Fatalf("ended %d times, granted %d times, %d suspensions open", ended, granted, open)
			}
			state = next
		}
	})
}
