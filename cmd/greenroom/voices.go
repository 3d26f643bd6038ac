package main

import (
	"context"
	"log/slog"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
	"greenroom/web"
)

// voicesOf says aloud what rooms of this server have asked.
type voicesOf struct {
	asked  func(id consent.SessionID, question, probe int) (text string, ok bool)
	spoken *assess.Spoken
}

var _ web.Voices = voicesOf{}

// Say implements [web.Voices]. A room that another server holds is not known here: the browser speaks then.
func (v voicesOf) Say(ctx context.Context, id consent.SessionID, question, probe int) (assess.Sound, error) {
	text, ok := v.asked(id, question, probe)
	if !ok {
		return assess.Sound{}, consent.ErrNotFound
	}
	return v.spoken.Say(ctx, text)
}

// asked returns the text of a question, or of its probe from 1 on, that the session's room has asked already.
func (d *desk) asked(id consent.SessionID, question, probe int) (text string, ok bool) {
	d.mu.Lock()
	room, open := d.open[id]
	d.mu.Unlock()
	if !open {
		return "", false
	}
	return room.interviewer.asked(question, probe)
}

// asked returns a text unless it is still to come: nobody reads, or hears, ahead. Probes are those of the
// present question.
func (i *interviewer) asked(question, probe int) (text string, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	turn := i.machine.Turn()
	if turn.Phase == assess.PhaseWaiting || turn.Phase == assess.PhaseFinished || question < 0 || question > turn.Question || probe < 0 {
		return "", false
	}
	asked := i.machine.Plan().Questions[question]
	switch {
	case probe == 0:
		return asked.Text, true
	case question == turn.Question && probe <= turn.Probe && turn.FollowUp == "": // the server that speaks gets the bank's texts alone
		return asked.Probes[probe-1], true
	default:
		return "", false
	}
}

// notOurselves keeps what the voice says from being written down when it comes back through the microphone.
type notOurselves struct {
	room *interviewer
	to   speechPipeline
	log  *slog.Logger
}

var (
	_ media.UtteranceSink = notOurselves{}
	_ media.RunningSink   = notOurselves{}
)

// Hear implements [media.UtteranceSink].
func (n notOurselves) Hear(u media.Utterance) {
	if n.room.ownVoice(u.Start, u.End) {
		n.log.Debug("an utterance was the voice that asks", "session", u.Session, "sequence", u.Sequence)
		n.to.Drop(u)
		return
	}
	n.to.Hear(u)
}

// Overhear implements [media.RunningSink]. Of what runs while the voice speaks nothing is shown: it may be all
// the voice's.
func (n notOurselves) Overhear(u media.Utterance) {
	if !n.room.ownVoice(u.Start, u.End) && !n.room.ownVoice(u.End-time.Millisecond, u.End) {
		n.to.Overhear(u)
	}
}

// Drop implements [media.RunningSink].
func (n notOurselves) Drop(u media.Utterance) { n.to.Drop(u) }

// ownVoice reports whether what was heard between two media times is what the page said aloud.
func (i *interviewer) ownVoice(start, end time.Duration) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.machine.OwnVoice(start, end)
}
