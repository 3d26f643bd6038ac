//go:build cgo

package assess

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"greenroom/media"
)

// docs/turns.md has what 200 of them showed.
var thinkers = flag.Int("thinkers", 8, "answers with thinking pauses that the clocks of silence are measured on")

// onClock is read speech on its way through the voice activity and an interview.
type onClock struct {
	*talk
	voice  media.VoiceActivity
	rest   []float32
	speech bool
}

// hear passes samples on and returns the longest silence that the interview saw.
func (c *onClock) hear(pcm []float32) (longest time.Duration) {
	c.t.Helper()
	c.rest = append(c.rest, pcm...)
	for len(c.rest) >= media.VoiceFrame {
		p, err := c.voice.Probability(c.rest[:media.VoiceFrame])
		if err != nil {
			c.t.Fatal(err)
		}
		c.rest = c.rest[media.VoiceFrame:]
		c.speech = media.Speaks(p, c.speech)
		c.pass(frame, c.speech)
		longest = max(longest, c.i.silence())
	}
	return longest
}

// noise is that of a room: white, so loud (0: none).
func noise(random *rand.Rand, length time.Duration, loud float64) []float32 {
	pcm := make([]float32, int(length.Seconds()*media.SampleRate))
	for i := range pcm {
		pcm[i] = float32(loud * random.NormFloat64())
	}
	return pcm
}

func readAloud(random *rand.Rand, c clip, gain, loud float64) []float32 {
	pcm := noise(random, time.Duration(len(c.pcm))*time.Second/media.SampleRate, loud)
	for i, v := range c.pcm {
		pcm[i] += float32(gain) * v
	}
	return pcm
}

// Read speech, louder and softer, in silence and in noise, with thinking pauses between sentences. The clips
// have silence of their own before and after, so that the pauses are longer than they are called.
func TestThinkingPausesAreNotCut(t *testing.T) {
	clips, runtime := testClips(t), openTestRuntime(t)
	pauses := []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second}
	silences := map[time.Duration][]time.Duration{}
	var ends []time.Duration
	cut := 0
	for seed := range *thinkers {
		random := rand.New(rand.NewPCG(uint64(seed), 1))
		voice, err := runtime.NewVoiceActivity()
		if err != nil {
			t.Fatal(err)
		}
		loud := []float64{0, 0.0005, 0.002, 0.005}[random.IntN(4)] // down to -46 dB of full scale
		gain := 0.25 + random.Float64()
		c := &onClock{talk: newTalk(t, exam()), voice: voice}
		c.act(ActBegin, ActStartAnswer)
		c.hear(noise(random, time.Duration(random.IntN(3000))*time.Millisecond, loud))
		c.hear(readAloud(random, clips[random.IntN(len(clips))], gain, loud))
		random.Shuffle(len(pauses), func(a, b int) { pauses[a], pauses[b] = pauses[b], pauses[a] })
		for _, pause := range pauses {
			longest := c.hear(noise(random, pause, loud))
			next := readAloud(random, clips[random.IntN(len(clips))], gain, loud)
			longest = max(longest, c.hear(next[:media.SampleRate])) // with the silence before its first word
			c.hear(next[media.SampleRate:])
			silences[pause] = append(silences[pause], longest)
		}
		if c.i.Turn().Phase != PhaseAnswering {
			cut++
			t.Logf("seed %d: cut, at %.2f of loudness with noise of %.4f", seed, gain, loud)
		}
		before := c.now
		c.hear(noise(random, 12*time.Second, loud))
		if got, events := c.i.Closed(), c.i.Events(); len(got) == 1 && got[0].EndedBy == EndedBySilence {
			ends = append(ends, events[len(events)-1].Media-before)
		} else if c.i.Turn().Phase == PhaseAnswering {
			t.Errorf("seed %d: twelve seconds of silence did not end the answer", seed)
		}
		must(t, voice.Close())
	}
	if float64(cut) > 0.01*float64(*thinkers) {
		t.Errorf("%d of %d answers were cut, want at most 1 %%", cut, *thinkers)
	}
	for _, pause := range slices.Sorted(maps.Keys(silences)) {
		t.Logf("pause of %v: silence heard %s", pause, quantiles(silences[pause]))
		for after := pause; after <= QuietBefore+CountdownFor; after += 500 * time.Millisecond {
			over := 0
			for _, s := range silences[pause] {
				if s >= after {
					over++
				}
			}
			t.Logf("  cut if silence of %v ended answers: %.1f %%", after, 100*float64(over)/float64(len(silences[pause])))
		}
	}
	t.Logf("%d answers, %d cut; the next question came after the end of the last clip by %s", *thinkers, cut, quantiles(ends))
}

func quantiles(list []time.Duration) string {
	list = slices.Sorted(slices.Values(list))
	at := func(q float64) time.Duration { return list[int(q*float64(len(list)-1))].Round(10 * time.Millisecond) }
	return fmt.Sprintf("median %v, 95 %% %v, longest %v", at(0.5), at(0.95), at(1))
}

// How long after its first sound speech is taken for speech.
func TestSpeechIsNoticedAtOnce(t *testing.T) {
	clips, runtime := testClips(t), openTestRuntime(t)
	var late []time.Duration
	for seed := range *thinkers {
		random := rand.New(rand.NewPCG(uint64(seed), 2))
		voice, err := runtime.NewVoiceActivity()
		if err != nil {
			t.Fatal(err)
		}
		one := clips[seed%len(clips)]
		begins := onset(one.pcm)
		c := &onClock{talk: newTalk(t, exam()), voice: voice}
		lead := noise(random, time.Second+time.Duration(random.IntN(32000))*time.Microsecond, 0.0005)
		c.hear(lead)
		for at := 0; at+80 <= len(one.pcm) && !c.speech; at += 80 { // 5 ms
			c.hear(one.pcm[at : at+80])
		}
		heard := c.now + time.Duration(len(c.rest))*time.Second/media.SampleRate
		late = append(late, heard-time.Duration(len(lead)+begins)*time.Second/media.SampleRate)
		must(t, voice.Close())
	}
	t.Logf("speech is noticed after %s", quantiles(late))
	slices.Sort(late)
	if half := late[len(late)/2]; half > 100*time.Millisecond {
		t.Errorf("half of the time speech is noticed after %v or more, want at most 100 ms", half)
	}
}

// onset returns the first sample of the first 10 ms that are as loud as a twentieth of the clip's loudest.
func onset(pcm []float32) int {
	const window = media.SampleRate / 100
	loudness := func(at int) (sum float64) {
		for _, v := range pcm[at : at+window] {
			sum += float64(v) * float64(v)
		}
		return math.Sqrt(sum / window)
	}
	loudest := 0.0
	for at := 0; at+window <= len(pcm); at += window {
		loudest = max(loudest, loudness(at))
	}
	for at := 0; at+window <= len(pcm); at += window {
		if loudness(at) >= loudest/20 {
			return at
		}
	}
	return 0
}
