package signaling

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/stun/v4"
)

// deafSocket receives nothing and swallows what is sent.
type deafSocket struct{ closed chan struct{} }

func (s deafSocket) receive() (datagram, error) {
	<-s.closed
	return datagram{}, net.ErrClosed
}

func (deafSocket) WriteToAddrPort(b []byte, _ netip.AddrPort) (int, error) { return len(b), nil }

func (deafSocket) LocalAddr() net.Addr { return &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 7000} }

func (deafSocket) lost() uint64 { return 0 }

func (s deafSocket) Close() error {
	close(s.closed)
	return nil
}

// deafMux is a mux whose datagrams come from the test.
func deafMux(t testing.TB) *udpMux {
	t.Helper()
	m := newUDPMux([]mediaSocket{deafSocket{make(chan struct{})}}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// connOf is what an ICE agent of the transport would get.
func connOf(t testing.TB, m *udpMux, ufrag string, link *transport) *muxConn {
	t.Helper()
	m.own(ufrag, link)
	conn, err := m.GetConn(ufrag, m.GetListenAddresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	return conn.(*muxConn)
}

func addressOf(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(n >> 8)}), uint16(n))
}

// portTo is a port that knows the transport's peer by an address.
func portTo(t testing.TB, link *transport) (*udpPort, netip.AddrPort) {
	t.Helper()
	m := deafMux(t)
	conn, from := connOf(t, m, "ours", link), addressOf(1)
	if _, err := conn.WriteToAddrPort([]byte{0}, from); err != nil {
		t.Fatal(err)
	}
	return m.ports[0], from
}

// stunFor is a STUN message; of a check if it names a user.
func stunFor(t testing.TB, userName string) []byte {
	t.Helper()
	setters := []stun.Setter{stun.TransactionID, stun.BindingSuccess}
	if userName != "" {
		setters = []stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewSoftware("x"), stun.NewUsername(userName)}
	}
	m, err := stun.Build(setters...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

func TestUserNameIsReadFromSTUN(t *testing.T) {
	whole := stunFor(t, "ours:theirs")
	longer := bytes.Clone(whole)
	binary.BigEndian.PutUint16(longer[2:], 60000)
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"a check":             {whole, "ours"},
		"without a colon":     {stunFor(t, "ours"), "ours"},
		"an answer":           {stunFor(t, ""), ""},
		"cut":                 {whole[:len(whole)-2], ""},
		"a length that lies":  {longer, "ours"},
		"no cookie":           {append(make([]byte, 8), whole[8:]...), ""},
		"nothing":             {nil, ""},
		"a head without more": {whole[:20], ""},
	} {
		got, ok := stunUserName(c.b)
		if string(got) != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, %v; want %q", name, got, ok, c.want)
		}
	}
}

func TestChecksGoToWhomTheyName(t *testing.T) {
	m := deafMux(t)
	first, second := connOf(t, m, "first", &transport{}), connOf(t, m, "second", &transport{})
	from := addressOf(1)
	_, err := first.WriteToAddrPort([]byte{0}, from)
	must(t, err)
	port := m.ports[0]
	port.dispatch(datagram{b: stunFor(t, "second:x"), from: from}) // a page that connects anew from the same port
	port.dispatch(datagram{b: stunFor(t, "nobody:x"), from: from})
	port.dispatch(datagram{b: stunFor(t, ""), from: from}) // an answer to the first
	port.dispatch(datagram{b: stunFor(t, ""), from: addressOf(2)})
	port.dispatch(datagram{b: stunFor(t, "first:x"), from: netip.AddrPortFrom(netip.AddrFrom16(from.Addr().As16()), 9)})
	if len(first.queue) != 2 || len(second.queue) != 1 {
		t.Errorf("%d and %d messages, want 2 and 1", len(first.queue), len(second.queue))
	}
}

func TestStrangersReachNobody(t *testing.T) {
	p, attached := takingPeer(t, browserOffer)
	link := takingLink(p)
	page, keys := seal(t, srtp.ProtectionProfileAeadAes128Gcm)
	link.open(keys)
	port, known := portTo(t, link)
	b := page.rtp(rtp.Header{SSRC: 11, PayloadType: 111}, 0x78, 1)
	port.dispatch(datagram{bytes.Clone(b), addressOf(2), time.Now()})
	if len(*attached) > 0 {
		t.Fatal("a genuine packet was taken from an address that ICE does not know")
	}
	port.dispatch(datagram{b, known, time.Now()})
	if len(*attached) != 1 {
		t.Error("the packet was not taken from the peer's address")
	}
}

func TestWaysOfAPeerAreBoundedAndForgotten(t *testing.T) {
	m := deafMux(t)
	link, other := &transport{}, &transport{}
	conn, others := connOf(t, m, "ours", link), connOf(t, m, "other", other)
	port := m.ports[0]
	for n := range 3 * maxWays {
		for range 2 {
			_, err := conn.WriteToAddrPort([]byte{0}, addressOf(n))
			must(t, err)
		}
	}
	if len(port.ways) != maxWays || len(link.ways) != maxWays {
		t.Errorf("%d ways, want %d", len(port.ways), maxWays)
	}
	last := addressOf(3*maxWays - 1)
	_, err := others.WriteToAddrPort([]byte{0}, last) // the same port of a router, given to another
	must(t, err)
	// New credentials: media go on by the ways of before.
	m.RemoveConnByUfrag("ours")
	if len(port.ways) != maxWays || len(port.conns) != 1 {
		t.Errorf("%d ways and %d conns are left after a restart", len(port.ways), len(port.conns))
	}
	m.forget(link)
	if len(port.ways) != 1 || port.ways[last].owner != other {
		t.Errorf("%d ways are left, want the other's", len(port.ways))
	}
	if _, err := conn.WriteToAddrPort([]byte{0}, addressOf(1)); !errors.Is(err, io.ErrClosedPipe) || len(port.ways) != 1 {
		t.Errorf("a removed conn wrote: %v, %d ways", err, len(port.ways))
	}
	m.forget(other)
	if len(port.ways)+len(m.owners) != 0 {
		t.Errorf("%d ways and %d owners are left", len(port.ways), len(m.owners))
	}
}

// write is a datagram of the conn's agent, by which its peer's address is learnt.
func write(t *testing.T, conn *muxConn, to netip.AddrPort) {
	t.Helper()
	_, err := conn.WriteToAddrPort([]byte{0}, to)
	must(t, err)
}

func TestAddressThatTwoPeersShareCostsNeitherItsOthers(t *testing.T) {
	m := deafMux(t)
	link, other := &transport{}, &transport{}
	conn, others := connOf(t, m, "ours", link), connOf(t, m, "other", other)
	shared, port := addressOf(1), m.ports[0]
	for n := range maxWays - 1 {
		write(t, conn, addressOf(100+n))
	}
	for range 3 * maxWays {
		write(t, others, shared)
		write(t, conn, shared)
		if w := port.ways[shared]; w == nil || w.owner != link {
			t.Fatalf("the address that was just written to is %+v", w)
		}
	}
	if len(link.ways) != maxWays || len(other.ways) != 0 || len(port.ways) != maxWays {
		t.Errorf("%d and %d places of %d ways, want %d, 0 and %d", len(link.ways), len(other.ways), len(port.ways), maxWays, maxWays)
	}
}

func TestWayInUseStays(t *testing.T) {
	p, attached := takingPeer(t, browserOffer)
	link := takingLink(p)
	page, keys := seal(t, srtp.ProtectionProfileAeadAes128Gcm)
	link.open(keys)
	m := deafMux(t)
	conn := connOf(t, m, "ours", link)
	checked, heard := addressOf(1), addressOf(2)
	write(t, conn, heard)
	write(t, conn, checked)
	m.ports[0].dispatch(datagram{page.rtp(rtp.Header{SSRC: 11, PayloadType: 111}, 0x78, 1), heard, time.Now()})
	for n := range 3 * maxWays {
		write(t, conn, addressOf(100+n))
		if m.ports[0].ways[checked] == nil {
			t.Fatal("the way that is checked all the time was forgotten")
		}
		write(t, conn, checked)
	}
	m.ports[0].dispatch(datagram{page.rtp(rtp.Header{SSRC: 11, PayloadType: 111, SequenceNumber: 1}, 0x78, 1), heard, time.Now()})
	if len(*attached) != 1 || (*attached)[0].Stats().Received != 2 {
		t.Error("the way that media come by was forgotten")
	}
	if len(link.ways) != maxWays || len(m.ports[0].ways) != maxWays {
		t.Errorf("%d places, %d ways; want %d", len(link.ways), len(m.ports[0].ways), maxWays)
	}
}

func TestPeerHasWaysAtEachBoundAddress(t *testing.T) {
	m := newUDPMux([]mediaSocket{deafSocket{make(chan struct{})}, deafSocket{make(chan struct{})}}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = m.Close() })
	m.ports[1].name = "another"
	link := &transport{}
	conns := []*muxConn{connOf(t, m, "ours", link), newMuxConn(m.ports[1], link, "ours")}
	m.ports[1].conns["ours"] = conns[1]
	for n := range maxWays {
		for _, conn := range conns {
			write(t, conn, addressOf(n))
		}
	}
	for i, port := range m.ports {
		if len(port.ways) != maxWays {
			t.Errorf("%d ways at address %d, want %d", len(port.ways), i, maxWays)
		}
	}
}

// Anybody who takes part can write another one's address into a check of his own. A router that gives a port
// to another does so when it has long been silent.
func TestAddressStaysWithItsMediaForAWhile(t *testing.T) {
	for name, c := range map[string]struct {
		ago   time.Duration
		moves bool
	}{
		"media now":            {0, false},
		"media a while ago":    {inUse - time.Second, false},
		"media were long ago":  {inUse, true},
		"never heard of media": {-1, true},
	} {
		t.Run(name, func(t *testing.T) {
			p, attached := takingPeer(t, browserOffer)
			link := takingLink(p)
			page, keys := seal(t, srtp.ProtectionProfileAeadAes128Gcm)
			link.open(keys)
			m := deafMux(t)
			m.begun = m.begun.Add(-time.Minute)
			conn, others, from := connOf(t, m, "ours", link), connOf(t, m, "other", &transport{}), addressOf(1)
			write(t, conn, from)
			port := m.ports[0]
			if c.ago >= 0 {
				port.dispatch(datagram{page.rtp(rtp.Header{SSRC: 11, PayloadType: 111}, 0x78, 1), from, time.Now().Add(-c.ago)})
			}
			port.dispatch(datagram{make([]byte, 100), from, time.Now()})          // of no protocol
			port.dispatch(datagram{[]byte("\x80123456789abc"), from, time.Now()}) // forged
			write(t, others, from)
			if moved := port.ways[from].owner != link; moved != c.moves {
				t.Errorf("moved: %v", moved)
			}
			if c.moves {
				return
			}
			port.dispatch(datagram{page.rtp(rtp.Header{SSRC: 11, PayloadType: 111, SequenceNumber: 1}, 0x78, 1), from, time.Now()})
			if got := (*attached)[0].Stats().Received; got != 2 {
				t.Errorf("%d packets were taken, want 2", got)
			}
		})
	}
}

func TestMuxConnEndsAndIsGivenOnce(t *testing.T) {
	m := deafMux(t)
	conn := connOf(t, m, "ours", &transport{})
	if _, err := m.GetConn("ours", m.GetListenAddresses()[0]); err == nil {
		t.Error("one conn was given twice")
	}
	if _, err := m.GetConn("nobody", m.GetListenAddresses()[0]); err == nil {
		t.Error("a conn was given to nobody")
	}
	if _, err := m.GetConn("ours", &net.UDPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 7000}); err == nil {
		t.Error("a conn was given for an address that is not bound")
	}
	for range 2 * stunQueue { // nobody reads
		m.ports[0].dispatch(datagram{b: stunFor(t, "ours:x"), from: addressOf(1)})
	}
	if len(conn.queue) != stunQueue {
		t.Errorf("%d messages wait, want %d", len(conn.queue), stunQueue)
	}
	if _, from, err := conn.ReadFrom(make([]byte, 1500)); err != nil || from.String() != addressOf(1).String() {
		t.Errorf("read from %v, %v", from, err)
	}
	if _, _, err := conn.ReadFrom(make([]byte, 3)); !errors.Is(err, io.ErrShortBuffer) {
		t.Errorf("read into three bytes: %v", err)
	}
	must(t, conn.Close())
	must(t, conn.Close())
	for err := error(nil); !errors.Is(err, io.EOF); _, _, err = conn.ReadFrom(make([]byte, 1500)) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.WriteTo([]byte{0}, net.UDPAddrFromAddrPort(addressOf(1))); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("wrote after the end: %v", err)
	}
	if _, err := conn.WriteTo([]byte{0}, &net.TCPAddr{}); err == nil {
		t.Error("wrote to a TCP address")
	}
}

// brokenSocket fails when it is told to.
type brokenSocket struct {
	deafSocket
	fails chan error
}

func (s brokenSocket) receive() (datagram, error) {
	select {
	case err := <-s.fails:
		return datagram{}, err
	case <-s.closed:
		return datagram{}, net.ErrClosed
	}
}

func TestReaderThatEndsIsToldOf(t *testing.T) {
	logs := &lockedBuffer{}
	broken := brokenSocket{deafSocket{make(chan struct{})}, make(chan error)}
	m := newUDPMux([]mediaSocket{broken, deafSocket{make(chan struct{})}}, slog.New(slog.NewTextHandler(logs, nil)))
	api := &API{udpMux: m}
	rooms := NewRooms(Config{API: api, Log: slog.New(slog.DiscardHandler)})
	must(t, rooms.Check())
	broken.fails <- io.ErrUnexpectedEOF
	waitUntil(t, "the failure", func() bool { return rooms.Check() != nil })
	if err := rooms.Check(); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "192.0.2.1:7000") {
		t.Errorf("got %v", err)
	}
	must(t, m.Close()) // which waits for the readers
	if !strings.Contains(logs.String(), "192.0.2.1:7000") {
		t.Errorf("logged %q", logs)
	}

	closed := newUDPMux([]mediaSocket{deafSocket{make(chan struct{})}}, slog.New(slog.NewTextHandler(logs, nil)))
	before := logs.String()
	must(t, closed.Close())
	if err := closed.check(); err != nil || logs.String() != before {
		t.Errorf("a port that was closed is told of: %v, %q", err, logs)
	}
}
