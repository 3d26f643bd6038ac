package media

import (
	"testing"

	"github.com/pion/opus"
)

// BenchmarkOpusDecode is the first part of what captions cost; assess has the others.
func BenchmarkOpusDecode(b *testing.B) {
	packets := makeSound(b, "0.2*sin(2*PI*(180+40*sin(3*t))*t)+0.05*(random(0)-0.5)", "10") // a gliding voice over some noise
	var decoder opus.Decoder
	if err := decoder.Init(SampleRate, 1); err != nil {
		b.Fatal(err)
	}
	var pcm [longestOpusPacket]float32
	samples, i := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		n, err := decoder.DecodeToFloat32(packets[i].Payload, pcm[:])
		if err != nil {
			b.Fatal(err)
		}
		samples, i = samples+n, (i+1)%len(packets)
	}
	b.ReportMetric(b.Elapsed().Seconds()/(float64(samples)/SampleRate), "compute-s/audio-s")
}
