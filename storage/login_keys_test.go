package storage

import (
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greenroom/consent"
)

func openTestLogInKeys(t *testing.T, d *Database, path string) *LogInKeys {
	t.Helper()
	keys, err := OpenLogInKeys(t.Context(), d, path)
	if err != nil {
		t.Fatalf("open log-in keys: %v", err)
	}
	return keys
}

func TestPepperMakesAnotherTextOfEveryPassword(t *testing.T) {
	t.Parallel()
	d := newTestDatabase(t)
	path := filepath.Join(t.TempDir(), "log-in.keys")
	keys := openTestLogInKeys(t, d, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v; want 0600", info.Mode(), err)
	}
	first, err := keys.Season("correct horse", keys.Pepper())
	if err != nil || strings.Contains(first, "horse") || len(first) != 44 {
		t.Errorf("Season = %q, %v; want 44 characters that say nothing", first, err)
	}
	if again, _ := openTestLogInKeys(t, d, path).Season("correct horse", keys.Pepper()); again != first {
		t.Error("the same file gives another text")
	}
	if other, _ := keys.Season("correct horsf", keys.Pepper()); other == first {
		t.Error("another password gives the same text")
	}
	elsewhere := openTestLogInKeys(t, d, filepath.Join(t.TempDir(), "log-in.keys"))
	if other, _ := elsewhere.Season("correct horse", elsewhere.Pepper()); other == first {
		t.Error("another key gives the same text")
	}
	if plain, err := keys.Season("correct horse", ""); err != nil || plain != "correct horse" {
		t.Errorf("without a pepper: %q, %v", plain, err)
	}
	if _, err := keys.Season("correct horse", "unknown"); !errors.Is(err, ErrNoLogInKeys) {
		t.Errorf("an unknown pepper: %v, want ErrNoLogInKeys", err)
	}
}

func TestNewPepperStandsBesideTheOldOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "log-in.keys")
	old := openTestLogInKeys(t, w.database, path)
	if err := w.accounts.SetPassword(t.Context(), w.alice.ID, consent.PasswordHash{Hash: testHash.Hash, Pepper: old.Pepper()}); err != nil {
		t.Fatal(err)
	}
	change := func(f func(*logInKeyFile)) {
		t.Helper()
		var file logInKeyFile
		text, err := os.ReadFile(path)
		if err != nil || json.Unmarshal(text, &file) != nil {
			t.Fatalf("read the file: %v", err)
		}
		f(&file)
		if text, err = json.Marshal(file); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	change(func(f *logInKeyFile) { f.Peppers = append(f.Peppers, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=") })
	both := openTestLogInKeys(t, w.database, path)
	if both.Pepper() == old.Pepper() {
		t.Error("the last pepper is not the present one")
	}
	if text, err := both.Season("x", old.Pepper()); err != nil || text == "x" {
		t.Errorf("the old pepper: %q, %v", text, err)
	}
	change(func(f *logInKeyFile) { f.Peppers = f.Peppers[1:] })
	if _, err := OpenLogInKeys(t.Context(), w.database, path); !errors.Is(err, ErrNoLogInKeys) || !strings.Contains(err.Error(), old.Pepper()) {
		t.Errorf("a pepper in use is missing: %v, want ErrNoLogInKeys with its name", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLogInKeys(t.Context(), w.database, path); !errors.Is(err, ErrNoLogInKeys) {
		t.Errorf("the file is missing: %v, want ErrNoLogInKeys", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a new file was made although passwords need the old one")
	}
}

func TestDamagedLogInKeysAreRefused(t *testing.T) {
	t.Parallel()
	d := newTestDatabase(t)
	for name, text := range map[string]string{
		"empty":           "",
		"not JSON":        "hello",
		"no pepper":       `{"peppers":[],"second_factor":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}`,
		"a short pepper":  `{"peppers":["AAAA"],"second_factor":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}`,
		"no other key":    `{"peppers":["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]}`,
		"a bad other key": `{"peppers":["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="],"second_factor":"?"}`,
	} {
		path := filepath.Join(t.TempDir(), "log-in.keys")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenLogInKeys(t.Context(), d, path); err == nil || strings.Contains(err.Error(), "MDEy") {
			t.Errorf("%s: %v, want a refusal that repeats no key", name, err)
		}
	}
}

func TestSecretOfASecondFactorOpensForItsAccountOnly(t *testing.T) {
	t.Parallel()
	d := newTestDatabase(t)
	keys := openTestLogInKeys(t, d, filepath.Join(t.TempDir(), "log-in.keys"))
	mine, yours := consent.NewID[consent.AccountID](), consent.NewID[consent.AccountID]()
	sealed, err := keys.sealSecret(mine, "JBSWY3DPEHPK3PXP")
	if err != nil || strings.Contains(string(sealed), "JBSW") {
		t.Fatalf("sealed %q, %v", sealed, err)
	}
	if secret, err := keys.openSecret(mine, sealed); err != nil || secret != "JBSWY3DPEHPK3PXP" {
		t.Errorf("opened %q, %v", secret, err)
	}
	if _, err := keys.openSecret(yours, sealed); !errors.Is(err, ErrNoLogInKeys) {
		t.Errorf("somebody else's: %v, want a refusal", err)
	}
}

func TestLogInKeysStayOutOfTheLog(t *testing.T) {
	t.Parallel()
	d := newTestDatabase(t)
	keys := openTestLogInKeys(t, d, filepath.Join(t.TempDir(), "log-in.keys"))
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("keys", "keys", keys)
	if !strings.Contains(log.String(), "keys=[redacted]") {
		t.Errorf("the log says %s", log.String())
	}
}
