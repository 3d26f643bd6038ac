package assess

import (
	"strings"
	"testing"
	"time"

	"greenroom/assess/openaitest"
	"greenroom/media"
)

// longAnswer is one of 25 minutes without a pause, as speech is cut: 60 lines of 25 s at 150 words a minute. Of all
// but the last five the evidence was gathered while it was given.
func longAnswer(kept *keptResults) {
	kept.lines = nil
	said := strings.Repeat("we moved the service and I wrote down what came of it for the team ", 5)
	words := strings.Join(strings.Fields(said)[:62], " ")
	for n := range 60 {
		line := say(time.Duration(n)*25*time.Second, time.Duration(n+1)*25*time.Second, words)
		line.Session, line.Epoch, line.Sequence, line.Take, line.Flaws = "session", 1, n+1, 1, &media.Flaws{}
		kept.lines = append(kept.lines, line)
		if n < 55 {
			kept.evidence[line.Ref()] = []Evidence{{Session: "session", Take: 1, Competency: "ownership", Line: line.Ref(), Last: 2, Polarity: Supports, Part: PartAction}}
		}
	}
	kept.of.End = 25 * time.Minute
}

// An answer of 25 minutes is measured and rated like any other, line by line for its evidence; what is sent at once
// grows with its words and with nothing else.
func TestAnAnswerOf25MinutesIsMeasuredAndRated(t *testing.T) {
	t.Parallel()
	server := testServer(t)
	server.AnswerChat(goodThere)
	a, kept, _, _ := bench(t, good)
	longAnswer(kept)
	a.Model = testModel(t, testConfig(server))
	must(t, a.Answer(t.Context(), "session", 0, 1))
	for name, want := range map[string]float64{"answer_length": 1500, "speaking_time": 1500, "words": 3720, "pauses": 0} {
		if m := measured(t, kept.measurements, name); !m.Valid || m.Value != want {
			t.Errorf("%s = %v, want %v", name, m.Value, want)
		}
	}
	if pace := measured(t, kept.measurements, "words_per_minute"); pace.Value < 148 || pace.Value > 150 {
		t.Errorf("%v words a minute, want 149", pace.Value)
	}
	if level, ok := kept.ratings[0].Level(); !ok || level != 4 || !kept.assessed || len(kept.evidence) != 60 {
		t.Errorf("level %d (%t), evidence of %d lines, want level 4 and all 60", level, ok, len(kept.evidence))
	}
	for _, request := range server.Requests() {
		bytes := len(request.Body)
		if evidence := strings.Contains(string(request.Body), `"name":"evidence"`); evidence && bytes > 8<<10 || bytes > 64<<10 {
			t.Errorf("a request of %d bytes, evidence %t", bytes, evidence)
		}
	}
}

// Where the model cannot read all of it at once the candidate is told that, and not that the model was away. No
// level is made of a part, no simpler form is tried, and the job is done.
func TestAnAnswerThatTheModelCannotReadAtOnceIsNotAssessable(t *testing.T) {
	t.Parallel()
	server := testServer(t)
	server.AnswerChat(goodThere)
	server.Fail(openaitest.PathChat, openaitest.TooLong, -1)
	a, kept, _, _ := bench(t, good)
	longAnswer(kept)
	a.Model = testModel(t, testConfig(server))
	must(t, a.Answer(t.Context(), "session", 0, 1))
	if !kept.assessed || len(kept.measurements) == 0 || len(kept.ratings) == 0 {
		t.Fatalf("assessed %t, %d measurements, %d ratings", kept.assessed, len(kept.measurements), len(kept.ratings))
	}
	for _, r := range kept.ratings {
		if r.Outcome() != OutcomeNotAssessable || r.Reason() != reasonTooLong {
			t.Errorf("%s: %s, %q", r.Rater().Pass, r.Outcome(), r.Reason())
		}
	}
	if want := 5 + len(kept.ratings); len(server.Requests()) != want {
		t.Errorf("asked %d times, want %d: one for each line and each rating", len(server.Requests()), want)
	}
}

func TestServersSayInManyWaysThatATextIsTooLong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		refused refusal
		want    bool
	}{
		{refusal{status: 400, code: "context_length_exceeded", message: "reduce the length"}, true},
		{refusal{status: 400, message: "This model's maximum context length is 4096 tokens."}, true},
		{refusal{status: 400, code: "exceed_context_size_error", message: "the request exceeds the available context size"}, true},
		{refusal{status: 413}, true},
		{refusal{status: 200, message: "Prompt is too long: 9000 tokens"}, true},
		{refusal{status: 400, message: "response_format is not supported"}, false},
		{refusal{status: 500, message: "cannot allocate the context window"}, false},
		{refusal{status: 429, message: "Request too large: too many tokens in a minute"}, false},
		{refusal{status: 429, code: "rate_limit_exceeded", message: "slow down"}, false},
	} {
		if got := c.refused.tooLong(); got != c.want {
			t.Errorf("%+v: %t, want %t", c.refused, got, c.want)
		}
	}
}
