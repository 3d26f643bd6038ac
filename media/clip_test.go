package media

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sent is one frame on its way to a recorder.
type sent struct {
	kind  Kind
	codec Codec
	Frame
}

// ffmpeg runs a program of ffmpeg's and returns what it printed.
func ffmpeg(tb testing.TB, program string, args ...string) string {
	tb.Helper()
	if testing.Short() {
		tb.Skip("runs ffmpeg")
	}
	out, err := exec.CommandContext(tb.Context(), program, args...).CombinedOutput()
	if err != nil {
		tb.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// clipVideo makes a moving test picture, every frame unlike all others.
func clipVideo(tb testing.TB, codec Codec, size, seconds, keyEvery string) []sent {
	tb.Helper()
	return clip(string(codec)+size+keyEvery, seconds, func() []sent { return makeVideo(tb, codec, size, keyEvery) })
}

// clips holds what was made once for all tests; nobody changes it.
var clips sync.Map

func clip(name, seconds string, create func() []sent) []sent {
	made, ok := clips.Load(name)
	if !ok {
		made = create()
		clips.Store(name, made)
	}
	end, err := strconv.ParseFloat(seconds, 64)
	return keep(made.([]sent), func(s sent) bool { return err == nil && s.Time.Seconds() < end })
}

func makeVideo(tb testing.TB, codec Codec, size, keyEvery string) []sent {
	tb.Helper()
	encoder := "libvpx"
	if codec == CodecVP9 {
		encoder = "libvpx-vp9"
	}
	seconds := "40"
	if size != "160x120" { // the long clips are of this size
		seconds = "4"
	}
	path := filepath.Join(tb.TempDir(), "clip.ivf")
	ffmpeg(tb, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size="+size+":rate=30", "-t", seconds,
		"-c:v", encoder, "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-auto-alt-ref", "0",
		"-b:v", "600k", "-g", keyEvery, "-keyint_min", keyEvery, "-f", "ivf", path)
	return readIVF(tb, path, codec)
}

// readIVF reads frames as ffmpeg writes them: a 32-byte header, then size, time and payload of each.
func readIVF(tb testing.TB, path string, codec Codec) []sent {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	scale := int64(binary.LittleEndian.Uint32(b[20:]))
	rate := int64(binary.LittleEndian.Uint32(b[16:]))
	var frames []sent
	for b = b[32:]; len(b) > 0; {
		size := binary.LittleEndian.Uint32(b)
		pts := int64(binary.LittleEndian.Uint64(b[4:]))
		f := Frame{Time: time.Duration(pts * int64(time.Second) * scale / rate), Payload: b[12 : 12+size]}
		if codec == CodecVP8 {
			f.Key = f.Payload[0]&1 == 0
		} else {
			f.Key = f.Payload[0]&0x04 == 0 // profile 0: marker 10, profile 00, not shown, key
		}
		f.Width, f.Height = keyFrameSize(codec, f.Key, f.Payload)
		frames = append(frames, sent{KindVideo, codec, f})
		b = b[12+size:]
	}
	return frames
}

// clipAudio makes a tone as Opus packets of 20 ms.
func clipAudio(tb testing.TB, seconds string) []sent {
	tb.Helper()
	return clip("sound", seconds, func() []sent { return makeAudio(tb) })
}

func makeAudio(tb testing.TB) []sent {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "clip.ogg")
	ffmpeg(tb, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", "40",
		"-c:a", "libopus", "-b:a", "32k", "-application", "voip", path)
	return readOgg(tb, path)
}

// readOgg reads packets of 20 ms from their pages.
func readOgg(tb testing.TB, path string) []sent {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var frames []sent
	var packet []byte
	for packets := 0; len(b) > 0; {
		lacing := b[27 : 27+int(b[26])]
		b = b[27+len(lacing):]
		for _, n := range lacing {
			packet = append(packet, b[:n]...)
			b = b[n:]
			if n == 255 {
				continue
			}
			if packets++; packets > 2 { // OpusHead and OpusTags come first
				at := time.Duration(len(frames)) * 20 * time.Millisecond
				frames = append(frames, sent{KindAudio, CodecOpus, Frame{
					Time: at, Duration: 20 * time.Millisecond, Key: true, Payload: packet,
				}})
			}
			packet = nil
		}
	}
	return frames
}

func absolute(d time.Duration) time.Duration { return max(d, -d) }

// shift moves frames in media time.
func shift(frames []sent, by time.Duration) []sent {
	moved := slices.Clone(frames)
	for i := range moved {
		moved[i].Time += by
	}
	return moved
}

// keep returns the frames for which ok is true.
func keep(frames []sent, ok func(sent) bool) []sent {
	return slices.DeleteFunc(slices.Clone(frames), func(s sent) bool { return !ok(s) })
}

// merge orders frames of both kinds by time.
func merge(tracks ...[]sent) []sent {
	all := slices.Concat(tracks...)
	slices.SortStableFunc(all, func(a, b sent) int { return cmp.Compare(a.Time, b.Time) })
	return all
}

// record sends the frames at their own pace, in a bubble where time costs nothing.
func record(t *testing.T, frames []sent) *memStore {
	t.Helper()
	store := &memStore{}
	synctest.Test(t, func(t *testing.T) {
		r := NewRecorder(RecorderConfig{Session: testSession, Epoch: 1, Store: store, Permit: capturePermit})
		done := make(chan error, 1)
		go func() { done <- r.Run(t.Context()) }()
		send(r, frames)
		r.Finish()
		if err := <-done; err != nil {
			t.Errorf("recorder: %v", err)
		}
		if r.Lost() != 0 {
			t.Errorf("recorder lost %d frames", r.Lost())
		}
	})
	if store.open != 0 {
		t.Errorf("%d segments are still open", store.open)
	}
	return store
}

// pass lets time go by inside a bubble of testing/synctest, where nobody waits for it.
func pass(d time.Duration) {
	if time.Now().Year() > 2010 { // a bubble begins with the year 2000
		panic("pass is for tests in a bubble: elsewhere, wait for a signal")
	}
	time.Sleep(d) //nolint:forbidigo // the clock of a bubble moves by itself
}

func send(r *Recorder, frames []sent) {
	start := time.Now()
	for _, f := range frames {
		pass(time.Until(start.Add(f.Time)))
		r.Put(f.kind, f.codec, f.Frame)
	}
}

// writeFile puts a composed file where ffmpeg finds it.
func writeFile(tb testing.TB, content []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "recording.webm")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// decodes fails the test unless ffmpeg decodes the file without a word.
func decodes(tb testing.TB, path string) {
	tb.Helper()
	if said := ffmpeg(tb, "ffmpeg", "-v", "warning", "-i", path, "-f", "null", "-"); said != "" {
		tb.Errorf("ffmpeg says about the file:\n%s", said)
	}
}

// seen is one packet as ffmpeg reads it from a file.
type seen struct {
	at   time.Duration
	hash string
}

// packets lists the packets of the stream ("a" or "v"), without the silence that playback makes up,
// which it counts.
func packets(tb testing.TB, path, stream string) (list []seen, madeUp int) {
	tb.Helper()
	quiet := md5.Sum(silence[:])
	for line := range strings.Lines(ffmpeg(tb, "ffprobe", "-v", "error", "-select_streams", stream, "-show_data_hash", "md5",
		"-show_entries", "packet=pts_time,data_hash", "-of", "csv=p=0", path)) {
		fields := strings.Split(strings.TrimSpace(line), ",")
		if len(fields) < 2 {
			tb.Fatalf("packet %q", line)
		}
		seconds, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			tb.Fatalf("packet %q: %v", line, err)
		}
		hash := strings.TrimPrefix(fields[1], "MD5:")
		if hash == hex.EncodeToString(quiet[:]) {
			madeUp++
			continue
		}
		list = append(list, seen{time.Duration(seconds*1e6) * time.Microsecond, hash})
	}
	return list, madeUp
}

func hashes(framemd5 string) []string {
	var list []string
	for line := range strings.Lines(framemd5) {
		if fields := strings.Split(line, ","); len(fields) == 6 && line[0] != '#' {
			list = append(list, strings.TrimSpace(fields[5]))
		}
	}
	return list
}

// samePackets fails the test unless the stream holds exactly the frames, each at its time. WebM's times of
// Opus are ahead by the encoder's look-ahead of 6.5 ms. It returns how many packets were made up.
func samePackets(tb testing.TB, path, stream string, want []sent) int {
	tb.Helper()
	got, madeUp := packets(tb, path, stream)
	if len(got) != len(want) {
		tb.Errorf("stream %s: %d packets, want %d", stream, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		sum := md5.Sum(want[i].Payload)
		if got[i].hash != hex.EncodeToString(sum[:]) {
			tb.Errorf("stream %s: packet %d is not the one sent", stream, i)
			break
		}
		if absolute(got[i].at-want[i].Time) > 8*time.Millisecond {
			tb.Errorf("stream %s: packet %d is at %v, sent at %v", stream, i, got[i].at, want[i].Time)
			break
		}
	}
	return madeUp
}

func probe(tb testing.TB, path, entries string) string {
	tb.Helper()
	return strings.TrimSpace(ffmpeg(tb, "ffprobe", "-v", "error", "-show_entries", entries, "-of", "csv=p=0", path))
}

// sameBytes is bytes.Equal with a useful failure.
func sameBytes(tb testing.TB, what string, got, want []byte) {
	tb.Helper()
	if bytes.Equal(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			tb.Fatalf("%s: differs at byte %d of %d (want %d)", what, i, len(got), len(want))
		}
	}
	tb.Fatalf("%s: %d bytes, want %d", what, len(got), len(want))
}
