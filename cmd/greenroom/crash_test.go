package main

import (
	"testing"
	"time"
)

const (
	// lossAllowed is what a killed server may lose of a clean recording.
	lossAllowed = time.Second
	// lossLimit is that and what a test machine may need to come round to anything while it does the other
	// tests.
	lossLimit = lossAllowed + 500*time.Millisecond
)

// A server that is killed while a candidate speaks comes back with the same data folder, and with all of
// the recording but its last moment.
func TestKilledServerKeepsWhatWasSaid(t *testing.T) {
	t.Parallel()
	dataDir := preparedFolder(t)
	p := startProgram(t, dataDir)
	accounts := p.accounts()
	before := p.logIn(accounts.Candidate)
	ops := p.logIn(accounts.Ops)

	run := p.startRehearsal("--demo", "--answers", "1")
	zero := run.mediaZero()
	session := run.session()
	eventually(t, time.Minute, "segments in the index and open ones in the spool", func() bool {
		return ops.overview(t).Segments >= 4 && len(p.spooled(session)) >= 2
	})
	killed := time.Now()
	p.kill()
	<-run.ended // the candidate sees the connection end
	if len(p.spooled(session)) == 0 {
		t.Fatal("the kill left nothing in the spool: the test shows nothing")
	}

	p = startProgram(t, dataDir) // with the old Postgres perhaps still stopping
	if again := p.accounts(); again != accounts {
		t.Errorf("the demo accounts have other passwords after a crash")
	}
	before.address = p.address
	before.get(t, "/api/v1/sessions/"+session, 200) // the log-in of before still holds
	candidate := p.logIn(accounts.Candidate)
	ops = p.logIn(accounts.Ops)

	uploaded := p.awaitUploaded(ops)
	if objects := len(p.objects(session)); objects != uploaded.Segments {
		t.Errorf("%d rows in the index, %d objects", uploaded.Segments, objects)
	}
	state := candidate.played(t, session)
	lost := killed.Sub(zero) - time.Duration(state.DurationMS)*time.Millisecond
	t.Logf("killed after %v of media, lost %v", killed.Sub(zero), lost)
	if lost > lossLimit || !state.Audio || !state.Video {
		t.Errorf("the recording has %d ms (audio %v, video %v), killed after %v: lost %v, want at most %v",
			state.DurationMS, state.Audio, state.Video, killed.Sub(zero), lost, lossLimit)
	}
}
