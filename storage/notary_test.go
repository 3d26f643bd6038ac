package storage

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/consent"
)

type testDocument struct {
	Says string `json:"says"`
}

func openTestNotary(t *testing.T, dir string) *Notary {
	t.Helper()
	n, err := OpenNotary(dir)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *Notary) mustSign(t *testing.T, says string) string {
	t.Helper()
	document, err := n.sign(consent.DocumentReceipt, testDocument{says})
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func mustKeySet(t *testing.T, n *Notary) consent.KeySet {
	t.Helper()
	keys, err := n.KeySet()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestNotaryKeepsItsKeysInAPrivateFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := openTestNotary(t, dir)
	document := first.mustSign(t, "yes")
	again := openTestNotary(t, dir)
	var got testDocument
	if _, err := mustKeySet(t, again).Open(document, consent.DocumentReceipt, &got); err != nil || got.Says != "yes" {
		t.Errorf("after opening again the document says %q, %v", got.Says, err)
	}
	path := filepath.Join(dir, notaryFile)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: mode %v, %v; want 0600", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenNotary(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key file that others read: %v, want to be told of chmod", err)
	}
}

// Two servers share the file; one of them, or an administration command, replaces the key.
func TestNotaryRotatesForEveryServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, other := openTestNotary(t, dir), openTestNotary(t, dir)
	before := one.mustSign(t, "before")
	if err := other.Rotate(time.Now()); err != nil {
		t.Fatal(err)
	}
	after := one.mustSign(t, "after")
	keys := mustKeySet(t, one)
	if len(keys.Keys) != 2 {
		t.Fatalf("%d keys after one rotation", len(keys.Keys))
	}
	for document, want := range map[string]consent.PublicKey{before: keys.Keys[0], after: keys.Keys[1]} {
		if key, err := keys.Open(document, consent.DocumentReceipt, new(testDocument)); err != nil || key.ID != want.ID {
			t.Errorf("signed by key %s, %v; want %s", key.ID, err, want.ID)
		}
	}
	if keys.Keys[0].Until.IsZero() || !keys.Keys[1].Until.IsZero() || !keys.Keys[0].Until.Equal(keys.Keys[1].From) {
		t.Errorf("the first key is used until %s, the second from %s until %s", keys.Keys[0].Until, keys.Keys[1].From, keys.Keys[1].Until)
	}
	text, err := os.ReadFile(filepath.Join(dir, notaryFile))
	if err != nil || strings.Count(string(text), `"seed"`) != 1 {
		t.Errorf("the file holds %d private keys, %v; want the one in use", strings.Count(string(text), `"seed"`), err)
	}
	if one.pseudonym("a", "o") != openTestNotary(t, dir).pseudonym("a", "o") {
		t.Error("a rotation gave persons other names")
	}
}

func TestNotarySignsWhileKeysAreReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n, admin := openTestNotary(t, dir), openTestNotary(t, dir)
	var all sync.WaitGroup
	documents := make(chan string, 200)
	for range 4 {
		all.Go(func() {
			for range 50 {
				document, err := n.sign(consent.DocumentReceipt, testDocument{"yes"})
				if err != nil {
					t.Errorf("sign: %v", err)
				}
				documents <- document
			}
		})
	}
	for range 5 {
		if err := admin.Rotate(time.Now()); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
	close(documents)
	keys := mustKeySet(t, n)
	for document := range documents {
		if _, err := keys.Open(document, consent.DocumentReceipt, new(testDocument)); err != nil {
			t.Errorf("a document does not open: %v", err)
		}
	}
}

func TestNotaryNamesAPersonDifferentlyToEach(t *testing.T) {
	t.Parallel()
	n := openTestNotary(t, t.TempDir())
	seen := map[string]string{}
	for _, account := range []consent.AccountID{"a", "b"} {
		for _, org := range []consent.OrgID{"", "x", "y"} {
			name := n.pseudonym(account, org)
			if who := string(account) + " to " + string(org); seen[name] != "" {
				t.Errorf("%s and %s have the name %s", who, seen[name], name)
			} else {
				seen[name] = who
			}
			if name != n.pseudonym(account, org) {
				t.Error("a person is named twice")
			}
		}
	}
}

func TestNotaryRefusesADamagedFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := openTestNotary(t, dir)
	path := filepath.Join(dir, notaryFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*notaryKeys){
		"no keys":             func(k *notaryKeys) { k.Keys = nil },
		"no private key":      func(k *notaryKeys) { k.Keys[0].Seed = nil },
		"another private key": func(k *notaryKeys) { k.Keys[0].Seed = randomKey() },
		"a short public key":  func(k *notaryKeys) { k.Keys[0].Public = k.Keys[0].Public[:31] },
		"the last is retired": func(k *notaryKeys) { k.Keys[0].Until = time.Now() },
		"no names":            func(k *notaryKeys) { k.Pseudonyms = nil },
	} {
		var keys notaryKeys
		if err := json.Unmarshal(text, &keys); err != nil {
			t.Fatal(err)
		}
		spoil(&keys)
		bad, err := json.Marshal(keys)
		if err != nil {
			t.Fatal(err)
		}
		if err := writeNew(path, bad); err != nil {
			t.Fatal(err)
		}
		if _, err := n.sign(consent.DocumentReceipt, testDocument{}); err == nil || !strings.Contains(err.Error(), "backup") {
			t.Errorf("%s: %v, want to be told of the backup", name, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := n.KeySet(); err == nil {
		t.Error("a server whose keys are gone goes on without a word")
	}
}
