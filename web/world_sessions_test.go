package web

import (
	"context"
	"errors"
	"slices"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

func (w *world) CreateSession(_ context.Context, candidate consent.AccountID, mode consent.Mode, plan assess.Plan) (consent.Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrote("CreateSession")
	session := consent.Session{
		ID: consent.NewID[consent.SessionID](), Candidate: candidate, State: consent.SessionScheduled,
		Role: plan.Role, RoleTitle: plan.RoleTitle, Mode: mode, CreatedAt: testNow,
		Questions: len(plan.Questions), Takes: plan.Takes,
	}
	w.sessions[session.ID], w.plans[session.ID] = session, plan
	return session, nil
}

func (w *world) own(candidate consent.AccountID, id consent.SessionID) (consent.Session, error) {
	session, ok := w.sessions[id]
	if !ok || session.Candidate != candidate {
		return consent.Session{}, consent.ErrNotFound
	}
	return session, nil
}

func (w *world) Session(_ context.Context, candidate consent.AccountID, id consent.SessionID) (consent.Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.own(candidate, id)
}

func (w *world) SessionPlan(_ context.Context, candidate consent.AccountID, id consent.SessionID) (assess.Plan, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.own(candidate, id)
	return w.plans[id], err
}

func (w *world) AskedBefore(_ context.Context, candidate consent.AccountID, role string) (ids []string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, plan := range w.plans {
		if w.sessions[id].Candidate != candidate || plan.Role != role {
			continue
		}
		for _, q := range plan.Questions {
			ids = append(ids, q.ID)
		}
	}
	return ids, nil
}

func (w *world) SessionsOf(_ context.Context, candidate consent.AccountID) ([]SessionSummary, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []SessionSummary
	for _, session := range w.sessions {
		if session.Candidate == candidate {
			summary := SessionSummary{Session: session}
			for _, a := range w.authorizations[session.ID] {
				if a.State == consent.AuthorizationGranted {
					summary.SharedWith++
				}
				if a.State == consent.AuthorizationRequested {
					summary.Requests++
				}
			}
			list = append(list, summary)
		}
	}
	return list, nil
}

func (w *world) GiveConsents(_ context.Context, candidate consent.AccountID, id consent.SessionID, choices consent.Consents, notice Notice) (consent.Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	session, err := w.own(candidate, id)
	if err != nil {
		return session, err
	}
	next, err := session.State.After(consent.StepConsent)
	if err != nil {
		return session, err
	}
	w.wrote("GiveConsents")
	session.State, session.Consents, session.NoticeSHA256 = next, choices, notice.SHA256()
	w.sessions[id] = session
	return session, nil
}

func (w *world) WithdrawConsent(_ context.Context, candidate consent.AccountID, id consent.SessionID, which consent.Consent) (consent.Session, error) {
	w.mu.Lock()
	session, err := w.own(candidate, id)
	if err == nil {
		session.Consents, err = session.Consents.Without(which)
		w.sessions[id] = session
	}
	w.mu.Unlock()
	w.changed(id)
	return session, err
}

func (w *world) RateSelf(_ context.Context, permit consent.Permit, rating assess.Rating) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := permit.Demand(rating.Session(), consent.ArtefactPrivate); err != nil {
		return err
	}
	w.ratings = append(w.ratings, rating)
	return nil
}

func (w *world) Organizations(context.Context, consent.AccountID) ([]consent.Organization, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.orgs, nil
}

func (w *world) Authorizations(_ context.Context, candidate consent.AccountID, id consent.SessionID) ([]consent.Authorization, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.own(candidate, id)
	return w.authorizations[id], err
}

func (w *world) Authorize(_ context.Context, candidate consent.AccountID, id consent.SessionID, request consent.AuthorizationRequest) (consent.Authorization, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.own(candidate, id); err != nil {
		return consent.Authorization{}, err
	}
	at := slices.IndexFunc(w.orgs, func(o consent.Organization) bool { return o.ID == request.Org })
	if at < 0 {
		return consent.Authorization{}, consent.ErrNotFound
	}
	w.wrote("Authorize")
	a := consent.Authorization{
		ID: consent.NewID[consent.AuthorizationID](), Session: id, Org: request.Org, OrgName: w.orgs[at].Name, Purpose: request.Purpose,
		Scopes: request.Scopes, ValidFrom: testNow, ValidUntil: request.ValidUntil, State: consent.AuthorizationGranted, GrantedAt: testNow,
	}
	w.authorizations[id] = append(w.authorizations[id], a)
	return a, nil
}

func (w *world) WithdrawAuthorization(_ context.Context, candidate consent.AccountID, session consent.SessionID, id consent.AuthorizationID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.own(candidate, session); err != nil {
		return err
	}
	for i, a := range w.authorizations[session] {
		if a.ID == id {
			w.authorizations[session][i].State = consent.AuthorizationWithdrawn
			w.authorizations[session][i].EndedAt = testNow
			w.notify(session)
			return nil
		}
	}
	return consent.ErrNotFound
}

func (w *world) Accesses(_ context.Context, candidate consent.AccountID, id consent.SessionID) ([]consent.Access, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.own(candidate, id)
	return w.accesses, err
}

// Record gives everything, whatever the other Permits are: what must not be shown, web itself must
// leave out.
func (w *world) Record(_ context.Context, permits RecordPermits) (assess.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := permits.Session.Session()
	if err := permits.Session.Demand(id, consent.ArtefactSession); err != nil {
		return assess.Record{}, err
	}
	record := w.records[id]
	record.Session = w.sessions[id]
	return record, nil
}

func (w *world) FormClosed(_ context.Context, rate consent.Permit) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.openForms, rate.Demand(rate.Session(), consent.ArtefactRate)
}

func (w *world) RateAnswer(_ context.Context, rate consent.Permit, rating assess.Rating, revision int, why string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := rate.Demand(rating.Session(), consent.ArtefactRate); err != nil {
		return err
	}
	if !w.openForms {
		return consent.ErrNotFound
	}
	if w.records[rating.Session()].Answers[0].Answer.Revision != revision {
		return assess.ErrCorrected
	}
	w.wrote("RateAnswer")
	w.given = append(w.given, assess.PersonRating{Rating: rating, Organization: "Acme", Yours: true, Why: why})
	return nil
}

func (w *world) CloseForm(_ context.Context, rate consent.Permit) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrote("CloseForm")
	w.openForms = false
	return rate.Demand(rate.Session(), consent.ArtefactRate)
}

func (w *world) Contest(_ context.Context, private consent.Permit, c assess.Contest) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := private.Demand(c.Session, consent.ArtefactPrivate); err != nil {
		return err
	}
	if len(w.contests) > 0 {
		return assess.ErrContested
	}
	w.wrote("Contest")
	w.contests = append(w.contests, c)
	return nil
}

func (w *world) Correct(_ context.Context, private, transcript consent.Permit, list []assess.Correction) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := errors.Join(private.Demand(private.Session(), consent.ArtefactPrivate), transcript.Demand(private.Session(), consent.ArtefactTranscript)); err != nil {
		return err
	}
	if w.uncorrected != nil {
		return w.uncorrected
	}
	w.wrote("Correct")
	w.corrected = append(w.corrected, list...)
	return nil
}

func (w *world) SharedWith(_ context.Context, actor consent.Actor) ([]SharedSession, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []SharedSession
	for id, authorizations := range w.authorizations {
		for _, a := range authorizations {
			if a.Org == actor.Org && a.State == consent.AuthorizationGranted {
				shared := SharedSession{
					Session: id, RoleTitle: w.sessions[id].RoleTitle, EndedAt: w.sessions[id].EndedAt, Length: w.records[id].Length,
					Purpose: a.Purpose, Scopes: a.Scopes, ValidUntil: a.ValidUntil,
				}
				if slices.Contains(a.Scopes, consent.ScopeProfile) {
					shared.Candidate = w.accounts[w.sessions[id].Candidate].DisplayName
				}
				list = append(list, shared)
			}
		}
	}
	return list, nil
}

func (w *world) NoteAccess(_ context.Context, actor consent.Actor, _ consent.SessionID, artefacts []consent.Artefact) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.noteFails != nil {
		return w.noteFails
	}
	for _, artefact := range artefacts {
		w.accesses = append(w.accesses, consent.Access{At: testNow, Org: actor.Org, OrgName: "Acme", Artefact: artefact})
	}
	return nil
}

func (w *world) Segments(_ context.Context, permit consent.Permit, session consent.SessionID, kind media.Kind, through int64) ([]media.StoredSegment, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := permit.Demand(session, kind.Artefact()); err != nil {
		return nil, err
	}
	w.lists++
	var list []media.StoredSegment
	for _, segment := range w.segments[session] {
		if segment.ID.Kind == kind && (through == 0 || segment.Index <= through) {
			list = append(list, segment)
		}
	}
	if w.afterList != nil {
		w.afterList(session, kind)
	}
	return list, nil
}

func (w *world) MayRead(ctx context.Context, permit consent.Permit, session consent.SessionID, kind media.Kind, index int64) error {
	list, err := w.Segments(ctx, permit, session, kind, 0)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lists-- // that was not a listing
	w.looks++
	if w.unreadable || !slices.ContainsFunc(list, func(s media.StoredSegment) bool { return s.Index == index }) {
		return consent.ErrNotFound
	}
	return nil
}

func (w *world) ReadChunks(_ context.Context, permit consent.Permit, segment media.StoredSegment, first, last int) ([][]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := permit.Demand(segment.ID.Session, segment.ID.Kind.Artefact()); err != nil {
		return nil, err
	}
	w.chunkReads++
	return w.chunks[segment.ID][first : last+1], nil
}

func (w *world) Subscribe(ctx context.Context, session consent.SessionID) <-chan struct{} {
	return w.subscribe(ctx, session, w.subscribers)
}

func (w *world) SubscribeViewers(ctx context.Context, session consent.SessionID) <-chan struct{} {
	return w.subscribe(ctx, session, w.lookers)
}

func (w *world) subscribe(ctx context.Context, session consent.SessionID, to map[chan struct{}]consent.SessionID) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	changed := make(chan struct{}, 1)
	to[changed] = session
	context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(to, changed)
		close(changed)
	})
	return changed
}

func (w *world) changed(session consent.SessionID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notify(session)
}

func (w *world) notify(session consent.SessionID) { wake(w.subscribers, session) }

func (w *world) notifyViewers(session consent.SessionID) { wake(w.lookers, session) }

func wake(subscribers map[chan struct{}]consent.SessionID, session consent.SessionID) {
	for changed, of := range subscribers {
		if of == session {
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	}
}

func (w *world) Overview(context.Context) (Overview, error) {
	return Overview{
		Sessions: map[consent.SessionState]int{consent.SessionLive: 2}, Jobs: map[string]int{"available": 1}, SpoolFiles: 3,
	}, nil
}

func (w *world) Snapshot(ctx context.Context, actor consent.Actor, id consent.SessionID) (consent.Snapshot, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.snapshots++
	if w.broken != nil {
		return consent.Snapshot{}, w.broken
	}
	if err := ctx.Err(); err != nil {
		return consent.Snapshot{}, err
	}
	session, known := w.sessions[id]
	account, live := w.accounts[actor.Account]
	snapshot := consent.Snapshot{
		Actor: actor, ActorLive: live && account.Org == actor.Org, Session: id, Known: known, Candidate: session.Candidate,
		State: session.State, RestrictedAt: session.RestrictedAt, HeldAt: session.HeldAt, Consents: session.Consents,
		Now: testNow, ReadAt: time.Now(),
	}
	if actor.Kind == consent.ActorEmployer && snapshot.ActorLive {
		snapshot.MemberRole, snapshot.OrgLive = consent.MemberReviewer, true
	}
	snapshot.ExportOpen = actor.Export != "" && slices.ContainsFunc(w.exports, func(e consent.Export) bool {
		return e.ID == actor.Export && e.Account == actor.Account && e.State == consent.ExportReady
	})
	for _, a := range w.authorizations[id] {
		if actor.Kind == consent.ActorEmployer && a.Org == actor.Org {
			snapshot.Authorizations = append(snapshot.Authorizations, a)
		}
	}
	return snapshot, nil
}

// withdrawAll ends every authorization of the session, as the candidate's click does.
func (w *world) withdrawAll(session consent.SessionID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.authorizations[session] {
		w.authorizations[session][i].State = consent.AuthorizationWithdrawn
	}
	w.notify(session)
}

func (w *world) set(change func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}
