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
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"greenroom/media"
)

// How well speech is recognised, by voice and noise, and what the confidence of words is worth: the tables of
// docs/transcription.md. Without GREENROOM_MEASURE only recorded speech is heard, in two noises.

// spokenSentences are read by synthetic voices, with the pace and the words of interview answers.
var spokenSentences = []string{
	"The release failed on a Friday because I had skipped one of the checks, and I told my team within the hour.",
	"We had three weeks left, so I wrote down what could be dropped and asked the two departments to choose.",
	"I measured the slow requests first and found that most of the time went into one query without an index.",
	"My colleague wanted to rewrite the whole service, while I thought that a smaller change would be enough.",
	"At first nobody answered my messages, so I walked over to their office and asked what they needed from us.",
	"In the end the number of complaints went down by a third, and we kept the new process for the next year.",
	"What I would do differently is to ask for a second pair of eyes before I change the settings of a live system.",
	"The customer was upset about the invoice, and I let her finish before I explained what had gone wrong.",
	"I split the work into small steps, each of which could be tested on its own and taken back if it failed.",
	"After that I gave a short talk about it, and two other teams took over the same checklist.",
}

// recordedClips are people: five sentences of an audio book, and five hands of cards.
func recordedClips(tb testing.TB) []clip {
	tb.Helper()
	clips := testClips(tb)
	const cards = "/usr/share/pocketsphinx/test/data/cards"
	list, err := os.ReadFile(filepath.Join(cards, "cards.transcription"))
	if err != nil {
		tb.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`<s> (.*?) +</s> \((.*)\)`).FindAllStringSubmatch(string(list), -1) {
		wav, err := os.ReadFile(filepath.Join(cards, m[2]+".wav"))
		if err != nil {
			tb.Fatal(err)
		}
		clips = append(clips, clip{name: "cards " + m[2], said: m[1], pcm: samplesOf(wav[44:])})
	}
	return clips
}

// syntheticClips lets espeak-ng read the sentences; nil where it or ffmpeg is not installed.
func syntheticClips(tb testing.TB, voice string) []clip {
	tb.Helper()
	var clips []clip
	for _, sentence := range spokenSentences {
		wav, err := exec.CommandContext(tb.Context(), "espeak-ng", "-v", voice, "-s", "150", "--stdout", sentence).Output()
		if err != nil {
			tb.Logf("no synthetic voice: %v", err)
			return nil
		}
		resample := exec.CommandContext(tb.Context(), "ffmpeg", "-v", "error", "-i", "-", "-ar", "16000", "-ac", "1", "-f", "s16le", "-")
		resample.Stdin = bytes.NewReader(wav)
		raw, err := resample.Output()
		if err != nil {
			tb.Logf("no synthetic voice: %v", err)
			return nil
		}
		clips = append(clips, clip{name: voice, said: sentence, pcm: samplesOf(raw)})
	}
	return clips
}

// noises are sounds of unit power.
var noises = map[string]func(random *rand.Rand, length int) []float32{
	"white": func(random *rand.Rand, length int) []float32 {
		return generate(length, func(int) float64 { return random.NormFloat64() })
	},
	"pink": func(random *rand.Rand, length int) []float32 { // Voss and McCartney: a sum of slower and slower steps
		var rows [12]float64
		return generate(length, func(i int) float64 {
			sum := random.NormFloat64()
			for row := range rows {
				if i%(1<<row) == 0 {
					rows[row] = random.NormFloat64()
				}
				sum += rows[row]
			}
			return sum
		})
	},
	"hum": func(_ *rand.Rand, length int) []float32 {
		return generate(length, func(i int) float64 {
			at := 2 * math.Pi * 50 * float64(i) / media.SampleRate
			return math.Sin(at) + 0.6*math.Sin(2*at+1) + 0.4*math.Sin(3*at+2) + 0.2*math.Sin(5*at)
		})
	},
}

// generate makes samples and brings them to unit power.
func generate(length int, sample func(i int) float64) []float32 {
	pcm := make([]float32, length)
	for i := range pcm {
		pcm[i] = float32(sample(i))
	}
	scale(pcm, 1/max(loudness(pcm), 1e-9))
	return pcm
}

func scale(pcm []float32, by float64) {
	for i := range pcm {
		pcm[i] *= float32(by)
	}
}

// loudness is the root of the mean square.
func loudness(pcm []float32) float64 {
	var sum float64
	for _, sample := range pcm {
		sum += float64(sample) * float64(sample)
	}
	return math.Sqrt(sum / float64(max(len(pcm), 1)))
}

// inNoise adds a noise that is decibels below the speech.
func inNoise(pcm []float32, noise string, decibels float64) []float32 {
	if noise == "" {
		return pcm
	}
	added := noises[noise](rand.New(rand.NewPCG(7, uint64(len(pcm)))), len(pcm))
	scale(added, loudness(pcm)*math.Pow(10, -decibels/20))
	for i, sample := range pcm {
		added[i] = min(max(added[i]+sample, -1), 1)
	}
	return added
}

// heardWord is a recognised word and whether it was said.
type heardWord struct {
	Word
	wrong bool
}

// wrongWords says which of the recognised words are in the place of another or were never said.
func wrongWords(said string, recognised []Word) []heardWord {
	heard := make([]heardWord, len(recognised))
	want := plainWords(said)
	var got []string
	var owners []int
	for i, word := range recognised {
		heard[i].Word = word
		for _, plain := range plainWords(word.Text) {
			got, owners = append(got, plain), append(owners, i)
		}
	}
	costs := make([][]int, len(want)+1)
	for i := range costs {
		costs[i] = make([]int, len(got)+1)
		for j := range costs[i] {
			switch {
			case i == 0 || j == 0:
				costs[i][j] = i + j
			case want[i-1] == got[j-1]:
				costs[i][j] = costs[i-1][j-1]
			default:
				costs[i][j] = 1 + min(costs[i-1][j-1], costs[i-1][j], costs[i][j-1])
			}
		}
	}
	for i, j := len(want), len(got); j > 0; {
		switch {
		case i > 0 && want[i-1] == got[j-1] && costs[i][j] == costs[i-1][j-1]:
			i, j = i-1, j-1
		case i > 0 && costs[i][j] == costs[i-1][j-1]+1:
			heard[owners[j-1]].wrong = true
			i, j = i-1, j-1
		case costs[i][j] == costs[i][j-1]+1:
			heard[owners[j-1]].wrong = true
			j--
		default:
			i--
		}
	}
	return heard
}

func TestWrongWordsAreFound(t *testing.T) {
	words := interpolateWords("The well-known cat, sat on on mat.", 0, 1)
	var wrong []string
	for _, word := range wrongWords("the well known hat sat on the mat today", words) {
		if word.wrong {
			wrong = append(wrong, word.Text)
		}
	}
	if len(wrong) != 2 || wrong[0] != "cat," || wrong[1] != "on" {
		t.Errorf("wrong are %q", wrong)
	}
}

// condition is a noise, and how far below the speech it is.
type condition struct {
	noise    string
	decibels float64
}

func (c condition) String() string {
	if c.noise == "" {
		return "no noise"
	}
	return fmt.Sprintf("%s noise, %.0f dB", c.noise, c.decibels)
}

func TestDoubtfulWordsAreOftenerWrong(t *testing.T) {
	r := openTestRuntime(t)
	groups := map[string][]clip{"people": recordedClips(t)}
	conditions := []condition{{}, {"pink", 5}}
	if os.Getenv("GREENROOM_MEASURE") != "" {
		for _, voice := range []string{"en-us", "en-us+f3", "en-gb", "en-gb-scotland", "en-gb-x-rp+f2", "en-029"} {
			if clips := syntheticClips(t, voice); clips != nil {
				groups[voice] = clips
			}
		}
		conditions = []condition{{}, {"pink", 20}, {"pink", 10}, {"pink", 5}, {"white", 10}, {"hum", 0}}
	}
	var all, usable []heardWord
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		for _, condition := range conditions {
			heard, errors := hearAll(t, r.Transcriber(), groups[name], condition)
			t.Logf("| %s | %v | %d | %.1f %% |", name, condition, errors.Words, 100*errors.Rate())
			all = append(all, heard...)
			if errors.Rate() < 0.25 {
				usable = append(usable, heard...)
			}
		}
	}
	for _, below := range []float32{0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9} {
		v, u := valueOf(all, below), valueOf(usable, below)
		t.Logf("| %.1f | %d | %.0f %% | %.0f %% | %d | %.0f %% | %.0f %% |", below,
			u.marked, 100*u.precision(), 100*u.recall(), v.marked, 100*v.precision(), 100*v.recall())
	}
	v := valueOf(all, DoubtfulBelow)
	base := float64(v.wrong) / float64(len(all))
	t.Logf("%d words, %d wrong (%.1f %%); usable %d, %d wrong", len(all), v.wrong, 100*base, len(usable), valueOf(usable, 1).wrong)
	if v.wrong == 0 || v.precision() < 0.4 || v.precision() < 2*base || v.recall() < 0.25 {
		t.Errorf("of %d words below %.2f %.2f are wrong, of all %.2f; %.2f of the wrong ones are among them", v.marked, DoubtfulBelow, v.precision(), base, v.recall())
	}
}

func hearAll(t *testing.T, transcriber Transcriber, clips []clip, condition condition) (heard []heardWord, errors WordErrors) {
	t.Helper()
	for i, clip := range clips {
		words, _, err := transcriber.Transcribe(t.Context(), utteranceOf(inNoise(clip.pcm, condition.noise, condition.decibels), i))
		if err != nil {
			t.Fatal(err)
		}
		heard = append(heard, wrongWords(clip.said, words)...)
		errors = errors.Plus(CountWordErrors(clip.said, wordsText(words)))
	}
	return heard, errors
}

// markValue is what marking words below a confidence finds.
type markValue struct{ marked, hit, wrong int }

func (v markValue) precision() float64 { return float64(v.hit) / float64(max(v.marked, 1)) }
func (v markValue) recall() float64    { return float64(v.hit) / float64(max(v.wrong, 1)) }

func valueOf(words []heardWord, below float32) (v markValue) {
	for _, word := range words {
		marked := word.Confidence < below
		if marked {
			v.marked++
		}
		if word.wrong {
			v.wrong++
		}
		if marked && word.wrong {
			v.hit++
		}
	}
	return v
}

// What is shown as settled while people speak is compared with what is written down in the end.
func TestSettledWordsMostlyStay(t *testing.T) {
	r := openTestRuntime(t)
	settled, lost, partials := 0, 0, 0
	for i, clip := range testClips(t) {
		final, _, err := r.Transcriber().Transcribe(t.Context(), utteranceOf(clip.pcm, i))
		if err != nil {
			t.Fatal(err)
		}
		var s settling
		var words []string
		for end := media.SampleRate; end < len(clip.pcm); end += media.SampleRate {
			guess, _, err := r.Transcriber().Transcribe(t.Context(), utteranceOf(clip.pcm[:end], i))
			if err != nil {
				t.Fatal(err)
			}
			partials++
			words, _ = s.take(guess)
		}
		for _, word := range wrongWords(wordsText(final), interpolateWords(strings.Join(words, " "), 0, 1)) {
			settled++
			if word.wrong {
				lost++
			}
		}
	}
	t.Logf("%d partials, %d settled words, %d of them otherwise in the end", partials, settled, lost)
	if settled < 30 || lost*6 > settled {
		t.Errorf("of %d settled words %d are otherwise in the end", settled, lost)
	}
}
