package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"greenroom/consent"
	"greenroom/storage"
	"greenroom/web"
)

// demoOrganization is whom the demo employer works for.
const demoOrganization = "Demo organization"

// demoAccounts are three accounts to look around with, their passwords made on this machine. They lie
// in a file that only its owner can read.
type demoAccounts struct {
	Candidate demoAccount `json:"candidate"`
	Employer  demoAccount `json:"employer"`
	Ops       demoAccount `json:"ops"`
}

type demoAccount struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	// SecondFactor is what the codes are made of, for accounts that need them; greenroom admin code makes
	// them from here.
	SecondFactor consent.CodeSecret `json:"second_factor,omitempty"`
}

// LogValue implements [slog.LogValuer].
func (demoAccounts) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// LogValue implements [slog.LogValuer].
func (demoAccount) LogValue() slog.Value { return slog.StringValue("[redacted]") }

func demoFile(secretsDir string) string { return filepath.Join(secretsDir, "demo-accounts.json") }

// readDemo returns the demo accounts of a data folder; fs.ErrNotExist if there are none.
func readDemo(secretsDir string) (demoAccounts, error) {
	var d demoAccounts
	text, err := os.ReadFile(demoFile(secretsDir))
	if err != nil {
		return d, fmt.Errorf("demo accounts: %w", err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return d, fmt.Errorf("demo accounts: read %s: %w", demoFile(secretsDir), err)
	}
	return d, nil
}

func writeDemo(secretsDir string, d demoAccounts) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("write demo accounts: %w", err)
	}
	if err := os.WriteFile(demoFile(secretsDir), append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write demo accounts: %w", err)
	}
	return nil
}

// makeDemo makes the demo accounts over a connection as the database's owner. The file is written last:
// a start that was cut off in between finds accounts without a file, and says what to do.
func makeDemo(ctx context.Context, owner, secretsDir string, keys *storage.LogInKeys) (demoAccounts, error) {
	admin, err := storage.OpenAdmin(ctx, owner)
	if err != nil {
		return demoAccounts{}, fmt.Errorf("make demo accounts: %w", err)
	}
	defer func() { _ = admin.Close(context.WithoutCancel(ctx)) }()
	org, err := admin.CreateOrganization(ctx, demoOrganization)
	if err != nil {
		return demoAccounts{}, fmt.Errorf("make demo accounts: %w", err)
	}
	d := demoAccounts{
		Candidate: demoAccount{Email: "candidate@demo.test", Password: newPassword()},
		Employer:  demoAccount{Email: "employer@demo.test", Password: newPassword(), SecondFactor: web.NewCodeSecret()},
		Ops:       demoAccount{Email: "ops@demo.test", Password: newPassword(), SecondFactor: web.NewCodeSecret()},
	}
	for _, a := range []struct {
		demoAccount
		kind consent.AccountKind
		name string
		org  consent.OrgID
	}{
		{d.Candidate, consent.AccountCandidate, "Demo candidate", ""},
		{d.Employer, consent.AccountEmployer, "Demo employer", org.ID},
		{d.Ops, consent.AccountOps, "Demo ops", ""},
	} {
		hash, err := web.HashPassword(a.Password)
		if err != nil {
			return demoAccounts{}, fmt.Errorf("make demo account %s: %w", a.Email, err)
		}
		account, err := admin.CreateAccount(ctx, a.kind, a.Email, a.name, hash, a.org)
		if err != nil {
			return demoAccounts{}, fmt.Errorf("make demo account %s: %w: remove it, or set GREENROOM_DEMO=off", a.Email, err)
		}
		if a.SecondFactor == "" {
			continue
		}
		if err := admin.SetSecondFactor(ctx, keys, account.ID, a.SecondFactor); err != nil {
			return demoAccounts{}, fmt.Errorf("make demo account %s: %w", a.Email, err)
		}
	}
	return d, writeDemo(secretsDir, d)
}

// newPassword has 130 random bits in letters that can be told apart.
func newPassword() string { return strings.ToLower(rand.Text()) }
