package media

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"greenroom/consent"
	"greenroom/media/judge"
)

var allConsents = consent.Consents{Recording: true, Transcription: true, Assessment: true}

// captureRig runs a Capture and notes what it says. It lives inside a synctest bubble.
type captureRig struct {
	t       *testing.T
	capture *Capture
	store   *memStore
	speech  utteranceLog
	voices  int
	voice   *loudness
	done    chan error

	mu      sync.Mutex
	origins []time.Time
	gaps    []Gap
	states  []RecordingState
}

func newCaptureRig(t *testing.T, change func(*CaptureConfig)) *captureRig {
	t.Helper()
	r := &captureRig{t: t, store: &memStore{}, voice: &loudness{}, done: make(chan error, 1)}
	config := CaptureConfig{
		Session: testSession, Epoch: 2, Consents: allConsents, Store: r.store, Permit: capturePermit,
		Speech:   &r.speech,
		Voice:    func() (VoiceActivity, error) { r.voices++; return r.voice, nil },
		OnOrigin: func(at time.Time) { r.note(func() { r.origins = append(r.origins, at) }) },
		OnGap:    func(g Gap) { r.note(func() { r.gaps = append(r.gaps, g) }) },
		OnStatus: func(s RecordingStatus) { r.note(func() { r.states = append(r.states, s.State) }) },
	}
	if change != nil {
		change(&config)
	}
	r.capture = NewCapture(config)
	go func() { r.done <- r.capture.Run(t.Context()) }()
	return r
}

func (r *captureRig) note(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

func (r *captureRig) attach(kind Kind) *Track {
	r.t.Helper()
	codec := CodecOpus
	if kind == KindVideo {
		codec = CodecVP8
	}
	track, err := r.capture.Attach(TrackConfig{Kind: kind, Codec: codec, SSRC: 2})
	if err != nil {
		r.t.Fatalf("attach %s: %v", kind, err)
	}
	return track
}

// end finishes the capture and waits for it.
func (r *captureRig) end() {
	r.t.Helper()
	r.capture.Finish()
	if err := <-r.done; err != nil {
		r.t.Errorf("run: %v", err)
	}
	if r.store.open != 0 {
		r.t.Errorf("%d segments are still open", r.store.open)
	}
}

// sending is one packet and when it leaves the sender, from the start of the test.
type sending struct {
	at     time.Duration
	packet rtp.Packet
}

// audioSendings makes one packet of each frame.
func audioSendings(clip []sent, first uint16) (list []sending) {
	for i, f := range clip {
		list = append(list, sending{f.Time, rtp.Packet{
			Header: rtp.Header{
				Version: 2, PayloadType: 111, SSRC: 2, SequenceNumber: first + uint16(i), // wraps
				Timestamp: uint32(f.Time.Milliseconds()*48) - 48000, // wraps
			},
			Payload: f.Payload,
		}})
	}
	return list
}

func videoSendings(tb testing.TB, clip []sent, first uint16) (list []sending) {
	tb.Helper()
	start := uint32(0)
	packets := videoPackets(tb, clip, first)
	for i, p := range packets {
		if i == 0 {
			start = p.Timestamp
		}
		list = append(list, sending{clip[0].Time + time.Duration(p.Timestamp-start)*time.Second/90000, p})
	}
	return list
}

// network carries packets to tracks: late, twice, out of order or not at all, and answers requests.
type network struct {
	random    *rand.Rand
	delay     time.Duration
	jitter    time.Duration // reorders
	loss      float64       // share
	duplicate float64
	audio     []sending
	video     []sending
	reports   bool
	plis      []time.Duration
	tail      time.Duration // how long to go on after the last packet
}

// end returns when the last packet leaves.
func (n *network) end() (end time.Duration) {
	for _, list := range [][]sending{n.audio, n.video} {
		if len(list) > 0 {
			end = max(end, list[len(list)-1].at)
		}
	}
	return end
}

type delivery struct {
	at    time.Duration
	track *Track
	b     []byte
}

// run carries everything at its own pace; it ends when everything was delivered.
func (n *network) run(t *testing.T, audio, video *Track) {
	t.Helper()
	var queue []delivery
	sent := map[*Track]map[uint16][]byte{audio: {}, video: {}}
	lossy := n.end() - 300*ms
	send := func(at time.Duration, track *Track, b []byte) {
		// Nothing tells that the very last packets are missing, so they are not lost.
		if n.random.Float64() < n.loss && at < lossy {
			return
		}
		late := n.delay
		if n.jitter > 0 {
			late += time.Duration(n.random.Int64N(int64(n.jitter)))
		}
		queue = append(queue, delivery{at + late, track, b})
		if n.random.Float64() < n.duplicate {
			queue = append(queue, delivery{at + late + 5*ms, track, b})
		}
	}
	pending := map[*Track][]sending{audio: n.audio, video: n.video}
	start := time.Now()
	quiet := time.Duration(0)
	for now := time.Duration(0); quiet < n.tail+2500*ms; now += 5 * ms {
		pass(time.Until(start.Add(now)))
		for _, track := range []*Track{audio, video} {
			for list := pending[track]; len(list) > 0 && list[0].at <= now; list = pending[track] {
				b, err := list[0].packet.Marshal()
				if err != nil {
					t.Fatal(err)
				}
				sent[track][list[0].packet.SequenceNumber] = b
				send(list[0].at, track, b)
				pending[track] = list[1:]
			}
		}
		slices.SortStableFunc(queue, func(a, b delivery) int { return int(a.at - b.at) })
		for len(queue) > 0 && queue[0].at <= now {
			b := slices.Clone(queue[0].b)
			queue[0].track.Push(b, start.Add(queue[0].at))
			clear(b) // it was borrowed only
			queue = queue[1:]
		}
		if now%(20*ms) == 0 {
			for _, track := range []*Track{audio, video} {
				if track == nil {
					continue
				}
				due := feedback(t, track, time.Now())
				for _, s := range due.Nack {
					if b, ok := sent[track][s]; ok {
						send(now+n.delay, track, b)
					}
				}
				if due.KeyFrame {
					n.plis = append(n.plis, now)
				}
			}
		}
		if n.reports && now%time.Second == 0 {
			const ntp = uint64(0xe000_0000) << 32
			seconds := uint64(now / time.Second)
			audio.SenderReport(ntp+seconds<<32, uint32(seconds*48000)-48000, time.Now()) // wraps
			video.SenderReport(ntp+seconds<<32, uint32(seconds*90000)-45000, time.Now()) // wraps
		}
		if quiet += 5 * ms; len(pending[audio]) > 0 || len(pending[video]) > 0 || len(queue) > 0 {
			quiet = 0
		}
	}
}

// feedback looks at what is due, and that nothing of it was due while the track said that nothing is urgent.
func feedback(t *testing.T, track *Track, now time.Time) Feedback {
	t.Helper()
	urgent := track.Urgent()
	due := track.Feedback(now)
	if !urgent && (due.KeyFrame || len(due.Nack) > 0) {
		t.Fatalf("nothing was urgent, and yet %v and a key frame (%t) are asked for", due.Nack, due.KeyFrame)
	}
	return due
}

func newNetwork(audio, video []sending) *network {
	return &network{random: rand.New(rand.NewPCG(1, 2)), delay: 30 * ms, audio: audio, video: video, reports: true}
}

// TestCaptureKeepsEveryFrame is the whole way from packets to a file, under what networks do.
func TestCaptureKeepsEveryFrame(t *testing.T) {
	video, audio := sourceVideo(t, CodecVP8, "10", "60"), sourceTalk(t, "between(t,1,9)", "10")
	for _, c := range []struct {
		name   string
		change func(*network)
	}{
		{"clean", func(*network) {}},
		{"loss 5 %", func(n *network) { n.loss = 0.05 }},
		{"loss 10 %", func(n *network) { n.loss = 0.1 }},
		{"reordered and twice", func(n *network) { n.jitter, n.duplicate = 80*ms, 0.03 }},
		{"everything", func(n *network) { n.loss, n.jitter, n.duplicate = 0.05, 60*ms, 0.05 }},
		{"no reports", func(n *network) { n.reports = false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var store *memStore
			var heard []Utterance
			n := newNetwork(audioSendings(audio, 65400), videoSendings(t, video, 65400))
			c.change(n)
			synctest.Test(t, func(t *testing.T) {
				r := newCaptureRig(t, nil)
				store = r.store
				a, v := r.attach(KindAudio), r.attach(KindVideo)
				n.run(t, a, v)
				for _, track := range []*Track{a, v} {
					stats := track.Stats()
					if stats.Lost != 0 || stats.Malformed != 0 {
						t.Errorf("%s: %+v", track.config.Kind, stats)
					}
				}
				a.Detach()
				v.Detach()
				r.end()
				heard = r.speech.all()
				for _, g := range r.gaps {
					if g.End < 10*time.Second {
						t.Errorf("a gap: %+v", g)
					}
				}
			})
			sameStored(t, store, KindVideo, video)
			sameStored(t, store, KindAudio, audio)
			playable(t, store, KindAudio, KindVideo)
			if len(heard) != 1 || (heard[0].Start-700*ms).Abs() > 150*ms || (heard[0].End-9300*ms).Abs() > 150*ms {
				t.Errorf("heard %d utterances", len(heard))
			}
		})
	}
}

// sameStored fails the test unless exactly the frames were kept, each within 40 ms of when it was sent.
func sameStored(t *testing.T, store *memStore, kind Kind, want []sent) {
	t.Helper()
	i := 0
	for _, s := range store.sealed {
		if s.info.ID.Kind != kind {
			continue
		}
		for _, b := range s.table.Blocks {
			payload := s.plain[b.Chunk][b.Offset : b.Offset+b.Size]
			switch {
			case i >= len(want):
			case !bytes.Equal(payload, want[i].Payload):
				t.Fatalf("%s frame %d is not the one sent", kind, i)
			case (b.Time - want[i].Time).Abs() > 40*ms:
				t.Fatalf("%s frame %d lies at %v, was sent at %v", kind, i, b.Time, want[i].Time)
			}
			i++
		}
	}
	if i != len(want) {
		t.Errorf("%d %s frames kept, want %d", i, kind, len(want))
	}
}

// playable fails the test unless ffmpeg decodes the recording without a word.
func playable(t *testing.T, store *memStore, kinds ...Kind) {
	t.Helper()
	file := judge.Open(t, store.play(t, store.layout(t, kinds...)))
	decodes(t, file)
}

// TestBurstLossCostsOneKeyFrameRequest: retransmissions do not come either.
func TestBurstLossCostsOneKeyFrameRequest(t *testing.T) {
	video := sourceVideo(t, CodecVP8, "8", "60") // key frames at 0, 2, 4 and 6 s
	sendings := videoSendings(t, video, 100)
	var kept []sending
	for _, s := range sendings {
		if s.at < 2500*ms || s.at > 2800*ms {
			kept = append(kept, s)
		}
	}
	n := newNetwork(nil, kept)
	n.reports = false
	var store *memStore
	synctest.Test(t, func(t *testing.T) {
		r := newCaptureRig(t, nil)
		store = r.store
		n.run(t, nil, r.attach(KindVideo))
		r.end()
	})
	var plis []time.Duration
	for _, at := range n.plis {
		if at > 100*ms {
			plis = append(plis, at)
		}
	}
	// Asked for after the fourth request, 0.4 s after the burst. The next key frame comes 0.8 s later.
	if len(plis) != 1 || plis[0] < 3200*ms || plis[0] > 3300*ms {
		t.Errorf("key frames asked for at %v", plis)
	}
	playable(t, store, KindVideo)
	sameStored(t, store, KindVideo, keep(video, func(f sent) bool { return f.Time < 2500*ms || f.Time >= 4*time.Second }))
}

func TestNothingIsKeptWithoutConsent(t *testing.T) {
	video, audio := sourceVideo(t, CodecVP8, "2", "60"), sourceTalk(t, "1", "2")
	for _, c := range []struct {
		name     string
		consents consent.Consents
		heard    int
	}{
		{"none", consent.Consents{}, 0},
		{"recording only", consent.Consents{Recording: true}, 0},
		{"transcription only", consent.Consents{Transcription: true}, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newCaptureRig(t, func(config *CaptureConfig) {
				config.Consents = c.consents
				if !c.consents.Recording {
					config.Store = nil // to touch it would be a panic
				}
			})
			a, v := r.attach(KindAudio), r.attach(KindVideo)
			newNetwork(audioSendings(audio, 1), videoSendings(t, video, 1)).run(t, a, v)
			r.end()
			if len(r.store.sealed) > 0 != c.consents.Recording {
				t.Errorf("%s: %d segments", c.name, len(r.store.sealed))
			}
			if r.voices > 0 != c.consents.Transcription || len(r.speech.all()) != c.heard {
				t.Errorf("%s: %d voices, %d utterances", c.name, r.voices, len(r.speech.all()))
			}
			if a.Stats().Received == 0 {
				t.Errorf("%s: nothing was received", c.name)
			}
			if want := []RecordingState{RecordingOff}; !c.consents.Recording && !slices.Equal(r.states, want) {
				t.Errorf("%s: recording %v, want %v", c.name, r.states, want)
			}
		})
	}
}

func TestWithdrawalInMidSession(t *testing.T) {
	audio := sourceTalk(t, "between(t,1,6)", "6")
	for _, c := range []struct {
		name  string
		left  consent.Consents
		kept  bool
		heard int
	}{
		{"recording", consent.Consents{Transcription: true}, false, 1},
		{"transcription", consent.Consents{Recording: true}, true, 0},
		{"nothing", allConsents, true, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newCaptureRig(t, nil)
			a, v := r.attach(KindAudio), r.attach(KindVideo)
			sendings := audioSendings(audio, 1)
			newNetwork(sendings[:150], nil).run(t, a, v) // up to 3 s, then 2.5 s of nothing
			r.capture.SetConsents(c.left)
			r.capture.SetConsents(allConsents) // consents do not grow back
			judged := r.voice.judged()
			again := sendings[150:]
			for i := range again {
				again[i].at -= 3 * time.Second
			}
			newNetwork(again, nil).run(t, a, v)
			if c.name == "transcription" && (r.voice.judged() != judged || !r.voice.closed) {
				t.Error("decoding went on after the withdrawal")
			}
			r.end()
			if (len(r.store.sealed) > 0) != c.kept {
				t.Errorf("%s withdrawn: %d segments sealed", c.name, len(r.store.sealed))
			}
			if n := len(r.speech.all()); (n > 0) != (c.heard > 0) && c.name != "transcription" {
				t.Errorf("%s withdrawn: %d utterances", c.name, n)
			}
			unkept := slices.ContainsFunc(r.gaps, func(g Gap) bool { return g.Reason == GapConsent })
			if unkept != (c.name == "recording") {
				t.Errorf("%s withdrawn: gaps %+v", c.name, r.gaps)
			}
		})
	}
}

func TestReconnectGoesOnOnTheSameTimeLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newCaptureRig(t, nil)
		first := r.attach(KindAudio)
		start := time.Now()
		s := uint16(9)
		r.steps(first, start, &s, 0, time.Second)
		second := r.attach(KindAudio) // without a Detach
		first.Push(opusAt(s, time.Second, 1, 2, 3), time.Now())
		pass(20 * time.Second)
		other := uint16(40000) // a new SSRC, a new sequence, new timestamps
		base := time.Since(start)
		for at := time.Duration(0); at < time.Second; at += 20 * ms {
			pass(time.Until(start.Add(base + at)))
			second.Push(opusAt(other, at+11*time.Hour, 0x78, 1, 2, 3), time.Now())
			other++
		}
		if now := r.capture.MediaNow(); (now - base - 980*ms).Abs() > ms {
			t.Errorf("media now %v, want %v", now, base+980*ms)
		}
		if _, err := r.capture.Attach(TrackConfig{Kind: KindAudio, Codec: CodecVP8}); !errors.Is(err, errCodec) {
			t.Errorf("attaching VP8 as audio: %v", err)
		}
		r.end()
		var times []time.Duration
		for _, segment := range r.store.segments(t, KindAudio) {
			for _, b := range segment.Table.Blocks {
				times = append(times, b.Time)
			}
		}
		if len(times) != 100 || (times[50]-base).Abs() > ms || times[99]-times[50] != 980*ms {
			t.Errorf("%d blocks, the second connection's at %v to %v", len(times), times[50], times[len(times)-1])
		}
		if got := first.Stats(); got.Received != 50 {
			t.Errorf("the first track took %d packets after it was detached", got.Received-50)
		}
	})
}

func TestCodecMayNotChange(t *testing.T) {
	c := NewCapture(CaptureConfig{})
	track, err := c.Attach(TrackConfig{Kind: KindVideo, Codec: CodecVP8})
	if err != nil {
		t.Fatal(err)
	}
	track.Detach()
	track.Detach()
	if _, err := c.Attach(TrackConfig{Kind: KindVideo, Codec: CodecVP9}); !errors.Is(err, ErrCodecChanged) {
		t.Errorf("attaching another codec: %v", err)
	}
	if _, err := c.Attach(TrackConfig{Kind: "screen", Codec: CodecVP8}); !errors.Is(err, errCodec) {
		t.Errorf("attaching another kind: %v", err)
	}
}

func TestOriginIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newCaptureRig(t, nil)
		if r.capture.MediaNow() != 0 {
			t.Error("media time before the origin")
		}
		pass(time.Minute)
		a, v := r.attach(KindAudio), r.attach(KindVideo)
		at := time.Now()
		a.Push(opusAt(1, 0, 0x78, 1, 2), at)
		pass(5 * time.Second)
		v.Push(opusAt(1, 0, 0x10, 1, 2), time.Now())
		if got := r.capture.MediaNow(); got != 5*time.Second {
			t.Errorf("media now %v, want 5s", got)
		}
		r.end()
		if len(r.origins) != 1 || !r.origins[0].Equal(at) {
			t.Errorf("origins %v, want %v once", r.origins, at)
		}
	})
	synctest.Test(t, func(t *testing.T) { // another process goes on with the session
		origin := time.Now().Add(-time.Hour)
		r := newCaptureRig(t, func(config *CaptureConfig) { config.Origin = origin })
		a := r.attach(KindAudio)
		a.Push(opusAt(1, 0, 0x78, 1, 2), time.Now())
		if got := r.capture.MediaNow(); got != time.Hour {
			t.Errorf("media now %v, want 1h", got)
		}
		r.end()
		if len(r.origins) != 0 || r.store.sealed[0].info.Start != time.Hour {
			t.Errorf("origins %v, first segment at %v", r.origins, r.store.sealed[0].info.Start)
		}
	})
}

func TestCaptureSealsWhenItsContextEnds(t *testing.T) {
	audio := sourceTalk(t, "1", "2")
	synctest.Test(t, func(t *testing.T) {
		r := newCaptureRig(t, nil)
		a, v := r.attach(KindAudio), r.attach(KindVideo)
		newNetwork(audioSendings(audio, 1), nil).run(t, a, v)
		a.Push(opusAt(1000, 3*time.Second, 0x78, 1, 2), time.Now()) // behind a hole: flushed
		r.end()
		blocks := 0
		for _, s := range r.store.segments(t, KindAudio) {
			blocks += len(s.Table.Blocks)
		}
		if want := len(audio) + 1; blocks != want || a.Stats().Lost == 0 {
			t.Errorf("%d blocks sealed, want %d", blocks, want)
		}
		if n := len(r.speech.all()); n == 0 {
			t.Error("the running utterance was not flushed")
		}
		a.Push(opusAt(2000, 4*time.Second, 0x78, 1, 2), time.Now())
		if a.Stats().Received != uint64(len(audio))+1 {
			t.Error("a packet was taken after the end")
		}
	})
}
