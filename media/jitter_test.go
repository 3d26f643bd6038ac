package media

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// sinkLog notes what a jitter buffer lets go: "5" for a packet, "-2" for two given up.
type sinkLog struct {
	list []string
}

func (s *sinkLog) released(p packet, _ time.Time) {
	if string(p.payload) != payloadOf(p.sequence) {
		s.list = append(s.list, "bad payload")
	}
	s.list = append(s.list, fmt.Sprint(p.sequence))
}

func (s *sinkLog) missed(count int64) { s.list = append(s.list, fmt.Sprint(-count)) }

func payloadOf(sequence uint16) string { return fmt.Sprintf("payload %d", sequence) }

func numbered(sequence int64) packet {
	return packet{sequence: uint16(sequence), payload: []byte(payloadOf(uint16(sequence)))} // wraps
}

func TestJitterBufferPutsInOrder(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []int64
		want []string
	}{
		{"in order", []int64{1, 2, 3}, []string{"1", "2", "3"}},
		{"swapped", []int64{1, 3, 2, 4}, []string{"1", "2", "3", "4"}},
		{"across the wrap", []int64{65534, 65536, 65535, 65537}, []string{"65534", "65535", "0", "1"}},
		{"two holes", []int64{1, 3, 5, 2, 4}, []string{"1", "2", "3", "4", "5"}},
		{"still waiting", []int64{1, 3, 4}, []string{"1"}},
		{"after its turn", []int64{5, 4, 6}, []string{"5", "6"}},
		{"more ahead than fits", []int64{1, 3, audioJitterPackets + 3}, []string{"1", "-1", "3"}},
		{"far ahead", []int64{1, 3, 100000}, []string{"1", "-1", "3", fmt.Sprint(-(100000 - audioJitterPackets + 1 - 4))}},
	} {
		var log sinkLog
		j := newJitterBuffer(KindAudio, &log)
		for _, s := range c.in {
			j.push(s, numbered(s), testEpoch)
			j.open()
		}
		if !slices.Equal(log.list, c.want) {
			t.Errorf("%s: %v let go as %v, want %v", c.name, c.in, log.list, c.want)
		}
	}
}

func TestJitterBufferOpensWithTheLowest(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []int64
		want []string
	}{
		{"overtaken at the start", []int64{5, 6, 3, 4}, []string{"3", "4", "5", "6"}},
		{"with a hole", []int64{7, 5, 8}, []string{"5"}},
		{"too far below", []int64{1000, 1001, 1001 - audioJitterPackets}, []string{"1000", "1001"}},
		{"too far above", []int64{1000, 999, 999 + audioJitterPackets}, []string{"999", "1000"}},
	} {
		var log sinkLog
		j := newJitterBuffer(KindAudio, &log)
		for _, s := range c.in {
			j.push(s, numbered(s), testEpoch)
		}
		j.expire(testEpoch.Add(openingWait - ms))
		if len(log.list) > 0 && c.name != "too far above" {
			t.Errorf("%s: let go %v while opening", c.name, log.list)
		}
		j.expire(testEpoch.Add(openingWait))
		if !slices.Equal(log.list, c.want) {
			t.Errorf("%s: %v let go as %v, want %v", c.name, c.in, log.list, c.want)
		}
	}
}

func TestJitterBufferWaitsTwoSeconds(t *testing.T) {
	var log sinkLog
	j := newJitterBuffer(KindVideo, &log)
	second := func(s float64) time.Time { return testEpoch.Add(time.Duration(s * float64(time.Second))) }
	j.push(1, numbered(1), second(0))
	j.open()
	j.push(3, numbered(3), second(0.1))
	j.push(4, numbered(4), second(0.5))
	j.push(6, numbered(6), second(1))
	j.expire(second(2.09))
	if want := []string{"1"}; !slices.Equal(log.list, want) {
		t.Fatalf("after 1.99 s of waiting: %v, want %v", log.list, want)
	}
	j.expire(second(2.1))
	if want := []string{"1", "-1", "3", "4"}; !slices.Equal(log.list, want) {
		t.Fatalf("after 2 s: %v, want %v", log.list, want)
	}
	j.expire(second(2.99))
	j.push(5, numbered(5), second(2.99)) // in time, because its hole was seen at 1 s
	if want := []string{"1", "-1", "3", "4", "5", "6"}; !slices.Equal(log.list, want) {
		t.Fatalf("at the end: %v, want %v", log.list, want)
	}
	if j.push(2, numbered(2), second(3)) {
		t.Error("took a packet that was given up")
	}
}

func TestJitterBufferIsBoundedInBytes(t *testing.T) {
	var log sinkLog
	j := newJitterBuffer(KindVideo, &log)
	j.push(1, numbered(1), testEpoch)
	big := make([]byte, 60000)
	most := 0
	for s := int64(3); s < 200; s++ {
		p := packet{sequence: uint16(s), payload: big}
		j.push(s, p, testEpoch)
		most = max(most, j.bytes)
	}
	if most > videoJitterBytes || !slices.Contains(log.list, "-1") {
		t.Errorf("held up to %d bytes", most)
	}
	j.flush()
	if j.held != 0 || j.bytes != 0 {
		t.Errorf("after the flush %d packets, %d bytes", j.held, j.bytes)
	}
}

func TestJitterBufferFlushes(t *testing.T) {
	var log sinkLog
	j := newJitterBuffer(KindAudio, &log)
	for _, s := range []int64{1, 3, 7, 8} {
		j.push(s, numbered(s), testEpoch)
	}
	j.flush()
	if want := []string{"1", "-1", "3", "-3", "7", "8"}; !slices.Equal(log.list, want) {
		t.Errorf("%v, want %v", log.list, want)
	}
}

// orderSink checks that sequence numbers only rise and that everything is accounted for.
type orderSink struct {
	t    *testing.T
	next int64
}

func (s *orderSink) released(p packet, _ time.Time) {
	if uint16(s.next) != p.sequence { // wraps
		s.t.Fatalf("let go %d, want %d", p.sequence, uint16(s.next)) // wraps
	}
	s.next++
}

func (s *orderSink) missed(count int64) {
	if count <= 0 {
		s.t.Fatalf("%d packets missed", count)
	}
	s.next += count
}

func FuzzJitterBuffer(f *testing.F) {
	f.Add([]byte{0, 2, 1, 9, 3, 255, 128, 7})
	f.Fuzz(func(t *testing.T, b []byte) {
		const first = int64(firstCycle)
		sink := &orderSink{t: t, next: first}
		j := newJitterBuffer(KindAudio, sink)
		held := map[int64]bool{}
		now, base := testEpoch, first
		j.push(first, packet{sequence: 0}, now)
		j.open()
		for i, c := range b {
			now = now.Add(time.Duration(c%64) * 10 * time.Millisecond)
			base += int64(c % 7)
			if c == 255 {
				base += 300
			}
			s := base + int64(int8(b[len(b)-1-i]))/4
			if s < first || held[s] {
				continue
			}
			held[s] = true
			j.push(s, packet{sequence: uint16(s), payload: []byte{c}}, now) // wraps
			j.expire(now)
			if j.held > j.capacity || j.next != sink.next {
				t.Fatalf("held %d, next %d, let go up to %d", j.held, j.next, sink.next)
			}
		}
		j.flush()
		if j.held != 0 || j.bytes != 0 {
			t.Fatalf("after the flush %d packets, %d bytes", j.held, j.bytes)
		}
	})
}

func TestJitterBufferDoesNotAllocate(t *testing.T) {
	sink := &orderSink{t: t, next: 0}
	j := newJitterBuffer(KindVideo, sink)
	payload := make([]byte, 1100)
	s := int64(0)
	push := func(s int64) { j.push(s, packet{sequence: uint16(s), payload: payload}, testEpoch) } // wraps
	swapped := func() {                                                                           // a hole that is filled by the third packet after it
		push(s)
		push(s + 2)
		push(s + 3)
		push(s + 1)
		s += 4
	}
	push(s)
	j.open()
	s++
	swapped()
	if n := testing.AllocsPerRun(1000, swapped); n != 0 {
		t.Errorf("%v allocations for each four packets", n)
	}
}
