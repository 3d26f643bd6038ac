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

// CaptureConfig is what a [Capture] needs.
type CaptureConfig struct {
	Session  consent.SessionID
	Epoch    int
	Origin   time.Time // wall time of media time zero; zero: the first packet sets it
	Consents consent.Consents
	Store    SegmentStore
	// Permit gets a fresh Permit of the recorder's.
	Permit func(ctx context.Context) (consent.Permit, error)
	// Voice makes the judge of what is speech; nil: no speech to text on this server. Speech takes what
	// was said; nil with Voice nil.
	Voice  func() (VoiceActivity, error)
	Speech UtteranceSink
	// Running looks at what is being said; nil: nobody does.
	Running RunningSink

	// OnVoice hears of each stretch of sound whether it holds speech, some 30 times a second, in order and
	// at once: it must not block. What was not heard is left out. May be nil; never called without Voice.
	OnVoice func(start, end time.Duration, speech bool)

	OnOrigin func(at time.Time)    // called once if Origin is zero; may be nil
	OnGap    func(Gap)             // a gap that has ended; may be nil
	OnStatus func(RecordingStatus) // may be nil

	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: none
}

// frameRecorder is what a lane needs of a [Recorder].
type frameRecorder interface {
	Put(kind Kind, codec Codec, f Frame)
}

var _ frameRecorder = (*Recorder)(nil)

// maxEvents bounds what waits to be told. Gaps come at most a few times a second; more than this waits
// only if OnGap hangs, and then the oldest are as good as any.
const maxEvents = 1024

// captureEvent is something to tell outside of the packet path: the origin, or a gap.
type captureEvent struct {
	origin time.Time // zero: a gap
	gap    Gap
}

// Capture takes the packets of one session's tracks and turns them into a recording and utterances, as
// far as the candidate consented. Its methods may be called from any goroutine.
//
// OnOrigin and OnGap are called from Run's goroutine, OnStatus from that or the recorder's, OnVoice from
// that of the speech cutter.
type Capture struct {
	config   CaptureConfig
	clock    sessionClock
	begun    atomic.Bool // the origin is known
	lanes    map[Kind]*lane
	recorder *Recorder // nil without consent
	speech   *speech   // nil without consent or Voice
	finished atomic.Bool
	finish   chan struct{}
	once     sync.Once
	wake     chan struct{}

	mu       sync.Mutex
	consents consent.Consents
	events   []captureEvent
	untold   int
}

// NewCapture returns a Capture that does nothing until [Capture.Run], but may be attached to.
func NewCapture(config CaptureConfig) *Capture {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	c := &Capture{
		config: config, consents: config.Consents,
		finish: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	c.lanes = map[Kind]*lane{
		KindAudio: {capture: c, kind: KindAudio},
		KindVideo: {capture: c, kind: KindVideo},
	}
	if !config.Origin.IsZero() {
		c.begun.Store(c.clock.begin(config.Origin, config.Now()))
	}
	if config.Consents.Recording {
		c.makeRecorder()
	}
	if config.Consents.Transcription && config.Voice != nil && config.Speech != nil {
		c.speech = newSpeech(config)
		c.lanes[KindAudio].speech = c.speech
	}
	return c
}

func (c *Capture) makeRecorder() {
	c.recorder = NewRecorder(RecorderConfig{
		Session: c.config.Session, Epoch: c.config.Epoch, Store: c.config.Store, Permit: c.config.Permit,
		OnStatus: c.config.OnStatus, OnGap: func(g Gap) { c.tell(captureEvent{gap: g}) },
		Log: c.config.Log, Now: c.config.Now,
	})
	for _, l := range c.lanes {
		l.recorder = c.recorder
		c.recorder.SetKeyFrameRequest(l.kind, l.requestKeyFrame)
	}
}

// Run works until [Capture.Finish] was called or ctx ended. It returns after everything is sealed.
func (c *Capture) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	var sealed error
	// Owner of both: Run, which stops them with their finish and waits. Their last writes must not be
	// cut short, so the end of ctx reaches them only through Finish.
	if c.recorder != nil {
		workers.Go(func() { sealed = c.recorder.Run(context.WithoutCancel(ctx)) })
	} else if c.config.OnStatus != nil {
		c.config.OnStatus(RecordingStatus{State: RecordingOff})
	}
	if c.speech != nil {
		workers.Go(c.runSpeech)
	}
	c.serve(ctx)
	c.Finish()
	c.close()
	workers.Wait()
	c.deliver()
	if sealed != nil {
		return fmt.Errorf("record session %s: %w", c.config.Session, sealed)
	}
	return nil
}

// runSpeech: a session without captions is still worth recording, so its failure ends nothing else.
func (c *Capture) runSpeech() {
	if err := c.speech.run(); err != nil {
		c.config.Log.Error("speech to text stopped", "error", err)
	}
	if lost := c.speech.queue.lost(); lost > 0 {
		c.config.Log.Warn("speech was not heard", "packets", lost)
	}
}

func (c *Capture) serve(ctx context.Context) {
	for {
		select {
		case <-c.wake:
			c.deliver()
		case <-c.finish:
			return
		case <-ctx.Done():
			return
		}
	}
}

// close ends the lanes, and then lets the workers finish what they have.
func (c *Capture) close() {
	now := c.config.Now()
	for _, kind := range []Kind{KindAudio, KindVideo} {
		c.lanes[kind].close(now)
	}
	if c.recorder != nil {
		c.recorder.Finish()
	}
	if c.speech != nil {
		c.speech.finish()
	}
}

// Finish stops taking packets; Run lets go what waits, seals it and returns. It does not wait.
func (c *Capture) Finish() {
	c.finished.Store(true)
	c.once.Do(func() { close(c.finish) })
}

// SetConsents takes what is left after a withdrawal; consents never grow. When it returns nothing more
// reaches the recorder or the [UtteranceSink] that is no longer consented to, so it must not be called
// from the sink's Hear.
func (c *Capture) SetConsents(left consent.Consents) {
	c.mu.Lock()
	before := c.consents
	c.consents.Recording = before.Recording && left.Recording
	c.consents.Transcription = before.Transcription && left.Transcription
	c.consents.Assessment = before.Assessment && left.Assessment
	now := c.consents
	c.mu.Unlock()

	if before.Recording && !now.Recording {
		for _, l := range c.lanes {
			l.withdraw(c.config.Now())
		}
		c.recorder.Withdraw()
	}
	if before.Transcription && !now.Transcription && c.speech != nil {
		l := c.lanes[KindAudio]
		l.mu.Lock()
		l.speech = nil
		l.mu.Unlock()
		c.speech.withdraw()
	}
}

// MediaNow returns the media time of this moment; 0 before the origin is known.
func (c *Capture) MediaNow() time.Duration { return c.clock.at(c.config.Now()) }

// Attach adds a track of a peer connection. A second track of a kind goes on where the first one
// stopped; the first one is detached if it is not yet. Detach the tracks of a lost connection before
// attaching those of the next, because what is attached together is taken to have one sender's clock.
func (c *Capture) Attach(config TrackConfig) (*Track, error) {
	depacketizer, rate, err := newDepacketizer(config.Kind, config.Codec)
	if err != nil {
		return nil, err
	}
	sender := c.senderClock(config.Kind)
	l := c.lanes[config.Kind]
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.codec != "" && l.codec != config.Codec {
		return nil, fmt.Errorf("%w: %s after %s", ErrCodecChanged, config.Codec, l.codec)
	}
	if l.track != nil {
		l.track.detach()
	}
	t := &Track{
		config: config, lane: l, depacketize: depacketizer, payloadType: -1,
		receiver: receiver{ssrc: config.SSRC, rate: rate},
	}
	t.jitter = newJitterBuffer(config.Kind, t)
	after := -leastStep // the first frame may lie at zero
	if l.begun {
		after, l.rejoined = l.time, true
	}
	t.line = newTimeline(sender, rate, after)
	t.line.hurry = config.Kind == KindVideo
	// The first packets may have passed before anybody listened, and with them the first key frame.
	t.key.wanted = config.Kind == KindVideo
	t.noteUrgent()
	l.codec, l.track = config.Codec, t
	return t, nil
}

// senderClock returns the clock of the connection that the track belongs to: that of the other kind's
// track if one is attached, else a new one.
func (c *Capture) senderClock(kind Kind) *senderClock {
	for _, l := range c.lanes {
		if l.kind == kind {
			continue
		}
		l.mu.Lock()
		t := l.track
		l.mu.Unlock()
		if t != nil {
			return t.line.sender
		}
	}
	return &senderClock{}
}

// start sets media time zero at the first packet of the session.
func (c *Capture) start(arrival time.Time) {
	if c.begun.Load() {
		return
	}
	if c.clock.begin(arrival, arrival) {
		c.begun.Store(true)
		c.tell(captureEvent{origin: arrival})
	}
}

// tell queues an event for Run.
func (c *Capture) tell(e captureEvent) {
	c.mu.Lock()
	if len(c.events) < maxEvents {
		c.events = append(c.events, e)
	} else {
		c.untold++
	}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// deliver tells what is queued.
func (c *Capture) deliver() {
	c.mu.Lock()
	events, untold := c.events, c.untold
	c.events, c.untold = nil, 0
	c.mu.Unlock()
	if untold > 0 {
		c.config.Log.Warn("gaps were not told", "count", untold)
	}
	for _, e := range events {
		switch {
		case !e.origin.IsZero():
			if c.config.OnOrigin != nil {
				c.config.OnOrigin(e.origin)
			}
		case c.config.OnGap != nil:
			c.config.OnGap(e.gap)
		}
	}
}
