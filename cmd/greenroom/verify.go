package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"greenroom/consent"
)

type verifyCommand struct {
	Path   string `arg:"" help:"A receipt or a certificate (JSON), an export (ZIP), or a ledger folder."`
	Keys   string `help:"File with the server's public keys, as GET /api/v1/keys gives them." placeholder:"FILE"`
	Server string `help:"Fetch the public keys from this server, and look in the ledger that it shows today." placeholder:"URL"`
	Ledger string `help:"Another copy of the ledger folder: a receipt's place is looked up in it, a ledger is compared with it." placeholder:"DIR"`
}

// errNotWhole is what verify ends with when something is wrong; the sentences before it say what.
var errNotWhole = errors.New("something is not as it was signed")

// Run checks a file or a folder and says in sentences what holds, what does not, and what could not be
// checked. Without --server it asks nobody. What was found before something failed is said too.
func (c *verifyCommand) Run(ctx context.Context) error {
	found, err := c.verify(ctx)
	if len(found) > 0 {
		fmt.Println(c.Path)
	}
	for _, f := range found {
		fmt.Printf("  %-12s %s\n", verdictWords[f.Verdict], f.Text)
	}
	if !found.Whole() {
		return errors.Join(errNotWhole, err)
	}
	return err
}

var verdictWords = map[consent.Verdict]string{consent.Holds: "holds:", consent.NotChecked: "not checked:", consent.Broken: "WRONG:"}

func (c *verifyCommand) verify(ctx context.Context) (consent.Findings, error) {
	keys, found, err := c.keys(ctx)
	if err != nil {
		return nil, err
	}
	about, err := c.look(ctx, keys)
	return append(found, about...), err
}

// look decides by what lies there. Nothing is read beyond its bound.
func (c *verifyCommand) look(ctx context.Context, keys consent.KeySet) (consent.Findings, error) {
	info, err := os.Stat(c.Path)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	if info.IsDir() {
		return c.verifyLedger(ctx, keys)
	}
	file, err := os.Open(c.Path)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	defer func() { _ = file.Close() }()
	var begin [4]byte
	if n, _ := file.ReadAt(begin[:], 0); n == len(begin) && bytes.Equal(begin[:2], []byte("PK")) {
		return c.notLookedUp(verifyExport(file, info.Size(), keys)), nil
	}
	text, err := io.ReadAll(io.LimitReader(file, consent.MaxReceiptFile+1))
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return c.verifyDocument(ctx, text, keys)
}

// verifyDocument checks a receipt, or the certificate of an erasure.
func (c *verifyCommand) verifyDocument(ctx context.Context, text []byte, keys consent.KeySet) (consent.Findings, error) {
	var receipt consent.Receipt
	var found consent.Findings
	file, err := consent.ParseReceiptFile(text)
	if err == nil {
		receipt, found = file.Verify(keys)
	} else {
		certificate, notCertificate := consent.ParseCertificateFile(text)
		if notCertificate != nil {
			return nil, fmt.Errorf("%s is neither a receipt, nor a certificate, nor a ledger folder, nor an export: %w", c.Path, err)
		}
		if _, found = certificate.Verify(keys); certificate.Receipt == "" {
			return found, nil
		}
		receipt, _, _ = keys.OpenReceipt(certificate.Receipt) // its faults are among those found
	}
	if !found.Whole() {
		return found, nil
	}
	if c.Server != "" {
		place := consent.LedgerHead{Seq: receipt.Ledger.Seq, Chain: receipt.Ledger.Chain}
		today, err := c.askServer(ctx, keys, place, nil)
		if found = append(found, today...); err != nil || c.Ledger == "" {
			return found, err
		}
	}
	looked, err := c.lookUp(receipt, keys)
	return append(found, looked...), err
}

// notLookedUp adds that a ledger which was named is not looked in for an export.
func (c *verifyCommand) notLookedUp(found consent.Findings) consent.Findings {
	if !found.Whole() || c.Server == "" && c.Ledger == "" {
		return found
	}
	return append(found, consent.Finding{
		Verdict: consent.NotChecked, Text: "Whether the ledger has the entries of these receipts was not looked up: check each receipt by itself for that.",
	})
}

// lookUp compares a receipt's place with a copy of the ledger, if there is one.
func (c *verifyCommand) lookUp(receipt consent.Receipt, keys consent.KeySet) (consent.Findings, error) {
	if c.Ledger == "" {
		return consent.Findings{{
			Verdict: consent.NotChecked, Text: fmt.Sprintf("Whether entry %d is in the ledger was not looked up: name the server with --server, or a copy of its ledger folder with --ledger.", receipt.Ledger.Seq),
		}}, nil
	}
	folder, err := openLedger(c.Ledger)
	if err != nil {
		return nil, err
	}
	defer folder.close()
	var inLedger consent.Findings
	reading, found := folder.files().Verify(keys, func(e consent.LedgerEntry) {
		if e.Seq == receipt.Ledger.Seq {
			receipt.CheckIn(e, &inLedger)
		}
	})
	if reading.Head.Seq < receipt.Ledger.Seq && found.Whole() {
		inLedger = append(inLedger, consent.Finding{
			Verdict: consent.NotChecked, Text: fmt.Sprintf("The copy of the ledger ends with entry %d, before the receipt's entry %d.", reading.Head.Seq, receipt.Ledger.Seq),
		})
	}
	return append(found, inLedger...), nil
}
