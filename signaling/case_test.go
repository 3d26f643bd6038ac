package signaling

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"greenroom/media"
	"greenroom/media/judge"
)

// The hard cases of a network, each with a real publisher over UDP on loopback, a wire that does what
// networks do, and ffmpeg as the only judge of what was recorded. In the normal suite each runs once and
// short. With GREENROOM_SOAK set (make soak) they last a minute and run with three seeds.

// networkCases are the tests of TestNetworkCases, by the number of the hard case and what it is about.
func networkCases() map[string]func(*testing.T) {
	list := map[string]func(*testing.T){
		"01 loss VP8":          case01(media.CodecVP8, 0.05, 99.5, 99.9),
		"01 loss VP9":          case01(media.CodecVP9, 0.05, 99.5, 99.9),
		"01 first packet":      case01first,
		"05 slow pictures":     case05slow,
		"02 burst VP8":         case02(media.CodecVP8),
		"02 burst VP9":         case02(media.CodecVP9),
		"02 burst repaired":    case02repaired,
		"03 reorder and twice": case03(media.CodecVP8),
		"04 wrap":              case04(0),
		"04 jump":              case04(1<<31 + 5*90_000),
		"05 late audio":        case05(3*time.Second, 0),
		"05 late camera":       case05(0, 3*time.Second),
		"06 no reports":        case06(noReports),
		"06 late reports":      case06(lateReports),
		"06 stepped reports":   case06(steppedReports),
		"08 microphone off":    case08muted(false),
		"08 muted":             case08muted(true),
		"08 DTX":               case08dtx,
		"09 camera off":        case09,
		"10 sizes VP8":         case10(media.CodecVP8),
		"10 sizes VP9":         case10(media.CodecVP9),
		"11 payload type":      case11,
		"12 ICE restart":       case12,
		"12 another address":   case12moved(false),
		"12 repaired":          case12moved(true),
		"13 reconnect":         case13,
		"13 handshake":         case13joined(time.Second, lastFlight),
		"13 after 20 s":        case13joined(20*time.Second, nil),
		"13 after 90 s":        case13joined(90*time.Second, nil),
		"18 slow assessor":     case18,
		"20 vanished":          case20vanished,
		"20 garbage":           case20garbage,
		"20 forged":            case20forged,
		"20 headers":           case20headers,
		"19 simulcast":         case19simulcast,
		"19 padding":           case19padding,
		"19 screen":            case19screen,
	}
	if soaking() {
		list["01 far"] = case01far // a wire of timers, which a busy machine makes uneven
		list["01 loss VP8 2 %"] = case01(media.CodecVP8, 0.02, 99.5, 99.9)
		list["01 loss VP8 10 %"] = case01(media.CodecVP8, 0.1, 98, 99)
		list["03 reorder VP9"] = case03(media.CodecVP9)
	}
	return list
}

// atOnce is how many cases run side by side. What they do most is wait, so that it may be more than the
// tests that go test runs in parallel.
const atOnce = 6

// TestNetworkCases runs the cases side by side.
func TestNetworkCases(t *testing.T) {
	t.Cleanup(func() { noGoroutinesLeft(t) })
	var running sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for name, run := range networkCases() {
		running.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			t.Run(name, run)
		})
	}
	running.Wait()
}

func soaking() bool { return os.Getenv("GREENROOM_SOAK") != "" }

// length is how long a case publishes: what the normal suite has time for, or a minute.
func length(seconds float64) float64 {
	if soaking() {
		return 60
	}
	return seconds
}

// seeds of the wire's chances.
func seeds() []uint64 {
	if soaking() {
		return []uint64{1, 2, 3}
	}
	return []uint64{1}
}

// sourceClip is what is played unless a case needs something else: a moving picture that flashes and a
// sound that beeps at each whole second, and a key frame each second, asked for or not.
func sourceClip(t *testing.T, codec media.Codec, seconds float64) clip {
	t.Helper()
	v := judge.Video{Codec: string(codec), Width: 160, Height: 90, Seconds: seconds, KeyEvery: 30}
	return clip{
		sounds:   judge.Sound{Seconds: seconds}.Frames(t),
		pictures: judge.NewEncoder(t, v, v.KeyEvery),
		// Both wrap before long.
		audio: script{sequence: 65000, timestamp: 1<<32 - 100_000},
		video: script{sequence: 65200, timestamp: 1<<32 - 200_000},
	}
}

// eagerClip is sourceClip with a key frame every two seconds, and within a tenth of one when it is asked
// for.
func eagerClip(t *testing.T, codec media.Codec, seconds float64) clip {
	t.Helper()
	c := sourceClip(t, codec, seconds)
	c.pictures = judge.NewEncoder(t, judge.Video{
		Codec: string(codec), Width: 160, Height: 90, Seconds: seconds, KeyEvery: 60,
	}, 3)
	return c
}

// stage is one session that is published, recorded and judged.
type stage struct {
	t       *testing.T
	server  *server
	page    *page
	browser *publisher
}

func newStage(t *testing.T, o publisherOptions, change ...func(*server)) *stage {
	t.Helper()
	s := &stage{t: t, server: serveAmong(t, change...)}
	s.page = s.server.join()
	s.browser = newPublisher(t, o)
	s.browser.connect(s.page)
	return s
}

// finish ends the session and waits until everything is kept.
func (s *stage) finish() {
	s.t.Helper()
	s.page.send(&Finish{})
	select {
	case <-s.server.desk.closed:
	case <-time.After(patience):
		s.t.Fatal("the session does not end")
	}
}

// verdict is what the judge says of a session.
type verdict struct {
	pictures judge.Pictures
	sounds   judge.Sounds
	offsets  []judge.Offset
	duration time.Duration
	heard    time.Duration // how long the sound lasts when it is played
	gaps     []media.Gap
	lost     int // packets
	nacked   int
	plis     []time.Duration
}

// judge plays the clip, ends the session and has it judged.
func (s *stage) judge(c clip) verdict {
	s.t.Helper()
	return s.end(s.browser.play(c), c)
}

// end waits for the end of what is played, and has it judged.
func (s *stage) end(run *playing, c clip) verdict {
	s.t.Helper()
	run.wait(s.t)
	s.browser.wire.settle(s.t)
	s.finish()
	return s.verdict(c)
}

func (s *stage) verdict(c clip) verdict {
	s.t.Helper()
	file := s.server.desk.recording()
	v := verdict{duration: file.Duration(s.t), plis: s.browser.wire.asked()}
	v.lost, v.nacked = s.browser.wire.counted()
	s.server.desk.change(func(d *desk) { v.gaps = slices.Clone(d.gaps) })
	if len(c.sounds) > 0 {
		v.sounds = file.Sounds(s.t, c.sounds)
		v.heard = file.Heard(s.t)
	}
	if c.pictures != nil {
		v.pictures = file.Pictures(s.t, c.pictures.Reference())
	}
	if len(c.sounds) > 0 && c.pictures != nil {
		v.offsets = file.Offsets(s.t)
	}
	s.t.Logf("%v", v)
	return v
}

func (v verdict) String() string {
	return fmt.Sprintf("video: %v; audio: %v; worst offset %v of %d; %v long; %d packets lost, %d asked for, key frames asked for at %v; gaps %v",
		v.pictures, v.sounds, judge.Worst(v.offsets), len(v.offsets), v.duration, v.lost, v.nacked, v.plis, v.gaps)
}

// flawless fails the test unless all that is shown and heard is right, in order and in step, and what is
// missing is told of.
func (v verdict) flawless(t *testing.T) {
	t.Helper()
	if !v.pictures.Clean() {
		t.Errorf("pictures: %v", v.pictures)
	}
	if !v.sounds.Clean() {
		t.Errorf("sounds: %v", v.sounds)
	}
	if worst := judge.Worst(v.offsets); worst.Abs() > inStep {
		t.Errorf("sound and picture are %v apart: %v", worst, v.offsets)
	}
	v.tellsOf(t, media.KindVideo, v.pictures.Times)
	v.tellsOf(t, media.KindAudio, v.sounds.Times)
}

const (
	// inStep is how far sound and picture may be apart.
	inStep = 40 * time.Millisecond
	// hole is how long something must be missing to be told of as a gap, beside the frame before it.
	hole = 150 * time.Millisecond
	// rim is how far from a hole's ends its gap may begin and end: how long the last frame lasts.
	rim = 50 * time.Millisecond
	// rounding of times to milliseconds, in the file and by ffprobe.
	rounding = 3 * time.Millisecond
)

// tellsOf fails the test unless every hole in what was kept is a gap, and no gap is where something was
// kept.
func (v verdict) tellsOf(t *testing.T, kind media.Kind, times []time.Duration) {
	t.Helper()
	last, missing := judge.Missing, false
	for _, at := range times {
		if at == judge.Missing {
			missing = true
			continue
		}
		if missing && last != judge.Missing && at-last > hole && !slices.ContainsFunc(v.gaps, func(g media.Gap) bool {
			return g.Kind == kind && g.Start <= last+rim && g.End >= at-rim
		}) {
			t.Errorf("nothing of %s from %v to %v, and no gap says so: %v", kind, last, at, v.gaps)
		}
		for _, g := range v.gaps {
			if g.Kind == kind && at > g.Start+rounding && at < g.End-rounding {
				t.Errorf("%s at %v in the gap %+v", kind, at, g)
			}
		}
		last, missing = at, false
	}
}

// has reports whether picture i was kept.
func (v verdict) has(i int) bool { return v.pictures.Times[i] != judge.Missing }

// keeps fails the test unless at least these shares, in percent, were kept.
func (v verdict) keeps(t *testing.T, pictures, sounds float64) {
	t.Helper()
	if v.pictures.Share() < pictures {
		t.Errorf("pictures: %v; want %v %%", v.pictures, pictures)
	}
	if v.sounds.Share() < sounds {
		t.Errorf("sounds: %v; want %v %%", v.sounds, sounds)
	}
}
