package openaitest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

func ask(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

func TestServerListsItsModels(t *testing.T) {
	server := New()
	t.Cleanup(server.Close)
	status, body := ask(t, http.MethodGet, server.BaseURL()+"/models", "")
	if status != http.StatusOK || !strings.Contains(body, ChatModel) || !strings.Contains(body, SpeechModel) {
		t.Errorf("status %d, body %s", status, body)
	}
	if !strings.HasPrefix(server.BaseURL(), "http://127.0.0.1:") {
		t.Errorf("listens on %s", server.BaseURL())
	}
}

func TestServerAnswersChats(t *testing.T) {
	server := New()
	t.Cleanup(server.Close)
	server.AnswerChat(func(r ChatRequest) string { return r.SchemaName() + "/" + r.System() + "/" + r.User() })
	const chat = `{"model":"m","messages":[{"role":"system","content":"be short"},{"role":"user","content":"hi you"}],
		"response_format":{"type":"json_schema","json_schema":{"name":"rating","schema":{}}}`
	_, body := ask(t, http.MethodPost, server.BaseURL()+PathChat, chat+"}")
	var whole struct {
		Choices []struct {
			Message      Message `json:"message"`
			FinishReason string  `json:"finish_reason"`
		} `json:"choices"`
	}
	if err := json.Unmarshal([]byte(body), &whole); err != nil || len(whole.Choices) != 1 {
		t.Fatalf("body %s, error %v", body, err)
	}
	if got := whole.Choices[0]; got.Message.Content != "rating/be short/hi you" || got.FinishReason != "stop" {
		t.Errorf("got %+v", got)
	}
	_, body = ask(t, http.MethodPost, server.BaseURL()+PathChat, chat+`,"stream":true}`)
	if got := strings.Count(body, "data: "); got != 6 || !strings.HasSuffix(body, "data: [DONE]\n\n") {
		t.Errorf("stream has %d events, want three words, finish, usage and done: %s", got, body)
	}
}

func TestServerRefusesNonsense(t *testing.T) {
	server := New()
	t.Cleanup(server.Close)
	for _, body := range []string{"", "{}", "[]", `{"model":"m"}`, `{"messages":[{"role":"user","content":"hi"}]}`} {
		if status, got := ask(t, http.MethodPost, server.BaseURL()+PathChat, body); status != http.StatusBadRequest {
			t.Errorf("chat %q: status %d, %s", body, status, got)
		}
	}
	if status, got := ask(t, http.MethodPost, server.BaseURL()+PathSpeech, "no form"); status != http.StatusBadRequest {
		t.Errorf("transcription: status %d, %s", status, got)
	}
	if status, _ := ask(t, http.MethodPost, server.BaseURL()+"/elsewhere", ""); status != http.StatusNotFound {
		t.Errorf("elsewhere: status %d", status)
	}
}

func TestFaultsComeInTheOrderTheyWerePlanned(t *testing.T) {
	server := New()
	t.Cleanup(server.Close)
	server.Fail(PathChat, Overloaded, 2)
	server.Fail(PathChat, TextError, 1)
	server.Fail(PathSpeech, Unauthorized, -1)
	const chat = `{"model":"m","messages":[{"role":"user","content":"hi"}]}`
	for i, want := range []int{503, 503, 500, 200, 200} {
		if got, _ := ask(t, http.MethodPost, server.BaseURL()+PathChat, chat); got != want {
			t.Errorf("request %d: status %d, want %d", i, got, want)
		}
	}
	for _, want := range []int{401, 401} {
		if got, _ := ask(t, http.MethodPost, server.BaseURL()+PathSpeech, ""); got != want {
			t.Errorf("status %d, want %d", got, want)
		}
	}
	server.Heal()
	if got, _ := ask(t, http.MethodPost, server.BaseURL()+PathSpeech, ""); got != http.StatusBadRequest {
		t.Errorf("healed: status %d", got)
	}
	if got := len(server.Requests()); got != 8 {
		t.Errorf("%d requests were noted, want 8", got)
	}
}

func TestRequestsAreSeenBeforeTheyAreAnswered(t *testing.T) {
	server := New()
	t.Cleanup(server.Close)
	var seen []string
	server.Watch(func(r Request) {
		seen = append(seen, r.Path)
		server.Fail(PathChat, Overloaded, 1) // may call the server; holds for the next request
	})
	server.Fail(PathChat, Busy, 1)
	for range 2 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.BaseURL()+PathChat, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		again := response.Header.Get("Retry-After")
		if response.StatusCode != http.StatusServiceUnavailable || (again == "5") != (len(seen) == 1) {
			t.Errorf("request %d: status %d, Retry-After %q", len(seen), response.StatusCode, again)
		}
	}
	if len(seen) != 2 || seen[0] != PathChat {
		t.Errorf("saw %q", seen)
	}
}

func TestCloseEndsAnswersThatHang(t *testing.T) {
	server := New()
	server.Fail(PathChat, Slow, 1)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.BaseURL()+PathChat, nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { // ends when the server closes; the test waits for done
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = response.Body.Close()
		}
		done <- err
	}()
	for len(server.Requests()) == 0 {
		select {
		case err := <-done:
			t.Fatalf("answered too early: %v", err)
		default:
		}
	}
	server.Close()
	<-done
}
