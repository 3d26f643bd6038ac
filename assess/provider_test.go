package assess

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/assess/openaitest"
	"greenroom/consent"
)

var reviewed = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// away is a reviewed provider on another machine, as far as the address says; the connections lead to a
// server here.
type away struct {
	server *openaitest.Server
	now    time.Time
	dials  int
}

func (a *away) config() OpenAIConfig {
	config := testConfig(a.server)
	config.BaseURL = "http://models:8000/v1"
	config.Provider = consent.Provider{
		Origin: "http://models:8000", Region: "EU", Reviewed: reviewed, NoTraining: consent.Term{Text: "No training.", Link: "https://models.example/terms"},
	}
	config.Now = func() time.Time { return a.now }
	there := strings.TrimSuffix(strings.TrimPrefix(a.server.BaseURL(), "http://"), "/v1")
	config.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		a.dials++
		return new(net.Dialer).DialContext(ctx, network, there)
	}}}
	return config
}

// goodThere is good, over the wire.
func goodThere(request openaitest.ChatRequest) string {
	text, _ := good(ModelRequest{SchemaName: request.SchemaName(), User: Prompt{text: request.User()}}) // never fails
	return text
}

func TestServerElsewhereNeedsAReviewedProvider(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*OpenAIConfig){
		"none":               func(c *OpenAIConfig) { c.Provider = consent.Provider{} },
		"another's":          func(c *OpenAIConfig) { c.Provider.Origin = "http://models:8001" },
		"never reviewed":     func(c *OpenAIConfig) { c.Provider.Reviewed = time.Time{} },
		"review of tomorrow": func(c *OpenAIConfig) { c.Provider.Reviewed = reviewed.Add(48 * time.Hour) },
		"review too old":     func(c *OpenAIConfig) { c.Provider.Reviewed = reviewed.Add(-consent.ReviewLife) },
		"in clear, far away": func(c *OpenAIConfig) {
			c.BaseURL, c.Provider.Origin = "http://models.example/v1", "http://models.example"
		},
	} {
		config := (&away{server: testServer(t), now: reviewed.Add(time.Hour)}).config()
		change(&config)
		if _, err := NewOpenAIModel(config); !errors.Is(err, consent.ErrProvider) {
			t.Errorf("%s: a model: %v, want ErrProvider", name, err)
		}
		if _, err := NewOpenAITranscriber(config); !errors.Is(err, consent.ErrProvider) {
			t.Errorf("%s: a transcriber: %v, want ErrProvider", name, err)
		}
	}
}

// The review runs out while the server runs: the next call is not made, nothing is noted as sent, and the
// candidate reads why there is no level. Levels from before stay.
func TestReviewThatRunsOutStopsCalls(t *testing.T) {
	t.Parallel()
	a := &away{server: testServer(t), now: reviewed.Add(consent.ReviewLife - 1)}
	a.server.AnswerChat(goodThere)
	assessor, kept, _, _ := bench(t, good)
	assessor.Model = testModel(t, a.config())
	must(t, assessor.Answer(t.Context(), "session", 0, 1))
	sent, calls, rated := len(a.server.Take()), len(kept.calls), kept.ratings
	if sent == 0 || calls == 0 || len(rated) == 0 || rated[0].Outcome() != OutcomeLevel {
		t.Fatalf("in time: %d requests, %d calls, ratings %v", sent, calls, rated)
	}
	a.now, a.dials, kept.ratings, kept.assessed = reviewed.Add(consent.ReviewLife), 0, nil, false
	clear(kept.evidence)
	must(t, assessor.Evidence(t.Context(), "session", kept.lines[0].Ref()))
	must(t, assessor.Answer(t.Context(), "session", 0, 1))
	if got := len(a.server.Requests()); got != 0 || a.dials != 0 || len(kept.calls) != calls {
		t.Errorf("after 90 days: %d requests over %d new connections, %d calls noted; want none", got, a.dials, len(kept.calls)-calls)
	}
	if len(kept.ratings) != len(rated) || !kept.assessed || len(kept.measurements) == 0 {
		t.Errorf("after 90 days: %d ratings, done %t, %d measurements", len(kept.ratings), kept.assessed, len(kept.measurements))
	}
	for _, rating := range kept.ratings {
		if level, ok := rating.Level(); ok || rating.Outcome() != OutcomeNotAssessable || rating.Reason() != unreviewed {
			t.Errorf("after 90 days: level %d, %s, %q; want not assessable and why", level, rating.Outcome(), rating.Reason())
		}
	}
}

// Not even a try that was begun in time is repeated after it.
func TestReviewIsAskedBeforeEachTry(t *testing.T) {
	t.Parallel()
	a := &away{server: answering(t), now: reviewed}
	config, asked := a.config(), 0
	config.Now = func() time.Time {
		if asked++; asked > 2 { // once when it is set up, once for the first try
			return reviewed.Add(consent.ReviewLife)
		}
		return reviewed
	}
	model := testModel(t, config)
	a.server.Fail(openaitest.PathChat, openaitest.Overloaded, 1)
	_, err := model.Complete(t.Context(), mayAsk(), testRequest())
	if !errors.Is(err, consent.ErrProvider) || len(a.server.Requests()) != 1 || !strings.Contains(err.Error(), "register") {
		t.Errorf("%v after %d requests; want the refusal and what to do after one", err, len(a.server.Requests()))
	}
}

func TestSoundStaysHereWhenTheReviewRanOut(t *testing.T) {
	t.Parallel()
	a := &away{server: testServer(t), now: reviewed}
	transcriber := testTranscriber(t, a.config())
	for _, own := range []Transcriber{&namedTranscriber{name: "own"}, nil} {
		a.now = reviewed
		desk, config, _ := leaving(transcriber, own)
		var log bytes.Buffer
		config.Log = slog.New(slog.NewTextHandler(&log, nil))
		scribe, stop := running(t, config)
		scribe.Hear(twoSeconds())
		must(t, scribe.Drain(t.Context()))
		a.now = reviewed.Add(consent.ReviewLife)
		u := twoSeconds()
		u.Sequence = 1
		scribe.Hear(u)
		u.Sequence = 2
		scribe.Hear(u)
		must(t, errors.Join(scribe.Drain(t.Context()), stop()))
		if got := len(a.server.Take()); got != 1 {
			t.Errorf("the server got %d utterances, want the one in time", got)
		}
		if own == nil {
			if len(desk.lines) != 1 || len(desk.failed) != 2 || !errors.Is(desk.failed[0], consent.ErrProvider) {
				t.Errorf("nothing here: lines %+v, failures %v", desk.lines, desk.failed)
			}
			continue
		}
		if len(desk.lines) != 3 || desk.lines[1].Engine != "own" || desk.lines[2].Engine != "own" || len(desk.failed) != 0 {
			t.Errorf("lines %+v, failures %v; want the second and the third from this machine", desk.lines, desk.failed)
		}
		if said := log.String(); strings.Count(said, "level=ERROR") != 1 || !strings.Contains(said, "older than 90 days") {
			t.Errorf("the log says %q; want the reason at level error, once", said)
		}
	}
}

// A proxy of the environment would read what goes out in clear.
func TestProxiesSeeNothingInClear(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://proxy.example:3128")
	transport := plainTransport()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://models:8000/v1", nil)
	must(t, err)
	if proxy, err := transport.Proxy(request); proxy != nil || err != nil {
		t.Errorf("the proxy %s is used for http: %v", proxy, err)
	}
}
