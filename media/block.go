package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// ErrDamaged says that stored bytes are not what this package wrote.
var ErrDamaged = errors.New("damaged recording")

// Track numbers in blocks and in the played file.
const (
	audioTrack = 1
	videoTrack = 2
)

// Matroska's SimpleBlock (RFC 9559 10.2): id, size, track number, time relative to what holds it, flags.
const (
	simpleBlockID = 0xA3
	blockFixed    = 4    // track number, 16-bit time, flags
	keyFlag       = 0x80 // RFC 9559 10.2, bit 0
)

// maxRelative is the longest time a block can be behind what holds it: 16 bits with a sign, in ms.
const maxRelative = 32767 * time.Millisecond

// maxMediaTime bounds media times in what is read back, so that no sum can overflow.
const maxMediaTime = 31 * 24 * time.Hour

func trackNumber(kind Kind) byte {
	if kind == KindAudio {
		return audioTrack
	}
	return videoTrack
}

// sizeLength returns how many octets the shortest EBML size takes (RFC 8794 4.3). All ones is reserved.
func sizeLength(size int) int {
	n := 1
	for size >= 1<<(7*n)-1 {
		n++
	}
	return n
}

// appendSize appends an EBML size in n octets; it must fit.
func appendSize(b []byte, size uint64, n int) []byte {
	size |= 1 << (7 * n)
	for i := n - 1; i >= 0; i-- {
		b = append(b, byte(size>>(8*i))) // one octet of it is what is meant
	}
	return b
}

// blockSize returns the size of a whole SimpleBlock around a payload of that size.
func blockSize(payload int) int { return 1 + sizeLength(blockFixed+payload) + blockFixed + payload }

// appendBlockHead appends everything of a SimpleBlock that precedes its payload. The time must be within
// 0 and maxRelative.
func appendBlockHead(b []byte, track byte, relative time.Duration, key bool, payload int) []byte {
	size := blockFixed + payload
	b = append(b, simpleBlockID)
	b = appendSize(b, uint64(size), sizeLength(size))                       // never negative
	b = append(b, 0x80|track)                                               // an EBML number of one octet
	b = binary.BigEndian.AppendUint16(b, uint16(relative/time.Millisecond)) // bounded by maxRelative
	if key {
		return append(b, keyFlag)
	}
	return append(b, 0)
}

// parseBlock reads the SimpleBlock at the offset and returns where the next one begins.
func parseBlock(plain []byte, offset int) (track byte, ref BlockRef, next int, err error) {
	bad := func(what string) (byte, BlockRef, int, error) {
		return 0, BlockRef{}, 0, fmt.Errorf("%w: block at %d: %s", ErrDamaged, offset, what)
	}
	rest := plain[offset:]
	if len(rest) < 2 || rest[0] != simpleBlockID {
		return bad("no SimpleBlock")
	}
	n := 1
	for n <= 4 && rest[1]&(0x80>>(n-1)) == 0 {
		n++
	}
	if n > 4 || len(rest) < 1+n {
		return bad("size is cut or too long")
	}
	size := int(rest[1]) & (0xff >> n)
	for _, octet := range rest[2 : 1+n] {
		size = size<<8 | int(octet)
	}
	body := rest[1+n:]
	if size <= blockFixed || size > len(body) {
		return bad("size does not fit")
	}
	if body[0]&0x80 == 0 {
		return bad("track number is not ours")
	}
	relative, flags := binary.BigEndian.Uint16(body[1:]), body[3]
	if relative > uint16(maxRelative/time.Millisecond) || flags&^keyFlag != 0 {
		return bad("time or flags are not ours")
	}
	next = offset + 1 + n + size
	return body[0] &^ 0x80, BlockRef{
		Offset: next - size + blockFixed,
		Size:   size - blockFixed,
		Time:   time.Duration(relative) * time.Millisecond,
		Key:    flags&keyFlag != 0,
	}, next, nil
}
