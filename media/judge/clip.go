package judge

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Frame is one encoded frame of a clip: a picture, or an Opus packet.
type Frame struct {
	Time          time.Duration // since the clip began
	Duration      time.Duration // 0 for a picture
	Key           bool          // decodable on its own; always true for sound
	Width, Height int           // pixels; key frames only
	Payload       []byte
}

// Video describes a moving picture. It flashes at each whole second.
type Video struct {
	Codec         string // vp8 or vp9
	Width, Height int
	Rate          int // pictures a second; 0: 30
	Seconds       float64
	KeyEvery      int // every how many pictures is a key frame; 0: only the first is
	KeyPhase      int // which of them, beside the very first
	Kilobits      int // a second; 0: 400
}

// Sound describes what is heard. Expression is what the sound is at each time t, in the language of
// ffmpeg's aevalsrc; empty: a beep at each whole second over noise that is hardly heard.
type Sound struct {
	Expression string
	Seconds    float64
}

const (
	// beep: 50 ms long, which two or three packets carry; the noise makes every packet unlike all others.
	beep = "0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.05)+0.004*(random(0)-0.5)"
	// made and madeLarge are the seconds, or a multiple, that clips are made in: the start of a longer
	// clip is the shorter one. Large pictures take long.
	made      = 10
	madeLarge = 2
)

// clips holds what was made once for all tests.
var clips sync.Map // of *clip by a Video or Sound without its Seconds

type clip struct {
	mu     sync.Mutex
	length float64
	frames []Frame
	hashes []string // of the decoded pictures
}

// get returns the clip, made anew if it is too short.
func get(key any, seconds float64, step int, create func(*clip, string)) *clip {
	one, _ := clips.LoadOrStore(key, &clip{})
	c := one.(*clip) //nolint:forcetypeassert // nothing else is stored
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.length >= seconds {
		return &clip{frames: c.frames, hashes: c.hashes}
	}
	length := math.Ceil(seconds/float64(step)) * float64(step)
	create(c, strconv.FormatFloat(length, 'f', -1, 64))
	c.length = length
	return &clip{frames: c.frames, hashes: c.hashes}
}

// Frames returns the encoded pictures.
func (v Video) Frames(tb testing.TB) []Frame {
	tb.Helper()
	return before(v.clip(tb).frames, v.Seconds)
}

// Hashes returns what each picture decodes to.
func (v Video) Hashes(tb testing.TB) []string {
	tb.Helper()
	c := v.clip(tb)
	return c.hashes[:len(before(c.frames, v.Seconds))]
}

func (v Video) clip(tb testing.TB) *clip {
	tb.Helper()
	key := v
	key.Seconds = 0
	step := made
	if v.Width > 640 {
		step = madeLarge
	}
	return get(key, v.Seconds, step, func(c *clip, seconds string) {
		path := v.encode(tb, seconds)
		c.frames = readIVF(tb, path, v.Codec)
		for i := range c.frames {
			if c.frames[i].Key {
				c.frames[i].Width, c.frames[i].Height = v.Width, v.Height
			}
		}
		out, _ := run(tb, "ffmpeg", "-v", "error", "-i", path, "-fps_mode", "passthrough", "-f", "framemd5", "-")
		c.hashes = nil
		for _, line := range readHashes(tb, out) {
			c.hashes = append(c.hashes, line.hash)
		}
		if len(c.hashes) != len(c.frames) || !unlike(c.hashes) {
			tb.Fatalf("%+v: %d frames decode to %d pictures, which must be unlike each other", v, len(c.frames), len(c.hashes))
		}
	})
}

// encode makes the clip as IVF. The speed is a fixed one: the encoder would else watch its own clock,
// and make something else each time.
func (v Video) encode(tb testing.TB, seconds string) string {
	tb.Helper()
	encoder, speed := "libvpx", "-8"
	if v.Codec == "vp9" {
		encoder, speed = "libvpx-vp9", "8"
	}
	rate, kilobits := v.Rate, v.Kilobits
	if rate == 0 {
		rate = 30
	}
	if kilobits == 0 {
		kilobits = 400
	}
	source := fmt.Sprintf("testsrc2=size=%dx%d:rate=%d,drawbox=w=iw/3:color=black:t=fill,drawbox=w=iw/3:color=white:t=fill:enable='lt(mod(n,%[3]d),1)'",
		v.Width, v.Height, rate)
	keys := "0" // forced key frames say where
	if v.KeyEvery > 0 {
		keys = fmt.Sprintf("expr:eq(mod(n,%d),%d)", v.KeyEvery, v.KeyPhase)
	}
	path := filepath.Join(tb.TempDir(), "clip.ivf")
	FFmpeg(tb, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-t", seconds, "-threads", "1",
		"-c:v", encoder, "-deadline", "realtime", "-cpu-used", speed, "-lag-in-frames", "0", "-auto-alt-ref", "0",
		"-b:v", strconv.Itoa(kilobits)+"k", "-g", "99999", "-force_key_frames", keys, "-f", "ivf", path)
	return path
}

// Frames returns the Opus packets, of 20 ms each.
func (s Sound) Frames(tb testing.TB) []Frame {
	tb.Helper()
	if s.Expression == "" {
		s.Expression = beep
	}
	key := Sound{Expression: s.Expression}
	c := get(key, s.Seconds, made, func(c *clip, seconds string) {
		path := filepath.Join(tb.TempDir(), "clip.ogg")
		FFmpeg(tb, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "aevalsrc='"+s.Expression+"':s=48000", "-t", seconds,
			"-c:a", "libopus", "-b:a", "32k", "-application", "voip", path)
		c.frames = readOgg(tb, path)
	})
	return before(c.frames, s.Seconds)
}

// before returns the frames that begin before the time.
func before(frames []Frame, seconds float64) []Frame {
	end := time.Duration(seconds * float64(time.Second))
	i, _ := slices.BinarySearchFunc(frames, end, func(f Frame, end time.Duration) int { return int(f.Time - end) })
	return slices.Clip(frames[:i])
}

func unlike(hashes []string) bool {
	sorted := slices.Sorted(slices.Values(hashes))
	return len(slices.Compact(sorted)) == len(hashes)
}
