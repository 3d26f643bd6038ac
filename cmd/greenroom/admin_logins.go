package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"greenroom/consent"
	"greenroom/web"
)

type adminResetPassword struct {
	ownerConfig `embed:""`
	Email       string `arg:"" help:"Address of the account."`
}

func (c *adminResetPassword) Run(ctx context.Context) error {
	admin, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close(context.WithoutCancel(ctx)) }()
	password := newPassword()
	hash, err := web.HashPassword(password)
	if err != nil {
		return err
	}
	if err := admin.ResetPassword(ctx, c.Email, hash); err != nil {
		return noSuchAccount(err, c.Email)
	}
	fmt.Printf("account %s has the password %s (not shown again); its log-ins have ended\n", c.Email, password)
	return nil
}

type adminResetSecondFactor struct {
	ownerConfig `embed:""`
	Email       string `arg:"" help:"Address of the account."`
}

func (c *adminResetSecondFactor) Run(ctx context.Context) error {
	admin, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close(context.WithoutCancel(ctx)) }()
	if err := admin.ResetSecondFactor(ctx, c.Email); err != nil {
		return noSuchAccount(err, c.Email)
	}
	fmt.Printf("account %s has no second factor and its log-ins have ended; an employer or ops account sets a new one up when it logs in\n", c.Email)
	return nil
}

// adminCode is the authenticator of the demo accounts, whose secrets lie on this machine. Nobody else's
// code can be made here: their secrets are encrypted, and no command opens them.
type adminCode struct {
	DataDir string `help:"Data folder of the server that made the demo accounts." default:".greenroom/data" env:"GREENROOM_DATA" placeholder:"DIR"`
	Email   string `arg:"" help:"Address of the demo account."`
}

func (c *adminCode) Run(context.Context) error {
	demo, err := readDemo(filepath.Join(c.DataDir, "secrets"))
	if err != nil {
		return fmt.Errorf("%w: name the data folder of the running server with --data-dir", err)
	}
	for _, account := range []demoAccount{demo.Candidate, demo.Employer, demo.Ops} {
		if !strings.EqualFold(account.Email, c.Email) || account.SecondFactor == "" {
			continue
		}
		code, until, err := web.CodeAt(account.SecondFactor, time.Now())
		if err != nil {
			return err
		}
		fmt.Printf("%s (for another %d s)\n", code, int(time.Until(until).Seconds())+1)
		return nil
	}
	return fmt.Errorf("%s is no demo account with a second factor: %s and %s are", c.Email, demo.Employer.Email, demo.Ops.Email)
}

func noSuchAccount(err error, email string) error {
	if errors.Is(err, consent.ErrNotFound) {
		return fmt.Errorf("no account has the address %s: check its spelling", email)
	}
	return err
}
