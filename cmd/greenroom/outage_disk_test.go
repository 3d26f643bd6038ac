package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The spool's disk, a small real one, fills up while the object store is away: the candidate is told that
// the recording fails, the interview and its captions go on, and when the store is back the recording goes
// on too, with the stretch that is missing listed.
func TestSpoolDiskFullDuringAnInterview(t *testing.T) {
	t.Parallel()
	dataDir := preparedFolder(t)
	spool := filepath.Join(dataDir, "spool")
	if err := syscall.Mount("greenroom-test", spool, "tmpfs", 0, "size=300k"); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(spool, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	store := startMinIO(t)
	bad := startBadStore(t, store)
	settings := store.settings()
	settings[0] = "GREENROOM_S3_ENDPOINT=" + bad.server.URL
	p := startProgram(t, dataDir, settings...)
	candidate, ops := p.logIn(p.accounts().Candidate), p.logIn(p.accounts().Ops)
	run := p.startRehearsal("--demo", "--answers", "2", "--speech", firstSeconds(t, 1, 25))
	session := run.session()
	run.mediaZero()
	bad.set(storeAway)
	run.await("recording failed at ", 1)
	captions := strings.Count(run.said.String(), "caption: ")
	run.await("caption: ", captions+1) // the assessor goes on hearing
	bad.set(storeGood)
	result := run.wait()
	if said := run.said.String(); strings.LastIndex(said, "recording on at ") < strings.LastIndex(said, "recording failed at ") {
		t.Errorf("the candidate was not told that the recording goes on:\n%s", said)
	}
	all := p.awaitUploaded(ops)
	if objects := store.objects(""); objects != all.Segments {
		t.Errorf("%d rows in the index, %d objects", all.Segments, objects)
	}
	candidate.played(t, session)
	gaps := candidate.report(t, session).Gaps
	if len(gaps) == 0 {
		t.Error("something is missing and no gap is listed")
	}
	for _, gap := range gaps {
		if length := time.Duration(gap.EndMS-gap.StartMS) * time.Millisecond; gap.Reason != "storage" || length <= 0 || length > time.Duration(result.InterviewMS)*time.Millisecond {
			t.Errorf("gap %+v, want one that storage is the reason of", gap)
		}
	}
	if len(result.Lines) < 2 {
		t.Errorf("only %q was written down", result.Lines)
	}
}
