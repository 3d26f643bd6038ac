package consent

import (
	"errors"
	"slices"
	"time"
)

// ActorExport writes a copy of a candidate's data for them, and hands it out. Its Permits are for what
// the candidate may read, for as long as the export that they asked for is open.
const ActorExport ActorKind = "export"

// ExportID names one export that a candidate asked for.
type ExportID string

// ExportState is where an export stands.
type ExportState string

// The states of an export. Failed and gone are final; a ready one is gone after [ExportLife], or as soon
// as something in it was erased.
const (
	ExportQueued  ExportState = "queued"
	ExportRunning ExportState = "running"
	ExportReady   ExportState = "ready"
	ExportFailed  ExportState = "failed"
	ExportGone    ExportState = "gone"
)

// ExportLife is how long a finished export can be downloaded. It is a second copy of everything, so it
// is kept no longer than it takes to fetch it.
const ExportLife = 24 * time.Hour

// MostExports is how many exports an account can ask for in a day: each is a copy of everything.
const MostExports = 10

// Why a request for an export is refused.
var (
	ErrExportUnderWay = errors.New("an export is being made already")
	ErrExportsSpent   = errors.New("too many exports were asked for today")
)

// ExportFault is why an export failed, or why a session is not in one.
type ExportFault string

// The faults.
const (
	ExportFaultErased ExportFault = "erased" // the session was erased before its turn came
	ExportFaultHeld   ExportFault = "held"   // a legal hold denies it to everybody, the candidate too
	ExportFaultLive   ExportFault = "live"   // the interview is still going on
	ExportFaultClosed ExportFault = "closed" // the account was closed
	ExportFaultServer ExportFault = "server" // the server could not make the file
)

// Export is one copy of a candidate's data on its way to them.
type Export struct {
	ID          ExportID
	Account     AccountID
	Whole       bool // everything the account has; otherwise one session
	State       ExportState
	Fault       ExportFault // only of a failed one
	RequestedAt time.Time
	FinishedAt  time.Time // zero until it is ready or failed
	GoneAt      time.Time // when a ready one goes; zero before
	Sessions    []ExportSession
	Bytes       int64 // written so far; of the whole file once it is ready
	Attempt     int   // how often it was begun: each begins its file anew
}

// ExportSession is one session of an export.
type ExportSession struct {
	Session   SessionID
	RoleTitle string
	Done      bool
	Fault     ExportFault // why it is not in the file; empty if it is, or its turn has not come
}

// exportMay: the account asked for it, is live and owns the session, and the interview is over: an exam
// shows its results at the end, and an export must not show them before.
func exportMay(s Snapshot, artefact Artefact) bool {
	return s.ActorLive && s.Actor.Account != "" && s.Actor.Account == s.Candidate &&
		s.Actor.Export != "" && s.ExportOpen && s.State != SessionLive && exportNeeds(artefact)
}

// exportNeeds lists what goes into an export. Writing media does not, and the profile is the account's.
func exportNeeds(artefact Artefact) bool {
	return slices.Contains([]Artefact{
		ArtefactSession, ArtefactRatings, ArtefactFeedback, ArtefactQuotes, ArtefactMeasurements,
		ArtefactTranscript, ArtefactAudio, ArtefactVideo, ArtefactPrivate,
	}, artefact)
}

// ExportFaultOf says why a session that [Decide] refused is left out of an export; empty where the export
// itself may not go on.
func ExportFaultOf(s Snapshot) ExportFault {
	switch {
	case !s.ActorLive || !s.ExportOpen:
		return ""
	case !s.Known || s.State == SessionErased:
		return ExportFaultErased
	case !s.HeldAt.IsZero():
		return ExportFaultHeld
	case s.State == SessionLive:
		return ExportFaultLive
	default:
		return ""
	}
}

// AccountHistory is what is held about an account beside its sessions.
type AccountHistory struct {
	Account   Account
	AgeRule   string // the rule that was passed; no birth date is held
	CreatedAt time.Time
	LogIns    []LogIn
	Notices   []AnsweredNotice
	Receipts  []HeldReceipt // about sessions that were erased
}

// LogIn is one log-in that is still kept.
type LogIn struct {
	Since time.Time
	Until time.Time // when it ends at the latest
}

// AnsweredNotice is a notice and when it was answered for a session.
type AnsweredNotice struct {
	Session  SessionID
	Notice   Notice
	Answered time.Time
}

// SessionHistory is what happened to a session beside what was said in it.
type SessionHistory struct {
	Consents       []ConsentEvent
	Authorizations []AuthorizationHistory
	Accesses       []Access
	AICalls        []AICall
	Events         []SessionEvent
}

// HeldReceipt is a receipt that the candidate has, with all that it takes to check it.
type HeldReceipt struct {
	ID   ReceiptID
	File ReceiptFile
}

// ConsentEvent is one answer or withdrawal; Consents is what held after it.
type ConsentEvent struct { //nolint:revive // an event of consents, beside those of authorizations
	At           time.Time
	Kind         string // "answered" or "withdrawn"
	Withdrawn    Consent
	Consents     Consents
	NoticeSHA256 string
}

// AuthorizationHistory is a record with everything that happened to it.
type AuthorizationHistory struct {
	Authorization
	Events []PastEvent
}

// PastEvent is something that happened.
type PastEvent struct {
	At   time.Time
	Kind string
}

// SessionEvent is one line of a session's log: ids, numbers and names of states, never words.
type SessionEvent struct {
	PastEvent
	Sequence int64
	Detail   map[string]any
}

// AICall is one question to a model: which model, where, in which words of ours, when. What was asked about
// is the session's own transcript.
type AICall struct {
	At           time.Time
	Session      SessionID
	For          AIPurpose
	Model        string
	Place        string // the host that was sent the words; empty for speech to text, whose engine says it
	PromptSHA256 string // of the instructions; empty for speech to text
	Times        int    // how many utterances, for speech to text; otherwise 1
}

// AIPurpose is what a model was asked for.
type AIPurpose string

// The purposes.
const (
	AIEvidence      AIPurpose = "evidence"
	AIRating        AIPurpose = "rating"
	AIFeedback      AIPurpose = "feedback"
	AIFollowUp      AIPurpose = "follow_up"
	AITranscription AIPurpose = "transcription"
)
