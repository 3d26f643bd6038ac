package media

import (
	"testing"
	"time"
)

// heardSpan is a stretch of made-up sound: so long, judged so.
type heardSpan struct {
	length      time.Duration
	probability float32
}

// cutAll runs the spans through a cutter, and ends what runs at the end.
func cutAll(spans ...heardSpan) (list []spokenSpan) {
	var c utteranceCutter
	at := 0
	for _, s := range spans {
		for range int(s.length * SampleRate / time.Second / VoiceFrame) {
			frame := make([]float32, VoiceFrame)
			for i := range frame {
				frame[i] = s.probability // the loudness follows what it is judged to be
			}
			arrival := testEpoch.Add(sampleTime(at + VoiceFrame))
			if span, ok := c.add(frame, s.probability, sampleTime(at), arrival); ok {
				list = append(list, span)
			}
			at += VoiceFrame
		}
	}
	if span, ok := c.finish(testEpoch.Add(sampleTime(at))); ok {
		list = append(list, span)
	}
	return list
}

func TestUtterancesAreCut(t *testing.T) {
	second := time.Second
	for _, c := range []struct {
		name string
		in   []heardSpan
		want [][2]time.Duration // start and end, to within a frame or two
	}{
		{"silence", []heardSpan{{10 * second, 0.1}}, nil},
		{"one", []heardSpan{{2 * second, 0.1}, {3 * second, 0.9}, {2 * second, 0.1}}, [][2]time.Duration{{1700 * ms, 5300 * ms}}},
		{"at the very beginning", []heardSpan{{second, 0.9}, {second, 0.1}}, [][2]time.Duration{{0, 1300 * ms}}},
		{"a pause shorter than the end", []heardSpan{{second, 0.9}, {600 * ms, 0.1}, {second, 0.9}, {second, 0.1}}, [][2]time.Duration{{0, 2900 * ms}}},
		{"two", []heardSpan{{second, 0.9}, {second, 0.1}, {second, 0.9}, {second, 0.1}}, [][2]time.Duration{{0, 1300 * ms}, {1700 * ms, 3300 * ms}}},
		{"a doubtful tail is no silence", []heardSpan{{second, 0.9}, {2 * second, 0.4}, {second, 0.1}}, [][2]time.Duration{{0, 3300 * ms}}},
		{"a click", []heardSpan{{second, 0.1}, {200 * ms, 0.9}, {2 * second, 0.1}}, nil},
		{"doubt alone begins nothing", []heardSpan{{5 * second, 0.45}}, nil},
		{"stopped while speaking", []heardSpan{{second, 0.1}, {second, 0.9}}, [][2]time.Duration{{700 * ms, 2 * second}}},
		{"too long, with a quiet moment", []heardSpan{{20 * second, 0.9}, {100 * ms, 0.4}, {10 * second, 0.9}, {second, 0.1}}, [][2]time.Duration{{0, 20 * second}, {20 * second, 30400 * ms}}},
		{"too long, with a quiet moment too far back", []heardSpan{{10 * second, 0.9}, {100 * ms, 0.4}, {20 * second, 0.9}, {second, 0.1}}, [][2]time.Duration{{0, 25 * second}, {25 * second, 30400 * ms}}},
	} {
		got := cutAll(c.in...)
		if len(got) != len(c.want) {
			t.Errorf("%s: %d utterances, want %d", c.name, len(got), len(c.want))
			continue
		}
		for i, u := range got {
			if (u.start-c.want[i][0]).Abs() > 70*ms || (u.end-c.want[i][1]).Abs() > 110*ms {
				t.Errorf("%s: utterance %d lies at %v–%v, want %v–%v", c.name, i, u.start, u.end, c.want[i][0], c.want[i][1])
			}
			if len(u.pcm) > longestUtterance || u.end-u.start != sampleTime(len(u.pcm)) {
				t.Errorf("%s: utterance %d of %v has %d samples", c.name, i, u.end-u.start, len(u.pcm))
			}
		}
	}
}

func TestSplitUtteranceLosesNoSound(t *testing.T) {
	got := cutAll(heardSpan{20 * time.Second, 0.9}, heardSpan{100 * ms, 0.4}, heardSpan{40 * time.Second, 0.9})
	for i := 1; i < len(got); i++ {
		if got[i].start != got[i-1].end {
			t.Errorf("utterance %d starts at %v, the one before ends at %v", i, got[i].start, got[i-1].end)
		}
	}
	if last := got[len(got)-1]; len(got) != 3 || last.end < 60*time.Second {
		t.Errorf("%d utterances up to %v", len(got), last.end)
	}
}

func TestUtteranceEndsWithItsSilence(t *testing.T) {
	got := cutAll(heardSpan{time.Second, 0.9}, heardSpan{3 * time.Second, 0.1})
	if len(got) != 1 {
		t.Fatalf("%d utterances", len(got))
	}
	if after := got[0].endedAt.Sub(testEpoch); (after - 1700*ms).Abs() > 40*ms {
		t.Errorf("ended at %v, want 1.7s", after)
	}
}
