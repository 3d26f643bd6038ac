package eval

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

// Stored is what a replay reads of stored sessions, under the Permits that an assessor needs. It has no way to
// write but the note that a model is about to be asked, which the candidate sees. Storage implements it under the
// worker role.
type Stored interface {
	PlanOf(ctx context.Context, session consent.SessionID) (assess.Plan, error)
	AnswerOf(ctx context.Context, session consent.SessionID, question, take int) (assess.Answer, error)
	// AnswersOf returns the answers that the assessor is done with.
	AnswersOf(ctx context.Context, ratings consent.Permit, session consent.SessionID) ([]assess.Answer, error)
	LineOf(ctx context.Context, transcript consent.Permit, session consent.SessionID, ref assess.LineRef) (assess.Line, error)
	FollowUpOf(ctx context.Context, transcript consent.Permit, session consent.SessionID, question, take int) (assess.FollowUp, error)
	LinesOf(ctx context.Context, transcript consent.Permit, session consent.SessionID, question, take int) ([]assess.Line, error)
	GapsOf(ctx context.Context, measurements consent.Permit, session consent.SessionID) ([]assess.Gap, error)
	NamesOf(ctx context.Context, transcript consent.Permit, session consent.SessionID) (assess.Names, error)
	RatingsOf(ctx context.Context, ratings consent.Permit, session consent.SessionID, question, take int) ([]assess.Rating, error)
	NoteAICall(ctx context.Context, permit consent.Permit, call consent.AICall) error
}

// Replay rates stored sessions once more, and compares. The gate decides about each as it does about the
// assessor's own work, and nothing that is stored changes.
type Replay struct {
	Stored   Stored
	Gate     consent.Gate
	Model    assess.Model
	Second   assess.Model // makes the second rating; nil: Model does
	Most     int          // sessions that are rated again, at most; 0: all
	Progress func(done, all int)
}

// Refusal is why a session was left alone, as the gate's facts tell it.
type Refusal string

// The refusals, in the order in which they are looked for.
const (
	RefusedUnknown      Refusal = "not there, or erased"
	RefusedHeld         Refusal = "under legal hold"
	RefusedRestricted   Refusal = "restricted by the candidate"
	RefusedNotConsented Refusal = "assessment not consented to, or no longer"
	RefusedObjected     Refusal = "the candidate objects to AI"
	RefusedNotice       Refusal = "the notice that was answered is not that of these models and places"
	RefusedOtherwise    Refusal = "refused"
)

func refusalOf(s consent.Snapshot) Refusal {
	switch {
	case !s.Known || s.State == consent.SessionErased:
		return RefusedUnknown
	case !s.HeldAt.IsZero():
		return RefusedHeld
	case !s.RestrictedAt.IsZero():
		return RefusedRestricted
	case !s.Consents.Assessment:
		return RefusedNotConsented
	case !s.ModelAllowed:
		return RefusedObjected
	case s.Notice != s.NoticeShown:
		return RefusedNotice
	default:
		return RefusedOtherwise
	}
}

// pair is what one competency of one answer came to, before and now.
type pair struct {
	LevelChange
	old, again             assess.Standing
	oldRaters, againRaters []assess.Rater
}

// refusedError ends the work on a session.
type refusedError struct{ why Refusal }

func (e refusedError) Error() string { return string(e.why) }

// Run rates the sessions again, one after the other. With an error it returns what was found up to there.
func (r *Replay) Run(ctx context.Context, sessions []consent.SessionID) (Replayed, error) {
	run := &replaying{Replay: r, found: Replayed{
		At: time.Now().UTC().Truncate(time.Second), Listed: len(sessions), Refused: map[Refusal]int{}, Raters: []string{r.Model.Name()},
	}}
	if r.Second != nil {
		run.found.Raters = append(run.found.Raters, r.Second.Name())
	}
	err := run.all(ctx, sessions)
	run.found.sum(run.pairs)
	return run.found, err
}

// replaying is a replay under way.
type replaying struct {
	*Replay
	found   Replayed
	pairs   []pair
	failing int // answers that failed one after the other
}

func (r *replaying) all(ctx context.Context, sessions []consent.SessionID) error {
	for done, id := range sessions {
		if r.Most > 0 && r.found.Rated >= r.Most {
			break
		}
		if err := r.session(ctx, id); err != nil {
			return fmt.Errorf("rate session %s again: %w", id, err)
		}
		if r.Progress != nil {
			r.Progress(done+1, len(sessions))
		}
	}
	if r.failing > 0 {
		return fmt.Errorf("%w: the last %d answers could not be rated", ErrUnreachable, r.failing)
	}
	return nil
}

// session rates one session again. Where the gate refuses, also in the middle of it, nothing of it is counted but
// the refusal.
func (r *replaying) session(ctx context.Context, id consent.SessionID) error {
	failed := r.found.Failed
	pairs, answers, err := r.answers(ctx, id)
	if refused, ok := errors.AsType[refusedError](err); ok {
		r.found.Refused[refused.why]++
		return nil
	}
	r.pairs = append(r.pairs, pairs...)
	r.found.Answers += answers
	switch {
	case answers > 0:
		r.found.Rated++
	case err == nil && r.found.Failed == failed:
		r.found.Unrated++
	}
	return err
}

// permit asks the gate as the assessor. A refusal is a [refusedError]; facts that cannot be read are a failure.
func (r *replaying) permit(ctx context.Context, id consent.SessionID, artefact consent.Artefact) (consent.Permit, error) {
	snapshot, err := r.Gate.Snapshot(ctx, consent.Actor{Kind: consent.ActorAssessor}, id)
	if err != nil {
		return consent.Permit{}, err //nolint:wrapcheck // says what it tried
	}
	permit, err := consent.Decide(snapshot, artefact)
	if err != nil {
		return consent.Permit{}, refusedError{refusalOf(snapshot)}
	}
	return permit, nil
}

func (r *replaying) answers(ctx context.Context, id consent.SessionID) (pairs []pair, rated int, err error) {
	if _, err := r.permit(ctx, id, consent.ArtefactModel); err != nil {
		return nil, 0, err
	}
	permit, err := r.permit(ctx, id, consent.ArtefactRatings)
	if err != nil {
		return nil, 0, err
	}
	answers, err := r.Stored.AnswersOf(ctx, permit, id)
	if err != nil {
		return nil, 0, r.unless(ctx, id, err)
	}
	plan, err := r.Stored.PlanOf(ctx, id)
	if err != nil {
		return nil, 0, r.unless(ctx, id, err)
	}
	for _, answer := range answers {
		found, err := r.answer(ctx, plan, answer)
		if err != nil {
			return pairs, rated, r.unless(ctx, id, err)
		}
		if len(found) > 0 {
			pairs, rated = append(pairs, found...), rated+1
		}
	}
	return pairs, rated, nil
}

// unless turns what failed into a refusal if the gate refuses by now: what may not be read any more looks like
// something that is not there.
func (r *replaying) unless(ctx context.Context, id consent.SessionID, err error) error {
	if !errors.Is(err, consent.ErrNotFound) {
		return err
	}
	if _, refused := r.permit(ctx, id, consent.ArtefactModel); refused != nil {
		return refused
	}
	return err
}

// answer rates one answer again, if models rated it before.
func (r *replaying) answer(ctx context.Context, plan assess.Plan, answer assess.Answer) ([]pair, error) {
	if answer.Question < 0 || answer.Question >= len(plan.Questions) {
		return nil, fmt.Errorf("question %d is not in a plan of %d", answer.Question, len(plan.Questions))
	}
	permit, err := r.permit(ctx, answer.Session, consent.ArtefactRatings)
	if err != nil {
		return nil, err
	}
	before, err := r.Stored.RatingsOf(ctx, permit, answer.Session, answer.Question, answer.Take)
	if err != nil || len(before) == 0 {
		return nil, err //nolint:wrapcheck // says what it tried
	}
	now, err := r.again(ctx, answer)
	if errors.Is(err, assess.ErrModel) && ctx.Err() == nil {
		r.found.Failed++
		if r.failing++; r.failing < mostFailing {
			return nil, nil
		}
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if err != nil {
		return nil, err
	}
	r.failing = 0
	// The assessor ends without an error where the candidate withdrew meanwhile.
	if _, err := r.permit(ctx, answer.Session, consent.ArtefactModel); err != nil {
		return nil, err
	}
	return pairsOf(plan, answer, before, now), nil
}

// again walks the stored answer through the whole pipeline and returns the ratings, which are kept nowhere.
func (r *replaying) again(ctx context.Context, answer assess.Answer) ([]assess.Rating, error) {
	desk := &rerated{Stored: r.Stored, evidence: map[assess.LineRef][]assess.Evidence{}}
	count := &tally{}
	config := assess.AssessorConfig{Results: desk, Gate: r.Gate, Model: watched{r.Model, count}, LevelsOnly: true, Log: slog.New(slog.DiscardHandler)}
	for _, model := range []assess.Model{r.Model, r.Second} {
		if model == nil {
			continue
		}
		if err := model.Allowed(); err != nil {
			return nil, err //nolint:wrapcheck // says what to do
		}
	}
	if r.Second != nil {
		config.Second = watched{r.Second, count}
	}
	assessor := assess.NewAssessor(config)
	err := retried(ctx, func() error {
		return assessor.Answer(ctx, answer.Session, answer.Question, answer.Take) //nolint:wrapcheck // says what was tried
	})
	r.found.Requests += count.used.Requests
	r.found.Tokens += count.used.PromptTokens + count.used.CompletionTokens
	return desk.ratings, err
}

func pairsOf(plan assess.Plan, answer assess.Answer, before, now []assess.Rating) []pair {
	var pairs []pair
	for _, c := range plan.CompetenciesOf(plan.Questions[answer.Question]) {
		old, rated := assess.StandingOf(before, assess.RaterModel, c.ID)
		again, ratedAgain := assess.StandingOf(now, assess.RaterModel, c.ID)
		if !rated || !ratedAgain {
			continue
		}
		pairs = append(pairs, pair{
			LevelChange: LevelChange{
				Session: answer.Session, Question: answer.Question, Take: answer.Take, Competency: c.ID, Old: old.Level, New: again.Level,
			},
			old: old, again: again, oldRaters: ratersOf(before, c.ID), againRaters: ratersOf(now, c.ID),
		})
	}
	return pairs
}

func ratersOf(ratings []assess.Rating, competency string) []assess.Rater {
	var raters []assess.Rater
	for _, rating := range ratings {
		if rating.Competency() == competency {
			raters = append(raters, rating.Rater())
		}
	}
	return raters
}

// rerated is one answer that is rated again: it is read from where it is stored, and what comes of it stays here.
type rerated struct {
	Stored
	evidence map[assess.LineRef][]assess.Evidence
	ratings  []assess.Rating
}

var _ assess.Results = (*rerated)(nil)

// EvidenceOf implements [assess.Results].
func (d *rerated) EvidenceOf(ctx context.Context, p consent.Permit, session consent.SessionID, question, take int) ([]assess.Evidence, error) {
	if err := p.Demand(session, consent.ArtefactFeedback); err != nil {
		return nil, err //nolint:wrapcheck // as storage does
	}
	var all []assess.Evidence
	for _, found := range d.evidence {
		all = append(all, found...)
	}
	slices.SortFunc(all, byPlace)
	for i := range all {
		all[i].ID = int64(i + 1)
	}
	return all, ctx.Err()
}

// EvidenceDone implements [assess.Results].
func (d *rerated) EvidenceDone(_ context.Context, p consent.Permit, session consent.SessionID, ref assess.LineRef) (bool, error) {
	_, done := d.evidence[ref]
	return done, p.Demand(session, consent.ArtefactFeedback)
}

// SaveEvidence implements [assess.Results].
func (d *rerated) SaveEvidence(_ context.Context, p consent.Permit, line assess.Line, found []assess.Evidence) error {
	d.evidence[line.Ref()] = found
	return p.Demand(line.Session, consent.ArtefactFeedback)
}

// SaveMeasurements implements [assess.Results]: what is counted is not compared.
func (*rerated) SaveMeasurements(_ context.Context, p consent.Permit, _ assess.Answer, _ []assess.Measurement) error {
	return p.Demand(p.Session(), consent.ArtefactMeasurements)
}

// RatingsOf implements [assess.Results]: of what is stored nothing is taken over.
func (d *rerated) RatingsOf(_ context.Context, p consent.Permit, session consent.SessionID, _, _ int) ([]assess.Rating, error) {
	return slices.Clone(d.ratings), p.Demand(session, consent.ArtefactRatings)
}

// SaveRating implements [assess.Results].
func (d *rerated) SaveRating(_ context.Context, p consent.Permit, rating assess.Rating) error {
	d.ratings = withRating(d.ratings, rating)
	return p.Demand(rating.Session(), consent.ArtefactRatings)
}

// SaveFeedback implements [assess.Results]: none is asked for.
func (*rerated) SaveFeedback(_ context.Context, p consent.Permit, found assess.Feedback) error {
	return p.Demand(found.Session, consent.ArtefactFeedback)
}

// MarkAnswerAssessed implements [assess.Results].
func (*rerated) MarkAnswerAssessed(context.Context, assess.Answer) error {
	return nil
}
