package signaling

import (
	"bytes"
	"encoding/binary"
)

const (
	// A record of DTLS (RFC 6347, 4.1): type, version, epoch, sequence number, length.
	recordHeader       = 13 // bytes
	recordChangeCipher = 20
	recordHandshake    = 22
	// A part of a message of the handshake (RFC 6347, 4.2.2): type, length, number, offset, length of the part.
	fragmentHeader = 12 // bytes
)

// harmlessRecords leaves of a datagram the records that DTLS should see, and writes over it. Those of epoch 0
// are in plain text, so that anybody can write them together with the peer's address.
func harmlessRecords(b []byte, agreed bool) []byte {
	kept, rest := 0, b
	for len(rest) >= recordHeader {
		size := recordHeader + int(binary.BigEndian.Uint16(rest[11:]))
		if size > len(rest) {
			break
		}
		if isHarmless(rest[:size], agreed) {
			kept += copy(b[kept:], rest[:size])
		}
		rest = rest[size:]
	}
	return b[:kept]
}

// isHarmless: before the handshake is done everything is taken whose form is right. After it an alert in plain
// text would end the connection, and data in plain text are answered by one that does. Only a handshake may
// come again, from a client that missed our last flight, and is answered by that flight; its encrypted end is
// not needed for it, and as its form cannot be seen it is not taken.
func isHarmless(record []byte, agreed bool) bool {
	epoch, body := binary.BigEndian.Uint16(record[3:]), record[recordHeader:]
	switch {
	case epoch == 0 && record[0] == recordHandshake:
		return areFragments(body)
	case !agreed:
		return true
	case epoch == 0:
		return record[0] == recordChangeCipher && bytes.Equal(body, []byte{1})
	default:
		return epoch == 1 && record[0] != recordHandshake
	}
}

// areFragments: each part of a message must lie within it and have something of it. Pion puts others together
// as well, and before its 3.1.15 one of no bytes, but not at the beginning, ended the program.
func areFragments(b []byte) bool {
	for len(b) > 0 {
		if len(b) < fragmentHeader {
			return false
		}
		length, offset, size := uint24(b[1:]), uint24(b[6:]), uint24(b[9:])
		if size > len(b)-fragmentHeader || offset+size > length || size == 0 && length > 0 {
			return false
		}
		b = b[fragmentHeader+size:]
	}
	return true
}

func uint24(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }
