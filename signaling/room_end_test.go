package signaling

import (
	"strings"
	"testing"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

func TestAbandonedRoomEnds(t *testing.T) {
	s := serve(t, func(s *server) { s.rooms.abandonAfter = time.Millisecond })
	page := s.join()
	page.send(&Begin{})
	page.expectPhase(PhasePreparing)
	must(t, page.ws.Close())
	if reason := <-s.desk.ended; reason != "abandoned" {
		t.Errorf("got %q", reason)
	}
	s.desk.mu.Lock()
	defer s.desk.mu.Unlock()
	if last := s.desk.acts[len(s.desk.acts)-1]; last != ActDrop {
		t.Errorf("the open answer ended by %s", last)
	}
}

func TestSessionHasALongestLength(t *testing.T) {
	s := serve(t, func(s *server) { s.rooms.longest = time.Millisecond })
	page := s.join()
	if e := expect[*Ended](page); e.Reason != EndTimeLimit {
		t.Errorf("got %s", e.Reason)
	}
}

func TestStoreThatIsAwayIsToldAndNothingIsLost(t *testing.T) {
	s := serve(t)
	page := s.join()
	s.desk.change(func(d *desk) { d.actErr, d.endErr, d.sessErr = errAway, errAway, errAway })
	page.send(&Begin{})
	page.expectPhase(PhasePreparing)
	if p := page.expectProblem("store_unreachable"); p.Fatal || p.Next == "" {
		t.Errorf("got %+v", p)
	}
	page.send(&Finish{})
	expect[*Ended](page)
	s.desk.change(func(d *desk) { d.actErr, d.endErr, d.sessErr = nil, nil, nil })
	select {
	case reason := <-s.desk.ended:
		if reason != "finished" {
			t.Errorf("got %q", reason)
		}
	case <-time.After(patience):
		t.Error("the end was not stored after the store came back")
	}
}

func TestRoomThatCannotOpenSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		code string
	}{
		"store away": {errAway, "cannot_open"},
		"refusal":    {&Refusal{Code: "spool_full", Message: "Full.", Next: "Later.", Cause: errAway}, "spool_full"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(s *server) { s.desk.openErr = c.err })
			page := s.connect()
			page.send(&Hello{Version: ProtocolVersion})
			if p := page.expectProblem(c.code); !p.Fatal || strings.Contains(p.Message, "refused") {
				t.Errorf("got %+v", p)
			}
			page.expectClose(CloseTryLater)
			s.desk.change(func(d *desk) { d.openErr = nil })
			s.join() // a failed opening does not stay
		})
	}
}

func TestTwoPagesThatJoinAtOnceGetOneRoom(t *testing.T) {
	hold := make(chan struct{})
	s := serve(t, func(s *server) { s.desk.hold = hold })
	a, b := s.connect(), s.connect()
	a.send(&Hello{Version: ProtocolVersion, Page: pageName})
	b.send(&Hello{Version: ProtocolVersion, Page: pageName})
	close(hold)
	expect[*Welcome](a)
	expect[*Welcome](b)
	s.desk.mu.Lock()
	defer s.desk.mu.Unlock()
	if s.desk.opened != 1 {
		t.Errorf("opened %d times", s.desk.opened)
	}
}

func TestFifthConnectionOfAnAccountIsRefused(t *testing.T) {
	s := serve(t)
	var pages []*page
	for range maxConnsPerAccount {
		p := s.connect() // says nothing, so that nobody takes over
		pages = append(pages, p)
	}
	s.waitConns(maxConnsPerAccount)
	fifth := s.connect()
	fifth.expectProblem("too_many_conns")
	fifth.expectClose(CloseTooManyConns)
	must(t, pages[0].ws.Close())
	s.waitConns(maxConnsPerAccount - 1)
	s.join()
}

func (s *server) waitConns(want int) {
	s.t.Helper()
	limit := time.After(patience)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		s.rooms.conns.mu.Lock()
		n := s.rooms.conns.counts[string(s.desk.session.Candidate)]
		s.rooms.conns.mu.Unlock()
		if n == want {
			return
		}
		select {
		case <-again.C:
		case <-limit:
			s.t.Fatalf("%d connections, want %d", n, want)
		}
	}
}

func TestDrainRefusesNewRoomsAndKeepsLiveOnes(t *testing.T) {
	s := serve(t)
	page := s.join()
	s.rooms.Drain()
	page.send(&Begin{})
	page.expectPhase(PhasePreparing)
	again := s.join() // the live session may still come back
	s.desk.change(func(d *desk) { d.session.ID = consent.NewID[consent.SessionID]() })
	other := s.connect()
	other.send(&Hello{Version: ProtocolVersion})
	if p := other.expectProblem("server_stopping"); !p.Fatal || p.Next == "" {
		t.Errorf("got %+v", p)
	}
	other.expectClose(CloseTryLater)
	s.desk.change(func(d *desk) { d.session.State = consent.SessionLive })
	_ = again
}

func TestCloseTellsPagesSealsAndLeavesTheSessionLive(t *testing.T) {
	s := serve(t)
	page := s.join()
	silent := s.connect()
	browser := newPublisher(t, publisherOptions{})
	browser.connect(page)
	browser.publish()
	s.desk.store.wait(t, "audio kept", func() bool { return s.desk.store.blocks[media.KindAudio] > 10 })
	must(t, s.rooms.Close(t.Context()))
	if e := expect[*Ended](page); e.Reason != EndServerStopping {
		t.Errorf("got %s", e.Reason)
	}
	page.expectClose(CloseStopping)
	silent.expectClose(CloseStopping)
	if s.rooms.Live() != 0 {
		t.Errorf("%d rooms are left", s.rooms.Live())
	}
	s.desk.store.mu.Lock()
	defer s.desk.store.mu.Unlock()
	if s.desk.store.sealed[media.KindAudio] == 0 || len(s.desk.ends) != 0 || s.desk.session.State != consent.SessionLive {
		t.Errorf("sealed %v, ends %v, state %s", s.desk.store.sealed, s.desk.ends, s.desk.session.State)
	}
	late := s.connect()
	late.expectClose(CloseStopping)
}

func TestPanicOfOneRoomEndsNeitherServerNorSession(t *testing.T) {
	s := serve(t)
	page := s.join()
	room := s.rooms.find(s.desk.session.ID)
	room.acts <- request{act: "panic"}
	if e := expect[*Ended](page); e.Reason != EndServerStopping {
		t.Errorf("got %s", e.Reason)
	}
	page.expectClose(CloseStopping)
	s.join()
}

func TestPublisherThatVanishesWithoutAWordIsNoticed(t *testing.T) {
	if iceDisconnected+iceFailed > 30*time.Second {
		t.Error("a vanished publisher would be kept for more than 30 s")
	}
	s := serve(t, func(s *server) {
		s.api.limits = limits{300 * time.Millisecond, time.Second, 100 * time.Millisecond, dtlsConnect}
	})
	page := s.join()
	browser := newPublisher(t, publisherOptions{})
	browser.connect(page)
	browser.publish()
	expect(page, receiving)
	browser.vanish()
	page.expectProblem("connection_lost")
	expect(page, func(m *MediaMessage) bool { return m.Audio == MediaOff })
}

func TestPageThatVanishesIsNoticedByItsSilence(t *testing.T) {
	if pongWithin > 30*time.Second || pongWithin <= pingEvery {
		t.Errorf("pings every %v, pong within %v", pingEvery, pongWithin)
	}
	s := serve(t, func(s *server) { s.rooms.helloLimit = time.Millisecond })
	silent := s.connect()
	silent.expectClose(CloseNoHello)
	s.waitConns(0)
}

func (s *server) onlyConn() *conn {
	s.rooms.mu.Lock()
	defer s.rooms.mu.Unlock()
	for c := range s.rooms.live {
		return c
	}
	s.t.Fatal("no connection")
	return nil
}
