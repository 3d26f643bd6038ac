package media

import (
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/pion/opus"

	"greenroom/consent"
)

const (
	// longestHole is how much missing sound is filled with silence; after a longer hole the utterance
	// ends and the clock is set anew.
	longestHole = 2 * time.Second
	// smallestHole is less than any Opus frame in use; what is below it is the time line's slewing.
	smallestHole = 15 * time.Millisecond
	// idleTick is how often a running utterance looks whether packets still come.
	idleTick = 100 * time.Millisecond
	// After idleSilent without a packet following a silent one (the sender says nothing is said; then
	// packets come every 400 ms), or idleLost following any other (longer than the jitter buffer holds
	// packets back), the utterance is heard as silence from there on.
	idleSilent = 100 * time.Millisecond
	idleLost   = jitterWait + 200*time.Millisecond
	// mostVoiceErrors in a row end speech to text for the session: the model is broken.
	mostVoiceErrors = 10
	// longestOpusPacket in samples: 120 ms.
	longestOpusPacket = SampleRate * 120 / 1000
)

// speech turns the Opus packets of one session into utterances. Its goroutine alone touches the
// decoder, the voice activity and the cutter.
type speech struct {
	session consent.SessionID
	epoch   int
	voice   func() (VoiceActivity, error)
	sink    UtteranceSink
	onVoice func(start, end time.Duration, speech bool)
	running RunningSink // may be nil
	now     func() time.Time
	log     *slog.Logger

	queue    speechQueue
	begun    bool // guarded by state; run was called
	state    sync.Mutex
	stop     chan struct{} // closed by finish and withdraw
	stopping sync.Once
	discard  chan struct{} // closed by withdraw
	dropping sync.Once
	done     chan struct{} // closed when run returns
	cuts     []SpeechCut   // guarded by state; to be made, in the order of time
	settles  chan settle
	settling []settle // asked and not answered yet; run's goroutine

	packet   heardPacket
	decoder  opus.Decoder
	activity VoiceActivity
	broken   int // errors of the voice activity in a row
	speaking bool
	cutter   utteranceCutter
	frame    []float32 // fills up to VoiceFrame samples
	tape     speechTape
	holes    holes
	judged   int // samples that went into the cutter since the tape began
	next     time.Duration
	arrived  time.Time // when the newest packet arrived
	silent   bool      // the newest packet said that nothing is said
	filled   time.Duration
	sequence int
	shown    runningMark
	garbled  uint64 // packets that could not be decoded; run's goroutine
}

func newSpeech(config CaptureConfig) *speech {
	return &speech{
		session: config.Session, epoch: config.Epoch, voice: config.Voice, sink: config.Speech,
		onVoice: config.OnVoice, running: config.Running,
		now: config.Now, log: config.Log,
		queue: speechQueue{wake: make(chan struct{}, 1)},
		stop:  make(chan struct{}), discard: make(chan struct{}), done: make(chan struct{}),
		settles: make(chan settle),
		frame:   make([]float32, 0, VoiceFrame),
	}
}

// finish lets run hear what is queued, end the running utterance and return.
func (s *speech) finish() {
	s.queue.close(false)
	s.stopping.Do(func() { close(s.stop) })
}

// withdraw ends everything at once. When it returns nothing more reaches the sink, so it must not be
// called from there.
func (s *speech) withdraw() {
	s.queue.close(true)
	s.dropping.Do(func() { close(s.discard) })
	s.stopping.Do(func() { close(s.stop) })
	s.state.Lock()
	begun := s.begun
	s.state.Unlock()
	if begun {
		<-s.done
	}
}

func (s *speech) withdrawn() bool {
	select {
	case <-s.discard:
		return true
	default:
		return false
	}
}

// run decodes until finish or withdraw.
func (s *speech) run() error {
	s.state.Lock()
	s.begun = true
	s.state.Unlock()
	defer close(s.done)
	defer s.cutter.clear()
	defer func() { s.tape = speechTape{} }()
	defer func() {
		if s.activity != nil {
			_ = s.activity.Close() // nothing is left to lose
		}
	}()
	ticker := time.NewTicker(idleTick)
	defer ticker.Stop()
	for {
		var tick <-chan time.Time // only a running utterance or a settle needs to look at the clock
		if s.cutter.running || len(s.settling) > 0 {
			tick = ticker.C
		}
		select {
		case <-s.queue.wake:
		case <-s.stop:
			err := s.drain()
			if err == nil && !s.withdrawn() {
				s.endUtterance()
			}
			return err
		case request := <-s.settles:
			s.settling = append(s.settling, request)
		case <-tick:
		}
		if err := s.drain(); err != nil {
			s.queue.close(true)
			return err
		}
		if err := s.idle(); err != nil {
			s.queue.close(true)
			return err
		}
		s.makeCuts(false)
		s.settleReached()
	}
}

// endUtterance ends the running utterance, if there is one, where the sound ends.
func (s *speech) endUtterance() {
	s.makeCuts(true)
	s.deliver(s.cutter.finish(s.arrived))
}

// drain hears everything queued.
func (s *speech) drain() error {
	for !s.withdrawn() && s.queue.take(&s.packet) {
		if err := s.hear(&s.packet); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes the decoder and the voice activity when the first packet comes.
func (s *speech) prepare(at time.Duration) error {
	var err error
	if s.activity, err = s.voice(); err != nil {
		return fmt.Errorf("start voice activity: %w", err)
	}
	if s.decoder, err = opus.NewDecoderWithOutput(SampleRate, 1); err != nil {
		return fmt.Errorf("start Opus decoder: %w", err)
	}
	s.next = at
	return nil
}

// hear decodes one packet to its place in time.
func (s *speech) hear(p *heardPacket) error {
	if s.activity == nil {
		if err := s.prepare(p.time); err != nil {
			return err
		}
	}
	paused := s.silent // nothing was lost then: the sender had said that nothing is said
	s.silent = p.silent
	if s.filled > 0 && p.silent && p.time+p.duration <= s.next {
		s.arrived, s.filled = p.arrival, 0
		return nil // heard as silence already
	}
	s.filled = 0
	if hole := p.time - s.next; hole >= smallestHole && hole <= longestHole && !paused {
		s.holes.note(s.next, p.time)
	}
	if err := s.fillHole(p.time - s.next); err != nil {
		return err
	}
	s.arrived = p.arrival
	if s.next-p.time > smallestHole {
		s.next = p.time // the time line went back a little, or silence was heard too soon
		s.holes.came(p.time)
	}
	var pcm [longestOpusPacket]float32
	n, err := s.decoder.DecodeToFloat32(p.payload, pcm[:])
	if err != nil {
		// Outside bytes: keep the times right and go on.
		s.garbled++
		n = int(p.duration * SampleRate / time.Second)
		clear(pcm[:n])
		s.holes.note(p.time, p.time+p.duration)
	}
	bound(pcm[:n])
	s.tape.add(p.payload, n)
	return s.listen(pcm[:n])
}

// bound keeps samples in the range that an [Utterance] promises: a packet can be made that decodes to
// much louder sound, and the decoder does not cut it.
func bound(pcm []float32) {
	for i, sample := range pcm {
		if math.IsNaN(float64(sample)) {
			sample = 0
		}
		pcm[i] = min(max(sample, -1), 1)
	}
}

// fillHole puts silence where packets are missing, so that times stay right.
func (s *speech) fillHole(hole time.Duration) error {
	switch {
	case hole < smallestHole:
		return nil
	case hole <= longestHole:
		return s.fill(hole)
	}
	// The decoder's state is of no use after so long, and neither is the running utterance.
	s.endUtterance()
	s.cutter.clear()
	s.frame = s.frame[:0]
	s.speaking = false
	s.tape.restart()
	s.judged = 0
	s.next += hole
	return s.decoder.Init(SampleRate, 1)
}

// fill listens to silence of the given length.
func (s *speech) fill(length time.Duration) error {
	s.tape.add(nil, int(length*SampleRate/time.Second))
	var silence [longestOpusPacket]float32
	for n := int(length * SampleRate / time.Second); n > 0; {
		part := min(n, len(silence))
		if err := s.listen(silence[:part]); err != nil {
			return err
		}
		n -= part
	}
	return nil
}

// idle ends a running utterance when no packets come: a silent or muted sender sends few or none.
func (s *speech) idle() error {
	if !s.cutter.running || s.arrived.IsZero() || s.withdrawn() {
		return nil
	}
	wait := idleLost
	if s.silent {
		wait = idleSilent
	}
	elapsed := s.now().Sub(s.arrived) - wait
	if elapsed <= s.filled {
		return nil
	}
	length := min(elapsed-s.filled, longestHole)
	s.filled = elapsed
	if !s.silent {
		s.holes.note(s.next, s.next+length)
	}
	arrived := s.arrived
	s.arrived = s.now() // what ends the utterance is heard now
	err := s.fill(length)
	s.arrived = arrived
	return err
}

// listen cuts sound into frames and judges each.
func (s *speech) listen(pcm []float32) error {
	for len(pcm) > 0 {
		n := min(VoiceFrame-len(s.frame), len(pcm))
		s.frame = append(s.frame, pcm[:n]...)
		pcm = pcm[n:]
		s.next += sampleTime(n)
		if len(s.frame) < VoiceFrame {
			return nil
		}
		if s.withdrawn() {
			return nil
		}
		probability, err := s.judge()
		if err != nil {
			return err
		}
		s.judged += VoiceFrame
		s.tellVoice(probability)
		s.deliver(s.cutter.add(s.frame, probability, s.next-sampleTime(VoiceFrame), s.arrived))
		s.frame = s.frame[:0]
		s.makeCuts(false)
		s.show()
		s.trim()
	}
	return nil
}

// tellVoice says whether the frame just judged holds speech: it begins where an utterance would, and holds
// on as long as one would. A frame that could not be judged is no silence.
func (s *speech) tellVoice(probability float32) {
	if s.onVoice == nil || s.broken > 0 {
		return
	}
	s.speaking = Speaks(probability, s.speaking)
	s.onVoice(s.next-sampleTime(VoiceFrame), s.next, s.speaking)
}

func (s *speech) judge() (float32, error) {
	probability, err := s.activity.Probability(s.frame)
	if err == nil {
		s.broken = 0
		return probability, nil
	}
	if s.broken++; s.broken >= mostVoiceErrors {
		return 0, fmt.Errorf("judge voice activity: %w", err)
	}
	return 0, nil
}

// deliver passes on what ended, if it is an utterance. If it is none although it was shown, that is told.
func (s *speech) deliver(span spokenSpan, ok bool) {
	dropped := !ok && s.wasShown(span)
	if s.withdrawn() || !ok && !dropped {
		return
	}
	s.sequence++
	u := Utterance{
		Session: s.session, Epoch: s.epoch, Sequence: s.sequence,
		Start: span.start, End: span.end, EndedAt: span.endedAt,
	}
	if dropped {
		s.running.Drop(u)
		return
	}
	u.PCM, u.Packed = span.pcm, s.packed(span)
	u.Flaws = Flaws{Lost: s.holes.within(span.start, span.end), Clipped: Clipped(span.pcm)}
	s.sink.Hear(u)
}
