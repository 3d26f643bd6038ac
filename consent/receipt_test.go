package consent

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var receiptTestNotice = Notice{Version: 3, Text: "# What happens\n\nWe record."}

// given is an authorization with everything that is known about its grant.
type given struct {
	signer  signer
	keys    KeySet
	event   LedgerEvent
	place   LedgerPlace
	entry   LedgerEntry
	opening Opening
	terms   Receipt
}

// newGiven makes what storage makes: an event, its leaf, its place behind another entry, and the terms.
func newGiven(tb testing.TB, change func(*LedgerEvent)) given {
	tb.Helper()
	g := given{signer: newSigner(tb, ledgerNoon.Add(-time.Hour), time.Time{}), event: grantedEvent()}
	g.keys = KeySet{[]PublicKey{g.signer.public}}
	g.event.NoticeSHA256 = receiptTestNotice.SHA256()
	if change != nil {
		change(&g.event)
	}
	text, err := g.event.Bytes()
	if err != nil {
		tb.Fatal(err)
	}
	g.opening = Opening{Salt: NewSalt(), Event: string(text)}
	if g.entry, _, err = g.opening.EntryOf(2); err != nil {
		tb.Fatal(err)
	}
	previous := testLedger(1)[0].Chain
	g.place = LedgerPlace{Seq: 2, Entry: g.entry.Digest(), Previous: previous, Chain: ChainOf(previous, 2, g.entry.Digest())}
	g.entry.Chain = g.place.Chain
	g.terms = ReceiptOfAuthorization(Operator{Name: "Example", Jurisdiction: "Germany"}, Authorization{
		ID: g.event.Authorization, Session: g.event.Session, Org: g.event.Org, OrgName: "Acme", Purpose: PurposeHiring,
		Scopes: []Scope{ScopeRatings, ScopeTranscript}, ValidFrom: ledgerNoon, ValidUntil: ledgerNoon.Add(time.Hour),
	}, ReceiptNotice{SHA256: receiptTestNotice.SHA256(), Version: "3"})
	return g
}

func (g given) tell(tb testing.TB, side ReceiptSide) Receipt {
	tb.Helper()
	receipt, err := g.terms.Tell(side, "somebody", g.event, g.place)
	if err != nil {
		tb.Fatal(err)
	}
	return receipt
}

func (g given) file(tb testing.TB, side ReceiptSide) ReceiptFile {
	tb.Helper()
	file := ReceiptFile{Receipt: g.signer.sign(tb, DocumentReceipt, g.tell(tb, side)), Notice: receiptTestNotice.Text}
	if side == SideCandidate {
		opening := g.opening
		file.Opening = &opening
	}
	return file
}

func TestReceiptSaysWhatTheStandardAsksFor(t *testing.T) {
	t.Parallel()
	g := newGiven(t, nil)
	text, err := json.Marshal(g.tell(t, SideCandidate))
	if err != nil {
		t.Fatal(err)
	}
	var said map[string]any
	if err := json.Unmarshal(text, &said); err != nil {
		t.Fatal(err)
	}
	// The mandatory fields of ISO/IEC TS 27560, section 2 of docs/consent-record.md.
	for _, field := range []string{
		"schema_version", "receipt_id", "record_id", "pii_principal_id", "privacy_notice", "purpose", "lawful_basis", "pii_types",
		"processing_method", "pii_controllers", "recipient_third_parties", "storage_locations", "jurisdiction", "retention_period",
		"withdrawal_method", "privacy_rights", "valid_from", "valid_until", "event", "ledger", "given_to", "session",
	} {
		if value := said[field]; value == nil || value == "" {
			t.Errorf("the receipt does not say its %s", field)
		}
		delete(said, field)
	}
	if len(said) > 0 {
		t.Errorf("the receipt says more than the table maps: %v", said)
	}
}

// Both sides hold the same terms. Only who did it, and what ended it, is not told to the organization,
// and the person has another name there.
func TestBothSidesHoldTheSameTerms(t *testing.T) {
	t.Parallel()
	for kind, want := range map[LedgerKind]struct{ candidate, organization ReceiptState }{
		LedgerAuthorizationGranted:    {ReceiptGiven, ReceiptGiven},
		LedgerAuthorizationWithdrawn:  {ReceiptWithdrawn, ReceiptEnded},
		LedgerAuthorizationRevoked:    {ReceiptRevoked, ReceiptEnded},
		LedgerAuthorizationSuperseded: {ReceiptSuperseded, ReceiptEnded},
		LedgerAuthorizationExpired:    {ReceiptExpired, ReceiptEnded},
		LedgerAuthorizationRefused:    {ReceiptRefused, ReceiptEnded},
		LedgerSessionErased:           {ReceiptErased, ReceiptEnded},
	} {
		g := newGiven(t, func(e *LedgerEvent) { e.Kind = kind })
		candidate, organization := g.tell(t, SideCandidate), g.tell(t, SideOrganization)
		if candidate.Event.State != want.candidate || organization.Event.State != want.organization {
			t.Errorf("%s: the candidate is told %q and the organization %q", kind, candidate.Event.State, organization.Event.State)
		}
		if text, _ := json.Marshal(organization); want.organization == ReceiptEnded && strings.Contains(string(text), string(kind)) {
			t.Errorf("%s: the organization can read what ended it: %s", kind, text)
		}
		if candidate.ReceiptID == organization.ReceiptID || organization.Event.Entity != "" {
			t.Errorf("%s: ids %s and %s, entity %q", kind, candidate.ReceiptID, organization.ReceiptID, organization.Event.Entity)
		}
		organization.ReceiptID, organization.GivenTo, organization.Event = candidate.ReceiptID, candidate.GivenTo, candidate.Event
		if diff := cmp.Diff(candidate, organization); diff != "" {
			t.Errorf("%s: the terms differ:\n%s", kind, diff)
		}
	}
}

func TestNoReceiptForWhatNobodyAgreedTo(t *testing.T) {
	t.Parallel()
	g := newGiven(t, func(e *LedgerEvent) { e.Kind = LedgerSessionHeld })
	if r, err := g.terms.Tell(SideCandidate, "p", g.event, g.place); !errors.Is(err, ErrReceipt) {
		t.Errorf("a receipt of a hold: %+v, %v", r, err)
	}
	g = newGiven(t, nil)
	g.terms.Notice.SHA256 = ""
	if _, err := g.terms.Tell(SideCandidate, "p", g.event, g.place); !errors.Is(err, ErrReceipt) {
		t.Errorf("a receipt without a notice: %v", err)
	}
}

func TestReceiptOfConsentsListsWhatTheBoxesMake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		consents Consents
		types    []string
		state    ReceiptState
	}{
		{Consents{}, []string{}, ReceiptRefused},
		{Consents{Recording: true}, []string{"recording.audio", "recording.video"}, ReceiptGiven},
		{Consents{Transcription: true, Assessment: true}, []string{"transcript", "ratings", "feedback"}, ReceiptGiven},
	} {
		session := Session{ID: NewID[SessionID](), Consents: c.consents}
		terms := ReceiptOfConsents(Operator{}, session, ReceiptNotice{SHA256: receiptTestNotice.SHA256(), Version: "3"})
		event := LedgerEvent{Kind: LedgerConsentsAnswered, At: ledgerNoon, Session: session.ID, Consents: c.consents.Names()}
		receipt, err := terms.Tell(SideCandidate, "p", event, LedgerPlace{})
		if err != nil || !slices.Equal(receipt.PIITypes, c.types) || receipt.Event.State != c.state {
			t.Errorf("%+v: %v, %q, %v; want %v, %q", c.consents, receipt.PIITypes, receipt.Event.State, err, c.types, c.state)
		}
		if differs := receipt.differsFrom(event); differs != "" {
			t.Errorf("%+v: receipt and event disagree about %s", c.consents, differs)
		}
	}
}

func TestGenuineReceiptFilesHold(t *testing.T) {
	t.Parallel()
	g := newGiven(t, nil)
	receipt, found := g.file(t, SideCandidate).Verify(g.keys)
	if !found.Whole() || receipt.RecordID != string(g.event.Authorization) {
		t.Errorf("the candidate's: %+v", found)
	}
	if slices.ContainsFunc(found, func(f Finding) bool { return f.Verdict != Holds }) {
		t.Errorf("the candidate's leaves something unchecked: %+v", found)
	}
	if _, found = g.file(t, SideOrganization).Verify(g.keys); !found.Whole() || len(found) != 3 || found[2].Verdict != NotChecked {
		t.Errorf("the organization's: %+v", found)
	}
	erased := g.file(t, SideCandidate)
	erased.Opening, erased.Notice = nil, ""
	if _, found = erased.Verify(g.keys); !found.Whole() || found[1].Verdict != NotChecked || found[2].Verdict != NotChecked {
		t.Errorf("after erasing: %+v", found)
	}
	var inLedger Findings
	if receipt.CheckIn(g.entry, &inLedger); !inLedger.Whole() {
		t.Errorf("in its own ledger: %+v", inLedger)
	}
	other := g.entry
	other.Kind = LedgerAuthorizationWithdrawn
	if receipt.CheckIn(other, &inLedger); inLedger.Whole() {
		t.Error("an entry that was changed is taken for the receipt's")
	}
}

// T58: every part of a receipt file that somebody could swap.
func TestForgedReceiptFilesAreFound(t *testing.T) {
	t.Parallel()
	g := newGiven(t, nil)
	stranger := newSigner(t, ledgerNoon.Add(-time.Hour), time.Time{})
	resign := func(change func(*Receipt)) string {
		receipt := g.tell(t, SideCandidate)
		change(&receipt)
		return g.signer.sign(t, DocumentReceipt, receipt)
	}
	for name, spoil := range map[string]func(*ReceiptFile){
		"signed by a stranger":   func(f *ReceiptFile) { f.Receipt = stranger.sign(t, DocumentReceipt, g.tell(t, SideCandidate)) },
		"another notice":         func(f *ReceiptFile) { f.Notice += " And sell it." },
		"another salt":           func(f *ReceiptFile) { f.Opening.Salt[0] ^= 1 },
		"no event":               func(f *ReceiptFile) { f.Opening.Event = "" },
		"another event":          func(f *ReceiptFile) { f.Opening.Event = strings.Replace(f.Opening.Event, "ratings", "feedback", 1) },
		"another ledger place":   func(f *ReceiptFile) { f.Receipt = resign(func(r *Receipt) { r.Ledger.Seq++ }) },
		"a chain from elsewhere": func(f *ReceiptFile) { f.Receipt = resign(func(r *Receipt) { r.Ledger.Previous[3] ^= 1 }) },
		"another schema":         func(f *ReceiptFile) { f.Receipt = resign(func(r *Receipt) { r.SchemaVersion = "greenroom-receipt/2" }) },
		"no principal":           func(f *ReceiptFile) { f.Receipt = resign(func(r *Receipt) { r.PrincipalID = "" }) },
		"given to everybody":     func(f *ReceiptFile) { f.Receipt = resign(func(r *Receipt) { r.GivenTo = "everybody" }) },
		"an id that is none":     func(f *ReceiptFile) { f.Receipt = resign(func(r *Receipt) { r.RecordID = "../x" }) },
		"before the key was made": func(f *ReceiptFile) {
			f.Receipt = resign(func(r *Receipt) { r.Event.Time = ledgerNoon.Add(-48 * time.Hour) })
		},
		// The operator itself signs something else than the ledger holds.
		"other parts than in the ledger": func(f *ReceiptFile) {
			f.Receipt = resign(func(r *Receipt) { r.PIITypes = append(r.PIITypes, "feedback") })
		},
		"longer than in the ledger": func(f *ReceiptFile) {
			f.Receipt = resign(func(r *Receipt) { r.ValidUntil = r.ValidUntil.Add(time.Hour) })
		},
		"for something else": func(f *ReceiptFile) { f.Receipt = resign(func(r *Receipt) { r.Purpose = "marketing" }) },
		"another time than in the ledger": func(f *ReceiptFile) {
			f.Receipt = resign(func(r *Receipt) { r.Event.Time = r.Event.Time.Add(time.Second) })
		},
		"another record than in ledger": func(f *ReceiptFile) {
			f.Receipt = resign(func(r *Receipt) { r.RecordID = string(NewID[AuthorizationID]()) })
		},
		"another session than in ledger": func(f *ReceiptFile) { f.Receipt = resign(func(r *Receipt) { r.Session = NewID[SessionID]() }) },
		"another happening than in ledger": func(f *ReceiptFile) {
			f.Receipt = resign(func(r *Receipt) { r.Event.Type = "authorization_withdrawn" })
		},
		"a notice that was not shown": func(f *ReceiptFile) {
			other := Notice{Version: 3, Text: "nothing is kept"}
			f.Notice, f.Receipt = other.Text, resign(func(r *Receipt) { r.Notice.SHA256 = other.SHA256() })
		},
	} {
		file := g.file(t, SideCandidate)
		spoil(&file)
		if _, found := file.Verify(g.keys); found.Whole() {
			t.Errorf("%s: not found: %+v", name, found)
		}
	}
	if _, found := g.file(t, SideCandidate).Verify(g.keys); !found.Whole() {
		t.Errorf("the file that was spoilt was none: %+v", found)
	}
}

func TestParseReceiptFileIsBounded(t *testing.T) {
	t.Parallel()
	g := newGiven(t, nil)
	text, err := json.Marshal(g.file(t, SideCandidate))
	if err != nil {
		t.Fatal(err)
	}
	file, err := ParseReceiptFile(text)
	if diff := cmp.Diff(g.opening, *file.Opening); err != nil || diff != "" {
		t.Errorf("read %v (-want +got):\n%s", err, diff)
	}
	for name, bad := range map[string]string{
		"empty": "", "a list": "[]", "unknown": `{"receipt":"","more":1}`, "behind it": string(text) + "{}",
		"too long": string(text) + strings.Repeat(" ", MaxReceiptFile), "a salt that is short": `{"receipt":"","opening":{"salt":"00","event":""}}`,
	} {
		if _, err := ParseReceiptFile([]byte(bad)); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

func FuzzReceiptFile(f *testing.F) {
	g := newGiven(f, nil)
	for _, side := range []ReceiptSide{SideCandidate, SideOrganization} {
		text, _ := json.Marshal(g.file(f, side))
		f.Add(text)
	}
	genuine := g.file(f, SideCandidate).Receipt
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := ParseReceiptFile(text)
		if err != nil {
			return
		}
		receipt, found := file.Verify(g.keys)
		// Nobody who lacks the key makes a receipt: what holds was signed above.
		if found.Whole() && receipt.RecordID != string(g.event.Authorization) {
			t.Errorf("%q holds, and is not %q", file.Receipt, genuine)
		}
	})
}
