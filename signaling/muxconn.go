package signaling

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/ice/v4"
)

const (
	// stunQueue is how many messages may wait for one ICE agent before the newest is dropped. A page checks
	// a few candidates five times a second.
	stunQueue = 32
	// stunLimit is the largest message taken, in bytes; a check is a tenth of it.
	stunLimit = 1500
)

// signOfLife is put in an ICE agent's way when media of its peer were found to be genuine, which the agent
// does not see. Its first byte is of no protocol (RFC 7983, 7), so that nobody takes it for anything else.
var signOfLife = []byte{0xff}

// muxConn is what one ICE agent reads and writes by on one address. Only STUN and signs of life come through it.
type muxConn struct {
	port  *udpPort
	owner *transport
	ufrag string
	queue chan stunMessage

	closing sync.Once
	closed  chan struct{}
}

type stunMessage struct {
	b    []byte
	from netip.AddrPort
}

var (
	_ net.PacketConn           = (*muxConn)(nil)
	_ ice.AddrPortReaderWriter = (*muxConn)(nil)
)

func newMuxConn(port *udpPort, owner *transport, ufrag string) *muxConn {
	return &muxConn{
		port: port, owner: owner, ufrag: ufrag,
		queue: make(chan stunMessage, stunQueue), closed: make(chan struct{}),
	}
}

// put queues a copy of the message, unless too many wait.
func (c *muxConn) put(b []byte, from netip.AddrPort) {
	if len(b) > stunLimit || len(c.queue) == cap(c.queue) {
		return
	}
	select {
	case c.queue <- stunMessage{bytes.Clone(b), from}:
	default:
	}
}

// ReadFromAddrPort waits for the next message.
func (c *muxConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case m := <-c.queue:
		if len(b) < len(m.b) {
			return 0, m.from, io.ErrShortBuffer
		}
		return copy(b, m.b), m.from, nil
	case <-c.closed:
		return 0, netip.AddrPort{}, io.EOF
	}
}

// ReadFrom is ReadFromAddrPort for those who do not know it.
func (c *muxConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteToAddrPort sends one datagram, and from then on what comes from that address is the peer's, unless it is
// in use by another.
func (c *muxConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if !to.IsValid() || !c.port.mux.learn(c, plain(to)) {
		return 0, io.ErrClosedPipe
	}
	return c.port.socket.WriteToAddrPort(b, to)
}

// WriteTo is WriteToAddrPort for those who do not know it.
func (c *muxConn) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, fmt.Errorf("send to a %T", to)
	}
	return c.WriteToAddrPort(b, udp.AddrPort())
}

// Close ends reading. The port is not the conn's to close.
func (c *muxConn) Close() error {
	c.closing.Do(func() {
		close(c.closed)
		m := c.port.mux
		m.mu.Lock()
		defer m.mu.Unlock()
		if c.port.conns[c.ufrag] == c {
			delete(c.port.conns, c.ufrag)
		}
	})
	return nil
}

// LocalAddr is the address that was bound.
func (c *muxConn) LocalAddr() net.Addr { return c.port.socket.LocalAddr() }

// Deadlines are for calls that wait; only reading does, and Close ends it.

// SetDeadline does nothing.
func (c *muxConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (c *muxConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (c *muxConn) SetWriteDeadline(time.Time) error { return nil }
