package storage

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"greenroom/consent"
)

// The file of an export lies in the store as objects of several chunks, each chunk one message. A chunk is
// what a download reads at once; an object is large enough that two hours are a few hundred of them.
const (
	exportChunk  = 1 << 20 // bytes of the file
	exportPart   = 8       // chunks in an object
	sealOverhead = 28      // nonce and tag of a message
)

// exportPrefix begins the keys of all objects of exports; a session's begin with its id.
const exportPrefix = "exports/"

func exportFolder(id consent.ExportID) string { return exportPrefix + string(id) + "/" }

// exportObject names a part of the file that an attempt makes. Attempts never share an object, so that
// one which was taken for dead cannot write into its successor's file.
func exportObject(id consent.ExportID, attempt, part int) string {
	return fmt.Sprintf("%s%d/%06d", exportFolder(id), attempt, part)
}

// sealExport and openExport are for a chunk of an export's file; the key is the export's own.
func (k *dataKey) sealExport(attempt, number int, plain []byte) ([]byte, error) {
	return k.aead.Encrypt(plain, k.data("export", strconv.Itoa(attempt), strconv.Itoa(number)))
}

func (k *dataKey) openExport(attempt, number int, sealed []byte) ([]byte, error) {
	return k.aead.Decrypt(sealed, k.data("export", strconv.Itoa(attempt), strconv.Itoa(number)))
}

// exportFile encrypts what is written to it and puts it into the store, an object at a time. It holds one
// object. It has one user at a time.
type exportFile struct {
	key     *dataKey
	attempt int
	put     func(part int, data []byte) error
	plain   []byte // of the chunk that is being filled
	sealed  []byte // of the object that is being filled
	chunks  int    // sealed so far
	bytes   atomic.Int64
}

func newExportFile(key *dataKey, attempt int, put func(part int, data []byte) error) *exportFile {
	return &exportFile{
		key: key, attempt: attempt, put: put,
		plain: make([]byte, 0, exportChunk), sealed: make([]byte, 0, exportPart*(exportChunk+sealOverhead)),
	}
}

// Write implements [io.Writer].
func (f *exportFile) Write(data []byte) (int, error) {
	written := 0
	for len(data) > 0 {
		n := min(len(data), exportChunk-len(f.plain))
		f.plain = append(f.plain, data[:n]...)
		data = data[n:]
		written += n
		if len(f.plain) == exportChunk {
			if err := f.seal(); err != nil {
				return written, err
			}
		}
	}
	f.bytes.Add(int64(written))
	return written, nil
}

// seal ends a chunk, and puts the object away when it is full.
func (f *exportFile) seal() error {
	sealed, err := f.key.sealExport(f.attempt, f.chunks, f.plain)
	if err != nil {
		return fmt.Errorf("encrypt chunk %d: %w", f.chunks, err)
	}
	f.sealed, f.plain = append(f.sealed, sealed...), f.plain[:0]
	if f.chunks++; f.chunks%exportPart == 0 {
		return f.putAway()
	}
	return nil
}

func (f *exportFile) putAway() error {
	part := (f.chunks - 1) / exportPart
	if err := f.put(part, f.sealed); err != nil {
		return fmt.Errorf("keep part %d: %w", part, err)
	}
	f.sealed = f.sealed[:0]
	return nil
}

// close puts the rest away.
func (f *exportFile) close() error {
	if len(f.plain) > 0 {
		if err := f.seal(); err != nil {
			return err
		}
	}
	if len(f.sealed) > 0 {
		return f.putAway()
	}
	return nil
}

// ErrExportRange says that a file has no such chunk.
var ErrExportRange = errors.New("the export has no such part")

// ExportChunks returns in how many chunks a finished export is read.
func ExportChunks(export consent.Export) int {
	return int((export.Bytes + exportChunk - 1) / exportChunk)
}

// ReadChunk returns a chunk of a finished export's file. It needs a Permit of the export for each session
// that is in it, and asks the key service each time: what was erased, held or closed since the last chunk
// ends the download here.
func (e *Exports) ReadChunk(ctx context.Context, permits []consent.Permit, export consent.Export, number int) ([]byte, error) {
	if err := demandExport(permits, export); err != nil {
		return nil, fmt.Errorf("read export: %w", err)
	}
	if number < 0 || number >= ExportChunks(export) {
		return nil, fmt.Errorf("%w: %d of %d", ErrExportRange, number, ExportChunks(export))
	}
	key, err := e.keys.exportKey(ctx, export)
	if err != nil {
		return nil, fmt.Errorf("read export %s: %w", export.ID, err)
	}
	size := min(exportChunk, export.Bytes-int64(number)*exportChunk) + sealOverhead
	offset := int64(number%exportPart) * (exportChunk + sealOverhead)
	sealed, err := e.objects.read(ctx, exportObject(export.ID, export.Attempt, number/exportPart), offset, size)
	if err != nil {
		return nil, fmt.Errorf("read export %s: %w", export.ID, err)
	}
	plain, err := key.openExport(export.Attempt, number, sealed)
	if err != nil {
		return nil, fmt.Errorf("chunk %d of export %s has wrong bytes: %w", number, export.ID, err)
	}
	return plain, nil
}

// demandExport: there is a live Permit of this export for every session in it.
func demandExport(permits []consent.Permit, export consent.Export) error {
	actor := consent.Actor{Kind: consent.ActorExport, Account: export.Account, Export: export.ID}
	covered := make(map[consent.SessionID]bool, len(permits))
	for _, permit := range permits {
		if permit.Actor() == actor && permit.Demand(permit.Session(), consent.ArtefactSession) == nil {
			covered[permit.Session()] = true
		}
	}
	for _, s := range export.Sessions {
		if s.Done && !covered[s.Session] {
			return fmt.Errorf("session %s: %w", s.Session, consent.ErrPermit)
		}
	}
	return nil
}
