package signaling

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/pion/ice/v4"
)

// ParsePublicAddresses reads what pages and programs are told to send to in place of the bound addresses:
// one IPv4 address, one IPv6 address, or one of each with a comma between; none if the text is empty.
// Names are refused: an answer holds addresses, and one that a name had at the start would be told for ever.
func ParsePublicAddresses(text string) ([]netip.Addr, error) {
	var list []netip.Addr
	four, six := 0, 0
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" && text == "" {
			break
		}
		address, err := netip.ParseAddr(part)
		address = address.Unmap()
		switch {
		case err != nil:
			return nil, fmt.Errorf("%q is no IP address: write 203.0.113.7, 2001:db8::7 or both with a comma between; names are not looked up", part)
		case address.Zone() != "" || address.IsUnspecified() || address.IsMulticast():
			return nil, fmt.Errorf("%s is no address that anybody else could send to", part)
		case address.Is4():
			four++
		default:
			six++
		}
		list = append(list, address)
	}
	if four > 1 || six > 1 {
		return nil, fmt.Errorf("%q has more than one address of a kind: one IPv4 and one IPv6 at most", text)
	}
	return list, nil
}

// publicRules make answers name the public addresses in place of those that are bound.
func publicRules(addresses []netip.Addr) (rules []ice.AddressRewriteRule) {
	for _, a := range addresses {
		rules = append(rules, ice.AddressRewriteRule{
			External: []string{a.String()}, Networks: networksOf(a.Is4(), true),
			AsCandidateType: ice.CandidateTypeHost, Mode: ice.AddressRewriteReplace,
		})
	}
	return rules
}

// publicNetworks are the kinds of network that answers name addresses of: those with a public address, or
// all without any. What is bound of a kind without one is for this machine's own network.
func publicNetworks(addresses []netip.Addr, tcp bool) (networks []ice.NetworkType) {
	if len(addresses) == 0 {
		return append(networksOf(true, tcp), networksOf(false, tcp)...)
	}
	for _, a := range addresses {
		networks = append(networks, networksOf(a.Is4(), tcp)...)
	}
	return networks
}

// ofPublicKind leaves out bound addresses of a kind without a public one; all stay without any.
func ofPublicKind(hosts []net.IP, public []netip.Addr) []net.IP {
	if len(public) == 0 {
		return hosts
	}
	return slices.DeleteFunc(hosts, func(host net.IP) bool {
		return !slices.ContainsFunc(public, func(a netip.Addr) bool { return a.Is4() == (host.To4() != nil) })
	})
}

func networksOf(is4, tcp bool) []ice.NetworkType {
	both := []ice.NetworkType{ice.NetworkTypeUDP6, ice.NetworkTypeTCP6}
	if is4 {
		both = []ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeTCP4}
	}
	if !tcp {
		return both[:1]
	}
	return both
}
