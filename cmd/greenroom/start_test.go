package main

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// failToStart starts a server that cannot start. It must end by itself, in the time
// that a start may take, with exit code 1, an explanation and nothing secret. Cases that follow each other may share
// a data folder: then only the first of them makes a database.
func failToStart(t *testing.T, dataDir string, env, args []string, wantWords, secrets []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	if len(args) == 0 || args[0] != "serve" {
		args = append([]string{"serve", "--listen", "127.0.0.1:0", "--media-listen", "127.0.0.1:0", "--metrics-listen", "", "--data-dir", dataDir}, args...)
	}
	command := programCommand(ctx, t, args...)
	command.Env = append(command.Env, env...)
	began := time.Now()
	out, err := command.CombinedOutput()
	took, said := time.Since(began), string(out)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || ctx.Err() != nil {
		t.Errorf("it ended with %v after %v, want exit code 1 within %v", err, took, startLimit)
	}
	for _, word := range wantWords {
		if !strings.Contains(said, word) {
			t.Errorf("it does not say %q", word)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(said, secret) {
			t.Errorf("it says the secret %q", secret)
		}
	}
	for _, bad := range []string{"panic:", "DATA RACE", "goroutine ", "Greenroom is ready"} {
		if strings.Contains(said, bad) {
			t.Errorf("it says %q", bad)
		}
	}
	if t.Failed() {
		t.Logf("it said:\n%s", said)
	}
}

const secretInTest = "0penSesame-not-to-be-seen"

func TestBadSettingsEndTheStartAndSayWhatToDo(t *testing.T) {
	t.Parallel()
	withSecret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(withSecret, []byte(secretInTest), 0o600); err != nil {
		t.Fatal(err)
	}
	dataDir := t.TempDir()
	for _, c := range []struct {
		name string
		env  []string
		args []string
		want []string
	}{
		{"unknown flag", nil, []string{"--colour=green"}, []string{"--colour", "Usage: greenroom serve"}},
		{"unknown value", []string{"GREENROOM_LOG_LEVEL=loud"}, nil, []string{"log-level", "debug"}},
		{"no number", []string{"GREENROOM_SPOOL_LIMIT=much"}, nil, []string{"spool-limit", "much"}},
		{"small spool", []string{"GREENROOM_SPOOL_LIMIT=1000"}, nil, []string{"GREENROOM_SPOOL_LIMIT", "64 MiB"}},
		{"no workers", []string{"GREENROOM_TRANSCRIBE_WORKERS=0"}, nil, []string{"GREENROOM_TRANSCRIBE_WORKERS", "1 to 64"}},
		{"store without keys", []string{"GREENROOM_S3_ENDPOINT=http://127.0.0.1:1"}, nil, []string{"GREENROOM_S3_ACCESS_KEY", "GREENROOM_S3_SECRET_KEY"}},
		{"store without scheme", []string{"GREENROOM_S3_ENDPOINT=127.0.0.1:1", "GREENROOM_S3_ACCESS_KEY=a", "GREENROOM_S3_SECRET_KEY=" + secretInTest}, nil, []string{"GREENROOM_S3_ENDPOINT", "http"}},
		{"secret twice", []string{"GREENROOM_S3_SECRET_KEY=" + secretInTest, "GREENROOM_S3_SECRET_KEY_FILE=" + withSecret}, nil, []string{"GREENROOM_S3_SECRET_KEY", "use one"}},
		{"secret file missing", []string{"GREENROOM_AI_API_KEY_FILE=/nowhere/key"}, nil, []string{"GREENROOM_AI_API_KEY_FILE", "/nowhere/key"}},
		{"model without server", []string{"GREENROOM_AI_CHAT_MODEL=m"}, nil, []string{"GREENROOM_AI_BASE_URL"}},
		{"server without model", []string{"GREENROOM_AI_BASE_URL=http://127.0.0.1:1/v1"}, nil, []string{"GREENROOM_AI_CHAT_MODEL", "GREENROOM_AI_SPEECH_MODEL"}},
		{"voice without server", []string{"GREENROOM_AI_VOICE_MODEL=m", "GREENROOM_AI_VOICE=v"}, nil, []string{"GREENROOM_AI_BASE_URL"}},
		{"voice without a name", []string{"GREENROOM_AI_VOICE_BASE_URL=http://127.0.0.1:1/v1", "GREENROOM_AI_VOICE_MODEL=m"}, nil, []string{"GREENROOM_AI_VOICE_MODEL", "GREENROOM_AI_VOICE"}},
		{"voice server without model", []string{"GREENROOM_AI_VOICE_BASE_URL=http://127.0.0.1:1/v1"}, nil, []string{"GREENROOM_AI_VOICE_MODEL"}},
		{"voice key without server", []string{"GREENROOM_AI_BASE_URL=http://127.0.0.1:1/v1", "GREENROOM_AI_VOICE_MODEL=m", "GREENROOM_AI_VOICE=v", "GREENROOM_AI_VOICE_API_KEY=" + secretInTest}, nil, []string{"GREENROOM_AI_VOICE_BASE_URL"}},
		{"public address", []string{"GREENROOM_PUBLIC_URL=greenroom.example.org"}, nil, []string{"GREENROOM_PUBLIC_URL", "https"}},
		{"media address by name", []string{"GREENROOM_MEDIA_PUBLIC_IP=media.example.org"}, nil, []string{"GREENROOM_MEDIA_PUBLIC_IP", "names are not looked up"}},
		{"missing lib files", []string{"GREENROOM_LIB=" + t.TempDir()}, nil, []string{"make setup", "GREENROOM_LIB"}},
		{"a broken bank", []string{"GREENROOM_BANK_DIR=" + brokenBank(t)}, nil, []string{"GREENROOM_BANK_DIR", "competencies.json: version is missing", "title is missing", "docs/question-bank.md"}},
		{"no bank", nil, []string{"--bank-dir", "/nowhere/bank"}, []string{"/nowhere/bank", "competencies.json: the file is missing"}},
		{"data folder is a file", nil, []string{"--data-dir", withSecret}, []string{"data folder", withSecret}},
	} {
		t.Run(c.name, func(t *testing.T) { failToStart(t, dataDir, c.env, c.args, c.want, []string{secretInTest}) })
	}
}

func TestDatabaseThatCannotBeUsedEndsTheStart(t *testing.T) {
	t.Parallel()
	running := startCluster(t)
	genuine, err := url.Parse(running.running.URL())
	if err != nil {
		t.Fatal(err)
	}
	password, _ := genuine.User.Password()
	wrong := *genuine
	wrong.User = url.UserPassword(genuine.User.Username(), secretInTest)
	secrets, dataDir := []string{secretInTest, password}, preparedFolder(t)
	for _, c := range []struct {
		name, url string
		want      []string
	}{
		{"nobody listens", "postgres://greenroom:" + secretInTest + "@127.0.0.1:1/greenroom?sslmode=disable", []string{"127.0.0.1:1", "GREENROOM_DATABASE_URL"}},
		{"wrong password", wrong.String(), []string{"password", "GREENROOM_DATABASE_URL"}},
		{"not an address", "postgres://greenroom:" + secretInTest + "@127.0.0.1:none/greenroom", []string{"GREENROOM_DATABASE_URL"}},
		{"no such database", strings.Replace(genuine.String(), "/greenroom?", "/another?", 1), []string{"another", "GREENROOM_DATABASE_URL"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			failToStart(t, dataDir, []string{"GREENROOM_DATABASE_URL=" + c.url}, nil, c.want, secrets)
		})
	}
	t.Run("never answers", func(t *testing.T) {
		address := neverAnswers(t)
		failToStart(t, dataDir, []string{"GREENROOM_DATABASE_URL=postgres://greenroom:" + secretInTest + "@" + address + "/greenroom?sslmode=disable"},
			nil, []string{address, "GREENROOM_DATABASE_URL"}, secrets)
	})
}

func TestObjectStoreThatCannotBeUsedEndsTheStart(t *testing.T) {
	t.Parallel()
	store, dataDir := startMinIO(t), preparedFolder(t)
	for _, c := range []struct {
		name, endpoint, secret string
		want                   []string
	}{
		{"nobody listens", "http://127.0.0.1:1", secretInTest, []string{"127.0.0.1:1", "GREENROOM_S3_ENDPOINT"}},
		{"wrong key", "http://" + store.address, secretInTest, []string{store.address, "refuses", "check", "key"}},
		{"TLS where there is none", "https://" + store.address, store.secret, []string{store.address, "GREENROOM_S3_ENDPOINT"}},
		{"never answers", "http://" + neverAnswers(t), secretInTest, []string{"not reachable", "GREENROOM_S3_ENDPOINT"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			failToStart(t, dataDir, []string{
				"GREENROOM_S3_ENDPOINT=" + c.endpoint, "GREENROOM_S3_ACCESS_KEY=" + store.accessKey, "GREENROOM_S3_SECRET_KEY=" + c.secret,
			}, nil, c.want, []string{secretInTest, store.secret})
		})
	}
}

// neverAnswers accepts connections and says nothing.
func neverAnswers(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0") // its backlog accepts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

func TestWhatAnotherServerHoldsEndsTheStart(t *testing.T) {
	t.Parallel()
	p := startProgram(t, preparedFolder(t))
	taken := strings.Replace(strings.TrimPrefix(p.address, "http://"), "localhost", "127.0.0.1", 1)
	dataDir := preparedFolder(t)
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"port of pages", []string{"--listen", taken}, []string{taken, "GREENROOM_LISTEN"}},
		{"port of metrics", []string{"--metrics-listen", taken}, []string{taken, "GREENROOM_METRICS_LISTEN"}},
		{"port of media", []string{"--media-listen", taken}, []string{taken, "GREENROOM_MEDIA_LISTEN"}},
		{"data folder", []string{"--data-dir", p.dataDir}, []string{p.dataDir, "another server or command uses "}},
	} {
		t.Run(c.name, func(t *testing.T) { failToStart(t, dataDir, nil, c.args, c.want, nil) })
	}
	p.logIn(p.accounts().Candidate) // and the first server is unharmed
}

// notServed are variables of the documents that are not the server's, with whose they are.
var notServed = map[string]string{
	"GREENROOM_DOMAIN":     "Caddy's, in docker-compose.yml",
	"GREENROOM_MEDIA_BIND": "docker-compose.yml's own",
}

func TestHelpListsEveryVariableOfTheDocuments(t *testing.T) {
	out, err := programCommand(t.Context(), t, "serve", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	help := map[string]bool{}
	name := regexp.MustCompile(`GREENROOM_[A-Z0-9]+(?:_[A-Z0-9]+)*`)
	for _, found := range name.FindAllString(string(out), -1) {
		help[found] = true
	}
	for _, file := range []string{"README.md", "docker-compose.yml"} {
		text, err := os.ReadFile(filepath.Join(repositoryRoot(t), file))
		if err != nil {
			t.Fatal(err)
		}
		names := name.FindAllString(string(text), -1)
		names = append(names, shortened(string(text))...)
		for _, found := range names {
			if !help[found] && notServed[found] == "" {
				t.Errorf("%s names %s, serve --help does not", file, found)
			}
		}
		if len(names) < 5 {
			t.Errorf("%s names only %v: is the test looking in the wrong place?", file, names)
		}
	}
}

// shortened spells out the README's table, where `_API_KEY` follows `GREENROOM_AI_BASE_URL`.
func shortened(text string) (names []string) {
	first, short := regexp.MustCompile("^\\| `(GREENROOM_[A-Z0-9]+)_"), regexp.MustCompile("`(_[A-Z_]+)`")
	for line := range strings.Lines(text) {
		if prefix := first.FindStringSubmatch(line); prefix != nil {
			for _, s := range short.FindAllStringSubmatch(line, -1) {
				names = append(names, prefix[1]+s[1])
			}
		}
	}
	return names
}
