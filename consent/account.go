package consent

import "time"

// AccountKind is what an account is for; it never changes.
type AccountKind string

// The kinds of account.
const (
	AccountCandidate AccountKind = "candidate"
	AccountEmployer  AccountKind = "employer"
	AccountOps       AccountKind = "ops"
)

// Account is a person who can log in.
type Account struct {
	ID          AccountID
	Kind        AccountKind
	Email       string // lower case
	DisplayName string
	Org         OrgID     // employers only
	OrgName     string    // employers only
	ClosedAt    time.Time // zero while it is open
	EraseAt     time.Time // of a closed one: until then it can be opened again
}

// MemberRole is what a member of an organization may do there.
type MemberRole string

// The roles of members.
const (
	MemberReviewer MemberRole = "reviewer" // sees what is shared with the organization
	MemberBilling  MemberRole = "billing"  // sees nothing of any session
)

// Organization is an employer that sessions can be shared with.
type Organization struct {
	ID   OrgID
	Name string
}

// MinimumAge is the age in years below which nothing about a person is stored.
const MinimumAge = 16

// AgeRule names the rule that a stored account has passed; only this name is kept, never a birth date.
const AgeRule = "at-least-16/v1"

// OldEnough reports whether a person born on the given day has had their sixteenth birthday by now.
// Who was born on 29 February comes of age on 1 March in years without that day.
func OldEnough(born, now time.Time) bool {
	by, bm, bd := born.UTC().Date()
	return !time.Date(by+MinimumAge, bm, bd, 0, 0, 0, 0, time.UTC).After(now.UTC())
}
