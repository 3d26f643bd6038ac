package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"greenroom/assess"
	"greenroom/consent"
)

// fakeVoices says the questions up to the one that is asked.
type fakeVoices struct {
	asked int
	sound func() (assess.Sound, error)
	said  []consent.SessionID
}

func (f *fakeVoices) Say(_ context.Context, session consent.SessionID, question, probe int) (assess.Sound, error) {
	if question > f.asked || probe > 1 {
		return assess.Sound{}, consent.ErrNotFound
	}
	f.said = append(f.said, session)
	return f.sound()
}

func soundOf(r io.Reader, size int64) func() (assess.Sound, error) {
	return func() (assess.Sound, error) {
		return assess.Sound{ReadCloser: io.NopCloser(r), Type: "audio/mpeg", Size: size}, nil
	}
}

func voicePath(session consent.SessionID, question any) string {
	return fmt.Sprintf("/api/v1/sessions/%s/questions/%v/voice", session, question)
}

func TestCandidateHearsWhatTheirInterviewAsked(t *testing.T) {
	t.Parallel()
	voices := &fakeVoices{asked: 1}
	s := newStage(t, func(c *Config) { c.Voices = voices })
	p, stranger := s.candidate(t), s.candidate(t)
	live := p.inState(p.newSession().ID, consent.SessionLive)
	sound := bytes.Repeat([]byte("sound"), 10_000)
	for name, size := range map[string]int64{"kept": int64(len(sound)), "being made": -1} {
		voices.sound = soundOf(bytes.NewReader(sound), size)
		got := p.get(voicePath(live, 1)).want(http.StatusOK)
		h := got.header
		if !bytes.Equal(got.body, sound) || h.Get("Content-Type") != "audio/mpeg" || h.Get("Cache-Control") != "private, no-store" || h.Get("Accept-Ranges") != "none" {
			t.Errorf("%s: %d bytes of %d, header %v", name, len(got.body), len(sound), h)
		}
	}
	voices.sound = soundOf(strings.NewReader("more"), -1)
	p.get(voicePath(live, "1/probes/1")).want(http.StatusOK)
	if got := p.do(http.MethodHead, voicePath(live, 0), nil).want(http.StatusOK); len(got.body) != 0 {
		t.Errorf("HEAD has a body of %d bytes", len(got.body))
	}
	unknown := p.get("/api/v1/nothing-here").want(http.StatusNotFound).face()
	waiting := p.inState(p.newSession().ID, consent.SessionConsented)
	ended := p.inState(p.newSession().ID, consent.SessionEnded)
	voices.said = nil
	for name, got := range map[string]reply{
		"the next question":   p.get(voicePath(live, 2)),
		"the next probe":      p.get(voicePath(live, "1/probes/2")),
		"probe 0":             p.get(voicePath(live, "1/probes/0")),
		"no probe":            p.get(voicePath(live, "1/probes/x")),
		"no number":           p.get(voicePath(live, "one")),
		"a negative one":      p.get(voicePath(live, -1)),
		"far too large":       p.get(voicePath(live, "99999999999999999999")),
		"a stranger's":        stranger.get(voicePath(live, 0)),
		"before it began":     p.get(voicePath(waiting, 0)),
		"after it ended":      p.get(voicePath(ended, 0)),
		"no such session":     p.get(voicePath(consent.NewID[consent.SessionID](), 0)),
		"something else's id": p.get(voicePath("nobody", 0)),
	} {
		if got.face() != unknown {
			t.Errorf("%s: %s, want what an unknown address answers", name, got.face())
		}
	}
	if len(voices.said) != 0 {
		t.Errorf("something was said: %v", voices.said)
	}
}

func TestVoiceThatFailsLeavesTheQuestionToTheBrowser(t *testing.T) {
	t.Parallel()
	voices := &fakeVoices{sound: func() (assess.Sound, error) {
		return assess.Sound{}, fmt.Errorf("%w: http://speech.example: key sk-1", assess.ErrVoice)
	}}
	s := newStage(t, func(c *Config) { c.Voices = voices })
	p := s.candidate(t)
	live := p.inState(p.newSession().ID, consent.SessionLive)
	if got := p.get(voicePath(live, 0)).want(http.StatusServiceUnavailable); strings.Contains(string(got.body), "speech.example") {
		t.Errorf("the page is told of the server behind: %s", got.body)
	}
	none := newStage(t)
	q := none.candidate(t)
	q.get(voicePath(q.inState(q.newSession().ID, consent.SessionLive), 0)).want(http.StatusNoContent)
	none.candidate(t).get(voicePath(q.newSession().ID, 0)).want(http.StatusNotFound)
}

// A sound that breaks off must not look like a whole one.
func TestSoundThatBreaksOffEndsTheConnection(t *testing.T) {
	t.Parallel()
	broken := io.MultiReader(strings.NewReader("the first half"), iotest.ErrReader(errors.New("cut")))
	s := newStage(t, func(c *Config) { c.Voices = &fakeVoices{sound: soundOf(broken, -1)} })
	p := s.candidate(t)
	live := p.inState(p.newSession().ID, consent.SessionLive)
	response, err := http.DefaultClient.Do(p.request(http.MethodGet, voicePath(live, 0), nil))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if raw, err := io.ReadAll(response.Body); err == nil || string(raw) != "the first half" {
		t.Errorf("read %q and %v, want the half and an error", raw, err)
	}
}
