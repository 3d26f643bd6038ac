package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"greenroom/assess"
	"greenroom/assess/openaitest"
	"greenroom/consent"
	"greenroom/media"
	"greenroom/signaling"
)

// Whatever the interview's phase, a question that is still to come is not said.
func TestNobodyHearsAQuestionAhead(t *testing.T) {
	t.Parallel()
	ai := openaitest.New()
	t.Cleanup(ai.Close)
	bank, plan := builtInPlan(t)
	speaker, err := assess.NewOpenAISpeaker(assess.OpenAIConfig{BaseURL: ai.BaseURL(), VoiceModel: openaitest.VoiceModel, Voice: "v"}, bank)
	if err != nil {
		t.Fatal(err)
	}
	machine := assess.NewInterview(plan, nil)
	d := &desk{open: map[consent.SessionID]openRoom{"s": {interviewer: &interviewer{machine: machine}}}}
	voices := voicesOf{asked: d.asked, spoken: assess.NewSpoken(assess.SpokenConfig{Dir: t.TempDir(), Speaker: speaker, Log: slog.New(slog.DiscardHandler)})}
	check := func(when string, heard, probed int) {
		t.Helper()
		for n := range 2 * (len(plan.Questions) + 2) {
			question, probe := n/2-1, n%2
			sound, err := voices.Say(t.Context(), "s", question, probe)
			if want := question >= 0 && question < heard && (probe == 0 || question+1 == probed); want != (err == nil) || err != nil && !errors.Is(err, consent.ErrNotFound) {
				t.Errorf("%s: question %d, probe %d: %v, want it said: %t", when, question, probe, err, want)
			}
			if err != nil {
				continue
			}
			_, _ = io.Copy(io.Discard, sound) // what it says is looked at below
			_ = sound.Close()
		}
	}
	check("before it began", 0, 0)
	now := time.Now()
	for _, step := range []struct {
		act    assess.Act
		heard  int
		probed int // the number of the question whose probe may be heard; 0: none
	}{
		{assess.ActBegin, 1, 0},
		{assess.ActStartAnswer, 1, 0},
		{assess.ActDone, 1, 1},
		{assess.ActDone, 1, 0},
		{assess.ActNext, 2, 0},
		{assess.ActSkip, 3, 0},
		{assess.ActFinish, 0, 0},
	} {
		if err := machine.Act(step.act, assess.Moment{Wall: now, Media: 1}); err != nil {
			t.Fatalf("%s: %v", step.act, err)
		}
		check("after "+string(step.act), step.heard, step.probed)
	}
	if _, err := voices.Say(t.Context(), "another", 0, 0); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("of a session without a room here: %v", err)
	}
	for _, request := range ai.Requests() {
		asked := func(text string) bool { return strings.Contains(string(request.Body), text) }
		if !slices.ContainsFunc(plan.Questions[:3], func(q assess.Question) bool { return asked(q.Text) || asked(q.Probes[0]) }) {
			t.Errorf("asked to say %s", request.Body)
		}
	}
}

// toldScribe notes what it is told of utterances.
type toldScribe struct {
	slowScribe
	heard, overheard, dropped []int // their numbers
}

func (s *toldScribe) Hear(u media.Utterance)     { s.heard = append(s.heard, u.Sequence) }
func (s *toldScribe) Overhear(u media.Utterance) { s.overheard = append(s.overheard, u.Sequence) }
func (s *toldScribe) Drop(u media.Utterance)     { s.dropped = append(s.dropped, u.Sequence) }

// What was shown of an utterance that turns out to be the voice's is taken back.
func TestTheVoicesOwnUtterancesAreDropped(t *testing.T) {
	_, plan := builtInPlan(t)
	var cuts []media.SpeechCut
	room := &interviewer{machine: assess.NewInterview(plan, nil), log: quiet(), cut: func(c media.SpeechCut) { cuts = append(cuts, c) }}
	scribe := &toldScribe{}
	heard := notOurselves{room: room, to: scribe, log: quiet()}
	now := time.Now()
	act := func(act signaling.Act, at time.Duration) {
		t.Helper()
		if _, err := room.Act(t.Context(), act, now.Add(at), at); err != nil {
			t.Fatal(err)
		}
	}
	act(signaling.ActBegin, time.Second)
	act(signaling.ActSpeak, 10*time.Second)
	heard.Overhear(media.Utterance{Sequence: 1, Start: 8 * time.Second, End: 9 * time.Second})
	heard.Overhear(media.Utterance{Sequence: 1, Start: 8 * time.Second, End: 11 * time.Second})
	heard.Hear(media.Utterance{Sequence: 1, Start: 8 * time.Second, End: 10 * time.Second})
	heard.Overhear(media.Utterance{Sequence: 2, Start: 10 * time.Second, End: 11 * time.Second})
	act(signaling.ActSpoken, 14*time.Second)
	heard.Hear(media.Utterance{Sequence: 2, Start: 10 * time.Second, End: 14 * time.Second})
	heard.Hear(media.Utterance{Sequence: 3, Start: 14 * time.Second, End: 16 * time.Second})
	if !slices.Equal(scribe.heard, []int{1, 3}) || !slices.Equal(scribe.overheard, []int{1}) || !slices.Equal(scribe.dropped, []int{2}) || len(cuts) != 2 {
		t.Errorf("heard %v, shown %v, dropped %v, %d cuts", scribe.heard, scribe.overheard, scribe.dropped, len(cuts))
	}
}

// TestQuestionsAreSpokenBeforeAnybodyIsAsked: a server with a voice makes each sound once, over restarts too.
func TestQuestionsAreSpokenBeforeAnybodyIsAsked(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a server")
	}
	ai := openaitest.New()
	t.Cleanup(ai.Close)
	ai.AnswerVoice(func(openaitest.Spoken) []byte { return openaitest.Tone(100 * time.Millisecond) })
	ai.Fail(openaitest.PathVoice, openaitest.TextError, 2)
	bank, err := assess.BuiltInBank()
	if err != nil {
		t.Fatal(err)
	}
	texts := len(bank.SpokenTexts())
	folder := preparedFolder(t)
	for _, asked := range []int{texts + 2, 0} {
		p := startProgram(t, folder, "GREENROOM_AI_VOICE_BASE_URL="+ai.BaseURL(), "GREENROOM_AI_VOICE_API_KEY=key-that-is-secret",
			"GREENROOM_AI_VOICE_MODEL="+openaitest.VoiceModel, "GREENROOM_AI_VOICE=calm")
		eventually(t, time.Minute, "every question is there as sound", func() bool {
			return strings.Contains(p.output.String(), "every question is there as sound")
		})
		p.checkFiles(t)
		p.keepsTheKey()
		p.stop()
		if got := len(ai.Take()); got != asked {
			t.Errorf("%d requests, want %d", got, asked)
		}
		files, err := os.ReadDir(filepath.Join(folder, "voice"))
		if err != nil || len(files) != texts {
			t.Errorf("%d files, want %d: %v", len(files), texts, err)
		}
	}
}

// builtInPlan is practice for the first role that comes along.
func builtInPlan(t *testing.T) (assess.Bank, assess.Plan) {
	t.Helper()
	bank, err := assess.BuiltInBank()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := bank.Plan(bank.Roles[0].ID, assess.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return bank, plan
}

// readAloud makes an Ogg Opus file of one clip of read speech and returns its words.
func readAloud(t *testing.T, clip int) (file, words string) {
	t.Helper()
	wav, words := readClip(t, clip)
	return oggOf(t, "-i", wav), words
}

// talkedOver is a clip at a quarter of its loudness, as a loudspeaker's comes back, for so long, and another in
// which somebody begins to talk a little before it ends.
func talkedOver(t *testing.T, aloud, clip int, begins, ends time.Duration) (file, words string) {
	t.Helper()
	voice, _ := readClip(t, aloud)
	wav, words := readClip(t, clip)
	const bare = "silenceremove=start_periods=1:start_threshold=-40dB" // the clips begin with silence
	return oggOf(t, "-i", voice, "-i", wav, "-filter_complex", fmt.Sprintf(
		"[0]%s,atrim=0:%f,volume=0.25[a];[1]%s,adelay=%d[b];[a][b]amix=normalize=0", bare, ends.Seconds(), bare, begins.Milliseconds())), words
}

func readClip(t *testing.T, clip int) (wav, words string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(speechFolder, "transcription"))
	if err != nil {
		t.Fatalf("%v: run make tools", err)
	}
	words, name, ok := strings.Cut(strings.Split(strings.TrimSpace(string(text)), "\n")[clip], "</s>")
	if !ok {
		t.Fatalf("transcription line %d: %q", clip, words)
	}
	return filepath.Join(speechFolder, strings.Trim(name, " ()")+".wav"), strings.TrimPrefix(words, "<s>")
}

func oggOf(t *testing.T, args ...string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "clip.ogg")
	args = append(append([]string{"-v", "error"}, args...), "-ac", "1", "-ar", "48000", "-c:a", "libopus", "-b:a", "32k", "-frame_duration", "20", file)
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: run make tools\n%s", err, out)
	}
	return file
}

// TestTheInterviewerNeverTranscribesItself: the question's own sound is all that the microphone hears while it is
// said aloud, through WebRTC, the voice activity and the recognizer; nothing of it is written down. Whoever
// interrupts it is, from their first word on, also where both are heard without a pause between.
func TestTheInterviewerNeverTranscribesItself(t *testing.T) {
	t.Parallel()
	p := startProgram(t, preparedFolder(t))
	loud, asked := readAloud(t, 0)
	answer, answered := readAloud(t, 1)
	words, interrupting := talkedOver(t, 0, 2, 3*time.Second, 3200*time.Millisecond)
	for _, c := range []struct {
		name, aloud, said, notSaid string
		args                       []string
	}{
		{"the question's own sound", loud, answered, asked, nil},
		{"not told of", loud, asked + " " + answered, "", []string{"--interrupt", "20ms"}},
		{"a candidate who interrupts", words, interrupting + " " + answered, asked, []string{"--interrupt", "3160ms"}},
	} {
		result := p.rehearse(append([]string{"--demo", "--aloud", c.aloud, "--speech", answer, "--answers", "1"}, c.args...)...)
		written, said := wordsOf(strings.Join(result.Lines, " ")), wordsOf(c.said)
		for _, word := range wordsOf(c.notSaid) {
			if slices.Contains(written, word) && !slices.Contains(said, word) {
				t.Errorf("%s: %q of the question is written down in %q", c.name, word, result.Lines)
			}
		}
		missing := 0
		for _, word := range said {
			if !slices.Contains(written, word) {
				missing++
			}
		}
		if 100*missing > 15*len(said) || 100*len(written) > 115*len(said) {
			t.Errorf("%s: %d of %d words are missing from %q, written down is %q", c.name, missing, len(said), c.said, result.Lines)
		}
	}
}

// wordsOf returns the words of a text as they sound.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' })
}
