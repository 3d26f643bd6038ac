package media

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/consent"
)

// rig is a recorder in a bubble with a store whose faults the test sets.
type rig struct {
	*Recorder
	store  *memStore
	done   chan error
	cancel context.CancelFunc

	mu       sync.Mutex
	statuses []RecordingStatus
	gaps     []Gap
	asks     []time.Duration
	start    time.Time
	permit   func(context.Context) (consent.Permit, error)
}

func newRig(t *testing.T) *rig {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	g := &rig{store: &memStore{}, done: make(chan error, 1), cancel: cancel, start: time.Now(), permit: capturePermit}
	g.Recorder = NewRecorder(RecorderConfig{
		Session: testSession, Epoch: 3, Store: g.store,
		Permit: func(ctx context.Context) (consent.Permit, error) {
			g.mu.Lock()
			permit := g.permit
			g.mu.Unlock()
			return permit(ctx)
		},
		OnStatus: func(s RecordingStatus) { g.mu.Lock(); g.statuses = append(g.statuses, s); g.mu.Unlock() },
		OnGap:    func(gap Gap) { g.mu.Lock(); g.gaps = append(g.gaps, gap); g.mu.Unlock() },
	})
	go func() { g.done <- g.Run(ctx) }()
	return g
}

// feed sends made-up frames from one media time to another, at their own pace: audio every 20 ms of 80
// bytes, video every 40 ms of 1000 bytes. Key frames come every keyEvery (0: only the first), and when
// asked for.
func (g *rig) feed(from, to time.Duration, keyEvery time.Duration, kinds ...Kind) {
	asked := false
	g.SetKeyFrameRequest(KindVideo, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.asks = append(g.asks, time.Since(g.start))
		asked = keyEvery == 0
	})
	for at := from; at < to; at += 20 * time.Millisecond {
		pass(time.Until(g.start.Add(at)))
		if slices.Contains(kinds, KindAudio) {
			g.Put(KindAudio, CodecOpus, opusFrame(at, 80))
		}
		if slices.Contains(kinds, KindVideo) && at%(40*time.Millisecond) == 0 {
			g.mu.Lock()
			key := at == from || keyEvery > 0 && at%keyEvery == 0 || asked
			asked = false
			g.mu.Unlock()
			g.Put(KindVideo, CodecVP8, videoFrame(at, key, 1000))
		}
		synctest.Wait()
	}
}

func opusFrame(at time.Duration, size int) Frame {
	payload := make([]byte, size)
	payload[0] = 0x78 // CELT, 20 ms, one frame
	return Frame{Time: at, Duration: 20 * time.Millisecond, Key: true, Payload: payload}
}

func videoFrame(at time.Duration, key bool, size int) Frame {
	f := Frame{Time: at, Key: key, Payload: make([]byte, max(size, 10))}
	f.Payload[0] = 1
	if key {
		copy(f.Payload, []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00}) // 320x180
		f.Width, f.Height = 320, 180
	}
	return f
}

// end finishes the recording and returns what Run returned.
func (g *rig) end(t *testing.T) error {
	t.Helper()
	g.Finish()
	err := <-g.done
	g.cancel()
	return err
}

func (g *rig) states() (list []RecordingState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.statuses {
		list = append(list, s.State)
	}
	return list
}

// complete fails the test unless the segments of the kind hold frames every step from 0 to the end.
func complete(t *testing.T, segments []StoredSegment, step, end time.Duration) {
	t.Helper()
	at := time.Duration(0)
	for _, s := range segments {
		for _, b := range s.Table.Blocks {
			if b.Time != at {
				t.Fatalf("segment %s: a frame at %v, want %v", s.ID.ObjectKey(), b.Time, at)
			}
			at += step
		}
	}
	if at != end {
		t.Errorf("frames end at %v, want %v", at, end)
	}
}

func TestRecorderCutsVideoAtTheKeyFrameItAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.feed(0, 26*time.Second, 0, KindAudio, KindVideo)
		if err := g.end(t); err != nil {
			t.Fatal(err)
		}
		for _, kind := range []Kind{KindAudio, KindVideo} {
			segments := g.store.segments(t, kind)
			if len(segments) != 5 {
				t.Fatalf("%s: %d segments in 26 s", kind, len(segments))
			}
			for i, s := range segments {
				if s.ID.Sequence != i || s.ID.Epoch != 3 || s.Forced || !s.Table.Blocks[0].Key || s.Start != s.Table.Blocks[0].Time {
					t.Errorf("%s: segment %d is %+v", kind, i, s.SegmentInfo)
				}
				if length := s.End - s.Start; i < 4 && (length < 6*time.Second || length > 6500*time.Millisecond) {
					t.Errorf("%s: segment %d lasts %v", kind, i, length)
				}
				if i > 0 && s.Start != segments[i-1].End {
					t.Errorf("%s: segment %d begins at %v, the one before ends at %v", kind, i, s.Start, segments[i-1].End)
				}
			}
		}
		complete(t, g.store.segments(t, KindAudio), 20*time.Millisecond, 26*time.Second)
		complete(t, g.store.segments(t, KindVideo), 40*time.Millisecond, 26*time.Second)
		if len(g.asks) != 4 {
			t.Errorf("asked for key frames at %v", g.asks)
		}
		if s := g.store.segments(t, KindVideo)[0]; s.Width != 320 || s.Height != 180 {
			t.Errorf("video is %dx%d", s.Width, s.Height)
		}
	})
}

// Nobody answers: the segment is cut all the same, marked, and the asking goes on.
func TestRecorderForcesASegmentWhenNoKeyFrameComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.feed(0, 20*time.Second, time.Hour, KindVideo)
		if err := g.end(t); err != nil {
			t.Fatal(err)
		}
		segments := g.store.segments(t, KindVideo)
		if len(segments) != 2 || segments[0].Forced || !segments[1].Forced || segments[1].Start != 16*time.Second {
			t.Errorf("segments are %+v", infos(segments))
		}
		complete(t, segments, 40*time.Millisecond, 20*time.Second)
		if len(g.asks) < 4 || len(g.asks) > 6 {
			t.Errorf("asked %d times in 14 s: %v", len(g.asks), g.asks)
		}
	})
}

func TestRecorderAppendsSeveralTimesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.feed(0, 5*time.Second, 0, KindAudio, KindVideo)
		if err := g.end(t); err != nil {
			t.Fatal(err)
		}
		for _, s := range g.store.sealed {
			for i, at := range s.at[1:] {
				if gap := at.Sub(s.at[i]); gap > tick {
					t.Errorf("%s: %v between two chunks", s.info.ID.ObjectKey(), gap)
				}
			}
			if n := len(s.at); n < 19 || n > 22 {
				t.Errorf("%s: %d chunks in 5 s", s.info.ID.ObjectKey(), n)
			}
		}
	})
}

// Packets wake the writer; after the last one nobody does but the clock.
func TestRecorderAppendsTheLastFramesOfASilentSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.feed(0, 300*time.Millisecond, 0, KindAudio)
		<-time.After(3*tick + Beat)
		synctest.Wait()
		g.queue.mu.Lock()
		n := len(g.queue.frames)
		g.queue.mu.Unlock()
		if n > 0 {
			t.Errorf("%d frames still wait", n)
		}
		if err := g.end(t); err != nil {
			t.Fatal(err)
		}
	})
}

func TestRecorderAppendsLargeChunksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		for at := range 10 {
			g.Put(KindVideo, CodecVP8, videoFrame(time.Duration(at)*time.Millisecond, at == 0, 40<<10))
		}
		synctest.Wait()
		if n := len(g.queue.frames); n > 1 {
			t.Errorf("%d frames wait for the next tick", n)
		}
		if err := g.end(t); err != nil {
			t.Fatal(err)
		}
		for _, c := range g.store.sealed[0].table.Chunks {
			if c.Plain > chunkTarget+41<<10 {
				t.Errorf("a chunk of %d bytes", c.Plain)
			}
		}
	})
}

// The disk is full for a while: the candidate is told, the loss is named, and it goes on after.
func TestRecorderGoesOnAfterTheStoreFailed(t *testing.T) {
	for name, fault := range map[string]func(*memStore, error){
		"open":   func(m *memStore, err error) { m.openErr, m.appendErr = err, err },
		"append": func(m *memStore, err error) { m.appendErr = err },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				g.feed(0, 3*time.Second, 0, KindAudio, KindVideo)
				g.store.set(func(m *memStore) { fault(m, errors.New("no space left")) })
				g.feed(3*time.Second+20*time.Millisecond, 10*time.Second, time.Hour, KindAudio, KindVideo)
				g.store.set(func(m *memStore) { fault(m, nil) })
				g.feed(10*time.Second+20*time.Millisecond, 20*time.Second, 0, KindAudio, KindVideo)
				if err := g.end(t); err != nil {
					t.Fatal(err)
				}
				if got, want := g.states(), []RecordingState{RecordingOn, RecordingFailed, RecordingOn, RecordingOff}; !slices.Equal(got, want) {
					t.Errorf("states were %v, want %v", got, want)
				}
				if g.statuses[1].Message == "" || g.statuses[2].Message != "" {
					t.Errorf("statuses were %+v", g.statuses)
				}
				if len(g.gaps) != 2 || g.Lost() == 0 {
					t.Fatalf("lost %d frames; gaps are %+v", g.Lost(), g.gaps)
				}
				for _, gap := range g.gaps {
					if gap.Reason != GapStorage || gap.Start < 2500*time.Millisecond || gap.Start > 3100*time.Millisecond || gap.End < 10*time.Second || gap.End > 14*time.Second {
						t.Errorf("gap is %+v", gap)
					}
					for _, s := range g.store.segments(t, gap.Kind) {
						for _, b := range s.Table.Blocks {
							if b.Time >= gap.Start && b.Time < gap.End {
								t.Errorf("%s: a frame at %v in the gap %v to %v", gap.Kind, b.Time, gap.Start, gap.End)
							}
						}
					}
				}
				for _, s := range g.store.segments(t, KindVideo) {
					if s.Forced {
						t.Errorf("segment %+v leans on lost pictures", s.SegmentInfo)
					}
				}
				if g.store.open != 0 {
					t.Errorf("%d segments are still open", g.store.open)
				}
			})
		})
	}
}

// No new segment can be opened for a while (the database is away): the open one takes more.
func TestRecorderStretchesASegmentOverAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.feed(0, 4*time.Second, 0, KindAudio, KindVideo)
		g.mu.Lock()
		g.permit = func(context.Context) (consent.Permit, error) { return consent.Permit{}, consent.ErrNotFound }
		g.mu.Unlock()
		g.feed(4*time.Second, 24*time.Second, 4*time.Second, KindAudio, KindVideo)
		g.mu.Lock()
		g.permit = capturePermit
		g.mu.Unlock()
		g.feed(24*time.Second, 36*time.Second, 4*time.Second, KindAudio, KindVideo)
		if err := g.end(t); err != nil {
			t.Fatal(err)
		}
		complete(t, g.store.segments(t, KindAudio), 20*time.Millisecond, 36*time.Second)
		complete(t, g.store.segments(t, KindVideo), 40*time.Millisecond, 36*time.Second)
		if got := g.states(); slices.Contains(got, RecordingFailed) || g.Lost() != 0 {
			t.Errorf("states were %v, %d frames lost", got, g.Lost())
		}
		path := g.store.layout(t, KindAudio, KindVideo)
		if path.Duration() != 36*time.Second {
			t.Errorf("lasts %v", path.Duration())
		}
	})
}

// The store hangs: Put never does. At first nothing is lost and the candidate is told that it is slow;
// when the queue is full the loss is counted and named, and pictures go on with a key frame.
func TestRecorderSurvivesAStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.feed(0, 2*time.Second, 0, KindAudio, KindVideo)
		hang := make(chan struct{})
		g.store.set(func(m *memStore) { m.hang = hang })
		g.feed(2*time.Second, 7*time.Second, time.Hour, KindAudio, KindVideo)
		if got := g.states(); !slices.Equal(got, []RecordingState{RecordingOn, RecordingDelayed}) || g.Lost() != 0 {
			t.Errorf("after 5 s: %v, %d frames lost", got, g.Lost())
		}
		for at := 7000 * time.Millisecond; at < 8*time.Second; at += 20 * time.Millisecond { // 128 KiB each
			pass(20 * time.Millisecond)
			g.Put(KindVideo, CodecVP8, videoFrame(at, false, 128<<10))
		}
		pass(time.Second)
		if got := g.states(); got[len(got)-1] != RecordingFailed || g.Lost() == 0 {
			t.Errorf("with a full queue: %v, %d frames lost", got, g.Lost())
		}
		g.store.set(func(m *memStore) { m.hang = nil })
		close(hang)
		g.feed(9*time.Second, 12*time.Second, 0, KindAudio)
		g.feed(12*time.Second, 16*time.Second, 0, KindAudio, KindVideo)
		if err := g.end(t); err != nil {
			t.Fatal(err)
		}
		if len(g.gaps) != 1 || g.gaps[0].Kind != KindVideo || g.gaps[0].End != 12*time.Second {
			t.Errorf("gaps are %+v", g.gaps)
		}
		if got, want := g.states(), []RecordingState{RecordingOn, RecordingDelayed, RecordingFailed, RecordingOn, RecordingOff}; !slices.Equal(got, want) {
			t.Errorf("states were %v, want %v", got, want)
		}
	})
}

func TestRecorderWithdrawnWritesNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.feed(0, 8*time.Second, 0, KindAudio, KindVideo)
		g.Withdraw()
		synctest.Wait()
		sealed, open, discarded := len(g.store.sealed), g.store.open, g.store.discarded
		if open != 0 || discarded != 2 || sealed != 2 {
			t.Errorf("after withdrawal: %d sealed, %d open, %d discarded", sealed, open, discarded)
		}
		g.feed(8*time.Second, 20*time.Second, time.Second, KindAudio, KindVideo)
		if err := g.end(t); err != nil {
			t.Fatal(err)
		}
		if len(g.store.sealed) != sealed || len(g.store.used) != 4 {
			t.Errorf("%d sealed, %d opened after withdrawal", len(g.store.sealed), len(g.store.used))
		}
		if got := g.states(); !slices.Equal(got, []RecordingState{RecordingOn, RecordingOff}) {
			t.Errorf("states were %v", got)
		}
	})
}

func TestRecorderWithdrawnWhileTheStoreHangsSealsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.feed(0, 2*time.Second, 0, KindAudio)
		hang := make(chan struct{})
		g.store.set(func(m *memStore) { m.hang = hang })
		g.feed(2*time.Second, 4*time.Second, 0, KindAudio)
		g.Withdraw()
		close(hang)
		if err := g.end(t); err != nil {
			t.Fatal(err)
		}
		if len(g.store.sealed) != 0 || g.store.discarded != 1 {
			t.Errorf("%d sealed, %d discarded", len(g.store.sealed), g.store.discarded)
		}
	})
}

func TestRecorderSealsWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.feed(0, 3*time.Second+10*time.Millisecond, 0, KindAudio, KindVideo)
		g.cancel()
		if err := <-g.done; err != nil {
			t.Fatal(err)
		}
		complete(t, g.store.segments(t, KindAudio), 20*time.Millisecond, 3020*time.Millisecond)
		g.Put(KindAudio, CodecOpus, opusFrame(time.Minute, 80)) // has no effect
	})
}

func TestRecorderGivesUpOnAStoreThatHangsAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.feed(0, 2*time.Second, 0, KindAudio)
		hang := make(chan struct{})
		g.store.set(func(m *memStore) { m.hang = hang })
		g.feed(2*time.Second, 3*time.Second, 0, KindAudio)
		before := time.Now()
		if err := g.end(t); err == nil {
			t.Error("no error")
		}
		if waited := time.Since(before); waited > lastPatience+time.Second {
			t.Errorf("waited %v", waited)
		}
		close(hang) // the writer ends
	})
}

func TestRecorderReportsAFailedSeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.feed(0, time.Second, 0, KindAudio)
		failure := errors.New("fsync failed")
		g.store.set(func(m *memStore) { m.sealErr = failure })
		if err := g.end(t); !errors.Is(err, failure) {
			t.Errorf("Run returned %v", err)
		}
	})
}

// A camera that was turned off: what there is gets sealed, so that it is uploaded and playable.
func TestRecorderSealsWhatNothingFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.feed(0, 2*time.Second, 0, KindAudio, KindVideo)
		g.feed(2*time.Second, 12*time.Second, 0, KindAudio)
		if n := len(g.store.segments(t, KindVideo)); n != 1 {
			t.Errorf("%d video segments are sealed 10 s after the last picture", n)
		}
		if err := g.end(t); err != nil {
			t.Fatal(err)
		}
	})
}

// Times that stand still or fall, which no time line makes, still give segments that hold together.
func TestRecorderKeepsTimesRising(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		const ms = time.Millisecond
		for _, at := range []time.Duration{-time.Second, 0, 500 * ms, 500 * ms, 100 * ms, 90_000 * ms, 20_000 * ms, 89_999 * ms, 1 << 62} {
			g.Put(KindAudio, CodecOpus, opusFrame(at, 20))
			g.Put(KindVideo, CodecVP8, videoFrame(at, false, 20))
		}
		if err := g.end(t); err != nil {
			t.Fatal(err)
		}
		for _, kind := range []Kind{KindAudio, KindVideo} {
			last, n := time.Duration(-1), 0
			for _, s := range g.store.segments(t, kind) {
				for _, b := range s.Table.Blocks {
					if b.Time <= last {
						t.Errorf("%s: %v after %v", kind, b.Time, last)
					}
					last = b.Time
					n++
				}
			}
			if n != 8 {
				t.Errorf("%s: %d frames of 8", kind, n)
			}
		}
	})
}

func TestRecorderStartsASegmentWhenTheCodecChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.Put(KindVideo, CodecVP8, videoFrame(0, true, 100))
		g.Put(KindVideo, CodecVP9, videoFrame(time.Second, false, 100))
		if err := g.end(t); err != nil {
			t.Fatal(err)
		}
		segments := g.store.segments(t, KindVideo)
		if len(segments) != 2 || segments[1].Codec != CodecVP9 {
			t.Errorf("segments are %+v", infos(segments))
		}
	})
}

// The packet path neither waits nor allocates once the buffers have grown.
func TestPutDoesNotAllocate(t *testing.T) {
	r := NewRecorder(RecorderConfig{})
	frame := videoFrame(0, true, 1200)
	put := func() {
		for range 100 {
			r.Put(KindVideo, CodecVP8, frame)
		}
		frames, payloads := r.queue.take()
		r.queue.giveBack(frames, payloads)
	}
	put()
	put()
	if n := testing.AllocsPerRun(100, put); n > 0 {
		t.Errorf("%v allocations for 100 frames", n)
	}
}

func BenchmarkPut(b *testing.B) {
	r := NewRecorder(RecorderConfig{})
	frame := videoFrame(0, true, 1200)
	b.ReportAllocs()
	for i := range b.N {
		r.Put(KindVideo, CodecVP8, frame)
		if i%64 == 0 {
			frames, payloads := r.queue.take()
			r.queue.giveBack(frames, payloads)
		}
	}
}
