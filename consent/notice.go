package consent

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"
)

// Materiality is how much a notice differs from the one before it.
type Materiality string

// What a new notice means for what was agreed to under an older one.
const (
	MaterialityEditorial Materiality = "editorial" // nothing: it says the same in other words
	MaterialityNotice    Materiality = "notice"    // nothing, but people are told
	MaterialityReconsent Materiality = "reconsent" // older authorizations are suspended from EffectiveAt on
)

// ErrNoticeChanged says that a notice is not published, or that a newer one asks everybody to agree anew.
var ErrNoticeChanged = errors.New("the notice has changed")

// Notice is the one text a candidate answers before an interview, and under which sessions are shared.
// Its hash is over the exact text, which differs by configuration within one Version.
type Notice struct {
	Version     int
	Materiality Materiality
	EffectiveAt time.Time // zero: from its publication on
	Text        string    // plain text with blank lines between paragraphs and "# " before headings
}

// SHA256 returns the hash of the text in hex.
func (n Notice) SHA256() string {
	sum := sha256.Sum256([]byte(n.Text))
	return hex.EncodeToString(sum[:])
}

// NoticeChange is what is new since the notice that some records stand under.
type NoticeChange struct {
	From           Notice // without a text for records that are older than numbered notices
	To             Notice
	Authorizations []Authorization
}

// Paragraphs returns the difference of the two texts.
func (c NoticeChange) Paragraphs() []Paragraph { return DiffNotices(c.From.Text, c.To.Text) }

// Paragraph is one paragraph or heading of a difference.
type Paragraph struct {
	Change ParagraphChange
	Text   string
}

// ParagraphChange says whether a paragraph stayed.
type ParagraphChange string

// What can become of a paragraph. One that was reworded is a removed and an added one.
const (
	ParagraphSame    ParagraphChange = "same"
	ParagraphAdded   ParagraphChange = "added"
	ParagraphRemoved ParagraphChange = "removed"
)

// DiffNotices compares two notices paragraph by paragraph, in the order of a longest common subsequence:
// reading what is same and added gives the new text, what is same and removed the old one.
func DiffNotices(from, to string) []Paragraph {
	a, b := paragraphs(from), paragraphs(to)
	common := make([][]int, len(a)+1) // common[i][j]: how many paragraphs a[i:] and b[j:] share in order
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i, left := range slices.Backward(a) {
		for j, right := range slices.Backward(b) {
			if left == right {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var diff []Paragraph
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			diff = append(diff, Paragraph{ParagraphSame, a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			diff = append(diff, Paragraph{ParagraphRemoved, a[i]})
			i++
		default:
			diff = append(diff, Paragraph{ParagraphAdded, b[j]})
			j++
		}
	}
	return diff
}

func paragraphs(text string) []string {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n\n")
}
