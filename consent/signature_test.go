package consent

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

// signer is a key with its published half.
type signer struct {
	private ed25519.PrivateKey
	public  PublicKey
}

func newSigner(tb testing.TB, from, until time.Time) signer {
	tb.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		tb.Fatal(err)
	}
	key, err := NewPublicKey(public, from, until)
	if err != nil {
		tb.Fatal(err)
	}
	return signer{private, key}
}

func (s signer) sign(tb testing.TB, kind DocumentType, body any) string {
	tb.Helper()
	document, err := Sign(s.private, kind, body)
	if err != nil {
		tb.Fatal(err)
	}
	return document
}

type note struct {
	Says string `json:"says"`
}

func TestSignedDocumentOpensAsItWasSigned(t *testing.T) {
	t.Parallel()
	s := newSigner(t, ledgerNoon, time.Time{})
	var got note
	key, err := (KeySet{[]PublicKey{s.public}}).Open(s.sign(t, DocumentReceipt, note{"yes"}), DocumentReceipt, &got)
	if err != nil || got.Says != "yes" || key.ID != s.public.ID {
		t.Errorf("opened %+v with key %s, %v", got, key.ID, err)
	}
}

func TestForgedDocumentsDoNotOpen(t *testing.T) {
	t.Parallel()
	s, other := newSigner(t, ledgerNoon, time.Time{}), newSigner(t, ledgerNoon, time.Time{})
	keys := KeySet{[]PublicKey{s.public}}
	good := s.sign(t, DocumentReceipt, note{"yes"})
	parts := strings.Split(good, ".")
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	// signRaw signs any payload under any header, as somebody who holds the key could by mistake.
	signRaw := func(alg jose.SignatureAlgorithm, key any, payload string, header map[jose.HeaderKey]any) string {
		options := &jose.SignerOptions{ExtraHeaders: header}
		made, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := made.Sign([]byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		text, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	header := func(more map[jose.HeaderKey]any) map[jose.HeaderKey]any {
		all := map[jose.HeaderKey]any{"kid": s.public.ID, "typ": string(DocumentReceipt)}
		maps.Copy(all, more)
		return all
	}
	for name, document := range map[string]string{
		"empty":                   "",
		"another payload":         parts[0] + "." + encode(`{"says":"no"}`) + "." + parts[2],
		"another signature":       parts[0] + "." + parts[1] + "." + encode(strings.Repeat("x", 64)),
		"no signature":            parts[0] + "." + parts[1] + ".",
		"alg none":                encode(`{"alg":"none","kid":"`+s.public.ID+`","typ":"greenroom-receipt"}`) + "." + parts[1] + ".",
		"a key nobody published":  other.sign(t, DocumentReceipt, note{"yes"}),
		"another kind":            s.sign(t, DocumentCheckpoint, note{"yes"}),
		"the public key as a MAC": signRaw(jose.HS256, []byte(s.public.Key), `{"says":"yes"}`, header(nil)),
		"its own key inside":      signRaw(jose.EdDSA, other.private, `{"says":"yes"}`, header(map[jose.HeaderKey]any{"jwk": jose.JSONWebKey{Key: other.public.Key}})),
		"another key's name":      signRaw(jose.EdDSA, other.private, `{"says":"yes"}`, header(nil)),
		"a header more":           signRaw(jose.EdDSA, s.private, `{"says":"yes"}`, header(map[jose.HeaderKey]any{"iss": "me"})),
		"unknown field":           signRaw(jose.EdDSA, s.private, `{"says":"yes","more":1}`, header(nil)),
		"a field twice":           signRaw(jose.EdDSA, s.private, `{"says":"no","says":"yes"}`, header(nil)),
		"other white space":       signRaw(jose.EdDSA, s.private, `{ "says":"yes"}`, header(nil)),
		"the JSON serialization":  `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"too long":                good + strings.Repeat(" ", MaxDocument),
		"cut":                     good[:len(good)-3],
	} {
		if key, err := keys.Open(document, DocumentReceipt, new(note)); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: opened with key %s, %v", name, key.ID, err)
		}
	}
	// The same helper makes one that opens: the cases above fail for what they say.
	if _, err := keys.Open(signRaw(jose.EdDSA, s.private, `{"says":"yes"}`, header(nil)), DocumentReceipt, new(note)); err != nil {
		t.Errorf("a document that was signed by hand: %v", err)
	}
}

func TestRetiredKeySignsNothingNew(t *testing.T) {
	t.Parallel()
	until := ledgerNoon.Add(24 * time.Hour)
	s := newSigner(t, ledgerNoon, until)
	for name, c := range map[string]struct {
		at time.Time
		ok bool
	}{
		"before it was made": {ledgerNoon.Add(-time.Hour), false}, "at once": {ledgerNoon, true}, "with another clock": {ledgerNoon.Add(-time.Minute), true},
		"just before it was retired": {until, true}, "after it was retired": {until.Add(time.Hour), false},
	} {
		if err := s.public.SignedAt(c.at); (err == nil) != c.ok || (err != nil && !errors.Is(err, ErrSignature)) {
			t.Errorf("%s: %v, want ok %t", name, err, c.ok)
		}
	}
	if err := newSigner(t, ledgerNoon, time.Time{}).public.SignedAt(until.Add(1e6 * time.Hour)); err != nil {
		t.Errorf("a key in use: %v", err)
	}
}

func TestKeySetIsAJWKSet(t *testing.T) {
	t.Parallel()
	set := KeySet{[]PublicKey{
		newSigner(t, ledgerNoon, ledgerNoon.Add(time.Hour)).public, newSigner(t, ledgerNoon.Add(time.Hour), time.Time{}).public,
	}}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseKeySet(text)
	if diff := cmp.Diff(set, got); err != nil || diff != "" {
		t.Errorf("read %v (-want +got):\n%s", err, diff)
	}
	var known jose.JSONWebKeySet // as anybody else's library reads it
	if err := json.Unmarshal(text, &known); err != nil || len(known.Keys) != 2 {
		t.Fatalf("another library reads %d keys, %v", len(known.Keys), err)
	}
	if key, ok := known.Keys[1].Key.(ed25519.PublicKey); !ok || !key.Equal(set.Keys[1].Key) || known.Keys[1].KeyID != set.Keys[1].ID {
		t.Errorf("another library reads key %v", known.Keys[1])
	}
	one := string(text[len(`{"keys":[`) : strings.Index(string(text), "},")+1])
	for name, bad := range map[string]string{
		"empty":            `{"keys":[]}`,
		"no JSON":          `keys`,
		"a key twice":      `{"keys":[` + one + `,` + one + `]}`,
		"another's name":   `{"keys":[` + strings.Replace(one, set.Keys[0].ID, set.Keys[1].ID, 1) + `]}`,
		"a short key":      `{"keys":[` + strings.Replace(one, base64.RawURLEncoding.EncodeToString(set.Keys[0].Key), "AA", 1) + `]}`,
		"another curve":    `{"keys":[` + strings.Replace(one, "Ed25519", "Ed448", 1) + `]}`,
		"a secret in it":   `{"keys":[` + strings.Replace(one, `"x":"`, `"d":"AA","x":"`, 1) + `]}`,
		"something behind": string(text) + "1",
		"too long":         string(text) + strings.Repeat(" ", MaxKeySet),
	} {
		if _, err := ParseKeySet([]byte(bad)); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

func FuzzParseKeySet(f *testing.F) {
	text, _ := json.Marshal(KeySet{[]PublicKey{newSigner(f, ledgerNoon, time.Time{}).public}})
	f.Add(text)
	f.Add([]byte(`{"keys":[{"kty":"OKP"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := ParseKeySet(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(set)
		if err != nil {
			t.Fatalf("a set that was read cannot be written: %v", err)
		}
		if second, err := ParseKeySet(again); err != nil || len(second.Keys) != len(set.Keys) {
			t.Errorf("%s: read again: %v", again, err)
		}
	})
}
