package web

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/consent"
)

// heldReceipt is a receipt of one side.
type heldReceipt struct {
	consent.ReceiptSummary
	account consent.AccountID // of the candidate's; empty for an organization's
	file    consent.ReceiptFile
}

func (w *world) ReceiptsOf(_ context.Context, candidate consent.AccountID, id consent.SessionID) ([]consent.ReceiptSummary, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []consent.ReceiptSummary
	for _, r := range w.receipts {
		if r.account == candidate && r.Session == id {
			list = append(list, r.ReceiptSummary)
		}
	}
	if len(list) > 0 {
		return list, nil
	}
	_, err := w.own(candidate, id)
	return nil, err
}

func (w *world) ReceiptsFor(_ context.Context, actor consent.Actor) ([]consent.ReceiptSummary, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []consent.ReceiptSummary
	for _, r := range w.receipts {
		if r.account == "" && r.Org == actor.Org {
			list = append(list, r.ReceiptSummary)
		}
	}
	return list, nil
}

func (w *world) ReceiptFile(_ context.Context, actor consent.Actor, id consent.ReceiptID) (consent.ReceiptFile, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.receipts {
		if r.ID == id && (r.account == actor.Account || (r.account == "" && actor.Org != "" && r.Org == actor.Org)) {
			return r.file, nil
		}
	}
	return consent.ReceiptFile{}, consent.ErrNotFound
}

// publicLedger is what anybody may know, of a ledger with so many entries.
type publicLedger struct {
	keys    consent.KeySet
	entries int
}

func newPublicLedger(t *testing.T, entries int) publicLedger {
	t.Helper()
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	old, err := consent.NewPublicKey(public, testNow.AddDate(-1, 0, 0), testNow)
	if err != nil {
		t.Fatal(err)
	}
	return publicLedger{consent.KeySet{Keys: []consent.PublicKey{old}}, entries}
}

func (l publicLedger) KeySet() (consent.KeySet, error) { return l.keys, nil }

func (l publicLedger) Checkpoint() (consent.CheckpointLine, bool) {
	return consent.CheckpointLine{Seq: int64(l.entries), Chain: sumOf(0), JWS: "signed"}, l.entries > 0
}

func (l publicLedger) Sums(_ context.Context, after int64, most int) (sums []consent.Digest, err error) {
	for i := after + 1; i <= int64(l.entries) && len(sums) < most; i++ {
		sums = append(sums, sumOf(i))
	}
	return sums, nil
}

func sumOf(i int64) consent.Digest { return sha256.Sum256(fmt.Append(nil, i)) }

// giveReceipts puts one receipt of each side into the world.
func (s *stage) giveReceipts(session consent.SessionID, candidate consent.AccountID, org consent.OrgID) (own, theirs heldReceipt) {
	summary := consent.ReceiptSummary{
		Seq: 7, Session: session, Authorization: consent.NewID[consent.AuthorizationID](), Org: org, State: consent.ReceiptWithdrawn, At: testNow,
	}
	opening := &consent.Opening{Salt: consent.NewSalt(), Event: `{"kind":"x"}`}
	own = heldReceipt{summary, candidate, consent.ReceiptFile{Receipt: "own", Notice: "What happens.", Opening: opening}}
	theirs = heldReceipt{summary, "", consent.ReceiptFile{Receipt: "theirs", Notice: "What happens."}}
	own.ID, theirs.ID, theirs.State = consent.NewID[consent.ReceiptID](), consent.NewID[consent.ReceiptID](), consent.ReceiptEnded
	s.mu.Lock()
	defer s.mu.Unlock()
	s.receipts = append(s.receipts, own, theirs)
	return own, theirs
}

func TestEachSideReadsItsOwnReceipts(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p, e := s.candidate(t), s.employer(t, "Acme")
	session := p.newSession()
	lists := map[*person]string{p: "/api/v1/sessions/" + string(session.ID) + "/receipts", e: "/api/v1/organization/receipts"}
	for who, list := range lists {
		if got := string(who.get(list).want(http.StatusOK).body); strings.TrimSpace(got) != `{"receipts":[]}` {
			t.Errorf("%s without receipts: %s", list, got)
		}
	}
	own, theirs := s.giveReceipts(session.ID, p.account.ID, e.account.Org)
	for who, held := range map[*person]heldReceipt{p: own, e: theirs} {
		var list receiptsJSON
		if err := json.Unmarshal(who.get(lists[who]).want(http.StatusOK).body, &list); err != nil || len(list.Receipts) != 1 {
			t.Fatalf("%s: %+v, %v", lists[who], list, err)
		}
		want := receiptJSON{
			ID: held.ID, Entry: 7, Session: session.ID, Authorization: held.Authorization, OrgID: e.account.Org, State: held.State, At: testNow,
		}
		if diff := cmp.Diff(want, list.Receipts[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", lists[who], diff)
		}
		got := who.get("/api/v1/receipts/" + string(held.ID)).want(http.StatusOK)
		file, err := consent.ParseReceiptFile([]byte(strings.TrimSpace(string(got.body))))
		if diff := cmp.Diff(held.file, file); err != nil || diff != "" {
			t.Errorf("the file: %v (-want +got):\n%s", err, diff)
		}
		if name := got.header.Get("Content-Disposition"); name != `attachment; filename="receipt-`+string(held.ID)+`.json"` {
			t.Errorf("the file is called %s", name)
		}
	}
}

func TestReceiptsOfOthersLookLikeUnknownOnes(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p, other, e, stranger := s.candidate(t), s.candidate(t), s.employer(t, "Acme"), s.employer(t, "Zenith")
	ops := s.person(t, consent.Account{Kind: consent.AccountOps})
	session := p.newSession()
	own, theirs := s.giveReceipts(session.ID, p.account.ID, e.account.Org)
	unknown := p.get("/api/v1/receipts/" + string(consent.NewID[consent.ReceiptID]())).want(http.StatusNotFound).face()
	for name, got := range map[string]reply{
		"another candidate": other.get("/api/v1/receipts/" + string(own.ID)), "another organization": stranger.get("/api/v1/receipts/" + string(theirs.ID)),
		"operations": ops.get("/api/v1/receipts/" + string(own.ID)), "the other side": e.get("/api/v1/receipts/" + string(own.ID)),
		"the other side again": p.get("/api/v1/receipts/" + string(theirs.ID)), "no id": p.get("/api/v1/receipts/abc"),
		"another's list": other.get("/api/v1/sessions/" + string(session.ID) + "/receipts"),
	} {
		if got.face() != unknown {
			t.Errorf("%s gets %s, an unknown receipt %s", name, got.face(), unknown)
		}
	}
	if got := string(stranger.get("/api/v1/organization/receipts").want(http.StatusOK).body); strings.TrimSpace(got) != `{"receipts":[]}` {
		t.Errorf("another organization's list: %s", got)
	}
}

func TestAnybodyReadsKeysCheckpointAndSums(t *testing.T) {
	t.Parallel()
	ledger := newPublicLedger(t, mostSums+3)
	s := newStage(t, func(c *Config) { c.Ledger = ledger })
	p := s.nobody(t)
	keys, err := consent.ParseKeySet([]byte(strings.TrimSpace(string(p.get("/api/v1/keys").want(http.StatusOK).body))))
	if diff := cmp.Diff(ledger.keys, keys); err != nil || diff != "" {
		t.Errorf("keys: %v (-want +got):\n%s", err, diff)
	}
	var line consent.CheckpointLine
	want, _ := ledger.Checkpoint()
	if err := json.Unmarshal(p.get("/api/v1/ledger/checkpoint").want(http.StatusOK).body, &line); err != nil || line != want {
		t.Errorf("checkpoint %+v, %v", line, err)
	}
	sums := func(after string) []consent.Digest {
		var page sumsJSON
		if err := json.Unmarshal(p.get("/api/v1/ledger/sums"+after).want(http.StatusOK).body, &page); err != nil || page.Sums == nil {
			t.Fatalf("sums%s: %+v, %v", after, page, err)
		}
		return page.Sums
	}
	if got := sums(""); len(got) != mostSums || got[0] != sumOf(1) {
		t.Errorf("the first page has %d sums", len(got))
	}
	if got := sums(fmt.Sprintf("?after=%d", mostSums)); len(got) != 3 || got[2] != sumOf(mostSums+3) {
		t.Errorf("the second page has %d sums", len(got))
	}
	if got := sums("?after=5000"); len(got) != 0 {
		t.Errorf("behind the end are %d sums", len(got))
	}
	for _, bad := range []string{"?after=-1", "?after=x", "?before=1"} {
		p.get("/api/v1/ledger/sums" + bad).want(http.StatusUnprocessableEntity)
	}
	empty := newStage(t, func(c *Config) { c.Ledger = newPublicLedger(t, 0) })
	empty.nobody(t).get("/api/v1/ledger/checkpoint").want(http.StatusNotFound)
}
