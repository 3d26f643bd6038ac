package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"greenroom/assess/eval"
)

// The command ends with an error that names what a rater does not meet, and with none for the reference.
func TestEvalFailsForABadRaterAndSaysWhy(t *testing.T) {
	t.Parallel()
	for rater, fails := range map[string]string{"constant": "beats-constant", "quote-inventing": "quotes-made-up", "reference": ""} {
		path := filepath.Join(t.TempDir(), "found.json")
		args := []string{"eval", "--rater", rater, "--sample", "20", "--parallel", "4", "--json", path}
		if rater == "constant" { // here, so that the race detector sees one of them at work
			if err := run(args); !errors.Is(err, errRater) || !strings.Contains(err.Error(), fails) {
				t.Errorf("%s: %v, want %q named", rater, err, fails)
			}
		} else if said, err := builtCommand(t, args...).CombinedOutput(); (err == nil) != (fails == "") ||
			fails != "" && (!strings.Contains(string(said), errRater.Error()) || !strings.Contains(string(said), fails)) {
			t.Errorf("%s: %v, want %q named:\n%s", rater, err, fails, said)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var report eval.Report
		if err := json.Unmarshal(text, &report); err != nil {
			t.Fatal(err)
		}
		if report.Answers != 20 || report.LevelsFrom != eval.Construction || report.Fails(fails) != (fails != "") {
			t.Errorf("%s: %d answers, levels from %q, %s", rater, report.Answers, report.LevelsFrom, report.Verdict)
		}
		model := "openai:" + rater
		if card := report.Card(); len(report.Probed) != 1 || report.Probed[0].Model != model || report.Probed[0].Held == "" ||
			!slices.Equal(card.Probed, report.Probed) || !slices.Equal(card.Answered[model], []string{""}) {
			t.Errorf("%s: probed %+v, answered as %q", rater, report.Probed, report.Answered)
		}
	}
}

// What cannot work is said before anything is asked.
func TestEvalSaysWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no model":             {nil, "GREENROOM_AI_BASE_URL"},
		"a card for a fake":    {[]string{"--rater", "reference", "--card", "x"}, "configured model"},
		"no people":            {[]string{"--rater", "reference", "--levels", "human"}, "not human ratings"},
		"an empty gold folder": {[]string{"--rater", "reference", "--gold", t.TempDir()}, "no file *.json"},
		"a far model":          {[]string{"--ai-base-url", "https://models.example/v1", "--ai-chat-model", "m"}, "GREENROOM_AI_PROVIDER_FILE"},
		"a model that is down": {[]string{"--sample", "1", "--ai-base-url", "http://127.0.0.1:1/v1", "--ai-chat-model", "m"}, "check that the server runs"},
		"too much at once":     {[]string{"--rater", "reference", "--parallel", "1000"}, "--parallel"},
	} {
		if err := run(append([]string{"eval"}, c.args...)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
}
