package consent

import "time"

// ErasureID names one erasure of one session.
type ErasureID string

// ErasureCause is why a session is erased.
type ErasureCause string

// The causes.
const (
	CauseRequest  ErasureCause = "request"  // its candidate asked for it
	CauseExpired  ErasureCause = "expired"  // its time was over
	CauseClosed   ErasureCause = "closed"   // its candidate closed the account
	CauseChild    ErasureCause = "child"    // its candidate was reported to be a child
	CauseRestored ErasureCause = "restored" // a restored backup brought back what had been erased
)

// ErasureState is where an erasure stands.
type ErasureState string

// The states of an erasure. A paused one goes on when the legal hold on its session is lifted.
const (
	ErasurePaused  ErasureState = "paused"
	ErasureRunning ErasureState = "running"
	ErasureDone    ErasureState = "done"
)

// ErasureStep is one part of the work of an erasure.
type ErasureStep string

// The steps, in the order in which they are taken. Keys come first: once they are gone the rest is noise,
// however long it takes to find it everywhere.
const (
	StepKeys     ErasureStep = "keys"     // the wrapped keys of the session are destroyed
	StepSpool    ErasureStep = "spool"    // what had not reached the object store yet
	StepObjects  ErasureStep = "objects"  // every version and delete marker of every object
	StepRows     ErasureStep = "rows"     // everything but the ids and dates that the tombstone keeps
	StepOpenings ErasureStep = "openings" // the salts of its entries in the ledger
	StepVerified ErasureStep = "verified" // looked again everywhere, and found nothing
)

// ErasureSteps lists the steps in their order.
func ErasureSteps() []ErasureStep {
	return []ErasureStep{StepKeys, StepSpool, StepObjects, StepRows, StepOpenings, StepVerified}
}

// ErasureFault is what an erasure waits for. It is tried again until it is done.
type ErasureFault string

// The faults.
const (
	FaultObjects ErasureFault = "objects" // the object store does not answer
	FaultServer  ErasureFault = "server"  // anything else
)

// Erasure is one erasure, as the person whose data it is sees it.
type Erasure struct {
	ID          ErasureID
	Session     SessionID
	Account     AccountID
	Cause       ErasureCause
	State       ErasureState
	Fault       ErasureFault // of the last try; empty while none failed
	RequestedAt time.Time
	FinishedAt  time.Time // zero until it is done
	Steps       []ErasureProgress
}

// ErasureProgress is what one step has done so far.
type ErasureProgress struct {
	Step  ErasureStep
	At    time.Time // when it was last seen to be done; zero: not yet
	Count int64     // of what it removed
}

// BackupHorizon returns when nothing that was destroyed at the given time can be opened out of any backup:
// the key of the day that sealed it has ended by then, wherever a copy of what it sealed may lie.
func BackupHorizon(destroyed time.Time) time.Time {
	return destroyed.Add(KeyEpochLife + 24*time.Hour)
}

// RecipientDeadline is how long a recipient has to delete what it noted.
const RecipientDeadline = 30 * 24 * time.Hour

// Processor is a service outside this server that was sent something of a session.
type Processor struct {
	Name  string        // e.g. the host
	What  string        // what it was sent: "speech" or "words"
	Keeps time.Duration // how long it may keep a copy, as its terms say
}
