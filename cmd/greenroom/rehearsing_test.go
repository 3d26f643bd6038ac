package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// rehearsing is a scripted candidate at work, in a process of its own.
type rehearsing struct {
	t       *testing.T
	command *exec.Cmd
	out     bytes.Buffer // read after ended
	said    lockedBuffer
	ended   chan struct{}
	err     error // set before ended is closed
}

// startRehearsal lets the scripted candidate begin; the test goes on beside it.
func (p *program) startRehearsal(args ...string) *rehearsing {
	p.t.Helper()
	r := &rehearsing{t: p.t, ended: make(chan struct{})}
	r.command = programCommand(p.t.Context(), p.t, append([]string{"rehearse", "--json", "--server", p.address, "--data-dir", p.dataDir}, args...)...)
	r.command.Stdout, r.command.Stderr = &r.out, &r.said
	if err := r.command.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { // owner: the test, whose context ends the process; wait reads the result
		r.err = r.command.Wait()
		close(r.ended)
	}()
	p.t.Cleanup(func() {
		_ = r.command.Process.Kill() // ended already, unless the test failed
		<-r.ended
		if p.t.Failed() {
			p.t.Logf("the candidate said:\n%s", &r.said)
		}
	})
	return r
}

// await waits until the candidate has said the text so many times.
func (r *rehearsing) await(text string, times int) {
	r.t.Helper()
	eventually(r.t, time.Minute, fmt.Sprintf("the candidate to say %q %d times", text, times), func() bool {
		select {
		case <-r.ended:
			if strings.Count(r.said.String(), text) < times {
				r.t.Fatalf("the rehearsal ended (%v) without saying %q %d times:\n%s", r.err, text, times, &r.said)
			}
		default:
		}
		return strings.Count(r.said.String(), text) >= times
	})
}

// find waits for what the pattern describes and returns its group.
func (r *rehearsing) find(pattern string) string {
	r.t.Helper()
	expression := regexp.MustCompile(pattern)
	var found []string
	eventually(r.t, time.Minute, "the candidate to say "+pattern, func() bool {
		found = expression.FindStringSubmatch(r.said.String())
		return found != nil
	})
	return found[1]
}

func (r *rehearsing) session() string {
	r.t.Helper()
	return r.find(`session (\w+) for role`)
}

// mediaZero waits for the recording to begin and returns when its media time was zero. It is late by
// the way of one message, so what is computed from it is media that certainly was sent.
func (r *rehearsing) mediaZero() time.Time {
	r.t.Helper()
	elapsed, err := strconv.Atoi(r.find(`recording on at (\d+) ms`))
	if err != nil {
		r.t.Fatal(err)
	}
	return time.Now().Add(-time.Duration(elapsed) * time.Millisecond)
}

// wait returns the result. Checks may fail only if they are named.
func (r *rehearsing) wait(mayFail ...string) rehearsed {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(3 * time.Minute):
		r.t.Fatalf("the rehearsal does not end:\n%s", &r.said)
	}
	var result rehearsed
	if err := json.Unmarshal(r.out.Bytes(), &result); err != nil {
		r.t.Fatalf("rehearsal: %v, %v\n%s", r.err, err, &r.said)
	}
	if result.Error != "" {
		r.t.Fatalf("rehearsal: %s\n%s", result.Error, &r.said)
	}
	for _, check := range result.Checks {
		if !check.OK && !strings.Contains(strings.Join(mayFail, "\n"), check.Name) {
			r.t.Errorf("check failed: %s (%s)", check.Name, check.Detail)
		}
	}
	return result
}

// eventually waits until the condition holds.
func eventually(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	late := time.After(limit)
	look := time.NewTicker(max(20*time.Millisecond, limit/500)) // an account may ask 600 times in a minute
	defer look.Stop()
	for !holds() {
		select {
		case <-late:
			t.Fatalf("waited %v for %s", limit, what)
		case <-t.Context().Done():
			t.Fatalf("the test ended while it waited for %s", what)
		case <-look.C:
		}
	}
}

// firstSeconds cuts the beginning of a built-in answer.
func firstSeconds(t testing.TB, answer, seconds int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "speech.ogg")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-t", strconv.Itoa(seconds),
		"-i", fmt.Sprintf("rehearse/demo/answer%d.ogg", answer), "-c", "copy", file).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: run make tools\n%s", err, out)
	}
	return file
}

// filesBelow lists the files of a folder whose path contains the text, with their sizes. Files that go
// meanwhile are left out.
func filesBelow(t testing.TB, folder, text string) map[string]int64 {
	t.Helper()
	found := map[string]int64{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(path, text) {
			return nil //nolint:nilerr // gone since its folder was read
		}
		if info, err := entry.Info(); err == nil {
			found[path] = info.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (p *program) spooled(session string) map[string]int64 {
	p.t.Helper()
	files := filesBelow(p.t, filepath.Join(p.dataDir, "spool"), session)
	delete(files, filepath.Join(p.dataDir, "spool", "lock"))
	return files
}

// objects lists what the embedded store has of a session.
func (p *program) objects(session string) map[string]int64 {
	p.t.Helper()
	return filesBelow(p.t, filepath.Join(p.dataDir, "objects", "objects"), session)
}

// overview is what operations see.
type overview struct {
	Sessions   map[string]int `json:"sessions"`
	Jobs       map[string]int `json:"jobs"`
	SpoolFiles int            `json:"spool_files"`
	Segments   int            `json:"segments"`
}

func (o overview) jobs() (all int) {
	for _, n := range o.Jobs {
		all += n
	}
	return all
}

func (b *browser) overview(t *testing.T) (o overview) {
	t.Helper()
	decode(t, b.get(t, "/api/v1/ops/overview", 200), &o)
	return o
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// awaitUploaded waits until nothing waits for the object store. What index, embedded store and spool have must
// then be the same.
func (p *program) awaitUploaded(ops *browser) overview {
	p.t.Helper()
	var o overview
	eventually(p.t, time.Minute, "the spool to be uploaded", func() bool {
		o = ops.overview(p.t)
		return o.SpoolFiles == 0 && len(p.spooled("")) == 0
	})
	if p.setting("GREENROOM_S3_ENDPOINT") != "" {
		return o // the objects are in another store, which the test looks into
	}
	for _, fault := range p.stock("").Faults() {
		p.t.Error(fault)
	}
	return o
}

// recordingState is what can be played of a session.
type recordingState struct {
	DurationMS int64 `json:"duration_ms"`
	Size       int64 `json:"size"`
	Audio      bool  `json:"audio"`
	Video      bool  `json:"video"`
}

// played downloads a session's recording and lets ffmpeg decode all of it without a word. It is judged in
// its own time base: rounded to a guessed frame rate two frames may fall on one time.
func (b *browser) played(t *testing.T, session string) recordingState {
	t.Helper()
	path := "/api/v1/sessions/" + session
	var state recordingState
	decode(t, b.get(t, path+"/recording", 200), &state)
	file := filepath.Join(t.TempDir(), "recording.webm")
	if err := os.WriteFile(file, []byte(b.get(t, b.recordingOf(t, path), 200)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", file, "-enc_time_base", "-1", "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("ffmpeg does not like the recording: %v\n%s", err, out)
	}
	return state
}

// report is what the tests read of a report.
type report struct {
	Label    string `json:"label"`
	JudgedBy struct {
		Transcriber struct{ Engine, Place string } `json:"transcriber"`
		Assessor    struct{ Model, Place string }  `json:"assessor"`
	} `json:"judged_by"`
	Gaps []struct {
		Kind    string `json:"kind"`
		StartMS int64  `json:"start_ms"`
		EndMS   int64  `json:"end_ms"`
		Reason  string `json:"reason"`
	} `json:"gaps"`
	Loose     []reportLine `json:"loose"`
	Questions []struct {
		Takes []struct {
			EndedBy      string           `json:"ended_by"`
			Lines        []reportLine     `json:"lines"`
			Measurements []map[string]any `json:"measurements"`
			Ratings      []reportRating   `json:"ratings"`
			Evidence     []reportEvidence `json:"evidence"`
		} `json:"takes"`
	} `json:"questions"`
}

type reportRating struct {
	Competency string `json:"competency"`
	Outcome    string `json:"outcome"`
	Level      int    `json:"level"`
	Reason     string `json:"reason"`
	Rater      struct {
		Kind  string `json:"kind"`
		Model string `json:"model"`
	} `json:"rater"`
}

type reportEvidence struct {
	Competency string `json:"competency"`
	Epoch      int    `json:"epoch"`
	Sequence   int    `json:"sequence"`
	First      int    `json:"first"`
	Last       int    `json:"last"`
	Quote      string `json:"quote"`
}

type reportLine struct {
	Epoch    int   `json:"epoch"`
	Sequence int   `json:"sequence"`
	EndMS    int64 `json:"end_ms"`
	Words    []struct {
		Text string `json:"text"`
	} `json:"words"`
}

func (l reportLine) text(first, last int) string {
	var words []string
	for i, w := range l.Words {
		if i >= first && i <= last {
			words = append(words, w.Text)
		}
	}
	return strings.Join(words, " ")
}

func (b *browser) report(t *testing.T, session string) (r report) {
	t.Helper()
	decode(t, b.get(t, "/api/v1/sessions/"+session+"/report", 200), &r)
	return r
}

func (r report) lines() []reportLine {
	all := append([]reportLine(nil), r.Loose...)
	for _, q := range r.Questions {
		for _, take := range q.Takes {
			all = append(all, take.Lines...)
		}
	}
	return all
}

func (r report) ratings() (all []reportRating) {
	for _, q := range r.Questions {
		for _, take := range q.Takes {
			all = append(all, take.Ratings...)
		}
	}
	return all
}

// signUp makes a candidate.
func (p *program) signUp() (demoAccount, *browser) {
	p.t.Helper()
	return p.signUpAs("Test candidate", newPassword()+"@example.org")
}

func (p *program) signUpAs(name, email string) (demoAccount, *browser) {
	p.t.Helper()
	account := demoAccount{Email: email, Password: newPassword()}
	b := &browser{address: p.address}
	text, err := json.Marshal(map[string]string{
		"birth_date": "1990-01-01", "email": account.Email, "password": account.Password, "display_name": name,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	b.post(p.t, "/api/v1/accounts", string(text), 201)
	return account, b
}
