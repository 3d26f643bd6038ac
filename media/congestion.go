package media

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtcp"
)

const (
	// arrivalRing is how many transport sequence numbers one feedback can cover: about five seconds
	// of a candidate's packets, where feedback is sent ten times a second.
	arrivalRing = 1024
	// arrivalBack is how far back a late packet makes the next feedback begin; what is older is of no
	// use to the sender's estimate.
	arrivalBack = 256
	deltaUnit   = rtcp.TypeTCCDeltaScaleFactor * time.Microsecond
	// referenceUnit is the unit of a feedback's reference time.
	referenceUnit = 64 * time.Millisecond
	maxRunLength  = 1<<13 - 1
)

// Arrivals collects when packets arrived by their transport-wide sequence numbers and turns them into
// feedback for the sender's congestion control (draft-holmer-rmcat-transport-wide-cc-extensions-01).
// There is one for each peer connection, because the numbers run through all of its tracks. It is safe
// for concurrent use.
type Arrivals struct {
	mu       sync.Mutex
	sender   uint32 // our SSRC
	epoch    time.Time
	started  bool
	next     int64 // first number that the next feedback covers
	highest  int64
	at       [arrivalRing]int64 // in deltaUnits since epoch; 0: not arrived
	feedback uint8              // feedback packets made so far
	symbols  []uint16
}

// NewArrivals returns an empty collection for feedback sent under the given SSRC.
func NewArrivals(senderSSRC uint32) *Arrivals { return &Arrivals{sender: senderSSRC} }

// Add notes that the packet with the transport-wide sequence number arrived.
func (a *Arrivals) Add(sequence uint16, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.started {
		a.started = true
		// A time before the first packet's, so that an earlier one still has a positive time.
		a.epoch = at.Add(-time.Minute)
		a.highest = firstCycle + int64(sequence) - 1
		a.next = a.highest + 1
	}
	extended := a.highest + int64(int16(sequence-uint16(a.highest))) // wraps on purpose
	switch {
	case extended > a.highest:
		a.forget(extended)
		a.highest = extended
	case a.highest-extended >= arrivalBack:
		return
	}
	if extended-a.next >= arrivalRing || extended < a.next {
		a.next = extended
	}
	if slot := &a.at[extended%arrivalRing]; *slot == 0 {
		*slot = max(int64(at.Sub(a.epoch)/deltaUnit), 1)
	}
}

// forget empties the slots between the highest number and the new one; they held older numbers.
func (a *Arrivals) forget(extended int64) {
	if extended-a.highest >= arrivalRing {
		a.at = [arrivalRing]int64{}
		a.next = extended
		return
	}
	for s := a.highest + 1; s <= extended; s++ {
		a.at[s%arrivalRing] = 0
	}
	a.next = max(a.next, extended-arrivalRing+1)
}

// Feedback returns packets about everything that arrived since the last call; none if nothing did.
func (a *Arrivals) Feedback(mediaSSRC uint32) []rtcp.Packet {
	a.mu.Lock()
	defer a.mu.Unlock()
	var packets []rtcp.Packet
	for a.started && a.next <= a.highest {
		packets = append(packets, a.build(mediaSSRC))
	}
	return packets
}

// build makes one packet from next on. It ends early where a delta does not fit: the following packet
// then begins with a reference time of its own.
func (a *Arrivals) build(mediaSSRC uint32) *rtcp.TransportLayerCC {
	base := a.next
	first := base
	for a.at[first%arrivalRing] == 0 { // highest has arrived, so this ends
		first++
	}
	unit := int64(referenceUnit / deltaUnit)
	reference := a.at[first%arrivalRing] / unit
	deltas := make([]rtcp.RecvDelta, 0, a.highest-base+1)
	a.symbols = a.symbols[:0]
	last, s, end := reference*unit, base, base
	for ; s <= a.highest; s++ {
		at := a.at[s%arrivalRing]
		if at == 0 {
			a.symbols = append(a.symbols, rtcp.TypeTCCPacketNotReceived)
			continue
		}
		delta := at - last
		if delta < math.MinInt16 || delta > math.MaxInt16 {
			break
		}
		symbol := rtcp.TypeTCCPacketReceivedSmallDelta
		if delta < 0 || delta > math.MaxUint8 {
			symbol = rtcp.TypeTCCPacketReceivedLargeDelta
		}
		a.symbols = append(a.symbols, symbol)
		deltas = append(deltas, rtcp.RecvDelta{Type: symbol, Delta: delta * rtcp.TypeTCCDeltaScaleFactor})
		last, end = at, s+1
	}
	a.next = end
	a.symbols = a.symbols[:end-base] // a packet ends with one that arrived
	return a.assemble(mediaSSRC, base, reference, deltas)
}

func (a *Arrivals) assemble(mediaSSRC uint32, base, reference int64, deltas []rtcp.RecvDelta) *rtcp.TransportLayerCC {
	p := &rtcp.TransportLayerCC{
		SenderSSRC:         a.sender,
		MediaSSRC:          mediaSSRC,
		BaseSequenceNumber: uint16(base),                    // wraps on purpose
		PacketStatusCount:  uint16(len(a.symbols)),          // at most arrivalRing
		ReferenceTime:      uint32(reference & (1<<24 - 1)), // 24 bits, wraps on purpose
		FbPktCount:         a.feedback,
		PacketChunks:       statusChunks(a.symbols),
		RecvDeltas:         make([]*rtcp.RecvDelta, len(deltas)),
	}
	a.feedback++
	size := 20 + 2*len(p.PacketChunks)
	for i := range deltas {
		p.RecvDeltas[i] = &deltas[i]
		size += int(deltas[i].Type) // a small delta takes one octet, a large one two
	}
	p.Header = rtcp.Header{
		Padding: size%4 != 0,
		Count:   rtcp.FormatTCC,
		Type:    rtcp.TypeTransportSpecificFeedback,
		Length:  uint16((size+3)/4 - 1), // bounded by arrivalRing
	}
	return p
}

// statusChunks packs symbols: a run where fourteen or more are alike, else vectors of fourteen one-bit
// or seven two-bit symbols.
func statusChunks(symbols []uint16) []rtcp.PacketStatusChunk {
	chunks := make([]rtcp.PacketStatusChunk, 0, len(symbols)/14+2)
	for len(symbols) > 0 {
		run := 1
		for run < len(symbols) && run < maxRunLength && symbols[run] == symbols[0] {
			run++
		}
		if run >= 14 || run == len(symbols) {
			chunks = append(chunks, &rtcp.RunLengthChunk{
				Type: rtcp.TypeTCCRunLengthChunk, PacketStatusSymbol: symbols[0], RunLength: uint16(run), // at most maxRunLength
			})
			symbols = symbols[run:]
			continue
		}
		var chunk *rtcp.StatusVectorChunk
		chunk, symbols = statusVector(symbols)
		chunks = append(chunks, chunk)
	}
	return chunks
}

func statusVector(symbols []uint16) (*rtcp.StatusVectorChunk, []uint16) {
	size, width := uint16(rtcp.TypeTCCSymbolSizeOneBit), 14
	if slices.Contains(symbols[:min(width, len(symbols))], rtcp.TypeTCCPacketReceivedLargeDelta) {
		size, width = rtcp.TypeTCCSymbolSizeTwoBit, 7
	}
	list := make([]uint16, width) // what is past the end reads as not received
	n := copy(list, symbols)
	return &rtcp.StatusVectorChunk{Type: rtcp.TypeTCCStatusVectorChunk, SymbolSize: size, SymbolList: list}, symbols[n:]
}
