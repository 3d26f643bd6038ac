package media

import (
	"errors"
	"fmt"
	"time"
)

// maxVideoFrame bounds one assembled frame in bytes; a 720p key frame is about a twentieth of it.
const maxVideoFrame = 2 << 20

// ErrCodecChanged says that a track came back with another codec than its session began with.
var ErrCodecChanged = errors.New("codec changed within a session")

// errCodec says that a codec is unknown or does not belong to the kind of track.
var errCodec = errors.New("codec does not fit the track")

// encodedFrame is a whole frame as it left the sender's encoder. Payload is borrowed.
type encodedFrame struct {
	time          rtpTime
	arrival       time.Time // of its first packet
	duration      time.Duration
	key           bool
	silent        bool // an Opus packet that says nothing is being said (RFC 7587 3.1.3)
	width, height int
	payload       []byte
}

// frameSink takes finished frames in order.
type frameSink interface {
	frame(f encodedFrame)
}

// depacketizer turns the packets of one track, in order, into frames.
type depacketizer interface {
	// push takes the next packet. It reports false if the packet is malformed.
	push(p packet, arrival time.Time, out frameSink) bool
	// lost says that packets are missing before the next one.
	lost()
	// keyStart reports whether the packet begins a frame that can be decoded on its own.
	keyStart(p packet) bool
}

// newDepacketizer returns a depacketizer and the RTP clock rate of the codec (RFC 7587 4.1: the clock of
// Opus is always 48 kHz; RFC 7741 and RFC 9628: 90 kHz).
func newDepacketizer(kind Kind, codec Codec) (depacketizer, int64, error) {
	switch {
	case kind == KindAudio && codec == CodecOpus:
		return opusDepacketizer{}, 48000, nil
	case kind == KindVideo && codec == CodecVP8:
		return &vp8Depacketizer{assembler: newAssembler()}, 90000, nil
	case kind == KindVideo && codec == CodecVP9:
		return &vp9Depacketizer{assembler: newAssembler()}, 90000, nil
	}
	return nil, 0, fmt.Errorf("%w: %s in %s", errCodec, codec, kind)
}

// opusDepacketizer: one packet is one frame (RFC 7587 4.2), so nothing has to be put together and a
// loss spoils nothing but itself.
type opusDepacketizer struct{}

func (opusDepacketizer) push(p packet, arrival time.Time, out frameSink) bool {
	if len(p.payload) == 0 {
		return true
	}
	duration, ok := opusDuration(p.payload)
	if !ok {
		return false
	}
	out.frame(encodedFrame{
		time: p.time, arrival: arrival, duration: duration, key: true,
		silent: len(p.payload) <= 2, payload: p.payload,
	})
	return true
}

func (opusDepacketizer) lost() {}

func (opusDepacketizer) keyStart(packet) bool { return true }

// opusDuration reads how much sound an Opus packet holds from its first octets (RFC 6716 3.1 and 3.2).
func opusDuration(payload []byte) (time.Duration, bool) {
	if len(payload) == 0 {
		return 0, false
	}
	frames := 2
	switch payload[0] & 3 {
	case 0:
		frames = 1
	case 3:
		if len(payload) < 2 {
			return 0, false
		}
		frames = int(payload[1] & 0x3f)
	}
	total := time.Duration(frames) * opusFrameDuration(payload[0]>>3)
	// RFC 6716 3.4 [R5]: at most 120 ms, and never nothing.
	return total, total > 0 && total <= 120*time.Millisecond
}

func opusFrameDuration(configuration byte) time.Duration {
	const ms = time.Millisecond
	switch {
	case configuration < 12: // SILK
		return [4]time.Duration{10 * ms, 20 * ms, 40 * ms, 60 * ms}[configuration&3]
	case configuration < 16: // hybrid
		return [2]time.Duration{10 * ms, 20 * ms}[configuration&1]
	default: // CELT
		return [4]time.Duration{ms * 5 / 2, 5 * ms, 10 * ms, 20 * ms}[configuration&3]
	}
}

// assembler joins the payloads of one video frame. After a loss it gives out nothing until a key frame,
// because a frame that leans on a missing one decodes without an error to a wrong picture.
type assembler struct {
	needKey bool
	open    bool // the frame's first packet was there, and every one since
	frame   encodedFrame
}

func newAssembler() assembler { return assembler{needKey: true} }

// begin opens the frame unless it would lean on one that is missing.
func (a *assembler) begin(f encodedFrame) {
	buffer := a.frame.payload[:0]
	a.frame = f
	a.frame.payload = buffer
	a.open = f.key || !a.needKey
}

// add appends to the open frame. It reports false if the frame grew beyond all reason.
func (a *assembler) add(payload []byte) bool {
	if !a.open {
		return true
	}
	if len(a.frame.payload)+len(payload) > maxVideoFrame {
		a.lost()
		return false
	}
	a.frame.payload = append(a.frame.payload, payload...)
	return true
}

// end gives out the open frame.
func (a *assembler) end(out frameSink) {
	if !a.open {
		return
	}
	a.open = false
	if len(a.frame.payload) == 0 {
		return
	}
	a.needKey = false
	out.frame(a.frame)
}

// endBefore gives out a frame whose end was not marked when a packet of another one comes. Packets come
// in order and a loss closes the frame, so it is whole.
func (a *assembler) endBefore(t rtpTime, out frameSink) {
	if a.open && a.frame.time != t {
		a.end(out)
	}
}

func (a *assembler) lost() {
	a.open = false
	a.needKey = true
}
