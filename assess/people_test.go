package assess

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestPlainTextIsTrimmedAndChecked(t *testing.T) {
	for _, c := range []struct {
		text, want string
		err        error
	}{
		{" It names the part that was done. ", "It names the part that was done.", nil},
		{"", "", nil},
		{"Größe, 例え", "Größe, 例え", nil},
		{"<b>as it is</b>", "<b>as it is</b>", nil},
		{strings.Repeat("ä", 10), strings.Repeat("ä", 10), nil},
		{strings.Repeat("ä", 11), "", ErrTextTooLong},
		{strings.Repeat("a", 1000), "", ErrTextTooLong},
		{"two\nlines", "", ErrTextNotPlain},
		{"a\x00b", "", ErrTextNotPlain},
		{"a\u202eb", "", ErrTextNotPlain},
		{"a\u2028b", "", ErrTextNotPlain},
		{"a\u200bb", "", ErrTextNotPlain},
		{"a\xffb", "", ErrTextNotPlain},
	} {
		most := 10
		if len(c.text) < 40 && !strings.HasPrefix(c.text, "ä") {
			most = 40
		}
		if got, err := PlainText(c.text, most); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("PlainText(%q) = %q, %v; want %q, %v", c.text, got, err, c.want, c.err)
		}
	}
}

func FuzzPlainText(f *testing.F) {
	for _, seed := range []string{"", " a ", "a\u202eb", "\xff", strings.Repeat("x", 500), "two\r\nlines"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := PlainText(text, LongestWhy)
		if err != nil {
			return
		}
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > LongestWhy || strings.TrimSpace(got) != got {
			t.Fatalf("PlainText(%q) = %q", text, got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
			t.Fatalf("PlainText(%q) lets %q through", text, got)
		}
	})
}
