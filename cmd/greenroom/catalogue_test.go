package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greenroom/consent"
)

// TestEveryFileIsInTheCatalogue looks at the data folder of a server that has worked and stopped.
func TestEveryFileIsInTheCatalogue(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a server")
	}
	p := startProgram(t, preparedFolder(t))
	p.rehearse("--demo", "--answers", "1", "--speech", firstSeconds(t, 1, 8))
	p.checkFiles(t)
	p.stop()
	p.checkFiles(t)
}

// checkFiles compares the data folder with the catalogue. What lies inside the embedded database and
// object store is their own affair: the catalogue names their tables and objects.
func (p *program) checkFiles(t *testing.T) {
	t.Helper()
	var patterns []string
	for _, place := range consent.Catalogue() {
		if pattern, ok := strings.CutPrefix(place.Name, "file:"); ok {
			patterns = append(patterns, pattern)
		}
	}
	found := 0
	err := filepath.WalkDir(p.dataDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(p.dataDir, path)
		if err != nil {
			return err
		}
		found++
		if !inCatalogue(patterns, filepath.ToSlash(name)) {
			t.Errorf("file %s is in no class of consent/catalogue.go", name)
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Fatalf("looked at %d files: %v", found, err)
	}
}

func inCatalogue(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if prefix, open := strings.CutSuffix(pattern, "*"); name == pattern || (open && strings.HasPrefix(name, prefix)) {
			return true
		}
	}
	return false
}

// TestRulesNameTestsThatExist: what the retention page calls proof is a test of this repository.
func TestRulesNameTestsThatExist(t *testing.T) {
	var tests strings.Builder
	for _, folder := range []string{"consent", "media", "assess", "storage", "signaling", "web", "cmd/greenroom"} {
		files, err := filepath.Glob(filepath.Join("../..", folder, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(text)
		}
	}
	for _, rule := range consent.Retention() {
		for _, name := range rule.Tests {
			if !strings.Contains(tests.String(), "\nfunc "+name+"(t *testing.T) {") {
				t.Errorf("the rule of class %s names %s, which is no test", rule.Class, name)
			}
		}
	}
}
