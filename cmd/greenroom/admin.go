package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"greenroom/consent"
	"greenroom/storage"
	"greenroom/web"
)

type adminCommand struct {
	Organization adminOrganization `cmd:"" help:"Make an organization that candidates can share with, suspend it, or restore it."`
	Member       adminMember       `cmd:"" help:"End an employer's membership, or change what it may see."`
	Hold         adminHold         `cmd:"" help:"Put a session under legal hold, or end that: nobody can read it meanwhile, and erasing it waits."`
	Account      adminAccount      `cmd:"" help:"Make an employer or ops account; its password is printed once."`

	ResetPassword     adminResetPassword     `cmd:"" help:"Give an account a new password, which is printed once; ends its log-ins and lets it log in again after too many failures."`
	ResetSecondFactor adminResetSecondFactor `cmd:"" help:"Take the second factor from an account whose person cannot make codes any more; ends its log-ins."`
	Child             adminChild             `cmd:"" help:"Erase the account of a reported child, at once and for good."`
	Backup            adminBackup            `cmd:"" help:"Copy the database as it is now: rows and wrapped keys to two places; removes backups older than 21 days."`
	Restore           adminRestore           `cmd:"" help:"Fill an empty database from a backup."`
	Code              adminCode              `cmd:"" help:"Print the present code of a demo account."`
}

// ownerConfig is how administration reaches the database: the same setting as the server's.
type ownerConfig struct {
	DatabaseURL     string `name:"database-url" help:"Postgres, as its owner." env:"GREENROOM_DATABASE_URL" placeholder:"URL"`
	DatabaseURLFile string `name:"database-url-file" help:"File that holds the database URL." env:"GREENROOM_DATABASE_URL_FILE" placeholder:"FILE"`
	DataDir         string `help:"Data folder of a running server with the embedded database." default:".greenroom/data" env:"GREENROOM_DATA" placeholder:"DIR"`
}

func (c ownerConfig) open(ctx context.Context) (*storage.Admin, error) {
	url, err := c.url()
	if err != nil {
		return nil, err
	}
	return storage.OpenAdmin(ctx, url)
}

// url is how to connect as the owner.
func (c ownerConfig) url() (string, error) {
	url := c.DatabaseURL
	if err := readSecret(&url, c.DatabaseURLFile, "GREENROOM_DATABASE_URL"); err != nil || url != "" {
		return url, err
	}
	text, err := os.ReadFile(ownerFile(filepath.Join(c.DataDir, "secrets")))
	if err != nil {
		return "", fmt.Errorf("no embedded database runs in %s: set GREENROOM_DATABASE_URL, or name the data folder of a running server with --data-dir", c.DataDir)
	}
	return string(text), nil
}

// ownerFile holds how to connect to the embedded database as its owner, while a server runs; only the
// server's user can read it.
func ownerFile(secretsDir string) string { return filepath.Join(secretsDir, "database-owner.url") }

type adminAccount struct {
	ownerConfig  `embed:""`
	Kind         string `help:"employer or ops." enum:"employer,ops" required:""`
	Organization string `help:"Whom an employer works for; made if it is not there."`
	Name         string `help:"Display name; the address if empty."`
	Email        string `arg:"" help:"Address to log in with."`
}

func (c *adminAccount) Run(ctx context.Context) error {
	if (c.Kind == "employer") != (c.Organization != "") {
		return errors.New("an employer needs --organization, an ops account has none")
	}
	admin, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close(context.WithoutCancel(ctx)) }()
	var org consent.Organization
	if c.Organization != "" {
		if org, err = admin.CreateOrganization(ctx, c.Organization); err != nil {
			return err
		}
	}
	name := c.Name
	if name == "" {
		name = c.Email
	}
	password := newPassword()
	hash, err := web.HashPassword(password)
	if err != nil {
		return err
	}
	account, err := admin.CreateAccount(ctx, consent.AccountKind(c.Kind), c.Email, name, hash, org.ID)
	if err != nil {
		return err
	}
	fmt.Printf("%s account %s, password %s (not shown again)\n", account.Kind, account.Email, password)
	return nil
}
