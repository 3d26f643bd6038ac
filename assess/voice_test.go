package assess

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"greenroom/assess/openaitest"
	"greenroom/consent"
)

// spokenBank has two questions and a probe.
func spokenBank() Bank {
	return Bank{Roles: []Role{{Questions: []Question{
		{Text: "Why did it fail?", Probes: []string{"What did you do?"}}, {Text: "Who helped you?"},
	}}}}
}

func voiceConfig(server *openaitest.Server) OpenAIConfig {
	config := testConfig(server)
	config.VoiceModel, config.Voice = openaitest.VoiceModel, "calm"
	return config
}

func testSpeaker(t *testing.T, config OpenAIConfig) *OpenAISpeaker {
	t.Helper()
	speaker, err := NewOpenAISpeaker(config, spokenBank())
	must(t, err)
	speaker.pause = time.Millisecond
	return speaker
}

func TestQuestionIsSpokenWhileItIsMade(t *testing.T) {
	t.Parallel()
	server := testServer(t)
	var asked openaitest.Spoken
	server.AnswerVoice(func(s openaitest.Spoken) []byte {
		asked = s
		return openaitest.Tone(2 * time.Second)
	})
	server.Fail(openaitest.PathVoice, openaitest.SoundStalls, 1)
	sound, mime, err := testSpeaker(t, voiceConfig(server)).Say(t.Context(), "Why did it fail?")
	must(t, err)
	defer func() { _ = sound.Close() }()
	first := make([]byte, 32000)
	if _, err := io.ReadFull(sound, first); err != nil || mime != "audio/wav" || !bytes.Equal(first, openaitest.Tone(2 * time.Second)[:32000]) {
		t.Errorf("the first second, while the server holds the rest back: %v, type %q", err, mime)
	}
	if want := (openaitest.Spoken{Model: openaitest.VoiceModel, Voice: "calm", Input: "Why did it fail?", Format: "mp3"}); asked != want {
		t.Errorf("asked for %+v, want %+v", asked, want)
	}
}

func TestOnlyTheBanksTextsAreSpoken(t *testing.T) {
	t.Parallel()
	server := testServer(t)
	speaker := testSpeaker(t, voiceConfig(server))
	for _, text := range []string{"", "Who helped you? ", "My name is Jane.", "Why did it fail? Jane."} {
		if _, _, err := speaker.Say(t.Context(), text); !errors.Is(err, errOutgoing) || !errors.Is(err, ErrVoice) {
			t.Errorf("%q: %v, want a refusal", text, err)
		}
	}
	if got := len(server.Requests()); got != 0 {
		t.Errorf("%d requests reached the server", got)
	}
	for _, text := range spokenBank().SpokenTexts() {
		sound, _, err := speaker.Say(t.Context(), text)
		must(t, err)
		must(t, sound.Close())
	}
	if got := len(server.Requests()); got != 3 {
		t.Errorf("%d requests, want one for each text", got)
	}
}

func TestSpeakerFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fault openaitest.Fault
		times int
		want  string // "" : it is spoken after all
		tries int
	}{
		{openaitest.Overloaded, 1, "", 2},
		{openaitest.TextError, 2, "", 3},
		{openaitest.Dropped, 1, "", 2},
		{openaitest.FormatRefused, -1, "", 2},
		{openaitest.TextError, -1, "model runner has stopped", openAITries},
		{openaitest.Overloaded, -1, "HTTP 503", openAITries},
		{openaitest.QuotaUsedUp, -1, "raise the quota", 1},
		{openaitest.Unauthorized, -1, "check the API key", 1},
		{openaitest.WebPage, -1, "web page", 1},
		{openaitest.ErrorInside, -1, "the engine is not ready", 1},
		{openaitest.HiddenError, -1, "the engine is not ready", 1},
		{openaitest.OtherSound, -1, "no sound that browsers play", 1},
		{openaitest.EmptySound, -1, "no sound that browsers play", 1},
		{openaitest.Slow, -1, "raise the timeout", 1},
		{openaitest.Redirect, -1, "HTTP 307", 1},
		{openaitest.SoundCut, -1, "EOF", 1},
		{openaitest.SoundStalls, -1, "sent nothing for too long", 1},
		{openaitest.Huge, -1, "too large", 1},
	} {
		t.Run(string(test.fault)+" "+test.want, func(t *testing.T) {
			t.Parallel()
			server := testServer(t)
			server.Fail(openaitest.PathVoice, test.fault, test.times)
			config := voiceConfig(server)
			config.VoiceTimeout, config.IdleTimeout = 8*time.Second, time.Second
			if test.fault == openaitest.Slow {
				config.VoiceTimeout, config.IdleTimeout = time.Second, 2*time.Second
			}
			sound, _, err := testSpeaker(t, config).Say(t.Context(), "Why did it fail?")
			read := int64(0)
			if err == nil {
				read, err = io.Copy(io.Discard, sound)
				_ = sound.Close()
			}
			switch {
			case test.want == "" && err != nil:
				t.Errorf("not spoken: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want it to say %q", err, test.want)
			case err != nil && strings.Contains(err.Error(), testKey):
				t.Errorf("the error repeats the key: %v", err)
			}
			if read > maxSound {
				t.Errorf("%d bytes were read, want at most %d", read, maxSound)
			}
			if got := len(server.Requests()); got != test.tries {
				t.Errorf("%d requests, want %d", got, test.tries)
			}
		})
	}
}

// The rules for a place that is not on this machine hold for it as for the others.
func TestSpeakerElsewhereNeedsAReviewedProvider(t *testing.T) {
	t.Parallel()
	a := &away{server: testServer(t), now: reviewed}
	config := a.config()
	config.VoiceModel, config.Voice = openaitest.VoiceModel, "calm"
	speaker := testSpeaker(t, config)
	sound, _, err := speaker.Say(t.Context(), "Who helped you?")
	must(t, err)
	must(t, sound.Close())
	a.now = reviewed.Add(consent.ReviewLife)
	if _, _, err := speaker.Say(t.Context(), "Who helped you?"); !errors.Is(err, consent.ErrProvider) || len(a.server.Requests()) != 1 {
		t.Errorf("after 90 days: %v, %d requests", err, len(a.server.Requests()))
	}
	config.Provider = consent.Provider{}
	if _, err := NewOpenAISpeaker(config, spokenBank()); !errors.Is(err, consent.ErrProvider) {
		t.Errorf("without an entry in the register: %v", err)
	}
}

// newSpoken returns a Spoken of two questions and a probe that does not try again.
func newSpoken(t *testing.T, server *openaitest.Server, change func(*SpokenConfig)) (*Spoken, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	config := SpokenConfig{
		Dir: filepath.Join(t.TempDir(), "voice"), Speaker: testSpeaker(t, voiceConfig(server)), Texts: spokenBank().SpokenTexts(),
		Log: slog.New(slog.NewTextHandler(log, nil)), pause: func(context.Context, time.Duration) bool { return false },
	}
	if change != nil {
		change(&config)
	}
	return NewSpoken(config), log
}

// filesOf lists the files of the folder.
func filesOf(t *testing.T, s *Spoken) []string {
	t.Helper()
	entries, err := os.ReadDir(s.config.Dir)
	must(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func read(t *testing.T, s *Spoken, text string) (sound []byte, size int64) {
	t.Helper()
	answer, err := s.Say(t.Context(), text)
	must(t, err)
	raw, err := io.ReadAll(answer)
	must(t, errors.Join(err, answer.Close()))
	return raw, answer.Size
}

func TestQuestionsAreMadeOnce(t *testing.T) {
	t.Parallel()
	server := testServer(t)
	s, _ := newSpoken(t, server, nil)
	must(t, s.tidy())
	must(t, s.makeMissing(t.Context()))
	if got := len(server.Take()); got != 3 {
		t.Fatalf("%d sounds were made, want 3", got)
	}
	want := openaitest.Tone(time.Second)
	for _, text := range s.config.Texts {
		if sound, size := read(t, s, text); !bytes.Equal(sound, want) || size != int64(len(want)) {
			t.Errorf("%q: %d bytes, size %d, want the %d that were made", text, len(sound), size, len(want))
		}
	}
	again := NewSpoken(s.config)
	must(t, again.tidy())
	must(t, again.makeMissing(t.Context()))
	if got := len(server.Requests()); got != 0 || again.used != s.used || s.used != 3*int64(spokenHeader+len(want)) {
		t.Errorf("after a restart: %d made anew, %d bytes counted, before %d", got, again.used, s.used)
	}
	name := regexp.MustCompile(`^[0-9a-f]{64}\.bin$`)
	for _, file := range filesOf(t, s) {
		if !name.MatchString(file) {
			t.Errorf("file %q: its name should say nothing", file)
		}
	}
}

func TestSoundThatIsNotWholeIsMadeAnew(t *testing.T) {
	t.Parallel()
	server := testServer(t)
	s, _ := newSpoken(t, server, nil)
	must(t, s.makeMissing(t.Context()))
	path := s.path("Who helped you?")
	whole, err := os.ReadFile(path)
	must(t, err)
	for name, change := range map[string]func() []byte{
		"a bit":         func() []byte { c := bytes.Clone(whole); c[len(c)-1] ^= 1; return c },
		"the sum":       func() []byte { c := bytes.Clone(whole); c[9] ^= 1; return c },
		"the end":       func() []byte { return whole[:len(whole)/2] },
		"all but a bit": func() []byte { return []byte("G") },
		"more":          func() []byte { return append(bytes.Clone(whole), 0) },
		"everything":    func() []byte { return []byte("<html>" + strings.Repeat(" ", 100)) },
	} {
		must(t, os.WriteFile(path, change(), 0o600))
		server.Take()
		if sound, size := read(t, s, "Who helped you?"); !bytes.Equal(sound, openaitest.Tone(time.Second)) || size != -1 || len(server.Take()) != 1 {
			t.Errorf("%s changed: %d bytes, size %d; want it made anew", name, len(sound), size)
		}
		if _, size := read(t, s, "Who helped you?"); size < 0 {
			t.Errorf("%s changed: what was made anew is not kept", name)
		}
	}
}

func TestSoundThatBreaksOffIsNotKept(t *testing.T) {
	t.Parallel()
	server := testServer(t)
	s, log := newSpoken(t, server, nil)
	server.Fail(openaitest.PathVoice, openaitest.SoundCut, 2)
	for range 2 {
		answer, err := s.Say(t.Context(), "Why did it fail?")
		must(t, err)
		if _, err := io.ReadAll(answer); err == nil {
			t.Error("a sound that broke off ends like a whole one")
		}
		must(t, answer.Close())
	}
	left, err := s.Say(t.Context(), "Why did it fail?")
	must(t, err)
	_, err = left.Read(make([]byte, 100)) // the candidate goes on before it has ended
	must(t, errors.Join(err, left.Close()))
	if files := filesOf(t, s); len(files) != 0 || s.used != 0 {
		t.Errorf("kept %q, %d bytes", files, s.used)
	}
	if got := strings.Count(log.String(), "level=WARN"); got != 1 {
		t.Errorf("the log has %d lines, want one for the first failure: %s", got, log)
	}
	if strings.Contains(log.String(), "Why did it fail") {
		t.Error("the log repeats the question")
	}
}

// signalWriter is a log that tells when a line holds a text.
type signalWriter struct {
	bytes.Buffer
	text string
	seen chan struct{}
}

func (w *signalWriter) Write(line []byte) (int, error) {
	n, err := w.Buffer.Write(line)
	if strings.Contains(string(line), w.text) {
		close(w.seen)
	}
	return n, err //nolint:wrapcheck // of a buffer
}

func TestMakingWaitsForAServerThatIsAway(t *testing.T) {
	t.Parallel()
	server := testServer(t)
	server.Fail(openaitest.PathVoice, openaitest.Unauthorized, -1)
	var waits []time.Duration
	log := &signalWriter{text: "every question is there", seen: make(chan struct{})}
	s, _ := newSpoken(t, server, func(c *SpokenConfig) {
		c.Log = slog.New(slog.NewTextHandler(log, nil))
		c.pause = func(_ context.Context, length time.Duration) bool {
			if waits = append(waits, length); len(waits) == 9 {
				server.Heal()
			}
			return true
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }() // ends with ctx; waited for below
	<-log.seen
	cancel()
	must(t, <-ended)
	if len(waits) != 9 || waits[0] != leastRemaking || waits[1] != 2*leastRemaking || waits[8] != mostRemaking {
		t.Errorf("pauses %v", waits)
	}
	if got := strings.Count(log.String(), "level=WARN"); got != 1 {
		t.Errorf("the log has %d warnings, want one: %s", got, log)
	}
	if files := filesOf(t, s); len(files) != 3 || len(server.Requests()) != 12 {
		t.Errorf("the folder holds %q after %d requests, want three after 9 and 3", files, len(server.Requests()))
	}
}

func TestFolderHoldsTheBanksSoundAndNoMore(t *testing.T) {
	t.Parallel()
	server := testServer(t)
	s, _ := newSpoken(t, server, func(c *SpokenConfig) { c.most = 2 * int64(spokenHeader+len(openaitest.Tone(time.Second))) })
	must(t, os.MkdirAll(s.config.Dir, 0o700))
	for _, name := range []string{strings.Repeat("ab", 32) + spokenSuffix, "123" + partSuffix} {
		must(t, os.WriteFile(filepath.Join(s.config.Dir, name), []byte("old"), 0o600))
	}
	must(t, s.tidy())
	if files := filesOf(t, s); len(files) != 0 {
		t.Errorf("left %q", files)
	}
	if err := s.makeMissing(t.Context()); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("a third sound where two fit: %v", err)
	}
	if files := filesOf(t, s); len(files) != 2 {
		t.Errorf("the folder holds %q, want two", files)
	}
	if sound, _ := read(t, s, "What did you do?"); len(sound) == 0 {
		t.Error("what cannot be kept is not spoken")
	}
}

func TestOnlySoManyQuestionsAreMadeAtOnce(t *testing.T) {
	t.Parallel()
	server := testServer(t)
	s, _ := newSpoken(t, server, nil)
	var open []Sound
	for range mostMakers {
		answer, err := s.Say(t.Context(), "Why did it fail?")
		must(t, err)
		open = append(open, answer)
	}
	if _, err := s.Say(t.Context(), "Who helped you?"); !errors.Is(err, ErrVoice) {
		t.Errorf("one more: %v", err)
	}
	for _, answer := range open {
		must(t, answer.Close())
	}
	read(t, s, "Who helped you?")
}

func TestSoundTypes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"OggS\x00\x02abcdefgh": "audio/ogg", "RIFF\x24\x00\x00\x00WAVEfmt ": "audio/wav", "\x1aE\xdf\xa3abcdefgh": "audio/webm",
		"ID3\x04\x00\x00abcdefgh": "audio/mpeg", "\xff\xfb\x90\x00abcdefgh": "audio/mpeg", "\xff\xf3\x40\xc4abcdefgh": "audio/mpeg",
		"\xff\xf1\x50\x80abcdefgh": "" /* AAC */, "RIFF\x24\x00\x00\x00AVI LIST": "", "fLaC\x00\x00\x00\x22abcd": "",
		"<!doctype html>": "", `{"error":"no"}  `: "", "OggS": "", "": "", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff": "",
	} {
		if got := soundType([]byte(text)); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// FuzzOpenSound: whatever a file holds, no panic, and nothing is handed out that is no sound.
func FuzzOpenSound(f *testing.F) {
	f.Add([]byte("GRVOICE1"))
	f.Add(openaitest.Tone(time.Millisecond))
	f.Add([]byte("\xff\xfb\x90\x00abcdefgh"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if sound, err := openSound(raw); err == nil && soundType(sound) == "" {
			t.Errorf("%d bytes are handed out as sound", len(sound))
		}
		if mime := soundType(raw); mime != "" && (len(raw) < soundHead || raw[0] == '<' || raw[0] == '{') {
			t.Errorf("%q is taken for %s", raw[:min(len(raw), soundHead)], mime)
		}
	})
}
