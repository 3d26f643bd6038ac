//go:build cgo

package assess

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"greenroom/media"
)

// What loud and lost sound costs in words: the tables of docs/transcription.md, on which the bounds of the gate rest.
// Without GREENROOM_MEASURE five sentences of people are heard, far too loud and with half of them lost.

// overdriven is the sound of a microphone whose level is too high by so many decibels: its loudest sample at full
// scale is amplified and cut off, and sent as browsers send it.
func overdriven(t *testing.T, pcm []float32, decibels float64) []float32 {
	t.Helper()
	peak := float32(0)
	for _, sample := range pcm {
		peak = max(peak, max(sample, -sample))
	}
	wave := make([]byte, 0, 2*len(pcm))
	for _, sample := range pcm {
		sample *= 0.9 / peak
		n := int16(math.Round(float64(sample) * math.MaxInt16))
		wave = append(wave, byte(n), byte(n>>8))
	}
	run := func(in []byte, args ...string) []byte {
		command := exec.CommandContext(t.Context(), "ffmpeg", append([]string{"-v", "error"}, args...)...)
		command.Stdin = bytes.NewReader(in)
		out, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	// At 48 kHz, where a microphone's sound is cut off; 16 bits do the cutting.
	loud := run(wave, "-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "-", "-af", fmt.Sprintf("aresample=48000,volume=%gdB", decibels),
		"-ar", "48000", "-f", "s16le", "-")
	sent := run(loud, "-f", "s16le", "-ar", "48000", "-ac", "1", "-i", "-", "-c:a", "libopus", "-b:a", "32k", "-application", "voip", "-frame_duration", "20", "-f", "ogg", "-")
	return samplesOf(run(sent, "-i", "-", "-ar", "16000", "-ac", "1", "-f", "s16le", "-"))
}

// holed is sound of which so much never came, in holes of that length, heard as silence.
func holed(pcm []float32, share float64, hole time.Duration, seed uint64) []float32 {
	random := rand.New(rand.NewPCG(seed, 1))
	left := append([]float32{}, pcm...)
	size := int(hole.Seconds() * media.SampleRate)
	for at := 0; at < len(left); at += size {
		if random.Float64() < share {
			clear(left[at:min(at+size, len(left))])
		}
	}
	return left
}

// heardOf is what became of some clips.
type heardOf struct {
	errors       WordErrors
	told, unsure int
	clipped      float64
}

func (h heardOf) String() string {
	return fmt.Sprintf("%.1f %% wrong, %.0f %% unsure, %.1f %% clipped", 100*h.errors.Rate(), 100*share(h.unsure, h.told), 100*h.clipped)
}

func hearChanged(t *testing.T, transcriber Transcriber, clips []clip, change func(i int, pcm []float32) []float32) (h heardOf) {
	t.Helper()
	var length, flat time.Duration
	for i, clip := range clips {
		pcm := change(i, clip.pcm)
		words, _, err := transcriber.Transcribe(t.Context(), utteranceOf(pcm, i))
		if err != nil {
			t.Fatal(err)
		}
		one := hearingOf(Answer{}, []Line{{Words: words}}, nil)
		h.told, h.unsure = h.told+one.told, h.unsure+one.unsure
		h.errors = h.errors.Plus(CountWordErrors(clip.said, wordsText(words)))
		length, flat = length+time.Duration(len(pcm))*time.Second/media.SampleRate, flat+media.Clipped(pcm)
	}
	h.clipped = share(flat, length)
	return h
}

func TestTheBoundsOfTheGateAreWhereWordsAreLost(t *testing.T) {
	r := openTestRuntime(t)
	groups, gains := map[string][]clip{"people": testClips(t)}, []float64{40}
	holes, shares := []time.Duration{100 * time.Millisecond}, []float64{0.5}
	if os.Getenv("GREENROOM_MEASURE") != "" {
		groups["people"], groups["en-us"], groups["en-gb"] = recordedClips(t), syntheticClips(t, "en-us"), syntheticClips(t, "en-gb")
		gains = []float64{0, 6, 12, 18, 24, 30, 40}
		holes, shares = []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 400 * time.Millisecond}, []float64{.05, .1, .2, .33, .5}
	}
	for _, who := range slices.Sorted(maps.Keys(groups)) {
		var loudest, worst heardOf
		for _, gain := range gains {
			loudest = hearChanged(t, r.Transcriber(), groups[who], func(_ int, pcm []float32) []float32 { return overdriven(t, pcm, gain) })
			t.Logf("%s, %g dB too loud: %s", who, gain, loudest)
		}
		for _, hole := range holes {
			for _, lost := range shares {
				worst = hearChanged(t, r.Transcriber(), groups[who], func(i int, pcm []float32) []float32 { return holed(pcm, lost, hole, uint64(i)) })
				t.Logf("%s, %.0f %% lost in pieces of %s: %s", who, 100*lost, hole, worst)
			}
		}
		for _, clip := range groups[who] {
			if flat := media.Clipped(clip.pcm); flat > 0 {
				t.Errorf("%s: %v of %q are clipped as they are", who, flat, clip.said)
			}
		}
		if loudest.clipped < mostClipped || loudest.errors.Rate() < 0.35 || worst.errors.Rate() < 0.5 {
			t.Errorf("%s: far too loud: %s; half of it lost: %s", who, loudest, worst)
		}
	}
}
