package media

import "time"

// Beat is the grid on which what happens again and again falls, for all sessions of a process, so that one
// wake-up serves many: an idle processor that wakes costs more than most of what it then does.
const Beat = 10 * time.Millisecond

// UntilBeat returns how long to wait for a beat that comes in d, or up to a beat sooner; d is at least Beat.
func UntilBeat(now time.Time, d time.Duration) time.Duration {
	return d - time.Duration(now.Add(d).UnixNano())%Beat
}
