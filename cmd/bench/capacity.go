//go:build linux

package main

import (
	"context"
	"errors"
)

func (b *bench) capacity(context.Context, []subject) error { return errors.New("not yet") }
