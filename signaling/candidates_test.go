package signaling

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

func TestCandidatesMustBeSome(t *testing.T) {
	for text, ok := range map[string]bool{
		"": true,
		"candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host":                                  true,
		"candidate:1 1 udp 2130706431 f4b1c2d3-0a1b-4c2d-8e3f-a4b5c6d7e8f9.local 40000 typ host": true,
		"candidate:1 1 tcp 1518280447 ::1 9 typ host tcptype active":                             true,
		"candidate:1 1 udp 1 internal.example 80 typ host":                                       false, // nothing is looked up
		"candidate:1 1 udp 1 127.0.0.1 99999 typ host":                                           false,
		"hello": false,
		"candidate:1 1 udp 1 127.0.0.1 9 typ dragon": false,
	} {
		if err := checkCandidate(text); (err == nil) != ok {
			t.Errorf("%q: %v, want accepted: %v", text, err, ok)
		}
	}
}

// listen waits for datagrams that nobody should send.
func listenUDP(t *testing.T) *net.UDPConn {
	t.Helper()
	victim, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	t.Cleanup(func() { _ = victim.Close() })
	return victim
}

// A page names the addresses of other hosts as its own. The server, which with a bound address is a full
// ICE agent, knocks at none of them, and the page's real connection works all the same.
func TestServerKnocksAtNoAddressThatAPageNames(t *testing.T) {
	s := serve(t)
	page := s.join()
	inOffer, trickled := listenUDP(t), listenUDP(t)
	port := func(c *net.UDPConn) int { return c.LocalAddr().(*net.UDPAddr).Port }
	browser := newPublisher(t, publisherOptions{})
	line := fmt.Sprintf("a=candidate:77 1 udp 2130706431 127.0.0.1 %d typ host\r\n", port(inOffer))
	page.send(&Offer{SDP: strings.Replace(browser.offer(), "a=candidate:", line+"a=candidate:", 1)})
	page.send(&ICECandidate{ICECandidate: &ICECandidateInit{
		Candidate: fmt.Sprintf("candidate:78 1 udp 2130706431 127.0.0.1 %d typ host", port(trickled)), SDPMid: new("0"),
	}})
	browser.accept(expect[*Answer](page))
	browser.publish()
	expect(page, receiving)
	for name, victim := range map[string]*net.UDPConn{"in the offer": inOffer, "trickled": trickled} {
		must(t, victim.SetReadDeadline(time.Now().Add(300*time.Millisecond)))
		if n, from, err := victim.ReadFrom(make([]byte, 1500)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %d bytes came from %v, %v", name, n, from, err)
		}
	}
}

// Whoever sits on the way and answers DTLS with a certificate of their own is not the page that signed in
// (RFC 8122, 6.2).
func TestCertificateMustBeTheOneInTheOffer(t *testing.T) {
	s := serve(t)
	page := s.join()
	browser := newPublisher(t, publisherOptions{})
	offer := browser.offer()
	at := strings.Index(offer, "a=fingerprint:sha-256 ") + len("a=fingerprint:sha-256 ")
	other := "00"
	if strings.HasPrefix(offer[at:], other) {
		other = "11"
	}
	page.send(&Offer{SDP: strings.ReplaceAll(offer, offer[at:at+95], other+offer[at+2:at+95])})
	browser.accept(expect[*Answer](page))
	page.expectProblem("connection_lost")
	s.desk.store.mu.Lock()
	defer s.desk.store.mu.Unlock()
	if n := len(s.desk.store.blocks); n != 0 {
		t.Errorf("media of %d tracks was kept", n)
	}
}
