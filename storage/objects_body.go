package storage

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync/atomic"
)

// objectBody is the bytes of an object on their way to the store. It knows when nobody reads them any more: an
// HTTP client may still do so after a request has failed.
type objectBody struct {
	*bytes.Reader
	data     []byte
	attempts atomic.Int32 // the client goes back to the start for each
	given    atomic.Bool  // the last byte was handed over
}

func newObjectBody(data []byte) *objectBody {
	return &objectBody{Reader: bytes.NewReader(data), data: data}
}

func (b *objectBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.given.Store(b.Len() == 0)
	return n, err
}

// WriteTo hands everything over in one piece.
func (b *objectBody) WriteTo(w io.Writer) (int64, error) {
	n, err := b.Reader.WriteTo(w)
	b.given.Store(err == nil)
	return n, err
}

func (b *objectBody) Seek(offset int64, whence int) (int64, error) {
	b.attempts.Add(1)
	return b.Reader.Seek(offset, whence)
}

// free reports whether the bytes may be overwritten: none were asked for, or all at the only attempt.
func (b *objectBody) free() bool {
	attempts := b.attempts.Load()
	return attempts == 0 || attempts == 1 && b.given.Load()
}

// checksum is the CRC-32C of the bytes as S3 writes it: big endian, in base 64.
func checksum(data []byte) string {
	sum := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) // made once
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}
