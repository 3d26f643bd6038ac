package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/consent"
	"greenroom/web"
)

const speechFolder = "/usr/share/pocketsphinx/test/data/librivox" // Debian package pocketsphinx-testdata

// realSpeech joins five clips of real read speech into one Ogg Opus file and writes their text beside it.
func realSpeech(t *testing.T) (speech, reference string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(speechFolder, "transcription"))
	if err != nil {
		t.Fatalf("%v: run make tools", err)
	}
	var inputs []string
	var said, filter strings.Builder
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		words, name, ok := strings.Cut(line, "</s>")
		if !ok {
			t.Fatalf("transcription line %q", line)
		}
		said.WriteString(strings.TrimPrefix(words, "<s>") + "\n")
		inputs = append(inputs, "-i", filepath.Join(speechFolder, strings.Trim(name, " ()")+".wav"))
		fmt.Fprintf(&filter, "[%d]apad=pad_dur=1.2[c%d];", i, i)
	}
	for i := range len(inputs) / 2 {
		fmt.Fprintf(&filter, "[c%d]", i)
	}
	fmt.Fprintf(&filter, "concat=n=%d:v=0:a=1", len(inputs)/2)
	folder := t.TempDir()
	speech, reference = filepath.Join(folder, "speech.ogg"), filepath.Join(folder, "said.txt")
	args := append([]string{"-y", "-loglevel", "error"}, inputs...)
	args = append(args, "-filter_complex", filter.String(), "-ac", "1", "-ar", "48000", "-c:a", "libopus", "-b:a", "32k", "-frame_duration", "20", speech)
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: run make tools\n%s", err, out)
	}
	if err := os.WriteFile(reference, []byte(said.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return speech, reference
}

// The whole main job: consent, interview with real speech, recording, transcript, measurements, and an
// employer who sees it exactly while it is authorized.
func TestMainJob(t *testing.T) {
	t.Parallel()
	speech, reference := realSpeech(t)
	p := startProgram(t, t.TempDir())
	begun := time.Now()
	result := p.rehearse("--demo", "--speech", speech, "--reference", reference, "--answers", "1")
	if all := time.Since(begun).Milliseconds(); result.ReportMS > all {
		t.Errorf("of %d ms it waited %d for the report", all, result.ReportMS)
	}
	if result.WordErrorRate == nil || *result.WordErrorRate > 0.10 {
		t.Errorf("word error rate %v, want at most 10 %%; heard %q", result.WordErrorRate, result.Lines)
	} else {
		t.Logf("word error rate %.1f %%, captions after %v ms, partial ones after %v ms, report after %d ms", 100**result.WordErrorRate, result.CaptionMS, result.PartialMS, result.ReportMS)
	}

	if len(result.PartialMS) == 0 {
		t.Error("nothing was shown of what was being said")
	}

	candidate := p.logIn(p.accounts().Candidate)
	p.checkRecording(candidate, result)

	employer := p.logIn(p.accounts().Employer)
	list := employer.get(t, "/api/v1/shared", http.StatusOK)
	if !strings.Contains(list, result.Session) {
		t.Fatalf("the employer's list lacks the authorized session: %s", list)
	}
	shared := "/api/v1/shared/" + result.Session
	report := employer.get(t, shared+"/report", http.StatusOK)
	if !strings.Contains(report, `"words_per_minute"`) || strings.Contains(report, `"self"`) {
		t.Errorf("the employer's report lacks measurements or has a self-rating: %s", report)
	}
	if accesses := candidate.get(t, "/api/v1/sessions/"+result.Session+"/accesses", http.StatusOK); !strings.Contains(accesses, demoOrganization) {
		t.Errorf("the candidate does not see who opened what: %s", accesses)
	}
	p.withdrawWhileWatching(candidate, employer, result.Session)

	gone := employer.get(t, shared+"/report", http.StatusNotFound)
	never := employer.get(t, "/api/v1/shared/"+strings.Repeat("a", 26)+"/report", http.StatusNotFound)
	if gone != never {
		t.Errorf("a withdrawn session answers %q, one that never existed %q", gone, never)
	}
	if list := employer.get(t, "/api/v1/shared", http.StatusOK); strings.Contains(list, result.Session) {
		t.Errorf("the withdrawn session is still in the list: %s", list)
	}
}

// checkRecording lets ffmpeg judge the recording: it decodes without a word, and lasts as long as the
// interview.
func (p *program) checkRecording(candidate *browser, result rehearsed) {
	t := p.t
	t.Helper()
	file := filepath.Join(t.TempDir(), "recording.webm")
	body := candidate.get(t, candidate.recordingOf(t, "/api/v1/sessions/"+result.Session), http.StatusOK)
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", file, "-enc_time_base", "-1", "-f", "null", "-").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("ffmpeg does not like the recording: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-show_entries", "format=duration:stream=codec_name", "-of", "json", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	var probed struct {
		Streams []struct {
			Codec string `json:"codec_name"`
		} `json:"streams"`
		Format struct {
			Duration json.Number `json:"duration"`
		} `json:"format"`
	}
	if err := json.Unmarshal(out, &probed); err != nil {
		t.Fatal(err)
	}
	seconds, _ := probed.Format.Duration.Float64()
	interview := float64(result.InterviewMS) / 1000
	t.Logf("recording %.2f s, interview %.2f s, streams %+v", seconds, interview, probed.Streams)
	if len(probed.Streams) != 2 || seconds < interview-0.5 || seconds > interview+0.5 {
		t.Errorf("recording of %.2f s with %+v, want %.2f s ± 0.5 with audio and video", seconds, probed.Streams, interview)
	}
}

// withdrawWhileWatching withdraws the authorization in the middle of a paced playback: the stream must
// be cut within a second.
func (p *program) withdrawWhileWatching(candidate, employer *browser, session string) {
	t := p.t
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.address+employer.recordingOf(t, "/api/v1/shared/"+session), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := employer.do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusPartialContent {
		t.Fatalf("the authorized recording answers %s", answer.Status)
	}
	if _, err := io.ReadFull(answer.Body, make([]byte, 64<<10)); err != nil {
		t.Fatalf("read the beginning: %v", err)
	}
	var held struct {
		Authorizations []struct{ ID, State string } `json:"authorizations"`
	}
	if err := json.Unmarshal([]byte(candidate.get(t, "/api/v1/sessions/"+session+"/authorizations", http.StatusOK)), &held); err != nil || len(held.Authorizations) != 1 {
		t.Fatalf("authorizations %+v, %v", held, err)
	}
	candidate.post(t, "/api/v1/sessions/"+session+"/authorizations/"+held.Authorizations[0].ID+"/withdraw", "", http.StatusNoContent)
	withdrawn := time.Now()
	last := withdrawn
	rest := make([]byte, 32<<10)
	total := 0
	for {
		n, err := answer.Body.Read(rest)
		total += n
		if n > 0 {
			last = time.Now()
		}
		if errors.Is(err, io.EOF) {
			t.Errorf("the recording was served to its end (%d bytes after the withdrawal)", total)
			return
		}
		if err != nil {
			break // cut off, as it should be
		}
		if time.Since(withdrawn) > 20*time.Second {
			t.Fatal("the stream is still open 20 s after the withdrawal")
		}
	}
	took := last.Sub(withdrawn)
	t.Logf("last byte %d ms after the withdrawal, cut off after %d ms", took.Milliseconds(), time.Since(withdrawn).Milliseconds())
	if took > time.Second {
		t.Errorf("the last byte came %v after the withdrawal, want at most 1 s", took)
	}
}

// recordingOf returns the address of the newest frozen state of a session's recording.
func (b *browser) recordingOf(t testing.TB, session string) string {
	t.Helper()
	var described struct {
		Through int64 `json:"through"`
	}
	if err := json.Unmarshal([]byte(b.get(t, session+"/recording", http.StatusOK)), &described); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s/recording.webm?through=%d", session, described.Through)
}

// browser keeps a log-in cookie and speaks HTTP like a page.
type browser struct {
	address string
	cookie  string
}

func (p *program) logIn(account demoAccount) *browser {
	p.t.Helper()
	b := &browser{address: p.address}
	b.post(p.t, "/api/v1/log-in", proofOf(p.t, p.dataDir, account), http.StatusOK)
	return b
}

// proofOf is the body of a log-in, or of confirming one: with a code where the account needs one. The database tells
// servers apart that have the same accounts.
func proofOf(t testing.TB, database string, account demoAccount) string {
	t.Helper()
	proof := map[string]string{"email": account.Email, "password": account.Password}
	if account.SecondFactor != "" {
		proof["code"] = unusedCode(t, database, account.SecondFactor)
	}
	text, err := json.Marshal(proof)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// usedSteps remembers which code of a secret was used last with a database: it takes each once.
var usedSteps = struct {
	sync.Mutex
	last map[usedSecret]int64
}{last: map[usedSecret]int64{}}

type usedSecret struct {
	database string
	secret   consent.CodeSecret
}

// unusedCode returns a code that the server takes now. It waits only if the present one and the next were
// both used.
func unusedCode(t testing.TB, database string, secret consent.CodeSecret) string {
	t.Helper()
	const step = 30
	usedSteps.Lock()
	used := usedSecret{database, secret}
	want := max(time.Now().Unix()/step, usedSteps.last[used]+1)
	usedSteps.last[used] = want
	usedSteps.Unlock()
	if early := time.Until(time.Unix((want-1)*step, 0)); early > 0 {
		<-time.After(early)
	}
	code, _, err := web.CodeAt(secret, time.Unix(want*step, 0))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func (b *browser) do(request *http.Request) (*http.Response, error) {
	request.Header.Set("Origin", b.address)
	if b.cookie != "" {
		request.Header.Set("Cookie", b.cookie)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	for _, c := range answer.Cookies() {
		b.cookie = c.Name + "=" + c.Value
	}
	return answer, nil
}

func (b *browser) get(t testing.TB, path string, status int) string {
	t.Helper()
	return b.call(t, http.MethodGet, path, "", status)
}

func (b *browser) post(t testing.TB, path, body string, status int) string {
	t.Helper()
	return b.call(t, http.MethodPost, path, body, status)
}

func (b *browser) call(t testing.TB, method, path, body string, status int) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, b.address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := b.do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if answer.StatusCode != status {
		t.Fatalf("%s %s: %s, want %d\n%s", method, path, answer.Status, status, text)
	}
	return string(text)
}
