package media

import (
	"log/slog"
	"strings"
	"testing"
)

func TestSoundStaysOutOfTheLog(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("heard", "utterance", Utterance{Epoch: 1, Sequence: 7, PCM: []float32{0.123456, 0.2}})
	if strings.Contains(log.String(), "0.12") || !strings.Contains(log.String(), "utterance.sequence=7 utterance.samples=2") {
		t.Errorf("the log says %s", log.String())
	}
}
