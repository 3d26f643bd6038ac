package media

import (
	"sync"
	"time"
)

// lane is what all tracks of one kind in a session share: its place on the time line.
type lane struct {
	capture *Capture
	kind    Kind

	mu       sync.Mutex
	codec    Codec         // of the session; empty before the first track
	track    *Track        // attached now, or nil
	recorder frameRecorder // nil without consent
	speech   *speech       // nil without consent, and for video
	begun    bool          // there was a frame
	time     time.Duration // of the last frame
	end      time.Duration // just after what there is: the last frame, or a gap told of
	rejoined bool          // attached anew since the last frame
	lossy    bool          // packets were given up since the last frame
	muted    bool
	mutedAt  time.Duration
	step     time.Duration // between the last two video frames

	unkept     bool // consent to record was withdrawn
	unkeptFrom time.Duration
}

// frame takes the next frame of the session's track. It reports whether a gap ends with it.
func (l *lane) frame(f encodedFrame, at time.Duration) (gap bool) {
	gap = l.noteGap(at)
	duration := f.duration
	if l.kind == KindVideo {
		duration = l.videoStep(at)
	}
	l.begun, l.rejoined, l.lossy = true, false, false
	l.time, l.end = at, max(at+duration, l.end)
	if f.silent {
		l.end = max(l.end, at+silentSpan)
	}
	if l.recorder != nil {
		l.recorder.Put(l.kind, l.codec, Frame{
			Time: at, Duration: duration, Key: f.key, Width: f.width, Height: f.height, Payload: f.payload,
		})
	}
	if l.speech != nil {
		l.speech.queue.put(f, at)
	}
	return gap
}

// How long nothing may come before it is a gap.
const (
	// leastGap is for sound, of which packets come all the time, and for the end of a session.
	leastGap = 500 * time.Millisecond
	// stillGap is for pictures: a screen on which nothing moves is sent once a second.
	stillGap = 2 * time.Second
	// lossGap is where packets were given up: what is missing is known then. Less than this is heard as
	// a click at most, and counted.
	lossGap = 100 * time.Millisecond
)

const (
	// silentSpan is how long a silent Opus packet stands for silence: RFC 7587 3.1.3 sends one every
	// 400 ms while nobody speaks, and one of them may get lost.
	silentSpan = 800 * time.Millisecond
	// longestStep is the longest a video frame is taken to last.
	longestStep = 200 * time.Millisecond
	// usualStep is taken for the first frame: 30 pictures a second.
	usualStep = 33 * time.Millisecond
)

// videoStep takes a frame to last as long as the one before it.
func (l *lane) videoStep(at time.Duration) time.Duration {
	if l.begun && at > l.time {
		l.step = min(at-l.time, longestStep)
	}
	if l.step == 0 {
		return usualStep
	}
	return l.step
}

// noteGap tells of a gap that ends at the given time, and reports whether there is one. What lies in a
// muted stretch is told of when that ends.
func (l *lane) noteGap(at time.Duration) bool {
	if !l.begun || l.muted || at <= l.end {
		return false
	}
	switch {
	case l.rejoined:
		l.tell(Gap{Kind: l.kind, Start: l.end, End: at, Reason: GapReconnect})
	case at-l.end > l.patience():
		l.tell(Gap{Kind: l.kind, Start: l.end, End: at, Reason: GapNetwork})
	default:
		return false
	}
	return true
}

// patience is how long nothing may come.
func (l *lane) patience() time.Duration {
	switch {
	case l.lossy:
		return lossGap
	case l.kind == KindVideo:
		return stillGap
	default:
		return leastGap
	}
}

func (l *lane) mute(muted bool, wall time.Time) {
	if l.muted == muted {
		return
	}
	at := l.capture.clock.at(wall)
	if muted {
		l.noteGap(at)
		l.rejoined = false
		l.muted, l.mutedAt = true, max(at, l.end)
		return
	}
	l.muted = false
	if at > l.mutedAt {
		l.tell(Gap{Kind: l.kind, Start: l.mutedAt, End: at, Reason: GapMuted})
	}
	l.end = max(l.end, at)
}

func (l *lane) tell(gap Gap) {
	if l.capture.config.OnGap != nil {
		l.capture.tell(captureEvent{gap: gap})
	}
}

// left is called under mu when the track has gone.
func (l *lane) left(t *Track) {
	if l.track == t {
		l.track = nil
	}
}

// withdraw ends the recording of the lane.
func (l *lane) withdraw(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.recorder == nil {
		return
	}
	l.recorder = nil
	l.unkept, l.unkeptFrom = true, l.capture.clock.at(now)
}

// close ends the lane with its session.
func (l *lane) close(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rejoined = l.rejoined || l.track == nil
	if l.track != nil {
		l.track.detach()
	}
	at := l.capture.clock.at(now)
	switch {
	case l.muted:
		l.mute(false, now)
	case at-l.end > leastGap: // less is how long it takes to stop
		l.noteGap(at)
	}
	if l.begun && l.unkept && at > l.unkeptFrom {
		l.tell(Gap{Kind: l.kind, Start: l.unkeptFrom, End: at, Reason: GapConsent})
	}
}

// requestKeyFrame is what the recorder calls.
func (l *lane) requestKeyFrame() {
	l.mu.Lock()
	t := l.track
	l.mu.Unlock()
	if t != nil {
		t.requestKeyFrame()
	}
}
