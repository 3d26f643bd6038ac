package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
	"greenroom/signaling"
)

// keeper keeps answers and turns, unless it fails.
type keeper struct {
	err     error
	answers []assess.Answer
	turns   []string
}

// interviewing is an interviewer of two questions in an exam, with a clock that the test moves.
func interviewing(t *testing.T, k *keeper) (i *interviewer, act func(acts ...signaling.Act), tick func(after time.Duration) error) {
	t.Helper()
	question := assess.Question{PrepareFor: time.Minute, AnswerFor: time.Minute}
	i = &interviewer{
		session: "s", log: quiet(), hurry: func() {}, cut: func(media.SpeechCut) {},
		machine: assess.NewInterview(assess.Plan{Mode: consent.ModeExam, Questions: []assess.Question{question, question}}, nil),
		keep: func(_ context.Context, a assess.Answer) error {
			if k.err == nil {
				k.answers = append(k.answers, a)
			}
			return k.err
		},
		note: func(_ context.Context, _ consent.SessionID, events []assess.TurnEvent) error {
			for _, e := range events {
				if k.err == nil {
					k.turns = append(k.turns, e.Kind)
				}
			}
			return k.err
		},
	}
	begun, now := time.Now(), time.Duration(0)
	act = func(acts ...signaling.Act) {
		t.Helper()
		for _, a := range acts {
			if _, err := i.Act(t.Context(), a, begun.Add(now), now); err != nil {
				t.Fatal(err)
			}
		}
	}
	tick = func(after time.Duration) error {
		now += after
		_, _, err := i.Tick(t.Context(), begun.Add(now), now)
		return err
	}
	return i, act, tick
}

func TestTurnsDoNotWaitForTheDatabase(t *testing.T) {
	k := &keeper{}
	i, act, tick := interviewing(t, k)
	i.keep = func(context.Context, assess.Answer) error { t.Fatal("kept before the page heard of it"); return nil }
	act(signaling.ActBegin, signaling.ActStartAnswer, signaling.ActDone, signaling.ActStartAnswer)
	if err := tick(2 * time.Minute); err != nil || i.Turn().Phase != signaling.PhaseFinished {
		t.Fatalf("at its limit the turn is %s, %v", i.Turn().Phase, err)
	}
	i.keep = func(_ context.Context, a assess.Answer) error { k.answers = append(k.answers, a); return nil }
	if err := tick(0); err != nil || len(k.answers) != 2 || k.answers[0].EndedBy != assess.EndedByDone || k.answers[1].EndedBy != assess.EndedByLimit {
		t.Errorf("kept %+v, %v", k.answers, err)
	}
	if len(k.turns) != 7 || k.turns[0] != "preparing" || k.turns[6] != "finished" {
		t.Errorf("noted %v", k.turns)
	}
	if err := tick(time.Second); err != nil || len(k.answers) != 2 || len(k.turns) != 7 {
		t.Errorf("kept twice: %v, %v, %v", k.answers, k.turns, err)
	}
}

func TestWhatCouldNotBeKeptIsKeptLaterAndSaidUntilThen(t *testing.T) {
	away := errors.New("the database is away")
	k := &keeper{err: away}
	_, act, tick := interviewing(t, k)
	act(signaling.ActBegin, signaling.ActStartAnswer, signaling.ActDone)
	for range 3 { // also in the pause between two tries: who asks then must not think that all is kept
		if err := tick(saveRetry / 4); !errors.Is(err, away) {
			t.Fatalf("while the database is away: %v", err)
		}
	}
	k.err = nil
	act(signaling.ActFinish)
	if err := tick(saveRetry); err != nil || len(k.answers) != 1 || len(k.turns) != 5 {
		t.Errorf("afterwards kept %+v and %v, %v", k.answers, k.turns, err)
	}
}
