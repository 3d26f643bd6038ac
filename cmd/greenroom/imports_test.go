package main

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The import order of ARCHITECTURE.md, with the reason that a failure prints. Tests count too.
func TestImportOrder(t *testing.T) {
	may := map[string][]string{
		"consent":                {},
		"media":                  {"consent", "media/judge"}, // its tests
		"media/judge":            {},
		"media/verify":           {"consent", "media"},                      // for tests
		"assess":                 {"consent", "media", "assess/openaitest"}, // its tests
		"assess/openaitest":      {},
		"assess/eval":            {"consent", "assess", "assess/openaitest"}, // its tests
		"storage":                {"consent", "media", "assess", "storage/migrations", "media/verify", "media/judge"},
		"storage/migrations":     {},
		"signaling":              {"consent", "media", "media/judge", "media/verify"}, // its tests
		"web":                    {"consent", "media", "assess"},
		"cmd/greenroom":          {"consent", "media", "media/judge", "assess", "assess/openaitest", "assess/eval", "storage", "signaling", "web", "cmd/greenroom/rehearse", "cmd/greenroom/export", "media/verify"}, // its tests
		"cmd/bench":              {},                                                                                                                                                                                 // it measures the built program from outside
		"cmd/greenroom/export":   {"consent", "media", "assess"},
		"cmd/greenroom/rehearse": {},
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f",
		`{{.ImportPath}}{{range .Imports}} {{.}}{{end}}{{range .TestImports}} {{.}}{{end}}{{range .XTestImports}} {{.}}{{end}}`, "greenroom/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		from := strings.TrimPrefix(fields[0], "greenroom/")
		allowed, known := may[from]
		if !known {
			t.Errorf("package %s is not in the import order: add it where its subject belongs", from)
			continue
		}
		for _, to := range fields[1:] {
			to, ours := strings.CutPrefix(to, "greenroom/")
			if ours && to != from && !slices.Contains(allowed, to) {
				t.Errorf("%s imports %s: siblings and higher floors are reached through an interface that cmd fills", from, to)
			}
		}
	}
}

// Media is proxied: an address that was signed beforehand could not be withdrawn. The linter says so while
// typing; this holds it in the source that is built.
func TestNothingMakesAPresignedAddress(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "git", "-C", "../..", "grep", "-nE", `\.Presign(ed)?[A-Z(]`, "--", "*.go", ":!cmd/greenroom/imports_test.go").CombinedOutput()
	if exit, failed := errors.AsType[*exec.ExitError](err); !failed || exit.ExitCode() != 1 { // 1: nothing found
		t.Errorf("presigned addresses are made: %v\n%s", err, out)
	}
}
