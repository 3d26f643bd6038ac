//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
)

// capacity is how many sessions a subject carried on its one CPU.
type capacity struct {
	Subject string   `json:"subject"`
	Carried int      `json:"carried"` // the most sessions whose recordings were whole
	Ended   string   `json:"ended"`   // why it went no further
	Steps   []result `json:"steps"`
}

// capacity lets each subject carry ever more sessions until the recordings that are looked at are no
// longer whole. Where the publisher gives up first, the figure is the publisher's, and says so.
func (b *bench) capacity(ctx context.Context, chosen []subject) error {
	all := make([]capacity, 0, len(chosen))
	for _, s := range chosen {
		c, err := b.grow(ctx, s)
		if err != nil {
			return err
		}
		all = append(all, c)
	}
	if b.json {
		return json.NewEncoder(os.Stdout).Encode(all)
	}
	fmt.Println("\n| subject | sessions carried on one CPU | what ended it | CPU µs per RTP packet there | CPU busy |")
	fmt.Println("|---|---|---|---|---|")
	for _, c := range all {
		last := result{}
		for _, step := range c.Steps {
			if step.Sessions == c.Carried {
				last = step
			}
		}
		fmt.Printf("| %s | %d | %s | %.1f | %.0f %% |\n", c.Subject, c.Carried, c.Ended, last.Micros, 100*last.Busy)
	}
	return nil
}

func (b *bench) grow(ctx context.Context, s subject) (capacity, error) {
	c := capacity{Subject: s.name}
	for n := b.sessions; ; n += b.step {
		r, err := b.one(ctx, s, n)
		if ctx.Err() != nil {
			return c, ctx.Err()
		}
		fmt.Fprintln(os.Stderr, r)
		c.Steps = append(c.Steps, r)
		if c.Ended = ending(r, err); c.Ended != "" {
			return c, nil
		}
		c.Carried = n
	}
}

// ending says why a step is the last one; empty: it is not.
func ending(r result, err error) string {
	switch {
	case err != nil:
		return fmt.Sprintf("%d sessions: %v", r.Sessions, err)
	case r.Loader > loaderLimit || r.LateMS > float64(lateLimit.Milliseconds()):
		return fmt.Sprintf("the publisher, at %d sessions (%.0f %% of its CPU, %.0f ms late)", r.Sessions, 100*r.Loader, r.LateMS)
	case !r.Account.whole():
		return fmt.Sprintf("%d sessions: %d of %d frames kept, %d of %d Opus packets; %d packets dropped by the kernel",
			r.Sessions, r.Account.Kept, r.Account.Sent, r.Account.AudioKept, r.Account.AudioSent, r.Drops)
	default:
		return ""
	}
}
