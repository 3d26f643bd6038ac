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
	if peer.dropped.Load() != 0 {
		t.Fatal("packets were dropped at an ordinary rate")
	}
	if rate, burst := float64(peer.limiter.Limit()), peer.limiter.Burst(); rate != 500_000 || burst != 1<<20 {
		t.Errorf("a page may send %v bytes a second, %d at once; want 4 Mbit/s and 1 MiB", rate, burst)
	}
	limit := time.After(patience)
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	payload := make([]byte, 1100)
	for n := uint16(30_000); peer.dropped.Load() == 0; {
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
