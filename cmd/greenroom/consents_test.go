package main

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// spoolWatch notes every file that was ever in a spool, with its greatest size. It looks far more often
// than the seconds for which a segment lies there.
type spoolWatch struct {
	mu   sync.Mutex
	seen map[string]int64 // by file name
}

func (p *program) watchSpool() *spoolWatch {
	w := &spoolWatch{seen: map[string]int64{}}
	done, watched := p.t.Context().Done(), make(chan struct{})
	go func() { // owner: the test; ends with its context, and its clean-up waits
		defer close(watched)
		look := time.NewTicker(20 * time.Millisecond)
		defer look.Stop()
		for {
			select {
			case <-done:
				return
			case <-look.C:
				w.note(p.spooled(""))
			}
		}
	}()
	p.t.Cleanup(func() { <-watched })
	return w
}

func (w *spoolWatch) note(files map[string]int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for path, size := range files {
		name := filepath.Base(path)
		w.seen[name] = max(w.seen[name], size)
	}
}

// of returns what was there of a session.
func (w *spoolWatch) of(session string) map[string]int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := map[string]int64{}
	for name, size := range w.seen {
		if strings.HasPrefix(name, session+"-") {
			found[name] = size
		}
	}
	return found
}

// What was refused is never started: nothing of it is on the disk, in the store, in the database or in
// the queue, at any time. The candidates do their interviews at the same time, on one server.
func TestRefusedWorkIsNeverStarted(t *testing.T) {
	t.Parallel()
	p := startProgram(t, preparedFolder(t))
	ops := p.logIn(p.accounts().Ops)
	eventually(t, 30*time.Second, "the server's own first job", func() bool { return ops.overview(t).Jobs["completed"] > 0 })
	before := ops.overview(t)
	spool := p.watchSpool()
	speech := firstSeconds(t, 1, 8)

	cases := []struct {
		refuse                              string
		recording, transcription, assessing bool // what is left
	}{
		{refuse: "recording,transcription,assessment"},
		{refuse: "recording", transcription: true, assessing: true},
		{refuse: "transcription", recording: true}, // and assessment, which needs it
		{refuse: "assessment", recording: true, transcription: true},
	}
	runs := make([]*rehearsing, len(cases))
	browsers := make([]*browser, len(cases))
	for i, c := range cases {
		account, b := p.signUp()
		browsers[i] = b
		runs[i] = p.startRehearsal("--email", account.Email, "--password", account.Password,
			"--speech", speech, "--answers", "1", "--refuse", c.refuse)
	}
	assessed, objects := 0, 0
	for i, c := range cases {
		session := runs[i].wait().Session // its own checks: captions, words, measurements, no media before consent
		if files := spool.of(session); (len(files) > 0) != c.recording {
			t.Errorf("refused %s: files in the spool: %v", c.refuse, files)
		}
		if c.assessing {
			assessed++
		}
		if !c.recording {
			if found := browsers[i].get(t, "/api/v1/sessions/"+session+"/report", 200); strings.Contains(found, `"recording":`) {
				t.Errorf("refused %s: the report has a recording: %s", c.refuse, found)
			}
		}
		report := browsers[i].report(t, session)
		if lines := report.lines(); (len(lines) > 0) != c.transcription {
			t.Errorf("refused %s: %d lines are stored", c.refuse, len(lines))
		}
		if ratings := report.ratings(); len(ratings) > 0 {
			t.Errorf("refused %s: %d ratings", c.refuse, len(ratings))
		}
	}
	after := p.awaitUploaded(ops)
	for i, c := range cases {
		files := p.objects(runs[i].session())
		if objects += len(files); (len(files) > 0) != c.recording {
			t.Errorf("refused %s: objects %v", c.refuse, slices.Sorted(maps.Keys(files)))
		}
	}
	if after.Segments != objects {
		t.Errorf("%d rows in the index, %d objects of those who consented", after.Segments, objects)
	}
	if jobs := after.jobs() - before.jobs(); jobs != assessed {
		t.Errorf("%d jobs for %d answers that may be assessed", jobs, assessed)
	}
}

// withdrawalLimit is within what work must stop.
const withdrawalLimit = time.Second

// A candidate takes recording back while speaking, then transcription, on another page. Each answer ends
// an utterance, whose caption comes when the next answer has begun.
func TestWithdrawalStopsWorkDuringTheInterview(t *testing.T) {
	t.Parallel()
	p := startProgram(t, preparedFolder(t))
	candidate := p.logIn(p.accounts().Candidate)
	ops := p.logIn(p.accounts().Ops)
	spool := p.watchSpool()
	run := p.startRehearsal("--demo", "--speech", firstSeconds(t, 1, 8), "--answers", "3")
	zero := run.mediaZero()
	session := run.session()
	run.await("caption: ", 1)

	// Recording.
	recordingEnd := p.withdraw(candidate, session, "recording").Sub(zero)
	<-time.After(withdrawalLimit) // the requirement itself
	written := spool.of(session)
	if open := p.spooled(session); len(open) > 0 {
		for path := range open {
			if strings.Contains(path, "/open/") {
				t.Errorf("%s is still there %v after the withdrawal", path, withdrawalLimit)
			}
		}
	}

	// Transcription goes on until it is taken back too.
	run.await("caption: ", 2)
	transcriptEnd := p.withdraw(candidate, session, "transcription").Sub(zero)
	run.await("withdrawn: recording true, transcription true", 1)
	captions := strings.Count(run.said.String(), "caption: ")
	result := run.wait()

	if later := spool.of(session); !maps.Equal(later, written) {
		t.Errorf("the spool was written to later than %v after the withdrawal: %v, then %v", withdrawalLimit, written, later)
	}
	if len(result.Lines) != captions {
		t.Errorf("%d captions, %d when transcription had been withdrawn: %q", len(result.Lines), captions, result.Lines)
	}
	p.awaitUploaded(ops)
	if state := candidate.played(t, session); state.DurationMS > recordingEnd.Milliseconds() {
		t.Errorf("the recording has %d ms, withdrawn after %v", state.DurationMS, recordingEnd)
	}
	for _, line := range candidate.report(t, session).lines() {
		if line.EndMS > transcriptEnd.Milliseconds() {
			t.Errorf("a line ends at %d ms, withdrawn after %v", line.EndMS, transcriptEnd)
		}
	}
	if left := result.InterviewMS - transcriptEnd.Milliseconds(); left < 5000 {
		t.Errorf("only %d ms of the interview were left after the withdrawal: the test shows nothing", left)
	}
}

// withdraw returns when the server had answered.
func (p *program) withdraw(candidate *browser, session, what string) time.Time {
	p.t.Helper()
	text, err := json.Marshal(map[string]string{"consent": what})
	if err != nil {
		p.t.Fatal(err)
	}
	candidate.post(p.t, "/api/v1/sessions/"+session+"/consents/withdraw", string(text), 200)
	return time.Now()
}
