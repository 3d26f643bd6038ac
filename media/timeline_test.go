package media

import (
	"math/rand/v2"
	"testing"
	"time"
)

const ms = time.Millisecond

// testSender is a sender with its own clocks, whose captured moments tests know.
type testSender struct {
	ntpAtStart uint64  // what its wall clock reads at media time zero
	speed      float64 // of its clocks against ours
}

func (s testSender) ntp(at time.Duration) uint64 {
	d := float64(at) * s.speed
	return s.ntpAtStart + uint64(d/float64(time.Second)*(1<<32))
}

// testTrack is one track of a sender: frames every step, captured at a known time, each arriving later.
type testTrack struct {
	sender testSender
	line   *timeline
	start  rtpTime // RTP time at media time zero
	rate   int64
	delay  time.Duration // from capture to arrival, at least
	jitter time.Duration // at most more
	random *rand.Rand
	last   time.Duration
}

func newTestTrack(sender testSender, clock *senderClock, rate int64, start rtpTime, delay, jitter time.Duration) *testTrack {
	return &testTrack{
		sender: sender, line: newTimeline(clock, rate, -leastStep), start: start, rate: rate, delay: delay,
		jitter: jitter, random: rand.New(rand.NewPCG(1, uint64(rate))), last: -1,
	}
}

func (k *testTrack) rtp(at time.Duration) rtpTime {
	ticks := int64(float64(at) * k.sender.speed / float64(time.Second) * float64(k.rate))
	return k.start + rtpTime(ticks) // wraps on purpose
}

// capture places a frame captured at the given time and returns by how much it lies after that.
func (k *testTrack) capture(t *testing.T, at time.Duration) time.Duration {
	t.Helper()
	arrival := at + k.delay
	if k.jitter > 0 {
		arrival += time.Duration(k.random.Int64N(int64(k.jitter)))
	}
	placed := k.line.place(k.rtp(at), arrival)
	if placed <= k.last {
		t.Fatalf("frame of %v placed at %v, not after %v", at, placed, k.last)
	}
	k.last = placed
	return placed - at
}

func (k *testTrack) report(at time.Duration) { k.line.senderReport(k.sender.ntp(at), k.rtp(at)) }

// pair runs audio and video for a while and returns the last offsets of both from the moments captured.
func pair(t *testing.T, audio, video *testTrack, from, to time.Duration, reports bool) (a, v time.Duration) {
	t.Helper()
	for at := from; at < to; at += 20 * ms {
		a = audio.capture(t, at)
		if at%(40*ms) == 0 {
			v = video.capture(t, at)
		}
		if reports && at%time.Second == 500*ms {
			video.report(at)
		}
		if reports && at%(5*time.Second) == 2500*ms {
			audio.report(at)
		}
	}
	return a, v
}

func newPair(audioDelay, videoDelay, jitter time.Duration) (audio, video *testTrack) {
	sender := testSender{ntpAtStart: 0xeeee_0000_0000_0000, speed: 1}
	clock := &senderClock{}
	return newTestTrack(sender, clock, 48000, 1<<32-48000*3, audioDelay, jitter),
		newTestTrack(sender, clock, 90000, 12345, videoDelay, jitter)
}

func TestLipSync(t *testing.T) {
	for _, c := range []struct {
		name                           string
		audioDelay, videoDelay, jitter time.Duration
		reports                        bool
		limit                          time.Duration
	}{
		{"same delay, no reports", 30 * ms, 30 * ms, 0, false, 5 * ms},
		{"same delay and jitter, no reports", 30 * ms, 30 * ms, 50 * ms, false, 20 * ms},
		{"slow video", 30 * ms, 180 * ms, 0, true, 5 * ms},
		{"slow video with jitter", 30 * ms, 180 * ms, 60 * ms, true, 10 * ms},
		{"slow audio", 200 * ms, 60 * ms, 20 * ms, true, 10 * ms},
	} {
		audio, video := newPair(c.audioDelay, c.videoDelay, c.jitter)
		a, v := pair(t, audio, video, 0, 10*time.Second, c.reports)
		if off := a - v; off.Abs() > c.limit {
			t.Errorf("%s: audio lies %v from video", c.name, off)
		}
	}
}

func TestLateTrackIsInSyncAtOnce(t *testing.T) {
	audio, video := newPair(30*ms, 60*ms, 10*ms)
	for at := time.Duration(0); at < 5*time.Second; at += 20 * ms {
		audio.capture(t, at)
	}
	a, v := audio.capture(t, 5*time.Second), video.capture(t, 5*time.Second)
	if off := a - v; off.Abs() > 40*ms {
		t.Errorf("audio lies %v from video that starts late", off)
	}
}

func TestLateReportsAreAsGoodAsEarlyOnes(t *testing.T) {
	audio, video := newPair(30*ms, 150*ms, 0)
	for at := time.Duration(0); at < 30*time.Second; at += 20 * ms {
		a := audio.capture(t, at)
		v := video.capture(t, at)
		if at > 10*time.Second && at%time.Second == 0 { // each report is ten seconds old when it comes
			audio.report(at - 10*time.Second)
			video.report(at - 10*time.Second)
		}
		if off := a - v; off.Abs() > 125*ms || at > 15*time.Second && off.Abs() > 10*ms {
			t.Fatalf("at %v audio lies %v from video", at, off)
		}
	}
}

func TestSenderClockStep(t *testing.T) {
	for _, step := range []int64{3, -3, 3600} {
		audio, video := newPair(30*ms, 120*ms, 10*ms)
		pair(t, audio, video, 0, 10*time.Second, true)
		before := audio.sender.ntpAtStart
		audio.sender.ntpAtStart = before + uint64(step<<32) // wraps on purpose
		video.sender.ntpAtStart = audio.sender.ntpAtStart
		lastA, lastV := time.Duration(0), time.Duration(0)
		for at := 10 * time.Second; at < 25*time.Second; at += 40 * ms {
			a, v := pair(t, audio, video, at, at+40*ms, true)
			if at > 10*time.Second && ((a-lastA).Abs() > 40*ms || (v-lastV).Abs() > 40*ms) {
				t.Fatalf("step of %d s: times jump by %v and %v at %v", step, a-lastA, v-lastV, at)
			}
			if off := a - v; off.Abs() > 40*ms {
				t.Fatalf("step of %d s: audio lies %v from video at %v", step, off, at)
			}
			lastA, lastV = a, v
		}
	}
}

func TestClockSkewOverTwoHours(t *testing.T) {
	for _, speed := range []float64{1.0002, 0.9998} {
		audio, video := newPair(30*ms, 90*ms, 20*ms)
		audio.sender.speed, video.sender.speed = speed, speed
		for at := time.Duration(0); at < 2*time.Hour; at += 100 * ms {
			a, v := audio.capture(t, at), video.capture(t, at)
			if at%(5*time.Second) == 0 {
				audio.report(at)
				video.report(at)
			}
			if at < 10*time.Second {
				continue
			}
			if off := a - v; off.Abs() > 40*ms || (a-30*ms).Abs() > 40*ms {
				t.Fatalf("speed %v at %v: audio %v late, video %v late", speed, at, a, v)
			}
		}
	}
}

func TestTimestampWrapAndJump(t *testing.T) {
	line := newTimeline(&senderClock{}, 90000, -leastStep)
	at := time.Duration(0)
	rtp := rtpTime(1<<32 - 90000)
	var placed time.Duration
	for range 300 { // ten seconds across the wrap
		placed = line.place(rtp, at)
		if placed != at {
			t.Fatalf("placed at %v, want %v", placed, at)
		}
		at += 40 * ms
		rtp += 3600
	}
	for _, jump := range []rtpTime{1 << 31, 1<<31 + 5, 90000 * 3600, 1<<32 - 90000*3600} {
		rtp += jump
		for range 10 {
			next := line.place(rtp, at)
			if next <= placed || (next-at).Abs() > 10*ms {
				t.Fatalf("after a jump of %d placed at %v, arrived at %v", jump, next, at)
			}
			placed = next
			at += 40 * ms
			rtp += 3600
		}
	}
}

func TestSenderThatStopsItsClockInAPause(t *testing.T) {
	line := newTimeline(&senderClock{}, 48000, -leastStep)
	at, rtp := time.Duration(0), rtpTime(0)
	run := func(packets int) (last time.Duration) {
		for range packets {
			last = line.place(rtp, at) - at
			at += 20 * ms
			rtp += 960
		}
		return last
	}
	run(100)
	at += 5 * time.Second // nothing is sent, and RTP time stands still
	if off := run(100); off.Abs() > 10*ms {
		t.Errorf("two seconds after the pause frames lie %v off", off)
	}
}

func TestStallIsNoPause(t *testing.T) {
	line := newTimeline(&senderClock{}, 48000, -leastStep)
	at, rtp := time.Duration(0), rtpTime(0)
	for i := range 400 {
		arrival := at
		if at > 2*time.Second && at < 5*time.Second {
			arrival = 5*time.Second + time.Duration(i)*100*time.Microsecond // all at once
		}
		if placed := line.place(rtp, arrival); (placed - at).Abs() > 10*ms {
			t.Fatalf("frame of %v placed at %v", at, placed)
		}
		at += 20 * ms
		rtp += 960
	}
}

func TestFirstPacketsThatQueuedUp(t *testing.T) {
	line := newTimeline(&senderClock{}, 48000, -leastStep)
	var placed time.Duration
	for i := range 400 { // the first half second arrives together at 500 ms
		at := time.Duration(i) * 20 * ms
		placed = line.place(rtpTime(i*960), max(at, 500*ms)) - at
	}
	if placed.Abs() > 10*ms {
		t.Errorf("frames still lie %v late after eight seconds", placed)
	}
}

func TestTheFirstFrameLiesWhereTheFastestPacketSays(t *testing.T) {
	line := newTimeline(&senderClock{}, 48000, -leastStep)
	// All but the first come 40 ms after they were captured, that one 90 ms.
	arrivals := []time.Duration{90 * ms, 60 * ms, 80 * ms, 100 * ms, 120 * ms}
	for i, at := range arrivals {
		line.expect(rtpTime(i*960)-960, at) // wraps
	}
	for i, at := range arrivals {
		want := time.Duration(i)*20*ms + 40*ms
		if placed := line.place(rtpTime(i*960)-960, at); placed != want {
			t.Errorf("frame %d lies at %v, want %v", i, placed, want)
		}
	}
	// The session's first frame cannot lie before zero, and pushes nothing together.
	line = newTimeline(&senderClock{}, 48000, -leastStep)
	for i, at := range arrivals {
		line.expect(rtpTime(i*960), at-90*ms)
	}
	last := -20 * ms
	for i, at := range arrivals {
		placed := line.place(rtpTime(i*960), at-90*ms)
		if placed < 0 || placed-last < 17*ms {
			t.Errorf("frame %d lies at %v, the one before at %v", i, placed, last)
		}
		last = placed
	}
	// What waited for the end of a handshake came together, and the last of it tells when the first was sent.
	line = newTimeline(&senderClock{}, 48000, 3*time.Second)
	for i := range 70 {
		line.expect(rtpTime(i*960), 6400*ms)
	}
	if placed := line.place(0, 6400*ms); placed != 5020*ms {
		t.Errorf("what waited for 1.38 s lies at %v, was sent at 5.02s", placed)
	}
	// A first packet with a time that cannot be decides nothing.
	line = newTimeline(&senderClock{}, 48000, -leastStep)
	line.expect(1<<30, 100*ms)
	line.expect(960, 120*ms)
	if placed := line.place(960, 120*ms); placed != 120*ms {
		t.Errorf("after a wrong time the first frame lies at %v, arrived at 120ms", placed)
	}
}

func TestPicturesThatBeganLateAreRightAtOnce(t *testing.T) {
	for _, hurry := range []bool{true, false} {
		line := newTimeline(&senderClock{}, 90000, -leastStep)
		line.hurry = hurry
		var off time.Duration
		for i := range 20 {
			at := time.Duration(i) * 40 * ms
			off = line.place(rtpTime(i*3600), max(at, 250*ms)) - at // the first ones queue up
		}
		if right := off.Abs() <= 10*ms; right != hurry {
			t.Errorf("hurry %v: after 800 ms frames lie %v late", hurry, off)
		}
	}
}

func TestNTPDuration(t *testing.T) {
	for _, c := range []struct {
		from, to uint64
		want     time.Duration
	}{
		{0, 1 << 32, time.Second},
		{1 << 32, 0, -time.Second},
		{0, 1 << 31, 500 * ms},
		{1 << 31, 0, -500 * ms},
		{0xffffffff_80000000, 0x00000000_80000000, time.Second}, // the era ends in February 2036
	} {
		if got := ntpDuration(c.to - c.from); got != c.want {
			t.Errorf("from %#x to %#x: %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

func TestSessionClock(t *testing.T) {
	var c sessionClock
	if got := c.at(testEpoch); got != 0 {
		t.Errorf("before the origin: %v", got)
	}
	if !c.begin(testEpoch, testEpoch.Add(time.Hour)) || c.begin(testEpoch, testEpoch) {
		t.Error("the origin is set other than once")
	}
	for wall, want := range map[time.Duration]time.Duration{
		time.Hour: time.Hour, time.Hour + ms: time.Hour + ms, time.Minute: time.Minute, -time.Second: 0,
	} {
		if got := c.at(testEpoch.Add(wall)); got != want {
			t.Errorf("at %v: %v, want %v", wall, got, want)
		}
	}
}

func FuzzTimeline(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 255, 128, 0, 0, 9, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		clock := &senderClock{}
		lines := []*timeline{newTimeline(clock, 48000, -leastStep), newTimeline(clock, 90000, -leastStep)}
		last := []time.Duration{-1, -1}
		arrival := time.Duration(0)
		for ; len(b) >= 5; b = b[5:] {
			arrival += time.Duration(b[0]) * 4 * ms
			rtp := rtpTime(b[1])<<24 | rtpTime(b[2])<<12 | rtpTime(b[3])
			i := int(b[4] & 1)
			if b[4]&6 == 6 {
				lines[i].senderReport(uint64(b[1])<<56|uint64(b[2])<<30, rtp)
				continue
			}
			placed := lines[i].place(rtp, arrival)
			if placed <= last[i] {
				t.Fatalf("placed at %v after %v", placed, last[i])
			}
			if placed > arrival+futureLimit+time.Duration(cap(b))*leastStep {
				t.Fatalf("placed at %v, arrived at %v", placed, arrival)
			}
			last[i] = placed
		}
	})
}
