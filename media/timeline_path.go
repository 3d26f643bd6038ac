package media

import "time"

const (
	// pathStep is by how much the least delay changes at once when the network path is another one. Clocks
	// do not: 200 ppm are 0.2 ms in a second.
	pathStep = 40 * time.Millisecond
	// pathSettles is how long after the first packet on a shorter path others may be faster still.
	pathSettles = time.Second
	// pathMost bounds how far all changes of path together hold media time from arrival. What goes beyond
	// is made up for at the pace of a settled shift.
	pathMost = 600 * time.Millisecond
)

// pathChange is by how much the path from a sender has become shorter since its tracks began. It is added
// to each delay, so that another path moves no track: sound that is contiguous in RTP time stays so.
type pathChange struct {
	shorter time.Duration
	settles time.Duration // media time until which the newest path shows its least delay
}

// change takes a change of path as far as the bound allows, and returns what it took.
func (p *pathChange) change(by time.Duration) time.Duration {
	before := p.shorter
	p.shorter = min(max(before+by, -pathMost), pathMost)
	return p.shorter - before
}

// notePath adds the delay of a frame to the window, and returns it as it would have been on the path that
// the sender began on. Only tracks that have come to rest by their reports tell of the path: before, a
// change of delay may be a queue at the start.
func (l *timeline) notePath(arrival, delay time.Duration) time.Duration {
	path := &l.sender.path
	before := l.target()
	if l.settled && delay < l.delays.least() {
		// Packets may catch up one by one, so that what counts is how far they lie from the shift.
		shorter := l.shift - delay
		if shorter > pathStep {
			path.settles = arrival + pathSettles
		}
		if shorter > 0 && arrival < path.settles {
			if taken := path.change(shorter); taken == shorter {
				for _, line := range l.sender.lines {
					if line.settled {
						line.delays.raise(line.shift) // what came while they caught up
					}
				}
			}
			delay = arrival - l.raw + path.shorter
		}
		before = l.target()
	}
	l.delays.add(arrival, delay)
	if !l.settled {
		return delay
	}
	// A longer path shows when the last frame that came on the old one leaves the windows of all tracks.
	if longer := l.target() - before; longer > pathStep {
		taken := path.change(-longer)
		for _, line := range l.sender.lines {
			line.delays.move(taken)
		}
		delay += taken
	}
	return delay
}
