package consent

import "time"

// Thing is what a candidate would call something that is held about them.
type Thing string

// The things, in the order in which pages show them.
const (
	ThingProfile        Thing = "profile"
	ThingLogIns         Thing = "log_ins"
	ThingInterviews     Thing = "interviews"
	ThingRecordings     Thing = "recordings"
	ThingTranscript     Thing = "transcript"
	ThingRatings        Thing = "ratings"
	ThingFeedback       Thing = "feedback"
	ThingMeasurements   Thing = "measurements"
	ThingEvents         Thing = "events"
	ThingConsents       Thing = "consents"
	ThingAuthorizations Thing = "authorizations"
	ThingReceipts       Thing = "receipts"
	ThingAccesses       Thing = "accesses"
	ThingAICalls        Thing = "ai_calls"
	ThingExports        Thing = "exports"
)

// ClassOf returns by which rule a thing goes.
func (t Thing) ClassOf() Class {
	switch t {
	case ThingProfile:
		return ClassAccount
	case ThingLogIns, ThingExports:
		return ClassLeftovers
	case ThingEvents:
		return ClassUsage
	case ThingConsents, ThingAuthorizations, ThingReceipts:
		return ClassConsent
	case ThingAccesses, ThingAICalls:
		return ClassAudit
	case ThingInterviews, ThingRecordings, ThingTranscript, ThingRatings, ThingFeedback, ThingMeasurements:
		return ClassInterview
	default:
		return ClassService
	}
}

// AllThings lists every thing.
func AllThings() []Thing {
	return []Thing{
		ThingProfile, ThingLogIns, ThingInterviews, ThingRecordings, ThingTranscript, ThingRatings, ThingFeedback, ThingMeasurements,
		ThingEvents, ThingConsents, ThingAuthorizations, ThingReceipts, ThingAccesses, ThingAICalls, ThingExports,
	}
}

// Holding is how much of one thing is held about a candidate.
type Holding struct {
	Thing Thing
	Count int64
	Bytes int64     // of recordings and exports; 0 for rows
	Since time.Time // of the oldest; zero if there is none
	// Newest is when the period of the newest began, by its rule; zero where that has not begun yet.
	Newest time.Time
}

// Until returns when the last of it goes by itself; zero where nothing has begun to count down.
func (h Holding) Until() time.Time {
	rule := RuleOf(h.Thing.ClassOf())
	if h.Newest.IsZero() || rule.Kept == (Period{}) {
		return time.Time{}
	}
	return rule.Kept.After(h.Newest)
}

// SessionAccess is an access of one of a candidate's sessions.
type SessionAccess struct {
	Access
	Session   SessionID
	RoleTitle string
}

// SessionAICall is a call about one of a candidate's sessions.
type SessionAICall struct {
	AICall
	RoleTitle string
}
