package main

import (
	"errors"
	"slices"
	"testing"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

const savedSession = consent.SessionID("session")

// savingDesk is a desk with one room and a spool that the test fills.
func savingDesk(waiting func() (map[consent.SessionID]time.Time, error)) (*desk, *saving, func() []media.RecordingState) {
	var states []media.RecordingState
	s := &saving{tell: func(status media.RecordingStatus) { states = append(states, status.State) }}
	d := &desk{waiting: waiting, log: quiet(), open: map[consent.SessionID]openRoom{savedSession: {saving: s}}}
	return d, s, func() []media.RecordingState { return states }
}

func TestCandidateHearsThatTheStoreIsAwayAndBack(t *testing.T) {
	sealed := time.Now()
	waiting := map[consent.SessionID]time.Time{}
	d, s, told := savingDesk(func() (map[consent.SessionID]time.Time, error) { return waiting, nil })
	s.setRecorder(media.RecordingStatus{State: media.RecordingOn})
	d.lookAtSaving(sealed)
	waiting[savedSession] = sealed
	d.lookAtSaving(sealed.Add(lateAfter)) // not late yet
	d.lookAtSaving(sealed.Add(lateAfter + time.Second))
	d.lookAtSaving(sealed.Add(lateAfter + 2*time.Second)) // told once
	delete(waiting, savedSession)
	d.lookAtSaving(sealed.Add(lateAfter + 3*time.Second))
	s.setRecorder(media.RecordingStatus{State: media.RecordingOff})
	want := []media.RecordingState{media.RecordingOn, media.RecordingDelayed, media.RecordingOn, media.RecordingOff}
	if got := told(); !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}

// A file of another session that never goes, a damaged one perhaps, is no news for this candidate.
func TestCandidateHearsOnlyOfTheirOwnRecording(t *testing.T) {
	d, s, told := savingDesk(func() (map[consent.SessionID]time.Time, error) {
		return map[consent.SessionID]time.Time{"another": time.Now().Add(-time.Hour)}, nil
	})
	s.setRecorder(media.RecordingStatus{State: media.RecordingOn})
	d.lookAtSaving(time.Now())
	if got := told(); !slices.Equal(got, []media.RecordingState{media.RecordingOn}) {
		t.Errorf("told %v, want on", got)
	}
}

func TestWhatIsLostIsNotCalledDelayed(t *testing.T) {
	d, s, told := savingDesk(func() (map[consent.SessionID]time.Time, error) {
		return map[consent.SessionID]time.Time{savedSession: time.Now().Add(-time.Hour)}, nil
	})
	d.lookAtSaving(time.Now()) // before the recorder said anything there is nothing to tell
	if got := told(); len(got) > 0 {
		t.Errorf("told %v before the recording began", got)
	}
	s.setRecorder(media.RecordingStatus{State: media.RecordingFailed, Message: "lost"})
	s.setRecorder(media.RecordingStatus{State: media.RecordingOn})
	s.setRecorder(media.RecordingStatus{State: media.RecordingOff})
	want := []media.RecordingState{media.RecordingFailed, media.RecordingDelayed, media.RecordingOff}
	if got := told(); !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}

func TestSpoolThatCannotBeReadChangesNothing(t *testing.T) {
	d, s, told := savingDesk(func() (map[consent.SessionID]time.Time, error) { return nil, errors.New("disk gone") })
	s.setRecorder(media.RecordingStatus{State: media.RecordingOn})
	d.lookAtSaving(time.Now())
	if got := told(); !slices.Equal(got, []media.RecordingState{media.RecordingOn}) {
		t.Errorf("told %v, want on", got)
	}
}
