package assess

import (
	"log/slog"
	"strings"
	"testing"
)

func TestWhatWasSaidStaysOutOfTheLog(t *testing.T) {
	t.Parallel()
	word := Word{Text: "canary"}
	line := Line{Epoch: 1, Sequence: 7, Words: []Word{word}}
	fields := RatingFields{WhyNotHigher: "canary", Reason: "canary"}
	var log strings.Builder
	for _, logger := range []*slog.Logger{slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil))} {
		logger.Info("said", "word", word, "line", line, "fields", fields, "rating", Rating{}, "record", Record{})
	}
	if strings.Contains(log.String(), "canary") || strings.Count(log.String(), "[redacted]") != 10 {
		t.Errorf("the log says %s", log.String())
	}
	if !strings.Contains(log.String(), "line.sequence=7") {
		t.Errorf("the log does not say which line: %s", log.String())
	}
}
