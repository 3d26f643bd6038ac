package signaling

import (
	"testing"
	"time"

	"greenroom/consent"
)

// What the desk keeps of a room it keeps until the room is gone: it must hear of that once, however
// the room goes.
func TestDeskHearsOnceThatARoomIsGone(t *testing.T) {
	finish := func(s *server) { s.join().send(&Finish{}) }
	for name, c := range map[string]struct {
		setUp func(*server)
		act   func(*server)
		ends  int
	}{
		"finished": {nil, finish, 1},
		"abandoned": {
			func(s *server) { s.rooms.abandonAfter = time.Millisecond },
			func(s *server) { must(s.t, s.join().ws.Close()) }, 1,
		},
		"time limit": {func(s *server) { s.rooms.longest = time.Millisecond }, func(s *server) { s.join() }, 1},
		"erased": {nil, func(s *server) {
			s.join()
			s.desk.change(func(d *desk) { d.sessErr = consent.ErrNotFound })
		}, 0},
		"server stops": {nil, func(s *server) {
			s.join()
			must(s.t, s.rooms.Close(t.Context()))
		}, 0},
		"server stops before the end is stored": {nil, func(s *server) {
			page := s.join()
			s.desk.change(func(d *desk) { d.endErr = errAway })
			page.send(&Finish{})
			expect[*Ended](page)
			must(s.t, s.rooms.Close(t.Context()))
		}, 0},
		"panic": {nil, func(s *server) {
			s.join()
			s.rooms.find(s.desk.session.ID).acts <- request{act: "panic"}
		}, 0},
		"refused": {func(s *server) { s.desk.openErr = errAway }, func(s *server) {
			page := s.connect()
			page.send(&Hello{Version: ProtocolVersion})
			page.expectClose(CloseTryLater)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(s *server) {
				if c.setUp != nil {
					c.setUp(s)
				}
			})
			c.act(s)
			select {
			case <-s.desk.closed:
			case <-time.After(patience):
				t.Fatal("the desk did not hear of it")
			}
			must(t, s.rooms.Close(t.Context())) // after it nothing of the room is left that could call again
			s.desk.mu.Lock()
			defer s.desk.mu.Unlock()
			if len(s.desk.closes) != 1 || s.desk.closes[0] != s.desk.session.ID {
				t.Errorf("closed %v, want only %s", s.desk.closes, s.desk.session.ID)
			}
			if len(s.desk.ends) != c.ends {
				t.Errorf("ended by %v, want %d ends", s.desk.ends, c.ends)
			}
		})
	}
}

// While the desk waits for the scribe the page is still there to read.
func TestLastCaptionComesBeforeTheGoodbye(t *testing.T) {
	farewell := make(chan struct{})
	s := serve(t, func(s *server) { s.desk.farewell = farewell })
	page := s.join()
	page.send(&Finish{})
	page.expectPhase(PhaseFinished)
	s.rooms.Caption(Caption{Session: s.desk.session.ID, Epoch: 1, Text: "my last words"})
	if m := expect[*CaptionMessage](page); m.Text != "my last words" {
		t.Errorf("got %q", m.Text)
	}
	select {
	case m := <-page.in:
		t.Errorf("got %s before the end is stored", describe([]Message{m}))
	case <-s.desk.closed:
		t.Error("closed before the end is stored")
	default:
	}
	close(farewell)
	if e := expect[*Ended](page); e.Reason != EndFinished {
		t.Errorf("ended by %s", e.Reason)
	}
	page.expectClose(CloseEnded)
}
