package signaling

import (
	"context"
	"slices"

	"greenroom/media"
)

func (r *Room) mute(c *conn, m *Muted) {
	r.mu.Lock()
	p := r.peer
	mine := r.peerConn == c // a program's microphone is not the page's to mute
	r.mu.Unlock()
	if p != nil && mine {
		p.mute(media.Kind(m.Kind), m.Muted)
	}
}

func (r *Room) candidate(c *conn, init ICECandidateInit) {
	r.mu.Lock()
	p, program := r.peer, r.program
	r.mu.Unlock()
	if program != nil {
		return // what trickles of an offer that a program took the place of
	}
	if p == nil {
		c.send(&Problem{Code: "out_of_order", Message: "The page sent a candidate before an offer.", Next: "Reload the page."})
		return
	}
	ok, err := p.countCandidate(init)
	switch {
	case !ok:
		c.send(&Problem{
			Code: "too_many_candidates", Message: "The page sent more than 32 candidates; the rest is not used.",
			Next: "Nothing needs to be done if the connection works.",
		})
	case err != nil:
		c.send(&Problem{Code: "bad_candidate", Message: "The server did not understand a candidate.", Next: "Nothing needs to be done if the connection works."})
	}
}

// offer answers an SDP offer, on the same peer if the page's connection is the same.
func (r *Room) offer(ctx context.Context, c *conn, m *Offer) {
	o, refusal := checkOffer(m.SDP)
	if refusal != nil {
		c.send(refusal.problem(false))
		return
	}
	r.mu.Lock()
	program := r.program
	r.mu.Unlock()
	if program != nil && !m.Takeover {
		c.send(&Problem{
			Code: "program_sending", Message: "Sound and picture come from your other program.",
			Next: "Stop it there, or use this page's microphone instead.",
		})
		return
	}
	r.endProgram(program)
	p, refusal := r.peerFor(c, offerIdentity(m.SDP), o)
	if refusal != nil {
		c.send(refusal.problem(false))
		return
	}
	answer, err := p.answer(ctx, m.SDP)
	if err != nil {
		r.log.Info("an offer was refused after the check") // the error may repeat what the page said
		r.dropPeer(p)
		c.send(badOffer("the offer does not fit this server").problem(false))
		return
	}
	c.send(&Answer{SDP: answer})
}

// peerFor returns the peer that a page's offer is for: the present one if it comes from the same
// connection of the page, else a new one in its place.
func (r *Room) peerFor(c *conn, identity string, o offered) (*peer, *Refusal) {
	r.mu.Lock()
	present := r.peer
	r.mu.Unlock()
	video, refusal := r.codecFor(o)
	if refusal != nil {
		return nil, refusal
	}
	if present != nil && present.identity == identity && (len(o.video) == 0 || present.video == video) {
		return present, nil
	}
	if present != nil {
		r.dropPeer(present)
	}
	p, refusal := r.newPeer(video, identity)
	if refusal != nil {
		return nil, refusal
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn != c || r.over != "" || r.program != nil {
		go p.close() // owner: the peer; it has no tracks and ends by itself
		return nil, badOffer("something else sends for this session now")
	}
	if len(o.video) > 0 {
		r.video = video
	}
	r.peer, r.peerConn = p, c
	r.rooms.feedback.add(p)
	return p, nil
}

// codecFor chooses the picture's codec, which holds for the whole session; empty without a picture.
func (r *Room) codecFor(o offered) (media.Codec, *Refusal) {
	r.mu.Lock()
	video := r.video
	r.mu.Unlock()
	if len(o.video) == 0 {
		return video, nil
	}
	if video == "" {
		video = o.video[0]
		if slices.Contains(o.video, media.CodecVP8) {
			video = media.CodecVP8 // every WebRTC browser speaks it
		}
	}
	if !slices.Contains(o.video, video) {
		return "", badOffer("this session's picture is %s and must stay so", video)
	}
	return video, nil
}

// newPeer makes a peer connection that records into the room's capture; nobody knows of it yet.
func (r *Room) newPeer(video media.Codec, identity string) (*peer, *Refusal) {
	engine := video
	if engine == "" {
		engine = media.CodecVP8
	}
	p, err := newPeer(peerConfig{
		api: r.rooms.config.API, video: engine, identity: identity, attach: r.capture.Attach,
		onGone: r.peerGone, log: r.log,
	})
	if err != nil {
		r.log.Error("no peer connection", "error", err)
		return nil, tryLater("no_media", err)
	}
	return p, nil
}

// peerGone hears that a connection failed or was closed by the page.
func (r *Room) peerGone(p *peer) {
	select {
	case r.lost <- p:
	default: // the loop is behind; the connection's end or the next offer closes the peer
	}
}

func (r *Room) dropPeer(p *peer) bool {
	r.mu.Lock()
	present := r.peer == p
	if present {
		r.peer, r.peerConn = nil, nil
	}
	r.mu.Unlock()
	r.closePeer(p)
	return present
}
