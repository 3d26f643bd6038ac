package media

import (
	"time"

	"github.com/pion/rtcp"
)

const (
	// seenPackets is how far back a duplicate is recognised; an older packet is stale.
	seenPackets = 1024
	// staleRun is how many stale packets in a row, with no good one between, mean that the sender
	// began a new sequence.
	staleRun = 3
	// firstCycle keeps extended sequence numbers above zero when the first packets are reordered.
	firstCycle = 1 << 16
	// reportInterval is how often a reception report is due.
	reportInterval = time.Second
)

// receiver follows the sequence numbers of one SSRC (RFC 3550 6.4.1 and appendix A).
type receiver struct {
	ssrc uint32
	rate int64 // RTP ticks per second

	started        bool
	first, highest int64 // extended sequence numbers
	seen           [seenPackets / 64]uint64
	received       uint64 // without duplicates
	duplicates     uint64
	staleCount     int
	staleNext      uint16

	missing   missingList
	repaired  uint64
	roundTrip time.Duration // from a request to its answer, smoothed; 0 until one was answered
	overrun   bool          // a hole was too large to ask for

	epoch       time.Time // of arrival ticks
	lastTransit int64
	jitter      int64 // RFC 3550 A.8: scaled by 16

	lastReport       uint32 // middle 32 bits of the last sender report's NTP time
	lastReportAt     time.Time
	reportDue        time.Time
	expectedAtReport int64
	receivedAtReport uint64
}

// note takes the next packet in the order of arrival. It returns the extended sequence number, and
// false for a duplicate or a stale packet.
func (r *receiver) note(sequence uint16, t rtpTime, at time.Time) (int64, bool) {
	if !r.started {
		r.start(sequence, at)
	}
	extended := r.highest + int64(int16(sequence-uint16(r.highest))) // wraps on purpose
	if r.highest-extended >= seenPackets {
		if !r.restarted(sequence) {
			return 0, false
		}
		extended = r.skipCycle(sequence)
	}
	r.staleCount = 0
	if extended > r.highest {
		r.advance(extended, at)
		r.noteJitter(t, at)
	} else if r.wasSeen(extended) {
		r.duplicates++
		return extended, false
	} else if hole, ok := r.missing.fill(extended); ok && hole.tries > 0 {
		r.noteRepair(hole, at)
	}
	r.seen[extended%seenPackets/64] |= 1 << (extended % 64)
	r.received++
	return extended, true
}

func (r *receiver) start(sequence uint16, at time.Time) {
	r.started = true
	r.first = firstCycle + int64(sequence)
	r.highest = r.first - 1
	r.epoch = at
	r.reportDue = at.Add(reportInterval)
}

// restarted counts stale packets that follow each other.
func (r *receiver) restarted(sequence uint16) bool {
	if r.staleCount == 0 || sequence != r.staleNext {
		r.staleCount = 0
	}
	r.staleCount++
	r.staleNext = sequence + 1
	if r.staleCount < staleRun {
		r.duplicates++
		return false
	}
	return true
}

// skipCycle goes on with a new sequence in the next cycle, so that extended numbers only rise and the
// jump does not count as loss.
func (r *receiver) skipCycle(sequence uint16) int64 {
	extended := r.highest&^0xffff + firstCycle + int64(sequence)
	r.first += extended - 1 - r.highest
	r.highest = extended - 1
	r.seen = [seenPackets / 64]uint64{}
	r.missing.holes = r.missing.holes[:0]
	r.overrun = true
	return extended
}

func (r *receiver) advance(extended int64, at time.Time) {
	if extended-r.highest >= seenPackets {
		r.seen = [seenPackets / 64]uint64{}
	} else {
		for s := r.highest + 1; s < extended; s++ {
			r.seen[s%seenPackets/64] &^= 1 << (s % 64)
		}
	}
	if extended > r.highest+1 && !r.missing.add(r.highest+1, extended-1, at) {
		r.overrun = true
	}
	r.highest = extended
}

func (r *receiver) wasSeen(extended int64) bool {
	return r.seen[extended%seenPackets/64]&(1<<(extended%64)) != 0
}

// noteJitter follows RFC 3550 A.8. Packets out of order are left out: a repaired one says nothing
// about the network's jitter.
func (r *receiver) noteJitter(t rtpTime, at time.Time) {
	arrival := ticksIn(at.Sub(r.epoch), r.rate)
	transit := arrival - int64(t)
	if r.received > 0 {
		// The difference of two timestamps wraps, so it is taken modulo 2^32.
		difference := int64(int32(transit - r.lastTransit)) // wraps on purpose
		r.jitter += max(difference, -difference) - (r.jitter+8)>>4
	}
	r.lastTransit = transit
}

// noteRepair measures the round trip. After a second request nobody knows which one was answered; taking
// it for the first one makes the round trip seem longer, until it is long enough for one request to be
// answered before the next is due, and then it is measured right.
func (r *receiver) noteRepair(hole missingPacket, at time.Time) {
	r.repaired++
	asked := hole.since.Add(nackDelay)
	if hole.tries == 1 {
		asked = hole.next.Add(-max(nackInterval, r.roundTrip+r.roundTrip/2))
	}
	took := at.Sub(asked)
	if took <= 0 || took > nackLife {
		return
	}
	if r.roundTrip == 0 {
		r.roundTrip = took
		return
	}
	r.roundTrip += (took - r.roundTrip) / 8
}

func (r *receiver) senderReport(ntp uint64, at time.Time) {
	r.lastReport = uint32(ntp >> 16) // the middle 32 bits are what is meant
	r.lastReportAt = at
}

// report fills a reception report block (RFC 3550 6.4.1) once a second.
func (r *receiver) report(now time.Time, block *rtcp.ReceptionReport) bool {
	if !r.started || now.Before(r.reportDue) {
		return false
	}
	r.reportDue = now.Add(reportInterval)
	expected := r.highest - r.first + 1
	lost := min(max(expected-int64(r.received), 0), 1<<23-1) // a count of packets
	*block = rtcp.ReceptionReport{
		SSRC:               r.ssrc,
		FractionLost:       r.fractionLost(expected),
		TotalLost:          uint32(lost),
		LastSequenceNumber: uint32(r.highest - firstCycle), // wraps on purpose
		Jitter:             uint32(r.jitter >> 4),          // a mean of 31-bit numbers
	}
	if !r.lastReportAt.IsZero() {
		block.LastSenderReport = r.lastReport
		delay := max(now.Sub(r.lastReportAt), 0)
		block.Delay = uint32(min(ticksIn(delay, 1<<16), 1<<32-1))
	}
	return true
}

func (r *receiver) fractionLost(expected int64) uint8 {
	expectedNow := expected - r.expectedAtReport
	receivedNow := int64(r.received - r.receivedAtReport) // a count of packets
	r.expectedAtReport, r.receivedAtReport = expected, r.received
	if expectedNow <= 0 || receivedNow >= expectedNow {
		return 0
	}
	return uint8(min((expectedNow-receivedNow)<<8/expectedNow, 255))
}

// ticksIn returns the whole ticks of a clock in d, without overflow for any session length.
func ticksIn(d time.Duration, rate int64) int64 {
	seconds, rest := d/time.Second, d%time.Second
	return int64(seconds)*rate + int64(rest)*rate/int64(time.Second)
}
