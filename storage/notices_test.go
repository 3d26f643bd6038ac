package storage

import (
	"errors"
	"slices"
	"testing"
	"time"

	"greenroom/consent"
)

func (w *world) publish(t *testing.T, notice consent.Notice) consent.Notice {
	t.Helper()
	if err := openTestAdmin(t, w.database).PublishNotice(t.Context(), notice); err != nil {
		t.Fatalf("publish notice %d: %v", notice.Version, err)
	}
	return notice
}

func TestPublishingANoticeTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := openTestAdmin(t, w.database)
	published := func() int {
		n := 0
		for _, entry := range wholeLedger(t, w.database) {
			if entry.Kind == consent.LedgerNoticePublished {
				n++
			}
		}
		return n
	}
	before := published()
	if err := admin.PublishNotice(t.Context(), testNotice); err != nil || published() != before {
		t.Errorf("again: %v, %d entries in the ledger after %d", err, published(), before)
	}
	for name, spoil := range map[string]func(*consent.Notice){
		"version":     func(n *consent.Notice) { n.Version = 2 },
		"materiality": func(n *consent.Notice) { n.Materiality = consent.MaterialityReconsent },
	} {
		same := testNotice
		spoil(&same)
		if err := admin.PublishNotice(t.Context(), same); err == nil {
			t.Errorf("the same text with another %s is accepted", name)
		}
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM notices`); n != 1 {
		t.Errorf("%d notices, want 1", n)
	}
}

func TestOnlyPublishedNoticesAreAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session, err := w.sessions.CreateSession(t.Context(), w.alice.ID, consent.ModePractice, testPlan())
	if err != nil {
		t.Fatal(err)
	}
	unknown := consent.Notice{Version: 1, Text: "Everything is shared with everybody."}
	if _, err := w.sessions.GiveConsents(t.Context(), w.alice.ID, session.ID, allConsents, unknown); !errors.Is(err, consent.ErrNoticeChanged) {
		t.Errorf("an unknown notice is answered: %v", err)
	}
	w.publish(t, consent.Notice{Version: 2, Materiality: consent.MaterialityReconsent, Text: "Anew."})
	if _, err := w.sessions.GiveConsents(t.Context(), w.alice.ID, session.ID, allConsents, testNotice); !errors.Is(err, consent.ErrNoticeChanged) {
		t.Errorf("a notice that no longer holds is answered: %v", err)
	}
}

// T14: a reconsent notice suspends at its time, by itself, and only a new record opens anything again.
func TestReconsentSuspendsAtItsTimeAndOnlyANewRecordResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	old := w.share(t, w.alice, id, w.acme, allShareable()...)
	reads := func() bool {
		return visible(t, w.database, RoleEmployer, employerContext(w.acmes))["lines"] > 0
	}
	w.publish(t, consent.Notice{Version: 2, Materiality: consent.MaterialityNotice, Text: testNotice.Text + "\n\nMore."})
	w.publish(t, consent.Notice{Version: 3, Materiality: consent.MaterialityEditorial, Text: testNotice.Text + "\n\nMore!"})
	if got := w.recordOf(t, w.alice, id, old.ID); got.State != consent.AuthorizationGranted || !reads() {
		t.Fatalf("a notice that asks nothing suspends: %s", got.State)
	}
	newest := w.publish(t, consent.Notice{
		Version: 4, Materiality: consent.MaterialityReconsent, EffectiveAt: time.Now().Add(time.Hour), Text: "# What happens\n\nWe record, and sell.",
	})
	if !reads() {
		t.Fatal("a notice suspends before its time")
	}
	changes, err := w.sessions.NoticeChanges(t.Context(), w.alice.ID, id, "")
	if err != nil || len(changes) != 1 || changes[0].From.Version != 1 || changes[0].To.Version != 4 ||
		len(changes[0].Authorizations) != 1 || changes[0].Authorizations[0].ID != old.ID {
		t.Fatalf("what is new before its time: %+v, %v", changes, err)
	}
	want := []consent.Paragraph{
		{Change: consent.ParagraphSame, Text: "# What happens"},
		{Change: consent.ParagraphRemoved, Text: "We record."},
		{Change: consent.ParagraphAdded, Text: "We record, and sell."},
	}
	if got := changes[0].Paragraphs(); !slices.Equal(got, want) {
		t.Errorf("difference %v, want %v", got, want)
	}
	changeUnguarded(t, w, `UPDATE notices SET effective_at = statement_timestamp() WHERE version = 4`)
	if got := w.recordOf(t, w.alice, id, old.ID); got.State != consent.AuthorizationSuspended || got.PausedBy != consent.PausedByNotice || reads() {
		t.Errorf("at its time the record is %s by %q, and the organization reads: %v", got.State, got.PausedBy, reads())
	}
	// Restricting and lifting that again is no way around it.
	for _, move := range []func() (consent.Session, error){
		func() (consent.Session, error) { return w.sessions.Restrict(t.Context(), w.alice.ID, id) },
		func() (consent.Session, error) { return w.sessions.Unrestrict(t.Context(), w.alice.ID, id) },
	} {
		if _, err := move(); err != nil {
			t.Fatal(err)
		}
	}
	if reads() {
		t.Error("lifting a restriction resumed what a notice suspended")
	}
	if _, err := w.sessions.Renew(t.Context(), w.alice.ID, id, old.ID, testNotice.SHA256()); !errors.Is(err, consent.ErrNoticeChanged) {
		t.Errorf("agreeing to the old notice again: %v, want ErrNoticeChanged", err)
	}
	renewed, err := w.sessions.Renew(t.Context(), w.alice.ID, id, old.ID, newest.SHA256())
	if err != nil || renewed.ID == old.ID || renewed.Supersedes != old.ID || renewed.NoticeVersion != 4 ||
		!slices.Equal(renewed.Scopes, old.Scopes) || !renewed.ValidUntil.Equal(old.ValidUntil) {
		t.Fatalf("renewed %+v, %v", renewed, err)
	}
	if got := w.recordOf(t, w.alice, id, old.ID); got.State != consent.AuthorizationSuperseded || !reads() {
		t.Errorf("after agreeing the old record is %s, and the organization reads: %v", got.State, reads())
	}
	again, err := w.sessions.Renew(t.Context(), w.alice.ID, id, renewed.ID, newest.SHA256())
	if err != nil || again.ID != renewed.ID {
		t.Errorf("agreeing twice made %+v, %v", again, err)
	}
	var bad consent.ErrBadEvent
	if _, err := w.sessions.Renew(t.Context(), w.alice.ID, id, old.ID, newest.SHA256()); !errors.As(err, &bad) {
		t.Errorf("renewing what ended: %v, want ErrBadEvent", err)
	}
	if changes, err := w.sessions.NoticeChanges(t.Context(), w.alice.ID, id, ""); err != nil || len(changes) != 0 {
		t.Errorf("after agreeing there is still %+v, %v", changes, err)
	}
}

// A request that waited while the notice changed was made under the old one.
func TestRequestUnderAnOldNoticeCannotBeConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	_, secret := w.invite(t, w.alice, id, consent.ScopeRatings)
	request := w.redeem(t, w.acmes, secret)
	w.publish(t, consent.Notice{Version: 2, Materiality: consent.MaterialityReconsent, Text: "Anew."})
	if _, err := w.sessions.ConfirmRequest(t.Context(), w.alice.ID, id, request.ID); !errors.Is(err, consent.ErrNoticeChanged) {
		t.Errorf("confirmed: %v, want ErrNoticeChanged", err)
	}
}
