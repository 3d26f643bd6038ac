package consent

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDiffNotices(t *testing.T) {
	const old = "# Before\n\nOne.\n\nTwo.\n\nThree.\n"
	for name, c := range map[string]struct {
		from, to string
		want     []Paragraph
	}{
		"same": {old, old, []Paragraph{
			{ParagraphSame, "# Before"}, {ParagraphSame, "One."}, {ParagraphSame, "Two."}, {ParagraphSame, "Three."},
		}},
		"reworded": {old, "# Before\n\nOne.\n\nTwo, anew.\n\nThree.\n", []Paragraph{
			{ParagraphSame, "# Before"}, {ParagraphSame, "One."}, {ParagraphRemoved, "Two."}, {ParagraphAdded, "Two, anew."}, {ParagraphSame, "Three."},
		}},
		"added and removed": {old, "# Before\n\nZero.\n\nOne.\n\nThree.", []Paragraph{
			{ParagraphSame, "# Before"}, {ParagraphAdded, "Zero."}, {ParagraphSame, "One."}, {ParagraphRemoved, "Two."}, {ParagraphSame, "Three."},
		}},
		"nothing before": {"", "One.", []Paragraph{{ParagraphAdded, "One."}}},
		"nothing after":  {"One.", "", []Paragraph{{ParagraphRemoved, "One."}}},
		"nothing at all": {"", "\n", nil},
	} {
		if got := DiffNotices(c.from, c.to); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// Whatever changed, both texts can be read out of the difference, and nothing that both have in the same
// place is called changed.
func TestDifferenceHoldsBothNotices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		paragraph := rapid.SampledFrom([]string{"a", "b", "c", "# d"})
		from := rapid.SliceOfN(paragraph, 0, 8).Draw(t, "from")
		to := rapid.SliceOfN(paragraph, 0, 8).Draw(t, "to")
		var before, after []string
		same := 0
		for _, p := range DiffNotices(strings.Join(from, "\n\n"), strings.Join(to, "\n\n")) {
			if p.Change != ParagraphAdded {
				before = append(before, p.Text)
			}
			if p.Change != ParagraphRemoved {
				after = append(after, p.Text)
			}
			if p.Change == ParagraphSame {
				same++
			}
		}
		if !slices.Equal(before, from) || !slices.Equal(after, to) {
			t.Fatalf("the difference of %q and %q reads %q and %q", from, to, before, after)
		}
		if slices.Equal(from, to) && same != len(from) {
			t.Fatalf("%q differs from itself", from)
		}
	})
}
