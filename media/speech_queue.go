package media

import (
	"sync"
	"time"
)

// speechQueueSize is how many Opus packets may wait to be decoded: a minute. Decoding runs hundreds of
// times faster than speech and waits for no recogniser, so a full queue means that the machine stands
// still; then the oldest sound goes, because captions of what is being said now are worth more.
const speechQueueSize = 3000

// maxOpusPacket is the largest packet RFC 6716 3.4 allows to be sent in one 20 ms frame, and more than
// WebRTC ever sends; a larger one is not queued.
const maxOpusPacket = 1500

// heardPacket is one Opus packet on its way to the decoder.
type heardPacket struct {
	time     time.Duration
	duration time.Duration
	arrival  time.Time
	silent   bool
	payload  []byte
}

// speechQueue is a ring of packets whose buffers are used again and again.
type speechQueue struct {
	mu      sync.Mutex
	ring    [speechQueueSize]heardPacket
	first   int
	count   int
	closed  bool
	dropped uint64
	wake    chan struct{} // of one: waking twice is waking once
}

// put copies the packet in; it never blocks.
func (q *speechQueue) put(f encodedFrame, at time.Duration) {
	q.mu.Lock()
	if q.closed || len(f.payload) > maxOpusPacket {
		q.dropped++
		q.mu.Unlock()
		return
	}
	if q.count == len(q.ring) {
		q.first = (q.first + 1) % len(q.ring)
		q.count--
		q.dropped++
	}
	slot := &q.ring[(q.first+q.count)%len(q.ring)]
	slot.time, slot.duration, slot.arrival, slot.silent = at, f.duration, f.arrival, f.silent
	slot.payload = append(slot.payload[:0], f.payload...)
	q.count++
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take moves the oldest packet into p, whose payload buffer is reused.
func (q *speechQueue) take(p *heardPacket) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.count == 0 {
		return false
	}
	slot := &q.ring[q.first]
	buffer := p.payload
	*p = *slot
	slot.payload = buffer // swapped, so that neither side copies
	q.first = (q.first + 1) % len(q.ring)
	q.count--
	return true
}

// close refuses further packets; discard also drops the waiting ones and wipes them.
func (q *speechQueue) close(discard bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	if discard {
		q.ring = [speechQueueSize]heardPacket{}
		q.count = 0
	}
}

func (q *speechQueue) lost() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}
