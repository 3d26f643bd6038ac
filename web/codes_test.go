package web

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

// RFC 6238, appendix B, for SHA-1 (the last six of its eight digits).
func TestCodesAreThoseOfTheStandard(t *testing.T) {
	t.Parallel()
	secret := consent.CodeSecret(codeEncoding.EncodeToString([]byte("12345678901234567890")))
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		code, until, err := CodeAt(secret, time.Unix(at, 0))
		if err != nil || code != want {
			t.Errorf("at %d: %q, %v; want %q", at, code, err, want)
		}
		if left := until.Unix() - at; left <= 0 || left > 30 {
			t.Errorf("at %d: good for another %d s", at, left)
		}
	}
}

func TestCodeIsGoodForItsStepAndTheTwoBesideIt(t *testing.T) {
	t.Parallel()
	secret, now := NewCodeSecret(), testNow
	for off, want := range map[int64]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		code, err := codeOf(secret, stepAt(now)+off)
		if err != nil {
			t.Fatal(err)
		}
		for _, typed := range []string{code, code[:3] + " " + code[3:], " " + code} {
			step, ok, err := matchCode(secret, typed, now)
			if err != nil || ok != want || (ok && step != stepAt(now)+off) {
				t.Errorf("%q of step %+d: %d, %v, %v; want %v", typed, off, step-stepAt(now), ok, err, want)
			}
		}
		if _, ok, _ := matchCode(NewCodeSecret(), code, now); ok {
			t.Error("another account's code is taken (one in half a million runs may say so by chance)")
		}
	}
	for _, junk := range []string{"", "12345", "1234567", "abcdef", "１２３４５６"} {
		if _, ok, err := matchCode(secret, junk, now); ok || err != nil {
			t.Errorf("%q: %v, %v", junk, ok, err)
		}
	}
	if _, _, err := matchCode("not base 32!", "123456", now); err == nil {
		t.Error("a damaged secret is no fault")
	}
}

func TestSecretsAreLongAndDifferent(t *testing.T) {
	t.Parallel()
	a, b := NewCodeSecret(), NewCodeSecret()
	if raw, err := codeEncoding.DecodeString(string(a)); err != nil || len(raw) != 20 || a == b {
		t.Errorf("secrets %q, %q: want different ones of 160 bits", a, b)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", a)
	if strings.Contains(log.String(), string(a)) {
		t.Errorf("the log has the secret: %s", log.String())
	}
}

func TestURINamesTheSecretAndWhose(t *testing.T) {
	t.Parallel()
	got := codeURI("JBSWY3DPEHPK3PXP", "a+b@example.org")
	if want := "otpauth://totp/Greenroom:a+b@example.org?issuer=Greenroom&secret=JBSWY3DPEHPK3PXP"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A QR code has a square in three of its corners (ISO 18004, 6.3.3), whatever it says.
func TestQRCodeIsDrawn(t *testing.T) {
	t.Parallel()
	rows, err := qrRows(codeURI(NewCodeSecret(), "somebody@example.org"))
	if err != nil {
		t.Fatal(err)
	}
	finder := []string{"1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"}
	size := len(rows)
	if size < 21 || (size-21)%4 != 0 {
		t.Fatalf("%d rows are no QR code", size)
	}
	for y, want := range finder {
		for what, got := range map[string]string{
			"top left": rows[y][:7], "top right": rows[y][size-7:], "bottom left": rows[size-7+y][:7],
		} {
			if got != want {
				t.Errorf("%s, row %d: %s, want %s", what, y, got, want)
			}
		}
	}
	for y, row := range rows {
		if len(row) != size || strings.Trim(row, "01") != "" {
			t.Errorf("row %d is %q", y, row)
		}
	}
	if _, err := qrRows(strings.Repeat("x", 5000)); err == nil {
		t.Error("a text that no QR code holds was drawn")
	}
}
