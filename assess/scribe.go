package assess

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

// ErrScribeFull says that speech came in faster than it could be written for too long.
var ErrScribeFull = errors.New("too much speech is waiting to be transcribed")

// ErrScribeStopped says that the scribe stopped before it came to the utterance.
var ErrScribeStopped = errors.New("the scribe stopped")

// The defaults of a [ScribeConfig].
const (
	defaultScribeQueue  = 10 * time.Minute // 38 MB of samples
	defaultScribePacked = 256 << 20        // about eighteen hours of speech
	defaultScribeDrain  = 20 * time.Second
	firstScribePause    = 250 * time.Millisecond
	longestScribePause  = 10 * time.Second

	// A speech server that failed is left alone for so long at least, and for so many times what the try took: one that
	// hangs would hold up every utterance until its timeout.
	leastServerRest = 30 * time.Second
	serverRestTries = 5
)

// ScribeConfig is what a [Scribe] works with. Its functions are called from the scribe's workers, Place
// from Hear, and OnFailed from both: they must not block for long. Place, OnLine and OnFailed may be nil.
type ScribeConfig struct {
	Transcriber Transcriber
	Workers     int // 0: one
	// Place returns the answer an utterance belongs to; question -1 outside any. It is asked when the
	// utterance is heard: the interview may be over and gone by the time that it is written down.
	Place func(u media.Utterance) (question, take int)
	// Terms returns the technical terms of a question, which are repaired where they were misheard. It is asked
	// after Place; nil: nothing is repaired.
	Terms func(session consent.SessionID, question int) []string
	// Permit asks for a scribe's Permit for the transcript. A bare [consent.ErrNotFound] is a refusal
	// and drops the utterance; one that wraps another cause means that asking failed, and is retried.
	// It is asked during a transcription too, and must end with its context.
	Permit func(ctx context.Context, session consent.SessionID) (consent.Permit, error)
	// Leave asks for a scribe's Permit to send sound to Transcriber's server, by the same rules; nil where
	// Transcriber works on this machine. Where it is refused, or the server fails, Own listens, which does.
	Leave func(ctx context.Context, session consent.SessionID) (consent.Permit, error)
	Own   Transcriber
	// Save stores a line; what it stored before under the same epoch and sequence it stores again.
	Save     func(ctx context.Context, permit consent.Permit, line Line) error
	OnLine   func(line Line, delay time.Duration) // after Save; delay since the end of the utterance
	OnFailed func(u media.Utterance, err error)   // the utterance is lost
	// Partial listens to utterances that still run, for partial captions; nil: there are none. It must work on
	// this machine: what it hears is heard again and again. OnPartial shows what it says, delay since the
	// newest sound of it; a [Partial] without text takes back what was shown. It must not block for long.
	Partial   Transcriber
	OnPartial func(partial Partial, delay time.Duration)
	Queue     time.Duration // most audio waiting as samples, in all; 0: 10 minutes
	Packed    int64         // most bytes of audio waiting packed, in all; 0: 256 MiB
	DrainFor  time.Duration // time to finish what waits when Run is told to stop; 0: 20 s
	Log       *slog.Logger  // nil: none
}

// Scribe turns utterances into lines with a few workers. Utterances of one session are written one
// after the other, those of different sessions side by side and in turn. Under load lines come late, and
// nothing is lost: what waits beyond Queue is kept as it was sent, in a sixteenth of the memory, and decoded
// again when its turn comes. Only when that passes Packed too, after many hours of speech, is an utterance
// lost, and OnFailed told.
type Scribe struct {
	config ScribeConfig
	log    *slog.Logger
	pause  time.Duration // before the second try of what must be tried again; doubles

	mu       sync.Mutex
	sessions map[consent.SessionID]*scribeQueue
	ready    []*scribeQueue // with something waiting, and neither at work nor pausing
	waiting  time.Duration  // audio of all utterances that are not done
	samples  time.Duration  // of it, what is held as samples
	packed   int64          // bytes of what is not
	stopped  bool
	kept     bool          // sound stays here because of the provider, and the log says so
	resting  time.Time     // until then the speech server is left alone
	wake     *sync.Cond    // ready or stopped changed
	settled  chan struct{} // closed and replaced whenever an utterance is done
	over     overhearing
}

var _ media.UtteranceSink = (*Scribe)(nil)

// scribeQueue holds the utterances of one session that are not done, in order. The first one is at
// work, pausing, or next.
type scribeQueue struct {
	session consent.SessionID
	tasks   []*scribeTask
	atWork  bool
	timer   *time.Timer // ends a pause; nil before the first
}

// scribeTask is one utterance on its way to a saved line.
type scribeTask struct {
	utterance      media.Utterance
	question, take int // the answer it belongs to
	terms          []string
	length         time.Duration
	samples        time.Duration // of it, what is held as samples: all or nothing
	line           *Line         // nil until transcribed
	failures       int           // of what is tried again
}

// NewScribe returns a scribe that hears at once and works while Run does.
func NewScribe(config ScribeConfig) *Scribe {
	if config.Workers <= 0 {
		config.Workers = 1
	}
	if config.Queue <= 0 {
		config.Queue = defaultScribeQueue
	}
	if config.Packed <= 0 {
		config.Packed = defaultScribePacked
	}
	if config.DrainFor <= 0 {
		config.DrainFor = defaultScribeDrain
	}
	if config.Place == nil {
		config.Place = func(media.Utterance) (int, int) { return -1, 0 }
	}
	if config.OnLine == nil {
		config.OnLine = func(Line, time.Duration) {}
	}
	if config.OnPartial == nil {
		config.OnPartial = func(Partial, time.Duration) {}
	}
	if config.OnFailed == nil {
		config.OnFailed = func(media.Utterance, error) {}
	}
	s := &Scribe{
		config: config, log: config.Log, pause: firstScribePause,
		sessions: make(map[consent.SessionID]*scribeQueue), settled: make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.wake = sync.NewCond(&s.mu)
	s.over = newOverhearing()
	return s
}

// Hear implements [media.UtteranceSink]. It keeps the samples, and never blocks.
func (s *Scribe) Hear(u media.Utterance) {
	question, take := s.config.Place(u) // without the lock: Place has locks of its own
	task := &scribeTask{utterance: u, question: question, take: take, length: u.Length()}
	if s.config.Terms != nil && question >= 0 {
		task.terms = s.config.Terms(u.Session, question)
	}
	if err := s.enqueue(task); err != nil {
		s.fail(u, err)
	}
}

func (s *Scribe) enqueue(task *scribeTask) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return ErrScribeStopped
	}
	if err := s.hold(task); err != nil {
		return err
	}
	s.waiting += task.length
	s.over.makeWay(task.utterance)
	queue := s.sessions[task.utterance.Session]
	if queue == nil {
		queue = &scribeQueue{session: task.utterance.Session}
		s.sessions[queue.session] = queue
	}
	queue.tasks = append(queue.tasks, task)
	if len(queue.tasks) == 1 {
		s.makeReady(queue)
	}
	return nil
}

// hold finds room for the sound of a task: as samples, or else packed. It is called with the lock held.
func (s *Scribe) hold(task *scribeTask) error {
	u := &task.utterance
	if s.samples+task.length <= s.config.Queue {
		task.samples = task.length
		u.Packed = nil
	} else {
		if u.Packed == nil || s.packed+int64(len(u.Packed)) > s.config.Packed {
			return ErrScribeFull
		}
		u.PCM = nil
	}
	s.samples += task.samples
	s.packed += int64(len(u.Packed))
	return nil
}

// Waiting returns how much audio is heard but not done, and of how many sessions.
func (s *Scribe) Waiting() (audio time.Duration, sessions int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting, len(s.sessions)
}

// Oldest returns when the utterance ended that has waited longest, zero if none waits.
func (s *Scribe) Oldest() (since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, queue := range s.sessions { // the first of each is its oldest
		if at := queue.tasks[0].utterance.EndedAt; since.IsZero() || at.Before(since) {
			since = at
		}
	}
	return since
}

// Run works until ctx ends, and then for at most DrainFor to finish what waits. What is left is reported
// to OnFailed.
func (s *Scribe) Run(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var workers sync.WaitGroup
	if s.config.Partial != nil {
		workers.Go(func() { s.overhear(ctx) }) // owner: Run; it ends with ctx, before what waits is written
	}
	for range s.config.Workers { // owner: Run, which waits; they stop when stop is called
		workers.Go(func() { s.work(work) })
	}
	<-ctx.Done()
	drain, cancelDrain := context.WithTimeout(work, s.config.DrainFor)
	defer cancelDrain()
	unfinished := s.Drain(drain)
	audio, _ := s.Waiting()
	left := s.stop()
	cancel()
	workers.Wait()
	for _, u := range left {
		s.fail(u, ErrScribeStopped)
	}
	if unfinished != nil {
		return fmt.Errorf("stop the scribe: %s of speech were not transcribed in %s", audio, s.config.DrainFor)
	}
	return nil
}

// Drain waits until everything that was heard is done; what is heard meanwhile counts too.
func (s *Scribe) Drain(ctx context.Context) error {
	return s.until(ctx, func() bool { return len(s.sessions) == 0 })
}

// DrainSession waits until everything that was heard of a session is done.
func (s *Scribe) DrainSession(ctx context.Context, session consent.SessionID) error {
	return s.until(ctx, func() bool { return s.sessions[session] == nil })
}

// DrainBefore waits until nothing of the session is left to be written down that began before a media time.
func (s *Scribe) DrainBefore(ctx context.Context, session consent.SessionID, before time.Duration) error {
	return s.until(ctx, func() bool {
		queue := s.sessions[session]
		return queue == nil || !slices.ContainsFunc(queue.tasks, func(t *scribeTask) bool { return t.utterance.Start < before })
	})
}

// until waits for done, which is called with the lock held.
func (s *Scribe) until(ctx context.Context, done func() bool) error {
	for {
		s.mu.Lock()
		finished, settled := done(), s.settled
		s.mu.Unlock()
		if finished {
			return nil
		}
		select {
		case <-settled:
		case <-ctx.Done():
			return fmt.Errorf("wait for the transcript: %w", ctx.Err())
		}
	}
}

// stop lets the workers end and returns the utterances that nobody is at work on. For the rest their
// workers answer.
func (s *Scribe) stop() []media.Utterance {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	s.wake.Broadcast()
	var left []media.Utterance
	for _, queue := range s.sessions {
		if queue.timer != nil {
			queue.timer.Stop()
		}
		for i, task := range queue.tasks {
			if i > 0 || !queue.atWork {
				left = append(left, task.utterance)
			}
		}
	}
	clear(s.sessions)
	s.ready, s.waiting, s.samples, s.packed = nil, 0, 0, 0
	return left
}

// makeReady is called with the lock held.
func (s *Scribe) makeReady(queue *scribeQueue) {
	s.ready = append(s.ready, queue)
	s.wake.Signal()
}

// work is one worker.
func (s *Scribe) work(ctx context.Context) {
	for {
		queue, task := s.next()
		if task == nil {
			return
		}
		err := s.write(ctx, task)
		var again tryAgainError
		if errors.As(err, &again) && s.putOff(queue, task, again.cause) {
			continue
		}
		if err != nil {
			s.fail(task.utterance, err)
		}
		s.finish(queue, task)
	}
}

// next waits for a session whose turn it is; the task is nil when the scribe stopped.
func (s *Scribe) next() (*scribeQueue, *scribeTask) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.ready) == 0 && !s.stopped {
		s.wake.Wait()
	}
	if s.stopped {
		return nil, nil
	}
	queue := s.ready[0]
	s.ready = s.ready[1:]
	queue.atWork = true
	return queue, queue.tasks[0]
}

// finish takes a done task off its queue.
func (s *Scribe) finish(queue *scribeQueue, task *scribeTask) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return // the queues are gone
	}
	s.over.forget(task.utterance)
	s.waiting -= task.length
	s.samples -= task.samples
	s.packed -= int64(len(task.utterance.Packed))
	queue.atWork = false
	queue.tasks[0] = nil // lets go of the samples
	queue.tasks = queue.tasks[1:]
	if len(queue.tasks) > 0 {
		s.makeReady(queue)
	} else {
		delete(s.sessions, queue.session)
	}
	close(s.settled)
	s.settled = make(chan struct{})
}

// putOff leaves the task where it is, first in its session, and frees the worker for others. It
// reports false when the scribe stopped.
func (s *Scribe) putOff(queue *scribeQueue, task *scribeTask, cause error) bool {
	task.failures++
	wait := min(s.pause<<min(task.failures-1, 10), longestScribePause)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	queue.atWork = false
	queue.timer = time.AfterFunc(wait, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.stopped {
			s.makeReady(queue)
		}
	})
	s.log.Warn("cannot write a transcript line yet", "session", string(queue.session),
		"sequence", task.utterance.Sequence, "failures", task.failures, "error", cause)
	return true
}

func (s *Scribe) fail(u media.Utterance, err error) {
	s.log.Error("an utterance was not transcribed", "session", string(u.Session), "epoch", u.Epoch,
		"sequence", u.Sequence, "length", u.End-u.Start, "error", err)
	s.config.OnFailed(u, err)
}

// tryAgainError marks a failure that is not the utterance's: it is tried again for as long as the
// scribe runs.
type tryAgainError struct{ cause error }

func (e tryAgainError) Error() string { return e.cause.Error() }
func (e tryAgainError) Unwrap() error { return e.cause }

// write transcribes and saves one utterance. It asks for a Permit before it listens, while it does, and
// again before it saves: consent may end in between, and a Permit lives for seconds only.
func (s *Scribe) write(ctx context.Context, task *scribeTask) error {
	permit, err := s.config.Permit(ctx, task.utterance.Session)
	if err != nil {
		return s.withoutPermit(task, err)
	}
	if task.line == nil {
		line, err := s.transcribe(ctx, task)
		if errors.Is(err, consent.ErrNotFound) {
			return s.withoutPermit(task, err)
		}
		if err != nil {
			return err
		}
		if len(line.Words) == 0 {
			s.Drop(task.utterance)
			return nil
		}
		task.line = &line
		if permit, err = s.config.Permit(ctx, task.utterance.Session); err != nil {
			return s.withoutPermit(task, err)
		}
	}
	if err := s.config.Save(ctx, permit, *task.line); err != nil {
		if refusedByConsent(err) {
			return s.withoutPermit(task, err)
		}
		return tryAgainError{fmt.Errorf("save line: %w", err)}
	}
	s.config.OnLine(*task.line, time.Since(task.utterance.EndedAt))
	return nil
}

// transcribe listens, on this machine if the sound may not leave it. A candidate may object to that while
// a server is at work, its review may run out, or it may fail: then the utterance is heard again, here. A server that
// failed, at whatever, is not asked for the next ones: no key, no quota and no network cost a candidate the same words.
func (s *Scribe) transcribe(ctx context.Context, task *scribeTask) (Line, error) {
	session := task.utterance.Session
	if s.config.Leave == nil {
		return s.transcribeBy(ctx, task, s.config.Transcriber, s.config.Permit)
	}
	if s.serverRests() {
		return s.transcribeBy(ctx, task, s.config.Own, s.config.Permit)
	}
	line, err, began := Line{}, s.mayLeave(ctx, session), time.Now()
	if err == nil {
		line, err = s.transcribeBy(ctx, task, s.config.Transcriber, s.config.Leave)
	}
	if err == nil {
		s.setKept(false)
	}
	unreviewed := errors.Is(err, consent.ErrProvider)
	failed := err != nil && s.config.Own != nil && ctx.Err() == nil && !unreviewed && !errors.Is(err, consent.ErrNotFound)
	if failed {
		s.restServer(time.Since(began))
	}
	if !refusedByConsent(err) && !unreviewed && !failed {
		return line, err
	}
	if _, err := s.config.Permit(ctx, session); err != nil {
		return Line{}, err
	}
	if s.config.Own == nil && unreviewed {
		return Line{}, err
	}
	if s.config.Own == nil {
		return Line{}, fmt.Errorf("%w: the candidate objects to AI servers, and nothing on this machine can do it", ErrTranscriber)
	}
	if unreviewed || failed {
		s.sayKept(err)
	}
	return s.transcribeBy(ctx, task, s.config.Own, s.config.Permit)
}

// serverRests reports whether the speech server failed, and is not to be asked again yet. Then there is an engine on
// this machine.
func (s *Scribe) serverRests() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.resting)
}

// restServer leaves the speech server alone for a while, after a try that took so long.
func (s *Scribe) restServer(took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resting = time.Now().Add(max(leastServerRest, serverRestTries*took))
}

// sayKept says once, until the server is used again, that it is not.
func (s *Scribe) sayKept(cause error) {
	if !s.setKept(true) {
		s.log.Error("the speech server cannot be used: until it can, speech is written down on this machine", "error", cause)
	}
}

// setKept returns what it was before.
func (s *Scribe) setKept(kept bool) (before bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, s.kept = s.kept, kept
	return before
}

func (s *Scribe) mayLeave(ctx context.Context, session consent.SessionID) error {
	_, err := s.config.Leave(ctx, session)
	return err
}

// transcribeBy listens for as long as permit gives one.
func (s *Scribe) transcribeBy(ctx context.Context, task *scribeTask, by Transcriber, permit func(context.Context, consent.SessionID) (consent.Permit, error)) (Line, error) {
	u := task.utterance
	if u.PCM == nil && u.Packed != nil { // a copy: what waits stays packed if this must be tried again
		pcm, err := u.Packed.Unpack()
		if err != nil {
			return Line{}, fmt.Errorf("%w: unpack an utterance: %w", ErrTranscriber, err)
		}
		u.PCM = pcm
	}
	flaws := u.Flaws // a copy: the line outlives the samples
	line := Line{
		Session: u.Session, Epoch: u.Epoch, Sequence: u.Sequence, Question: task.question, Take: task.take,
		Start: u.Start, End: u.End, Engine: by.Engine(), Flaws: &flaws,
	}
	ask := func(ctx context.Context) error {
		_, err := permit(ctx, u.Session)
		return err
	}
	err := whileAllowed(ctx, ask, func(ctx context.Context) (err error) {
		line.Words, line.Interpolated, err = by.Transcribe(ctx, u)
		return err
	})
	line.Words = repairTerms(line.Words, task.terms)
	return line, err
}

// withoutPermit drops the utterance if consent says no, and tries again if nobody could be asked.
func (s *Scribe) withoutPermit(task *scribeTask, err error) error {
	if !refusedByConsent(err) {
		return tryAgainError{fmt.Errorf("ask for a permit: %w", err)}
	}
	s.log.Info("an utterance was dropped: no consent", "session", string(task.utterance.Session),
		"sequence", task.utterance.Sequence)
	return nil
}

// refusedByConsent: the error is [consent.ErrNotFound] and nothing beside it. The gate also wraps it around a
// failure to read the facts, which must not cost a candidate's words.
func refusedByConsent(err error) bool {
	for err != nil {
		if err == consent.ErrNotFound { //nolint:errorlint // errors.Is would look behind the other cause
			return true
		}
		err = errors.Unwrap(err) // nil for an error with two causes
	}
	return false
}
