package consent

import (
	"fmt"
	"slices"
	"time"
)

// Purpose is why an organization may look at a session. One authorization has one purpose.
type Purpose string

// The purposes an authorization can have.
const (
	PurposePracticeReview Purpose = "practice_review"
	PurposeHiring         Purpose = "hiring"
)

// Authorization is the record that lets one organization see parts of one session for one purpose
// until a time. It never changes; what happens to it are events (see [AuthorizationState]).
type Authorization struct {
	ID            AuthorizationID
	Session       SessionID
	Org           OrgID
	OrgName       string
	Purpose       Purpose
	Scopes        []Scope
	ValidFrom     time.Time
	ValidUntil    time.Time // exclusive
	State         AuthorizationState
	GrantedAt     time.Time       // zero until granted
	EndedAt       time.Time       // zero until a final state
	NoticeVersion int             // of the notice it was given under; 0 for records older than numbered notices
	NoticeSHA256  string          // hex; empty with version 0
	Supersedes    AuthorizationID // the record whose place it took, if any
	Language      string          // of the notice
	PausedBy      PauseReason     // of a suspended record
	RequestedBy   string          // name of who asked for it, where somebody did; told to the candidate only
}

// PauseReason is what suspended a record.
type PauseReason string

// What suspends a record.
const (
	PausedByRestriction PauseReason = "restricted" // the candidate restricted the session
	PausedByHold        PauseReason = "held"       // the session is under legal hold
	PausedByNotice      PauseReason = "notice"     // a new notice asks to agree anew
)

// The longest an authorization may last, and what pages suggest.
const (
	MaxAuthorizationLife     = 180 * 24 * time.Hour
	DefaultAuthorizationLife = 30 * 24 * time.Hour
)

// AuthorizationRequest is what a candidate asks for; CheckRequest refuses the impossible ones.
type AuthorizationRequest struct {
	Org        OrgID
	Purpose    Purpose
	Scopes     []Scope
	ValidUntil time.Time
	// NoticeSHA256 is the hash of the notice that the candidate was shown.
	NoticeSHA256 string
}

// Check refuses a request whose purpose is unknown, that shares nothing, shares a resume (none is
// held), or ends in the past or too far ahead.
func (r AuthorizationRequest) Check(now time.Time) error {
	if r.Purpose != PurposePracticeReview && r.Purpose != PurposeHiring {
		return fmt.Errorf("choose what it is for: a practice review or hiring")
	}
	if len(r.Scopes) == 0 {
		return fmt.Errorf("choose at least one part to share")
	}
	if slices.Contains(r.Scopes, ScopeResume) {
		return fmt.Errorf("there is no resume to share: none is held")
	}
	if !r.ValidUntil.After(now) {
		return fmt.Errorf("the end date is in the past: choose a later one")
	}
	if r.ValidUntil.Sub(now) > MaxAuthorizationLife {
		return fmt.Errorf("the end date is more than 180 days away: choose an earlier one")
	}
	return nil
}

// Access is one read of gated data by an employer, as the candidate sees it.
type Access struct {
	At       time.Time
	Org      OrgID
	OrgName  string
	Artefact Artefact
}
