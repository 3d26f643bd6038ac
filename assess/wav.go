package assess

import (
	"encoding/binary"
	"math"

	"greenroom/media"
)

const wavHeader = 44 // bytes

// wavFile writes samples as a WAV file of 16-bit mono PCM. Samples beyond [-1, 1] are clipped.
func wavFile(pcm []float32) []byte {
	const bytesPerSample = 2
	size := len(pcm) * bytesPerSample
	file := make([]byte, 0, wavHeader+size)
	le := binary.LittleEndian
	file = append(file, "RIFF"...)
	file = le.AppendUint32(file, uint32(wavHeader-8+size)) // an utterance has at most 800 kB
	file = append(file, "WAVEfmt "...)
	file = le.AppendUint32(file, 16) // of the format that follows
	file = le.AppendUint16(file, 1)  // PCM
	file = le.AppendUint16(file, 1)  // channel
	file = le.AppendUint32(file, media.SampleRate)
	file = le.AppendUint32(file, media.SampleRate*bytesPerSample)
	file = le.AppendUint16(file, bytesPerSample)
	file = le.AppendUint16(file, 8*bytesPerSample)
	file = append(file, "data"...)
	file = le.AppendUint32(file, uint32(size))
	for _, sample := range pcm {
		clipped := min(max(float64(sample), -1), 1)
		if math.IsNaN(clipped) {
			clipped = 0
		}
		file = le.AppendUint16(file, uint16(int16(math.Round(clipped*math.MaxInt16)))) // two's complement
	}
	return file
}
