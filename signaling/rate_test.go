package signaling

import (
	"testing"
	"time"

	"github.com/pion/rtp"
)

// One page cannot fill the disk faster than a good camera does: what is over the rate is dropped, and the
// interview goes on.
func TestMediaOverTheRateIsDropped(t *testing.T) {
	s := serve(t)
	page := s.join()
	browser := newPublisher(t, publisherOptions{})
	browser.connect(page)
	browser.publish()
	expect(page, receiving)
	room := s.rooms.find(s.desk.session.ID)
	room.mu.Lock()
	peer := room.peer
	room.mu.Unlock()
	if peer.intake.dropped.Load() != 0 {
		t.Fatal("packets were dropped at an ordinary rate")
	}
	limit := time.After(patience)
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	payload := make([]byte, 1100)
	for n := uint16(30_000); peer.intake.dropped.Load() == 0; {
		select {
		case <-again.C:
			for range 8 { // 70 Mbit/s
				n++
				_ = browser.video.WriteRTP(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: n, Timestamp: uint32(n) * 3000}, Payload: payload})
			}
		case <-limit:
			t.Fatal("nothing was dropped")
		}
	}
	page.send(&Begin{})
	page.expectPhase(PhasePreparing)
}

func TestBudgetIsFourMegabitsAndOneMebibyteAtOnce(t *testing.T) {
	const packet = 1000
	begin := time.Now()
	var b budget
	passed := func(at time.Duration) (n int) {
		for b.take(begin.Add(at), packet) {
			n++
		}
		return n
	}
	if n := passed(0); n != 1<<20/packet {
		t.Errorf("%d packets of %d bytes passed at once, want %d", n, packet, 1<<20/packet)
	}
	// 576 bytes were left of the burst.
	if n := passed(time.Second); n != 500 {
		t.Errorf("%d packets passed a second later, want 500", n)
	}
	if n := passed(900 * time.Millisecond); n != 0 {
		t.Errorf("%d packets passed at a time that was over already", n)
	}
	if n := passed(time.Hour); n != 1<<20/packet {
		t.Errorf("%d packets passed after an hour, want the burst", n)
	}
	steady := 0
	for ms := range 10_000 { // a packet a millisecond is twice the rate
		if b.take(begin.Add(2*time.Hour+time.Duration(ms)*time.Millisecond), packet) {
			steady++
		}
	}
	if want := 5000 + 1<<20/packet; steady < want-1 || steady > want+1 {
		t.Errorf("%d packets passed in ten seconds, want about %d", steady, want)
	}
}
