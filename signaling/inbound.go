package signaling

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

const (
	// maxSources is how many SSRCs one peer may use, of RTP and of RTCP each: for each of them the replay
	// protection keeps some hundred bytes for as long as the keys are good. A page uses three, and others
	// when an encoder begins anew.
	maxSources = 64
	// earlyLimit is in bytes, and maxEarly in packets, as they are all decrypted at once while the reader of
	// all peers may wait. Who ends a handshake sends media at once, and these wait at the other side until the
	// last datagram of the handshake has come: a second if it is lost, and then repeated.
	earlyLimit = 1 << 20
	maxEarly   = 1024 // a second at mediaRate is half of it
	rtpHeader  = 12   // bytes, RFC 3550, 5.1
	rtcpHeader = 8    // bytes, with the sender's SSRC
	// srtcpReplayWindow is in packets, of which a few come each second.
	srtcpReplayWindow = 64
)

// inbound is the media that a peer sends. They are decrypted where they lie, and only what proves to be
// genuine leaves anything behind: anybody can write an address and an SSRC into a datagram.
type inbound struct {
	mu        sync.Mutex
	keys      *srtp.Context // nil before the handshake is done
	done      bool
	early     []earlyPacket
	earlySize int
	rtp       rtp.Header // of the packet at hand, so that none is allocated
	rtcp      rtcp.Header
	reporters map[uint32]struct{} // SSRCs that sent RTCP
	shown     time.Time           // when ICE heard of media last
}

type earlyPacket struct {
	b  []byte
	at time.Time
}

// receive takes what is not STUN, and may write over it. It reports whether it was media that are genuine, and
// whether ICE should hear that the peer is alive. It does not wait for anything but the peer's own packets on
// other ways, as it is called by the reader of all peers.
func (t *transport) receive(b []byte, at time.Time) (genuine, alive bool) {
	switch kindOf(b) {
	case kindDTLS:
		if b = harmlessRecords(b, t.agreed.Load()); len(b) > 0 {
			_, _ = t.records.Write(b) // when full, DTLS takes it for lost
		}
	case kindMedia:
		return t.media(b, at)
	case kindOther, kindSTUN:
	}
	return false, false
}

func (t *transport) media(b []byte, at time.Time) (genuine, alive bool) {
	defer t.peer.recover("media", nil)
	in := &t.inbound
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.done:
		return false, false
	case in.keys == nil:
		in.keepEarly(b, at)
		return false, false
	case !t.decrypt(b, at):
		return false, false
	case at.Sub(in.shown) < t.api.limits.keepAlive:
		return true, false
	}
	in.shown = at
	return true, true
}

// keepEarly keeps what comes before the keys, within limits, unless it is too short to be anything.
func (in *inbound) keepEarly(b []byte, at time.Time) {
	if len(b) < rtpHeader || in.earlySize+len(b) > earlyLimit || len(in.early) == maxEarly {
		return
	}
	in.earlySize += len(b)
	in.early = append(in.early, earlyPacket{bytes.Clone(b), at})
}

// decrypt passes a packet on if it is genuine and new.
func (t *transport) decrypt(b []byte, at time.Time) bool {
	in := &t.inbound
	if len(b) >= rtcpHeader && b[1] >= 192 && b[1] < 224 { // RFC 5761, 4
		return t.decryptRTCP(b, at)
	}
	if len(b) < rtpHeader {
		return false
	}
	intake := &t.peer.intake
	ssrc := binary.BigEndian.Uint32(b[8:])
	source := intake.sources[ssrc]
	if source == nil && len(intake.sources) >= maxSources {
		return false
	}
	b, err := in.keys.DecryptRTP(b, b, &in.rtp)
	if err != nil {
		return false
	}
	if source == nil {
		source = intake.newSource(ssrc)
	}
	intake.take(source, b, at)
	return true
}

func (t *transport) decryptRTCP(b []byte, at time.Time) bool {
	in := &t.inbound
	sender := binary.BigEndian.Uint32(b[4:])
	_, known := in.reporters[sender]
	if !known && len(in.reporters) >= maxSources {
		return false
	}
	b, err := in.keys.DecryptRTCP(b, b, &in.rtcp)
	if err != nil {
		return false
	}
	if !known {
		in.reporters[sender] = struct{}{}
	}
	t.peer.intake.takeReports(b, at)
	return true
}

// open begins to decrypt, first what came early.
func (t *transport) open(keys *srtp.Context) {
	defer t.peer.recover("media", nil)
	in := &t.inbound
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.done {
		return
	}
	in.keys, in.reporters = keys, map[uint32]struct{}{}
	for _, p := range in.early {
		t.decrypt(p.b, p.at)
	}
	in.early = nil
}

// shut ends the taking of media. When it returns, nothing is being taken any more.
func (in *inbound) shut() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.done, in.early = true, nil
}

// read takes what came by ICE-TCP, and the signs of life that went through ICE.
func (t *transport) read() {
	buffer := make([]byte, receiveMTU)
	for {
		n, err := t.conn.Read(buffer)
		switch {
		case err == nil:
			t.receive(buffer[:n], time.Now())
		case !errors.Is(err, errTooLong): // the transport has ended
			return
		}
	}
}

// outbound is what a peer is told: RTCP.
type outbound struct {
	sending sync.Mutex
	out     *srtp.Context // nil before the handshake is done
	scratch []byte
}

// sendRTCP sends one compound packet; it is lost if there is no way.
func (t *transport) sendRTCP(packets []rtcp.Packet) {
	compound, err := rtcp.Marshal(packets)
	if err != nil {
		return
	}
	t.sending.Lock()
	defer t.sending.Unlock()
	if t.out == nil {
		return
	}
	b, err := t.out.EncryptRTCP(t.scratch, compound, nil)
	if err != nil {
		return
	}
	t.scratch = b[:0]
	_, _ = t.conn.Write(b) // best effort, as RTCP is; a dead connection is noticed by ICE
}
