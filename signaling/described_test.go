package signaling

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/media"
)

// browserOffer is as Chromium makes it, shortened: a bundle of a microphone and a camera.
const browserOffer = `v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111 63
c=IN IP4 0.0.0.0
a=mid:0
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4/sendonly urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=rtpmap:111 opus/48000/2
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=ssrc:11 cname:x
a=ssrc:11 msid:s a
m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100 101
c=IN IP4 0.0.0.0
a=mid:1
a=sendonly
a=rtpmap:96 VP8/90000
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:98 VP9/90000
a=fmtp:98 profile-id=0
a=rtpmap:99 rtx/90000
a=fmtp:99 x=1; apt=98
a=rtpmap:100 VP9/90000
a=fmtp:100 profile-id=2
a=rtpmap:101 rtx/90000
a=fmtp:101 apt=100
a=ssrc-group:FID 22 23
a=ssrc:22 cname:x
a=ssrc:23 cname:x
`

func onTheWire(offer string) string { return strings.ReplaceAll(offer, "\n", "\r\n") }

func TestOfferIsReadForWhatItsPacketsMean(t *testing.T) {
	d := describeOffer(onTheWire(browserOffer), media.CodecVP8)
	if d.transport != 3 || d.mid != 4 {
		t.Errorf("extensions %d and %d, want 3 and 4", d.transport, d.mid)
	}
	audio := &section{mid: "0", kind: media.KindAudio, codec: media.CodecOpus, payloads: []uint8{111}, declares: true}
	video := &section{mid: "1", kind: media.KindVideo, codec: media.CodecVP8, payloads: []uint8{96}, repairs: []uint8{97}, declares: true}
	same := cmp.AllowUnexported(section{}, declared{})
	if diff := cmp.Diff([]*section{audio, video}, d.sections, same); diff != "" {
		t.Error(diff)
	}
	want := map[uint32]declared{11: {section: audio}, 22: {section: video}, 23: {section: video, repairs: 22}}
	if diff := cmp.Diff(want, d.declared, same); diff != "" {
		t.Error(diff)
	}
	vp9 := describeOffer(onTheWire(browserOffer), media.CodecVP9).sections[1]
	if diff := cmp.Diff([][]uint8{{98}, {99}}, [][]uint8{vp9.payloads, vp9.repairs}); diff != "" {
		t.Errorf("VP9 is not its profile 0: %s", diff)
	}
}

func TestOfferNamesNothingForASectionThatSendsNothing(t *testing.T) {
	for name, offer := range map[string]string{
		"receives only": strings.Replace(browserOffer, "a=mid:1\na=sendonly", "a=mid:1\na=recvonly", 1),
		"refused":       strings.Replace(browserOffer, "m=video 9", "m=video 0", 1),
		"not SDP":       "nonsense",
	} {
		d := describeOffer(onTheWire(offer), media.CodecVP8)
		if _, ok := d.declared[22]; ok || len(d.sections) > 1 {
			t.Errorf("%s: %d sections, camera's SSRC known: %v", name, len(d.sections), ok)
		}
	}
}

// rtpPacket makes a packet with a one-byte extension, if it has an id.
func rtpPacket(payload uint8, id uint8, element string) []byte {
	b := []byte{0x80, payload, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3}
	if id == 0 {
		return b
	}
	b[0] |= 0x10
	b = append(b, 0xbe, 0xde, 0, byte(len(element)+4)/4, id<<4|byte(len(element)-1))
	b = append(b, element...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func TestUndeclaredPacketIsOfTheSectionThatItNames(t *testing.T) {
	silent := describeOffer(onTheWire(undeclaring()), media.CodecVP8)
	for name, c := range map[string]struct {
		offer *described
		b     []byte
		want  media.Kind
	}{
		"by name":                      {silent, rtpPacket(96, 4, "1"), media.KindVideo},
		"by another name":              {silent, rtpPacket(96, 4, "7"), ""},
		"by payload type":              {silent, rtpPacket(111, 0, ""), media.KindAudio},
		"by the repairs' payload type": {silent, rtpPacket(97, 0, ""), media.KindVideo},
		"by nothing":                   {silent, rtpPacket(63, 0, ""), ""},
		"named, but SSRCs are declared": {
			describeOffer(onTheWire(browserOffer), media.CodecVP8), rtpPacket(96, 4, "1"), "",
		},
	} {
		var got media.Kind
		if s := c.offer.owner(c.b); s != nil {
			got = s.kind
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
