package main

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

type exportState struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Fault    string `json:"fault"`
	Bytes    int64  `json:"bytes"`
	Sessions int    `json:"sessions_all"`
}

// awaitExport waits until the newest export is made.
func (b *browser) awaitExport(t *testing.T) exportState {
	t.Helper()
	var list struct{ Exports []exportState }
	eventually(t, 2*time.Minute, "the export to be made", func() bool {
		decode(t, b.get(t, "/api/v1/exports", http.StatusOK), &list)
		return len(list.Exports) > 0 && list.Exports[0].State != "queued" && list.Exports[0].State != "running"
	})
	return list.Exports[0]
}

func downloadOf(export exportState) string { return "/api/v1/exports/" + export.ID + "/download" }

// checked is what `greenroom verify` says about a file.
func (p *program) checked(file string) consent.Findings {
	p.t.Helper()
	command := verifyCommand{Path: file, Server: p.address}
	found, err := command.verify(p.t.Context())
	if err != nil {
		p.t.Fatalf("verify %s: %v", file, err)
	}
	return found
}

// The whole way of a copy: an interview, its export, the download, the check by anybody, and nobody else.
func TestExportOfAnInterviewIsCheckedByAnybody(t *testing.T) {
	t.Parallel()
	dataDir := preparedFolder(t)
	p := startProgram(t, dataDir)
	interview := p.rehearse("--demo", "--answers", "1", "--speech", firstSeconds(t, 1, 8))
	candidate, employer := p.logIn(p.accounts().Candidate), p.logIn(p.accounts().Employer)
	_, other := p.signUp()

	candidate.post(t, "/api/v1/exports", `{"session":"`+interview.Session+`"}`, http.StatusCreated)
	made := candidate.awaitExport(t)
	if made.State != "ready" || made.Sessions != 1 {
		t.Fatalf("export %+v", made)
	}
	file := candidate.get(t, downloadOf(made), http.StatusOK)
	if int64(len(file)) != made.Bytes {
		t.Errorf("%d bytes were downloaded of %d", len(file), made.Bytes)
	}
	path := filepath.Join(t.TempDir(), "export.zip")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := p.checked(path); !found.Whole() || len(found) < 3 {
		t.Errorf("verify: %+v", found)
	}
	changed := filepath.Join(t.TempDir(), "changed.zip") // what the recording says it is, in its own header
	if err := os.WriteFile(changed, bytes.Replace([]byte(file), []byte("\x42\x82\x84webm"), []byte("\x42\x82\x84mkv!"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := p.checked(changed); found.Whole() || !strings.Contains(found[0].Text, "does not hold") {
		t.Errorf("verify of a changed file: %+v", found)
	}
	probeRecording(t, file, interview.Session)

	unknown := candidate.get(t, downloadOf(exportState{ID: strings.Repeat("a", 26)}), http.StatusNotFound)
	for who, b := range map[string]*browser{"another candidate": other, "an employer": employer} {
		if got := b.get(t, downloadOf(made), http.StatusNotFound); got != unknown {
			t.Errorf("%s is told %q, who asks for an unknown one %q", who, got, unknown)
		}
	}

	// A server that is killed while it makes a copy makes it after its next start.
	candidate.post(t, "/api/v1/exports", `{}`, http.StatusCreated)
	p.kill()
	again := startProgram(t, dataDir)
	back := again.logIn(again.accounts().Candidate)
	whole := back.awaitExport(t)
	if whole.State != "ready" {
		t.Fatalf("after a crash: %+v", whole)
	}
	if err := os.WriteFile(path, []byte(back.get(t, downloadOf(whole), http.StatusOK)), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := again.checked(path); !found.Whole() {
		t.Errorf("verify after a crash: %+v", found)
	}
}

// probeRecording lets ffmpeg judge the recording in an export.
func probeRecording(t *testing.T, file, session string) {
	t.Helper()
	archive, err := zip.NewReader(strings.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	in, err := archive.Open("sessions/" + session + "/recording.webm")
	if err != nil {
		t.Fatal(err)
	}
	media, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "recording.webm")
	if err := os.WriteFile(path, media, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", path).CombinedOutput()
	if err != nil || strings.Join(strings.Fields(string(out)), " ") != "opus vp8" {
		t.Errorf("ffprobe: %v: %s", err, out)
	}
}
