package assess

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"greenroom/media"
)

func TestTranscriptionsAreRead(t *testing.T) {
	tests := []struct {
		name, raw, want string
		words           int // with times; 0: interpolated
	}{
		{"plain", `{"text":" Hello world "}`, "Hello world", 0},
		{"word times", `{"text":"Hi, you","words":[{"word":"Hi","start":0,"end":0.5},{"word":"you","start":0.5,"end":1}]}`, "Hi, you", 2},
		{"times as text", `{"text":"Hi","words":[{"word":"Hi","start":"0.1","end":"0.5"}]}`, "Hi", 1},
		{"text for word", `{"text":"Hi","words":[{"text":"Hi","start":0,"end":1}]}`, "Hi", 1},
		{"spaces in words", `{"text":"Hi you","words":[{"word":" Hi","start":0,"end":0.5},{"word":" you","start":0.5,"end":1}]}`, "Hi you", 2},
		{"word in two", `{"text":"re-ordered","words":[{"word":"re","start":0,"end":0.5},{"word":"-ordered","start":0.5,"end":1}]}`, "re-ordered", 1},
		{"two in a word", `{"text":"a b","words":[{"word":"ab","start":0,"end":0.5}]}`, "a b", 2},
		{"lone dash", `{"text":"a - b","words":[{"word":"a","start":0,"end":0.5},{"word":"b","start":0.5,"end":1}]}`, "a - b", 3},
		{"just outside", `{"text":"a","words":[{"word":"a","start":-0.1,"end":2.2}]}`, "a", 1},
		{"other words", `{"text":"a b","words":[{"word":"a","start":0,"end":0.5},{"word":"c","start":0.5,"end":1}]}`, "a b", 0},
		{"words missing", `{"text":"a b","words":[{"word":"a","start":0,"end":0.5}]}`, "a b", 0},
		{"words too many", `{"text":"a","words":[{"word":"a","start":0,"end":0.5},{"word":"b","start":0.5,"end":1}]}`, "a", 0},
		{"no times", `{"text":"a","words":[{"word":"a"}]}`, "a", 0},
		{"times are null", `{"text":"a","words":[{"word":"a","start":null,"end":null}]}`, "a", 0},
		{"times are no numbers", `{"text":"a","words":[{"word":"a","start":"x","end":{}}]}`, "a", 0},
		{"backwards", `{"text":"a b","words":[{"word":"a","start":1,"end":1.5},{"word":"b","start":0,"end":0.5}]}`, "a b", 0},
		{"end before start", `{"text":"a","words":[{"word":"a","start":1,"end":0.5}]}`, "a", 0},
		{"beyond the end", `{"text":"a","words":[{"word":"a","start":1,"end":9}]}`, "a", 0},
		{"infinite", `{"text":"a","words":[{"word":"a","start":"0","end":"Inf"}]}`, "a", 0},
		{"words are no list", `{"text":"a","words":{"a":1},"segments":"none"}`, "a", 0},
		{"null parts", `{"text":"a","words":null,"segments":null,"error":null}`, "a", 0},
		{"nothing said", `{"text":"","words":[],"segments":[]}`, "", 0},
		{"only silence", `{"text":"Thanks!","segments":[{"text":"Thanks!","no_speech_prob":0.9,"avg_logprob":-2}]}`, "", 0},
		{"quiet but sure", `{"text":"Thanks!","segments":[{"text":"Thanks!","no_speech_prob":0.9,"avg_logprob":-0.2}]}`, "Thanks!", 0},
		{"control characters", `{"text":"a\u0000b\u001b[2J\nc"}`, "a b [2J c", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer, err := decodeTranscription([]byte(test.raw))
			if err != nil {
				t.Fatal(err)
			}
			words, interpolated := answer.place(time.Minute, time.Minute+2*time.Second)
			if got := wordsText(words); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if interpolated != (test.words == 0) || (!interpolated && len(words) != test.words) {
				t.Errorf("%d words, interpolated %t, want %d with times", len(words), interpolated, test.words)
			}
			checkTimes(t, words, time.Minute, time.Minute+2*time.Second)
		})
	}
}

func TestServersSayHowSureTheyAre(t *testing.T) {
	tests := []struct {
		name, raw string
		want      []float32
	}{
		{"words", `{"text":"Hi you","words":[{"word":"Hi","start":0,"end":0.5,"probability":0.5},{"word":"you","start":0.5,"end":1,"probability":"0.25"}]}`, []float32{0.5, 0.25}},
		{"another name", `{"text":"Hi","words":[{"word":"Hi","start":0,"end":0.5,"confidence":0.5}]}`, []float32{0.5}},
		{"the weakest part", `{"text":"re-ordered","words":[{"word":"re","start":0,"end":0.5,"probability":0.5},{"word":"-ordered","start":0.5,"end":1,"probability":0.75}]}`, []float32{0.5}},
		{"part of it is not known", `{"text":"re-ordered","words":[{"word":"re","start":0,"end":0.5},{"word":"-ordered","start":0.5,"end":1,"probability":0.75}]}`, []float32{0}},
		{"segments", `{"text":"Hi you. All","segments":[{"text":" Hi you.","avg_logprob":-0.6931472},{"text":" All","avg_logprob":0}]}`, []float32{0.5, 0.5, 1}},
		{"words before segments", `{"text":"Hi","words":[{"word":"Hi","start":0,"end":0.5,"probability":0.5}],"segments":[{"text":"Hi","avg_logprob":-1}]}`, []float32{0.5}},
		{"segments are other words", `{"text":"Hi you","segments":[{"text":"Hi","avg_logprob":-1}]}`, []float32{0, 0}},
		{"one segment does not say", `{"text":"Hi you","segments":[{"text":"Hi"},{"text":"you","avg_logprob":0}]}`, []float32{0, 1}},
		{"silence is left out", `{"text":"Hi Thanks!","segments":[{"text":"Hi","avg_logprob":0},{"text":"Thanks!","no_speech_prob":0.9,"avg_logprob":-2}]}`, []float32{1}},
		{"no probabilities", `{"text":"a b c","words":[{"word":"a","start":0,"end":0,"probability":2},{"word":"b","start":0,"end":0,"probability":-1},{"word":"c","start":0,"end":0,"probability":"NaN"}]}`, []float32{0, 0, 0}},
		{"above one", `{"text":"a","segments":[{"text":"a","avg_logprob":3}]}`, []float32{0}},
		{"nothing said of it", `{"text":"a b"}`, []float32{0, 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer, err := decodeTranscription([]byte(test.raw))
			if err != nil {
				t.Fatal(err)
			}
			words, _ := answer.place(0, 2*time.Second)
			if len(words) != len(test.want) {
				t.Fatalf("%d words, want %d", len(words), len(test.want))
			}
			for i, word := range words {
				if math.Abs(float64(word.Confidence-test.want[i])) > 1e-6 {
					t.Errorf("%q has %v, want %v", word.Text, word.Confidence, test.want[i])
				}
			}
		})
	}
}

func checkTimes(t *testing.T, words []Word, start, end time.Duration) {
	t.Helper()
	before := start
	for _, w := range words {
		if w.Start < before || w.End < w.Start || w.End > end {
			t.Errorf("word %+v after %s in %s to %s", w, before, start, end)
		}
		before = w.Start
	}
}

func TestUselessTranscriptionsAreErrors(t *testing.T) {
	for _, raw := range []string{
		"", "null", "[]", `"text"`, "{}", `{"text":null}`, `{"text":1}`, `{"text":"a"`, "plain words",
		`{"text":"` + strings.Repeat("again ", maxUtteranceText/6+1) + `"}`,
	} {
		if answer, err := decodeTranscription([]byte(raw)); err == nil {
			t.Errorf("%.40s: read as %+v", raw, answer)
		}
	}
}

func FuzzTranscription(f *testing.F) {
	f.Add([]byte(`{"text":"Hi, you","words":[{"word":"Hi","start":0,"end":0.5},{"word":"you","start":0.5,"end":1}]}`))
	f.Add([]byte(`{"text":"a b","segments":[{"text":"a","words":[{"word":"a","start":"0","end":1e300}]}]}`))
	f.Add([]byte(`{"text":"a b","segments":[{"text":"a","avg_logprob":-1},{"text":"b","avg_logprob":1e9}],"words":[{"word":"ab","start":0,"end":1,"probability":0.5}]}`))
	f.Add([]byte(`{"text":"\ud800 – x","words":[{"word":"","start":-0.3,"end":2.3}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		answer, err := decodeTranscription(raw)
		if err != nil {
			return
		}
		words, _ := answer.place(time.Minute, time.Minute+2*time.Second)
		checkTimes(t, words, time.Minute, time.Minute+2*time.Second)
		for _, word := range words {
			if !(word.Confidence >= 0 && word.Confidence <= 1) {
				t.Errorf("%q has confidence %v", word.Text, word.Confidence)
			}
		}
		if got := wordsText(words); got != answer.text || !utf8.ValidString(got) {
			t.Errorf("words are %q, text is %q", got, answer.text)
		}
	})
}

func TestInterpolatedWordsShareTheSpan(t *testing.T) {
	words := interpolateWords("  I said\tseventeen ", time.Second, 4200*time.Millisecond)
	want := []Word{ // 16 characters with the spaces: 0.2 s each
		{Text: "I", Start: 1000 * time.Millisecond, End: 1200 * time.Millisecond},
		{Text: "said", Start: 1400 * time.Millisecond, End: 2200 * time.Millisecond},
		{Text: "seventeen", Start: 2400 * time.Millisecond, End: 4200 * time.Millisecond},
	}
	compareWords(t, words, want)
	for _, empty := range []string{"", " ", "\n\t"} {
		if got := interpolateWords(empty, 0, time.Second); got != nil {
			t.Errorf("%q gives %v", empty, got)
		}
	}
	checkTimes(t, interpolateWords("no time at all", time.Second, time.Second), time.Second, time.Second)
	checkTimes(t, interpolateWords("time runs back", time.Second, 0), time.Second, time.Second)
}

func TestWAVFile(t *testing.T) {
	nan := float32(math.NaN())
	file := wavFile([]float32{0, 1, -1, 0.5, 2, -2, nan})
	le := binary.LittleEndian
	if string(file[:4]) != "RIFF" || string(file[8:16]) != "WAVEfmt " || string(file[36:40]) != "data" {
		t.Fatalf("header is %q", file[:44])
	}
	if got := le.Uint32(file[4:]); int(got) != len(file)-8 {
		t.Errorf("RIFF says %d bytes, file has %d", got, len(file))
	}
	if rate, bits, size := le.Uint32(file[24:]), le.Uint16(file[34:]), le.Uint32(file[40:]); rate != media.SampleRate || bits != 16 || size != 14 {
		t.Errorf("rate %d, %d bits, %d bytes", rate, bits, size)
	}
	var got []int16
	for at := 44; at < len(file); at += 2 {
		got = append(got, int16(le.Uint16(file[at:]))) // two's complement
	}
	if want := []int16{0, 32767, -32767, 16384, 32767, -32767, 0}; !slices.Equal(got, want) {
		t.Errorf("samples %v, want %v", got, want)
	}
}
