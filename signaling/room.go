package signaling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

const (
	tickEvery   = 200 * time.Millisecond
	farewellMax = 2 * deskLimit // of Desk.End, which waits for the last words and then stores
	finishLimit = 15 * time.Second
	endLimit    = 10 * time.Minute // of trying to store that the session ended
	actQueue    = 16
	retryAfter  = time.Second // after the end could not be stored; then ever longer
)

// Room is the live, in-memory side of one session. It outlives its connections: a page that comes
// back finds the same interview and the same recording.
type Room struct {
	id        consent.SessionID
	account   consent.AccountID
	roleTitle string
	rooms     *Rooms
	log       *slog.Logger
	opened    time.Time

	gone        chan struct{} // closed when the room is no longer its session's
	ready       chan struct{} // closed when what follows is set
	refused     *Refusal
	capture     *media.Capture
	interviewer Interviewer // the loop's only

	acts     chan request
	lost     chan *peer
	hurried  chan struct{} // of one: what was heard changes the turn
	answers  chan func()   // what the watch wants done
	stopping chan EndReason

	mu        sync.Mutex
	over      EndReason // empty while the room takes connections
	conn      *conn
	page      *http.Request // that conn came with: whether its log-in still lives is asked again and again
	peer      *peer
	peerConn  *conn    // whose page peer belongs to; nil if it is program's
	program   *program // what sends sound and picture in the page's place, peer is its own then
	video     media.Codec
	speaking  bool      // conn's page says a question aloud
	left      time.Time // when the last conn went
	turn      Turn
	consents  consent.Consents
	recording media.RecordingStatus
	media     MediaMessage
}

// request is an act with the moment at which it was asked for.
type request struct {
	act   Act
	at    time.Time
	media time.Duration
}

func newRoom(rooms *Rooms, session consent.Session) *Room {
	return &Room{
		id: session.ID, account: session.Candidate, roleTitle: session.RoleTitle, rooms: rooms,
		log: rooms.config.Log.With("session", string(session.ID)), opened: time.Now(),
		ready: make(chan struct{}), gone: make(chan struct{}), acts: make(chan request, actQueue), lost: make(chan *peer, 4), hurried: make(chan struct{}, 1), answers: make(chan func(), answerQueue),
		stopping: make(chan EndReason, 1), left: time.Now(), consents: session.Consents,
		recording: media.RecordingStatus{State: media.RecordingOff},
		media:     MediaMessage{Audio: MediaOff, Video: MediaOff},
	}
}

func (r *Room) events() RoomEvents {
	return RoomEvents{
		Hurry: func() {
			select {
			case r.hurried <- struct{}{}:
			default: // it is asked for already
			}
		},
		OnGap: func(g media.Gap) {
			r.tell(&GapMessage{
				Kind: string(g.Kind), StartMS: InMilliseconds(g.Start), EndMS: InMilliseconds(g.End), Reason: string(g.Reason),
			})
		},
		OnStatus: r.setRecording,
	}
}

// run is the room's life; it returns when everything is closed and stored. What ends it is
// [Room.stop], not ctx, so that the last segments are sealed in peace.
func (r *Room) run(ctx context.Context) {
	captured := make(chan struct{})
	captureCtx, stopCapture := context.WithCancel(ctx)
	defer stopCapture()
	var parts sync.WaitGroup
	parts.Go(func() { // owner: run; ends by Finish, or by stopCapture
		defer close(captured)
		r.runCapture(captureCtx)
	})
	followCtx, stopFollowing := context.WithCancel(ctx)
	defer stopFollowing()
	parts.Go(func() { r.follow(followCtx) }) // owner: run; ends by stopFollowing
	reason := r.loop(ctx)
	stopFollowing()
	r.windUp(ctx, reason, captured, stopCapture)
	parts.Wait()
}

func (r *Room) runCapture(ctx context.Context) {
	defer r.recover("capture")
	if err := r.capture.Run(ctx); err != nil && ctx.Err() == nil {
		r.log.Error("the capture ended early", "error", err)
		r.setRecording(media.RecordingStatus{
			State: media.RecordingFailed, Message: "The recording stopped. What was kept before is safe; the interview goes on.",
		})
	}
}

// recover turns a panic into a line in the log: one room must not end the others.
func (r *Room) recover(doing string) {
	if cause := recover(); cause != nil {
		r.log.Error("panic in a room", "doing", doing, "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
	}
}

// windUp is the phased end. Pages hear of a stop before anything is closed, and of an end after it
// was stored, so that the report they go to exists.
func (r *Room) windUp(ctx context.Context, reason EndReason, captured <-chan struct{}, stopCapture func()) {
	r.log.Info("a room closes", "reason", string(reason))
	r.mu.Lock()
	r.over = reason
	p, from := r.peer, r.program
	r.peer, r.peerConn, r.program = nil, nil, nil
	r.mu.Unlock()
	from.leave()
	if reason == EndServerStopping {
		r.goodbye(reason, CloseStopping)
	}
	if reason == EndErased {
		r.withdraw(consent.Consents{}) // nothing more may be kept of it
	}
	// Before the peer goes: what comes after the end is no gap, however long closing takes.
	r.capture.Finish()
	r.closePeer(p)
	limit := time.NewTimer(finishLimit)
	defer limit.Stop()
	select {
	case <-captured:
	case <-limit.C:
		r.log.Error("the capture did not finish in time", "limit", finishLimit)
		stopCapture()
	}
	if reason == EndServerStopping {
		return
	}
	stored := reason == EndErased || r.storeEnd(ctx, reason) == nil
	r.goodbye(reason, CloseEnded)
	if !stored {
		r.keepStoringEnd(ctx, reason)
	}
}

func (r *Room) goodbye(reason EndReason, code CloseCode) {
	r.mu.Lock()
	c := r.conn
	r.mu.Unlock()
	if c != nil {
		c.end(reason, code)
	}
}

// storeEnd closes what the interview left open and stores the end.
func (r *Room) storeEnd(ctx context.Context, reason EndReason) error {
	if err := r.closeInterview(ctx, reason); err != nil {
		return r.noteEnd(err)
	}
	ctx, cancel := context.WithTimeout(ctx, farewellMax)
	defer cancel()
	return r.noteEnd(r.rooms.config.Desk.End(ctx, r.id, string(reason)))
}

func (r *Room) closeInterview(ctx context.Context, reason EndReason) error {
	ctx, cancel := context.WithTimeout(ctx, deskLimit)
	defer cancel()
	if r.interviewer.Turn().Phase != PhaseFinished {
		act := ActFinish
		if reason == EndAbandoned {
			act = ActDrop
		}
		_, err := r.interviewer.Act(ctx, act, time.Now(), r.capture.MediaNow())
		if err != nil && !errors.Is(err, ErrWrongPhase) {
			return fmt.Errorf("end the interview: %w", err)
		}
	}
	if _, _, err := r.interviewer.Tick(ctx, time.Now(), r.capture.MediaNow()); err != nil {
		return fmt.Errorf("store the interview: %w", err)
	}
	return nil
}

func (r *Room) noteEnd(err error) error {
	if err != nil {
		r.log.Error("the end of a session could not be stored; trying again", "error", err)
	}
	return err
}

// keepStoringEnd tries again, ever less often, until the server stops.
func (r *Room) keepStoringEnd(ctx context.Context, reason EndReason) {
	ctx, cancel := context.WithTimeout(ctx, endLimit)
	defer cancel()
	for wait := retryAfter; ; wait = min(2*wait, 30*time.Second) {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			return
		case <-r.stopping:
			return
		case <-timer.C:
		}
		if r.storeEnd(ctx, reason) == nil {
			return
		}
	}
}

// stop asks the loop to end; the first reason counts.
func (r *Room) stop(reason EndReason) {
	select {
	case r.stopping <- reason:
	default:
	}
}

// arrival is a connection that wants to be the room's.
type arrival struct {
	conn     *conn
	page     *http.Request
	takeover bool
	dead     *conn // a connection that was asked and did not answer: it keeps nobody out
}

// attach makes the arrival the room's connection and greets it. An older connection of the same page
// is replaced; one of another page only if the newer asks for it or the older does not answer any
// more. It returns why the room is over if it is, or else who holds the session if that is in the way.
func (r *Room) attach(a arrival) (over EndReason, holder *conn) {
	elapsed := r.capture.MediaNow()
	c := a.conn
	r.mu.Lock()
	if r.over != "" {
		defer r.mu.Unlock()
		return r.over, nil
	}
	old := r.conn
	samePage := old != nil && c.page != "" && old.page == c.page
	if old != nil && old != a.dead && !samePage && !a.takeover {
		r.mu.Unlock()
		return "", old
	}
	var peer *peer
	if r.program == nil {
		peer, r.peer, r.peerConn = r.peer, nil, nil
	}
	r.conn, r.page = c, a.page
	speaking := r.speaking
	r.speaking = false
	r.media = MediaMessage{Audio: MediaOff, Video: MediaOff}
	c.send(&Welcome{
		Version: ProtocolVersion, Session: string(r.id), RoleTitle: r.roleTitle, Total: r.turn.Total,
		Consents: onWire(r.consents), Program: r.program != nil, Voice: r.rooms.config.Voice,
	})
	c.send(r.turn.message(time.Now()))
	c.send(recordingMessage(r.recording, elapsed))
	r.mu.Unlock()
	if old != nil {
		old.end(EndTakenOver, CloseTakenOver)
	}
	if speaking {
		r.hush()
	}
	r.closePeer(peer)
	return "", nil
}

// detach forgets a connection that ended. The room waits for another one.
func (r *Room) detach(c *conn) {
	r.mu.Lock()
	var p *peer
	speaking := false
	if r.peerConn == c {
		p, r.peer, r.peerConn = r.peer, nil, nil
	}
	if r.conn == c {
		r.conn, r.page, r.left = nil, nil, time.Now()
		speaking, r.speaking = r.speaking, false
	}
	r.mu.Unlock()
	if speaking {
		r.hush()
	}
	r.closePeer(p)
}

func (r *Room) closePeer(p *peer) {
	if p != nil {
		r.rooms.feedback.remove(p)
		p.close()
	}
}

// tell sends a message to the page, if there is one.
func (r *Room) tell(m Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn != nil {
		r.conn.send(m)
	}
}

func (r *Room) caption(m Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn != nil && r.consents.Transcription {
		r.conn.send(m)
	}
}

func (r *Room) captionPartial(m Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn != nil && r.consents.Transcription && !r.conn.behind() {
		r.conn.send(m)
	}
}

// setRecording hears from the capture, while it runs.
func (r *Room) setRecording(status media.RecordingStatus) {
	elapsed := r.capture.MediaNow() // without the mutex: the capture has its own
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recording = status
	if r.conn != nil {
		r.conn.send(recordingMessage(status, elapsed))
	}
}

func recordingMessage(status media.RecordingStatus, elapsed time.Duration) *RecordingMessage {
	return &RecordingMessage{State: RecordingState(status.State), ElapsedMS: InMilliseconds(elapsed), Message: status.Message}
}

func (t Turn) message(now time.Time) *TurnMessage {
	m := &TurnMessage{Phase: t.Phase, Total: t.Total}
	if t.Question == nil {
		return m
	}
	m.Index, m.Take, m.TakesLeft, m.Question, m.Probe = new(t.Index), t.Take, t.TakesLeft, t.Question, t.Probe
	m.RemainingMS, m.ClosingMS, m.HeldMS = leftUntil(t.EndsAt, now), leftUntil(t.ClosingAt, now), leftUntil(t.HeldUntil, now)
	m.SpeakingMS = leftUntil(t.SpeakingUntil, now)
	if !t.EndsAt.IsZero() {
		m.LimitMS = InMilliseconds(t.Limit)
	}
	m.Moments = t.Moments
	return m
}

func leftUntil(at, now time.Time) *Milliseconds {
	if at.IsZero() {
		return nil
	}
	return new(InMilliseconds(max(at.Sub(now), 0)))
}

func onWire(c consent.Consents) Consents {
	return Consents{Recording: c.Recording, Transcription: c.Transcription, Assessment: c.Assessment}
}

// handle does what one message of the page asks. It runs on the connection's goroutine.
func (r *Room) handle(ctx context.Context, c *conn, message Message) {
	r.mu.Lock()
	current := r.conn == c && r.over == ""
	r.mu.Unlock()
	if !current {
		return // taken over, or over: the goodbye is on its way
	}
	switch m := message.(type) {
	case *Hello:
		c.send(&Problem{Code: "out_of_order", Message: "The page said hello twice.", Next: "Reload the page."})
	case *Offer:
		r.offer(ctx, c, m)
	case *ICECandidate:
		r.candidate(c, *m.ICECandidate)
	case *Muted:
		r.mute(c, m)
	case *VoiceMessage:
		r.speak(c, m)
	case *Begin:
		r.ask(c, ActBegin)
	case *StartAnswer:
		r.ask(c, ActStartAnswer)
	case *Done:
		r.ask(c, ActDone)
	case *Moment:
		r.ask(c, ActMoment)
	case *Again:
		r.ask(c, ActAgain)
	case *Next:
		r.ask(c, ActNext)
	case *Skip:
		r.ask(c, ActSkip)
	case *Finish:
		r.ask(c, ActFinish)
	}
}

// speak tells the interviewer of the page's voice. While a program sends, its microphone need not be beside the
// page, which plays nothing: a voice that it claims would only cost the candidate's words.
func (r *Room) speak(c *conn, m *VoiceMessage) {
	r.mu.Lock()
	byProgram := r.program != nil
	r.speaking = m.Speaking && !byProgram
	r.mu.Unlock()
	switch {
	case m.Speaking && byProgram:
	case m.Speaking:
		r.ask(c, ActSpeak)
	case m.Interrupted:
		r.ask(c, ActInterrupt)
	default:
		r.ask(c, ActSpoken)
	}
}

// hush: a page that has gone, or that a program sends in the place of, says nothing any more. Should the queue be
// full, the voice's own limit ends it.
func (r *Room) hush() {
	select {
	case r.acts <- request{act: ActSpoken, at: time.Now(), media: r.capture.MediaNow()}:
	default:
	}
}

func (r *Room) ask(c *conn, act Act) {
	select {
	case r.acts <- request{act: act, at: time.Now(), media: r.capture.MediaNow()}:
	default:
		c.send(&Problem{
			Code: "busy", Message: "The server is still busy with what you asked before.",
			Next: "Wait a moment, then ask again. What you say is still received.",
		})
	}
}
