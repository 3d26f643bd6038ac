package signaling

import (
	"bytes"
	"encoding/binary"
)

// protocol is one of those that share a port.
type protocol int

const (
	kindOther protocol = iota
	kindSTUN
	kindDTLS
	kindMedia // SRTP and SRTCP
)

// kindOf: RFC 7983, 7.
func kindOf(b []byte) protocol {
	switch {
	case len(b) == 0:
		return kindOther
	case b[0] <= 3:
		return kindSTUN
	case b[0] >= 20 && b[0] <= 63:
		return kindDTLS
	case b[0] >= 128 && b[0] <= 191:
		return kindMedia
	default:
		return kindOther
	}
}

// stunUserName returns the first part of the user name in a STUN message, which is that of the side that it
// is sent to (RFC 8445, 7.2.2); false if there is none.
func stunUserName(b []byte) ([]byte, bool) {
	const (
		head     = 20
		cookie   = 0x2112a442
		userName = 0x0006
	)
	if len(b) < head || binary.BigEndian.Uint32(b[4:]) != cookie {
		return nil, false
	}
	rest := b[head:min(len(b), head+int(binary.BigEndian.Uint16(b[2:])))]
	for len(rest) >= 4 {
		kind, size := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		rest = rest[4:]
		if size > len(rest) {
			return nil, false
		}
		if kind == userName {
			ours, _, _ := bytes.Cut(rest[:size], []byte(":"))
			return ours, true
		}
		rest = rest[min(len(rest), (size+3)&^3):] // RFC 8489, 14: padded to four bytes
	}
	return nil, false
}
