package main

import (
	"context"
	"time"

	"greenroom/cmd/greenroom/export"
	"greenroom/consent"
	"greenroom/storage"
)

// makeExport makes the file of an export, as a job asks for it.
func (a *app) makeExport(ctx context.Context, account consent.AccountID, id consent.ExportID) error {
	writer := export.Writer{Sources: export.Sources{
		Gate: a.gate, Records: storage.NewRecords(a.database, a.keys), Recordings: a.segments, Histories: a.exports,
		Sign: a.database.Notary().SignExport, Now: time.Now,
	}}
	return a.exports.Make(ctx, account, id, writer.Write)
}
