package storage

import (
	"testing"
	"time"

	"greenroom/consent"
)

func (w *world) viewersOf(t *testing.T, of consent.Account, id consent.SessionID) ([]consent.Viewer, []consent.CutOff) {
	t.Helper()
	viewers, cutOffs, err := w.sessions.Viewers(t.Context(), of.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	return viewers, cutOffs
}

// databaseNow is a moment by the database's clock.
func (w *world) databaseNow(t *testing.T) time.Time {
	t.Helper()
	var now time.Time
	if err := w.owner.QueryRow(t.Context(), `SELECT clock_timestamp()`).Scan(&now); err != nil {
		t.Fatal(err)
	}
	return now
}

func TestViewersAreThoseSeenLately(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := w.interview(t, w.alice), w.interview(t, w.alice)
	changes, all := listening(t, w)
	wake, wakeViewers := changes.Subscribe(t.Context(), id), changes.SubscribeViewers(t.Context(), id)
	viewers := NewViewers(w.database)
	watch := func(account consent.Account, stream consent.StreamKind) {
		t.Helper()
		if err := viewers.Watching(t.Context(), actorOf(account), id, stream); err != nil {
			t.Fatal(err)
		}
	}
	watch(w.acmes, consent.StreamMedia)
	await(t, all, func(c Change) bool { return c == Change{Session: id, Topic: TopicViewers} })
	await(t, wakeViewers, anything)
	select {
	case <-wake:
		t.Error("a viewer is told as a change of the session itself")
	default:
	}
	first, _ := w.viewersOf(t, w.alice, id)
	watch(w.acmes, consent.StreamMedia) // a sign of life, not another viewer
	watch(w.zeniths, consent.StreamEvents)
	now, _ := w.viewersOf(t, w.alice, id)
	if len(first) != 1 || len(now) != 2 || now[0].OrgName != "Acme" || now[0].Stream != consent.StreamMedia ||
		!now[0].Since.Equal(first[0].Since) || now[1].OrgName != "Zenith" {
		t.Errorf("viewers %+v, then %+v", first, now)
	}
	if elsewhere, _ := w.viewersOf(t, w.alice, other); len(elsewhere) != 0 {
		t.Errorf("another session has viewers %+v", elsewhere)
	}
	w.ownerExec(t, `UPDATE viewers SET seen_at = now() - $1::interval WHERE org = $2`, viewerGone, w.acme.ID)
	if left, _ := w.viewersOf(t, w.alice, id); len(left) != 1 || left[0].OrgName != "Zenith" {
		t.Errorf("after Acme was not seen for a while: %+v", left)
	}
	if _, _, err := w.sessions.Viewers(t.Context(), w.bob.ID, id); err == nil {
		t.Error("another candidate sees the viewers")
	}
}

// What ended the view is found by the database, and timed by its clock alone.
func TestCutOffNamesItsCauseAndTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := openTestAdmin(t, w.database)
	viewers := NewViewers(w.database)
	for _, c := range []struct {
		cause consent.CutOffCause
		end   func(consent.Authorization) error
	}{
		{"withdrawn", func(a consent.Authorization) error {
			return w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, a.Session, a.ID)
		}},
		{"superseded", func(a consent.Authorization) error {
			w.share(t, w.alice, a.Session, w.acme, consent.ScopeRatings)
			return nil
		}},
		{"suspended", func(a consent.Authorization) error {
			_, err := w.sessions.Restrict(t.Context(), w.alice.ID, a.Session)
			return err
		}},
		{consent.CutOffExpired, func(a consent.Authorization) error {
			changeUnguarded(t, w, `UPDATE authorizations SET valid_until = clock_timestamp() WHERE id = $1`, a.ID)
			return nil
		}},
		{consent.CutOffRole, func(consent.Authorization) error {
			return admin.SetMemberRole(t.Context(), "hr@acme.example", consent.MemberBilling)
		}},
		{consent.CutOffMembership, func(consent.Authorization) error {
			w.ownerExec(t, `UPDATE members SET role = 'reviewer', ended_at = clock_timestamp() WHERE account = $1`, w.acmes.ID)
			return nil
		}},
		{consent.CutOffOrganization, func(consent.Authorization) error {
			_, err := admin.SuspendOrganization(t.Context(), "Acme")
			return err
		}},
		{consent.CutOffUnknown, func(consent.Authorization) error { return nil }},
		{consent.CutOffNotice, func(consent.Authorization) error {
			return admin.PublishNotice(t.Context(), consent.Notice{Version: 2, Materiality: consent.MaterialityReconsent, Text: "Anew."})
		}},
	} {
		id := w.interview(t, w.alice)
		if c.cause == consent.CutOffOrganization {
			w.ownerExec(t, `UPDATE members SET ended_at = NULL WHERE account = $1`, w.acmes.ID)
		}
		if c.cause == consent.CutOffUnknown {
			if err := admin.RestoreOrganization(t.Context(), "Acme"); err != nil {
				t.Fatal(err)
			}
		}
		before := w.share(t, w.alice, id, w.acme, allShareable()...)
		if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, before.ID); err != nil {
			t.Fatal(err)
		}
		granted := w.share(t, w.alice, id, w.acme, allShareable()...) // at once, so that the end before is near
		if err := viewers.Watching(t.Context(), actorOf(w.acmes), id, consent.StreamMedia); err != nil {
			t.Fatal(err)
		}
		// What happened to this viewer in the cases before lies further back than what is looked at.
		w.ownerExec(t, `UPDATE members SET role_at = role_at - interval '1 hour' WHERE account = $1`, w.acmes.ID)
		permitted := w.databaseNow(t)
		if err := c.end(granted); err != nil {
			t.Fatalf("%s: %v", c.cause, err)
		}
		if err := viewers.CutOff(t.Context(), actorOf(w.acmes), id, consent.StreamMedia, permitted, 0); err != nil {
			t.Fatalf("%s: %v", c.cause, err)
		}
		longest := w.databaseNow(t).Sub(permitted) + time.Second
		left, cutOffs := w.viewersOf(t, w.alice, id)
		if len(left) != 0 || len(cutOffs) != 1 {
			t.Fatalf("%s: viewers %+v, cut-offs %+v", c.cause, left, cutOffs)
		}
		got := cutOffs[0]
		known := c.cause != consent.CutOffUnknown
		if got.Cause != c.cause || got.OrgName != "Acme" || got.Stream != consent.StreamMedia || got.At.IsZero() ||
			known != (got.After >= 0) || got.After > longest {
			t.Errorf("%s: cut off %+v, want after at most %v", c.cause, got, longest)
		}
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM cut_offs c JOIN authorization_events e ON e.id = c.ended_by AND e.kind = c.cause`); n != 3 {
		t.Errorf("%d cut-offs name the event that ended them, want 3", n)
	}
}

// How long a stream took to stop is told by this machine, and taken off the database's time.
func TestCutOffTakesOffWhatTheNoteItselfTook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	granted := w.share(t, w.alice, id, w.acme, consent.ScopeTranscript)
	permitted := w.databaseNow(t)
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, granted.ID); err != nil {
		t.Fatal(err)
	}
	w.unguardedEventTime(t, granted.ID, 3*time.Second)
	viewers := NewViewers(w.database)
	if err := viewers.CutOff(t.Context(), actorOf(w.acmes), id, consent.StreamEvents, permitted.Add(-4*time.Second), 2*time.Second); err != nil {
		t.Fatal(err)
	}
	_, cutOffs := w.viewersOf(t, w.alice, id)
	if len(cutOffs) != 1 || cutOffs[0].After < time.Second || cutOffs[0].After > 1900*time.Millisecond {
		t.Errorf("cut-offs %+v, want one after a little more than a second", cutOffs)
	}
}

// unguardedEventTime moves the end of a record into the past.
func (w *world) unguardedEventTime(t *testing.T, id consent.AuthorizationID, by time.Duration) {
	t.Helper()
	changeUnguarded(t, w, `UPDATE authorization_events SET at = at - $2::interval WHERE authorization_id = $1 AND kind <> 'granted'`, id, by)
}
