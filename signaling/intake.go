package signaling

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
	"time"

	"greenroom/media"
)

// silentSSRC is how long an SSRC that no offer named must have been silent before another one may take
// its place.
const silentSSRC = time.Second

// intake sorts a connection's packets where they were decrypted: no packet waits for a reader of its track,
// and every packet is seen, repairs and padding of the bandwidth probe included. Were those left out of the
// arrival times, the sender would take its probes for lost.
type intake struct {
	peer    *peer
	offered atomic.Pointer[described] // the newest offer
	dropped atomic.Uint64             // packets over mediaRate

	// Guarded by the transport's inbound.mu.
	sources map[uint32]*mediaSource // by SSRC; only of packets that were genuine, at most maxSources
	budget  budget
	audio   *remoteTrack
	video   *remoteTrack
}

// mediaSource is one SSRC that sends RTP.
type mediaSource struct {
	ssrc      uint32
	according *described // what section and repairs were decided by
	section   *section   // nil: not known, or none
	repairs   uint32     // as in declared
	track     *remoteTrack
	refused   bool // the capture did not take it
}

// newSource notes an SSRC that a genuine packet came from.
func (in *intake) newSource(ssrc uint32) *mediaSource {
	if in.sources == nil {
		in.sources = map[uint32]*mediaSource{}
	}
	s := &mediaSource{ssrc: ssrc}
	in.sources[ssrc] = s
	return s
}

// take is the media path: no allocation, no log, no lock of ours but the capture's. It may change the packet.
func (in *intake) take(s *mediaSource, b []byte, now time.Time) {
	offer := in.offered.Load()
	if offer == nil || len(b) < rtpHeader {
		return
	}
	if offer.transport != 0 {
		if sequence, ok := media.TransportSequence(b, offer.transport); ok {
			in.peer.arrivals.Add(sequence, now)
		}
	}
	if s.according != offer || s.section == nil {
		s.decide(offer, b)
	}
	if s.section == nil {
		return
	}
	t, b := in.destination(s, b, now)
	if t == nil {
		return
	}
	if !in.budget.take(now, len(b)) {
		in.dropped.Add(1)
		return
	}
	t.lastSeen.Store(now.UnixNano())
	t.track.Push(b, now)
}

// decide finds out what the SSRC is for. What an offer does not name is asked anew with each packet until
// one of them tells.
func (s *mediaSource) decide(offer *described, b []byte) {
	if named, ok := offer.declared[s.ssrc]; ok {
		s.section, s.repairs = named.section, named.repairs
	} else {
		s.section, s.repairs = offer.owner(b), 0
	}
	if s.according != offer {
		s.according, s.refused = offer, false
	}
}

// destination returns the track that a packet is for, and the packet as its sender first sent it.
func (in *intake) destination(s *mediaSource, b []byte, now time.Time) (*remoteTrack, []byte) {
	current := in.current(s.section.kind)
	payload := b[1] & 0x7f
	if slices.Contains(s.section.repairs, payload) {
		t := *current
		if t == nil || s.repairs != 0 && s.repairs != t.ssrc {
			return nil, nil
		}
		b, ok := media.UnwrapRepair(b, t.ssrc, t.payload)
		if !ok {
			return nil, nil
		}
		return t, b
	}
	if s.track != nil && s.track == *current {
		return s.track, b
	}
	if s.repairs != 0 || s.refused || !slices.Contains(s.section.payloads, payload) || !in.mayReplace(*current, s, now) {
		return nil, nil
	}
	t := newRemoteTrack(s.section.kind, s.ssrc, payload, now)
	if !in.peer.adopt(t, s.section.codec) {
		s.refused = true
		return nil, nil
	}
	s.track, *current = t, t
	return t, b
}

// mayReplace: an SSRC that the offer names takes the place of an earlier one, but goes on only with its
// own track; of those that it does not name, one at a time is taken.
func (in *intake) mayReplace(current *remoteTrack, s *mediaSource, now time.Time) bool {
	if current == nil {
		return true
	}
	if s.section.declares {
		return s.track == nil
	}
	return now.Sub(time.Unix(0, current.lastSeen.Load())) > silentSSRC
}

func (in *intake) current(kind media.Kind) **remoteTrack {
	if kind == media.KindAudio {
		return &in.audio
	}
	return &in.video
}

// takeReports reads the sender reports of a compound RTCP packet (RFC 3550, 6.4.1), by hand, because one comes
// each second for every track.
func (in *intake) takeReports(b []byte, now time.Time) {
	const senderReport, size = 200, 28
	for len(b) >= 4 {
		length := 4 * (1 + int(binary.BigEndian.Uint16(b[2:])))
		if length > len(b) {
			return
		}
		if length >= size && b[1] == senderReport {
			in.peer.senderReport(binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint32(b[16:]), now)
		}
		b = b[length:]
	}
}

// budget holds a sender to a rate: tokens are bytes. It has one user.
type budget struct {
	tokens int64 // in bytes times nanoseconds per second, so that nothing is rounded away
	last   time.Time
}

// take reports whether n bytes may pass now.
func (b *budget) take(now time.Time, n int) bool {
	const full = int64(mediaBurst) * int64(time.Second)
	switch elapsed := now.Sub(b.last); {
	case b.last.IsZero() || elapsed > time.Minute: // more than fills it
		b.tokens, b.last = full, now
	case elapsed > 0: // kernel time stamps of two SSRCs may come in any order
		b.tokens, b.last = min(b.tokens+int64(elapsed)*mediaRate, full), now
	}
	cost := int64(n) * int64(time.Second)
	if b.tokens < cost {
		return false
	}
	b.tokens -= cost
	return true
}
