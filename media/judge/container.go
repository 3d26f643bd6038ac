package judge

import (
	"encoding/binary"
	"os"
	"testing"
	"time"
)

// readIVF reads frames as ffmpeg writes them: a 32-byte header, then size, time and payload of each.
func readIVF(tb testing.TB, path, codec string) []Frame {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	rate := int64(binary.LittleEndian.Uint32(b[16:]))
	scale := int64(binary.LittleEndian.Uint32(b[20:]))
	var frames []Frame
	for b = b[32:]; len(b) > 0; {
		size := binary.LittleEndian.Uint32(b)
		pts := int64(binary.LittleEndian.Uint64(b[4:]))
		f := Frame{Time: time.Duration(pts * int64(time.Second) * scale / rate), Payload: b[12 : 12+size : 12+size]}
		if codec == "vp8" {
			f.Key = f.Payload[0]&1 == 0 // RFC 6386 9.1
		} else {
			f.Key = f.Payload[0]&0x04 == 0 // profile 0: marker 10, profile 00, not shown, key
		}
		frames = append(frames, f)
		b = b[12+size:]
	}
	return frames
}

// readOgg reads packets of 20 ms from their pages (RFC 3533).
func readOgg(tb testing.TB, path string) []Frame {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var frames []Frame
	var packet []byte
	for packets := 0; len(b) > 0; {
		lacing := b[27 : 27+int(b[26])]
		b = b[27+len(lacing):]
		for _, n := range lacing {
			packet = append(packet, b[:n]...)
			b = b[n:]
			if n == 255 {
				continue
			}
			if packets++; packets > 2 { // OpusHead and OpusTags come first
				frames = append(frames, Frame{
					Time:     time.Duration(len(frames)) * 20 * time.Millisecond,
					Duration: 20 * time.Millisecond, Key: true, Payload: packet,
				})
			}
			packet = nil
		}
	}
	return frames
}
