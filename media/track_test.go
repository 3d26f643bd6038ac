package media

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

// bareTrack is a track whose frames go to a recorder that does nothing.
func bareTrack(tb testing.TB, kind Kind, codec Codec) (*Track, *countingRecorder) {
	tb.Helper()
	c := NewCapture(CaptureConfig{})
	var recorder countingRecorder
	c.lanes[kind].recorder = &recorder
	track, err := c.Attach(TrackConfig{Kind: kind, Codec: codec, SSRC: 2})
	if err != nil {
		tb.Fatal(err)
	}
	return track, &recorder
}

type countingRecorder struct{ frames, bytes int }

func (r *countingRecorder) Put(_ Kind, _ Codec, f Frame) {
	r.frames++
	r.bytes += len(f.Payload)
}

func TestTrackCountsWhatItDrops(t *testing.T) {
	track, recorder := bareTrack(t, KindAudio, CodecOpus)
	strange := opusAt(3, 60*ms, 0x78, 1)
	strange[11] = 9 // another SSRC
	other := opusAt(4, 80*ms, 0x78, 1)
	other[1] = 13 // another payload type
	for _, b := range [][]byte{
		opusAt(1, 0, 0x78, 1), opusAt(2, 20*ms, 0x78, 1), opusAt(2, 20*ms, 0x78, 1), nil,
		{0x80},
		strange,
		opusAt(3, 60*ms), other, opusAt(5, 100*ms, 0x7b, 63), opusAt(6, 120*ms, 0x78, 1),
	} {
		track.Push(b, testEpoch)
	}
	track.Feedback(testEpoch.Add(openingWait))
	want := TrackStats{Received: 6, Duplicate: 1, Malformed: 5}
	if got := track.Stats(); got != want || recorder.frames != 3 {
		t.Errorf("stats %+v, %d frames; want %+v and 3", got, recorder.frames, want)
	}
	if due := track.Feedback(testEpoch.Add(time.Second / 2)); len(due.Nack) != 0 {
		t.Errorf("asks for %v, which came", due.Nack)
	}
}

func TestVideoTrackAsksForItsFirstKeyFrame(t *testing.T) {
	track, recorder := bareTrack(t, KindVideo, CodecVP8)
	if !feedback(t, track, testEpoch).KeyFrame {
		t.Fatal("no key frame is asked for at first")
	}
	delta := func(s uint16, payload ...byte) []byte {
		p := rtp.Packet{Header: rtp.Header{Version: 2, Marker: true, SSRC: 2, PayloadType: 96, SequenceNumber: s, Timestamp: uint32(s) * 3000}, Payload: payload}
		b, _ := p.Marshal()
		return b
	}
	asked := 1
	for i := range 200 { // frames nobody can decode, for four seconds
		now := testEpoch.Add(time.Duration(i) * 20 * ms)
		track.Push(delta(uint16(i), 0x10, 1, 2, 3), now)
		if track.Feedback(now).KeyFrame {
			asked++
		}
	}
	if asked != 4 || recorder.frames != 0 {
		t.Errorf("asked %d times in four seconds, kept %d frames", asked, recorder.frames)
	}
	now := testEpoch.Add(4 * time.Second)
	track.Push(delta(200, 0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 64, 0, 64, 0), now)
	for range 300 {
		now = now.Add(20 * ms)
		if track.Feedback(now).KeyFrame {
			t.Fatal("a key frame is asked for after it came")
		}
	}
	if recorder.frames != 1 {
		t.Errorf("%d frames kept, want the key frame", recorder.frames)
	}
	if track.Urgent() {
		t.Error("something is urgent though all came")
	}
}

// Nothing tells that the very first packet was lost, but that what came does not begin a key frame.
func TestLostBeginningIsAskedFor(t *testing.T) {
	key, delta := []byte{0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 64, 0, 64, 0}, []byte{0x10, 1, 2, 3}
	push := func(track *Track, sequence uint16, at time.Duration, payload []byte) {
		b, _ := (&rtp.Packet{Header: rtp.Header{
			Version: 2, Marker: true, SSRC: 2, PayloadType: 96, SequenceNumber: sequence, Timestamp: uint32(sequence) * 3000,
		}, Payload: payload}).Marshal()
		track.Push(b, testEpoch.Add(at))
	}
	track, recorder := bareTrack(t, KindVideo, CodecVP8)
	push(track, 2, 33*ms, delta)
	want := []uint16{65530, 65531, 65532, 65533, 65534, 65535, 0, 1}
	if due := track.Feedback(testEpoch.Add(50 * ms)); !slices.Equal(due.Nack, want) {
		t.Errorf("asks for %v, want %v", due.Nack, want)
	}
	push(track, 3, 66*ms, delta)
	push(track, 1, 250*ms, key)
	push(track, 4, 260*ms, delta)
	if due := track.Feedback(testEpoch.Add(270 * ms)); len(due.Nack) > 0 || recorder.frames != 4 {
		t.Errorf("with the beginning there: asks for %v, %d frames kept, want 4", due.Nack, recorder.frames)
	}

	track, recorder = bareTrack(t, KindVideo, CodecVP8) // a beginning that never comes
	asked := 0
	for at := 0 * ms; at < 2*time.Second; at += 20 * ms {
		push(track, uint16(at/(20*ms)), at, delta)
		asked += len(track.Feedback(testEpoch.Add(at + ms)).Nack)
	}
	push(track, 100, 2*time.Second, key)
	if stats := track.Stats(); asked != 4*mostGuessed || recorder.frames != 1 || stats.Lost != 0 {
		t.Errorf("asked %d times, %d frames kept, %+v", asked, recorder.frames, stats)
	}

	track, _ = bareTrack(t, KindVideo, CodecVP8)
	push(track, 2, 0, key)
	if due := track.Feedback(testEpoch.Add(50 * ms)); len(due.Nack) > 0 {
		t.Errorf("asks for %v before a key frame", due.Nack)
	}
}

// What is in a packet of another codec is as good as lost, and so is what leans on it.
func TestOtherCodecOrLongOutageNeedsAKeyFrame(t *testing.T) {
	key, delta := []byte{0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 64, 0, 64, 0}, []byte{0x10, 1, 2, 3}
	push := func(track *Track, sequence uint16, payloadType uint8, at time.Duration, payload []byte) {
		b, _ := (&rtp.Packet{Header: rtp.Header{
			Version: 2, Marker: true, SSRC: 2, PayloadType: payloadType, SequenceNumber: sequence, Timestamp: uint32(sequence) * 3000,
		}, Payload: payload}).Marshal()
		track.Push(b, testEpoch.Add(at))
	}
	begin := func() (*Track, *countingRecorder) {
		track, recorder := bareTrack(t, KindVideo, CodecVP8)
		push(track, 1, 96, 0, key)
		push(track, 2, 96, 150*ms, delta)
		if recorder.frames != 2 || track.Feedback(testEpoch.Add(200*ms)).KeyFrame {
			t.Fatalf("%d frames at the start", recorder.frames)
		}
		return track, recorder
	}
	track, recorder := begin()
	push(track, 3, 98, 240*ms, delta)
	push(track, 4, 96, 280*ms, delta)
	if !track.Feedback(testEpoch.Add(300 * ms)).KeyFrame {
		t.Error("after another codec no key frame is asked for")
	}
	if push(track, 5, 96, 320*ms, key); recorder.frames != 3 {
		t.Errorf("%d frames kept, want those before the other codec and the key frame", recorder.frames)
	}

	for _, c := range []struct {
		sequence uint16
		at       time.Duration
		asks     bool
	}{
		{5, 400 * ms, false},  // two lost: they are asked for
		{5, 1400 * ms, true},  // after more than a second without anything the sender may have forgotten them
		{3, 1400 * ms, false}, // a sender that was still has lost nothing
	} {
		track, _ := begin()
		push(track, c.sequence, 96, c.at, delta)
		if asks := track.Feedback(testEpoch.Add(c.at)).KeyFrame; asks != c.asks {
			t.Errorf("packet %d after %v: asks for a key frame: %v", c.sequence, c.at, asks)
		}
	}
}

func TestRecorderAsksThroughTheTrack(t *testing.T) {
	c := NewCapture(CaptureConfig{})
	l := c.lanes[KindVideo]
	l.requestKeyFrame() // nobody is there
	asked := 0
	track, err := c.Attach(TrackConfig{Kind: KindVideo, Codec: CodecVP8, RequestKeyFrame: func() { asked++ }})
	if err != nil {
		t.Fatal(err)
	}
	l.requestKeyFrame()
	if asked != 1 {
		t.Errorf("asked %d times, want 1", asked)
	}
	track.Detach()
	l.requestKeyFrame()
	if asked != 1 {
		t.Error("asked a track that is gone")
	}
	if track, err = c.Attach(TrackConfig{Kind: KindVideo, Codec: CodecVP8}); err != nil {
		t.Fatal(err)
	}
	track.key.wanted = false
	l.requestKeyFrame()
	if !track.Feedback(testEpoch).KeyFrame {
		t.Error("Feedback does not ask in place of RequestKeyFrame")
	}
}

func TestDamagedKeyFrameIsAskedForAtOnce(t *testing.T) {
	track, _ := bareTrack(t, KindVideo, CodecVP8)
	packet := func(s uint16, marker bool, payload ...byte) []byte {
		p := rtp.Packet{Header: rtp.Header{Version: 2, Marker: marker, SSRC: 2, PayloadType: 96, SequenceNumber: s, Timestamp: 3000}, Payload: payload}
		b, _ := p.Marshal()
		return b
	}
	now := testEpoch
	track.Feedback(now)
	track.Push(packet(1, false, 0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 64, 0, 64, 0), now)
	track.Push(packet(3, true, 0, 1, 2), now) // 2 never comes
	var asked []time.Duration
	for at := time.Duration(0); at < 2100*ms; at += 20 * ms {
		if track.Feedback(now.Add(at)).KeyFrame {
			asked = append(asked, at)
		}
	}
	if len(asked) != 2 || asked[0] > 900*ms || asked[1] < asked[0]+keyRetry {
		t.Errorf("asked at %v, want when the packet was given up, and a second later", asked)
	}
}

func TestDetachedTrackSaysNothing(t *testing.T) {
	track, recorder := bareTrack(t, KindAudio, CodecOpus)
	track.Push(opusAt(1, 0, 0x78, 1), testEpoch)
	track.Push(opusAt(3, 40*ms, 0x78, 1), testEpoch)
	track.Detach()
	if recorder.frames != 2 {
		t.Errorf("%d frames after Detach, want 2: what waited is let go", recorder.frames)
	}
	if due := track.Feedback(testEpoch.Add(time.Hour)); due.Report != nil || due.Nack != nil || due.KeyFrame {
		t.Errorf("feedback %+v", due)
	}
	track.Push(opusAt(4, 60*ms, 0x78, 1), testEpoch)
	track.SenderReport(1, 2, testEpoch)
	track.Muted(true, testEpoch)
	if recorder.frames != 2 || track.lane.muted {
		t.Error("a detached track took something")
	}
}

func TestReceptionReportOfATrack(t *testing.T) {
	track, _ := bareTrack(t, KindAudio, CodecOpus)
	track.Push(opusAt(1, 0, 0x78, 1), testEpoch)
	track.SenderReport(0x1122334455667788, 0, testEpoch)
	track.SenderReport(0, 0, testEpoch.Add(ms)) // a sender without a clock
	due := track.Feedback(testEpoch.Add(time.Second))
	if due.Report == nil || due.Report.SSRC != 2 || due.Report.LastSenderReport != 0x33445566 || due.Report.Delay != 1<<16 {
		t.Errorf("report %+v", due.Report)
	}
	if track.Feedback(testEpoch.Add(1900*ms)).Report != nil {
		t.Error("two reports within a second")
	}
}

// TestPushDoesNotAllocate holds the packet path to its promise, with reordering and requests.
func TestPushDoesNotAllocate(t *testing.T) {
	for _, kind := range []Kind{KindAudio, KindVideo} {
		codec := map[Kind]Codec{KindAudio: CodecOpus, KindVideo: CodecVP8}[kind]
		track, recorder := bareTrack(t, kind, codec)
		payload := make([]byte, 1000)
		payload[0], payload[1] = 0x78, 1 // one Opus frame
		if kind == KindVideo {
			copy(payload, "\x10\x10\x00\x00\x9d\x01\x2a\x40\x01\xb4\x00") // a key frame
		}
		b := rtpPacket(t, rtp.Header{PayloadType: 96, SSRC: 2, Marker: true}, payload)
		sequence, now := 0, testEpoch
		push := func(s int) {
			b[2], b[3] = byte(s>>8), byte(s)
			ticks := s * 1000
			b[4], b[5], b[6], b[7] = byte(ticks>>24), byte(ticks>>16), byte(ticks>>8), byte(ticks)
			now = now.Add(10 * ms)
			track.Push(b, now)
		}
		group := func() { // a hole that lasts long enough to be asked for
			for _, s := range []int{0, 2, 3, 4, 1} {
				push(sequence + s)
			}
			track.Feedback(now)
			sequence += 5
		}
		group()
		if n := testing.AllocsPerRun(2000, group); n != 0 {
			t.Errorf("%s: %v allocations for each five packets", kind, n)
		}
		if recorder.frames != sequence {
			t.Errorf("%s: %d frames of %d packets", kind, recorder.frames, sequence)
		}
	}
}

func FuzzTrack(f *testing.F) {
	f.Add([]byte("\x1c\x80\x60\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x10\x10\x00\x00\x9d\x01\x2a\x40\x01\xb4\x00\x00\x00\x00"), true)
	f.Add(append([]byte{14}, opusAt(1, 0, 0x78, 1)...), false)
	f.Fuzz(func(t *testing.T, b []byte, video bool) {
		kind, codec := KindAudio, CodecOpus
		if video {
			kind, codec = KindVideo, CodecVP8
		}
		track, _ := bareTrack(t, kind, codec)
		track.config.SSRC = 0
		now := testEpoch
		for len(b) > 1 {
			n := min(int(b[0]), len(b)-1)
			track.Push(b[1:1+n], now)
			track.SenderReport(uint64(b[0])<<56|1, uint32(n), now)
			now = now.Add(time.Duration(b[0]) * 10 * ms)
			if due := feedback(t, track, now); len(due.Nack) > maxNackBatch {
				t.Fatalf("asks for %d packets at once", len(due.Nack))
			}
			b = b[1+n:]
		}
		track.Detach()
		if track.jitter.held != 0 {
			t.Fatalf("%d packets are held after Detach", track.jitter.held)
		}
	})
}

// TestManyGoroutines is for the race detector.
func TestManyGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newCaptureRig(t, nil)
		first := r.attach(KindAudio)
		stop := make(chan struct{})
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for {
				select {
				case <-stop:
					return
				case <-time.After(5 * ms):
					first.Feedback(time.Now())
					first.Stats()
					first.SenderReport(uint64(time.Now().UnixNano()), 0, time.Now())
					r.capture.MediaNow()
				}
			}
		}()
		s := uint16(0)
		start := time.Now()
		r.steps(first, start, &s, 0, time.Second)
		r.capture.SetConsents(allConsents)
		second := r.attach(KindAudio)
		r.steps(second, start, &s, time.Second, 2*time.Second)
		close(stop)
		<-ended
		r.end()
	})
}

// BenchmarkPush is the receiving half alone: what a packet costs up to the recorder's queue.
func BenchmarkPush(b *testing.B) {
	for _, kind := range []Kind{KindAudio, KindVideo} {
		b.Run(string(kind), func(b *testing.B) {
			codec := map[Kind]Codec{KindAudio: CodecOpus, KindVideo: CodecVP8}[kind]
			track, _ := bareTrack(b, kind, codec)
			payload := make([]byte, 1000)
			payload[0], payload[1] = 0x78, 1
			if kind == KindVideo {
				copy(payload, "\x10\x10\x00\x00\x9d\x01\x2a\x40\x01\xb4\x00")
			}
			packet := rtpPacket(b, rtp.Header{PayloadType: 96, SSRC: 2, Marker: true}, payload)
			now := testEpoch
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				ticks := i * 960
				packet[2], packet[3] = byte(i>>8), byte(i)
				packet[4], packet[5], packet[6], packet[7] = byte(ticks>>24), byte(ticks>>16), byte(ticks>>8), byte(ticks)
				now = now.Add(10 * ms)
				track.Push(packet, now)
			}
		})
	}
}
