package signaling

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"greenroom/media"
)

// offerPlan is an offer that is to be answered: what of it is taken, and what it says of the other end.
type offerPlan struct {
	description *sdp.SessionDescription
	bundle      []string // mids, the first of which carries what holds for all (RFC 9143, 7); nil without one
	taken       []*section
	remote      remoteTransport
}

// planAnswer reads an offer that checkOffer accepted.
func planAnswer(offer string, video media.Codec) (*offerPlan, error) {
	plan := &offerPlan{description: &sdp.SessionDescription{}}
	if err := plan.description.UnmarshalString(offer); err != nil {
		return nil, errors.New("the offer is not SDP") // the parser's error would repeat it
	}
	plan.bundle = bundleOf(plan.description)
	for _, m := range plan.description.MediaDescriptions {
		plan.taken = append(plan.taken, plan.take(m, video))
	}
	if plan.bundle == nil {
		plan.takeOne()
	}
	first := plan.tagged()
	if first < 0 {
		return nil, errors.New("nothing of the offer can be taken")
	}
	return plan, plan.readRemote(first)
}

// take returns what the part is, or nil if it is not taken, as what is beside the bundle.
func (plan *offerPlan) take(m *sdp.MediaDescription, video media.Codec) *section {
	mid, named := m.Attribute("mid")
	if !isOffered(m, plan.bundle) || plan.bundle != nil && (!named || !slices.Contains(plan.bundle, mid)) {
		return nil
	}
	s := newSection(m, video)
	if s == nil || len(s.payloads) == 0 {
		return nil
	}
	return s
}

// takeOne: where the offer has no bundle, each part would travel alone, and there is one way: it is the first
// part's that sends.
func (plan *offerPlan) takeOne() {
	one := -1
	for i, m := range plan.description.MediaDescriptions {
		if plan.taken[i] == nil {
			continue
		}
		if sendsMedia(m, plan.description) {
			one = i
			break
		}
		if one < 0 {
			one = i
		}
	}
	for i := range plan.taken {
		if i != one {
			plan.taken[i] = nil
		}
	}
}

// group is what is taken of the bundle, in its order (RFC 9143, 7.3.1).
func (plan *offerPlan) group() (parts []int) {
	for _, mid := range plan.bundle {
		i := slices.IndexFunc(plan.description.MediaDescriptions, func(m *sdp.MediaDescription) bool {
			named, ok := m.Attribute("mid")
			return ok && named == mid
		})
		if i >= 0 && plan.taken[i] != nil && !slices.Contains(parts, i) {
			parts = append(parts, i)
		}
	}
	return parts
}

// tagged is the part that carries what holds for all that is taken; -1 if nothing is.
func (plan *offerPlan) tagged() int {
	if group := plan.group(); len(group) > 0 {
		return group[0]
	}
	return slices.IndexFunc(plan.taken, func(s *section) bool { return s != nil })
}

// bundleOf returns the mids of an offer's first bundle (RFC 9143, 5); nil without one.
func bundleOf(description *sdp.SessionDescription) []string {
	for _, a := range description.Attributes {
		if mids := strings.Fields(a.Value); a.Key == "group" && len(mids) > 1 && mids[0] == "BUNDLE" {
			return mids[1:]
		}
	}
	return nil
}

// readRemote finds what the offer says of the other end: in the part whose name the bundle begins with, else
// in the head of the offer, else in the part that carries the answer's.
func (plan *offerPlan) readRemote(first int) error {
	tagged := plan.description.MediaDescriptions[first]
	for _, m := range plan.description.MediaDescriptions {
		if mid, ok := m.Attribute("mid"); ok && len(plan.bundle) > 0 && mid == plan.bundle[0] {
			tagged = m
		}
	}
	lists := [][]sdp.Attribute{tagged.Attributes, plan.description.Attributes, plan.description.MediaDescriptions[first].Attributes}
	find := func(key string) (values []string) {
		for _, list := range lists {
			for _, a := range list {
				if a.Key == key {
					values = append(values, a.Value)
				}
			}
			if len(values) > 0 {
				return values
			}
		}
		return []string{""}
	}
	remote := &plan.remote
	remote.ufrag, remote.pwd = find("ice-ufrag")[0], find("ice-pwd")[0]
	if !isCredential(remote.ufrag, leastUfrag) || !isCredential(remote.pwd, leastPwd) {
		return errors.New("the offer has no ICE credentials")
	}
	for _, value := range find("fingerprint") {
		if f, ok := parseFingerprint(value); ok {
			remote.fingerprints = append(remote.fingerprints, f)
		}
	}
	if len(remote.fingerprints) == 0 {
		return errors.New("the offer has no fingerprint of SHA-256 or better")
	}
	switch remote.setup = find("setup")[0]; remote.setup {
	case "":
		remote.setup = "actpass"
	case "active", "passive", "actpass":
	default:
		return errors.New("the offer has no role in DTLS")
	}
	return nil
}

// answerText writes the answer (RFC 8866, RFC 9429, 5.3). Its version must be higher each time.
func (plan *offerPlan) answerText(local localTransport, session, version uint64) (string, error) {
	answer := &sdp.SessionDescription{
		Origin: sdp.Origin{
			Username: "-", SessionID: session, SessionVersion: version, NetworkType: "IN", AddressType: "IP4", UnicastAddress: "0.0.0.0",
		},
		SessionName: "-", TimeDescriptions: []sdp.TimeDescription{{}},
	}
	answer.WithFingerprint("sha-256", local.fingerprint)
	if local.lite {
		answer.WithPropertyAttribute("ice-lite")
	}
	if _, ok := plan.description.Attribute("extmap-allow-mixed"); ok {
		answer.WithPropertyAttribute("extmap-allow-mixed")
	}
	if plan.bundle != nil {
		group := []string{"BUNDLE"}
		for _, i := range plan.group() {
			mid, _ := plan.description.MediaDescriptions[i].Attribute("mid")
			group = append(group, mid)
		}
		answer.WithValueAttribute("group", strings.Join(group, " "))
	}
	for i, m := range plan.description.MediaDescriptions {
		if plan.taken[i] == nil {
			answer.WithMedia(refusedPart(m))
			continue
		}
		part := takenPart(m, plan.taken[i], sendsMedia(m, plan.description), local)
		if i == plan.tagged() { // they are the bundle's
			for _, c := range local.candidates {
				part.WithValueAttribute("candidate", c.Marshal())
			}
			part.WithPropertyAttribute("end-of-candidates")
		}
		answer.WithMedia(part)
	}
	b, err := answer.Marshal()
	if err != nil {
		return "", fmt.Errorf("write the answer: %w", err)
	}
	return string(b), nil
}

// newPart repeats what an answer's part must repeat of the offer's.
func newPart(m *sdp.MediaDescription, port int, formats []string) *sdp.MediaDescription {
	part := &sdp.MediaDescription{
		MediaName: sdp.MediaName{Media: m.MediaName.Media, Port: sdp.RangedPort{Value: port}, Protos: m.MediaName.Protos, Formats: formats},
		ConnectionInformation: &sdp.ConnectionInformation{
			NetworkType: "IN", AddressType: "IP4", Address: &sdp.Address{Address: "0.0.0.0"},
		},
	}
	if mid, ok := m.Attribute("mid"); ok {
		part.WithValueAttribute("mid", mid)
	}
	return part
}

// refusedPart: RFC 3264, 6: port 0, and formats that mean nothing.
func refusedPart(m *sdp.MediaDescription) *sdp.MediaDescription {
	return newPart(m, 0, m.MediaName.Formats).WithPropertyAttribute("inactive")
}

func takenPart(m *sdp.MediaDescription, s *section, sends bool, local localTransport) *sdp.MediaDescription {
	var formats []string
	for _, payload := range append(slices.Clone(s.payloads), s.repairs...) {
		formats = append(formats, strconv.Itoa(int(payload)))
	}
	part := newPart(m, 9, formats). // RFC 9429, 5.3.1: the candidates say which port
					WithValueAttribute("setup", local.setup).
					WithICECredentials(local.ufrag, local.pwd)
	for _, key := range []string{"rtcp-mux", "rtcp-rsize"} {
		if _, ok := m.Attribute(key); ok {
			part.WithPropertyAttribute(key)
		}
	}
	for _, payload := range s.payloads {
		s.describe(part, m, strconv.Itoa(int(payload)))
	}
	for _, payload := range s.repairs {
		number := strconv.Itoa(int(payload))
		part.WithValueAttribute("rtpmap", number+" rtx/90000")
		part.WithValueAttribute("fmtp", number+" "+formatParameters(m, number))
	}
	for _, a := range m.Attributes {
		if id, uri, ok := extension(a); ok && (uri == sdp.TransportCCURI || uri == sdp.SDESMidURI) {
			part.WithValueAttribute("extmap", id+" "+uri)
		}
	}
	if !sends {
		return part.WithPropertyAttribute("inactive") // we send nothing
	}
	return part.WithPropertyAttribute("recvonly")
}

// describe says what we take of one payload type: of feedback, what was offered and is sent by us.
func (s *section) describe(part, offered *sdp.MediaDescription, number string) {
	feedback := []string{"transport-cc", "nack"}
	switch s.codec {
	case media.CodecOpus:
		// RFC 7587, 7: the RTP clock of Opus is 48 kHz with two channels, whatever is encoded. Chromium repairs
		// Opus if it offers nack for it.
		part.WithValueAttribute("rtpmap", number+" opus/48000/2")
		part.WithValueAttribute("fmtp", number+" minptime=10;useinbandfec=1")
	case media.CodecVP8:
		part.WithValueAttribute("rtpmap", number+" VP8/90000")
		feedback = append(feedback, "nack pli")
	case media.CodecVP9:
		part.WithValueAttribute("rtpmap", number+" VP9/90000")
		part.WithValueAttribute("fmtp", number+" profile-id=0")
		feedback = append(feedback, "nack pli")
	}
	for _, f := range feedback {
		for _, of := range []string{number, "*"} { // RFC 4585, 4.2
			if slices.ContainsFunc(offered.Attributes, func(a sdp.Attribute) bool { return a.Key == "rtcp-fb" && a.Value == of+" "+f }) {
				part.WithValueAttribute("rtcp-fb", number+" "+f)
				break
			}
		}
	}
}

// newSessionID: RFC 9429, 5.2.1: 63 random bits.
func newSessionID() uint64 { return rand.Uint64() >> 1 } //nolint:gosec // a label, not a secret
