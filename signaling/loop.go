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
		case <-r.hurried:
			troubled = r.tick(ctx, time.Now(), troubled)
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
	if err != nil {
		return r.trouble(err, troubled)
	}
	return r.tick(ctx, time.Now(), troubled)
}

// tick lets time pass. Where that changed the turn, the page hears of it first; then the interviewer stores
// what there is to store, also what it could not store before.
func (r *Room) tick(ctx context.Context, now time.Time, troubled bool) bool {
	ctx, cancel := context.WithTimeout(ctx, deskLimit)
	defer cancel()
	turn, changed, err := r.interviewer.Tick(ctx, now, r.capture.MediaNow())
	if changed {
		r.setTurn(turn)
		if turn, changed, err = r.interviewer.Tick(ctx, now, r.capture.MediaNow()); changed {
			r.setTurn(turn)
		}
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
	if turn.Phase == PhaseFinished {
		r.capture.Finish() // now, and not when the end is stored: what is said after it is for nobody
	}
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

func notAdmitted(err error) bool {
	return errors.Is(err, ErrUnauthenticated) || errors.Is(err, consent.ErrNotFound)
}
