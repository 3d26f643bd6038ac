package signaling

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// span is a stretch of time since publishing began. On the wire it is the time at which a packet's content
// was captured, so that a busy machine changes nothing.
type span struct{ from, to time.Duration }

func (s span) holds(at time.Duration) bool { return at >= s.from && at < s.to }

// faults is what a network does to what is sent. Repairs pass through it like everything else.
type faults struct {
	seed    uint64
	loss    float64                       // share of packets that are lost
	outages []span                        // in these everything is lost; repairs of it come
	bursts  []span                        // in these everything is lost, and so is each repair of it
	late    float64                       // share of packets that come 30 to 200 ms late, and so out of order
	twice   float64                       // share of packets that come twice
	until   time.Duration                 // since publishing began; 0: for ever. Nothing tells of a loss that nothing follows.
	far     time.Duration                 // how long everything takes
	slow    time.Duration                 // pictures take that much longer than sound
	first   bool                          // the first packet of the picture is lost
	mutate  func(*rtp.Header)             // before the packet is sent
	report  func(*rtcp.SenderReport) bool // may change a sender report; false: it is lost
}

// wire sits next to the wire: it does what networks do, and counts what comes back.
type wire struct {
	interceptor.NoOp
	late sync.WaitGroup // packets under way

	mu      sync.Mutex
	faults  faults
	lines   []*line
	began   time.Time // when publishing began
	lost    int       // packets, repairs included
	nacked  int       // sequence numbers asked for
	plis    []time.Time
	reports int
	twcc    int
	heard   func(*rtcp.TransportLayerCC)
	last    map[uint32]uint16  // by SSRC, the sequence number sent last
	clocks  map[uint32]*sender // by SSRC, who knows what the RTP clock reads
	arrived map[uint32]uint16  // by SSRC, the highest sequence number that arrived, as reported
	changed chan struct{}

	sent     atomic.Int64
	keyFrame atomic.Bool // asked for, and not yet seen by whoever encodes
}

func newWire(f faults) *wire {
	return &wire{
		faults: f, began: time.Now(), changed: make(chan struct{}),
		last: map[uint32]uint16{}, arrived: map[uint32]uint16{}, clocks: map[uint32]*sender{},
	}
}

func (w *wire) NewInterceptor(string) (interceptor.Interceptor, error) { return w, nil }

// line is one stream on the wire. Each has chances of its own, so that one does not change the other's.
type line struct {
	wire   *wire
	info   *interceptor.StreamInfo
	next   interceptor.RTPWriter
	video  bool
	random *rand.Rand // guarded by wire.mu
}

func (w *wire) BindLocalStream(info *interceptor.StreamInfo, next interceptor.RTPWriter) interceptor.RTPWriter {
	video, kind := strings.HasPrefix(info.MimeType, "video"), uint64(1)
	if video {
		kind = 2
	}
	l := &line{wire: w, info: info, video: video, next: next, random: rand.New(rand.NewPCG(w.faults.seed+1, kind))}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, l)
	return l
}

func (l *line) Write(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
	l.wire.sent.Add(1)
	copies := l.fate(h)
	if mutate := l.wire.faults.mutate; mutate != nil {
		copied := h.Clone()
		mutate(&copied)
		h = &copied
	}
	for _, wait := range copies {
		if wait == 0 {
			if n, err := l.next.Write(h, payload, a); err != nil {
				return n, err
			}
			continue
		}
		later, body := h.Clone(), bytes.Clone(payload) // both are borrowed
		l.wire.late.Go(func() {                        // ends by itself; the publisher's close waits
			<-time.After(wait)
			_, _ = l.next.Write(&later, body, nil)
		})
	}
	return len(payload), nil
}

// fate says how often the packet arrives, and how late.
func (l *line) fate(h *rtp.Header) []time.Duration {
	w := l.wire
	w.mu.Lock()
	defer w.mu.Unlock()
	f, at := &w.faults, time.Since(w.began)
	if clock, ok := w.clocks[l.info.SSRC]; ok {
		at = clock.captured(h.Timestamp)
	}
	repair := h.SSRC != l.info.SSRC
	if !repair {
		last, begun := w.last[h.SSRC]
		repair = begun && h.SequenceNumber-last >= 1<<15 // sound is repaired with its own number
		if !repair {
			w.last[h.SSRC] = h.SequenceNumber
		}
		if !begun && l.video && f.first {
			w.lost++
			return nil
		}
	}
	if f.until > 0 && at >= f.until {
		return []time.Duration{0}
	}
	holds := func(s span) bool { return s.holds(at) }
	if slices.ContainsFunc(f.bursts, holds) || !repair && slices.ContainsFunc(f.outages, holds) || l.random.Float64() < f.loss {
		w.lost++
		return nil
	}
	copies := []time.Duration{f.far}
	if l.video {
		copies[0] += f.slow
	}
	if l.random.Float64() < f.late {
		copies[0] += 30*time.Millisecond + time.Duration(l.random.Int64N(int64(170*time.Millisecond)))
	}
	if l.random.Float64() < f.twice {
		copies = append(copies, copies[0]+time.Duration(l.random.Int64N(int64(50*time.Millisecond))))
	}
	return copies
}

func (w *wire) BindRTCPWriter(next interceptor.RTCPWriter) interceptor.RTCPWriter {
	return interceptor.RTCPWriterFunc(func(packets []rtcp.Packet, a interceptor.Attributes) (int, error) {
		var kept []rtcp.Packet
		for _, packet := range packets {
			if sr, ok := packet.(*rtcp.SenderReport); ok {
				w.setClock(sr)
				if w.faults.report != nil && !w.faults.report(sr) {
					continue
				}
			}
			kept = append(kept, packet)
		}
		if len(kept) == 0 {
			return 0, nil
		}
		return next.Write(kept, a)
	})
}

// setClock makes a sender report true. Pion's own tells when packets went out, and that is late on a busy
// machine; a browser's tells when things were captured.
func (w *wire) setClock(report *rtcp.SenderReport) {
	w.mu.Lock()
	clock := w.clocks[report.SSRC]
	w.mu.Unlock()
	if clock == nil {
		return
	}
	now := time.Now()
	report.RTPTime = clock.rtpTime(now.Sub(clock.began))
	const from1900 = 2_208_988_800 // seconds, to 1970
	report.NTPTime = uint64(now.Unix()+from1900)<<32 | uint64(now.Nanosecond())<<32/uint64(time.Second)
}

func (w *wire) BindRTCPReader(next interceptor.RTCPReader) interceptor.RTCPReader {
	return interceptor.RTCPReaderFunc(func(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
		n, a, err := next.Read(b, a)
		if err != nil {
			return n, a, err
		}
		if packets, err := rtcp.Unmarshal(b[:n]); err == nil {
			w.count(packets)
		}
		return n, a, nil
	})
}

func (w *wire) count(packets []rtcp.Packet) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, packet := range packets {
		switch p := packet.(type) {
		case *rtcp.TransportLayerNack:
			for _, pair := range p.Nacks {
				w.nacked += len(pair.PacketList())
			}
		case *rtcp.PictureLossIndication:
			w.plis = append(w.plis, time.Now())
			w.keyFrame.Store(true)
		case *rtcp.ReceiverReport:
			w.reports += len(p.Reports)
			for _, r := range p.Reports {
				w.arrived[r.SSRC] = uint16(r.LastSequenceNumber)
			}
		case *rtcp.TransportLayerCC:
			w.twcc++
			if w.heard != nil {
				w.heard(p)
			}
		}
	}
	close(w.changed)
	w.changed = make(chan struct{})
}

// wait returns once the condition on the counters holds.
func (w *wire) wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	limit := time.After(patience)
	for {
		w.mu.Lock()
		changed, ok := w.changed, holds()
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("waited %v for %s: lost %d, nacked %d, PLI %d, reports %d, TWCC %d",
				patience, what, w.lost, w.nacked, len(w.plis), w.reports, w.twcc)
		}
	}
}

// settle returns when the other side has told that the last packets arrived.
func (w *wire) settle(t *testing.T) {
	t.Helper()
	w.late.Wait()
	w.mu.Lock()
	clear(w.arrived) // what was told before may be of before the last ones that were late
	w.mu.Unlock()
	w.wait(t, "the last packets to arrive", func() bool { return maps.Equal(w.last, w.arrived) })
}

// begin is the moment that times of faults count from.
func (w *wire) begin(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began = now
}

// burst adds one of faults.bursts.
func (w *wire) burst(s span) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults.bursts = append(w.faults.bursts, s)
}

// asked returns when key frames were asked for, since publishing began.
func (w *wire) asked() (list []time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, at := range w.plis {
		list = append(list, at.Sub(w.began))
	}
	return list
}

// counted returns how many packets were lost, and how many sequence numbers were asked for.
func (w *wire) counted() (lost, nacked int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost, w.nacked
}
