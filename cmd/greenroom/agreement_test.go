package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greenroom/assess"
	"greenroom/assess/eval"
	"greenroom/assess/openaitest"
	"greenroom/web"
)

// peopleAgree writes the built-in answers with two people's ratings, which are as the levels were meant.
func peopleAgree(t *testing.T, set eval.Set) string {
	t.Helper()
	folder := t.TempDir()
	files := map[string]map[string]any{}
	for _, a := range set.Answers {
		a.Human = []eval.Human{{Rater: "a", Level: a.Level}, {Rater: "b", Level: a.Level}}
		if files[a.Question] == nil {
			files[a.Question] = map[string]any{"question": a.Question, "competency": a.Target, "note": "", "answers": []eval.Answer{}}
		}
		files[a.Question]["answers"] = append(files[a.Question]["answers"].([]eval.Answer), a) //nolint:forcetypeassert // made above
	}
	for question, file := range files {
		text, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, question+".json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// builtInSet is the built-in bank's gold set.
func builtInSet(t *testing.T) eval.Set {
	t.Helper()
	bank, err := assess.BuiltInBank()
	if err != nil {
		t.Fatal(err)
	}
	set, err := eval.BuiltIn(bank)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// From answers that people rated to the report: eval writes a card, serve takes it, and the label of the
// levels changes for candidate and employer.
func TestACardByPeopleChangesTheLabel(t *testing.T) {
	t.Parallel()
	set := builtInSet(t)
	knows := eval.NewOracle(set).Level
	ai := openaitest.New()
	t.Cleanup(ai.Close)
	ai.AnswerChat(openaitest.NewRater(func(answer string) (int, bool) {
		if level, known := knows(answer); known {
			return level, true
		}
		return 3, true // what the rehearsal says
	}))
	card := filepath.Join(t.TempDir(), "card.json")
	command := builtCommand(t, "eval", "--gold", peopleAgree(t, set), "--levels", "human", "--parallel", "4", "--card", card,
		"--ai-base-url", ai.BaseURL(), "--ai-chat-model", openaitest.ChatModel)
	if said, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, said)
	}
	p := startProgram(t, t.TempDir(), "GREENROOM_AI_BASE_URL="+ai.BaseURL(), "GREENROOM_AI_CHAT_MODEL="+openaitest.ChatModel, "GREENROOM_AGREEMENT_CARD="+card)
	result := p.rehearse("--demo", "--speech", firstSeconds(t, 1, 8), "--answers", "1")
	employer := p.logIn(p.accounts().Employer)
	employer.post(t, "/api/v1/shared/"+result.Session+"/rating-form/done", "", 204) // a person's own levels come first
	for who, seen := range map[string]string{
		"candidate": p.logIn(p.accounts().Candidate).get(t, "/api/v1/sessions/"+result.Session+"/report", 200),
		"employer":  employer.get(t, "/api/v1/shared/"+result.Session+"/report", 200),
	} {
		var report struct {
			Label     string
			Agreement struct {
				People, Answers int
				Kappa           struct{ Value float64 }
			}
		}
		decode(t, seen, &report)
		if !strings.Contains(report.Label, "the median of at least 2 people was 1.00") || report.Agreement.People != 2 || report.Agreement.Answers != len(set.Answers) || report.Agreement.Kappa.Value != 1 {
			t.Errorf("%s: label %q, agreement %+v", who, report.Label, report.Agreement)
		}
	}
}

// A card that does not hold leaves the label as it is, and the log says why; a file that is none ends the start.
func TestACardThatDoesNotHoldIsSaidAndNotUsed(t *testing.T) {
	t.Parallel()
	bank, err := assess.BuiltInBank()
	if err != nil {
		t.Fatal(err)
	}
	card := assess.AgreementCard{
		Card: assess.CardKind, Models: []string{"openai:m"}, LevelsFrom: "construction", N: 120,
		PromptsSHA256: assess.PromptsSHA256(), RubricSHA256: assess.RubricsSHA256(bank), BankSHA256: bank.SHA256,
	}
	text, err := json.Marshal(card)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ file, said, fails string }{
		"constructed levels": {string(text), "by construction", ""},
		"no card":            {"{}", "", "GREENROOM_AGREEMENT_CARD"},
		"no JSON":            {"level 5", "", "greenroom eval --card"},
	} {
		path := filepath.Join(t.TempDir(), "card.json")
		if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		a := &app{config: &config{AgreementCard: path}, log: slog.New(slog.NewTextHandler(&log, nil)), judge: web.Judge{AssessorModel: "openai:m"}}
		held, err := a.agreementCard(bank)
		if held != nil || !strings.Contains(log.String(), c.said) || (c.fails == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: %v, %v, log %q", name, held, err, log.String())
		}
	}
	if held, err := (&app{config: &config{}}).agreementCard(bank); held != nil || err != nil {
		t.Errorf("none is configured: %v, %v", held, err)
	}
	if _, err := (&app{config: &config{AgreementCard: filepath.Join(t.TempDir(), "none")}}).agreementCard(bank); err == nil {
		t.Error("a file that is not there starts")
	}
}
