package signaling

import (
	"net/http"
	"sync"
)

// program is what sends a session's sound and picture in the page's place, over WHIP. The page keeps
// everything else: it steers the interview, shows captions and says what is kept. Without a page the
// session ends as it does without a program.
type program struct {
	id      string        // names the resource; what opens it is the token
	request *http.Request // that it came with: whether its token still lives is asked again and again
	done    func()        // gives its place among the account's connections back
	left    sync.Once

	mu    sync.Mutex // one request at a time; guards what follows
	peer  *peer
	offer string // as it was taken last: a restart changes only its ICE credentials
	etag  string // names the ICE session
}

func (g *program) leave() {
	if g != nil {
		g.left.Do(g.done)
	}
}

// publish makes the program the room's source. Whatever sent before is told and closed if the program
// asks to take over, or if nothing comes from it any more; else the program is refused.
func (r *Room) publish(g *program, offer string, o offered, takeover bool) (over EndReason, _ *Refusal) {
	video, refusal := r.codecFor(o)
	if refusal != nil {
		return "", refusal
	}
	p, refusal := r.newPeer(video, offerIdentity(offer))
	if refusal != nil {
		return "", refusal
	}
	r.mu.Lock()
	if r.over != "" || r.peer != nil && !takeover && !r.peer.silent() {
		defer r.mu.Unlock()
		go p.close() // owner: the peer; it has no tracks and ends by itself
		if r.over != "" {
			return r.over, nil
		}
		return "", sendsAlready()
	}
	old, before := r.peer, r.program
	g.peer = p
	r.peer, r.peerConn, r.program = p, nil, g
	speaking := r.speaking
	r.speaking = false
	if len(o.video) > 0 {
		r.video = video
	}
	if r.conn != nil {
		r.conn.send(&ProgramMessage{Sending: true})
	}
	r.rooms.feedback.add(p)
	r.mu.Unlock()
	if speaking {
		r.hush()
	}
	before.leave()
	r.closePeer(old)
	return "", nil
}

// endProgram takes the program away, if it is still the room's source, and tells the page.
func (r *Room) endProgram(g *program) {
	if g == nil {
		return
	}
	r.mu.Lock()
	var p *peer
	if r.program == g {
		p, r.peer, r.program = r.peer, nil, nil
		if r.conn != nil {
			r.conn.send(&ProgramMessage{Sending: false})
		}
	}
	r.mu.Unlock()
	g.leave()
	r.closePeer(p)
}

// dropProgram ends the program whose peer was lost; false if the peer is not a program's.
func (r *Room) dropProgram(p *peer) bool {
	r.mu.Lock()
	g := r.program
	if r.peer != p {
		g = nil
	}
	r.mu.Unlock()
	r.endProgram(g)
	return g != nil
}

// programNamed returns the room's program if it has this id.
func (r *Room) programNamed(id string) *program {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.program == nil || r.program.id != id {
		return nil
	}
	return r.program
}

// silent reports whether nothing has come from the other side for a while, keep-alives included.
func (p *peer) silent() bool { return p.link.silent() }
