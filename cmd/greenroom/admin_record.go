package main

import (
	"context"
	"errors"
	"fmt"

	"greenroom/consent"
	"greenroom/storage"
)

// with runs one administration command over a connection as the owner.
func (c ownerConfig) with(ctx context.Context, work func(*storage.Admin) error) error {
	admin, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close(context.WithoutCancel(ctx)) }()
	return work(admin)
}

type adminOrganization struct {
	ownerConfig `embed:""`
	Suspend     bool   `help:"End everything that is shared with it, for good; whoever is watching is cut off." xor:"change"`
	Restore     bool   `help:"Let it be shared with again; candidates decide anew." xor:"change"`
	Name        string `arg:"" help:"Its name, as candidates see it."`
}

func (c *adminOrganization) Run(ctx context.Context) error {
	return c.with(ctx, func(admin *storage.Admin) error {
		switch {
		case c.Suspend:
			revoked, err := admin.SuspendOrganization(ctx, c.Name)
			if err != nil {
				return err
			}
			fmt.Printf("organization %q is suspended; authorizations revoked: %d\n", c.Name, revoked)
		case c.Restore:
			if err := admin.RestoreOrganization(ctx, c.Name); err != nil {
				return err
			}
			fmt.Printf("organization %q can be shared with again; what was revoked stays revoked\n", c.Name)
		default:
			organization, err := admin.CreateOrganization(ctx, c.Name)
			if err != nil {
				return err
			}
			fmt.Printf("organization %q is there\n", organization.Name)
		}
		return nil
	})
}

type adminMember struct {
	ownerConfig `embed:""`
	End         bool   `help:"End the membership: the person sees nothing any more, for good."`
	Role        string `help:"reviewer (sees what is shared with the organization) or billing (sees nothing of any session)." enum:"reviewer,billing," default:""`
	Email       string `arg:"" help:"Address of an employer's account."`
}

func (c *adminMember) Run(ctx context.Context) error {
	if c.End == (c.Role != "") {
		return errors.New("say what changes: either --end, or --role reviewer, or --role billing")
	}
	return c.with(ctx, func(admin *storage.Admin) error {
		if c.End {
			if err := admin.EndMember(ctx, c.Email); err != nil {
				return fmt.Errorf("%s: %w", c.Email, err)
			}
			fmt.Printf("the membership of %s has ended\n", c.Email)
			return nil
		}
		if err := admin.SetMemberRole(ctx, c.Email, consent.MemberRole(c.Role)); err != nil {
			return fmt.Errorf("%s: %w", c.Email, err)
		}
		fmt.Printf("%s has the role %s\n", c.Email, c.Role)
		return nil
	})
}

type adminHold struct {
	ownerConfig `embed:""`
	Lift        bool   `help:"End the hold."`
	Reason      string `help:"Why; it stays with the operator." required:""`
	Authority   string `help:"Who demands it; needed to hold, not to lift."`
	Session     string `arg:"" help:"Id of the session."`
}

func (c *adminHold) Run(ctx context.Context) error {
	session, err := consent.ParseID[consent.SessionID](c.Session)
	if err != nil {
		return fmt.Errorf("%q is no session: its id is in the address of its page", c.Session)
	}
	if !c.Lift && c.Authority == "" {
		return errors.New("a hold needs --authority: who demands it")
	}
	return c.with(ctx, func(admin *storage.Admin) error {
		var step consent.ErrBadStep
		if c.Lift {
			err = admin.LiftHold(ctx, session, c.Reason)
		} else {
			err = admin.Hold(ctx, session, c.Reason, c.Authority)
		}
		switch {
		case errors.As(err, &step) && step.State == consent.SessionLive:
			return fmt.Errorf("%w: wait until the interview has ended", err)
		case errors.Is(err, consent.ErrNotFound):
			return fmt.Errorf("there is no session %s", session)
		case err != nil:
			return err
		case c.Lift:
			fmt.Printf("the hold of session %s has ended\n", session)
		default:
			fmt.Printf("session %s is under legal hold: nobody can read it, and erasing it waits\n", session)
		}
		return nil
	})
}
