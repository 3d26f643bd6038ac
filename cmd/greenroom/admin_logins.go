package main

import (
	"context"
	"errors"
	"fmt"

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

func noSuchAccount(err error, email string) error {
	if errors.Is(err, consent.ErrNotFound) {
		return fmt.Errorf("no account has the address %s: check its spelling", email)
	}
	return err
}
