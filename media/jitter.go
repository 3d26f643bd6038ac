package media

import "time"

// openingWait is how long the first packets are held, so that one which overtook the others at the very
// beginning does not cost them: without its first packet the first key frame is lost. missedWait is how
// long they are held if they do not begin with a key frame: what came before them may have been lost, and
// is asked for.
const (
	openingWait = 100 * time.Millisecond
	missedWait  = 500 * time.Millisecond
)

// How long and how much a jitter buffer holds. The wait is the recording's loss bound under loss, and
// as long as a missing packet is asked for. The counts are more than two seconds of the largest stream
// a candidate sends (about 400 packets a second for video, 50 for audio); the bytes bound what a
// hostile sender can make us hold.
const (
	jitterWait         = 2 * time.Second
	audioJitterPackets = 256
	videoJitterPackets = 1024
	audioJitterBytes   = 256 << 10
	videoJitterBytes   = 2 << 20
	// spareBuffers is how many empty packet buffers are kept for reuse, each of at most spareSize.
	spareBuffers = 64
	spareSize    = 2048
)

// jitterSink takes what a jitter buffer lets go, in order.
type jitterSink interface {
	// released takes the next packet; it is borrowed.
	released(p packet, arrival time.Time)
	// missed says that the count packets before the next one will never come.
	missed(count int64)
}

// heldPacket is a packet that waits for an earlier one. Sequence 0 marks an empty slot.
type heldPacket struct {
	sequence int64
	packet   packet
	arrival  time.Time
}

// jitterBuffer puts the packets of one track in order. A packet in its turn passes without a copy; the
// ones behind a hole are copied and wait for it.
type jitterBuffer struct {
	sink     jitterSink
	capacity int // power of two
	maxBytes int

	started  bool
	opening  bool         // nothing was let go yet, so next may still fall
	next     int64        // the sequence number to let go next
	slots    []heldPacket // made when the first packet has to wait
	last     int64        // the highest sequence number ever held
	held     int
	bytes    int
	deadline time.Time // when the hole at next is given up, or opening ends; meaningful while held > 0
	spare    [][]byte
}

func newJitterBuffer(kind Kind, sink jitterSink) *jitterBuffer {
	if kind == KindAudio {
		return &jitterBuffer{sink: sink, capacity: audioJitterPackets, maxBytes: audioJitterBytes}
	}
	return &jitterBuffer{sink: sink, capacity: videoJitterPackets, maxBytes: videoJitterBytes}
}

// push takes a packet that was not seen before. It reports false for one that came after its turn.
func (j *jitterBuffer) push(sequence int64, p packet, arrival time.Time) bool {
	if !j.started {
		j.started, j.opening = true, true
		j.next = sequence
		j.keep(sequence, p, arrival)
		j.deadline = arrival.Add(openingWait)
		return true
	}
	if j.opening && sequence < j.next && j.last-sequence < int64(j.capacity) {
		j.next = sequence
	}
	if sequence < j.next {
		return false
	}
	if sequence >= j.next+int64(j.capacity) {
		j.open()
		j.skipTo(sequence - int64(j.capacity) + 1)
		j.drain()
	}
	if sequence == j.next && !j.opening {
		j.next++
		j.sink.released(p, arrival)
		j.drain()
		return true
	}
	j.keep(sequence, p, arrival)
	for j.bytes > j.maxBytes {
		j.skipHole()
	}
	return true
}

// waits reports whether nothing has been let go yet.
func (j *jitterBuffer) waits() bool { return !j.started || j.opening }

// openAt sets when the opening ends.
func (j *jitterBuffer) openAt(at time.Time) {
	if j.opening {
		j.deadline = at
	}
}

// open ends the opening.
func (j *jitterBuffer) open() {
	if j.opening {
		j.opening = false
		j.drain()
	}
}

// expire gives up holes that have been waited for long enough.
func (j *jitterBuffer) expire(now time.Time) {
	if j.held > 0 && j.opening && !now.Before(j.deadline) {
		j.open()
	}
	for j.held > 0 && !now.Before(j.deadline) {
		j.skipHole()
	}
}

// flush lets go of everything: nothing more will come.
func (j *jitterBuffer) flush() {
	j.open()
	for j.held > 0 {
		j.skipHole()
	}
}

func (j *jitterBuffer) slot(sequence int64) *heldPacket {
	return &j.slots[sequence&int64(j.capacity-1)]
}

func (j *jitterBuffer) keep(sequence int64, p packet, arrival time.Time) {
	if j.slots == nil {
		j.slots = make([]heldPacket, j.capacity)
	}
	var buffer []byte
	if n := len(j.spare); n > 0 {
		buffer, j.spare = j.spare[n-1], j.spare[:n-1]
	} else {
		buffer = make([]byte, 0, max(len(p.payload), spareSize))
	}
	p.payload = append(buffer[:0], p.payload...)
	*j.slot(sequence) = heldPacket{sequence: sequence, packet: p, arrival: arrival}
	j.bytes += len(p.payload)
	j.last = max(j.last, sequence)
	if j.held++; j.held == 1 {
		j.deadline = arrival.Add(jitterWait)
	}
}

// drain lets packets go up to the next hole.
func (j *jitterBuffer) drain() {
	if j.held == 0 {
		return
	}
	for j.held > 0 && j.slot(j.next).sequence == j.next {
		j.release(j.slot(j.next))
	}
	j.setDeadline()
}

func (j *jitterBuffer) release(s *heldPacket) {
	p, arrival := s.packet, s.arrival
	*s = heldPacket{}
	j.held--
	j.bytes -= len(p.payload)
	j.next++
	j.sink.released(p, arrival)
	if cap(p.payload) <= spareSize && len(j.spare) < spareBuffers {
		j.spare = append(j.spare, p.payload)
	}
}

// skipHole gives up the hole at next; something is held behind it.
func (j *jitterBuffer) skipHole() {
	j.open()
	if j.held == 0 {
		return
	}
	j.skipTo(j.firstHeld())
	j.drain()
}

// skipTo gives up everything missing before the sequence number and lets go what was held before it.
func (j *jitterBuffer) skipTo(sequence int64) {
	for j.held > 0 && j.next < sequence {
		if s := j.slot(j.next); s.sequence == j.next {
			j.release(s)
			continue
		}
		to := min(j.firstHeld(), sequence)
		missing := to - j.next
		j.next = to
		j.sink.missed(missing)
	}
	if j.next < sequence {
		missing := sequence - j.next
		j.next = sequence
		j.sink.missed(missing)
	}
}

// firstHeld returns the lowest sequence number held; something is held.
func (j *jitterBuffer) firstHeld() int64 {
	s := j.next
	for j.slot(s).sequence != s {
		s++
	}
	return s
}

// setDeadline starts the wait for the hole at next from the arrival of the first packet behind it.
func (j *jitterBuffer) setDeadline() {
	if j.held > 0 {
		j.deadline = j.slot(j.firstHeld()).arrival.Add(jitterWait)
	}
}
