package storage

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

// contestOf returns what a reader is shown of the only contest.
func (w *world) contestOf(t *testing.T, reader consent.Account, session consent.SessionID) assess.Contest {
	t.Helper()
	answers := w.record(t, w.permits(t, actorOf(reader), session)).Answers
	if len(answers) != 1 || len(answers[0].Contests) != 1 {
		t.Fatalf("%s is shown %+v", reader.DisplayName, answers)
	}
	return answers[0].Contests[0]
}

func TestAContestIsKeptOnceAndItsWordsStayTheCandidates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	w.share(t, w.alice, id, w.acme, allShareable()...)
	w.contests(t, w.alice, id)

	if c := w.contestOf(t, w.alice, id); c.Words != secretReason || c.Moment != 12*time.Second || c.Competency != "ownership" || !c.ByModel || !c.LookedAt.IsZero() || c.At.IsZero() {
		t.Errorf("the candidate is shown %+v", c)
	}
	if c := w.contestOf(t, w.acmes, id); c.Words != "" || c.Moment >= 0 || c.Competency != "ownership" || c.At.IsZero() {
		t.Errorf("an employer is shown %+v", c)
	}
	var sealed []byte
	if err := w.owner.QueryRow(t.Context(), `SELECT words FROM contests WHERE session = $1`, id).Scan(&sealed); err != nil || bytes.Contains(sealed, []byte("canary")) {
		t.Errorf("the words are kept as %q, %v", sealed, err)
	}
	contests := NewContests(w.database, w.keys)
	try := func(private consent.Permit, change func(*assess.Contest)) error {
		c := assess.Contest{Session: id, Take: 1, Competency: "ownership", Moment: -1}
		change(&c)
		return contests.Contest(t.Context(), private, c)
	}
	private := w.permit(t, actorOf(w.alice), id, consent.ArtefactPrivate)
	for name, c := range map[string]struct {
		change func(*assess.Contest)
		want   error
	}{
		"a second time":          {func(*assess.Contest) {}, assess.ErrContested},
		"what nobody rated":      {func(c *assess.Contest) { c.Competency = "depth" }, consent.ErrNotFound},
		"an answer there is not": {func(c *assess.Contest) { c.Take = 2 }, consent.ErrNotFound},
		"of another session":     {func(c *assess.Contest) { c.Session = w.interview(t, w.alice) }, consent.ErrPermit},
	} {
		if err := try(private, c.change); !errors.Is(err, c.want) {
			t.Errorf("contesting %s: %v, want %v", name, err, c.want)
		}
	}
	if err := try(w.permit(t, actorOf(w.alice), id, consent.ArtefactRatings), func(*assess.Contest) {}); !errors.Is(err, consent.ErrPermit) {
		t.Errorf("contesting with another Permit: %v", err)
	}
}

// A second look is a job: it is done once, also where its job was lost, and stands beside the levels.
func TestAContestIsLookedAtByAJobAndReplacesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	w.contests(t, w.alice, id)
	w.ownerExec(t, `DELETE FROM river.river_job WHERE kind = 'second_look'`) // as if the server had died in between
	var mu sync.Mutex
	looks := 0
	looked := false
	jobs, err := NewJobs(w.database, JobHandlers{
		Evidence: func(context.Context, consent.SessionID, assess.LineRef) error { return nil },
		Answer:   func(context.Context, consent.SessionID, int, int) error { return nil },
		SecondLook: func(ctx context.Context, session consent.SessionID, question, take int, competency string) error {
			mu.Lock()
			defer mu.Unlock()
			if looks++; looks == 1 {
				return errors.New("the model is away")
			}
			permit, err := w.gate.Permit(ctx, consent.Actor{Kind: consent.ActorAssessor}, session, consent.ArtefactRatings)
			if err != nil {
				return err
			}
			rating := testRating(t, func(f *assess.RatingFields) { f.Rater.Pass, f.Level = assess.PassContest, 5 }, session)
			if question != 0 || take != 1 || competency != "ownership" {
				t.Errorf("looked at %d, %d, %s", question, take, competency)
			}
			return w.results.SaveRating(ctx, permit, rating)
		},
	}, JobOptions{Retry: func(int) time.Duration { return time.Millisecond }, soon: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { // owner: this test, which waits for done
		defer close(done)
		if err := jobs.Run(ctx); err != nil {
			t.Errorf("jobs: %v", err)
		}
	}()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1500 {
		<-tick.C
		if w.ownerCount(t, `SELECT count(*) FROM contests WHERE looked_at IS NOT NULL`) == 1 {
			looked = true
			break
		}
	}
	stop()
	<-done
	if !looked {
		t.Fatal("nothing looked at the contest within half a minute")
	}
	answer := w.record(t, w.permits(t, actorOf(w.alice), id)).Answers[0]
	levels := map[assess.Pass]int{}
	for _, r := range answer.Ratings {
		level, _ := r.Level()
		levels[r.Rater().Pass] = level
	}
	if levels[assess.PassFirst] != 4 || levels[assess.PassContest] != 5 || answer.Contests[0].LookedAt.IsZero() {
		t.Errorf("levels %v, contest %+v; want both levels", levels, answer.Contests[0])
	}
	standing, ok := assess.StandingOf(answer.Ratings, assess.RaterModel, "ownership")
	if !ok || standing.Level != 4 || standing.High != 4 {
		t.Errorf("the standing is %+v; what a contest came to is in none", standing)
	}
	if looks != 2 {
		t.Errorf("%d looks, want one that failed and one more", looks)
	}
}
