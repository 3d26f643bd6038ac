package media

import (
	"slices"
	"time"
)

// How missing packets are asked for. The first wait lets reordered packets arrive by themselves; the
// retry must exceed one round trip, in which nothing can have come; the limits keep requests per lost
// packet small, which Pion's default generator does not.
const (
	nackDelay    = 10 * time.Millisecond
	nackInterval = 100 * time.Millisecond
	nackTries    = 8
	// keyTries: after so many requests without an answer a key frame is asked for beside the repair. When
	// a burst took the repairs as well, the picture stands still until a key frame comes; when the repair
	// comes after all, one key frame was not needed.
	keyTries = 4
	// mostGuessed is how many packets are asked for that may have come before the first one.
	mostGuessed = 8
	nackLife    = 2 * time.Second
	// maxMissing bounds the list; a longer hole is not repairable in time, so it is not asked for.
	maxMissing = 512
	// maxNackBatch bounds one request; what is left over is asked for with the next feedback.
	maxNackBatch = 128
)

// missingPacket is one hole in the sequence numbers.
type missingPacket struct {
	sequence int64
	since    time.Time // when the packet behind it arrived
	next     time.Time // when to ask (again)
	tries    int
	guess    bool // nobody knows whether it was ever sent
}

// missingList holds the holes of one track that may still be filled, by rising sequence number.
type missingList struct {
	holes []missingPacket
}

// add notes that first to last (inclusive) are missing. It reports false, and forgets everything, if
// that is too much to ask for.
func (l *missingList) add(first, last int64, now time.Time) bool {
	if last-first+1 > int64(maxMissing-len(l.holes)) {
		l.holes = l.holes[:0]
		return false
	}
	for s := first; s <= last; s++ {
		l.holes = append(l.holes, missingPacket{sequence: s, since: now, next: now.Add(nackDelay)})
	}
	return true
}

// guess notes that packets may be missing before the first one.
func (l *missingList) guess(first int64, now time.Time) {
	for s := first - mostGuessed; s < first; s++ {
		l.holes = append(l.holes, missingPacket{sequence: s, since: now, next: now.Add(nackDelay), guess: true})
	}
}

// forget takes off the list what lies before the sequence number.
func (l *missingList) forget(before int64) {
	l.holes = slices.DeleteFunc(l.holes, func(m missingPacket) bool { return m.sequence < before })
}

// fill takes a hole off the list, whichever way its packet came.
func (l *missingList) fill(sequence int64) (missingPacket, bool) {
	i, found := slices.BinarySearchFunc(l.holes, sequence, func(m missingPacket, s int64) int {
		return int(m.sequence - s)
	})
	if !found {
		return missingPacket{}, false
	}
	hole := l.holes[i]
	l.holes = slices.Delete(l.holes, i, i+1)
	return hole, true
}

// due appends to ask the sequence numbers to request now. It returns the last hole that a key frame
// should be asked for because of, if any: one that was given up, or whose repair is slow to come.
func (l *missingList) due(now time.Time, roundTrip time.Duration, ask []uint16) (_ []uint16, spoiled int64) {
	interval := max(nackInterval, roundTrip+roundTrip/2)
	kept := l.holes[:0]
	for _, hole := range l.holes {
		isDue := !now.Before(hole.next)
		if hole.guess && isDue && hole.tries >= keyTries {
			continue
		}
		if now.Sub(hole.since) >= nackLife || isDue && hole.tries >= nackTries {
			spoiled = hole.sequence
			continue
		}
		if isDue && len(ask) < maxNackBatch {
			if hole.tries == keyTries {
				spoiled = hole.sequence
			}
			ask = append(ask, uint16(hole.sequence)) // the low 16 bits are what is meant
			hole.tries++
			hole.next = now.Add(interval)
		}
		kept = append(kept, hole)
	}
	l.holes = kept
	return ask, spoiled
}
