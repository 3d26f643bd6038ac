package web

import (
	"context"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

// Accounts keeps people and how they log in. Storage implements it under the login role.
type Accounts interface {
	People
	LogIns
	LogInTries
	SecondFactors
	RoomTickets
	PublishTokens
}

// People are the accounts.
type People interface {
	// CreateCandidate stores a new candidate; [consent.ErrEmailTaken] if the address is in use.
	// ageRule is the name of the age rule that was passed; no birth date is ever stored.
	CreateCandidate(ctx context.Context, email, displayName string, password consent.PasswordHash, ageRule string) (consent.Account, error)
	// Credentials returns what a log-in with the address is checked against; [consent.ErrNotFound] if
	// no account has it.
	Credentials(ctx context.Context, email string) (consent.Credentials, error)
	// SetPassword replaces the hash of a password.
	SetPassword(ctx context.Context, account consent.AccountID, password consent.PasswordHash) error
	// Rename changes what somebody is called.
	Rename(ctx context.Context, account consent.AccountID, displayName string) error
	// ChangeEmail changes the address somebody logs in with; [consent.ErrEmailTaken] if it is in use.
	ChangeEmail(ctx context.Context, account consent.AccountID, email string) error
	// Reopen undoes the closing of an account; [consent.ErrNotFound] once its erasure has begun.
	Reopen(ctx context.Context, account consent.AccountID) error
}

// LogIns are who is logged in, under the SHA-256 of their token.
type LogIns interface {
	CreateLogIn(ctx context.Context, tokenSHA256 [32]byte, fresh consent.NewLogIn) error
	// LogIn returns a live log-in and moves its idle limit; [consent.ErrNotFound] if there is none or
	// it expired. LogInLives only asks.
	LogIn(ctx context.Context, tokenSHA256 [32]byte) (consent.ActiveLogIn, error)
	// LogInsNow is the same for many: the live ones among them.
	LogInsNow(ctx context.Context, tokenSHA256 [][32]byte) (map[[32]byte]consent.ActiveLogIn, error)
	LogInLives(ctx context.Context, tokenSHA256 [32]byte) error
	LogInsOf(ctx context.Context, account consent.AccountID) ([]consent.ActiveLogIn, error)
	// ConfirmLogIn notes that its person has just proven again who they are.
	ConfirmLogIn(ctx context.Context, tokenSHA256 [32]byte) error
	// EndLogIn ends one log-in; ending one that does not exist is no error.
	EndLogIn(ctx context.Context, tokenSHA256 [32]byte) error
	// EndLogInOf ends one of the account's; [consent.ErrNotFound] if it has no such. EndLogInsBut ends
	// all but one; the zero token spares none. Both tell every node.
	EndLogInOf(ctx context.Context, account consent.AccountID, id consent.LogInID) error
	EndLogInsBut(ctx context.Context, account consent.AccountID, tokenSHA256 [32]byte) error
}

// LogInTries count what fails, by address, whether an account has it or not.
type LogInTries interface {
	// TryLogIn counts a try before its password is looked at, or says why it is refused. It stands as
	// failed until ClearTries forgets all of them or ExcuseTry takes this one back.
	TryLogIn(ctx context.Context, email string) (consent.Throttle, error)
	ExcuseTry(ctx context.Context, email string) error
	ClearTries(ctx context.Context, email string) error
}

// Sessions is a candidate's own view of sessions. Storage implements it under the candidate role;
// every method touches only rows of the given candidate and answers [consent.ErrNotFound] otherwise.
type Sessions interface {
	CreateSession(ctx context.Context, candidate consent.AccountID, mode consent.Mode, plan assess.Plan) (consent.Session, error)
	Session(ctx context.Context, candidate consent.AccountID, id consent.SessionID) (consent.Session, error)
	SessionPlan(ctx context.Context, candidate consent.AccountID, id consent.SessionID) (assess.Plan, error)
	// AskedBefore returns the ids of the questions in the candidate's earlier interviews for the role.
	AskedBefore(ctx context.Context, candidate consent.AccountID, role string) ([]string, error)
	SessionsOf(ctx context.Context, candidate consent.AccountID) ([]SessionSummary, error)
	// GiveConsents stores the consent event (choices, notice hash, time) and moves the session to
	// consented; consent.ErrBadStep if the notice was answered already.
	GiveConsents(ctx context.Context, candidate consent.AccountID, id consent.SessionID, choices consent.Consents, notice Notice) (consent.Session, error)
	// WithdrawConsent stores the event and notifies every node; withdrawing twice is no error.
	WithdrawConsent(ctx context.Context, candidate consent.AccountID, id consent.SessionID, which consent.Consent) (consent.Session, error)
	// AIObjection returns since when the candidate objects to AI, zero if they do not. ObjectToAI holds for
	// every session, past and to come; doing either twice is no error.
	AIObjection(ctx context.Context, candidate consent.AccountID) (time.Time, error)
	ObjectToAI(ctx context.Context, candidate consent.AccountID) (time.Time, error)
	LiftAIObjection(ctx context.Context, candidate consent.AccountID) error
	// RateSelf stores or replaces the candidate's own rating of one competency of one answer.
	RateSelf(ctx context.Context, permit consent.Permit, rating assess.Rating) error

	Organizations(ctx context.Context, candidate consent.AccountID) ([]consent.Organization, error)
	Authorizations(ctx context.Context, candidate consent.AccountID, id consent.SessionID) ([]consent.Authorization, error)
	// Authorize stores the record and its granted event, superseding a live one for the same
	// organization and purpose, and notifies every node.
	Authorize(ctx context.Context, candidate consent.AccountID, id consent.SessionID, request consent.AuthorizationRequest) (consent.Authorization, error)
	// WithdrawAuthorization ends a record and notifies every node; ending one twice is no error.
	WithdrawAuthorization(ctx context.Context, candidate consent.AccountID, session consent.SessionID, id consent.AuthorizationID) error
	Accesses(ctx context.Context, candidate consent.AccountID, id consent.SessionID) ([]consent.Access, error)

	// Holdings counts what is held about the candidate; the other two list who saw any of it, the newest
	// first, from offset on.
	Holdings(ctx context.Context, candidate consent.AccountID) ([]consent.Holding, error)
	AccessesOf(ctx context.Context, candidate consent.AccountID, offset, limit int) ([]consent.SessionAccess, error)
	AICallsOf(ctx context.Context, candidate consent.AccountID, offset, limit int) ([]consent.SessionAICall, error)
}

// SessionSummary is a line of the candidate's list.
type SessionSummary = consent.SessionSummary

// Records reads results. Each part needs its own Permit; a zero Permit leaves that part out. The
// database role follows the Permit's actor, so that row-level security stands behind it.
type Records interface {
	Record(ctx context.Context, permits RecordPermits) (assess.Record, error)
}

// RecordPermits are the Permits for the parts of a record. Session is required, the rest optional.
type RecordPermits = consent.RecordPermits

// Shared is an employer's view. Storage implements it under the employer role.
type Shared interface {
	// SharedWith lists the sessions that have a live authorization for the actor's organization.
	SharedWith(ctx context.Context, actor consent.Actor) ([]SharedSession, error)
	// NoteAccess writes what an employer is about to be shown; no access, no data.
	NoteAccess(ctx context.Context, actor consent.Actor, session consent.SessionID, artefacts []consent.Artefact) error
	// Redeem uses an invitation up and asks for what it offers; [consent.ErrNotFound] whatever is wrong.
	Redeem(ctx context.Context, actor consent.Actor, secret consent.InvitationSecret) (consent.Request, error)
	// Requests lists what the actor's organization asked for.
	Requests(ctx context.Context, actor consent.Actor) ([]consent.Request, error)
}

// Raters is how people of an organization rate what a candidate let them see. Storage implements it under the
// employer role; every Permit is for [consent.ArtefactRate].
type Raters interface {
	// FormClosed reports whether the person saved or skipped their own ratings of the session.
	FormClosed(ctx context.Context, rate consent.Permit) (bool, error)
	// RateAnswer stores or replaces the person's rating of the answer's words in the given revision;
	// [assess.ErrCorrected] if it has others since, [consent.ErrNotFound] if there is no such answer, the plan does
	// not ask for the competency, or the form is closed.
	RateAnswer(ctx context.Context, rate consent.Permit, rating assess.Rating, revision int, why string) error
	// CloseForm closes the form for good; closing twice is no error.
	CloseForm(ctx context.Context, rate consent.Permit) error
}

// Contests is what candidates contest. Storage implements it under the candidate role.
type Contests interface {
	// Contest stores it once for each competency of an answer and has it looked at;
	// [assess.ErrContested] the second time, [consent.ErrNotFound] if nobody rated it.
	Contest(ctx context.Context, private consent.Permit, contest assess.Contest) error
}

// Corrections is what candidates correct in their transcripts. Storage implements it under the candidate role.
type Corrections interface {
	// Correct gives lines the words that their candidate heard, all of them or none, and has the answers that they
	// are of assessed again. The Permits are for [consent.ArtefactPrivate] and [consent.ArtefactTranscript].
	// [assess.ErrCorrected] if a line is of another revision, [assess.ErrUnfinished] while an answer is assessed for
	// the first time, [assess.ErrNothingCorrected] if all of it is there, an [assess.LineError] for a text that is
	// refused, [consent.ErrNotFound] for a line that there is not.
	Correct(ctx context.Context, private, transcript consent.Permit, list []assess.Correction) error
}

// SharedSession is a line of an employer's list.
type SharedSession = consent.SharedSession

// Notice is the text a candidate answers before an interview.
type Notice = consent.Notice

// Recordings is what playback needs.
type Recordings interface {
	media.RecordingReader
	// MayRead asks anew whether a segment that Segments listed before may still be read by whoever the
	// Permit is for; [consent.ErrNotFound] if not.
	MayRead(ctx context.Context, permit consent.Permit, session consent.SessionID, kind media.Kind, index int64) error
}

// Changes tells the pages what happened elsewhere, on this node or another. Storage implements it
// over LISTEN/NOTIFY.
type Changes interface {
	// Subscribe returns a channel that gets a value whenever something about the session changed;
	// values may be merged. The channel is closed when ctx ends. A lost notification connection
	// also sends a value, so that subscribers look again.
	Subscribe(ctx context.Context, session consent.SessionID) <-chan struct{}
	// SubscribeViewers is the same for who is watching the session and who was cut off, of which
	// Subscribe does not tell.
	SubscribeViewers(ctx context.Context, session consent.SessionID) <-chan struct{}
}

// Erasures is what a candidate asks to be erased, and how far it is. Storage implements it under the
// candidate role and does the work elsewhere.
type Erasures interface {
	// Erase makes a session erased for everybody at once; a session under a legal hold stays as it is and
	// the erasure is paused. Asking twice returns the one erasure; [consent.ErrNotFound] if the session is
	// not the candidate's.
	Erase(ctx context.Context, candidate consent.AccountID, session consent.SessionID) (consent.Erasure, error)
	ErasuresOf(ctx context.Context, candidate consent.AccountID) ([]consent.Erasure, error)
	// CloseAccount cuts log-ins, shares, rooms and work on the candidate's interviews at once, and returns
	// when everything will be erased. Closing twice is no error.
	CloseAccount(ctx context.Context, candidate consent.AccountID) (eraseAt time.Time, err error)
	// Certificate returns what was signed; [consent.ErrNotFound] until the erasure is done.
	Certificate(ctx context.Context, candidate consent.AccountID, id consent.ErasureID) (consent.CertificateFile, error)
}

// Receipts is what each side has in its hands of what was agreed and how it ended. Storage implements it
// under the side's own role.
type Receipts interface {
	// ReceiptsOf lists a candidate's receipts of one session, also after it was erased;
	// [consent.ErrNotFound] if it is not theirs.
	ReceiptsOf(ctx context.Context, candidate consent.AccountID, session consent.SessionID) ([]consent.ReceiptSummary, error)
	// ReceiptsFor lists the receipts of an employer's organization.
	ReceiptsFor(ctx context.Context, actor consent.Actor) ([]consent.ReceiptSummary, error)
	// ReceiptFile returns one receipt of the actor's side; [consent.ErrNotFound] if it is not theirs.
	ReceiptFile(ctx context.Context, actor consent.Actor, id consent.ReceiptID) (consent.ReceiptFile, error)
}

// Ledger is what anybody may know of the ledger: sums and signatures, which say nothing about anybody.
type Ledger interface {
	KeySet() (consent.KeySet, error)
	// Checkpoint returns the newest; false while the ledger has none.
	Checkpoint() (consent.CheckpointLine, bool)
	// Sums returns those of the entries after a place, at most so many.
	Sums(ctx context.Context, after int64, most int) ([]consent.Digest, error)
}

// Ops is what operations may see: counts and states, never content.
type Ops interface {
	Overview(ctx context.Context) (Overview, error)
}

// Overview is the state of the server without anybody's data.
type Overview = consent.Overview
