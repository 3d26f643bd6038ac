package signaling

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"

	"greenroom/media"
)

const (
	maxSDP        = 32 << 10 // bytes
	maxMLines     = 8
	maxCandidates = 32 // in one offer and what trickles after it
)

// offered is what an acceptable offer says.
type offered struct {
	video      []media.Codec // in the page's order; empty without a camera
	candidates int
}

func badOffer(format string, args ...any) *Refusal {
	return &Refusal{
		Code: "bad_offer", Message: "The connection could not be set up: " + fmt.Sprintf(format, args...) + ".",
		Next: "Reload the page, or use a current browser.", status: http.StatusNotAcceptable,
	}
}

// checkOffer refuses what this server does not take, before anything is set up for it: it takes one microphone and at most
// one camera, sent to us, Opus and VP8 or VP9, no simulcast, no data channel.
func checkOffer(text string) (offered, *Refusal) {
	var o offered
	if len(text) > maxSDP {
		return o, badOffer("the offer is larger than 32 KiB")
	}
	var description sdp.SessionDescription
	if err := description.UnmarshalString(text); err != nil {
		refusal := badOffer("the offer is not SDP") // the parser's error would repeat the page's text
		refusal.status = http.StatusBadRequest
		return o, refusal
	}
	if len(description.MediaDescriptions) > maxMLines {
		return o, badOffer("the offer has more than %d parts", maxMLines)
	}
	if _, ok := description.Attribute("ice-lite"); ok {
		return o, badOffer("the page must be a full ICE agent") // ours may be lite, and then nobody checks
	}
	sending, bundle := map[string]int{}, bundleOf(&description)
	for _, m := range description.MediaDescriptions {
		o.candidates += countAttribute(m, "candidate")
		if !isOffered(m, bundle) {
			continue
		}
		if refusal := checkMedia(m); refusal != nil {
			return o, refusal
		}
		if sendsMedia(m, &description) {
			sending[m.MediaName.Media]++
		}
		if m.MediaName.Media == "video" {
			o.video = videoCodecs(m)
		}
	}
	switch {
	case o.candidates > maxCandidates:
		return o, badOffer("the offer has more than %d candidates", maxCandidates)
	case sending["audio"] > 1 || sending["video"] > 1:
		return o, badOffer("one microphone and one camera are taken, not more")
	case sending["audio"]+sending["video"] == 0:
		return o, badOffer("the offer sends neither audio nor video")
	}
	return o, nil
}

// isOffered: port 0 means a part that is not used, unless it says that it travels with the others of the bundle
// (RFC 9143, 6: bundle-only), as GStreamer's parts do.
func isOffered(m *sdp.MediaDescription, bundle []string) bool {
	mid, named := m.Attribute("mid")
	_, bundled := m.Attribute("bundle-only")
	return m.MediaName.Port.Value != 0 || bundled && named && slices.Contains(bundle, mid)
}

func checkMedia(m *sdp.MediaDescription) *Refusal {
	switch m.MediaName.Media {
	case "audio":
		if !hasCodec(m, "opus/48000/2", "") {
			return badOffer("the microphone is not offered as Opus")
		}
	case "video":
		if len(videoCodecs(m)) == 0 {
			return badOffer("the camera is offered neither as VP8 nor as VP9")
		}
	default:
		return badOffer("it asks for something other than audio and video")
	}
	for _, a := range m.Attributes {
		// RFC 8853: layers would arrive as several tracks, of which a recording keeps one.
		if a.Key == "simulcast" || a.Key == "rid" || a.Key == "ssrc-group" && strings.HasPrefix(a.Value, "SIM") {
			return badOffer("simulcast is not taken: send one picture")
		}
	}
	return nil
}

func countAttribute(m *sdp.MediaDescription, key string) int {
	n := 0
	for _, a := range m.Attributes {
		if a.Key == key {
			n++
		}
	}
	return n
}

// sendsMedia: RFC 8866 6.7: a direction of the part, else of the session, else sendrecv.
func sendsMedia(m *sdp.MediaDescription, session *sdp.SessionDescription) bool {
	for _, attributes := range [][]sdp.Attribute{m.Attributes, session.Attributes} {
		for _, a := range attributes {
			switch a.Key {
			case "sendrecv", "sendonly":
				return true
			case "recvonly", "inactive":
				return false
			}
		}
	}
	return true
}

func videoCodecs(m *sdp.MediaDescription) []media.Codec {
	var codecs []media.Codec
	if hasCodec(m, "vp8/90000", "") {
		codecs = append(codecs, media.CodecVP8)
	}
	if hasCodec(m, "vp9/90000", "profile-id=0") {
		codecs = append(codecs, media.CodecVP9)
	}
	return codecs
}

// hasCodec reports whether the part maps a payload type to the codec; with a profile, only if its
// parameters name that profile or none (RFC 9628: profile 0 is meant then).
func hasCodec(m *sdp.MediaDescription, encoding, profile string) bool {
	for _, a := range m.Attributes {
		payload, name, ok := strings.Cut(a.Value, " ")
		if a.Key != "rtpmap" || !ok || !strings.EqualFold(name, encoding) {
			continue
		}
		parameters := formatParameters(m, payload)
		if profile == "" || !strings.Contains(parameters, "profile-id=") || strings.Contains(parameters, profile) {
			return true
		}
	}
	return false
}

func formatParameters(m *sdp.MediaDescription, payload string) string {
	for _, a := range m.Attributes {
		if p, parameters, ok := strings.Cut(a.Value, " "); a.Key == "fmtp" && ok && p == payload {
			return parameters
		}
	}
	return ""
}
