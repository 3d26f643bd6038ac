package signaling

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"greenroom/media"
	"greenroom/media/judge"
)

// away is how long a device is off: three seconds in the normal suite.
func away() time.Duration {
	if soaking() {
		return 30 * time.Second
	}
	return 3 * time.Second
}

// case08muted is a microphone that sends nothing for a while, whether or not the page says so. The sound
// is as long as the session was.
func case08muted(told bool) func(*testing.T) {
	return func(t *testing.T) {
		c := sourceClip(t, media.CodecVP8, 3)
		c.audio.pause = span{2 * time.Second, 2*time.Second + away()}
		c.pictures = nil
		s := newStage(t, publisherOptions{})
		run := s.browser.play(c)
		if told {
			run.until(c.audio.pause.from + 20*time.Millisecond)
			s.page.send(&Muted{Kind: "audio", Muted: true})
			run.until(c.audio.pause.to - time.Second) // the word may take its time
			s.page.send(&Muted{Kind: "audio", Muted: false})
		}
		v := s.end(run, c)
		v.flawless(t)
		v.keeps(t, 0, 100)
		v.sounding(t, c.end())
		if !told {
			v.misses(t, media.KindAudio, c.audio.pause, 100*time.Millisecond, media.GapNetwork)
			return
		}
		untold := c.audio.pause.to - c.audio.pause.from
		for _, g := range v.gaps {
			untold -= max(min(g.End, c.audio.pause.to)-max(g.Start, c.audio.pause.from), 0)
		}
		if untold > 100*time.Millisecond || !slices.ContainsFunc(v.gaps, func(g media.Gap) bool { return g.Reason == media.GapMuted }) {
			t.Errorf("%v of the silence are in no gap, or none says muted: %v", untold, v.gaps)
		}
	}
}

// case08dtx is an encoder that sends one packet in 400 ms while nobody speaks (RFC 7587 3.1.3).
func case08dtx(t *testing.T) {
	c := sourceClip(t, media.CodecVP8, length(6))
	quiet := span{2 * time.Second, 2*time.Second + away()}
	var sounds, played []judge.Frame
	for _, f := range c.sounds {
		if !quiet.holds(f.Time) {
			sounds, played = append(sounds, f), append(played, f)
		} else if (f.Time-quiet.from)%(400*time.Millisecond) == 0 {
			f.Payload = []byte{f.Payload[0] &^ 3} // RFC 6716 3.2.2: one frame, of nothing
			played = append(played, f)
		}
	}
	s := newStage(t, publisherOptions{})
	c.sounds = played
	run := s.browser.play(c)
	c.sounds = sounds
	v := s.end(run, c)
	if want := len(played) - len(sounds); v.sounds.Strange != want {
		t.Errorf("%d packets of nothing were kept, want %d", v.sounds.Strange, want)
	}
	v.sounds.Strange = 0
	v.flawless(t)
	v.keeps(t, 100, 100)
	v.sounding(t, c.end())
	if slices.ContainsFunc(v.gaps, func(g media.Gap) bool { return g.Kind == media.KindAudio && g.End < c.end() }) {
		t.Errorf("silence is taken for gaps: %v", v.gaps)
	}
}

// case09 is a camera that is off for a while and comes back with pictures that lean on those before.
func case09(t *testing.T) {
	c := sourceClip(t, media.CodecVP8, 4)
	c.video.pause = span{2500 * time.Millisecond, 2500*time.Millisecond + away()}
	c.sounds = judge.Sound{Seconds: 4 + away().Seconds()}.Frames(t)
	s := newStage(t, publisherOptions{})
	v := s.judge(c)
	v.flawless(t)
	v.keeps(t, 100, 100)
	v.lasts(t, c.end(), inStep)
	v.misses(t, media.KindVideo, c.video.pause, 100*time.Millisecond, media.GapNetwork)
	if !slices.ContainsFunc(v.plis, func(at time.Duration) bool {
		return at >= c.video.pause.to && at < c.video.pause.to+500*time.Millisecond
	}) {
		t.Errorf("pictures came back at %v, key frames were asked for at %v", c.video.pause.to, v.plis)
	}
}

// case10 is pictures that change their size without a word.
func case10(codec media.Codec) func(*testing.T) {
	return func(t *testing.T) {
		c := sourceClip(t, codec, 6)
		video := func(width, height, kilobits int) judge.Video {
			return judge.Video{Codec: string(codec), Width: width, Height: height, Seconds: 2, KeyEvery: 30, Kilobits: kilobits}
		}
		c.pictures = judge.Join(t, video(320, 180, 300), video(1280, 720, 1500), video(640, 360, 600))
		s := newStage(t, publisherOptions{vp9: codec == media.CodecVP9})
		s.browser.play(c).wait(t)
		s.browser.wire.settle(t)
		s.finish()
		if said := s.server.desk.recording().Decode(t); said != "" {
			t.Errorf("ffmpeg says about the whole: %s", said)
		}
		exact := 0
		var sizes []int
		for _, segment := range s.server.desk.segments(media.KindVideo) {
			sizes = append(sizes, segment.Height)
			p := s.server.desk.play(nil, []media.StoredSegment{segment}).Pictures(t, c.pictures.Reference())
			exact += p.Exact
			if !p.Clean() {
				t.Errorf("segment %s alone: %v", segment.ID.ObjectKey(), p)
			}
		}
		if exact != c.pictures.Len() {
			t.Errorf("%d of %d pictures, in segments of heights %v", exact, c.pictures.Len(), sizes)
		}
		if sizes = slices.Compact(sizes); !slices.Equal(sizes, []int{180, 720, 360}) {
			t.Errorf("segments of heights %v", sizes)
		}
	}
}

// case11 is another codec under the same SSRC, which was not agreed on: it is not recorded, and what
// comes after it begins with a key frame.
func case11(t *testing.T) {
	c := sourceClip(t, media.CodecVP8, 6)
	var other atomic.Bool
	s := newStage(t, publisherOptions{faults: faults{mutate: func(h *rtp.Header) {
		if other.Load() && h.PayloadType == 96 {
			h.PayloadType = 98
		}
	}}})
	strange := span{2500 * time.Millisecond, 4500 * time.Millisecond}
	c.video.sent = func(f judge.Frame) { other.Store(strange.holds(f.Time)) }
	v := s.judge(c)
	v.flawless(t)
	v.keeps(t, 0, 100)
	v.misses(t, media.KindVideo, span{strange.from, 5 * time.Second}, 100*time.Millisecond, media.GapNetwork)
	if want := c.pictures.Len() - 75; v.pictures.Exact != want {
		t.Errorf("%v; want %d", v.pictures, want)
	}
	if !slices.ContainsFunc(v.plis, func(at time.Duration) bool { return at > strange.from && at < 5*time.Second }) {
		t.Errorf("key frames were asked for at %v", v.plis)
	}
}

// case19simulcast is three layers, which are refused before anything is sent.
func case19simulcast(t *testing.T) {
	s := &stage{t: t, server: serveAmong(t)}
	s.page = s.server.join()
	layered := newPublisher(t, publisherOptions{noVideo: true})
	var sender *webrtc.RTPSender
	for _, rid := range []string{"q", "h", "f"} {
		track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "video", "candidate", webrtc.WithRTPStreamID(rid))
		must(t, err)
		if sender == nil {
			sender, err = layered.pc.AddTrack(track)
		} else {
			err = sender.AddEncoding(track)
		}
		must(t, err)
	}
	s.page.send(&Offer{SDP: layered.offer()})
	s.page.expectProblem("bad_offer")
	// The page may offer one picture instead.
	c := sourceClip(t, media.CodecVP8, 2)
	s.browser = newPublisher(t, publisherOptions{})
	s.browser.connect(s.page)
	v := s.judge(c)
	v.flawless(t)
	v.keeps(t, 100, 100)
}

// case19padding is padding behind every frame, as a sender has it that probes for more bandwidth.
func case19padding(t *testing.T) {
	c := sourceClip(t, media.CodecVP8, length(4))
	c.video.padding = 2
	s := newStage(t, publisherOptions{faults: faults{seed: 1, loss: 0.05, until: c.end() - 300*time.Millisecond}})
	v := s.judge(c)
	v.flawless(t)
	v.keeps(t, 99.5, 99.5)
}

// case19screen is a screen on which nothing happens.
func case19screen(t *testing.T) {
	c := sourceClip(t, media.CodecVP8, length(6))
	v := judge.Video{Codec: "vp8", Width: 320, Height: 180, Rate: 1, Seconds: length(6), KeyEvery: 5}
	c.pictures = judge.NewEncoder(t, v, v.KeyEvery)
	s := newStage(t, publisherOptions{})
	got := s.judge(c)
	got.flawless(t)
	got.keeps(t, 100, 100)
	if slices.ContainsFunc(got.gaps, func(g media.Gap) bool { return g.End < c.end()-time.Second }) {
		t.Errorf("a screen that stands still is taken for gaps: %v", got.gaps)
	}
}

// sounding fails the test unless what is heard from beginning to end is as long as it took.
func (v verdict) sounding(t *testing.T, want time.Duration) {
	t.Helper()
	if off := v.heard - want; off.Abs() > inStep {
		t.Errorf("the sound lasts %v, it took %v", v.heard, want)
	}
}

// misses fails the test unless there is a gap about the time, for the reason.
func (v verdict) misses(t *testing.T, kind media.Kind, when span, within time.Duration, reason media.GapReason) {
	t.Helper()
	if !slices.ContainsFunc(v.gaps, func(g media.Gap) bool {
		return g.Kind == kind && g.Reason == reason && (g.Start-when.from).Abs() < within && (g.End-when.to).Abs() < within
	}) {
		t.Errorf("gaps %v; want one of %s from %v to %v (%s)", v.gaps, kind, when.from, when.to, reason)
	}
}
