package consent

import (
	"errors"
	"time"
)

// ErrEmailTaken says that an account with this address exists.
var ErrEmailTaken = errors.New("this e-mail address has an account already")

// RecordPermits are the Permits for the parts of a session's record. Session is required; a zero
// Permit in another field leaves that part out of what is read.
type RecordPermits struct {
	Session      Permit
	Ratings      Permit
	Feedback     Permit
	Quotes       Permit
	Measurements Permit
	Transcript   Permit
	Private      Permit
}

// SessionSummary is one session in its candidate's list.
type SessionSummary struct {
	Session
	SharedWith int // organizations with a live authorization
	Requests   int // organizations that ask and wait for an answer
}

// SharedSession is one session in an employer's list: what any scope lets it see.
type SharedSession struct {
	Session    SessionID
	RoleTitle  string
	EndedAt    time.Time
	Length     time.Duration
	Purpose    Purpose
	Scopes     []Scope
	ValidUntil time.Time
	Candidate  string // display name; empty without the profile scope
}

// Overview is the state of the server for operations: counts and states, no content.
type Overview struct {
	Sessions     map[SessionState]int
	Jobs         map[string]int // by state, e.g. "available", "running", "retryable", "discarded"
	SpoolFiles   int
	SpoolBytes   int64
	Segments     int64
	SegmentBytes int64
}
