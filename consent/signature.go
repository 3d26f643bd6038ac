package consent

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// DocumentType is what a signed document is. It is in the signed header (RFC 7515, section 4.1.9), so
// that one kind of document cannot be shown as another.
type DocumentType string

// The kinds of signed document.
const (
	DocumentReceipt     DocumentType = "greenroom-receipt"
	DocumentCheckpoint  DocumentType = "greenroom-checkpoint"
	DocumentCertificate DocumentType = "greenroom-certificate" // of an erasure
	DocumentExport      DocumentType = "greenroom-export"      // the manifest of one
)

// MaxDocument bounds a signed document, in bytes.
const MaxDocument = 64 << 10

// ErrSignature says that a document was not signed by the key it names, or was changed after that.
var ErrSignature = errors.New("the signature does not hold")

// keyClockSkew is how far the clock that dates a document and the one that dates a key may disagree: the
// first is the database's, the second the server's.
const keyClockSkew = 5 * time.Minute

// Sign signs a body as a compact JWS (RFC 7515) with EdDSA (RFC 8037). Its payload is the body's JSON.
func Sign(key ed25519.PrivateKey, kind DocumentType, body any) (string, error) {
	payload, err := json.Marshal(body)
	if err != nil {
		return "", fmt.Errorf("write a %s: %w", kind, err)
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return "", errors.New("sign: not an Ed25519 key")
	}
	id, err := keyID(public)
	if err != nil {
		return "", err
	}
	options := new(jose.SignerOptions).WithType(jose.ContentType(kind)).WithHeader(jose.HeaderKey("kid"), id)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key}, options)
	if err != nil {
		return "", fmt.Errorf("sign a %s: %w", kind, err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign a %s: %w", kind, err)
	}
	text, err := signed.CompactSerialize()
	if err == nil && len(text) > MaxDocument {
		err = fmt.Errorf("it has %d bytes, at most %d", len(text), MaxDocument)
	}
	if err != nil {
		return "", fmt.Errorf("sign a %s: %w", kind, err)
	}
	return text, nil
}

// keyID is the thumbprint of a public key (RFC 7638): a name that only this key has.
func keyID(public ed25519.PublicKey) (string, error) {
	key := jose.JSONWebKey{Key: public}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("name a key: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// Open verifies a document of one kind against the keys and decodes its body, which must be spelled as
// [Sign] spells it. It returns the key that signed; the caller asks that key about the document's date.
func (s KeySet) Open(document string, kind DocumentType, body any) (PublicKey, error) {
	if len(document) > MaxDocument {
		return PublicKey{}, fmt.Errorf("%w: it has %d bytes, at most %d are read", ErrSignature, len(document), MaxDocument)
	}
	signed, err := jose.ParseSignedCompact(document, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || len(signed.Signatures) != 1 {
		return PublicKey{}, fmt.Errorf("%w: it is not a document signed with EdDSA", ErrSignature)
	}
	header := signed.Signatures[0].Protected
	if header.JSONWebKey != nil || len(header.ExtraHeaders) != 1 || header.ExtraHeaders[jose.HeaderType] != string(kind) {
		return PublicKey{}, fmt.Errorf("%w: it is not a %s", ErrSignature, kind)
	}
	key, ok := s.find(header.KeyID)
	if !ok {
		return PublicKey{}, fmt.Errorf("%w: key %q is not among the published ones", ErrSignature, header.KeyID)
	}
	payload, err := signed.Verify(key.Key)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: it was changed, or another key signed it", ErrSignature)
	}
	if err := parseCanonical(payload, MaxDocument, body); err != nil {
		return PublicKey{}, fmt.Errorf("%w: what was signed cannot be read: %w", ErrSignature, err)
	}
	return key, nil
}
