package judge

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Offset is how far a beep comes after the flash of the same second; negative: before it.
type Offset struct {
	At     time.Duration // of the flash, in the file
	Offset time.Duration
}

const (
	pcmRate  = 8000 // Hz, enough to find a beep of 1 kHz
	loud     = 4000 // of 32767; the noise is below 100
	bright   = 128  // of 255; black is 16, white 235
	together = 400 * time.Millisecond
	quiet    = 500 * time.Millisecond // before a beep
	// lookAhead is how much sound libopus puts before the first: 312 samples at 48 kHz.
	lookAhead = 6500 * time.Microsecond
)

// Offsets pairs the flashes with the beeps. Sound is decoded as a browser plays it: one packet after
// the other from the first one's time on.
func (r Recording) Offsets(tb testing.TB) (list []Offset) {
	tb.Helper()
	beeps := r.beeps(tb)
	for _, flash := range r.flashes(tb) {
		for _, beep := range beeps {
			if d := beep - flash; d.Abs() < together {
				list = append(list, Offset{At: flash, Offset: d})
			}
		}
	}
	return list
}

// Worst returns the offset that is furthest from none.
func Worst(list []Offset) (worst time.Duration) {
	for _, o := range list {
		if o.Offset.Abs() > worst.Abs() {
			worst = o.Offset
		}
	}
	return worst
}

// flashes returns when the left third of the picture turns white: one byte of its mean for each picture.
func (r Recording) flashes(tb testing.TB) (list []time.Duration) {
	tb.Helper()
	means := filepath.Join(tb.TempDir(), "means.gray")
	out, _ := run(tb, "ffmpeg", "-v", "error", "-y", "-copyts", "-i", r.Path,
		"-map", "0:v", "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "framemd5", "-",
		"-map", "0:v", "-fps_mode", "passthrough", "-vf", "crop=iw/4:ih/2:0:ih/4,scale=1:1:flags=area,format=gray", "-f", "rawvideo", means)
	b, err := os.ReadFile(means)
	if err != nil {
		tb.Fatal(err)
	}
	times := readHashes(tb, out)
	if len(times) != len(b) {
		tb.Fatalf("%d pictures, %d means", len(times), len(b))
	}
	lit := false
	for i, mean := range b {
		if mean >= bright && !lit {
			list = append(list, times[i].time)
		}
		lit = mean >= bright
	}
	return list
}

// beeps returns when the sound becomes loud.
func (r Recording) beeps(tb testing.TB) (list []time.Duration) {
	tb.Helper()
	packets, _ := run(tb, "ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "packet=pts_time",
		"-of", "default=nw=1:nk=1", r.Path)
	packet, _, _ := strings.Cut(packets, "\n")
	// The decoder leaves out the encoder's look-ahead, by which the first packet's time is early.
	first := seconds(tb, packet) + lookAhead
	heard := -quiet
	for i, sample := range r.samples(tb) {
		if sample < loud && sample > -loud {
			continue
		}
		at := first + time.Duration(i)*time.Second/pcmRate
		if at-heard >= quiet {
			list = append(list, at)
		}
		heard = at
	}
	return list
}

// Heard returns how long the sound lasts when it is played, one packet after the other.
func (r Recording) Heard(tb testing.TB) time.Duration {
	tb.Helper()
	return time.Duration(len(r.samples(tb))) * time.Second / pcmRate
}

// samples decodes the sound.
func (r Recording) samples(tb testing.TB) []int16 {
	tb.Helper()
	pcm := filepath.Join(tb.TempDir(), "sound.pcm")
	FFmpeg(tb, "ffmpeg", "-v", "error", "-y", "-i", r.Path, "-map", "0:a", "-ac", "1", "-ar", "8000", "-f", "s16le", pcm)
	b, err := os.ReadFile(pcm)
	if err != nil {
		tb.Fatal(err)
	}
	samples := make([]int16, len(b)/2)
	for i := range samples {
		samples[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return samples
}
