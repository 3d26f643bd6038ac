package signaling

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// Steps of FuzzDatagram: each is one byte, with a byte for how long what follows is.
const (
	stepReceive  = iota // a datagram from the peer's address
	stepStranger        // one from an address that nobody asked from
	stepRTP             // a genuine packet, whatever is in it
	stepRTCP            // the same
	stepKeys            // the handshake has keys
	stepAgreed          // the handshake is done
	stepOther           // another peer's agent writes to the peer's address
	stepWrite           // the peer's agent writes to one of many addresses
	steps
)

func step(kind byte, b ...byte) []byte { return append([]byte{kind, byte(len(b))}, b...) }

// crossing is one peer behind a port that it shares with another, and what was sent to it.
type crossing struct {
	t           *testing.T
	peer        *peer
	link, other *transport
	conn        *muxConn
	others      *muxConn
	port        *udpPort
	page        *sealed
	keys        *srtp.Context
	now         time.Time
}

func newCrossing(t *testing.T) *crossing {
	t.Helper()
	p, _ := takingPeer(t, browserOffer)
	link, m := takingLink(p), deafMux(t)
	link.records = newRecords()
	c := &crossing{t: t, peer: p, link: link, other: &transport{}, port: m.ports[0], now: time.Now()}
	c.page, c.keys = seal(t, srtp.ProtectionProfileAeadAes128Gcm)
	c.conn, c.others = connOf(t, m, "ours", link), connOf(t, m, "other", c.other)
	c.other.peer, c.other.done, c.other.records = p, true, newRecords()
	write(t, c.conn, addressOf(1))
	return c
}

// take does one step. What is not genuine, or a stranger's, must not leave anything of media behind.
func (c *crossing) take(kind byte, b []byte) {
	before := c.left()
	switch kind {
	case stepReceive:
		c.receive(b, addressOf(1))
		if sources := len(c.peer.intake.sources) + len(c.link.reporters); sources != before.sources {
			c.t.Errorf("a forged datagram made %d sources of %d", sources, before.sources)
		}
	case stepStranger:
		c.receive(b, addressOf(0xffff))
		if c.left() != before {
			c.t.Errorf("a stranger's datagram made %+v of %+v", c.left(), before)
		}
	case stepRTP:
		if b, err := c.page.keys.EncryptRTP(nil, b, nil); err == nil {
			c.receive(b, addressOf(1))
		}
	case stepRTCP:
		if b, err := c.page.keys.EncryptRTCP(nil, b, nil); err == nil {
			c.receive(b, addressOf(1))
		}
	case stepKeys:
		c.link.open(c.keys)
	case stepAgreed:
		c.link.agreed.Store(true)
	case stepOther:
		write(c.t, c.others, addressOf(1))
	case stepWrite:
		if len(b) > 0 {
			write(c.t, c.conn, addressOf(int(b[0])))
		}
	}
	c.check()
}

func (c *crossing) receive(b []byte, from netip.AddrPort) {
	c.now = c.now.Add(20 * time.Millisecond)
	c.port.dispatch(datagram{bytes.Clone(b), from, c.now})
}

// remains is what datagrams leave behind.
type remains struct{ early, records, sources, ways int }

func (c *crossing) left() remains {
	return remains{
		len(c.link.early), c.link.records.Count(), len(c.peer.intake.sources) + len(c.link.reporters), len(c.port.ways),
	}
}

// check: everything is bounded, and each way is on the list of the peer that it leads to.
func (c *crossing) check() {
	left := c.left()
	if left.early > maxEarly || left.records > maxRecords || len(c.peer.intake.sources) > maxSources || len(c.link.reporters) > maxSources {
		c.t.Errorf("too much is left: %+v", left)
	}
	if len(c.link.ways) > maxWays || len(c.link.ways)+len(c.other.ways) != len(c.port.ways) {
		c.t.Errorf("%d and %d places of %d ways", len(c.link.ways), len(c.other.ways), len(c.port.ways))
	}
	for _, owner := range []*transport{c.link, c.other} {
		for _, at := range owner.ways {
			if w := c.port.ways[at.from]; w == nil || w.owner != owner {
				c.t.Errorf("the way from %v is not its owner's", at.from)
			}
		}
	}
}

// FuzzDatagram: any datagrams, from the peer's address or another one, before and after the keys are there,
// forged and genuine, while the peer and another one look for ways.
func FuzzDatagram(f *testing.F) {
	audio, err := (&rtp.Packet{Header: rtp.Header{Version: 2, SSRC: 11, PayloadType: 111}, Payload: []byte{0x78, 1}}).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	video := rtp.Header{Version: 2, SSRC: 22, PayloadType: 96, Marker: true}
	if err := video.SetExtension(3, []byte{0, 1}); err != nil {
		f.Fatal(err)
	}
	picture, err := (&rtp.Packet{Header: video, Payload: []byte{0x10, 0, 0, 0, 0x9d, 0x01, 0x2a}}).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	repair := bytes.Clone(picture)
	repair[1], repair[11] = 97, 23
	report, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: 11, NTPTime: 1 << 40}})
	if err != nil {
		f.Fatal(err)
	}
	keys, agreed := step(stepKeys), step(stepAgreed)
	records := append(record(recordHandshake, 0, 1, part(5, 0, 1, 2, 3)...), record(recordAlert, 0, 2, 1, 0)...)
	for _, seed := range [][][]byte{
		{step(stepReceive, stunFor(f, "ours:theirs")...), step(stepReceive, stunFor(f, "")...), step(stepStranger, stunFor(f, "other:x")...)},
		{step(stepReceive, records...), keys, agreed, step(stepReceive, records...), step(stepReceive, []byte(strings.Repeat("\x16", 40))...)},
		{step(stepRTP, audio...), step(stepRTCP, report...), keys, step(stepRTP, picture...), step(stepRTP, repair...), step(stepRTCP, report...)},
		{keys, step(stepRTP, audio...), step(stepOther), step(stepRTP, audio...), step(stepReceive, picture...), step(stepStranger, audio...)},
		{step(stepOther), step(stepWrite, 1), step(stepOther), step(stepWrite, 2), step(stepWrite, 3), keys, step(stepRTP, audio...)},
		{step(stepReceive, 0x80, 200), keys, step(stepReceive, 0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 22, 0xbe, 0xde, 0xff, 0xff)},
	} {
		f.Add(bytes.Join(seed, nil))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		c := newCrossing(t)
		for len(script) >= 2 {
			kind, size := script[0]%steps, min(int(script[1]), len(script)-2)
			c.take(kind, script[2:2+size])
			script = script[2+size:]
		}
		c.take(stepKeys, nil)
	})
}
