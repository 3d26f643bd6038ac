package assess

import (
	"testing"
	"time"
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

func TestOwnVoiceIsToldFromTheCandidates(t *testing.T) {
	t.Parallel()
	const s = time.Second
	k := newTalk(t, practice())
	k.act(ActBegin)
	k.silent(10 * s)
	k.act(ActSpeak)
	k.silent(5 * s)
	k.act(ActSpoken)
	k.silent(10 * s)
	k.act(ActSpeak)
	k.silent(5 * s)
	k.act(ActInterrupt)
	k.silent(5 * s)
	k.act(ActSpeak)
	k.silent(2 * s)
	for _, c := range []struct {
		name       string
		start, end time.Duration
		own        bool
	}{
		{"before", 8 * s, 10 * s, false},
		{"all of it", 10 * s, 15 * s, true},
		{"with its echo", 11 * s, 15*s + 300*time.Millisecond, true},
		{"mostly", 12 * s, 16 * s, true},
		{"hardly", 14 * s, 20 * s, false},
		{"after", 16 * s, 20 * s, false},
		{"what interrupted it", 29500 * time.Millisecond, 32 * s, false},
		{"what interrupted it, hardly longer", 26 * s, 30*s + 100*time.Millisecond, false},
		{"of what was interrupted", 25 * s, 28 * s, true},
		{"while it speaks", 35 * s, 37 * s, true},
	} {
		if got := k.i.OwnVoice(c.start, c.end); got != c.own {
			t.Errorf("%s (%v to %v): own %t, want %t", c.name, c.start, c.end, got, c.own)
		}
	}
}

func TestVoiceOutsideOfAQuestionChangesNothing(t *testing.T) {
	t.Parallel()
	k := newTalk(t, practice())
	before := k.i.Turn()
	k.act(ActSpoken, ActSpeak, ActInterrupt, ActSpeak)
	if k.i.Turn() != before || k.i.OwnVoice(0, time.Second) {
		t.Errorf("while waiting: %+v", k.i.Turn())
	}
	k.act(ActFinish, ActSpeak)
	k.want(PhaseFinished, 0)
}
