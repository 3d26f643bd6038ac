package signaling

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/media"
)

const (
	sdpHead   = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 AA:BB\r\n"
	sdpBundle = "a=group:BUNDLE later\r\n"
	sdpAudio  = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:111 opus/48000/2\r\na=sendonly\r\n"
	sdpVP8    = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:96 VP8/90000\r\na=sendonly\r\n"
	sdpVP9    = "m=video 9 UDP/TLS/RTP/SAVPF 98\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:98 VP9/90000\r\na=fmtp:98 profile-id=0\r\n"
	sdpVP92   = "m=video 9 UDP/TLS/RTP/SAVPF 98\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:98 VP9/90000\r\na=fmtp:98 profile-id=2\r\n"
	sdpH264   = "m=video 9 UDP/TLS/RTP/SAVPF 102\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:102 H264/90000\r\n"
	sdpData   = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=sctp-port:5000\r\n"
)

// bundleOnly is the part as a later one of a bundle: with port 0, and yet offered.
func bundleOnly(part string) string {
	return strings.Replace(part, " 9 UDP", " 0 UDP", 1) + "a=mid:later\r\na=bundle-only\r\n"
}

func TestCheckOfferAcceptsOneMicrophoneAndOneCamera(t *testing.T) {
	for name, c := range map[string]struct {
		sdp  string
		want []media.Codec
	}{
		"audio only":                 {sdpHead + sdpAudio, nil},
		"audio and VP8":              {sdpHead + sdpAudio + sdpVP8, []media.Codec{media.CodecVP8}},
		"VP9 profile 0":              {sdpHead + sdpAudio + sdpVP9, []media.Codec{media.CodecVP9}},
		"a part of a bundle alone":   {sdpHead + sdpBundle + sdpAudio + bundleOnly(sdpVP8), []media.Codec{media.CodecVP8}},
		"that part of no bundle":     {sdpHead + sdpAudio + bundleOnly(sdpVP8), nil},
		"a rejected part is nothing": {sdpHead + sdpAudio + strings.Replace(sdpH264, "m=video 9", "m=video 0", 1), nil},
		"direction of the session":   {sdpHead + "a=sendrecv\r\n" + strings.Replace(sdpAudio, "a=sendonly\r\n", "", 1), nil},
	} {
		t.Run(name, func(t *testing.T) {
			o, refusal := checkOffer(c.sdp)
			if refusal != nil {
				t.Fatalf("refused: %s", refusal.Message)
			}
			if diff := cmp.Diff(c.want, o.video); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckOfferRefuses(t *testing.T) {
	candidates := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "a=candidate:%d 1 udp 2130706431 127.0.0.1 %d typ host\r\n", i, 40000+i)
		}
		return b.String()
	}
	for name, sdp := range map[string]string{
		"nothing":                     "",
		"not SDP":                     "hello",
		"too large":                   sdpHead + sdpAudio + strings.Repeat("a=x:"+strings.Repeat("y", 1000)+"\r\n", 33),
		"no media":                    sdpHead,
		"nine parts":                  sdpHead + strings.Repeat(strings.Replace(sdpAudio, "audio 9", "audio 0", 1), 9),
		"33 candidates":               sdpHead + sdpAudio + candidates(33),
		"two microphones":             sdpHead + sdpAudio + sdpAudio,
		"two cameras":                 sdpHead + sdpVP8 + sdpVP8,
		"sends nothing":               sdpHead + strings.Replace(sdpAudio, "sendonly", "recvonly", 1),
		"H.264 alone":                 sdpHead + sdpAudio + sdpH264,
		"VP9 profile 2":               sdpHead + sdpAudio + sdpVP92,
		"audio without Opus":          sdpHead + strings.Replace(sdpAudio, "opus/48000/2", "PCMU/8000", 1),
		"data channel":                sdpHead + sdpAudio + sdpData,
		"simulcast by rid":            sdpHead + sdpAudio + sdpVP8 + "a=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l\r\n",
		"simulcast by ssrc":           sdpHead + sdpAudio + sdpVP8 + "a=ssrc-group:SIM 1 2 3\r\n",
		"a second camera in a bundle": sdpHead + sdpBundle + sdpAudio + sdpVP8 + bundleOnly(sdpVP8),
		"H.264 in a bundle":           sdpHead + sdpBundle + sdpAudio + bundleOnly(sdpH264),
		"ICE lite":                    sdpHead + "a=ice-lite\r\n" + sdpAudio,
	} {
		t.Run(name, func(t *testing.T) {
			_, refusal := checkOffer(sdp)
			if refusal == nil {
				t.Fatal("accepted")
			}
			if refusal.Code != "bad_offer" || refusal.Message == "" || refusal.Next == "" {
				t.Errorf("got %+v", refusal)
			}
		})
	}
}

func TestOfferIdentityFollowsTheConnectionNotItsVersion(t *testing.T) {
	first := offerIdentity(sdpHead + sdpAudio)
	if again := offerIdentity(strings.Replace(sdpHead, "- 1 2", "- 1 3", 1) + sdpAudio + sdpVP8); again != first {
		t.Errorf("an ICE restart reads as another connection: %q, %q", first, again)
	}
	if other := offerIdentity(strings.Replace(sdpHead, "AA:BB", "AA:CC", 1) + sdpAudio); other == first {
		t.Error("another certificate reads as the same connection")
	}
	if other := offerIdentity(strings.Replace(sdpHead, "- 1 2", "- 5 2", 1) + sdpAudio); other == first {
		t.Error("another session id reads as the same connection")
	}
}

func FuzzCheckOffer(f *testing.F) {
	for _, seed := range []string{sdpHead + sdpAudio + sdpVP8, sdpHead + sdpVP9, sdpHead + sdpData, "v=0\r\n", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, refusal := checkOffer(text)
		if refusal == nil && (o.candidates > maxCandidates || len(text) > maxSDP) {
			t.Errorf("accepted %d bytes with %d candidates", len(text), o.candidates)
		}
		offerIdentity(text)
		if plan, err := planAnswer(text, media.CodecVP8); refusal == nil && err == nil {
			if _, err := plan.answerText(localTransport{}, 1, 1); err != nil {
				t.Errorf("no answer: %v", err)
			}
		}
	})
}
