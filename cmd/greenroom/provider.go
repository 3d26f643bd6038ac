package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"greenroom/consent"
)

// mostRegister bounds what is read of the register's file, in bytes; the parser has its own, smaller bound.
const mostRegister = 1 << 20

// provider returns the register's entry of the configured AI server.
func (c *config) provider(now time.Time) (consent.Provider, error) {
	return c.providerAt("GREENROOM_AI_BASE_URL", c.AI.BaseURL, now)
}

// voiceProvider is the same for the server that says questions aloud.
func (c *config) voiceProvider(now time.Time) (consent.Provider, error) {
	if c.AI.VoiceBaseURL == "" {
		return c.provider(now)
	}
	return c.providerAt("GREENROOM_AI_VOICE_BASE_URL", c.AI.VoiceBaseURL, now)
}

// providerAt finds the entry of a server that a setting names. One on this machine needs none, and has none
// even if a file is named; any other without a good one ends the start, saying what to do.
func (c *config) providerAt(setting, address string, now time.Time) (consent.Provider, error) {
	if address == "" || consent.OnThisMachine(address) {
		return consent.Provider{}, nil
	}
	if c.AI.ProviderFile == "" {
		return consent.Provider{}, fmt.Errorf("%w: %s is not on this machine: set GREENROOM_AI_PROVIDER_FILE to a register that names it (docs/operations.md shows one), "+
			"and GREENROOM_AI_REGIONS", consent.ErrProvider, setting)
	}
	text, err := readRegister(c.AI.ProviderFile)
	if err != nil {
		return consent.Provider{}, fmt.Errorf("GREENROOM_AI_PROVIDER_FILE: %w", err)
	}
	register, err := consent.ParseProviders(text)
	if err != nil {
		return consent.Provider{}, fmt.Errorf("GREENROOM_AI_PROVIDER_FILE: %s: %w", c.AI.ProviderFile, err)
	}
	provider, err := consent.ProviderFor(register, address, c.aiRegions(), now)
	if err != nil {
		return consent.Provider{}, fmt.Errorf("%w\nread its terms again, write what they say and today's date into %s, and name its region in GREENROOM_AI_REGIONS; "+
			"or leave %s empty", err, c.AI.ProviderFile, setting)
	}
	return provider, nil
}

func readRegister(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err //nolint:wrapcheck // names the file
	}
	defer func() { _ = file.Close() }() // only read
	return io.ReadAll(io.LimitReader(file, mostRegister))
}

func (c *config) aiRegions() (regions []string) {
	for text := range strings.SplitSeq(c.AI.Regions, ",") {
		if text = strings.TrimSpace(text); text != "" {
			regions = append(regions, text)
		}
	}
	return regions
}
