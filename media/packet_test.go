package media

import (
	"bytes"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// rtpPacket marshals a packet as a sender would.
func rtpPacket(tb testing.TB, h rtp.Header, payload []byte) []byte {
	tb.Helper()
	h.Version = 2
	b, err := (&rtp.Packet{Header: h, Payload: payload}).Marshal()
	if err != nil {
		tb.Fatalf("marshal packet: %v", err)
	}
	return b
}

// testEpoch is when tests' packets begin to arrive.
var testEpoch = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func TestParsePacket(t *testing.T) {
	extended := rtp.Header{SequenceNumber: 7, Timestamp: 9, SSRC: 11, PayloadType: 96, Marker: true, CSRC: []uint32{1, 2}}
	if err := extended.SetExtension(3, []byte{0x12, 0x34}); err != nil {
		t.Fatal(err)
	}
	full := rtpPacket(t, extended, []byte("payload"))
	padded := append(rtpPacket(t, rtp.Header{PayloadType: 96}, []byte("media")), 0, 0, 3)
	padded[0] |= 0x20
	onlyPadding := append(rtpPacket(t, rtp.Header{PayloadType: 96}, nil), 0, 0, 0, 4)
	onlyPadding[0] |= 0x20
	tooPadded := append(rtpPacket(t, rtp.Header{PayloadType: 96}, nil), 9)
	tooPadded[0] |= 0x20
	noPadding := append(rtpPacket(t, rtp.Header{PayloadType: 96}, nil), 0)
	noPadding[0] |= 0x20

	for _, c := range []struct {
		name    string
		b       []byte
		payload string
		ok      bool
	}{
		{"contributors and an extension", full, "payload", true},
		{"padding", padded, "media", true},
		{"padding only", onlyPadding, "", true},
		{"more padding than packet", tooPadded, "", false},
		{"padding of nothing", noPadding, "", false},
		{"cut in the header", full[:11], "", false},
		{"cut in the contributors", full[:19], "", false},
		{"cut in the extension's head", full[:22], "", false},
		{"cut in the extension", full[:26], "", false},
		{"another version", append([]byte{0x40}, full[1:]...), "", false},
		{"nothing", nil, "", false},
	} {
		p, err := parsePacket(c.b)
		if (err == nil) != c.ok || string(p.payload) != c.payload {
			t.Errorf("%s: payload %q, error %v; want %q, ok %v", c.name, p.payload, err, c.payload, c.ok)
		}
	}
	p, _ := parsePacket(full)
	if p.sequence != 7 || p.time != 9 || p.ssrc != 11 || p.payloadType != 96 || !p.marker {
		t.Errorf("header read as %+v", p)
	}
}

func TestTransportSequence(t *testing.T) {
	short := rtp.Header{}
	for id, content := range map[uint8][]byte{1: {1}, 3: {0x12, 0x34}, 14: {9, 9, 9}} {
		if err := short.SetExtension(id, content); err != nil {
			t.Fatal(err)
		}
	}
	long := rtp.Header{Extension: true, ExtensionProfile: rtp.ExtensionProfileTwoByte}
	for id, content := range map[uint8][]byte{1: {}, 3: {0x12, 0x34}, 200: bytes.Repeat([]byte{7}, 40)} {
		if err := long.SetExtension(id, content); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		b    []byte
		id   uint8
		want uint16
		ok   bool
	}{
		{"one-byte form", rtpPacket(t, short, []byte{1}), 3, 0x1234, true},
		{"two-byte form", rtpPacket(t, long, []byte{1}), 3, 0x1234, true},
		{"another id", rtpPacket(t, short, []byte{1}), 4, 0, false},
		{"too short an element", rtpPacket(t, short, []byte{1}), 1, 0, false},
		{"no extension", rtpPacket(t, rtp.Header{}, []byte{1}), 3, 0, false},
		{"no packet", nil, 3, 0, false},
	} {
		if got, ok := TransportSequence(c.b, c.id); got != c.want || ok != c.ok {
			t.Errorf("%s: %#x, %v; want %#x, %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

func FuzzParsePacket(f *testing.F) {
	h := rtp.Header{SequenceNumber: 1, CSRC: []uint32{1}}
	if err := h.SetExtension(3, []byte{1, 2}); err != nil {
		f.Fatal(err)
	}
	f.Add(rtpPacket(f, h, []byte("payload")))
	f.Add([]byte{0xb0, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0x10, 0x00, 0, 1, 3, 2, 1, 2, 9, 0, 0, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		TransportSequence(b, 3)
		p, err := parsePacket(b)
		if err != nil {
			return
		}
		if len(p.payload) > len(b)-12 {
			t.Fatalf("payload of %d bytes in a packet of %d", len(p.payload), len(b))
		}
		var want rtp.Packet
		if want.Unmarshal(b) != nil {
			return // pion also reads the extension's elements; we only look for one
		}
		if !bytes.Equal(want.Payload, p.payload) || want.SequenceNumber != p.sequence {
			t.Fatalf("read %d %x, pion reads %d %x", p.sequence, p.payload, want.SequenceNumber, want.Payload)
		}
	})
}

func TestRepairBecomesThePacketThatWasLost(t *testing.T) {
	h := rtp.Header{SequenceNumber: 900, SSRC: 23, PayloadType: 97, Marker: true, Timestamp: 5, CSRC: []uint32{1}}
	if err := h.SetExtension(3, []byte{1, 2}); err != nil {
		t.Fatal(err)
	}
	b, ok := UnwrapRepair(rtpPacket(t, h, []byte{0x12, 0x34, 'a', 'b', 'c'}), 22, 96)
	if !ok {
		t.Fatal("not taken for a repair")
	}
	var got rtp.Packet
	if err := got.Unmarshal(b); err != nil {
		t.Fatal(err)
	}
	if string(got.Payload) != "abc" || got.SequenceNumber != 0x1234 || got.SSRC != 22 || got.PayloadType != 96 ||
		got.Timestamp != 5 || !got.Marker || len(got.CSRC) != 1 || string(got.GetExtension(3)) != "\x01\x02" {
		t.Errorf("got %v %q", got.Header, got.Payload)
	}
}

func TestProbeIsNoRepair(t *testing.T) {
	padded := rtp.Packet{
		Header:      rtp.Header{Version: 2, SSRC: 23, PayloadType: 97, Padding: true, PaddingSize: 200},
		PaddingSize: 200,
	}
	b, err := padded.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"padding only": b, "one octet": rtpPacket(t, rtp.Header{}, []byte{1}), "empty": rtpPacket(t, rtp.Header{}, nil), "cut": b[:11],
	} {
		if _, ok := UnwrapRepair(b, 22, 96); ok {
			t.Errorf("%s: taken for a repair", name)
		}
	}
}
