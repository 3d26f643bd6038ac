package storage

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/assess"
	"greenroom/consent"
)

func TestSessionKeepsItsPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session, err := w.sessions.CreateSession(t.Context(), w.alice.ID, consent.ModeExam, testPlan())
	if err != nil {
		t.Fatal(err)
	}
	if session.State != consent.SessionScheduled || session.Mode != consent.ModeExam || session.RoleTitle != "Go engineer" || session.CreatedAt.IsZero() {
		t.Errorf("created %+v", session)
	}
	if session.Questions != 2 || session.Takes != 1 {
		t.Errorf("%d questions, %d takes, want 2 and, where a plan says nothing, 1", session.Questions, session.Takes)
	}
	plan, err := w.sessions.SessionPlan(t.Context(), w.alice.ID, session.ID)
	if err != nil || !reflect.DeepEqual(plan, testPlan()) {
		t.Errorf("plan = %+v, %v", plan, err)
	}
	again, err := w.sessions.Session(t.Context(), w.alice.ID, session.ID)
	if err != nil || !cmp.Equal(again, session) {
		t.Errorf("read back: %v %s", err, cmp.Diff(session, again))
	}
}

func TestWhatWasAskedBeforeIsTheCandidatesOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := func(of consent.Account, role string) string {
		t.Helper()
		ids, err := w.sessions.AskedBefore(t.Context(), of.ID, role)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(ids, " ")
	}
	role := testPlan().Role
	w.consented(t, w.alice, consent.Consents{}) // never begun
	if got := asked(w.alice, role); got != "" {
		t.Errorf("before any interview: %q", got)
	}
	first, second := w.live(t, w.alice, consent.Consents{}), w.live(t, w.alice, consent.Consents{})
	w.live(t, w.bob, consent.Consents{})
	if got := asked(w.alice, role); got != "q1 q2 q1 q2" {
		t.Errorf("after two interviews: %q, want each question twice", got)
	}
	if got := asked(w.alice, "another"); got != "" {
		t.Errorf("for another role: %q", got)
	}
	for what, change := range map[string]string{
		"restricted": `UPDATE sessions SET restricted_at = now() WHERE id = $1`,
		"erased":     `UPDATE sessions SET state = 'erased' WHERE id = $1`,
	} {
		id := map[string]consent.SessionID{"restricted": first, "erased": second}[what]
		if _, err := w.owner.Exec(t.Context(), change, id); err != nil {
			t.Fatal(err)
		}
	}
	if got := asked(w.alice, role); got != "" {
		t.Errorf("of what is restricted or erased: %q", got)
	}
}

func TestForeignAndUnknownSessionsLookTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	granted := w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	ctx, bob := t.Context(), w.bob.ID
	for _, session := range []consent.SessionID{id, consent.NewID[consent.SessionID](), "'; DROP TABLE sessions --"} {
		for name, call := range map[string]func() error{
			"Session":               func() error { _, err := w.sessions.Session(ctx, bob, session); return err },
			"SessionPlan":           func() error { _, err := w.sessions.SessionPlan(ctx, bob, session); return err },
			"Authorizations":        func() error { _, err := w.sessions.Authorizations(ctx, bob, session); return err },
			"Accesses":              func() error { _, err := w.sessions.Accesses(ctx, bob, session); return err },
			"WithdrawAuthorization": func() error { return w.sessions.WithdrawAuthorization(ctx, bob, session, granted.ID) },
			"GiveConsents": func() error {
				_, err := w.sessions.GiveConsents(ctx, bob, session, allConsents, testNotice)
				return err
			},
			"WithdrawConsent": func() error {
				_, err := w.sessions.WithdrawConsent(ctx, bob, session, consent.ConsentRecording)
				return err
			},
			"Authorize": func() error {
				_, err := w.sessions.Authorize(ctx, bob, session, consent.AuthorizationRequest{
					Org: w.acme.ID, Purpose: consent.PurposeHiring, Scopes: []consent.Scope{consent.ScopeRatings}, ValidUntil: time.Now().Add(time.Hour),
				})
				return err
			},
		} {
			if err := call(); !errors.Is(err, consent.ErrNotFound) {
				t.Errorf("%s of %q for bob: %v, want ErrNotFound", name, session, err)
			}
		}
	}
	if list, err := w.sessions.SessionsOf(ctx, bob); err != nil || len(list) != 0 {
		t.Errorf("bob's list has %d sessions, %v", len(list), err)
	}
}

func TestNoticeIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	created, err := w.sessions.CreateSession(t.Context(), w.alice.ID, consent.ModePractice, testPlan())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.sessions.GiveConsents(t.Context(), w.alice.ID, created.ID, consent.Consents{Assessment: true}, testNotice); err == nil {
		t.Error("assessment without transcription was accepted")
	}
	choices := consent.Consents{Recording: true}
	session, err := w.sessions.GiveConsents(t.Context(), w.alice.ID, created.ID, choices, testNotice)
	if err != nil || session.State != consent.SessionConsented || session.Consents != choices || session.NoticeSHA256 != testNotice.SHA256() {
		t.Fatalf("GiveConsents = %+v, %v", session, err)
	}
	var bad consent.ErrBadStep
	if _, err := w.sessions.GiveConsents(t.Context(), w.alice.ID, created.ID, allConsents, testNotice); !errors.As(err, &bad) {
		t.Errorf("second answer: %v, want ErrBadStep", err)
	}
	const events = `SELECT count(*) FROM consent_events WHERE session = $1 AND kind = 'answered' AND recording AND NOT transcription AND notice_sha256 = $2`
	if n := w.ownerCount(t, events, created.ID, testNotice.SHA256()); n != 1 {
		t.Errorf("%d consent events, want 1", n)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM notices WHERE text = $1`, testNotice.Text); n != 1 {
		t.Errorf("the notice is stored %d times, want once", n)
	}
}

func TestConsentIsWithdrawnOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.live(t, w.alice, allConsents)
	for range 2 {
		session, err := w.sessions.WithdrawConsent(t.Context(), w.alice.ID, id, consent.ConsentTranscription)
		if err != nil || session.Consents != (consent.Consents{Recording: true}) || session.State != consent.SessionLive {
			t.Fatalf("WithdrawConsent = %+v, %v; want recording only, still live", session, err)
		}
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM consent_events WHERE kind = 'withdrawn' AND withdrawn = 'transcription' AND NOT assessment`); n != 1 {
		t.Errorf("%d withdrawals noted, want 1", n)
	}
	if _, err := w.sessions.WithdrawConsent(t.Context(), w.alice.ID, id, "everything"); err == nil {
		t.Error("an unknown consent was withdrawn")
	}
	actor := consent.Actor{Kind: consent.ActorScribe}
	if _, err := w.gate.Permit(t.Context(), actor, id, consent.ArtefactTranscript); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("the scribe still gets a permit: %v", err)
	}
}

func TestSessionsOfCountsOrganizationsThatCanSee(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.consented(t, w.alice, allConsents)
	second := w.consented(t, w.alice, allConsents)
	w.share(t, w.alice, first, w.acme, consent.ScopeRatings)
	zeniths := w.share(t, w.alice, first, w.zenith, consent.ScopeRatings)
	w.share(t, w.alice, second, w.acme, consent.ScopeRatings)
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, first, zeniths.ID); err != nil {
		t.Fatal(err)
	}
	list, err := w.sessions.SessionsOf(t.Context(), w.alice.ID)
	if err != nil || len(list) != 2 {
		t.Fatalf("list of %d, %v; want 2", len(list), err)
	}
	for i, want := range []consent.SessionID{second, first} {
		if list[i].ID != want || list[i].SharedWith != 1 {
			t.Errorf("line %d is %s shared with %d, want %s with 1", i, list[i].ID, list[i].SharedWith, want)
		}
	}
}

func TestSelfRatingIsReplacedAndHasNoSentences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	private := w.permit(t, actorOf(w.alice), id, consent.ArtefactPrivate)
	better := testRating(t, func(f *assess.RatingFields) { selfRated(f); f.Level = 5 }, id)
	if err := w.sessions.RateSelf(t.Context(), private, better); err != nil {
		t.Fatal(err)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM ratings WHERE rater_kind = 'self' AND level = 5`); n != 1 {
		t.Errorf("%d self-ratings of level 5, want 1", n)
	}
	for name, c := range map[string]struct {
		permit consent.Permit
		change func(*assess.RatingFields)
		want   error
	}{
		"zero permit":     {consent.Permit{}, selfRated, consent.ErrPermit},
		"another permit":  {w.permit(t, actorOf(w.alice), id, consent.ArtefactRatings), selfRated, consent.ErrPermit},
		"another rater":   {private, nil, consent.ErrPermit},
		"unknown answer":  {private, func(f *assess.RatingFields) { selfRated(f); f.Question = 1 }, consent.ErrNotFound},
		"with a sentence": {private, func(f *assess.RatingFields) { selfRated(f); f.WhyNotLower = "x" }, nil},
	} {
		err := w.sessions.RateSelf(t.Context(), c.permit, testRating(t, c.change, id))
		if err == nil || (c.want != nil && !errors.Is(err, c.want)) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestEventsHaveConsecutiveNumbers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	rows, err := w.owner.Query(t.Context(), `SELECT seq, kind FROM session_events WHERE session = $1 ORDER BY seq`, id)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var kinds []string
	for rows.Next() {
		var seq int
		var kind string
		if err := rows.Scan(&seq, &kind); err != nil {
			t.Fatal(err)
		}
		if kinds = append(kinds, kind); seq != len(kinds) {
			t.Errorf("event %d has number %d", len(kinds), seq)
		}
	}
	want := []string{"scheduled", "consents_answered", "live", "ended", "assessed", "authorized"}
	if !cmp.Equal(kinds, want) || rows.Err() != nil {
		t.Errorf("events %v, %v; want %v", kinds, rows.Err(), want)
	}
}
