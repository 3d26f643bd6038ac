package media

import (
	"math"
	"testing"
)

// What is packed unpacks to what was heard, also where an utterance was cut in the middle of speech, after a
// hole, and where another came before.
func TestPackedSoundIsWhatWasHeard(t *testing.T) {
	clip := keep(sourceTalk(t, "between(t,1,3)+between(t,5,36)", "40"), func(f sent) bool {
		return f.Time < 20_500*ms || f.Time > 21_000*ms
	})
	got, _ := hearAll(t, clip, nil)
	if len(got) < 3 {
		t.Fatalf("%d utterances, want one and a long one that was cut", len(got))
	}
	for i, u := range got {
		if len(u.Packed) == 0 || len(u.Packed)*8 > len(u.PCM)*4 {
			t.Errorf("utterance %d: %d samples are packed in %d bytes", i, len(u.PCM), len(u.Packed))
		}
		pcm, err := u.Packed.Unpack()
		if err != nil || len(pcm) != len(u.PCM) {
			t.Fatalf("utterance %d: %d samples of %d, %v", i, len(pcm), len(u.PCM), err)
		}
		var off, loud float64
		for n := range pcm {
			off += math.Pow(float64(pcm[n]-u.PCM[n]), 2)
			loud += math.Pow(float64(u.PCM[n]), 2)
		}
		if off > loud/100 {
			t.Errorf("utterance %d differs by %.1f %% of its energy", i, 100*off/loud)
		}
		packed := u
		packed.PCM = nil
		if packed.Length() != u.Length() || u.Length() != sampleTime(len(pcm)) {
			t.Errorf("utterance %d lasts %v, packed %v", i, u.Length(), packed.Length())
		}
	}
}

// The tape is as long as what is spoken, however long nobody speaks.
func TestTapeIsBounded(t *testing.T) {
	s := &speech{}
	for range 60 * 50 { // a minute
		s.tape.add(make([]byte, 80), SampleRate/50)
		s.judged += SampleRate / 50
		s.trim()
	}
	if n := len(s.tape.entries) * SampleRate / 50; n > tapeKept+2*tapeSpare {
		t.Errorf("%d samples are kept of a minute in which nobody spoke", n)
	}
	if s.tape.cut(s.judged-preRoll, s.judged) == nil {
		t.Error("what an utterance begins with is gone")
	}
}

func TestUnpackRefusesDamage(t *testing.T) {
	whole := PackSound([][]byte{silence[:], nil, silence[:]})
	if pcm, err := whole.Unpack(); err != nil || len(pcm) != 3*SampleRate/50 {
		t.Fatalf("%d samples, %v", len(pcm), err)
	}
	for cut := range whole {
		if pcm, err := whole[:cut].Unpack(); err == nil && len(pcm) > 0 {
			t.Errorf("cut at %d of %d: %d samples", cut, len(whole), len(pcm))
		}
	}
}
