package storage

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

func (w *world) state(t *testing.T, id consent.SessionID) consent.SessionState {
	t.Helper()
	var state consent.SessionState
	if err := w.owner.QueryRow(t.Context(), `SELECT state FROM sessions WHERE id = $1`, id).Scan(&state); err != nil {
		t.Fatal(err)
	}
	return state
}

func TestEveryProcessThatTakesASessionGetsAnEpochOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	created, err := w.sessions.CreateSession(t.Context(), w.alice.ID, consent.ModePractice, testPlan())
	if err != nil {
		t.Fatal(err)
	}
	var bad consent.ErrBadStep
	if _, _, err := w.ingest.GoLive(t.Context(), created.ID); !errors.As(err, &bad) {
		t.Errorf("before the notice was answered: %v, want ErrBadStep", err)
	}
	if _, _, err := w.ingest.GoLive(t.Context(), consent.NewID[consent.SessionID]()); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("unknown session: %v, want ErrNotFound", err)
	}
	id := w.consented(t, w.alice, consent.Consents{})
	epoch, origin, err := w.ingest.GoLive(t.Context(), id)
	if err != nil || epoch != 1 || !origin.IsZero() {
		t.Fatalf("first: epoch %d, origin %s, %v; want 1 and none", epoch, origin, err)
	}
	for _, at := range []time.Time{testOrigin, testOrigin.Add(time.Hour)} {
		if err := w.ingest.SetOrigin(t.Context(), id, at); err != nil {
			t.Fatal(err)
		}
	}
	const takers = 8
	epochs := make(chan int, takers)
	var all sync.WaitGroup
	for range takers {
		all.Go(func() {
			epoch, origin, err := w.ingest.GoLive(t.Context(), id)
			if err != nil || !origin.Equal(testOrigin) {
				t.Errorf("again: origin %s, %v; want the first one, %s", origin, err, testOrigin)
			}
			epochs <- epoch
		})
	}
	all.Wait()
	close(epochs)
	seen := map[int]bool{}
	for epoch := range epochs {
		seen[epoch] = true
	}
	if len(seen) != takers || !seen[2] || !seen[takers+1] {
		t.Errorf("epochs %v, want 2 to %d", seen, takers+1)
	}
}

func TestEndedSessionStaysEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.live(t, w.alice, consent.Consents{Recording: true})
	for range 2 {
		if err := w.ingest.EndSession(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.state(t, id); got != consent.SessionEnded {
		t.Errorf("state %s, want ended: nobody consented to an assessment", got)
	}
	var bad consent.ErrBadStep
	if _, _, err := w.ingest.GoLive(t.Context(), id); !errors.As(err, &bad) {
		t.Errorf("an ended session went live: %v", err)
	}
	if err := w.ingest.EndSession(t.Context(), w.consented(t, w.alice, consent.Consents{})); !errors.As(err, &bad) {
		t.Errorf("a session that was never live ended: %v", err)
	}
}

// The end of a session and the assessment of its last answers come in any order, or at once.
func TestSessionIsAssessedWhenBothItsEndAndItsLastAnswerAreIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, run := range map[string]func(id consent.SessionID, end, mark func()){
		"end last":  func(_ consent.SessionID, end, mark func()) { mark(); end() },
		"mark last": func(_ consent.SessionID, end, mark func()) { end(); mark() },
		"at once": func(_ consent.SessionID, end, mark func()) {
			var both sync.WaitGroup
			both.Go(end)
			both.Go(mark)
			both.Wait()
		},
	} {
		for range 5 {
			id := w.live(t, w.alice, allConsents)
			for question := range 2 {
				if err := w.ingest.SaveAnswer(t.Context(), testAnswer(id, question)); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.results.MarkAnswerAssessed(t.Context(), testAnswer(id, 0)); err != nil {
				t.Fatal(err)
			}
			if got := w.state(t, id); got != consent.SessionLive {
				t.Fatalf("%s: state %s after one of two answers, want live", name, got)
			}
			run(id, func() {
				if err := w.ingest.EndSession(t.Context(), id); err != nil {
					t.Errorf("end: %v", err)
				}
			}, func() {
				if err := w.results.MarkAnswerAssessed(t.Context(), testAnswer(id, 1)); err != nil {
					t.Errorf("mark: %v", err)
				}
			})
			if got := w.state(t, id); got != consent.SessionAssessed {
				t.Errorf("%s: state %s, want assessed", name, got)
			}
		}
	}
}

// Nobody sees an answer of a session that is held or restricted: that says nothing about what is left to do.
func TestPausedSessionIsNotAssessed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, column := range []string{"restricted_at", "held_at"} {
		id := w.live(t, w.alice, allConsents)
		if err := w.ingest.SaveAnswer(t.Context(), testAnswer(id, 0)); err != nil {
			t.Fatal(err)
		}
		pause := func(at string) { w.ownerExec(t, `UPDATE sessions SET `+column+` = `+at+` WHERE id = $1`, id) }
		pause("now()")
		if err := w.ingest.EndSession(t.Context(), id); err != nil || w.state(t, id) != consent.SessionEnded {
			t.Errorf("%s: at its end it is %s, %v; want ended", column, w.state(t, id), err)
		}
		if err := w.results.MarkAnswerAssessed(t.Context(), testAnswer(id, 0)); !errors.Is(err, consent.ErrNotFound) || w.state(t, id) != consent.SessionEnded {
			t.Errorf("%s: marking its answer: %v, and it is %s; want ErrNotFound, and ended", column, err, w.state(t, id))
		}
		pause("NULL")
		if err := w.results.MarkAnswerAssessed(t.Context(), testAnswer(id, 0)); err != nil || w.state(t, id) != consent.SessionAssessed {
			t.Errorf("%s was lifted: marking its answer: %v, and it is %s; want assessed", column, err, w.state(t, id))
		}
		if err := w.results.MarkAnswerAssessed(t.Context(), testAnswer(id, 9)); !errors.Is(err, consent.ErrNotFound) {
			t.Errorf("marking an answer that nobody gave: %v, want ErrNotFound", err)
		}
	}
}

func TestOnlyStaleSessionsAreAbandoned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stale := []consent.SessionID{w.consented(t, w.alice, consent.Consents{}), w.live(t, w.bob, allConsents)}
	ended := w.interview(t, w.alice)
	w.ownerExec(t, `UPDATE sessions SET state_at = now() - interval '3 hours'`)
	fresh := w.live(t, w.alice, allConsents)
	for _, want := range []int{2, 0} {
		if n, err := w.ingest.AbandonStale(t.Context(), 2*time.Hour); err != nil || n != want {
			t.Errorf("abandoned %d, %v; want %d", n, err, want)
		}
	}
	for _, id := range stale {
		if got := w.state(t, id); got != consent.SessionAbandoned {
			t.Errorf("stale session is %s", got)
		}
	}
	if w.state(t, ended) != consent.SessionAssessed || w.state(t, fresh) != consent.SessionLive {
		t.Errorf("the assessed session is %s, the fresh one %s", w.state(t, ended), w.state(t, fresh))
	}
}

func TestRoomReadsItsSessionBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.live(t, w.alice, allConsents)
	want := []assess.Answer{testAnswer(id, 0), testAnswer(id, 1)}
	for _, a := range []assess.Answer{want[1], want[0], want[0]} {
		if err := w.ingest.SaveAnswer(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	session, plan, answers, err := w.ingest.SessionForRoom(t.Context(), id)
	if err != nil || session.ID != id || session.Consents != allConsents || session.State != consent.SessionLive || len(plan.Questions) != 2 {
		t.Errorf("session %+v, plan of %d, %v", session, len(plan.Questions), err)
	}
	if diff := cmp.Diff(want, answers); diff != "" {
		t.Errorf("answers: %s", diff)
	}
	if _, _, _, err := w.ingest.SessionForRoom(t.Context(), "nothing"); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("unknown session: %v", err)
	}
}

func TestWritingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.live(t, w.alice, allConsents)
	ctx := t.Context()
	for range 3 {
		scribe := w.part(t, consent.ActorScribe, id, consent.ArtefactTranscript)
		feedback := w.part(t, consent.ActorAssessor, id, consent.ArtefactFeedback)
		measured := w.part(t, consent.ActorAssessor, id, consent.ArtefactMeasurements)
		ratings := w.part(t, consent.ActorAssessor, id, consent.ArtefactRatings)
		for _, err := range []error{
			w.ingest.SaveAnswer(ctx, testAnswer(id, 0)),
			w.ingest.SaveLine(ctx, scribe, testLine(id, 1, 0)),
			w.ingest.SaveGap(ctx, id, media.Gap{Kind: media.KindAudio, Start: 1, End: 2, Reason: media.GapNetwork}),
			w.results.SaveEvidence(ctx, feedback, testLine(id, 1, 0), []assess.Evidence{testEvidence(id, 1)}),
			w.results.SaveMeasurements(ctx, measured, testAnswer(id, 0), []assess.Measurement{{Session: id, Question: 0, Take: 1, Name: "pauses", Value: 3, Valid: true}}),
			w.results.SaveRating(ctx, ratings, testRating(t, nil, id)),
			w.results.SaveFeedback(ctx, feedback, testFeedback(id)),
			w.results.MarkAnswerAssessed(ctx, testAnswer(id, 0)),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for table, want := range map[string]int{
		"answers": 1, "lines": 1, "gaps": 1, "evidence": 1, "measurements": 1, "ratings": 1, "rating_notes": 1, "feedback": 1, "river.river_job": 2,
	} {
		if n := w.ownerCount(t, `SELECT count(*) FROM `+table); n != want {
			t.Errorf("%d rows of %s, want %d", n, table, want)
		}
	}
}

func TestLaterWritesReplaceEarlierOnes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	ctx := t.Context()
	feedback := w.part(t, consent.ActorAssessor, id, consent.ArtefactFeedback)
	if err := w.results.SaveEvidence(ctx, feedback, testLine(id, 2, 0), nil); err != nil {
		t.Fatal(err)
	}
	if found, err := w.results.EvidenceOf(ctx, feedback, id, 0, 1); err != nil || len(found) != 0 {
		t.Errorf("evidence after nothing was found: %v, %v", found, err)
	}
	for sequence, want := range map[int]bool{1: false, 2: true} {
		done, err := w.results.EvidenceDone(ctx, feedback, id, assess.LineRef{Epoch: 1, Sequence: sequence})
		if err != nil || done != want {
			t.Errorf("evidence done in line %d: %t, %v; want %t", sequence, done, err, want)
		}
	}
	ratings := w.part(t, consent.ActorAssessor, id, consent.ArtefactRatings)
	plain := testRating(t, func(f *assess.RatingFields) { f.Level, f.WhyNotHigher, f.WhyNotLower = 2, "", "" }, id)
	if err := w.results.SaveRating(ctx, ratings, plain); err != nil {
		t.Fatal(err)
	}
	got := w.record(t, w.permits(t, actorOf(w.alice), id)).Answers[0].Ratings
	if len(got) != 2 || got[0] != plain {
		t.Errorf("ratings %+v, want the model's replaced and without sentences", got)
	}
}

func TestAssessorReadsTheTranscriptOfOneAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	ctx := t.Context()
	transcript := w.part(t, consent.ActorAssessor, id, consent.ArtefactTranscript)
	lines, err := w.results.LinesOf(ctx, transcript, id, 0, 1)
	if diff := cmp.Diff([]assess.Line{testLine(id, 2, 0)}, lines); err != nil || diff != "" {
		t.Errorf("LinesOf: %v %s", err, diff)
	}
	line, err := w.results.LineOf(ctx, transcript, id, assess.LineRef{Epoch: 1, Sequence: 1})
	if diff := cmp.Diff(testLine(id, 1, -1), line); err != nil || diff != "" {
		t.Errorf("LineOf: %v %s", err, diff)
	}
	if _, err := w.results.LineOf(ctx, transcript, id, assess.LineRef{Epoch: 9, Sequence: 9}); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("unknown line: %v", err)
	}
	missing := media.Gap{Kind: media.KindAudio, Start: 7 * time.Second, End: 8 * time.Second, Reason: media.GapNetwork}
	if err := w.ingest.SaveGap(ctx, id, missing); err != nil {
		t.Fatal(err)
	}
	measurements := w.part(t, consent.ActorAssessor, id, consent.ArtefactMeasurements)
	if gaps, err := w.results.GapsOf(ctx, measurements, id); err != nil || !slices.Contains(gaps, missing) {
		t.Errorf("gaps %+v, %v; want the one of the sound among them", gaps, err)
	}
	if gaps, err := w.results.GapsOf(ctx, transcript, id); !errors.Is(err, consent.ErrPermit) {
		t.Errorf("gaps %+v, %v for a Permit of something else", gaps, err)
	}
	if plan, err := w.results.PlanOf(ctx, id); err != nil || len(plan.Questions) != 2 {
		t.Errorf("plan of %d questions, %v", len(plan.Questions), err)
	}
	if answer, err := w.results.AnswerOf(ctx, id, 0, 1); err != nil || answer != testAnswer(id, 0) {
		t.Errorf("answer %+v, %v", answer, err)
	}
	if _, err := w.results.AnswerOf(ctx, id, 1, 1); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("unknown answer: %v", err)
	}
}

func TestWritersNeedThePermitOfTheirOwnKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := w.live(t, w.alice, allConsents), w.live(t, w.bob, allConsents)
	ctx := t.Context()
	scribe := w.part(t, consent.ActorScribe, id, consent.ArtefactTranscript)
	assessors := w.part(t, consent.ActorAssessor, id, consent.ArtefactTranscript)
	feedback := w.part(t, consent.ActorAssessor, id, consent.ArtefactFeedback)
	measured := w.part(t, consent.ActorAssessor, id, consent.ArtefactMeasurements)
	foreign := testEvidence(other, 1)
	if err := w.ingest.SaveAnswer(ctx, testAnswer(id, 0)); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"zero permit":                     w.ingest.SaveLine(ctx, consent.Permit{}, testLine(id, 1, 0)),
		"line of another session":         w.ingest.SaveLine(ctx, scribe, testLine(other, 1, 0)),
		"line by an assessor":             w.ingest.SaveLine(ctx, assessors, testLine(id, 1, 0)),
		"evidence with a transcript's":    w.results.SaveEvidence(ctx, assessors, testLine(id, 1, 0), nil),
		"rating with feedback's":          w.results.SaveRating(ctx, feedback, testRating(t, nil, id)),
		"self-rating by an assessor":      w.results.SaveRating(ctx, w.part(t, consent.ActorAssessor, id, consent.ArtefactRatings), testRating(t, selfRated, id)),
		"measurements with no permit":     w.results.SaveMeasurements(ctx, consent.Permit{}, testAnswer(id, 0), nil),
		"measurement of another session":  w.results.SaveMeasurements(ctx, measured, testAnswer(id, 0), []assess.Measurement{{Session: other, Take: 1}}),
		"measurement of another answer":   w.results.SaveMeasurements(ctx, measured, testAnswer(id, 0), []assess.Measurement{{Session: id, Take: 2}}),
		"an answer of another session":    w.results.SaveMeasurements(ctx, measured, testAnswer(other, 0), nil),
		"transcript read by a scribe":     second(w.results.LinesOf(ctx, scribe, id, 0, 1)),
		"evidence of another session":     w.results.SaveEvidence(ctx, feedback, testLine(other, 1, 0), []assess.Evidence{foreign}),
		"evidence read with transcript's": second(w.results.EvidenceOf(ctx, assessors, id, 0, 1)),
	} {
		if !errors.Is(err, consent.ErrPermit) {
			t.Errorf("%s: %v, want ErrPermit", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// A Permit outlives its consent by up to five seconds; what it was given for must stop at once.
func TestWithdrawnConsentStopsWritesWhoseOldPermitStillLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	ctx := t.Context()
	scribe := w.part(t, consent.ActorScribe, id, consent.ArtefactTranscript)
	transcript := w.part(t, consent.ActorAssessor, id, consent.ArtefactTranscript)
	feedback := w.part(t, consent.ActorAssessor, id, consent.ArtefactFeedback)
	ratings := w.part(t, consent.ActorAssessor, id, consent.ArtefactRatings)
	measured := w.part(t, consent.ActorAssessor, id, consent.ArtefactMeasurements)
	if _, err := w.sessions.WithdrawConsent(ctx, w.alice.ID, id, consent.ConsentTranscription); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"line":           w.ingest.SaveLine(ctx, scribe, testLine(id, 9, 0)),
		"evidence":       w.results.SaveEvidence(ctx, feedback, testLine(id, 2, 0), nil),
		"rating":         w.results.SaveRating(ctx, ratings, testRating(t, nil, id)),
		"measurements":   w.results.SaveMeasurements(ctx, measured, testAnswer(id, 0), nil),
		"reading a line": second(w.results.LinesOf(ctx, transcript, id, 0, 1)),
	} {
		if !errors.Is(err, consent.ErrNotFound) || errors.Is(err, consent.ErrFacts) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM lines WHERE sequence = 9`); n != 0 {
		t.Error("a line was written after the withdrawal")
	}
}

func TestOverviewCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.interview(t, w.alice)
	w.consented(t, w.bob, consent.Consents{})
	overview, err := NewOps(w.database, func() (int, int64) { return 3, 4096 }).Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := consent.Overview{
		Sessions: map[consent.SessionState]int{consent.SessionAssessed: 1, consent.SessionConsented: 1},
		Jobs:     map[string]int{"available": 3}, SpoolFiles: 3, SpoolBytes: 4096,
	}
	if diff := cmp.Diff(want, overview); diff != "" {
		t.Errorf("overview: %s", diff)
	}
}
