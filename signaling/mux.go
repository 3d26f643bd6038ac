package signaling

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
)

const (
	// maxWays is how many addresses of one peer are known at a time, at each address that is bound here. A
	// peer has one for each of its networks and of the ports that a router gives it.
	maxWays = 16
	// inUse is how long after genuine media an address stays its peer's although another peer was asked for
	// from there: anybody who takes part can write somebody else's address into a check of his own. A router
	// that gives a port to another takes longer.
	inUse = 5 * time.Second
)

// udpMux is the server's UDP port on every address that is bound. It gives each datagram to the peer that
// it is for: STUN by the user name in it, everything else by where it came from. An address is a peer's
// once the peer's ICE agent has written to it, which it only does after a check with the right password.
type udpMux struct {
	begun   time.Time
	log     *slog.Logger
	ports   []*udpPort
	reading sync.WaitGroup

	mu     sync.Mutex
	closed bool
	failed error                 // why a port is not read any more
	owners map[string]*transport // by our ICE user name fragment
}

var _ ice.UDPMux = (*udpMux)(nil)

// udpPort is one bound address.
type udpPort struct {
	mux    *udpMux
	socket mediaSocket
	name   string // address and port

	// Guarded by mux.mu.
	conns map[string]*muxConn // by our ICE user name fragment
	ways  map[netip.AddrPort]*way
}

// way is where datagrams from one address go.
type way struct {
	owner *transport
	conn  *muxConn     // that wrote there last
	heard atomic.Int64 // when genuine media came, in nanoseconds since the mux began; 0: never
}

// place is a way's key over all ports.
type place struct {
	port *udpPort
	from netip.AddrPort
}

// newUDPMux takes the sockets over and begins to read them.
func newUDPMux(sockets []mediaSocket, log *slog.Logger) *udpMux {
	m := &udpMux{begun: time.Now(), log: log, owners: map[string]*transport{}}
	for _, s := range sockets {
		port := &udpPort{
			mux: m, socket: s, name: s.LocalAddr().String(),
			conns: map[string]*muxConn{}, ways: map[netip.AddrPort]*way{},
		}
		m.ports = append(m.ports, port)
		m.reading.Go(port.read) // owner: the mux, whose Close ends it and waits
	}
	return m
}

// Close frees the ports.
func (m *udpMux) Close() error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	var err error
	for _, p := range m.ports {
		err = errors.Join(err, p.socket.Close())
	}
	m.reading.Wait()
	return err
}

// GetListenAddresses is for ICE agents, which make a candidate of each.
func (m *udpMux) GetListenAddresses() []net.Addr {
	addresses := make([]net.Addr, 0, len(m.ports))
	for _, p := range m.ports {
		addresses = append(addresses, p.socket.LocalAddr())
	}
	return addresses
}

// own says whose a user name fragment is, before an ICE agent begins to use it.
func (m *udpMux) own(ufrag string, t *transport) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.owners, t.ufrag)
	m.owners[ufrag], t.ufrag = t, ufrag
}

// GetConn gives an ICE agent what it reads and writes by on one of the addresses.
func (m *udpMux) GetConn(ufrag string, address net.Addr) (net.PacketConn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	owner := m.owners[ufrag]
	i := slices.IndexFunc(m.ports, func(p *udpPort) bool { return p.name == address.String() })
	if m.closed || owner == nil || i < 0 {
		return nil, io.ErrClosedPipe
	}
	port := m.ports[i]
	if port.conns[ufrag] != nil {
		return nil, errors.New("an address is a candidate twice")
	}
	c := newMuxConn(port, owner, ufrag)
	port.conns[ufrag] = c
	return c, nil
}

// RemoveConnByUfrag is called by an ICE agent that ends or takes new credentials. The peer's ways stay until
// forget: media may go on while new ones are looked for.
func (m *udpMux) RemoveConnByUfrag(ufrag string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.owners, ufrag)
	for _, p := range m.ports {
		delete(p.conns, ufrag)
	}
}

// forget is called when a peer has ended.
func (m *udpMux) forget(t *transport) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, at := range t.ways {
		delete(at.port.ways, at.from)
	}
	t.ways = nil
	delete(m.owners, t.ufrag)
}

// learn notes that the conn's peer is to be found at an address, unless that is where another one's media come
// from; false if the conn is no longer in use.
func (m *udpMux) learn(c *muxConn, at netip.AddrPort) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.port.conns[c.ufrag] != c {
		return false
	}
	here := place{c.port, at}
	known := c.port.ways[at]
	if known != nil && known.owner != c.owner {
		if m.isInUse(known) {
			return true
		}
		known.owner.leave(here)
		known = nil
	}
	if known == nil {
		known = &way{owner: c.owner}
		c.port.ways[at] = known
	}
	known.conn = c
	c.owner.leave(here)
	c.owner.ways = append(c.owner.ways, here)
	if len(c.owner.ways) > maxWays*len(m.ports) {
		m.leaveOne(c.owner)
	}
	return true
}

// leave takes a place off the list. The caller holds the mux's mutex.
func (t *transport) leave(here place) {
	if i := slices.Index(t.ways, here); i >= 0 {
		t.ways = slices.Delete(t.ways, i, i+1)
	}
}

// leaveOne forgets the place that was written to the longest time ago, of those that no media come from.
func (m *udpMux) leaveOne(t *transport) {
	i := max(0, slices.IndexFunc(t.ways, func(at place) bool { return !m.isInUse(at.port.ways[at.from]) }))
	delete(t.ways[i].port.ways, t.ways[i].from)
	t.ways = slices.Delete(t.ways, i, i+1)
}

func (m *udpMux) isInUse(w *way) bool {
	heard := time.Duration(w.heard.Load())
	return heard > 0 && time.Since(m.begun)-heard < inUse
}

// read runs until the socket closes. Everybody's media wait for each other here, so nothing in it waits for
// one peer, but for the mutex of the peer whose packet it is.
func (p *udpPort) read() {
	for {
		d, err := p.socket.receive()
		if err != nil {
			p.end(err)
			return
		}
		p.dispatch(d)
	}
}

// end notes why the port is not read any more, unless it was closed: nothing that is sent there arrives then.
func (p *udpPort) end(err error) {
	m := p.mux
	m.mu.Lock()
	closed := m.closed
	if !closed && m.failed == nil {
		m.failed = fmt.Errorf("media port %s: %w", p.name, err)
	}
	m.mu.Unlock()
	if !closed {
		m.log.Error("media are not received any more", "address", p.name, "error", err)
	}
}

// check returns why a port is not read any more; nil while all are.
func (m *udpMux) check() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed
}

// dispatch tells the protocols of one port apart by their first byte (RFC 7983, 7).
func (p *udpPort) dispatch(d datagram) {
	from := plain(d.from)
	switch kindOf(d.b) {
	case kindSTUN:
		if c := p.stunConn(d.b, from); c != nil {
			c.put(d.b, from)
		}
	case kindDTLS, kindMedia:
		w, owner, conn := p.wayOf(from)
		if w == nil {
			return
		}
		genuine, alive := owner.receive(d.b, d.at)
		if genuine {
			w.heard.Store(int64(d.at.Sub(p.mux.begun)))
		}
		if alive {
			conn.put(signOfLife, from)
		}
	case kindOther:
	}
}

// wayOf returns what is known of an address, and nothing of a stranger's.
func (p *udpPort) wayOf(from netip.AddrPort) (*way, *transport, *muxConn) {
	p.mux.mu.Lock()
	defer p.mux.mu.Unlock()
	w := p.ways[from]
	if w == nil {
		return nil, nil, nil
	}
	return w, w.owner, w.conn
}

// stunConn: a request names whom it is for, an answer comes from where we asked.
func (p *udpPort) stunConn(b []byte, from netip.AddrPort) *muxConn {
	ufrag, named := stunUserName(b)
	p.mux.mu.Lock()
	defer p.mux.mu.Unlock()
	if named {
		return p.conns[string(ufrag)]
	}
	if w := p.ways[from]; w != nil {
		return w.conn
	}
	return nil
}

// plain makes two forms of one address equal.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}
