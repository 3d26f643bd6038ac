package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"greenroom/storage"
)

// spoolMetrics tell how recordings are on their way to the object store. The spool's folder is looked at
// once for each scrape, because during a long outage it may have thousands of files.
type spoolMetrics struct {
	backlog func() (storage.Backlog, error)
	now     func() time.Time
	figures []spoolFigure
}

type spoolFigure struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(b storage.Backlog, now time.Time) float64
}

func newSpoolMetrics(backlog func() (storage.Backlog, error), now func() time.Time) *spoolMetrics {
	m := &spoolMetrics{backlog: backlog, now: now}
	m.add("waiting_segments", prometheus.GaugeValue, "Sealed segments that the object store does not have yet.",
		func(b storage.Backlog, _ time.Time) float64 { return float64(b.Files) })
	m.add("waiting_bytes", prometheus.GaugeValue, "Bytes of these.",
		func(b storage.Backlog, _ time.Time) float64 { return float64(b.Bytes) })
	m.add("oldest_seconds", prometheus.GaugeValue, "Age of the oldest of these.",
		func(b storage.Backlog, now time.Time) float64 {
			if b.Oldest.IsZero() {
				return 0
			}
			return now.Sub(b.Oldest).Seconds()
		})
	m.add("failing", prometheus.GaugeValue, "1 if the last attempt to send what waits failed.",
		func(b storage.Backlog, _ time.Time) float64 {
			if b.Err != nil {
				return 1
			}
			return 0
		})
	m.add("broken_segments", prometheus.GaugeValue, "Open segments that lost their writer and are not mended yet.",
		func(b storage.Backlog, _ time.Time) float64 { return float64(b.Open) })
	m.add("mended_segments_total", prometheus.CounterValue, "Such segments that were sealed up to their last whole chunk.",
		func(b storage.Backlog, _ time.Time) float64 { return float64(b.Mended) })
	m.add("unreadable_segments_total", prometheus.CounterValue, "Such segments without one whole chunk, removed.",
		func(b storage.Backlog, _ time.Time) float64 { return float64(b.Unreadable) })
	m.add("cut_bytes_total", prometheus.CounterValue, "Bytes that mending cut off such segments, or removed with them: torn by a crash or a power cut.",
		func(b storage.Backlog, _ time.Time) float64 { return float64(b.Cut) })
	return m
}

func (m *spoolMetrics) add(name string, kind prometheus.ValueType, help string, value func(storage.Backlog, time.Time) float64) {
	m.figures = append(m.figures, spoolFigure{prometheus.NewDesc("greenroom_spool_"+name, help, nil, nil), kind, value})
}

// Describe implements [prometheus.Collector].
func (m *spoolMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, f := range m.figures {
		to <- f.desc
	}
}

// Collect implements [prometheus.Collector]. A spool that cannot be read fails the scrape of these
// figures: zero would say that nothing waits.
func (m *spoolMetrics) Collect(to chan<- prometheus.Metric) {
	backlog, err := m.backlog()
	now := m.now()
	for _, f := range m.figures {
		if err != nil {
			to <- prometheus.NewInvalidMetric(f.desc, err)
			continue
		}
		to <- prometheus.MustNewConstMetric(f.desc, f.kind, f.value(backlog, now))
	}
}
