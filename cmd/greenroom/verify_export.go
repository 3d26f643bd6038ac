package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"greenroom/cmd/greenroom/export"
	"greenroom/consent"
)

// verifyExport checks an export, and every receipt in it.
func verifyExport(file io.ReaderAt, size int64, keys consent.KeySet) consent.Findings {
	var signer consent.PublicKey
	result, err := export.Verify(file, size, exportChecks(keys, &signer))
	if err == nil {
		err = signer.SignedAt(result.Manifest.Created)
	}
	if err != nil {
		return consent.Findings{{Verdict: consent.Broken, Text: fmt.Sprintf("The export does not hold: %v.", err)}}
	}
	found := consent.Findings{
		{Text: fmt.Sprintf("Key %s signed it, and was in use on %s.", signer.ID, result.Manifest.Created.Format(time.RFC3339))},
		{Text: fmt.Sprintf("All %d files (%d bytes, %d recordings) are there, as they were signed; none was added.", len(result.Manifest.Files), result.Bytes, result.Recordings)},
		{Text: fmt.Sprintf("Every document fits the schema, and the %d receipts in it hold.", result.Receipts)},
	}
	for _, left := range result.Manifest.LeftOut {
		found = append(found, consent.Finding{Text: fmt.Sprintf("Session %s is not in it, because it was %s: the server signed that too.", left.Session, left.Why)})
	}
	return found
}

// exportChecks checks signatures with the keys, and notes whose the export's is.
func exportChecks(keys consent.KeySet, signer *consent.PublicKey) export.Checks {
	return export.Checks{
		Open: func(signature string, body any) (err error) {
			*signer, err = keys.Open(signature, consent.DocumentExport, body)
			return err
		},
		Receipt: func(text []byte) error { return receiptHolds(text, keys) },
	}
}

// receiptHolds says what is wrong with a receipt: the first thing, where there are several.
func receiptHolds(text []byte, keys consent.KeySet) error {
	receipt, err := consent.ParseReceiptFile(text)
	if err != nil {
		return err //nolint:wrapcheck // the export names the file
	}
	_, found := receipt.Verify(keys)
	for _, f := range found {
		if f.Verdict == consent.Broken {
			return errors.New(f.Text)
		}
	}
	return nil
}
