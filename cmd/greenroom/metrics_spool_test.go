package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"greenroom/storage"
)

// gathered returns the figures of a registry by name.
func gathered(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	figures := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			figures[strings.TrimPrefix(family.GetName(), "greenroom_spool_")] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return figures
}

func TestSpoolMetricsSayWhatWaitsAndWhatWasCut(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	backlog, err := storage.Backlog{}, error(nil)
	registry := prometheus.NewRegistry()
	registry.MustRegister(newSpoolMetrics(func() (storage.Backlog, error) { return backlog, err }, func() time.Time { return now }))
	for name, value := range gathered(t, registry) {
		if value != 0 {
			t.Errorf("an empty spool has %s = %v", name, value)
		}
	}
	backlog = storage.Backlog{
		Files: 3, Bytes: 4000, Open: 2, Oldest: now.Add(-90 * time.Second), Err: errors.New("away"), Mended: 5, Unreadable: 6, Cut: 700,
	}
	want := map[string]float64{
		"waiting_segments": 3, "waiting_bytes": 4000, "oldest_seconds": 90, "failing": 1, "broken_segments": 2,
		"mended_segments_total": 5, "unreadable_segments_total": 6, "cut_bytes_total": 700,
	}
	got := gathered(t, registry)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s = %v, want %v", name, got[name], value)
		}
	}
	err = errors.New("the disk is gone")
	if _, gatherErr := registry.Gather(); gatherErr == nil {
		t.Error("a spool that cannot be read is scraped as if nothing waited")
	}
}
