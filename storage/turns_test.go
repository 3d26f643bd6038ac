package storage

import (
	"context"
	"errors"
	"testing"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

func TestTurnsAreNotedInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.live(t, w.alice, allConsents)
	events := []assess.TurnEvent{
		{Kind: "answering", Take: 1, Media: 5 * time.Second},
		{Kind: "closed", Take: 1, EndedBy: assess.EndedBySilence, Media: 40 * time.Second},
	}
	for range 2 {
		if err := w.ingest.NoteTurns(t.Context(), id, events); err != nil {
			t.Fatal(err)
		}
	}
	noted := w.ownerCount(t, `SELECT count(*) FROM session_events a JOIN session_events b ON b.session = a.session AND b.seq = a.seq + 1
		WHERE a.session = $1 AND a.kind = 'turn_answering' AND (a.detail->>'media_ms')::int = 5000 AND NOT a.detail ? 'ended_by'
		AND b.kind = 'turn_closed' AND b.detail->>'ended_by' = 'silence'`, id)
	if noted != 2 {
		t.Errorf("%d pairs of turns are noted one after the other, want 2", noted)
	}
}

func TestAnswerThatWasGoneOnWithIsAssessedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.live(t, w.alice, allConsents)
	first := testAnswer(id, 0)
	first.EndedBy = assess.EndedBySilence
	longer := first
	longer.End += 20 * time.Second
	longer.EndedBy = assess.EndedByDone

	began, goOn := make(chan time.Duration, 4), make(chan struct{})
	working(t, w, JobHandlers{
		Evidence: func(context.Context, consent.SessionID, assess.LineRef) error { return nil },
		Answer: func(ctx context.Context, session consent.SessionID, question, take int) error {
			a, err := w.results.AnswerOf(ctx, session, question, take)
			if err != nil {
				return err
			}
			began <- a.End
			<-goOn
			return w.results.MarkAnswerAssessed(ctx, a)
		},
	}, JobOptions{})
	save := func(a assess.Answer) {
		t.Helper()
		if err := w.ingest.SaveAnswer(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	save(first)
	await(t, began, func(end time.Duration) bool { return end == first.End })
	save(longer)
	save(longer) // as after an answer of the database that did not arrive
	select {
	case end := <-began:
		t.Fatalf("the answer is assessed to %v while it is assessed to %v", end, first.End)
	case <-time.After(beforeOther + time.Second): // longer than the second job's first look
	}
	goOn <- struct{}{}
	await(t, began, func(end time.Duration) bool { return end == longer.End })
	goOn <- struct{}{}
	look, late := time.NewTicker(20*time.Millisecond), deadline(t)
	defer look.Stop()
	for w.ownerCount(t, `SELECT count(*) FROM river.river_job WHERE kind = 'assess_answer' AND state = 'completed'`) < 2 {
		select {
		case <-look.C:
		case <-late:
			t.Fatal("the jobs do not end")
		}
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM answers WHERE session = $1 AND assessed_at IS NOT NULL AND ended_by = 'done'`, id); n != 1 {
		t.Errorf("%d answers are assessed, want 1", n)
	}
	// Stored once more with another end, and nothing works on it: it is open again.
	longer.End += time.Second
	longer.EndedBy = assess.EndedBySilence
	w.ownerExec(t, `DELETE FROM river.river_job`)
	if err := w.ingest.SaveAnswer(t.Context(), longer); err != nil {
		t.Fatal(err)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM river.river_job WHERE kind = 'assess_answer' AND args->>'until' = $1`, "61000000000"); n != 1 {
		t.Errorf("%d jobs for the answer's new end, want 1", n)
	}
	await(t, began, func(end time.Duration) bool { return end == longer.End })
	if n := w.ownerCount(t, `SELECT count(*) FROM answers WHERE session = $1 AND assessed_at IS NULL`, id); n != 1 {
		t.Errorf("an answer that was gone on with counts as assessed")
	}
	close(goOn)
}

// Levels of the shorter answer are not taken for levels of what it became, and a job that looked at the shorter
// one does not say that the longer one is done.
func TestRatingsOfAShorterAnswerDoNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, ctx := w.live(t, w.alice, allConsents), t.Context()
	answer := testAnswer(id, 0)
	save := func() {
		t.Helper()
		if err := w.ingest.SaveAnswer(ctx, answer); err != nil {
			t.Fatal(err)
		}
	}
	rated := func() int {
		t.Helper()
		ratings, err := w.results.RatingsOf(ctx, w.part(t, consent.ActorAssessor, id, consent.ArtefactRatings), id, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		return len(ratings)
	}
	save()
	rating := passed(t, id, assess.PassFirst, "one", 4)
	if err := w.results.SaveRating(ctx, w.part(t, consent.ActorAssessor, id, consent.ArtefactRatings), rating); err != nil {
		t.Fatal(err)
	}
	save() // once more the same
	if rated() != 1 {
		t.Fatal("a rating went away although the answer is what it was")
	}
	w.ownerExec(t, `UPDATE ratings SET at = now() - interval '1 second' WHERE session = $1`, id) // before what follows
	shorter := answer
	answer.End += 20 * time.Second
	save()
	if rated() != 0 {
		t.Error("a level of the shorter answer counts for the longer one")
	}
	if err := w.results.MarkAnswerAssessed(ctx, shorter); err != nil {
		t.Fatal(err)
	}
	if err := w.ingest.EndSession(ctx, id); err != nil || w.state(t, id) != consent.SessionEnded {
		t.Errorf("a job that saw the shorter answer finished the longer one: %s, %v", w.state(t, id), err)
	}
	if err := w.results.MarkAnswerAssessed(ctx, answer); err != nil || w.state(t, id) != consent.SessionAssessed {
		t.Errorf("after the longer answer was assessed: %s, %v", w.state(t, id), err)
	}
}

func TestFollowUpsAreKeptForThoseWhoJudgeAndCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.live(t, w.alice, allConsents)
	w.ownerExec(t, `UPDATE sessions SET plan = plan || '{"follow_ups": 3}' WHERE id = $1`, id)
	scribe := w.part(t, consent.ActorScribe, id, consent.ArtefactTranscript)
	first := testFollowUp(id)
	again := first // asked anew after a restart in the middle of the answer
	again.Text, again.Model = "What came of it?", "model-2"
	other := first
	other.Question = 1
	for _, asked := range []assess.FollowUp{first, again, again, other} {
		if err := w.ingest.SaveFollowUp(t.Context(), scribe, asked); err != nil {
			t.Fatal(err)
		}
	}
	transcript := w.part(t, consent.ActorAssessor, id, consent.ArtefactTranscript)
	for take, want := range map[int]assess.FollowUp{1: again, 2: {}} {
		if got, err := w.results.FollowUpOf(t.Context(), transcript, id, 0, take); err != nil || got != want {
			t.Errorf("take %d: %+v, %v, want %+v", take, got, err, want)
		}
	}
	if _, plan, _, err := w.ingest.SessionForRoom(t.Context(), id); err != nil || plan.FollowUps != 1 {
		t.Errorf("%d follow-ups are left of 3, want 1 (%v)", plan.FollowUps, err)
	}
	if _, err := w.results.FollowUpOf(t.Context(), scribe, id, 0, 1); !errors.Is(err, consent.ErrPermit) {
		t.Errorf("read with a scribe's Permit: %v", err)
	}
	if err := w.ingest.SaveFollowUp(t.Context(), transcript, first); !errors.Is(err, consent.ErrPermit) {
		t.Errorf("stored with an assessor's Permit: %v", err)
	}
	if _, err := w.sessions.WithdrawConsent(t.Context(), w.alice.ID, id, consent.ConsentTranscription); err != nil {
		t.Fatal(err)
	}
	if err := w.ingest.SaveFollowUp(t.Context(), scribe, first); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("stored after writing down was taken back: %v", err)
	}
}
