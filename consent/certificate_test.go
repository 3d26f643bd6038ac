package consent

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"
)

func testCertificate(t *testing.T) Certificate {
	t.Helper()
	c, err := Certificate{
		ID: NewID[ErasureID](), PrincipalID: "p", Session: NewID[SessionID](), Cause: CauseRequest,
		RequestedAt: ledgerNoon, KeysDestroyedAt: ledgerNoon.Add(time.Second), FinishedAt: ledgerNoon.Add(time.Minute),
		KeysDestroyed: []string{"transcript", "feedback"}, Objects: 1, Versions: 2, VersionsRoot: VersionsRoot([]string{"a", "b"}),
		Rows:          []CertificateRows{{"lines", 2}, {"answers", 1}},
		BackupHorizon: BackupHorizon(ledgerNoon.Add(time.Second)),
	}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCertificateLeavesNothingOut(t *testing.T) {
	t.Parallel()
	whole := testCertificate(t)
	if !slices.IsSorted(whole.KeysDestroyed) || whole.Rows[0].Table != "answers" || whole.Processors == nil || whole.Recipients == nil {
		t.Errorf("a completed certificate is not in order: %+v", whole)
	}
	for name, change := range map[string]func(*Certificate){
		"schema":                                func(c *Certificate) { c.Schema = "x" },
		"id":                                    func(c *Certificate) { c.ID = "short" },
		"session":                               func(c *Certificate) { c.Session = "" },
		"person":                                func(c *Certificate) { c.PrincipalID = "" },
		"cause":                                 func(c *Certificate) { c.Cause = "" },
		"request":                               func(c *Certificate) { c.RequestedAt = time.Time{} },
		"keys before the request":               func(c *Certificate) { c.KeysDestroyedAt = c.RequestedAt.Add(-time.Second) },
		"end before the keys":                   func(c *Certificate) { c.FinishedAt = c.RequestedAt },
		"horizon too early":                     func(c *Certificate) { c.BackupHorizon = c.BackupHorizon.Add(-time.Hour) },
		"more objects than there were versions": func(c *Certificate) { c.Objects = 3 },
		"versions without a root":               func(c *Certificate) { c.VersionsRoot = Digest{} },
		"a root of nothing":                     func(c *Certificate) { c.Objects, c.Versions = 0, 0 },
	} {
		c := whole
		change(&c)
		if err := c.Check(); err == nil {
			t.Errorf("%s: it passed", name)
		}
	}
}

// sum is SHA-256 over a prefix and parts, written out once more for the test.
func sum(prefix byte, parts ...[]byte) []byte {
	h := sha256.New()
	h.Write([]byte{prefix})
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

func TestVersionsRootIsAMerkleTree(t *testing.T) {
	t.Parallel()
	leaf := func(name string) []byte { return sum(0, []byte(name)) }
	abc := sum(1, sum(1, leaf("a"), leaf("b")), leaf("c"))
	abcde := sum(1, sum(1, sum(1, leaf("a"), leaf("b")), sum(1, leaf("c"), leaf("d"))), leaf("e"))
	for _, c := range []struct {
		names []string
		want  []byte
	}{
		{nil, make([]byte, 32)},
		{[]string{"a"}, leaf("a")},
		{[]string{"c", "a", "b"}, abc},
		{[]string{"b", "c", "a"}, abc},
		{[]string{"e", "d", "c", "b", "a"}, abcde},
	} {
		if got := VersionsRoot(c.names); got.String() != hex.EncodeToString(c.want) {
			t.Errorf("root of %v is %s, want %x", c.names, got, c.want)
		}
	}
	if VersionsRoot([]string{"a", "b"}) == VersionsRoot([]string{"a", "c"}) {
		t.Error("two lists of versions have one root")
	}
}

// certificateFile is what a server gives out, with the key set that checks it.
func certificateFileOf(t *testing.T, c Certificate) (CertificateFile, KeySet) {
	t.Helper()
	s := newSigner(t, ledgerNoon.Add(-time.Hour), time.Time{})
	file := CertificateFile{Certificate: s.sign(t, DocumentCertificate, c)}
	digest := sha256.Sum256([]byte(file.Certificate))
	event := LedgerEvent{
		Kind: LedgerSessionErased, At: c.FinishedAt, Account: NewID[AccountID](), Session: c.Session,
		Reason: string(c.Cause), Digest: hex.EncodeToString(digest[:]),
	}
	text, err := event.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	file.Opening = &Opening{Salt: NewSalt(), Event: string(text)}
	entry, _, err := file.Opening.EntryOf(7)
	if err != nil {
		t.Fatal(err)
	}
	place := LedgerPlace{Seq: 7, Entry: entry.Digest(), Previous: Digest{1}}
	place.Chain = ChainOf(place.Previous, place.Seq, place.Entry)
	receipt, err := ReceiptOfConsents(Operator{}, Session{ID: c.Session}, ReceiptNotice{SHA256: "x", Version: "1"}).
		Tell(SideCandidate, "p", event, place)
	if err != nil {
		t.Fatal(err)
	}
	file.Receipt = s.sign(t, DocumentReceipt, receipt)
	return file, KeySet{[]PublicKey{s.public}}
}

func TestForgedCertificatesDoNotHold(t *testing.T) {
	t.Parallel()
	whole, keys := certificateFileOf(t, testCertificate(t))
	if _, found := whole.Verify(keys); !found.Whole() || len(found) != 2 {
		t.Fatalf("a genuine file: %+v", found)
	}
	other, otherKeys := certificateFileOf(t, testCertificate(t))
	for name, c := range map[string]struct {
		change func(*CertificateFile)
		keys   KeySet
		whole  bool
	}{
		"another server's keys":           {func(*CertificateFile) {}, otherKeys, false},
		"one letter changed":              {func(f *CertificateFile) { f.Certificate = strings.Replace(f.Certificate, ".", ".A", 1) }, keys, false},
		"a receipt in place of it":        {func(f *CertificateFile) { f.Certificate = f.Receipt }, keys, false},
		"another erasure's certificate":   {func(f *CertificateFile) { f.Certificate = other.Certificate }, KeySet{append(keys.Keys, otherKeys.Keys...)}, false},
		"another erasure's opening":       {func(f *CertificateFile) { f.Opening = other.Opening }, keys, false},
		"without its place in the ledger": {func(f *CertificateFile) { f.Opening = nil }, keys, true},
	} {
		file := whole
		c.change(&file)
		if _, found := file.Verify(c.keys); found.Whole() != c.whole {
			t.Errorf("%s: %+v", name, found)
		}
	}
	if _, err := ParseCertificateFile([]byte(`{"certificate":"x","more":1}`)); err == nil {
		t.Error("a file with an unknown field was read")
	}
}
