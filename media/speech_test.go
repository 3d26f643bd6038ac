package media

import (
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// loudness judges a frame to be speech if it is loud.
type loudness struct {
	mu     sync.Mutex
	frames int
	closed bool
	err    error
	enter  func()
}

func (l *loudness) Probability(frame []float32) (float32, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frames++
	if l.enter != nil {
		l.enter()
	}
	if len(frame) != VoiceFrame {
		return 0, errors.New("a frame of another length")
	}
	if energy(frame) > 0.5 {
		return 0.9, l.err
	}
	return 0.1, l.err
}

func (l *loudness) judged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.frames
}

func (l *loudness) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}

// utteranceLog keeps what is heard.
type utteranceLog struct {
	mu   sync.Mutex
	list []Utterance
}

func (l *utteranceLog) Hear(u Utterance) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, u)
}

func (l *utteranceLog) all() []Utterance {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Utterance(nil), l.list...)
}

// hearAll runs packets through a speech in a bubble, at their own pace.
func hearAll(t *testing.T, clip []sent, during func(s *speech, voice *loudness)) (list []Utterance, voice *loudness) {
	t.Helper()
	voice = &loudness{}
	synctest.Test(t, func(t *testing.T) {
		var log utteranceLog
		s := newSpeech(CaptureConfig{
			Session: testSession, Epoch: 3, Speech: &log, Now: time.Now,
			Voice: func() (VoiceActivity, error) { return voice, nil },
		})
		done := make(chan error, 1)
		go func() { done <- s.run() }()
		start := time.Now()
		for _, f := range clip {
			pass(time.Until(start.Add(f.Time)))
			s.queue.put(encodedFrame{
				arrival: time.Now(), duration: f.Duration, silent: len(f.Payload) <= 2, payload: f.Payload,
			}, f.Time)
		}
		if during != nil {
			during(s, voice)
		}
		s.finish()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		list = log.all()
	})
	return list, voice
}

func wantSpans(t *testing.T, got []Utterance, want ...[2]time.Duration) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d utterances, want %d", len(got), len(want))
	}
	for i, u := range got {
		if (u.Start-want[i][0]).Abs() > 80*ms || (u.End-want[i][1]).Abs() > 80*ms {
			t.Errorf("utterance %d lies at %v–%v, want %v–%v", i, u.Start, u.End, want[i][0], want[i][1])
		}
		if u.Session != testSession || u.Epoch != 3 || u.Sequence != i+1 {
			t.Errorf("utterance %d is called %s/%d/%d", i, u.Session, u.Epoch, u.Sequence)
		}
	}
}

func TestSpeechFromRealOpus(t *testing.T) {
	clip := sourceTalk(t, "between(t,1,3)+between(t,5,6)", "8")
	got, voice := hearAll(t, clip, nil)
	wantSpans(t, got, [2]time.Duration{700 * ms, 3300 * ms}, [2]time.Duration{4700 * ms, 6300 * ms})
	if !voice.closed {
		t.Error("the voice activity was not closed")
	}
	// The tone itself came through: 440 Hz crosses zero 880 times a second.
	crossings := 0
	tone := got[0].PCM[SampleRate : 2*SampleRate]
	for i := 1; i < len(tone); i++ {
		if math.Signbit(float64(tone[i])) != math.Signbit(float64(tone[i-1])) {
			crossings++
		}
	}
	if crossings < 870 || crossings > 890 {
		t.Errorf("%d zero crossings in a second, want 880", crossings)
	}
}

func TestLostPacketsBecomeSilenceOfTheSameLength(t *testing.T) {
	clip := sourceTalk(t, "between(t,1,5)", "7")
	lossy := keep(clip, func(f sent) bool { return f.Time%(100*ms) != 40*ms && (f.Time < 2*time.Second || f.Time > 2300*ms) })
	got, _ := hearAll(t, lossy, nil)
	wantSpans(t, got, [2]time.Duration{700 * ms, 5300 * ms})
}

func TestGarbledPacketsBecomeSilence(t *testing.T) {
	clip := sourceTalk(t, "between(t,1,3)", "5")
	for i := range clip {
		if i%10 == 3 {
			clip[i].Payload = []byte{1<<3 | 2, 0xfe} // a frame length that is not there
		}
	}
	got, _ := hearAll(t, clip, nil)
	wantSpans(t, got, [2]time.Duration{700 * ms, 3300 * ms})
}

func TestLongHoleEndsTheUtterance(t *testing.T) {
	clip := sourceTalk(t, "between(t,0,2)", "2")
	again := shift(clip, 30*time.Second)
	got, _ := hearAll(t, append(clip, again...), nil)
	wantSpans(t, got, [2]time.Duration{0, 2300 * ms}, [2]time.Duration{30 * time.Second, 32 * time.Second})
}

func TestUtteranceEndsWhenPacketsStop(t *testing.T) {
	clip := sourceTalk(t, "between(t,0,2)", "2")
	for _, c := range []struct {
		name   string
		last   []byte
		within time.Duration
	}{
		{"the sender is silent (DTX)", []byte{0x78}, 1100 * ms},
		{"nothing comes any more", nil, 3200 * ms},
	} {
		packets := clip
		if c.last != nil {
			packets = append(slices.Clip(clip), sent{KindAudio, CodecOpus, Frame{
				Time: 2 * time.Second, Duration: 20 * ms, Payload: c.last,
			}})
		}
		var heardIn time.Duration
		got, _ := hearAll(t, packets, func(s *speech, _ *loudness) {
			log := s.sink.(*utteranceLog)
			ended := time.Now()
			for len(log.all()) == 0 && time.Since(ended) < 5*time.Second {
				pass(10 * ms)
			}
			heardIn = time.Since(ended)
		})
		wantSpans(t, got, [2]time.Duration{0, 2300 * ms})
		if heardIn > c.within {
			t.Errorf("%s: heard after %v", c.name, heardIn)
		}
	}
}

func TestSpeechWithdrawnEndsAtOnce(t *testing.T) {
	clip := sourceTalk(t, "between(t,0,2)", "2")
	got, voice := hearAll(t, clip, func(s *speech, voice *loudness) {
		s.withdraw()
		if !voice.closed {
			t.Error("the voice activity is open after the withdrawal")
		}
		s.queue.put(encodedFrame{payload: clip[0].Payload, duration: 20 * ms}, 3*time.Second)
		if s.queue.count != 0 || s.cutter.running || s.cutter.pcm != nil {
			t.Error("sound is kept after the withdrawal")
		}
	})
	if len(got) != 0 || voice.frames == 0 {
		t.Errorf("%d utterances after withdrawal in mid speech (%d frames judged)", len(got), voice.frames)
	}
}

func TestBrokenVoiceActivityEndsSpeechOnly(t *testing.T) {
	clip := sourceTalk(t, "between(t,0,2)", "2")
	broken := errors.New("broken")
	for _, c := range []struct {
		name  string
		voice func() (VoiceActivity, error)
	}{
		{"cannot be made", func() (VoiceActivity, error) { return nil, broken }},
		{"does not work", func() (VoiceActivity, error) { return &loudness{err: broken}, nil }},
	} {
		var log utteranceLog
		s := newSpeech(CaptureConfig{Speech: &log, Now: time.Now, Voice: c.voice})
		for _, f := range clip {
			s.queue.put(encodedFrame{arrival: testEpoch, duration: f.Duration, payload: f.Payload}, f.Time)
		}
		if err := s.run(); !errors.Is(err, broken) {
			t.Errorf("%s: run returned %v", c.name, err)
		}
		if len(log.all()) != 0 {
			t.Errorf("%s: something was heard", c.name)
		}
	}
}

func TestFullSpeechQueueLosesTheOldest(t *testing.T) {
	q := &speechQueue{wake: make(chan struct{}, 1)}
	for i := range speechQueueSize + 7 {
		q.put(encodedFrame{payload: []byte{byte(i)}}, time.Duration(i))
	}
	q.put(encodedFrame{payload: make([]byte, maxOpusPacket+1)}, 0)
	var p heardPacket
	for i := range speechQueueSize {
		if !q.take(&p) || p.time != time.Duration(i+7) || p.payload[0] != byte(i+7) {
			t.Fatalf("packet %d is %+v", i, p)
		}
	}
	if q.take(&p) || q.lost() != 8 {
		t.Errorf("lost %d, want 8", q.lost())
	}
	payload := make([]byte, 80)
	put := func() {
		q.put(encodedFrame{payload: payload}, 0)
		q.take(&p)
	}
	for range 2 * speechQueueSize {
		put()
	}
	if n := testing.AllocsPerRun(1000, put); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}
