package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

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
		}
		for state, n := range overview.Sessions {
			out.Sessions[string(state)] = n
		}
		maps.Copy(out.Jobs, overview.Jobs)
		return answer(out), nil
	})
}
