package eval

import (
	"context"
	"errors"
	"slices"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

// sitting is one answer in memory: the session it belongs to, what the assessor reads of it, and what it
// writes. Permits are asked for and demanded as storage demands them.
type sitting struct {
	session consent.SessionID
	plan    assess.Plan
	answer  assess.Answer
	lines   []assess.Line
	names   assess.Names

	evidence map[assess.LineRef][]assess.Evidence
	ratings  []assess.Rating
}

var _ assess.Results = (*sitting)(nil)

func newSitting(session consent.SessionID, plan assess.Plan, text, name string) *sitting {
	s := &sitting{
		session: session, plan: plan, lines: linesOf(text, session), names: assess.NamesOf(name, ""),
		evidence: map[assess.LineRef][]assess.Evidence{},
	}
	s.answer = assess.Answer{Session: session, Take: 1, Limit: plan.Questions[0].AnswerFor, EndedBy: assess.EndedByDone}
	if n := len(s.lines); n > 0 {
		s.answer.End = s.lines[n-1].End + time.Second
	}
	return s
}

// Snapshot implements [consent.SnapshotReader]: the session is over, and everything was consented to.
func (s *sitting) Snapshot(_ context.Context, actor consent.Actor, session consent.SessionID) (consent.Snapshot, error) {
	return consent.Snapshot{
		Actor: actor, Session: session, Known: session == s.session, State: consent.SessionEnded,
		Consents: consent.Consents{Transcription: true, Assessment: true}, ModelAllowed: true,
		Now: time.Now(), ReadAt: time.Now(),
	}, nil
}

// PlanOf implements [assess.Results].
func (s *sitting) PlanOf(context.Context, consent.SessionID) (assess.Plan, error) { return s.plan, nil }

// AnswerOf implements [assess.Results].
func (s *sitting) AnswerOf(context.Context, consent.SessionID, int, int) (assess.Answer, error) {
	return s.answer, nil
}

var errNoLine = errors.New("no such line")

// LineOf implements [assess.Results].
func (s *sitting) LineOf(_ context.Context, p consent.Permit, session consent.SessionID, ref assess.LineRef) (assess.Line, error) {
	for _, line := range s.lines {
		if line.Ref() == ref {
			return line, p.Demand(session, consent.ArtefactTranscript)
		}
	}
	return assess.Line{}, errNoLine
}

// LinesOf implements [assess.Results].
func (s *sitting) LinesOf(_ context.Context, p consent.Permit, session consent.SessionID, _, _ int) ([]assess.Line, error) {
	return s.lines, p.Demand(session, consent.ArtefactTranscript)
}

// FollowUpOf implements [assess.Results]: nobody asked the gold set anything.
func (s *sitting) FollowUpOf(_ context.Context, p consent.Permit, session consent.SessionID, _, _ int) (assess.FollowUp, error) {
	return assess.FollowUp{}, p.Demand(session, consent.ArtefactTranscript)
}

// NamesOf implements [assess.Results].
func (s *sitting) NamesOf(_ context.Context, p consent.Permit, session consent.SessionID) (assess.Names, error) {
	return s.names, p.Demand(session, consent.ArtefactTranscript)
}

// GapsOf implements [assess.Results]: nobody spoke.
func (s *sitting) GapsOf(_ context.Context, p consent.Permit, session consent.SessionID) ([]assess.Gap, error) {
	return nil, p.Demand(session, consent.ArtefactMeasurements)
}

// EvidenceOf implements [assess.Results].
func (s *sitting) EvidenceOf(_ context.Context, p consent.Permit, session consent.SessionID, _, _ int) ([]assess.Evidence, error) {
	return s.allEvidence(), p.Demand(session, consent.ArtefactFeedback)
}

func (s *sitting) allEvidence() []assess.Evidence {
	var all []assess.Evidence
	for _, line := range s.lines {
		all = append(all, s.evidence[line.Ref()]...)
	}
	for i := range all {
		all[i].ID = int64(i + 1)
	}
	return all
}

// NoteAICall implements [assess.Results].
func (s *sitting) NoteAICall(_ context.Context, p consent.Permit, call consent.AICall) error {
	return p.Demand(call.Session, consent.ArtefactModel)
}

// EvidenceDone implements [assess.Results].
func (s *sitting) EvidenceDone(_ context.Context, p consent.Permit, session consent.SessionID, ref assess.LineRef) (bool, error) {
	_, done := s.evidence[ref]
	return done, p.Demand(session, consent.ArtefactFeedback)
}

// SaveEvidence implements [assess.Results].
func (s *sitting) SaveEvidence(_ context.Context, p consent.Permit, line assess.Line, found []assess.Evidence) error {
	s.evidence[line.Ref()] = found
	return p.Demand(line.Session, consent.ArtefactFeedback)
}

// SaveMeasurements implements [assess.Results].
func (s *sitting) SaveMeasurements(_ context.Context, p consent.Permit, _ assess.Answer, _ []assess.Measurement) error {
	return p.Demand(s.session, consent.ArtefactMeasurements)
}

// RatingsOf implements [assess.Results].
func (s *sitting) RatingsOf(_ context.Context, p consent.Permit, session consent.SessionID, _, _ int) ([]assess.Rating, error) {
	return slices.Clone(s.ratings), p.Demand(session, consent.ArtefactRatings)
}

// SaveRating implements [assess.Results].
func (s *sitting) SaveRating(_ context.Context, p consent.Permit, rating assess.Rating) error {
	s.ratings = withRating(s.ratings, rating)
	return p.Demand(rating.Session(), consent.ArtefactRatings)
}

// SaveFeedback implements [assess.Results].
func (s *sitting) SaveFeedback(_ context.Context, p consent.Permit, found assess.Feedback) error {
	return p.Demand(found.Session, consent.ArtefactFeedback)
}

// withRating adds a rating to those of one answer; it takes the place of what [assess.Results] says.
func withRating(ratings []assess.Rating, rating assess.Rating) []assess.Rating {
	pass := rating.Rater().Pass
	return append(slices.DeleteFunc(ratings, func(other assess.Rating) bool {
		return other.Competency() == rating.Competency() && (pass == assess.PassFirst || other.Rater().Pass == pass)
	}), rating)
}

// MarkAnswerAssessed implements [assess.Results].
func (s *sitting) MarkAnswerAssessed(context.Context, assess.Answer) error {
	return nil
}
