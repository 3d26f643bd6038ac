package signaling

import (
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"

	"greenroom/media"
)

// answerOf lets the API answer an offer of audio alone.
func answerOf(t *testing.T, api *API) string {
	t.Helper()
	browser := newPublisher(t, publisherOptions{noVideo: true})
	p, err := newPeer(peerConfig{api: api, video: media.CodecVP8, log: slog.New(slog.DiscardHandler), onGone: func(*peer) {}})
	must(t, err)
	defer p.close()
	answer, err := p.answer(t.Context(), browser.offer())
	must(t, err)
	return answer
}

func TestAPINamesThePortsItBound(t *testing.T) {
	t.Cleanup(func() { noGoroutinesLeft(t) })
	api, err := NewAPI(APIConfig{UDPAddr: "127.0.0.1:0", TCPAddr: "127.0.0.1:0"})
	must(t, err)
	sdp := answerOf(t, api)
	for _, want := range []string{
		"udp 2130706431 127.0.0.1 " + strconv.Itoa(api.UDPPort()) + " typ host",
		"127.0.0.1 " + strconv.Itoa(api.TCPPort()) + " typ host tcptype passive",
	} {
		if !strings.Contains(sdp, want) {
			t.Errorf("the answer lacks %q", want)
		}
	}
	must(t, api.Close())
	again, err := NewAPI(APIConfig{UDPAddr: net.JoinHostPort("127.0.0.1", strconv.Itoa(api.UDPPort()))})
	if err != nil {
		t.Fatalf("the port was not freed: %v", err)
	}
	if again.TCPPort() != 0 {
		t.Error("ICE-TCP without being asked for")
	}
	must(t, again.Close())
}

func TestPublicAddressReplacesTheBoundOne(t *testing.T) {
	t.Cleanup(func() { noGoroutinesLeft(t) })
	api, err := NewAPI(APIConfig{UDPAddr: "127.0.0.1:0", Public: "203.0.113.7"})
	must(t, err)
	defer api.Close()
	sdp := answerOf(t, api)
	if !strings.Contains(sdp, " 203.0.113.7 "+strconv.Itoa(api.UDPPort())) || strings.Contains(sdp, " 127.0.0.1 ") {
		t.Errorf("candidates are wrong:\n%s", sdp)
	}
	if !strings.Contains(sdp, "a=ice-lite") {
		t.Error("with a public address the server would send checks of its own")
	}
}

func TestEveryInterfaceSharesOnePort(t *testing.T) {
	t.Cleanup(func() { noGoroutinesLeft(t) })
	api, err := NewAPI(APIConfig{UDPAddr: ":0"})
	must(t, err)
	if api.UDPPort() == 0 {
		t.Error("no port")
	}
	must(t, api.Close())
}

func TestAPIRefusesWhatItCannotUse(t *testing.T) {
	taken, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	defer taken.Close()
	for name, config := range map[string]APIConfig{
		"no port":            {UDPAddr: "127.0.0.1"},
		"port in use":        {UDPAddr: taken.LocalAddr().String()},
		"bad TCP address":    {UDPAddr: "127.0.0.1:0", TCPAddr: "127.0.0.1:x"},
		"another kind":       {UDPAddr: "127.0.0.1:0", Public: "2001:db8::7"},
		"bad public address": {UDPAddr: "127.0.0.1:0", Public: "example.org"},
	} {
		if api, err := NewAPI(config); err == nil {
			t.Errorf("%s: accepted", name)
			_ = api.Close()
		}
	}
	noGoroutinesLeft(t)
}
