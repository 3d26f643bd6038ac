package assess

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"greenroom/consent"
)

// Results is what an assessor reads and writes. Storage implements it under the worker role. Every
// write replaces what the same job wrote before, so that a job may run twice.
type Results interface {
	PlanOf(ctx context.Context, session consent.SessionID) (Plan, error)
	AnswerOf(ctx context.Context, session consent.SessionID, question, take int) (Answer, error)
	LineOf(ctx context.Context, transcript consent.Permit, session consent.SessionID, ref LineRef) (Line, error)
	LinesOf(ctx context.Context, transcript consent.Permit, session consent.SessionID, question, take int) ([]Line, error)
	// FollowUpOf returns what a model asked in the answer, without a text where it asked nothing.
	FollowUpOf(ctx context.Context, transcript consent.Permit, session consent.SessionID, question, take int) (FollowUp, error)
	// NamesOf returns what says who the session's candidate is, for masking and for nothing else.
	NamesOf(ctx context.Context, transcript consent.Permit, session consent.SessionID) (Names, error)
	// GapsOf returns the stretches of the session for which there is no sound.
	GapsOf(ctx context.Context, measurements consent.Permit, session consent.SessionID) ([]Gap, error)
	EvidenceOf(ctx context.Context, feedback consent.Permit, session consent.SessionID, question, take int) ([]Evidence, error)
	// NoteAICall writes that a model is about to be asked; no note, no call. The Permit is for the model.
	NoteAICall(ctx context.Context, permit consent.Permit, call consent.AICall) error
	// EvidenceDone reports for which lines SaveEvidence was called, also with nothing found.
	EvidenceDone(ctx context.Context, feedback consent.Permit, session consent.SessionID, ref LineRef) (bool, error)
	// SaveEvidence stores what was found in the line as it was read; [ErrCorrected] if it has other words since.
	SaveEvidence(ctx context.Context, feedback consent.Permit, line Line, found []Evidence) error
	// SaveMeasurements stores or replaces what was counted in the answer as it was read; [ErrCorrected] if it has other
	// words since.
	SaveMeasurements(ctx context.Context, measurements consent.Permit, answer Answer, found []Measurement) error
	// RatingsOf returns what models rated in one answer so far, without their sentences.
	RatingsOf(ctx context.Context, ratings consent.Permit, session consent.SessionID, question, take int) ([]Rating, error)
	// SaveRating stores one rating. A first pass takes the place of every rating that a model gave the same
	// competency of the answer's words before; a later pass takes that of the same one. [ErrCorrected] if the
	// answer has other words since.
	SaveRating(ctx context.Context, ratings consent.Permit, rating Rating) error
	// SaveFeedback stores or replaces what a model says about one answer; none if there are no items. [ErrCorrected]
	// if the answer has other words since.
	SaveFeedback(ctx context.Context, feedback consent.Permit, found Feedback) error
	// MarkAnswerAssessed says that nothing is left to do for the answer as it was read.
	MarkAnswerAssessed(ctx context.Context, answer Answer) error
}

// AssessorConfig is what an Assessor needs.
type AssessorConfig struct {
	Results Results
	Gate    consent.Gate
	Model   Model // nil: measurements only
	Second  Model // makes the second rating; nil: Model does
	// LevelsOnly: no feedback is asked for, because nobody would read it.
	LevelsOnly bool
	// Settled blocks until everything said in the session before the given media time is written
	// down, or it will not be; nil where nothing is being said on this node.
	// An error says that something is still being written down; the answer is then tried again later.
	Settled func(ctx context.Context, session consent.SessionID, until time.Duration) error
	// SaidOut blocks until what was being said at the given media time ended by itself and is written down; nil as
	// above. Where Settled ends it, this waits.
	SaidOut func(ctx context.Context, session consent.SessionID, until time.Duration) error
	Now     func() time.Time
	Log     *slog.Logger
}

// Assessor turns transcripts into measurements, evidence and ratings, one job at a time. It asks for a
// fresh Permit before each step, and goes on asking while a model is at work, so that withdrawing the
// consent ends its work within a second.
// It is safe for concurrent use.
type Assessor struct{ AssessorConfig }

// NewAssessor returns an assessor; it does nothing until a job calls it.
func NewAssessor(config AssessorConfig) *Assessor {
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Assessor{AssessorConfig: config}
}

var assessorActor = consent.Actor{Kind: consent.ActorAssessor}

func (a *Assessor) permit(ctx context.Context, session consent.SessionID, artefact consent.Artefact) (consent.Permit, error) {
	return a.Gate.Permit(ctx, assessorActor, session, artefact)
}

// whileAskable lets the model work for as long as the session may be sent to it. What it is asked is noted
// before anything is sent, so that the candidate sees also the calls that nothing came of.
func (a *Assessor) whileAskable(ctx context.Context, session consent.SessionID, asked Model, call consent.AICall, work func(context.Context, askable) error) error {
	model := askable{model: asked, permit: func(ctx context.Context) (consent.Permit, error) {
		return a.permit(ctx, session, consent.ArtefactModel)
	}}
	permit, err := model.permit(ctx)
	if err != nil {
		return err
	}
	if err := asked.Allowed(); err != nil {
		return err // before the call is noted: there is none
	}
	call.Session, call.Model, call.Place = session, asked.Name(), asked.Place()
	if err := a.Results.NoteAICall(ctx, permit, call); err != nil {
		return err
	}
	ask := func(ctx context.Context) error {
		_, err := model.permit(ctx)
		return err
	}
	return whileAllowed(ctx, ask, func(ctx context.Context) error { return work(ctx, model) })
}

// Evidence gathers evidence in one line, while the answer is still being given. A withdrawn consent, a
// line outside any answer, a model that may not be asked and one whose reply cannot be used end it without an
// error: what is missing then is gathered, or said to be missing, with the answer.
func (a *Assessor) Evidence(ctx context.Context, session consent.SessionID, ref LineRef) error {
	err := a.evidence(ctx, session, ref)
	if errors.Is(err, errUnread) {
		return nil
	}
	if errors.Is(err, consent.ErrProvider) {
		a.Log.Error("nothing was sent to the model", "session", session, "error", err)
		return nil
	}
	return a.unlessCorrected(session, a.unlessRefused(session, err))
}

func (a *Assessor) evidence(ctx context.Context, session consent.SessionID, ref LineRef) error {
	if a.Model == nil {
		return nil
	}
	if _, err := a.permit(ctx, session, consent.ArtefactModel); err != nil {
		return err
	}
	transcript, err := a.permit(ctx, session, consent.ArtefactTranscript)
	if err != nil {
		return err
	}
	line, err := a.Results.LineOf(ctx, transcript, session, ref)
	if err != nil {
		return err
	}
	plan, err := a.planFor(ctx, session, line.Question, line.Take)
	if err != nil {
		return err
	}
	around, err := a.Results.LinesOf(ctx, transcript, session, line.Question, line.Take)
	if err != nil {
		return err
	}
	return a.evidenceIn(ctx, plan, line, around, Suspects([]Line{line}))
}

// evidenceIn asks the model about one line, with marks for the flagged words, unless that was done before. Around
// are the lines of its answer: who is named may be told only by what was said before. [errUnread] if no reply could
// be used.
func (a *Assessor) evidenceIn(ctx context.Context, plan Plan, line Line, around []Line, flagged flaggedWords) error {
	if line.Question < 0 || line.Question >= len(plan.Questions) || len(line.Words) == 0 {
		return nil
	}
	feedback, err := a.permit(ctx, line.Session, consent.ArtefactFeedback)
	if err != nil {
		return err
	}
	done, err := a.Results.EvidenceDone(ctx, feedback, line.Session, line.Ref())
	if err != nil || done {
		return err
	}
	names, err := a.namesOf(ctx, line.Session)
	if err != nil {
		return err
	}
	question := plan.Questions[line.Question]
	var found []Evidence
	call := consent.AICall{For: consent.AIEvidence, PromptSHA256: raterSHA256(evidenceSystem, evidenceSchema)}
	err = a.whileAskable(ctx, line.Session, a.Model, call, func(ctx context.Context, model askable) (err error) {
		found, err = findEvidence(ctx, model, names, question, plan.CompetenciesOf(question), line, around, flagged)
		return err
	})
	if errors.Is(err, errUnusable) || errors.Is(err, errPastContext) {
		// Nothing is kept: it would say that nothing was shown in this line, and nobody knows that.
		a.Log.Warn("evidence could not be used", "session", line.Session, "sequence", line.Sequence)
		return errUnread
	}
	if err != nil {
		return fmt.Errorf("find evidence: %w", err)
	}
	// The call took its time: the candidate may have withdrawn meanwhile.
	if feedback, err = a.permit(ctx, line.Session, consent.ArtefactFeedback); err != nil {
		return err
	}
	return a.Results.SaveEvidence(ctx, feedback, line, found)
}

// namesOf reads what is masked, anew for each job: a name may have been changed since the last one.
func (a *Assessor) namesOf(ctx context.Context, session consent.SessionID) (Names, error) {
	transcript, err := a.permit(ctx, session, consent.ArtefactTranscript)
	if err != nil {
		return Names{}, err
	}
	return a.Results.NamesOf(ctx, transcript, session)
}

// unreviewed is what the candidate reads where a provider might not be used any more.
const unreviewed = "Not assessed: the review of the AI provider has run out, so nothing was sent to it."

// ErrUnsettled says that an answer cannot be measured yet: some of it is still being written down.
var ErrUnsettled = errors.New("not everything is written down yet")

const reasonUnsettled = "The words of this answer were not written down in time to be rated. What was written down since is in the transcript."

// Answer measures a closed answer and, with a model, completes its evidence and rates it.
func (a *Assessor) Answer(ctx context.Context, session consent.SessionID, question, take int) error {
	return a.unlessCorrected(session, a.unlessRefused(session, a.answer(ctx, session, question, take)))
}

func (a *Assessor) answer(ctx context.Context, session consent.SessionID, question, take int) error {
	answer, err := a.Results.AnswerOf(ctx, session, question, take)
	if err != nil {
		return err
	}
	plan, err := a.Results.PlanOf(ctx, session)
	if err != nil {
		return err
	}
	if question < 0 || question >= len(plan.Questions) {
		return fmt.Errorf("question %d is not in a plan of %d", question, len(plan.Questions))
	}
	if a.Settled != nil {
		if err := a.Settled(ctx, session, answer.End); err != nil {
			return fmt.Errorf("%w: %w", ErrUnsettled, err)
		}
	}
	lines, gaps, err := a.measure(ctx, answer)
	if err != nil {
		return err
	}
	if a.Model != nil {
		if plan, err = a.planFor(ctx, session, question, take); err != nil {
			return err
		}
		if err := a.unlessRefused(session, a.rate(ctx, plan, answer, lines, gaps)); err != nil {
			return err
		}
		// A refusal of the model alone is an objection to AI: the answer was measured, and is done.
		if _, err := a.permit(ctx, session, consent.ArtefactMeasurements); err != nil {
			return err
		}
	}
	return a.Results.MarkAnswerAssessed(ctx, answer)
}

// planFor returns the plan with what a model asked in the answer beside its question: whoever judges the answer
// knows what was asked.
func (a *Assessor) planFor(ctx context.Context, session consent.SessionID, question, take int) (Plan, error) {
	plan, err := a.Results.PlanOf(ctx, session)
	if err != nil || plan.FollowUps == 0 || question < 0 || question >= len(plan.Questions) {
		return plan, err
	}
	transcript, err := a.permit(ctx, session, consent.ArtefactTranscript)
	if err != nil {
		return Plan{}, err
	}
	asked, err := a.Results.FollowUpOf(ctx, transcript, session, question, take)
	if err != nil {
		return Plan{}, err
	}
	plan.Questions = slices.Clone(plan.Questions)
	plan.Questions[question] = plan.Questions[question].withFollowUp(asked.Text)
	return plan, nil
}

// measure counts what there is to count, and returns what it was counted in.
func (a *Assessor) measure(ctx context.Context, answer Answer) ([]Line, []Gap, error) {
	transcript, err := a.permit(ctx, answer.Session, consent.ArtefactTranscript)
	if err != nil {
		return nil, nil, err
	}
	lines, err := a.Results.LinesOf(ctx, transcript, answer.Session, answer.Question, answer.Take)
	if err != nil {
		return nil, nil, err
	}
	measurements, err := a.permit(ctx, answer.Session, consent.ArtefactMeasurements)
	if err != nil {
		return nil, nil, err
	}
	gaps, err := a.Results.GapsOf(ctx, measurements, answer.Session)
	if err != nil {
		return nil, nil, err
	}
	return lines, gaps, a.Results.SaveMeasurements(ctx, measurements, answer, Measure(answer, lines, gaps))
}

func (a *Assessor) rate(ctx context.Context, plan Plan, answer Answer, lines []Line, gaps []Gap) error {
	if _, err := a.permit(ctx, answer.Session, consent.ArtefactModel); err != nil {
		return err
	}
	of := answerOf{answer.Session, answer.Question, answer.Take, answer.Revision}
	flagged := flaggedWords(Suspects(lines))
	heard := toBeRated(answer, lines, gaps)
	if reason := gate(flagged, lines, heard); reason != "" {
		return a.refuseAll(ctx, plan, of, reason)
	}
	partly := false
	for _, line := range lines {
		err := a.evidenceIn(ctx, plan, line, lines, flagged)
		unread := errors.Is(err, errUnread) || errors.Is(err, consent.ErrProvider)
		if err != nil && !unread {
			return err
		}
		partly = partly || unread
	}
	feedback, err := a.permit(ctx, answer.Session, consent.ArtefactFeedback)
	if err != nil {
		return err
	}
	evidence, err := a.Results.EvidenceOf(ctx, feedback, answer.Session, answer.Question, answer.Take)
	if err != nil {
		return err
	}
	// While the answer was given less of it was known: an order may have begun in one line and ended in the next.
	evidence = flagged.outside(evidence)
	names, err := a.namesOf(ctx, answer.Session)
	if err != nil {
		return err
	}
	have, err := a.ratingsOf(ctx, of)
	if err != nil {
		return err
	}
	question := plan.Questions[of.question]
	said := toFeedback{names: names, question: question, competencies: plan.CompetenciesOf(question), lines: lines, flagged: flagged, evidence: evidence}
	for _, m := range Measure(answer, lines, gaps) {
		if m.Valid && !m.ofHearing() {
			said.measurements = append(said.measurements, m)
		}
	}
	for _, r := range a.toRate(plan, of) {
		r.names, r.lines, r.flagged, r.evidence, r.heard, r.partly = names, lines, flagged, evidence, heard.badly(), partly
		rated, err := a.passes(ctx, r, have)
		if err != nil {
			return err
		}
		said.ratings = append(said.ratings, rated...)
	}
	if a.LevelsOnly {
		return nil
	}
	return a.feedback(ctx, plan, answer, said)
}

// toRate lists the competencies that the answer's question asks for.
func (a *Assessor) toRate(plan Plan, of answerOf) []toRate {
	question := plan.Questions[of.question]
	var list []toRate
	for _, c := range plan.CompetenciesOf(question) {
		list = append(list, toRate{of: of, bank: plan.BankSHA256, question: question, competency: c, now: a.Now})
	}
	return list
}

func (a *Assessor) ratingsOf(ctx context.Context, of answerOf) ([]Rating, error) {
	permit, err := a.permit(ctx, of.session, consent.ArtefactRatings)
	if err != nil {
		return nil, err
	}
	return a.Results.RatingsOf(ctx, permit, of.session, of.question, of.take)
}

// GiveUp writes that what was not rated cannot be, after the answer's job failed for the last time. Levels that
// were given stay.
//
// What is written down by then is measured: an answer whose last words come too late is not left without. Revision
// is that of the words the job was about: where they were corrected since, the job of the new ones decides.
func (a *Assessor) GiveUp(ctx context.Context, session consent.SessionID, question, take, revision int, cause error) error {
	return a.unlessCorrected(session, a.giveUp(ctx, session, question, take, revision, cause))
}

func (a *Assessor) giveUp(ctx context.Context, session consent.SessionID, question, take, revision int, cause error) error {
	plan, err := a.Results.PlanOf(ctx, session)
	if err != nil {
		return err
	}
	answer, err := a.Results.AnswerOf(ctx, session, question, take)
	if err != nil {
		return err
	}
	if answer.Revision != revision {
		return ErrCorrected
	}
	reason := "The model could not be reached, several times over."
	if errors.Is(cause, ErrUnsettled) {
		reason = reasonUnsettled
		_, _, err := a.measure(ctx, answer)
		if err = a.unlessRefused(session, err); err != nil {
			return err
		}
	}
	if a.Model != nil && question >= 0 && question < len(plan.Questions) {
		err := a.refuseAll(ctx, plan, answerOf{session, question, take, answer.Revision}, reason)
		if err = a.unlessRefused(session, err); err != nil {
			return err
		}
	}
	return a.Results.MarkAnswerAssessed(ctx, answer)
}

// refuseAll writes why nothing is rated, for each competency that is not.
func (a *Assessor) refuseAll(ctx context.Context, plan Plan, of answerOf, reason string) error {
	have, err := a.ratingsOf(ctx, of)
	if err != nil {
		return err
	}
	for _, r := range a.toRate(plan, of) {
		if slices.ContainsFunc(have, func(rated Rating) bool { return rated.Competency() == r.competency.ID }) {
			continue
		}
		rating, err := r.without(OutcomeNotAssessable, a.Model.Name(), PassFirst, reason)
		if err != nil {
			return err
		}
		if err := a.save(ctx, rating); err != nil {
			return err
		}
	}
	return nil
}

func (a *Assessor) save(ctx context.Context, rating Rating) error {
	permit, err := a.permit(ctx, rating.Session(), consent.ArtefactRatings)
	if err != nil {
		return err
	}
	return a.Results.SaveRating(ctx, permit, rating)
}

// unlessRefused turns a refused Permit into a quiet end: the candidate has not consented, or no longer, or
// objects to AI. Facts that could not be read are a failure like any other.
func (a *Assessor) unlessRefused(session consent.SessionID, err error) error {
	if errors.Is(err, consent.ErrNotFound) && !errors.Is(err, consent.ErrFacts) {
		a.Log.Info("assessment ended: not consented, objected to, or the model is not in the notice that was answered", "session", session)
		return nil
	}
	return err
}

// unlessCorrected ends work on words that were corrected meanwhile: there is a job for the new ones.
func (a *Assessor) unlessCorrected(session consent.SessionID, err error) error {
	if errors.Is(err, ErrCorrected) {
		a.Log.Info("assessment ended: the words were corrected meanwhile", "session", session)
		return nil
	}
	return err
}

// CompetenciesOf returns the competencies a question of the plan asks for, in its order, each with the
// anchors that hold for the question.
func (p Plan) CompetenciesOf(q Question) []Competency {
	found := make([]Competency, 0, len(q.Competencies))
	for _, id := range q.Competencies {
		if c, ok := competencyOf(p.Competencies, id); ok {
			found = append(found, c.For(q))
		}
	}
	return found
}
