package signaling

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// certificateLife is how long a certificate is good: longer than any session, and as nobody looks at the time
// but at the fingerprint (RFC 8122), only in form.
const certificateLife = 30 * 24 * time.Hour

// errCertificate says no more: what it would say is the other side's.
var errCertificate = errors.New("the certificate is not the one in the offer")

// newCertificate makes a certificate for one peer. It names nobody.
func newCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: rand.Text()},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(certificateLife),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// fingerprint is the hash of a certificate (RFC 8122, 5).
type fingerprint struct {
	algorithm string // sha-256, sha-384 or sha-512
	sum       []byte
}

// parseFingerprint reads the value of an SDP attribute; false for a hash that is not taken, as those that
// RFC 8122, 5 forbids.
func parseFingerprint(value string) (fingerprint, bool) {
	algorithm, text, _ := strings.Cut(value, " ")
	algorithm = strings.ToLower(algorithm)
	sum, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(text), ":", ""))
	if err != nil || len(sum) == 0 || len(sum) != len(hashOf(algorithm, nil)) {
		return fingerprint{}, false
	}
	return fingerprint{algorithm, sum}, true
}

// hashOf returns nothing for an algorithm that is not taken.
func hashOf(algorithm string, b []byte) []byte {
	switch algorithm {
	case "sha-256":
		sum := sha256.Sum256(b)
		return sum[:]
	case "sha-384":
		sum := sha512.Sum384(b)
		return sum[:]
	case "sha-512":
		sum := sha512.Sum512(b)
		return sum[:]
	default:
		return nil
	}
}

// checkCertificate: one of the offer's fingerprints must be that of the certificate (RFC 8122, 6.2).
func checkCertificate(certificates [][]byte, expected []fingerprint) error {
	if len(certificates) == 0 {
		return errCertificate
	}
	for _, f := range expected {
		sum := hashOf(f.algorithm, certificates[0])
		if len(sum) > 0 && subtle.ConstantTimeCompare(sum, f.sum) == 1 {
			return nil
		}
	}
	return errCertificate
}

// fingerprintOf is the SHA-256 of a certificate as SDP writes it.
func fingerprintOf(c tls.Certificate) string {
	text := strings.ToUpper(hex.EncodeToString(hashOf("sha-256", c.Certificate[0])))
	var b strings.Builder
	for i := 0; i < len(text); i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(text[i : i+2])
	}
	return b.String()
}
