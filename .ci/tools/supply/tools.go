//go:build tools

// Package tools pins what looks after the modules that the program is made of. Programs of their own:
// nothing here is linked into Greenroom.
package tools

import (
	_ "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod"
	_ "golang.org/x/vuln/cmd/govulncheck"
)
