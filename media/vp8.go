package media

import "time"

// vp8Depacketizer follows RFC 7741.
type vp8Depacketizer struct {
	assembler
}

func (d *vp8Depacketizer) push(p packet, arrival time.Time, out frameSink) bool {
	if len(p.payload) == 0 { // padding only: no part of any frame, and never its end
		return true
	}
	start, payload, ok := vp8Payload(p.payload)
	if !ok {
		d.lost()
		return false
	}
	d.endBefore(p.time, out)
	if start && (!d.open || d.frame.time != p.time) {
		f := encodedFrame{time: p.time, arrival: arrival}
		if f.key = payload[0]&1 == 0; f.key {
			if f.width, f.height, ok = vp8KeyFrameSize(payload); !ok {
				d.lost()
				return false
			}
		}
		d.begin(f)
	}
	if !d.add(payload) {
		return false
	}
	if p.marker {
		d.end(out)
	}
	return true
}

func (d *vp8Depacketizer) keyStart(p packet) bool {
	start, payload, ok := vp8Payload(p.payload)
	return ok && start && payload[0]&1 == 0
}

// vp8Payload splits off the payload descriptor (RFC 7741 4.2). Start is set in the packet that begins a
// frame: start of partition, partition 0. What follows the descriptor is never empty.
func vp8Payload(b []byte) (start bool, payload []byte, ok bool) {
	if len(b) == 0 {
		return false, nil, false
	}
	start = b[0]&0x10 != 0 && b[0]&0x0f == 0
	size := 1
	if b[0]&0x80 != 0 { // X
		if len(b) < 2 {
			return false, nil, false
		}
		flags := b[1]
		size++
		if flags&0x80 != 0 { // I: picture id, of one or two octets
			if len(b) <= size {
				return false, nil, false
			}
			size += 1 + int(b[size]>>7)
		}
		if flags&0x40 != 0 { // L
			size++
		}
		if flags&0x30 != 0 { // T or K
			size++
		}
	}
	if len(b) <= size {
		return false, nil, false
	}
	return start, b[size:], true
}

// vp8KeyFrameSize reads the picture's size from the uncompressed header (RFC 6386 9.1). The two highest
// bits of each number ask a player to scale up and are no part of the size.
func vp8KeyFrameSize(payload []byte) (width, height int, ok bool) {
	if len(payload) < 10 || payload[3] != 0x9d || payload[4] != 0x01 || payload[5] != 0x2a {
		return 0, 0, false
	}
	width = int(payload[6]) | int(payload[7]&0x3f)<<8
	height = int(payload[8]) | int(payload[9]&0x3f)<<8
	return width, height, width > 0 && height > 0
}
