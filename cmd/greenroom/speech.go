package main

import (
	"context"
	"fmt"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
	"greenroom/signaling"
	"greenroom/web"
)

// openSpeech chooses the configured speech server, or the model on this machine. Either way this machine
// judges what is speech, so that silence is never sent anywhere.
func (a *app) openSpeech() (err error) {
	a.speech, err = assess.OpenSpeechRuntime(assess.SpeechRuntimeConfig{LibDir: a.LibDir})
	if err != nil {
		return fmt.Errorf("%w\nspeech to text needs the files in %s: run make setup, or name their folder with GREENROOM_LIB", err, a.LibDir)
	}
	a.closing("the speech model", func(context.Context) error { return a.speech.Close() })
	a.transcriber = a.speech.Transcriber()
	return a.openSpeechServer()
}

// openSpeechServer prepares the configured speech server, and what the notice says of who writes speech down.
func (a *app) openSpeechServer() error {
	a.judge.TranscriberEngine, a.judge.TranscriberPlace = assess.EngineHere, web.ThisServer
	if a.AI.SpeechModel == "" {
		a.banner.inside = append(a.banner.inside, "speech to text ("+assess.EngineHere+")")
		return nil
	}
	transcriber, err := assess.NewOpenAITranscriber(a.openAI(a.judge.Provider))
	if err != nil {
		return err
	}
	a.transcriber, a.judge.TranscriberEngine, a.judge.TranscriberPlace = transcriber, transcriber.Engine(), transcriber.Place()
	a.banner.outside = append(a.banner.outside, "speech to text by "+a.AI.SpeechModel+" at "+transcriber.Place())
	return nil
}

// caption shows a line that was written down.
func (a *app) caption(line assess.Line, delay time.Duration) {
	a.counts.captions.Observe(delay.Seconds())
	caption := signaling.Caption{
		Session: line.Session, Epoch: line.Epoch, Sequence: line.Sequence, Start: line.Start, End: line.End, Text: line.Text(),
		Doubtful: line.Doubtful(),
	}
	for _, i := range line.Repaired() {
		caption.Repaired = append(caption.Repaired, signaling.RepairedWord{Word: i, Heard: line.Words[i].Heard})
	}
	a.rooms.Caption(caption)
}

// partialCaption shows what was said so far.
func (a *app) partialCaption(p assess.Partial, delay time.Duration) {
	a.counts.partials.Observe(delay.Seconds())
	a.rooms.CaptionPartial(signaling.PartialCaption{
		Session: p.Session, Epoch: p.Epoch, Sequence: p.Sequence, Start: p.Start, End: p.End, Stable: p.Stable, Unstable: p.Unstable,
	})
}

// partialTranscriber listens to utterances that still run; nil where a server is configured, which would be
// sent, and would charge for, the same sound again and again.
func (a *app) partialTranscriber() assess.Transcriber {
	if a.AI.SpeechModel != "" {
		return nil
	}
	return a.transcriber
}

// captionFailed tells the candidate that words could not be written down.
func (a *app) captionFailed(u media.Utterance, err error) {
	a.counts.unheard.Inc()
	a.log.Warn("an utterance was not written down", "session", u.Session, "sequence", u.Sequence, "error", err)
	a.rooms.CaptionFailed(signaling.CaptionFailure{
		Session: u.Session, Epoch: u.Epoch, Sequence: u.Sequence, Start: u.Start, End: u.End,
		Message: "These words could not be written down. The recording is not affected.",
	})
}

// mayLeave asks before sound goes to a configured server; nil where speech is written down on this machine.
func (a *app) mayLeave() func(context.Context, consent.SessionID) (consent.Permit, error) {
	if a.AI.SpeechModel == "" {
		return nil
	}
	return func(ctx context.Context, id consent.SessionID) (consent.Permit, error) {
		return a.gate.Permit(ctx, consent.Actor{Kind: consent.ActorScribe}, id, consent.ArtefactModel)
	}
}

func (a *app) newScribe() *assess.Scribe {
	return assess.NewScribe(assess.ScribeConfig{
		Transcriber: a.transcriber, Workers: a.TranscribeWorkers,
		Place: func(u media.Utterance) (int, int) { return a.desk.place(u) },
		Terms: func(id consent.SessionID, question int) []string { return a.desk.terms(id, question) },
		Permit: func(ctx context.Context, id consent.SessionID) (consent.Permit, error) {
			return a.gate.Permit(ctx, consent.Actor{Kind: consent.ActorScribe}, id, consent.ArtefactTranscript)
		},
		Leave: a.mayLeave(), Own: a.speech.Transcriber(),
		Save: a.live.SaveLine, OnLine: a.caption, OnFailed: a.captionFailed,
		Partial: a.partialTranscriber(), OnPartial: a.partialCaption, Log: a.log,
	})
}
