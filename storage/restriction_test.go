package storage

import (
	"errors"
	"testing"
	"time"

	"greenroom/consent"
)

func TestRestrictionSuspendsAndLiftingResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	kept := w.share(t, w.alice, id, w.acme, consent.ScopeTranscript)
	ended := w.share(t, w.alice, id, w.zenith, consent.ScopeTranscript)
	for range 2 { // twice is no error, and suspends once
		session, err := w.sessions.Restrict(t.Context(), w.alice.ID, id)
		if err != nil || session.RestrictedAt.IsZero() {
			t.Fatalf("restrict: %+v, %v", session, err)
		}
	}
	if got := w.recordOf(t, w.alice, id, kept.ID); got.State != consent.AuthorizationSuspended || got.PausedBy != consent.PausedByRestriction {
		t.Errorf("the record is %s by %q, want suspended by the restriction", got.State, got.PausedBy)
	}
	if _, err := w.gate.Permit(t.Context(), actorOf(w.acmes), id, consent.ArtefactTranscript); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("an employer's Permit while restricted: %v", err)
	}
	if seen := visible(t, w.database, RoleEmployer, employerContext(w.acmes)); seen["lines"] > 0 {
		t.Errorf("an employer sees %v while restricted", seen)
	}
	w.permit(t, actorOf(w.alice), id, consent.ArtefactTranscript) // her own
	request := consent.AuthorizationRequest{
		Org: w.acme.ID, Purpose: consent.PurposeHiring, Scopes: []consent.Scope{consent.ScopeRatings},
		ValidUntil: time.Now().Add(time.Hour), NoticeSHA256: testNotice.SHA256(),
	}
	if _, err := w.sessions.Authorize(t.Context(), w.alice.ID, id, request); !errors.Is(err, consent.ErrRestricted) {
		t.Errorf("sharing a restricted session: %v, want ErrRestricted", err)
	}
	if _, _, err := w.sessions.Invite(t.Context(), w.alice.ID, id, request); !errors.Is(err, consent.ErrRestricted) {
		t.Errorf("inviting to a restricted session: %v, want ErrRestricted", err)
	}
	// A suspended record can still be withdrawn, and then stays ended.
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, ended.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		session, err := w.sessions.Unrestrict(t.Context(), w.alice.ID, id)
		if err != nil || !session.RestrictedAt.IsZero() {
			t.Fatalf("unrestrict: %+v, %v", session, err)
		}
	}
	if got := w.recordOf(t, w.alice, id, kept.ID); got.State != consent.AuthorizationGranted || got.PausedBy != "" {
		t.Errorf("the record is %s by %q, want granted again", got.State, got.PausedBy)
	}
	if got := w.recordOf(t, w.alice, id, ended.ID); got.State != consent.AuthorizationWithdrawn {
		t.Errorf("the withdrawn record is %s", got.State)
	}
	w.permit(t, actorOf(w.acmes), id, consent.ArtefactTranscript)
	if n := w.ownerCount(t, `SELECT count(*) FROM authorization_events WHERE kind = 'suspended'`); n != 2 {
		t.Errorf("%d suspended events, want one for each record", n)
	}
}

func TestLiveSessionIsNeitherRestrictedNorHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.live(t, w.alice, allConsents)
	var step consent.ErrBadStep
	if _, err := w.sessions.Restrict(t.Context(), w.alice.ID, id); !errors.As(err, &step) {
		t.Errorf("restrict: %v, want ErrBadStep", err)
	}
	if err := openTestAdmin(t, w.database).Hold(t.Context(), id, "a case", "a court"); !errors.As(err, &step) {
		t.Errorf("hold: %v, want ErrBadStep", err)
	}
	if _, err := w.sessions.Restrict(t.Context(), w.bob.ID, id); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("another's session: %v, want ErrNotFound", err)
	}
}

func TestHoldDeniesEveryPlaneAndTellsTheCandidate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	granted := w.share(t, w.alice, id, w.acme, allShareable()...)
	admin := openTestAdmin(t, w.database)
	if err := admin.Hold(t.Context(), id, "", "a court"); err == nil {
		t.Error("a hold without a reason is accepted")
	}
	for range 2 {
		if err := admin.Hold(t.Context(), id, "a case", "a court"); err != nil {
			t.Fatalf("hold: %v", err)
		}
	}
	for _, actor := range []consent.Actor{actorOf(w.alice), actorOf(w.acmes), {Kind: consent.ActorRecorder}, {Kind: consent.ActorScribe}, {Kind: consent.ActorAssessor}} {
		for _, artefact := range consent.AllArtefacts() {
			_, err := w.gate.Permit(t.Context(), actor, id, artefact)
			held, told := errors.AsType[consent.ErrHeld](err)
			if !errors.Is(err, consent.ErrNotFound) || told != (actor.Account == w.alice.ID) || told && held.Since.IsZero() {
				t.Errorf("%s for %s of a held session: %v", artefact, actor.Kind, err)
			}
		}
	}
	session, err := w.sessions.Session(t.Context(), w.alice.ID, id)
	if err != nil || session.HeldAt.IsZero() {
		t.Errorf("the candidate is not told of the hold: %+v, %v", session, err)
	}
	for name, change := range map[string]func() error{
		"restrict":   func() error { _, err := w.sessions.Restrict(t.Context(), w.alice.ID, id); return err },
		"unrestrict": func() error { _, err := w.sessions.Unrestrict(t.Context(), w.alice.ID, id); return err },
		"share": func() error {
			_, err := w.sessions.Authorize(t.Context(), w.alice.ID, id, consent.AuthorizationRequest{
				Org: w.zenith.ID, Purpose: consent.PurposeHiring, Scopes: []consent.Scope{consent.ScopeRatings},
				ValidUntil: time.Now().Add(time.Hour), NoticeSHA256: testNotice.SHA256(),
			})
			return err
		},
	} {
		if _, told := errors.AsType[consent.ErrHeld](change()); !told {
			t.Errorf("%s while held: want ErrHeld", name)
		}
	}
	if got := w.recordOf(t, w.alice, id, granted.ID); got.State != consent.AuthorizationSuspended || got.PausedBy != consent.PausedByHold {
		t.Errorf("the record is %s by %q, want suspended by the hold", got.State, got.PausedBy)
	}
	if err := admin.LiftHold(t.Context(), id, "case closed"); err != nil {
		t.Fatalf("lift: %v", err)
	}
	if err := admin.LiftHold(t.Context(), id, "again"); !errors.Is(err, ErrNotHeld) {
		t.Errorf("lifted twice: %v, want ErrNotHeld", err)
	}
	w.permit(t, actorOf(w.acmes), id, consent.ArtefactTranscript)
	w.permit(t, actorOf(w.alice), id, consent.ArtefactPrivate)
	if n := w.ownerCount(t, `SELECT count(*) FROM holds WHERE session = $1 AND reason = 'a case' AND lifted_reason = 'case closed'`, id); n != 1 {
		t.Errorf("%d holds are noted, want 1", n)
	}
}

// A restriction outlives a hold that came over it, and the other way round nothing is resumed early.
func TestHoldAndRestrictionDoNotLiftEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	granted := w.share(t, w.alice, id, w.acme, consent.ScopeTranscript)
	admin := openTestAdmin(t, w.database)
	state := func(want consent.AuthorizationState) {
		t.Helper()
		if got := w.recordOf(t, w.alice, id, granted.ID).State; got != want {
			t.Errorf("the record is %s, want %s", got, want)
		}
	}
	if _, err := w.sessions.Restrict(t.Context(), w.alice.ID, id); err != nil {
		t.Fatal(err)
	}
	if err := admin.Hold(t.Context(), id, "a case", "a court"); err != nil {
		t.Fatal(err)
	}
	if err := admin.LiftHold(t.Context(), id, "closed"); err != nil {
		t.Fatal(err)
	}
	state(consent.AuthorizationSuspended)
	if _, err := w.gate.Permit(t.Context(), actorOf(w.acmes), id, consent.ArtefactTranscript); err == nil {
		t.Error("lifting a hold lifted the restriction")
	}
	if _, err := w.sessions.Unrestrict(t.Context(), w.alice.ID, id); err != nil {
		t.Fatal(err)
	}
	state(consent.AuthorizationGranted)
}

func TestPausesAreInTheLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	granted := w.share(t, w.alice, id, w.acme, consent.ScopeTranscript)
	admin := openTestAdmin(t, w.database)
	before := len(wholeLedger(t, w.database))
	if _, err := w.sessions.Restrict(t.Context(), w.alice.ID, id); err != nil {
		t.Fatal(err)
	}
	if _, err := w.sessions.Unrestrict(t.Context(), w.alice.ID, id); err != nil {
		t.Fatal(err)
	}
	if err := admin.Hold(t.Context(), id, "a case", "a court"); err != nil {
		t.Fatal(err)
	}
	if err := admin.LiftHold(t.Context(), id, "closed"); err != nil {
		t.Fatal(err)
	}
	var got []consent.LedgerKind
	for _, entry := range wholeLedger(t, w.database)[before:] {
		got = append(got, entry.Kind)
		if entry.Session != id || entry.Account != w.alice.ID {
			t.Errorf("entry %+v is not about the session and its candidate", entry)
		}
		if ofRecord := entry.Kind == consent.LedgerAuthorizationSuspended || entry.Kind == consent.LedgerAuthorizationResumed; ofRecord && entry.Authorization != granted.ID {
			t.Errorf("entry %+v names another record", entry)
		}
	}
	want := []consent.LedgerKind{
		consent.LedgerSessionRestricted, consent.LedgerAuthorizationSuspended, consent.LedgerSessionUnrestricted, consent.LedgerAuthorizationResumed,
		consent.LedgerSessionHeld, consent.LedgerAuthorizationSuspended, consent.LedgerSessionReleased, consent.LedgerAuthorizationResumed,
	}
	if len(got) != len(want) {
		t.Fatalf("the ledger got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("entry %d is %s, want %s", i, got[i], want[i])
		}
	}
}
