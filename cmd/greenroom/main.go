// Command greenroom is the whole of Greenroom in one program: the server, a scripted candidate that
// rehearses against it, and what operations need. `greenroom serve --help` lists every setting.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

type commands struct {
	Serve    serveCommand    `cmd:"" help:"Serve Greenroom. With nothing configured everything it needs runs inside: Postgres, object store, speech to text."`
	Rehearse rehearseCommand `cmd:"" help:"Be a scripted candidate: join a server over the real protocol, play speech and video, check what comes back."`
	Verify   verifyCommand   `cmd:"" help:"Check a receipt, a certificate, an export or a ledger folder, without asking anybody but for the public keys."`
	Eval     evalCommand     `cmd:"" help:"Measure how well a model rates: agreement, attacks, swapped names, against answers with known levels."`
	Replay   replayCommand   `cmd:"" help:"Rate stored sessions again with the configured model, change nothing, and print how far the levels drift."`
	Admin    adminCommand    `cmd:"" help:"Make organizations and accounts."`
	ReadPDF  readPDFCommand  `cmd:"" name:"read-pdf" hidden:"" help:"Read a PDF from standard input; the server starts this for each file."`
	Bank     bankCommand     `cmd:"" help:"Check a question bank of your own, or copy the built-in one to begin from."`
	Version  versionCommand  `cmd:"" help:"Say which build this is."`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "greenroom:", err)
		os.Exit(statusOf(err))
	}
}

// statusError is an outcome that a script tells from a failure, which ends with status 1.
type statusError struct {
	status int
	error
}

func statusOf(err error) int {
	if outcome, ok := errors.AsType[statusError](err); ok {
		return outcome.status
	}
	return 1
}

func run(args []string) error {
	var c commands
	parser, err := kong.New(&c,
		kong.Name("greenroom"),
		kong.Description("A self-hosted AI mock-interview media server."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(code int) { os.Exit(min(code, 1)) }), // kong's own codes say nothing more
	)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		parser.FatalIfErrorf(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run()
}

type versionCommand struct{}

// Run prints the build.
func (versionCommand) Run() {
	fmt.Println(buildName())
}

// buildName is the version control state this program was built from.
func buildName() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "greenroom (unknown build)"
	}
	name, changed := "development", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			name = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changes"
		}
	}
	return "greenroom " + name + changed
}
