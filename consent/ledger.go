package consent

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// LedgerKind is what happened. The ledger holds everything that gives, ends, holds or undoes a right to
// look at somebody's data.
type LedgerKind string

// The kinds of ledger entry.
const (
	LedgerConsentsAnswered LedgerKind = "consents_answered"
	LedgerConsentWithdrawn LedgerKind = "consent_withdrawn"

	LedgerAuthorizationRequested  LedgerKind = "authorization_requested"
	LedgerAuthorizationGranted    LedgerKind = "authorization_granted"
	LedgerAuthorizationRefused    LedgerKind = "authorization_refused"
	LedgerAuthorizationWithdrawn  LedgerKind = "authorization_withdrawn"
	LedgerAuthorizationRevoked    LedgerKind = "authorization_revoked"
	LedgerAuthorizationSuperseded LedgerKind = "authorization_superseded"
	LedgerAuthorizationExpired    LedgerKind = "authorization_expired"
	LedgerAuthorizationSuspended  LedgerKind = "authorization_suspended"
	LedgerAuthorizationResumed    LedgerKind = "authorization_resumed"

	LedgerSessionRestricted   LedgerKind = "session_restricted"
	LedgerSessionUnrestricted LedgerKind = "session_unrestricted"
	LedgerSessionHeld         LedgerKind = "session_held"
	LedgerSessionReleased     LedgerKind = "session_released"
	LedgerErasureRequested    LedgerKind = "erasure_requested"
	LedgerSessionErased       LedgerKind = "session_erased"

	LedgerAccountClosing  LedgerKind = "account_closing"
	LedgerAccountReopened LedgerKind = "account_reopened"
	LedgerAccountErased   LedgerKind = "account_erased"

	LedgerCorrection        LedgerKind = "correction"
	LedgerAIObjected        LedgerKind = "ai_objected"
	LedgerAIObjectionLifted LedgerKind = "ai_objection_lifted"
	LedgerExportMade        LedgerKind = "export_made"

	LedgerRestored        LedgerKind = "restored" // entries that a backup lacked were put back from the journal
	LedgerNoticePublished LedgerKind = "notice_published"

	LedgerOrganizationSuspended LedgerKind = "organization_suspended"
	LedgerOrganizationRestored  LedgerKind = "organization_restored"
	LedgerMemberEnded           LedgerKind = "member_ended"
	LedgerMemberRole            LedgerKind = "member_role"
)

// ledgerSubjects says what an entry of each kind must name. A kind that is not here does not exist.
var ledgerSubjects = map[LedgerKind]ledgerSubject{
	LedgerConsentsAnswered: ofSession, LedgerConsentWithdrawn: ofSession,

	LedgerAuthorizationRequested: ofAuthorization, LedgerAuthorizationGranted: ofAuthorization,
	LedgerAuthorizationRefused: ofAuthorization, LedgerAuthorizationWithdrawn: ofAuthorization,
	LedgerAuthorizationRevoked: ofAuthorization, LedgerAuthorizationSuperseded: ofAuthorization,
	LedgerAuthorizationExpired: ofAuthorization, LedgerAuthorizationSuspended: ofAuthorization,
	LedgerAuthorizationResumed: ofAuthorization,

	LedgerSessionRestricted: ofSession, LedgerSessionUnrestricted: ofSession, LedgerSessionHeld: ofSession,
	LedgerSessionReleased: ofSession, LedgerSessionErased: ofSession,
	LedgerErasureRequested: ofAnything, // of a session, or of an account

	LedgerAccountClosing: ofAccount, LedgerAccountReopened: ofAccount, LedgerAccountErased: ofAccount,
	LedgerAIObjected: ofAccount, LedgerAIObjectionLifted: ofAccount, LedgerExportMade: ofAccount,
	LedgerCorrection: ofAnything, // of a session's words, or of an account

	LedgerRestored: ofAnything, LedgerNoticePublished: ofAnything,

	LedgerOrganizationSuspended: ofOrganization, LedgerOrganizationRestored: ofOrganization,
	LedgerMemberEnded: ofAccount, LedgerMemberRole: ofAccount, // the member's
}

type ledgerSubject int

const (
	ofAnything ledgerSubject = iota
	ofAccount
	ofOrganization
	ofSession
	ofAuthorization // which is of a session too
)

// LedgerKinds lists every kind, in the order of the alphabet.
func LedgerKinds() []LedgerKind {
	kinds := make([]LedgerKind, 0, len(ledgerSubjects))
	for kind := range ledgerSubjects {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// LedgerEvent is what the ledger commits to: ids, terms and times, never content, a name or an address.
// Its [LedgerEvent.Bytes] are what is hashed, so fields are only ever added, at the end and omitted
// when they are empty.
type LedgerEvent struct {
	Kind          LedgerKind      `json:"kind"`
	At            time.Time       `json:"at"`                      // the database's time, to the microsecond
	Account       AccountID       `json:"account,omitempty"`       // whose data it is about; an employer cannot know
	Session       SessionID       `json:"session,omitempty"`       //
	Authorization AuthorizationID `json:"authorization,omitempty"` //
	Org           OrgID           `json:"org,omitempty"`           //
	Consents      []Consent       `json:"consents,omitempty"`      // those that stand after the event
	Withdrawn     Consent         `json:"withdrawn,omitempty"`     //
	NoticeSHA256  string          `json:"notice_sha256,omitempty"` // what the person had been shown
	Purpose       Purpose         `json:"purpose,omitempty"`       //
	Scopes        []Scope         `json:"scopes,omitempty"`        //
	ValidFrom     time.Time       `json:"valid_from,omitzero"`     //
	ValidUntil    time.Time       `json:"valid_until,omitzero"`    // exclusive
	Reason        string          `json:"reason,omitempty"`        // one of this program's own words, e.g. "organization_suspended"
	Digest        string          `json:"digest,omitempty"`        // SHA-256, in hex, of a document that belongs to the event
}

// Names returns the consents that stand, for a ledger event.
func (c Consents) Names() []Consent {
	var names []Consent
	for _, box := range []struct {
		name   Consent
		ticked bool
	}{
		{ConsentRecording, c.Recording}, {ConsentTranscription, c.Transcription}, {ConsentAssessment, c.Assessment},
	} {
		if box.ticked {
			names = append(names, box.name)
		}
	}
	return names
}

// The bounds of what an event says in words of its own.
const (
	MaxLedgerEvent  = 4096 // bytes; what one takes in truth is below 800
	maxLedgerReason = 64
)

// ErrLedgerEvent says that code made an event that the ledger does not take.
var ErrLedgerEvent = errors.New("not an event of the ledger")

// Check refuses an event of an unknown kind, without a time, or that does not name what it is about.
func (e LedgerEvent) Check() error {
	subject, known := ledgerSubjects[e.Kind]
	switch {
	case !known:
		return fmt.Errorf("%w: kind %q is unknown", ErrLedgerEvent, e.Kind)
	case e.At.IsZero():
		return fmt.Errorf("%w: %s has no time", ErrLedgerEvent, e.Kind)
	case subject == ofAccount && e.Account == "",
		subject == ofOrganization && e.Org == "",
		subject >= ofSession && e.Session == "",
		subject == ofAuthorization && e.Authorization == "":
		return fmt.Errorf("%w: %s does not say whom it is about", ErrLedgerEvent, e.Kind)
	case len(e.Reason) > maxLedgerReason:
		return fmt.Errorf("%w: %s has a reason of %d bytes, at most %d", ErrLedgerEvent, e.Kind, len(e.Reason), maxLedgerReason)
	}
	return nil
}

// organization is the one that the event itself is about. Whom a session is shared with is not in the
// entry: the journal outside the database would keep it after both were erased.
func (e LedgerEvent) organization() OrgID {
	if ledgerSubjects[e.Kind] == ofOrganization {
		return e.Org
	}
	return ""
}

// Bytes returns the one spelling of the event, which is hashed: JSON in the order of the fields, times
// in UTC to the microsecond, because Postgres keeps no more.
func (e LedgerEvent) Bytes() ([]byte, error) {
	e.At, e.ValidFrom, e.ValidUntil = ledgerTime(e.At), ledgerTime(e.ValidFrom), ledgerTime(e.ValidUntil)
	if err := e.Check(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLedgerEvent, err)
	}
	if len(text) > MaxLedgerEvent {
		return nil, fmt.Errorf("%w: %s has %d bytes, at most %d", ErrLedgerEvent, e.Kind, len(text), MaxLedgerEvent)
	}
	return text, nil
}

// ledgerTime is a time as Postgres keeps it.
func ledgerTime(at time.Time) time.Time { return at.UTC().Truncate(time.Microsecond) }

// ParseLedgerEvent reads what [LedgerEvent.Bytes] wrote, and nothing that is spelled otherwise.
func ParseLedgerEvent(text []byte) (LedgerEvent, error) {
	var e LedgerEvent
	if err := parseCanonical(text, MaxLedgerEvent, &e); err != nil {
		return LedgerEvent{}, fmt.Errorf("%w: %w", ErrLedgerEvent, err)
	}
	return e, e.Check()
}
