package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
	"greenroom/signaling"
)

// thinkingModel answers a wish when it is told to.
type thinkingModel struct {
	wishes  chan assess.Wish
	answers chan string // empty: nothing may be asked
	stopped chan error  // why the thinking was ended, if it was
}

func (m *thinkingModel) ask(ctx context.Context, _ consent.SessionID, wish assess.Wish) (assess.FollowUp, error) {
	m.wishes <- wish
	select {
	case text := <-m.answers:
		if text == "" {
			return assess.FollowUp{}, errors.New("unusable")
		}
		return assess.FollowUp{Text: text, Model: "m"}, nil
	case <-ctx.Done():
		m.stopped <- ctx.Err()
		return assess.FollowUp{}, ctx.Err()
	}
}

// thinkingRoom is an interviewer of practice with follow-ups, and what it keeps, in order.
type thinkingRoom struct {
	*interviewer
	model  *thinkingModel
	hurry  chan struct{}
	kept   []string
	fails  error // of keeping follow-ups
	work   sync.WaitGroup
	begun  time.Time
	passed time.Duration
}

func newThinkingRoom(t *testing.T) *thinkingRoom {
	t.Helper()
	question := assess.Question{Text: "Why?", PrepareFor: time.Minute, AnswerFor: time.Minute, Probes: []string{"And then?"}}
	plan := assess.Plan{Mode: consent.ModePractice, Takes: 2, Probes: 1, FollowUps: 2, Questions: []assess.Question{question, question}}
	r := &thinkingRoom{
		model: &thinkingModel{wishes: make(chan assess.Wish, 1), answers: make(chan string), stopped: make(chan error, 1)},
		hurry: make(chan struct{}, 8), begun: time.Now(),
	}
	r.interviewer = &interviewer{
		session: "s", log: quiet(), hurry: func() { r.hurry <- struct{}{} }, cut: func(media.SpeechCut) {}, machine: assess.NewInterview(plan, nil),
		keep: func(_ context.Context, a assess.Answer) error {
			r.kept = append(r.kept, "answer "+string(a.EndedBy))
			return nil
		},
		note: func(context.Context, consent.SessionID, []assess.TurnEvent) error { return nil },
		follow: &following{ask: r.model.ask, background: r.work.Go, keep: func(_ context.Context, asked assess.FollowUp) error {
			if r.fails == nil {
				r.kept = append(r.kept, "follow-up "+string(asked.Session)+": "+asked.Text)
			}
			return r.fails
		}},
	}
	t.Cleanup(func() { r.stopThinking(); r.work.Wait() })
	return r
}

func (r *thinkingRoom) act(t *testing.T, acts ...signaling.Act) signaling.Turn {
	t.Helper()
	for _, act := range acts {
		if _, err := r.Act(t.Context(), act, r.begun.Add(r.passed), r.passed); err != nil {
			t.Fatal(err)
		}
	}
	return r.Turn()
}

func (r *thinkingRoom) tick(t *testing.T, after time.Duration) (signaling.Turn, error) {
	t.Helper()
	r.passed += after
	turn, _, err := r.Tick(t.Context(), r.begun.Add(r.passed), r.passed)
	return turn, err
}

func TestARoomAsksWhatAModelThoughtOf(t *testing.T) {
	r := newThinkingRoom(t)
	turn := r.act(t, signaling.ActBegin, signaling.ActStartAnswer, signaling.ActDone)
	if turn.Phase != signaling.PhaseThinking || turn.Probe != nil || !turn.EndsAt.IsZero() || turn.Question == nil {
		t.Fatalf("while a model thinks the turn is %+v", turn)
	}
	if wish := <-r.model.wishes; wish.Question != 0 || wish.Take != 1 || wish.Until.Sub(r.begun) != assess.FollowUpFor {
		t.Errorf("it thinks about %+v", wish)
	}
	r.model.answers <- "Who did you tell?"
	<-r.hurry
	turn, err := r.tick(t, 0)
	want := signaling.Probe{Index: 0, Text: "Who did you tell?", By: signaling.ByModel}
	if err != nil || turn.Phase != signaling.PhaseProbing || turn.Probe == nil || *turn.Probe != want || turn.EndsAt.IsZero() {
		t.Fatalf("the turn is %+v, %v, want %+v", turn, err, want)
	}
	if text, ok := r.asked(0, 1); ok {
		t.Errorf("%q would be said by a server that speaks the bank's texts alone", text)
	}
	r.fails = errors.New("the database is away")
	r.act(t, signaling.ActDone)
	if _, err := r.tick(t, 0); !errors.Is(err, r.fails) || len(r.kept) > 0 {
		t.Errorf("kept %q, %v; want nothing before the follow-up", r.kept, err)
	}
	r.fails = nil
	if _, err := r.tick(t, saveRetry); err != nil || !slices.Equal(r.kept, []string{"follow-up s: Who did you tell?", "answer done"}) {
		t.Errorf("kept %q, %v", r.kept, err)
	}
}

func TestARoomAsksTheProbeWhereNoModelDoes(t *testing.T) {
	for name, thinks := range map[string]func(r *thinkingRoom){
		"nothing may be asked": func(r *thinkingRoom) { r.model.answers <- ""; <-r.hurry },
		"too late":             func(*thinkingRoom) {},
	} {
		t.Run(name, func(t *testing.T) {
			r := newThinkingRoom(t)
			r.act(t, signaling.ActBegin, signaling.ActStartAnswer, signaling.ActDone)
			<-r.model.wishes
			thinks(r)
			turn, err := r.tick(t, assess.FollowUpFor)
			if want := (signaling.Probe{Text: "And then?"}); err != nil || turn.Probe == nil || *turn.Probe != want {
				t.Errorf("the turn is %+v, %v, want the probe", turn, err)
			}
			if text, ok := r.asked(0, 1); !ok || text != "And then?" {
				t.Errorf("the probe is said as %q, %v", text, ok)
			}
		})
	}
}

func TestThinkingEndsWithItsUse(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, r *thinkingRoom){
		"skipped":          func(t *testing.T, r *thinkingRoom) { t.Helper(); r.act(t, signaling.ActSkip) },
		"finished":         func(t *testing.T, r *thinkingRoom) { t.Helper(); r.act(t, signaling.ActFinish) },
		"the room is gone": func(_ *testing.T, r *thinkingRoom) { r.stopThinking() },
		"too late": func(t *testing.T, r *thinkingRoom) {
			t.Helper()
			if _, err := r.tick(t, assess.FollowUpFor); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newThinkingRoom(t)
			r.act(t, signaling.ActBegin, signaling.ActStartAnswer, signaling.ActDone)
			<-r.model.wishes
			end(t, r)
			if err := <-r.model.stopped; !errors.Is(err, context.Canceled) {
				t.Errorf("it was ended by %v", err)
			}
		})
	}
}
