package storage

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

func (w *world) record(t *testing.T, permits consent.RecordPermits) assess.Record {
	t.Helper()
	record, err := w.records.Record(t.Context(), permits)
	if err != nil {
		t.Fatalf("read record: %v", err)
	}
	return record
}

func TestCandidateReadsEverythingBackAsItWasSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	record := w.record(t, w.permits(t, actorOf(w.alice), id))
	if record.Session.ID != id || record.Session.Candidate != w.alice.ID || record.Session.Consents != allConsents || !record.Session.MediaStart.Equal(testOrigin) {
		t.Errorf("session %+v", record.Session)
	}
	if diff := cmp.Diff(testPlan(), record.Plan); diff != "" {
		t.Errorf("plan: %s", diff)
	}
	if len(record.Answers) != 1 || len(record.Loose) != 1 || len(record.Gaps) != 2 || record.Length <= 0 {
		t.Fatalf("%d answers, %d loose lines, %d gaps, length %s; want 1, 1, 2 and some", len(record.Answers), len(record.Loose), len(record.Gaps), record.Length)
	}
	got := record.Answers[0]
	if got.Answer != testAnswer(id, 0) || got.Pending {
		t.Errorf("answer %+v, pending %t", got.Answer, got.Pending)
	}
	if diff := cmp.Diff([]assess.Line{testLine(id, 2, 0)}, got.Lines); diff != "" {
		t.Errorf("lines: %s", diff)
	}
	if diff := cmp.Diff([]assess.Line{testLine(id, 1, -1)}, record.Loose); diff != "" {
		t.Errorf("loose lines: %s", diff)
	}
	want := testEvidence(id, 2)
	want.ID = got.Evidence[0].ID
	if diff := cmp.Diff([]assess.Evidence{want}, got.Evidence); diff != "" {
		t.Errorf("evidence: %s", diff)
	}
	if len(got.Measurements) != 1 || got.Measurements[0].Value != 120.5 || got.Measurements[0].Counted != "Words by minutes." {
		t.Errorf("measurements %+v", got.Measurements)
	}
	if diff := cmp.Diff(testFeedback(id).Items, got.Feedback); diff != "" {
		t.Errorf("feedback: %s", diff)
	}
	if len(got.Ratings) != 2 || got.Ratings[0] != testRating(t, nil, id) || got.Ratings[1] != testRating(t, selfRated, id) {
		t.Errorf("ratings %+v", got.Ratings)
	}
}

func TestEmployerReadsOnlyThePartsItHasPermitsFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		scopes                                        []consent.Scope
		lines, loose, evidence, measured, rated, gaps int
		sentences, place                              bool
	}{
		{scopes: []consent.Scope{consent.ScopeRatings}, rated: 1},
		{scopes: []consent.Scope{consent.ScopeFeedback}, evidence: 1, measured: 1},
		{scopes: []consent.Scope{consent.ScopeTranscript}, lines: 1, loose: 1},
		{scopes: []consent.Scope{consent.ScopeRatings, consent.ScopeFeedback}, evidence: 1, measured: 1, rated: 1},
		{scopes: []consent.Scope{consent.ScopeRecordingVideo}, gaps: 1},
		{
			scopes: allShareable(), lines: 1, loose: 1, evidence: 1, measured: 1, rated: 1, gaps: 2, sentences: true, place: true,
		},
	} {
		id := w.interview(t, w.alice)
		granted := w.share(t, w.alice, id, w.acme, c.scopes...)
		permits := w.permits(t, actorOf(w.acmes), id)
		record := w.record(t, permits)
		if len(record.Answers) != 1 {
			t.Fatalf("scopes %v: %d answers, want 1", c.scopes, len(record.Answers))
		}
		a := record.Answers[0]
		got := []int{len(a.Lines), len(record.Loose), len(a.Evidence), len(a.Measurements), len(a.Ratings), len(record.Gaps)}
		want := []int{c.lines, c.loose, c.evidence, c.measured, c.rated, c.gaps}
		if !cmp.Equal(got, want) {
			t.Errorf("scopes %v: lines, loose lines, evidence, measurements, ratings, gaps are %v, want %v", c.scopes, got, want)
		}
		if record.Session.Candidate != "" || record.Session.Consents != (consent.Consents{}) {
			t.Errorf("scopes %v: an employer is told the candidate's account or consents: %+v", c.scopes, record.Session)
		}
		for _, e := range a.Evidence {
			if (e.First >= 0) != c.place {
				t.Errorf("scopes %v: evidence at words %d to %d", c.scopes, e.First, e.Last)
			}
		}
		if asked := (assess.FollowUp{}); c.lines > 0 && a.FollowUp != testFollowUp(id) || c.lines == 0 && a.FollowUp != asked {
			t.Errorf("scopes %v: the follow-up %+v", c.scopes, a.FollowUp)
		}
		if (len(a.Feedback) > 0) != c.sentences {
			t.Errorf("scopes %v: feedback %+v", c.scopes, a.Feedback)
		}
		for _, r := range a.Ratings {
			if level, ok := r.Level(); !ok || level != 4 || (r.WhyNotHigher() == secretReason) != c.sentences {
				t.Errorf("scopes %v: level %d, sentence %q", c.scopes, level, r.WhyNotHigher())
			}
		}
		// Wall C alone is not enough: the Permits still live, the policies and the keys look anew.
		if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, granted.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.records.Record(t.Context(), permits); !errors.Is(err, consent.ErrNotFound) {
			t.Errorf("scopes %v: a withdrawn authorization's Permits still read: %v", c.scopes, err)
		}
	}
}

func TestRecordRefusesPermitsThatDoNotFit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := w.interview(t, w.alice), w.interview(t, w.alice)
	good := w.permits(t, actorOf(w.alice), id)
	w.share(t, w.alice, id, w.acme, allShareable()...)
	for name, spoil := range map[string]func(*consent.RecordPermits){
		"no session permit":       func(p *consent.RecordPermits) { p.Session = consent.Permit{} },
		"permit of another part":  func(p *consent.RecordPermits) { p.Transcript = p.Ratings },
		"permit of another actor": func(p *consent.RecordPermits) { p.Ratings = w.permits(t, actorOf(w.acmes), id).Ratings },
		"permit of another session": func(p *consent.RecordPermits) {
			p.Ratings = w.permits(t, actorOf(w.alice), other).Ratings
		},
	} {
		p := good
		spoil(&p)
		if _, err := w.records.Record(t.Context(), p); !errors.Is(err, consent.ErrPermit) {
			t.Errorf("%s: %v, want ErrPermit", name, err)
		}
	}
	only := w.record(t, consent.RecordPermits{Session: good.Session})
	if a := only.Answers[0]; len(a.Lines)+len(a.Evidence)+len(a.Measurements)+len(a.Ratings)+len(only.Loose) != 0 {
		t.Errorf("with the session's Permit alone: %+v", only)
	}
}

func TestNotAssessableKeepsItsReasonForThoseWhoMayReadIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	change := func(f *assess.RatingFields) {
		f.Competency, f.Outcome, f.Level, f.WhyNotHigher, f.WhyNotLower, f.Reason = "depth", assess.OutcomeNotAssessable, 0, "", "", secretReason
	}
	if err := w.results.SaveRating(t.Context(), w.part(t, consent.ActorAssessor, id, consent.ArtefactRatings), testRating(t, change, id)); err != nil {
		t.Fatal(err)
	}
	reasonFor := func(actor consent.Actor) string {
		for _, r := range w.record(t, w.permits(t, actor, id)).Answers[0].Ratings {
			if r.Competency() == "depth" {
				return r.Reason()
			}
		}
		return "no rating"
	}
	if got := reasonFor(actorOf(w.alice)); got != secretReason {
		t.Errorf("alice reads %q", got)
	}
	w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	if got := reasonFor(actorOf(w.acmes)); got != notShared {
		t.Errorf("with ratings only, acme reads %q", got)
	}
	w.share(t, w.alice, id, w.acme, consent.ScopeRatings, consent.ScopeFeedback)
	if got := reasonFor(actorOf(w.acmes)); got != secretReason {
		t.Errorf("with feedback, acme reads %q", got)
	}
}

func TestWordsAndSentencesAreNowhereInTheDatabaseInClear(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.interview(t, w.alice)
	rows, err := w.owner.Query(t.Context(), `SELECT table_name FROM information_schema.tables WHERE table_schema IN ('public', 'river')`)
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if rows.Err() != nil || len(tables) < 20 {
		t.Fatalf("%d tables, %v", len(tables), rows.Err())
	}
	for _, table := range tables {
		schema := "public"
		if strings.HasPrefix(table, "river_") {
			schema = "river"
		}
		var dump bytes.Buffer
		if _, err := w.owner.PgConn().CopyTo(t.Context(), &dump, "COPY "+schema+"."+table+" TO STDOUT"); err != nil {
			t.Fatalf("dump %s: %v", table, err)
		}
		if bytes.Contains(dump.Bytes(), []byte("canary")) || bytes.Contains(dump.Bytes(), []byte("63616e617279")) { // in hex
			t.Errorf("table %s holds the words in clear", table)
		}
	}
}

func TestPendingUntilAssessedAndOnlyWithConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.live(t, w.alice, allConsents)
	if err := w.ingest.SaveAnswer(t.Context(), testAnswer(id, 0)); err != nil {
		t.Fatal(err)
	}
	pending := func() bool { return w.record(t, w.permits(t, actorOf(w.alice), id)).Answers[0].Pending }
	if !pending() {
		t.Error("an answer that nobody looked at is not pending")
	}
	if got := w.record(t, w.permits(t, actorOf(w.alice), id)).Length; got != 40*time.Second {
		t.Errorf("length of a live session is %s, want to its last answer, 40s", got)
	}
	if _, err := w.sessions.WithdrawConsent(t.Context(), w.alice.ID, id, consent.ConsentAssessment); err != nil {
		t.Fatal(err)
	}
	if pending() {
		t.Error("pending although the assessment was withdrawn")
	}
}

// What is missing between two processes that held the session is told, for each kind by itself; where one
// of them only sealed a segment and began another, nothing is missing.
func TestTimeWithoutAServerIsAGap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.live(t, w.alice, consent.Consents{Recording: true, Transcription: true})
	segment := func(kind string, epoch, sequence int, startMS, endMS int64) {
		t.Helper()
		w.ownerExec(t, `INSERT INTO segments (session, kind, epoch, sequence, object_key, size, sha256, start_us, end_us, width, height, codec, forced, blocks)
			VALUES ($1, $2, $3, $4, $5, 1, sha256(''), 1000 * $6::bigint, 1000 * $7::bigint, 0, 0, $8, false, '')`,
			id, kind, epoch, sequence, consent.NewID[string](), startMS, endMS, map[string]string{"audio": "opus", "video": "vp8"}[kind])
	}
	segment("audio", 1, 0, 0, 5000)
	segment("audio", 1, 1, 5500, 8000) // a gap of the capture's own to tell
	segment("audio", 2, 0, 11_000, 16_000)
	segment("audio", 4, 0, 20_000, 21_000) // the third process kept nothing
	segment("video", 1, 0, 100, 8100)
	segment("video", 2, 0, 8100, 9000)
	record := w.record(t, w.permits(t, actorOf(w.alice), id))
	ms := func(from, to int64) media.Gap {
		return media.Gap{
			Kind: media.KindAudio, Start: time.Duration(from) * time.Millisecond, End: time.Duration(to) * time.Millisecond,
			Reason: media.GapServerDown,
		}
	}
	if diff := cmp.Diff([]media.Gap{ms(8000, 11_000), ms(16_000, 20_000)}, record.Gaps); diff != "" {
		t.Errorf("gaps (want - got +):\n%s", diff)
	}
}
