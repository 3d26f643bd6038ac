package signaling

import (
	"testing"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

func TestSessionWithoutConsentGetsNoAnswer(t *testing.T) {
	s := serve(t, func(s *server) { s.desk.session.State = consent.SessionScheduled })
	page := s.connect()
	page.send(&Hello{Version: ProtocolVersion})
	if p := page.expectProblem("consent_required"); !p.Fatal {
		t.Error("not fatal")
	}
	page.expectClose(CloseNoConsent)
	if s.desk.opened != 0 {
		t.Error("a room was opened")
	}
}

func TestWithdrawnRecordingStopsWithinASecond(t *testing.T) {
	for name, notified := range map[string]bool{"notified": true, "notification lost": false} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			page := s.join()
			browser := newPublisher(t, publisherOptions{})
			browser.connect(page)
			browser.publish()
			expect(page, receiving)
			s.desk.store.wait(t, "audio kept", func() bool { return s.desk.store.blocks[media.KindAudio] > 10 })
			began := time.Now()
			s.desk.change(func(d *desk) { d.session.Consents.Recording = false })
			if notified {
				s.rooms.ConsentsChanged(t.Context(), s.desk.session.ID)
			}
			if c := expect[*ConsentsMessage](page).Consents; c != (Consents{false, true, true}) {
				t.Errorf("got %+v", c)
			}
			expect(page, func(m *RecordingMessage) bool { return m.State == RecordingOff })
			s.desk.watch.Withdraw(s.desk.session.ID)
			if took := time.Since(began); took > 1500*time.Millisecond {
				t.Errorf("took %v", took)
			}
			s.desk.store.mu.Lock()
			before := s.desk.store.blocks[media.KindAudio]
			s.desk.store.mu.Unlock()
			page.send(&Finish{})
			expect[*Ended](page)
			s.desk.store.mu.Lock()
			defer s.desk.store.mu.Unlock()
			if after := s.desk.store.blocks[media.KindAudio]; after != before {
				t.Errorf("%d blocks were kept after the withdrawal", after-before)
			}
		})
	}
}

func TestWithdrawnTranscriptionStopsCaptions(t *testing.T) {
	s := serve(t)
	page := s.join()
	s.desk.change(func(d *desk) { d.session.Consents.Transcription, d.session.Consents.Assessment = false, false })
	s.rooms.ConsentsChanged(t.Context(), s.desk.session.ID)
	expect[*ConsentsMessage](page)
	s.rooms.Caption(Caption{Session: s.desk.session.ID, Text: "late"})
	s.rooms.CaptionPartial(PartialCaption{Session: s.desk.session.ID, Stable: "late"})
	page.send(&Begin{})
	for {
		m := expect[Message](page)
		switch m.(type) {
		case *CaptionMessage, *CaptionPartialMessage:
			t.Fatal("a caption came after the withdrawal")
		}
		if _, ok := m.(*TurnMessage); ok {
			return
		}
	}
}

func TestLateConsentReadCannotUndoAWithdrawal(t *testing.T) {
	s := serve(t)
	page := s.join()
	s.desk.change(func(d *desk) { d.session.Consents.Recording = false })
	s.rooms.ConsentsChanged(t.Context(), s.desk.session.ID)
	expect[*ConsentsMessage](page)
	s.desk.change(func(d *desk) { d.session.Consents.Recording = true })
	s.rooms.ConsentsChanged(t.Context(), s.desk.session.ID)
	room := s.rooms.find(s.desk.session.ID)
	room.mu.Lock()
	defer room.mu.Unlock()
	if room.consents.Recording {
		t.Error("recording came back")
	}
}

func TestErasedSessionEndsTheRoomWithoutSealing(t *testing.T) {
	s := serve(t)
	page := s.join()
	browser := newPublisher(t, publisherOptions{})
	browser.connect(page)
	browser.publish()
	s.desk.store.wait(t, "audio kept", func() bool { return s.desk.store.blocks[media.KindAudio] > 10 })
	s.desk.change(func(d *desk) { d.sessErr = consent.ErrNotFound })
	if e := expect[*Ended](page); e.Reason != EndErased {
		t.Errorf("got %s", e.Reason)
	}
	s.desk.store.mu.Lock()
	defer s.desk.store.mu.Unlock()
	if s.desk.store.sealed[media.KindAudio] > 0 || len(s.desk.ends) > 0 {
		t.Errorf("sealed %v, ends %v", s.desk.store.sealed, s.desk.ends)
	}
}

func TestLogOutClosesTheConnection(t *testing.T) {
	s := serve(t)
	page := s.join()
	loggedOut := time.Now()
	s.desk.change(func(d *desk) { d.admitErr = ErrUnauthenticated })
	if e := expect[*Ended](page); e.Reason != EndLoggedOut {
		t.Errorf("got %s", e.Reason)
	}
	page.expectClose(CloseLoggedOut)
	if took := time.Since(loggedOut); took > 3*time.Second { // a second, and what a busy machine adds
		t.Errorf("closed after %v", took)
	}
	if s.rooms.Live() != 1 {
		t.Error("the room went with the connection")
	}
}

// The page is put out as soon as another node says so, not at the next look.
func TestLogOutElsewhereClosesTheConnectionAtOnce(t *testing.T) {
	s := serve(t)
	page := s.join()
	c := s.onlyConn()
	s.desk.change(func(d *desk) { d.admitErr = ErrUnauthenticated })
	s.rooms.LogInsEnded(t.Context(), consent.NewID[consent.AccountID]())
	s.rooms.LogInsEnded(t.Context(), s.desk.session.Candidate)
	select {
	case <-c.closing:
	default:
		t.Error("the connection is not closing when the call returns")
	}
	if e := expect[*Ended](page); e.Reason != EndLoggedOut {
		t.Errorf("got %s", e.Reason)
	}
	page.expectClose(CloseLoggedOut)
}

func TestLogInThatCannotBeReadKeepsTheConnection(t *testing.T) {
	s := serve(t)
	page := s.join()
	asked := make(chan struct{}, 8)
	s.desk.change(func(d *desk) { d.admitErr, d.asked = errAway, asked })
	for range 2 { // after the second look the first has had its effect
		select {
		case <-asked:
		case <-time.After(patience):
			t.Fatal("the log-in was not looked at again")
		}
	}
	page.send(&Begin{})
	page.expectPhase(PhasePreparing)
}
