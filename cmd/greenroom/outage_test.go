package main

import (
	"strings"
	"testing"
	"time"
)

// The object store goes away in the middle of an interview: it goes on, the candidate is told the truth,
// the spool keeps what is recorded, and everything is in the store when it is back.
func TestObjectStoreAwayDuringAnInterview(t *testing.T) {
	t.Parallel()
	store := startMinIO(t)
	p := startProgram(t, preparedFolder(t), store.settings()...)
	candidate, ops := p.logIn(p.accounts().Candidate), p.logIn(p.accounts().Ops)
	run := p.startRehearsal("--demo", "--answers", "1")
	session := run.session()
	run.mediaZero()
	eventually(t, time.Minute, "a first segment in the store", func() bool { return store.objects(session) > 0 })

	store.kill()
	run.await("recording delayed at ", 1)
	if !strings.Contains(run.said.String(), messageOld) {
		t.Errorf("the candidate was not told why")
	}
	if waiting := ops.overview(t); waiting.SpoolFiles == 0 {
		t.Errorf("nothing waits in the spool during the outage: %+v", waiting)
	}
	store.start()
	run.wait() // its checks: the recording is whole, the range right, words and measurements are kept
	run.await("recording on at ", 2)
	if strings.Contains(run.said.String(), "recording failed") {
		t.Errorf("the candidate was told that something is lost")
	}
	all := p.awaitUploaded(ops)
	if objects := store.objects(session); objects != all.Segments {
		t.Errorf("%d rows in the index, %d objects", all.Segments, objects)
	}
	candidate.played(t, session)
	if gaps := candidate.report(t, session).Gaps; len(gaps) > 0 {
		t.Errorf("the recording has gaps: %+v", gaps)
	}
}

// Postgres goes away in the middle of an answer: recording and interview go on, what is gated is refused,
// and words and answers are kept when it is back.
func TestDatabaseAwayDuringAnInterview(t *testing.T) {
	t.Parallel()
	database := startCluster(t)
	p := startProgram(t, t.TempDir(), database.settings()...)
	candidate, ops := p.logIn(p.accounts().Candidate), p.logIn(p.accounts().Ops)
	run := p.startRehearsal("--demo", "--answers", "1")
	session := run.session()
	run.mediaZero()
	eventually(t, time.Minute, "a first segment in the index", func() bool { return ops.overview(t).Segments > 0 })

	database.stop()
	before := p.spooled(session)
	// An utterance ends during the outage, and its line waits; the recording grows meanwhile.
	eventually(t, time.Minute, "a line that waits for the database", func() bool {
		return strings.Contains(p.output.String(), "cannot write a transcript line yet")
	})
	eventually(t, time.Minute, "the spool to grow", func() bool { return sum(p.spooled(session)) > sum(before) })
	for _, path := range []string{"/api/v1/sessions", "/api/v1/sessions/" + session + "/report", "/api/v1/sessions/" + session + "/recording"} {
		if body := candidate.get(t, path, 500); strings.Contains(body, session) || strings.Contains(body, "postgres") {
			t.Errorf("%s says more than that it does not work: %s", path, body)
		}
	}
	candidate.get(t, "/readyz", 503)
	database.start()
	result := run.wait() // its checks: recording whole, answers, words and measurements kept
	p.awaitUploaded(ops)
	candidate.played(t, session)
	report := candidate.report(t, session)
	// The last words may be written down after the room has closed: then they have a line and no caption.
	if lines := report.lines(); len(lines) < len(result.Lines) || len(lines) < 2 || len(report.Loose) > 0 {
		t.Errorf("%d lines are stored, %d of them without their answer; %d captions were shown", len(lines), len(report.Loose), len(result.Lines))
	}
	if len(report.Gaps) > 0 {
		t.Errorf("the recording has gaps: %+v", report.Gaps)
	}
}

func sum(sizes map[string]int64) (all int64) {
	for _, size := range sizes {
		all += size
	}
	return all
}
