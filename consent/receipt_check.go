package consent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// ReceiptFile is what a person downloads and anybody can check: the signed receipt, the text that its
// notice hash is of, and for the candidate what the ledger's leaf commits to.
type ReceiptFile struct {
	Receipt string   `json:"receipt"`           // a JWS
	Notice  string   `json:"notice,omitempty"`  // the exact text that was shown
	Opening *Opening `json:"opening,omitempty"` // gone once the session is erased
}

// MaxReceiptFile bounds a receipt file, in bytes.
const MaxReceiptFile = 1 << 20

// Finding is one sentence about what was checked.
type Finding struct {
	Verdict Verdict
	Text    string
}

// Verdict is how a check went.
type Verdict int

// The verdicts. What could not be checked is said, and is no fault.
const (
	Holds Verdict = iota
	NotChecked
	Broken
)

// Findings are all sentences about one thing.
type Findings []Finding

// Whole reports whether nothing that was checked is broken.
func (f Findings) Whole() bool {
	for _, finding := range f {
		if finding.Verdict == Broken {
			return false
		}
	}
	return true
}

func (f *Findings) holds(format string, args ...any) {
	*f = append(*f, Finding{Holds, fmt.Sprintf(format, args...)})
}

func (f *Findings) notChecked(format string, args ...any) {
	*f = append(*f, Finding{NotChecked, fmt.Sprintf(format, args...)})
}

func (f *Findings) broken(format string, args ...any) {
	*f = append(*f, Finding{Broken, fmt.Sprintf(format, args...)})
}

// ParseReceiptFile reads a receipt file; nothing in it has been checked then.
func ParseReceiptFile(text []byte) (ReceiptFile, error) {
	var file ReceiptFile
	if err := parseStrict(text, MaxReceiptFile, &file); err != nil {
		return ReceiptFile{}, fmt.Errorf("read a receipt file: %w", err)
	}
	return file, nil
}

// OpenReceipt verifies a receipt's signature and what it says about itself.
func (s KeySet) OpenReceipt(document string) (Receipt, PublicKey, error) {
	var receipt Receipt
	key, err := s.Open(document, DocumentReceipt, &receipt)
	if err != nil {
		return Receipt{}, PublicKey{}, err
	}
	if err := receipt.Check(); err != nil {
		return Receipt{}, PublicKey{}, err
	}
	return receipt, key, key.SignedAt(receipt.Event.Time)
}

// Verify checks everything in the file that can be checked without the ledger. The receipt is only
// meaningful if the findings are whole.
func (f ReceiptFile) Verify(keys KeySet) (Receipt, Findings) {
	var found Findings
	receipt, key, err := keys.OpenReceipt(f.Receipt)
	if err != nil {
		found.broken("The receipt is not genuine: %v.", err)
		return Receipt{}, found
	}
	found.holds("Key %s signed it, and was in use on %s.", key.ID, receipt.Event.Time.Format(time.RFC3339))
	f.checkNotice(receipt, &found)
	if err := receipt.Ledger.Check(); err != nil {
		found.broken("Its place in the ledger is not possible: %v.", err)
		return receipt, found
	}
	f.checkOpening(receipt, &found)
	return receipt, found
}

func (f ReceiptFile) checkNotice(receipt Receipt, found *Findings) {
	sum := sha256.Sum256([]byte(f.Notice))
	switch {
	case f.Notice == "":
		found.notChecked("The text of the notice is not in the file, so its hash %s was not compared.", receipt.Notice.SHA256)
	case hex.EncodeToString(sum[:]) != receipt.Notice.SHA256:
		found.broken("The text of the notice in the file is not the one that was shown: another hash was signed.")
	default:
		found.holds("The text of the notice in the file is the one that was shown (version %s, SHA-256 %s).", receipt.Notice.Version, receipt.Notice.SHA256)
	}
}

// checkOpening opens the leaf: the event in the file must be the entry that the receipt points at, and
// must say the same.
func (f ReceiptFile) checkOpening(receipt Receipt, found *Findings) {
	place := receipt.Ledger
	if f.Opening == nil {
		why := "the file has no opening, because the session was erased since"
		if receipt.GivenTo == SideOrganization {
			why = "an organization's receipt has no opening, because it would show who ended what"
		}
		found.notChecked("That entry %d of the ledger is about this event was not compared: %s.", place.Seq, why)
		return
	}
	entry, event, err := f.Opening.EntryOf(place.Seq)
	switch {
	case err != nil:
		found.broken("The opening in the file does not hold an event: %v.", err)
	case entry.Digest() != place.Entry:
		found.broken("The event in the file is not entry %d of the ledger: its sums are others.", place.Seq)
	default:
		if differs := receipt.differsFrom(event); differs != "" {
			found.broken("The receipt and entry %d of the ledger disagree about %s.", place.Seq, differs)
			return
		}
		found.holds("It is about entry %d of the ledger, and says the same.", place.Seq)
	}
}

// differsFrom names the first thing that receipt and event say differently.
func (r Receipt) differsFrom(e LedgerEvent) string {
	record := string(e.Authorization)
	if record == "" {
		record = string(e.Session)
	}
	sameTypes := len(e.Scopes) == 0 || // ends do not repeat the terms
		slices.EqualFunc(e.Scopes, r.PIITypes, func(s Scope, t string) bool { return string(s) == t })
	if e.Authorization == "" {
		sameTypes = slices.Equal(typesOf(e.Consents), r.PIITypes)
	}
	for _, c := range []struct {
		what string
		same bool
	}{
		{"the record", r.RecordID == record},
		{"the session", r.Session == e.Session},
		{"what happened", r.Event.Type == string(e.Kind)},
		{"when", r.Event.Time.Equal(e.At)},
		{"the notice", e.NoticeSHA256 == "" || e.NoticeSHA256 == r.Notice.SHA256},
		{"the purpose", e.Purpose == "" || string(e.Purpose) == r.Purpose},
		{"the parts", sameTypes},
		{"how long", e.ValidUntil.IsZero() || e.ValidUntil.Equal(r.ValidUntil)},
	} {
		if !c.same {
			return c.what
		}
	}
	return ""
}

// CheckIn compares a receipt's place with the ledger's own entry there.
func (r Receipt) CheckIn(e LedgerEntry, found *Findings) {
	if e.Seq != r.Ledger.Seq || e.Digest() != r.Ledger.Entry || e.Chain != r.Ledger.Chain {
		found.broken("Entry %d of this ledger is another one than the receipt was given for.", r.Ledger.Seq)
		return
	}
	found.holds("This ledger has the receipt's entry at place %d, with the same sums.", r.Ledger.Seq)
}
