package signaling

import (
	"sync/atomic"
	"time"
)

const (
	arrivalSlotBits = 15
	arrivalSlots    = 1 << arrivalSlotBits // a quarter of a second of a thousand sessions
	// arrivalUnitBits: times are kept in units of 2^14 ns, about 16 µs, which is finer than the 250 µs that
	// senders are told; 32 bits of them wrap after 19 hours.
	arrivalUnitBits = 14
	// arrivalAge is how old a kept time may be: longer than any packet waits between the kernel and the
	// intake, and short enough that a slot which was written by a packet long gone says nothing. The first
	// packets wait longest, for the end of the handshake: a flight of it that is lost is repeated after a
	// second.
	arrivalAge = 2 * time.Second
)

// arrivalTimes carries the kernel's time stamps past Pion, which has no place for them: from the socket's
// reader, which sees only the headers of encrypted packets, to the intake, which sees only what was
// decrypted. Both know SSRC and sequence number. Each slot is one word, so that it is whole at any time:
// half of it names the packet, half is the time. The zero value is ready, and safe for concurrent use.
//
// Whoever may send to the port can write times for packets of others, as headers are not encrypted. He
// gains nothing but that a packet counts as up to arrivalAge younger or older than it is.
type arrivalTimes struct {
	slots [arrivalSlots]atomic.Uint64
}

// place returns where a packet's time is kept and by which name, from the bits of a hash of both numbers.
func (a *arrivalTimes) place(ssrc uint32, sequence uint16) (slot *atomic.Uint64, name uint32) {
	hash := (uint64(ssrc)<<16 | uint64(sequence)) * 0x9e3779b97f4a7c15 // the golden ratio spreads neighbours
	return &a.slots[hash>>(64-arrivalSlotBits)], uint32(hash >> (32 - arrivalSlotBits))
}

// note keeps the time of the datagram if it looks like RTP.
func (a *arrivalTimes) note(b []byte, at time.Time) {
	const header = 12
	// RFC 7983 7 and RFC 5761 4: what is RTP, and not RTCP, by its first two octets.
	if len(b) < header || b[0]>>6 != 2 || b[1] >= 192 && b[1] < 224 {
		return
	}
	ssrc := uint32(b[8])<<24 | uint32(b[9])<<16 | uint32(b[10])<<8 | uint32(b[11])
	slot, name := a.place(ssrc, uint16(b[2])<<8|uint16(b[3]))
	slot.Store(uint64(name)<<32 | uint64(arrivalUnits(at)))
}

// of returns when the packet arrived, which is now if nothing better is known. The time has a monotonic
// reading.
func (a *arrivalTimes) of(ssrc uint32, sequence uint16) time.Time {
	now := time.Now()
	slot, name := a.place(ssrc, sequence)
	kept := slot.Load()
	if uint32(kept>>32) != name || kept == 0 {
		return now
	}
	age := time.Duration(arrivalUnits(now)-uint32(kept)) << arrivalUnitBits // the difference may wrap
	if age > arrivalAge {
		return now
	}
	return now.Add(-age)
}

func arrivalUnits(at time.Time) uint32 { return uint32(at.UnixNano() >> arrivalUnitBits) }
