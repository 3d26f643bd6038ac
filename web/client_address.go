package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientAddress returns where a request comes from, for limits. Proxies that are trusted append to
// X-Forwarded-For whom they heard; what stands left of the last stranger in it is that stranger's word
// only and is not looked at, so that nobody chooses the address they are counted under.
func clientAddress(r *http.Request, trusted []netip.Prefix) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	peer, err := parseAddress(host)
	if err != nil {
		return host
	}
	if !isTrusted(peer, trusted) {
		return peer.String()
	}
	heard := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(heard) {
		address, err := parseAddress(strings.TrimSpace(text))
		if err != nil {
			return peer.String()
		}
		if !isTrusted(address, trusted) {
			return address.String()
		}
	}
	return peer.String()
}

// parseAddress gives one form to every way of writing an address: an IPv4 caller of an IPv6 socket is
// that IPv4 address, which is what people write into settings.
func parseAddress(text string) (netip.Addr, error) {
	address, err := netip.ParseAddr(text)
	return address.Unmap().WithZone(""), err
}

func isTrusted(address netip.Addr, trusted []netip.Prefix) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(address) })
}
