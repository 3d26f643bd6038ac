package storage

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"greenroom/assess"
	"greenroom/consent"
)

func receiptStates(t *testing.T, w *world, of consent.Account, session consent.SessionID, id consent.AuthorizationID) map[consent.ReceiptState]int {
	t.Helper()
	receipts, err := NewReceipts(w.database).ReceiptsOf(t.Context(), of.ID, session)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[consent.ReceiptState]int{}
	for _, r := range receipts {
		if r.Authorization == id {
			counts[r.State]++
		}
	}
	return counts
}

// What ended by itself, or by the operator, is noted once, with receipts; the rest is left alone.
func TestEndsAreNotedOnceWithTheirReceipts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	expired := w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	withdrawn := w.share(t, w.alice, w.interview(t, w.alice), w.acme, consent.ScopeRatings)
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, withdrawn.Session, withdrawn.ID); err != nil {
		t.Fatal(err)
	}
	live := w.share(t, w.bob, w.interview(t, w.bob), w.acme, consent.ScopeRatings)
	revoked := w.share(t, w.alice, id, w.zenith, consent.ScopeRatings)
	w.expire(t, expired.ID)
	w.expire(t, withdrawn.ID)
	overtaken := w.share(t, w.bob, w.interview(t, w.bob), w.acme, consent.ScopeRatings) // erased before anybody noted its end
	w.expire(t, overtaken.ID)
	if _, err := NewErasures(w.database).Erase(t.Context(), w.bob.ID, overtaken.Session); err != nil {
		t.Fatal(err)
	}
	if _, err := openTestAdmin(t, w.database).SuspendOrganization(t.Context(), "Zenith"); err != nil {
		t.Fatal(err)
	}
	for run, want := range []int{2, 0} {
		if noted, _, err := w.database.noteEnds(t.Context(), time.Time{}); err != nil || noted != want {
			t.Fatalf("run %d noted %d, %v; want %d", run, noted, err, want)
		}
	}
	for _, c := range []struct {
		record consent.Authorization
		of     consent.Account
		state  consent.AuthorizationState
		told   consent.ReceiptState
	}{
		{expired, w.alice, consent.AuthorizationExpired, consent.ReceiptExpired},
		{revoked, w.alice, consent.AuthorizationRevoked, consent.ReceiptRevoked},
		{withdrawn, w.alice, consent.AuthorizationWithdrawn, consent.ReceiptWithdrawn},
	} {
		if got := w.recordOf(t, c.of, c.record.Session, c.record.ID).State; got != c.state {
			t.Errorf("a record is %s, want %s", got, c.state)
		}
		told := receiptStates(t, w, c.of, c.record.Session, c.record.ID)
		if told[consent.ReceiptGiven] != 1 || told[c.told] != 1 || len(told) != 2 {
			t.Errorf("receipts of the %s record: %v", c.state, told)
		}
	}
	if got := w.recordOf(t, w.bob, live.Session, live.ID).State; got != consent.AuthorizationGranted {
		t.Errorf("the live record is %s", got)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM authorization_events WHERE kind = 'expired'`); n != 1 {
		t.Errorf("%d expired events, want 1", n)
	}
}

// A request that nobody answered expires without ever having been given.
func TestRequestThatNobodyAnsweredExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	_, secret := w.invite(t, w.alice, id, consent.ScopeRatings)
	asked := w.redeem(t, w.acmes, secret)
	w.expire(t, asked.ID)
	if got := w.recordOf(t, w.alice, id, asked.ID).State; got != consent.AuthorizationExpired {
		t.Errorf("before it is noted the request is %s, want expired", got)
	}
	if noted, _, err := w.database.noteEnds(t.Context(), time.Time{}); err != nil || noted != 1 {
		t.Errorf("noted %d, %v", noted, err)
	}
	if told := receiptStates(t, w, w.alice, id, asked.ID); told[consent.ReceiptExpired] != 1 || len(told) != 1 {
		t.Errorf("receipts %v, want one of the expiry", told)
	}
}

// A job whose session is restricted or held waits; one that could work is done.
func TestJobsOfPausedSessionsWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	jobs, err := NewJobs(w.database, JobHandlers{
		Evidence: func(context.Context, consent.SessionID, assess.LineRef) error { return nil }, Answer: func(context.Context, consent.SessionID, int, int) error { return nil },
	}, JobOptions{})
	if err != nil {
		t.Fatal(err)
	}
	work := func() error {
		newest := &rivertype.JobRow{ID: math.MaxInt64}
		return jobs.workAnswer(t.Context(), &river.Job[answerJob]{JobRow: newest, Args: answerJob{Session: id, Take: 1}})
	}
	if err := work(); err != nil {
		t.Errorf("an open session: %v", err)
	}
	for _, column := range []string{"restricted_at", "held_at"} {
		w.ownerExec(t, `UPDATE sessions SET `+column+` = now() WHERE id = $1`, id)
		snooze, waits := work().(*river.JobSnoozeError) //nolint:errorlint // the library looks for exactly this
		if !waits || snooze.Duration != pausedFor {
			t.Errorf("%s: the job is done: %v", column, snooze)
		}
		w.ownerExec(t, `UPDATE sessions SET `+column+` = NULL, state = 'assessed' WHERE id = $1`, id)
	}
	w.ownerExec(t, `UPDATE sessions SET state = 'erased', held_at = now() WHERE id = $1`, id)
	if err := work(); err != nil {
		t.Errorf("an erased session: %v, want the job done", err)
	}
}

func TestForgottenViewersGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	viewers := NewViewers(w.database)
	for _, stream := range []consent.StreamKind{consent.StreamMedia, consent.StreamEvents} {
		if err := viewers.Watching(t.Context(), actorOf(w.acmes), id, stream); err != nil {
			t.Fatal(err)
		}
	}
	w.ownerExec(t, `UPDATE viewers SET seen_at = now() - $1::interval WHERE stream = 'media'`, time.Hour+time.Minute)
	jobs := &Jobs{database: w.database}
	if err := jobs.forgetViewers(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM viewers`); n != 1 {
		t.Errorf("%d viewers are left, want 1", n)
	}
}

// A run looks only at what expired since the one before, unless that one could not note everything.
func TestEndsAreLookedForSinceTheLastRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := func(since time.Time, want int) time.Time {
		t.Helper()
		noted, until, err := w.database.noteEnds(t.Context(), since)
		if err != nil || noted != want {
			t.Fatalf("noted %d, %v; want %d", noted, err, want)
		}
		return until
	}
	old := w.share(t, w.alice, w.interview(t, w.alice), w.acme, consent.ScopeRatings)
	w.expire(t, old.ID)
	until := run(time.Time{}, 1)
	if left := w.databaseNow(t).Sub(until); left < lateEnds || left > lateEnds+time.Minute {
		t.Errorf("the next run looks %v back, want %v", left, lateEnds)
	}
	run(until, 0)
	just := w.share(t, w.alice, w.interview(t, w.alice), w.acme, consent.ScopeRatings)
	w.expire(t, just.ID)
	w.ownerExec(t, `ALTER TABLE authorizations DISABLE TRIGGER append_only`)
	w.ownerExec(t, `UPDATE authorizations SET valid_until = now() - interval '1 minute' WHERE id = $1`, just.ID)
	w.ownerExec(t, `ALTER TABLE authorizations ENABLE TRIGGER append_only`)
	until = run(until, 1)

	failed := w.share(t, w.alice, w.interview(t, w.alice), w.acme, consent.ScopeRatings)
	w.expire(t, failed.ID)
	w.ownerExec(t, `REVOKE INSERT ON authorization_events FROM greenroom_worker`)
	w.ownerExec(t, `REVOKE INSERT (authorization_id, org, kind) ON authorization_events FROM greenroom_worker`)
	since := until.Add(-2 * time.Hour)
	noted, again, err := w.database.noteEnds(t.Context(), since)
	if err == nil || noted != 0 || !again.Equal(since) {
		t.Errorf("a run that could not write noted %d, %v, and the next looks from %v, want %v", noted, err, again, since)
	}
	w.ownerExec(t, `GRANT INSERT (authorization_id, org, kind) ON authorization_events TO greenroom_worker`)
	run(again, 1)
}
