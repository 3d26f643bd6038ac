package storage

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/tink-crypto/tink-go/v2/tink"

	"greenroom/consent"
)

// ErrNoLogInKeys says that the database holds passwords or second factors that were made with keys
// which are not there.
var ErrNoLogInKeys = errors.New("the log-in keys are missing")

// LogInKeys are the keys that log-in needs beside the database: whoever has a copy of that and not this
// file can neither try passwords nor make codes. It is safe for concurrent use.
type LogInKeys struct {
	peppers map[string][]byte // by name
	current string            // the pepper that new hashes get
	sealing tink.AEAD         // for the secrets of second factors
}

// logInKeyFile is the file of [LogInKeys]. The last pepper is the present one; earlier ones stay for as
// long as a hash names them, and such a hash is made anew at the next log-in.
type logInKeyFile struct {
	Peppers      []string `json:"peppers"`       // base 64
	SecondFactor string   `json:"second_factor"` // base 64
}

// OpenLogInKeys reads the log-in keys. It makes new ones only while the database has nothing that was
// made with others.
func OpenLogInKeys(ctx context.Context, database *Database, path string) (*LogInKeys, error) {
	used, factors, err := logInKeysInUse(ctx, database)
	if err != nil {
		return nil, err
	}
	keys, err := readLogInKeys(path, len(used) == 0 && !factors)
	if err != nil {
		return nil, err
	}
	for _, name := range used {
		if keys.peppers[name] == nil {
			return nil, fmt.Errorf("%w: %s lacks pepper %s, which passwords in the database were hashed with: "+
				"restore the file from your backup", ErrNoLogInKeys, path, name)
		}
	}
	return keys, nil
}

// logInKeysInUse returns the names of the peppers in the database's hashes, and whether it has secrets of
// second factors.
func logInKeysInUse(ctx context.Context, database *Database) (peppers []string, factors bool, err error) {
	const read = `SELECT coalesce((SELECT array_agg(DISTINCT pepper) FROM accounts WHERE pepper <> ''), '{}'),
		EXISTS (SELECT FROM second_factors)`
	if err := database.Pool(RoleLogin).QueryRow(ctx, read).Scan(&peppers, &factors); err != nil {
		return nil, false, fmt.Errorf("open the log-in keys: %w", err)
	}
	return peppers, factors, nil
}

func readLogInKeys(path string, mayCreate bool) (*LogInKeys, error) {
	text, err := readSecret(path)
	if errors.Is(err, fs.ErrNotExist) {
		if !mayCreate {
			return nil, fmt.Errorf("%w: %s is not there, but the database holds passwords or second factors that need it: "+
				"restore it from your backup, or reset both for every account (greenroom admin reset-password, reset-second-factor)", ErrNoLogInKeys, path)
		}
		text, err = createLogInKeys(path)
	}
	if err != nil {
		return nil, fmt.Errorf("log-in keys: %w", err)
	}
	var file logInKeyFile
	if err := json.Unmarshal([]byte(text), &file); err != nil || len(file.Peppers) == 0 {
		return nil, fmt.Errorf("log-in keys: %s is damaged: restore it from your backup", path)
	}
	return parseLogInKeys(path, file)
}

func createLogInKeys(path string) (string, error) {
	fresh := logInKeyFile{
		Peppers:      []string{base64.StdEncoding.EncodeToString(randomKey())},
		SecondFactor: base64.StdEncoding.EncodeToString(randomKey()),
	}
	text, err := json.MarshalIndent(fresh, "", "  ")
	if err != nil {
		return "", err
	}
	return createSecret(path, string(text)+"\n")
}

func parseLogInKeys(path string, file logInKeyFile) (*LogInKeys, error) {
	keys := &LogInKeys{peppers: map[string][]byte{}}
	for _, encoded := range file.Peppers {
		raw, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(raw) != dataKeySize {
			return nil, fmt.Errorf("log-in keys: a pepper in %s is damaged: restore it from your backup", path)
		}
		keys.current = pepperName(raw)
		keys.peppers[keys.current] = raw
	}
	raw, err := base64.StdEncoding.DecodeString(file.SecondFactor)
	if err == nil {
		keys.sealing, err = newAEAD(raw)
	}
	if err != nil {
		return nil, fmt.Errorf("log-in keys: the key of second factors in %s is damaged: restore it from your backup", path)
	}
	return keys, nil
}

// pepperName is a short hash of the key that says nothing about it.
func pepperName(raw []byte) string {
	sum := sha256.Sum256(append([]byte("greenroom pepper id\x00"), raw...))
	return hex.EncodeToString(sum[:6])
}

// LogValue implements [slog.LogValuer].
func (*LogInKeys) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Pepper returns the name of the pepper that new hashes get.
func (k *LogInKeys) Pepper() string { return k.current }

// Season returns what is hashed in place of a password: a keyed hash of it, or the password itself for
// the empty name, as hashes from before there was a pepper have it.
func (k *LogInKeys) Season(password, pepper string) (string, error) {
	if pepper == "" {
		return password, nil
	}
	key := k.peppers[pepper]
	if key == nil {
		return "", fmt.Errorf("%w: no pepper %s", ErrNoLogInKeys, pepper)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(password))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// sealSecret encrypts the secret of an account's second factor; openSecret decrypts it, for that
// account only.
func (k *LogInKeys) sealSecret(account consent.AccountID, secret consent.CodeSecret) ([]byte, error) {
	return k.sealing.Encrypt([]byte(secret), associatedData("second-factor", string(account)))
}

func (k *LogInKeys) openSecret(account consent.AccountID, sealed []byte) (consent.CodeSecret, error) {
	secret, err := k.sealing.Decrypt(sealed, associatedData("second-factor", string(account)))
	if err != nil {
		return "", fmt.Errorf("%w: the secret of a second factor was encrypted with another key: "+
			"restore the file from your backup, or reset that account's second factor", ErrNoLogInKeys)
	}
	return consent.CodeSecret(secret), nil
}
