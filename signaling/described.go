package signaling

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"greenroom/media"
)

// described is what an offer says of the packets that will come: which SSRC, payload type and header
// extension means what. It does not change; another offer makes another one.
type described struct {
	sections  []*section
	declared  map[uint32]declared
	transport uint8 // id of the extension with the transport-wide sequence number; 0: none
	mid       uint8 // id of the extension that names a section; 0: none
}

// section is one part of an offer that sends media.
type section struct {
	mid      string
	kind     media.Kind
	codec    media.Codec
	payloads []uint8 // payload types of the codec
	repairs  []uint8 // payload types of its retransmissions (RFC 4588)
	declares bool    // it names its SSRCs, so others are none of its own
}

// declared is an SSRC that an offer names.
type declared struct {
	section *section
	repairs uint32 // the SSRC that this one repairs; 0: none, it carries media
}

// describeOffer reads an offer that checkOffer accepted.
func describeOffer(offer string, video media.Codec) *described {
	d := &described{declared: map[uint32]declared{}}
	var description sdp.SessionDescription
	if err := description.UnmarshalString(offer); err != nil {
		return d
	}
	bundle := bundleOf(&description)
	for _, m := range description.MediaDescriptions {
		if !isOffered(m, bundle) || !sendsMedia(m, &description) {
			continue
		}
		s := newSection(m, video)
		if s == nil {
			continue
		}
		d.findExtensions(m)
		d.findSSRCs(m, s)
		d.sections = append(d.sections, s)
	}
	return d
}

// newSection reads a part of an offer; nil if it is neither audio nor video.
func newSection(m *sdp.MediaDescription, video media.Codec) *section {
	s := &section{kind: media.Kind(m.MediaName.Media)}
	switch s.kind {
	case media.KindAudio:
		s.codec = media.CodecOpus
	case media.KindVideo:
		s.codec = video
	default:
		return nil
	}
	s.mid, _ = m.Attribute("mid")
	s.findPayloads(m)
	return s
}

func (s *section) findPayloads(m *sdp.MediaDescription) {
	for _, a := range m.Attributes {
		number, encoding, ok := strings.Cut(a.Value, " ")
		payload, err := strconv.ParseUint(number, 10, 7)
		if a.Key != "rtpmap" || !ok || err != nil {
			continue
		}
		name, _, _ := strings.Cut(encoding, "/")
		parameters := formatParameters(m, number)
		otherProfile := s.codec == media.CodecVP9 && strings.Contains(parameters, "profile-id=") &&
			!strings.Contains(parameters, "profile-id=0")
		if strings.EqualFold(name, string(s.codec)) && !otherProfile {
			s.payloads = append(s.payloads, uint8(payload))
		}
	}
	for _, a := range m.Attributes { // RFC 4588 8.1: apt names the payload type that is repaired
		number, encoding, _ := strings.Cut(a.Value, " ")
		payload, err := strconv.ParseUint(number, 10, 7)
		if a.Key != "rtpmap" || err != nil || !strings.HasPrefix(strings.ToLower(encoding), "rtx/") {
			continue
		}
		for parameter := range strings.SplitSeq(formatParameters(m, number), ";") {
			of, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimSpace(parameter), "apt="), 10, 7)
			if err == nil && slices.Contains(s.payloads, uint8(of)) {
				s.repairs = append(s.repairs, uint8(payload))
			}
		}
	}
}

// findExtensions: in a bundle an id means the same in every section (RFC 8843 9.1).
func (d *described) findExtensions(m *sdp.MediaDescription) {
	for _, a := range m.Attributes {
		id, uri, ok := extension(a)
		number, err := strconv.ParseUint(id, 10, 8)
		if !ok || err != nil {
			continue
		}
		switch uri {
		case sdp.TransportCCURI:
			d.transport = uint8(number)
		case sdp.SDESMidURI:
			d.mid = uint8(number)
		}
	}
}

// extension returns the id of a header extension and what it means.
func extension(a sdp.Attribute) (id, uri string, ok bool) {
	name, rest, ok := strings.Cut(a.Value, " ")
	id, _, _ = strings.Cut(name, "/") // RFC 8285, 8: a direction may follow
	uri, _, _ = strings.Cut(rest, " ")
	return id, uri, ok && a.Key == "extmap"
}

// findSSRCs reads RFC 5576 attributes: a group of semantics FID names media and its repairs.
func (d *described) findSSRCs(m *sdp.MediaDescription, s *section) {
	for _, a := range m.Attributes {
		fields := strings.Fields(a.Value)
		switch {
		case a.Key == "ssrc" && len(fields) > 0:
			if ssrc, err := strconv.ParseUint(fields[0], 10, 32); err == nil {
				s.declares = true
				if _, known := d.declared[uint32(ssrc)]; !known {
					d.declared[uint32(ssrc)] = declared{section: s}
				}
			}
		case a.Key == "ssrc-group" && len(fields) == 3 && fields[0] == "FID":
			of, err := strconv.ParseUint(fields[1], 10, 32)
			ssrc, err2 := strconv.ParseUint(fields[2], 10, 32)
			if err == nil && err2 == nil && of != ssrc {
				d.declared[uint32(ssrc)] = declared{section: s, repairs: uint32(of)}
			}
		}
	}
}

// owner returns the section that a packet of an SSRC which no section names belongs to: by the section's
// name in the packet (RFC 8843 9.2), else by the payload type.
func (d *described) owner(b []byte) *section {
	if d.mid != 0 {
		if mid, ok := media.HeaderExtension(b, d.mid); ok {
			for _, s := range d.sections {
				if s.mid == string(mid) && !s.declares {
					return s
				}
			}
			return nil
		}
	}
	for _, s := range d.sections {
		if payload := b[1] & 0x7f; !s.declares && (slices.Contains(s.payloads, payload) || slices.Contains(s.repairs, payload)) {
			return s
		}
	}
	return nil
}
