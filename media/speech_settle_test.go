package media

import (
	"testing"
	"time"
)

// Who waits for the end of what is being said ends nothing; who settles it does.
func TestAwaitedSpeechGoesOnUntilItEnds(t *testing.T) {
	var log utteranceLog
	s := newSpeech(CaptureConfig{
		Session: testSession, Speech: &log, Now: func() time.Time { return testEpoch },
		Voice: func() (VoiceActivity, error) { return &loudness{}, nil },
	})
	for n := range 60 { // 1.92 s of somebody who talks on
		s.cutter.add(make([]float32, VoiceFrame), 0.9, sampleTime(n*VoiceFrame), testEpoch)
	}
	s.next = sampleTime(60 * VoiceFrame)
	ask := func(wait bool) chan struct{} {
		done := make(chan struct{})
		s.settling = append(s.settling, settle{until: time.Second, wait: wait, asked: testEpoch, done: done})
		s.settleReached()
		return done
	}
	isDone := func(done chan struct{}) bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
	awaited := ask(true)
	if isDone(awaited) || !s.cutter.running {
		t.Fatalf("while somebody talks: answered %t, the utterance runs %t", isDone(awaited), s.cutter.running)
	}
	if settled := ask(false); !isDone(settled) || s.cutter.running {
		t.Fatalf("settled: answered %t, the utterance runs %t", isDone(settled), s.cutter.running)
	}
	s.settleReached()
	if !isDone(awaited) {
		t.Error("the end of the utterance is not told to who waited for it")
	}
}
