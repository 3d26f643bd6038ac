package consent

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ActorKind is in which capacity something asks for data.
type ActorKind string

// The capacities. The last three are parts of the server, which need a Permit like everybody else.
const (
	ActorCandidate ActorKind = "candidate"
	ActorEmployer  ActorKind = "employer"
	ActorRecorder  ActorKind = "recorder" // keeps media
	ActorScribe    ActorKind = "scribe"   // turns speech into text
	ActorAssessor  ActorKind = "assessor" // reads the transcript, writes measurements, ratings, feedback
)

// Actor is who asks. Account is empty for the parts of the server; Org only matters for employers.
type Actor struct {
	Kind    ActorKind
	Account AccountID
	Org     OrgID
	Export  ExportID // of an export, which acts for its account
}

// Snapshot is what the database knew at one moment about one actor and one session.
type Snapshot struct {
	Actor Actor
	// ActorLive: the account exists, is of the actor's kind, and is not closed.
	ActorLive    bool
	MemberRole   MemberRole // of an employer in Actor.Org, while the membership lasts
	OrgLive      bool       // Actor.Org exists and is not suspended
	Session      SessionID
	Known        bool // the session exists
	Candidate    AccountID
	State        SessionState
	RestrictedAt time.Time // zero: not restricted
	HeldAt       time.Time // zero: not held
	Consents     Consents
	// ModelAllowed: the candidate has not objected to AI. Only parts of the server ask.
	ModelAllowed bool
	// Notice is the SHA-256 of the notice that the candidate answered for this session, NoticeShown that of
	// the one this server shows: only if they are the same was the candidate told where it would send
	// something. Only parts of the server ask.
	Notice, NoticeShown string
	// Authorizations of this session for Actor.Org, in any state; empty for others.
	Authorizations []Authorization
	MinNotice      int       // the newest notice in effect that everybody has to agree to anew; 0: none
	ExportOpen     bool      // the export of Actor exists, was asked for by its account, has this session, and is not over
	Now            time.Time // the database's time: it decides, not this machine's
	ReadAt         time.Time // this machine's monotonic time just before the read began
}

// SnapshotReader reads a Snapshot from the database in one statement, without a cache.
type SnapshotReader interface {
	Snapshot(ctx context.Context, actor Actor, session SessionID) (Snapshot, error)
}

// ErrFacts marks a refusal whose reason is that the facts could not be read. A request gets the same
// answer as for any other refusal; a job may be tried again.
var ErrFacts = errors.New("the facts could not be read")

// Gate asks a SnapshotReader and decides.
type Gate struct {
	Reader SnapshotReader
	Notice string // SHA-256 of the notice this server shows; it names every server that something is sent to
}

// Permit reads the facts and decides about one artefact. Any failure to read them is a refusal: the
// cause is wrapped beside [ErrNotFound] and [ErrFacts], so that callers can log it and answer the same
// 404.
func (g Gate) Permit(ctx context.Context, actor Actor, session SessionID, artefact Artefact) (Permit, error) {
	snapshot, err := g.Snapshot(ctx, actor, session)
	if err != nil {
		return Permit{}, err
	}
	return Decide(snapshot, artefact)
}

// Snapshot reads the facts once, for callers that decide about several artefacts together.
func (g Gate) Snapshot(ctx context.Context, actor Actor, session SessionID) (Snapshot, error) {
	snapshot, err := g.Reader.Snapshot(ctx, actor, session)
	if err != nil {
		return Snapshot{}, fmt.Errorf("%w: %w: %w", ErrNotFound, ErrFacts, err)
	}
	if snapshot.Actor != actor || snapshot.Session != session {
		return Snapshot{}, fmt.Errorf("%w: facts are about another question", ErrNotFound)
	}
	snapshot.NoticeShown = g.Notice
	return snapshot, nil
}

// Decide is the only place where a Permit is made. It refuses with [ErrNotFound] unless the facts
// clearly allow the artefact; a session's own candidate is told of a hold by [ErrHeld].
//
// The questions come in the order of the facts they are about: the actor, their membership, the
// session, what stands in its way, and last the record, which alone must be granted, in time, under a
// notice that still holds, and have every scope. A record has one purpose, so an artefact is never
// pieced together from two.
func Decide(s Snapshot, artefact Artefact) (Permit, error) {
	if s.ReadAt.IsZero() || s.Now.IsZero() {
		return Permit{}, ErrNotFound
	}
	if !actorMay(s) {
		return Permit{}, ErrNotFound
	}
	if !s.Known || s.State == SessionErased {
		return Permit{}, ErrNotFound
	}
	if !s.HeldAt.IsZero() {
		if isOwner(s) {
			return Permit{}, ErrHeld{Since: s.HeldAt}
		}
		return Permit{}, ErrNotFound
	}
	if !s.RestrictedAt.IsZero() && s.Actor.Kind != ActorCandidate && s.Actor.Kind != ActorExport {
		return Permit{}, ErrNotFound
	}
	if !allowed(s, artefact) {
		return Permit{}, ErrNotFound
	}
	return Permit{actor: s.Actor, session: s.Session, artefact: artefact, readAt: s.ReadAt}, nil
}

// actorMay asks about the actor alone: alive, and for an employer a reviewer of an organization that
// is not suspended. A part of the server has no account.
func actorMay(s Snapshot) bool {
	switch s.Actor.Kind {
	case ActorCandidate:
		return s.ActorLive
	case ActorEmployer:
		return s.ActorLive && s.Actor.Org != "" && s.MemberRole == MemberReviewer && s.OrgLive
	default:
		return true
	}
}

func isOwner(s Snapshot) bool {
	return s.Actor.Kind == ActorCandidate && s.Actor.Account != "" && s.Actor.Account == s.Candidate
}

func allowed(s Snapshot, artefact Artefact) bool {
	switch s.Actor.Kind {
	case ActorCandidate:
		return isOwner(s) && artefact != ArtefactRate && artefact != ArtefactCapture && artefact != ArtefactModel
	case ActorEmployer:
		return employerMay(s, artefact)
	case ActorRecorder:
		return artefact == ArtefactCapture && s.Consents.Recording && takesMedia(s.State)
	case ActorScribe:
		return s.Consents.Transcription && scribeMay(s, artefact)
	case ActorAssessor:
		return s.Consents.Assessment && assessorMay(s, artefact)
	case ActorExport:
		return exportMay(s, artefact)
	default:
		return false
	}
}

// takesMedia: the tail of a recording is still sealed and uploaded after the session ended or was
// abandoned, also by the next process after a crash.
func takesMedia(state SessionState) bool {
	return state != SessionScheduled
}

// modelMay: nothing goes to a model after an objection to AI, nor to one that the notice which was answered
// does not name: who configures another asks for consent anew, in the next interview.
func modelMay(s Snapshot) bool {
	return s.ModelAllowed && s.Notice == s.NoticeShown
}

// scribeMay: where no model may be asked speech is still written down, but no sound leaves for it.
func scribeMay(s Snapshot, artefact Artefact) bool {
	return artefact == ArtefactTranscript || artefact == ArtefactModel && modelMay(s)
}

// assessorMay: where no model may be asked answers are still measured, and that is all.
func assessorMay(s Snapshot, artefact Artefact) bool {
	switch artefact {
	case ArtefactTranscript, ArtefactMeasurements:
		return true
	case ArtefactModel, ArtefactRatings, ArtefactFeedback, ArtefactQuotes:
		return modelMay(s)
	default:
		return false
	}
}

// employerMay: some authorization of this organization is live and alone holds every scope the
// artefact needs. Scopes of two records are never added up, because each was given for its own purpose.
func employerMay(s Snapshot, artefact Artefact) bool {
	if artefact == ArtefactRate && s.State != SessionEnded && s.State != SessionAssessed {
		return false // answers are rated when all of them are there
	}
	for _, a := range s.Authorizations {
		if s.Live(a) && artefact.AllowedBy(a.Scopes) {
			return true
		}
	}
	return false
}

// Live reports whether a record of the snapshot lets its organization see anything now.
func (s Snapshot) Live(a Authorization) bool {
	return a.Session == s.Session && a.Org == s.Actor.Org && a.State == AuthorizationGranted &&
		!s.Now.Before(a.ValidFrom) && s.Now.Before(a.ValidUntil) && a.NoticeVersion >= s.MinNotice
}
