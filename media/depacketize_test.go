package media

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

// frameLog copies what a depacketizer gives out.
type frameLog struct {
	frames []encodedFrame
}

func (l *frameLog) frame(f encodedFrame) {
	f.payload = bytes.Clone(f.payload)
	l.frames = append(l.frames, f)
}

func TestCodecsFitTheirKind(t *testing.T) {
	for _, c := range []struct {
		kind  Kind
		codec Codec
		rate  int64
	}{
		{KindAudio, CodecOpus, 48000},
		{KindVideo, CodecVP8, 90000},
		{KindVideo, CodecVP9, 90000},
		{KindAudio, CodecVP8, 0},
		{KindVideo, CodecOpus, 0},
		{KindVideo, "h264", 0},
		{"", CodecOpus, 0},
	} {
		_, rate, err := newDepacketizer(c.kind, c.codec)
		if rate != c.rate || errors.Is(err, errCodec) != (c.rate == 0) {
			t.Errorf("%s in %s: rate %d, error %v", c.codec, c.kind, rate, err)
		}
	}
}

func TestOpusDuration(t *testing.T) {
	for _, c := range []struct {
		name    string
		payload []byte
		want    time.Duration // 0: refused
	}{
		{"SILK 10 ms", []byte{0 << 3}, 10 * time.Millisecond},
		{"SILK 60 ms", []byte{11 << 3}, 60 * time.Millisecond},
		{"hybrid 20 ms", []byte{13 << 3, 1}, 20 * time.Millisecond},
		{"CELT 2.5 ms", []byte{28 << 3}, 2500 * time.Microsecond},
		{"CELT 20 ms, stereo", []byte{31<<3 | 4}, 20 * time.Millisecond},
		{"two equal frames", []byte{1<<3 | 1}, 40 * time.Millisecond},
		{"two unequal frames", []byte{1<<3 | 2}, 40 * time.Millisecond},
		{"six frames", []byte{1<<3 | 3, 6}, 120 * time.Millisecond},
		{"seven frames are too long", []byte{1<<3 | 3, 7}, 0},
		{"no frames", []byte{1<<3 | 3, 0xc0}, 0},
		{"no count", []byte{1<<3 | 3}, 0},
		{"nothing", nil, 0},
	} {
		got, ok := opusDuration(c.payload)
		if ok != (c.want > 0) || ok && got != c.want {
			t.Errorf("%s: %v, %v; want %v", c.name, got, ok, c.want)
		}
	}
}

func TestOpusFramesFromARealEncoder(t *testing.T) {
	var log frameLog
	clip := sourceTalk(t, "1", "1")
	for i, f := range clip {
		p := packet{time: rtpTime(i * 960), payload: f.Payload}
		if !(opusDepacketizer{}).push(p, testEpoch, &log) {
			t.Fatalf("packet %d is called malformed", i)
		}
	}
	for i, f := range log.frames {
		if f.duration != 20*time.Millisecond || !f.key || f.silent || !bytes.Equal(f.payload, clip[i].Payload) {
			t.Fatalf("frame %d: %v, key %v, silent %v", i, f.duration, f.key, f.silent)
		}
	}
	if len(log.frames) != len(clip) {
		t.Errorf("%d frames, want %d", len(log.frames), len(clip))
	}
}

// videoPackets cuts a clip into packets as a sender would, numbered from the given start.
func videoPackets(tb testing.TB, clip []sent, first uint16) []rtp.Packet {
	tb.Helper()
	var payloader rtp.Payloader = &codecs.VP8Payloader{EnablePictureID: true}
	if clip[0].codec == CodecVP9 {
		payloader = &codecs.VP9Payloader{InitialPictureIDFn: func() uint16 { return 127 }}
	}
	var packets []rtp.Packet
	for _, f := range clip {
		parts := payloader.Payload(1100, f.Payload)
		for i, part := range parts {
			packets = append(packets, rtp.Packet{
				Header: rtp.Header{
					Version: 2, PayloadType: 96, SSRC: 2, SequenceNumber: first, Marker: i == len(parts)-1,
					Timestamp: uint32(1<<32 - 45000 + f.Time.Milliseconds()*90), // wraps after half a second
				},
				Payload: part,
			})
			first++
		}
	}
	return packets
}

func depacketized(tb testing.TB, codec Codec, packets []rtp.Packet) []encodedFrame {
	tb.Helper()
	d, _, err := newDepacketizer(KindVideo, codec)
	if err != nil {
		tb.Fatal(err)
	}
	var log frameLog
	next := packets[0].SequenceNumber
	for _, p := range packets {
		if p.SequenceNumber != next {
			d.lost()
		}
		next = p.SequenceNumber + 1
		if !d.push(packet{sequence: p.SequenceNumber, time: rtpTime(p.Timestamp), marker: p.Marker, payload: p.Payload}, testEpoch, &log) {
			tb.Fatalf("packet %d is called malformed: % x", p.SequenceNumber, p.Payload[:min(8, len(p.Payload))])
		}
	}
	return log.frames
}

func sameFrames(t *testing.T, got []encodedFrame, want []sent) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d frames, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		g, w := got[i], want[i]
		if g.key != w.Key || g.width != w.Width || g.height != w.Height || !bytes.Equal(g.payload, w.Payload) {
			t.Fatalf("frame %d: key %v %dx%d %d bytes, want key %v %dx%d %d bytes", i,
				g.key, g.width, g.height, len(g.payload), w.Key, w.Width, w.Height, len(w.Payload))
		}
	}
}

func TestVideoFramesFromARealEncoder(t *testing.T) {
	for _, codec := range []Codec{CodecVP8, CodecVP9} {
		t.Run(string(codec), func(t *testing.T) {
			clip := sourceVideo(t, codec, "2", "30")
			packets := videoPackets(t, clip, 65500)
			sameFrames(t, depacketized(t, codec, packets), clip)

			t.Run("without markers", func(t *testing.T) {
				bare := slices.Clone(packets)
				for i := range bare {
					bare[i].Marker = false
				}
				sameFrames(t, depacketized(t, codec, bare), clip[:len(clip)-1]) // nothing ends the last one
			})
			t.Run("padding ends no frame", func(t *testing.T) {
				var padded []rtp.Packet
				n := packets[0].SequenceNumber
				for _, p := range packets {
					p.SequenceNumber = n
					padding := p
					padding.SequenceNumber, padding.Payload, padding.Marker = n+1, nil, true
					padded = append(padded, p, padding)
					n += 2
				}
				sameFrames(t, depacketized(t, codec, padded), clip)
			})
			t.Run("a loss spoils up to the next key frame", func(t *testing.T) {
				for _, lost := range []int{0, 5, 40, len(packets) / 2} {
					holed := slices.Delete(slices.Clone(packets), lost, lost+1)
					hit := packets[lost].Timestamp
					at := time.Duration(hit-packets[0].Timestamp) * time.Second / 90000
					spoiled := false
					want := keep(clip, func(f sent) bool {
						if f.Time.Milliseconds() == at.Milliseconds() {
							spoiled = true
						} else if f.Key {
							spoiled = false
						}
						return !spoiled
					})
					if lost == 0 {
						holed[0].SequenceNumber = packets[0].SequenceNumber // keep the first number
						holed[0].Payload = nil
					}
					sameFrames(t, depacketized(t, codec, holed), want)
				}
			})
		})
	}
}

func TestKeyFrameStartIsSeenFromItsFirstPacket(t *testing.T) {
	for _, codec := range []Codec{CodecVP8, CodecVP9} {
		clip := sourceVideo(t, codec, "1", "10")
		d, _, _ := newDepacketizer(KindVideo, codec)
		starts := 0
		for _, p := range videoPackets(t, clip, 0) {
			if d.keyStart(packet{payload: p.Payload}) {
				starts++
			}
		}
		if want := len(keep(clip, func(f sent) bool { return f.Key })); starts != want {
			t.Errorf("%s: %d key frames begin, want %d", codec, starts, want)
		}
	}
}

func TestVP8Descriptor(t *testing.T) {
	for _, c := range []struct {
		name    string
		b       []byte
		start   bool
		payload string
		ok      bool
	}{
		{"plain start", []byte("\x10p"), true, "p", true},
		{"continuation", []byte("\x00p"), false, "p", true},
		{"start of another partition", []byte("\x11p"), false, "p", true},
		{"short picture id", []byte("\x90\x80\x7fp"), true, "p", true},
		{"long picture id", []byte("\x90\x80\xff\xffp"), true, "p", true},
		{"everything", []byte("\x90\xf0\xff\xff\x01\x02p"), true, "p", true},
		{"key index only", []byte("\x90\x10\x02p"), true, "p", true},
		{"nothing behind it", []byte{0x10}, false, "", false},
		{"cut at the flags", []byte{0x90}, false, "", false},
		{"cut at the picture id", []byte{0x90, 0x80}, false, "", false},
		{"cut in the picture id", []byte{0x90, 0x80, 0xff}, false, "", false},
		{"nothing behind everything", []byte("\x90\xf0\xff\xff\x01\x02"), false, "", false},
		{"nothing", nil, false, "", false},
	} {
		start, payload, ok := vp8Payload(c.b)
		if start != c.start || string(payload) != c.payload || ok != c.ok {
			t.Errorf("%s: start %v, payload %q, %v; want %v, %q, %v", c.name, start, payload, ok, c.start, c.payload, c.ok)
		}
	}
}

func TestVP9Descriptor(t *testing.T) {
	for _, c := range []struct {
		name    string
		b       []byte
		want    vp9Descriptor
		payload string
		ok      bool
	}{
		{"begins, independent", []byte("\x08p"), vp9Descriptor{begins: true}, "p", true},
		{"predicted", []byte("\x40p"), vp9Descriptor{predicted: true}, "p", true},
		{"short picture id", []byte("\x88\x7fp"), vp9Descriptor{begins: true}, "p", true},
		{"long picture id", []byte("\x88\xff\xffp"), vp9Descriptor{begins: true}, "p", true},
		{"layers with TL0PICIDX", []byte("\x28\x02\x09p"), vp9Descriptor{begins: true, spatial: 1}, "p", true},
		{"layers, flexible", []byte("\x38\x04p"), vp9Descriptor{begins: true, spatial: 2}, "p", true},
		{"references", []byte("\x50\x03\x03\x02p"), vp9Descriptor{predicted: true}, "p", true},
		{"four references", []byte("\x50\x03\x03\x03\x02p"), vp9Descriptor{predicted: true}, "", false},
		{"structure", []byte("\x0a\x18\x01\x40\x00\xb4\x02\x04\x01\x00p"), vp9Descriptor{begins: true}, "p", true},
		{"structure, two sizes", []byte("\x0a\x30\x01\x40\x00\xb4\x02\x80\x01\x68p"), vp9Descriptor{begins: true}, "p", true},
		{"structure without sizes", []byte("\x0a\x00p"), vp9Descriptor{begins: true}, "p", true},
		{"cut in the sizes", []byte("\x0a\x18\x01\x40\x00"), vp9Descriptor{begins: true}, "", false},
		{"cut in the group", []byte("\x0a\x08\x02\x04"), vp9Descriptor{begins: true}, "", false},
		{"cut in the picture id", []byte("\x88\xff"), vp9Descriptor{begins: true}, "", false},
		{"cut in the layers", []byte("\x28\x02"), vp9Descriptor{begins: true, spatial: 1}, "", false},
		{"nothing behind it", []byte{0x08}, vp9Descriptor{begins: true}, "", false},
		{"nothing", nil, vp9Descriptor{}, "", false},
	} {
		got, payload, ok := vp9Payload(c.b)
		if got != c.want || ok != c.ok || ok && string(payload) != c.payload {
			t.Errorf("%s: %+v, %q, %v; want %+v, %q, %v", c.name, got, payload, ok, c.want, c.payload, c.ok)
		}
	}
}

func TestVP9TakesTheLowestSpatialLayer(t *testing.T) {
	clip := sourceVideo(t, CodecVP9, "1", "30")
	var log frameLog
	d, _, _ := newDepacketizer(KindVideo, CodecVP9)
	for i, f := range clip[:3] {
		flags := byte(0x28)
		if !f.Key {
			flags |= 0x40
		}
		low := append([]byte{flags, 0, 0}, f.Payload...)
		high := append([]byte{flags | 0x40, 2, 0}, "of no use alone"...)
		d.push(packet{time: rtpTime(i), payload: low}, testEpoch, &log)
		d.push(packet{time: rtpTime(i), payload: high, marker: true}, testEpoch, &log)
	}
	sameFrames(t, log.frames, clip[:3])
}

func TestVideoFramesAreBounded(t *testing.T) {
	for _, codec := range []Codec{CodecVP8, CodecVP9} {
		d, _, _ := newDepacketizer(KindVideo, codec)
		var log frameLog
		key := sourceVideo(t, codec, "0.1", "30")[:1]
		for _, p := range videoPackets(t, key, 0) {
			d.push(packet{time: 1, payload: p.Payload}, testEpoch, &log)
		}
		more := append([]byte{0}, make([]byte, 60000)...)
		refused := false
		for range 2 * maxVideoFrame / 60000 {
			refused = !d.push(packet{time: 1, payload: more}, testEpoch, &log) || refused
		}
		if !refused || len(log.frames) != 0 {
			t.Errorf("%s: refused %v, %d frames", codec, refused, len(log.frames))
		}
	}
}

// fuzzDepacketizer feeds pieces of the input as packets and holds what must be true of any frame.
func fuzzDepacketizer(f *testing.F, kind Kind, codec Codec) {
	f.Helper()
	f.Add([]byte("\x08\x10\x10\x00\x00\x9d\x01\x2a\x40\x01\xb4\x00\x02\x00more\x03\xff"))
	f.Add([]byte("\x06\x88\x7f\x82\x49\x83\x42\x05\x0a\x18\x01\x40\x00\xb4"))
	f.Add([]byte{3, 0x78, 1, 2, 1, 0xfc, 2, 0x7b, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, _, _ := newDepacketizer(kind, codec)
		var log frameLog
		for i := 0; len(b) > 1; i++ {
			n := min(int(b[0]&0x3f), len(b)-1)
			p := packet{time: rtpTime(i / 2), marker: b[0]&0x40 != 0, payload: b[1 : 1+n]}
			d.keyStart(p)
			if b[0]&0x80 != 0 {
				d.lost()
			}
			d.push(p, testEpoch, &log)
			b = b[1+n:]
		}
		for i, frame := range log.frames {
			switch {
			case len(frame.payload) == 0:
				t.Fatal("an empty frame")
			case i == 0 && !frame.key:
				t.Fatal("the first frame is no key frame")
			case kind == KindVideo && frame.key && (frame.width <= 0 || frame.height <= 0):
				t.Fatalf("a key frame of %dx%d", frame.width, frame.height)
			case kind == KindAudio && (frame.duration <= 0 || frame.duration > 120*time.Millisecond):
				t.Fatalf("an Opus frame of %v", frame.duration)
			}
		}
	})
}

func FuzzOpusDepacketizer(f *testing.F) { fuzzDepacketizer(f, KindAudio, CodecOpus) }
func FuzzVP8Depacketizer(f *testing.F)  { fuzzDepacketizer(f, KindVideo, CodecVP8) }
func FuzzVP9Depacketizer(f *testing.F)  { fuzzDepacketizer(f, KindVideo, CodecVP9) }
