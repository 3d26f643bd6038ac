package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"greenroom/consent"
)

// How often BenchmarkCutOff withdraws: by the way it is told, and where no notification tells it. The
// second waits for a stream's next question each time.
const (
	cutOffTrials     = 1_000
	cutOffTrialsDeaf = 100
)

// BenchmarkCutOff withdraws at one server while an employer plays the recording and has the page open at
// another, and says how long after the click's request was sent the last of each came: the request, its
// commit, the way to the other server, and the end. It is run by hand (`make bench`).
func BenchmarkCutOff(b *testing.B) {
	n := startTwoNodes(b, 20)
	for b.Loop() {
		n.timeCutOffs(b, "told", cutOffTrials)
		heal := n.deafen()
		n.timeCutOffs(b, "deaf", cutOffTrialsDeaf)
		heal()
	}
}

func (n *twoNodes) timeCutOffs(b *testing.B, how string, trials int) {
	b.Helper()
	took := map[consent.StreamKind][]time.Duration{}
	confirmed := time.Now()
	for range trials {
		if time.Since(confirmed) > 4*time.Minute { // a proof is fresh for five
			n.confirm()
			confirmed = time.Now()
		}
		n.grant(time.Hour)
		streams := []watching{n.watch(consent.StreamMedia), n.watch(consent.StreamEvents)}
		began := time.Now()
		n.withdraw()
		for _, w := range streams {
			took[w.kind] = append(took[w.kind], w.after(b, began))
		}
	}
	for kind, all := range took {
		slices.Sort(all)
		for _, p := range []int{50, 99, 100} {
			at := all[min(len(all)*p/100, len(all)-1)]
			b.ReportMetric(float64(at)/float64(time.Millisecond), fmt.Sprintf("ms-%s-%s-p%d", how, kind, p))
		}
	}
}
