package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"greenroom/assess"
	"greenroom/cmd/greenroom/rehearse"
)

type rehearseCommand struct {
	Server    string        `help:"Address of the server." default:"http://localhost:8080" env:"GREENROOM_SERVER" placeholder:"URL"`
	Email     string        `help:"Account of a candidate; without one a new candidate signs up."`
	Password  string        `help:"Its password." env:"GREENROOM_REHEARSE_PASSWORD"`
	Session   string        `help:"Interview of the account to go on with, after a lost connection; a new one if empty."`
	Role      string        `help:"Id of the role to practise; the first of the bank if empty."`
	Speech    []string      `help:"Ogg Opus files to speak, one for each answer in turn; answers made for the purpose if none." type:"existingfile"`
	Video     string        `help:"IVF file with VP8 to show; a moving test picture if none." type:"existingfile"`
	Answers   int           `help:"Finish after so many answers; 0 for all of them."`
	Refuse    []string      `help:"Consents to refuse: recording, transcription, assessment." enum:"recording,transcription,assessment"`
	Aloud     string        `help:"Ogg Opus file that the microphone hears while the first question is said aloud, as from a loudspeaker." type:"existingfile"`
	Interrupt time.Duration `help:"After this much of it the rest is the candidate, who interrupts."`
	FollowUps bool          `help:"Let the server's model ask follow-up questions of its own."`
	Silent    bool          `help:"Let silence end the answers instead of saying that they are done."`
	Share     string        `help:"Organization to authorize afterwards, for everything there is."`
	Demo      bool          `help:"Rehearse as the demo candidate and authorize the demo organization, so that there is something to look at."`
	DataDir   string        `help:"Data folder of the server, for the demo accounts." default:".greenroom/data" env:"GREENROOM_DATA" placeholder:"DIR"`
	Reference string        `help:"File with the words that the speech says; the word error rate is then reported." type:"existingfile"`
	Sessions  int           `help:"So many candidates at the same time." default:"1"`
	JSON      bool          `name:"json" help:"Print the result as JSON."`
}

// rehearsed is the printed result.
type rehearsed struct {
	rehearse.Result
	WordErrorRate *float64 `json:"word_error_rate,omitempty"`
	Error         string   `json:"error,omitempty"`
}

// Run rehearses and fails if any check failed.
func (c *rehearseCommand) Run(ctx context.Context) error {
	config, err := c.config()
	if err != nil {
		return err
	}
	results := make([]rehearsed, c.Sessions)
	var all sync.WaitGroup
	for n := range results {
		all.Go(func() { results[n] = c.one(ctx, config, n) })
	}
	all.Wait()
	if c.JSON {
		if err := printJSON(results); err != nil {
			return err
		}
	}
	var failed []error
	for n, r := range results {
		if r.Error != "" {
			failed = append(failed, fmt.Errorf("rehearsal %d: %s", n+1, r.Error))
		} else if !r.OK() {
			failed = append(failed, fmt.Errorf("rehearsal %d: a check failed", n+1))
		}
	}
	return errors.Join(failed...)
}

func (c *rehearseCommand) config() (rehearse.Config, error) {
	config := rehearse.Config{
		Server: c.Server, Email: c.Email, Password: c.Password, Session: c.Session, Role: c.Role,
		Speech: c.Speech, Video: c.Video, Answers: c.Answers, FollowUps: c.FollowUps, Silent: c.Silent, Aloud: c.Aloud, Interrupt: c.Interrupt,
	}
	if c.Sessions < 1 || c.Sessions > 200 {
		return config, fmt.Errorf("--sessions is %d: use 1 to 200", c.Sessions)
	}
	for _, refused := range c.Refuse {
		switch refused {
		case "recording":
			config.Refuse.Recording = true
		case "transcription":
			config.Refuse.Transcription, config.Refuse.Assessment = true, true
		case "assessment":
			config.Refuse.Assessment = true
		}
	}
	config.Share.Organization = c.Share
	if c.Demo {
		demo, err := readDemo(filepath.Join(c.DataDir, "secrets"))
		if err != nil {
			return config, fmt.Errorf("%w; name the data folder of the running server with --data-dir", err)
		}
		config.Email, config.Password = demo.Candidate.Email, demo.Candidate.Password
		config.Share.Organization = demoOrganization
	}
	config.Share.Scopes = []string{"ratings", "feedback", "transcript", "recording.audio", "recording.video"}
	return config, nil
}

func (c *rehearseCommand) one(ctx context.Context, config rehearse.Config, n int) rehearsed {
	config.Progress = func(line string) {
		if c.Sessions > 1 {
			line = fmt.Sprintf("[%d] %s", n+1, line)
		}
		fmt.Fprintln(os.Stderr, line)
	}
	result, err := rehearse.Run(ctx, config)
	out := rehearsed{Result: result}
	if err != nil {
		out.Error = err.Error()
	}
	if c.Reference != "" {
		if said, err := os.ReadFile(c.Reference); err == nil {
			rate := assess.CountWordErrors(string(said), strings.Join(result.Lines, " ")).Rate()
			out.WordErrorRate = &rate
			config.Progress(fmt.Sprintf("word error rate: %.1f %%", 100*rate))
		}
	}
	for _, check := range result.Checks {
		mark := "ok    "
		if !check.OK {
			mark = "FAILED"
		}
		config.Progress(fmt.Sprintf("%s %s (%s)", mark, check.Name, check.Detail))
	}
	return out
}

// printJSON prints one result as an object, several as an array.
func printJSON(results []rehearsed) error {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	if len(results) == 1 {
		return encoder.Encode(results[0])
	}
	return encoder.Encode(results)
}
