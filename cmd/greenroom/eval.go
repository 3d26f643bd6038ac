package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"greenroom/assess"
	"greenroom/assess/eval"
	"greenroom/assess/openaitest"
)

type evalCommand struct {
	Gold            string   `help:"Folder of a gold set, as docs/evaluation.md describes; the built-in one if empty." type:"existingdir" placeholder:"DIR"`
	BankDir         string   `name:"bank-dir" help:"Folder of the question bank; the built-in one if empty." env:"GREENROOM_BANK_DIR" placeholder:"DIR"`
	Levels          string   `help:"Levels to compare with: those by construction, or the median of the people who rated an answer." enum:"construction,human" default:"construction"`
	Rater           string   `help:"Whom to try: the configured model, or a built-in rater with a known fault, over the same wire." enum:"configured,reference,noisy,constant,length,gullible,quote-inventing" default:"configured"`
	Sample          int      `help:"Try at most so many of each part; 0 for all."`
	Repeat          int      `help:"Rate the answers so many times more, to see whether the levels stay the same."`
	Attacks         bool     `help:"Slip attacks into answers, and try honest answers that look like attacks."`
	Counterfactuals bool     `help:"Try the same answer by others, in other grammar, and misheard."`
	Parallel        int      `help:"Answers that are rated at the same time." default:"1"`
	JSON            string   `name:"json" help:"File to write everything that was found to." placeholder:"FILE"`
	Card            string   `help:"File to write the agreement card to, for serve --agreement-card." placeholder:"FILE"`
	AI              aiConfig `embed:"" prefix:"ai-" envprefix:"GREENROOM_AI_"`
}

// errRater says that a rater was tried and did not reach what it has to.
var errRater = errors.New("the rater does not meet")

// Run tries the rater, prints what was found, and fails if a criterion that was measured is not met.
func (c *evalCommand) Run(ctx context.Context) error {
	bank, err := readBank(c.BankDir)
	if err != nil {
		return err
	}
	set, err := c.set(bank)
	if err != nil {
		return err
	}
	model, second, done, err := c.models(set)
	if err != nil {
		return err
	}
	defer done()
	if c.Parallel < 1 || c.Parallel > 64 || c.Sample < 0 || c.Repeat < 0 || c.Repeat > 20 {
		return fmt.Errorf("use --parallel 1 to 64, --sample 0 or more and --repeat 0 to 20")
	}
	report, err := eval.Evaluate(ctx, &eval.Runner{Bank: bank, Model: model, Second: second, Parallel: c.Parallel, Progress: showProgress("rated")}, set, eval.Options{
		Sample: c.Sample, Repeat: c.Repeat, Attacks: c.Attacks, Counterfactuals: c.Counterfactuals, Levels: eval.LevelsFrom(c.Levels),
	})
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return err
	}
	if err := report.Print(os.Stdout); err != nil {
		return err
	}
	if err := c.write(report); err != nil {
		return err
	}
	if failed := report.Failed(); len(failed) > 0 {
		return fmt.Errorf("%w: %s", errRater, strings.Join(failed, ", "))
	}
	return nil
}

func (c *evalCommand) set(bank assess.Bank) (eval.Set, error) {
	if c.Gold == "" {
		builtIn, err := eval.BuiltIn(bank)
		if err != nil {
			return eval.Set{}, fmt.Errorf("the built-in gold set does not fit this bank: name one that does with --gold: %w", err)
		}
		return builtIn, nil
	}
	own, err := assess.BuiltInBank()
	if err != nil {
		return eval.Set{}, err
	}
	builtIn, err := eval.BuiltIn(own)
	if err != nil {
		return eval.Set{}, err
	}
	set, err := eval.Load(os.DirFS(c.Gold), bank)
	if err != nil {
		return eval.Set{}, fmt.Errorf("--gold %s: %w", c.Gold, err)
	}
	set.BorrowFrom(builtIn)
	return set, nil
}

// models are the configured ones, or a built-in rater behind a server of its own on this machine.
func (c *evalCommand) models(set eval.Set) (model, second assess.Model, done func(), err error) {
	if c.Rater != "configured" {
		if c.Card != "" {
			return nil, nil, nil, fmt.Errorf("--card is for the configured model: nobody is rated by the built-in rater %q", c.Rater)
		}
		server := openaitest.New()
		server.AnswerChat(builtInRater(c.Rater, set))
		model, err := assess.NewOpenAIModel(assess.OpenAIConfig{BaseURL: server.BaseURL(), ChatModel: c.Rater})
		return model, nil, server.Close, err
	}
	settings := config{AI: c.AI}
	if err := readSecret(&settings.AI.APIKey, settings.AI.APIKeyFile, "GREENROOM_AI_API_KEY"); err != nil {
		return nil, nil, nil, err
	}
	if settings.AI.BaseURL == "" || settings.AI.ChatModel == "" {
		return nil, nil, nil, fmt.Errorf("no model is configured: set GREENROOM_AI_BASE_URL and GREENROOM_AI_CHAT_MODEL as for serve, or try a built-in one with --rater reference")
	}
	provider, err := settings.provider(time.Now())
	if err != nil {
		return nil, nil, nil, err
	}
	if model, err = assess.NewOpenAIModel(settings.openAI(provider)); err != nil || settings.AI.SecondModel == "" {
		return model, nil, func() {}, err
	}
	other := settings.openAI(provider)
	other.ChatModel = settings.AI.SecondModel
	second, err = assess.NewOpenAIModel(other)
	return model, second, func() {}, err
}

// builtInRater is a rater whose fault is known, so that the harness can be seen to find it.
func builtInRater(name string, set eval.Set) openaitest.Rater {
	knows := eval.NewOracle(set).Level
	switch name {
	case "constant":
		return openaitest.ConstantRater(3)
	case "length":
		return openaitest.LengthRater()
	case "gullible":
		return openaitest.GullibleRater(knows)
	case "quote-inventing":
		return openaitest.QuoteInventingRater(knows)
	case "noisy":
		return openaitest.NewRater(openaitest.Noisy(knows, 40, "noise"))
	default:
		return openaitest.NewRater(knows)
	}
}

func (c *evalCommand) write(report eval.Report) error {
	for path, what := range map[string]any{c.JSON: report, c.Card: report.Card()} {
		if path == "" {
			continue
		}
		text, err := json.MarshalIndent(what, "", "  ")
		if err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
	}
	return nil
}

// showProgress writes one line over and over on a terminal's error output, and a line for each tenth elsewhere.
func showProgress(what string) func(done, all int) {
	info, err := os.Stderr.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	tenth := -1
	return func(done, all int) {
		switch now := 10 * done / all; {
		case terminal:
			fmt.Fprintf(os.Stderr, "\r%s %d of %d", what, done, all)
		case now != tenth:
			tenth = now
			fmt.Fprintf(os.Stderr, "%s %d of %d\n", what, done, all)
		}
	}
}
