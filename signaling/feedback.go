package signaling

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtcp"

	"greenroom/media"
)

const (
	feedbackEvery = 20 * time.Millisecond
	// congestionEvery is how often a sender hears when its packets arrived; Chromium's estimate
	// follows well at 100 ms and each message costs a system call.
	congestionEvery = 100 * time.Millisecond
	// keyFrameEvery is the least time between two requests: a key frame takes a round trip and costs
	// the picture its quality.
	keyFrameEvery = 500 * time.Millisecond
)

// peerFeedback is what the feedback timer keeps for one peer.
type peerFeedback struct {
	packets       []rtcp.Packet
	tracks        []*remoteTrack
	congestionDue time.Time
	keyFrameDue   time.Time
	keyFrameOwed  bool
}

// feedback sends what senders need to hear, to all peers, from one timer: receiver reports, requests
// for lost packets and key frames, and arrival times. Timers per peer would wake the process for each.
type feedback struct {
	mu    sync.Mutex
	peers map[*peer]struct{}
}

func newFeedback() *feedback { return &feedback{peers: map[*peer]struct{}{}} }

func (f *feedback) add(p *peer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.peers[p] = struct{}{}
}

func (f *feedback) remove(p *peer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.peers, p)
}

// run sends until ctx ends.
func (f *feedback) run(ctx context.Context) {
	timer := time.NewTimer(feedbackEvery)
	defer timer.Stop()
	var peers []*peer
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-timer.C:
			timer.Reset(media.UntilBeat(time.Now(), feedbackEvery))
			peers = f.list(peers[:0])
			for _, p := range peers {
				p.sendFeedback(now)
			}
		}
	}
}

func (f *feedback) list(peers []*peer) []*peer {
	f.mu.Lock()
	defer f.mu.Unlock()
	for p := range f.peers {
		peers = append(peers, p)
	}
	return peers
}

// sendFeedback sends one compound of what is due, reduced in size as RFC 5506 allows.
func (p *peer) sendFeedback(now time.Time) {
	defer p.recover("feedback", nil)
	if !p.link.connected() || !p.hasFeedback(now) {
		return
	}
	packets := p.dueFeedback(now)
	if len(packets) > 0 {
		p.link.sendRTCP(packets)
	}
}

// hasFeedback reports whether to look for what is due: at each turn where something is missing, else when
// the arrival times are.
func (p *peer) hasFeedback(now time.Time) bool {
	f := &p.feedback
	f.tracks = p.remoteTracks(f.tracks[:0])
	return f.keyFrameOwed || !now.Before(f.congestionDue) || slices.ContainsFunc(f.tracks, func(t *remoteTrack) bool {
		return t.keyFrame.Load() || t.track.Urgent()
	})
}

// dueFeedback is called after hasFeedback.
func (p *peer) dueFeedback(now time.Time) []rtcp.Packet {
	f := &p.feedback
	f.packets = f.packets[:0]
	var reports []rtcp.ReceptionReport
	for _, t := range f.tracks {
		due := t.track.Feedback(now)
		if due.Report != nil {
			reports = append(reports, *due.Report)
		}
		if len(due.Nack) > 0 {
			f.packets = append(f.packets, &rtcp.TransportLayerNack{
				SenderSSRC: p.ssrc, MediaSSRC: t.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(due.Nack),
			})
		}
		if t.keyFrame.Swap(false) || due.KeyFrame {
			f.keyFrameOwed = true
		}
		if f.keyFrameOwed && t.kind == "video" && !now.Before(f.keyFrameDue) {
			f.keyFrameOwed, f.keyFrameDue = false, now.Add(keyFrameEvery)
			f.packets = append(f.packets, &rtcp.PictureLossIndication{SenderSSRC: p.ssrc, MediaSSRC: t.ssrc})
		}
	}
	if len(reports) > 0 {
		// RFC 3550 6.1: a report comes first in its compound.
		f.packets = append([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: p.ssrc, Reports: reports}}, f.packets...)
	}
	if len(f.tracks) > 0 && !now.Before(f.congestionDue) {
		f.congestionDue = now.Add(congestionEvery)
		f.packets = append(f.packets, p.arrivals.Feedback(f.tracks[0].ssrc)...)
	}
	return f.packets
}
