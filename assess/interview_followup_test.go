package assess

import (
	"errors"
	"testing"
	"time"

	"greenroom/consent"
)

// withModel is practice in which a model may ask in place of each probe.
func withModel() Plan {
	plan := practice()
	plan.Probes, plan.FollowUps = 1, MostFollowUps
	for n := range plan.Questions {
		plan.Questions[n].Probes = []string{"And then?"}
	}
	return plan
}

// wished returns the open wish.
func (k *talk) wished() Wish {
	k.t.Helper()
	wish := k.i.Wish()
	if wish.Number == 0 {
		k.t.Fatalf("at %v nothing is wished for", k.now)
	}
	return wish
}

// thinks answers a wish, with a question or without one, and lets the room tick where that is due.
func (k *talk) thinks(wish Wish, text string) {
	var found *FollowUp
	if text != "" {
		found = &FollowUp{Text: text, Model: "m"}
	}
	if k.i.Thought(wish.Number, found) {
		k.i.Tick(k.moment())
	}
}

func (k *talk) wantAsked(text string) {
	k.t.Helper()
	k.want(PhaseProbing, k.i.Turn().Question)
	if got := k.i.Turn(); got.Probe != 1 || got.FollowUp != text {
		k.t.Fatalf("probe %d is asked as %q, want %q", got.Probe, got.FollowUp, text)
	}
}

const ownQuestion = "Why did you plan it so?"

func TestAFollowUpTakesThePlaceOfTheProbe(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(k *talk) Wish // ends the answer; the wish is answered afterwards
		by   AnswerEnd
		wait time.Duration
		text string
		want string
	}{
		"after done, in time":         {end: byDone, by: EndedByDone, wait: FollowUpFor - time.Second, text: ownQuestion, want: ownQuestion},
		"after done, at once":         {end: byDone, by: EndedByDone, text: ownQuestion, want: ownQuestion},
		"after done, too late":        {end: byDone, by: EndedByDone, wait: FollowUpFor + 300*time.Millisecond, text: ownQuestion},
		"after done, nothing":         {end: byDone, by: EndedByDone, wait: time.Second},
		"after silence, in time":      {end: bySilence, by: EndedBySilence, wait: FollowUpFor - time.Second, text: ownQuestion, want: ownQuestion},
		"after silence, too late":     {end: bySilence, by: EndedBySilence, wait: FollowUpFor + 300*time.Millisecond, text: ownQuestion},
		"after silence, nothing":      {end: bySilence, by: EndedBySilence, wait: time.Second},
		"after the limit, in time":    {end: byLimit, by: EndedByLimit, wait: time.Second, text: ownQuestion, want: ownQuestion},
		"thought of in the countdown": {end: inCountdown, by: EndedBySilence, text: "again", want: ownQuestion},
		"refused in the countdown":    {end: refusedInCountdown, by: EndedBySilence, text: "again"},
	} {
		t.Run(name, func(t *testing.T) {
			k := inAnswer(t, withModel())
			k.say(5 * time.Second)
			wish := c.end(k)
			if c.wait > 0 {
				k.want(PhaseThinking, 0)
				if err := k.i.Act(ActDone, k.moment()); !errors.Is(err, ErrWrongPhase) {
					t.Errorf("done while a model thinks: %v", err)
				}
				k.silent(c.wait)
			}
			k.thinks(wish, c.text)
			k.wantAsked(c.want)
			if got := k.i.Turn(); got.Limit != ProbeFor || got.EndsAt.Sub(k.moment().Wall) > ProbeFor {
				t.Errorf("the time for it is %v, want %v", got.Limit, ProbeFor)
			}
			k.say(3 * time.Second)
			k.act(ActDone)
			k.want(PhaseReviewing, 0)
			closed := k.i.Closed()
			if len(closed) != 1 || closed[0].Start != 0 || closed[0].End != k.now || closed[0].Limit != 2*time.Minute+ProbeFor {
				t.Errorf("closed %+v, want one answer up to now", closed)
			}
			asked := k.i.FollowUps()
			if (len(asked) == 1) != (c.want != "") || len(asked) == 1 && (asked[0].Text != c.want || asked[0].Question != 0 || asked[0].Take != 1) {
				t.Errorf("asked %+v, want %q", asked, c.want)
			}
			for _, e := range k.i.Events() {
				if e.Kind == string(PhaseProbing) && (e.EndedBy != c.by || e.ByModel != (c.want != "")) {
					t.Errorf("noted %+v, want ended by %s", e, c.by)
				}
			}
		})
	}
}

func byDone(k *talk) Wish {
	k.act(ActDone)
	return k.wished()
}

func bySilence(k *talk) Wish {
	k.silent(QuietBefore + frame)
	wish := k.wished() // a model thinks from here on
	k.silent(CountdownFor)
	return wish
}

func byLimit(k *talk) Wish {
	k.deaf(2*time.Minute - k.now)
	return k.wished()
}

func inCountdown(k *talk) Wish {
	k.silent(QuietBefore + frame)
	wish := k.wished()
	k.thinks(wish, ownQuestion)
	k.want(PhaseAnswering, 0)
	k.silent(CountdownFor)
	return wish
}

func refusedInCountdown(k *talk) Wish {
	k.silent(QuietBefore + frame)
	wish := k.wished()
	k.thinks(wish, "")
	k.silent(CountdownFor)
	return wish
}

func TestWhatWasThoughtOfForAShorterAnswerIsDropped(t *testing.T) {
	for name, goOn := range map[string]func(k *talk){
		"speech takes the countdown back":  func(k *talk) { k.silent(QuietBefore + time.Second) },
		"speech goes on after the silence": func(k *talk) { k.silent(QuietBefore + CountdownFor + time.Second); k.want(PhaseThinking, 0) },
		"a moment holds the clocks":        func(k *talk) { k.silent(QuietBefore + time.Second); k.act(ActMoment) },
		"the question is said again":       func(k *talk) { k.silent(QuietBefore + time.Second); k.act(ActSpeak, ActSpoken) },
	} {
		t.Run(name, func(t *testing.T) {
			k := inAnswer(t, withModel())
			goOn(k)
			wish := k.i.Wish()
			k.silent(voiceTail)
			k.say(2 * time.Second)
			k.want(PhaseAnswering, 0)
			k.thinks(wish, "Why did you stop there?")
			if again := k.i.Wish(); again.Number != 0 {
				t.Errorf("%+v is wished for while the candidate speaks", again)
			}
			k.act(ActDone)
			k.want(PhaseThinking, 0)
			k.thinks(wish, "Why did you stop there?")
			k.want(PhaseThinking, 0)
			again := k.wished()
			if again.Heard != k.now || again.Number == wish.Number {
				t.Errorf("%+v is wished for at %v", again, k.now)
			}
			k.thinks(again, ownQuestion)
			k.wantAsked(ownQuestion)
		})
	}
}

func TestACoughWhileAModelThinksIsNoAnswer(t *testing.T) {
	k := inAnswer(t, withModel())
	wish := bySilence(k)
	k.silent(time.Second)
	k.say(voiceToGoOn - 2*frame)
	k.silent(time.Second)
	k.want(PhaseThinking, 0)
	k.thinks(wish, ownQuestion)
	k.wantAsked(ownQuestion)
	k.say(2 * time.Second) // an answer to it, and not more of the first
	k.wantAsked(ownQuestion)
}

func TestThinkingIsSkippedAndFinished(t *testing.T) {
	for act, want := range map[Act]struct {
		phase Phase
		by    AnswerEnd
	}{ActSkip: {PhaseReviewing, EndedByDone}, ActFinish: {PhaseFinished, EndedByFinish}, ActDrop: {PhaseFinished, EndedByDrop}} {
		k := inAnswer(t, withModel())
		wish := byDone(k)
		k.silent(time.Second)
		k.act(act)
		k.want(want.phase, 0)
		k.thinks(wish, ownQuestion)
		k.want(want.phase, 0)
		if closed := k.i.Closed(); len(closed) != 1 || closed[0].EndedBy != want.by || closed[0].Limit != 2*time.Minute {
			t.Errorf("%s closed %+v", act, closed)
		}
		if got := k.i.Wish(); got.Number != 0 {
			t.Errorf("%s: %+v is wished for", act, got)
		}
	}
}

func TestEachTakeMayHaveAFollowUpUntilTheyAreUsedUp(t *testing.T) {
	plan := withModel()
	plan.FollowUps = 2
	k := newTalk(t, plan)
	k.act(ActBegin, ActStartAnswer)
	for _, next := range []Act{ActAgain, ActNext} {
		k.say(5 * time.Second)
		k.thinks(byDone(k), ownQuestion)
		k.wantAsked(ownQuestion)
		k.act(ActDone, next, ActStartAnswer)
	}
	k.say(5 * time.Second)
	k.silent(QuietBefore + frame)
	if got := k.i.Wish(); got.Number != 0 {
		t.Errorf("%+v is wished for after two of two", got)
	}
	k.act(ActDone)
	k.wantAsked("")
}

func TestAModelIsNotAskedAgainAndAgainAboutOneAnswer(t *testing.T) {
	k := inAnswer(t, withModel())
	numbers := map[int]bool{}
	for range 2 * mostWishes {
		k.silent(QuietBefore + time.Second)
		numbers[k.i.Wish().Number] = true
		k.say(time.Second)
	}
	if delete(numbers, 0); len(numbers) != mostWishes {
		t.Errorf("%d wishes, want %d", len(numbers), mostWishes)
	}
	k.act(ActDone)
	k.wantAsked("")
}

func TestNoModelAsksInAnExamNorWhereNothingIsFrozen(t *testing.T) {
	for name, change := range map[string]func(*Plan){
		"exam":        func(p *Plan) { p.Mode = consent.ModeExam },
		"not chosen":  func(p *Plan) { p.FollowUps = 0 },
		"no probes":   func(p *Plan) { p.Probes = 0 },
		"older plans": func(p *Plan) { p.Mode = "" },
	} {
		plan := withModel()
		change(&plan)
		k := inAnswer(t, plan)
		k.silent(QuietBefore + frame)
		first := k.i.Wish()
		k.act(ActDone)
		if got := k.i.Turn().Phase; first.Number != 0 || k.i.Wish().Number != 0 || got == PhaseThinking {
			t.Errorf("%s: a model is asked, the turn is %s", name, got)
		}
	}
}
