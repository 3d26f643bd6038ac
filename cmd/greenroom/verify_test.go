package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

// proof is a folder with everything that verify checks: a ledger of three entries, the keys, and both
// sides' receipts of the second.
type proof struct {
	t       *testing.T
	dir     string
	key     ed25519.PrivateKey
	keys    []byte
	entries []consent.LedgerEntry
}

var proofTime = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newProof(t *testing.T) *proof {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &proof{t: t, dir: t.TempDir(), key: private}
	key, err := consent.NewPublicKey(public, proofTime.Add(-time.Hour), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if p.keys, err = json.Marshal(consent.KeySet{Keys: []consent.PublicKey{key}}); err != nil {
		t.Fatal(err)
	}
	p.write("keys.json", p.keys)
	p.write("ledger/"+consent.LedgerKeysFile, p.keys)
	p.record(consent.LedgerEvent{Kind: consent.LedgerNoticePublished, At: proofTime})
	p.share()
	p.record(consent.LedgerEvent{Kind: consent.LedgerRestored, At: proofTime})
	p.write("ledger/"+consent.JournalFile, p.journal())
	p.write("ledger/"+consent.CheckpointsFile, p.checkpoint(3))
	return p
}

func (p *proof) path(name string) string { return filepath.Join(p.dir, name) }

func (p *proof) write(name string, text []byte) {
	p.t.Helper()
	if err := os.MkdirAll(filepath.Dir(p.path(name)), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(p.path(name), text, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *proof) sign(kind consent.DocumentType, body any) string {
	p.t.Helper()
	document, err := consent.Sign(p.key, kind, body)
	if err != nil {
		p.t.Fatal(err)
	}
	return document
}

// record adds an entry and returns its place and opening.
func (p *proof) record(event consent.LedgerEvent) (consent.LedgerPlace, consent.Opening) {
	p.t.Helper()
	text, err := event.Bytes()
	if err != nil {
		p.t.Fatal(err)
	}
	opening := consent.Opening{Salt: consent.NewSalt(), Event: string(text)}
	e, _, err := opening.EntryOf(int64(len(p.entries) + 1))
	if err != nil {
		p.t.Fatal(err)
	}
	place := consent.LedgerPlace{Seq: e.Seq, Entry: e.Digest()}
	if len(p.entries) > 0 {
		place.Previous = p.entries[len(p.entries)-1].Chain
	}
	place.Chain = consent.ChainOf(place.Previous, e.Seq, e.Digest())
	e.Chain = place.Chain
	p.entries = append(p.entries, e)
	return place, opening
}

func (p *proof) share() {
	p.t.Helper()
	notice := consent.Notice{Version: 1, Text: "What happens."}
	a := consent.Authorization{
		ID: consent.NewID[consent.AuthorizationID](), Session: consent.NewID[consent.SessionID](), Org: consent.NewID[consent.OrgID](), OrgName: "Acme",
		Purpose: consent.PurposeHiring, Scopes: []consent.Scope{consent.ScopeRatings}, ValidFrom: proofTime, ValidUntil: proofTime.Add(time.Hour),
	}
	event := consent.LedgerEvent{
		Kind: consent.LedgerAuthorizationGranted, At: proofTime, Account: consent.NewID[consent.AccountID](), Session: a.Session, Authorization: a.ID,
		Org: a.Org, NoticeSHA256: notice.SHA256(), Purpose: a.Purpose, Scopes: a.Scopes, ValidFrom: a.ValidFrom, ValidUntil: a.ValidUntil,
	}
	place, opening := p.record(event)
	terms := consent.ReceiptOfAuthorization(consent.Operator{}, a, consent.ReceiptNotice{SHA256: notice.SHA256(), Version: "1"})
	for side, file := range map[consent.ReceiptSide]consent.ReceiptFile{
		consent.SideCandidate: {Notice: notice.Text, Opening: &opening}, consent.SideOrganization: {Notice: notice.Text},
	} {
		receipt, err := terms.Tell(side, "somebody", event, place)
		if err != nil {
			p.t.Fatal(err)
		}
		file.Receipt = p.sign(consent.DocumentReceipt, receipt)
		text, err := json.MarshalIndent(file, "", "  ")
		if err != nil {
			p.t.Fatal(err)
		}
		p.write(string(side)+".json", text)
	}
}

func (p *proof) journal() []byte {
	p.t.Helper()
	var all []byte
	for _, e := range p.entries {
		line, err := consent.JournalLine(e)
		if err != nil {
			p.t.Fatal(err)
		}
		all = append(all, line...)
	}
	return all
}

func (p *proof) checkpoint(seq int64) []byte {
	p.t.Helper()
	l := consent.CheckpointLine{Seq: seq, Chain: p.entries[seq-1].Chain}
	l.JWS = p.sign(consent.DocumentCheckpoint, consent.Checkpoint{Schema: consent.CheckpointSchema, Seq: seq, Chain: l.Chain, At: proofTime})
	line, err := l.Line()
	if err != nil {
		p.t.Fatal(err)
	}
	return line
}

func (p *proof) replace(name, from, to string) {
	p.t.Helper()
	text, err := os.ReadFile(p.path(name))
	if err != nil || !strings.Contains(string(text), from) {
		p.t.Fatalf("%q is not in %s: %v", from, name, err)
	}
	p.write(name, []byte(strings.Replace(string(text), from, to, 1)))
}

// copyLedger keeps another copy of the folder, as somebody outside would.
func (p *proof) copyLedger() {
	p.t.Helper()
	if err := os.CopyFS(p.path("copy"), os.DirFS(p.path("ledger"))); err != nil {
		p.t.Fatal(err)
	}
}

func verdicts(found consent.Findings) string {
	var words []string
	for _, f := range found {
		words = append(words, strings.TrimSuffix(verdictWords[f.Verdict], ":"))
	}
	return strings.Join(words, ", ")
}

func TestVerifySaysWhatHoldsAndWhatWasNotChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command func(*proof) verifyCommand
		change  func(*proof)
		want    string
	}{
		"candidate's receipt": {
			func(p *proof) verifyCommand {
				return verifyCommand{Path: p.path("candidate.json"), Keys: p.path("keys.json")}
			},
			nil, "holds, holds, holds, not checked",
		},
		"organization's receipt": {
			func(p *proof) verifyCommand {
				return verifyCommand{Path: p.path("organization.json"), Keys: p.path("keys.json")}
			},
			nil, "holds, holds, not checked, not checked",
		},
		"with the ledger": {
			func(p *proof) verifyCommand {
				return verifyCommand{Path: p.path("organization.json"), Keys: p.path("keys.json"), Ledger: p.path("ledger")}
			},
			nil, "holds, holds, not checked, holds, holds, holds",
		},
		"with a ledger that is too old": {
			func(p *proof) verifyCommand {
				return verifyCommand{Path: p.path("candidate.json"), Keys: p.path("keys.json"), Ledger: p.path("ledger")}
			},
			func(p *proof) {
				line, _, _ := strings.Cut(string(p.journal()), "\n")
				p.write("ledger/"+consent.JournalFile, []byte(line+"\n"))
				p.write("ledger/"+consent.CheckpointsFile, p.checkpoint(1))
			}, "holds, holds, holds, holds, holds, not checked",
		},
		"ledger with its own keys": {
			func(p *proof) verifyCommand { return verifyCommand{Path: p.path("ledger")} }, nil, "not checked, holds, holds",
		},
		"ledger with published keys": {
			func(p *proof) verifyCommand { return verifyCommand{Path: p.path("ledger"), Keys: p.path("keys.json")} }, nil, "holds, holds",
		},
		"entries behind the checkpoint": {
			func(p *proof) verifyCommand { return verifyCommand{Path: p.path("ledger"), Keys: p.path("keys.json")} },
			func(p *proof) { p.write("ledger/"+consent.CheckpointsFile, p.checkpoint(2)) }, "holds, holds, not checked",
		},
		"no checkpoint": {
			func(p *proof) verifyCommand { return verifyCommand{Path: p.path("ledger"), Keys: p.path("keys.json")} },
			func(p *proof) { p.write("ledger/"+consent.CheckpointsFile, nil) }, "holds, not checked",
		},
		"a torn end": {
			func(p *proof) verifyCommand { return verifyCommand{Path: p.path("ledger"), Keys: p.path("keys.json")} },
			func(p *proof) { p.write("ledger/"+consent.JournalFile, append(p.journal(), `{"seq":4`...)) }, "holds, holds, not checked",
		},
		"two copies": {
			func(p *proof) verifyCommand {
				return verifyCommand{Path: p.path("ledger"), Keys: p.path("keys.json"), Ledger: p.path("copy")}
			}, (*proof).copyLedger, "holds, holds, holds",
		},
		"an older copy": {
			func(p *proof) verifyCommand {
				return verifyCommand{Path: p.path("ledger"), Keys: p.path("keys.json"), Ledger: p.path("copy")}
			}, func(p *proof) {
				p.copyLedger()
				p.record(consent.LedgerEvent{Kind: consent.LedgerRestored, At: proofTime})
				p.write("ledger/"+consent.JournalFile, p.journal())
			}, "holds, holds, not checked, holds",
		},
	} {
		p := newProof(t)
		if c.change != nil {
			c.change(p)
		}
		command := c.command(p)
		found, err := command.verify(t.Context())
		if got := verdicts(found); err != nil || got != c.want {
			t.Errorf("%s: %s, %v; want %s\n%v", name, got, err, c.want, found)
		}
	}
}

// The certificate of an erasure is checked like a receipt, with its place in the ledger.
func TestVerifyChecksCertificates(t *testing.T) {
	t.Parallel()
	p := newProof(t)
	p.erase()
	command := verifyCommand{Path: p.path("certificate.json"), Keys: p.path("keys.json"), Ledger: p.path("ledger")}
	if found, err := command.verify(t.Context()); err != nil || verdicts(found) != "holds, holds, holds, holds, holds" {
		t.Errorf("a genuine certificate: %v, %v", found, err)
	}
	p.replace("certificate.json", `session_erased`, `session_held`)
	if found, err := command.verify(t.Context()); err != nil || found.Whole() {
		t.Errorf("an opening that was changed: %v, %v", found, err)
	}
	p.write("certificate.json", []byte(`{"certificate":"x","receipt":"y"}`))
	if found, err := command.verify(t.Context()); err != nil || found.Whole() {
		t.Errorf("no certificate at all: %v, %v", found, err)
	}
}

// erase adds the entry of an erasure and its certificate.
func (p *proof) erase() {
	p.t.Helper()
	session := consent.Session{ID: consent.NewID[consent.SessionID]()}
	certificate, err := consent.Certificate{
		ID: consent.NewID[consent.ErasureID](), Session: session.ID, PrincipalID: "somebody", Cause: consent.CauseRequest,
		RequestedAt: proofTime, KeysDestroyedAt: proofTime, FinishedAt: proofTime, BackupHorizon: consent.BackupHorizon(proofTime),
	}.Complete()
	if err != nil {
		p.t.Fatal(err)
	}
	signed := p.sign(consent.DocumentCertificate, certificate)
	sum := sha256.Sum256([]byte(signed))
	event := consent.LedgerEvent{Kind: consent.LedgerSessionErased, At: proofTime, Session: session.ID, Digest: hex.EncodeToString(sum[:])}
	place, opening := p.record(event)
	notice := consent.Notice{Version: 1, Text: "What happens."}
	terms := consent.ReceiptOfConsents(consent.Operator{}, session, consent.ReceiptNotice{SHA256: notice.SHA256(), Version: "1"})
	receipt, err := terms.Tell(consent.SideCandidate, "somebody", event, place)
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := json.Marshal(consent.CertificateFile{Certificate: signed, Receipt: p.sign(consent.DocumentReceipt, receipt), Opening: &opening})
	if err != nil {
		p.t.Fatal(err)
	}
	p.write("certificate.json", text)
	p.write("ledger/"+consent.JournalFile, p.journal())
	p.write("ledger/"+consent.CheckpointsFile, p.checkpoint(4))
}

func TestVerifyRefusesWhatIsNoExport(t *testing.T) {
	t.Parallel()
	p := newProof(t)
	p.write("export.zip", []byte("PK\x03\x04 and nothing else"))
	command := verifyCommand{Path: p.path("export.zip"), Keys: p.path("keys.json")}
	if found, err := command.verify(t.Context()); err != nil || found.Whole() || !strings.Contains(found[0].Text, "not an export") {
		t.Errorf("%v, %v", found, err)
	}
}

// T58 over the command: whatever was changed is said, and the exit code says it too.
func TestVerifyFindsWhatWasChanged(t *testing.T) {
	t.Parallel()
	receipt := func(p *proof) verifyCommand {
		return verifyCommand{Path: p.path("candidate.json"), Keys: p.path("keys.json"), Ledger: p.path("ledger")}
	}
	ledger := func(p *proof) verifyCommand {
		return verifyCommand{Path: p.path("ledger"), Keys: p.path("keys.json"), Ledger: p.path("copy")}
	}
	for name, c := range map[string]struct {
		command func(*proof) verifyCommand
		change  func(*proof)
	}{
		"the notice":            {receipt, func(p *proof) { p.replace("candidate.json", "What happens.", "What may happen.") }},
		"the receipt":           {receipt, func(p *proof) { p.replace("candidate.json", `"receipt": "e`, `"receipt": "f`) }},
		"the event":             {receipt, func(p *proof) { p.replace("candidate.json", `\"ratings\"`, `\"feedback\"`) }},
		"another server's keys": {receipt, func(p *proof) { p.write("keys.json", newProof(t).keys) }},
		"another ledger":        {receipt, func(p *proof) { other := newProof(t); p.write("ledger/"+consent.JournalFile, other.journal()) }},
		"the ledger's entry": {ledger, func(p *proof) {
			p.replace("ledger/"+consent.JournalFile, "authorization_granted", "authorization_refused")
		}},
		"a line is missing": {ledger, func(p *proof) {
			p.entries = slices.Delete(p.entries, 1, 2)
			p.write("ledger/"+consent.JournalFile, p.journal())
		}},
		"truncated":               {ledger, func(p *proof) { p.entries = p.entries[:2]; p.write("ledger/"+consent.JournalFile, p.journal()) }},
		"a checkpoint":            {ledger, func(p *proof) { p.replace("ledger/"+consent.CheckpointsFile, `"seq":3`, `"seq":2`) }},
		"rewritten by the server": {ledger, (*proof).rewrite},
		"the copy": {ledger, func(p *proof) {
			p.replace("copy/"+consent.JournalFile, "authorization_granted", "authorization_refused")
		}},
	} {
		p := newProof(t)
		p.copyLedger()
		before := c.command(p)
		if found, err := before.verify(t.Context()); err != nil || !found.Whole() {
			t.Fatalf("%s: before anything was changed: %v, %v", name, found, err)
		}
		c.change(p)
		command := c.command(p)
		if err := command.Run(t.Context()); !errors.Is(err, errNotWhole) {
			t.Errorf("%s: %v, want that something is wrong", name, err)
		}
	}
}

// rewrite is what only the operator can do: the whole ledger anew, signed with the true key.
func (p *proof) rewrite() {
	p.entries = nil
	for range 4 {
		p.record(consent.LedgerEvent{Kind: consent.LedgerRestored, At: proofTime})
	}
	p.write("ledger/"+consent.JournalFile, p.journal())
	p.write("ledger/"+consent.CheckpointsFile, p.checkpoint(4))
}

func TestVerifySaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	p := newProof(t)
	p.write("text.json", []byte("hello"))
	p.write("empty.json", nil)
	p.write("long.json", []byte(strings.Repeat("x", consent.MaxReceiptFile+10)))
	for name, c := range map[string]struct {
		command verifyCommand
		want    string
	}{
		"no keys":        {verifyCommand{Path: p.path("candidate.json")}, "--keys"},
		"both keys":      {verifyCommand{Path: p.path("candidate.json"), Keys: "a", Server: "b"}, "use one"},
		"no such file":   {verifyCommand{Path: p.path("nothing.json"), Keys: p.path("keys.json")}, "no such file"},
		"no such keys":   {verifyCommand{Path: p.path("candidate.json"), Keys: p.path("nothing.json")}, "no such file"},
		"keys are none":  {verifyCommand{Path: p.path("candidate.json"), Keys: p.path("candidate.json")}, "read the keys"},
		"no receipt":     {verifyCommand{Path: p.path("text.json"), Keys: p.path("keys.json")}, "neither a receipt"},
		"empty":          {verifyCommand{Path: p.path("empty.json"), Keys: p.path("keys.json")}, "neither a receipt"},
		"too long":       {verifyCommand{Path: p.path("long.json"), Keys: p.path("keys.json")}, "at most"},
		"no ledger":      {verifyCommand{Path: p.dir, Keys: p.path("keys.json")}, "no ledger folder"},
		"no such ledger": {verifyCommand{Path: p.path("candidate.json"), Keys: p.path("keys.json"), Ledger: p.path("x")}, "no ledger folder"},
	} {
		if found, err := c.command.verify(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want to be told of %q", name, found, err, c.want)
		}
	}
}

// Nobody may take it that a ledger was looked in which was only named.
func TestVerifySaysThatNoLedgerIsLookedInForAnExport(t *testing.T) {
	t.Parallel()
	whole := consent.Findings{{Text: "All files are there."}}
	for name, c := range map[string]struct {
		command verifyCommand
		found   consent.Findings
		want    string
	}{
		"nothing named":   {verifyCommand{}, whole, "holds"},
		"a server":        {verifyCommand{Server: "https://greenroom.example"}, whole, "holds, not checked"},
		"a folder":        {verifyCommand{Ledger: "ledger"}, whole, "holds, not checked"},
		"something wrong": {verifyCommand{Ledger: "ledger"}, consent.Findings{{Verdict: consent.Broken}}, "WRONG"},
	} {
		if got := verdicts(c.command.notLookedUp(c.found)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestVerifyNamesTheFirstThingThatIsWrongWithAReceipt(t *testing.T) {
	t.Parallel()
	p := newProof(t)
	keys, err := consent.ParseKeySet(p.keys)
	if err != nil {
		t.Fatal(err)
	}
	text := func() []byte {
		text, err := os.ReadFile(p.path("candidate.json"))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if err := receiptHolds(text(), keys); err != nil {
		t.Errorf("a genuine one: %v", err)
	}
	p.replace("candidate.json", "What happens.", "What may happen.")
	if err := receiptHolds(text(), keys); err == nil || !strings.Contains(err.Error(), "The text of the notice") {
		t.Errorf("a notice that was swapped: %v", err)
	}
	if err := receiptHolds([]byte("{}"), keys); err == nil {
		t.Error("no receipt at all")
	}
}

func TestVerifyEndsWithAnExitCode(t *testing.T) {
	t.Parallel()
	p := newProof(t)
	run := func() (string, int) {
		ctx, cancel := context.WithTimeout(t.Context(), startLimit)
		defer cancel()
		command := programCommand(ctx, t, "verify", p.path("candidate.json"), "--keys", p.path("keys.json"), "--ledger", p.path("ledger"))
		out, err := command.CombinedOutput()
		exit, failed := errors.AsType[*exec.ExitError](err)
		if err != nil && !failed {
			t.Fatal(err)
		}
		if failed {
			return string(out), exit.ExitCode()
		}
		return string(out), 0
	}
	if out, code := run(); code != 0 || strings.Count(out, "holds:") != 6 || strings.Contains(out, "WRONG") {
		t.Errorf("a genuine receipt: exit code %d\n%s", code, out)
	}
	p.replace("candidate.json", "What happens.", "What may happen.")
	if out, code := run(); code != 1 || !strings.Contains(out, "WRONG:       The text of the notice") || strings.Contains(out, "Usage:") {
		t.Errorf("a notice that was swapped: exit code %d\n%s", code, out)
	}
}
