package media

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxQueue bounds the payloads waiting for the writer, in bytes: at 1.5 Mbit/s a store that hangs
	// for 20 s (a slow fsync, a full journal) loses nothing, and a session cannot take more than twice
	// this (one buffer filling, one being written).
	maxQueue = 4 << 20
	// maxQueued bounds the frames waiting: a minute of audio and video.
	maxQueued = 8192
	// keptBuffer is how large an empty buffer may be and still be kept for the next round.
	keptBuffer = 256 << 10
)

// queued is one frame in the queue; its payload lies in the queue's buffer.
type queued struct {
	kind          Kind
	codec         Codec
	time          time.Duration
	duration      time.Duration
	key           bool
	width, height int
	offset, size  int

	// lostFrom is the time of the first of the frames of this kind that were lost just before this
	// one because the queue was full; -1 if none were.
	lostFrom time.Duration
	lostTo   time.Duration // for a loss that nothing follows; then the payload is empty
}

// frameQueue holds frames between the network and the writer. Two pairs of buffers change places, so
// that nothing is allocated in the steady state.
type frameQueue struct {
	lost atomic.Int64

	mu         sync.Mutex
	frames     []queued
	payloads   []byte
	spare      []queued
	spareBytes []byte
	missing    map[Kind]*queued // losses that no frame of the kind has followed yet
	closed     bool
}

// put copies the frame into the queue and reports whether the writer should be woken. Frames of nothing
// and of a time that cannot be are not frames.
func (q *frameQueue) put(kind Kind, codec Codec, f Frame) bool {
	if len(f.Payload) == 0 || f.Time > maxMediaTime {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	item := queued{
		kind: kind, codec: codec, time: f.Time, duration: f.Duration, key: f.Key || kind == KindAudio,
		width: f.Width, height: f.Height, offset: len(q.payloads), size: len(f.Payload), lostFrom: -1,
	}
	if len(f.Payload) > maxVideoFrame || len(q.payloads)+len(f.Payload) > maxQueue || len(q.frames) >= maxQueued {
		q.lose(item, f.Duration)
		return true
	}
	if m := q.missing[kind]; m != nil {
		item.lostFrom = m.lostFrom
		delete(q.missing, kind)
	}
	before := len(q.payloads)
	q.payloads = append(q.payloads, f.Payload...)
	q.frames = append(q.frames, item)
	return before < chunkTarget && len(q.payloads) >= chunkTarget || item.time-q.frames[0].time >= keepAfter
}

func (q *frameQueue) lose(item queued, duration time.Duration) {
	q.lost.Add(1)
	if q.missing == nil {
		q.missing = map[Kind]*queued{}
	}
	m := q.missing[item.kind]
	if m == nil {
		item.size, item.lostFrom = 0, item.time
		m = &item
		q.missing[item.kind] = m
	}
	m.lostTo = item.time + duration
}

// overflowing reports whether the last frame of some kind did not fit.
func (q *frameQueue) overflowing() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.missing) > 0
}

// take returns everything queued. The result is the caller's until giveBack.
func (q *frameQueue) take() ([]queued, []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	frames, payloads := q.frames, q.payloads
	q.frames, q.payloads = q.spare, q.spareBytes
	q.spare, q.spareBytes = nil, nil
	if q.closed { // nothing will follow the last losses
		for _, m := range q.missing {
			frames = append(frames, *m)
		}
		clear(q.missing)
	}
	return frames, payloads
}

// giveBack returns the buffers of take, so that they are used again unless a stall made them large.
func (q *frameQueue) giveBack(frames []queued, payloads []byte) {
	if cap(payloads) > keptBuffer {
		frames, payloads = nil, nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.spare, q.spareBytes = frames[:0], payloads[:0]
}

// clear forgets everything queued.
func (q *frameQueue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.frames, q.payloads = q.frames[:0], q.payloads[:0]
	clear(q.missing)
}

// close refuses everything from now on; what is queued can still be taken.
func (q *frameQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}
