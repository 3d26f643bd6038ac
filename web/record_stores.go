package web

import (
	"context"
	"time"

	"greenroom/consent"
)

// Record is what a candidate does with a session's authorizations beside giving and withdrawing them.
// Storage implements it under the candidate role; every method touches only sessions of the given
// candidate and answers [consent.ErrNotFound] otherwise.
type Record interface {
	Inviting
	Pausing
	Renewing
	// Viewers lists who has something of the session open now, on any node, and whom an end cut off.
	Viewers(ctx context.Context, candidate consent.AccountID, id consent.SessionID) ([]consent.Viewer, []consent.CutOff, error)
}

// Inviting lets organizations ask.
type Inviting interface {
	// Invite returns the secret of a new invitation, which nobody can read again.
	Invite(ctx context.Context, candidate consent.AccountID, id consent.SessionID, request consent.AuthorizationRequest) (consent.Invitation, consent.InvitationSecret, error)
	Invitations(ctx context.Context, candidate consent.AccountID, id consent.SessionID) ([]consent.Invitation, error)
	// CancelInvitation makes an open invitation useless; one that is not open stays as it is.
	CancelInvitation(ctx context.Context, candidate consent.AccountID, session consent.SessionID, id consent.InvitationID) error
	// ConfirmRequest grants what was asked for; [consent.ErrBadEvent] if it is not waiting any more.
	ConfirmRequest(ctx context.Context, candidate consent.AccountID, session consent.SessionID, id consent.AuthorizationID) (consent.Authorization, error)
	RefuseRequest(ctx context.Context, candidate consent.AccountID, session consent.SessionID, id consent.AuthorizationID) error
}

// Pausing keeps a session from everybody but its candidate, and undoes that.
type Pausing interface {
	Restrict(ctx context.Context, candidate consent.AccountID, id consent.SessionID) (consent.Session, error)
	Unrestrict(ctx context.Context, candidate consent.AccountID, id consent.SessionID) (consent.Session, error)
}

// Renewing agrees to a newer notice.
type Renewing interface {
	// NoticeChanges lists what is new since the notices that records of the session stand under; shown
	// is the hash of the text that this server shows.
	NoticeChanges(ctx context.Context, candidate consent.AccountID, id consent.SessionID, shown string) ([]consent.NoticeChange, error)
	// Renew puts a new record under the named notice in the place of an old one.
	Renew(ctx context.Context, candidate consent.AccountID, id consent.SessionID, old consent.AuthorizationID, noticeSHA256 string) (consent.Authorization, error)
}

// Viewers keeps which employers have something open. A fault of it ends no stream.
type Viewers interface {
	// Watching notes a stream that is open; it is repeated every few seconds.
	Watching(ctx context.Context, actor consent.Actor, session consent.SessionID, stream consent.StreamKind) error
	// CutOff notes a stream that was cut off so long ago; permitted is the database's time of the last
	// decision that still let it go on.
	CutOff(ctx context.Context, actor consent.Actor, session consent.SessionID, stream consent.StreamKind, permitted time.Time, ago time.Duration) error
}
