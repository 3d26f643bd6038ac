package web

import (
	"context"
	"github.com/danielgtaylor/huma/v2"
	"greenroom/consent"
	"net/http"
)

// recordingJSON describes one frozen snapshot of a recording.
type recordingJSON struct {
	Through    int64     `json:"through" doc:"Give it as ?through= with every request for this snapshot's bytes."`
	DurationMS int64     `json:"duration_ms"`
	Size       int64     `json:"size" doc:"In bytes."`
	Audio      bool      `json:"audio"`
	Video      bool      `json:"video"`
	Gaps       []gapJSON `json:"gaps"`
}

func (s *Server) playbackRoutes() {
	register(s, candidate, huma.Operation{
		OperationID: "get-recording", Method: http.MethodGet, Path: "/sessions/{id}/recording",
		Summary: "What there is of your recording now",
	}, s.getRecording)
	register(s, employer, huma.Operation{
		OperationID: "get-shared-recording", Method: http.MethodGet, Path: "/shared/{id}/recording",
		Summary: "What there is now of the recording that is shared with your organization",
	}, s.getRecording)
	s.plain(candidate, "GET /sessions/{id}/recording.webm", "get-recording-media", "The recording itself; takes one byte range", "video/webm", s.playRecording)
	s.plain(employer, "GET /shared/{id}/recording.webm", "get-shared-recording-media", "The shared parts of the recording; takes one byte range", "video/webm", s.playRecording)
	s.plain(candidate, "GET /sessions/{id}/captions.vtt", "get-captions", "The transcript as WebVTT", "text/vtt", s.getCaptions)
	s.plain(employer, "GET /shared/{id}/captions.vtt", "get-shared-captions", "The shared transcript as WebVTT", "text/vtt", s.getCaptions)
}
func (s *Server) getRecording(ctx context.Context, account consent.Account, in *sessionPath) (*body[recordingJSON], error) {
	return nil, notFound()
}
func (s *Server) playRecording(w http.ResponseWriter, r *http.Request, account consent.Account) {}
func (s *Server) getCaptions(w http.ResponseWriter, r *http.Request, account consent.Account)   {}
