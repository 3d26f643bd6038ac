package main

import (
	"context"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/web"
)

// voicesOf says aloud what rooms of this server have asked.
type voicesOf struct {
	asked  func(id consent.SessionID, question int) (text string, ok bool)
	spoken *assess.Spoken
}

var _ web.Voices = voicesOf{}

// Say implements [web.Voices]. A room that another server holds is not known here: the browser speaks then.
func (v voicesOf) Say(ctx context.Context, id consent.SessionID, question int) (assess.Sound, error) {
	text, ok := v.asked(id, question)
	if !ok {
		return assess.Sound{}, consent.ErrNotFound
	}
	return v.spoken.Say(ctx, text)
}

// asked returns the text of a question that the session's room has asked already.
func (d *desk) asked(id consent.SessionID, question int) (text string, ok bool) {
	d.mu.Lock()
	room, open := d.open[id]
	d.mu.Unlock()
	if !open {
		return "", false
	}
	return room.interviewer.asked(question)
}

// asked returns the text of a question, unless it is still to come: nobody reads, or hears, ahead.
func (i *interviewer) asked(question int) (text string, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	turn := i.machine.Turn()
	if turn.Phase == assess.PhaseWaiting || turn.Phase == assess.PhaseFinished || question < 0 || question > turn.Question {
		return "", false
	}
	return i.machine.Plan().Questions[question].Text, true
}
