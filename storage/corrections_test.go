package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"

	"github.com/riverqueue/river"

	"greenroom/assess"
	"greenroom/consent"
)

// theLine is the only line of the only answer of an interview.
func theLine(revision int, text string) assess.Correction {
	return assess.Correction{Line: assess.LineRef{Epoch: 1, Sequence: 2}, Revision: revision, Text: text}
}

// corrects corrects lines as their candidate.
func (w *world) corrects(t *testing.T, of consent.Account, session consent.SessionID, list ...assess.Correction) error {
	t.Helper()
	private := w.permit(t, actorOf(of), session, consent.ArtefactPrivate)
	transcript := w.permit(t, actorOf(of), session, consent.ArtefactTranscript)
	return NewCorrections(w.database, w.keys).Correct(t.Context(), private, transcript, list)
}

// Everybody reads the corrected words. The old ones, and what was said about them, are the candidate's; of what was
// rated before others see the level.
func TestACorrectionKeepsWhatWasThereForTheCandidateAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	w.share(t, w.alice, id, w.acme, allShareable()...)
	if err := w.corrects(t, w.alice, id, theLine(0, "the swift brown canary"), assess.Correction{Line: assess.LineRef{Epoch: 1, Sequence: 1}, Text: ""}); err != nil {
		t.Fatal(err)
	}
	employers := w.record(t, w.permits(t, actorOf(w.acmes), id))
	answer := employers.Answers[0]
	line := answer.Lines[0]
	if line.Text() != "the swift brown canary" || line.Revision != 1 || line.Changed != 1 || line.CorrectedAt.IsZero() || !line.Words[1].Corrected || answer.Answer.Revision != 1 || answer.Answer.CorrectedAt.IsZero() {
		t.Errorf("an employer reads %+v of %+v", line, answer.Answer)
	}
	if len(employers.Loose) != 1 || len(employers.Loose[0].Words) != 0 || employers.Loose[0].Changed != 4 {
		t.Errorf("and outside of answers %+v", employers.Loose)
	}
	if n := len(answer.Ratings) + len(answer.Evidence) + len(answer.Feedback) + len(answer.Measurements) + len(answer.Originals) + len(employers.LooseOriginals); n != 0 {
		t.Errorf("%d things are shown of words that are not there any more", n)
	}
	if len(answer.Earlier) != 1 || answer.Earlier[0].Revision() != 0 {
		t.Fatalf("what was rated before is %+v", answer.Earlier)
	}
	if level, _ := answer.Earlier[0].Level(); level != 4 {
		t.Errorf("the level before is %d, want 4", level)
	}
	for _, secret := range []string{"quick", secretReason, secretAdvice} {
		if strings.Contains(fmt.Sprintf("%+v", employers), secret) {
			t.Errorf("an employer still reads %q", secret)
		}
	}
	// Behind the program, too: the rows are not there for that role.
	if seen := visible(t, w.database, RoleEmployer, employerContext(w.acmes)); seen["evidence"]+seen["rating_notes"]+seen["feedback"]+seen["line_originals"] != 0 {
		t.Errorf("the employer's role sees %v", seen)
	}

	own := w.record(t, w.permits(t, actorOf(w.alice), id))
	if o := own.Answers[0].Originals; len(o) != 1 || wordsOf(o[0].Words) != secretWords || o[0].Revision != 0 || o[0].Until.IsZero() || len(own.LooseOriginals) != 1 {
		t.Errorf("the candidate is shown %+v, and outside of answers %+v", o, own.LooseOriginals)
	}
	if e := own.Answers[0].Earlier; len(e) != 1 || e[0].WhyNotHigher() != secretReason || !own.Answers[0].Pending {
		t.Errorf("the candidate is shown %+v of before, pending %v", e, own.Answers[0].Pending)
	}
	var sealed []byte
	if err := w.owner.QueryRow(t.Context(), `SELECT words FROM line_originals WHERE session = $1 AND sequence = 2`, id).Scan(&sealed); err != nil || bytes.Contains(sealed, []byte("quick")) {
		t.Errorf("the old words are kept as %q, %v", sealed, err)
	}

	if err := w.corrects(t, w.alice, id, theLine(1, secretWords)); err != nil {
		t.Fatal(err)
	}
	own = w.record(t, w.permits(t, actorOf(w.alice), id))
	if line := own.Answers[0].Lines[0]; line.Revision != 2 || line.Changed != 0 || line.Words[1].Corrected || len(own.Answers[0].Originals) != 2 {
		t.Errorf("put back: %+v with %d originals", line, len(own.Answers[0].Originals))
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM session_events WHERE session = $1 AND kind = 'corrected'`, id); n != 2 {
		t.Errorf("%d corrections are in the log, want 2", n)
	}
}

func wordsOf(words []assess.Word) string { return assess.Line{Words: words}.Text() }

// Corrected words are rated anew, and what was rated before stays. Whoever still has the old ones in hand stores
// nothing, and what arrives late from the speech engine does not put them back.
func TestCorrectedWordsAreRatedAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, ctx := w.interview(t, w.alice), t.Context()
	jobs := func() int {
		return w.ownerCount(t, `SELECT count(*) FROM river.river_job WHERE kind = 'assess_answer' AND args->>'revision' = '1'`)
	}
	if err := w.corrects(t, w.alice, id, theLine(0, "the swift brown canary")); err != nil || jobs() != 1 {
		t.Fatalf("%v, %d jobs for the corrected words, want 1", err, jobs())
	}
	w.ownerExec(t, `DELETE FROM river.river_job`) // as if the server had died in between
	worker, err := NewJobs(w.database, JobHandlers{
		Evidence: func(_ context.Context, _ consent.SessionID, _ assess.LineRef) error { return nil },
		Answer:   func(_ context.Context, _ consent.SessionID, _, _ int) error { return nil },
	}, JobOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := worker.workCorrections(ctx, &river.Job[correctionsJob]{}); err != nil || jobs() != 1 {
			t.Fatalf("%v, %d jobs for the corrected words were found, want 1", err, jobs())
		}
	}

	ratings, feedback := w.part(t, consent.ActorAssessor, id, consent.ArtefactRatings), w.part(t, consent.ActorAssessor, id, consent.ArtefactFeedback)
	stale := testAnswer(id, 0)
	for name, err := range map[string]error{
		"a rating": w.results.SaveRating(ctx, ratings, testRating(t, nil, id)), "feedback": w.results.SaveFeedback(ctx, feedback, testFeedback(id)),
		"evidence":     w.results.SaveEvidence(ctx, feedback, testLine(id, 2, 0), []assess.Evidence{testEvidence(id, 2)}),
		"what counted": w.results.SaveMeasurements(ctx, w.part(t, consent.ActorAssessor, id, consent.ArtefactMeasurements), stale, nil),
	} {
		if !errors.Is(err, assess.ErrCorrected) {
			t.Errorf("%s of the old words is stored: %v", name, err)
		}
	}
	if err := w.results.MarkAnswerAssessed(ctx, stale); err != nil || w.ownerCount(t, `SELECT count(*) FROM answers WHERE session = $1 AND assessed_at IS NULL`, id) != 1 {
		t.Errorf("a job that saw the old words finished the answer, %v", err)
	}
	if err := w.ingest.SaveLine(ctx, w.part(t, consent.ActorScribe, id, consent.ArtefactTranscript), testLine(id, 2, 0)); err != nil {
		t.Fatal(err)
	}

	answer, err := w.results.AnswerOf(ctx, id, 0, 1)
	if err != nil || answer.Revision != 1 {
		t.Fatalf("the answer is %+v, %v", answer, err)
	}
	if have, err := w.results.RatingsOf(ctx, ratings, id, 0, 1); err != nil || len(have) != 0 {
		t.Errorf("ratings of the old words count for the new ones: %+v, %v", have, err)
	}
	for range 2 { // a job may run twice
		anew := testRating(t, func(f *assess.RatingFields) { f.Revision, f.Level = 1, 5 }, id)
		line := testLine(id, 2, 0)
		line.Revision = 1
		if err := errors.Join(w.results.SaveEvidence(ctx, feedback, line, []assess.Evidence{testEvidence(id, 2)}),
			w.results.SaveRating(ctx, ratings, anew), w.results.MarkAnswerAssessed(ctx, answer)); err != nil {
			t.Fatal(err)
		}
	}
	own := w.record(t, w.permits(t, actorOf(w.alice), id))
	levels := map[int]int{}
	for _, r := range append(own.Answers[0].Ratings, own.Answers[0].Earlier...) {
		if level, ok := r.Level(); ok && r.Rater().Kind == assess.RaterModel {
			levels[r.Revision()] += level
		}
	}
	if want := map[int]int{0: 4, 1: 5}; !maps.Equal(levels, want) || own.Answers[0].Pending || wordsOf(own.Answers[0].Lines[0].Words) != "the swift brown canary" {
		t.Errorf("levels by revision %v, want %v; %+v", levels, want, own.Answers[0])
	}
	if standing, ok := assess.StandingOf(own.Answers[0].Ratings, assess.RaterModel, "ownership"); !ok || standing.Level != 5 || standing.Low != 5 {
		t.Errorf("the standing is %+v", standing)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM evidence WHERE session = $1`, id); n != 2 || len(own.Answers[0].Evidence) != 1 {
		t.Errorf("%d rows of evidence, %d shown; want what was found before, and what is found now", n, len(own.Answers[0].Evidence))
	}
	if err := worker.workCorrections(ctx, &river.Job[correctionsJob]{}); err != nil || jobs() != 1 {
		t.Errorf("%v: an answer that is assessed is looked for, %d jobs", err, jobs())
	}
}

// All of a correction is stored, or nothing.
func TestCorrectionsThatAreRefusedChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	rows := func() string {
		var all string
		err := w.owner.QueryRow(t.Context(), `SELECT concat((SELECT string_agg(l::text, ' ' ORDER BY l.sequence) FROM lines l), (SELECT string_agg(a::text, ' ') FROM answers a),
			(SELECT string_agg(e::text, ' ') FROM evidence e), (SELECT count(*) FROM line_originals), (SELECT count(*) FROM feedback), (SELECT count(*) FROM measurements),
			(SELECT string_agg(n::text, ' ') FROM rating_notes n), (SELECT count(*) FROM river.river_job), (SELECT count(*) FROM session_events))`).Scan(&all)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	good := theLine(0, "the swift brown canary")
	for _, c := range []struct {
		name  string
		first string // changes the world, for this case alone
		list  []assess.Correction
		want  error
	}{
		{"of another revision", "", []assess.Correction{theLine(1, "the swift brown canary")}, assess.ErrCorrected},
		{"one of them of another revision", "", []assess.Correction{good, {Line: assess.LineRef{Epoch: 1, Sequence: 1}, Revision: 3}}, assess.ErrCorrected},
		{"a line there is not", "", []assess.Correction{good, {Line: assess.LineRef{Epoch: 1, Sequence: 7}}}, consent.ErrNotFound},
		{"the same words", "", []assess.Correction{theLine(0, secretWords)}, assess.ErrNothingCorrected},
		{"nothing at all", "", nil, assess.ErrNothingCorrected},
		{"faster than anybody speaks", "", []assess.Correction{theLine(0, strings.Repeat("so ", 99))}, assess.ErrNotSayable},
		{"one line twice", "", []assess.Correction{good, good}, assess.ErrCorrected},
		{"while the interview goes on", `UPDATE sessions SET state = 'live'`, []assess.Correction{good}, consent.ErrBadStep{State: consent.SessionLive, Step: "be corrected"}},
		{"before it was assessed", `UPDATE answers SET assessed_at = NULL`, []assess.Correction{good}, assess.ErrUnfinished},
		{"held", `UPDATE sessions SET held_at = now()`, []assess.Correction{good}, consent.ErrNotFound}, // no plane opens its lines
		{"restricted", `UPDATE sessions SET restricted_at = now()`, []assess.Correction{good}, consent.ErrRestricted},
	} {
		private, transcript := w.permit(t, actorOf(w.alice), id, consent.ArtefactPrivate), w.permit(t, actorOf(w.alice), id, consent.ArtefactTranscript)
		if c.first != "" {
			w.ownerExec(t, c.first)
		}
		before := rows()
		err := NewCorrections(w.database, w.keys).Correct(t.Context(), private, transcript, c.list)
		if !errors.Is(err, c.want) || rows() != before {
			t.Errorf("%s: %v, want %v; changed %v", c.name, err, c.want, rows() != before)
		}
		w.ownerExec(t, `UPDATE sessions SET state = 'assessed', held_at = NULL, restricted_at = NULL`)
		w.ownerExec(t, `UPDATE answers SET assessed_at = now()`)
	}
	ofBob := w.interview(t, w.bob)
	bobs := w.permit(t, actorOf(w.bob), ofBob, consent.ArtefactTranscript)
	corrections, private := NewCorrections(w.database, w.keys), w.permit(t, actorOf(w.alice), id, consent.ArtefactPrivate)
	for name, permits := range map[string][2]consent.Permit{
		"another's transcript": {private, bobs}, "no Permit for the transcript": {private, private}, "none for what is private": {bobs, bobs}, "none": {},
	} {
		if err := corrections.Correct(t.Context(), permits[0], permits[1], []assess.Correction{good}); !errors.Is(err, consent.ErrPermit) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.corrects(t, w.alice, id, good); err != nil {
		t.Errorf("after all of them: %v", err)
	}
}

// The answer to a correction may get lost on its way. Sent again it is done already; another text is not.
func TestACorrectionSentAgainIsStoredOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	list := []assess.Correction{theLine(0, "the swift brown canary"), {Line: assess.LineRef{Epoch: 1, Sequence: 1}, Text: ""}}
	rows := func() (n [3]int) {
		for i, query := range []string{
			`SELECT sum(revision) FROM lines WHERE session = $1`, `SELECT count(*) FROM line_originals WHERE session = $1`,
			`SELECT count(*) FROM session_events WHERE session = $1 AND kind = 'corrected'`,
		} {
			n[i] = w.ownerCount(t, query, id)
		}
		return n
	}
	for range 2 {
		if err := w.corrects(t, w.alice, id, list...); err != nil {
			t.Fatal(err)
		}
		if got, want := rows(), [3]int{2, 2, 1}; got != want {
			t.Errorf("revisions, originals and events are %v, want %v", got, want)
		}
	}
	for name, c := range map[string]assess.Correction{
		"another text": theLine(0, "the swift brown fox"), "what stood there first": theLine(0, secretWords), "a revision yet to come": theLine(2, "the swift brown canary"),
	} {
		if err := w.corrects(t, w.alice, id, c, list[1]); !errors.Is(err, assess.ErrCorrected) {
			t.Errorf("%s: %v, want ErrCorrected", name, err)
		}
	}
	if err := w.corrects(t, w.alice, id, theLine(1, "the swift brown fox")); err != nil {
		t.Fatal(err)
	}
	if err := w.corrects(t, w.alice, id, list...); !errors.Is(err, assess.ErrCorrected) {
		t.Errorf("sent again after another correction: %v, want ErrCorrected", err)
	}
}

// Two lines of one answer are one correction of it: it is assessed again once.
func TestTwoLinesOfOneAnswerAreCorrectedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	other := testLine(id, 3, 0)
	if err := w.ingest.SaveLine(t.Context(), w.part(t, consent.ActorScribe, id, consent.ArtefactTranscript), other); err != nil {
		t.Fatal(err)
	}
	w.ownerExec(t, `DELETE FROM river.river_job`)
	if err := w.corrects(t, w.alice, id, theLine(0, "the swift brown canary"), assess.Correction{Line: other.Ref(), Text: "the slow canary"}); err != nil {
		t.Fatal(err)
	}
	answer := w.record(t, w.permits(t, actorOf(w.alice), id)).Answers[0]
	if answer.Answer.Revision != 1 || len(answer.Lines) != 2 || len(answer.Originals) != 2 {
		t.Fatalf("revision %d, %d lines, %d originals; want 1, 2, 2", answer.Answer.Revision, len(answer.Lines), len(answer.Originals))
	}
	for i, want := range []string{"the swift brown canary", "the slow canary"} {
		if line := answer.Lines[i]; line.Text() != want || line.Revision != 1 {
			t.Errorf("line %d is %q of revision %d, want %q of 1", i, line.Text(), line.Revision, want)
		}
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM river.river_job WHERE kind = 'assess_answer' AND args->>'revision' = '1'`); n != 1 {
		t.Errorf("%d jobs for the answer, want 1", n)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM session_events WHERE kind = 'corrected' AND detail @> '{"lines": 2, "answers": 1}'`); n != 1 {
		t.Errorf("%d events of two lines of one answer, want 1", n)
	}
}

// Words whose times were shared out are known as such; with them gone, what the engine measured is measured.
func TestEstimatedTimesGoWhenTheirWordsAreTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	measured := testLine(id, 3, 0)
	measured.Interpolated = false
	if err := w.ingest.SaveLine(t.Context(), w.part(t, consent.ActorScribe, id, consent.ArtefactTranscript), measured); err != nil {
		t.Fatal(err)
	}
	for revision, text := range []string{"the very quick brown canary", wordsOf(measured.Words)} {
		if err := w.corrects(t, w.alice, id, assess.Correction{Line: measured.Ref(), Revision: revision, Text: text}); err != nil {
			t.Fatal(err)
		}
		lines := w.record(t, w.permits(t, actorOf(w.alice), id)).Answers[0].Lines
		if got, want := lines[1].HasEstimatedTimes(), revision == 0; got != want || !lines[0].HasEstimatedTimes() {
			t.Errorf("%q has estimated times: %v, want %v; what the engine spread: %v, want true", lines[1].Text(), got, want, lines[0].HasEstimatedTimes())
		}
	}
}

// A person rates the words that they read. Those of before a correction stay rated, and are rated no more.
func TestAPersonDoesNotRateWordsThatWereCorrected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, ctx := w.interview(t, w.alice), t.Context()
	w.share(t, w.alice, id, w.acme, consent.ScopeRatings, consent.ScopeTranscript)
	w.personRates(t, w.acmes, id, 3, "")
	if err := w.corrects(t, w.alice, id, theLine(0, "the swift brown canary")); err != nil {
		t.Fatal(err)
	}
	raters, rate := NewRaters(w.database, w.keys), w.permit(t, actorOf(w.acmes), id, consent.ArtefactRate)
	for _, revision := range []int{0, 2} {
		if err := raters.RateAnswer(ctx, rate, personRating(t, id, 5), revision, personsWhy); !errors.Is(err, assess.ErrCorrected) {
			t.Errorf("a level of revision %d: %v, want ErrCorrected", revision, err)
		}
	}
	if got := strings.Join(w.peopleOf(t, w.alice, id), "|"); got != "Acme 3" {
		t.Errorf("the candidate is shown %q, want what was given before", got)
	}
	if err := raters.RateAnswer(ctx, rate, personRating(t, id, 5), 1, ""); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(w.peopleOf(t, w.alice, id), "|"); got != "Acme 5" {
		t.Errorf("the candidate is shown %q, want what was given since", got)
	}
}

// Where the assessment is taken back the words are corrected all the same: what was counted in the old ones goes,
// and nothing is asked of anybody.
func TestCorrectingWithoutAssessment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	unclosed := testLine(id, 3, 1) // of an answer that never closed
	if err := w.ingest.SaveLine(t.Context(), w.part(t, consent.ActorScribe, id, consent.ArtefactTranscript), unclosed); err != nil {
		t.Fatal(err)
	}
	if _, err := w.sessions.WithdrawConsent(t.Context(), w.alice.ID, id, consent.ConsentAssessment); err != nil {
		t.Fatal(err)
	}
	w.ownerExec(t, `DELETE FROM river.river_job`)
	if err := w.corrects(t, w.alice, id, theLine(0, "the swift brown canary"), assess.Correction{Line: unclosed.Ref(), Text: "the canary"}); err != nil {
		t.Fatal(err)
	}
	answer := w.record(t, w.permits(t, actorOf(w.alice), id)).Answers[0]
	if answer.Pending || len(answer.Measurements) != 0 || len(answer.Earlier) != 1 || w.ownerCount(t, `SELECT count(*) FROM river.river_job`) != 0 {
		t.Errorf("%+v", answer)
	}
}

// The candidate's copy has all of it: the words before, what was found in them, and both ratings.
func TestACopyHasWhatStoodThere(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	id := w.interview(t, w.alice)
	if err := w.corrects(t, w.alice, id, theLine(0, "the swift brown canary")); err != nil {
		t.Fatal(err)
	}
	w.make(t, w.request(t, w.alice, id), func(ctx context.Context, out io.Writer, export consent.Export, _ func(context.Context, consent.SessionID, consent.ExportFault) error) error {
		answer := w.record(t, w.permits(t, actorOfExport(export), id)).Answers[0]
		if len(answer.Originals) != 1 || wordsOf(answer.Originals[0].Words) != secretWords || len(answer.Earlier) != 1 || answer.Earlier[0].WhyNotHigher() != secretReason {
			t.Errorf("the copy has %+v, rated %+v", answer.Originals, answer.Earlier)
		}
		if e := answer.EarlierEvidence; len(e) != 1 || e[0].Revision != 0 || e[0].First != 1 || len(answer.Evidence) != 0 {
			t.Errorf("the copy has evidence %+v of before", e)
		}
		_, err := out.Write([]byte("{}"))
		return err
	})
}
