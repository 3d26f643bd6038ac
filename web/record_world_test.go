package web

import (
	"context"
	"slices"
	"time"

	"greenroom/consent"
)

// recordFakes are what a world remembers about invitations, notices and viewers. What these do with the
// database is tested in storage.
type recordFakes struct {
	invited        map[consent.InvitationSecret]consent.Invitation
	inSession      map[consent.InvitationID]consent.SessionID
	requests       []consent.Request
	redeemed       int
	newNotices     []consent.NoticeChange
	oldInvitations bool // made before the newest notice
	viewers        []consent.Viewer
	cutOffs        []consent.CutOff
	noted          []string // what Watching and CutOff were told
	lastCut        cutOffNote

	viewerReads int
}

type cutOffNote struct {
	permitted time.Time
	ago       time.Duration
}

func (w *world) Invite(_ context.Context, candidate consent.AccountID, id consent.SessionID, request consent.AuthorizationRequest) (consent.Invitation, consent.InvitationSecret, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.own(candidate, id); err != nil {
		return consent.Invitation{}, "", err
	}
	w.wrote("Invite")
	if w.invited == nil {
		w.invited, w.inSession = map[consent.InvitationSecret]consent.Invitation{}, map[consent.InvitationID]consent.SessionID{}
	}
	invitation := consent.Invitation{
		ID: consent.NewID[consent.InvitationID](), Purpose: request.Purpose, Scopes: request.Scopes, ValidUntil: request.ValidUntil,
		State: consent.InvitationOpen, CreatedAt: testNow, ExpiresAt: testNow.Add(consent.InvitationLife),
	}
	secret := consent.NewInvitationSecret()
	w.invited[secret], w.inSession[invitation.ID] = invitation, id
	return invitation, secret, nil
}

func (w *world) Invitations(_ context.Context, candidate consent.AccountID, id consent.SessionID) ([]consent.Invitation, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.own(candidate, id)
	var list []consent.Invitation
	for _, invitation := range w.invited {
		if w.inSession[invitation.ID] == id {
			list = append(list, invitation)
		}
	}
	return list, err
}

func (w *world) CancelInvitation(_ context.Context, candidate consent.AccountID, session consent.SessionID, id consent.InvitationID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.own(candidate, session); err != nil {
		return err
	}
	for secret, invitation := range w.invited {
		if invitation.ID == id && w.inSession[id] == session {
			invitation.State = consent.InvitationCancelled
			w.invited[secret] = invitation
			return nil
		}
	}
	return consent.ErrNotFound
}

func (w *world) Redeem(_ context.Context, actor consent.Actor, secret consent.InvitationSecret) (consent.Request, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.redeemed++
	invitation, ok := w.invited[secret]
	if !ok || invitation.State != consent.InvitationOpen {
		return consent.Request{}, consent.ErrNotFound
	}
	w.wrote("Redeem")
	session := w.inSession[invitation.ID]
	record := consent.Authorization{
		ID: consent.NewID[consent.AuthorizationID](), Session: session, Org: actor.Org, OrgName: w.orgName(actor.Org), Purpose: invitation.Purpose,
		Scopes: invitation.Scopes, ValidFrom: testNow, ValidUntil: invitation.ValidUntil, State: consent.AuthorizationRequested,
		RequestedBy: w.accounts[actor.Account].DisplayName,
	}
	w.authorizations[session] = append(w.authorizations[session], record)
	invitation.State, invitation.Authorization = consent.InvitationRedeemed, record.ID
	w.invited[secret] = invitation
	request := consent.Request{ID: record.ID, At: testNow, Purpose: record.Purpose, Scopes: record.Scopes, ValidUntil: record.ValidUntil, State: consent.RequestWaiting}
	w.requests = append(w.requests, request)
	return request, nil
}

func (w *world) orgName(id consent.OrgID) string {
	if at := slices.IndexFunc(w.orgs, func(o consent.Organization) bool { return o.ID == id }); at >= 0 {
		return w.orgs[at].Name
	}
	return ""
}

func (w *world) Requests(context.Context, consent.Actor) ([]consent.Request, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.requests, nil
}

func (w *world) happen(candidate consent.AccountID, session consent.SessionID, id consent.AuthorizationID, event consent.AuthorizationEvent) (consent.Authorization, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.own(candidate, session); err != nil {
		return consent.Authorization{}, err
	}
	for i := range w.authorizations[session] {
		a := &w.authorizations[session][i]
		if a.ID != id {
			continue
		}
		next, err := a.State.After(event)
		if err != nil {
			return consent.Authorization{}, err
		}
		w.wrote("happen")
		a.State = next
		w.notify(session)
		return *a, nil
	}
	return consent.Authorization{}, consent.ErrNotFound
}

func (w *world) ConfirmRequest(_ context.Context, candidate consent.AccountID, session consent.SessionID, id consent.AuthorizationID) (consent.Authorization, error) {
	w.mu.Lock()
	outdated := w.oldInvitations
	w.mu.Unlock()
	if outdated {
		return consent.Authorization{}, consent.ErrNoticeChanged
	}
	return w.happen(candidate, session, id, consent.EventGranted)
}

func (w *world) RefuseRequest(_ context.Context, candidate consent.AccountID, session consent.SessionID, id consent.AuthorizationID) error {
	_, err := w.happen(candidate, session, id, consent.EventRefused)
	return err
}

func (w *world) Restrict(_ context.Context, candidate consent.AccountID, id consent.SessionID) (consent.Session, error) {
	return w.setRestricted(candidate, id, testNow)
}

func (w *world) Unrestrict(_ context.Context, candidate consent.AccountID, id consent.SessionID) (consent.Session, error) {
	return w.setRestricted(candidate, id, time.Time{})
}

func (w *world) setRestricted(candidate consent.AccountID, id consent.SessionID, at time.Time) (consent.Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	session, err := w.own(candidate, id)
	if err == nil && !session.HeldAt.IsZero() {
		err = consent.ErrHeld{Since: session.HeldAt}
	}
	if err != nil {
		return consent.Session{}, err
	}
	w.wrote("setRestricted")
	session.RestrictedAt = at
	w.sessions[id] = session
	w.notify(id)
	return session, nil
}

func (w *world) NoticeChanges(_ context.Context, candidate consent.AccountID, id consent.SessionID, _ string) ([]consent.NoticeChange, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.own(candidate, id)
	return w.newNotices, err
}

func (w *world) Renew(_ context.Context, candidate consent.AccountID, session consent.SessionID, old consent.AuthorizationID, notice string) (consent.Authorization, error) {
	w.mu.Lock()
	known := slices.ContainsFunc(w.newNotices, func(c consent.NoticeChange) bool { return c.To.SHA256() == notice })
	_, err := w.own(candidate, session)
	w.mu.Unlock()
	if err != nil {
		return consent.Authorization{}, err
	}
	if !known {
		return consent.Authorization{}, consent.ErrNoticeChanged
	}
	before, err := w.happen(candidate, session, old, consent.EventSuperseded)
	if err != nil {
		return consent.Authorization{}, err
	}
	before.ID, before.Supersedes, before.State = consent.NewID[consent.AuthorizationID](), old, consent.AuthorizationGranted
	return before, nil
}

func (w *world) Viewers(_ context.Context, candidate consent.AccountID, id consent.SessionID) ([]consent.Viewer, []consent.CutOff, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.viewerReads++
	_, err := w.own(candidate, id)
	return slices.Clone(w.viewers), slices.Clone(w.cutOffs), err
}

func (w *world) Watching(_ context.Context, actor consent.Actor, session consent.SessionID, stream consent.StreamKind) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.noted = append(w.noted, "watching "+string(stream))
	w.viewers = []consent.Viewer{{Org: actor.Org, OrgName: w.orgName(actor.Org), Stream: stream, Since: testNow}}
	w.notifyViewers(session)
	return nil
}

func (w *world) CutOff(_ context.Context, actor consent.Actor, session consent.SessionID, stream consent.StreamKind, permitted time.Time, ago time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.noted = append(w.noted, "cut off "+string(stream))
	w.lastCut = cutOffNote{permitted, ago}
	w.viewers = nil
	w.cutOffs = append(w.cutOffs, consent.CutOff{
		At: testNow, Org: actor.Org, OrgName: w.orgName(actor.Org), Stream: stream, Cause: "withdrawn", After: 40 * time.Millisecond,
	})
	w.notifyViewers(session)
	return nil
}
