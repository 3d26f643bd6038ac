package media

import (
	"math"
	"time"
)

// minWindow keeps the least of what was added in the last [delayBuckets] seconds.
type minWindow struct {
	leasts [delayBuckets]time.Duration
	bucket int64 // number of the newest bucket
	filled bool
}

const noDelay = time.Duration(math.MaxInt64)

func (w *minWindow) add(at, value time.Duration) {
	bucket := int64(at / delayBucket)
	if !w.filled || bucket-w.bucket >= delayBuckets {
		w.filled = true
		w.bucket = bucket
		for i := range w.leasts {
			w.leasts[i] = noDelay
		}
	}
	for w.bucket < bucket {
		w.bucket++
		w.leasts[w.bucket%delayBuckets] = noDelay
	}
	slot := &w.leasts[w.bucket%delayBuckets]
	*slot = min(*slot, value)
}

func (w *minWindow) least() time.Duration {
	least := noDelay
	for _, v := range w.leasts {
		least = min(least, v)
	}
	return least
}

// move adds to all values.
func (w *minWindow) move(by time.Duration) {
	for i, v := range w.leasts {
		if v != noDelay {
			w.leasts[i] = v + by
		}
	}
}

// raise makes all values at least so much.
func (w *minWindow) raise(to time.Duration) {
	for i, v := range w.leasts {
		w.leasts[i] = max(v, to)
	}
}
