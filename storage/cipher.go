package storage

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"

	"greenroom/consent"
	"greenroom/media"
)

// dataKeySize is the length of every key here, in bytes: AES-256.
const dataKeySize = 32

// dataKey encrypts what belongs to one scope of one session. It lives as long as one segment writer,
// one read or one field, never longer, so that a withdrawal is felt at the next one.
//
// A message is nonce, ciphertext and tag (28 bytes more than the plain text). What it is about is not
// inside but in the associated data: a message moved to another session, scope, track, segment or
// place does not open. Nonces are random; one key makes far fewer than 2^32 messages.
type dataKey struct {
	session consent.SessionID
	scope   consent.Scope
	aead    tink.AEAD
}

func newDataKey(raw []byte, session consent.SessionID, scope consent.Scope) (*dataKey, error) {
	aead, err := newAEAD(raw)
	if err != nil {
		return nil, err
	}
	return &dataKey{session: session, scope: scope, aead: aead}, nil
}

func newAEAD(raw []byte) (tink.AEAD, error) {
	if len(raw) != dataKeySize {
		return nil, fmt.Errorf("key of %d bytes, want %d", len(raw), dataKeySize)
	}
	return subtle.NewAESGCM(raw)
}

func randomKey() []byte {
	raw := make([]byte, dataKeySize)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the program instead
	return raw
}

// scopeOf returns the scope whose key a kind of track is encrypted under.
func scopeOf(kind media.Kind) consent.Scope {
	if kind == media.KindAudio {
		return consent.ScopeRecordingAudio
	}
	return consent.ScopeRecordingVideo
}

func (k *dataKey) sealChunk(id media.SegmentID, number int, plain []byte) ([]byte, error) {
	return k.aead.Encrypt(plain, k.segmentData("chunk", id, number))
}

func (k *dataKey) openChunk(id media.SegmentID, number int, sealed []byte) ([]byte, error) {
	return k.aead.Decrypt(sealed, k.segmentData("chunk", id, number))
}

func (k *dataKey) sealTable(id media.SegmentID, plain []byte) ([]byte, error) {
	return k.aead.Encrypt(plain, k.segmentData("table", id, 0))
}

func (k *dataKey) openTable(id media.SegmentID, sealed []byte) ([]byte, error) {
	return k.aead.Decrypt(sealed, k.segmentData("table", id, 0))
}

// sealField and openField are for encrypted columns; context names the column and row.
func (k *dataKey) sealField(context string, plain []byte) ([]byte, error) {
	return k.aead.Encrypt(plain, k.data("field", context))
}

func (k *dataKey) openField(context string, sealed []byte) ([]byte, error) {
	return k.aead.Decrypt(sealed, k.data("field", context))
}

func (k *dataKey) segmentData(domain string, id media.SegmentID, number int) []byte {
	data := k.data(domain, string(id.Session), string(id.Kind))
	for _, n := range []int{id.Epoch, id.Sequence, number} {
		data = binary.AppendVarint(data, int64(n))
	}
	return data
}

// data is the associated data: a version, what kind of message, and for whom. Each text has its
// length before it, so that no two different lists of texts give the same bytes.
func (k *dataKey) data(domain string, more ...string) []byte {
	return associatedData(append([]string{domain, string(k.session), string(k.scope)}, more...)...)
}

func associatedData(texts ...string) []byte {
	data := []byte("greenroom/1")
	for _, text := range texts {
		data = binary.AppendUvarint(data, uint64(len(text)))
		data = append(data, text...)
	}
	return data
}
