package media

import "time"

// Browsers play the packets of a sound track one after the other, whatever their times say: Chromium
// was watched to play what follows a hole of ten seconds ten seconds too early, and to fall behind the
// pictures by every single packet that was lost. So playback fills holes with made-up packets of
// silence, and leaves a packet out when sound has fallen behind (a sender whose sound card is fast).
// What is stored stays as it was sent.
const (
	// silenceLength is the sound in a made-up packet, except in the last ones of a hole; a shorter hole is
	// left alone.
	silenceLength = 20 * time.Millisecond
	// soundLate is how far sound may fall behind before a packet is left out: sound and picture are to be
	// less than 40 ms apart.
	soundLate = 35 * time.Millisecond
	// longestSilence is the longest that is filled: no sitting has a longer one, and a damaged table
	// must not make a file without end.
	longestSilence = time.Hour
	// noSound is the time at which nothing is known to have been heard.
	noSound = time.Duration(-1)
	// silenceChunk marks a made-up block.
	silenceChunk = -1
)

// silence is 20 ms of it as an Opus packet: one CELT frame of full band that is flagged silent.
var silence = [...]byte{0xF8, 0xFF, 0xFE}

// silences are Opus packets of silence, the longest first: RFC 6716 3.1 has full-band CELT frames of
// 20, 10, 5 and 2.5 ms as configurations 31 to 28.
var silences = [...]struct {
	length time.Duration
	packet [3]byte
}{
	{silenceLength, silence},
	{10 * time.Millisecond, [...]byte{0xF0, 0xFF, 0xFE}},
	{5 * time.Millisecond, [...]byte{0xE8, 0xFF, 0xFE}},
	{2500 * time.Microsecond, [...]byte{0xE0, 0xFF, 0xFE}},
}

// silencePacket returns the packet of silence of one of the lengths.
func silencePacket(length time.Duration) []byte {
	for i := range silences {
		if silences[i].length == length {
			return silences[i].packet[:]
		}
	}
	return silence[:]
}

// silenceFor returns the length of the next made-up packet, 0 for none: a hole of [silenceLength] or more
// is filled to less than 2.5 ms, so that the sound behind it is heard no earlier than that.
func (s *spot) silenceFor(hole time.Duration) time.Duration {
	if hole > longestSilence || hole < silenceLength && !s.filling {
		return 0
	}
	for i := range silences {
		if hole >= silences[i].length {
			return silences[i].length
		}
	}
	return 0
}

// at returns the block at the spot, recorded or made up, moving on to the next segment at the end of
// one.
func (r *reel) at(s *spot) (BlockRef, bool) {
	t := r.track
	for s.segment < len(t.segments) {
		blocks := r.unpacked(s.segment).Blocks
		if s.block >= len(blocks) {
			if s.segment++; s.segment < len(t.segments) {
				s.block = t.first[s.segment]
			}
			continue
		}
		b := blocks[s.block]
		if t.kind == KindVideo || s.sound == noSound {
			return b, true
		}
		hole := b.Time - s.sound
		length := s.silenceFor(hole)
		switch {
		case length > 0:
			at := max(s.sound.Truncate(time.Millisecond), s.last)
			return BlockRef{Chunk: silenceChunk, Size: len(silence), Time: at, Key: true, Duration: length}, true
		case hole < -soundLate:
			s.block++
		default:
			return b, true
		}
	}
	return BlockRef{}, false
}

// pass moves the spot behind the block that at returned.
func (s *spot) pass(b BlockRef) {
	s.filling = b.Chunk == silenceChunk
	if !s.filling {
		s.block++
	}
	switch {
	case b.Duration == 0:
		s.sound = noSound
	case s.sound == noSound || b.Time-s.sound > longestSilence:
		s.sound = b.Time + b.Duration
	default:
		s.sound += b.Duration
	}
	s.last = b.Time
}
