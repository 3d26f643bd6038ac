//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
)

// printTable prints medians with their ranges.
func printTable(w io.Writer, chosen []subject, results []result, s settings) {
	_, _ = fmt.Fprintf(w, "\n%d sessions of VP8 720p30 (1.2 Mbit/s) and Opus (32 kbit/s), %d rounds of %v after %v, shuffled (seed %d)\n\n",
		s.sessions, s.rounds, s.window, s.warm, s.seed)
	_, _ = fmt.Fprintln(w, "| subject | | CPU µs per RTP packet | child processes | of F2 | MiB per session | kept | delay to disk p50, p99 | rounds |")
	_, _ = fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|")
	floor := spread(valid(results, "f2"), func(r result) float64 { return r.Micros })
	for _, c := range chosen {
		good := valid(results, c.name)
		if len(good) == 0 {
			_, _ = fmt.Fprintf(w, "| %s | %s | every round was void | | | | | | 0 |\n", c.name, c.what)
			continue
		}
		cost := spread(good, func(r result) float64 { return r.Micros })
		below := spread(good, func(r result) float64 { return r.Below })
		ratio := "-"
		if len(floor) > 0 {
			ratio = fmt.Sprintf("%.1f", cost.median()/floor.median())
		}
		_, _ = fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %.2f | %s | %s | %d |\n", c.name, c.what, cost, below.unlessZero(), ratio,
			spread(good, result.perSession).median(), kept(good), delayed(good), len(good))
		if post := spread(good, func(r result) float64 { return r.Micros + r.Post }); good[0].Post > 0 {
			_, _ = fmt.Fprintf(w, "| %s | and what is done afterwards | %s | | | | | | %d |\n", c.name, post, len(good))
		}
	}
}

func valid(results []result, name string) (good []result) {
	for _, r := range results {
		if r.Subject == name && r.Void == "" {
			good = append(good, r)
		}
	}
	return good
}

// values are sorted.
type values []float64

func spread(results []result, of func(result) float64) (v values) {
	for _, r := range results {
		v = append(v, of(r))
	}
	slices.Sort(v)
	return v
}

func (v values) median() float64 {
	if len(v)%2 == 1 {
		return v[len(v)/2]
	}
	return (v[len(v)/2-1] + v[len(v)/2]) / 2
}

func (v values) String() string {
	return fmt.Sprintf("%.1f (%.1f-%.1f)", v.median(), v[0], v[len(v)-1])
}

func (v values) unlessZero() string {
	if v[len(v)-1] == 0 {
		return "-"
	}
	return v.String()
}

// kept sums up what became of the frames that were looked at.
func kept(results []result) string {
	var all account
	for _, r := range results {
		all.Sent, all.Kept = all.Sent+r.Account.Sent, all.Kept+r.Account.Kept
		all.AudioSent, all.AudioKept = all.AudioSent+r.Account.AudioSent, all.AudioKept+r.Account.AudioKept
	}
	text := fmt.Sprintf("%.2f %%", 100*float64(all.Kept)/float64(all.Sent))
	if all.AudioSent > 0 {
		text += fmt.Sprintf(" (audio %.2f %%)", 100*float64(all.AudioKept)/float64(all.AudioSent))
	}
	return text
}

func delayed(results []result) string {
	var p50, p99 values
	for _, r := range results {
		if r.Delays != nil {
			p50, p99 = append(p50, r.Delays.P50), append(p99, r.Delays.P99)
		}
	}
	if len(p50) == 0 {
		return "-"
	}
	slices.Sort(p50)
	slices.Sort(p99)
	return fmt.Sprintf("%.0f, %.0f ms", p50.median(), p99.median())
}
