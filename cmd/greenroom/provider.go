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

// provider returns the register's entry of the configured AI server. One on this machine needs none, and
// has none even if a file is named; any other without a good one ends the start, saying what to do.
func (c *config) provider(now time.Time) (consent.Provider, error) {
	if c.AI.BaseURL == "" || consent.OnThisMachine(c.AI.BaseURL) {
		return consent.Provider{}, nil
	}
	if c.AI.ProviderFile == "" {
		return consent.Provider{}, fmt.Errorf("%w: GREENROOM_AI_BASE_URL is not on this machine: set GREENROOM_AI_PROVIDER_FILE to a register that names it (docs/operations.md shows one), "+
			"and GREENROOM_AI_REGIONS", consent.ErrProvider)
	}
	text, err := readRegister(c.AI.ProviderFile)
	if err != nil {
		return consent.Provider{}, fmt.Errorf("GREENROOM_AI_PROVIDER_FILE: %w", err)
	}
	register, err := consent.ParseProviders(text)
	if err != nil {
		return consent.Provider{}, fmt.Errorf("GREENROOM_AI_PROVIDER_FILE: %s: %w", c.AI.ProviderFile, err)
	}
	provider, err := consent.ProviderFor(register, c.AI.BaseURL, c.aiRegions(), now)
	if err != nil {
		return consent.Provider{}, fmt.Errorf("%w\nread its terms again, write what they say and today's date into %s, and name its region in GREENROOM_AI_REGIONS; "+
			"or leave GREENROOM_AI_BASE_URL empty", err, c.AI.ProviderFile)
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
