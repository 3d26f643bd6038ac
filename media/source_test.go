package media

import (
	"path/filepath"
	"testing"
)

// sourceVideo makes a moving picture of 320x180 with 30 pictures a second, a key frame every so many.
func sourceVideo(tb testing.TB, codec Codec, seconds, keyEvery string) []sent {
	tb.Helper()
	encoder := "libvpx"
	if codec == CodecVP9 {
		encoder = "libvpx-vp9"
	}
	path := filepath.Join(tb.TempDir(), "source.ivf")
	ffmpeg(tb, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30", "-t", seconds,
		"-c:v", encoder, "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-auto-alt-ref", "0",
		"-b:v", "600k", "-g", keyEvery, "-keyint_min", keyEvery, "-f", "ivf", path)
	return readIVF(tb, path, codec)
}

// sourceTalk makes a tone that sounds where the expression in t is true, as Opus packets of 20 ms.
func sourceTalk(tb testing.TB, sounds, seconds string) []sent {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "source.ogg")
	ffmpeg(tb, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "aevalsrc='0.3*sin(2*PI*440*t)*("+sounds+")':s=48000",
		"-t", seconds, "-c:a", "libopus", "-b:a", "32k", "-application", "voip", path)
	return readOgg(tb, path)
}
