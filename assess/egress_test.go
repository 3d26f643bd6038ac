package assess

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/assess/openaitest"
	"greenroom/consent"
	"greenroom/media"
)

const sweptRequests = 10_000

// sweep makes requests of every kind about canaries until enough were sent.
type sweep struct {
	t           *testing.T
	server      *openaitest.Server
	model       *OpenAIModel
	transcriber *OpenAITranscriber
	plan        Plan
	sent        *atomic.Int64
}

func TestTenThousandRequestsHoldNothingThatNamesAnybody(t *testing.T) {
	t.Parallel()
	bank, err := BuiltInBank()
	must(t, err)
	plan, err := bank.Plan("software-engineer", PlanOptions{})
	must(t, err)
	var sent atomic.Int64
	var workers sync.WaitGroup
	for worker := range 4 {
		workers.Go(func() {
			server := testServer(t)
			config := testConfig(server)
			config.HTTPClient = nil // keeps connections, for speed
			s := sweep{t: t, server: server, plan: plan, sent: &sent, model: testModel(t, config), transcriber: testTranscriber(t, config)}
			random := rand.New(rand.NewPCG(20261122, uint64(worker)))
			server.AnswerChat(sweptAnswer(random))
			for sent.Load() < sweptRequests && !t.Failed() {
				s.one(random)
			}
		})
	}
	workers.Wait()
	t.Logf("%d requests", sent.Load())
}

// sweptAnswer is sometimes a good one, and sometimes one that is asked about again.
func sweptAnswer(random *rand.Rand) func(openaitest.ChatRequest) string {
	var mu sync.Mutex
	return func(r openaitest.ChatRequest) string {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case random.IntN(5) == 0:
			return "I cannot do that."
		case strings.Contains(r.User(), `"words":"`) && !strings.Contains(r.User(), `"answer"`):
			return `{"evidence":[]}`
		default:
			return `{"observed":false,"level":0,"why_not_higher":"","why_not_lower":""}`
		}
	}
}

// one makes a canary talk, asks about it, and looks through what arrived.
func (s sweep) one(random *rand.Rand) {
	c := newCanary(random)
	session := consent.SessionID("session" + c.word(20))
	c.forbid(string(session))
	var lines []Line
	for range 1 + random.IntN(3) {
		line := say(0, time.Second, c.utterance())
		line.Session, line.Sequence, line.Engine = session, len(lines), c.word(12)
		c.forbid(line.Engine)
		lines = append(lines, line)
	}
	if random.IntN(4) == 0 {
		s.server.Fail(openaitest.PathChat, openaitest.SchemaRefused, 1)
	}
	asked := askable{model: s.model, permit: modelPermit(session)}
	ctx, question := s.t.Context(), s.plan.Questions[random.IntN(len(s.plan.Questions))]
	competencies := s.plan.CompetenciesOf(question)
	_, _ = findEvidence(ctx, asked, c.names(), question, competencies, lines[0], lines, nil) // what is sent counts, not what comes
	of := answerOf{session: session, take: 1}
	evidence := []Evidence{{Session: session, Competency: competencies[0].ID, Polarity: Supports, Part: PartAction, Line: lines[0].Ref()}}
	r := toRate{of: of, names: c.names(), question: question, competency: competencies[0], lines: lines, evidence: evidence, now: time.Now}
	_, _ = r.ask(ctx, asked, []Pass{PassFirst, PassSecond, PassThird}[random.IntN(3)])
	said := toFeedback{names: c.names(), question: question, competencies: competencies, lines: lines, evidence: evidence}
	if prompt, err := said.prompt(session); err != nil {
		s.t.Error(err)
	} else {
		_, _ = asked.complete(ctx, ModelRequest{System: feedbackSystem, User: prompt, Schema: feedbackSchema, SchemaName: "advice"})
	}
	u := media.Utterance{Session: session, End: 200 * time.Millisecond, PCM: make([]float32, media.SampleRate/5)}
	if _, _, err := s.transcriber.Transcribe(ctx, u); err != nil {
		s.t.Error(err)
	}
	s.server.Heal()
	for _, request := range s.server.Take() {
		s.sent.Add(1)
		if found := c.seen(request); len(found) > 0 {
			s.t.Errorf("%q left in %s\nsaid by %s <%s>: %q", found, request.Body, c.displayName(), c.email, lines[0].Text())
		}
	}
}

// utterance says a few harmless words around one or two shapes.
func (c *canary) utterance() string {
	shapes := c.shapes()
	names := slices.Sorted(maps.Keys(shapes))
	words := []string{"so", "we", "shipped", "it", "and", "then"}
	for range 1 + c.random.IntN(2) {
		words = append(words, shapes[pick(c.random, names...)](), "and", "then", "we", "tested", "it")
	}
	return strings.Join(words, " ")
}

// The sweep would find each shape if it were sent as it was said.
func TestTheSweepFindsWhatIsNotMasked(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for name := range newCanary(random).shapes() {
		c := newCanary(random)
		text := c.shapes()[name]()
		prompt, err := newPrompt("s", evidenceQuestion{Words: numberedWords(strings.Fields(text))})
		must(t, err)
		body, err := json.Marshal(openaitest.ChatRequest{Messages: []openaitest.Message{{Role: "user", Content: prompt.text}}})
		must(t, err)
		if found := c.seen(openaitest.Request{Body: body}); len(found) == 0 {
			t.Errorf("%s: nothing of %q was found in %s", name, c.leaks, body)
		}
	}
	c := newCanary(random)
	for where, r := range map[string]openaitest.Request{
		"address": {URL: "/v1?user=" + c.family}, "header": {Header: http.Header{"X-User": {c.given}}}, "form": {Body: []byte("name=" + c.family)},
	} {
		if len(c.seen(r)) == 0 {
			t.Errorf("nothing was found in the %s", where)
		}
	}
}
