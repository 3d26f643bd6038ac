package assess

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/assess/openaitest"
)

// bySchema is a model that is held to the schema, else does as it is told.
func bySchema(r openaitest.ChatRequest) string {
	if r.ResponseFormat != nil && r.ResponseFormat.Type == "json_schema" {
		return `{"number":7}`
	}
	return `{"word":"apple"}`
}

func byWords(openaitest.ChatRequest) string { return `{"word":"apple"}` }

func chatty(openaitest.ChatRequest) string { return `Sure! {"word":"apple"}` }

// Each kind of server that there is, asked over the wire: what the probe finds, and what an assessor gets out of
// it afterwards. docs/assessor.md has the same table.
func TestProbeFindsOutWhatAServerReallyDoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(openaitest.ChatRequest) string
		faults []openaitest.Fault
		want   Capabilities // without the model, the times
	}{
		"enforces the schema":   {bySchema, nil, Capabilities{Held: HeldBySchema, Temperature: true, Seed: true, Usage: "counted", Named: true}},
		"ignores the schema":    {byWords, nil, Capabilities{Held: HeldByWords, Temperature: true, Seed: true, Usage: "counted", Named: true}},
		"talks around it":       {chatty, nil, Capabilities{Held: HeldByWords, Temperature: true, Seed: true, Usage: "counted", Named: true}},
		"refuses the schema":    {bySchema, []openaitest.Fault{openaitest.SchemaRefused}, Capabilities{Held: HeldToObject, Temperature: true, Seed: true, Usage: "counted", Named: true}},
		"refuses every form":    {bySchema, []openaitest.Fault{openaitest.ObjectRefused, openaitest.ObjectRefused}, Capabilities{Held: HeldByWords, Temperature: true, Seed: true, Usage: "counted", Named: true}},
		"refuses a temperature": {bySchema, []openaitest.Fault{openaitest.TemperatureError}, Capabilities{Held: HeldBySchema, Seed: true, Usage: "counted", Named: true}},
		"refuses a seed":        {bySchema, []openaitest.Fault{openaitest.SeedError}, Capabilities{Held: HeldBySchema, Temperature: true, Usage: "counted", Named: true}},
		"refuses to count":      {bySchema, []openaitest.Fault{openaitest.UsageError}, Capabilities{Held: HeldBySchema, Temperature: true, Seed: true, Usage: "counted", Named: true}},
		"counts wrongly":        {bySchema, []openaitest.Fault{openaitest.LyingUsage}, Capabilities{Held: HeldBySchema, Temperature: true, Seed: true, Usage: "implausible", Named: true}},
		"is another model":      {bySchema, []openaitest.Fault{openaitest.OtherModel}, Capabilities{Held: HeldBySchema, Temperature: true, Seed: true, Usage: "counted", Named: true, Answered: "another-model"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testServer(t)
			server.AnswerChat(c.answer)
			for _, fault := range c.faults {
				server.Fail(openaitest.PathChat, fault, 1)
			}
			model := testModel(t, testConfig(server))
			got := model.Probe(t.Context())
			if got.Model != model.Name() || got.Latency <= 0 || got.At.IsZero() {
				t.Errorf("probe %+v", got)
			}
			got.Model, got.Latency, got.At = "", 0, time.Time{}
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// A server that cannot be used says why, in a line for the operator, and holds nothing up.
func TestProbeSaysWhyNothingCouldBeFoundOut(t *testing.T) {
	t.Parallel()
	for fault, want := range map[openaitest.Fault]string{
		openaitest.WebPage:      "web page",
		openaitest.StreamCut:    "EOF",
		openaitest.NoFinish:     "cut off",
		openaitest.Unauthorized: "check the API key",
		openaitest.Overloaded:   "HTTP 503",
		openaitest.Dropped:      "check that the server runs",
		openaitest.StreamStalls: "check that the server is fast enough",
		openaitest.Huge:         "too large",
	} {
		server := testServer(t)
		server.AnswerChat(bySchema)
		server.Fail(openaitest.PathChat, fault, -1)
		config := testConfig(server)
		config.IdleTimeout = 200 * time.Millisecond
		got := testModel(t, config).Probe(t.Context())
		if !strings.Contains(got.Problem, want) || got.Held != "" || strings.Contains(got.String(), testKey) {
			t.Errorf("%s: %q, want %q in it", fault, got.Problem, want)
		}
	}
}

// What leaves in a probe is fixed, and the same for everybody; an answer that is not held to the schema gets it
// in words from then on.
func TestProbeSendsOnlyItsFixedTextAndIsLearntFrom(t *testing.T) {
	t.Parallel()
	server := testServer(t)
	server.AnswerChat(byWords)
	model := testModel(t, testConfig(server))
	model.Probe(t.Context())
	if names := model.Names(); !slices.Equal(names, []string{openaitest.ChatModel}) {
		t.Errorf("what answered is known as %q", names)
	}
	for _, request := range server.Take() {
		body := string(request.Body)
		if !strings.Contains(body, `"max_tokens":600`) || !strings.Contains(body, asJSON(t, probeSystem)) || !strings.Contains(body, asJSON(t, probeText)) {
			t.Errorf("sent %s", body)
		}
	}
	if _, err := model.Complete(t.Context(), mayAsk(), testRequest()); err != nil {
		t.Fatal(err)
	}
	if body := string(server.Take()[0].Body); !strings.Contains(body, "json_object") || strings.Contains(body, "seed") {
		t.Errorf("after a probe that found the schema ignored: %s", body)
	}
}

// A model that thinks before a short answer is not one whose server counts wrongly.
func TestProbeTakesThoughtsForTokens(t *testing.T) {
	t.Parallel()
	for tokens, want := range map[int]string{9: "counted", 580: "counted", probeTokens + 1: "implausible"} {
		var found Capabilities
		found.learn("m", ModelAnswer{Text: `{"number":7}`, PromptTokens: 60, CompletionTokens: tokens}, chatShape{})
		if found.Usage != want {
			t.Errorf("%d tokens: %s, want %s", tokens, found.Usage, want)
		}
	}
}

func asJSON(t *testing.T, text string) string {
	t.Helper()
	raw, err := json.Marshal(text)
	must(t, err)
	return string(raw)
}
