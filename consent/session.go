package consent

import (
	"fmt"
	"time"
)

// SessionState is where one mock interview stands.
type SessionState string

// The states of a session. Erased is reached from any state and never left.
const (
	SessionScheduled SessionState = "scheduled"
	SessionConsented SessionState = "consented"
	SessionLive      SessionState = "live"
	SessionEnded     SessionState = "ended"
	SessionAssessed  SessionState = "assessed"
	SessionAbandoned SessionState = "abandoned"
	SessionErased    SessionState = "erased"
)

// SessionStep is something that happens to a session and may change its state.
type SessionStep string

// The steps of a session.
const (
	StepConsent SessionStep = "consent" // the candidate answered the notice, whatever the answers
	StepGoLive  SessionStep = "go_live" // the first media connection was accepted
	StepEnd     SessionStep = "end"
	StepAssess  SessionStep = "assess" // every result of a consented assessment is written
	StepAbandon SessionStep = "abandon"
	StepErase   SessionStep = "erase"
)

// ErrBadStep says that a session in State does not take Step.
type ErrBadStep struct { //nolint:errname // callers branch on it beside the sentinels, and read it like one
	State SessionState
	Step  SessionStep
}

func (e ErrBadStep) Error() string {
	return fmt.Sprintf("a session that is %s cannot %s", e.State, e.Step)
}

// After returns the state that follows state s when step happens. Repeating go_live while live is
// allowed: a reconnecting candidate goes on in the same session.
func (s SessionState) After(step SessionStep) (SessionState, error) {
	if step == StepErase {
		return SessionErased, nil
	}
	next, ok := sessionSteps[s][step]
	if !ok {
		return s, ErrBadStep{State: s, Step: step}
	}
	return next, nil
}

var sessionSteps = map[SessionState]map[SessionStep]SessionState{
	SessionScheduled: {StepConsent: SessionConsented, StepAbandon: SessionAbandoned},
	SessionConsented: {StepGoLive: SessionLive, StepAbandon: SessionAbandoned},
	SessionLive:      {StepGoLive: SessionLive, StepEnd: SessionEnded, StepAbandon: SessionAbandoned},
	SessionEnded:     {StepAssess: SessionAssessed},
}

// Over reports whether the interview was held to its end: nothing is said in it any more.
func (s SessionState) Over() bool { return s == SessionEnded || s == SessionAssessed }

// Mode is how feedback and retakes work in a session.
type Mode string

// Practice shows results after each answer; exam holds them to the end.
const (
	ModePractice Mode = "practice"
	ModeExam     Mode = "exam"
)

// Session is one mock interview of one candidate.
type Session struct {
	ID           SessionID
	Candidate    AccountID
	State        SessionState
	Role         string // id of the role in the question bank
	RoleTitle    string
	Mode         Mode
	Consents     Consents // zero until the notice was answered
	NoticeSHA256 string   // hex; empty until the notice was answered
	CreatedAt    time.Time
	MediaStart   time.Time // wall time of media time zero; zero until the first media connection
	EndedAt      time.Time // zero until ended
	RestrictedAt time.Time // zero unless the candidate restricted it: kept, and worked on by nobody
	HeldAt       time.Time // zero unless under legal hold: kept, and read by nobody
	Questions    int       // how many its plan has
	Takes        int       // how often each may be answered
}

// Consents are the three boxes of the notice, none ticked by default, each withdrawable on its own.
type Consents struct {
	Recording     bool
	Transcription bool
	Assessment    bool // needs Transcription
}

// Consent names one of the three boxes.
type Consent string

// The three consents.
const (
	ConsentRecording     Consent = "recording"
	ConsentTranscription Consent = "transcription"
	ConsentAssessment    Consent = "assessment"
)

// Validate refuses an assessment without the transcription that it reads.
func (c Consents) Validate() error {
	if c.Assessment && !c.Transcription {
		return fmt.Errorf("assessment needs transcription: tick both or neither")
	}
	return nil
}

// Without returns what is left when one consent is withdrawn. Withdrawing transcription takes
// assessment with it, because the assessor reads nothing but the transcript.
func (c Consents) Without(withdrawn Consent) (Consents, error) {
	switch withdrawn {
	case ConsentRecording:
		c.Recording = false
	case ConsentTranscription:
		c.Transcription, c.Assessment = false, false
	case ConsentAssessment:
		c.Assessment = false
	default:
		return c, fmt.Errorf("unknown consent %q", withdrawn)
	}
	return c, nil
}
