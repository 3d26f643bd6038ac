package media

import (
	"path/filepath"
	"testing"
)

// sourceVideo makes a moving picture of 320x180 with 30 pictures a second, a key frame every so many.
func sourceVideo(t testing.TB, codec Codec, seconds, keyEvery string) []sent {
	t.Helper()
	encoder := "libvpx"
	if codec == CodecVP9 {
		encoder = "libvpx-vp9"
	}
	path := filepath.Join(t.TempDir(), "source.ivf")
	ffmpeg(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30", "-t", seconds,
		"-c:v", encoder, "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-auto-alt-ref", "0",
		"-b:v", "600k", "-g", keyEvery, "-keyint_min", keyEvery, "-f", "ivf", path)
	return readIVF(t, path, codec)
}

// sourceTalk makes a tone that sounds where the expression in t is true, as Opus packets of 20 ms.
func sourceTalk(t testing.TB, sounds, seconds string) []sent {
	t.Helper()
	path := filepath.Join(t.TempDir(), "source.ogg")
	ffmpeg(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "aevalsrc='0.3*sin(2*PI*440*t)*("+sounds+")':s=48000",
		"-t", seconds, "-c:a", "libopus", "-b:a", "32k", "-application", "voip", path)
	return readOgg(t, path)
}
