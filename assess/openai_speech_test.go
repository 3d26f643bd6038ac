package assess

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/assess/openaitest"
	"greenroom/consent"
	"greenroom/media"
)

const testKey = "sk-secret-test-key"

// testServer starts a server that is closed with the test.
func testServer(t *testing.T) *openaitest.Server {
	t.Helper()
	server := openaitest.New()
	t.Cleanup(server.Close)
	return server
}

func testConfig(server *openaitest.Server) OpenAIConfig {
	return OpenAIConfig{
		BaseURL: server.BaseURL(), APIKey: testKey,
		SpeechModel: openaitest.SpeechModel, ChatModel: openaitest.ChatModel,
		SpeechTimeout: 20 * time.Second, ChatTimeout: 20 * time.Second, IdleTimeout: 10 * time.Second,
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}
}

func testTranscriber(t *testing.T, config OpenAIConfig) *OpenAITranscriber {
	t.Helper()
	transcriber, err := NewOpenAITranscriber(config)
	if err != nil {
		t.Fatal(err)
	}
	transcriber.pause = time.Millisecond
	return transcriber
}

// twoSeconds is an utterance that begins a minute into the session.
func twoSeconds() media.Utterance {
	return media.Utterance{
		Session: "s", Start: time.Minute, End: time.Minute + 2*time.Second,
		PCM: make([]float32, 2*media.SampleRate),
	}
}

func TestRemoteWordsHaveTheServersTimes(t *testing.T) {
	server := testServer(t)
	server.AnswerSpeech(func(audio openaitest.Audio) string {
		if audio.Seconds != 2 || audio.Model != openaitest.SpeechModel || !audio.Words {
			t.Errorf("server got %v s for %q, words %t", audio.Seconds, audio.Model, audio.Words)
		}
		return "Hello, well-known world."
	})
	words, interpolated, err := testTranscriber(t, testConfig(server)).Transcribe(t.Context(), twoSeconds())
	if err != nil || interpolated {
		t.Fatalf("interpolated %t, error %v", interpolated, err)
	}
	third := 2 * time.Second / 3
	want := []Word{
		{Text: "Hello,", Start: time.Minute, End: time.Minute + third},
		{Text: "well-known", Start: time.Minute + third, End: time.Minute + 2*third},
		{Text: "world.", Start: time.Minute + 2*third, End: time.Minute + 2*time.Second},
	}
	compareWords(t, words, want)
	request := server.Requests()[0]
	if got := request.Header.Get("Authorization"); got != "Bearer "+testKey {
		t.Errorf("authorization %q", got)
	}
}

func compareWords(t *testing.T, got, want []Word) {
	t.Helper()
	near := func(a, b time.Duration) bool { return (a - b).Abs() < time.Millisecond }
	if len(got) != len(want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	for i := range got {
		if got[i].Text != want[i].Text || !near(got[i].Start, want[i].Start) || !near(got[i].End, want[i].End) {
			t.Errorf("word %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}

func TestOddTranscriptionsAreStillRead(t *testing.T) {
	tests := []struct {
		fault        openaitest.Fault
		interpolated bool
	}{
		{openaitest.StringDuration, false},
		{openaitest.WordsNested, false},
		{openaitest.NoWords, true},
		{openaitest.WordsBackwards, true},
		{openaitest.VerboseRefused, true},
		{openaitest.SilenceInside, true}, // the server's words do not cover the text without the silence
		{openaitest.TooMany, false},
		{openaitest.Overloaded, false},
		{openaitest.TextError, false},
		{openaitest.Dropped, false},
	}
	for _, test := range tests {
		t.Run(string(test.fault), func(t *testing.T) {
			t.Parallel()
			server := testServer(t)
			server.AnswerSpeech(func(openaitest.Audio) string { return "Hello big world" })
			times := 1
			if test.fault == openaitest.VerboseRefused {
				times = -1
			}
			server.Fail(openaitest.PathSpeech, test.fault, times)
			words, interpolated, err := testTranscriber(t, testConfig(server)).Transcribe(t.Context(), twoSeconds())
			if got := wordsText(words); err != nil || got != "Hello big world" {
				t.Errorf("got %q and %v", got, err)
			}
			if interpolated != test.interpolated && test.fault != openaitest.SilenceInside {
				t.Errorf("interpolated %t, want %t", interpolated, test.interpolated)
			}
		})
	}
}

func TestFailedTranscriptionsSayWhatToDo(t *testing.T) {
	tests := []struct {
		fault openaitest.Fault
		want  string
		tries int
	}{
		{openaitest.TooMany, "wait, or raise the quota", 1}, // Retry-After is beyond the deadline
		{openaitest.QuotaUsedUp, "raise the quota", 1},
		{openaitest.Overloaded, "HTTP 503", openAITries},
		{openaitest.TextError, "model runner has stopped", openAITries},
		{openaitest.DetailError, "bad field", 2}, // with and without word times
		{openaitest.Unauthorized, "check the API key", 1},
		{openaitest.ErrorInside, "the engine is not ready", 1},
		{openaitest.ObjectError, "the engine is not ready", 1},
		{openaitest.WebPage, "web page", 1},
		{openaitest.Malformed, "expected JSON", 1},
		{openaitest.Huge, "too large", 1},
		{openaitest.Slow, "raise the timeout", 1},
		{openaitest.Dropped, "can be reached", openAITries},
		{openaitest.Redirect, "HTTP 307", 1},
	}
	for _, test := range tests {
		t.Run(string(test.fault), func(t *testing.T) {
			t.Parallel()
			server := testServer(t)
			server.Fail(openaitest.PathSpeech, test.fault, -1)
			config := testConfig(server)
			if test.fault == openaitest.Slow || test.fault == openaitest.TooMany {
				config.SpeechTimeout = 300 * time.Millisecond
			}
			words, _, err := testTranscriber(t, config).Transcribe(t.Context(), twoSeconds())
			if words != nil || !errors.Is(err, ErrTranscriber) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v and %v, want an error with %q", words, err, test.want)
			}
			if strings.Contains(err.Error(), testKey) || strings.Contains(err.Error(), "form-data") {
				t.Errorf("the error repeats what was sent: %v", err)
			}
			if got := len(server.Requests()); got != test.tries {
				t.Errorf("server was asked %d times, want %d: %v", got, test.tries, err)
			}
		})
	}
}

func TestRefusedWordTimesAreAskedForOnce(t *testing.T) {
	server := testServer(t)
	server.Fail(openaitest.PathSpeech, openaitest.VerboseRefused, -1)
	transcriber := testTranscriber(t, testConfig(server))
	for range 3 {
		if _, _, err := transcriber.Transcribe(t.Context(), twoSeconds()); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(server.Requests()); got != 4 {
		t.Errorf("server was asked %d times for 3 utterances, want 4", got)
	}
}

func TestRemoteTranscriberAsksNothingForNothing(t *testing.T) {
	server := testServer(t)
	transcriber := testTranscriber(t, testConfig(server))
	short := media.Utterance{PCM: make([]float32, minUtterance-1)}
	if words, _, err := transcriber.Transcribe(t.Context(), short); words != nil || err != nil {
		t.Errorf("got %v and %v", words, err)
	}
	long := media.Utterance{PCM: make([]float32, 26*media.SampleRate)}
	if _, _, err := transcriber.Transcribe(t.Context(), long); !errors.Is(err, ErrTranscriber) {
		t.Errorf("got %v, want ErrTranscriber", err)
	}
	if got := len(server.Requests()); got != 0 {
		t.Errorf("server was asked %d times", got)
	}
}

func TestSilenceFromTheServerIsNoError(t *testing.T) {
	server := testServer(t)
	server.AnswerSpeech(func(openaitest.Audio) string { return " " })
	words, _, err := testTranscriber(t, testConfig(server)).Transcribe(t.Context(), twoSeconds())
	if words != nil || err != nil {
		t.Errorf("got %v and %v", words, err)
	}
}

func TestTranscribingStopsWithItsContext(t *testing.T) {
	server := testServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	server.AnswerSpeech(func(openaitest.Audio) string {
		cancel()
		<-stopped // the server is still at work when its client has gone
		return "late"
	})
	_, _, err := testTranscriber(t, testConfig(server)).Transcribe(ctx, twoSeconds())
	close(stopped)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrTranscriber) {
		t.Errorf("got %v", err)
	}
}

func TestServerDownIsAnError(t *testing.T) {
	server := openaitest.New()
	config := testConfig(server)
	server.Close()
	_, _, err := testTranscriber(t, config).Transcribe(t.Context(), twoSeconds())
	if !errors.Is(err, ErrTranscriber) || !strings.Contains(err.Error(), "can be reached") {
		t.Errorf("got %v", err)
	}
}

func TestOpenAIConfigIsChecked(t *testing.T) {
	for _, base := range []string{"", "api.openai.com/v1", "ftp://host/v1", "http://", "http://u:p@host/v1", "http://host/v1?a=b", "http://host/#x", "http://a b/"} {
		config := OpenAIConfig{BaseURL: base, SpeechModel: "m", ChatModel: "m"}
		if _, err := NewOpenAITranscriber(config); !errors.Is(err, ErrTranscriber) {
			t.Errorf("%q for speech: got %v", base, err)
		}
		if _, err := NewOpenAIModel(config); !errors.Is(err, ErrModel) {
			t.Errorf("%q for chat: got %v", base, err)
		}
	}
	config := OpenAIConfig{
		BaseURL: "https://speech.example:8443/v1/", SpeechModel: "whisper-1",
		Provider: consent.Provider{Origin: "https://speech.example:8443", Reviewed: time.Now().Add(-time.Hour)},
	}
	if _, err := NewOpenAIModel(config); !errors.Is(err, ErrModel) {
		t.Errorf("no chat model: got %v", err)
	}
	transcriber, err := NewOpenAITranscriber(config)
	if err != nil || transcriber.Engine() != "openai:whisper-1" || transcriber.Place() != "speech.example:8443" {
		t.Errorf("got %+v and %v", transcriber, err)
	}
}

func TestKeysAreNeverPrinted(t *testing.T) {
	config := OpenAIConfig{BaseURL: "https://host/v1", APIKey: testKey}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("start", "speech", config)
	for _, text := range []string{fmt.Sprint(config), fmt.Sprintf("%+v", config), fmt.Sprintf("%#v", config), logged.String()} {
		if strings.Contains(text, testKey) || !strings.Contains(text, "key set") {
			t.Errorf("printed as %q", text)
		}
	}
}
