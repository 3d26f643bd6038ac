//go:build cgo

package assess

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/media"
)

// testLibDir finds the folder that "make setup" fills.
func testLibDir(tb testing.TB) string {
	tb.Helper()
	if testing.Short() {
		tb.Skip("needs the speech models")
	}
	if dir := os.Getenv("GREENROOM_LIB"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			tb.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	lib := filepath.Join(dir, ".greenroom", "lib")
	if _, err := os.Stat(filepath.Join(lib, libraryFile)); err != nil {
		tb.Fatalf("%v: run make setup", err)
	}
	return lib
}

func openTestRuntime(tb testing.TB) *SpeechRuntime {
	tb.Helper()
	r, err := OpenSpeechRuntime(SpeechRuntimeConfig{LibDir: testLibDir(tb)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
		if left := r.library.live.Load(); left != 0 {
			tb.Errorf("%d tensors were not destroyed", left)
		}
	})
	return r
}

// clip is a recording of somebody reading, with what they read.
type clip struct {
	name string
	said string
	pcm  []float32
}

const clipsDir = "/usr/share/pocketsphinx/test/data/librivox"

// testClips reads five sentences of a LibriVox recording, which Debian packages.
func testClips(tb testing.TB) []clip {
	tb.Helper()
	list, err := os.ReadFile(filepath.Join(clipsDir, "transcription"))
	if err != nil {
		tb.Fatalf("%v: install pocketsphinx-testdata, or run make setup", err)
	}
	var clips []clip
	for _, m := range regexp.MustCompile(`<s> (.*) </s> \((.*)\)`).FindAllStringSubmatch(string(list), -1) {
		wav, err := os.ReadFile(filepath.Join(clipsDir, m[2]+".wav"))
		if err != nil {
			tb.Fatal(err)
		}
		clips = append(clips, clip{name: m[2], said: m[1], pcm: samplesOf(wav[44:])})
	}
	if len(clips) != 5 {
		tb.Fatalf("found %d clips, want 5", len(clips))
	}
	return clips
}

// samplesOf reads 16-bit little-endian samples.
func samplesOf(raw []byte) []float32 {
	pcm := make([]float32, len(raw)/2)
	for i := range pcm {
		pcm[i] = float32(int16(binary.LittleEndian.Uint16(raw[2*i:]))) / 32768 // meant to wrap
	}
	return pcm
}

// cutSpeech is a small cutter of utterances: speech from 0.3 s before the first frame above one half
// to 0.7 s of frames below it.
func cutSpeech(tb testing.TB, voice media.VoiceActivity, pcm []float32) []media.Utterance {
	tb.Helper()
	const before, silence = 9, 22 // frames
	pcm = append(slices.Clip(pcm), make([]float32, (silence+2)*media.VoiceFrame)...)
	var cut []media.Utterance
	begin, quiet := -1, 0
	for frame := 0; (frame+1)*media.VoiceFrame <= len(pcm); frame++ {
		p, err := voice.Probability(pcm[frame*media.VoiceFrame : (frame+1)*media.VoiceFrame])
		if err != nil {
			tb.Fatal(err)
		}
		switch {
		case p > 0.5 && begin < 0:
			begin, quiet = max(frame-before, 0), 0
		case p > 0.5:
			quiet = 0
		case begin >= 0:
			quiet++
		}
		if begin >= 0 && quiet >= silence {
			cut = append(cut, utteranceOf(pcm[begin*media.VoiceFrame:frame*media.VoiceFrame], len(cut)))
			begin = -1
		}
	}
	return cut
}

func utteranceOf(pcm []float32, sequence int) media.Utterance {
	u := media.Utterance{Session: "s", Sequence: sequence, PCM: pcm, Start: time.Minute}
	u.End = u.Start + u.Length()
	return u
}

func transcribe(tb testing.TB, transcriber Transcriber, u media.Utterance) string {
	tb.Helper()
	words, interpolated, err := transcriber.Transcribe(tb.Context(), u)
	if err != nil {
		tb.Fatal(err)
	}
	if !interpolated {
		tb.Error("Moonshine measures no word times, but says so")
	}
	return wordsText(words)
}

func TestReadSpeechIsUnderstood(t *testing.T) {
	r := openTestRuntime(t)
	transcriber := r.Transcriber()
	var all WordErrors
	for _, clip := range testClips(t) {
		voice, err := r.NewVoiceActivity()
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, u := range cutSpeech(t, voice, clip.pcm) {
			texts = append(texts, transcribe(t, transcriber, u))
		}
		if err := voice.Close(); err != nil {
			t.Error(err)
		}
		got := strings.Join(texts, " ")
		count := CountWordErrors(clip.said, got)
		t.Logf("%d of %d wrong: %q", count.Errors, count.Words, got)
		all = all.Plus(count)
	}
	t.Logf("word error rate %.1f %% (%d of %d)", 100*all.Rate(), all.Errors, all.Words)
	if all.Words != 71 || all.Rate() > 0.10 {
		t.Errorf("word error rate %.3f over %d words, want at most 0.10 over 71", all.Rate(), all.Words)
	}
}

func TestNoSpeechGivesNoText(t *testing.T) {
	r := openTestRuntime(t)
	for name, sound := range noSpeech {
		for _, level := range []float64{0.003, 0.03, 0.2} {
			t.Run(fmt.Sprintf("%s at %v", name, level), func(t *testing.T) {
				pcm := sound(rand.New(rand.NewPCG(1, 2)), 6*media.SampleRate)
				scale(pcm, level)
				for i := range pcm {
					pcm[i] = min(max(pcm[i], -1), 1)
				}
				voice, err := r.NewVoiceActivity()
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = voice.Close() }()
				cut := cutSpeech(t, voice, pcm)
				for _, u := range cut {
					if got := transcribe(t, r.Transcriber(), u); got != "" {
						t.Errorf("an utterance of %s gives %q", u.Length(), got)
					}
				}
				// Without the voice activity in front, too: it is not the only guard.
				if got := transcribe(t, r.Transcriber(), utteranceOf(pcm, 0)); got != "" {
					t.Errorf("all of it gives %q", got)
				}
			})
		}
	}
}

func TestVoiceActivityFindsSpeech(t *testing.T) {
	r := openTestRuntime(t)
	voice, err := r.NewVoiceActivity()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = voice.Close() }()
	pcm := testClips(t)[0].pcm
	frames, voiced := 0, 0
	for ; len(pcm) >= media.VoiceFrame; pcm = pcm[media.VoiceFrame:] {
		p, err := voice.Probability(pcm[:media.VoiceFrame])
		if err != nil || p < 0 || p > 1 {
			t.Fatalf("probability %v, error %v", p, err)
		}
		frames++
		if p > 0.5 {
			voiced++
		}
	}
	if voiced < frames*6/10 {
		t.Errorf("%d of %d frames are speech, want most", voiced, frames)
	}
	if _, err := voice.Probability(make([]float32, 100)); err == nil {
		t.Error("a short frame was taken")
	}
}

func TestVoicesDoNotMix(t *testing.T) {
	r := openTestRuntime(t)
	clips := testClips(t)
	alone := probabilities(t, r, clips[0].pcm)
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() { probabilities(t, r, clips[1].pcm) })
	}
	beside := probabilities(t, r, clips[0].pcm)
	wait.Wait()
	for i := range alone {
		if alone[i] != beside[i] {
			t.Fatalf("frame %d: %v alone, %v beside other voices", i, alone[i], beside[i])
		}
	}
}

func probabilities(t *testing.T, r *SpeechRuntime, pcm []float32) []float32 {
	t.Helper()
	voice, err := r.NewVoiceActivity()
	if err != nil {
		t.Error(err)
		return nil
	}
	defer func() { _ = voice.Close() }()
	var all []float32
	for ; len(pcm) >= media.VoiceFrame; pcm = pcm[media.VoiceFrame:] {
		p, err := voice.Probability(pcm[:media.VoiceFrame])
		if err != nil {
			t.Error(err)
		}
		all = append(all, p)
	}
	return all
}

func TestMoonshineIsSafeToShare(t *testing.T) {
	r := openTestRuntime(t)
	clips := testClips(t)
	want := transcribe(t, r.Transcriber(), utteranceOf(clips[1].pcm, 0))
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			words, _, err := r.Transcriber().Transcribe(context.Background(), utteranceOf(clips[1].pcm, 0))
			if got := wordsText(words); err != nil || got != want {
				t.Errorf("got %q and %v, want %q", got, err, want)
			}
		})
	}
	wait.Wait()
}

func TestWordTimesLieInsideTheUtterance(t *testing.T) {
	r := openTestRuntime(t)
	u := utteranceOf(testClips(t)[0].pcm, 0)
	words, _, err := r.Transcriber().Transcribe(t.Context(), u)
	if err != nil || len(words) < 15 {
		t.Fatalf("%d words, error %v", len(words), err)
	}
	before := u.Start
	for _, w := range words {
		if w.Start < before || w.End <= w.Start || w.End > u.End {
			t.Errorf("word %+v after %s in %s to %s", w, before, u.Start, u.End)
		}
		before = w.End
	}
}

func TestMoonshineRefusesLongUtterances(t *testing.T) {
	r := openTestRuntime(t)
	long := utteranceOf(make([]float32, 25*media.SampleRate+1), 0)
	if _, _, err := r.Transcriber().Transcribe(t.Context(), long); !errors.Is(err, ErrTranscriber) {
		t.Errorf("got %v, want ErrTranscriber", err)
	}
	for _, samples := range []int{0, 1, minUtterance - 1, minUtterance, minUtterance * 2} {
		if got := transcribe(t, r.Transcriber(), utteranceOf(make([]float32, samples), 0)); got != "" {
			t.Errorf("%d samples gave %q", samples, got)
		}
	}
}

func TestMoonshineStopsWithItsContext(t *testing.T) {
	r := openTestRuntime(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := r.Transcriber().Transcribe(ctx, utteranceOf(testClips(t)[0].pcm, 0))
	if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrTranscriber) {
		t.Errorf("got %v, want canceled", err)
	}
}

func TestRuntimeClosesBeforeItsVoices(t *testing.T) {
	r := openTestRuntime(t)
	voice, err := r.NewVoiceActivity()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := voice.Probability(make([]float32, media.VoiceFrame)); !errors.Is(err, errSpeechClosed) {
		t.Errorf("got %v, want errSpeechClosed", err)
	}
	if _, err := r.NewVoiceActivity(); !errors.Is(err, errSpeechClosed) {
		t.Errorf("got %v, want errSpeechClosed", err)
	}
	if _, _, err := r.Transcriber().Transcribe(t.Context(), utteranceOf(nil, 0)); !errors.Is(err, errSpeechClosed) {
		t.Errorf("got %v, want errSpeechClosed", err)
	}
	if err := errors.Join(voice.Close(), voice.Close()); err != nil {
		t.Error(err)
	}
	again := openTestRuntime(t) // the library can be loaded again
	if got := transcribe(t, again.Transcriber(), utteranceOf(testClips(t)[1].pcm, 0)); got == "" {
		t.Error("no text after loading the library again")
	}
}

func TestMissingModelsSayWhatToDo(t *testing.T) {
	_, err := OpenSpeechRuntime(SpeechRuntimeConfig{LibDir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "make setup") {
		t.Errorf("got %v", err)
	}
}

func TestBrokenModelsAreRefused(t *testing.T) {
	lib, broken := testLibDir(t), t.TempDir()
	for _, name := range []string{libraryFile, encoderFile, decoderFile, vocabularyFile, sileroFile} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(broken, name)), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(lib, name), filepath.Join(broken, name)); err != nil {
			t.Fatal(err)
		}
	}
	// The library first: once loaded under a name, it stays loaded under that name.
	for _, name := range []string{libraryFile, vocabularyFile, encoderFile, decoderFile, sileroFile} {
		path := filepath.Join(broken, name)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("not a model"), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := OpenSpeechRuntime(SpeechRuntimeConfig{LibDir: broken}); err == nil {
			t.Errorf("%s: taken", name)
			_ = r.Close()
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(lib, name), path); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkMoonshine(b *testing.B) {
	r := openTestRuntime(b)
	var read []float32
	for _, clip := range testClips(b) {
		read = append(read, clip.pcm...)
	}
	for _, length := range []time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second, 20 * time.Second, MaxUtterance} {
		b.Run(length.String(), func(b *testing.B) {
			u := utteranceOf(read[:int(length.Seconds()*media.SampleRate)], 0)
			for b.Loop() {
				transcribe(b, r.Transcriber(), u)
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/length.Seconds(), "compute-s/audio-s")
		})
	}
}

func BenchmarkSilero(b *testing.B) {
	r := openTestRuntime(b)
	voice, err := r.NewVoiceActivity()
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = voice.Close() }()
	frame := make([]float32, media.VoiceFrame)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := voice.Probability(frame); err != nil {
			b.Fatal(err)
		}
	}
	const frameSeconds = float64(media.VoiceFrame) / media.SampleRate
	b.ReportMetric((b.Elapsed()/time.Duration(b.N)).Seconds()/frameSeconds, "compute-s/audio-s")
}

func TestVoiceActivityAllocatesLittle(t *testing.T) {
	r := openTestRuntime(t)
	voice, err := r.NewVoiceActivity()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = voice.Close() }()
	frame := make([]float32, media.VoiceFrame)
	allocations := testing.AllocsPerRun(50, func() {
		if _, err := voice.Probability(frame); err != nil {
			t.Error(err)
		}
	})
	if allocations > 10 {
		t.Errorf("%v allocations a frame, want at most 10", allocations)
	}
}

func TestSpokenUtterancesBecomeSavedLines(t *testing.T) {
	r := openTestRuntime(t)
	desk := &scribeDesk{}
	config := desk.config(r.Transcriber())
	config.Workers = 2
	scribe, stop := running(t, config)
	clips := testClips(t)
	for i, clip := range clips {
		u := utteranceOf(clip.pcm, i)
		u.EndedAt = time.Now()
		scribe.Hear(u)
	}
	if err := errors.Join(scribe.DrainSession(t.Context(), "s"), stop()); err != nil {
		t.Fatal(err)
	}
	if len(desk.lines) != len(clips) {
		t.Fatalf("%d lines for %d clips", len(desk.lines), len(clips))
	}
	for i, line := range desk.lines {
		if count := CountWordErrors(clips[i].said, wordsText(line.Words)); line.Sequence != i || count.Rate() > 0.2 {
			t.Errorf("line %d is %d: %q", i, line.Sequence, wordsText(line.Words))
		}
		if line.Engine != "moonshine-tiny" || !line.Interpolated {
			t.Errorf("engine %q, interpolated %t", line.Engine, line.Interpolated)
		}
	}
}

// countdown is a context that ends after being asked a number of times.
type countdown struct {
	context.Context //nolint:containedctx // it is a context
	left            int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestMoonshineStopsBetweenSteps(t *testing.T) {
	r := openTestRuntime(t)
	ctx := &countdown{Context: t.Context(), left: 5}
	_, _, err := r.Transcriber().Transcribe(ctx, utteranceOf(testClips(t)[0].pcm, 0))
	if !errors.Is(err, context.Canceled) || ctx.left != -1 {
		t.Errorf("got %v with %d questions left", err, ctx.left)
	}
}

func TestMoonshineStopsInsideTheEncoder(t *testing.T) {
	r := openTestRuntime(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	time.AfterFunc(20*time.Millisecond, cancel) // encoding so much takes ten times as long
	m := &moonshine{runtime: r}
	hidden, err := m.encode(ctx, make([]float32, 25*media.SampleRate))
	if !errors.Is(err, context.Canceled) || hidden != nil {
		hidden.destroy()
		t.Errorf("got %v, want canceled", err)
	}
}

func TestDecoderIsBounded(t *testing.T) {
	for samples, want := range map[int]int{0: 4, media.SampleRate: 10, 25 * media.SampleRate: 166} {
		if got := maxTokens(make([]float32, samples)); got != want {
			t.Errorf("%d samples may have %d tokens, want %d", samples, got, want)
		}
	}
	nan := float32(math.NaN())
	tests := []struct {
		logits      []float32
		want        int64
		probability float64
	}{
		{nil, endToken, 0},
		{[]float32{1}, 0, 1},
		{[]float32{1, 3, 2, -9}, 1, 1 / (1 + math.Exp(-1) + math.Exp(-2) + math.Exp(-12))},
		{[]float32{-2, -3, -2, -2}, 2, 1 / (3 + math.Exp(-1))},
		{[]float32{0, 1000}, 1, 1},
		{[]float32{nan, nan, nan, 5}, endToken, 0},
		{[]float32{1, float32(math.Inf(1))}, 1, 0},
	}
	for _, test := range tests {
		got := mostProbable(test.logits)
		if got.id != test.want || math.Abs(float64(got.probability)-test.probability) > 1e-6 {
			t.Errorf("mostProbable(%v) = %+v, want %d with %v", test.logits, got, test.want, test.probability)
		}
	}
}
