package assess

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// testVocabulary is a vocabulary of the real size: id n is "<n>" but for the given pieces.
func testVocabulary(tb testing.TB, pieces map[int]string) *vocabulary {
	tb.Helper()
	v, err := parseVocabulary([]byte(testVocabularyFile(pieces)))
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func testVocabularyFile(pieces map[int]string) string {
	lines := make([]string, vocabularySize)
	for id := range lines {
		if lines[id] = fmt.Sprintf("t%d", id); pieces[id] != "" {
			lines[id] = pieces[id]
		}
	}
	return strings.Join(lines, "\n")
}

func TestVocabularyJoinsPieces(t *testing.T) {
	v := testVocabulary(t, map[int]string{
		0: "<unk>", 1: "<s>", 2: "</s>",
		3: "▁Hel", 4: "lo", 5: "▁", 6: "▁wor▁ld", 7: "<0xE2>", 8: "<0x82>", 9: "<0xAC>", 10: "<0x0A>",
		11: "<0xGG>", 12: "<0x41>x", 13: "<0xFF>",
	})
	tests := []struct {
		name string
		ids  []int64
		want string
	}{
		{"nothing", nil, ""},
		{"word in two pieces", []int64{3, 4}, "Hello"},
		{"two spaces become one", []int64{3, 4, 5, 6}, "Hello wor ld"},
		{"marks are skipped", []int64{1, 3, 0, 4, 2}, "Hello"},
		{"bytes make a character", []int64{7, 8, 9}, "€"},
		{"half a character", []int64{3, 7, 8}, "Hel\uFFFD"},
		{"a line end is a space", []int64{3, 10, 4}, "Hel lo"},
		{"not a byte", []int64{11, 12}, "<0xGG><0x41>x"},
		{"no text beyond the vocabulary", []int64{-1, 32000, 32767, 1 << 62}, ""},
		{"the last one", []int64{31999}, "t31999"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := wordsText(v.words(heardAll(test.ids, 0.5))); got != test.want {
				t.Errorf("words of %v are %q, want %q", test.ids, got, test.want)
			}
		})
	}
}

// heardAll gives all tokens the same probability.
func heardAll(ids []int64, probability float32) []heardToken {
	tokens := make([]heardToken, len(ids))
	for i, id := range ids {
		tokens[i] = heardToken{id, probability}
	}
	return tokens
}

func TestWordIsAsSureAsItsWeakestPiece(t *testing.T) {
	v := testVocabulary(t, map[int]string{3: "▁Post", 4: "gre", 5: "s", 6: "▁", 7: "▁is▁it", 8: "<0x0A>", 9: "."})
	words := v.words([]heardToken{{3, 0.9}, {4, 0.2}, {5, 0.7}, {40000, 0.01}, {6, 0.1}, {7, 0.8}, {9, 0.6}, {8, 0.05}, {3, 1}})
	want := []Word{{Text: "Postgres", Confidence: 0.2}, {Text: "is", Confidence: 0.8}, {Text: "it.", Confidence: 0.6}, {Text: "Post", Confidence: 1}}
	if !slices.Equal(words, want) {
		t.Errorf("got %v, want %v", words, want)
	}
}

func TestVocabularyRefusesOtherFiles(t *testing.T) {
	tests := map[string]string{
		"empty":       "",
		"too short":   "a\nb\nc",
		"one too few": strings.Repeat("a\n", vocabularySize-1),
		"one more":    strings.Repeat("a\n", vocabularySize+1),
		"too large":   strings.Repeat("a", maxVocabularySize+1),
	}
	for name, raw := range tests {
		if _, err := parseVocabulary([]byte(raw)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := readVocabulary(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there was read")
	}
	path := filepath.Join(t.TempDir(), "vocab.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("a", maxVocabularySize+10)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readVocabulary(path); err == nil {
		t.Error("a huge file was taken")
	}
}

func FuzzVocabularyText(f *testing.F) {
	f.Add("▁Hel", "lo", []byte{3, 4, 2})
	f.Add("<0xE2>", "<0x82>", []byte{3, 4, 3})
	f.Add("<0x", "\xff\xfe", []byte{3, 4, 200})
	f.Fuzz(func(t *testing.T, third, fourth string, ids []byte) {
		v := &vocabulary{pieces: []string{"<unk>", "<s>", "</s>", textOf(third), textOf(fourth)}}
		wide := make([]int64, len(ids))
		for i, id := range ids {
			wide[i] = int64(id) - 2
		}
		words := v.words(heardAll(wide, 0.25))
		for _, word := range words {
			if word.Confidence != 0.25 || word.Text == "" || strings.IndexFunc(word.Text, isGap) >= 0 {
				t.Errorf("a word of %q is %+v", ids, word)
			}
		}
		got := wordsText(words)
		if !utf8.ValidString(got) || strings.TrimSpace(got) != got {
			t.Errorf("text of %q is %q", ids, got)
		}
		var joined strings.Builder
		for _, id := range wide {
			if id >= firstTextToken && id < int64(len(v.pieces)) {
				joined.WriteString(v.pieces[id])
			}
		}
		if want := cleanText(joined.String()); got != want {
			t.Errorf("words of %q are %q, the text is %q", ids, got, want)
		}
		if limit := 3 * len(ids) * max(len(third), len(fourth), 1); len(got) > limit {
			t.Errorf("text of %d ids has %d bytes, limit %d", len(ids), len(got), limit)
		}
	})
}
