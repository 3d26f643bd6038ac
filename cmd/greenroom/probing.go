package main

import (
	"context"
	"sync"
	"time"

	"greenroom/assess"
)

// probeAgain is how long a model server that could not be probed is left alone.
const probeAgain = 5 * time.Minute

// probes asks the configured models what they do, beside everything else: a model server that is down holds
// up no start. What was found is logged once, and shown to operations.
type probes struct {
	models []probed

	mu    sync.Mutex // guards found
	found []assess.Capabilities
}

// probed is a model whose server can be asked what it does.
type probed interface {
	Probe(ctx context.Context) assess.Capabilities
	Names() []string
}

var _ probed = (*assess.OpenAIModel)(nil)

// run probes until every model answered, then ends.
func (p *probes) run(ctx context.Context, say func(assess.Capabilities)) error {
	p.mu.Lock()
	p.found = make([]assess.Capabilities, len(p.models))
	p.mu.Unlock()
	told := make([]string, len(p.models))
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		missing := false
		for i, model := range p.models {
			if !p.found[i].At.IsZero() && p.found[i].Problem == "" { // only this goroutine writes
				continue
			}
			found := model.Probe(ctx)
			missing = missing || found.Problem != ""
			p.mu.Lock()
			p.found[i] = found
			p.mu.Unlock()
			if first := told[i] == "" || found.Problem == "" || told[i] != found.Problem; first && ctx.Err() == nil {
				told[i] = found.Problem
				say(found)
			}
		}
		if !missing {
			return nil
		}
		timer.Reset(probeAgain)
	}
}

// now returns what is known; models that were not probed yet are left out.
func (p *probes) now() []assess.ModelState {
	p.mu.Lock()
	defer p.mu.Unlock()
	var known []assess.ModelState
	for i, found := range p.found {
		if !found.At.IsZero() {
			known = append(known, assess.ModelState{Capabilities: found, Names: p.models[i].Names()})
		}
	}
	return known
}

// startProbes begins to ask the configured models; nothing about anybody is sent.
func (a *app) startProbes(ctx context.Context) {
	for _, model := range []assess.Model{a.model, a.second} {
		if chat, ok := model.(*assess.OpenAIModel); ok && chat != nil {
			a.probes.models = append(a.probes.models, chat)
		}
	}
	if len(a.probes.models) == 0 {
		return
	}
	a.services.start(ctx, "the probe of the model", func(ctx context.Context) error {
		return a.probes.run(ctx, func(found assess.Capabilities) {
			if found.Problem != "" || found.Held == assess.HeldByWords || found.Answered != "" {
				a.log.Warn("the model was probed", "found", found.String())
				return
			}
			a.log.Info("the model was probed", "found", found.String())
		})
	}, nil)
}
