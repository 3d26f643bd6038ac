package storage

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"greenroom/assess"
	"greenroom/consent"
)

// modelParts are what each part of the server needs to have anything to do with a model.
var modelParts = map[consent.ActorKind][]consent.Artefact{
	consent.ActorScribe:   {consent.ArtefactModel},
	consent.ActorAssessor: {consent.ArtefactModel, consent.ArtefactRatings, consent.ArtefactFeedback},
}

func (w *world) mayUseModels(t *testing.T, session consent.SessionID) (may bool) {
	t.Helper()
	var answers []bool
	for kind, artefacts := range modelParts {
		for _, artefact := range artefacts {
			_, err := w.gate.Permit(t.Context(), consent.Actor{Kind: kind}, session, artefact)
			if err != nil && (!errors.Is(err, consent.ErrNotFound) || errors.Is(err, consent.ErrFacts)) {
				t.Fatalf("%s for %s: %v", kind, artefact, err)
			}
			answers = append(answers, err == nil)
		}
	}
	for _, answer := range answers {
		if answer != answers[0] {
			t.Fatalf("parts differ about models: %v", answers)
		}
	}
	return answers[0]
}

func TestObjectionKeepsModelsAwayFromEverySessionOfTheCandidate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, bobs := w.live(t, w.alice, allConsents), w.live(t, w.bob, allConsents)
	if !w.mayUseModels(t, old) {
		t.Fatal("a model may not be used although the candidate consented")
	}
	before := len(wholeLedger(t, w.database))
	since, err := w.sessions.ObjectToAI(t.Context(), w.alice.ID)
	if err != nil || since.IsZero() {
		t.Fatalf("object: %s, %v", since, err)
	}
	if again, err := w.sessions.ObjectToAI(t.Context(), w.alice.ID); err != nil || !again.Equal(since) {
		t.Errorf("objecting twice: %s, %v; want the same as once", again, err)
	}
	fresh := w.live(t, w.alice, allConsents)
	for name, session := range map[string]consent.SessionID{"before": old, "after": fresh} {
		if w.mayUseModels(t, session) {
			t.Errorf("a model may be used for the session that began %s the objection", name)
		}
		w.part(t, consent.ActorScribe, session, consent.ArtefactTranscript)
		w.part(t, consent.ActorAssessor, session, consent.ArtefactTranscript)
		w.part(t, consent.ActorAssessor, session, consent.ArtefactMeasurements)
	}
	if !w.mayUseModels(t, bobs) {
		t.Error("Alice's objection binds Bob's session")
	}
	shown := w.gate.Notice
	w.gate.Notice = consent.Notice{Text: "Words go to another server."}.SHA256()
	if w.mayUseModels(t, bobs) {
		t.Error("a model may be used that the answered notice does not name")
	}
	w.part(t, consent.ActorAssessor, bobs, consent.ArtefactMeasurements)
	w.gate.Notice = shown
	if err := w.sessions.LiftAIObjection(t.Context(), w.alice.ID); err != nil || !w.mayUseModels(t, fresh) {
		t.Errorf("lifted: %v, model allowed %t", err, w.mayUseModels(t, fresh))
	}
	if err := w.sessions.LiftAIObjection(t.Context(), w.alice.ID); err != nil {
		t.Errorf("lifting twice: %v", err)
	}
	var kinds []consent.LedgerKind
	for _, e := range wholeLedger(t, w.database)[before:] {
		if e.Account == w.alice.ID && e.Session == "" {
			kinds = append(kinds, e.Kind)
		}
	}
	if len(kinds) != 2 || kinds[0] != consent.LedgerAIObjected || kinds[1] != consent.LedgerAIObjectionLifted {
		t.Errorf("the ledger has %v, want the objection and its end, once each", kinds)
	}
}

// What was rated before stays, and the candidate goes on rating themselves.
func TestObjectionKeepsWhatWasRatedAndTheOwnRating(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	const models = `SELECT count(*) FROM ratings WHERE rater_kind = 'model'`
	before := w.ownerCount(t, models)
	if _, err := w.sessions.ObjectToAI(t.Context(), w.alice.ID); err != nil || before == 0 {
		t.Fatalf("%d ratings by a model before the objection, %v", before, err)
	}
	better := testRating(t, func(f *assess.RatingFields) { selfRated(f); f.Level = 5 }, id)
	if err := w.sessions.RateSelf(t.Context(), w.permit(t, actorOf(w.alice), id, consent.ArtefactPrivate), better); err != nil {
		t.Errorf("rate oneself after the objection: %v", err)
	}
	w.permit(t, actorOf(w.alice), id, consent.ArtefactRatings)
	if after := w.ownerCount(t, models); after != before {
		t.Errorf("%d ratings by a model after the objection, want the %d from before", after, before)
	}
}

// A permit from before the objection is good for seconds, but what a model said is not written any more;
// measurements are.
func TestNothingOfAModelIsWrittenAfterTheObjection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, ctx := w.live(t, w.alice, allConsents), t.Context()
	scribe := w.part(t, consent.ActorScribe, id, consent.ArtefactTranscript)
	if err := errors.Join(w.ingest.SaveLine(ctx, scribe, testLine(id, 1, 0)), w.ingest.SaveAnswer(ctx, testAnswer(id, 0))); err != nil {
		t.Fatal(err)
	}
	feedback := w.part(t, consent.ActorAssessor, id, consent.ArtefactFeedback)
	ratings := w.part(t, consent.ActorAssessor, id, consent.ArtefactRatings)
	measured := w.part(t, consent.ActorAssessor, id, consent.ArtefactMeasurements)
	if _, err := w.sessions.ObjectToAI(ctx, w.alice.ID); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"evidence": w.results.SaveEvidence(ctx, feedback, testLine(id, 1, 0), nil),
		"a rating": w.results.SaveRating(ctx, ratings, testRating(t, nil, id)),
	} {
		if !errors.Is(err, consent.ErrNotFound) {
			t.Errorf("%s was written after the objection: %v", name, err)
		}
	}
	if err := w.results.SaveMeasurements(ctx, measured, testAnswer(id, 0), []assess.Measurement{{Session: id, Take: 1, Name: "words", Unit: "1", Valid: true}}); err != nil {
		t.Errorf("measurements after the objection: %v", err)
	}
	// The policy holds without the code in front of it.
	err := w.database.in(ctx, RoleWorker, rowContext{session: string(id)}, func(tx pgx.Tx) error {
		_, err := upsertRating(ctx, tx, testRating(t, nil, id).Fields())
		return err
	})
	if !hasCode(err, policyViolation) {
		t.Errorf("a rating by a model, with no check in front: %v", err)
	}
}

// A candidate objects for themselves only, and an employer does not learn of it.
func TestObjectionIsTheCandidatesOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.sessions.ObjectToAI(t.Context(), w.alice.ID); err != nil {
		t.Fatal(err)
	}
	err := w.database.in(t.Context(), RoleCandidate, rowContext{account: string(w.bob.ID)}, func(tx pgx.Tx) error {
		changed, err := tx.Exec(t.Context(), `UPDATE accounts SET ai_objected_at = NULL`)
		if err == nil && changed.RowsAffected() != 1 { // Bob's own
			t.Errorf("Bob changed %d accounts", changed.RowsAffected())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if since, err := w.sessions.AIObjection(t.Context(), w.alice.ID); err != nil || since.IsZero() {
		t.Errorf("Alice's objection: %s, %v", since, err)
	}
	err = w.database.in(t.Context(), RoleEmployer, rowContext{account: string(w.acmes.ID), org: string(w.acme.ID)}, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `SELECT ai_objected_at FROM accounts`)
		return err
	})
	if !hasCode(err, policyViolation) {
		t.Errorf("an employer reads who objected: %v", err)
	}
}
