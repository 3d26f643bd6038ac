package consent

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var ledgerNoon = time.Date(2026, 11, 22, 12, 0, 0, 123456000, time.UTC)

func grantedEvent() LedgerEvent {
	return LedgerEvent{
		Kind: LedgerAuthorizationGranted, At: ledgerNoon, Account: NewID[AccountID](), Session: NewID[SessionID](),
		Authorization: NewID[AuthorizationID](), Org: NewID[OrgID](), NoticeSHA256: strings.Repeat("ab", 32),
		Purpose: PurposeHiring, Scopes: []Scope{ScopeRatings, ScopeTranscript},
		ValidFrom: ledgerNoon, ValidUntil: ledgerNoon.Add(time.Hour),
	}
}

func TestLedgerEventHasOneSpelling(t *testing.T) {
	t.Parallel()
	event := grantedEvent()
	text, err := event.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseLedgerEvent(text)
	if err != nil {
		t.Fatalf("read %s: %v", text, err)
	}
	if diff := cmp.Diff(event, got); diff != "" {
		t.Errorf("the event changed on its way (-want +got):\n%s", diff)
	}
	// The same moment in another zone, and more exactly than the database keeps it, is the same event.
	event.At = event.At.Add(999 * time.Nanosecond).In(time.FixedZone("east", 3600))
	if again, err := event.Bytes(); err != nil || string(again) != string(text) {
		t.Errorf("another zone is spelled %s, %v; want %s", again, err, text)
	}
	for name, other := range map[string]string{
		"spaces":         strings.Replace(string(text), ":", ": ", 1),
		"twice":          strings.Replace(string(text), `{`, `{"kind":"session_erased",`, 1),
		"unknown field":  strings.Replace(string(text), `{`, `{"name":"Alice",`, 1),
		"another order":  strings.Replace(string(text), `{"kind":"authorization_granted",`, `{`, 1)[:len(text)-len(`"kind":"authorization_granted",`)-1] + `,"kind":"authorization_granted"}`,
		"more after it":  string(text) + "{}",
		"another case":   strings.Replace(string(text), `"kind"`, `"Kind"`, 1),
		"escaped letter": strings.Replace(string(text), `"hiring"`, `"\u0068iring"`, 1),
		"nothing":        "",
		"too long":       string(text) + strings.Repeat(" ", MaxLedgerEvent),
	} {
		if _, err := ParseLedgerEvent([]byte(other)); !errors.Is(err, ErrLedgerEvent) {
			t.Errorf("%s: %s was read: %v", name, other, err)
		}
	}
}

func TestLedgerEventMustSayWhatItIsAbout(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*LedgerEvent){
		"no kind":          func(e *LedgerEvent) { e.Kind = "" },
		"unknown kind":     func(e *LedgerEvent) { e.Kind = "looked_at" },
		"no time":          func(e *LedgerEvent) { e.At = time.Time{} },
		"no session":       func(e *LedgerEvent) { e.Session = "" },
		"no authorization": func(e *LedgerEvent) { e.Authorization = "" },
		"no account":       func(e *LedgerEvent) { e.Kind, e.Account = LedgerAccountClosing, "" },
		"a long reason":    func(e *LedgerEvent) { e.Reason = strings.Repeat("x", maxLedgerReason+1) },
	} {
		event := grantedEvent()
		spoil(&event)
		if text, err := event.Bytes(); !errors.Is(err, ErrLedgerEvent) {
			t.Errorf("%s: written as %s, %v; want ErrLedgerEvent", name, text, err)
		}
	}
	for _, kind := range LedgerKinds() {
		event := grantedEvent()
		event.Kind = kind
		if _, err := event.Bytes(); err != nil {
			t.Errorf("%s with everything set: %v", kind, err)
		}
	}
}

// The sums are written out here by hand, from the sentence in ledger_chain.go, not by its functions.
func TestLedgerSumsAreThoseThatAreDocumented(t *testing.T) {
	t.Parallel()
	salt := Salt(sha256.Sum256([]byte("salt")))
	event := `{"kind":"session_held"}`
	leaf := sha256.Sum256([]byte("\x00" + string(salt[:]) + event))
	if got := LeafOf(salt, []byte(event)); got != leaf {
		t.Errorf("leaf %s, want %x", got, leaf)
	}
	entry := LedgerEntry{Seq: 258, At: time.UnixMicro(1), Kind: "k", Session: "s", Authorization: "a", Account: "c", Org: "o", Leaf: leaf}
	digest := sha256.Sum256([]byte("\x02" + string(leaf[:]) + "\x00\x00\x00\x00\x00\x00\x00\x01k\x00s\x00a\x00c\x00o\x00"))
	if got := entry.Digest(); got != digest {
		t.Errorf("entry %s, want %x", got, digest)
	}
	previous := sha256.Sum256([]byte("before"))
	chain := sha256.Sum256([]byte("\x01" + string(previous[:]) + "\x00\x00\x00\x00\x00\x00\x01\x02" + string(digest[:])))
	if got := ChainOf(previous, entry.Seq, digest); got != chain {
		t.Errorf("chain %s, want %x", got, chain)
	}
}

// testLedger is a whole ledger of so many entries.
func testLedger(n int) []LedgerEntry {
	var head LedgerHead
	var entries []LedgerEntry
	for i := range n {
		e := LedgerEntry{
			Seq: int64(i) + 1, At: ledgerNoon.Add(time.Duration(i) * time.Second), Kind: LedgerSessionRestricted,
			Session: NewID[SessionID](), Account: NewID[AccountID](), Leaf: Digest(NewSalt()),
		}
		e.Chain = ChainOf(head.Chain, e.Seq, e.Digest())
		head = LedgerHead{Seq: e.Seq, Chain: e.Chain}
		entries = append(entries, e)
	}
	return entries
}

func follow(entries []LedgerEntry) (LedgerHead, error) {
	var head LedgerHead
	var err error
	for _, e := range entries {
		if head, err = head.Follow(e); err != nil {
			return head, err
		}
	}
	return head, nil
}

func TestLedgerFindsEveryChange(t *testing.T) {
	t.Parallel()
	whole := testLedger(5)
	if head, err := follow(whole); err != nil || head.Seq != 5 || head.Chain != whole[4].Chain {
		t.Fatalf("a whole ledger ends at %d, %v", head.Seq, err)
	}
	// rechain makes the sums right again from an entry on, as whoever changed it would try.
	rechain := func(entries []LedgerEntry, from int) {
		for i := from; i < len(entries); i++ {
			var previous Digest
			if i > 0 {
				previous = entries[i-1].Chain
			}
			entries[i].Chain = ChainOf(previous, entries[i].Seq, entries[i].Digest())
		}
	}
	for name, change := range map[string]func([]LedgerEntry) []LedgerEntry{
		"another kind":    func(l []LedgerEntry) []LedgerEntry { l[2].Kind = LedgerSessionUnrestricted; return l },
		"unknown kind":    func(l []LedgerEntry) []LedgerEntry { l[2].Kind = "nothing"; rechain(l, 2); return l },
		"another time":    func(l []LedgerEntry) []LedgerEntry { l[2].At = l[2].At.Add(time.Microsecond); return l },
		"another session": func(l []LedgerEntry) []LedgerEntry { l[2].Session = l[3].Session; return l },
		"another account": func(l []LedgerEntry) []LedgerEntry { l[2].Account = l[3].Account; return l },
		"ids moved over": func(l []LedgerEntry) []LedgerEntry {
			l[2].Authorization, l[2].Session = AuthorizationID(l[2].Session), ""
			return l
		},
		"another leaf":  func(l []LedgerEntry) []LedgerEntry { l[2].Leaf[0] ^= 1; return l },
		"another chain": func(l []LedgerEntry) []LedgerEntry { l[2].Chain[31] ^= 1; return l },
		"missing":       func(l []LedgerEntry) []LedgerEntry { return append(l[:2], l[3:]...) },
		"no first":      func(l []LedgerEntry) []LedgerEntry { return l[1:] },
		"twice":         func(l []LedgerEntry) []LedgerEntry { return append(l[:3], l[2:]...) },
		"reordered":     func(l []LedgerEntry) []LedgerEntry { l[1], l[2] = l[2], l[1]; return l },
		"reordered and numbered anew": func(l []LedgerEntry) []LedgerEntry {
			l[1], l[2] = l[2], l[1]
			l[1].Seq, l[2].Seq = 2, 3
			return l
		},
	} {
		if _, err := follow(change(testLedger(5))); !errors.Is(err, ErrLedger) {
			t.Errorf("%s: %v, want ErrLedger", name, err)
		}
	}
	// Whoever writes everything anew has a whole ledger, and another head: that is what checkpoints are for.
	forged := testLedger(5)
	copy(forged, whole)
	forged[2].Kind = LedgerSessionUnrestricted
	rechain(forged, 2)
	if head, err := follow(forged); err != nil || head.Chain == whole[4].Chain {
		t.Errorf("a ledger that was written anew: %v, the same head: %t", err, head.Chain == whole[4].Chain)
	}
}

func TestLedgerPlaceHoldsItsSumsTogether(t *testing.T) {
	t.Parallel()
	entries := testLedger(3)
	place := LedgerPlace{Seq: 3, Entry: entries[2].Digest(), Previous: entries[1].Chain, Chain: entries[2].Chain}
	if err := place.Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*LedgerPlace){
		"place zero": func(p *LedgerPlace) { p.Seq = 0 }, "another place": func(p *LedgerPlace) { p.Seq = 2 },
		"another entry": func(p *LedgerPlace) { p.Entry[0] ^= 1 }, "another past": func(p *LedgerPlace) { p.Previous[0] ^= 1 },
		"another chain": func(p *LedgerPlace) { p.Chain[0] ^= 1 },
	} {
		bad := place
		spoil(&bad)
		if err := bad.Check(); !errors.Is(err, ErrLedger) {
			t.Errorf("%s: %v, want ErrLedger", name, err)
		}
	}
}

func TestOpeningGivesTheRowOfItsEvent(t *testing.T) {
	t.Parallel()
	event := grantedEvent()
	text, err := event.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	opening := Opening{Salt: NewSalt(), Event: string(text)}
	entry, got, err := opening.EntryOf(7)
	if err != nil {
		t.Fatal(err)
	}
	want := LedgerEntry{
		Seq: 7, At: event.At, Kind: event.Kind, Session: event.Session, Authorization: event.Authorization,
		Account: event.Account, Leaf: LeafOf(opening.Salt, text),
	}
	if diff := cmp.Diff(want, entry); diff != "" || got.Kind != event.Kind {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	if _, _, err := (Opening{Event: "{}"}).EntryOf(1); !errors.Is(err, ErrLedgerEvent) {
		t.Errorf("an opening without an event: %v", err)
	}
}

func TestDigestTakesOneSpelling(t *testing.T) {
	t.Parallel()
	text := hex.EncodeToString([]byte(strings.Repeat("\xab", 32)))
	var d Digest
	if err := d.UnmarshalText([]byte(text)); err != nil || d.String() != text {
		t.Errorf("%s was read as %s, %v", text, d, err)
	}
	for _, bad := range []string{"", text[:63], text + "0", strings.ToUpper(text), "zz" + text[2:]} {
		if err := d.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was read as a digest", bad)
		}
	}
}

func TestConsentNamesAreThoseThatStand(t *testing.T) {
	t.Parallel()
	all := Consents{Recording: true, Transcription: true, Assessment: true}
	for _, c := range []struct {
		consents Consents
		want     []Consent
	}{
		{Consents{}, nil},
		{Consents{Transcription: true}, []Consent{ConsentTranscription}},
		{all, []Consent{ConsentRecording, ConsentTranscription, ConsentAssessment}},
	} {
		if diff := cmp.Diff(c.want, c.consents.Names()); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.consents, diff)
		}
	}
}

func FuzzParseLedgerEvent(f *testing.F) {
	text, _ := grantedEvent().Bytes()
	f.Add(text)
	f.Add([]byte(`{"kind":"session_held","at":"2026-11-22T12:00:00Z","session":"s"}`))
	f.Add([]byte(`{"kind":"session_held","kind":"session_erased","at":"2026-11-22T12:00:00Z"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		event, err := ParseLedgerEvent(text)
		if err != nil {
			return
		}
		if again, err := event.Bytes(); err == nil && string(again) != string(text) {
			t.Errorf("%q was read, and is written %q", text, again)
		}
	})
}
