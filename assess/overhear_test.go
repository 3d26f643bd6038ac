package assess

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

// counter says as many words as there are seconds of sound.
type counter struct {
	slowTranscriber
	heard []media.Utterance // without sound
	whole int               // whose samples were all there
}

func (c *counter) Transcribe(ctx context.Context, u media.Utterance) ([]Word, bool, error) {
	if _, _, err := c.slowTranscriber.Transcribe(ctx, u); err != nil {
		return nil, false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(u.PCM, 0) {
		c.whole++
	}
	var text strings.Builder
	for i := range int(u.Length() / time.Second) {
		fmt.Fprintf(&text, "word%d ", i)
	}
	u.PCM = nil
	c.heard = append(c.heard, u)
	return interpolateWords(text.String(), u.Start, u.End), true, nil
}

// partialDesk notes what is shown.
type partialDesk struct {
	scribeDesk
	guesser  *counter
	partials []Partial
	delays   []time.Duration
}

func (d *partialDesk) config(take time.Duration) ScribeConfig {
	d.guesser = &counter{slowTranscriber: slowTranscriber{take: take}}
	config := d.scribeDesk.config(&slowTranscriber{take: 300 * time.Millisecond})
	config.Partial = d.guesser
	config.OnPartial = func(p Partial, delay time.Duration) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.partials, d.delays = append(d.partials, p), append(d.delays, delay)
	}
	return config
}

func (d *partialDesk) shown(session consent.SessionID) (list []Partial) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.partials {
		if p.Session == session {
			list = append(list, p)
		}
	}
	return list
}

// soFar is an utterance that runs for so long.
func soFar(session consent.SessionID, sequence int, length time.Duration) media.Utterance {
	u := said(session, sequence)
	u.PCM = slices.Repeat([]float32{0.5}, int(length*media.SampleRate/time.Second))
	u.End = u.Start + length
	return u
}

// speak offers an utterance that grows, as often as a room does, and wipes what it offered.
func speak(scribe *Scribe, session consent.SessionID, sequence int, length time.Duration) {
	for at := time.Second; at <= length; at += time.Second / 2 {
		u := soFar(session, sequence, at)
		scribe.Overhear(u)
		clear(u.PCM)
		pass(time.Second / 2)
	}
}

func TestRunningUtterancesAreShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &partialDesk{}
		scribe, stop := running(t, desk.config(100*time.Millisecond))
		speak(scribe, "s", 1, 5*time.Second)
		scribe.Hear(said("s", 1))
		if err := errors.Join(scribe.Drain(t.Context()), stop()); err != nil {
			t.Fatal(err)
		}
		shown := desk.shown("s")
		if len(shown) != 5 || desk.guesser.whole != 5 {
			t.Fatalf("%d partials, %d with all their sound, want one a second: %+v", len(shown), desk.guesser.whole, shown)
		}
		last := shown[4]
		if last.Stable != "word0 word1 word2 word3" || last.Unstable != "word4" || last.Sequence != 1 || last.End-last.Start != 5*time.Second {
			t.Errorf("the last one is %+v", last)
		}
		for i, p := range shown[1:] {
			if !strings.HasPrefix(p.Stable, shown[i].Stable) {
				t.Errorf("%q was settled, then %q", shown[i].Stable, p.Stable)
			}
		}
		if delay := slices.Max(desk.delays); delay != 100*time.Millisecond {
			t.Errorf("shown after %v", delay)
		}
		if len(scribe.over.follows) != 0 || slices.ContainsFunc(scribe.over.pcm, func(v float32) bool { return v != 0 }) {
			t.Error("what was overheard is still in memory")
		}
	})
}

func TestWholeUtterancesGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &partialDesk{}
		scribe, stop := running(t, desk.config(400*time.Millisecond))
		scribe.Overhear(soFar("s", 1, time.Second))
		scribe.Overhear(soFar("other", 1, time.Second)) // one at a time
		pass(200 * time.Millisecond)
		scribe.Hear(said("other", 1)) // gives up what is at work
		scribe.Overhear(soFar("s", 1, 2*time.Second))
		synctest.Wait()
		if got := desk.guesser.now["all"]; got != 0 {
			t.Errorf("%d partials are at work while a whole utterance waits", got)
		}
		if err := scribe.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(desk.guesser.heard) != 0 || len(desk.partials) != 0 || desk.scribeDesk.delays[0] != 300*time.Millisecond {
			t.Errorf("%d were heard to the end, %d shown, the whole one came after %v", len(desk.guesser.heard), len(desk.partials), desk.scribeDesk.delays[0])
		}
		pass(time.Second)
		scribe.Overhear(soFar("s", 1, 4*time.Second)) // and then they go on
		pass(time.Second)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if len(desk.partials) != 1 {
			t.Errorf("%d partials afterwards", len(desk.partials))
		}
	})
}

// Eight sessions speak without a pause; what they say as a whole comes as fast as if nobody overheard them,
// and nobody is left out.
func TestPartialsDelayNoLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		delays := map[bool][]time.Duration{}
		for _, overheard := range []bool{false, true} {
			desk := &partialDesk{}
			config := desk.config(150 * time.Millisecond)
			if !overheard {
				config.Partial = nil
			}
			scribe, stop := running(t, config)
			var wait sync.WaitGroup
			for i := range 8 {
				wait.Go(func() {
					name := consent.SessionID(fmt.Sprint("session", i))
					pass(time.Duration(i) * 130 * time.Millisecond)
					for sequence := range 10 {
						speak(scribe, name, sequence, 8*time.Second)
						scribe.Hear(said(name, sequence))
					}
				})
			}
			wait.Wait()
			if err := errors.Join(scribe.Drain(t.Context()), stop()); err != nil {
				t.Fatal(err)
			}
			delays[overheard] = desk.scribeDesk.delays
			if desk.guesser.most["all"] > 1 {
				t.Errorf("%d partials were at work at once", desk.guesser.most["all"])
			}
			for i := range 8 {
				if got := len(desk.shown(consent.SessionID(fmt.Sprint("session", i)))); overheard && got < 10 {
					t.Errorf("session %d has only %d partials in ten utterances", i, got)
				}
			}
		}
		if len(delays[true]) != 80 || !slices.Equal(delays[false], delays[true]) {
			t.Errorf("%d lines after %v with partials, %d after %v without", len(delays[true]), delays[true], len(delays[false]), delays[false])
		}
	})
}

func TestPartialsEndWithConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &partialDesk{}
		scribe, stop := running(t, desk.config(5*time.Second))
		scribe.Overhear(soFar("s", 1, time.Second))
		pass(time.Second)
		synctest.Wait()
		if desk.guesser.now["all"] != 1 {
			t.Fatal("nothing is at work")
		}
		desk.mu.Lock()
		desk.permit = func() error { return consent.ErrNotFound }
		desk.mu.Unlock()
		pass(time.Second)
		synctest.Wait()
		if got := desk.guesser.now["all"]; got != 0 {
			t.Errorf("%d still listen a second after the withdrawal", got)
		}
		pass(10 * time.Second)
		synctest.Wait()
		before := desk.permits
		scribe.Overhear(soFar("s", 1, 2*time.Second)) // asks before it listens
		pass(10 * time.Second)
		synctest.Wait()
		if len(desk.guesser.heard) != 0 || len(desk.partials) != 0 || desk.permits != before+1 {
			t.Errorf("%d were heard, %d shown, %d permits asked for", len(desk.guesser.heard), len(desk.partials), desk.permits-before)
		}
		scribe.mu.Lock()
		if len(scribe.over.follows) != 0 {
			t.Error("the session is still followed")
		}
		scribe.mu.Unlock()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestConsentIsAskedForBeforeAPartialIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &partialDesk{}
		scribe, stop := running(t, desk.config(100*time.Millisecond))
		asked := 0
		desk.permit = func() error {
			if asked++; asked > 1 {
				return consent.ErrNotFound
			}
			return nil
		}
		scribe.Overhear(soFar("s", 1, time.Second))
		pass(time.Second)
		synctest.Wait()
		if len(desk.guesser.heard) != 1 || len(desk.partials) != 0 {
			t.Errorf("%d heard, %d shown", len(desk.guesser.heard), len(desk.partials))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatCameToNothingIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &partialDesk{}
		config := desk.config(100 * time.Millisecond)
		config.Transcriber = &counter{} // says nothing of half a second
		scribe, stop := running(t, config)
		speak(scribe, "s", 1, 3*time.Second)
		scribe.Hear(soFar("s", 1, time.Second/2))
		scribe.Hear(soFar("s", 2, time.Second/2)) // of which nothing was shown
		if err := errors.Join(scribe.Drain(t.Context()), stop()); err != nil {
			t.Fatal(err)
		}
		shown := desk.shown("s")
		if len(shown) != 4 || shown[2].Stable == "" || shown[3].Sequence != 1 || shown[3].Stable+shown[3].Unstable != "" {
			t.Errorf("shown were %+v, want three and a last one without text", shown)
		}
	})
}

func TestWhatIsDroppedIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &partialDesk{}
		scribe, stop := running(t, desk.config(100*time.Millisecond))
		speak(scribe, "s", 1, time.Second)
		scribe.Overhear(soFar("s", 1, 2*time.Second))
		scribe.Drop(said("s", 1)) // it was the voice that asks; what is being made of it comes too late
		scribe.Drop(said("s", 2)) // of which nothing was shown
		pass(time.Second)
		speak(scribe, "s", 3, time.Second)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		shown := desk.shown("s")
		if len(shown) != 3 || shown[1].Sequence != 1 || shown[1].Stable+shown[1].Unstable != "" || shown[2].Sequence != 3 {
			t.Errorf("shown were %+v, want one, one without text, and one of the third", shown)
		}
		if len(scribe.over.follows) > 1 {
			t.Errorf("%d are followed", len(scribe.over.follows))
		}
	})
}

func TestPartialsAreFewerWhereTheyTakeLong(t *testing.T) {
	now := time.Unix(0, 0)
	var pace partialPace
	took := func(d time.Duration, times int) {
		for range times {
			pace.took(d, now, true)
		}
	}
	want := func(wanted time.Duration) {
		t.Helper()
		if got, on := pace.interval(now); got != wanted || on != (wanted > 0) {
			if on || wanted > 0 {
				t.Errorf("interval is %v and on is %t, want %v", got, on, wanted)
			}
		}
	}
	want(time.Second)
	took(500*time.Millisecond, 3)
	want(time.Second)
	if pace.rest != now.Add(time.Second) {
		t.Errorf("rests until %v", pace.rest)
	}
	took(501*time.Millisecond, 1)
	want(2 * time.Second)
	took(200*time.Millisecond, partialCalm-1)
	took(600*time.Millisecond, 1) // not calm, and not too long
	took(200*time.Millisecond, partialCalm-1)
	for range 2 * partialCalm { // given up early: says nothing
		pace.took(10*time.Millisecond, now, false)
	}
	want(2 * time.Second)
	took(200*time.Millisecond, 1)
	want(time.Second)
	for _, d := range []time.Duration{time.Second, 2 * time.Second} {
		took(d, 1)
	}
	want(4 * time.Second)
	took(3*time.Second, 1)
	want(0)
	now = now.Add(partialOffFor - 1)
	want(0)
	now = now.Add(1)
	want(4 * time.Second)
}
