package signaling

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/ice/v4"

	"greenroom/media"
)

const (
	sampleSum = "D2:FA:0E:C3:22:59:5E:14:95:69:92:3D:13:B4:84:24:2C:C2:A2:C0:3E:FD:34:8E:5E:EA:6F:AF:52:CE:E6:0F"
	// offerHead is what a part says of the transport.
	offerHead = "a=ice-ufrag:page\na=ice-pwd:0123456789012345678901\na=fingerprint:sha-256 " + sampleSum + "\na=setup:actpass\n"
)

// wholeOffer is browserOffer with a transport in each part and the feedback that Chromium offers.
func wholeOffer() string {
	feedback := "a=rtcp-fb:111 transport-cc\n"
	for _, payload := range []string{"96", "98", "100"} {
		for _, f := range []string{"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"} {
			feedback += "a=rtcp-fb:" + payload + " " + f + "\n"
		}
	}
	return strings.NewReplacer(
		"a=mid:0\n", offerHead+"a=mid:0\na=rtcp-mux\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n"+feedback[:27],
		"a=mid:1\n", offerHead+"a=mid:1\na=rtcp-mux\na=rtcp-rsize\na=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\n"+
			"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\n"+feedback[27:],
		"a=group:", "a=extmap-allow-mixed\na=group:",
	).Replace(browserOffer)
}

func sampleLocal(t *testing.T) localTransport {
	t.Helper()
	c, err := ice.NewCandidateHost(&ice.CandidateHostConfig{Network: "udp", Address: "192.0.2.1", Port: 7000, Component: 1, Priority: 9, Foundation: "1"})
	must(t, err)
	return localTransport{ufrag: "ours", pwd: "secret", fingerprint: "AB:CD", setup: "active", candidates: []ice.Candidate{c}}
}

func answerTo(t *testing.T, offer string, video media.Codec) string {
	t.Helper()
	if _, refusal := checkOffer(onTheWire(offer)); refusal != nil {
		t.Fatalf("refused: %s", refusal.Message)
	}
	plan, err := planAnswer(onTheWire(offer), video)
	must(t, err)
	text, err := plan.answerText(sampleLocal(t), 5, 2)
	must(t, err)
	return strings.ReplaceAll(text, "\r\n", "\n")
}

func TestAnswerTakesAMicrophoneAndACamera(t *testing.T) {
	want := `v=0
o=- 5 2 IN IP4 0.0.0.0
s=-
t=0 0
a=fingerprint:sha-256 AB:CD
a=extmap-allow-mixed
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=setup:active
a=ice-ufrag:ours
a=ice-pwd:secret
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=rtcp-fb:111 transport-cc
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=recvonly
a=candidate:1 1 udp 9 192.0.2.1 7000 typ host
a=end-of-candidates
m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=mid:1
a=setup:active
a=ice-ufrag:ours
a=ice-pwd:secret
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 transport-cc
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=recvonly
`
	if diff := cmp.Diff(want, answerTo(t, wholeOffer(), media.CodecVP8)); diff != "" {
		t.Error(diff)
	}
}

// linesOf are the lines of an answer that begin so.
func linesOf(answer string, prefixes ...string) (lines []string) {
	for line := range strings.Lines(answer) {
		for _, prefix := range prefixes {
			if strings.HasPrefix(line, prefix) {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
	}
	return lines
}

func TestAnswerFollowsItsOffer(t *testing.T) {
	whole := wholeOffer()
	for name, c := range map[string]struct {
		offer string
		video media.Codec
		want  []string // groups, parts and directions
	}{
		"VP9": {whole, media.CodecVP9, []string{
			"a=group:BUNDLE 0 1", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=recvonly", "m=video 9 UDP/TLS/RTP/SAVPF 98 99", "a=recvonly",
		}},
		"a later part of the bundle alone, as GStreamer has it": {
			strings.Replace(whole, "m=video 9", "m=video 0", 1) + "a=bundle-only\n", media.CodecVP8,
			[]string{"a=group:BUNDLE 0 1", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=recvonly", "m=video 9 UDP/TLS/RTP/SAVPF 96 97", "a=recvonly"},
		},
		"a camera that was taken away": {
			strings.NewReplacer("m=video 9", "m=video 0", "BUNDLE 0 1", "BUNDLE 0").Replace(whole), media.CodecVP8,
			[]string{"a=group:BUNDLE 0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=recvonly", "m=video 0 UDP/TLS/RTP/SAVPF 96 97 98 99 100 101", "a=inactive"},
		},
		"a camera that sends nothing": {
			strings.Replace(whole, "c=IN IP4 0.0.0.0\n"+offerHead+"a=mid:1", "c=IN IP4 0.0.0.0\na=recvonly\n"+offerHead+"a=mid:1", 1), media.CodecVP8,
			[]string{"a=group:BUNDLE 0 1", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=recvonly", "m=video 9 UDP/TLS/RTP/SAVPF 96 97", "a=inactive"},
		},
		"a part beside the bundle": {strings.Replace(whole, "BUNDLE 0 1", "BUNDLE 1", 1), media.CodecVP8, []string{
			"a=group:BUNDLE 1", "m=audio 0 UDP/TLS/RTP/SAVPF 111 63", "a=inactive", "m=video 9 UDP/TLS/RTP/SAVPF 96 97", "a=recvonly",
		}},
		"a bundle in another order": {strings.Replace(whole, "BUNDLE 0 1", "BUNDLE 1 0", 1), media.CodecVP8, []string{
			"a=group:BUNDLE 1 0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=recvonly", "m=video 9 UDP/TLS/RTP/SAVPF 96 97", "a=recvonly",
		}},
		"a later part alone, of no bundle": {
			strings.NewReplacer("m=video 9", "m=video 0", "a=group:BUNDLE 0 1\n", "").Replace(whole) + "a=bundle-only\n", media.CodecVP8,
			[]string{"m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=recvonly", "m=video 0 UDP/TLS/RTP/SAVPF 96 97 98 99 100 101", "a=inactive"},
		},
		"no bundle, and a microphone that sends nothing": {
			strings.NewReplacer("a=group:BUNDLE 0 1\n", "", "a=mid:0", "a=recvonly\na=mid:0").Replace(whole), media.CodecVP8,
			[]string{"m=audio 0 UDP/TLS/RTP/SAVPF 111 63", "a=inactive", "m=video 9 UDP/TLS/RTP/SAVPF 96 97", "a=recvonly"},
		},
		"no bundle": {strings.Replace(whole, "a=group:BUNDLE 0 1\n", "", 1), media.CodecVP8, []string{
			"m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=recvonly", "m=video 0 UDP/TLS/RTP/SAVPF 96 97 98 99 100 101", "a=inactive",
		}},
	} {
		got := linesOf(answerTo(t, c.offer, c.video), "a=group", "m=", "a=recvonly", "a=inactive", "a=sendrecv", "a=sendonly")
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// RFC 9143, 7.3.1: the part that carries the candidates is the first of the bundle that is taken, also in what a
// restart by a fragment answers.
func TestCandidatesComeWithTheTaggedPart(t *testing.T) {
	whole := wholeOffer()
	for name, c := range map[string]struct{ offer, mid, part string }{
		"the first":        {whole, "a=mid:0", "m=audio 9 UDP/TLS/RTP/SAVPF 111"},
		"the second":       {strings.Replace(whole, "BUNDLE 0 1", "BUNDLE 1 0", 1), "a=mid:1", "m=video 9 UDP/TLS/RTP/SAVPF 96 97"},
		"first is refused": {strings.Replace(whole, "BUNDLE 0 1", "BUNDLE 1", 1), "a=mid:1", "m=video 9 UDP/TLS/RTP/SAVPF 96 97"},
		"taken away": {
			strings.NewReplacer("m=audio 9", "m=audio 0", "BUNDLE 0 1", "BUNDLE 0 1").Replace(whole), "a=mid:1", "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
		},
	} {
		answer := answerTo(t, c.offer, media.CodecVP8)
		want := []string{c.mid, "a=candidate:1 1 udp 9 192.0.2.1 7000 typ host", "a=end-of-candidates"}
		lines := linesOf(answer, "a=mid:", "a=candidate:", "a=end-of-candidates")
		if i := slices.Index(lines, c.mid); i < 0 || !slices.Equal(lines[i:min(i+3, len(lines))], want) {
			t.Errorf("%s: %v", name, lines)
		}
		fragment := strings.Join([]string{"a=ice-ufrag:ours", "a=ice-pwd:secret", c.part, want[0], want[1], want[2], ""}, "\n")
		if diff := cmp.Diff(fragment, answerFragment(answer)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAnswerNamesOnlyFeedbackThatIsOffered(t *testing.T) {
	offer := strings.NewReplacer("a=rtcp-fb:96 nack pli\n", "", "a=rtcp-fb:96 nack\n", "a=rtcp-fb:* nack\n").Replace(wholeOffer())
	want := []string{"a=rtcp-fb:111 transport-cc", "a=rtcp-fb:96 transport-cc", "a=rtcp-fb:96 nack"}
	if diff := cmp.Diff(want, linesOf(answerTo(t, offer, media.CodecVP8), "a=rtcp-fb")); diff != "" {
		t.Error(diff)
	}
}

func TestTransportIsReadFromTheFirstPartOfTheBundle(t *testing.T) {
	bare := strings.Replace(wholeOffer(), offerHead, "", 1)
	for name, offer := range map[string]string{
		"in all parts":      wholeOffer(),
		"in the head":       strings.ReplaceAll(strings.Replace(wholeOffer(), "t=0 0\n", "t=0 0\n@", 1), offerHead, ""),
		"in the named part": strings.Replace(bare, "BUNDLE 0 1", "BUNDLE 1 0", 1),
	} {
		plan, err := planAnswer(onTheWire(strings.Replace(offer, "@", offerHead, 1)), media.CodecVP8)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r := plan.remote
		if r.ufrag != "page" || r.pwd != "0123456789012345678901" || r.setup != "actpass" || len(r.fingerprints) != 1 {
			t.Errorf("%s: got %d fingerprints, %s", name, len(r.fingerprints), r.setup)
		}
	}
}

func TestOfferWithoutATransportIsRefused(t *testing.T) {
	for name, offer := range map[string]string{
		"no user name":    strings.ReplaceAll(wholeOffer(), "a=ice-ufrag:page\n", ""),
		"short password":  strings.ReplaceAll(wholeOffer(), "a=ice-pwd:0123456789012345678901\n", "a=ice-pwd:short\n"),
		"no fingerprint":  strings.ReplaceAll(wholeOffer(), "a=fingerprint:sha-256 "+sampleSum+"\n", ""),
		"SHA-1":           strings.ReplaceAll(wholeOffer(), "a=fingerprint:sha-256 "+sampleSum+"\n", "a=fingerprint:sha-1 "+sampleSum[:59]+"\n"),
		"half a sum":      strings.ReplaceAll(wholeOffer(), sampleSum, sampleSum[:50]),
		"no role":         strings.ReplaceAll(wholeOffer(), "actpass", "holdconn"),
		"nothing bundled": strings.ReplaceAll(wholeOffer(), "BUNDLE 0 1", "BUNDLE 7 8"),
		"not SDP":         "nonsense",
	} {
		if _, err := planAnswer(onTheWire(offer), media.CodecVP8); err == nil {
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), "page") || strings.Contains(err.Error(), sampleSum[:8]) {
			t.Errorf("%s: the error repeats the offer: %v", name, err)
		}
	}
}

func TestFingerprintsAreOfSHA256AndBetter(t *testing.T) {
	certificate, err := newCertificate()
	must(t, err)
	other, err := newCertificate()
	must(t, err)
	of := func(text string) []fingerprint {
		f, ok := parseFingerprint(text)
		if !ok {
			t.Fatalf("%s is refused", text)
		}
		return []fingerprint{f}
	}
	right, wrong := of("SHA-256 "+strings.ToLower(fingerprintOf(certificate))), of("sha-256 "+fingerprintOf(other))
	for name, c := range map[string]struct {
		certificates [][]byte
		expected     []fingerprint
		ok           bool
	}{
		"the one":         {certificate.Certificate, right, true},
		"one of two":      {certificate.Certificate, append(wrong, right...), true},
		"SHA-512":         {certificate.Certificate, []fingerprint{{"sha-512", hashOf("sha-512", certificate.Certificate[0])}}, true},
		"SHA-384":         {certificate.Certificate, []fingerprint{{"sha-384", hashOf("sha-384", certificate.Certificate[0])}}, true},
		"another":         {certificate.Certificate, wrong, false},
		"no certificate":  {nil, right, false},
		"nothing to meet": {certificate.Certificate, nil, false},
		"an unknown hash": {certificate.Certificate, []fingerprint{{"md5", nil}}, false},
	} {
		if err := checkCertificate(c.certificates, c.expected); (err == nil) != c.ok || err != nil && !errors.Is(err, errCertificate) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A program may want to begin the handshake itself, or leave it to us; and a later offer may not change that.
func TestRolesOfTheHandshake(t *testing.T) {
	for offered, answered := range map[string]string{"actpass": "active", "active": "passive", "passive": "active"} {
		t.Run(offered, func(t *testing.T) {
			s := serve(t)
			page := s.join()
			browser := newPublisher(t, publisherOptions{})
			offer := strings.ReplaceAll(browser.offer(), "a=setup:actpass", "a=setup:"+offered)
			page.send(&Offer{SDP: offer})
			answer := expect[*Answer](page)
			if !strings.Contains(answer.SDP, "a=setup:"+answered+"\r\n") {
				t.Fatalf("answered:\n%s", answer.SDP)
			}
			if offered == "passive" {
				return // Pion offers no such thing, and would not serve
			}
			browser.accept(answer)
			browser.publish()
			expect(page, receiving)
			page.send(&Offer{SDP: strings.ReplaceAll(offer, "a=setup:"+offered, "a=setup:"+answered)})
			page.expectProblem("bad_offer")
		})
	}
}

// Between a restart's answer and its first check a browser sends as before. This one never begins to check.
func TestMediaGoOnWhileICERestarts(t *testing.T) {
	s := serve(t)
	page := s.join()
	browser := newPublisher(t, publisherOptions{})
	browser.connect(page)
	browser.publish()
	expect(page, receiving)
	restarted := fragment{ufrag: "anew", pwd: "anewanewanewanewanewanew"}
	page.send(&Offer{SDP: withCredentials(browser.pc.LocalDescription().SDP, restarted)})
	expect[*Answer](page)
	s.kept(media.KindAudio, 20)
	s.kept(media.KindVideo, 10)
}

// lonePeer is a peer without a room. It may be closed before the test ends.
func lonePeer(t *testing.T) *peer {
	t.Helper()
	api, err := NewAPI(APIConfig{UDPAddr: "127.0.0.1:0"})
	must(t, err)
	t.Cleanup(func() { _ = api.Close() })
	p, err := newPeer(peerConfig{api: api, video: media.CodecVP8, log: slog.New(slog.DiscardHandler), onGone: func(*peer) {}})
	must(t, err)
	t.Cleanup(p.close)
	return p
}

// What a refused offer would have changed stays as it was, and a restart is not left half done by a program that
// does not wait for its answer.
func TestRestartIsWholeOrNotAtAll(t *testing.T) {
	p := lonePeer(t)
	offer := onTheWire(wholeOffer())
	_, err := p.answer(t.Context(), offer)
	must(t, err)
	ufrag, _, err := p.link.agent.GetLocalUserCredentials()
	must(t, err)
	restarted := withCredentials(offer, fragment{ufrag: "anew", pwd: "anewanewanewanewanewanew"})
	if _, err := p.answer(t.Context(), strings.ReplaceAll(restarted, "actpass", "active")); err == nil {
		t.Fatal("an offer that changes the roles was answered")
	}
	if now, _, err := p.link.agent.GetLocalUserCredentials(); err != nil || now != ufrag || p.link.remote.ufrag != "page" {
		t.Errorf("a refused offer made us %q of %q, and the page %q: %v", now, ufrag, p.link.remote.ufrag, err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := p.answer(gone, restarted); err != nil {
		t.Errorf("a restart was given up: %v", err)
	}
	if theirs, _, err := p.link.agent.GetRemoteUserCredentials(); err != nil || theirs != "anew" || p.link.remote.ufrag != "anew" {
		t.Errorf("the agent checks with %q, we know %q: %v", theirs, p.link.remote.ufrag, err)
	}
}

func TestVersionOfAnswersGoesUp(t *testing.T) {
	p := lonePeer(t)
	seen := map[string]bool{}
	var session string
	for range 3 {
		answer, err := p.answer(t.Context(), onTheWire(wholeOffer()))
		must(t, err)
		origin := strings.Fields(linesOf(answer, "o=")[0])
		if session == "" {
			session = origin[1]
		}
		if seen[origin[2]] || origin[1] != session {
			t.Errorf("the origin %v follows %v", origin, seen)
		}
		seen[origin[2]] = true
	}
}

func TestClosedPeerAnswersNothing(t *testing.T) {
	p := lonePeer(t)
	begun := time.Now()
	p.close()
	if took := time.Since(begun); took > closeLimit {
		t.Errorf("closing took %v", took)
	}
	if _, err := p.answer(t.Context(), onTheWire(wholeOffer())); err == nil {
		t.Error("it answered")
	}
	mux := p.link.api.udpMux
	if len(mux.owners)+len(mux.ports[0].conns)+len(mux.ports[0].ways) != 0 {
		t.Error("the port still knows it")
	}
}
