package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"greenroom/assess"
	"greenroom/assess/eval"
	"greenroom/cmd/greenroom/export"
	"greenroom/consent"
	"greenroom/media"
)

// exported rates the interviews of an export. It is the candidate's own copy, on their machine and with their
// model: no server is asked, no consent is needed but that of who holds it, and nothing is written into it.
func (c *replayCommand) exported(ctx context.Context, raters *app, only consent.SessionID) (found eval.Replayed, err error) {
	copies, err := c.readExport(ctx)
	if err != nil {
		return found, err
	}
	var sessions []consent.SessionID
	for _, kept := range copies {
		if only == "" || only == kept.Session {
			sessions = append(sessions, kept.Session)
		}
	}
	if len(sessions) == 0 {
		return found, fmt.Errorf("%s has no such interview to rate; greenroom verify says what was left out of it", c.Export)
	}
	replay := &eval.Replay{
		Stored: copies, Gate: consent.Gate{Reader: copies}, Model: raters.model, Second: raters.second, Progress: showProgress("looked at"),
	}
	found, err = replay.Run(ctx, sessions)
	fmt.Fprintln(os.Stderr)
	// The hash of a rubric is also of the bank's examples, which no model is told and no export has.
	found.Rubrics = eval.Told{}
	return found, err //nolint:wrapcheck // says what was tried
}

// readExport reads nothing of a file that does not hold.
func (c *replayCommand) readExport(ctx context.Context) (copies, error) {
	keys, _, err := (&verifyCommand{Path: c.Export, Keys: c.Keys, Server: c.Server}).keys(ctx)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(c.Export)
	if err != nil {
		return nil, fmt.Errorf("read the export: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the export: %w", err)
	}
	var signer consent.PublicKey
	verified, kept, err := export.Read(file, info.Size(), exportChecks(keys, &signer))
	if err == nil {
		err = signer.SignedAt(verified.Manifest.Created)
	}
	if err != nil {
		return nil, fmt.Errorf("the export does not hold, and nothing of it was rated: %w", err)
	}
	return kept, nil
}

// copies are the interviews of an export, read as those that are stored.
type copies []export.Kept

var (
	_ eval.Stored            = copies{}
	_ consent.SnapshotReader = copies{}
)

func (c copies) of(id consent.SessionID) (export.Kept, error) {
	for _, kept := range c {
		if kept.Session == id {
			return kept, nil
		}
	}
	return export.Kept{}, consent.ErrNotFound
}

// Snapshot implements [consent.SnapshotReader]: who holds the file has it rated for themselves.
func (c copies) Snapshot(_ context.Context, actor consent.Actor, id consent.SessionID) (consent.Snapshot, error) {
	_, err := c.of(id)
	return consent.Snapshot{
		Actor: actor, Session: id, Known: err == nil, State: consent.SessionEnded,
		Consents: consent.Consents{Transcription: true, Assessment: true}, ModelAllowed: true,
		Now: time.Now(), ReadAt: time.Now(),
	}, nil
}

// PlanOf implements [eval.Stored].
func (c copies) PlanOf(_ context.Context, id consent.SessionID) (assess.Plan, error) {
	kept, err := c.of(id)
	return kept.Plan, err
}

// AnswerOf implements [eval.Stored].
func (c copies) AnswerOf(_ context.Context, id consent.SessionID, question, take int) (assess.Answer, error) {
	kept, err := c.of(id)
	for _, answer := range kept.Answers {
		if answer.Question == question && answer.Take == take {
			return answer, err
		}
	}
	return assess.Answer{}, consent.ErrNotFound
}

// AnswersOf implements [eval.Stored].
func (c copies) AnswersOf(_ context.Context, ratings consent.Permit, id consent.SessionID) ([]assess.Answer, error) {
	kept, err := c.under(ratings, id, consent.ArtefactRatings)
	return kept.Answers, err
}

// LineOf implements [eval.Stored].
func (c copies) LineOf(_ context.Context, transcript consent.Permit, id consent.SessionID, ref assess.LineRef) (assess.Line, error) {
	kept, err := c.under(transcript, id, consent.ArtefactTranscript)
	if err != nil {
		return assess.Line{}, err
	}
	for _, line := range kept.Lines {
		if line.Ref() == ref {
			return line, nil
		}
	}
	return assess.Line{}, consent.ErrNotFound
}

// LinesOf implements [eval.Stored].
func (c copies) LinesOf(_ context.Context, transcript consent.Permit, id consent.SessionID, question, take int) ([]assess.Line, error) {
	kept, err := c.under(transcript, id, consent.ArtefactTranscript)
	return slices.DeleteFunc(slices.Clone(kept.Lines), func(l assess.Line) bool { return l.Question != question || l.Take != take }), err
}

// FollowUpOf implements [eval.Stored].
func (c copies) FollowUpOf(_ context.Context, transcript consent.Permit, id consent.SessionID, question, take int) (assess.FollowUp, error) {
	kept, err := c.under(transcript, id, consent.ArtefactTranscript)
	if err != nil {
		return assess.FollowUp{}, err
	}
	for _, asked := range kept.FollowUps {
		if asked.Question == question && asked.Take == take {
			return asked, nil
		}
	}
	return assess.FollowUp{}, nil
}

// GapsOf implements [eval.Stored].
func (c copies) GapsOf(_ context.Context, measurements consent.Permit, id consent.SessionID) ([]media.Gap, error) {
	kept, err := c.under(measurements, id, consent.ArtefactMeasurements)
	return kept.Gaps, err
}

// NamesOf implements [eval.Stored].
func (c copies) NamesOf(_ context.Context, transcript consent.Permit, id consent.SessionID) (assess.Names, error) {
	kept, err := c.under(transcript, id, consent.ArtefactTranscript)
	return kept.Names, err
}

// RatingsOf implements [eval.Stored].
func (c copies) RatingsOf(_ context.Context, ratings consent.Permit, id consent.SessionID, question, take int) ([]assess.Rating, error) {
	kept, err := c.under(ratings, id, consent.ArtefactRatings)
	return slices.DeleteFunc(slices.Clone(kept.Ratings), func(r assess.Rating) bool { return r.Question() != question || r.Take() != take }), err
}

// NoteAICall implements [eval.Stored]: there is nobody to tell but who started it.
func (c copies) NoteAICall(_ context.Context, permit consent.Permit, call consent.AICall) error {
	_, err := c.under(permit, call.Session, consent.ArtefactModel)
	return err
}

func (c copies) under(permit consent.Permit, id consent.SessionID, artefact consent.Artefact) (export.Kept, error) {
	if err := permit.Demand(id, artefact); err != nil {
		return export.Kept{}, err //nolint:wrapcheck // as storage does
	}
	return c.of(id)
}
