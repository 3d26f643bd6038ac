package media

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"greenroom/consent"
)

// Frame is one encoded frame of a track: a picture, or an Opus packet. Payload is borrowed.
type Frame struct {
	Time          time.Duration // media time since the session began
	Duration      time.Duration // 0 if unknown
	Key           bool          // decodable on its own; always true for audio
	Width, Height int           // pixels; key frames only, 0 if unknown
	Payload       []byte
}

// RecordingState is how the recording of a live session is doing.
type RecordingState string

// The states of a recording.
const (
	RecordingOn      RecordingState = "on"      // what arrives is being kept
	RecordingDelayed RecordingState = "delayed" // keeping is behind, nothing is lost yet
	RecordingFailed  RecordingState = "failed"  // what arrives is being lost
	RecordingOff     RecordingState = "off"     // withdrawn or finished
)

// RecordingStatus is what the candidate is told about the recording.
type RecordingStatus struct {
	State   RecordingState
	Message string // a sentence for the candidate; empty when on or off
}

// What the candidate reads while something is wrong.
const (
	messageDelayed = "Saving your recording is taking longer than usual. Nothing is lost so far."
	messageFailed  = "Your recording is not being saved at the moment: the server cannot store it. The interview goes on, and we keep trying."
)

const (
	// keepAfter is how much may gather before the queue is emptied, so also about how much of a clean
	// recording a killed process loses: with the two frames around it, a quarter of a second.
	keepAfter = 210 * time.Millisecond
	// tick is how often Run looks at how the recording does. What packets have not woken the writer for
	// after two of these, because no more came, it is woken for then.
	tick = 250 * time.Millisecond
	// patience is how long one emptying may take before the candidate hears of it.
	patience = time.Second
	// lastPatience is how long Run waits for a store that does not answer when all is over.
	lastPatience = 10 * time.Second
)

// RecorderConfig is what a [Recorder] needs.
type RecorderConfig struct {
	Session consent.SessionID
	Epoch   int
	Store   SegmentStore
	// Permit is asked for each segment; it must be for [consent.ArtefactCapture].
	Permit func(context.Context) (consent.Permit, error)
	// OnStatus hears each change of status, from one goroutine; it must not block. May be nil.
	OnStatus func(RecordingStatus)
	// OnGap hears of each stretch that could not be kept, from one goroutine; it must not block.
	// May be nil.
	OnGap func(Gap)
	Log   *slog.Logger
	Now   func() time.Time // nil: time.Now
}

// Recorder turns the frames of one session into segments. Put, Withdraw, Finish and SetKeyFrameRequest
// may be called from any goroutine.
//
// Run owns two goroutines. One writes: it empties the queue when [keepAfter] of media has gathered, and is
// the only one to touch the store and the tracks. It is woken by the packets themselves, which costs less
// than a timer of each session. The other, Run's own, wakes it when no packets come, and watches how long
// it takes, so that a store that hangs can neither stop packets nor go unnoticed.
type Recorder struct {
	config    RecorderConfig
	queue     frameQueue
	wake      chan struct{} // to the writer; of one, because waking twice is waking once
	finish    chan struct{}
	finishing sync.Once
	withdrawn atomic.Bool
	emptied   atomic.Uint64 // how often the queue was

	mu      sync.Mutex
	asks    map[Kind]func()
	began   time.Time     // when the writer began to empty the queue; zero while it rests
	kept    bool          // something has been appended: only then is it true that the recording is on
	failing map[Kind]bool // the last attempt to keep something of the kind failed
}

// NewRecorder returns a Recorder; it does nothing until [Recorder.Run].
func NewRecorder(config RecorderConfig) *Recorder {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	return &Recorder{
		config:  config,
		wake:    make(chan struct{}, 1),
		finish:  make(chan struct{}),
		asks:    map[Kind]func(){},
		failing: map[Kind]bool{},
	}
}

// Put hands over one frame. It copies the payload and never blocks; when the queue is full the frame is
// lost and counted. Times of one kind must not fall; those that do are kept a millisecond apart.
func (r *Recorder) Put(kind Kind, codec Codec, f Frame) {
	if r.withdrawn.Load() {
		return
	}
	if r.queue.put(kind, codec, f) {
		r.wakeWriter()
	}
}

// SetKeyFrameRequest sets what asks the sender of the kind for a key frame. It is called from the
// writer and must not block; nil takes it away.
func (r *Recorder) SetKeyFrameRequest(kind Kind, ask func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asks[kind] = ask
}

// Withdraw stops keeping at once and for good: nothing more is written, and open segments are discarded.
func (r *Recorder) Withdraw() {
	r.withdrawn.Store(true)
	r.queue.clear()
	r.wakeWriter()
}

// Finish seals what is open; [Recorder.Run] then returns. Frames put later are lost.
func (r *Recorder) Finish() { r.finishing.Do(func() { close(r.finish) }) }

// Lost returns how many frames could not be kept.
func (r *Recorder) Lost() int64 { return r.queue.lost.Load() }

// Run keeps what is put until Finish or the end of ctx, and returns after sealing.
func (r *Recorder) Run(ctx context.Context) error {
	done, stop := make(chan error, 1), make(chan struct{})
	writer := newSegmenter(r)
	// Owner: Run. Stops when stop is closed, after sealing. Run waits for it on done, but not for ever.
	go func() { done <- r.write(context.WithoutCancel(ctx), writer, stop) }()

	var told RecordingState
	timer := time.NewTimer(UntilBeat(time.Now(), tick))
	defer timer.Stop()
	var before, beforeThat uint64
	for running := true; running; {
		select {
		case now := <-timer.C:
			timer.Reset(UntilBeat(now, tick))
			emptied := r.emptied.Load()
			if emptied == beforeThat {
				r.wakeWriter()
			}
			before, beforeThat = emptied, before
			told = r.tell(told)
		case <-r.finish:
			running = false
		case <-ctx.Done():
			running = false
		}
	}
	close(stop)
	defer r.queue.clear()
	defer r.say(RecordingStatus{State: RecordingOff}, told)
	last := time.NewTimer(lastPatience)
	defer last.Stop()
	select {
	case err := <-done:
		return err
	case <-last.C:
		r.Withdraw() // whatever the store still does, nothing new reaches it
		return fmt.Errorf("seal recording of %s: the store did not answer in %v", r.config.Session, lastPatience)
	}
}

func (r *Recorder) wakeWriter() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// write is the writer.
func (r *Recorder) write(ctx context.Context, s *segmenter, stop <-chan struct{}) error {
	for {
		select {
		case <-r.wake:
			r.empty(ctx, s)
		case <-stop:
			r.queue.close()
			r.empty(ctx, s)
			return s.end(ctx)
		}
	}
}

// empty keeps everything queued, and appends it as one chunk a track.
func (r *Recorder) empty(ctx context.Context, s *segmenter) {
	r.mu.Lock()
	r.began = r.config.Now()
	r.mu.Unlock()
	r.emptied.Add(1)
	frames, payloads := r.queue.take()
	for _, f := range frames {
		s.keep(ctx, f, payloads[f.offset:f.offset+f.size])
	}
	s.settle(ctx)
	r.queue.giveBack(frames, payloads)
	r.mu.Lock()
	r.began = time.Time{}
	r.mu.Unlock()
}

// note remembers whether the last attempt to keep something of the kind worked.
func (r *Recorder) note(kind Kind, err error) {
	r.mu.Lock()
	r.failing[kind] = err != nil
	r.kept = r.kept || err == nil
	r.mu.Unlock()
}

func (r *Recorder) ask(kind Kind) {
	r.mu.Lock()
	ask := r.asks[kind]
	r.mu.Unlock()
	if ask != nil {
		ask()
	}
}

// tell says how the recording is doing if that changed, and returns what was said last.
func (r *Recorder) tell(told RecordingState) RecordingState {
	status := r.status()
	if status.State == "" {
		return told
	}
	r.say(status, told)
	return status.State
}

func (r *Recorder) say(status RecordingStatus, told RecordingState) {
	if status.State != told && r.config.OnStatus != nil {
		r.config.OnStatus(status)
	}
}

func (r *Recorder) status() RecordingStatus {
	if r.withdrawn.Load() {
		return RecordingStatus{State: RecordingOff}
	}
	overflowing := r.queue.overflowing()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.failing[KindAudio] || r.failing[KindVideo] || overflowing:
		return RecordingStatus{State: RecordingFailed, Message: messageFailed}
	case !r.began.IsZero() && r.config.Now().Sub(r.began) > patience:
		return RecordingStatus{State: RecordingDelayed, Message: messageDelayed}
	case r.kept:
		return RecordingStatus{State: RecordingOn}
	default:
		return RecordingStatus{} // nothing has come yet
	}
}
