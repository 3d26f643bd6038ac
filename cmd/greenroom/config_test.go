package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestTrustedProxiesAreNetworks(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "[]",
		"172.16.0.0/12":            "[172.16.0.0/12]",
		"172.16.0.0/12, fd00::/8,": "[172.16.0.0/12 fd00::/8]",
		"10.0.0.7/32":              "[10.0.0.7/32]",
		"10.0.0.7":                 `"10.0.0.7"`,
		"10.0.0.0/33":              `"10.0.0.0/33"`,
		"caddy":                    `"caddy"`,
	} {
		networks, err := (&config{TrustedProxies: text}).trustedProxies()
		if err != nil {
			if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "GREENROOM_TRUSTED_PROXIES") {
				t.Errorf("%q: %v, want the setting and %s", text, err, want)
			}
			continue
		}
		if got := fmt.Sprint(networks); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
