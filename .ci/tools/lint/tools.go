//go:build tools

// Package tools pins the linters and formatters of make lint, out of Greenroom's own modules.
package tools

import (
	_ "github.com/golangci/golangci-lint/v2/cmd/golangci-lint"
	_ "mvdan.cc/gofumpt"
)
