package assess

import (
	"errors"
	"slices"
	"testing"
	"time"

	"greenroom/consent"
)

const frame = 32 * time.Millisecond

// talk drives an interview through time: speech and silence in frames, a tick every fifth of a second and
// at once where one is due, as a room does.
type talk struct {
	t   *testing.T
	i   *Interview
	now time.Duration // on both clocks
}

func newTalk(t *testing.T, plan Plan) *talk {
	t.Helper()
	return &talk{t: t, i: NewInterview(plan, nil)}
}

func (k *talk) moment() Moment { return Moment{Wall: begun.Add(k.now), Media: k.now} }

func (k *talk) act(acts ...Act) {
	k.t.Helper()
	for _, act := range acts {
		must(k.t, k.i.Act(act, k.moment()))
	}
}

func (k *talk) pass(length time.Duration, speech bool) {
	for end := k.now + length; k.now < end; {
		start := k.now
		k.now += frame
		due := k.i.Hear(Voice{Start: start, End: k.now, Speech: speech})
		if due || k.now/(200*time.Millisecond) != start/(200*time.Millisecond) {
			k.i.Tick(k.moment())
		}
	}
}

func (k *talk) say(length time.Duration)    { k.pass(length, true) }
func (k *talk) silent(length time.Duration) { k.pass(length, false) }

// deaf lets time pass without sound.
func (k *talk) deaf(length time.Duration) {
	for end := k.now + length; k.now < end; {
		k.now += 200 * time.Millisecond
		k.i.Tick(k.moment())
	}
}

func (k *talk) want(phase Phase, question int) {
	k.t.Helper()
	if got := k.i.Turn(); got.Phase != phase || got.Question != question {
		k.t.Fatalf("at %v the turn is %s of question %d, want %s of %d", k.now, got.Phase, got.Question, phase, question)
	}
}

func (k *talk) wantCountdown(runs bool) {
	k.t.Helper()
	if got := !k.i.Turn().ClosingAt.IsZero(); got != runs {
		k.t.Fatalf("at %v a countdown runs: %v, want %v", k.now, got, runs)
	}
}

// exam asks two questions without a review; practice has one, and two takes.
func exam() Plan {
	plan := twoQuestions()
	plan.Mode = consent.ModeExam
	return plan
}

func practice() Plan {
	plan := twoQuestions()
	plan.Mode, plan.Takes = consent.ModePractice, 2
	return plan
}

// inAnswer is a talk in the middle of its first answer.
func inAnswer(t *testing.T, plan Plan) *talk {
	t.Helper()
	k := newTalk(t, plan)
	k.act(ActBegin, ActStartAnswer)
	k.silent(3 * time.Second)
	k.say(5 * time.Second)
	return k
}

func TestSilenceEndsAnAnswerAfterACountdown(t *testing.T) {
	k := inAnswer(t, exam())
	spoken := k.now
	k.silent(QuietBefore - 2*frame)
	k.wantCountdown(false)
	k.silent(3 * frame)
	k.wantCountdown(true)
	if left := k.i.Turn().ClosingAt.Sub(k.moment().Wall); left > CountdownFor || left < CountdownFor-3*frame {
		t.Errorf("the countdown begins with %v left, want %v", left, CountdownFor)
	}
	k.silent(CountdownFor - 4*frame)
	k.want(PhaseAnswering, 0)
	k.silent(5 * frame)
	k.want(PhasePreparing, 1)
	want := Answer{Question: 0, Take: 1, End: spoken + wordTail, Limit: 2 * time.Minute, EndedBy: EndedBySilence}
	if got := k.i.Closed(); len(got) != 1 || got[0] != want {
		t.Errorf("silence closed %+v, want %+v", got, want)
	}
	if took := k.now - spoken; took > QuietBefore+CountdownFor+3*frame {
		t.Errorf("the next question came %v after the last word", took)
	}
}

func TestAnySpeechEndsTheCountdownAtOnce(t *testing.T) {
	k := inAnswer(t, exam())
	for range 5 {
		k.silent(QuietBefore + CountdownFor - 4*frame)
		k.wantCountdown(true)
		k.say(frame)
		k.wantCountdown(false)
	}
	k.want(PhaseAnswering, 0)
}

func TestWhoHasNotBegunIsNotHurried(t *testing.T) {
	k := newTalk(t, exam())
	k.act(ActBegin, ActStartAnswer)
	k.silent(40 * time.Second)
	k.say(voiceToEnd - 2*frame) // "Well, let me see."
	k.silent(40 * time.Second)
	k.wantCountdown(false)
	k.want(PhaseAnswering, 0)
	k.say(3 * frame)
	k.silent(QuietBefore + CountdownFor + 3*frame)
	k.want(PhasePreparing, 1)
}

func TestSpeechBeforeTheQuestionDoesNotCount(t *testing.T) {
	k := newTalk(t, exam())
	k.act(ActBegin)
	k.say(10 * time.Second)
	k.act(ActStartAnswer)
	k.silent(30 * time.Second)
	k.wantCountdown(false)
}

func TestSoundThatDoesNotArriveIsNoSilence(t *testing.T) {
	for name, during := range map[string]func(k *talk){
		"before the countdown": func(k *talk) { k.silent(3 * time.Second) },
		"in the countdown":     func(k *talk) { k.silent(QuietBefore + time.Second); k.wantCountdown(true) },
	} {
		k := inAnswer(t, exam())
		during(k)
		k.deaf(30 * time.Second)
		k.wantCountdown(false)
		k.want(PhaseAnswering, 0)
		k.silent(QuietBefore + CountdownFor - 3*frame) // what was not heard may have been speech
		if k.i.Turn().Phase != PhaseAnswering {
			t.Errorf("%s: the silence before the gap was counted", name)
		}
		k.silent(6 * frame)
		k.want(PhasePreparing, 1)
	}
}

func TestWithoutVoiceActivityOnlyDoneAndTimeEndAnswers(t *testing.T) {
	k := newTalk(t, exam())
	k.act(ActBegin, ActStartAnswer)
	k.deaf(119 * time.Second)
	k.want(PhaseAnswering, 0)
	k.deaf(2 * time.Second)
	k.want(PhasePreparing, 1)
	if got := k.i.Closed(); len(got) != 1 || got[0].EndedBy != EndedByLimit {
		t.Errorf("closed %+v, want one answer that its limit ended", got)
	}
}

func TestSpeechAfterSilenceGoesOnWithTheAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		plan   Plan
		after  Phase
		last   bool
		pause  time.Duration
		speech time.Duration
		goesOn bool
	}{
		"in practice":                {plan: practice(), after: PhaseReviewing, pause: 8 * time.Second, speech: time.Second, goesOn: true},
		"in an exam":                 {plan: exam(), after: PhasePreparing, pause: 8 * time.Second, speech: time.Second, goesOn: true},
		"after the last of an exam":  {plan: exam(), last: true, after: PhaseReviewing, pause: 8 * time.Second, speech: time.Second, goesOn: true},
		"at the last moment":         {plan: practice(), after: PhaseReviewing, pause: ReopenFor - 2*frame, speech: time.Second, goesOn: true},
		"too late":                   {plan: practice(), after: PhaseReviewing, pause: ReopenFor + 2*frame, speech: time.Second},
		"a cough":                    {plan: practice(), after: PhaseReviewing, pause: time.Second, speech: voiceToGoOn - 2*frame},
		"too late in an exam's last": {plan: exam(), last: true, after: PhaseFinished, pause: 12 * time.Second, speech: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			k := newTalk(t, c.plan)
			k.act(ActBegin)
			question := 0
			if c.last {
				k.act(ActSkip)
				question = 1
			}
			k.act(ActStartAnswer)
			k.say(5 * time.Second)
			left := k.i.Turn().EndsAt.Sub(k.moment().Wall)
			k.silent(QuietBefore + CountdownFor + frame)
			first := k.i.Closed()
			k.silent(c.pause)
			if got := k.i.Turn().Phase; got != c.after && !c.goesOn {
				t.Fatalf("after the silence the turn is %s, want %s", got, c.after)
			}
			began := k.now
			k.say(c.speech)
			if got := k.i.Turn().Phase == PhaseAnswering; got != c.goesOn {
				t.Fatalf("the answer goes on: %v, want %v", got, c.goesOn)
			}
			if !c.goesOn {
				return
			}
			now := k.i.Turn()
			if now.Question != question || now.Take != 1 {
				t.Errorf("question %d, take %d goes on", now.Question, now.Take)
			}
			less := QuietBefore + CountdownFor // silence
			if c.plan.Mode == consent.ModeExam {
				less += c.pause // nor time to think about the next question
			}
			if got := now.EndsAt.Sub(k.moment().Wall); got > left-less+time.Second || got < left-less-2*time.Second {
				t.Errorf("%v are left of the answer, want %v less %v", got, left, less)
			}
			if q, take := k.i.Place(began, k.now); q != question || take != 1 {
				t.Errorf("what is said belongs to question %d, take %d", q, take)
			}
			k.act(ActDone)
			second := k.i.Closed()
			if len(second) != 1 || second[0].Start != first[len(first)-1].Start || second[0].End != k.now || second[0].EndedBy != EndedByDone {
				t.Errorf("it closed again as %+v, after %+v", second, first)
			}
			if q, _ := k.i.Place(began, k.now); q != question {
				t.Errorf("what was said belongs to question %d after it closed", q)
			}
		})
	}
}

// Whoever goes on, or begins anew, has ended the answer: reading the next question aloud does not take it up again.
func TestNextAndAgainEndTheAnswerForGood(t *testing.T) {
	for act, want := range map[Act]int{ActNext: 1, ActAgain: 0} {
		k := inAnswer(t, practice())
		k.say(5 * time.Second)
		k.silent(QuietBefore + CountdownFor + frame)
		k.want(PhaseReviewing, 0)
		k.act(act)
		k.say(2 * time.Second)
		k.want(PhasePreparing, want)
	}
}

func TestWhatCameByDoneIsNotGoneOnWith(t *testing.T) {
	k := inAnswer(t, practice())
	k.act(ActDone)
	k.say(5 * time.Second)
	k.want(PhaseReviewing, 0)
}

func TestAReopenedAnswerMayBeClosedBySilenceAgain(t *testing.T) {
	k := inAnswer(t, practice())
	for range 3 {
		k.silent(QuietBefore + CountdownFor + frame)
		k.want(PhaseReviewing, 0)
		k.silent(3 * time.Second)
		k.say(time.Second)
		k.want(PhaseAnswering, 0)
	}
	ends := []time.Duration{}
	for _, a := range k.i.Closed() {
		ends = append(ends, a.End)
	}
	if len(ends) != 3 || !slices.IsSorted(ends) {
		t.Errorf("it closed at %v, want three times, each later", ends)
	}
}

func TestAMomentHoldsTheClocks(t *testing.T) {
	k := inAnswer(t, exam())
	ends := k.i.Turn().EndsAt
	k.silent(QuietBefore + time.Second)
	k.act(ActMoment)
	k.wantCountdown(false)
	k.silent(MomentFor - time.Second)
	k.want(PhaseAnswering, 0)
	if err := k.i.Act(ActMoment, k.moment()); !errors.Is(err, ErrWrongPhase) {
		t.Errorf("a moment within a moment: %v", err)
	}
	k.silent(2 * time.Second)
	if got := k.i.Turn(); !got.HeldUntil.IsZero() || got.EndsAt != ends.Add(MomentFor) {
		t.Errorf("after the moment the turn is %+v, want a limit at %v", got, ends.Add(MomentFor))
	}
	k.silent(QuietBefore - 2*time.Second)
	k.wantCountdown(false) // silence counts from the end of the moment
	// Speech ends the next one, and gives back what it did not use.
	k.act(ActMoment)
	k.silent(5 * time.Second)
	k.say(time.Second)
	if got := k.i.Turn(); !got.HeldUntil.IsZero() || got.EndsAt.Sub(ends) < MomentFor+5*time.Second || got.EndsAt.Sub(ends) > MomentFor+7*time.Second {
		t.Errorf("speech in a moment: the turn is %+v, the limit %v later", got, got.EndsAt.Sub(ends))
	}
	if err := k.i.Act(ActMoment, k.moment()); !errors.Is(err, ErrWrongPhase) {
		t.Errorf("a third moment: %v", err)
	}
}

func TestProbesBelongToTheAnswer(t *testing.T) {
	for name, end := range map[string]struct {
		by AnswerEnd
		do func(k *talk)
	}{
		"done":    {EndedByDone, func(k *talk) { k.act(ActDone) }},
		"silence": {EndedBySilence, func(k *talk) { k.silent(QuietBefore + CountdownFor + frame) }},
		"limit":   {EndedByLimit, func(k *talk) { k.silent(time.Second); k.deaf(3 * time.Minute) }},
	} {
		t.Run(name, func(t *testing.T) {
			plan := exam()
			plan.Probes = 2
			plan.Questions[0].Probes = []string{"And then?", "Why?", "Never asked."}
			k := inAnswer(t, plan)
			k.act(ActDone)
			k.want(PhaseProbing, 0)
			k.silent(20 * time.Second) // thinking of an answer to the probe
			k.say(5 * time.Second)
			k.act(ActDone)
			if got := k.i.Turn(); got.Phase != PhaseProbing || got.Probe != 2 {
				t.Fatalf("the turn is %+v, want the second probe", got)
			}
			k.say(5 * time.Second)
			if q, _ := k.i.Place(k.now-time.Second, k.now); q != 0 {
				t.Errorf("what is said to a probe belongs to question %d", q)
			}
			end.do(k)
			closed := k.i.Closed()
			if len(closed) != 1 || closed[0].EndedBy != end.by || closed[0].Start != 0 || closed[0].Limit != 2*time.Minute+2*ProbeFor {
				t.Errorf("closed %+v, want one answer that %s ended", closed, end.by)
			}
		})
	}
}

func TestSkippingAProbeKeepsTheAnswer(t *testing.T) {
	plan := exam()
	plan.Probes, plan.Questions[0].Probes = 1, []string{"And then?"}
	k := inAnswer(t, plan)
	k.act(ActDone, ActSkip)
	k.want(PhasePreparing, 1)
	if got := k.i.Closed(); len(got) != 1 || got[0].EndedBy != EndedByDone {
		t.Errorf("closed %+v, want the answer, done", got)
	}
}

func TestPracticeReviewsAndTakesAgain(t *testing.T) {
	k := inAnswer(t, practice())
	k.act(ActDone)
	k.want(PhaseReviewing, 0)
	k.silent(time.Minute) // reading takes as long as it takes
	k.want(PhaseReviewing, 0)
	k.act(ActAgain)
	if got := k.i.Turn(); got.Phase != PhasePreparing || got.Question != 0 || got.Take != 2 {
		t.Fatalf("again: the turn is %+v", got)
	}
	k.act(ActStartAnswer)
	k.say(5 * time.Second)
	if q, take := k.i.Place(k.now-time.Second, k.now); q != 0 || take != 2 {
		t.Errorf("the second take's words belong to question %d, take %d", q, take)
	}
	k.act(ActDone)
	if err := k.i.Act(ActAgain, k.moment()); !errors.Is(err, ErrWrongPhase) {
		t.Errorf("a third take of two: %v", err)
	}
	k.act(ActNext, ActSkip) // what is skipped is not reviewed
	k.want(PhaseFinished, 0)
}

func TestExamsGoStraightOn(t *testing.T) {
	plan := exam()
	plan.Takes = 3
	k := inAnswer(t, plan)
	k.act(ActDone)
	k.want(PhasePreparing, 1)
	k.act(ActStartAnswer, ActDone)
	k.want(PhaseFinished, 0)
	k = inAnswer(t, plan)
	k.act(ActDone, ActStartAnswer)
	k.say(5 * time.Second)
	k.silent(QuietBefore + CountdownFor + frame)
	if err := k.i.Act(ActAgain, k.moment()); !errors.Is(err, ErrWrongPhase) {
		t.Errorf("another take in an exam: %v", err)
	}
}

func TestTurnsAreNoted(t *testing.T) {
	k := inAnswer(t, practice())
	k.silent(QuietBefore + frame)
	k.say(frame)
	k.act(ActDone, ActNext, ActFinish)
	kinds := []string{}
	for _, e := range k.i.Events() {
		kinds = append(kinds, e.Kind)
	}
	want := []string{"preparing", "answering", EventCountdown, EventGoOn, "closed", "reviewing", "preparing", "finished"}
	if !slices.Equal(kinds, want) {
		t.Errorf("noted %v, want %v", kinds, want)
	}
	if again := k.i.Events(); len(again) != 0 {
		t.Errorf("events were given twice: %v", again)
	}
}

// FuzzInterview lets anything happen in any order. Two bytes are an event and how long it takes.
func FuzzInterview(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 20, 200, 21, 250, 21, 250, 20, 90, 2, 0})
	f.Add([]byte{0, 0, 1, 0, 20, 200, 2, 0, 4, 1, 1, 1, 20, 100, 3, 0, 22, 255, 21, 255, 5, 0, 40, 0})
	f.Add([]byte{0, 0, 8, 0, 20, 30, 9, 0, 1, 0, 20, 100, 8, 0, 20, 20, 10, 0, 20, 20, 21, 250, 20, 200, 8, 0, 21, 255, 21, 255})
	f.Add([]byte{0, 0, 1, 0, 20, 50, 2, 0, 21, 10, 23, 1, 20, 30, 2, 0, 4, 0, 1, 0, 20, 50, 21, 60, 23, 2, 21, 60, 20, 20, 2, 0})
	f.Add([]byte{0, 0, 1, 0, 20, 50, 21, 100, 20, 20, 21, 100, 24, 0, 21, 60, 2, 0, 5, 0, 1, 0, 2, 0, 40, 50})
	f.Fuzz(func(t *testing.T, script []byte) {
		plan := practice()
		if len(script) > 0 && script[0]&64 != 0 {
			plan = exam()
		}
		plan.Probes, plan.Questions[0].Probes, plan.FollowUps = 1, []string{"And then?"}, 2
		k := newTalk(t, plan)
		followUps := 0
		acts := []Act{ActBegin, ActStartAnswer, ActDone, ActMoment, ActAgain, ActNext, ActSkip, ActFinish, ActSpeak, ActSpoken, ActInterrupt}
		lastSpoken := time.Duration(-1)
		ends := map[[2]int]Answer{}
		for n := 0; n+1 < min(len(script), 400); n += 2 {
			event, length := script[n]&63, time.Duration(script[n+1])*100*time.Millisecond
			switch {
			case int(event) < len(acts):
				before := k.i.Turn()
				if err := k.i.Act(acts[event], k.moment()); err != nil && k.i.Turn() != before {
					t.Fatalf("%s failed and changed the turn from %+v to %+v", acts[event], before, k.i.Turn())
				}
			case event == 20:
				k.say(length)
				lastSpoken = k.now
			case event == 21:
				k.silent(length)
			case event == 23: // a model answers, now or when it is too late
				k.thinks(Wish{Number: int(script[n+1]) % 8}, "Why?")
			case event == 24:
				k.thinks(k.i.Wish(), "")
			default:
				k.deaf(length)
			}
			checkTurn(t, plan, k)
			for _, a := range k.i.Closed() {
				if a.EndedBy == EndedBySilence && k.now-lastSpoken < QuietBefore+CountdownFor {
					t.Fatalf("silence ended an answer %v after the last word", k.now-lastSpoken)
				}
				if before, ok := ends[[2]int{a.Question, a.Take}]; ok && (before.EndedBy != EndedBySilence || a.End < before.End || a.Start != before.Start) {
					t.Fatalf("%+v closed again as %+v", before, a)
				}
				ends[[2]int{a.Question, a.Take}] = a
			}
			if followUps += len(k.i.FollowUps()); followUps > 2 || plan.Mode == consent.ModeExam && followUps > 0 {
				t.Fatalf("a model asked %d times in %s", followUps, plan.Mode)
			}
		}
		checkAnswers(t, plan, ends)
	})
}

func checkTurn(t *testing.T, plan Plan, k *talk) {
	t.Helper()
	turn := k.i.Turn()
	within := turn.Phase == PhaseAnswering || turn.Phase == PhaseProbing
	switch {
	case turn.Phase == PhaseThinking && (turn.EndsAt.Sub(k.moment().Wall) > FollowUpFor || turn.Probe > 0):
		t.Fatalf("a model thinks too long, or after a probe: %+v", turn)
	case turn.Question < 0 || turn.Question >= len(plan.Questions):
		t.Fatalf("no such question: %+v", turn)
	case turn.Take > max(1, plan.Takes) && turn.Phase != PhaseFinished:
		t.Fatalf("too many takes: %+v", turn)
	case !within && (!turn.ClosingAt.IsZero() || !turn.HeldUntil.IsZero()):
		t.Fatalf("clocks of an answer run outside of one: %+v", turn)
	case !turn.ClosingAt.IsZero() && !turn.HeldUntil.IsZero():
		t.Fatalf("a countdown runs while the clocks stand: %+v", turn)
	case !turn.ClosingAt.IsZero() && turn.ClosingAt.Sub(k.moment().Wall) > CountdownFor:
		t.Fatalf("the countdown is too long: %+v", turn)
	case !turn.SpeakingUntil.IsZero() && (!turn.ClosingAt.IsZero() || !turn.HeldUntil.IsZero() || turn.SpeakingUntil.Sub(k.moment().Wall) > SpeakFor):
		t.Fatalf("the clocks stand for the voice and for something else, or for too long: %+v", turn)
	case !within && turn.Phase != PhasePreparing && !turn.SpeakingUntil.IsZero():
		t.Fatalf("the voice holds clocks that do not run: %+v", turn)
	case (within || turn.Phase == PhasePreparing) && turn.EndsAt.Sub(k.moment().Wall) > turn.Limit+2*MomentFor+SpeakFor:
		t.Fatalf("the limit is too far: %+v", turn)
	}
}

// checkAnswers: no two share a moment.
func checkAnswers(t *testing.T, plan Plan, ends map[[2]int]Answer) {
	t.Helper()
	for _, a := range ends {
		if a.Start < 0 || a.End < a.Start || a.Take > max(1, plan.Takes) {
			t.Fatalf("impossible answer %+v", a)
		}
		for _, b := range ends {
			if a != b && a.Start < b.End && b.Start < a.End {
				t.Fatalf("%+v and %+v share a moment", a, b)
			}
		}
	}
}
