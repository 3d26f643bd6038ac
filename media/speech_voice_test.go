package media

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// voiced is one stretch that a capture told of, and when.
type voiced struct {
	start, end time.Duration
	speech     bool
	told       time.Duration // since the first packet
}

// voicesOf runs packets through a speech at their own pace and returns what is told of them.
func voicesOf(t *testing.T, clip []sent, during func(s *speech, voice *loudness)) (told []voiced) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		voice := &loudness{}
		begun := time.Now()
		s := newSpeech(CaptureConfig{
			Session: testSession, Speech: &utteranceLog{}, Now: time.Now,
			Voice: func() (VoiceActivity, error) { return voice, nil },
			OnVoice: func(start, end time.Duration, speech bool) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, voiced{start, end, speech, time.Since(begun)})
			},
		})
		done := make(chan error, 1)
		go func() { done <- s.run() }()
		for _, f := range clip {
			pass(time.Until(begun.Add(f.Time)))
			s.queue.put(encodedFrame{arrival: time.Now(), duration: f.Duration, silent: len(f.Payload) <= 2, payload: f.Payload}, f.Time)
		}
		if during != nil {
			during(s, voice)
		}
		s.finish()
		<-done
	})
	return told
}

func TestVoiceIsToldWhileItIsHeard(t *testing.T) {
	told := voicesOf(t, sourceTalk(t, "between(t,1,3)+between(t,5,6)", "8"), nil)
	var changes []time.Duration
	for i, v := range told {
		if v.end-v.start != sampleTime(VoiceFrame) || (i > 0 && v.start != told[i-1].end) {
			t.Fatalf("stretch %d lies at %v to %v after %v", i, v.start, v.end, told[max(i-1, 0)].end)
		}
		if late := v.told - v.end; late > 100*ms {
			t.Fatalf("what was heard at %v is told %v later", v.end, late)
		}
		if v.speech != (i > 0 && told[i-1].speech) {
			changes = append(changes, v.start)
		}
	}
	want := []time.Duration{time.Second, 3 * time.Second, 5 * time.Second, 6 * time.Second}
	if len(changes) != len(want) {
		t.Fatalf("speech begins and ends at %v, want %v", changes, want)
	}
	for i := range want {
		if (changes[i] - want[i]).Abs() > 100*ms {
			t.Errorf("speech begins and ends at %v, want %v", changes, want)
		}
	}
}

func TestLostSoundIsNotToldAsSilence(t *testing.T) {
	clip := keep(sourceTalk(t, "between(t,1,7)", "8"), func(f sent) bool { return f.Time < 2*time.Second || f.Time > 6*time.Second })
	heard := time.Duration(0)
	for _, v := range voicesOf(t, clip, nil) {
		if v.start > 3*time.Second && v.end < 6*time.Second {
			t.Fatalf("%v to %v did not arrive, and is told as %v", v.start, v.end, v.speech)
		}
		heard = v.end
	}
	if heard < 7*time.Second {
		t.Errorf("after the hole nothing is told; the last is %v", heard)
	}
}

func TestVoiceThatCannotBeJudgedIsNotTold(t *testing.T) {
	clip := sourceTalk(t, "between(t,1,2)", "2")
	told := voicesOf(t, clip, func(s *speech, voice *loudness) {
		voice.mu.Lock()
		voice.err = errors.New("broken")
		voice.mu.Unlock()
		s.queue.put(encodedFrame{arrival: time.Now(), duration: 20 * ms, payload: clip[0].Payload}, 2*time.Second)
		s.queue.put(encodedFrame{arrival: time.Now(), duration: 20 * ms, payload: clip[0].Payload}, 2020*ms)
	})
	if last := told[len(told)-1]; last.end > 2020*ms {
		t.Errorf("a frame that could not be judged is told: %+v", last)
	}
}

func TestTellingOfVoiceAllocatesNothing(t *testing.T) {
	count := 0
	s := &speech{onVoice: func(time.Duration, time.Duration, bool) { count++ }, next: time.Second}
	if n := testing.AllocsPerRun(1000, func() { s.tellVoice(0.9) }); n != 0 || count == 0 {
		t.Errorf("%v allocations for a frame, %d told", n, count)
	}
}
