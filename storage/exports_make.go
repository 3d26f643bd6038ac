package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"greenroom/consent"
)

// ExportWriter writes the file of an export. It tells of each session whether it is in the file.
type ExportWriter func(ctx context.Context, out io.Writer, export consent.Export,
	progress func(ctx context.Context, session consent.SessionID, fault consent.ExportFault) error) error

// settleTime is how long the books and the store may take after an attempt was told to stop.
const settleTime = 10 * time.Second

// Make makes the file of an export, from its beginning. If somebody else is at it, or it is over, that is
// no error: a job may run twice. After an error the export waits for the next try, and nothing of this one
// is left.
func (e *Exports) Make(ctx context.Context, account consent.AccountID, id consent.ExportID, write ExportWriter) error {
	attempt, ok, err := e.begin(ctx, id)
	if err != nil || !ok {
		return err
	}
	export, err := e.Export(ctx, account, id)
	if err == nil && export.Attempt != attempt {
		err = errExportLost
	}
	export.ID, export.Attempt = id, attempt
	var fault consent.ExportFault
	if err == nil {
		fault, err = e.attempt(ctx, export, write)
	}
	if err == nil && fault == "" {
		return nil
	}
	// Told to stop or not: what was begun is taken back, so that the next try need not wait.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	if err == nil || errors.Is(err, errNoExportKey) {
		if fault == "" {
			fault = consent.ExportFaultClosed
		}
		return errors.Join(e.fail(ctx, id, fault), e.discard(ctx, id))
	}
	return errors.Join(fmt.Errorf("make export %s: %w", id, err), e.removeAttempt(ctx, export), e.release(ctx, export))
}

// attempt writes the file. A fault is why an export of one session ends without one.
func (e *Exports) attempt(ctx context.Context, export consent.Export, write ExportWriter) (consent.ExportFault, error) {
	key, err := e.keys.newExportKey(ctx, export)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	file := newExportFile(key, export.Attempt, func(part int, data []byte) error {
		return e.objects.create(ctx, exportObject(export.ID, export.Attempt, part), data)
	})
	var beating sync.WaitGroup // ends with ctx; waited for below
	beating.Go(func() { e.keepBeating(ctx, cancel, export, file) })
	var fault consent.ExportFault
	err = write(ctx, file, export, func(ctx context.Context, session consent.SessionID, why consent.ExportFault) error {
		if !export.Whole {
			fault = why
		}
		return e.sessionDone(ctx, export, session, why)
	})
	if err == nil {
		err = file.close()
	}
	cause := context.Cause(ctx)
	cancel(nil)
	beating.Wait()
	switch {
	case err != nil && cause != nil:
		return "", fmt.Errorf("%w: %w", cause, err)
	case err != nil || fault != "":
		return fault, err
	default:
		return "", e.finish(context.WithoutCancel(ctx), export, file.bytes.Load())
	}
}

// keepBeating shows that the attempt lives until ctx ends, and ends it when it is not ours any more.
func (e *Exports) keepBeating(ctx context.Context, end context.CancelCauseFunc, export consent.Export, file *exportFile) {
	ticker := time.NewTicker(e.times.beat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := e.beat(ctx, export, file.bytes.Load()); errors.Is(err, errExportLost) {
			end(err) // what else goes wrong passes, or makes the attempt stale
		}
	}
}

// removeAttempt takes away what an attempt has put into the store.
func (e *Exports) removeAttempt(ctx context.Context, export consent.Export) error {
	return e.objects.removeAll(ctx, fmt.Sprintf("%s%d/", exportFolder(export.ID), export.Attempt))
}

// GiveUp ends an export whose job failed for the last time.
func (e *Exports) GiveUp(ctx context.Context, id consent.ExportID) error {
	return errors.Join(e.fail(ctx, id, consent.ExportFaultServer), e.discard(ctx, id))
}
