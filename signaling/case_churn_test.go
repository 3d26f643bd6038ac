package signaling

import (
	"runtime"
	"testing"
	"time"

	"greenroom/media"
)

// TestSessionsThatComeAndGoLeaveNothing: whole sessions with their own ports, some of which vanish. What
// is left on the heap does not grow with them; goroutines and files are counted as well.
func TestSessionsThatComeAndGoLeaveNothing(t *testing.T) {
	rounds, atOnce := 3, 4
	if soaking() {
		rounds, atOnce = 40, 5
	}
	round := func() {
		t.Run("round", func(t *testing.T) {
			for i := range atOnce {
				t.Run("session", func(t *testing.T) {
					t.Parallel()
					s := newStage(t, publisherOptions{faults: faults{seed: uint64(i), loss: 0.05}})
					s.browser.play(sourceClip(t, media.CodecVP8, 1)).wait(t)
					if i%2 == 0 {
						s.browser.vanish()
					}
					s.finish()
				})
			}
		})
	}
	round() // pools fill up, and what is made once is made
	noGoroutinesLeft(t)
	files, before := openFiles(t), heap()
	start := time.Now()
	for range rounds {
		round()
	}
	noGoroutinesLeft(t)
	sessions := uint64(rounds * atOnce)
	grown := max(heap(), before) - before
	t.Logf("%d sessions in %v: %d bytes more on the heap", sessions, time.Since(start), grown)
	if grown > 1<<20+sessions*4<<10 {
		t.Errorf("%d sessions left %d bytes on the heap", sessions, grown)
	}
	if left := openFiles(t); left > files {
		t.Errorf("%d files are open, %d were before", left, files)
	}
}

// heap is how many bytes are in use.
func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools held is free only now
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
