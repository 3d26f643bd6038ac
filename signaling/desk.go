package signaling

import (
	"context"
	"errors"
	"net/http"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

// ErrUnauthenticated says that a request carries no live log-in.
var ErrUnauthenticated = errors.New("not logged in")

// ErrWrongPhase says that an [Interviewer] does not take this act now.
var ErrWrongPhase = errors.New("the interview does not take this now")

// Desk is what a room reaches the rest of the program through; cmd implements it.
type Desk interface {
	// Admit finds the log-in of the request and returns its session; [consent.ErrNotFound] or
	// [ErrUnauthenticated] if there is none.
	Admit(r *http.Request, id consent.SessionID) (consent.Session, error)
	// AdmitPublisher is the same for a program that shows a token in place of a log-in (RFC 6750).
	AdmitPublisher(r *http.Request, id consent.SessionID) (consent.Session, error)
	// AdmitAgain looks again whether those who hold a seat may, all in one question, and counts as a use
	// of their log-ins. It is asked each second with the requests that they came with and answers in the
	// order of the seats; an error that admission does not know leaves things as they are. Other seats may
	// be asked about at the same time.
	AdmitAgain(ctx context.Context, seats []Seat) []Admission
	// Sessions re-reads consents and states, all in one question, each second. A session that is not
	// among those it returns was erased; an error leaves everything as it is. Other sessions may be asked
	// about at the same time.
	Sessions(ctx context.Context, ids []consent.SessionID) (map[consent.SessionID]consent.Session, error)
	// Open takes the session live and returns what the room needs: a capture not yet running and an
	// interviewer. A [Refusal] among its errors is shown to the candidate.
	Open(ctx context.Context, session consent.Session, events RoomEvents) (*media.Capture, Interviewer, error)
	// End stores that the session ended. It may take a few seconds for what was said last: captions
	// still reach the page meanwhile. It is asked again until it succeeds.
	End(ctx context.Context, id consent.SessionID, reason string) error
	// Close is called once for each Open, also a failed one, when the room is gone: after End, or
	// without it where nothing is to be stored. No other room of the session is open then. It does
	// not block.
	Close(id consent.SessionID)
}

// RoomEvents are what the desk puts into the capture's configuration. They do not block. Hurry asks for a
// Tick of the interviewer at once: what was heard changes the turn.
type RoomEvents struct {
	Hurry    func()
	OnGap    func(media.Gap)
	OnStatus func(media.RecordingStatus)
}

// Interviewer walks one session through its plan. It has one user at a time. It holds the turn in
// memory: an error other than [ErrWrongPhase] says that the act was taken, the turn beside it holds,
// and something could not be stored yet, which the next Tick tries again. What it stores it stores in a Tick
// that changes nothing: there is one after each change, and an error of it stands until all is stored.
type Interviewer interface {
	// Turn returns where the interview stands.
	Turn() Turn
	// Act does what the candidate asked; [ErrWrongPhase] if the phase does not take it.
	Act(ctx context.Context, act Act, now time.Time, mediaNow time.Duration) (Turn, error)
	// Tick lets time pass; it reports whether the turn changed.
	Tick(ctx context.Context, now time.Time, mediaNow time.Duration) (Turn, bool, error)
}

// Act is something that moves an interview on.
type Act string

// The acts. All but drop are the candidate's; drop ends what is open when nobody came back.
const (
	ActBegin       Act = "begin"
	ActStartAnswer Act = "start_answer"
	ActDone        Act = "done"
	ActMoment      Act = "moment"
	ActAgain       Act = "again"
	ActNext        Act = "next"
	ActSkip        Act = "skip"
	ActFinish      Act = "finish"
	ActDrop        Act = "drop"
	ActSpeak       Act = "speak"     // the page begins to say what is asked aloud
	ActSpoken      Act = "spoken"    // it has ended
	ActInterrupt   Act = "interrupt" // it has, because the candidate began to talk
)

// Phase is where an interview stands.
type Phase string

// The phases of an interview.
const (
	PhaseWaiting   Phase = "waiting"
	PhasePreparing Phase = "preparing"
	PhaseAnswering Phase = "answering"
	PhaseThinking  Phase = "thinking"  // a model thinks of a follow-up question
	PhaseProbing   Phase = "probing"   // a follow-up question to the same answer
	PhaseReviewing Phase = "reviewing" // between two questions
	PhaseFinished  Phase = "finished"
)

// Turn is where an interview stands, with its clock.
type Turn struct {
	Phase     Phase
	Index     int // of the question in the plan
	Total     int
	Take      int
	TakesLeft int // how often the question may be answered again
	Question  *Question
	Probe     *Probe    // the follow-up question that was asked last
	EndsAt    time.Time // when the phase ends by itself; zero: it does not
	Limit     time.Duration
	ClosingAt time.Time // when silence ends the answer; zero: no countdown runs
	HeldUntil time.Time // until when the clocks stand; zero: they run
	Moments   int       // how often they may still be held
	// SpeakingUntil is until when the clocks stand at most while what is asked is said aloud; zero: they do not.
	SpeakingUntil time.Time
}

// Refusal is an error with words for the candidate. Cause is for the log only.
type Refusal struct { //nolint:errname // it is the candidate's word first, an error second {
	Code    string
	Message string
	Next    string
	Cause   error

	status int // what a program hears over HTTP, 0: 503
}

func (r *Refusal) Error() string {
	if r.Cause != nil {
		return r.Code + ": " + r.Cause.Error()
	}
	return r.Code
}

func (r *Refusal) Unwrap() error { return r.Cause }

func (r *Refusal) problem(fatal bool) *Problem {
	return &Problem{Code: r.Code, Message: r.Message, Next: r.Next, Fatal: fatal}
}

// Caption is the recognised text of one utterance.
type Caption struct {
	Session  consent.SessionID
	Epoch    int
	Sequence int
	Start    time.Duration // media time
	End      time.Duration
	Text     string         // words with single spaces between them
	Doubtful []int          // indexes of words that may have been misheard
	Repaired []RepairedWord // words that the engine wrote otherwise
}

// RepairedWord is a word of a caption in whose place the speech engine wrote another.
type RepairedWord struct {
	Word  int    `json:"word"` // its index
	Heard string `json:"heard"`
}

// PartialCaption is what was said so far of an utterance that still runs. The words of Stable stay as they
// are. Without text, nothing came of what was shown.
type PartialCaption struct {
	Session  consent.SessionID
	Epoch    int
	Sequence int
	Start    time.Duration // media time
	End      time.Duration
	Stable   string
	Unstable string
}

// CaptionFailure says in words for the candidate why one utterance has no text.
type CaptionFailure struct {
	Session  consent.SessionID
	Epoch    int
	Sequence int
	Start    time.Duration // media time
	End      time.Duration
	Message  string
}
