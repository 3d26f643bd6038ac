package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"greenroom/storage"
)

// metrics are counts and sizes for Prometheus; none of them has a label that names a person, a session
// or an organization.
type metrics struct {
	registry *prometheus.Registry
	captions prometheus.Histogram
	partials prometheus.Histogram
	unheard  prometheus.Counter
}

// sources are where the gauges look when they are scraped.
type sources struct {
	liveRooms    func() int
	lostPackets  func() uint64
	scribeWait   func() (audio time.Duration, sessions int)
	scribeOldest func() time.Time
	spoolUsed    func() (used, limit int64)
	spoolBacklog func() (storage.Backlog, error)
	epochs       func() (newest, oldest time.Time, err error) // when their keys were made
}

func newMetrics(from sources) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		captions: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "greenroom_caption_delay_seconds", Help: "From the end of an utterance to its caption.",
			Buckets: []float64{0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 512, 2048},
		}),
		partials: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "greenroom_partial_caption_delay_seconds", Help: "From the newest sound of an utterance that still runs to its partial caption.",
			Buckets: []float64{0.05, 0.1, 0.25, 0.5, 1, 2, 4},
		}),
		unheard: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "greenroom_utterances_lost_total", Help: "Utterances that were not written down: no room for so much that waits, or the recogniser failed.",
		}),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), m.captions, m.partials, m.unheard)
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "greenroom_media_lost_packets_total", Help: "Packets that the kernel threw away because they were not taken in time.",
	}, func() float64 { return float64(from.lostPackets()) }))
	m.gauge("greenroom_rooms_live", "Rooms in this process.", func() float64 { return float64(from.liveRooms()) })
	m.gauge("greenroom_scribe_waiting_seconds", "Audio that waits to be written down.", func() float64 {
		audio, _ := from.scribeWait()
		return audio.Seconds()
	})
	m.gauge("greenroom_scribe_waiting_sessions", "Sessions of which something waits to be written down.", func() float64 {
		_, sessions := from.scribeWait()
		return float64(sessions)
	})
	m.gauge("greenroom_scribe_oldest_seconds", "How long the oldest of these utterances has waited.", func() float64 {
		oldest := from.scribeOldest()
		if oldest.IsZero() {
			return 0
		}
		return time.Since(oldest).Seconds()
	})
	m.gauge("greenroom_spool_bytes", "Bytes of segments in the spool, open and sealed.", func() float64 {
		used, _ := from.spoolUsed()
		return float64(used)
	})
	m.gauge("greenroom_spool_limit_bytes", "Bytes that the spool may have.", func() float64 {
		_, limit := from.spoolUsed()
		return float64(limit)
	})
	m.registry.MustRegister(newSpoolMetrics(from.spoolBacklog, time.Now))
	m.gauge("greenroom_key_epoch_newest_seconds", "Age of the newest epoch key; more than two days: keys are not sealed anew.", func() float64 {
		newest, _, err := from.epochs()
		return ageOf(newest, err)
	})
	m.gauge("greenroom_key_epoch_oldest_seconds", "Age of the oldest epoch key; more than 22 days: old backups can still be read.", func() float64 {
		_, oldest, err := from.epochs()
		return ageOf(oldest, err)
	})
	return m
}

// ageOf is not a number where the time is not known, so that no alarm rests on a guess.
func ageOf(at time.Time, err error) float64 {
	if err != nil {
		return math.NaN()
	}
	return time.Since(at).Seconds()
}

func (m *metrics) gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// serve answers /metrics on a listener of its own until ctx ends.
func (m *metrics) serve(ctx context.Context, listener net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second}
	return serveUntil(ctx, server, listener)
}

// serveUntil serves until ctx ends, then lets running requests finish for a while.
func serveUntil(ctx context.Context, server *http.Server, listener net.Listener) error {
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }() // owner: this function; ends with Shutdown or Close
	select {
	case err := <-ended:
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		_ = server.Close() // streams that do not end by themselves
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	}
	return nil
}
