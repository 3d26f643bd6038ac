package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
	"greenroom/signaling"
)

// desk is what rooms reach the rest of the program through. It remembers the captures and interviewers
// of the rooms that are live here, for the scribe and the assessor.
type desk struct {
	account  func(r *http.Request) (consent.Account, error)
	program  func(r *http.Request, id consent.SessionID) (consent.Account, error) // whose program it is
	holders  func() seatHolders
	sessions candidateSessions
	live     liveSessions
	segments media.SegmentStore
	gate     consent.Gate
	followUp func(ctx context.Context, id consent.SessionID, wish assess.Wish) (assess.FollowUp, error) // nil: no model
	voice    func() (media.VoiceActivity, error)                                                        // nil: no speech to text
	scribe   speechPipeline
	full     func() bool                                     // the spool is nearly full
	waiting  func() (map[consent.SessionID]time.Time, error) // since when a session has waited for the object store
	log      *slog.Logger

	writes sync.WaitGroup // in the background

	mu   sync.Mutex // guards open
	open map[consent.SessionID]openRoom
}

// seatHolders finds who sent requests; the zero account for those that nobody lets in any more.
type seatHolders interface {
	AccountsNow(ctx context.Context, requests []*http.Request) ([]consent.Account, error)
	PublishersNow(ctx context.Context, requests []*http.Request, sessions []consent.SessionID) ([]consent.Account, error)
}

// candidateSessions finds a session of its own candidate.
type candidateSessions interface {
	Session(ctx context.Context, candidate consent.AccountID, id consent.SessionID) (consent.Session, error)
}

// liveSessions is what is written while a session is live.
type liveSessions interface {
	SessionsNow(ctx context.Context, ids []consent.SessionID) (map[consent.SessionID]consent.Session, error)
	SessionForRoom(ctx context.Context, id consent.SessionID) (consent.Session, assess.Plan, []assess.Answer, error)
	GoLive(ctx context.Context, id consent.SessionID) (epoch int, origin time.Time, err error)
	SetOrigin(ctx context.Context, id consent.SessionID, at time.Time) error
	SaveAnswer(ctx context.Context, a assess.Answer) error
	SaveFollowUp(ctx context.Context, transcript consent.Permit, asked assess.FollowUp) error
	NoteTurns(ctx context.Context, id consent.SessionID, events []assess.TurnEvent) error
	SaveGap(ctx context.Context, id consent.SessionID, gap media.Gap) error
	EndSession(ctx context.Context, id consent.SessionID) error
}

// speechPipeline is the scribe as rooms need it.
type speechPipeline interface {
	media.UtteranceSink
	media.RunningSink
	DrainSession(ctx context.Context, id consent.SessionID) error
	DrainBefore(ctx context.Context, id consent.SessionID, before time.Duration) error
}

type openRoom struct {
	capture     *media.Capture
	interviewer *interviewer
	saving      *saving
}

var _ signaling.Desk = (*desk)(nil)

// writeLimit bounds each write that a room's callback makes in the background.
const writeLimit = 30 * time.Second

// Admit finds the log-in of the request; only the candidate of a session may join its room.
func (d *desk) Admit(r *http.Request, id consent.SessionID) (consent.Session, error) {
	account, err := d.account(r)
	if errors.Is(err, consent.ErrNotFound) {
		return consent.Session{}, signaling.ErrUnauthenticated
	}
	if err != nil {
		return consent.Session{}, err // the database is away: that is no log-out
	}
	if account.Kind != consent.AccountCandidate {
		return consent.Session{}, consent.ErrNotFound
	}
	return d.sessions.Session(r.Context(), account.ID, id)
}

// AdmitPublisher finds whose token a program shows.
func (d *desk) AdmitPublisher(r *http.Request, id consent.SessionID) (consent.Session, error) {
	account, err := d.program(r, id)
	if errors.Is(err, consent.ErrNotFound) {
		return consent.Session{}, signaling.ErrUnauthenticated
	}
	if err != nil {
		return consent.Session{}, err // the database is away: the token may be good
	}
	return d.sessions.Session(r.Context(), account.ID, id)
}

// Sessions re-reads the consents and states of sessions.
func (d *desk) Sessions(ctx context.Context, ids []consent.SessionID) (map[consent.SessionID]consent.Session, error) {
	return d.live.SessionsNow(ctx, ids)
}

// Open takes the session live. It refuses new sessions while the spool is nearly full, so that those
// that run have the rest.
func (d *desk) Open(ctx context.Context, session consent.Session, events signaling.RoomEvents) (*media.Capture, signaling.Interviewer, error) {
	if session.State == consent.SessionConsented && d.full() {
		return nil, nil, &signaling.Refusal{
			Code: "server_full", Message: "This server has no room for another recording at the moment.",
			Next: "Nothing was started or lost. Try again in a few minutes.",
		}
	}
	session, plan, answered, err := d.live.SessionForRoom(ctx, session.ID)
	if err != nil {
		return nil, nil, err
	}
	epoch, origin, err := d.live.GoLive(ctx, session.ID)
	if err != nil {
		return nil, nil, err
	}
	if plan.Mode == "" {
		plan.Mode = session.Mode // of before plans held it
	}
	if d.followUp == nil || !session.Consents.Assessment {
		plan.FollowUps = 0 // no model is set up any more, or it may not be asked
	}
	room := openRoom{saving: &saving{tell: events.OnStatus}}
	events.OnStatus = room.saving.setRecorder
	room.interviewer = &interviewer{
		session: session.ID, keep: d.live.SaveAnswer, note: d.live.NoteTurns, hurry: events.Hurry, log: d.log,
		machine: assess.NewInterview(plan, answered),
	}
	if plan.FollowUps > 0 {
		room.interviewer.follow = &following{ask: d.followUp, keep: d.keepFollowUp, background: d.writes.Go}
	}
	config := d.captureConfig(session, epoch, origin, events) // its callbacks write in the background, after the call that opened the room
	config.OnVoice = room.interviewer.hear
	if config.Speech != nil {
		heard := notOurselves{room: room.interviewer, to: d.scribe, log: d.log}
		config.Speech, config.Running = heard, heard
	}
	room.capture = media.NewCapture(config)
	room.interviewer.cut = room.capture.CutSpeech
	d.mu.Lock()
	d.open[session.ID] = room
	d.mu.Unlock()
	return room.capture, room.interviewer, nil
}

func (d *desk) captureConfig(session consent.Session, epoch int, origin time.Time, events signaling.RoomEvents) media.CaptureConfig {
	config := media.CaptureConfig{
		Session: session.ID, Epoch: epoch, Origin: origin, Consents: session.Consents, Store: d.segments,
		Permit: func(ctx context.Context) (consent.Permit, error) {
			return d.gate.Permit(ctx, consent.Actor{Kind: consent.ActorRecorder}, session.ID, consent.ArtefactCapture)
		},
		OnOrigin: func(at time.Time) {
			d.inBackground("keep the start of media", session.ID, func(ctx context.Context) error {
				return d.live.SetOrigin(ctx, session.ID, at)
			})
		},
		OnGap: func(gap media.Gap) {
			events.OnGap(gap)
			d.inBackground("keep a gap", session.ID, func(ctx context.Context) error {
				return d.live.SaveGap(ctx, session.ID, gap)
			})
		},
		OnStatus: events.OnStatus,
		Log:      d.log.With("session", session.ID),
	}
	if d.voice != nil && session.Consents.Transcription {
		config.Voice, config.Speech, config.Running = d.voice, d.scribe, d.scribe
	}
	return config
}

// inBackground makes one small write that a media callback may not wait for, trying again until
// writeLimit ends it. Owner: the desk; settleWrites waits.
func (d *desk) inBackground(what string, id consent.SessionID, write func(ctx context.Context) error) {
	d.writes.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), writeLimit)
		defer cancel()
		for {
			err := write(ctx)
			if err == nil || errors.Is(err, consent.ErrNotFound) {
				return
			}
			select {
			case <-ctx.Done():
				d.log.Error("a write of a live session was given up", "what", what, "session", id, "error", err)
				return
			case <-time.After(saveRetry):
			}
		}
	})
}

// settleWrites waits for the writes in the background, for as long as ctx allows.
func (d *desk) settleWrites(ctx context.Context) error {
	done := make(chan struct{})
	go func() { // owner: this call, which stops waiting when ctx ends
		defer close(done)
		d.writes.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lastWords is how long the end of an interview waits for the scribe.
const lastWords = 5 * time.Second

// End stores that a session ended, after a short wait for its last words: their caption still reaches
// the page, which leaves for the report then.
func (d *desk) End(ctx context.Context, id consent.SessionID, _ string) error {
	waiting, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	if err := d.scribe.DrainSession(waiting, id); err != nil {
		d.log.Warn("an interview ends before its last words are written down", "session", id, "limit", lastWords)
	}
	return d.live.EndSession(ctx, id)
}

// Close takes the room away. Its capture has ended by then, so all that was said found its answer when
// it was heard.
func (d *desk) Close(id consent.SessionID) {
	d.mu.Lock()
	room, open := d.open[id]
	delete(d.open, id)
	d.mu.Unlock()
	if open {
		room.interviewer.stopThinking()
	}
}

// place says which answer an utterance belongs to; -1 for none, also where the room is gone.
func (d *desk) place(u media.Utterance) (question, take int) {
	d.mu.Lock()
	room, ok := d.open[u.Session]
	d.mu.Unlock()
	if !ok {
		return -1, 0
	}
	return room.interviewer.Place(u)
}

// terms are those of a question that a room asks.
func (d *desk) terms(id consent.SessionID, question int) []string {
	d.mu.Lock()
	room, ok := d.open[id]
	d.mu.Unlock()
	if !ok {
		return nil
	}
	return room.interviewer.Terms(question)
}

// settleLimit is how long measuring an answer waits for its last words.
const settleLimit = 20 * time.Second

// settled blocks until what was said in the session before a media time is written down: its last
// utterance has ended and the scribe has nothing left that began before.
func (d *desk) settled(ctx context.Context, id consent.SessionID, until time.Duration) error {
	return d.writtenDown(ctx, id, until, (*media.Capture).SettleSpeech)
}

// saidOut is settled without ending an utterance that runs.
func (d *desk) saidOut(ctx context.Context, id consent.SessionID, until time.Duration) error {
	return d.writtenDown(ctx, id, until, (*media.Capture).AwaitSpeech)
}

func (d *desk) writtenDown(ctx context.Context, id consent.SessionID, until time.Duration, heard func(*media.Capture, context.Context, time.Duration)) error {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	d.mu.Lock()
	room, ok := d.open[id]
	d.mu.Unlock()
	if ok {
		heard(room.capture, ctx, until)
	}
	return d.scribe.DrainBefore(ctx, id, until)
}
