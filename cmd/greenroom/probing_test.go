package main

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/assess"
	"greenroom/assess/openaitest"
)

// A model that is there is asked once, and the asking ends by itself.
func TestProbesEndWhereEveryModelAnswered(t *testing.T) {
	t.Parallel()
	server := openaitest.New()
	defer server.Close()
	model, err := assess.NewOpenAIModel(assess.OpenAIConfig{BaseURL: server.BaseURL(), ChatModel: openaitest.ChatModel})
	if err != nil {
		t.Fatal(err)
	}
	p := probes{models: []probed{model}}
	var told []assess.Capabilities
	say := func(found assess.Capabilities) { told = append(told, found) }
	if err := p.run(t.Context(), say); err != nil || len(told) != 1 || told[0].Problem != "" {
		t.Errorf("%v, told %v", err, told)
	}
	if known := p.now(); len(known) != 1 || known[0].Capabilities != told[0] || known[0].Held != assess.HeldByWords {
		t.Errorf("known %v", known)
	}
}

// scriptedServer has one problem after the other, then none.
type scriptedServer struct {
	problems []string
	asked    []time.Duration // when, since it was made
	made     time.Time
}

func (s *scriptedServer) Probe(context.Context) assess.Capabilities {
	s.asked = append(s.asked, time.Since(s.made))
	found := assess.Capabilities{At: time.Now()}
	if len(s.problems) > 0 {
		found.Problem, s.problems = s.problems[0], s.problems[1:]
	}
	return found
}

func (s *scriptedServer) Names() []string { return nil }

// One that is down is asked until it answers. Each of its problems is told of once, and so is that it is there; one
// that answered is left alone.
func TestAModelThatIsDownIsProbedUntilItAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := &scriptedServer{made: time.Now(), problems: []string{"refused", "refused", "too slow"}}
		there := &scriptedServer{made: time.Now()}
		p := probes{models: []probed{down, there}}
		var told []string
		say := func(found assess.Capabilities) { told = append(told, found.Problem) }
		if err := p.run(t.Context(), say); err != nil {
			t.Fatal(err)
		}
		if want := []time.Duration{0, probeAgain, 2 * probeAgain, 3 * probeAgain}; !slices.Equal(down.asked, want) || len(there.asked) != 1 {
			t.Errorf("asked at %v and %v, want %v and once", down.asked, there.asked, want)
		}
		if want := []string{"refused", "", "too slow", ""}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		if known := p.now(); len(known) != 2 || known[0].Problem != "" {
			t.Errorf("known %v", known)
		}
	})
}

func TestProbesEndWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), probeAgain+time.Minute)
		defer stop()
		down := &scriptedServer{made: time.Now(), problems: slices.Repeat([]string{"refused"}, 9)}
		p := probes{models: []probed{down}}
		if err := p.run(ctx, func(assess.Capabilities) {}); err != nil || len(down.asked) != 2 {
			t.Errorf("%v, asked at %v, want twice", err, down.asked)
		}
		if known := p.now(); len(known) != 1 || known[0].Problem == "" {
			t.Errorf("known %v", known)
		}
	})
}
