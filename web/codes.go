package web

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp/hotp"

	"greenroom/consent"
)

const (
	codeStep     = 30 * time.Second // RFC 6238, 5.2
	codeWindow   = 1                // steps that a clock may be off by, either way
	secretLength = 20               // bytes: 160 bits, as RFC 4226, 4 recommends
)

var codeEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewCodeSecret returns a fresh secret for a second factor.
func NewCodeSecret() consent.CodeSecret {
	raw := make([]byte, secretLength)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the program instead
	return consent.CodeSecret(codeEncoding.EncodeToString(raw))
}

// CodeAt returns the code of the secret at a moment, and until when it is the one.
func CodeAt(secret consent.CodeSecret, at time.Time) (code string, until time.Time, err error) {
	step := stepAt(at)
	if code, err = codeOf(secret, step); err != nil {
		return "", time.Time{}, err
	}
	return code, time.Unix((step+1)*int64(codeStep/time.Second), 0), nil
}

func stepAt(at time.Time) int64 { return at.Unix() / int64(codeStep/time.Second) }

func codeOf(secret consent.CodeSecret, step int64) (string, error) {
	code, err := hotp.GenerateCode(string(secret), uint64(step))
	if err != nil {
		return "", fmt.Errorf("make a code: %w", err)
	}
	return code, nil
}

// matchCode returns the step whose code it is, if it is one of the present ones. It compares with all of
// them, so that how long it takes does not say with which it agreed.
func matchCode(secret consent.CodeSecret, code string, now time.Time) (step int64, ok bool, err error) {
	code = strings.Join(strings.Fields(code), "") // people type them in two groups
	for off := int64(-codeWindow); off <= codeWindow; off++ {
		want, err := codeOf(secret, stepAt(now)+off)
		if err != nil {
			return 0, false, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = stepAt(now)+off, true
		}
	}
	return step, ok, nil
}

// codeURI is what authenticator programs read from a QR code.
func codeURI(secret consent.CodeSecret, email string) string {
	values := url.Values{"secret": {string(secret)}, "issuer": {"Greenroom"}}
	return "otpauth://totp/Greenroom:" + url.PathEscape(email) + "?" + values.Encode()
}

// qrRows draws a text as a QR code: a row of 0 (light) and 1 (dark) for each row of modules. The page
// makes a picture of it, so that the secret is never in an address.
func qrRows(text string) ([]string, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("draw a QR code: %w", err)
	}
	size := code.Bounds()
	rows := make([]string, 0, size.Dy())
	for y := size.Min.Y; y < size.Max.Y; y++ {
		var row strings.Builder
		for x := size.Min.X; x < size.Max.X; x++ {
			if red, _, _, _ := code.At(x, y).RGBA(); red == 0 {
				row.WriteByte('1')
			} else {
				row.WriteByte('0')
			}
		}
		rows = append(rows, row.String())
	}
	return rows, nil
}
