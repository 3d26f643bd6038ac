package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"greenroom/consent"
)

func TestPasswordRules(t *testing.T) {
	t.Parallel()
	about := []string{"new.person@example.org", "Ada Lovelace"}
	for password, ok := range map[string]bool{
		strings.Repeat("é", 14):         false, // too short, counted in characters
		"a few plain words in a row":    true,
		"tzqmwvbnxkfhgrd":               true,
		"日本語の長い合言葉を選びました":               true,
		strings.Repeat("ab cd éf ", 15): false, // 135 characters, and one part over and over
		"unhappy giraffes paint walls":  true,
		"aaaaaaaaaaaaaa\xff":            false, // not valid text
		"aaaaaaaaaaaaaaaaaaaa":          false,
		"abcdefghijklmnopqrst":          false,
		"9876543210987654":              false,
		"qwertyuiopasdfghjkl":           false,
		"poiuytrewqlkjhgfdsa":           false,
		"abcabcabcabcabcabc":            false,
		"blue7blue7blue7blue7":          false, // five characters to guess, however often
		"passwordpassword1":             false,
		"PasswordPassword2026":          false,
		"letmein letmein letmein":       false,
		"new.person@example.org":        false,
		"NEW-PERSON-example!!":          false,
		"ada lovelace ada lovelace":     false,
		"greenroom greenroom 1":         false,
		"correcthorsebatterystaple":     false,
		"password of the purple otter":  true, // a common word in a phrase is no harm
	} {
		if err := checkPassword(password, minPassword, about...); (err == nil) != ok {
			t.Errorf("%q: %v, want accepted: %v", password, err, ok)
		}
	}
	longest := strings.Repeat("日本語の長い合言葉", 14) + "xy"
	if err := checkLength(longest, minPassword); err != nil {
		t.Errorf("128 characters: %v, want them accepted", err)
	}
	if err := checkLength(longest+"z", minPassword); err == nil {
		t.Error("129 characters are accepted")
	}
}

// Eight characters are enough beside a second factor, and are judged by the same rules.
func TestShortPasswordsBesideASecondFactor(t *testing.T) {
	t.Parallel()
	for password, ok := range map[string]bool{
		"k3t9wmz": false, "k3t9wmzq": true, "password1": false, "iloveyou99": false, "12345678": false, "qwertz123": false,
	} {
		if err := checkPassword(password, minWithSecondStep); (err == nil) != ok {
			t.Errorf("%q: %v, want accepted: %v", password, err, ok)
		}
	}
}

// Capitals make no guess harder, and nothing typed ends the server.
func FuzzPasswordRules(f *testing.F) {
	for _, seed := range []string{"", "aaaa", "abcabc", "qwertyuiop", "\xff\xfe", "日本語日本語", "a b c d e f g h", "Password1234"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, password, about string) {
		got := guessable(password, []string{about})
		for _, r := range password + about {
			if r > unicode.MaxASCII {
				return // the capitals of some letters are other letters
			}
		}
		if upper := guessable(strings.ToUpper(password), []string{strings.ToUpper(about)}); upper != got {
			t.Errorf("%q about %q: guessable %v, in capitals %v", password, about, got, upper)
		}
	})
}

func TestHashesThisProgramMakesItself(t *testing.T) {
	t.Parallel()
	if _, err := HashPassword("short"); err == nil {
		t.Error("HashPassword took a short password")
	}
	hash, err := HashPassword(goodPassword)
	if err != nil || hash.Pepper != "" {
		t.Errorf("HashPassword = %+v, %v; want a hash without a pepper", hash, err)
	}
}

// The hash that stands in for a missing one must cost what a real one costs, and match nothing.
func TestDummyHashIsAsDearAsARealOne(t *testing.T) {
	t.Parallel()
	p := newPasswords(testPepper{})
	genuine, err := p.hash(t.Context(), goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	prefix := func(hash string) string { return strings.Join(strings.Split(hash, "$")[:4], "$") }
	if prefix(genuine.Hash) != prefix(dummyHash) || len(genuine.Hash) != len(dummyHash) {
		t.Errorf("dummy %q and genuine %q differ in cost or size", dummyHash, genuine.Hash)
	}
	if ok, err := p.match(t.Context(), goodPassword, consent.PasswordHash{Hash: dummyHash, Pepper: "new"}); ok || err != nil {
		t.Errorf("match = %v, %v; want a clean no", ok, err)
	}
}

// A stolen database gives hashes of something that cannot be computed without the pepper.
func TestPepperIsPartOfTheHash(t *testing.T) {
	t.Parallel()
	p := newPasswords(testPepper{})
	made, err := p.hash(t.Context(), goodPassword)
	if err != nil || made.Pepper != "new" {
		t.Fatalf("hash = %+v, %v", made, err)
	}
	for pepper, want := range map[string]bool{"new": true, "old": false, "": false} {
		got, err := p.match(t.Context(), goodPassword, consent.PasswordHash{Hash: made.Hash, Pepper: pepper})
		if err != nil || got != want {
			t.Errorf("under pepper %q: match = %v, %v; want %v", pepper, got, err, want)
		}
	}
	if _, err := p.match(t.Context(), goodPassword, consent.PasswordHash{Hash: made.Hash, Pepper: "lost"}); err == nil {
		t.Error("a pepper that is not there is no fault")
	}
}

func TestOldHashesAreMadeAnewAtLogIn(t *testing.T) {
	t.Parallel()
	for name, pepper := range map[string]string{"without a pepper": "", "with an old pepper": "old"} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			p := s.candidate(t)
			seasoned, err := testPepper{}.Season(goodPassword, pepper)
			if err != nil {
				t.Fatal(err)
			}
			old, err := HashPassword(seasoned)
			if err != nil {
				t.Fatal(err)
			}
			old.Pepper = pepper
			s.set(func(w *world) { w.hashes[p.account.Email] = old })
			body := map[string]any{"email": p.account.Email, "password": goodPassword}
			for range 2 {
				s.nobody(t).do(http.MethodPost, "/api/v1/log-in", body).want(http.StatusOK)
			}
			renewed := s.hashes[p.account.Email]
			if renewed.Pepper != "new" || renewed.Hash == old.Hash {
				t.Errorf("after log-in the hash is %+v, was %+v", renewed, old)
			}
			times := 0
			for _, write := range s.writes {
				if write == "SetPassword" {
					times++
				}
			}
			if times != 1 {
				t.Errorf("the hash was written %d times, want once", times)
			}
		})
	}
}

// A try that was never compared with anything is nobody's failure.
func TestPasswordThatWasNotLookedAtIsNoFailure(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for range maxHashes {
		s.server.passwords.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.server.prove(ctx, "a@example.org", proofJSON{Password: goodPassword})
	if !errors.Is(err, errNoSlot) {
		t.Errorf("prove = %v, want no slot", err)
	}
	if n := s.failures["a@example.org"]; n != 0 {
		t.Errorf("%d failures are counted", n)
	}
}
