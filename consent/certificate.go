package consent

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// CertificateSchema is the version of what a certificate says.
const CertificateSchema = "greenroom-erasure/1"

// Certificate is what is signed about an erasure: ids, counts, sums and dates. It holds nothing of what
// was erased. The ledger's entry of the erasure carries its hash.
type Certificate struct {
	Schema          string                 `json:"schema"`
	ID              ErasureID              `json:"id"`
	PrincipalID     string                 `json:"pii_principal_id"`
	Session         SessionID              `json:"session"`
	Cause           ErasureCause           `json:"cause"`
	RequestedAt     time.Time              `json:"requested_at"`
	KeysDestroyedAt time.Time              `json:"keys_destroyed_at"`
	FinishedAt      time.Time              `json:"finished_at"`
	KeysDestroyed   []string               `json:"keys_destroyed"` // the scopes they were for
	SpoolFiles      int64                  `json:"spool_files"`
	Objects         int64                  `json:"objects"`
	Versions        int64                  `json:"object_versions"` // delete markers too
	VersionsRoot    Digest                 `json:"object_versions_root"`
	Rows            []CertificateRows      `json:"rows"`
	LedgerOpenings  int64                  `json:"ledger_openings"`
	Processors      []CertificateProcessor `json:"processors"`
	Recipients      []CertificateRecipient `json:"recipients"`
	BackupHorizon   time.Time              `json:"backup_horizon"` // from then on no backup can bring anything back
}

// CertificateRows are the rows of one table.
type CertificateRows struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
}

// CertificateProcessor is a service that was sent something, and when its copy must be gone.
type CertificateProcessor struct {
	Name     string    `json:"name"`
	What     string    `json:"what"`
	Deadline time.Time `json:"deadline"`
}

// CertificateRecipient is an organization that could see something, when it was told that this ended, and
// until when it has to delete what it noted.
type CertificateRecipient struct {
	Org      OrgID     `json:"organization"`
	Name     string    `json:"name"`
	ToldAt   time.Time `json:"told_at"`
	Deadline time.Time `json:"deadline"`
}

// ErrCertificate says that something is not a certificate of an erasure.
var ErrCertificate = errors.New("not a certificate of an erasure")

// Complete puts lists in order and times into the one spelling that is signed.
func (c Certificate) Complete() (Certificate, error) {
	c.Schema = CertificateSchema
	for _, at := range []*time.Time{&c.RequestedAt, &c.KeysDestroyedAt, &c.FinishedAt, &c.BackupHorizon} {
		*at = ledgerTime(*at)
	}
	c.KeysDestroyed = append([]string{}, c.KeysDestroyed...)
	slices.Sort(c.KeysDestroyed)
	c.Rows = append([]CertificateRows{}, c.Rows...)
	slices.SortFunc(c.Rows, func(a, b CertificateRows) int { return strings.Compare(a.Table, b.Table) })
	c.Processors = append([]CertificateProcessor{}, c.Processors...)
	for i := range c.Processors {
		c.Processors[i].Deadline = ledgerTime(c.Processors[i].Deadline)
	}
	c.Recipients = append([]CertificateRecipient{}, c.Recipients...)
	for i := range c.Recipients {
		c.Recipients[i].ToldAt, c.Recipients[i].Deadline = ledgerTime(c.Recipients[i].ToldAt), ledgerTime(c.Recipients[i].Deadline)
	}
	return c, c.Check()
}

// Check refuses a certificate that leaves out what every certificate must say.
func (c Certificate) Check() error {
	if c.Schema != CertificateSchema {
		return fmt.Errorf("%w of a schema that is known here: it says %q", ErrCertificate, c.Schema)
	}
	for _, id := range []string{string(c.ID), string(c.Session)} {
		if _, err := ParseID[ErasureID](id); err != nil {
			return fmt.Errorf("%w: an id in it: %w", ErrCertificate, err)
		}
	}
	if c.PrincipalID == "" || c.Cause == "" {
		return fmt.Errorf("%w: it does not say whose data it is about, or why", ErrCertificate)
	}
	if c.RequestedAt.IsZero() || c.KeysDestroyedAt.Before(c.RequestedAt) || c.FinishedAt.Before(c.KeysDestroyedAt) {
		return fmt.Errorf("%w: its times are not in order", ErrCertificate)
	}
	if !c.BackupHorizon.Equal(BackupHorizon(c.KeysDestroyedAt)) {
		return fmt.Errorf("%w: its backup horizon does not follow from when the keys were destroyed", ErrCertificate)
	}
	if c.Objects > c.Versions || (c.Versions == 0) != (c.VersionsRoot == Digest{}) {
		return fmt.Errorf("%w: its counts of objects contradict each other", ErrCertificate)
	}
	return nil
}

// OpenCertificate verifies a certificate's signature and what it says about itself.
func (s KeySet) OpenCertificate(document string) (Certificate, PublicKey, error) {
	var c Certificate
	key, err := s.Open(document, DocumentCertificate, &c)
	if err != nil {
		return Certificate{}, PublicKey{}, err
	}
	if err := c.Check(); err != nil {
		return Certificate{}, PublicKey{}, err
	}
	return c, key, key.SignedAt(c.FinishedAt)
}

// VersionsRoot is the root of the Merkle tree (RFC 9162, section 2.1.1) over the names of object versions
// in the order of the alphabet; zero for none. It commits to which versions were deleted, so that a store
// that turns one up later cannot say it was never told.
func VersionsRoot(names []string) Digest {
	if len(names) == 0 {
		return Digest{}
	}
	names = slices.Sorted(slices.Values(names))
	leaves := make([]Digest, len(names))
	for i, name := range names {
		leaves[i] = sha256.Sum256(append([]byte{0x00}, name...))
	}
	return merkleRoot(leaves)
}

func merkleRoot(leaves []Digest) Digest {
	if len(leaves) == 1 {
		return leaves[0]
	}
	split := 1
	for split*2 < len(leaves) {
		split *= 2
	}
	left, right := merkleRoot(leaves[:split]), merkleRoot(leaves[split:])
	return sha256.Sum256(append(append([]byte{0x01}, left[:]...), right[:]...))
}

// CertificateFile is what a person downloads and anybody can check: the certificate, and what shows its
// place in the ledger. A session whose notice was never answered has no receipt.
type CertificateFile struct {
	Certificate string   `json:"certificate"`       // a JWS
	Receipt     string   `json:"receipt,omitempty"` // a JWS
	Opening     *Opening `json:"opening,omitempty"`
}

// ParseCertificateFile reads a certificate file; nothing in it has been checked then.
func ParseCertificateFile(text []byte) (CertificateFile, error) {
	var file CertificateFile
	if err := parseStrict(text, MaxReceiptFile, &file); err != nil {
		return CertificateFile{}, fmt.Errorf("read a certificate file: %w", err)
	}
	return file, nil
}

// Verify checks everything in the file that can be checked without the ledger. The certificate is only
// meaningful if the findings are whole.
func (f CertificateFile) Verify(keys KeySet) (Certificate, Findings) {
	var found Findings
	c, key, err := keys.OpenCertificate(f.Certificate)
	if err != nil {
		found.broken("The certificate is not genuine: %v.", err)
		return Certificate{}, found
	}
	found.holds("Key %s signed it, and was in use on %s.", key.ID, c.FinishedAt.Format(time.RFC3339))
	if f.Receipt == "" || f.Opening == nil {
		found.notChecked("Its place in the ledger was not compared: the file has no receipt of it.")
		return c, found
	}
	receipt, _, err := keys.OpenReceipt(f.Receipt)
	if err == nil {
		err = receipt.Ledger.Check()
	}
	if err != nil {
		found.broken("The receipt in the file is not genuine: %v.", err)
		return c, found
	}
	entry, event, err := f.Opening.EntryOf(receipt.Ledger.Seq)
	sum := sha256.Sum256([]byte(f.Certificate))
	switch {
	case err != nil:
		found.broken("The opening in the file does not hold an event: %v.", err)
	case entry.Digest() != receipt.Ledger.Entry:
		found.broken("The event in the file is not entry %d of the ledger: its sums are others.", receipt.Ledger.Seq)
	case event.Kind != LedgerSessionErased || event.Session != c.Session || event.Digest != Digest(sum).String():
		found.broken("Entry %d of the ledger is not about this certificate.", receipt.Ledger.Seq)
	default:
		found.holds("Entry %d of the ledger is about this certificate.", receipt.Ledger.Seq)
	}
	return c, found
}
