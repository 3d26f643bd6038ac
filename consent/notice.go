package consent

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
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
