package eval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"greenroom/assess"
	"greenroom/assess/openaitest"
	"greenroom/consent"
)

// shelf is sessions of one answer each, which a reference rater rated.
type shelf struct {
	bank  assess.Bank
	set   Set
	ids   []consent.SessionID
	desks map[consent.SessionID]*sitting

	mu    sync.Mutex // guards what follows
	facts map[consent.SessionID]func(*consent.Snapshot)
	notes []consent.AICall
}

var _ Stored = (*shelf)(nil)

// newShelf takes answers of every level, and of several questions.
func newShelf(t *testing.T, sessions int) *shelf {
	t.Helper()
	bank, err := assess.BuiltInBank()
	if err != nil {
		t.Fatal(err)
	}
	set, err := BuiltIn(bank)
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{bank: bank, set: set, desks: map[consent.SessionID]*sitting{}, facts: map[consent.SessionID]func(*consent.Snapshot){}}
	model, _ := s.rater(t, "first", openaitest.NewRater(NewOracle(set).Level))
	runner := &Runner{Bank: bank}
	for _, answer := range set.Answers[:sessions] {
		plan, err := runner.plan(answer.Question)
		if err != nil {
			t.Fatal(err)
		}
		id := consent.NewID[consent.SessionID]()
		desk := newSitting(id, plan, answer.Text, "Nobody")
		assessor := assess.NewAssessor(assess.AssessorConfig{Results: desk, Gate: consent.Gate{Reader: desk}, Model: model, LevelsOnly: true, Log: slog.New(slog.DiscardHandler)})
		if err := assessor.Answer(t.Context(), id, 0, 1); err != nil {
			t.Fatal(err)
		}
		s.desks[id], s.ids = desk, append(s.ids, id)
	}
	return s
}

func (s *shelf) rater(t *testing.T, name string, rater openaitest.Rater) (assess.Model, *openaitest.Server) {
	t.Helper()
	server := openaitest.New()
	t.Cleanup(server.Close)
	server.AnswerChat(rater)
	model, err := assess.NewOpenAIModel(assess.OpenAIConfig{BaseURL: server.BaseURL(), ChatModel: name})
	if err != nil {
		t.Fatal(err)
	}
	return model, server
}

func (s *shelf) fact(id consent.SessionID, change func(*consent.Snapshot)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.facts[id] = change
}

func (s *shelf) Snapshot(ctx context.Context, actor consent.Actor, id consent.SessionID) (consent.Snapshot, error) {
	if s.desks[id] == nil {
		return (&sitting{}).Snapshot(ctx, actor, id)
	}
	snapshot, err := s.desks[id].Snapshot(ctx, actor, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if change := s.facts[id]; change != nil {
		change(&snapshot)
	}
	return snapshot, err
}

func (s *shelf) PlanOf(_ context.Context, id consent.SessionID) (assess.Plan, error) {
	return s.desks[id].plan, nil
}

func (s *shelf) AnswerOf(_ context.Context, id consent.SessionID, _, _ int) (assess.Answer, error) {
	return s.desks[id].answer, nil
}

func (s *shelf) AnswersOf(_ context.Context, p consent.Permit, id consent.SessionID) ([]assess.Answer, error) {
	return []assess.Answer{s.desks[id].answer}, p.Demand(id, consent.ArtefactRatings)
}

func (s *shelf) LineOf(ctx context.Context, p consent.Permit, id consent.SessionID, ref assess.LineRef) (assess.Line, error) {
	return s.desks[id].LineOf(ctx, p, id, ref)
}

func (s *shelf) LinesOf(ctx context.Context, p consent.Permit, id consent.SessionID, question, take int) ([]assess.Line, error) {
	return s.desks[id].LinesOf(ctx, p, id, question, take)
}

func (s *shelf) GapsOf(ctx context.Context, p consent.Permit, id consent.SessionID) ([]assess.Gap, error) {
	return s.desks[id].GapsOf(ctx, p, id)
}

func (s *shelf) FollowUpOf(ctx context.Context, p consent.Permit, id consent.SessionID, question, take int) (assess.FollowUp, error) {
	return s.desks[id].FollowUpOf(ctx, p, id, question, take)
}

func (s *shelf) NamesOf(ctx context.Context, p consent.Permit, id consent.SessionID) (assess.Names, error) {
	return s.desks[id].NamesOf(ctx, p, id)
}

func (s *shelf) RatingsOf(ctx context.Context, p consent.Permit, id consent.SessionID, question, take int) ([]assess.Rating, error) {
	return s.desks[id].RatingsOf(ctx, p, id, question, take)
}

func (s *shelf) NoteAICall(_ context.Context, p consent.Permit, call consent.AICall) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, call)
	return p.Demand(call.Session, consent.ArtefactModel)
}

// stored are all ratings, to be compared before and after.
func (s *shelf) stored() map[consent.SessionID][]assess.Rating {
	all := map[consent.SessionID][]assess.Rating{}
	for id, desk := range s.desks {
		all[id] = slices.Clone(desk.ratings)
	}
	return all
}

func (s *shelf) replay(model assess.Model) *Replay {
	return &Replay{Stored: s, Gate: consent.Gate{Reader: s}, Model: model}
}

func TestReplayByTheSameRaterDriftsNowhere(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 30)
	before := s.stored()
	model, server := s.rater(t, "first", openaitest.NewRater(NewOracle(s.set).Level))
	found, err := s.replay(model).Run(t.Context(), s.ids)
	if err != nil {
		t.Fatal(err)
	}
	d := found.Overall
	if found.Rated != 30 || found.Answers != 30 || d.N < 30 || d.Exact.Value != 1 || d.MAE.Value != 0 || d.Difference.Value != 0 || !d.QWK.Known || d.QWK.Low != 1 {
		t.Errorf("%d sessions, %+v; want 30 without drift", found.Rated, d)
	}
	if found.Lost+found.Gained+len(found.Largest)+found.Models.Changed+found.Prompts.Changed+found.Rubrics.Changed+found.Banks.Changed > 0 {
		t.Errorf("changes where there are none: %+v", found)
	}
	if !maps.EqualFunc(before, s.stored(), slices.Equal) {
		t.Error("what is stored was changed")
	}
	if asked := len(server.Requests()); asked == 0 || found.Requests != asked || len(s.notes) < asked {
		t.Errorf("%d requests, %d counted, %d noted for the candidate", asked, found.Requests, len(s.notes))
	}
}

func TestReplayByAnotherRaterTellsTheDrift(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 30)
	model, _ := s.rater(t, "second", openaitest.ConstantRater(5))
	found, err := s.replay(model).Run(t.Context(), s.ids)
	if err != nil {
		t.Fatal(err)
	}
	distance, n := 0, 0 // from what is stored, in another way
	for _, desk := range s.desks {
		first := map[string]int{}
		for _, rating := range desk.ratings {
			if level, ok := rating.Level(); ok {
				first[rating.Competency()] = level
			}
		}
		for _, level := range first {
			distance, n = distance+5-level, n+1
		}
	}
	want := float64(distance) / float64(n)
	d := found.Overall
	if distance == 0 || d.N != n || math.Abs(d.MAE.Value-want) > 1e-9 || math.Abs(d.Difference.Value-want) > 1e-9 || d.Difference.Low <= 0 || d.Exact.Value == 1 {
		t.Errorf("%+v, want %d levels that rose by %.3f", d, n, want)
	}
	if d.QWK.Value > .1 || !slices.Equal(found.Models.Old, []string{"openai:first"}) || !slices.Equal(found.Models.New, []string{"openai:second"}) || found.Models.Changed < n || found.Prompts.Changed > 0 {
		t.Errorf("kappa %v, models %+v, prompts %+v", d.QWK, found.Models, found.Prompts)
	}
	if len(found.Largest) != mostChanges || found.Largest[0].size() != 4 {
		t.Fatalf("largest changes %+v", found.Largest)
	}
	var said strings.Builder
	if err := found.Print(&said); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), string(found.Largest[0].Session)) || !strings.Contains(said.String(), "1 to 5") {
		t.Errorf("printed:\n%s", said.String())
	}
	for _, answer := range s.set.Answers[:30] {
		if words := strings.Join(strings.Fields(answer.Text)[:4], " "); strings.Contains(said.String(), words) {
			t.Errorf("what somebody said was printed: %q", words)
		}
	}
}

// A model that gives fewer levels does not drift among those that it gives.
func TestLevelOnOneSideAloneIsNotTheSame(t *testing.T) {
	t.Parallel()
	level, none := assess.Standing{Outcome: assess.OutcomeLevel}, assess.Standing{Outcome: assess.OutcomeNotAssessable}
	for name, c := range map[string]struct {
		some pair
		want float64
	}{
		"gone": {pair{LevelChange: LevelChange{Old: 3}, old: level, again: none}, 0.75},
		"came": {pair{LevelChange: LevelChange{New: 3}, old: none, again: level}, 0.75},
		"none": {pair{old: none, again: none}, 1},
	} {
		pairs := slices.Repeat([]pair{{LevelChange: LevelChange{Old: 4, New: 4}, old: level, again: level}}, 15)
		var found Replayed
		found.sum(append(pairs, slices.Repeat([]pair{c.some}, 5)...))
		least := 0.9
		want := map[bool]Verdict{true: VerdictWithin, false: VerdictExceeded}[c.want == 1]
		if got := found.Check(Limits{LeastSame: &least, LeastLevels: 15}); got != want || found.Same.Value != c.want || found.Overall.Exact.Value != 1 {
			t.Errorf("%s: %s, %v the same, %v on both sides; want %s, %v", name, got, found.Same, found.Overall.Exact, want, c.want)
		}
	}
	var found Replayed
	found.sum(slices.Repeat([]pair{{LevelChange: LevelChange{Old: 3}, old: level, again: none}}, 20))
	least := 0.0
	if got := found.Check(Limits{LeastSame: &least, LeastLevels: 20}); got != VerdictWithin || !found.Same.Known || found.Same.Value != 0 {
		t.Errorf("all are gone: %s, %v; want 0 of 20", got, found.Same)
	}
}

// What an export has not is left out, rather than told as if nothing had changed.
func TestReplayLeavesOutWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(Replayed{Banks: Told{Old: []string{"b"}}})
	if err != nil || bytes.Contains(text, []byte("rubrics")) || !bytes.Contains(text, []byte("banks")) {
		t.Errorf("%s, %v", text, err)
	}
}

// The gate decides about each session, by the facts of now; what it refuses is counted and not sent anywhere.
func TestReplayLeavesRefusedSessionsAlone(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 8)
	why := []Refusal{RefusedUnknown, RefusedHeld, RefusedRestricted, RefusedNotConsented, RefusedObjected, RefusedNotice}
	for i, change := range []func(*consent.Snapshot){
		func(f *consent.Snapshot) { f.State = consent.SessionErased },
		func(f *consent.Snapshot) { f.HeldAt = f.Now },
		func(f *consent.Snapshot) { f.RestrictedAt = f.Now },
		func(f *consent.Snapshot) { f.Consents.Assessment = false },
		func(f *consent.Snapshot) { f.ModelAllowed = false },
		func(f *consent.Snapshot) { f.Notice = "another" },
	} {
		s.fact(s.ids[i], change)
	}
	model, server := s.rater(t, "first", openaitest.ConstantRater(3))
	// The seventh withdraws while the model is asked about it.
	server.Watch(func(openaitest.Request) {
		s.fact(s.ids[6], func(f *consent.Snapshot) { f.Consents.Assessment = false })
	})
	found, err := s.replay(model).Run(t.Context(), slices.Concat(s.ids[:7], []consent.SessionID{consent.NewID[consent.SessionID]()}))
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range why {
		want := 1
		if reason == RefusedUnknown || reason == RefusedNotConsented {
			want = 2
		}
		if found.Refused[reason] != want {
			t.Errorf("%d refused because %s, want %d", found.Refused[reason], reason, want)
		}
	}
	if found.Rated != 0 || found.Overall.N != 0 || found.Answers != 0 {
		t.Errorf("counted what was refused: %+v", found)
	}
	for _, note := range s.notes {
		if note.Session != s.ids[6] {
			t.Errorf("a model was asked about %s", note.Session)
		}
	}
	if asked := len(server.Requests()); asked != 1 {
		t.Errorf("%d requests, want the one during which it was withdrawn", asked)
	}
}

func TestReplayWithoutAModelServerEndsAndTellsHowFarItCame(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 6)
	model, server := s.rater(t, "first", openaitest.NewRater(NewOracle(s.set).Level))
	replay := s.replay(model)
	replay.Progress = func(done, _ int) {
		if done == 2 {
			server.Fail(openaitest.PathChat, openaitest.Unauthorized, -1) // fails at once, unlike a server that is not there
		}
	}
	found, err := replay.Run(t.Context(), s.ids)
	if !errors.Is(err, ErrUnreachable) || !errors.Is(err, assess.ErrModel) {
		t.Errorf("ended with %v", err)
	}
	if found.Rated != 2 || found.Failed != mostFailing || found.Overall.N < 2 || found.Unrated > 0 {
		t.Errorf("%d rated, %d failed, %d levels, %d unrated; want 2, %d, some, none", found.Rated, found.Failed, found.Overall.N, found.Unrated, mostFailing)
	}
	// One that is there, but is the last of the list.
	if _, err := replay.Run(t.Context(), s.ids[:1]); !errors.Is(err, ErrUnreachable) {
		t.Errorf("one session, no server: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := replay.Run(ctx, s.ids); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestReplayStopsAtTheSample(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 5)
	s.fact(s.ids[0], func(f *consent.Snapshot) { f.ModelAllowed = false })
	s.desks[s.ids[1]].ratings = nil
	model, _ := s.rater(t, "first", openaitest.ConstantRater(3))
	replay := s.replay(model)
	replay.Most = 2
	found, err := replay.Run(t.Context(), s.ids)
	if err != nil || found.Rated != 2 || found.Unrated != 1 || found.Refused[RefusedObjected] != 1 || len(found.Refused) != 1 {
		t.Errorf("%+v, %v; want 2 rated, 1 refused, 1 that no model had rated", found, err)
	}
}
