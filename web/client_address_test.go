package web

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestClientAddressBehindProxies(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		remote    string
		trusted   []netip.Prefix
		forwarded []string
		want      string
	}{
		"no proxy":                         {"203.0.113.7:4711", trusted, nil, "203.0.113.7"},
		"a proxy's client":                 {"172.18.0.2:4711", trusted, []string{"203.0.113.7"}, "203.0.113.7"},
		"over IPv6":                        {"[fd00::2]:4711", trusted, []string{"2001:db8::7"}, "2001:db8::7"},
		"an IPv4 peer of an IPv6 socket":   {"[::ffff:172.18.0.2]:4711", trusted, []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		"one address however it is spelt":  {"[fd00::2]:4711", trusted, []string{"2001:DB8:0:0::7"}, "2001:db8::7"},
		"two proxies":                      {"172.18.0.2:4711", trusted, []string{"203.0.113.7, 172.18.0.9"}, "203.0.113.7"},
		"two proxies with a field each":    {"172.18.0.2:4711", trusted, []string{"203.0.113.7", "172.18.0.9"}, "203.0.113.7"},
		"a client's lie through a proxy":   {"172.18.0.2:4711", trusted, []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7"},
		"a client's lie in its own field":  {"172.18.0.2:4711", trusted, []string{"172.18.0.9", "203.0.113.7"}, "203.0.113.7"},
		"a client's garbage":               {"172.18.0.2:4711", trusted, []string{"<script>, , 203.0.113.7"}, "203.0.113.7"},
		"a lie without any proxy":          {"203.0.113.7:4711", trusted, []string{"198.51.100.1"}, "203.0.113.7"},
		"nobody is trusted":                {"172.18.0.2:4711", nil, []string{"203.0.113.7"}, "172.18.0.2"},
		"a proxy on its own behalf":        {"172.18.0.2:4711", trusted, nil, "172.18.0.2"},
		"an empty field":                   {"172.18.0.2:4711", trusted, []string{""}, "172.18.0.2"},
		"nothing but proxies":              {"172.18.0.2:4711", trusted, []string{"172.18.0.8, 172.18.0.9"}, "172.18.0.2"},
		"a name":                           {"172.18.0.2:4711", trusted, []string{"203.0.113.7, unknown"}, "172.18.0.2"},
		"a port":                           {"172.18.0.2:4711", trusted, []string{"203.0.113.7:80"}, "172.18.0.2"},
		"a comma at the end":               {"172.18.0.2:4711", trusted, []string{"203.0.113.7,"}, "172.18.0.2"},
		"a peer whose address has no port": {"@", trusted, []string{"203.0.113.7"}, "@"},
		"a peer without an address":        {"pipe:1", trusted, []string{"203.0.113.7"}, "pipe"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := clientAddress(r, c.trusted); got != c.want {
			t.Errorf("%s: from %s, X-Forwarded-For %q: got %s, want %s", name, c.remote, c.forwarded, got, c.want)
		}
	}
}

// Behind a proxy each client has an allowance of its own; a client that is none has no say in it.
func TestLimitsCountClientsOfATrustedProxyApart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trusted []netip.Prefix
		want    int
	}{
		"trusted":   {[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, http.StatusOK},
		"untrusted": {nil, http.StatusTooManyRequests},
	} {
		s := newStage(t, func(cfg *Config) {
			cfg.TrustedProxies = c.trusted
			cfg.Limits = Limits{AnonymousPerMinute: 1}
		})
		from := func(address string) reply {
			p := s.nobody(t)
			r := p.request(http.MethodGet, "/api/v1/judge", nil)
			r.Header.Set("X-Forwarded-For", address)
			return p.send(r)
		}
		from("203.0.113.1").want(http.StatusOK)
		from("203.0.113.1").want(http.StatusTooManyRequests)
		if got := from("203.0.113.2"); got.status != c.want {
			t.Errorf("%s: the second client got %d, want %d", name, got.status, c.want)
		}
	}
}
