package media

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// lookLog keeps what was overheard, with a copy of its sound.
type lookLog struct {
	utteranceLog
	looks   []Utterance
	dropped []Utterance
}

func (l *lookLog) Drop(u Utterance) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropped = append(l.dropped, u)
}

func (l *lookLog) Overhear(u Utterance) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u.PCM = slices.Clone(u.PCM)
	l.looks = append(l.looks, u)
}

// overhearAll runs packets through a speech whose running utterances are looked at.
func overhearAll(t *testing.T, clip []sent, during func(s *speech)) (log *lookLog) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		log = &lookLog{}
		s := newSpeech(CaptureConfig{
			Session: testSession, Epoch: 3, Speech: log, Running: log, Now: time.Now,
			Voice: func() (VoiceActivity, error) { return &loudness{}, nil },
		})
		done := make(chan error, 1)
		go func() { done <- s.run() }() // waited for below
		start := time.Now()
		for _, f := range clip {
			pass(time.Until(start.Add(f.Time)))
			s.queue.put(encodedFrame{arrival: time.Now(), duration: f.Duration, payload: f.Payload}, f.Time)
		}
		if during != nil {
			during(s)
		}
		s.finish()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return log
}

func TestRunningUtteranceIsShownAsItGrows(t *testing.T) {
	log := overhearAll(t, sourceTalk(t, "between(t,1,4)+between(t,6,8)", "10"), nil)
	whole := log.all()
	if len(whole) != 2 {
		t.Fatalf("%d utterances", len(whole))
	}
	for i, u := range whole {
		var before Utterance
		looks := 0
		for _, look := range log.looks {
			if look.Sequence != u.Sequence {
				continue
			}
			looks++
			if look.Session != testSession || look.Epoch != 3 || look.Start != u.Start || look.EndedAt.IsZero() {
				t.Errorf("utterance %d was shown as %s/%d from %v at %v", i, look.Session, look.Epoch, look.Start, look.EndedAt)
			}
			if grown := len(look.PCM) - len(before.PCM); grown < showEvery || look.End-look.Start != sampleTime(len(look.PCM)) {
				t.Errorf("utterance %d was shown %d samples after the last time, %v long", i, grown, look.End-look.Start)
			}
			if n := min(len(look.PCM), len(u.PCM)); !slices.Equal(look.PCM[:n], u.PCM[:n]) {
				t.Errorf("utterance %d was shown with other sound than it is made of", i)
			}
			before = look
		}
		// The first look is after a second, and there are two a second; the pause at the end shows nothing new.
		if want := int((u.End-u.Start)/(time.Second/2)) - 1; looks < want-1 || looks > want+1 {
			t.Errorf("utterance %d of %v was shown %d times, want about %d", i, u.End-u.Start, looks, want)
		}
	}
}

func TestCoughIsNotShown(t *testing.T) {
	log := overhearAll(t, sourceTalk(t, "between(t,1,1.15)", "4"), nil)
	if len(log.looks)+len(log.all()) != 0 {
		t.Errorf("%d looks at %d utterances", len(log.looks), len(log.all()))
	}
}

func TestNothingIsShownAfterWithdrawal(t *testing.T) {
	looks := 0
	log := overhearAll(t, sourceTalk(t, "between(t,1,5)", "4"), func(s *speech) {
		s.withdraw()
		for s.queue.take(&s.packet) {
			t.Error("a packet is left")
		}
		looks = len(s.running.(*lookLog).looks)
		s.show() // even if it were asked to
	})
	if looks == 0 || len(log.looks) != looks || len(log.all()) != 0 {
		t.Errorf("%d looks before, %d after, %d whole utterances", looks, len(log.looks), len(log.all()))
	}
}
