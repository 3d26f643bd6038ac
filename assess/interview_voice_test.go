package assess

import (
	"slices"
	"testing"
	"time"

	"greenroom/media"
)

func TestClockStandsWhileAQuestionIsSaidAloud(t *testing.T) {
	t.Parallel()
	k := newTalk(t, practice())
	k.act(ActBegin)
	limit := k.i.Turn().Limit
	k.act(ActSpeak)
	if turn := k.i.Turn(); turn.SpeakingUntil.Sub(k.moment().Wall) != SpeakFor || turn.EndsAt.Sub(k.moment().Wall) != limit+SpeakFor {
		t.Errorf("while it is said: %+v", turn)
	}
	k.silent(8 * time.Second)
	k.act(ActSpoken)
	if turn := k.i.Turn(); !turn.SpeakingUntil.IsZero() || turn.EndsAt.Sub(k.moment().Wall) != limit {
		t.Errorf("once it was said: %+v, want the whole %v left", turn, limit)
	}
	// Again, and again: together no more than SpeakFor.
	k.act(ActSpeak)
	k.silent(8 * time.Second)
	k.act(ActSpoken, ActSpoken, ActSpeak)
	if turn := k.i.Turn(); turn.SpeakingUntil.Sub(k.moment().Wall) != 14*time.Second || turn.EndsAt.Sub(k.moment().Wall) != limit+14*time.Second {
		t.Errorf("for the third time: %+v", turn)
	}
	k.silent(14*time.Second + 100*time.Millisecond)
	k.act(ActSpoken, ActSpeak)
	if turn := k.i.Turn(); !turn.SpeakingUntil.IsZero() || turn.Phase != PhasePreparing || turn.EndsAt.Sub(k.moment().Wall) > limit {
		t.Errorf("after that the clock runs: %+v", turn)
	}
}

// A page that dies while it speaks, or never says that it has ended, holds nothing up.
func TestAVoiceThatNeverEndsIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	k := newTalk(t, practice())
	k.act(ActBegin, ActSpeak)
	limit := k.i.Turn().Limit
	k.silent(SpeakFor + limit - time.Second)
	k.want(PhasePreparing, 0)
	k.silent(1100 * time.Millisecond)
	k.want(PhaseAnswering, 0)
	k.say(3 * time.Second)
	k.silent(QuietBefore + 100*time.Millisecond)
	k.wantCountdown(true)
}

// A long question that is read for the third time has used up how long the clocks stand. It is still the voice.
func TestTheVoiceIsTheVoiceAfterTheClockGoesOn(t *testing.T) {
	t.Parallel()
	k := newTalk(t, practice())
	k.act(ActBegin, ActStartAnswer, ActSpeak)
	k.say(20 * time.Second)
	k.act(ActSpoken)
	k.silent(time.Second)
	began := k.now
	k.act(ActSpeak)
	k.say(20 * time.Second) // ten of them on the clock
	if turn := k.i.Turn(); !turn.SpeakingUntil.IsZero() {
		t.Errorf("the clock still stands: %+v", turn)
	}
	k.act(ActSpoken)
	if !k.i.OwnVoice(began, k.now) {
		t.Error("the question's own sound is taken for the candidate's words")
	}
	k.silent(30 * time.Second)
	k.wantCountdown(false) // nobody has said anything yet
}

func TestTheVoiceDoesNotCountAsTheCandidates(t *testing.T) {
	t.Parallel()
	k := newTalk(t, practice())
	k.act(ActBegin, ActStartAnswer, ActSpeak)
	k.say(10 * time.Second) // the question, through the loudspeaker
	k.act(ActSpoken)
	k.say(voiceTail - 50*time.Millisecond)
	k.silent(30 * time.Second)
	k.wantCountdown(false)
	k.want(PhaseAnswering, 0)
	k.say(3 * time.Second)
	k.silent(QuietBefore + 100*time.Millisecond)
	k.wantCountdown(true)
	k.act(ActSpeak) // asked for once more
	k.wantCountdown(false)
	k.silent(20 * time.Second)
	k.want(PhaseAnswering, 0)
	k.act(ActSpoken)
	k.silent(QuietBefore)
	k.wantCountdown(false)
	k.silent(voiceTail + 100*time.Millisecond)
	k.wantCountdown(true)
}

// The next question is being said when the candidate goes on: the page stops it, and the answer goes on.
func TestInterruptingTheNextQuestionGoesOnWithTheAnswer(t *testing.T) {
	t.Parallel()
	plan := exam()
	k := inAnswer(t, plan)
	k.say(5 * time.Second)
	k.silent(QuietBefore + CountdownFor + 100*time.Millisecond)
	k.want(PhasePreparing, 1)
	k.act(ActSpeak)
	k.say(2 * time.Second) // the voice
	k.want(PhasePreparing, 1)
	k.act(ActInterrupt)
	k.say(voiceToGoOn + 50*time.Millisecond)
	k.want(PhaseAnswering, 0)
	if turn := k.i.Turn(); !turn.SpeakingUntil.IsZero() {
		t.Errorf("the voice still holds the clocks: %+v", turn)
	}
}

// What is heard is cut where the voice begins and ends, and each piece belongs to one of the two.
func TestOwnVoiceIsToldFromTheCandidates(t *testing.T) {
	t.Parallel()
	const s, ms = time.Second, time.Millisecond
	k := newTalk(t, practice())
	k.act(ActBegin)
	var at []time.Duration
	for _, step := range []struct {
		after time.Duration
		act   Act
	}{{10 * s, ActSpeak}, {5 * s, ActSpoken}, {10 * s, ActSpeak}, {5 * s, ActInterrupt}, {5 * s, ActSpeak}} {
		k.silent(step.after)
		k.act(step.act)
		at = append(at, k.now) // the steps are whole frames
	}
	k.silent(2 * s)
	for _, c := range []struct {
		name       string
		start, end time.Duration
		own        bool
	}{
		{"before", 8 * s, 10 * s, false},
		{"all of it", 10 * s, 15 * s, true},
		{"with its echo", 11 * s, 15*s + 300*ms, true},
		{"a word of it", 14 * s, 14*s + 600*ms, true},
		{"answered at once, in a word", 15*s + 150*ms, 15*s + 750*ms, false},
		{"after", 16 * s, 20 * s, false},
		{"of what was interrupted", 25 * s, 29*s + 800*ms, true},
		{"what interrupted it", 29*s + 800*ms, 32 * s, false},
		{"what interrupted it, a word", 29*s + 800*ms, 30*s + 500*ms, false},
		{"its own echo interrupted it", 29*s + 600*ms, 30*s + 300*ms, true},
		{"while it speaks", 35 * s, 37 * s, true},
	} {
		if got := k.i.OwnVoice(c.start, c.end); got != c.own {
			t.Errorf("%s (%v to %v): own %t, want %t", c.name, c.start, c.end, got, c.own)
		}
	}
	want := []media.SpeechCut{
		{From: at[0] - 300*ms, Until: at[0] + 50*ms},
		{From: at[1], Until: at[1] + 300*ms},
		{From: at[2] - 300*ms, Until: at[2] + 50*ms},
		{From: at[3] - 450*ms, Until: at[3] - 50*ms},
		{From: at[4] - 300*ms, Until: at[4] + 50*ms},
	}
	if got := k.i.Cuts(); !slices.Equal(got, want) {
		t.Errorf("cut at %v, want %v", got, want)
	}
	if again := k.i.Cuts(); len(again) > 0 {
		t.Errorf("and again at %v", again)
	}
}

func TestVoiceOutsideOfAQuestionChangesNothing(t *testing.T) {
	t.Parallel()
	k := newTalk(t, practice())
	before := k.i.Turn()
	k.act(ActSpoken, ActSpeak, ActInterrupt, ActSpeak)
	if k.i.Turn() != before || k.i.OwnVoice(0, time.Second) || len(k.i.Cuts()) > 0 {
		t.Errorf("while waiting: %+v", k.i.Turn())
	}
	k.act(ActFinish, ActSpeak)
	k.want(PhaseFinished, 0)
}
