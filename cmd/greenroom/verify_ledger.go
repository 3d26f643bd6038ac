package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"greenroom/consent"
)

// verifyLedger checks a folder, and compares it with the server's ledger of today and with another copy.
func (c *verifyCommand) verifyLedger(ctx context.Context, keys consent.KeySet) (consent.Findings, error) {
	folder, err := openLedger(c.Path)
	if err != nil {
		return nil, err
	}
	defer folder.close()
	reading, found := folder.files().Verify(keys, nil)
	if found.Whole() && c.Server != "" {
		today, err := c.askServer(ctx, keys, reading.Head, folder.chainAt)
		if found = append(found, today...); err != nil {
			return found, err
		}
	}
	if !found.Whole() || c.Ledger == "" {
		return found, nil
	}
	other, err := openLedger(c.Ledger)
	if err != nil {
		return found, err
	}
	defer other.close()
	otherReading, otherFound := other.files().Verify(keys, nil)
	if !otherFound.Whole() {
		return append(found, otherFound...), nil
	}
	shorter, longer := reading.Head, other
	if otherReading.Head.Seq < reading.Head.Seq {
		shorter, longer = otherReading.Head, folder
	}
	chain, err := longer.chainAt(shorter.Seq)
	if err != nil {
		return found, err
	}
	return append(found, consent.CompareHeads(shorter, chain)...), nil
}

// ledgerFolder is a ledger folder that is open for reading.
type ledgerFolder struct {
	path                 string
	journal, checkpoints *os.File
}

func openLedger(path string) (*ledgerFolder, error) {
	f := &ledgerFolder{path: path}
	var err error
	if f.journal, err = os.Open(filepath.Join(path, consent.JournalFile)); err != nil {
		return nil, fmt.Errorf("%s is no ledger folder: %w", path, err)
	}
	if f.checkpoints, err = os.Open(filepath.Join(path, consent.CheckpointsFile)); err != nil {
		_ = f.journal.Close()
		return nil, fmt.Errorf("%s is no ledger folder: %w", path, err)
	}
	return f, nil
}

func (f *ledgerFolder) close() {
	_ = f.journal.Close()
	_ = f.checkpoints.Close()
}

// files may be called more than once: each reads from the beginning.
func (f *ledgerFolder) files() consent.LedgerFiles {
	return consent.LedgerFiles{Journal: io.NewSectionReader(f.journal, 0, 1<<62), Checkpoints: io.NewSectionReader(f.checkpoints, 0, 1<<62)}
}

// chainAt reads the chain after an entry of a folder that was found whole; of none it is zero.
func (f *ledgerFolder) chainAt(seq int64) (chain consent.Digest, err error) {
	_, err = f.files().Read(nil, func(e consent.LedgerEntry) error {
		if e.Seq == seq {
			chain = e.Chain
		}
		return nil
	})
	if err != nil {
		return chain, fmt.Errorf("read %s: %w", f.path, err)
	}
	return chain, nil
}
