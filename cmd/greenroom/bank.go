package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"text/tabwriter"
	"time"

	"greenroom/assess"
)

// readBank reads the bank of a folder, or the built-in one.
func readBank(dir string) (assess.Bank, error) {
	if dir == "" {
		return assess.BuiltInBank()
	}
	bank, err := assess.ReadBank(os.DirFS(dir))
	if err != nil {
		return assess.Bank{}, fmt.Errorf("question bank in %s (GREENROOM_BANK_DIR): %w\ndocs/question-bank.md has the rules", dir, err)
	}
	return bank, nil
}

type bankCommand struct {
	Check bankCheck `cmd:"" help:"Say what is wrong in a question bank, or what is in it."`
	Copy  bankCopy  `cmd:"" help:"Write the built-in question bank into a new folder, to change it there."`
}

type bankCheck struct {
	Dir string `arg:"" optional:"" help:"Folder of the bank; the built-in one if empty."`
}

// Run prints every problem, or one line for each role.
func (c bankCheck) Run() error {
	bank, err := readBank(c.Dir)
	if err != nil {
		return err
	}
	return printBank(os.Stdout, bank)
}

func printBank(w io.Writer, bank assess.Bank) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(table, format, args...) } // the error comes with Flush
	say("question bank %s, %d roles, %d competencies, SHA-256 %s\n", bank.Version, len(bank.Roles), len(bank.Competencies), bank.SHA256)
	for _, role := range bank.Roles {
		kinds := map[string]int{}
		for _, q := range role.Questions {
			kinds[q.Kind]++
		}
		say("  %s\t%d questions:", role.ID, len(role.Questions))
		for _, kind := range assess.Kinds() {
			say("\t%d %s", kinds[kind], kind)
		}
		say("\tinterviews of %d to %d, %d take at most %v\n", assess.LeastQuestions, role.MostQuestions(),
			assess.UsualQuestions, role.LongestPlan(assess.UsualQuestions).Round(time.Second))
	}
	return table.Flush()
}

type bankCopy struct {
	Dir string `arg:"" help:"Folder to make; it must not be there yet, or be empty."`
}

// Run writes the files; none that is there is touched.
func (c bankCopy) Run() error {
	entries, err := os.ReadDir(c.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("copy question bank: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("copy question bank: %s is not empty: name a new folder", c.Dir)
	}
	if err := os.CopyFS(c.Dir, assess.BuiltInFiles()); err != nil {
		return fmt.Errorf("copy question bank: %w", err)
	}
	fmt.Printf("The built-in question bank is in %s. Change it, give it a version of its own, then:\n  greenroom bank check %s\n  greenroom serve --bank-dir %s\n", c.Dir, c.Dir, c.Dir)
	return nil
}
