package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"greenroom/assess/eval"
	"greenroom/consent"
	"greenroom/storage"
	"greenroom/web"
)

var _ eval.Stored = (*storage.Results)(nil)

type replayCommand struct {
	ownerConfig `embed:""`
	LedgerDir   string   `help:"Folder of the ledger's journal of the running server; DATA/ledger if empty." env:"GREENROOM_LEDGER" placeholder:"DIR"`
	Session     string   `help:"One session, by its id." placeholder:"ID"`
	Since       string   `help:"Sessions made on that day or later, e.g. 2026-11-01." placeholder:"DATE"`
	Sample      int      `help:"Rate at most so many sessions again, drawn at random; 0 for all."`
	Seed        uint64   `help:"Another number draws others." default:"1"`
	Rater       string   `help:"Who rates: the models as they are configured, or one of the two alone." enum:"configured,first,second" default:"configured"`
	JSON        string   `name:"json" help:"File to write what was found to." placeholder:"FILE"`
	AI          aiConfig `embed:"" prefix:"ai-" envprefix:"GREENROOM_AI_"`

	Check  replayCheck `embed:""`
	Export string      `help:"Rate the interviews in a candidate's own export instead, without a server or a database." type:"existingfile" placeholder:"FILE"`
	Keys   string      `help:"File with the public keys of the server that made the export." placeholder:"FILE"`
	Server string      `help:"Fetch the public keys from that server." placeholder:"URL"`
}

// Run rates sessions again and prints the drift, also of what was done before something failed.
func (c *replayCommand) Run(ctx context.Context) error {
	since, only, err := c.which()
	if err != nil {
		return err
	}
	if err := c.Check.sane(); err != nil {
		return err
	}
	raters, err := c.raters()
	if err != nil {
		return err
	}
	var found eval.Replayed
	if c.Export != "" {
		found, err = c.exported(ctx, raters, only)
	} else {
		found, err = c.stored(ctx, raters, since, only)
	}
	if err != nil && found.At.IsZero() {
		return err // nothing was begun
	}
	verdict := c.Check.hold(&found)
	if err := c.tell(found, err); err != nil {
		return err
	}
	return c.Check.status(found, verdict)
}

// stored rates what the running server's database has.
func (c *replayCommand) stored(ctx context.Context, raters *app, since time.Time, only consent.SessionID) (found eval.Replayed, err error) {
	database, err := c.connect(ctx)
	if err != nil {
		return found, err
	}
	defer database.Close()
	keys, err := storage.OpenKeys(ctx, database, filepath.Join(c.DataDir, "secrets", "master.key"))
	if err != nil {
		return found, err
	}
	results := storage.NewResults(database, keys)
	sessions := []consent.SessionID{only}
	if only == "" {
		if sessions, err = results.OverSince(ctx, since); err != nil {
			return found, err
		}
	}
	if c.Sample > 0 {
		random := rand.New(rand.NewPCG(c.Seed, 0)) //nolint:gosec // a sample, not a secret
		random.Shuffle(len(sessions), func(i, j int) { sessions[i], sessions[j] = sessions[j], sessions[i] })
	}
	replay := &eval.Replay{
		Stored: results, Gate: consent.Gate{Reader: storage.NewSnapshots(database), Notice: web.NoticeFor(raters.judge).SHA256()},
		Model: raters.model, Second: raters.second, Most: c.Sample, Progress: showProgress("looked at"),
	}
	found, err = replay.Run(ctx, sessions)
	fmt.Fprintln(os.Stderr)
	return found, err //nolint:wrapcheck // says what was tried
}

// tell prints and writes what was found, and says how far it came if it did not come to its end.
func (c *replayCommand) tell(found eval.Replayed, failure error) error {
	if failure != nil {
		failure = fmt.Errorf("%w\n%d of %d sessions were rated again before; what is stored is as it was. Run it again once this is mended", failure, found.Rated, found.Listed)
	}
	if err := found.Print(os.Stdout); err != nil {
		return errors.Join(failure, err)
	}
	if c.JSON == "" {
		return failure
	}
	text, err := json.MarshalIndent(found, "", "  ")
	if err == nil {
		err = os.WriteFile(c.JSON, append(text, '\n'), 0o600)
	}
	if err != nil {
		err = fmt.Errorf("write the result: %w", err)
	}
	return errors.Join(failure, err)
}

// which reads the settings that choose sessions.
func (c *replayCommand) which() (since time.Time, only consent.SessionID, err error) {
	if c.Sample < 0 {
		return since, "", errors.New("use --sample 0 or more")
	}
	if c.Export != "" && (c.Since != "" || c.Sample > 0) {
		return since, "", errors.New("--export has the interviews of one candidate: choose one with --session, and leave out --since and --sample")
	}
	if c.Export == "" && (c.Keys != "" || c.Server != "") {
		return since, "", errors.New("--keys and --server are for --export: leave them out")
	}
	if c.Session != "" {
		if c.Since != "" || c.Sample > 0 {
			return since, "", errors.New("--session is one session: leave out --since and --sample")
		}
		if only, err = consent.ParseID[consent.SessionID](c.Session); err != nil {
			return since, "", fmt.Errorf("%q is no session: its id is in the address of its page", c.Session)
		}
	}
	if c.Since != "" {
		if since, err = time.Parse(time.DateOnly, c.Since); err != nil {
			return since, "", fmt.Errorf("--since %q is no day: write it like 2026-11-01", c.Since)
		}
	}
	return since, only, nil
}

// raters are the configured models, and what the notice of a server with the same settings says: the gate lets
// pass only those sessions whose candidates answered that one.
func (c *replayCommand) raters() (*app, error) {
	a := &app{config: &config{AI: c.AI}, log: slog.New(slog.DiscardHandler)}
	if err := readSecret(&a.AI.APIKey, a.AI.APIKeyFile, "GREENROOM_AI_API_KEY"); err != nil {
		return nil, err
	}
	if err := a.AI.check(); err != nil {
		return nil, err
	}
	if a.AI.ChatModel == "" {
		return nil, errors.New("no model is configured: set GREENROOM_AI_BASE_URL and GREENROOM_AI_CHAT_MODEL as for serve")
	}
	if c.Rater != "configured" && a.AI.SecondModel == "" {
		return nil, fmt.Errorf("--rater %s chooses one of two models: set GREENROOM_AI_SECOND_CHAT_MODEL as for serve", c.Rater)
	}
	var err error
	if a.judge.Provider, err = a.provider(time.Now()); err != nil {
		return nil, err
	}
	if err := a.openSpeechServer(); err != nil {
		return nil, err
	}
	if err := a.openRaters(); err != nil {
		return nil, err
	}
	switch c.Rater {
	case "first":
		a.second = nil
	case "second":
		a.model, a.second = a.second, nil
	}
	return a, nil
}

// connect opens the database beside the server that works with it. Without one nobody has told a database that
// was restored from a backup what has ended since.
func (c *replayCommand) connect(ctx context.Context) (*storage.Database, error) {
	url, err := c.url()
	if err != nil {
		return nil, err
	}
	ledger := c.LedgerDir
	if ledger == "" {
		ledger = filepath.Join(c.DataDir, "ledger")
	}
	if !storage.JournalInUse(ledger) {
		return nil, fmt.Errorf("no server works with the ledger in %s: start it first, and name its folders with --data-dir and --ledger-dir as it has them", ledger)
	}
	database, err := storage.ConnectDatabase(ctx, url, filepath.Join(c.DataDir, "secrets"))
	if err != nil {
		return nil, fmt.Errorf("%w\nname the data folder of the running server with --data-dir", err)
	}
	return database, nil
}
