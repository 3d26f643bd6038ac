package media

import (
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
)

// TrackConfig describes a remote track of a peer connection.
type TrackConfig struct {
	Kind  Kind
	Codec Codec
	SSRC  uint32
	// RequestKeyFrame is called when the recorder wants to begin a segment. It must not block, nor call
	// the Track. Nil: the next [Feedback] says so instead.
	RequestKeyFrame func()
}

// Feedback is what a sender is to be told now. Its fields are good until the next call.
type Feedback struct {
	Report   *rtcp.ReceptionReport // once a second, else nil
	Nack     []uint16              // sequence numbers to ask for again, in order
	KeyFrame bool                  // send a picture loss indication
}

// TrackStats counts packets since the track was attached.
type TrackStats struct {
	Received  uint64 // without duplicates
	Duplicate uint64 // or far too old
	Repaired  uint64 // came after they were asked for
	Lost      uint64 // given up
	Malformed uint64
	NACKs     uint64 // sequence numbers asked for
	PLIs      uint64 // key frames asked for in Feedback
}

const (
	// keyRetry is how often a key frame is asked for while none comes.
	keyRetry = time.Second
	// keyWait is how long a key frame that has begun to arrive may take: as long as the jitter buffer
	// can hold it back, and a little.
	keyWait = jitterWait + 250*time.Millisecond
	// longOutage: after so long without a packet what was lost is asked for, but senders keep little more
	// than a second to send again, so a key frame is asked for at once.
	longOutage = time.Second
)

// Track is one SSRC of one peer connection. Its methods may be called from any goroutine and do not
// block.
type Track struct {
	config TrackConfig
	lane   *lane
	urgent atomic.Bool // set where lane.mu is held

	// Everything below is guarded by lane.mu.
	receiver    receiver
	jitter      *jitterBuffer
	depacketize depacketizer
	line        *timeline
	payloadType int       // of the first packet; -1 before
	arrival     time.Time // of the newest packet
	beginning   int64     // sequence number of the first packet
	began       time.Time // its arrival
	detached    bool
	key         keyWish
	report      rtcp.ReceptionReport
	nack        []uint16
	stats       TrackStats
}

// keyWish is whether the sender owes a key frame, and when to ask for it (again).
type keyWish struct {
	wanted   bool
	due      time.Time
	sequence int64     // of the packet that began the newest key frame to arrive
	arrival  time.Time // of that packet
	arriving bool      // asking waits for that key frame
}

// Push takes a whole decrypted RTP packet, retransmissions already unwrapped. It never blocks and keeps
// nothing of the slice.
func (t *Track) Push(b []byte, arrival time.Time) {
	t.lane.mu.Lock()
	defer t.lane.mu.Unlock()
	if t.detached || t.lane.capture.finished.Load() {
		return
	}
	p, err := parsePacket(b)
	if err != nil || t.config.SSRC != 0 && p.ssrc != t.config.SSRC {
		t.stats.Malformed++
		return
	}
	t.lane.capture.start(arrival)
	behind := t.receiver.highest
	sequence, fresh := t.receiver.note(p.sequence, p.time, arrival)
	if !fresh {
		return
	}
	if sequence > behind+1 && arrival.Sub(t.arrival) > longOutage {
		t.needKey(sequence)
	}
	t.arrival = arrival
	if t.payloadType < 0 && len(p.payload) > 0 {
		t.payloadType = int(p.payloadType)
	}
	if int(p.payloadType) != t.payloadType && len(p.payload) > 0 {
		// Another codec under the same SSRC: its place in the sequence counts, its content is not ours.
		t.stats.Malformed++
		p.payload, p.foreign = nil, true
	}
	t.noteKeyFrame(sequence, p, arrival)
	if t.jitter.waits() && len(p.payload) > 0 {
		t.line.expect(p.time, t.lane.capture.clock.at(arrival))
	}
	t.jitter.push(sequence, p, arrival)
	t.findBeginning(sequence, p, arrival)
	t.jitter.expire(arrival)
	t.noteUrgent()
}

// noteUrgent keeps what Urgent answers, for which nobody should need the lane's mutex.
func (t *Track) noteUrgent() {
	urgent := t.jitter.held > 0 || len(t.receiver.missing.holes) > 0 || t.receiver.overrun || t.key.wanted
	if urgent != t.urgent.Load() {
		t.urgent.Store(urgent)
	}
}

// Urgent reports whether a packet is missing or waited for, or a key frame: while nothing is, Feedback has
// nothing but a report to tell, and ten times a second is often enough for that.
func (t *Track) Urgent() bool { return t.urgent.Load() }

// findBeginning asks for what may have been lost before the first packet: without it the first key frame
// is lost, and everything up to the next one.
func (t *Track) findBeginning(sequence int64, p packet, arrival time.Time) {
	if t.config.Kind != KindVideo || !t.jitter.opening {
		return
	}
	switch begins := len(p.payload) > 0 && t.depacketize.keyStart(p); {
	case begins && sequence <= t.beginning:
		t.receiver.missing.forget(sequence)
		t.jitter.openAt(t.began.Add(openingWait))
	case t.beginning == 0 && !begins:
		t.receiver.missing.guess(sequence, arrival)
		t.jitter.openAt(arrival.Add(missedWait))
	}
	if t.beginning == 0 {
		t.beginning, t.began = sequence, arrival
	}
}

// noteKeyFrame stops asking while a key frame is arriving.
func (t *Track) noteKeyFrame(sequence int64, p packet, arrival time.Time) {
	if t.config.Kind != KindVideo || len(p.payload) == 0 || sequence < t.key.sequence || !t.depacketize.keyStart(p) {
		return
	}
	t.key.sequence, t.key.arrival = sequence, arrival
	if t.key.wanted {
		t.key.arriving, t.key.due = true, arrival.Add(keyWait)
	}
}

// released is called by the jitter buffer, under lane.mu.
func (t *Track) released(p packet, arrival time.Time) {
	if p.foreign {
		t.spoiled()
		return
	}
	if !t.depacketize.push(p, arrival, t) {
		t.stats.Malformed++
		t.spoiled()
	}
}

// missed is called by the jitter buffer, under lane.mu.
func (t *Track) missed(count int64) {
	t.stats.Lost += uint64(count) // a positive count
	t.spoiled()
}

// spoiled says that something is missing before the next packet.
func (t *Track) spoiled() {
	t.depacketize.lost()
	t.lane.lossy = true
	t.needKey(t.jitter.next)
}

// frame is called by the depacketizer, under lane.mu.
func (t *Track) frame(f encodedFrame) {
	at := t.line.place(f.time, t.lane.capture.clock.at(f.arrival))
	if f.key {
		t.key.wanted, t.key.arriving = false, false
	}
	if t.lane.frame(f, at) && !f.key {
		// Who watches from after the gap, or jumps there, needs a picture that stands for itself.
		t.needKey(t.jitter.next)
	}
}

// needKey makes Feedback ask for a key frame, unless one that begins at or after the sequence number is
// on its way.
func (t *Track) needKey(from int64) {
	if t.config.Kind != KindVideo {
		return
	}
	onItsWay := t.key.sequence >= from
	switch {
	case !t.key.wanted && onItsWay:
		t.key.wanted, t.key.arriving, t.key.due = true, true, t.key.arrival.Add(keyWait)
	case !t.key.wanted, t.key.arriving && !onItsWay:
		t.key.wanted, t.key.arriving, t.key.due = true, false, time.Time{}
	}
}

// SenderReport takes the times of an RTCP sender report of this track.
func (t *Track) SenderReport(ntp uint64, rtp uint32, arrival time.Time) {
	t.lane.mu.Lock()
	defer t.lane.mu.Unlock()
	if t.detached || ntp == 0 { // RFC 3550 6.4.1: zero means that the sender has no clock
		return
	}
	t.receiver.senderReport(ntp, arrival)
	t.line.senderReport(ntp, rtpTime(rtp))
}

// Feedback returns what is due; it is meant to be called about every 20 ms while [Track.Urgent], and also lets
// go of packets that have waited long enough.
func (t *Track) Feedback(now time.Time) Feedback {
	t.lane.mu.Lock()
	defer t.lane.mu.Unlock()
	var due Feedback
	if t.detached || t.lane.capture.finished.Load() {
		return due
	}
	t.jitter.expire(now)
	var spoiled int64
	t.nack, spoiled = t.receiver.missing.due(now, t.receiver.roundTrip, t.nack[:0])
	due.Nack = t.nack
	t.stats.NACKs += uint64(len(t.nack))
	if t.receiver.overrun {
		t.receiver.overrun = false
		spoiled = t.receiver.highest
	}
	if spoiled > 0 {
		t.needKey(spoiled)
	}
	if t.key.wanted && !now.Before(t.key.due) {
		t.key.due = now.Add(keyRetry)
		t.stats.PLIs++
		due.KeyFrame = true
	}
	if t.receiver.report(now, &t.report) {
		due.Report = &t.report
	}
	t.noteUrgent()
	return due
}

// requestKeyFrame is what the recorder calls.
func (t *Track) requestKeyFrame() {
	if t.config.RequestKeyFrame != nil {
		t.config.RequestKeyFrame()
		return
	}
	t.lane.mu.Lock()
	defer t.lane.mu.Unlock()
	t.needKey(t.receiver.highest + 1)
	t.noteUrgent()
}

// Muted notes that the page turned the device off or on again.
func (t *Track) Muted(muted bool, at time.Time) {
	t.lane.mu.Lock()
	defer t.lane.mu.Unlock()
	if !t.detached {
		t.lane.mute(muted, at)
	}
}

// Stats returns what was counted so far.
func (t *Track) Stats() TrackStats {
	t.lane.mu.Lock()
	defer t.lane.mu.Unlock()
	stats := t.stats
	stats.Received = t.receiver.received
	stats.Duplicate = t.receiver.duplicates
	stats.Repaired = t.receiver.repaired
	return stats
}

// Detach ends the track: its connection is gone. What waited in the jitter buffer is let go. Detaching
// twice does nothing.
func (t *Track) Detach() {
	t.lane.mu.Lock()
	defer t.lane.mu.Unlock()
	t.detach()
}

// detach is Detach under lane.mu.
func (t *Track) detach() {
	if t.detached {
		return
	}
	t.jitter.flush()
	t.detached = true
	t.line.leave()
	t.lane.left(t)
}
