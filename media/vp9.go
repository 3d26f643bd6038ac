package media

import (
	"time"

	"github.com/pion/rtp/codecs/vp9"
)

// vp9Depacketizer follows RFC 9628. Of a stream with spatial layers, which Greenroom does not ask for,
// it takes the lowest, which decodes alone.
type vp9Depacketizer struct {
	assembler
}

func (d *vp9Depacketizer) push(p packet, arrival time.Time, out frameSink) bool {
	if len(p.payload) == 0 {
		return true
	}
	descriptor, payload, ok := vp9Payload(p.payload)
	if !ok {
		d.lost()
		return false
	}
	d.endBefore(p.time, out)
	if descriptor.spatial == 0 {
		if descriptor.begins && (!d.open || d.frame.time != p.time) {
			d.begin(vp9Frame(descriptor, payload, p.time, arrival))
		}
		if !d.add(payload) {
			return false
		}
	}
	if p.marker { // the last packet of the picture, whatever its layer
		d.end(out)
	}
	return true
}

func (d *vp9Depacketizer) keyStart(p packet) bool {
	descriptor, payload, ok := vp9Payload(p.payload)
	return ok && descriptor.begins && descriptor.spatial == 0 && vp9Frame(descriptor, payload, 0, time.Time{}).key
}

// vp9Frame reads the frame's own header: the descriptor's P bit also spares intra-only frames, which do
// not reset the decoder.
func vp9Frame(descriptor vp9Descriptor, payload []byte, t rtpTime, arrival time.Time) encodedFrame {
	f := encodedFrame{time: t, arrival: arrival}
	if descriptor.predicted {
		return f
	}
	var header vp9.Header
	if err := header.Unmarshal(payload); err != nil || header.NonKeyFrame || header.ShowExistingFrame {
		return f
	}
	f.key = true
	// One more than a 16-bit number: 65536 does not fit the library's own sum.
	f.width, f.height = int(header.FrameSize.FrameWidthMinus1)+1, int(header.FrameSize.FrameHeightMinus1)+1
	return f
}

// vp9Descriptor is what matters of a payload descriptor (RFC 9628 4.2).
type vp9Descriptor struct {
	predicted bool // P: leans on earlier pictures
	begins    bool // B: begins a layer's frame
	spatial   byte // SID
}

// vp9Payload splits off the payload descriptor. What follows it is never empty.
func vp9Payload(b []byte) (d vp9Descriptor, payload []byte, ok bool) {
	if len(b) == 0 {
		return d, nil, false
	}
	flags := b[0]
	d.predicted, d.begins = flags&0x40 != 0, flags&0x08 != 0
	flexible := flags&0x10 != 0
	rest := b[1:]
	if flags&0x80 != 0 { // I: picture id, of one or two octets
		if len(rest) == 0 {
			return d, nil, false
		}
		if rest, ok = cut(rest, 1+int(rest[0]>>7)); !ok {
			return d, nil, false
		}
	}
	if flags&0x20 != 0 { // L: layer indices
		if len(rest) == 0 {
			return d, nil, false
		}
		d.spatial = rest[0] >> 1 & 7
		size := 2
		if flexible {
			size = 1 // no TL0PICIDX
		}
		if rest, ok = cut(rest, size); !ok {
			return d, nil, false
		}
	}
	if flexible && d.predicted {
		if rest, ok = cutReferences(rest); !ok {
			return d, nil, false
		}
	}
	if flags&0x02 != 0 { // V: scalability structure
		if rest, ok = cutStructure(rest); !ok {
			return d, nil, false
		}
	}
	return d, rest, len(rest) > 0
}

func cut(b []byte, n int) ([]byte, bool) {
	if len(b) < n {
		return nil, false
	}
	return b[n:], true
}

// cutReferences skips up to three P_DIFF octets; the lowest bit says whether another follows.
func cutReferences(b []byte) ([]byte, bool) {
	for range 3 {
		if len(b) == 0 {
			return nil, false
		}
		more := b[0]&1 != 0
		b = b[1:]
		if !more {
			return b, true
		}
	}
	return nil, false
}

// cutStructure skips the scalability structure: sizes of the layers and a group of pictures.
func cutStructure(b []byte) (_ []byte, ok bool) {
	if len(b) == 0 {
		return nil, false
	}
	layers, sizes, group := int(b[0]>>5)+1, b[0]&0x10 != 0, b[0]&0x08 != 0
	b = b[1:]
	if sizes {
		if b, ok = cut(b, 4*layers); !ok {
			return nil, false
		}
	}
	if !group {
		return b, true
	}
	if len(b) == 0 {
		return nil, false
	}
	pictures := int(b[0])
	b = b[1:]
	for range pictures {
		if len(b) == 0 {
			return nil, false
		}
		if b, ok = cut(b, 1+int(b[0]>>2&3)); !ok {
			return nil, false
		}
	}
	return b, true
}
