package signaling

import (
	"net"
	"strconv"
	"strings"
	"testing"
)

func TestPublicAddressesAreOneOfEachKind(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "203.0.113.7": "203.0.113.7", "2001:db8::7": "2001:db8::7",
		"203.0.113.7, 2001:DB8::7": "203.0.113.7 2001:db8::7", "::ffff:203.0.113.7": "203.0.113.7",
	} {
		list, err := ParsePublicAddresses(text)
		var got []string
		for _, a := range list {
			got = append(got, a.String())
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"example.org", "localhost", "203.0.113.7,example.org", "203.0.113.7:7882", "203.0.113.0/24", "0.0.0.0", "::",
		"224.0.0.1", "fe80::1%eth0", "203.0.113.7,203.0.113.8", "2001:db8::7,2001:db8::8", "203.0.113.7,", ",",
	} {
		if list, err := ParsePublicAddresses(text); err == nil {
			t.Errorf("%q is taken as %v", text, list)
		} else if strings.Contains(text, "example") && !strings.Contains(err.Error(), "names are not looked up") {
			t.Errorf("%q: %v does not say what to write", text, err)
		}
	}
}

// candidatesIn are address, port and transport of each candidate of an answer.
func candidatesIn(sdp string) (list []string) {
	for line := range strings.Lines(sdp) {
		if fields := strings.Fields(line); strings.HasPrefix(line, "a=candidate:") && fields[1] == "1" {
			list = append(list, strings.ToLower(fields[2])+" "+fields[4]+" "+fields[5])
		}
	}
	return list
}

func TestAnswersNameThePublicAddressesOnly(t *testing.T) {
	t.Cleanup(func() { noGoroutinesLeft(t) })
	for public, want := range map[string][]string{
		"203.0.113.7":             {"203.0.113.7"},
		"2001:db8::7":             {"2001:db8::7"},
		"203.0.113.7,2001:db8::7": {"203.0.113.7", "2001:db8::7"},
	} {
		t.Run(public, func(t *testing.T) {
			for _, kind := range []string{"udp6", "tcp6"} {
				skipWithout(t, kind)
			}
			api, err := NewAPI(APIConfig{UDPAddr: ":0", TCPAddr: ":0", Public: public})
			must(t, err)
			defer api.Close()
			got := map[string]bool{}
			for _, candidate := range candidatesIn(answerOf(t, api)) {
				got[candidate] = true
			}
			left := len(got)
			for _, address := range want {
				for transport, port := range map[string]int{"udp": api.UDPPort(), "tcp": api.TCPPort()} {
					if !got[transport+" "+address+" "+strconv.Itoa(port)] {
						t.Errorf("%s over %s is not named: %v", address, transport, got)
					}
					left--
				}
			}
			if left != 0 {
				t.Errorf("other addresses are named as well: %v", got)
			}
		})
	}
}

func TestIPv6CarriesMedia(t *testing.T) {
	for _, tcp := range []bool{false, true} {
		t.Run("tcp "+strconv.FormatBool(tcp), func(t *testing.T) {
			skipWithout(t, "udp6")
			s := serve(t, func(s *server) {
				must(t, s.api.Close())
				api, err := NewAPI(APIConfig{UDPAddr: "[::1]:0", TCPAddr: "[::1]:0"})
				must(t, err)
				s.api, s.rooms.config.API = api, api
			})
			page := s.join()
			browser := newPublisher(t, publisherOptions{tcp: tcp, ipv6: true})
			browser.connect(page)
			browser.publish()
			expect(page, receiving)
		})
	}
}

// skipWithout skips where the machine has no IPv6.
func skipWithout(t *testing.T, network string) {
	t.Helper()
	var err error
	if strings.HasPrefix(network, "tcp") {
		var l net.Listener
		if l, err = net.Listen(network, "[::1]:0"); err == nil {
			_ = l.Close()
		}
	} else {
		var c net.PacketConn
		if c, err = net.ListenPacket(network, "[::1]:0"); err == nil {
			_ = c.Close()
		}
	}
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
}
