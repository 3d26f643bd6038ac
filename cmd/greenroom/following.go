package main

import (
	"context"
	"errors"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

// following is how a room has a model think of follow-up questions: one at a time, and only for as long as the
// interview wishes for it.
type following struct {
	ask        func(ctx context.Context, id consent.SessionID, wish assess.Wish) (assess.FollowUp, error)
	keep       func(ctx context.Context, asked assess.FollowUp) error
	background func(work func()) // runs it in a goroutine that the desk waits for

	wish int // the number of what is thought about; 0: nothing. The interviewer's mutex guards it and stop.
	stop context.CancelFunc
}

// think begins and ends the thinking as the interview wishes. The caller holds the mutex.
func (i *interviewer) think() {
	f, wish := i.follow, i.machine.Wish()
	if f == nil || wish.Number == f.wish {
		return
	}
	if f.stop != nil {
		f.stop()
	}
	f.wish, f.stop = wish.Number, nil
	if wish.Number == 0 {
		return
	}
	ctx, stop := context.WithDeadline(context.Background(), wish.Until)
	f.stop = stop
	f.background(func() { // owner: the desk, which waits; ends with the wish, or with its time
		defer stop()
		i.thinkOf(ctx, wish)
	})
}

// thinkOf asks a model, and tells the interview what came of it.
func (i *interviewer) thinkOf(ctx context.Context, wish assess.Wish) {
	began := time.Now()
	found, err := i.follow.ask(ctx, i.session, wish)
	answer := &found
	if err != nil {
		answer = nil
	}
	i.mu.Lock()
	due := i.machine.Thought(wish.Number, answer)
	i.mu.Unlock()
	if due {
		i.hurry()
	}
	log := i.log.With("session", i.session, "question", wish.Question, "took", time.Since(began).Round(time.Millisecond))
	switch {
	case err == nil:
		log.Info("a model thought of a follow-up")
	case ctx.Err() == nil || errors.Is(ctx.Err(), context.DeadlineExceeded):
		log.Info("no follow-up by a model: the probe is asked", "reason", err)
	}
}

// stopThinking is for a room that is gone.
func (i *interviewer) stopThinking() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.follow != nil && i.follow.stop != nil {
		i.follow.stop()
	}
}

// keepFollowUp stores what a model asked, unless writing down was taken back meanwhile: then it is kept no more
// than the answer to it.
func (d *desk) keepFollowUp(ctx context.Context, asked assess.FollowUp) error {
	permit, err := d.gate.Permit(ctx, consent.Actor{Kind: consent.ActorScribe}, asked.Session, consent.ArtefactTranscript)
	if err == nil {
		err = d.live.SaveFollowUp(ctx, permit, asked)
	}
	if errors.Is(err, consent.ErrNotFound) && !errors.Is(err, consent.ErrFacts) {
		d.log.Info("a follow-up is not kept: writing down is not consented to any more", "session", asked.Session)
		return nil
	}
	return err
}
