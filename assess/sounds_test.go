//go:build cgo

package assess

import (
	"math"
	"math/rand/v2"

	"greenroom/media"
)

// noSpeech are sounds of a room in which nobody speaks, at unit power but for silence.
var noSpeech = map[string]func(random *rand.Rand, length int) []float32{
	"silence":     func(_ *rand.Rand, length int) []float32 { return make([]float32, length) },
	"white noise": noises["white"],
	"pink noise":  noises["pink"],
	"hum":         noises["hum"],
	"tone": func(_ *rand.Rand, length int) []float32 {
		return generate(length, func(i int) float64 { return math.Sin(2 * math.Pi * 440 * seconds(i)) })
	},
	"music":     music,
	"keyboard":  keyboard,
	"breathing": breathing,
	"fan": func(random *rand.Rand, length int) []float32 {
		var low float64
		return generate(length, func(i int) float64 {
			low += 0.05 * (random.NormFloat64() - low)
			return low * (1 + 0.3*math.Sin(2*math.Pi*11*seconds(i)))
		})
	},
	"knocking": func(random *rand.Rand, length int) []float32 {
		return generate(length, func(i int) float64 {
			since := math.Mod(seconds(i), 0.4)
			return math.Exp(-since*40) * (math.Sin(2*math.Pi*180*since) + 0.3*random.NormFloat64())
		})
	},
}

func seconds(i int) float64 { return float64(i) / media.SampleRate }

// music is a slow run of three-part chords that fade, with overtones and a little vibrato.
func music(_ *rand.Rand, length int) []float32 {
	chords := [][]float64{{220, 277.2, 329.6}, {196, 246.9, 293.7}, {174.6, 220, 261.6}, {164.8, 207.7, 246.9}}
	return generate(length, func(i int) float64 {
		at := seconds(i)
		since := math.Mod(at, 0.75)
		var sum float64
		for _, pitch := range chords[int(at/0.75)%len(chords)] {
			phase := 2*math.Pi*pitch*at + 0.15*math.Sin(2*math.Pi*5*at)
			for overtone := 1.0; overtone <= 4; overtone++ {
				sum += math.Sin(overtone*phase) / (overtone * overtone)
			}
		}
		return sum * math.Exp(-2*since) * min(since*100, 1)
	})
}

// keyboard is a fast typist: two clicks of a key, down and up, and a dull thud of the desk.
func keyboard(random *rand.Rand, length int) []float32 {
	pcm := make([]float64, length)
	for at := 0; at < length; at += media.SampleRate/12 + random.IntN(media.SampleRate/7) {
		for _, click := range []struct {
			after  int
			volume float64
		}{{0, 1}, {media.SampleRate / 14, 0.5}} {
			for i := range media.SampleRate / 50 {
				if place := at + click.after + i; place < length {
					fade := math.Exp(-seconds(i) * 400)
					pcm[place] += click.volume * (fade*random.NormFloat64() + 0.5*math.Exp(-seconds(i)*120)*math.Sin(2*math.Pi*140*seconds(i)))
				}
			}
		}
	}
	return generate(length, func(i int) float64 { return pcm[i] })
}

// breathing is noise around the resonance of a mouth, in and out.
func breathing(random *rand.Rand, length int) []float32 {
	var one, two float64 // a resonator at about 900 Hz
	const width, pitch = 0.94, 900
	return generate(length, func(i int) float64 {
		next := random.NormFloat64() + 2*width*math.Cos(2*math.Pi*pitch/media.SampleRate)*one - width*width*two
		one, two = next, one
		breath := math.Sin(2 * math.Pi * seconds(i) / 3.2) // in for half of it, out for the other
		volume := breath * breath
		if breath < 0 {
			volume *= 0.6
		}
		return next * volume
	})
}
