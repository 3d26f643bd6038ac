package main

import (
	"context"
	"testing"
	"time"

	"greenroom/assess"
	"greenroom/assess/openaitest"
)

// A model that is there is asked once, and the asking ends by itself; one that is down is told of, and is asked
// until the server stops.
func TestProbesEndWhereEveryModelAnswered(t *testing.T) {
	t.Parallel()
	server := openaitest.New()
	defer server.Close()
	model, err := assess.NewOpenAIModel(assess.OpenAIConfig{BaseURL: server.BaseURL(), ChatModel: openaitest.ChatModel})
	if err != nil {
		t.Fatal(err)
	}
	p := probes{models: []*assess.OpenAIModel{model}}
	var told []assess.Capabilities
	say := func(found assess.Capabilities) { told = append(told, found) }
	if err := p.run(t.Context(), say); err != nil || len(told) != 1 || told[0].Problem != "" {
		t.Errorf("%v, told %v", err, told)
	}
	if known := p.now(); len(known) != 1 || known[0].Capabilities != told[0] || known[0].Held != assess.HeldByWords {
		t.Errorf("known %v", known)
	}
	server.Fail(openaitest.PathChat, openaitest.Unauthorized, -1)
	down := probes{models: []*assess.OpenAIModel{model}}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	told = nil
	if err := down.run(ctx, func(found assess.Capabilities) { say(found); stop() }); err != nil || len(told) != 1 || told[0].Problem == "" {
		t.Errorf("%v, told %v", err, told)
	}
	if known := down.now(); len(known) != 1 || known[0].Problem == "" {
		t.Errorf("known %v", known)
	}
}
