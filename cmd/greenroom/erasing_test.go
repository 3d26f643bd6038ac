package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// erasure is one in the list of what a candidate had erased.
type erasure struct {
	ID      string `json:"id"`
	Session string `json:"session"`
	State   string `json:"state"`
	Fault   string `json:"fault"`
}

// erased waits for the certificate of a session's erasure and returns its file.
func (b *browser) erased(t *testing.T, session string) string {
	t.Helper()
	var found erasure
	eventually(t, time.Minute, "the erasure to be done", func() bool {
		var list struct {
			Erasures []erasure `json:"erasures"`
		}
		decode(t, b.get(t, "/api/v1/erasures", 200), &list)
		for _, e := range list.Erasures {
			if e.Session == session {
				found = e
			}
		}
		return found.State == "done"
	})
	return b.get(t, "/api/v1/erasures/"+found.ID+"/certificate", 200)
}

// TestErasingEndsALiveInterviewAndLeavesNothing erases one interview while it goes on and one that is over.
// The room closes within a second, and afterwards no file of the data folder and no line of the log has a
// word of either.
func TestErasingEndsALiveInterviewAndLeavesNothing(t *testing.T) {
	t.Parallel()
	p := startProgram(t, preparedFolder(t))
	candidate := p.logIn(p.accounts().Candidate)
	over := p.startRehearsal("--demo", "--speech", firstSeconds(t, 1, 8), "--answers", "1").wait().Session
	phrase := ""
	for _, line := range candidate.report(t, over).lines() {
		if words := strings.Fields(line.text(0, len(line.Words)-1)); len(words) >= 4 && phrase == "" {
			phrase = strings.Join(words[:4], " ")
		}
	}
	if phrase == "" {
		t.Fatal("nothing was written down")
	}

	live := p.startRehearsal("--demo", "--speech", firstSeconds(t, 1, 8), "--answers", "3")
	live.mediaZero()
	session := live.session()
	live.await("caption: ", 1)
	asked := time.Now()
	candidate.post(t, "/api/v1/sessions/"+session+"/erase", "", 202)
	select {
	case <-live.ended:
	case <-time.After(10 * time.Second):
		t.Fatalf("the room is still open:\n%s", &live.said)
	}
	took := time.Since(asked)
	t.Logf("the room closed %v after the request", took)
	if took > time.Second {
		t.Errorf("the room closed %v after the request, want at most a second", took)
	}
	candidate.post(t, "/api/v1/sessions/"+over+"/erase", "", 202)

	for _, id := range []string{session, over} {
		if file := candidate.erased(t, id); !strings.Contains(file, `"certificate"`) {
			t.Errorf("certificate: %s", file)
		}
		candidate.get(t, "/api/v1/sessions/"+id, 404)
		candidate.get(t, "/api/v1/sessions/"+id+"/report", 404)
		candidate.get(t, "/api/v1/sessions/"+id+"/recording", 404)
		eventually(t, 10*time.Second, "the last parts of the recording to go", func() bool {
			return len(p.objects(id)) == 0 && len(p.spooled(id)) == 0
		})
	}
	p.nowhere(t, phrase)
}

// passableFolder returns a folder that the user Postgres runs as can enter, unlike t.TempDir's: so the
// database lies in the data folder as well.
func passableFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "greenroom-data-") //nolint:usetesting // its folders are closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o711); err != nil { // the Postgres user must pass
		t.Fatal(err)
	}
	return folder
}

// nowhere fails for every file of the data folder that holds the text, the files and the log of the
// embedded database too, and for the server's own log.
func (p *program) nowhere(t *testing.T, text string) {
	t.Helper()
	for _, place := range p.places(t, text) {
		t.Errorf("%s holds %q", place, text)
	}
}

// places lists where the text is.
func (p *program) places(t *testing.T, text string) (places []string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(p.dataDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // gone since its folder was read
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // gone since its folder was read
		}
		files++
		if bytes.Contains(content, []byte(text)) {
			places = append(places, path)
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("looked into %d files: %v", files, err)
	}
	if strings.Contains(p.output.String(), text) {
		places = append(places, "the log")
	}
	return places
}
