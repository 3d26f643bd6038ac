package signaling

import (
	"context"
	"errors"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

// loop is the only user of the interviewer: acts, time, lost peers, until the session ends. A panic
// below it closes the room without ending the session, so that the page can come back to a new one.
func (r *Room) loop(ctx context.Context) (reason EndReason) {
	reason = EndServerStopping //nolint:wastedassign // what is returned after a panic that recover caught
	defer r.recover("loop")
	timer := time.NewTimer(media.UntilBeat(time.Now(), tickEvery))
	defer timer.Stop()
	troubled := false // the store failed, and the candidate was told
	for {
		select {
		case reason = <-r.stopping:
			return reason
		case p := <-r.lost:
			if !r.dropProgram(p) && r.dropPeer(p) {
				r.tell(&Problem{
					Code: "connection_lost", Message: "The media connection was lost. What you said before is kept.",
					Next: "The page connects again by itself.",
				})
			}
		case act := <-r.acts:
			troubled = r.act(ctx, act, troubled)
		case now := <-timer.C:
			timer.Reset(media.UntilBeat(now, tickEvery))
			r.tellMedia(now)
			troubled = r.tick(ctx, now, troubled)
			if why, over := r.overdue(now); over {
				return why
			}
		}
		if r.interviewer.Turn().Phase == PhaseFinished {
			return EndFinished
		}
	}
}

// overdue: nobody came back, or the session is as long as a session may be.
func (r *Room) overdue(now time.Time) (EndReason, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn == nil && now.Sub(r.left) > r.rooms.abandonAfter {
		return EndAbandoned, true
	}
	return EndTimeLimit, now.Sub(r.opened) > r.rooms.longest
}

// act gives one act to the interviewer.
func (r *Room) act(ctx context.Context, asked request, troubled bool) bool {
	ctx, cancel := context.WithTimeout(ctx, deskLimit)
	defer cancel()
	turn, err := r.interviewer.Act(ctx, asked.act, asked.at, asked.media)
	if errors.Is(err, ErrWrongPhase) {
		r.tell(&Problem{
			Code: "wrong_phase", Message: "That is not possible at this point of the interview.",
			Next: "Go on as the page shows.",
		})
		return troubled
	}
	r.setTurn(turn)
	return r.trouble(err, troubled)
}

// tick lets time pass. What the interviewer could not store before it stores now.
func (r *Room) tick(ctx context.Context, now time.Time, troubled bool) bool {
	ctx, cancel := context.WithTimeout(ctx, deskLimit)
	defer cancel()
	turn, changed, err := r.interviewer.Tick(ctx, now, r.capture.MediaNow())
	if changed {
		r.setTurn(turn)
	}
	return r.trouble(err, troubled)
}

// trouble tells the candidate once when the interviewer begins to fail, of its store most likely.
func (r *Room) trouble(err error, troubled bool) bool {
	if err != nil && !troubled {
		r.log.Error("the interview could not be stored; trying again", "error", err)
		r.tell(&Problem{
			Code: "store_unreachable", Message: "The server cannot store how far the interview is at the moment. " +
				"What you say is still received.",
			Next: "Go on; the server keeps trying.",
		})
	}
	return err != nil
}

func (r *Room) setTurn(turn Turn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn = turn
	if r.conn != nil {
		r.conn.send(turn.message(time.Now()))
	}
}

// tellMedia says what arrives, when that changed.
func (r *Room) tellMedia(now time.Time) {
	r.mu.Lock()
	p := r.peer
	r.mu.Unlock()
	m := MediaMessage{Audio: MediaOff, Video: MediaOff}
	if p != nil {
		m.Audio, m.Video = p.state(media.KindAudio, now), p.state(media.KindVideo, now)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if m == r.media || p != r.peer {
		return
	}
	r.media = m
	if r.conn != nil {
		r.conn.send(&m)
	}
}

// watch re-reads the session and the log-in each second.
func (r *Room) watch(ctx context.Context) {
	defer r.recover("watch")
	timer := time.NewTimer(media.UntilBeat(time.Now(), watchEvery))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-timer.C:
			timer.Reset(media.UntilBeat(now, watchEvery))
			r.refresh(ctx)
			r.readmit(ctx)
		}
	}
}

// refresh applies the session's consents. They can only shrink while it is live, so that a late
// answer of the store cannot undo a withdrawal that was applied already.
func (r *Room) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, deskLimit)
	defer cancel()
	session, err := r.rooms.config.Desk.Session(ctx, r.id)
	switch {
	case errors.Is(err, consent.ErrNotFound):
		r.stop(EndErased)
		return
	case err != nil:
		if ctx.Err() == nil {
			r.log.Warn("the consents of a session could not be read", "error", err)
		}
		return
	}
	if session.State != consent.SessionLive && session.State != consent.SessionConsented {
		r.stop(EndErased)
		return
	}
	r.mu.Lock()
	left := consent.Consents{
		Recording:     r.consents.Recording && session.Consents.Recording,
		Transcription: r.consents.Transcription && session.Consents.Transcription,
		Assessment:    r.consents.Assessment && session.Consents.Assessment,
	}
	changed := left != r.consents
	r.consents = left
	r.mu.Unlock()
	if changed {
		r.capture.SetConsents(left)
		r.tell(&ConsentsMessage{Consents: onWire(left)})
	}
}

// readmit closes a connection whose log-in has ended, and ends a program whose token has. What cannot be
// read is no reason to.
func (r *Room) readmit(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, deskLimit)
	defer cancel()
	r.mu.Lock()
	c, admit, program := r.conn, r.admit, r.program
	r.mu.Unlock()
	if c != nil && notAdmitted(admit(ctx)) {
		c.end(EndLoggedOut, CloseLoggedOut)
	}
	if program != nil && notAdmitted(program.admit(ctx)) {
		r.endProgram(program)
	}
}

func notAdmitted(err error) bool {
	return errors.Is(err, ErrUnauthenticated) || errors.Is(err, consent.ErrNotFound)
}
