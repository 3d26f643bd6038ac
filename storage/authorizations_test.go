package storage

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"greenroom/consent"
)

func states(t *testing.T, w *world, of consent.Account, id consent.SessionID) map[consent.AuthorizationState]int {
	t.Helper()
	list, err := w.sessions.Authorizations(t.Context(), of.ID, id)
	if err != nil {
		t.Fatalf("list authorizations: %v", err)
	}
	counts := map[consent.AuthorizationState]int{}
	for _, a := range list {
		counts[a.State]++
		if a.State.Final() == a.EndedAt.IsZero() {
			t.Errorf("authorization in state %s ended at %s", a.State, a.EndedAt)
		}
	}
	return counts
}

func TestAuthorizeStoresTheRecordAsAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	scopes := []consent.Scope{consent.ScopeTranscript, consent.ScopeRecordingAudio}
	granted, err := w.sessions.Authorize(t.Context(), w.alice.ID, id, consent.AuthorizationRequest{
		Org: w.acme.ID, Purpose: consent.PurposePracticeReview, Scopes: scopes, ValidUntil: until, NoticeSHA256: testNotice.SHA256(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if granted.Session != id || granted.Org != w.acme.ID || granted.OrgName != "Acme" || !slices.Equal(granted.Scopes, scopes) ||
		!granted.ValidUntil.Equal(until) ||
		granted.NoticeSHA256 != testNotice.SHA256() || granted.NoticeVersion != testNotice.Version || granted.Language != "en" || granted.State != consent.AuthorizationGranted || granted.GrantedAt.IsZero() {
		t.Errorf("granted %+v", granted)
	}
	for name, spoil := range map[string]func(*consent.AuthorizationRequest){
		"nothing shared": func(r *consent.AuthorizationRequest) { r.Scopes = nil },
		"in the past":    func(r *consent.AuthorizationRequest) { r.ValidUntil = time.Now().Add(-time.Second) },
		"unknown org":    func(r *consent.AuthorizationRequest) { r.Org = consent.NewID[consent.OrgID]() },
		"a resume":       func(r *consent.AuthorizationRequest) { r.Scopes = []consent.Scope{consent.ScopeResume} },
		"no notice":      func(r *consent.AuthorizationRequest) { r.NoticeSHA256 = "" },
		"unknown notice": func(r *consent.AuthorizationRequest) { r.NoticeSHA256 = consent.Notice{Text: "x"}.SHA256() },
	} {
		request := consent.AuthorizationRequest{
			Org: w.acme.ID, Purpose: consent.PurposePracticeReview, Scopes: scopes, ValidUntil: until, NoticeSHA256: testNotice.SHA256(),
		}
		spoil(&request)
		if _, err := w.sessions.Authorize(t.Context(), w.alice.ID, id, request); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if got := states(t, w, w.alice, id); got[consent.AuthorizationGranted] != 1 || len(got) != 1 {
		t.Errorf("after refused requests: %v, want the one record still granted", got)
	}
}

func TestNewRecordSupersedesOnlyTheSameOrganizationAndPurpose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	w.share(t, w.alice, id, w.acme, consent.ScopeTranscript)
	w.share(t, w.alice, id, w.zenith, consent.ScopeTranscript)
	if _, err := w.sessions.Authorize(t.Context(), w.alice.ID, id, consent.AuthorizationRequest{
		Org: w.acme.ID, Purpose: consent.PurposePracticeReview, Scopes: []consent.Scope{consent.ScopeProfile}, ValidUntil: time.Now().Add(time.Hour),
		NoticeSHA256: testNotice.SHA256(),
	}); err != nil {
		t.Fatal(err)
	}
	w.share(t, w.alice, id, w.acme, consent.ScopeRatings) // narrower
	got := states(t, w, w.alice, id)
	if got[consent.AuthorizationGranted] != 3 || got[consent.AuthorizationSuperseded] != 1 {
		t.Errorf("states %v, want 3 granted and 1 superseded", got)
	}
	if _, err := w.gate.Permit(t.Context(), actorOf(w.acmes), id, consent.ArtefactTranscript); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("the scope that was dropped is still permitted: %v", err)
	}
}

func TestOfManyRequestsAtOnceOneRecordIsLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	const requests = 12
	var all sync.WaitGroup
	for range requests {
		all.Go(func() {
			_, err := w.sessions.Authorize(t.Context(), w.alice.ID, id, consent.AuthorizationRequest{
				Org: w.acme.ID, Purpose: consent.PurposeHiring, Scopes: []consent.Scope{consent.ScopeRatings}, ValidUntil: time.Now().Add(time.Hour),
				NoticeSHA256: testNotice.SHA256(),
			})
			if err != nil {
				t.Errorf("authorize: %v", err)
			}
		})
	}
	all.Wait()
	got := states(t, w, w.alice, id)
	if got[consent.AuthorizationGranted] != 1 || got[consent.AuthorizationSuperseded] != requests-1 {
		t.Errorf("states %v, want 1 granted and %d superseded", got, requests-1)
	}
}

func TestWithdrawalAndSupersessionAtOnceEndARecordOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	for range 10 {
		first := w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
		var both sync.WaitGroup
		both.Go(func() {
			if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, first.ID); err != nil {
				t.Errorf("withdraw: %v", err)
			}
		})
		both.Go(func() { w.share(t, w.alice, id, w.acme, consent.ScopeFeedback) })
		both.Wait()
	}
	if n := w.ownerCount(t, `SELECT max(n) FROM (SELECT count(*) n FROM authorization_events WHERE kind <> 'granted' GROUP BY authorization_id) x`); n != 1 {
		t.Errorf("a record ended %d times", n)
	}
	if got := states(t, w, w.alice, id); got[consent.AuthorizationGranted] != 1 {
		t.Errorf("states %v, want 1 granted", got)
	}
}

func TestWithdrawingTwiceAndAfterTheEndIsNoError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := w.interview(t, w.alice), w.interview(t, w.alice)
	granted := w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, other, granted.ID); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("withdrawn through another session: %v, want ErrNotFound", err)
	}
	for range 2 {
		if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, granted.ID); err != nil {
			t.Error(err)
		}
	}
	if got := states(t, w, w.alice, id); got[consent.AuthorizationWithdrawn] != 1 {
		t.Errorf("states %v, want withdrawn", got)
	}
	w.expire(t, w.share(t, w.alice, id, w.zenith, consent.ScopeRatings).ID)
	late, err := w.sessions.Authorizations(t.Context(), w.alice.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range late {
		if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, a.ID); err != nil {
			t.Error(err)
		}
	}
	if got := states(t, w, w.alice, id); got[consent.AuthorizationExpired] != 1 || got[consent.AuthorizationWithdrawn] != 1 {
		t.Errorf("states %v, want one withdrawn and one that stays expired", got)
	}
}

// expire lets a record's time be up; the table itself refuses changes.
func (w *world) expire(t *testing.T, id consent.AuthorizationID) {
	t.Helper()
	w.ownerExec(t, `ALTER TABLE authorizations DISABLE TRIGGER append_only`)
	w.ownerExec(t, `UPDATE authorizations SET valid_from = now() - interval '2 hours', valid_until = now() - interval '1 hour' WHERE id = $1`, id)
	w.ownerExec(t, `ALTER TABLE authorizations ENABLE TRIGGER append_only`)
}

func TestSharedListShowsWhatIsLiveAndTheNameOnlyWithTheProfile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.interview(t, w.alice), w.interview(t, w.bob)
	w.share(t, w.alice, first, w.acme, consent.ScopeProfile, consent.ScopeRatings)
	w.share(t, w.bob, second, w.acme, consent.ScopeRatings)
	w.expire(t, w.share(t, w.bob, w.interview(t, w.bob), w.acme, consent.ScopeRatings).ID)
	list, err := w.shared.SharedWith(t.Context(), actorOf(w.acmes))
	if err != nil || len(list) != 2 {
		t.Fatalf("list of %d, %v; want 2", len(list), err)
	}
	if got := list[0]; got.Session != second || got.Candidate != "" {
		t.Errorf("newest is %+v, want bob's without a name", got)
	}
	got := list[1]
	if got.Session != first || got.Candidate != "Alice" || got.RoleTitle != "Go engineer" || got.Purpose != consent.PurposeHiring ||
		len(got.Scopes) != 2 || got.EndedAt.IsZero() || got.Length <= 0 || got.ValidUntil.IsZero() {
		t.Errorf("alice's line is %+v", got)
	}
	if list, err := w.shared.SharedWith(t.Context(), actorOf(w.zeniths)); err != nil || len(list) != 0 {
		t.Errorf("zenith's list has %d lines, %v", len(list), err)
	}
	if _, err := w.shared.SharedWith(t.Context(), actorOf(w.alice)); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("a candidate's list of shared sessions: %v, want ErrNotFound", err)
	}
}

func TestAccessIsNotedOnlyWhileSomethingIsShared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	artefacts := []consent.Artefact{consent.ArtefactSession, consent.ArtefactRatings}
	if err := w.shared.NoteAccess(t.Context(), actorOf(w.acmes), id, artefacts); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("nothing shared: %v, want ErrNotFound", err)
	}
	granted := w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	if err := w.shared.NoteAccess(t.Context(), actorOf(w.acmes), id, artefacts); err != nil {
		t.Fatal(err)
	}
	// A player asks for a recording in many pieces; that is one access.
	if err := w.shared.NoteAccess(t.Context(), actorOf(w.acmes), id, artefacts); err != nil {
		t.Fatal(err)
	}
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, granted.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.shared.NoteAccess(t.Context(), actorOf(w.acmes), id, artefacts); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("withdrawn: %v, want ErrNotFound", err)
	}
	accesses, err := w.sessions.Accesses(t.Context(), w.alice.ID, id)
	if err != nil || len(accesses) != 2 || accesses[0].Artefact != consent.ArtefactRatings || accesses[0].OrgName != "Acme" || accesses[0].At.IsZero() {
		t.Errorf("accesses %+v, %v; want two of Acme, ratings last", accesses, err)
	}
}

func TestSnapshotTellsEachActorItsFacts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	w.share(t, w.alice, id, w.acme, consent.ScopeRatings, consent.ScopeProfile)
	snapshots := NewSnapshots(w.database)
	read := func(actor consent.Actor, session consent.SessionID) consent.Snapshot {
		t.Helper()
		s, err := snapshots.Snapshot(t.Context(), actor, session)
		if err != nil {
			t.Fatalf("snapshot for %+v: %v", actor, err)
		}
		if s.Now.IsZero() || s.ReadAt.IsZero() || s.Actor != actor || s.Session != session {
			t.Errorf("snapshot for %+v is %+v", actor, s)
		}
		return s
	}
	own := read(actorOf(w.alice), id)
	if !own.ActorLive || !own.Known || own.Candidate != w.alice.ID || own.State != consent.SessionAssessed || own.Consents != allConsents {
		t.Errorf("alice's facts %+v", own)
	}
	if foreign := read(actorOf(w.bob), id); foreign.Known || !foreign.ActorLive {
		t.Errorf("bob's facts %+v, want an unknown session", foreign)
	}
	shared := read(actorOf(w.acmes), id)
	if !shared.ActorLive || !shared.Known || len(shared.Authorizations) != 1 {
		t.Fatalf("acme's facts %+v", shared)
	}
	a := shared.Authorizations[0]
	if a.Session != id || a.Org != w.acme.ID || a.OrgName != "Acme" || a.State != consent.AuthorizationGranted || len(a.Scopes) != 2 ||
		a.ValidFrom.IsZero() || a.ValidUntil.Before(shared.Now) || a.GrantedAt.IsZero() || !a.EndedAt.IsZero() ||
		a.NoticeVersion != 1 || a.NoticeSHA256 != testNotice.SHA256() || shared.MemberRole != consent.MemberReviewer || !shared.OrgLive {
		t.Errorf("acme's authorization %+v", a)
	}
	if other := read(actorOf(w.zeniths), id); other.Known || len(other.Authorizations) != 0 || !other.ActorLive {
		t.Errorf("zenith's facts %+v, want an unknown session", other)
	}
	if own.MemberRole != "" || own.OrgLive || !own.HeldAt.IsZero() || !own.RestrictedAt.IsZero() || shared.MinNotice != 0 {
		t.Errorf("facts of the wrong plane: %+v, %+v", own, shared)
	}
	for _, kind := range []consent.ActorKind{consent.ActorRecorder, consent.ActorScribe, consent.ActorAssessor} {
		if s := read(consent.Actor{Kind: kind}, id); !s.Known || s.Consents != allConsents || s.State != consent.SessionAssessed {
			t.Errorf("%s's facts %+v", kind, s)
		}
		if s := read(consent.Actor{Kind: kind}, consent.NewID[consent.SessionID]()); s.Known {
			t.Errorf("%s knows a session that is not there: %+v", kind, s)
		}
	}
	w.ownerExec(t, `UPDATE accounts SET closed_at = now() WHERE id = ANY ($1)`, []consent.AccountID{w.alice.ID, w.acmes.ID})
	if read(actorOf(w.alice), id).ActorLive || read(actorOf(w.acmes), id).ActorLive {
		t.Error("closed accounts are live")
	}
	if _, err := snapshots.Snapshot(t.Context(), consent.Actor{Kind: "ops"}, id); err == nil {
		t.Error("an unknown kind of actor gets facts")
	}
}
