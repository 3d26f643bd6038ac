package media

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/pion/opus"
)

// PackedSound is the sound of an utterance as it was sent: Opus, and silence where nothing came. It takes
// about a sixteenth of its samples, so that speech can wait in memory for a recogniser that is behind.
type PackedSound []byte

// Silence in a PackedSound is a run of this mark and a length; a packet is never so short.
const tapeSilence = 0

// warmUp is decoded before an utterance and thrown away: a decoder that begins in the middle needs 80 ms to
// settle (RFC 7845 4.6).
const warmUp = SampleRate * 80 / 1000

// longestPacked bounds what is unpacked: the longest utterance, its warm-up, and a packet around each end.
const longestPacked = longestUtterance + 2*warmUp + 2*longestOpusPacket

// Unpack decodes the sound again. It differs a little from what was heard at first, where the decoder had
// heard all that came before.
func (p PackedSound) Unpack() ([]float32, error) {
	rest := []byte(p)
	skip, length := int(packedNumber(&rest, longestPacked)), int(packedNumber(&rest, longestUtterance))
	decoder, err := opus.NewDecoderWithOutput(SampleRate, 1)
	if err != nil {
		return nil, fmt.Errorf("start Opus decoder: %w", err)
	}
	pcm := make([]float32, 0, skip+length)
	var packet [longestOpusPacket]float32
	for len(pcm) < skip+length {
		payload, samples := tapeEntry(&rest)
		if samples <= 0 || samples > longestPacked {
			return nil, fmt.Errorf("%w: sound of %d samples ends after %d", ErrDamaged, skip+length, len(pcm))
		}
		if payload == nil {
			pcm = append(pcm, make([]float32, min(samples, skip+length-len(pcm)))...)
			continue
		}
		samples = min(samples, len(packet))
		n, err := decoder.DecodeToFloat32(payload, packet[:])
		if err != nil {
			n = 0 // as it was heard at first
		}
		if n < samples { // whatever this decoder makes of it, what follows stays in its place
			clear(packet[max(n, 0):samples])
		}
		bound(packet[:samples])
		pcm = append(pcm, packet[:samples]...)
	}
	return pcm[skip : skip+length], nil
}

// PackSound packs packets of 20 ms each, of which a nil one is silence.
func PackSound(packets [][]byte) PackedSound {
	const samples = SampleRate / 50
	b := binary.AppendUvarint(binary.AppendUvarint(nil, 0), uint64(samples*len(packets)))
	for _, p := range packets {
		b = appendTape(b, p, samples)
	}
	return b
}

func appendTape(b, payload []byte, samples int) []byte {
	if len(payload) == 0 {
		b = append(b, tapeSilence)
		return binary.AppendUvarint(b, uint64(samples))
	}
	b = binary.AppendUvarint(b, uint64(len(payload)))
	b = binary.AppendUvarint(b, uint64(samples))
	return append(b, payload...)
}

// tapeEntry takes one entry off; samples is 0 where there is none.
func tapeEntry(rest *[]byte) (payload []byte, samples int) {
	size := int(packedNumber(rest, maxOpusPacket))
	samples = int(packedNumber(rest, longestPacked))
	if size == tapeSilence {
		return nil, samples
	}
	if size > len(*rest) {
		return nil, 0
	}
	payload, *rest = (*rest)[:size], (*rest)[size:]
	return payload, samples
}

// packedNumber takes a number of at most limit off; a bad one is 0 and the last.
func packedNumber(rest *[]byte, limit uint64) uint64 {
	v, n := binary.Uvarint(*rest)
	if n <= 0 || v > limit {
		*rest = nil
		return 0
	}
	*rest = (*rest)[n:]
	return v
}

// speechTape remembers what was decoded, back to where the running utterance began or could begin.
type speechTape struct {
	entries []tapeMark
	bytes   []byte
	end     int // of what was played, in samples
}

// tapeMark is where an entry begins, in samples and in bytes.
type tapeMark struct{ sample, offset int }

// add notes a packet, or silence where payload is nil.
func (t *speechTape) add(payload []byte, samples int) {
	if samples == 0 {
		return
	}
	t.entries = append(t.entries, tapeMark{t.end, len(t.bytes)})
	t.bytes = appendTape(t.bytes, payload, samples)
	t.end += samples
}

// cut packs the samples from one place up to another; nil if the tape does not reach back so far.
func (t *speechTape) cut(from, to int) PackedSound {
	if len(t.entries) == 0 || from < t.entries[0].sample || to > t.end || to <= from {
		return nil
	}
	first := t.before(max(from-warmUp, t.entries[0].sample))
	last := first
	for last < len(t.entries) && t.entries[last].sample < to {
		last++
	}
	begin, end := t.entries[first].offset, len(t.bytes)
	if last < len(t.entries) {
		end = t.entries[last].offset
	}
	b := make([]byte, 0, 2*binary.MaxVarintLen32+end-begin)
	b = binary.AppendUvarint(b, uint64(from-t.entries[first].sample))
	b = binary.AppendUvarint(b, uint64(to-from))
	return append(b, t.bytes[begin:end]...)
}

// forget lets go of what lies before a place.
func (t *speechTape) forget(before int) {
	if len(t.entries) == 0 || before <= t.entries[0].sample {
		return
	}
	first := t.before(before)
	offset := t.entries[first].offset
	t.bytes = append(t.bytes[:0], t.bytes[offset:]...)
	kept := t.entries[:0]
	for _, e := range t.entries[first:] {
		kept = append(kept, tapeMark{e.sample, e.offset - offset})
	}
	t.entries = kept
}

// before returns the last entry that begins at a place or before it.
func (t *speechTape) before(place int) int {
	i := 0
	for i+1 < len(t.entries) && t.entries[i+1].sample <= place {
		i++
	}
	return i
}

// restart forgets everything: what comes does not follow on what was.
func (t *speechTape) restart() {
	*t = speechTape{entries: t.entries[:0], bytes: t.bytes[:0]}
}

// tapeKept is how much is kept while nobody speaks: what an utterance may begin with, and the warm-up. It
// is let go of in pieces, so that not every packet moves the rest.
const (
	tapeKept  = preRoll + 2*warmUp + 2*VoiceFrame + longestOpusPacket
	tapeSpare = SampleRate
)

// trim lets go of what no utterance can need any more.
func (s *speech) trim() {
	needed := s.judged - tapeKept
	if s.cutter.running {
		needed = s.judged - len(s.cutter.pcm) - 2*warmUp
	}
	if len(s.tape.entries) > 0 && needed-s.tape.entries[0].sample > tapeSpare {
		s.tape.forget(needed)
	}
}

// packed returns what a span is made of.
func (s *speech) packed(span spokenSpan) PackedSound {
	end := s.judged - span.behind
	return s.tape.cut(end-len(span.pcm), end)
}

// Length returns how long the sound of an utterance is.
func (u Utterance) Length() time.Duration {
	if u.PCM == nil && u.Packed != nil {
		rest := []byte(u.Packed)
		packedNumber(&rest, longestPacked)
		return sampleTime(int(packedNumber(&rest, longestUtterance)))
	}
	return sampleTime(len(u.PCM))
}
