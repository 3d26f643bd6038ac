package media

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

func newTestReceiver() *receiver { return &receiver{ssrc: 5, rate: 90000} }

// noteAll feeds sequence numbers one millisecond apart and returns those taken.
func noteAll(r *receiver, sequences ...uint16) (taken []int64) {
	for i, s := range sequences {
		if extended, fresh := r.note(s, rtpTime(i*90), testEpoch.Add(time.Duration(i)*time.Millisecond)); fresh {
			taken = append(taken, extended-firstCycle)
		}
	}
	return taken
}

func TestReceiverExtendsSequenceNumbers(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []uint16
		want []int64
	}{
		{"in order", []uint16{5, 6, 7}, []int64{5, 6, 7}},
		{"across the wrap", []uint16{65534, 65535, 0, 1}, []int64{65534, 65535, 65536, 65537}},
		{"duplicate", []uint16{5, 6, 5, 6, 7}, []int64{5, 6, 7}},
		{"duplicate after the wrap", []uint16{65535, 0, 65535, 0}, []int64{65535, 65536}},
		{"reordered across the wrap", []uint16{65534, 0, 65535}, []int64{65534, 65536, 65535}},
		{"before the first", []uint16{5, 4, 3}, []int64{5, 4, 3}},
		{"jump ahead", []uint16{5, 2005, 2006}, []int64{5, 2005, 2006}},
		{"stale", []uint16{5000, 3000, 5001}, []int64{5000, 5001}},
		{"a new sequence further back", []uint16{5000, 100, 101, 102, 103}, []int64{5000, 65536 + 102, 65536 + 103}},
		{"stale ones between good ones", []uint16{5000, 100, 101, 5001, 102, 103}, []int64{5000, 5001}},
	} {
		if got := noteAll(newTestReceiver(), c.in...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v became %v, want %v", c.name, c.in, got, c.want)
		}
	}
}

func TestReceiverRemembersExactlyItsWindow(t *testing.T) {
	r := newTestReceiver()
	seen := map[int64]bool{}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 200000 {
		s := int64(60000 + i/2 - random.IntN(300)) // each about twice, out of order, across wraps
		extended, fresh := r.note(uint16(s), 0, testEpoch)
		if i == 0 {
			continue
		}
		if extended-firstCycle != s {
			t.Fatalf("%d was extended to %d", s, extended-firstCycle)
		}
		if i > 1 && fresh == seen[s] {
			t.Fatalf("%d: fresh %v, but seen before %v", s, fresh, seen[s])
		}
		seen[s] = true
	}
}

func TestMissingIsAskedForOnSchedule(t *testing.T) {
	r := newTestReceiver()
	noteAll(r, 10, 12)
	noticed := testEpoch.Add(time.Millisecond)
	var asked []time.Duration
	var spoiled []time.Duration
	for at := time.Duration(0); at < 3*time.Second; at += 10 * time.Millisecond {
		ask, last := r.missing.due(noticed.Add(at), 0, nil)
		if len(ask) > 0 {
			if ask[0] != 11 {
				t.Fatalf("asked for %v, want 11", ask)
			}
			asked = append(asked, at)
		}
		if last != 0 {
			spoiled = append(spoiled, at)
		}
	}
	ms := time.Millisecond
	want := []time.Duration{10 * ms, 110 * ms, 210 * ms, 310 * ms, 410 * ms, 510 * ms, 610 * ms, 710 * ms}
	if !slices.Equal(asked, want) || !slices.Equal(spoiled, []time.Duration{410 * ms, 810 * ms}) {
		t.Errorf("asked at %v, for a key frame at %v; want %v, and after 410 and 810 ms", asked, spoiled, want)
	}
}

func TestMissingWaitsLongerThanTheRoundTrip(t *testing.T) {
	var l missingList
	l.add(11, 11, testEpoch)
	var asked []time.Duration
	for at := time.Duration(0); at < 3*time.Second; at += 10 * time.Millisecond {
		if ask, _ := l.due(testEpoch.Add(at), 400*time.Millisecond, nil); len(ask) > 0 {
			asked = append(asked, at)
		}
	}
	ms := time.Millisecond
	if want := []time.Duration{10 * ms, 610 * ms, 1210 * ms, 1810 * ms}; !slices.Equal(asked, want) {
		t.Errorf("asked at %v, want %v", asked, want)
	}
}

func TestReorderedIsNotAskedFor(t *testing.T) {
	r := newTestReceiver()
	noteAll(r, 10, 12, 11) // 11 comes one millisecond late
	if ask, _ := r.missing.due(testEpoch.Add(time.Second), 0, nil); len(ask) != 0 {
		t.Errorf("asked for %v", ask)
	}
	if r.repaired != 0 {
		t.Error("a reordered packet counts as repaired")
	}
}

func TestTooLargeAHoleIsNotAskedFor(t *testing.T) {
	r := newTestReceiver()
	noteAll(r, 10, 10+maxMissing+2)
	if len(r.missing.holes) != 0 || !r.overrun {
		t.Errorf("%d holes, overrun %v", len(r.missing.holes), r.overrun)
	}
}

// TestRequestsPerLoss guards against the trap of the default generator, which asks some 35 times for
// each lost packet when retransmissions come on another SSRC.
func TestRequestsPerLoss(t *testing.T) {
	for _, roundTrip := range []time.Duration{5 * time.Millisecond, 60 * time.Millisecond, 150 * time.Millisecond, 250 * time.Millisecond, 400 * time.Millisecond} {
		requestsPerLoss(t, roundTrip)
	}
}

func requestsPerLoss(t *testing.T, roundTrip time.Duration) {
	t.Helper()
	r := newTestReceiver()
	random := rand.New(rand.NewPCG(3, 4))
	type answer struct {
		sequence uint16
		at       time.Time
	}
	var answers []answer
	lost, asked, now := 0, 0, testEpoch
	for i := range 20000 {
		now = now.Add(5 * time.Millisecond)
		for len(answers) > 0 && !now.Before(answers[0].at) {
			r.note(answers[0].sequence, 0, now)
			answers = answers[1:]
		}
		if random.IntN(20) == 0 && i > 0 {
			lost++
		} else {
			r.note(uint16(i), rtpTime(i*450), now) // wraps on purpose
		}
		if i%4 == 0 {
			ask, _ := r.missing.due(now, r.roundTrip, nil)
			asked += len(ask)
			for _, s := range ask {
				if random.IntN(20) > 0 {
					answers = append(answers, answer{s, now.Add(roundTrip)})
				}
			}
		}
	}
	if asked > 2*lost || r.received < 19990 {
		t.Errorf("round trip %v: asked %d times for %d lost packets, received %d of 20000", roundTrip, asked, lost, r.received)
	}
	if off := r.roundTrip - roundTrip; off < -20*time.Millisecond || off > max(20*time.Millisecond, roundTrip/2) {
		t.Errorf("round trip measured as %v, is %v", r.roundTrip, roundTrip)
	}
	t.Logf("round trip %v, measured %v: asked %d times for %d lost", roundTrip, r.roundTrip, asked, lost)
}

func TestReceptionReport(t *testing.T) {
	r := newTestReceiver()
	var block rtcp.ReceptionReport
	if r.report(testEpoch, &block) {
		t.Error("a report before the first packet")
	}
	sequence := uint16(65500)
	for i := range 100 {
		if i%10 != 5 { // ten lost
			r.note(sequence, rtpTime(i*900), testEpoch.Add(time.Duration(i)*10*time.Millisecond))
		}
		sequence++
	}
	r.senderReport(0x1122334455667788, testEpoch.Add(500*time.Millisecond))
	if r.report(testEpoch.Add(999*time.Millisecond), &block) {
		t.Error("a report before a second has passed")
	}
	if !r.report(testEpoch.Add(time.Second), &block) {
		t.Fatal("no report after a second")
	}
	want := rtcp.ReceptionReport{
		SSRC: 5, FractionLost: 10 << 8 / 100, TotalLost: 10, LastSequenceNumber: 65500 + 99,
		LastSenderReport: 0x33445566, Delay: 1 << 15, Jitter: 0,
	}
	if block != want {
		t.Errorf("report %+v\n want %+v", block, want)
	}
	b, err := rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{block}}.Marshal()
	var back rtcp.ReceiverReport
	if err != nil || back.Unmarshal(b) != nil || back.Reports[0] != want {
		t.Errorf("on the wire it became %+v, %v", back, err)
	}
	for i := range 10 {
		r.note(sequence, 0, testEpoch.Add(time.Duration(1000+i)*time.Millisecond))
		sequence++
	}
	if r.report(testEpoch.Add(2*time.Second), &block); block.FractionLost != 0 || block.TotalLost != 10 {
		t.Errorf("second report %+v, want no new loss", block)
	}
}

func TestJitterIsThatOfTheRFC(t *testing.T) {
	r := newTestReceiver()
	want := 0.0 // in ticks
	random := rand.New(rand.NewPCG(5, 6))
	last := 0.0
	start := rtpTime(1<<32 - 50*900) // wraps on the way
	for i := range 500 {
		delay := random.IntN(40)
		at := time.Duration(i*10+delay) * time.Millisecond
		r.note(uint16(i), start+rtpTime(i*900), testEpoch.Add(at))
		transit := float64(delay) * 90
		if i > 0 {
			want += (max(transit-last, last-transit) - want) / 16
		}
		last = transit
	}
	if got := float64(r.jitter) / 16; got < want*0.95 || got > want*1.05 {
		t.Errorf("jitter %.0f ticks, want %.0f", got, want)
	}
}
