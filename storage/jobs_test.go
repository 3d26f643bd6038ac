package storage

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/assess"
	"greenroom/consent"
)

// working runs the jobs of the world until the test ends.
func working(t *testing.T, w *world, handlers JobHandlers, options JobOptions) {
	t.Helper()
	if handlers.Evidence == nil {
		handlers.Evidence = func(context.Context, consent.SessionID, assess.LineRef) error { return nil }
	}
	if handlers.Answer == nil {
		handlers.Answer = func(context.Context, consent.SessionID, int, int) error { return nil }
	}
	options.soon = true
	if options.Retry == nil {
		options.Retry = func(int) time.Duration { return 0 }
	}
	jobs, err := NewJobs(w.database, handlers, options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- jobs.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestJobsGetTheIdsOfWhatWasSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type seen struct {
		session consent.SessionID
		a, b    int
	}
	answers, lines := make(chan seen, 4), make(chan seen, 4)
	working(t, w, JobHandlers{
		Evidence: func(_ context.Context, session consent.SessionID, line assess.LineRef) error {
			lines <- seen{session, line.Epoch, line.Sequence}
			return nil
		},
		Answer: func(_ context.Context, session consent.SessionID, question, take int) error {
			answers <- seen{session, question, take}
			return nil
		},
	}, JobOptions{})
	id := w.live(t, w.alice, allConsents)
	for range 2 {
		if err := w.ingest.SaveAnswer(t.Context(), testAnswer(id, 1)); err != nil {
			t.Fatal(err)
		}
		if err := w.ingest.SaveLine(t.Context(), w.part(t, consent.ActorScribe, id, consent.ArtefactTranscript), testLine(id, 7, 1)); err != nil {
			t.Fatal(err)
		}
	}
	await(t, answers, func(s seen) bool { return s == seen{id, 1, 1} })
	await(t, lines, func(s seen) bool { return s == seen{id, 1, 7} })
	if n := w.ownerCount(t, `SELECT count(*) FROM river.river_job WHERE kind IN ('evidence', 'assess_answer')`); n != 2 {
		t.Errorf("%d jobs for one answer and one line saved twice, want 2", n)
	}
}

func TestJobsAreAddedOnlyWhereTheCandidateConsented(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	without := w.live(t, w.alice, consent.Consents{Recording: true, Transcription: true})
	with := w.live(t, w.alice, allConsents)
	noModel := NewIngest(w.database, nil, false)
	noModel.keys = w.ingest.keys
	for _, id := range []consent.SessionID{without, with} {
		if err := w.ingest.SaveAnswer(t.Context(), testAnswer(id, 0)); err != nil {
			t.Fatal(err)
		}
	}
	scribe := w.part(t, consent.ActorScribe, without, consent.ArtefactTranscript)
	if err := w.ingest.SaveLine(t.Context(), scribe, testLine(without, 1, 0)); err != nil {
		t.Fatal(err)
	}
	scribe = w.part(t, consent.ActorScribe, with, consent.ArtefactTranscript)
	if err := noModel.SaveLine(t.Context(), scribe, testLine(with, 1, 0)); err != nil {
		t.Fatal(err)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM river.river_job WHERE args ->> 'session' = $1`, without); n != 0 {
		t.Errorf("%d jobs for a session without consent to assessment", n)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM river.river_job WHERE args ->> 'session' = $1 AND kind = 'assess_answer'`, with); n != 1 {
		t.Errorf("%d answer jobs, want 1", n)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM river.river_job WHERE kind = 'evidence'`); n != 0 {
		t.Errorf("%d evidence jobs although no model is configured", n)
	}
}

func TestJobDisappearsWithTheTransactionItWasAddedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.live(t, w.alice, allConsents)
	stop := errors.New("stop")
	err := w.ingest.about(t.Context(), id, func(tx pgx.Tx) error {
		if err := w.database.jobs.add(t.Context(), tx, answerJob{Session: id, Question: 0, Take: 1}); err != nil {
			t.Errorf("add: %v", err)
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM river.river_job`); n != 0 {
		t.Errorf("%d jobs are left of a transaction that was rolled back", n)
	}
}

func TestFailingJobIsTriedFiveTimesThenGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var tries atomic.Int32
	discarded := make(chan DiscardedJob, 2)
	broken := errors.New("the model is away")
	working(t, w, JobHandlers{
		Answer: func(context.Context, consent.SessionID, int, int) error { tries.Add(1); return broken },
	}, JobOptions{OnDiscard: func(_ context.Context, job DiscardedJob) { discarded <- job }})
	id := w.live(t, w.alice, allConsents)
	if err := w.database.enqueueCorrected(t.Context(), answerJob{Session: id, Question: 1, Take: 1, Revision: 2}); err != nil {
		t.Fatal(err)
	}
	await(t, discarded, func(job DiscardedJob) bool {
		return job.Kind == "assess_answer" && job.Session == id && job.Question == 1 && job.Take == 1 && job.Revision == 2 && errors.Is(job.Err, broken)
	})
	if n := tries.Load(); n != jobAttempts {
		t.Errorf("tried %d times, want %d", n, jobAttempts)
	}
}

func TestPanickingJobIsAFailureLikeAnyOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	discarded := make(chan DiscardedJob, 2)
	working(t, w, JobHandlers{
		Evidence: func(context.Context, consent.SessionID, assess.LineRef) error { panic("oh") },
	}, JobOptions{OnDiscard: func(_ context.Context, job DiscardedJob) { discarded <- job }})
	id := w.live(t, w.alice, allConsents)
	if err := w.ingest.SaveLine(t.Context(), w.part(t, consent.ActorScribe, id, consent.ArtefactTranscript), testLine(id, 3, 0)); err != nil {
		t.Fatal(err)
	}
	await(t, discarded, func(job DiscardedJob) bool {
		return job.Kind == "evidence" && job.Session == id && job.Line == assess.LineRef{Epoch: 1, Sequence: 3}
	})
}

func TestStoppedJobGoesBackToTheQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.live(t, w.alice, allConsents)
	if err := w.ingest.SaveAnswer(t.Context(), testAnswer(id, 0)); err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{}, 1)
	t.Run("first worker", func(t *testing.T) {
		working(t, w, JobHandlers{Answer: func(ctx context.Context, _ consent.SessionID, _, _ int) error {
			started <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		}}, JobOptions{Drain: time.Millisecond})
		await(t, started, anything)
	})
	again := make(chan struct{}, 1)
	working(t, w, JobHandlers{Answer: func(context.Context, consent.SessionID, int, int) error {
		again <- struct{}{}
		return nil
	}}, JobOptions{})
	await(t, again, anything)
}

func TestStaleSessionsAreAbandonedByTheTimer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.consented(t, w.alice, consent.Consents{})
	w.ownerExec(t, `UPDATE sessions SET state_at = now() - interval '25 hours'`)
	_, all := listening(t, w)
	working(t, w, JobHandlers{}, JobOptions{})
	await(t, all, func(c Change) bool { return c == Change{Session: id, Topic: TopicSession} })
	if got := w.state(t, id); got != consent.SessionAbandoned {
		t.Errorf("state %s, want abandoned", got)
	}
}

func TestJobsNeedHandlers(t *testing.T) {
	t.Parallel()
	if _, err := NewJobs(nil, JobHandlers{}, JobOptions{}); err == nil {
		t.Error("jobs without handlers were made")
	}
}

func TestRetryPausesGrow(t *testing.T) {
	t.Parallel()
	retry := JobOptions{}.withDefaults().Retry
	for failures, want := range map[int]time.Duration{1: 2 * time.Second, 2: 8 * time.Second, 3: 32 * time.Second, 5: 512 * time.Second, 50: longestRetryPause} {
		if got := retry(failures); got != want {
			t.Errorf("pause after %d failures is %s, want %s", failures, got, want)
		}
	}
}

func TestEpochsTurnAtTheStart(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	one := w.write(t)
	w.keys.ahead = 30 * day
	jobs, err := NewJobs(w.database, JobHandlers{
		Evidence:  func(context.Context, consent.SessionID, assess.LineRef) error { return nil },
		Answer:    func(context.Context, consent.SessionID, int, int) error { return nil },
		TurnEpoch: w.keys.TurnEpoch,
	}, JobOptions{soon: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- jobs.Run(ctx) }()
	waitFor(t, 20*time.Second, "the epoch to turn", func() bool {
		return w.count(t, `SELECT count(*) FROM data_keys WHERE epoch = 2`) == 1
	})
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	w.mustRead(t, w.keys, one)
}

// What is left of finished work is kept as long as its rule says, and nowhere by a number of its own.
func TestFinishedJobsAreKeptAsLongAsLeftovers(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	want := consent.RuleOf(consent.ClassLeftovers).Kept.After(begin).Sub(begin)
	jobs, err := NewJobs(nil, JobHandlers{Evidence: noEvidence, Answer: noAnswer}, JobOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c := jobs.config()
	for what, got := range map[string]time.Duration{
		"completed": c.CompletedJobRetentionPeriod, "cancelled": c.CancelledJobRetentionPeriod, "discarded": c.DiscardedJobRetentionPeriod,
	} {
		if got != want {
			t.Errorf("%s jobs are kept for %v, want %v", what, got, want)
		}
	}
}

// The job of an answer may be lost at its last try, with its process or with the database. It is not pending for ever.
func TestAnswersWithoutAJobGetOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	overFor := func(id consent.SessionID, long string) consent.SessionID {
		t.Helper()
		if err := w.ingest.EndSession(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		w.ownerExec(t, `UPDATE sessions SET state = 'ended', state_at = now() - $2::interval WHERE id = $1`, id, long)
		return id
	}
	answered := func(consents consent.Consents) consent.SessionID {
		t.Helper()
		id := w.live(t, w.alice, consents)
		if err := w.ingest.SaveAnswer(t.Context(), testAnswer(id, 0)); err != nil {
			t.Fatal(err)
		}
		return id
	}
	lost, gone := overFor(answered(allConsents), "2 hours"), overFor(answered(allConsents), "2 hours")
	waiting, fresh := overFor(answered(allConsents), "2 hours"), overFor(answered(allConsents), "1 minute")
	overFor(answered(consent.Consents{Recording: true, Transcription: true}), "2 hours")
	overFor(w.interview(t, w.alice), "2 hours") // its answer is assessed
	abandoned := answered(allConsents)          // the program died, and nobody came back
	w.ownerExec(t, `UPDATE sessions SET state = 'abandoned', state_at = now() - interval '2 hours' WHERE id = $1`, abandoned)
	w.ownerExec(t, `UPDATE river.river_job SET state = 'discarded', finalized_at = now() WHERE args ->> 'session' = $1`, lost)
	w.ownerExec(t, `DELETE FROM river.river_job WHERE args ->> 'session' = ANY ($1)`, []string{string(gone), string(fresh), string(abandoned)})
	jobs, err := NewJobs(w.database, JobHandlers{
		Evidence: func(context.Context, consent.SessionID, assess.LineRef) error { return nil },
		Answer:   func(context.Context, consent.SessionID, int, int) error { return nil },
	}, JobOptions{})
	if err != nil {
		t.Fatal(err)
	}
	before := w.ownerCount(t, `SELECT count(*) FROM river.river_job`)
	for range 2 { // the second time there is one
		if err := jobs.workLeft(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	const added = `SELECT count(*) FROM river.river_job WHERE kind = 'assess_answer' AND state = 'available' AND args ->> 'session' = $1`
	for name, id := range map[string]consent.SessionID{"discarded": lost, "deleted": gone, "deleted, and abandoned": abandoned, "still there": waiting} {
		if n := w.ownerCount(t, added, id); n != 1 {
			t.Errorf("the job was %s: %d jobs wait, want 1", name, n)
		}
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM river.river_job`) - before; n != 3 {
		t.Errorf("%d jobs were added, want 3", n)
	}
}
