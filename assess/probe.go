package assess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A server that speaks the OpenAI protocol may take a field and do nothing about it. What it really does is
// found out with one fixed question that holds nothing about anybody, before the first answer is sent.

const (
	probeTimeout = 30 * time.Second
	mostShapes   = 8 // requests of one probe: the ladder has fewer rungs
	// probeTokens is as many as a rating gets: a model that thinks spends most of them before it answers.
	probeTokens = 600

	// The instructions ask for one thing and the schema for another: who answers by the schema was held to it.
	probeSystem = `This is a test of a connection. Answer with the JSON object {"word":"apple"} and with nothing else.`
	probeText   = `{"probe":"apple"}`
)

var probeSchema = json.RawMessage(`{"type":"object","additionalProperties":false,"required":["number"],"properties":{"number":{"type":"integer","enum":[7]}}}`)

// Held says how an answer is held to a form.
type Held string

// The rungs of the ladder, from the surest.
const (
	HeldBySchema Held = "schema" // the server enforces the schema
	HeldToObject Held = "object" // it enforces some JSON object
	HeldByWords  Held = "words"  // it is only asked to
)

func (h Held) known() bool { return h == HeldBySchema || h == HeldToObject || h == HeldByWords }

// Capabilities is what a probe found out about a chat server and its model.
type Capabilities struct {
	Model   string    `json:"model"` // as configured
	At      time.Time `json:"at"`
	Problem string    `json:"problem,omitempty"` // why the probe failed, for the operator; empty where it did not

	Held        Held          `json:"held,omitempty"`
	Temperature bool          `json:"temperature"`        // takes temperature 0
	Seed        bool          `json:"seed"`               // takes a seed
	Usage       string        `json:"usage,omitempty"`    // "counted", "implausible" or "none"
	Answered    string        `json:"answered,omitempty"` // another model than was asked, as the server names it; empty where it is the same or not named
	Named       bool          `json:"named"`              // the answer names its model
	Latency     time.Duration `json:"latency_ns"`
}

// ModelState is what is known of a configured model by now.
type ModelState struct {
	Capabilities          // as it was probed
	Names        []string // see [OpenAIModel.Names]
}

// String says it in one line.
func (c Capabilities) String() string {
	if c.Problem != "" {
		return c.Model + ": " + c.Problem
	}
	not := func(yes bool) string {
		if yes {
			return "taken"
		}
		return "refused"
	}
	model := "named as asked"
	switch {
	case c.Answered != "":
		model = "answers as " + c.Answered
	case !c.Named:
		model = "not named"
	}
	return fmt.Sprintf("%s: held by %s, temperature %s, seed %s, tokens %s, model %s, %d ms",
		c.Model, c.Held, not(c.Temperature), not(c.Seed), c.Usage, model, c.Latency.Milliseconds())
}

// Probe asks the server a fixed question and says what it did with it. What was learnt holds for the calls
// after it: a server that takes a schema and does not keep to it gets the schema in words. A server that cannot
// be reached is no error, but a [Capabilities] with a problem.
func (m *OpenAIModel) Probe(ctx context.Context) Capabilities {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	found := Capabilities{Model: m.Name(), At: m.config.Now()}
	request := ModelRequest{System: probeSystem, User: Prompt{text: probeText}, Schema: probeSchema, SchemaName: "probe", MaxTokens: probeTokens}
	shape := firstShape(m.config.ChatModel)
	shape.seed = true
	for range mostShapes {
		begun := time.Now()
		answer, err := m.completeOnce(ctx, request, shape)
		if err == nil {
			found.Latency = time.Since(begun)
			found.learn(m.config.ChatModel, answer, shape)
			if shape.format == formatSchema && found.Held != HeldBySchema {
				shape.format = formatObject
			}
			shape.seed = false
			m.remember(shape, true)
			return found
		}
		refused := (*refusal)(nil)
		simpler, ok := shape, false
		if errors.As(err, &refused) && refused.unsupported() {
			simpler, ok = shape.without(refused.message)
		}
		if !ok {
			found.Problem = fmt.Sprintf("%v: %s", err, nextStep(err))
			return found
		}
		shape = simpler
	}
	found.Problem = "the server refuses every form of a request: look at its log"
	return found
}

func (c *Capabilities) learn(asked string, answer ModelAnswer, shape chatShape) {
	c.Temperature, c.Seed = shape.temperature, shape.seed
	c.Held = HeldByWords
	var number struct {
		Number int `json:"number"`
	}
	var object map[string]any
	switch {
	case shape.format == formatSchema && decodeAnswer(answer.Text, &number) == nil && number.Number == 7:
		c.Held = HeldBySchema
	case shape.format == formatObject && json.Unmarshal([]byte(answer.Text), &object) == nil:
		c.Held = HeldToObject
	}
	sent, got := len(probeSystem)+len(probeText), len(answer.Text)
	switch {
	case answer.PromptTokens == 0 && answer.CompletionTokens == 0:
		c.Usage = "none"
	case answer.PromptTokens > 3*sent || answer.PromptTokens < 1 || answer.CompletionTokens > max(probeTokens, 10*got) || answer.CompletionTokens < 1:
		c.Usage = "implausible"
	default:
		c.Usage = "counted"
	}
	c.Named = answer.Model != ""
	if c.Named && !sameModel(asked, answer.Model) {
		c.Answered = answer.Model
	}
}
