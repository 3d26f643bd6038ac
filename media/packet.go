package media

import (
	"encoding/binary"
	"errors"
)

// rtpTime is an RTP timestamp: ticks of the codec's clock from a random start, wrapping at 2^32.
type rtpTime uint32

// packet is one RTP packet without header extensions and padding. The payload is borrowed.
type packet struct {
	sequence    uint16
	time        rtpTime
	ssrc        uint32
	payloadType uint8
	marker      bool
	payload     []byte // empty in a packet that is padding only
	foreign     bool   // of a codec that the track is not: as good as lost
}

// maxPacket bounds one packet; WebRTC keeps to 1200 or so, and a datagram cannot be larger.
const maxPacket = 65535

var errMalformed = errors.New("malformed packet")

// parsePacket reads an RTP packet (RFC 3550 5.1). It allocates nothing.
func parsePacket(b []byte) (packet, error) {
	start, end, err := payloadBounds(b)
	if err != nil {
		return packet{}, err
	}
	return packet{
		sequence:    binary.BigEndian.Uint16(b[2:]),
		time:        rtpTime(binary.BigEndian.Uint32(b[4:])),
		ssrc:        binary.BigEndian.Uint32(b[8:]),
		payloadType: b[1] & 0x7f,
		marker:      b[1]&0x80 != 0,
		payload:     b[start:end],
	}, nil
}

func payloadBounds(b []byte) (start, end int, err error) {
	extension, start, err := extensionBounds(b)
	if err != nil {
		return 0, 0, err
	}
	start += len(extension)
	end = len(b)
	if b[0]&0x20 != 0 { // padding: the last octet counts all of it, itself included
		padding := int(b[end-1])
		if padding == 0 || start+padding > end {
			return 0, 0, errMalformed
		}
		end -= padding
	}
	return start, end, nil
}

// extensionBounds returns the header extension's content and where it starts.
func extensionBounds(b []byte) (extension []byte, start int, err error) {
	if len(b) < 12 || len(b) > maxPacket || b[0]>>6 != 2 {
		return nil, 0, errMalformed
	}
	start = 12 + 4*int(b[0]&0x0f)
	if start > len(b) {
		return nil, 0, errMalformed
	}
	if b[0]&0x10 == 0 {
		return nil, start, nil
	}
	if start+4 > len(b) {
		return nil, 0, errMalformed
	}
	size := 4 * int(binary.BigEndian.Uint16(b[start+2:]))
	start += 4
	if start+size > len(b) {
		return nil, 0, errMalformed
	}
	return b[start : start+size], start, nil
}

// TransportSequence returns the transport-wide sequence number that a whole RTP packet carries in
// the header extension negotiated as id, for [Arrivals.Add].
func TransportSequence(b []byte, id uint8) (uint16, bool) {
	element, ok := HeaderExtension(b, id)
	if !ok || len(element) < 2 {
		return 0, false
	}
	return binary.BigEndian.Uint16(element), true
}

// HeaderExtension returns what a whole RTP packet carries in the header extension negotiated as id. It is
// part of the packet, and allocates nothing.
func HeaderExtension(b []byte, id uint8) ([]byte, bool) {
	extension, start, err := extensionBounds(b)
	if err != nil || len(extension) == 0 {
		return nil, false
	}
	// RFC 8285 4.2 and 4.3: the two forms differ in how an element's id and length are written.
	long := binary.BigEndian.Uint16(b[start-4:])&0xfff0 == 0x1000
	if !long && binary.BigEndian.Uint16(b[start-4:]) != 0xbede {
		return nil, false
	}
	for i := 0; i < len(extension); {
		if extension[i] == 0 { // padding between elements
			i++
			continue
		}
		element, size := extension[i]>>4, int(extension[i]&0x0f)+1
		i++
		if long {
			if i >= len(extension) {
				return nil, false
			}
			element, size = extension[i-1], int(extension[i])
			i++
		} else if element == 15 {
			return nil, false
		}
		if i+size > len(extension) {
			return nil, false
		}
		if element == id {
			return extension[i : i+size], true
		}
		i += size
	}
	return nil, false
}

// UnwrapRepair turns a retransmission (RFC 4588 4) into the packet of the given SSRC and payload type that
// was lost, in place. It reports false for one that repairs nothing: a probe of the bandwidth, which is
// padding only.
func UnwrapRepair(b []byte, ssrc uint32, payloadType uint8) ([]byte, bool) {
	start, end, err := payloadBounds(b)
	if err != nil || end-start < 2 {
		return nil, false
	}
	original := binary.BigEndian.Uint16(b[start:])
	copy(b[2:start+2], b[:start]) // over the number in front of the payload: less to move than the payload
	b = b[2:]
	b[1] = b[1]&0x80 | payloadType
	binary.BigEndian.PutUint16(b[2:], original)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	return b, true
}
