package assess

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/assess/openaitest"
	"greenroom/consent"
)

const testAnswer = `{"level": 3, "why": "one two three four"}`

func testModel(t *testing.T, config OpenAIConfig) *OpenAIModel {
	t.Helper()
	model, err := NewOpenAIModel(config)
	if err != nil {
		t.Fatal(err)
	}
	model.pause = time.Millisecond
	return model
}

// answering starts a server whose model says testAnswer.
func answering(t *testing.T) *openaitest.Server {
	t.Helper()
	server := testServer(t)
	server.AnswerChat(func(openaitest.ChatRequest) string { return testAnswer })
	return server
}

// testPrompt asks about a question that is easy to find in what was sent.
func testPrompt() Prompt {
	prompt, err := newPrompt("session", ratingQuestion{Question: "Rate this."})
	if err != nil {
		panic(err)
	}
	return prompt
}

// modelPermit asks the real decision about a session whose candidate consented.
func modelPermit(session consent.SessionID) func(context.Context) (consent.Permit, error) {
	return func(ctx context.Context) (consent.Permit, error) {
		gate := consent.Gate{Reader: &facts{consents: consent.Consents{Transcription: true, Assessment: true}}}
		return gate.Permit(ctx, assessorActor, session, consent.ArtefactModel)
	}
}

// mayAsk is a fresh Permit for testPrompt.
func mayAsk() consent.Permit {
	permit, err := modelPermit("session")(context.Background())
	if err != nil {
		panic(err)
	}
	return permit
}

func testRequest() ModelRequest {
	return ModelRequest{
		System: ratingSystem, User: testPrompt(), MaxTokens: 300, SchemaName: "rating",
		Schema: json.RawMessage(`{"type":"object","properties":{"level":{"type":"integer"}}}`),
	}
}

func TestModelAnswers(t *testing.T) {
	server := answering(t)
	model := testModel(t, testConfig(server))
	var deltas []string
	request := testRequest()
	request.OnDelta = func(text string) { deltas = append(deltas, text) }
	answer, err := model.Complete(t.Context(), mayAsk(), request)
	if err != nil {
		t.Fatal(err)
	}
	want := ModelAnswer{Text: testAnswer, FinishReason: "stop", Model: "test-chat", Held: HeldBySchema, PromptTokens: 7, CompletionTokens: 7}
	if answer != want {
		t.Errorf("got %+v, want %+v", answer, want)
	}
	if len(deltas) < 3 || strings.Join(deltas, "") != testAnswer {
		t.Errorf("deltas are %q", deltas)
	}
	if model.Name() != "openai:test-chat" || !strings.HasPrefix(model.Place(), "127.0.0.1:") {
		t.Errorf("name %q, place %q", model.Name(), model.Place())
	}
}

func TestModelRequestHoldsOnlyWhatWasGiven(t *testing.T) {
	server := answering(t)
	if _, err := testModel(t, testConfig(server)).Complete(t.Context(), mayAsk(), testRequest()); err != nil {
		t.Fatal(err)
	}
	quoted := func(text string) string { raw, _ := json.Marshal(text); return string(raw) }
	want := `{"max_tokens":300,"messages":[{"role":"system","content":` + quoted(ratingSystem) + `},` +
		`{"role":"user","content":` + quoted(testPrompt().text) + `}],` +
		`"model":"test-chat","response_format":{"type":"json_schema","json_schema":{"name":"rating",` +
		`"schema":{"type":"object","properties":{"level":{"type":"integer"}}},"strict":true}},` +
		`"stream":true,"stream_options":{"include_usage":true},"temperature":0}`
	if got := string(server.Requests()[0].Body); got != want {
		t.Errorf("sent\n%s\nwant\n%s", got, want)
	}
}

func TestModelSurvivesFaultsThatPass(t *testing.T) {
	faults := []openaitest.Fault{
		openaitest.TooMany, openaitest.Overloaded, openaitest.TextError, openaitest.Dropped,
		openaitest.StreamCut, openaitest.StreamEnds, openaitest.NoFinish, // once, and then well
		openaitest.NoDone, openaitest.KeepAlives, openaitest.OtherFields,
	}
	for _, fault := range faults {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			server := answering(t)
			server.Fail(openaitest.PathChat, fault, 1)
			answer, err := testModel(t, testConfig(server)).Complete(t.Context(), mayAsk(), testRequest())
			if err != nil || answer.Text != testAnswer || answer.PromptTokens != 7 {
				t.Errorf("got %+v and %v", answer, err)
			}
		})
	}
}

func TestModelFailuresSayWhatToDo(t *testing.T) {
	tests := []struct {
		fault openaitest.Fault
		want  string
		tries int
	}{
		{openaitest.TooMany, "raise the quota", 1},
		{openaitest.QuotaUsedUp, "you exceeded your current quota", 1},
		{openaitest.Overloaded, "HTTP 503", openAITries},
		{openaitest.Unauthorized, "[key]: check the API key", 1},
		{openaitest.TextError, "model runner has stopped", openAITries},
		{openaitest.DetailError, "bad field", 3}, // one for each step of the ladder
		{openaitest.ErrorInside, "the engine is not ready", 1},
		{openaitest.ObjectError, "the engine is not ready", 1},
		{openaitest.WebPage, "web page", 1},
		{openaitest.Slow, "raise the timeout", 1},
		{openaitest.Dropped, "can be reached", openAITries},
		{openaitest.Redirect, "HTTP 307", 1},
		{openaitest.StreamCut, "EOF", openAITries},
		{openaitest.StreamEnds, "cut off", openAITries},
		{openaitest.NoFinish, "cut off", openAITries},
		{openaitest.StreamError, "the engine died", 1},
		{openaitest.StreamTextError, "the engine died", 1},
		{openaitest.StreamObjectError, "the engine died", 1},
		{openaitest.StreamStalls, "sent nothing for too long", openAITries},
		{openaitest.Malformed, "expected JSON", 1},
		{openaitest.Huge, "too large", 1},
	}
	for _, test := range tests {
		t.Run(string(test.fault), func(t *testing.T) {
			t.Parallel()
			server := answering(t)
			server.Fail(openaitest.PathChat, test.fault, -1)
			config := testConfig(server)
			switch test.fault {
			case openaitest.Slow, openaitest.TooMany:
				config.ChatTimeout = 300 * time.Millisecond
			case openaitest.StreamStalls:
				config.IdleTimeout = 200 * time.Millisecond
			default:
			}
			answer, err := testModel(t, config).Complete(t.Context(), mayAsk(), testRequest())
			if answer != (ModelAnswer{}) || !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %+v and %v, want an error with %q", answer, err, test.want)
			}
			if strings.Contains(err.Error(), testKey) || strings.Contains(err.Error(), "Rate this") {
				t.Errorf("the error repeats what was sent: %v", err)
			}
			if got := len(server.Requests()); got != test.tries {
				t.Errorf("server was asked %d times, want %d: %v", got, test.tries, err)
			}
		})
	}
}

// A reply that the server ended on purpose is no failure of the server: the caller asks once more, or goes on
// without. It says how it was asked and what answered, and nothing of its text.
func TestRepliesThatEndOnPurposeAreUnusable(t *testing.T) {
	tests := []struct {
		fault openaitest.Fault
		cause error
		want  ModelAnswer
	}{
		{openaitest.FinishLength, errTooLong, ModelAnswer{FinishReason: "length", Model: "test-chat", Held: HeldBySchema, PromptTokens: 7, CompletionTokens: 7}},
		{openaitest.FinishFiltered, errDeclined, ModelAnswer{FinishReason: "content_filter", Model: "test-chat", Held: HeldBySchema, PromptTokens: 7, CompletionTokens: 7}},
		{openaitest.Declined, errDeclined, ModelAnswer{Held: HeldBySchema}},
		{openaitest.Filtered, errDeclined, ModelAnswer{Held: HeldBySchema}},
	}
	for _, test := range tests {
		t.Run(string(test.fault), func(t *testing.T) {
			t.Parallel()
			server := answering(t)
			server.Fail(openaitest.PathChat, test.fault, -1)
			model := testModel(t, testConfig(server))
			answer, err := model.Complete(t.Context(), mayAsk(), testRequest())
			if answer != test.want || !errors.Is(err, ErrModel) || !errors.Is(err, errUnusable) || !errors.Is(err, test.cause) {
				t.Errorf("got %+v and %v, want %+v and %v", answer, err, test.want, test.cause)
			}
			if names := strings.Join(model.Names(), " "); names != test.want.Model {
				t.Errorf("what answered is known as %q, want %q", names, test.want.Model)
			}
			if told := whatToRepair(err); !errors.Is(told, test.cause) || errors.Is(told, ErrModel) {
				t.Errorf("the model is told %q", told)
			}
			if got := len(server.Requests()); got != 1 {
				t.Errorf("server was asked %d times for one reply, want once", got)
			}
		})
	}
}

func TestPiecesHandedOnAreNotRepeated(t *testing.T) {
	server := answering(t)
	server.Fail(openaitest.PathChat, openaitest.StreamEnds, 1)
	request := testRequest()
	pieces := 0
	request.OnDelta = func(string) { pieces++ }
	_, err := testModel(t, testConfig(server)).Complete(t.Context(), mayAsk(), request)
	if !errors.Is(err, ErrModel) || pieces == 0 || len(server.Requests()) != 1 {
		t.Errorf("got %v after %d pieces and %d requests", err, pieces, len(server.Requests()))
	}
}

func TestLadderGoesDownAndIsRemembered(t *testing.T) {
	tests := []struct {
		fault    openaitest.Fault
		formats  []string // of the requests of two questions
		withText bool     // the schema goes along as text at the end
	}{
		{openaitest.SchemaRefused, []string{"json_schema", "json_object", "json_object"}, true},
		{openaitest.ObjectRefused, []string{"json_schema", "json_object", "", ""}, true},
		{openaitest.TemperatureError, []string{"json_schema", "json_schema", "json_schema"}, false},
		{openaitest.LimitError, []string{"json_schema", "json_schema", "json_schema"}, false},
		{openaitest.UsageError, []string{"json_schema", "json_schema", "json_schema"}, false},
	}
	for _, test := range tests {
		t.Run(string(test.fault), func(t *testing.T) {
			t.Parallel()
			server := answering(t)
			server.Fail(openaitest.PathChat, test.fault, -1)
			model := testModel(t, testConfig(server))
			for range 2 {
				if answer, err := model.Complete(t.Context(), mayAsk(), testRequest()); err != nil || answer.Text != testAnswer {
					t.Fatalf("got %+v and %v", answer, err)
				}
			}
			var formats []string
			var last openaitest.ChatRequest
			for _, request := range server.Requests() {
				last = openaitest.ChatRequest{}
				if err := json.Unmarshal(request.Body, &last); err != nil {
					t.Fatal(err)
				}
				format := ""
				if last.ResponseFormat != nil {
					format = last.ResponseFormat.Type
				}
				formats = append(formats, format)
			}
			if strings.Join(formats, ",") != strings.Join(test.formats, ",") {
				t.Errorf("formats %q, want %q", formats, test.formats)
			}
			if got := strings.Contains(last.System(), `"integer"`); got != test.withText || last.User() != testPrompt().text {
				t.Errorf("schema in the text: %t, want %t; user %q", got, test.withText, last.User())
			}
		})
	}
}

// What one call learnt is not undone by another that began before and ends after it.
func TestACallInFlightUndoesNothing(t *testing.T) {
	model := testModel(t, testConfig(answering(t)))
	before := model.known
	learnt := before
	learnt.format, learnt.temperature, learnt.newLimit, learnt.switched = formatObject, false, true, true
	model.remember(learnt, true)
	model.remember(before, true)
	if model.known != learnt {
		t.Errorf("known is %+v, want %+v", model.known, learnt)
	}
	fewer := before
	fewer.usage = false
	model.remember(fewer, true)
	if learnt.usage = false; model.known != learnt {
		t.Errorf("known is %+v, want what both calls learnt: %+v", model.known, learnt)
	}
}

func TestOneRefusedQuestionTeachesNothing(t *testing.T) {
	server := answering(t)
	server.Fail(openaitest.PathChat, openaitest.DetailError, 3)
	model := testModel(t, testConfig(server))
	if _, err := model.Complete(t.Context(), mayAsk(), testRequest()); err == nil {
		t.Fatal("a question that is always refused was answered")
	}
	if _, err := model.Complete(t.Context(), mayAsk(), testRequest()); err != nil {
		t.Fatal(err)
	}
	requests := server.Requests()
	if last := string(requests[len(requests)-1].Body); !strings.Contains(last, "json_schema") {
		t.Errorf("the schema was given up for good: %s", last)
	}
}

func TestQuestionsWithoutASchemaArePlain(t *testing.T) {
	server := answering(t)
	model := testModel(t, testConfig(server))
	if _, err := model.Complete(t.Context(), mayAsk(), ModelRequest{User: testPrompt()}); err != nil {
		t.Fatal(err)
	}
	body := string(server.Requests()[0].Body)
	for _, unwanted := range []string{"response_format", "system", "max_", "Schema"} {
		if strings.Contains(body, unwanted) {
			t.Errorf("sent %q in %s", unwanted, body)
		}
	}
	if _, err := model.Complete(t.Context(), mayAsk(), testRequest()); err != nil {
		t.Fatal(err)
	}
	if body := string(server.Requests()[1].Body); !strings.Contains(body, "json_schema") {
		t.Errorf("the schema was given up after a question without one: %s", body)
	}
}

func TestReasoningModelsGetTheirOwnShape(t *testing.T) {
	server := answering(t)
	for _, name := range []string{"o1", "o3-mini", "o4-mini", "gpt-5-mini"} {
		config := testConfig(server)
		config.ChatModel = name
		if _, err := testModel(t, config).Complete(t.Context(), mayAsk(), testRequest()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, request := range server.Requests() {
		body := string(request.Body)
		if strings.Contains(body, "temperature") || !strings.Contains(body, `"max_completion_tokens":300`) {
			t.Errorf("sent %s", body)
		}
	}
}

func TestModelStopsWithItsContext(t *testing.T) {
	server := answering(t)
	server.Fail(openaitest.PathChat, openaitest.StreamStalls, -1)
	ctx, cancel := context.WithCancel(t.Context())
	request := testRequest()
	request.OnDelta = func(string) { cancel() }
	_, err := testModel(t, testConfig(server)).Complete(ctx, mayAsk(), request)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrModel) {
		t.Errorf("got %v", err)
	}
}

func TestModelIsSafeToShare(t *testing.T) {
	server := answering(t)
	server.Fail(openaitest.PathChat, openaitest.SchemaRefused, -1)
	model := testModel(t, testConfig(server))
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if answer, err := model.Complete(context.Background(), mayAsk(), testRequest()); err != nil || answer.Text != testAnswer {
				t.Errorf("got %+v and %v", answer, err)
			}
		})
	}
	wait.Wait()
}
