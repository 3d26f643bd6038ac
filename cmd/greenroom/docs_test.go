package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"greenroom/consent"
)

// A claim of the documents is worth what the test behind it is worth. These tests hold the tables of docs/
// against the source: every test that a row names exists, no row is missing, and what is not built is
// listed as that and names no test.

var (
	goTest    = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	pageTest  = regexp.MustCompile(`(?m)^\s*(?:test|it)\(\s*['"]([^'"]+)['"]`)
	namedTest = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)\\w+|[\\w/.-]+\\.test\\.(?:mjs|ts)(?:: [^`]+)?)`")
)

// tests are the names of every test of the repository: of Go by function, of the page as "file: name"
// and by file.
func testsOfRepository(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == "node_modules" || name == ".greenroom" || name == ".git" || name == "dist") {
			return filepath.SkipDir
		}
		page := strings.HasSuffix(name, ".test.mjs") || strings.HasSuffix(name, ".test.ts")
		if !page && !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !page {
			for _, match := range goTest.FindAllSubmatch(text, -1) {
				found[string(match[1])] = true
			}
			return nil
		}
		found[name] = true
		for _, match := range pageTest.FindAllSubmatch(text, -1) {
			found[name+": "+string(match[1])] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// tableRows returns the cells of every table row of a document whose first cell has the form.
func tableRows(t *testing.T, file string, form *regexp.Regexp) [][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs", file))
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if strings.HasPrefix(line, "|") && form.MatchString(strings.TrimSpace(cells[0])) {
			rows = append(rows, cells)
		}
	}
	return rows
}

// checkClaims holds one document: rows numbered without a gap, each in a known state, with tests exactly
// where the state says that it is proven.
func checkClaims(t *testing.T, file, prefix string, count int, proven map[string]bool) {
	t.Helper()
	exists := testsOfRepository(t)
	rows := tableRows(t, file, regexp.MustCompile(`^`+prefix+`\d\d$`))
	if len(rows) != count {
		t.Errorf("%s has %d rows, want %d", file, len(rows), count)
	}
	counts := map[string]int{}
	for i, cells := range rows {
		if len(cells) != 4 {
			t.Errorf("%s: row %d has %d cells, want 4: %q", file, i+1, len(cells), cells)
			continue
		}
		id, state := strings.TrimSpace(cells[0]), strings.TrimSpace(cells[2])
		if want := fmt.Sprintf("%s%02d", prefix, i+1); id != want {
			t.Errorf("%s: row %d is %s, want %s", file, i+1, id, want)
		}
		needs, known := proven[state]
		if !known {
			t.Errorf("%s %s: state %q is not one of those at the head of the page", file, id, state)
		}
		counts[state]++
		named := namedTest.FindAllStringSubmatch(cells[3], -1)
		if needs != (len(named) > 0) {
			t.Errorf("%s %s is %q and names %d tests", file, id, state, len(named))
		}
		for _, name := range named {
			if !exists[filepath.Base(name[1])] && !exists[name[1]] {
				t.Errorf("%s %s names %s, which does not exist", file, id, name[1])
			}
		}
	}
	t.Logf("%s: %v", file, counts)
}

func TestEveryAttackIsHeldByATestOrListedAsMissing(t *testing.T) {
	t.Parallel()
	checkClaims(t, "attacks.md", "T", 60, map[string]bool{"held": true, "partly": true, "no such feature": false})
}

func TestEveryPromiseIsHeldByATestOrListedAsLater(t *testing.T) {
	t.Parallel()
	checkClaims(t, "promises.md", "P", 39, map[string]bool{"built": true, "partly": true, "not needed": false, "later": false})
}

func TestEveryBadInputIsHeldByATest(t *testing.T) {
	t.Parallel()
	checkClaims(t, "assessor.md", "B", 20, map[string]bool{"held": true})
}

// Whatever else the documents name exists too.
func TestDocumentsNameOnlyTestsThatExist(t *testing.T) {
	t.Parallel()
	exists := testsOfRepository(t)
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	for _, file := range append(files, "../../ARCHITECTURE.md", "../../README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range namedTest.FindAllStringSubmatch(string(text), -1) {
			if !exists[name[1]] && !exists[filepath.Base(name[1])] {
				t.Errorf("%s names %s, which does not exist", filepath.Base(file), name[1])
			}
		}
	}
}

// A sentence of the privacy page that promises something names the tests that hold it, and they exist; one
// that names none says where promises end.
func TestEverySentenceOfThePrivacyPageIsHeldByATest(t *testing.T) {
	t.Parallel()
	exists := testsOfRepository(t)
	limits := 0
	for _, section := range consent.Privacy(nil) {
		for _, statement := range section.Statements {
			if len(statement.Tests) == 0 {
				limits++
				if !strings.Contains(statement.Text, "cannot be") && !strings.Contains(statement.Text, "is not stopped") {
					t.Errorf("%s: %q promises something and names no test", section.Title, statement.Text)
				}
			}
			for _, name := range statement.Tests {
				if !exists[name] {
					t.Errorf("%s: %q names %s, which does not exist", section.Title, statement.Text, name)
				}
			}
		}
	}
	if limits == 0 {
		t.Error("the page does not say where its promises end")
	}
}
