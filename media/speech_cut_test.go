package media

import (
	"testing"
	"time"
)

// soundSpan is a stretch of made-up sound: so long, judged so, so loud.
type soundSpan struct {
	length      time.Duration
	probability float32
	loud        float32
}

// pieces runs sound through a cutter and cuts it once all of it was heard.
func pieces(cut SpeechCut, spans ...soundSpan) (list []spokenSpan, rest utteranceCutter) {
	var c utteranceCutter
	at := 0
	for _, s := range spans {
		for range int(s.length * SampleRate / time.Second / VoiceFrame) {
			frame := make([]float32, VoiceFrame)
			for i := range frame {
				frame[i] = s.loud
			}
			if span, ok := c.add(frame, s.probability, sampleTime(at), testEpoch); ok {
				list = append(list, span)
			}
			at += VoiceFrame
		}
	}
	if at, ok := c.place(cut); ok {
		if span, ok := c.split(at, testEpoch); ok {
			list = append(list, span)
		}
	}
	return list, c
}

func TestUtterancesAreCutWhereAnotherVoiceBeginsOrEnds(t *testing.T) {
	const second = time.Second
	talk := func(length time.Duration, loud float32) soundSpan { return soundSpan{length, 0.9, loud} }
	for _, c := range []struct {
		name string
		cut  SpeechCut
		in   []soundSpan
		head time.Duration // its end; 0: there is none
		rest time.Duration // where the running utterance begins; -1: none runs
	}{
		{
			"at the quietest",
			SpeechCut{From: 2 * second, Until: 2300 * ms},
			[]soundSpan{talk(2100*ms, 0.5), talk(96*ms, 0.1), talk(2*second, 0.5)},
			2080 * ms, 2080 * ms,
		},
		{"begins within", SpeechCut{From: 500 * ms, Until: 1500 * ms}, []soundSpan{{second, 0.1, 0}, talk(2*second, 0.5)}, 0, 700 * ms},
		{"begins behind", SpeechCut{From: 100 * ms, Until: 600 * ms}, []soundSpan{{second, 0.1, 0}, talk(2*second, 0.5)}, 0, 700 * ms},
		{"has not come so far", SpeechCut{From: 3 * second, Until: 4 * second}, []soundSpan{talk(2*second, 0.5)}, 0, 0},
		{"in its silence", SpeechCut{From: 2 * second, Until: 2300 * ms}, []soundSpan{talk(2*second, 0.5), {600 * ms, 0.1, 0}}, 1984 * ms, -1},
		{"ended before", SpeechCut{From: 3 * second, Until: 3300 * ms}, []soundSpan{talk(second, 0.5), {3 * second, 0.1, 0}}, 1300 * ms, -1},
		{"a word before the cut is too short", SpeechCut{From: 200 * ms, Until: 300 * ms}, []soundSpan{talk(200*ms, 0.5), {100 * ms, 0.1, 0}, talk(second, 0.5)}, 0, 192 * ms},
	} {
		list, rest := pieces(c.cut, c.in...)
		if want := c.head > 0; want != (len(list) == 1) {
			t.Errorf("%s: %d utterances ended, want one: %t", c.name, len(list), want)
			continue
		}
		if len(list) == 1 && ((list[0].end-c.head).Abs() > 40*ms || list[0].end-list[0].start != sampleTime(len(list[0].pcm))) {
			t.Errorf("%s: the first ends at %v, want %v", c.name, list[0].end, c.head)
		}
		if rest.running != (c.rest >= 0) || rest.running && (rest.start-c.rest).Abs() > 40*ms {
			t.Errorf("%s: the rest runs: %t, since %v, want %v", c.name, rest.running, rest.start, c.rest)
		}
		if len(list) == 1 && rest.running && rest.start != list[0].end {
			t.Errorf("%s: the rest begins at %v, the first ends at %v", c.name, rest.start, list[0].end)
		}
	}
}

// Cuts are made when their stretch was heard, or when the utterance ends in it.
func TestSpeechIsCutOnceItsStretchWasHeard(t *testing.T) {
	clip := sourceTalk(t, "between(t,0.5,1.2)+between(t,1.4,3)", "4")
	for name, c := range map[string]struct {
		length time.Duration // of what arrives
		cuts   []SpeechCut
		want   []time.Duration // about where utterances end
	}{
		"both":       {4 * time.Second, []SpeechCut{{From: time.Second, Until: 1500 * ms}, {From: 3100 * ms, Until: 3200 * ms}}, []time.Duration{1300 * ms, 3150 * ms}},
		"ends in it": {2 * time.Second, []SpeechCut{{From: time.Second, Until: 3 * time.Second}, {From: 3 * time.Second, Until: 4 * time.Second}}, []time.Duration{1300 * ms, 2 * time.Second}},
	} {
		var log utteranceLog
		s := newSpeech(CaptureConfig{
			Session: testSession, Epoch: 3, Speech: &log, Now: func() time.Time { return testEpoch },
			Voice: func() (VoiceActivity, error) { return &loudness{}, nil },
		})
		for _, cut := range c.cuts {
			s.cutLater(cut)
		}
		for _, f := range clip {
			if f.Time < c.length {
				s.queue.put(encodedFrame{arrival: testEpoch.Add(f.Time), duration: f.Duration, payload: f.Payload}, f.Time)
			}
		}
		s.finish()
		if err := s.run(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := log.all()
		if len(got) != len(c.want) {
			t.Errorf("%s: %d utterances, want %d", name, len(got), len(c.want))
			continue
		}
		for i, u := range got {
			if (u.End-c.want[i]).Abs() > 130*ms || i > 0 && u.Start != got[i-1].End {
				t.Errorf("%s: utterance %d lies at %v to %v, want its end at %v", name, i, u.Start, u.End, c.want[i])
			}
			if again, err := u.Packed.Unpack(); err != nil || len(again) != len(u.PCM) || u.Sequence != i+1 {
				t.Errorf("%s: utterance %d is called %d and has %d samples, packed %d: %v", name, i, u.Sequence, len(u.PCM), len(again), err)
			}
		}
	}
}

// What was shown and is too short once it is cut is said to come to nothing, and what follows has a number of its own.
func TestWhatWasShownAndIsCutAwayIsDropped(t *testing.T) {
	log := &lookLog{}
	s := newSpeech(CaptureConfig{Session: testSession, Epoch: 3, Speech: log, Running: log, Now: time.Now})
	hear := func(length time.Duration, probability, loud float32) {
		for range int(length * SampleRate / time.Second / VoiceFrame) {
			frame := make([]float32, VoiceFrame)
			for i := range frame {
				frame[i] = loud
			}
			s.next += sampleTime(VoiceFrame)
			s.deliver(s.cutter.add(frame, probability, s.next-sampleTime(VoiceFrame), testEpoch))
			s.makeCuts(false)
			s.show()
		}
	}
	hear(200*ms, 0.9, 0.5)
	hear(600*ms, 0.4, 0.1)
	hear(300*ms, 0.9, 0.5)
	s.cutLater(SpeechCut{From: 300 * ms, Until: 700 * ms})
	hear(900*ms, 0.9, 0.5)
	s.endUtterance()
	if len(log.dropped) != 1 || log.dropped[0].Sequence != 1 || log.dropped[0].PCM != nil {
		t.Fatalf("dropped %+v", log.dropped)
	}
	if whole := log.all(); len(whole) != 1 || whole[0].Sequence != 2 || whole[0].Start != log.dropped[0].End {
		t.Errorf("then %d utterances", len(whole))
	}
	for _, look := range log.looks {
		if want := 1 + min(1, int(look.Start/log.dropped[0].End)); look.Sequence != want {
			t.Errorf("what begins at %v was shown as %d, want %d", look.Start, look.Sequence, want)
		}
	}
}
