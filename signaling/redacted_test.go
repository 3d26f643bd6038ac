package signaling

import (
	"log/slog"
	"strings"
	"testing"
)

func TestNegotiationAndCaptionsStayOutOfTheLog(t *testing.T) {
	var log strings.Builder
	for _, logger := range []*slog.Logger{slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil))} {
		logger.Info("message", "offer", &Offer{SDP: "canary"}, "answer", Answer{SDP: "canary"},
			"candidate", ICECandidateInit{Candidate: "canary"}, "caption", Caption{Text: "canary"}, "message", &CaptionMessage{Text: "canary"})
	}
	if strings.Contains(log.String(), "canary") || strings.Count(log.String(), "[redacted]") != 10 {
		t.Errorf("the log says %s", log.String())
	}
}
