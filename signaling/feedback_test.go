package signaling

import (
	"testing"

	"github.com/pion/rtcp"
)

// Pion's default generator asks about 35 times for each lost packet where RTX is in use, because
// repairs do not reach it. Ours must hear of them.
func TestLostPacketsAreAskedForAtMostTwiceEach(t *testing.T) {
	s := serve(t)
	page := s.join()
	browser := newPublisher(t, publisherOptions{loss: 0.05})
	browser.connect(page)
	browser.publish()
	browser.wire.wait(t, "60 lost packets", func() bool { return browser.wire.lost >= 60 })
	browser.wire.mu.Lock()
	lost, nacked := browser.wire.lost, browser.wire.nacked
	browser.wire.mu.Unlock()
	if nacked == 0 || nacked > 2*lost {
		t.Errorf("%d lost packets were asked for %d times; want at least once and at most %d", lost, nacked, 2*lost)
	}
	t.Logf("sent %d, lost %d, asked for %d", browser.wire.sent.Load(), lost, nacked)
}

func TestNothingIsAskedForWithoutLoss(t *testing.T) {
	s := serve(t)
	page := s.join()
	browser := newPublisher(t, publisherOptions{})
	browser.connect(page)
	browser.publish()
	browser.wire.wait(t, "reports of both tracks and arrival times", func() bool {
		return browser.wire.reports >= 4 && browser.wire.twcc >= 15
	})
	browser.wire.mu.Lock()
	defer browser.wire.mu.Unlock()
	if browser.wire.nacked > 0 {
		t.Errorf("%d packets were asked for, none was lost", browser.wire.nacked)
	}
	if browser.wire.twcc > 15*browser.wire.reports {
		t.Errorf("%d arrival messages beside %d reports: more than ten a second", browser.wire.twcc, browser.wire.reports)
	}
}

// What the sender is told about arrivals must fit what it sent: a repair or a probe that is left out
// would look like loss.
func TestSenderHearsOfEveryArrival(t *testing.T) {
	s := serve(t)
	page := s.join()
	browser := newPublisher(t, publisherOptions{})
	browser.connect(page)
	var told, missing int
	browser.wire.mu.Lock()
	browser.wire.heard = func(p *rtcp.TransportLayerCC) {
		arrived := len(p.RecvDeltas)
		told += int(p.PacketStatusCount)
		missing += int(p.PacketStatusCount) - arrived
	}
	browser.wire.mu.Unlock()
	browser.publish()
	browser.wire.wait(t, "200 packets told of", func() bool { return told >= 200 })
	browser.wire.mu.Lock()
	defer browser.wire.mu.Unlock()
	if missing > 0 {
		t.Errorf("%d of %d packets were told to be lost, none was", missing, told)
	}
}

func TestKeyFrameIsAskedForAtTheStart(t *testing.T) {
	s := serve(t)
	page := s.join()
	browser := newPublisher(t, publisherOptions{deltaOnly: true})
	browser.connect(page)
	browser.publish()
	browser.wire.wait(t, "a request for a key frame", func() bool { return len(browser.wire.plis) > 0 })
}
