package main

import (
	"context"
	"errors"
	"fmt"

	"greenroom/consent"
)

type adminChild struct {
	ownerConfig `embed:""`
	Email       string `arg:"" help:"Address of the child's account."`
}

func (c *adminChild) Run(ctx context.Context) error {
	admin, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close(context.WithoutCancel(ctx)) }()
	sessions, err := admin.ReportChild(ctx, c.Email)
	if errors.Is(err, consent.ErrNotFound) {
		return errors.New("no candidate has this address: nothing was changed")
	}
	if err != nil {
		return err
	}
	fmt.Printf("closed and erased for everybody, with %d interviews. A running server destroys their keys and removes what is left within minutes; "+
		"it goes on by itself where the object store is away\n", sessions)
	return nil
}
