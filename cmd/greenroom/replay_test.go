package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"greenroom/assess/eval"
	"greenroom/assess/openaitest"
)

// replayed runs the command beside the server, with its settings and more arguments.
func (p *program) replayed(args ...string) (found eval.Replayed, said string, err error) {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "replayed.json")
	command := programCommand(p.t.Context(), p.t, append([]string{"replay", "--data-dir", p.dataDir, "--json", file}, args...)...)
	command.Env = append(command.Env, p.settings...)
	out, err := command.CombinedOutput()
	if text, readErr := os.ReadFile(file); readErr == nil {
		if readErr := json.Unmarshal(text, &found); readErr != nil {
			p.t.Fatal(readErr)
		}
	}
	return found, string(out), err
}

// An interview with a running server and its database, rated again by the same model, by one that changed behind
// its name, by one that is gone, by another that the notice does not name, and after the consent was withdrawn.
func TestReplayRatesStoredSessionsAgainAndChangesNothing(t *testing.T) {
	t.Parallel()
	ai := openaitest.New()
	t.Cleanup(ai.Close)
	var level atomic.Int64
	level.Store(3)
	ai.AnswerChat(openaitest.NewRater(func(string) (int, bool) { return int(level.Load()), true }))
	p := startProgram(t, preparedFolder(t), "GREENROOM_AI_BASE_URL="+ai.BaseURL(), "GREENROOM_AI_CHAT_MODEL="+openaitest.ChatModel,
		"GREENROOM_AI_API_KEY=key-that-is-secret")
	result := p.rehearse("--demo", "--speech", firstSeconds(t, 1, 12), "--answers", "1")
	candidate := p.logIn(p.accounts().Candidate)
	stored := candidate.get(t, "/api/v1/sessions/"+result.Session+"/report", 200)
	calls := len(candidate.get(t, "/api/v1/me/ai-calls", 200))
	ai.Take()
	stopped := false
	check := func(found eval.Replayed, said string) {
		t.Helper()
		if !stopped {
			if now := candidate.get(t, "/api/v1/sessions/"+result.Session+"/report", 200); now != stored {
				t.Errorf("what is stored was changed: %s, was %s", now, stored)
			}
		}
		for _, line := range result.Lines {
			if strings.Contains(said, line) {
				t.Errorf("what was said in the interview was printed: %q", line)
			}
		}
		if strings.Contains(said, "key-that-is-secret") {
			t.Error("the model server's key was printed")
		}
		if found.Listed != 1 {
			t.Errorf("%d sessions were listed, want 1\n%s", found.Listed, said)
		}
	}

	candidate.post(t, "/api/v1/exports", `{"session":"`+result.Session+`"}`, 201)
	copied := filepath.Join(t.TempDir(), "export.zip")
	for name, text := range map[string]string{
		copied:           candidate.get(t, downloadOf(candidate.awaitExport(t)), 200),
		copied + ".keys": candidate.get(t, "/api/v1/keys", 200),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	limits := []string{"--check", "--most-difference", "1", "--least-same", "0.5", "--least-levels", "2"}

	found, said, err := p.replayed(limits...)
	check(found, said)
	if err != nil || found.Rated != 1 || found.Overall.N == 0 || found.Overall.MAE.Value != 0 || found.Overall.Exact.Value != 1 {
		t.Fatalf("the same model: %v, %+v\n%s", err, found, said)
	}
	if more := len(candidate.get(t, "/api/v1/me/ai-calls", 200)); len(ai.Take()) == 0 || more == calls {
		t.Error("the candidate does not see that a model was asked again")
	}

	level.Store(5)
	found, said, err = p.replayed(append(limits, "--session", result.Session)...)
	check(found, said)
	if exitStatus(err) != statusDrifted || found.Overall.Difference.Value != 2 || found.Overall.Exact.Value != 0 || len(found.Largest) != found.Overall.N ||
		!strings.Contains(said, "3 to 5") || !strings.Contains(said, result.Session) {
		t.Errorf("a model that changed behind its name: %v, %+v\n%s", err, found, said)
	}

	ai.Fail(openaitest.PathChat, openaitest.Unauthorized, -1)
	found, said, err = p.replayed()
	check(found, said)
	if err == nil || !strings.Contains(said, "0 of 1 sessions were rated again before; what is stored is as it was") || found.Failed == 0 {
		t.Errorf("no model: %v\n%s", err, said)
	}
	ai.Heal()
	ai.Take()

	found, said, err = p.replayed("--ai-chat-model", "another", "--sample", "5")
	check(found, said)
	if err != nil || found.Refused[eval.RefusedNotice] != 1 || found.Rated != 0 {
		t.Errorf("a model that the notice does not name: %v, %+v\n%s", err, found, said)
	}
	p.withdraw(candidate, result.Session, "assessment")
	stored = candidate.get(t, "/api/v1/sessions/"+result.Session+"/report", 200)
	found, said, err = p.replayed(limits...)
	check(found, said)
	if exitStatus(err) != statusTooLittle || found.Refused[eval.RefusedNotConsented] != 1 || found.Rated != 0 {
		t.Errorf("after the withdrawal: %v, %+v\n%s", err, found, said)
	}
	if asked := ai.Take(); len(asked) > 0 {
		t.Errorf("%d requests about sessions that the gate refuses", len(asked))
	}

	p.stop()
	stopped = true
	if _, said, err = p.replayed(); err == nil || !strings.Contains(said, "no embedded database runs") {
		t.Errorf("without a server: %v\n%s", err, said)
	}
	// The candidate's copy is theirs, also without a server, and whatever was withdrawn since.
	found, said, err = p.replayed("--export", copied, "--keys", copied+".keys")
	check(found, said)
	if err != nil || found.Rated != 1 || found.Overall.N == 0 || found.Overall.Difference.Value != 2 ||
		found.Models.Changed+found.Prompts.Changed+found.Banks.Changed > 0 || strings.Contains(said, "rubrics") {
		t.Errorf("the candidate's export: %v, %+v\n%s", err, found, said)
	}
	file, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	file[len(file)/2] ^= 1
	if err := os.WriteFile(copied, file, 0o600); err != nil {
		t.Fatal(err)
	}
	ai.Take()
	if _, said, err = p.replayed("--export", copied, "--keys", copied+".keys"); err == nil || !strings.Contains(said, "nothing of it was rated") || len(ai.Take()) > 0 {
		t.Errorf("an export that was changed: %v\n%s", err, said)
	}
}

// Of an answer that no model rated nobody knows whether its level moved.
func TestReplayChecksNothingWhereAnswersFailed(t *testing.T) {
	t.Parallel()
	for _, verdict := range []eval.Verdict{eval.VerdictWithin, eval.VerdictExceeded, eval.VerdictUnknown} {
		_, hasStatus := errors.AsType[statusError](replayCheck{Check: true}.status(eval.Replayed{Failed: 1}, verdict))
		if err := (replayCheck{Check: true}).status(eval.Replayed{Failed: 1}, verdict); err == nil || hasStatus {
			t.Errorf("%s with --check: %v, want a failure", verdict, err)
		}
	}
	if err := (replayCheck{}).status(eval.Replayed{Failed: 1}, eval.VerdictWithin); err != nil {
		t.Errorf("without --check: %v", err)
	}
}

func exitStatus(err error) int {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return 0
	}
	return exit.ExitCode()
}

// What cannot work is said before anything is opened or sent.
func TestReplaySaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	model := []string{"--ai-base-url", "http://127.0.0.1:9/v1", "--ai-chat-model", "m", "--data-dir", folder}
	with := func(args ...string) []string { return append(args, model...) }
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no model":            {nil, "GREENROOM_AI_CHAT_MODEL"},
		"no session":          {with("--session", "x"), "no session"},
		"a session and a day": {with("--session", "x", "--since", "2026-11-01"), "leave out --since"},
		"no day":              {with("--since", "yesterday"), "2026-11-01"},
		"a negative sample":   {with("--sample=-1"), "--sample"},
		"one of one":          {with("--rater", "second"), "GREENROOM_AI_SECOND_CHAT_MODEL"},
		"a far model":         {[]string{"--ai-base-url", "https://models.example/v1", "--ai-chat-model", "m"}, "GREENROOM_AI_PROVIDER_FILE"},
		"no database":         {with(), "name the data folder of a running server"},
		"no limit":            {with("--check"), "needs a limit"},
		"no check":            {with("--least-same", "0.5"), "add it"},
		"no share":            {with("--check", "--least-same", "50"), "use 0 to 1"},
		"no number":           {with("--check", "--least-kappa", "NaN"), "use -1 to 1"},
		"one level":           {with("--check", "--least-kappa", "0", "--least-levels", "1"), "use 2 or more"},
		"an export since":     {with("--export", "replay_test.go", "--since", "2026-11-01"), "leave out --since"},
		"keys of nothing":     {with("--keys", "replay_test.go"), "are for --export"},
		"a server of nothing": {with("--server", "https://greenroom.example"), "are for --export"},
		"whose export":        {with("--export", "replay_test.go"), "Name the server's public keys"},
		"no server":           {with("--database-url", "postgres://127.0.0.1:9/none"), "no server works with the ledger in " + filepath.Join(folder, "ledger")},
	} {
		if err := run(append([]string{"replay"}, c.args...)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left in the data folder: %v, %v", left, err)
	}
}
