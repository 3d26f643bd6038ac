package media

import (
	"sync"
	"time"
)

// How RTP times become media times. A frame's media time is its RTP time plus a shift; all the rest is
// about a good shift.
const (
	// futureLimit and pastLimit: a frame placed outside of these around its arrival has a timestamp
	// that jumped. A frame cannot come before it was sent, but may come late after a stall.
	futureLimit = time.Second
	pastLimit   = 10 * time.Second
	// slewShare bounds how fast the shift moves until it has come to rest where the reports say: a tenth
	// of the time that passes. From then on settledShare does, 0.5 %: enough for the skew of any clock.
	// Below slewRest it stays.
	slewShare    = 10
	settledShare = 200
	slewRest     = 3 * time.Millisecond
	// settleTime is how long after their start pictures are put right at once where they lie too late: the
	// first ones may have queued up, and the first reports of both tracks come in the first second or so.
	// Sound is not: a player would leave out packets, or play what it was to skip.
	settleTime = 3 * time.Second
	// reportsAgree is how far the two tracks' views of the sender's clock may lie apart before they are
	// not compared: the sender's clock was set between their reports.
	reportsAgree = time.Second
	// After a silence of pauseLimit in which RTP time stood still, frames are watched for pauseWatch:
	// if all of them are late by pauseLate, the sender had stopped its clock, and this was no stall.
	pauseLimit = 500 * time.Millisecond
	pauseLate  = 300 * time.Millisecond
	pauseWatch = time.Second
	// delayBuckets of delayBucket each: over how long the least delay is taken.
	delayBuckets = 10
	delayBucket  = time.Second
	// leastStep keeps the times of a track apart; blocks are timed in milliseconds.
	leastStep = time.Millisecond
)

// sessionClock turns wall times into media times. It measures from its base on the monotonic clock, so
// that a step of this machine's clock does not move the media.
type sessionClock struct {
	mu     sync.Mutex
	base   time.Time
	offset time.Duration // media time at base
	set    bool
}

// begin sets media time zero unless it was set before; it reports whether it did.
func (c *sessionClock) begin(origin, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.set {
		return false
	}
	c.set, c.base, c.offset = true, now, now.Sub(origin)
	return true
}

// at returns the media time of a wall time: 0 before the origin is known, and never less.
func (c *sessionClock) at(t time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.set {
		return 0
	}
	return max(c.offset+t.Sub(c.base), 0)
}

// senderClock relates the tracks of one peer connection, whose sender reports all speak of one clock.
type senderClock struct {
	mu    sync.Mutex
	lines []*timeline
	base  uint64 // NTP time of the first report; the others are measured from it
	based bool
	path  pathChange
}

// timeline places the frames of one track in media time. Everything in it is guarded by its sender's mu.
type timeline struct {
	sender *senderClock
	rate   int64
	hurry  bool // for pictures: see settleTime

	started  bool
	waiting  bool // packets were seen, no frame was placed yet
	last     rtpTime
	ticks    int64 // last, unwrapped
	raw      time.Duration
	anchored time.Duration // raw, where the present shift began
	arrival  time.Duration
	shift    time.Duration // media time = RTP time + shift
	placed   time.Duration // the last time given out
	delays   minWindow     // arrival − RTP time: what the shift would be if a frame had taken no time

	report struct {
		fresh bool
		ntp   time.Duration // since the sender's base
		rtp   rtpTime
	}
	related  bool
	settled  bool          // the shift has once come to rest where the reports of these tracks say
	relation time.Duration // sender's wall clock − RTP time

	watching   bool // after a silence
	watchUntil time.Duration
	watchLeast time.Duration
}

// newTimeline joins a track to its sender's clock. Its times begin after the last one of the track's
// earlier connections.
func newTimeline(sender *senderClock, rate int64, after time.Duration) *timeline {
	l := &timeline{sender: sender, rate: rate, placed: after}
	sender.mu.Lock()
	defer sender.mu.Unlock()
	sender.lines = append(sender.lines, l)
	return l
}

// leave takes the track's reports out of the comparison.
func (l *timeline) leave() {
	l.sender.mu.Lock()
	defer l.sender.mu.Unlock()
	for i, other := range l.sender.lines {
		if other == l {
			l.sender.lines = append(l.sender.lines[:i], l.sender.lines[i+1:]...)
			return
		}
	}
}

// senderReport notes that the sender's wall clock read ntp at RTP time t. When it arrived does not
// matter, so that late reports do no harm.
func (l *timeline) senderReport(ntp uint64, t rtpTime) {
	l.sender.mu.Lock()
	defer l.sender.mu.Unlock()
	if !l.sender.based {
		l.sender.based, l.sender.base = true, ntp
	}
	l.report.fresh, l.report.rtp = true, t
	l.report.ntp = ntpDuration(ntp - l.sender.base)
}

// ntpDuration turns a difference of 32.32 fixed point seconds into a duration. The difference wraps, so
// it is right across the end of the NTP era in 2036 too.
func ntpDuration(difference uint64) time.Duration {
	signed := int64(difference) // a difference of two times, either way round
	const mask = 1<<32 - 1
	return time.Duration(signed>>32)*time.Second + time.Duration((signed&mask)*int64(time.Second)>>32)
}

// expect takes a packet that waits for its turn. Until the first frame is placed, what came with the
// least delay decides where the first one lies: it may have been slower than the ones behind it.
func (l *timeline) expect(t rtpTime, arrival time.Duration) {
	l.sender.mu.Lock()
	defer l.sender.mu.Unlock()
	if l.started {
		return
	}
	l.advance(t)
	l.waiting = true
	l.delays.add(arrival, arrival-l.raw+l.sender.path.shorter)
}

// place returns the media time of a frame, given in order with the media time at which it arrived. The
// times of a track always rise by [leastStep] or more.
func (l *timeline) place(t rtpTime, arrival time.Duration) time.Duration {
	l.sender.mu.Lock()
	defer l.sender.mu.Unlock()
	step := l.advance(t)
	delay := arrival - l.raw + l.sender.path.shorter
	switch ahead := l.raw + l.shift - arrival; {
	case !l.started:
		l.begin(arrival, delay)
	case ahead > futureLimit || ahead < -pastLimit:
		l.anchor(arrival, delay)
	default:
		delay = l.notePath(arrival, delay)
		l.watchPause(step, arrival, delay)
		l.useReport()
		l.slew(step)
	}
	l.arrival = arrival
	l.placed = max(l.raw+l.shift, l.placed+leastStep)
	return l.placed
}

// begin finds the place of the first frame.
func (l *timeline) begin(arrival, delay time.Duration) {
	l.started = true
	l.delays.add(arrival, delay)
	if delay-l.delays.least() > pastLimit { // no packet is that slow: a timestamp was wrong
		l.delays = minWindow{}
		l.delays.add(arrival, delay)
	}
	// Not before what there is already: the frames behind it would be pushed together.
	l.shift, l.anchored = max(l.delays.least(), l.placed+leastStep-l.raw), l.raw
}

// advance unwraps the timestamp and returns how far RTP time went on.
func (l *timeline) advance(t rtpTime) time.Duration {
	if !l.started && !l.waiting {
		l.ticks = int64(t)
	} else {
		l.ticks += int64(int32(t - l.last)) // RFC 3550: differences wrap
	}
	before := l.raw
	l.last = t
	l.raw = l.duration(l.ticks)
	return l.raw - before
}

func (l *timeline) duration(ticks int64) time.Duration {
	seconds, rest := ticks/l.rate, ticks%l.rate
	return time.Duration(seconds)*time.Second + time.Duration(rest*int64(time.Second)/l.rate)
}

// anchor begins anew from a frame's arrival: its timestamp jumped.
func (l *timeline) anchor(arrival, shift time.Duration) {
	l.shift, l.anchored = shift, l.raw
	l.delays = minWindow{}
	l.delays.add(arrival, shift)
	l.related, l.settled, l.watching = false, false, false
}

// watchPause tells a sender that stopped its RTP clock from a network that stalled: after a stall the
// packets catch up.
func (l *timeline) watchPause(step, arrival, delay time.Duration) {
	silence := arrival - l.arrival
	if silence > pauseLimit && silence-step > pauseLate {
		l.watching, l.watchUntil, l.watchLeast = true, arrival+pauseWatch, delay
	}
	if !l.watching {
		return
	}
	l.watchLeast = min(l.watchLeast, delay)
	if arrival < l.watchUntil {
		return
	}
	l.watching = false
	late := l.watchLeast - l.shift
	if l.settled && late <= pathMost {
		return // as likely a longer path; if it was a pause, the next report says so
	}
	if late > pauseLate {
		l.anchor(arrival, l.watchLeast)
	}
}

func (l *timeline) useReport() {
	if !l.report.fresh {
		return
	}
	l.report.fresh = false
	if !l.related { // the tracks have to come together
		for _, line := range l.sender.lines {
			line.settled = false
		}
	}
	l.related = true
	reported := l.ticks + int64(int32(l.report.rtp-l.last)) // RFC 3550: differences wrap
	before := l.relation
	l.relation = l.report.ntp - l.duration(reported)
	if (l.relation - before).Abs() > pathStep { // one of the sender's clocks stood still or was set
		l.settled = false
	}
}

func (l *timeline) slew(step time.Duration) {
	difference := l.target() - l.shift
	if max(difference, -difference) < slewRest {
		l.settled = l.settled || l.related && l.raw-l.anchored >= settleTime
		return
	}
	if l.hurry && difference < 0 && l.raw-l.anchored < settleTime {
		l.shift += difference
		return
	}
	limit := max(step, 0) / slewShare
	if l.settled {
		limit = max(step, 0) / settledShare
	}
	l.shift += min(max(difference, -limit), limit)
}

// target is the shift to have. One track alone is placed by its least delay. Two whose reports speak of
// one clock are placed by that clock, with the lesser of their delays for both: then what was captured
// at one moment lies at one moment, whatever each track's encoder and queue added.
func (l *timeline) target() time.Duration {
	own := l.delays.least()
	if !l.related {
		return own
	}
	least := own - l.relation
	for _, other := range l.sender.lines {
		if other == l || !other.related {
			continue
		}
		theirs := other.delays.least() - other.relation
		if difference := theirs - least; max(difference, -difference) > reportsAgree {
			return l.shift
		}
		least = min(least, theirs)
	}
	return l.relation + least
}
