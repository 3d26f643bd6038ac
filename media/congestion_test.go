package media

import (
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// readFeedback sends the packets over the wire and reads from the bytes what arrived when, as a sender
// would: by sequence number, time since an unknown start.
func readFeedback(t *testing.T, packets []rtcp.Packet) (at map[uint16]time.Duration, order []uint16) {
	t.Helper()
	at = map[uint16]time.Duration{}
	if len(packets) == 0 {
		return at, nil
	}
	b, err := rtcp.Marshal(packets)
	if err != nil {
		t.Fatalf("marshal feedback: %v", err)
	}
	back, err := rtcp.Unmarshal(b)
	if err != nil {
		t.Fatalf("unmarshal feedback: %v", err)
	}
	for _, p := range back {
		feedback, ok := p.(*rtcp.TransportLayerCC)
		if !ok {
			t.Fatalf("read back %T", p)
		}
		var symbols []uint16
		for _, chunk := range feedback.PacketChunks {
			switch c := chunk.(type) {
			case *rtcp.RunLengthChunk:
				for range c.RunLength {
					symbols = append(symbols, c.PacketStatusSymbol)
				}
			case *rtcp.StatusVectorChunk:
				symbols = append(symbols, c.SymbolList...)
			}
		}
		now := time.Duration(feedback.ReferenceTime) * referenceUnit
		deltas := feedback.RecvDeltas
		for i := range feedback.PacketStatusCount {
			sequence := feedback.BaseSequenceNumber + i
			order = append(order, sequence)
			if symbols[i] == rtcp.TypeTCCPacketNotReceived {
				continue
			}
			now += time.Duration(deltas[0].Delta) * time.Microsecond
			deltas = deltas[1:]
			at[sequence] = now
		}
		if len(deltas) != 0 {
			t.Fatalf("%d deltas too many", len(deltas))
		}
	}
	return at, order
}

// sameTimes compares arrivals up to a common start and the unit's rounding.
func sameTimes(t *testing.T, got map[uint16]time.Duration, want map[uint16]time.Time) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d packets reported, want %d", len(got), len(want))
	}
	var start time.Time
	for s, at := range want {
		d, ok := got[s]
		if !ok {
			t.Errorf("packet %d is not reported", s)
			continue
		}
		if start.IsZero() {
			start = at.Add(-d)
		}
		if off := at.Sub(start.Add(d)); off.Abs() > deltaUnit {
			t.Errorf("packet %d is reported %v off", s, off)
		}
	}
}

func TestArrivalsOnTheWire(t *testing.T) {
	ms := time.Millisecond
	type arrival struct {
		sequence uint16
		at       time.Duration
	}
	run := func(from uint16, n int, step time.Duration) (list []arrival) {
		for i := range n {
			list = append(list, arrival{from + uint16(i), time.Duration(i) * step}) // wraps
		}
		return list
	}
	var every3 []arrival
	for i := range 100 {
		if i%3 != 1 {
			every3 = append(every3, arrival{uint16(i), time.Duration(i) * ms})
		}
	}
	for _, c := range []struct {
		name    string
		in      []arrival
		packets int
	}{
		{"one", []arrival{{7, 0}}, 1},
		{"a run", run(100, 500, 3*ms), 1},
		{"across the wrap", run(65500, 100, 3*ms), 1},
		{"losses", every3, 1},
		{"large deltas", run(5, 20, 100*ms), 1},
		{"one large delta among small ones", append(run(5, 5, ms), arrival{10, 200 * ms}, arrival{11, 201 * ms}), 1},
		{"out of order", []arrival{{1, 0}, {3, 2 * ms}, {2, 90 * ms}, {4, 4 * ms}}, 1},
		{"a delta that does not fit", []arrival{{1, 0}, {2, 9 * time.Second}, {3, 9*time.Second + ms}}, 2},
		{"lost just before a delta that does not fit", []arrival{{1, 0}, {4, 20 * time.Second}}, 2},
		{"a long loss", []arrival{{1, 0}, {900, 10 * ms}}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := NewArrivals(1)
			want := map[uint16]time.Time{}
			for _, in := range c.in {
				want[in.sequence] = testEpoch.Add(in.at)
				a.Add(in.sequence, testEpoch.Add(in.at))
			}
			packets := a.Feedback(2)
			if len(packets) != c.packets {
				t.Errorf("%d packets, want %d", len(packets), c.packets)
			}
			got, _ := readFeedback(t, packets)
			sameTimes(t, got, want)
			if len(a.Feedback(2)) != 0 {
				t.Error("told twice")
			}
		})
	}
}

func TestArrivalsTellOfLatePackets(t *testing.T) {
	a := NewArrivals(1)
	a.Add(10, testEpoch)
	a.Add(13, testEpoch)
	a.Feedback(2)
	a.Add(11, testEpoch.Add(time.Second))
	a.Add(14, testEpoch.Add(time.Second))
	got, order := readFeedback(t, a.Feedback(2))
	if order[0] != 11 || len(got) != 3 || order[len(order)-1] != 14 {
		t.Errorf("second feedback covers %v with arrivals %v", order, got)
	}
	a.Add(10000, testEpoch.Add(2*time.Second)) // the sender began anew
	if _, order := readFeedback(t, a.Feedback(2)); len(order) > arrivalRing || order[len(order)-1] != 10000 {
		t.Errorf("after a jump feedback covers %d numbers", len(order))
	}
	a.Add(5000, testEpoch.Add(2*time.Second))
	if packets := a.Feedback(2); len(packets) != 0 {
		t.Errorf("a packet far too old makes %d feedback packets", len(packets))
	}
}

func TestArrivalsUnderRandomLoss(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	a := NewArrivals(1)
	now := testEpoch
	sequence := uint16(65000)
	all, want := map[uint16]time.Duration{}, map[uint16]time.Time{}
	var counts []uint8
	for i := range 3000 {
		now = now.Add(time.Duration(random.IntN(20000)) * time.Microsecond)
		if random.IntN(10) > 0 {
			a.Add(sequence, now)
			want[sequence] = now
		}
		sequence++
		if i%20 == 19 {
			packets := a.Feedback(2)
			for _, p := range packets {
				counts = append(counts, p.(*rtcp.TransportLayerCC).FbPktCount)
			}
			got, _ := readFeedback(t, packets)
			maps.Copy(all, got)
		}
	}
	packets := a.Feedback(2)
	got, _ := readFeedback(t, packets)
	maps.Copy(all, got)
	sameTimes(t, all, want)
	for i := range counts {
		if counts[i] != uint8(i) { // wraps on purpose
			t.Fatalf("feedback packet %d is numbered %d", i, counts[i])
		}
	}
}

func FuzzArrivals(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 2, 9, 0xff, 0xff, 200})
	f.Fuzz(func(t *testing.T, b []byte) {
		a := NewArrivals(1)
		now := testEpoch
		for ; len(b) >= 3; b = b[3:] {
			now = now.Add(time.Duration(int8(b[2])) * 50 * time.Millisecond)
			a.Add(uint16(b[0])<<8|uint16(b[1]), now)
			if b[2]%7 == 0 {
				readFeedback(t, a.Feedback(2))
			}
		}
		readFeedback(t, a.Feedback(2))
	})
}
