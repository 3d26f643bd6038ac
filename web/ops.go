package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/assess"
	"greenroom/consent"
)

// overviewJSON has counts and states and nothing about anybody.
type overviewJSON struct {
	Sessions     map[string]int `json:"sessions" doc:"Number by state."`
	Jobs         map[string]int `json:"jobs" doc:"Number by state."`
	SpoolFiles   int            `json:"spool_files"`
	SpoolBytes   int64          `json:"spool_bytes"`
	Segments     int64          `json:"segments"`
	SegmentBytes int64          `json:"segment_bytes"`
	Build        string         `json:"build"`
	Models       []modelJSON    `json:"models" doc:"What the configured models were found to do; empty before they were asked."`
}

// modelJSON is what a probe found out about a model, with a fixed question that is about nobody.
type modelJSON struct {
	Model       string      `json:"model"`
	At          time.Time   `json:"at"`
	Problem     string      `json:"problem,omitempty" doc:"Why nothing could be found out."`
	Held        assess.Held `json:"held,omitempty" enum:"schema,object,words" doc:"How its answers are held to a form."`
	Temperature bool        `json:"temperature"`
	Seed        bool        `json:"seed"`
	Usage       string      `json:"usage,omitempty" enum:"counted,implausible,none"`
	Answered    string      `json:"answered,omitempty" doc:"Another model than was asked, as the server names it."`
	Named       bool        `json:"named" doc:"The answer names its model."`
	LatencyMS   int64       `json:"latency_ms"`
	Names       []string    `json:"names" doc:"What the server called its model in answers since this node began, the newest last, at most eight. More than one: it was changed behind its name."`
}

func modelOf(c assess.ModelState) modelJSON {
	return modelJSON{
		Model: c.Model, At: c.At, Problem: c.Problem, Held: c.Held, Temperature: c.Temperature, Seed: c.Seed, Usage: c.Usage,
		Answered: c.Answered, Named: c.Named, LatencyMS: c.Latency.Milliseconds(), Names: append([]string{}, c.Names...),
	}
}

func (s *Server) opsRoutes() {
	register(s, operator, huma.Operation{
		OperationID: "get-overview", Method: http.MethodGet, Path: "/ops/overview",
		Summary: "The state of the server in numbers, without content",
	}, func(ctx context.Context, _ consent.Account, _ *struct{}) (*body[overviewJSON], error) {
		overview, err := s.cfg.Ops.Overview(ctx)
		if err != nil {
			return nil, fmt.Errorf("read overview: %w", err)
		}
		out := overviewJSON{
			Sessions: map[string]int{}, Jobs: map[string]int{}, SpoolFiles: overview.SpoolFiles, SpoolBytes: overview.SpoolBytes,
			Segments: overview.Segments, SegmentBytes: overview.SegmentBytes, Build: s.cfg.Build,
			Models: []modelJSON{},
		}
		if s.cfg.Probes != nil {
			for _, found := range s.cfg.Probes() {
				out.Models = append(out.Models, modelOf(found))
			}
		}
		for state, n := range overview.Sessions {
			out.Sessions[string(state)] = n
		}
		maps.Copy(out.Jobs, overview.Jobs)
		return answer(out), nil
	})
}
