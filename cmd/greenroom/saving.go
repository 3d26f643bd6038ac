package main

import (
	"context"
	"sync"
	"time"

	"greenroom/media"
)

const (
	// lateAfter is how long a sealed segment may wait for the object store before its candidate hears
	// of it: a store in order takes well under a second.
	lateAfter  = 10 * time.Second
	lookEvery  = time.Second
	messageOld = "Your recording is kept on this server for now: the place where it is stored for good does not answer. Nothing is lost so far."
)

// saving is how the recording of one room is doing. It joins what the recorder says, which writes
// segments down here, with whether the object store takes them, into the one status that is told.
type saving struct {
	tell func(media.RecordingStatus) // must not block

	mu       sync.Mutex // guards what follows; held while telling, so that the last word is the newest
	recorder media.RecordingStatus
	late     bool
	told     media.RecordingStatus
}

// setRecorder hears from the recorder.
func (s *saving) setRecorder(status media.RecordingStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recorder = status
	s.update()
}

// setLate hears whether segments wait for the object store.
func (s *saving) setLate(late bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late = late
	s.update()
}

// update tells what changed. The caller holds the mutex.
func (s *saving) update() {
	status := s.recorder
	if s.late && status.State == media.RecordingOn {
		status = media.RecordingStatus{State: media.RecordingDelayed, Message: messageOld}
	}
	if status != s.told {
		s.told = status
		s.tell(status)
	}
}

// watchRooms tells the rooms that are live whether their segments reach the object store.
func (d *desk) watchRooms(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			d.lookAtSaving(now)
		}
	}
}

func (d *desk) lookAtSaving(now time.Time) {
	d.mu.Lock()
	live := len(d.open)
	d.mu.Unlock()
	if live == 0 {
		return
	}
	waiting, err := d.waiting()
	if err != nil {
		d.log.Warn("the spool cannot be looked at", "error", err)
		return
	}
	late := make(map[*saving]bool, live)
	d.mu.Lock()
	for id, room := range d.open {
		oldest, waits := waiting[id]
		late[room.saving] = waits && now.Sub(oldest) > lateAfter
	}
	d.mu.Unlock()
	for s, is := range late {
		s.setLate(is)
	}
}
